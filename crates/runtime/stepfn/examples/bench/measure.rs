//! One fleet taken through an execution, and everything that is measured of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fleetwright_clock::VirtualClock;
use fleetwright_ports::{Clock, RunId};
use fleetwright_stepfn::{Shape, machine};
use fleetwright_templates::{FUNCTIONS, Function};
use fleetwright_testkit::sample;
use serde_json::json;

use crate::Failed;
use crate::cloud::Cloud;
use crate::execution::{Tally, execute};
use crate::fleet::{Fleet, Size};
use crate::functions::{Answers, Functions, Taken, since};
use crate::pacing::{Calls, Pacing};
use crate::table::{Requests, Table};
use crate::take_up::{Kept, TakenUp};

/// Memory with which a function has one vCPU, in MiB. Source: AWS Lambda Developer Guide, "Configure Lambda function
/// memory".
const ONE_VCPU_MIB: f64 = 1_769.0;

/// What was measured of one size.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) size: Size,
    /// From the first event to the last, in virtual time.
    pub(crate) lasted: Duration,
    /// What making the plan took of a processor. Measured.
    pub(crate) planning: Duration,
    /// What measuring took.
    pub(crate) wall: Duration,
    pub(crate) tally: Tally,
    pub(crate) answers: Answers,
    pub(crate) taken: Vec<Taken>,
    /// Calls of the functions that take no turns.
    pub(crate) other_calls: u64,
    pub(crate) records: u64,
    pub(crate) requests: Requests,
    pub(crate) calls: Calls,
    /// Artefacts put, and their bytes.
    pub(crate) puts: (u64, u64),
    /// What taking the run up in the end takes; none where nobody looked.
    pub(crate) taken_up: Option<TakenUp>,
}

/// The function that takes turns, as the template makes it.
///
/// # Panics
/// When the templates have no such function.
pub(crate) fn turning() -> &'static Function {
    FUNCTIONS.iter().find(|function| function.name == "turn").expect("the templates have it")
}

/// How much of a vCPU it has.
pub(crate) fn share() -> f64 {
    f64::from(turning().memory) / ONE_VCPU_MIB
}

/// What the thread computed so far. Where the system does not tell, wall time.
/// Source: Linux kernel documentation, "Scheduler Statistics", /proc/<pid>/schedstat.
#[expect(clippy::disallowed_methods, reason = "it measures")]
pub(crate) fn cpu() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|text| text.split_whitespace().next()?.parse().ok());
    nanoseconds.map_or_else(|| Duration::from_nanos(wall_nanoseconds()), Duration::from_nanos)
}

#[expect(clippy::disallowed_methods, reason = "it measures")]
fn wall_nanoseconds() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Takes a fleet of that size through an execution. `take_up` says what taking a run up takes.
///
/// # Errors
/// The run does not come to its end, or not to the one it should.
#[expect(clippy::disallowed_methods, reason = "it measures")]
pub(crate) async fn measure(
    size: Size,
    take_up: impl FnOnce(Kept) -> Result<Option<TakenUp>, Failed>,
) -> Result<Measured, Failed> {
    let begun = Instant::now();
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::starting_at(sample::now()));
    let Fleet { zones, hosts, document, planning } = Fleet::of(size, &clock)?;
    let pacing = Arc::new(Pacing::new(Arc::clone(&clock), share()));
    let table = Arc::new(Table::new(Arc::clone(&clock), Arc::clone(&pacing)));
    let cloud = Arc::new(Cloud::new(hosts, Arc::clone(&pacing)));
    let run: RunId = "run-20261101T020000Z-4f1a".parse()?;
    let mut functions =
        Functions::new(Arc::clone(&clock), cloud, Arc::clone(&table), zones, document, run.clone());
    let tally = execute(&machine(&Shape::default()), json!({ "run": run.as_str() }), &mut functions).await?;
    if tally.ended != "Done" {
        return Err(format!("the execution ended in {}, not in Done", tally.ended).into());
    }
    let Functions { cloud, answers, taken, others, records, .. } = functions;
    let (puts, calls) = (cloud.puts(), pacing.calls());
    // The world is not what the function holds.
    drop(cloud);
    Ok(Measured {
        size,
        lasted: since(sample::now(), clock.now()),
        planning,
        tally,
        answers,
        taken,
        other_calls: others.values().sum(),
        records,
        requests: table.requests(),
        calls,
        puts,
        taken_up: take_up(table.kept())?,
        wall: begun.elapsed(),
    })
}
