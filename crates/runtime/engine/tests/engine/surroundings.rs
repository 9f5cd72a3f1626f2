//! Outages nobody planned, calendars that close, and windows that closed while nobody drove.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_engine::{Conclusion, Surroundings};
use fleetwright_flow::{End, Ending, Event, Plan, Record, Signal, Span, TargetId, Window, WindowId};
use fleetwright_model::{ErrorClass, Failure, Text, code};
use fleetwright_ports::{Announced, Clock, Down, Freezes, Journal, JournalError, Outages, Standstill};
use fleetwright_store::{AppendFault, FaultPoint};
use fleetwright_testkit::flow::plans::{patching, plan};
use fleetwright_testkit::sample;
use jiff::{SignedDuration, Timestamp};

use crate::world::{World, waiting};

fn after(hours: i64) -> Timestamp {
    sample::now().checked_add(SignedDuration::from_hours(hours)).expect("in range")
}

/// Says the same until a moment, and then the opposite.
struct Until {
    clock: Arc<dyn Clock>,
    at: Timestamp,
}

#[async_trait]
impl Freezes for Until {
    async fn standstill(&self) -> Standstill {
        // An answer takes its time.
        self.clock.sleep(Duration::from_secs(2)).await;
        let closed = self.clock.now() < self.at;
        let closed = closed.then(|| "calendar year-end: closed".into()).into_iter().collect();
        Standstill { closed, ..Standstill::default() }
    }
}

#[async_trait]
impl Outages for Until {
    async fn down(&self, groups: &BTreeSet<Text>) -> BTreeMap<Text, Result<Down, Failure>> {
        self.clock.sleep(Duration::from_secs(2)).await;
        let now = self.clock.now();
        let found = if now < self.at {
            let members = BTreeSet::from(["111122223333/eu-central-1/i-0somebody".into()]);
            Ok(Down { members, expected: 0 })
        } else if now < self.at.checked_add(SignedDuration::from_hours(2)).expect("in range") {
            let words = "nobody answers";
            Err(Failure::new(ErrorClass::Transient, &code::UNREACHABLE, "test:down", words))
        } else {
            Ok(Down::default())
        };
        groups.iter().map(|key| (key.clone(), found.clone())).collect()
    }
}

fn starts(records: &[Record], of: u8) -> Vec<Timestamp> {
    let started = |record: &&Record| matches!(record.event, Event::Started { step, direction, .. } if step.0 == of && direction.is_do());
    records.iter().filter(started).map(|record| record.at).collect()
}

fn signals(records: &[Record]) -> Vec<(Signal, String)> {
    let signal = |record: &Record| match &record.event {
        Event::Signalled { signal, by, .. } => Some((*signal, by.to_string())),
        _ => None,
    };
    records.iter().filter_map(signal).collect()
}

async fn frozen_until(hours: i64) -> World {
    let mut world = World::of(plan(patching(), 2, 1)).await;
    let until = Until { clock: world.clock.clone(), at: after(hours) };
    world.around = Surroundings { freezes: Some(Arc::new(until)), ..Surroundings::default() };
    world
}

#[tokio::test(start_paused = true)]
async fn nothing_is_changed_while_a_calendar_is_closed() {
    let world = frozen_until(3).await;
    assert_eq!(world.finish().await.conclusion, Conclusion::Closed(Ending::Complete));
    let records = world.records().await;
    assert!(starts(&records, 2).iter().all(|at| *at >= after(3)), "drains wait for the calendar");
    assert!(starts(&records, 0).iter().all(|at| *at < after(1)), "backups do not");
    let by = "change calendars".to_owned();
    assert_eq!(signals(&records), [(Signal::Freeze, by.clone()), (Signal::Thaw, by)]);
}

/// Announces that it closes at a moment, for an hour, and is slow to answer from then on.
struct Announces {
    clock: Arc<dyn Clock>,
    at: Timestamp,
}

