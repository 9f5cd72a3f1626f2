//! Wrong steps and wrong histories, each found by the check that is there for it, so that its silence
//! means something. Each is driven in the world in which the right step is found to be right.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_engine::{AtGates, Begin, Control, Ports, StepTable, Surroundings, Unwatched, drive};
use fleetwright_flow::{Direction, Epoch, Event, Record, Sequence, TargetId};
use fleetwright_model::{Cell, InstanceId};
use fleetwright_patch::plan::notes::{BackupNote, step};
use fleetwright_ports::{Clock, Power};
use fleetwright_step::{Outcome, Reports, Slot, Step, Turn};
use fleetwright_testkit::crash::{World, enumerate};
use fleetwright_testkit::{FakeHosts, sample};
use jiff::Timestamp;

use crate::model::Models;
use crate::plans::{self, EACH_SHAPE, REGIONS, Shape, zone};
use crate::world::{Alter, PatchWorld};

/// What a mutant does wrong.
#[derive(Clone)]
pub(crate) enum Wrong {
    /// It says that all is done, and does nothing.
    Idle,
    /// It forgets that it may have acted before.
    Rash,
    /// It takes a request that was accepted for the thing itself.
    Hasty,
    /// It does another step's work before its own.
    Eager(Arc<dyn Step>),
    /// It stops that instance before its own work.
    Stops(InstanceId),
    /// It reboots its hosts once more, a while after their reboot was recorded.
    RebootsAgain,
    /// Its hosts are replaced under it, and it goes by their names.
    ByName,
    /// Its hosts are replaced under it, and it is right.
    Nothing,
}

struct Mutant {
    inner: Arc<dyn Step>,
    wrong: Wrong,
    hosts: Arc<FakeHosts>,
    models: Arc<Models>,
    clock: Arc<dyn Clock>,
    replaced: Arc<Mutex<BTreeMap<InstanceId, Timestamp>>>,
}

/// Turns what was accepted into what is done.
struct HastyReports<'a>(&'a dyn Reports);

impl Reports for HastyReports<'_> {
    fn report(&self, target: TargetId, outcome: Outcome) {
        let outcome = match outcome {
            Outcome::Accepted { handle, .. } => Outcome::done(&BackupNote { image: handle, snapshots: 1 }),
            other => other,
        };
        self.0.report(target, outcome);
    }
}

/// Nobody listens.
struct Unheard;

impl Reports for Unheard {
    fn report(&self, _: TargetId, _: Outcome) {}
}

impl Mutant {
    fn hosts_of(turn: &Turn<'_>) -> Vec<InstanceId> {
        let ids = turn.slots.iter().filter(|slot| slot.handle.is_none());
        // Gates and regions are no hosts.
        ids.filter_map(|slot| InstanceId::new(&*slot.subject).ok()).collect()
    }

    async fn stop(&self, ids: &[InstanceId]) {
        let zone = zone();
        let cell = Cell { zone: &zone, region: sample::region(REGIONS[0]) };
        for id in ids {
            // What does not run is not stopped, whoever asks.
            let _ = self.hosts.stop(&cell, std::slice::from_ref(id)).await;
        }
    }

    async fn replace(&self, ids: &[InstanceId]) {
        for id in ids {
            let now = self.clock.now();
            PatchWorld::replace(&self.hosts, &self.models, &self.replaced, id, now);
        }
        self.clock.sleep(Duration::from_secs(5)).await;
    }

    fn all_done(turn: &Turn<'_>) {
        for slot in turn.slots {
            turn.reports.report(slot.target, Outcome::Done { note: None, finding: None });
        }
    }
}

#[async_trait]
impl Step for Mutant {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn gathers_for(&self) -> Duration {
        self.inner.gathers_for()
    }

    fn batch_size(&self) -> usize {
        self.inner.batch_size()
    }

    async fn turn(&self, turn: Turn<'_>) {
        let ids = Self::hosts_of(&turn);
        match &self.wrong {
            Wrong::Idle => Self::all_done(&turn),
            Wrong::Rash => {
                let slots: Vec<Slot> =
                    turn.slots.iter().map(|slot| Slot { doubt: false, ..slot.clone() }).collect();
                self.inner.turn(Turn { slots: &slots, ..turn }).await;
            }
            Wrong::Hasty => {
                let reports = HastyReports(turn.reports);
                self.inner.turn(Turn { reports: &reports, ..turn }).await;
            }
            Wrong::Eager(other) => {
                if !ids.is_empty() {
                    other.turn(Turn { place: turn.place, slots: turn.slots, reports: &Unheard }).await;
                }
                self.inner.turn(turn).await;
            }
            Wrong::Stops(other) => {
                self.stop(std::slice::from_ref(other)).await;
                self.inner.turn(turn).await;
            }
            Wrong::RebootsAgain => {
                let zone = zone();
                let cell = Cell { zone: &zone, region: sample::region(REGIONS[0]) };
                if !ids.is_empty() {
                    self.clock.sleep(Duration::from_secs(5)).await;
                    self.hosts.reboot(&cell, &ids).await.expect("they run");
                }
                self.inner.turn(turn).await;
            }
            Wrong::ByName => {
                self.replace(&ids).await;
                self.stop(&ids).await;
                Self::all_done(&turn);
            }
            Wrong::Nothing => {
                if !ids.is_empty() {
                    self.replace(&ids).await;
                }
                self.inner.turn(turn).await;
            }
        }
    }
}

