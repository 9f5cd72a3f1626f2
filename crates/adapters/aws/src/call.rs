//! One call: wait for its turn, send, and send again where that can help.
//!
//! The SDK's own retries are off: pacing must see every throttle, and jitter must come from our
//! seed so that a run can be repeated.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use fleetwright_model::code;
use fleetwright_model::{ErrorClass, Failure};
use fleetwright_ports::Clock;
use futures::future::{Either, select};
use jiff::{SignedDuration, Timestamp};
use tracing::{Instrument, debug};

use crate::audit::Change;
use crate::classify::{Stage, Trouble, classify, timed_out, trouble};
use crate::governor::{Governor, Outcome};
use crate::operation::{Effect, Operation, Repeat};
use crate::options::{AwsOptions, Clocks};
use crate::place::Place;
use crate::trace;

/// Upper bound of the first wait between attempts.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// Upper bound of every wait between attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// What a call is made within.
#[derive(Clone, Copy, Default)]
pub(crate) struct Bounds<'a> {
    /// When its credentials' time is over.
    pub(crate) valid_until: Option<Timestamp>,
    /// What is recorded around it.
    pub(crate) change: Option<Change<'a>>,
    /// How long an attempt may take, where that is not what all may.
    pub(crate) limit: Option<Duration>,
}

/// Makes calls: paced, limited in time, repeated.
pub(crate) struct Caller {
    pub(crate) clock: Arc<dyn Clock>,
    /// What credentials live by: the same clock, unless it was said otherwise.
    pub(crate) credential_clock: Arc<dyn Clock>,
    pub(crate) options: Arc<AwsOptions>,
    pub(crate) governor: Governor,
}

impl Caller {
    pub(crate) fn new(options: Arc<AwsOptions>, clocks: Clocks) -> Self {
        let Clocks { work: clock, credentials: credential_clock } = clocks;
        let governor = Governor::new(Arc::clone(&options), Arc::clone(&clock));
        Self { clock, credential_clock, options, governor }
    }

    /// Makes a call that is not recorded; see [`Caller::carry_out`].
    ///
    /// # Errors
    /// As [`Caller::carry_out`].
    pub(crate) async fn call<T, E, F>(
        &self,
        operation: &'static Operation,
        place: &Place,
        valid_until: Option<Timestamp>,
        send: impl FnMut() -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let bounds = Bounds { valid_until, ..Bounds::default() };
        self.carry_out(operation, place, bounds, send, &|_: &T| None).await
    }

    /// Makes a call of `operation`, sending it with `send` as often as it takes, but never after its
    /// credentials' time is over, and never again where it would be done twice. Each attempt at a change
    /// is recorded by itself; `request_id` reads the service's id of the request off an answer.
    ///
    /// # Errors
    /// The last failure, with the number of attempts: at once where trying again cannot help, after
    /// `max_attempts` otherwise. [`ErrorClass::Ambiguous`] where the call changes something and an
    /// attempt may have taken effect.
    pub(crate) async fn carry_out<T, E, F>(
        &self,
        operation: &'static Operation,
        place: &Place,
        bounds: Bounds<'_>,
        mut send: impl FnMut() -> F,
        request_id: &impl Fn(&T) -> Option<&str>,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        if operation.mutates() && self.options.dry_run {
            return Err(held_back(operation));
        }
        self.governor.count(operation, |usage| usage.calls += 1);
        let (mut attempt, mut doubt) = (1, false);
        loop {
            let missed = match self.attempt(operation, place, bounds, attempt, &mut send, request_id).await {
                Ok(answer) => return Ok(answer),
                Err(missed) => missed,
            };
            doubt |= operation.mutates() && missed.doubt;
            let sent = if missed.number.is_some() { attempt } else { attempt - 1 };
            let failure = Failure { attempts: sent, ..missed.failure };
            let again = matches!(failure.class, ErrorClass::Throttled | ErrorClass::Transient)
                && attempt < self.options.max_attempts
                && !(doubt && operation.effect == Effect::Changes(Repeat::Never));
            let Some(number) = missed.number.filter(|_| again) else {
                self.governor.count(operation, |usage| usage.failures += u64::from(missed.number.is_some()));
                return Err(if doubt { in_doubt(failure) } else { failure });
            };
            let wait = back_off(attempt, seed(self.options.seed, operation, place, number));
            debug!(%place, %failure, ?wait, "trying again");
            self.clock.sleep(wait).await;
            attempt += 1;
        }
    }

