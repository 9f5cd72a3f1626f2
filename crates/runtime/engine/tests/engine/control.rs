//! Decisions, by mail and in the process, and being interrupted.

use std::sync::Mutex;
use std::time::Duration;

use fleetwright_engine::{AtGates, Conclusion, Control, Unwatched, Watcher, drive};
use fleetwright_flow::{
    End, Ending, Event, Gate, Illegal, Plan, Record, Run, Sequence, Signal, StageId, TargetId,
};
use fleetwright_model::code;
use fleetwright_ports::{Journal, Letter};
use fleetwright_testkit::flow::plans::{patching, plan};

use crate::world::{World, waiting};

fn gated(targets: u32) -> Plan {
    let mut plan = plan(patching(), targets, targets);
    plan.stages[0].gate = Gate::Approval;
    plan
}

/// Drives while something else happens after so many seconds.
async fn drive_and(world: &World, control: &Control, after: u64, then: impl AsyncFnOnce()) -> Conclusion {
    let meanwhile = async {
        world.clock.sleep(Duration::from_secs(after)).await;
        then().await;
    };
    let (concluded, ()) = tokio::join!(world.drive(control), meanwhile);
    concluded.expect("a drive without trouble").conclusion
}

async fn post(world: &World, signal: Signal) {
    world.memory.post(&world.run, world.clock.now(), signal, "alice", None).await.expect("a run");
}

fn was_started(events: &[Event], step: u8) -> bool {
    events.iter().any(|event| matches!(event, Event::Started { step: at, .. } if at.0 == step))
}

#[tokio::test(start_paused = true)]
async fn a_letter_opens_the_gate() {
    let world = World::of(gated(2)).await;
    let conclusion =
        drive_and(&world, &waiting(), 7_200, async || post(&world, Signal::Approve(StageId(0))).await).await;
    assert_eq!(conclusion, Conclusion::Closed(Ending::Complete));
    let records = world.records().await;
    let approved = records.iter().find(|record| matches!(record.event, Event::Signalled { .. }));
    assert!(approved.is_some_and(|record| record.at.as_second() - records[0].at.as_second() <= 7_201));
}