/// The steps with the one of that name made wrong; what is wrong may need the other steps.
pub(crate) fn wrong(
    name: &'static str,
    make: impl Fn(&[Arc<dyn Step>]) -> Wrong + Send + Sync + 'static,
) -> Option<Alter> {
    Some(Arc::new(move |steps, world| {
        let wrong = make(&steps);
        let one = |inner: Arc<dyn Step>| match inner.name() == name {
            false => inner,
            true => Arc::new(Mutant {
                inner,
                wrong: wrong.clone(),
                hosts: world.hosts.clone(),
                models: world.models.clone(),
                clock: world.clock.clone(),
                replaced: world.replaced.clone(),
            }),
        };
        steps.into_iter().map(one).collect()
    }))
}

/// Everything that is wrong with a run that nothing happens to.
async fn found(world: &PatchWorld) -> Vec<String> {
    let ports = Ports {
        journal: world.journal(),
        clock: world.clock(),
        steps: StepTable::new(world.steps()),
        around: Surroundings::default(),
    };
    let control = Control::new("mutants", AtGates::Approve { by: "mutants".into() });
    let begin = Begin::New { digest: world.digest() };
    drive(ports, world.run(), World::plan(world), begin, &control, &Unwatched).await.expect("it ends");
    let mut found = world.complaints();
    let twice = world.effects().into_iter().filter(|(_, count)| *count > 1);
    found.extend(twice.map(|(mark, count)| format!("`{mark}` was done {count} times")));
    found
}

#[track_caller]
pub(crate) fn assert_says(found: &[String], words: &[&str]) {
    let says = |line: &String| words.iter().all(|word| line.contains(word));
    assert!(found.iter().any(says), "no check says {words:?}: {found:#?}");
}

async fn whole(alter: Option<Alter>) -> PatchWorld {
    PatchWorld::whole(&EACH_SHAPE, alter).await
}

#[tokio::test(start_paused = true)]
async fn right_steps_are_not_complained_of() {
    assert_eq!(found(&whole(None).await).await, [""; 0]);
}

/// I7.
#[tokio::test(start_paused = true)]
async fn an_installation_before_the_image_is_usable_is_found_out() {
    let found = found(&whole(wrong(step::BACKUP, |_| Wrong::Hasty)).await).await;
    assert_says(&found, &["installs at", "without a usable backup (I7)"]);
}

/// I8.
#[tokio::test(start_paused = true)]
async fn a_backup_that_goes_before_its_host_is_verified_is_found_out() {
    let clean_up = |verified: bool| -> Option<Alter> {
        Some(Arc::new(move |mut steps, world| {
            if verified {
                let credulous = fleetwright_steps::steps(world.context_in_which(Arc::new(|_| true)));
                steps.retain(|step| step.name() != step::CLEAN_UP);
                steps.extend(credulous.into_iter().filter(|step| step.name() == step::CLEAN_UP));
            }
            steps
        }))
    };
    for (believes, deleted) in [(false, false), (true, true)] {
        let world = whole(clean_up(believes)).await;
        world.fail(step::VERIFY);
        world.fail(step::VALIDATE);
        let found = found(&world).await;
        assert_eq!(found.iter().any(|line| line.contains("is deleted at") && line.contains("(I8)")), deleted);
    }
}

/// I9, I19, I22: also where readings are of a while ago.
#[tokio::test(start_paused = true)]
async fn an_installation_that_forgets_its_doubt_is_found_out() {
    let alter = wrong(step::PATCH, |_| Wrong::Rash);
    let violations = enumerate(async || whole(alter.clone()).await).await.expect_err("it is rash");
    for aftermath in ["Resumed", "StaleReads", "TriggeredTwice"] {
        let place = format!("patch / AnswerLost / {aftermath}");
        let of_case = violations.iter().filter(|violation| violation.place == place);
        let found: Vec<String> = of_case.map(|violation| violation.what.clone()).collect();
        assert_says(&found, &["`install i-", "was done 2 times"]);
    }
}

/// I9, I15, I18.
#[tokio::test(start_paused = true)]
async fn a_reboot_beside_the_guarded_one_is_found_out() {
    let found = found(&whole(wrong(step::VERIFY, |_| Wrong::RebootsAgain)).await).await;
    assert_says(&found, &["`reboot i-", "was done 2 times"]);
    assert_says(&found, &["ec2:RebootInstances", "no intent of [\"reboot\"] is open (I15, I18)"]);
}

