//! A run to be driven, and everything it needs.

use std::sync::Arc;

use fleetwright_clock::VirtualClock;
use fleetwright_engine::{
    AtGates, Begin, Concluded, Control, DriveError, Ports, StepTable, Surroundings, Unwatched, drive,
};
use fleetwright_flow::{Event, Plan, Record};
use fleetwright_ports::{Clock, Journal, RunId};
use fleetwright_step::Step;
use fleetwright_store::MemoryJournal;
use fleetwright_testkit::flow::{Effects, FakeStep};
use fleetwright_testkit::sample;

pub(crate) struct World {
    pub(crate) effects: Arc<Effects>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) memory: MemoryJournal,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) steps: Vec<Arc<dyn Step>>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) run: RunId,
    pub(crate) around: Surroundings,
}

impl World {
    pub(crate) async fn of(plan: Plan) -> Self {
        Self::named("run-1", plan).await
    }

    /// A world of its own with a run of that name.
    pub(crate) async fn named(run: &str, plan: Plan) -> Self {
        let effects = Arc::new(Effects::default());
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::starting_at(sample::now()));
        let memory = MemoryJournal::new();
        let run: RunId = run.parse().expect("a valid name");
        memory.create(&run, b"the plan", clock.now()).await.expect("a new run");
        let steps = FakeStep::all_of(&plan, &effects, &clock);
        let journal = Arc::new(memory.clone());
        let around = Surroundings::default();
        Self { effects, clock, memory, journal, steps, plan: Arc::new(plan), run, around }
    }

    /// The same world with these steps in place of those of their names.
    pub(crate) fn with_steps(mut self, steps: impl IntoIterator<Item = FakeStep>) -> Self {
        self.steps.extend(steps.into_iter().map(|step| Arc::new(step) as Arc<dyn Step>));
        self
    }

    pub(crate) fn step(&self, name: &'static str) -> FakeStep {
        let mut steps = self.plan.recipes.iter().flat_map(|recipe| recipe.steps.iter().chain(&recipe.undo));
        let step = steps.find(|step| &*step.name == name).expect("a step of the plan");
        FakeStep::new(name, step.effect, &self.effects, &self.clock)
    }

    pub(crate) fn ports(&self) -> Ports {
        Ports {
            journal: self.journal.clone(),
            clock: self.clock.clone(),
            steps: StepTable::new(self.steps.iter().cloned()),
            around: self.around.clone(),
        }
    }

    pub(crate) async fn begin(&self) -> Begin {
        let loaded = self.memory.load(&self.run).await.expect("a run");
        if loaded.records.is_empty() {
            Begin::New { digest: "digest".into() }
        } else {
            Begin::Resume { digest: "digest".into(), loaded }
        }
    }

    pub(crate) async fn drive(&self, control: &Control) -> Result<Concluded, DriveError> {
        let begin = self.begin().await;
        drive(self.ports(), self.run.clone(), self.plan.clone(), begin, control, &Unwatched).await
    }

    /// Drives to the end, waiting at gates.
    pub(crate) async fn finish(&self) -> Concluded {
        self.drive(&waiting()).await.expect("a drive without trouble")
    }

    pub(crate) async fn records(&self) -> Vec<Record> {
        self.memory.load(&self.run).await.expect("a run").records
    }

    pub(crate) async fn events(&self) -> Vec<Event> {
        self.records().await.into_iter().map(|record| record.event).collect()
    }

    /// The subject of a target.
    pub(crate) fn subject(&self, target: usize) -> String {
        self.plan.targets[target].subject.to_string()
    }

    /// Asserts that nothing was done twice.
    pub(crate) fn assert_nothing_twice(&self) {
        let twice: Vec<_> = self.effects.counts().into_iter().filter(|(_, count)| *count != 1).collect();
        assert!(twice.is_empty(), "done more than once: {twice:?}");
    }
}

/// A control that waits at gates.
pub(crate) fn waiting() -> Control {
    Control::new("test", AtGates::Wait)
}
