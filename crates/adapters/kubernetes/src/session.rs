//! The caller's token, renewed before it ends.

use std::sync::Arc;

use fleetwright_model::Failure;
use fleetwright_ports::kubernetes::BearerToken;
use fleetwright_ports::{Clock, KubernetesTokens};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

/// So long before its end a token is not used any more.
const SPARE: SignedDuration = SignedDuration::from_secs(60);

/// Who the caller is to one cluster.
pub(crate) struct Session {
    tokens: Arc<dyn KubernetesTokens>,
    current: Mutex<Option<(BearerToken, Timestamp)>>,
}

impl Session {
    pub(crate) fn new(tokens: Arc<dyn KubernetesTokens>) -> Self {
        Self { tokens, current: Mutex::new(None) }
    }

    /// A token that is good for a while.
    ///
    /// # Errors
    /// None can be made.
    pub(crate) async fn token(&self, clock: &dyn Clock) -> Result<BearerToken, Failure> {
        let mut current = self.current.lock().await;
        if let Some((token, until)) = current.as_ref()
            && until.duration_since(clock.now()) > SPARE
        {
            return Ok(token.clone());
        }
        let (token, until) = self.tokens.token().await?;
        *current = Some((token.clone(), until));
        Ok(token)
    }

    /// Makes another token next time; one that came meanwhile stays.
    pub(crate) async fn refused(&self, token: &BearerToken) {
        let mut current = self.current.lock().await;
        if current.as_ref().is_some_and(|(current, _)| current == token) {
            *current = None;
        }
    }
}
