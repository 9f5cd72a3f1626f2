//! Runs cut off at every point at which a process can die, over steps whose effects are counted.

mod random;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use fleetwright_clock::VirtualClock;
use fleetwright_engine::{AtGates, Begin, Control, Ports, StepTable, Surroundings, Unwatched, drive};
use fleetwright_flow::{Epoch, Plan, Record, Sequence};
use fleetwright_model::{ErrorClass, Text};
use fleetwright_ports::{
    Claim, Clock, Delivery, Journal, JournalError, Letter, LoadedRun, Mail, RunEntry, RunId,
};
use fleetwright_step::Step;
use fleetwright_store::{MemoryBudgets, MemoryJournal};
use fleetwright_testkit::crash::{World, check_records, enumerate, seeds};
use fleetwright_testkit::flow::plans::{patching, plan};
use fleetwright_testkit::flow::{Around, Behaviour, Effects, FakeStep};
use fleetwright_testkit::referee::{Law, judge};
use fleetwright_testkit::sample;
use jiff::Timestamp;

struct Counted {
    plan: Arc<Plan>,
    run: RunId,
    journal: MemoryJournal,
    clock: Arc<dyn Clock>,
    effects: Arc<Effects>,
    budgets: MemoryBudgets,
    around: Option<Arc<Around>>,
}

impl Counted {
    async fn of(plan: Plan) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::starting_at(sample::now()));
        let (journal, run) = (MemoryJournal::new(), "run-1".parse::<RunId>().expect("a valid name"));
        journal.create(&run, b"the plan", clock.now()).await.expect("a new run");
        let (budgets, around) = (MemoryBudgets::new(), None);
        Self { plan: Arc::new(plan), run, journal, clock, effects: Arc::default(), budgets, around }
    }
}

impl World for Counted {
    fn plan(&self) -> Arc<Plan> {
        self.plan.clone()
    }

    fn digest(&self) -> Text {
        "digest".into()
    }

    fn run(&self) -> RunId {
        self.run.clone()
    }

