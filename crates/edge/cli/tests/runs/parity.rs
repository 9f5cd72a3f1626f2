//! The two drivers of a run: one process that stays until it is over, and turns as Step Functions takes them. What
//! they leave on record is the same.

use std::collections::BTreeMap;
use std::time::Duration;

use fleetwright::staged_run::StagedRun;
use fleetwright_engine::{AtGates, Control};
use fleetwright_flow::{Event, Record, Signal};
use fleetwright_stepfn::{Next, Pace};

/// Who drives a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Driver {
    /// One process, to the end.
    Stay,
    /// Turn after turn, with the waits between them that the machine makes.
    Turns,
}

/// Drives the run to its end.
pub(crate) async fn drive(driver: Driver, staged: &StagedRun, at_gates: AtGates) {
    match driver {
        Driver::Stay => {
            let concluded = staged.drive(&Control::new("a test", at_gates)).await;
            concluded.expect("driven to an end");
        }
        Driver::Turns => turns(staged, at_gates).await,
    }
}

/// What the state machine does: a turn, and as long a wait as it says; a decision ends the wait at once.
async fn turns(staged: &StagedRun, at_gates: AtGates) {
    let (clock, journal) = (&staged.stage.clock, &staged.state.journal);
    let letters = async || journal.mail(&staged.run, 0).await.expect("the run is there").len();
    // Close behind one another, so that what happens in the world finds the same hosts in the same places.
    let pace = Pace { apart: Duration::from_secs(1), ..Pace::default() };
    loop {
        let taken = staged.turn(at_gates.clone(), &pace, 1).await.expect("a turn");
        match taken.next {
            Next::Over { .. } => return,
            Next::Wait { seconds } => clock.sleep(Duration::from_secs(seconds.into())).await,
            Next::Decision { seconds } => {
                let before = letters().await;
                for _ in 0..seconds.div_ceil(5) {
                    clock.sleep(Duration::from_secs(5)).await;
                    if letters().await > before {
                        break;
                    }
                }
            }
        }
    }
}

/// Scenarios whose faults fall on every n-th call, whoever makes it: who has to try again is chance there.
const BY_CHANCE: [&str; 1] = ["run-lost-replies"];

/// What happened to whom, sorted: no times, nothing of who drove, and none of the ids that AWS gave.
pub(crate) fn story(name: &str, staged: &StagedRun, records: &[Record]) -> Vec<String> {
    let tries = !BY_CHANCE.contains(&name);
    let subject =
        |target: &fleetwright_flow::TargetId| staged.document.plan().flow.target(*target).subject.clone();
    let told = |record: &Record| {
        Some(match &record.event {
            Event::Owner { .. } | Event::Observed { .. } => return None,
            Event::Started { attempt: 2.., .. } if !tries => return None,
            Event::Failed { failure, .. } if !tries && failure.retry_at.is_some() => return None,
            Event::Started { target, step, direction, attempt } => {
                format!("{} started {step:?} {direction:?} attempt {attempt}", subject(target))
            }
            Event::Accepted { target, step, direction, .. } => {
                format!("{} accepted {step:?} {direction:?}", subject(target))
            }
            Event::Succeeded { target, step, direction, finding, .. } => {
                format!("{} succeeded {step:?} {direction:?} {finding:?}", subject(target))
            }
            Event::Failed { target, step, direction, failure } => {
                let (class, code, again) = (failure.class, &failure.code, failure.retry_at.is_some());
                format!("{} failed {step:?} {direction:?} {class:?} {code} again {again}", subject(target))
            }
            Event::Skipped { target, step, direction, scope, code } => {
                format!("{} skipped {step:?} {direction:?} {scope:?} {code}", subject(target))
            }
            Event::GateReached { stage, .. } => format!("gate reached {stage:?}"),
            // Who stays hears a calendar announce that it closes; who comes by finds it closed.
            Event::Signalled { signal: Signal::Freeze, by, .. } => format!("{by} says freeze"),
            Event::Signalled { signal, by, reason, .. } => format!("{by} says {signal:?} {reason:?}"),
            event => format!("{event:?}"),
        })
    };
    let mut story: Vec<String> = records.iter().filter_map(told).collect();
    story.sort();
    story
}

/// What only one of two sorted stories tells, or tells more often.
pub(crate) fn difference(stayed: &[String], turned: &[String]) -> Vec<String> {
    let mut count: BTreeMap<&String, i64> = BTreeMap::new();
    stayed.iter().for_each(|line| *count.entry(line).or_default() -= 1);
    turned.iter().for_each(|line| *count.entry(line).or_default() += 1);
    let told = |(line, more): (&String, i64)| match more {
        0 => None,
        1.. => Some(format!("turns only: {line}")),
        _ => Some(format!("stay only: {line}")),
    };
    count.into_iter().filter_map(told).collect()
}
