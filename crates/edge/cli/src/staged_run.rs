//! A run on a stage: plan and drive a simulated fleet in virtual time, without terminal and reports.
//! Tests and benchmarks read what became of it.

use std::sync::Arc;

use fleetwright_engine::{AtGates, Begin, Concluded, Control, DriveError, Ports, Watcher, drive};
use fleetwright_flow::{Record, Run};
use fleetwright_model::{Phase, Text, Zone};
use fleetwright_patch::outcome::{HostResult, RunOutcome, results, run_outcome};
use fleetwright_patch::plan::{PatchPlan, PlanDocument};
use fleetwright_ports::RunId;
use fleetwright_stepfn::{Pace, Taken, TurnError, turn};
use fleetwright_survey::Stop;

use crate::commands::plan::{Continued, Looking, run_id};
use crate::console::Console;
use crate::driving::{Health, ports};
use crate::evidence::keep_inventory;
use crate::failure::CommandError;
use crate::on_record::OnRecord;
use crate::run_events::RunEvents;
use crate::simulated::Stage;
use crate::state::{State, refused};
use crate::{fleet, learning};

/// A run that is planned and can be driven, again and again from its record.
pub struct StagedRun {
    /// The simulated fleet.
    pub stage: Stage,
    /// Where the run is kept.
    pub state: State,
    /// Its name.
    pub run: RunId,
    /// Its plan.
    pub document: PlanDocument,
    /// The landing zones.
    pub zones: Vec<Zone>,
}

/// What became of it.
pub struct Finished<'a> {
    /// Where it stands.
    pub run: Run,
    /// Every record.
    pub records: Vec<Record>,
    /// Host by host.
    pub results: Vec<HostResult<'a>>,
    /// As a whole.
    pub outcome: RunOutcome,
}

impl StagedRun {
    /// Scans the stage and plans these phases; the run exists in `state` and has no records.
    ///
    /// # Errors
    /// The run cannot be made.
    pub async fn plan(
        stage: Stage,
        state: State,
        phases: &[Phase],
        console: Console,
    ) -> Result<Self, CommandError> {
        let looking = Looking {
            aws: &stage.aws,
            clock: &stage.clock,
            settings: &stage.settings,
            stop: Stop::never(),
            console,
        };
        let request = fleet::scan_request(&stage.settings, stage.fleet.clone());
        let looked = looking.look(&request).await;
        let learnt = learning::learnt(&state, stage.clock.now(), console).await?;
        let continued = Continued { learnt, ..Continued::default() };
        let document = looking.plan(&looked, phases, stage.world.seed, continued)?;
        let run = run_id(stage.clock.as_ref(), stage.world.seed);
        let created = state.journal.create(&run, &document.write(), stage.clock.now()).await;
        created.map_err(|error| refused(&error))?;
        keep_inventory(&state, &run, document.plan(), &looked.inventory).await?;
        Ok(Self { stage, state, run, document, zones: looked.zones })
    }

    /// Drives the run from where its record ends.
    ///
    /// # Errors
    /// As [`drive`].
    pub async fn drive(&self, control: &Control) -> Result<Concluded, DriveError> {
        self.drive_watched(control, &()).await
    }

    /// As [`StagedRun::drive`]; `also` looks on.
    ///
    /// # Errors
    /// As [`drive`].
    pub async fn drive_watched(
        &self,
        control: &Control,
        also: &dyn Onlooker,
    ) -> Result<Concluded, DriveError> {
        let set = self.set(control.owner()).await;
        let plan = Arc::clone(&set.plan);
        let watch = Watch { plan: &plan, health: &set.health, also, events: RunEvents::default() };
        let digest = self.document.digest().clone();
        let loaded = self.state.journal.load(&self.run).await.expect("the run was made");
        let begin = Begin::of(digest, loaded);
        let flow = Arc::new(plan.flow.clone());
        let done = drive(set.ports, self.run.clone(), flow, begin, control, &watch).await;
        set.on_record.log.sign(self.stage.clock.now()).await.expect("the log takes what it took before");
        done
    }

    /// Takes a turn, as a function of Step Functions does.
    ///
    /// # Errors
    /// As [`turn`].
    pub async fn turn(&self, at_gates: AtGates, pace: &Pace, number: u32) -> Result<Taken, TurnError> {
        let owner = Text::from("a turn");
        let set = self.set(&owner).await;
        let plan = Arc::clone(&set.plan);
        let watch = Watch { plan: &plan, health: &set.health, also: &(), events: RunEvents::default() };
        let (flow, digest) = (Arc::new(plan.flow.clone()), self.document.digest().clone());
        let begin = Begin::of(digest, self.state.journal.load(&self.run).await?);
        let taken = turn(set.ports, &self.run, flow, begin, owner, at_gates, pace, number, &watch).await;
        set.on_record.log.sign(self.stage.clock.now()).await.expect("the log takes what it took before");
        taken
    }

    /// What a process puts together before it drives.
    async fn set(&self, owner: &Text) -> Set {
        let plan = Arc::new(self.document.plan().clone());
        let health = Arc::new(Health::default());
        let loaded = self.state.journal.load(&self.run).await.expect("the run was made");
        health.hear(&loaded.records);
        let on_record = self.record_of(owner);
        let stage = &self.stage;
        let ports = ports(&stage.aws, &stage.clock, &self.state, &self.zones, &plan, &health, &on_record)
            .expect("the plan was made from these landing zones");
        Set { plan, health, on_record, ports }
    }

    /// The run's audit log, written in the name of whoever steers.
    pub fn on_record(&self, control: &Control) -> OnRecord {
        self.record_of(control.owner())
    }

    fn record_of(&self, owner: &Text) -> OnRecord {
        OnRecord::of(&self.state, &self.run, self.document.digest(), owner, "the stage".into())
    }

    /// What became of the run, from its record.
    pub async fn finished(&self) -> Finished<'_> {
        let records = self.state.journal.load(&self.run).await.expect("the run was made").records;
        let mut run = Run::open(Arc::new(self.document.plan().flow.clone()));
        for record in &records {
            run.apply(record).expect("the journal keeps what the kernel allowed");
        }
        let results = results(self.document.plan(), &run, &records);
        let outcome = run_outcome(self.document.plan(), &run, &results);
        Finished { run, records, results, outcome }
    }
}

/// What a process puts together before it drives.
struct Set {
    plan: Arc<PatchPlan>,
    health: Arc<Health>,
    on_record: OnRecord,
    ports: Ports,
}

/// Looks on at a staged run.
pub trait Onlooker: Send + Sync {
    /// These records are durable, and the run has come to this.
    fn recorded(&self, _records: &[Record], _run: &Run) {}
}

impl Onlooker for () {}

struct Watch<'a> {
    plan: &'a PatchPlan,
    health: &'a Health,
    also: &'a dyn Onlooker,
    events: RunEvents,
}

impl Watcher for Watch<'_> {
    fn recorded(&self, records: &[Record], run: &Run) {
        match records {
            [] => self.health.take_all(self.plan, run),
            records => self.health.take(self.plan, records, run),
        }
        self.events.tell(self.plan, records);
        self.also.recorded(records, run);
    }
}