#[async_trait]
impl Freezes for Announces {
    async fn standstill(&self) -> Standstill {
        let now = self.clock.now();
        let opens = self.at.checked_add(SignedDuration::from_hours(1)).expect("in range");
        if now < self.at {
            let closes = Announced { at: self.at, why: "calendar noon: closes".into() };
            return Standstill { closes: Some(closes), changes_at: Some(self.at), ..Standstill::default() };
        }
        self.clock.sleep(Duration::from_secs(900)).await;
        match now < opens {
            true => Standstill {
                closed: vec!["calendar noon: closed".into()],
                changes_at: Some(opens),
                closes: None,
            },
            false => Standstill::default(),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_announced_closing_holds_from_its_moment_on_and_those_in_flight_are_finished() {
    let mut world = World::of(plan(patching(), 40, 1)).await;
    let announces = Announces { clock: world.clock.clone(), at: after(1) };
    world.around = Surroundings { freezes: Some(Arc::new(announces)), ..Surroundings::default() };
    assert_eq!(world.finish().await.conclusion, Conclusion::Closed(Ending::Complete));
    let records = world.records().await;
    let drains = starts(&records, 2);
    let during = drains.iter().filter(|at| **at >= after(1) && **at < after(2)).count();
    assert_eq!(during, 0, "{drains:?}");
    assert!(drains.iter().any(|at| *at < after(1)), "some begin before: {drains:?}");
    assert!(drains.iter().any(|at| *at >= after(2)), "and the others after: {drains:?}");
    let frozen =
        records.iter().find(|record| matches!(record.event, Event::Signalled { signal: Signal::Freeze, .. }));
    assert_eq!(frozen.map(|record| record.at), Some(after(1)), "at once, not when the answer comes");
    let finished = |record: &&Record| matches!(record.event, Event::Succeeded { step, .. } if step.0 > 2);
    let during = records.iter().filter(finished).filter(|it| it.at > after(1) && it.at < after(2));
    assert!(during.count() > 0, "who was drained is taken to the end");
}

#[tokio::test(start_paused = true)]
async fn what_a_person_froze_no_calendar_thaws() {
    let world = frozen_until(3).await;
    let person = async {
        world.clock.sleep(Duration::from_secs(3_600)).await;
        world.memory.post(&world.run, after(1), Signal::Freeze, "ann", None).await.expect("a run");
        world.clock.sleep(Duration::from_secs(4 * 3_600)).await;
        world.memory.post(&world.run, after(5), Signal::Thaw, "ann", None).await.expect("a run");
    };
    let (ended, ()) = tokio::join!(world.finish(), person);
    assert_eq!(ended.ending(), Some(Ending::Complete));
    assert!(starts(&world.records().await, 2).iter().all(|at| *at >= after(5)));
}

fn observed(records: &[Record]) -> Vec<u32> {
    let seen = records.iter().filter_map(|record| match record.event {
        Event::Observed { elsewhere, .. } => Some(elsewhere),
        _ => None,
    });
    seen.collect()
}

/// Two hosts in one group, of which one may be out of service.
fn one_at_a_time() -> Plan {
    let mut shared = plan(patching(), 2, 1);
    shared.groups[0].shared = Some("application web".into());
    shared
}

#[tokio::test(start_paused = true)]
async fn outages_nobody_planned_take_room_until_somebody_sees_them_over() {
    let mut world = World::of(one_at_a_time()).await;
    let until = Until { clock: world.clock.clone(), at: after(3) };
    world.around = Surroundings { outages: Some(Arc::new(until)), ..Surroundings::default() };
    assert_eq!(world.finish().await.conclusion, Conclusion::Closed(Ending::Complete));
    let records = world.records().await;
    let drains = starts(&records, 2);
    assert!(
        drains.iter().all(|at| *at >= after(5)),
        "where nobody could look, what was seen stands: {drains:?}"
    );
    assert_eq!(observed(&records), [1, 0]);
}

/// Nobody can look for a while, from the beginning on or after a good look; how often it was tried.
struct Blind {
    clock: Arc<dyn Clock>,
    sees: fn(Timestamp) -> bool,
    looks: Arc<AtomicU32>,
}

#[async_trait]
impl Outages for Blind {
    async fn down(&self, groups: &BTreeSet<Text>) -> BTreeMap<Text, Result<Down, Failure>> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        let failure =
            || Failure::new(ErrorClass::Denied, &code::UNREACHABLE, "test:down", "not allowed to look");
        let sees = (self.sees)(self.clock.now());
        let found = || if sees { Ok(Down::default()) } else { Err(failure()) };
        groups.iter().map(|key| (key.clone(), found())).collect()
    }
}

async fn blind(sees: fn(Timestamp) -> bool) -> (World, Arc<AtomicU32>) {
    let mut world = World::of(one_at_a_time()).await;
    let looks = Arc::new(AtomicU32::new(0));
    let blind = Blind { clock: world.clock.clone(), sees, looks: looks.clone() };
    world.around = Surroundings { outages: Some(Arc::new(blind)), ..Surroundings::default() };
    (world, looks)
}

#[tokio::test(start_paused = true)]
async fn where_nobody_could_ever_look_nobody_is_taken_out_of_service() {
    let (world, looks) = blind(|now| now >= after(2)).await;
    assert_eq!(world.finish().await.conclusion, Conclusion::Closed(Ending::Complete));
    let records = world.records().await;
    assert!(starts(&records, 2).iter().all(|at| *at >= after(2)), "blind is not healthy");
    assert_eq!(observed(&records), [1, 0], "the whole capacity is gone, and back");
    let looks = looks.load(Ordering::Relaxed);
    assert!((60..=130).contains(&looks), "about once a minute, not in a circle: {looks}");
}

#[tokio::test(start_paused = true)]
async fn what_was_seen_stands_for_ten_minutes_where_nobody_can_look_any_more() {
    let minutes = |count| sample::now().checked_add(SignedDuration::from_mins(count)).expect("in range");
    // The first host is taken out when all is seen to be well, the second an hour later.
    let (world, _) = blind(|now| now < sample::now() + SignedDuration::from_mins(9) || now >= after(4)).await;
    assert_eq!(world.finish().await.conclusion, Conclusion::Closed(Ending::Complete));
    let drains = starts(&world.records().await, 2);
    let early = drains.iter().filter(|at| **at < minutes(19)).count();
    let late = drains.iter().filter(|at| **at >= after(4)).count();
    assert!(early >= 1 && early + late == drains.len(), "{drains:?}");
}

/// One of the group is down from some hour on, or nobody can say so.
struct DownFrom {
    clock: Arc<dyn Clock>,
    at: Timestamp,
    blind: bool,
}

#[async_trait]
impl Outages for DownFrom {
    async fn down(&self, groups: &BTreeSet<Text>) -> BTreeMap<Text, Result<Down, Failure>> {
        self.clock.sleep(Duration::from_secs(2)).await;
        let members = BTreeSet::from(["111122223333/eu-central-1/i-0somebody".into()]);
        let found = if self.blind {
            let words = "nobody answers";
            Err(Failure::new(ErrorClass::Transient, &code::UNREACHABLE, "test:down", words))
        } else if self.clock.now() < self.at {
            Ok(Down::default())
        } else {
            Ok(Down { members, expected: 0 })
        };
        groups.iter().map(|key| (key.clone(), found.clone())).collect()
    }
}

/// What comes of it within so many seconds of virtual time.
async fn within<T>(world: &World, seconds: u64, what: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        ended = what => Some(ended),
        () = world.clock.sleep(Duration::from_secs(seconds)) => None,
    }
}

/// I6 after a crash: whoever goes on looks before anything is started, and where it cannot look, what
/// the process before it saw stands.
#[tokio::test(start_paused = true)]
async fn what_went_down_while_nobody_drove_is_seen_before_anything_is_started() {
    for (since, blind) in [(1, false), (-1, true)] {
        // Died with the backups done and before the first drain.
        for nth in 1.. {
            let mut shared = plan(patching(), 2, 1);
            shared.groups[0].shared = Some("application web".into());
            let mut world = World::of(shared).await;
            let around = |blind| Surroundings {
                outages: Some(Arc::new(DownFrom { clock: world.clock.clone(), at: after(since), blind })),
                ..Surroundings::default()
            };
            let (sees, later) = (around(false), around(blind));
            world.around = sees;
            let error = JournalError::Full { place: "memory".into(), cause: "no space left".into() };
            world.memory.inject(AppendFault { nth, point: FaultPoint::AfterCommit, error });
            let control = waiting();
            let before = within(&world, 600, world.drive(&control)).await;
            let records = world.records().await;
            if !matches!(before, Some(Err(_))) || !starts(&records, 2).is_empty() {
                assert!(nth > 4, "processes died on the way: {nth}");
                break;
            }
            let was_seen = records.iter().any(|it| matches!(it.event, Event::Observed { .. }));
            if blind && !was_seen {
                continue;
            }
            sleep_until(&world, after(2)).await;
            world.around = later;
            let ended = within(&world, 3_600, world.finish()).await;
            assert!(ended.is_none(), "nobody has room: {nth}");
            let drains = starts(&world.records().await, 2);
            assert!(drains.is_empty(), "died at append {nth}, drained at {drains:?}");
        }
    }
}

/// Everything from the drain on belongs into the window, two hours of it.
fn in_window(hours: &[(i64, i64)]) -> Plan {
    let mut plan = plan(patching(), 1, 1);
    plan.recipes[0].reserve_seconds = 7_200;
    plan.recipes[0].steps[2..].iter_mut().for_each(|step| step.in_window = true);
    let open = hours.iter().map(|(from, until)| Span { from: after(*from), until: after(*until) }).collect();
    plan.windows = vec![Window::new("night", open)];
    plan.targets[0].window = Some(WindowId(0));
    plan
}

/// A world whose process died with the start of that step as its last record.
async fn died_at(step: u8, hours: &[(i64, i64)]) -> World {
    for nth in 1.. {
        let world = World::of(in_window(hours)).await;
        let error = JournalError::Full { place: "memory".into(), cause: "no space left".into() };
        world.memory.inject(AppendFault { nth, point: FaultPoint::AfterCommit, error });
        world.drive(&waiting()).await.expect_err("the step is never reached");
        let records = world.records().await;
        let last = records.last().map(|record| &record.event);
        if matches!(last, Some(Event::Started { step: at, .. }) if at.0 == step) {
            return world;
        }
    }
    unreachable!("appends are without end")
}

async fn sleep_until(world: &World, at: Timestamp) {
    let left = world.clock.now().duration_until(at);
    world.clock.sleep(left.try_into().unwrap_or_default()).await;
}

/// I11 after a crash.
#[tokio::test(start_paused = true)]
async fn what_a_dead_process_had_not_begun_is_not_begun_after_the_window_closed() {
    let world = died_at(2, &[(0, 5)]).await;
    let done = world.effects.count();
    sleep_until(&world, after(6)).await;
    let ended = world.finish().await;
    let end = ended.run.end(TargetId(0));
    assert_eq!(end, Some(End::Skipped { code: code::WINDOW_MISSED.id.into() }));
    let drained = world.effects.counts().into_keys().any(|mark| mark.ends_with("drain"));
    assert!(!drained && world.effects.count() >= done, "{:?}", world.effects.counts());
}

#[tokio::test(start_paused = true)]
async fn what_was_changed_before_the_crash_is_taken_to_its_end() {
    // Died with the reboot's start on record: the patch is in.
    let world = died_at(4, &[(0, 5)]).await;
    sleep_until(&world, after(6)).await;
    let ended = world.finish().await;
    assert_eq!(ended.run.totals().done, 1, "{:?}", ended.run.end(TargetId(0)));
    world.assert_nothing_twice();
}

#[tokio::test(start_paused = true)]
async fn in_the_next_window_it_is_begun_after_all() {
    let world = died_at(2, &[(0, 5), (24, 29)]).await;
    sleep_until(&world, after(25)).await;
    assert_eq!(world.finish().await.run.totals().done, 1);
    world.assert_nothing_twice();
}
