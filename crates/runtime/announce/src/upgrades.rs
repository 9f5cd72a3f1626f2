//! Events of upgrades on event buses: what a run of upgrades tells of while it is driven.
//!
//! Every event is put on the bus of its cluster's account and region, in the order in which things happened. An event
//! that a process that dies did not get out is not told again: the run's journal is the record, events are a
//! notice of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fleetwright_eks::plan::{Action, PlanStep};
use fleetwright_eks::run::{Purpose, Task, UpgradeRun};
use fleetwright_engine::Watcher;
use fleetwright_flow::{End, Event as Happened, PlaceId, Record, Run, TargetId};
use fleetwright_model::{Cell, Region, Zone};
use fleetwright_ports::event_rules::BusName;
use fleetwright_ports::events::{Entry, Event, UpgradeEvent, publish};
use fleetwright_ports::{Clock, Events};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

/// Events that wait for the task, which empties its queue at every turn.
const QUEUE: usize = 10_000;
/// Events that are published in one go at most.
const AT_ONCE: usize = 100;

/// Where events go.
pub struct Buses {
    /// EventBridge.
    pub events: Arc<dyn Events>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The bus, of the same name in every account and region.
    pub bus: BusName,
    /// What events have as their source; none for the usual one.
    pub source: Option<String>,
    /// The landing zones and regions of the run's places, in the plan's order.
    pub cells: Vec<(Zone, Region)>,
}

/// What became of the events of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// On a bus.
    pub taken: u64,
    /// Not, or nobody knows.
    pub lost: u64,
    /// Why the first of those was not; untrusted text.
    pub why: Option<String>,
}

/// Looks on at a run of upgrades and puts what happens on event buses.
pub struct UpgradeEvents {
    teller: Mutex<Teller>,
    queue: Sender<(PlaceId, Event)>,
    task: JoinHandle<Published>,
    /// Events there was no room for.
    dropped: Mutex<u64>,
}

impl UpgradeEvents {
    /// Begins to publish. Must be called within a tokio runtime.
    pub fn start(run: &str, plan: Arc<UpgradeRun>, buses: Buses) -> Self {
        let (queue, receiver) = channel(QUEUE);
        let teller = Mutex::new(Teller::new(run, plan, buses.source.clone()));
        Self { teller, queue, task: tokio::spawn(deliver(receiver, buses)), dropped: Mutex::default() }
    }

    /// Waits until every event is published or given up, and says what became of them.
    pub async fn finish(self) -> Published {
        let Self { queue, task, dropped, .. } = self;
        drop(queue);
        let ended = |error| Published { taken: 0, lost: 1, why: Some(format!("the task ended: {error}")) };
        let mut published = task.await.unwrap_or_else(ended);
        let dropped = dropped.into_inner().unwrap_or_else(PoisonError::into_inner);
        if dropped > 0 {
            published.lost += dropped;
            published.why.get_or_insert_with(|| "more happened at once than could be kept".to_owned());
        }
        published
    }
}