/// I15, I18.
#[tokio::test(start_paused = true)]
async fn an_installation_nobody_intended_yet_is_found_out() {
    let patch = |steps: &[Arc<dyn Step>]| {
        let patch = steps.iter().find(|step| step.name() == step::PATCH);
        Wrong::Eager(patch.expect("a step of the workflow").clone())
    };
    let found = found(&whole(wrong(step::PRECHECK, patch)).await).await;
    assert_says(&found, &["ssm:SendCommand", "no intent of [\"patch\"] is open (I15, I18)"]);
}

/// I15, I18: what is said to be over is no intent any more.
#[tokio::test(start_paused = true)]
async fn a_stop_that_no_step_has_asked_for_is_found_out() {
    let alter = wrong(step::VALIDATE, |_| Wrong::Stops(sample::id(1)));
    assert_says(&found(&whole(alter).await).await, &["ec2:StopInstances", "is open (I15, I18)"]);
}

/// I21.
#[tokio::test(start_paused = true)]
async fn a_way_back_that_touches_another_runs_host_is_found_out() {
    let shapes = [Shape::default(); 2];
    for (alter, touched) in [(None, false), (wrong(step::RESTORE, |_| Wrong::Stops(sample::id(2))), true)] {
        let plan = plans::whole(&shapes[..1], plans::limits(), 1);
        let world = PatchWorld::planned(&shapes, plan, alter).await;
        world.fail(step::VALIDATE);
        let found = found(&world).await;
        let steps = world
            .witness
            .records()
            .into_iter()
            .filter(|record| matches!(record.event, Event::Started { direction: Direction::Undo, .. }));
        assert!(steps.count() > 0, "it goes back");
        let words = "the plan does not name it (I21, I23)";
        assert_eq!(found.iter().any(|line| line.contains(words)), touched, "{found:?}");
    }
}

/// I23.
#[tokio::test(start_paused = true)]
async fn a_replaced_host_that_is_known_by_its_name_is_found_out() {
    for (how, touched) in [(Wrong::Nothing, false), (Wrong::ByName, true)] {
        let world = whole(wrong(step::STOP_AGAIN, move |_| how.clone())).await;
        let found = found(&world).await;
        assert!(!world.replaced.lock().expect("whole").is_empty(), "it was replaced");
        let words = "it is another one by now (I23)";
        assert_eq!(found.iter().any(|line| line.contains(words)), touched, "{found:?}");
    }
}

/// I33.
#[tokio::test(start_paused = true)]
async fn a_host_that_is_not_put_back_is_found_out() {
    let found = found(&whole(wrong(step::STOP_AGAIN, |_| Wrong::Idle)).await).await;
    assert_says(&found, &["was started and runs at the end (I33)"]);
}

/// The records of a good run, without its end, with one more by the same owner.
async fn history(forge: impl FnOnce(&[Record]) -> (Epoch, Event)) -> Vec<String> {
    let world = whole(None).await;
    assert_eq!(found(&world).await, [""; 0]);
    let mut records = world.witness.records();
    let closed = records.pop().expect("its end");
    assert!(matches!(closed.event, Event::Closed { .. }));
    let (epoch, event) = forge(&records);
    records.push(Record { epoch, event, ..closed });
    let reader = whole(None).await;
    reader.witness.read_along(&records);
    let complaints = reader.witness.wrong();
    let before = records.len() as u64;
    assert!(
        complaints.iter().all(|it| it.contains(&format!("record {before} ")) || it.contains("(I19, I22)"))
    );
    complaints
}

/// I19, I22: as a process would that reads the journal as it was a while ago.
#[tokio::test(start_paused = true)]
async fn a_step_that_is_started_again_although_it_is_done_is_found_out() {
    let found = history(|records| {
        let started = |record: &&Record| matches!(record.event, Event::Started { .. });
        let first = records.iter().find(started).expect("something was started");
        (first.epoch, first.event.clone())
    });
    assert_says(&found.await, &["was done and is started again (I19, I22)"]);
}

/// I17.
#[tokio::test(start_paused = true)]
async fn a_record_of_an_owner_that_lost_the_run_is_found_out() {
    let found = history(|records| (Epoch(0), records.last().expect("records").event.clone()));
    assert_says(&found.await, &["is illegal"]);
}

/// I18, I20.
#[tokio::test(start_paused = true)]
async fn a_run_that_is_closed_before_everything_rests_is_found_out() {
    let world = whole(None).await;
    found(&world).await;
    let mut records = world.journal().load(&world.run()).await.expect("a run").records;
    let ends = |record: &Record| matches!(record.event, Event::Succeeded { .. });
    let last = records.iter().rposition(ends).expect("something succeeded");
    records.remove(last);
    for (number, record) in (1..).zip(&mut records) {
        record.seq = Sequence(number);
    }
    let refused = fleetwright_testkit::crash::check_records(&World::plan(&world), &records);
    let refused = refused.expect_err("a step is in flight");
    assert!(refused.contains(&format!("record {} is illegal", records.len())), "{refused}");
}
