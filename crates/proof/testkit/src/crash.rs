//! Runs cut off at every point at which a process can die.
//!
//! [`enumerate`] derives its cases from the plan's recipes: every step, forward and on the way back,
//! is cut at each [`Point`], and each cut is followed by each [`Aftermath`]. [`seeds`] cuts runs of
//! random worlds at random points, several times each. Afterwards an oracle compares with the run
//! that nothing happened to, and checks the invariants after every record.

mod enumerate;
mod journal;
mod oracle;
mod process;
mod seeds;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use fleetwright_engine::{Surroundings, Unwatched, Watcher};
use fleetwright_flow::{Direction, Plan, Record};
use fleetwright_model::Text;
use fleetwright_ports::{Clock, Journal, RunId};
use fleetwright_step::Step;

pub use enumerate::{enumerate, enumerate_where};
pub use journal::ProcessJournal;
pub use oracle::check_records;
pub use seeds::{Draw, SeedsReport, seeds};

/// A world a run is driven in. Each case gets a new one; processes come and go in it.
///
/// It must be the same each time it is made, and its plan such that an undisturbed run carries every
/// step of its recipes out, and after [`World::fail`] of a step that leads back, every undo step.
pub trait World: Send + Sync {
    /// The plan.
    fn plan(&self) -> Arc<Plan>;

    /// The digest of its document.
    fn digest(&self) -> Text;

    /// The run; it is in the journal already.
    fn run(&self) -> RunId;

    /// The durable record, as a process of this world sees it: its claims keep others out.
    fn journal(&self) -> Arc<dyn Journal>;

    /// Time.
    fn clock(&self) -> Arc<dyn Clock>;

    /// The steps of a new process, with nothing in their memory.
    fn steps(&self) -> Vec<Arc<dyn Step>>;

    /// What goes on around the run.
    fn surroundings(&self) -> Surroundings {
        Surroundings::default()
    }

    /// A new process: its steps, and what looks on in it.
    fn new_process(&self) -> NewProcess {
        NewProcess { steps: self.steps(), watcher: Box::new(Unwatched) }
    }

    /// How often each thing was done that must be done once, by mark.
    fn effects(&self) -> BTreeMap<String, usize>;

    /// How often anything was done; asked often.
    fn effect_count(&self) -> usize {
        self.effects().values().sum()
    }

    /// From now on every attempt of the step fails for good, having done nothing.
    fn fail(&self, step: &str);

    /// From now on reads answer as the world was a while ago, as far as they may.
    fn make_reads_stale(&self);

    /// What the world has to complain of the run's whole record.
    fn records_wrong(&self, records: &[Record]) -> Vec<String> {
        let _ = records;
        Vec::new()
    }

    /// What the world itself has to complain of.
    fn complaints(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What a process is made of.
pub struct NewProcess {
    /// Its steps.
    pub steps: Vec<Arc<dyn Step>>,
    /// Who looks on in it.
    pub watcher: Box<dyn Watcher>,
}

/// Where a process is cut off. The names c0 to c4 are those of the crash points every step has to
/// survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// c0: before the intent is durable.
    BeforeIntent,
    /// c1: the intent is durable, nothing was sent.
    BeforeCall,
    /// c2: what was sent took effect, the answer is lost. A step that only looks is cut once it asked.
    AnswerLost,
    /// c3: answered, not recorded.
    NotRecorded,
    /// c4: that it was accepted is recorded. Only of steps that are accepted before they are done.
    AcceptedRecorded,
    /// c4: its end is recorded, the next step is not handed out.
    EndRecorded,
}

impl Point {
    /// Every point, in order.
    pub const ALL: [Self; 6] = [
        Self::BeforeIntent,
        Self::BeforeCall,
        Self::AnswerLost,
        Self::NotRecorded,
        Self::AcceptedRecorded,
        Self::EndRecorded,
    ];
}

/// What happens after the cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aftermath {
    /// The process is gone, the next one resumes.
    Resumed,
    /// The process was only asleep: another takes the run over, then it wakes and believes that the
    /// run is still its own. What it was about to send when it fell asleep is lost; nothing outside
    /// could tell it from what the new owner sends, which is why claims hold a lock as well.
    Zombie,
    /// The process is gone, and the next one sees the world as it was a while ago.
    StaleReads,
    /// The process is gone, two others try to resume at once, and a third when all is over.
    TriggeredTwice,
}

impl Aftermath {
    /// Every aftermath.
    pub const ALL: [Self; 4] = [Self::Resumed, Self::Zombie, Self::StaleReads, Self::TriggeredTwice];
}

/// A step, and where it is cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The step.
    pub step: Text,
    /// Which way.
    pub direction: Direction,
    /// Where.
    pub point: Point,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What is cut off where.
    pub cut: Cut,
    /// What happens then.
    pub aftermath: Aftermath,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cut { step, direction, point } = &self.cut;
        let way = match direction {
            Direction::Do => "",
            Direction::Undo => "undo ",
        };
        write!(f, "{way}{step} / {point:?} / {:?}", self.aftermath)
    }
}

/// Something that must not be, and where it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The case or seed.
    pub place: String,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}