impl Watcher for UpgradeEvents {
    fn recorded(&self, records: &[Record], run: &Run) {
        for event in lock(&self.teller).events(records, run) {
            if self.queue.try_send(event).is_err() {
                *lock(&self.dropped) += 1;
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn deliver(mut receiver: Receiver<(PlaceId, Event)>, buses: Buses) -> Published {
    let mut published = Published::default();
    let mut waiting = Vec::new();
    while receiver.recv_many(&mut waiting, AT_ONCE).await > 0 {
        for events in waiting.chunk_by(|one, next| one.0 == next.0) {
            let Some((zone, region)) = events.first().and_then(|(place, _)| buses.cells.get(place.index()))
            else {
                continue;
            };
            let cell = Cell { zone, region: region.clone() };
            let list: Vec<Event> = events.iter().map(|(_, event)| event.clone()).collect();
            let entries = publish((&*buses.events, &*buses.clock), &cell, &buses.bus, &list).await;
            entries.into_iter().for_each(|entry| published.count(entry));
        }
        waiting.clear();
    }
    published
}

impl Published {
    fn count(&mut self, entry: Entry) {
        let why = match entry {
            Entry::Taken(_) => {
                self.taken += 1;
                return;
            }
            Entry::Refused(refusal) => refusal.to_string(),
            Entry::Failed(failure) => failure.to_string(),
        };
        self.lost += 1;
        self.why.get_or_insert(why);
    }
}

/// Turns records into events.
struct Teller {
    run: String,
    plan: Arc<UpgradeRun>,
    source: Option<String>,
    /// How far each cluster was told of.
    told: Vec<Told>,
}

/// How far a cluster was told of.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    begun_at: Option<Timestamp>,
    ended: bool,
}

impl Teller {
    fn new(run: &str, plan: Arc<UpgradeRun>, source: Option<String>) -> Self {
        let told = vec![Told::default(); plan.clusters.len()];
        Self { run: run.to_owned(), plan, source, told }
    }

    fn events(&mut self, records: &[Record], run: &Run) -> Vec<(PlaceId, Event)> {
        if records.is_empty() {
            self.take_up(run);
        }
        let mut events = Vec::new();
        for record in records {
            let Some(target) = record.event.target() else { continue };
            let Some(work) = self.plan.work.get(target.index()) else { continue };
            let (index, place) = (usize::from(work.cluster), self.plan.flow.target(target).place);
            let mut tell = |event: Event| events.push((place, event));
            if matches!(record.event, Happened::Started { .. }) && self.told[index].begun_at.is_none() {
                self.told[index].begun_at = Some(record.at);
                tell(self.begun(index, record.at));
            }
            if let Some(event) = self.of_step(target, record, run) {
                tell(event);
            }
            if let Some(event) = self.of_cluster(index, target, record, run) {
                self.told[index].ended = true;
                tell(event);
            }
        }
        events
    }

    /// What a process before this one told of is not told again.
    fn take_up(&mut self, run: &Run) {
        for (index, work) in self.plan.work.iter().enumerate() {
            let target = TargetId(u32::try_from(index).unwrap_or(u32::MAX));
            let told = &mut self.told[usize::from(work.cluster)];
            if run.was_started(target, fleetwright_flow::StepIndex(0)) {
                told.begun_at.get_or_insert(self.plan.made_at);
            }
            told.ended |= matches!(run.end(target), Some(End::Failed { .. } | End::Stuck { .. }));
        }
    }

    fn event(&self, kind: UpgradeEvent, cluster: usize, more: Value, at: Timestamp) -> Event {
        let plan = &self.plan.clusters[cluster].plan;
        let mut detail = match more {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        detail.insert("event_type".to_owned(), kind.as_str().into());
        detail.insert("cluster_name".to_owned(), plan.cluster.name.as_str().into());
        detail.insert("timestamp".to_owned(), at.to_string().into());
        detail.insert("schema_version".to_owned(), 1.into());
        let mut event = kind.of(&plan.cluster.name, &self.run, detail, Some(at));
        if let Some(source) = &self.source {
            event.source.clone_from(source);
        }
        event
    }

    fn begun(&self, cluster: usize, at: Timestamp) -> Event {
        let plan = &self.plan.clusters[cluster].plan;
        match &self.plan.purpose {
            Purpose::Upgrade => {
                let more = json!({
                    "target_version": plan.target, "strategy": plan.options.strategy, "phase": "perception",
                });
                self.event(UpgradeEvent::UpgradeStarted, cluster, more, at)
            }
            Purpose::WayBack { of, hop } => {
                let more = json!({
                    "reason": format!("{of} is taken back"), "phase": "rollback", "status": "in_progress",
                    "target_version": hop.from,
                });
                self.event(UpgradeEvent::RollbackTriggered, cluster, more, at)
            }
        }
    }

    /// What a step tells of: that it begins, and how it ended.
    fn of_step(&self, target: TargetId, record: &Record, run: &Run) -> Option<Event> {
        let cluster = usize::from(self.plan.work[target.index()].cluster);
        let (phase, step) = (self.phase(target), self.plan.step_of(target));
        let name = step.map_or("baseline", |step| step.id.as_str());
        let validates = phase == "validation";
        let (kind, more) = match (&record.event, run.end(target)) {
            (Happened::Started { step, attempt: 1, .. }, _) if step.0 == 0 => {
                (UpgradeEvent::PhaseStarted, json!({ "status": "in_progress" }))
            }
            (Happened::Succeeded { .. } | Happened::Skipped { .. }, Some(End::Done { .. })) if validates => {
                (UpgradeEvent::ValidationSuccess, json!({ "success": true, "metrics": {} }))
            }
            (Happened::Succeeded { .. } | Happened::Skipped { .. }, Some(End::Done { .. })) => {
                (UpgradeEvent::PhaseCompleted, json!({ "status": "completed" }))
            }
            (Happened::Failed { failure, .. }, Some(End::Failed { .. } | End::Stuck { .. })) => {
                let error = format!("{} {}", failure.code, failure.message);
                match validates {
                    true => (UpgradeEvent::ValidationFailure, json!({ "success": false, "error": error })),
                    false => (UpgradeEvent::PhaseFailed, json!({ "status": "failed", "error": error })),
                }
            }
            _ => return None,
        };
        let mut more = more;
        more["phase"] = phase.into();
        more["step"] = name.into();
        Some(self.event(kind, cluster, more, record.at))
    }

    fn phase(&self, target: TargetId) -> &'static str {
        match (
            self.plan.step_of(target).map(|step: &PlanStep| &step.action),
            &self.plan.work[target.index()].task,
        ) {
            (_, Task::Back { .. }) => "rollback",
            (Some(Action::HealthGate { .. } | Action::Suite { .. }), _) | (None, Task::Soak { .. }) => {
                "validation"
            }
            (Some(Action::RefreshInsights { .. }), _) | (None, _) => "perception",
            (Some(Action::Gate { .. }), _) => "reasoning",
            _ => "execution",
        }
    }

    /// That a cluster came to its end, by the last record of its last target, or failed, by the first that did.
    fn of_cluster(&self, cluster: usize, target: TargetId, record: &Record, run: &Run) -> Option<Event> {
        let told = self.told[cluster];
        let begun_at = told.begun_at.filter(|_| !told.ended)?;
        let seconds = record.at.duration_since(begun_at).as_secs();
        let plan = &self.plan.clusters[cluster].plan;
        if let (Happened::Failed { failure, .. }, Some(End::Failed { .. } | End::Stuck { .. })) =
            (&record.event, run.end(target))
        {
            let more = json!({
                "target_version": plan.target, "phase": self.phase(target), "status": "failed",
                "error": format!("{} {}", failure.code, failure.message),
            });
            return Some(self.event(UpgradeEvent::UpgradeFailed, cluster, more, record.at));
        }
        let mut targets = (0..).map(TargetId).zip(&self.plan.work);
        let all = targets.all(|(target, work)| {
            usize::from(work.cluster) != cluster || matches!(run.end(target), Some(End::Done { .. }))
        });
        let more =
            json!({ "target_version": plan.target, "duration_seconds": seconds, "status": "completed" });
        let kind = match self.plan.purpose {
            Purpose::Upgrade => UpgradeEvent::UpgradeCompleted,
            Purpose::WayBack { .. } => UpgradeEvent::RollbackCompleted,
        };
        all.then(|| self.event(kind, cluster, more, record.at))
    }
}