    fn journal(&self) -> Arc<dyn Journal> {
        Arc::new(self.journal.clone())
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    fn steps(&self) -> Vec<Arc<dyn Step>> {
        FakeStep::all_of(&self.plan, &self.effects, &self.clock)
    }

    fn surroundings(&self) -> Surroundings {
        let Some(around) = &self.around else { return Surroundings::default() };
        Surroundings {
            budgets: Some(Arc::new(self.budgets.clone())),
            outages: Some(around.clone()),
            freezes: Some(around.clone()),
        }
    }

    fn effects(&self) -> BTreeMap<String, usize> {
        self.effects.counts()
    }

    fn effect_count(&self) -> usize {
        self.effects.count()
    }

    fn fail(&self, step: &str) {
        self.effects.always(step, Behaviour::Fail(ErrorClass::Permanent));
    }

    fn make_reads_stale(&self) {
        self.effects.hide_new_marks_for(Duration::from_secs(20));
    }

    fn records_wrong(&self, records: &[Record]) -> Vec<String> {
        let around = self.around.iter();
        around.flat_map(|it| random::taken_in_spite_of_outages(&self.plan, it, records)).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn no_crash_repeats_or_loses_an_effect() {
    let cases = enumerate(async || Counted::of(plan(patching(), 2, 1)).await).await;
    let cases = cases.unwrap_or_else(|violations| {
        let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
        panic!("{} violations:\n{}", lines.len(), lines.join("\n"))
    });
    println!("{} crash cases", cases.len());
    let steps: BTreeSet<&str> = cases.iter().map(|case| &*case.cut.step).collect();
    assert_eq!(steps.len(), 9, "every step of the recipe and of its way back: {steps:?}");
}

#[tokio::test(start_paused = true)]
async fn a_step_no_run_comes_to_has_no_case_and_that_is_found() {
    let make = async || {
        let world = Counted::of(plan(patching(), 1, 1)).await;
        world.effects.always("backup", Behaviour::NotNeeded);
        world
    };
    let violations = enumerate(make).await.expect_err("backup never takes effect");
    assert!(violations.iter().all(|found| found.place.starts_with("backup / AnswerLost")), "{violations:?}");
    assert_eq!(violations.len(), 4, "one for each aftermath: {violations:?}");
}

/// The mutant: it does not look for its mark when it is in doubt.
struct Careless(FakeStep);

#[async_trait::async_trait]
impl Step for Careless {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    async fn turn(&self, turn: fleetwright_step::Turn<'_>) {
        let sure = turn.slots.iter().cloned().map(|slot| fleetwright_step::Slot { doubt: false, ..slot });
        let slots: Vec<_> = sure.collect();
        self.0.turn(fleetwright_step::Turn { slots: &slots, ..turn }).await;
    }
}

/// A world with one part that breaks the rules.
struct Mutant {
    world: Counted,
    part: Part,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// `patch` does not look for its mark.
    CarelessStep,
    /// The journal takes no notice of who owns the run.
    UnfencedJournal,
}

impl Mutant {
    async fn of(part: Part, targets: u32) -> Self {
        Self { world: Counted::of(plan(patching(), targets, 1)).await, part }
    }
}

impl World for Mutant {
    fn plan(&self) -> Arc<Plan> {
        self.world.plan()
    }

    fn digest(&self) -> Text {
        self.world.digest()
    }

    fn run(&self) -> RunId {
        self.world.run()
    }

    fn journal(&self) -> Arc<dyn Journal> {
        match self.part {
            Part::UnfencedJournal => Arc::new(Unfenced(self.world.journal.clone())),
            Part::CarelessStep => World::journal(&self.world),
        }
    }

    fn clock(&self) -> Arc<dyn Clock> {
        World::clock(&self.world)
    }

    fn steps(&self) -> Vec<Arc<dyn Step>> {
        let mut steps = World::steps(&self.world);
        if self.part == Part::CarelessStep {
            let Counted { effects, clock, .. } = &self.world;
            let patch = FakeStep::new("patch", fleetwright_flow::Effect::Changes, effects, clock);
            steps.push(Arc::new(Careless(patch)));
        }
        steps
    }

    fn effects(&self) -> BTreeMap<String, usize> {
        World::effects(&self.world)
    }

    fn fail(&self, step: &str) {
        self.world.fail(step);
    }

    fn make_reads_stale(&self) {
        self.world.make_reads_stale();
    }
}

/// The mutant: who was refused is told that all is well.
struct Unfenced(MemoryJournal);

#[async_trait::async_trait]
impl Journal for Unfenced {
    async fn append(
        &self,
        run: &RunId,
        epoch: Epoch,
        after: Sequence,
        records: &[Record],
    ) -> Result<(), JournalError> {
        match self.0.append(run, epoch, after, records).await {
            Err(JournalError::Fenced { .. } | JournalError::OutOfSequence { .. }) => Ok(()),
            other => other,
        }
    }

    async fn create(&self, run: &RunId, plan: &[u8], at: Timestamp) -> Result<(), JournalError> {
        self.0.create(run, plan, at).await
    }

    async fn claim(&self, run: &RunId, owner: &str) -> Result<Box<dyn Claim>, JournalError> {
        self.0.claim(run, owner).await
    }

    async fn load(&self, run: &RunId) -> Result<LoadedRun, JournalError> {
        self.0.load(run).await
    }

    async fn since(&self, run: &RunId, after: Sequence) -> Result<Vec<Record>, JournalError> {
        self.0.since(run, after).await
    }

    async fn runs(&self) -> Result<Vec<RunEntry>, JournalError> {
        self.0.runs().await
    }

    async fn deliver(&self, run: &RunId, letter: Letter) -> Result<Delivery, JournalError> {
        self.0.deliver(run, letter).await
    }

    async fn mail(&self, run: &RunId, after: u64) -> Result<Vec<Mail>, JournalError> {
        self.0.mail(run, after).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_does_not_fence_is_found_out() {
    let violations = enumerate(async || Mutant::of(Part::UnfencedJournal, 2).await).await;
    let violations = violations.expect_err("nobody tells the zombie");
    assert!(violations.iter().all(|found| found.place.ends_with("/ Zombie")), "{violations:?}");
    assert!(violations.iter().any(|found| found.what.contains("began a turn")), "{violations:?}");
    assert!(violations.iter().any(|found| found.what.contains("came to a conclusion")), "{violations:?}");
}

#[tokio::test(start_paused = true)]
async fn a_step_that_does_not_look_for_its_mark_is_found_out() {
    let violations = enumerate(async || Mutant::of(Part::CarelessStep, 1).await).await;
    let violations = violations.expect_err("patch is careless");
    let found: BTreeSet<&str> = violations.iter().map(|found| found.place.as_str()).collect();
    assert!(found.contains("patch / AnswerLost / Resumed"), "{found:?}");
    assert!(found.contains("patch / NotRecorded / Resumed"), "{found:?}");
    assert!(violations.iter().all(|found| found.what.contains("patch` was done 2 times")), "{violations:?}");
}

/// The records of the world's run when nothing interrupts it.
async fn drive_to_its_end(world: &Counted) -> Vec<Record> {
    let journal: Arc<dyn Journal> = World::journal(world);
    let ports = Ports {
        journal: journal.clone(),
        clock: world.clock.clone(),
        steps: StepTable::new(world.steps()),
        around: world.surroundings(),
    };
    let begin = Begin::New { digest: world.digest() };
    let control = Control::new("test", AtGates::Approve { by: "crash test".into() });
    drive(ports, world.run(), world.plan.clone(), begin, &control, &Unwatched).await.expect("it ends");
    journal.load(&world.run).await.expect("a run").records
}

/// I1, I5, I13: the kernel refuses to read what a kernel without the budget has written.
#[tokio::test(start_paused = true)]
async fn a_run_that_knew_no_budget_is_found_out() {
    let world = Counted::of(plan(patching(), 3, 3)).await;
    let records = drive_to_its_end(&world).await;
    check_records(&world.plan, &records).expect("by its own plan");
    let honest = Arc::new(plan(patching(), 3, 1));
    let refused = check_records(&honest, &records).expect_err("three at once");
    assert!(refused.contains("is illegal: target 1 may not start at"), "{refused}");
    assert_eq!(judge(&honest, &records), [Law::Budget].into(), "and so does the referee");
}

#[expect(clippy::disallowed_methods, reason = "the number of seeds comes from whoever starts the test")]
fn how_many() -> u64 {
    std::env::var("FLEETWRIGHT_SEEDS").ok().and_then(|number| number.parse().ok()).unwrap_or(2_000)
}

#[tokio::test(start_paused = true)]
async fn no_random_crash_breaks_an_invariant() {
    let report = seeds(1, how_many(), random::world).await.unwrap_or_else(|violations| {
        let lines: Vec<String> = violations.iter().take(20).map(ToString::to_string).collect();
        panic!("{} violations, the first:\n{}", violations.len(), lines.join("\n"))
    });
    println!("{report:?}");
    assert!(report.cuts > report.seeds, "crashes were tried: {report:?}");
}
