//! Several runs at work in the same groups.

use std::time::Duration;

use fleetwright_engine::{Conclusion, Surroundings};
use fleetwright_flow::{Ending, Event, Plan, Run, TargetId};
use fleetwright_model::{ErrorClass, Text};
use fleetwright_ports::budgets::{Taken, Verdict};
use fleetwright_ports::{Budgets, JournalError};
use fleetwright_store::{AppendFault, FaultPoint, MemoryBudgets};
use fleetwright_testkit::flow::Behaviour;
use fleetwright_testkit::flow::plans::{patching, plan};
use fleetwright_testkit::sample;
use jiff::Timestamp;

use crate::world::{World, waiting};

/// Targets from that number on, in a group that all runs share.
fn sharing(from: u32, targets: u32, capacity: u32) -> Plan {
    let mut plan = plan(patching(), targets, capacity);
    plan.groups[0].shared = Some("application web".into());
    for (number, target) in (from..).zip(&mut plan.targets) {
        target.subject = sample::id(u64::from(number)).to_string().into();
    }
    plan
}

async fn world(name: &str, plan: Plan, budgets: &MemoryBudgets) -> World {
    let mut world = World::named(name, plan).await;
    world.around =
        Surroundings { budgets: Some(std::sync::Arc::new(budgets.clone())), ..Surroundings::default() };
    world
}

/// When members of the group went out of service and came back, by the run's own record.
async fn changes(world: &World) -> Vec<(Timestamp, i32)> {
    let mut run = Run::open(world.plan.clone());
    let targets = || (0u32..).map(TargetId).take(world.plan.targets.len());
    let mut changes = Vec::new();
    for record in world.records().await {
        let before: Vec<bool> = targets().map(|target| run.holds(target)).collect();
        run.apply(&record).expect("a legal record");
        for (target, before) in targets().zip(before) {
            let change = i32::from(run.holds(target)) - i32::from(before);
            if change != 0 {
                changes.push((record.at, change));
            }
        }
    }
    changes
}

/// The most members out of service at once, on whosever account.
async fn worst(worlds: &[&World]) -> i32 {
    let mut all = Vec::new();
    for world in worlds {
        all.extend(changes(world).await);
    }
    // Of one moment, what came back came first: its claim was free before the next was granted.
    all.sort_unstable();
    let mut out = 0;
    all.into_iter()
        .map(|(_, change)| {
            out += change;
            out
        })
        .max()
        .unwrap_or(0)
}

async fn taken(budgets: &MemoryBudgets) -> Vec<Taken> {
    budgets.taken().await.expect("memory")
}