    /// One attempt, when its turn comes.
    async fn attempt<T, E, F>(
        &self,
        operation: &'static Operation,
        place: &Place,
        bounds: Bounds<'_>,
        attempt: u32,
        send: &mut impl FnMut() -> F,
        request_id: &impl Fn(&T) -> Option<&str>,
    ) -> Result<T, Missed>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let admission = self.governor.admit(operation, place).await;
        let limit = bounds.limit.unwrap_or(self.options.timeout);
        if self.is_too_late(operation, bounds.valid_until, limit) {
            return Err(Missed { failure: expired(operation), doubt: false, number: None });
        }
        let record = match &bounds.change {
            None => None,
            Some(change) => {
                let recorded = change.before(operation, place, attempt, self.clock.now()).await;
                Some(recorded.map_err(|failure| Missed { failure, doubt: false, number: None })?)
            }
        };
        let span = trace::call(operation, place, attempt);
        // Boxed: callers within callers would else be one type deeper than the compiler goes.
        let answer = Box::pin(self.within(limit, send()).instrument(span.clone())).await;
        let outcome = outcome(operation, &answer);
        trace::ended(&span, outcome, answer.is_err());
        self.governor.ended(operation, &admission, outcome);
        if let (Some(change), Some(record)) = (&bounds.change, record) {
            change.after(operation, record, answer.as_ref().map(request_id), self.clock.now());
        }
        answer.map_err(|trouble| Missed {
            doubt: trouble.may_have_taken_effect(),
            failure: classify(operation, trouble),
            number: Some(admission.number()),
        })
    }

    /// True when the credentials do not outlive the call: for one that changes something, its answer
    /// must come within their time too.
    fn is_too_late(&self, operation: &Operation, valid_until: Option<Timestamp>, limit: Duration) -> bool {
        let needed = if operation.mutates() { limit } else { Duration::ZERO };
        let needed = SignedDuration::try_from(needed).unwrap_or(SignedDuration::MAX);
        valid_until.is_some_and(|end| end.duration_since(self.credential_clock.now()) <= needed)
    }

    /// One attempt, given up when its time is over.
    async fn within<T, E>(
        &self,
        limit: Duration,
        attempt: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, Trouble>
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let attempt = std::pin::pin!(attempt);
        match select(attempt, self.clock.sleep(limit)).await {
            Either::Left((answer, _)) => answer.map_err(trouble),
            Either::Right(((), _)) => Err(timed_out(limit)),
        }
    }
}

/// An attempt that gave nothing.
struct Missed {
    failure: Failure,
    /// It may have taken effect nevertheless.
    doubt: bool,
    /// The number of its admission; none where it was not sent.
    number: Option<u64>,
}

/// Waiting outlasted the credentials; nothing was sent.
fn expired(operation: &Operation) -> Failure {
    let message = "the session expired while the call waited for its turn";
    Failure::new(ErrorClass::Denied, &code::EXPIRED_CREDENTIALS, operation.iam, message)
}

/// A dry run was about to change something; nothing was sent.
fn held_back(operation: &Operation) -> Failure {
    let message = "not sent: a dry run changes nothing, so this call should not have been made";
    let failure = Failure::new(ErrorClass::Permanent, &code::INTERNAL, operation.iam, message);
    Failure { attempts: 0, ..failure }
}

/// The failure of a call that may have changed something nevertheless.
fn in_doubt(failure: Failure) -> Failure {
    Failure { class: ErrorClass::Ambiguous, code: &code::REPLY_LOST, ..failure }
}

fn outcome<T>(operation: &Operation, answer: &Result<T, Trouble>) -> Outcome {
    match answer {
        Ok(_) => Outcome::Answered,
        Err(trouble) if classify(operation, trouble.clone()).class == ErrorClass::Throttled => {
            Outcome::Throttled
        }
        Err(trouble) if trouble.stage == Stage::Refused => Outcome::Answered,
        Err(_) => Outcome::Unknown,
    }
}

/// Exponential back-off with full jitter after the given attempt (counted from 1).
/// Source: AWS Architecture Blog, "Exponential Backoff And Jitter".
fn back_off(attempt: u32, seed: u64) -> Duration {
    let ceiling = FIRST_WAIT.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(LONGEST_WAIT);
    let ceiling = u64::try_from(ceiling.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(mixed(seed.wrapping_add(u64::from(attempt))) % (ceiling + 1))
}

/// A seed that depends on the call alone, not on what else runs at the same time.
fn seed(root: u64, operation: &Operation, place: &Place, number: u64) -> u64 {
    let name = format!("{}@{place}#{number}", operation.iam);
    name.bytes().fold(mixed(root), |state, byte| mixed(state ^ u64::from(byte)))
}

/// SplitMix64's output function: every bit of the result depends on every bit of `state`.
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
fn mixed(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_off_grows_with_the_attempts_and_stays_bounded() {
        for seed in 0..200 {
            for attempt in 1..40 {
                let ceiling = FIRST_WAIT.saturating_mul(1 << (attempt - 1).min(16)).min(LONGEST_WAIT);
                assert!(back_off(attempt, seed) <= ceiling);
            }
        }
        let late: Duration = (0..200).map(|seed| back_off(12, seed)).sum();
        assert!(late > Duration::from_secs(200 * 8), "the mean of full jitter is half the ceiling");
    }

    #[test]
    fn the_same_seed_waits_the_same_and_another_waits_otherwise() {
        assert_eq!(back_off(5, 7), back_off(5, 7));
        assert!((0..10).any(|seed| back_off(5, seed) != back_off(5, 7)));
    }
}
