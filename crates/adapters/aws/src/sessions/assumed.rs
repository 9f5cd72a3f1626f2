use std::sync::Arc;

use aws_sdk_sts::operation::assume_role::AssumeRoleOutput;
use fleetwright_model::code;
use fleetwright_model::{AccountId, ErrorClass, Failure, RoleArn, Zone};
use fleetwright_ports::Identity;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::Sessions;
use super::session::{Session, credentials, duration_seconds};
use crate::operations::ASSUME_ROLE;
use crate::sdk_time::timestamp;

/// A role that refused us is not asked again for this long: every cell of a zone asks.
const REFUSAL_MEMORY: SignedDuration = SignedDuration::from_secs(30);
/// The longest session every role allows, in seconds.
const SAFE_DURATION: i32 = 3_600;

/// The session of one role. Whoever asks while it is being obtained waits for the same answer.
#[derive(Default)]
pub(super) struct Role {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    current: Option<Arc<Session>>,
    refused: Option<(Timestamp, Failure)>,
}

impl Role {
    pub(super) async fn session(&self, sessions: &Sessions, zone: &Zone) -> Result<Arc<Session>, Failure> {
        let mut state = self.state.lock().await;
        let now = sessions.caller.credential_clock.now();
        if let Some(session) = state.current.as_ref().filter(|session| session.is_fresh(now)) {
            return Ok(Arc::clone(session));
        }
        if let Some((until, failure)) = &state.refused
            && now < *until
        {
            return Err(failure.clone());
        }
        match assume(sessions, zone).await {
            Ok(session) => {
                let session = Arc::new(session);
                *state = State { current: Some(Arc::clone(&session)), refused: None };
                Ok(session)
            }
            Err(failure) => {
                let now = sessions.caller.credential_clock.now();
                let again = matches!(failure.class, ErrorClass::Throttled | ErrorClass::Transient);
                // A session that AWS still takes is better than none.
                if let Some(session) = state.current.as_ref().filter(|session| again && !session.is_over(now))
                {
                    return Ok(Arc::clone(session));
                }
                if !again {
                    state.refused = Some((now + REFUSAL_MEMORY, failure.clone()));
                }
                Err(failure)
            }
        }
    }

    /// Drops the session if it is still the current one.
    pub(super) async fn forget(&self, session: &Session) {
        let mut state = self.state.lock().await;
        if state.current.as_ref().is_some_and(|current| current.number == session.number) {
            state.current = None;
        }
    }
}

/// Assumes the zone's role; where the first credentials turn out to be expired, once more with
/// renewed ones.
async fn assume(sessions: &Sessions, zone: &Zone) -> Result<Session, Failure> {
    let role = zone.access.role.as_ref().expect("asked only for zones with a role");
    let profile = zone.access.profile.as_deref();
    let mut base = sessions.of_profile(profile).await?;
    let mut answer = request(sessions, zone, role, &base).await;
    if matches!(&answer, Err(failure) if failure.code == &code::EXPIRED_CREDENTIALS) {
        sessions.forget_profile(profile, &base).await;
        base = sessions.of_profile(profile).await?;
        answer = request(sessions, zone, role, &base).await;
    }
    let answer = answer.map_err(|failure| refusal(role, failure))?;
    session(answer, role, &base, sessions.caller.credential_clock.now())
}

/// AssumeRole, falling back to an hour where the role does not allow as long as the settings ask.
async fn request(
    sessions: &Sessions,
    zone: &Zone,
    role: &RoleArn,
    base: &Session,
) -> Result<AssumeRoleOutput, Failure> {
    let options = &sessions.caller.options;
    let place = sessions.home(base, Some(role)).await;
    let client: aws_sdk_sts::Client = sessions.client(base, &place).await;
    let send = |seconds: i32| {
        let request = client
            .assume_role()
            .role_arn(role.as_str())
            .role_session_name(session_name(&options.session_name))
            .set_external_id(zone.access.external_id.as_ref().map(|id| id.reveal().to_owned()))
            .duration_seconds(seconds);
        sessions.caller.call(&ASSUME_ROLE, &place, base.expires, move || request.clone().send())
    };
    let seconds = duration_seconds(options.session_duration, base);
    let answer = send(seconds).await;
    let too_long = |failure: &Failure| {
        failure.service_code.as_deref() == Some("ValidationError")
            && failure.message.contains("DurationSeconds")
    };
    if seconds > SAFE_DURATION && answer.as_ref().is_err_and(too_long) {
        return send(SAFE_DURATION).await;
    }
    answer
}

/// The failure of AssumeRole, naming the role.
fn refusal(role: &RoleArn, failure: Failure) -> Failure {
    let refused = failure.code == &code::DENIED;
    let code = if refused { &code::ROLE_REFUSED } else { failure.code };
    let message = if failure.message.contains(role.as_str()) {
        failure.message
    } else {
        format!("{role}: {}", failure.message)
    };
    Failure { code, message, ..failure }
}

fn session(
    answer: AssumeRoleOutput,
    role: &RoleArn,
    base: &Session,
    now: Timestamp,
) -> Result<Session, Failure> {
    let unexpected = |what: &str| {
        let message = format!("{role}: the answer has {what}");
        Failure::new(ErrorClass::Transient, &code::UNEXPECTED_ANSWER, ASSUME_ROLE.iam, &message)
    };
    let given = answer.credentials.ok_or_else(|| unexpected("no credentials"))?;
    let arn = answer.assumed_role_user.map(|user| user.arn).ok_or_else(|| unexpected("no session ARN"))?;
    let account = account_of(&arn).ok_or_else(|| unexpected("a session ARN without an account"))?;
    let expires = timestamp(&given.expiration).ok_or_else(|| unexpected("an impossible expiry"))?;
    let plain = credentials(given.access_key_id, given.secret_access_key, Some(given.session_token));
    let identity = Identity { account, arn };
    Ok(Session::new(plain, base.profile.clone(), Some(expires), now, Some(identity)))
}

/// The account of an ARN.
pub(crate) fn account_of(arn: &str) -> Option<AccountId> {
    AccountId::new(arn.split(':').nth(4)?).ok()
}

/// A session name STS takes: 2 to 64 characters of letters, digits and `_+=,.@-`.
/// Source: STS API reference, AssumeRole, RoleSessionName.
fn session_name(wanted: &str) -> String {
    let legal = |c: char| if c.is_ascii_alphanumeric() || "_+=,.@-".contains(c) { c } else { '-' };
    let name: String = wanted.chars().map(legal).take(64).collect();
    if name.len() < 2 { "fleetwright".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_names_are_made_legal() {
        assert_eq!(session_name("fleetwright scan/2026"), "fleetwright-scan-2026");
        assert_eq!(session_name(&"x".repeat(100)).len(), 64);
        assert_eq!(session_name(""), "fleetwright");
    }

    #[test]
    fn the_account_of_a_session_is_read_from_its_arn() {
        let account = account_of("arn:aws-us-gov:sts::011122223333:assumed-role/ops/fleetwright");
        assert_eq!(account.expect("there").as_str(), "011122223333");
        assert_eq!(account_of("nonsense"), None);
    }
}
