//! Whether and when a failed attempt is made again.

use std::time::Duration;

use fleetwright_model::{ErrorClass, Text};
use jiff::Timestamp;

use super::Run;
use crate::plan::{TargetId, When};
use crate::record::{Direction, Event, FailedStep};

/// The longest message a failure keeps, in characters.
const LONGEST_MESSAGE: usize = 600;

impl Run {
    /// The record of a failed attempt, with the time of the next one where there is to be one.
    ///
    /// Throttled, transient, ambiguous and conflicting attempts are made again as long as the step
    /// has any left; the others are final. In a cancelled run only what puts something back is tried
    /// again.
    pub fn failure(
        &self,
        target: TargetId,
        class: ErrorClass,
        code: impl Into<Text>,
        message: &str,
        now: Timestamp,
    ) -> Event {
        let walk = self.walk(target);
        let step = self.step_of(target);
        let goes_on = !self.is_cancelled() || step.when != When::InTurn;
        let again = goes_on && is_retryable(class) && walk.attempt < step.retry.attempts;
        let retry_at = again.then(|| now.checked_add(self.delay(target)).unwrap_or(Timestamp::MAX));
        let message: String = message
            .chars()
            .take(LONGEST_MESSAGE)
            .map(|character| if character.is_control() { ' ' } else { character })
            .collect();
        Event::Failed {
            target,
            step: walk.step,
            direction: walk.course.direction(),
            failure: FailedStep { class, code: code.into(), message: message.into(), retry_at },
        }
    }

    /// Between half and the whole of `base · 2^(attempt−1)`, capped: late enough to let the other side
    /// recover, and never in step with the neighbours. The jitter is drawn from the plan's seed, so
    /// that the same run has the same record.
    fn delay(&self, id: TargetId) -> Duration {
        let walk = self.walk(id);
        let retry = self.step_of(id).retry;
        let doublings = u32::from(walk.attempt.saturating_sub(1)).min(32);
        let whole = (u64::from(retry.base_seconds) << doublings).min(u64::from(retry.cap_seconds)) * 1000;
        let way = match walk.course.direction() {
            Direction::Do => 0,
            Direction::Undo => 1,
        };
        let draw = [u64::from(id.0), way, u64::from(walk.step.0), u64::from(walk.attempt)]
            .into_iter()
            .fold(self.plan.seed, |state, word| scramble(state ^ scramble(word)));
        let half = whole / 2;
        Duration::from_millis(half + draw % (whole - half + 1))
    }
}

fn is_retryable(class: ErrorClass) -> bool {
    match class {
        ErrorClass::Throttled | ErrorClass::Transient | ErrorClass::Ambiguous | ErrorClass::Conflict => true,
        ErrorClass::Denied | ErrorClass::NotFound | ErrorClass::Permanent => false,
    }
}

/// The output function of SplitMix64: every bit of the input moves every bit of the output.
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
fn scramble(state: u64) -> u64 {
    let mut mixed = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