#[tokio::test(start_paused = true)]
async fn two_runs_at_once_never_break_a_groups_budget() {
    for (first, second, capacity, other, later) in [
        (6, 6, 1, 1, 0),
        (9, 4, 2, 2, 7),
        (5, 12, 3, 3, 61),
        (8, 8, 4, 2, 130),
        (3, 3, 5, 2, 1),
        (7, 7, 1, 3, 3),
    ] {
        let budgets = MemoryBudgets::new();
        let one = world("run-1", sharing(0, first, capacity), &budgets).await;
        let two = world("run-2", sharing(100, second, other), &budgets).await;
        let delayed = async {
            two.clock.sleep(Duration::from_secs(later)).await;
            two.finish().await
        };
        let (ended, also) = tokio::join!(one.finish(), delayed);
        let case = format!("{first} and {second} hosts, {capacity} and {other} at once, {later} s apart");
        assert_eq!((ended.run.totals().done, also.run.totals().done), (first, second), "{case}");
        let most = i32::try_from(capacity.max(other)).expect("a small number");
        assert!(worst(&[&one, &two]).await <= most, "{case}");
        let own = i32::try_from(other).expect("a small number");
        assert!(worst(&[&two]).await <= own, "{case}");
        assert_eq!(taken(&budgets).await, [], "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_shared_budgets_two_runs_do_break_them() {
    let one = World::named("run-1", sharing(0, 3, 1)).await;
    let two = World::named("run-2", sharing(100, 3, 1)).await;
    tokio::join!(one.finish(), two.finish());
    assert_eq!(worst(&[&one, &two]).await, 2, "what the stories above would see");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_waits_says_for_how_many_others() {
    let budgets = MemoryBudgets::new();
    let one = world("run-1", sharing(0, 4, 1), &budgets).await;
    let two = world("run-2", sharing(100, 1, 1), &budgets).await;
    tokio::join!(one.finish(), two.finish());
    let seen: Vec<u32> = [one.events().await, two.events().await]
        .concat()
        .into_iter()
        .filter_map(|event| match event {
            Event::Observed { elsewhere, .. } => Some(elsewhere),
            _ => None,
        })
        .collect();
    assert!(seen.contains(&1) && seen.contains(&0), "{seen:?}");
    assert!(seen.len() < 20, "news only, not every look: {seen:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_run_left_in_a_bad_way_counts_until_a_later_run_has_verified_it() {
    let budgets = MemoryBudgets::new();
    let bad = world("run-1", sharing(0, 1, 1), &budgets).await;
    for step in ["patch", "restore"] {
        bad.effects.script(&bad.subject(0), step, &[Behaviour::Fail(ErrorClass::Permanent); 3]);
    }
    assert_eq!(bad.finish().await.conclusion, Conclusion::Closed(Ending::Complete));
    assert!(matches!(taken(&budgets).await.as_slice(), [Taken { kept: true, .. }]));

    let other = world("run-2", sharing(100, 1, 1), &budgets).await;
    let again = world("run-3", sharing(0, 1, 1), &budgets).await;
    let retried = async {
        again.clock.sleep(Duration::from_secs(7_200)).await;
        let begun_at = again.clock.now();
        again.finish().await;
        begun_at
    };
    let (ended, begun_at) = tokio::join!(other.finish(), retried);
    assert_eq!(ended.run.totals().done, 1);
    let (started_at, _) = changes(&other).await[0];
    let (healthy_at, freed) = *changes(&again).await.last().expect("it was patched after all");
    assert!(freed == -1 && healthy_at > begun_at, "{healthy_at}");
    assert!(started_at >= healthy_at, "{started_at}: tried again at {begun_at}, well at {healthy_at}");
    assert!(again.events().await.contains(&Event::FoundDown { target: TargetId(0) }));
    assert_eq!(taken(&budgets).await, []);
}

/// Every append fails in turn, before and after it became durable: what is out of service on record is
/// claimed at any moment, and nothing is claimed in the end.
#[tokio::test(start_paused = true)]
async fn a_process_that_dies_leaves_no_less_claimed_than_is_out_of_service() {
    let full = || JournalError::Full { place: "memory".into(), cause: "no space left".into() };
    let unharmed = world("run-1", sharing(0, 2, 1), &MemoryBudgets::new()).await;
    unharmed.finish().await;
    for nth in 1..=unharmed.memory.appends() {
        for point in [FaultPoint::BeforeCommit, FaultPoint::AfterCommit] {
            let budgets = MemoryBudgets::new();
            let dies = world("run-1", sharing(0, 2, 1), &budgets).await;
            dies.memory.inject(AppendFault { nth, point, error: full() });
            dies.drive(&waiting()).await.expect_err("its journal is full");
            let mut run = Run::open(dies.plan.clone());
            dies.records().await.iter().for_each(|record| run.apply(record).expect("a legal record"));
            let claimed = taken(&budgets).await;
            for target in (0u32..2).map(TargetId).filter(|target| run.holds(*target)) {
                let subject = &dies.plan.target(target).subject;
                let mine = claimed.iter().any(|taken| taken.member.ends_with(&**subject));
                assert!(mine, "append {nth} {point:?}: {subject} in {claimed:?}");
            }
            let ended = dies.finish().await;
            assert_eq!(ended.run.totals().done, 2, "append {nth} {point:?}");
            assert_eq!(taken(&budgets).await, [], "append {nth} {point:?}");
            dies.assert_nothing_twice();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_without_a_record_is_given_back_by_whoever_goes_on() {
    let budgets = MemoryBudgets::new();
    let one = world("run-1", sharing(0, 1, 1), &budgets).await;
    let orphan = fleetwright_ports::budgets::Wanted {
        member: Text::from("111122223333/eu-central-1/i-0fffffffffffffff0"),
        places: vec![fleetwright_ports::budgets::Place {
            key: "application web".into(),
            capacity: 1,
            down: Default::default(),
        }],
    };
    let claimed = budgets.claim(&one.run, &[orphan]).await.expect("memory");
    assert_eq!(claimed, [Verdict::Granted]);
    assert_eq!(one.finish().await.run.totals().done, 1);
    assert_eq!(taken(&budgets).await, []);
}
