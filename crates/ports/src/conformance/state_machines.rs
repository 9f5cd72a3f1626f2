//! The contracts of [`StateMachines`](crate::StateMachines) and [`Executions`](crate::Executions), in a cell where
//! nobody else names machines `fleetwright-conformance-…`.

use std::time::Duration;

use fleetwright_model::{Cell, ErrorClass, code};
use jiff::SignedDuration;

use crate::executions::{
    ExecutionFilter, ExecutionId, ExecutionStatus, NewExecution, Payload, Payloads, Started, wait,
};
use crate::state_machines::{
    MachineChange, MachineKind, MachineName, MachineRef, MachineStatus, NewMachine, Publication, Tracing,
};
use crate::{Clock, Executions, StateMachines};

/// What the suite makes its machines of.
pub struct Expected {
    /// ARN of a role that Step Functions may take.
    pub role: String,
    /// A definition whose executions stay until they are stopped.
    pub staying: String,
    /// A definition whose executions succeed at once.
    pub ending: String,
}

fn name(rest: &str) -> MachineName {
    format!("fleetwright-conformance-{rest}").parse().expect("a name")
}

fn execution(machine: &MachineName, name: &str, input: &str) -> NewExecution {
    let name = name.parse().expect("a name");
    NewExecution { machine: machine.clone().into(), name, input: Payload::new(input) }
}

/// Runs the whole suite; the machines it makes, it deletes.
///
/// # Panics
/// With the rule that was broken.
pub async fn check(
    machines: &dyn StateMachines,
    executions: &dyn Executions,
    clock: &dyn Clock,
    cell: &Cell<'_>,
    expected: &Expected,
) {
    let (staying, ending) = (name("staying"), name("ending"));
    check_machines(machines, cell, expected).await;
    check_one_that_stays(executions, clock, cell, &staying).await;
    check_those_that_end(executions, clock, cell, &ending).await;
    for name in [&staying, &ending, &name("never")] {
        machines.delete_machine(cell, name).await.expect("doing it twice is doing it once");
    }
}

async fn check_machines(machines: &dyn StateMachines, cell: &Cell<'_>, expected: &Expected) {
    let new = |name: MachineName, definition: &str| NewMachine {
        name,
        kind: MachineKind::Standard,
        definition: definition.to_owned(),
        role: expected.role.clone(),
        tracing: Tracing::Off,
        publication: Publication::Revision,
    };
    let first = new(name("staying"), &expected.staying);
    machines.create_machine(cell, &first).await.expect("it is new");
    machines.create_machine(cell, &first).await.expect("doing it twice is doing it once");
    let other = NewMachine { definition: expected.ending.clone(), ..first.clone() };
    let refused = machines.create_machine(cell, &other).await.expect_err("there is another one of that name");
    assert_eq!(refused.class, ErrorClass::Conflict, "{refused}");
    machines.create_machine(cell, &new(name("ending"), &expected.ending)).await.expect("it is new");
    for number in 0..3 {
        let more = new(name(&format!("more-{number}")), &expected.ending);
        machines.create_machine(cell, &more).await.expect("it is new");
    }
    let listed = machines.machines(cell).await;
    assert_eq!(listed.failure, None);
    let ours = listed.items.iter().filter(|row| row.name.as_str().starts_with("fleetwright-conformance-"));
    let ours: Vec<&str> = ours.map(|row| row.name.as_str()).collect();
    assert_eq!((ours.len(), ours.is_sorted()), (5, true), "every page is read: {ours:?}");

    let whole: MachineRef = first.name.clone().into();
    let told = machines.machine(cell, &whole).await.expect("it is there");
    assert_eq!((told.status, told.kind, &told.role), (MachineStatus::Active, first.kind, &expected.role));
    assert_eq!((&told.definition, told.tracing), (&expected.staying, Tracing::Off));
    let nowhere = machines.machine(cell, &name("never").into()).await.expect_err("there is none");
    assert_eq!(nowhere.class, ErrorClass::NotFound, "{nowhere}");

    let target = name("more-0");
    for (number, definition) in [(1, &expected.ending), (2, &expected.staying)] {
        let change = MachineChange {
            definition: Some(definition.clone()),
            tracing: Some(Tracing::On),
            publication: Publication::Version(Some(format!("number {number}"))),
            role: None,
        };
        let put = machines.update_machine(cell, &target, &change).await.expect("it is there");
        assert_eq!(put.version, Some(number));
    }
    let versions = machines.machine_versions(cell, &target).await;
    let numbers: Vec<u32> = versions.items.iter().map(|version| version.number).collect();
    assert_eq!((versions.failure, numbers), (None, vec![2, 1]), "the newest first");
    let old = MachineRef { name: target.clone(), version: Some(1) };
    let old = machines.machine(cell, &old).await.expect("a version stays as it is");
    assert_eq!((&old.definition, old.description.as_deref()), (&expected.ending, Some("number 1")));
    let now = machines.machine(cell, &target.into()).await.expect("it is there");
    assert_eq!((&now.definition, now.tracing), (&expected.staying, Tracing::On));
    for number in 0..3 {
        machines.delete_machine(cell, &name(&format!("more-{number}"))).await.expect("it is there");
    }
}

