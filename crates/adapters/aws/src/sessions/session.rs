use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use fleetwright_ports::Identity;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::OnceCell;

/// Sessions are renewed this long before they expire, or after three quarters of a shorter life.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// Credentials and what is known about them.
pub(crate) struct Session {
    credentials: Credentials,
    /// The profile its first credentials came from.
    pub(crate) profile: Option<String>,
    /// Tells sessions apart.
    pub(crate) number: u64,
    /// When AWS stops taking it.
    pub(crate) expires: Option<Timestamp>,
    /// From when on it should be renewed.
    renew_from: Option<Timestamp>,
    /// Whom it belongs to.
    pub(crate) identity: OnceCell<Identity>,
    /// Filled when STS has confirmed the session in its home region.
    pub(crate) confirmed: OnceCell<()>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("number", &self.number)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// A session obtained `now`, of a known identity or one to be asked for.
    pub(crate) fn new(
        credentials: Credentials,
        profile: Option<String>,
        expires: Option<Timestamp>,
        now: Timestamp,
        identity: Option<Identity>,
    ) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let renew_from = expires.map(|expires| {
            let life = expires.duration_since(now);
            expires.checked_sub(MARGIN.min(life / 4)).unwrap_or(expires)
        });
        Self {
            credentials,
            profile,
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            expires,
            renew_from,
            identity: OnceCell::new_with(identity),
            confirmed: OnceCell::new(),
        }
    }

    /// True until the session should be renewed.
    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        self.renew_from.is_none_or(|from| now < from)
    }

    /// True when AWS does not take it any more.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| now >= expires)
    }

    /// True for temporary credentials.
    pub(crate) fn is_temporary(&self) -> bool {
        self.credentials.session_token().is_some()
    }

    /// The credentials for one client. Without their expiry: the session is judged here, on our
    /// clock.
    pub(crate) fn provider(&self) -> SharedCredentialsProvider {
        SharedCredentialsProvider::new(self.credentials.clone())
    }
}

/// Credentials as the SDK takes them, without an expiry of their own.
pub(crate) fn credentials(
    id: impl Into<String>,
    secret: impl Into<String>,
    token: Option<String>,
) -> Credentials {
    Credentials::new(id, secret, token, None, "fleetwright")
}

/// How long assumed sessions may be asked to last, in seconds.
/// Source: STS API reference, AssumeRole, DurationSeconds, and "role chaining".
pub(crate) fn duration_seconds(wanted: Duration, base: &Session) -> i32 {
    let longest = if base.is_temporary() { 3_600 } else { 43_200 };
    i32::try_from(wanted.as_secs()).unwrap_or(i32::MAX).clamp(900, longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(life_minutes: i64, token: Option<&str>) -> (Session, Timestamp) {
        let now: Timestamp = "2026-11-01T02:00:00Z".parse().expect("valid");
        let expires = now + SignedDuration::from_mins(life_minutes);
        let credentials = credentials("id", "secret", token.map(str::to_owned));
        (Session::new(credentials, None, Some(expires), now, None), now)
    }

    #[test]
    fn a_session_is_renewed_five_minutes_early_and_a_short_one_after_three_quarters() {
        for (life, renewed) in [(60, 55), (720, 715), (12, 9)] {
            let (session, start) = session(life, None);
            let at = start + SignedDuration::from_mins(renewed);
            assert!(session.is_fresh(at - SignedDuration::from_secs(1)) && !session.is_fresh(at), "{life}");
            assert!(!session.is_over(at), "{life}");
        }
    }

    #[test]
    fn chained_roles_last_an_hour_at_most() {
        let (chained, _) = session(60, Some("token"));
        let (first, _) = session(60, None);
        let wanted = Duration::from_secs(4 * 3_600);
        assert_eq!(duration_seconds(wanted, &chained), 3_600);
        assert_eq!(duration_seconds(wanted, &first), 14_400);
        assert_eq!(duration_seconds(Duration::from_secs(1), &first), 900);
    }
}
