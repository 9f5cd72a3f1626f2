//! What the functions do when the machine calls them, over the fleet in memory, and the person who approves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use fleetwright_engine::{AtGates, Begin, Ports, StepTable, Surroundings, Watcher};
use fleetwright_flow::{End, Event, Record, Run, Signal, StageId, TargetId};
use fleetwright_model::{Exit, InstanceId, Text, Zone};
use fleetwright_patch::plan::notes::step::VALIDATE;
use fleetwright_patch::plan::{PatchPlan, PlanDocument, Work};
use fleetwright_ports::{Clock, Journal, RunId};
use fleetwright_stepfn::{Answer, Next, Pace, turn};
use fleetwright_steps::{Context, Standing};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::Failed;
use crate::cloud::Cloud;
use crate::execution::Services;
use crate::measure::cpu;
use crate::pacing::later;
use crate::table::Table;

/// From asking somebody to approve to their answer.
const THINKS_FOR: Duration = Duration::from_secs(1_800);

/// One call of the function that takes turns.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Taken {
    /// How long it was open, in virtual time.
    pub(crate) open: Duration,
    /// Of that, until what is on record was read.
    pub(crate) reading: Duration,
    /// What it computed, the world left out. Measured.
    pub(crate) cpu: Duration,
    /// Calls to AWS.
    pub(crate) calls: u64,
}

/// What was answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answers {
    /// Waits.
    pub(crate) waits: u64,
    /// Waits for a decision that came.
    pub(crate) decided: u64,
    /// Waits for a decision that ran out.
    pub(crate) undecided: u64,
}

/// The functions of one run.
pub(crate) struct Functions {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) cloud: Arc<Cloud>,
    pub(crate) table: Arc<Table>,
    pub(crate) zones: Vec<Zone>,
    pub(crate) document: PlanDocument,
    pub(crate) plan: Arc<PatchPlan>,
    pub(crate) run: RunId,
    pub(crate) taken: Vec<Taken>,
    pub(crate) answers: Answers,
    /// Calls of the other functions.
    pub(crate) others: BTreeMap<String, u64>,
    /// Records in the end.
    pub(crate) records: u64,
    /// The stage whose gate waits, and who was asked about which by when.
    waiting: Option<StageId>,
    asked: Option<(StageId, Timestamp)>,
}

impl Functions {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        cloud: Arc<Cloud>,
        table: Arc<Table>,
        zones: Vec<Zone>,
        document: PlanDocument,
        run: RunId,
    ) -> Self {
        Self {
            plan: Arc::new(document.plan().clone()),
            clock,
            cloud,
            table,
            zones,
            document,
            run,
            taken: Vec::new(),
            answers: Answers::default(),
            others: BTreeMap::new(),
            records: 0,
            waiting: None,
            asked: None,
        }
    }

    async fn prepare(&self) -> Result<Value, Failed> {
        self.table.create(&self.run, &self.document.write(), self.clock.now()).await?;
        Ok(json!({ "run": self.run, "hosts": self.plan.work.len(), "stages": self.plan.flow.stages.len() }))
    }

    /// Takes a turn, and measures it.
    #[expect(clippy::disallowed_methods, reason = "it measures")]
    async fn turn(&mut self, number: u32) -> Result<Value, Failed> {
        let (opened, begun, spent) = (self.clock.now(), Instant::now(), cpu());
        let (outside, calls) = (self.cloud.outside(), self.cloud.pacing.calls().total());
        let health = Arc::new(Health { clock: Arc::clone(&self.clock), known: Mutex::default() });
        let ports = self.ports(&health)?;
        let watch = Watch { plan: &self.plan, health: &health };
        let (flow, digest) = (Arc::new(self.plan.flow.clone()), self.document.digest().clone());
        let (owner, pace): (Text, _) = (
            "arn:aws:lambda:us-east-1:111122223333:function:fleetwright-production-turn".into(),
            Pace::default(),
        );
        let begin = Begin::of(digest, ports.journal.load(&self.run).await?);
        let taken = turn(ports, &self.run, flow, begin, owner, AtGates::Wait, &pace, number, &watch).await?;
        self.waiting = taken.run.gate_waiting();
        self.records = taken.run.last().0;
        let answer = Answer::of(taken.next, number, exit(&taken.run));
        if let Next::Wait { .. } = taken.next {
            self.answers.waits += 1;
        }
        drop(taken);
        let world = (self.cloud.outside() - outside).as_secs_f64() / begun.elapsed().as_secs_f64().max(1e-9);
        self.taken.push(Taken {
            open: since(opened, self.clock.now()),
            reading: since(opened, health.read_at().unwrap_or(opened)),
            cpu: (cpu() - spent).mul_f64((1.0 - world).max(0.0)),
            calls: self.cloud.pacing.calls().total() - calls,
        });
        Ok(serde_json::to_value(answer)?)
    }

    fn ports(&self, health: &Arc<Health>) -> Result<Ports, Failed> {
        let cloud = &self.cloud;
        let ports = fleetwright_steps::Ports {
            commands: cloud.clone(),
            images: cloud.clone(),
            power: cloud.clone(),
            // Nobody is behind a load balancer here, and hosts fetch nothing.
            balancers: cloud.hosts.clone(),
            objects: cloud.hosts.clone(),
            metrics: cloud.clone(),
            machines: cloud.clone(),
            artifacts: cloud.clone(),
            clock: Arc::clone(&self.clock),
        };
        let (verified, standings) = (Arc::clone(health), Arc::clone(health));
        let verified =
            Arc::new(move |id: &InstanceId| verified.known().verified.get(id).copied().unwrap_or(false));
        let standings = Arc::new(move |target: TargetId| standings.known().ended.get(&target).cloned());
        let context = Context::new(self.run.clone(), Arc::clone(&self.plan), &self.zones, ports, verified)?;
        let steps = fleetwright_steps::steps(Arc::new(context.with_standings(standings)));
        let journal: Arc<dyn Journal> = self.table.clone();
        Ok(Ports {
            journal,
            clock: Arc::clone(&self.clock),
            steps: StepTable::new(steps),
            around: Surroundings::default(),
        })
    }

    /// Waits until that moment, or until a person approves before it, which they then have.
    async fn approved_by(&mut self, until: Timestamp) -> Result<bool, Failed> {
        let asked = self.asked.filter(|(_, at)| *at <= until);
        let at = asked.map_or(until, |(_, at)| at);
        self.clock.sleep(since(self.clock.now(), at)).await;
        let Some((stage, _)) = asked else { return Ok(false) };
        self.asked = None;
        *self.others.entry("approve".to_owned()).or_default() += 1;
        self.table.post(&self.run, self.clock.now(), Signal::Approve(stage), "ann@example.com", None).await?;
        Ok(true)
    }
}

