//! One turn: a visit to the run, and what the state machine does next.

use std::sync::Arc;
use std::time::Duration;

use fleetwright_engine::{AtGates, Begin, Conclusion, Control, DriveError, Ports, Visit, Watcher, drive};
use fleetwright_flow::{Ending, Plan, Run};
use fleetwright_model::{Code, Exit, Text, code};
use fleetwright_ports::{JournalError, RunId};
use serde::{Deserialize, Serialize};

use crate::machine::ErrorName;
use crate::pace::{MOST_TURNS, Pace};

/// What the machine does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It waits that long, and takes a turn.
    Wait {
        /// Seconds.
        seconds: u32,
    },
    /// It waits for somebody to decide something, not longer than that, and takes a turn.
    Decision {
        /// Seconds.
        seconds: u32,
    },
    /// The run is over: it reports.
    Over {
        /// How it ended.
        ending: Ending,
    },
}

/// What a turn answers the machine: all that crosses the boundary, the rest is in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// `wait`, `decision` or `over`.
    pub next: Text,
    /// How long it waits.
    pub seconds: u32,
    /// The turn's number in its execution, from 1.
    pub number: u32,
    /// How the run stands: 200 where all is well so far, 206 where a part was done, 500 otherwise.
    pub status: u16,
    /// How a run that is over ended: `complete`, `partial`, `halted`, `rejected`, `aborted`, `stuck`.
    pub ending: Text,
}

impl Answer {
    /// The names of its fields.
    pub const FIELDS: [&'static str; 5] = ["next", "seconds", "number", "status", "ending"];

    /// What the machine is told after this turn of a run that, as a whole, would exit so if it ended now.
    pub fn of(next: Next, number: u32, exit: Exit) -> Self {
        let (named, seconds) = match next {
            Next::Wait { seconds } => ("wait", seconds),
            Next::Decision { seconds } => ("decision", seconds),
            Next::Over { .. } => ("over", 0),
        };
        let (status, ending) = match next {
            Next::Wait { .. } | Next::Decision { .. } => (200, ""),
            Next::Over { ending } => how_it_ended(ending, exit),
        };
        Self { next: named.into(), seconds, number, status, ending: ending.into() }
    }
}

/// The status and the name of a run's end.
fn how_it_ended(ending: Ending, exit: Exit) -> (u16, &'static str) {
    match (exit, ending) {
        (Exit::Stuck, _) => (500, "stuck"),
        (_, Ending::Halted) => (500, "halted"),
        (_, Ending::Rejected) => (500, "rejected"),
        (_, Ending::Aborted) => (500, "aborted"),
        (Exit::Success | Exit::Nothing, Ending::Complete) => (200, "complete"),
        (_, Ending::Complete) => (206, "partial"),
    }
}

/// A turn that was taken.
#[derive(Debug)]
pub struct Taken {
    /// What the machine does next.
    pub next: Next,
    /// The run as it is on record.
    pub run: Run,
}

/// Why a turn was not taken, or not to its end. What was done is on record, and the run goes on with the next one.
#[derive(Debug, thiserror::Error)]
pub enum TurnError {
    /// The driver came to a stop.
    #[error(transparent)]
    Drive(#[from] DriveError),
    /// The run cannot be read.
    #[error("the run cannot be read")]
    Journal(#[from] JournalError),
    /// The execution has no room for more turns.
    #[error(
        "{turns} turns were taken, and the execution's history has no room for more; start another execution for the run"
    )]
    NoRoom {
        /// How many.
        turns: u32,
    },
}

impl TurnError {
    /// The code with its page and next step.
    pub fn code(&self) -> &'static Code {
        match self {
            Self::Drive(error) => error.code(),
            Self::Journal(error) => error.code(),
            Self::NoRoom { .. } => &code::HISTORY_FULL,
        }
    }

    /// The name that the machine's `Retry` and `Catch` know it by.
    pub fn name(&self) -> ErrorName {
        match self {
            Self::Drive(DriveError::Owned { .. }) => ErrorName::Owned,
            Self::Drive(DriveError::TakenOver(_)) => ErrorName::TakenOver,
            Self::Drive(DriveError::Journal { source, .. }) | Self::Journal(source) => of_journal(source),
            Self::Drive(_) => ErrorName::Unusable,
            Self::NoRoom { .. } => ErrorName::HistoryFull,
        }
    }
}

fn of_journal(error: &JournalError) -> ErrorName {
    match error {
        JournalError::Owned { .. } => ErrorName::Owned,
        JournalError::Fenced { .. } | JournalError::OutOfSequence { .. } => ErrorName::TakenOver,
        JournalError::Full { .. } | JournalError::Storage { .. } => ErrorName::Transient,
        _ => ErrorName::Unusable,
    }
}

/// Takes a turn: goes on with the run where it stands, does what is due, and leaves it in good order.
///
/// `number` is that of the turn in its execution, from 1. `owner` names the function and its invocation for
/// people. The plan is that of the document that `begin` has the digest of; whoever calls has read the run.
///
/// # Errors
/// [`TurnError`]. Two turns of a run at once are one turn and one [`ErrorName::Owned`].
#[expect(clippy::too_many_arguments, reason = "the parts of a drive, and the two numbers of a turn")]
pub async fn turn(
    ports: Ports,
    name: &RunId,
    plan: Arc<Plan>,
    begin: Begin,
    owner: Text,
    at_gates: AtGates,
    pace: &Pace,
    number: u32,
    watch: &dyn Watcher,
) -> Result<Taken, TurnError> {
    if number > MOST_TURNS {
        return Err(TurnError::NoRoom { turns: number - 1 });
    }
    let clock = Arc::clone(&ports.clock);
    let leave_by = clock.now().checked_add(pace.works).unwrap_or(jiff::Timestamp::MAX);
    let visit = Visit { patience: pace.patience, leave_by, longest_turn: pace.longest_turn };
    let control = Control::visiting(owner, at_gates, visit);
    let concluded = drive(ports, name.clone(), plan, begin, &control, watch).await?;
    let run = concluded.run;
    let in_flight = run.in_flight().next().is_some();
    let seconds = |left: Duration| pace.seconds(number, left, in_flight);
    let next = match concluded.conclusion {
        Conclusion::Closed(ending) => Next::Over { ending },
        Conclusion::Rests { until: Some(at) } => {
            // Where the run's time is ahead of the clock, it waits a little longer than it would have to.
            let left = Duration::try_from(clock.now().duration_until(at)).unwrap_or_default();
            match in_flight || left <= pace.listens {
                true => Next::Wait { seconds: seconds(left) },
                // So long a wait ends at once when somebody decides something.
                false => Next::Decision { seconds: seconds(left) },
            }
        }
        // Nobody interrupts a visit from within, nor leaves it at gates.
        Conclusion::Rests { until: None } | Conclusion::Interrupted | Conclusion::WaitsForApproval(_) => {
            Next::Decision { seconds: seconds(Duration::MAX) }
        }
    };
    Ok(Taken { next, run })
}