#[tokio::test(start_paused = true)]
async fn a_letter_about_another_state_of_the_run_is_void() {
    let world = World::of(gated(2)).await;
    let letter = |by: &str, basis: &str| Letter {
        at: world.clock.now(),
        signal: Signal::Approve(StageId(0)),
        by: by.into(),
        reason: None,
        basis: Some(basis.into()),
        once: None,
    };
    let conclusion = drive_and(&world, &waiting(), 7_200, async || {
        let records = world.records().await;
        let Event::Opened { plan: digest, .. } = &records[0].event else { panic!("the first record") };
        let reached = records.iter().find(|record| matches!(record.event, Event::GateReached { .. }));
        let digits: String = digest.chars().take(16).collect();
        let basis = format!("{digits}-{}", reached.expect("it waits").seq.0);
        for (by, basis) in [("eve", "ffffffffffffffff-1"), ("eve", ""), ("ann", &basis)] {
            world.memory.deliver(&world.run, letter(by, basis)).await.expect("a mailbox");
        }
    })
    .await;
    assert_eq!(conclusion, Conclusion::Closed(Ending::Complete));
    let decided: Vec<Event> =
        world.events().await.into_iter().filter(|event| matches!(event, Event::Signalled { .. })).collect();
    match decided.as_slice() {
        [Event::Signalled { by, basis: Some(_), .. }] => assert_eq!(&**by, "ann"),
        other => panic!("one decision, with what it was about: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_not_to_wait_leaves_at_the_gate_and_the_next_goes_on() {
    let world = World::of(gated(2)).await;
    let leaving = Control::new("test", AtGates::Leave);
    let left = world.drive(&leaving).await.expect("a drive without trouble");
    assert_eq!(left.conclusion, Conclusion::WaitsForApproval(vec![StageId(0)]));
    assert!(!was_started(&world.events().await, 2), "nothing behind the gate");
    post(&world, Signal::Approve(StageId(0))).await;
    let ended = world.drive(&leaving).await.expect("a drive without trouble");
    assert_eq!(ended.conclusion, Conclusion::Closed(Ending::Complete));
    world.assert_nothing_twice();
}

#[tokio::test(start_paused = true)]
async fn gates_are_approved_as_they_are_reached_where_that_was_asked_for() {
    let world = World::of(gated(2)).await;
    let control = Control::new("test", AtGates::Approve { by: "--auto-approve".into() });
    let ended = world.drive(&control).await.expect("a drive without trouble");
    assert_eq!(ended.conclusion, Conclusion::Closed(Ending::Complete));
    let by_whom = world.events().await.into_iter().find_map(|event| match event {
        Event::Signalled { by, .. } => Some(by),
        _ => None,
    });
    assert_eq!(by_whom.as_deref(), Some("--auto-approve"));
}

#[tokio::test(start_paused = true)]
async fn a_rejected_run_changes_nothing_behind_its_gate() {
    let world = World::of(gated(2)).await;
    let conclusion =
        drive_and(&world, &waiting(), 600, async || post(&world, Signal::Reject(StageId(0))).await).await;
    assert_eq!(conclusion, Conclusion::Closed(Ending::Rejected));
    assert!(!was_started(&world.events().await, 2));
}

#[derive(Default)]
struct Declined(Mutex<Vec<(Signal, Illegal)>>);

impl Watcher for Declined {
    fn declined(&self, signal: Signal, _by: &str, why: Illegal) {
        self.0.lock().expect("whole").push((signal, why));
    }
}

#[tokio::test(start_paused = true)]
async fn a_decision_for_a_gate_that_does_not_wait_is_declined() {
    let world = World::of(plan(patching(), 1, 1)).await;
    post(&world, Signal::Approve(StageId(0))).await;
    let declined = Declined::default();
    let begin = world.begin().await;
    let concluded = drive(world.ports(), world.run.clone(), world.plan.clone(), begin, &waiting(), &declined)
        .await
        .expect("a drive without trouble");
    assert_eq!(concluded.ending(), Some(Ending::Complete));
    let declined = declined.0.lock().expect("whole").clone();
    assert_eq!(declined, [(Signal::Approve(StageId(0)), Illegal::OtherGate(StageId(0)))]);
}

/// How many records each call brought, and how far the run was.
#[derive(Default)]
struct Told(Mutex<Vec<(usize, Sequence)>>);

impl Watcher for Told {
    fn recorded(&self, records: &[Record], run: &Run) {
        self.0.lock().expect("whole").push((records.len(), run.last()));
    }
}

#[tokio::test(start_paused = true)]
async fn who_looks_on_learns_first_how_far_others_have_come() {
    let world = World::of(gated(1)).await;
    let left = world.drive(&Control::new("test", AtGates::Leave)).await.expect("a drive without trouble");
    let (told, begin) = (Told::default(), world.begin().await);
    let control = Control::new("test", AtGates::Approve { by: "test".into() });
    drive(world.ports(), world.run.clone(), world.plan.clone(), begin, &control, &told)
        .await
        .expect("driven");
    let told = told.0.lock().expect("whole").clone();
    assert_eq!(told.first(), Some(&(0, left.run.last())), "{told:?}");
    assert!(told[1..].iter().all(|(records, _)| *records > 0), "{told:?}");
}

/// It leaves no record of its own, and at the gate it would say what nobody means any more.
#[tokio::test(start_paused = true)]
async fn a_declined_letter_is_not_revived_by_the_next_process() {
    let world = World::of(gated(1)).await;
    post(&world, Signal::Approve(StageId(0))).await;
    let leaving = Control::new("test", AtGates::Leave);
    for process in ["first", "second"] {
        let left = world.drive(&leaving).await.expect("a drive without trouble");
        assert_eq!(left.conclusion, Conclusion::WaitsForApproval(vec![StageId(0)]), "the {process} process");
    }
    post(&world, Signal::Approve(StageId(0))).await;
    let ended = world.drive(&leaving).await.expect("a drive without trouble");
    assert_eq!(ended.conclusion, Conclusion::Closed(Ending::Complete), "said again, it counts");
    let read = world.events().await.into_iter().filter_map(|event| match event {
        Event::GateReached { mail, .. } | Event::Signalled { mail, .. } => mail,
        _ => None,
    });
    assert_eq!(read.collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_letter_is_taken_up_once_whoever_drives() {
    let world = World::of(gated(1)).await;
    post(&world, Signal::Pause).await;
    let control = waiting();
    let conclusion = drive_and(&world, &control, 300, async || control.interrupt()).await;
    assert_eq!(conclusion, Conclusion::Interrupted);
    post(&world, Signal::Resume).await;
    let conclusion =
        drive_and(&world, &waiting(), 600, async || post(&world, Signal::Approve(StageId(0))).await).await;
    assert_eq!(conclusion, Conclusion::Closed(Ending::Complete));
    let signals: Vec<Signal> = world
        .events()
        .await
        .into_iter()
        .filter_map(|event| match event {
            Event::Signalled { signal, .. } => Some(signal),
            _ => None,
        })
        .collect();
    assert_eq!(signals, [Signal::Pause, Signal::Resume, Signal::Approve(StageId(0))]);
}

/// Budget 1: while the first is being patched, the second waits.
#[tokio::test(start_paused = true)]
async fn the_first_interrupt_takes_changed_targets_to_their_end_and_starts_no_other() {
    let world = World::of(plan(patching(), 2, 1)).await;
    let control = waiting();
    // Backup, precheck and drain take a minute each: now the first is being patched.
    let conclusion = drive_and(&world, &control, 200, async || control.interrupt()).await;
    assert_eq!(conclusion, Conclusion::Interrupted);
    let counts = world.effects.counts();
    assert!(counts.contains_key(&format!("{} return", world.subject(0))), "{counts:?}");
    assert!(!counts.contains_key(&format!("{} drain", world.subject(1))), "{counts:?}");
    let ended = world.finish().await;
    assert_eq!(ended.ending(), Some(Ending::Complete));
    world.assert_nothing_twice();
}

#[tokio::test(start_paused = true)]
async fn the_second_interrupt_cancels_and_leaves_at_once_and_resume_attaches_again() {
    let world = World::of(plan(patching(), 2, 2)).await;
    let control = waiting();
    let before = world.clock.now();
    let conclusion = drive_and(&world, &control, 200, async || {
        control.interrupt();
        control.interrupt();
    })
    .await;
    assert_eq!(conclusion, Conclusion::Interrupted);
    assert!(before.duration_until(world.clock.now()).as_secs() <= 201, "at once");
    let patches: Vec<String> = (0..2).map(|target| format!("{} patch #1", world.subject(target))).collect();
    assert_eq!(
        world.effects.cancelled().iter().map(|handle| handle.to_string()).collect::<Vec<_>>(),
        patches
    );
    assert!(!world.events().await.iter().any(|event| matches!(event, Event::Failed { .. })));
    let ended = world.finish().await;
    assert_eq!(ended.ending(), Some(Ending::Complete));
    world.assert_nothing_twice();
}

#[tokio::test(start_paused = true)]
async fn an_abort_finishes_what_is_changed_and_leaves_the_rest() {
    let world = World::of(plan(patching(), 2, 1)).await;
    let control = waiting();
    let conclusion =
        drive_and(&world, &control, 200, async || control.signal(Signal::Abort, "alice", None)).await;
    assert_eq!(conclusion, Conclusion::Closed(Ending::Aborted));
    let counts = world.effects.counts();
    assert!(counts.contains_key(&format!("{} reboot", world.subject(0))), "{counts:?}");
    assert!(!counts.contains_key(&format!("{} drain", world.subject(1))), "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn an_abort_at_once_cancels_what_is_in_flight_and_puts_back_what_was_taken_out() {
    let world = World::of(plan(patching(), 2, 1)).await;
    let control = waiting();
    let conclusion =
        drive_and(&world, &control, 200, async || control.signal(Signal::AbortNow, "alice", None)).await;
    assert_eq!(conclusion, Conclusion::Closed(Ending::Aborted));
    assert_eq!(world.effects.cancelled(), [format!("{} patch #1", world.subject(0)).into()]);
    let failed = world.events().await.into_iter().find_map(|event| match event {
        Event::Failed { target, failure, .. } => Some((target, failure.code)),
        _ => None,
    });
    assert_eq!(failed, Some((TargetId(0), code::CANCELLED.id.into())));
    let counts = world.effects.counts();
    assert!(counts.contains_key(&format!("{} return", world.subject(0))), "{counts:?}");
    assert!(!counts.contains_key(&format!("{} reboot", world.subject(0))), "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_over_is_not_claimed_again() {
    let world = World::of(plan(patching(), 1, 1)).await;
    let first = world.finish().await;
    let records = world.records().await;
    let begin = world.begin().await;
    let again = drive(world.ports(), world.run.clone(), world.plan.clone(), begin, &waiting(), &Unwatched)
        .await
        .expect("a drive without trouble");
    assert_eq!(again.conclusion, Conclusion::Closed(Ending::Complete));
    assert_eq!(again.run.end(TargetId(0)), Some(End::Done { finding: None }));
    assert_eq!(first.run, again.run);
    assert_eq!(world.records().await, records);
}