#[async_trait(?Send)]
impl Services for Functions {
    async fn invoke(&mut self, function: &str, payload: &Value) -> Result<Value, Failed> {
        let name = function.trim_start_matches("${").trim_end_matches("FunctionArn}").to_lowercase();
        if name == "turn" {
            let last =
                payload["turn"]["number"].as_u64().ok_or("a turn without the number of the last one")?;
            return self.turn(u32::try_from(last + 1)?).await;
        }
        *self.others.entry(name.clone()).or_default() += 1;
        match name.as_str() {
            "prepare" => self.prepare().await,
            "gate" => {
                if let Some(stage) =
                    self.waiting.filter(|stage| self.asked.is_none_or(|(of, _)| of != *stage))
                {
                    self.asked = Some((stage, later(self.clock.now(), THINKS_FOR)));
                }
                Ok(json!({}))
            }
            "report" => Ok(json!({ "reports": 1 })),
            other => Err(format!("there is no function {other}").into()),
        }
    }

    async fn wait(&mut self, seconds: u64) -> Result<(), Failed> {
        let until = later(self.clock.now(), Duration::from_secs(seconds));
        while self.approved_by(until).await? {}
        Ok(())
    }

    async fn decided(&mut self, seconds: u64) -> Result<bool, Failed> {
        let decided = self.approved_by(later(self.clock.now(), Duration::from_secs(seconds))).await?;
        match decided {
            true => self.answers.decided += 1,
            false => self.answers.undecided += 1,
        }
        Ok(decided)
    }
}

/// From one moment to another.
pub(crate) fn since(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// What the run would exit with if it ended now.
fn exit(run: &Run) -> Exit {
    let targets =
        (0..run.plan().targets.len()).map(|index| TargetId(u32::try_from(index).unwrap_or(u32::MAX)));
    let mut ends = targets.map(|target| run.end(target));
    match ends.all(|end| matches!(end, Some(End::Done { .. }))) {
        true => Exit::Success,
        false => Exit::Partial,
    }
}

/// How the run's targets ended, for clean-up and gates, as every driver keeps it.
struct Health {
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    read_at: Option<Timestamp>,
    verified: BTreeMap<InstanceId, bool>,
    ended: BTreeMap<TargetId, Standing>,
}

impl Health {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the run had been taken up.
    fn read_at(&self) -> Option<Timestamp> {
        self.known().read_at
    }

    fn take(&self, plan: &PatchPlan, target: TargetId, run: &Run) {
        let Some(work) = plan.work.get(target.index()) else { return };
        let mut known = self.known();
        if let Work::Host(host) = work {
            let validates = plan.flow.recipe_of(target).steps.iter().any(|step| &*step.name == VALIDATE);
            let well = validates && matches!(run.end(target), Some(End::Done { .. }));
            known.verified.insert(host.id.clone(), well);
        }
        if let Some(standing) = Standing::of(run, target) {
            known.ended.insert(target, standing);
        }
    }
}

struct Watch<'a> {
    plan: &'a PatchPlan,
    health: &'a Health,
}

impl Watcher for Watch<'_> {
    fn recorded(&self, records: &[Record], run: &Run) {
        self.health.known().read_at.get_or_insert(self.health.clock.now());
        if records.is_empty() {
            for index in 0..self.plan.work.len() {
                self.health.take(self.plan, TargetId(u32::try_from(index).unwrap_or(u32::MAX)), run);
            }
        }
        for record in records {
            let target = match &record.event {
                Event::Started { target, .. }
                | Event::Accepted { target, .. }
                | Event::Succeeded { target, .. }
                | Event::Failed { target, .. }
                | Event::Skipped { target, .. } => *target,
                _ => continue,
            };
            self.health.take(self.plan, target, run);
        }
    }
}