async fn check_one_that_stays(
    executions: &dyn Executions,
    clock: &dyn Clock,
    cell: &Cell<'_>,
    machine: &MachineName,
) {
    let new = execution(machine, "run-1", "{\"secret\": \"canary\"}");
    let started = executions.start_execution(cell, &new).await.expect("it is new");
    assert!(matches!(started, Started::Running(Some(_))), "{started:?}");
    let same = NewExecution { input: Payload::new("{ \"secret\":\"canary\" }"), ..new.clone() };
    let again = executions.start_execution(cell, &same).await.expect("the same JSON finds the first");
    assert_eq!(again, started);
    let other = NewExecution { input: Payload::new("{}"), ..new.clone() };
    let refused = executions.start_execution(cell, &other).await.expect_err("it has another input");
    assert_eq!((refused.class, refused.code), (ErrorClass::Conflict, &code::EXECUTION_DIFFERS), "{refused}");

    let (id, patience) = (new.id(), Duration::from_secs(40));
    let (began, mut looks) = (clock.now(), 0_u32);
    let mut seen = |_: &crate::executions::Execution| looks += 1;
    let waited =
        wait((executions, clock), cell, &id, patience, &mut seen).await.expect("it can be looked at");
    assert_eq!(waited.status, ExecutionStatus::Running);
    let took = clock.now().duration_since(began);
    assert!(took >= SignedDuration::from_secs(40) && took < SignedDuration::from_secs(60), "{took:#}");
    assert!((4..12).contains(&looks), "{looks} looks");

    let stopped = executions.stop_execution(cell, &id, Some("Operator"), Some("enough")).await;
    stopped.expect("it runs");
    executions.stop_execution(cell, &id, None, None).await.expect("one that has ended stays as it is");
    let told = executions.execution(cell, &id, Payloads::Shown).await.expect("it is there");
    assert_eq!((told.status, told.error.as_deref()), (ExecutionStatus::Aborted, Some("Operator")));
    assert!(told.stopped_at.is_some() && told.input.is_some_and(|input| input.is_same(&new.input)));
    match executions.start_execution(cell, &new).await.expect("the first is found, though it has ended") {
        Started::Ended(first) => assert_eq!(first.status, ExecutionStatus::Aborted),
        Started::Running(_) => panic!("it was started again"),
    }
    let nowhere = ExecutionId { name: "never".parse().expect("a name"), ..id };
    for failure in [
        executions.execution(cell, &nowhere, Payloads::Hidden).await.expect_err("there is none"),
        executions.stop_execution(cell, &nowhere, None, None).await.expect_err("there is none"),
    ] {
        assert_eq!(failure.class, ErrorClass::NotFound, "{failure}");
    }
}

async fn check_those_that_end(
    executions: &dyn Executions,
    clock: &dyn Clock,
    cell: &Cell<'_>,
    machine: &MachineName,
) {
    let mut between = None;
    for number in 0..5 {
        let new = execution(machine, &format!("run-{number}"), "{}");
        executions.start_execution(cell, &new).await.expect("it is new");
        let hour = Duration::from_secs(3_600);
        let ended = wait((executions, clock), cell, &new.id(), hour, &mut |_| {}).await.expect("it ends");
        assert_eq!((ended.status, ended.output), (ExecutionStatus::Succeeded, None), "no payloads unasked");
        clock.sleep(Duration::from_secs(2)).await;
        between = if number == 2 { Some(clock.now()) } else { between };
        clock.sleep(Duration::from_secs(2)).await;
    }
    let listed = async |filter: ExecutionFilter| {
        let listed = executions.executions(cell, machine, &filter).await;
        assert_eq!(listed.failure, None);
        listed.items.iter().map(|row| row.name.as_str().to_owned()).collect::<Vec<_>>()
    };
    let all = listed(ExecutionFilter::default()).await;
    assert_eq!(all, ["run-4", "run-3", "run-2", "run-1", "run-0"], "every page, those that began last first");
    let since = ExecutionFilter { since: between, ..ExecutionFilter::default() };
    assert_eq!(listed(since).await, ["run-4", "run-3"]);
    let prefix = ExecutionFilter { prefix: Some("run-1".into()), ..ExecutionFilter::default() };
    assert_eq!(listed(prefix).await, ["run-1"]);
    let failed = ExecutionFilter { status: Some(ExecutionStatus::Failed), ..ExecutionFilter::default() };
    assert_eq!(listed(failed).await, [""; 0]);

    let id = execution(machine, "run-0", "{}").id();
    let history = executions.history(cell, &id, Payloads::Hidden).await;
    assert_eq!(history.failure, None);
    let ids: Vec<u64> = history.items.iter().map(|event| event.id).collect();
    assert!(ids.len() > 2 && ids.iter().copied().eq(1..=ids.len() as u64), "every page, in order: {ids:?}");
    assert_eq!(history.items.first().map(|event| event.kind.as_str()), Some("ExecutionStarted"));
    assert_eq!(history.items.last().map(|event| event.kind.as_str()), Some("ExecutionSucceeded"));
    assert!(history.items.iter().all(|event| event.payloads.is_empty()), "no payloads unasked");
    let shown = executions.history(cell, &id, Payloads::Shown).await;
    assert!(shown.items.iter().any(|event| !event.payloads.is_empty()), "with payloads where asked for");
}
