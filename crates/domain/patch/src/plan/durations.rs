//! How long steps take: what must be left of a window before a host is begun, and what it rests on.
//!
//! Three measures of a step. What earlier runs of this installation took ([`Learnt`]) counts where
//! enough was seen. Before that, what the step takes in most environments ([`at_most_usually`]). Its
//! time-out only where somebody asks for it ([`Measure::TimeOuts`]): it says when to give up waiting,
//! and is many times what a step takes; a reserve of nothing but time-outs leaves no host room in the
//! windows people have. A host that takes longer than its reserve is taken to its end all the same.

mod learning;

pub use learning::{LEAST_SAMPLES, Learnt, LearntStep, Observed};

use std::fmt::Write;

use fleetwright_flow::{Recipe, RecipeId, Step};
use fleetwright_model::{OsFamily, Text};
use serde::{Deserialize, Serialize};

use super::notes::step;

/// Seconds for which the driver holds a host back at most at each step, so that several share a call.
pub const COMPANY_SECONDS: u32 = 60;

/// What the reserve of a window is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// What steps took at earlier runs, or usually take.
    #[default]
    Usual,
    /// Their time-outs.
    TimeOuts,
}

/// How much must be left of a window before a host is begun, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserve {
    /// Of hosts with this recipe.
    pub recipe: RecipeId,
    /// Steps from the first change on, then the way back.
    pub parts: Vec<ReservePart>,
}

/// What is reserved for one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservePart {
    /// The step.
    pub step: Text,
    /// Seconds, the wait for company included.
    pub seconds: u32,
    /// Whether it is a step of the way back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub back: bool,
    /// Where the number comes from.
    pub basis: Basis,
}

/// Where a duration comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Nothing was learnt yet: what the step takes in most environments.
    Default,
    /// Its time-out.
    TimeOut,
    /// Twice what all but a tenth of these took.
    Learnt {
        /// Times the step was seen.
        hosts: u32,
        /// In so many runs.
        runs: u32,
    },
}

impl Reserve {
    /// What a recipe needs from its first change on, the way back included.
    pub fn of(id: RecipeId, recipe: &Recipe, os: OsFamily, measure: Measure, learnt: &Learnt) -> Self {
        let first = first_change(recipe).unwrap_or(recipe.steps.len());
        let part = |back| move |step: &Step| part(step, back, os, measure, learnt);
        let forward = recipe.steps[first..].iter().map(part(false));
        Self { recipe: id, parts: forward.chain(recipe.undo.iter().map(part(true))).collect() }
    }

    /// All of it, in seconds.
    pub fn seconds(&self) -> u32 {
        self.parts.iter().map(|part| part.seconds).fold(0, u32::saturating_add)
    }

    /// "1 h 21 min: patch 31 min, reboot 11 min; way back: restore 20 min; nothing learnt yet".
    pub fn told(&self) -> String {
        let mut text = told(self.seconds().into());
        let mut back = false;
        for (index, part) in self.parts.iter().enumerate() {
            let before = match index {
                0 => ": ",
                _ if part.back && !back => "; way back: ",
                _ => ", ",
            };
            back = part.back;
            write!(text, "{before}{} {}", part.step, told(part.seconds.into())).expect("a string takes it");
        }
        text.push_str(&format!("; {}", self.basis()));
        text
    }

    /// Where the numbers come from: "twice the 90th percentile of 240 hosts over 3 runs".
    pub fn basis(&self) -> String {
        let learnt = self.parts.iter().filter_map(|part| match part.basis {
            Basis::Learnt { hosts, runs } => Some((hosts, runs)),
            Basis::Default | Basis::TimeOut => None,
        });
        let names = |wanted: Basis| {
            let parts = self.parts.iter().filter(move |part| part.basis == wanted);
            parts.map(|part| &*part.step).collect::<Vec<_>>().join(", ")
        };
        match learnt.max() {
            None if self.parts.iter().all(|part| part.basis == Basis::TimeOut) => "time-outs".to_owned(),
            None => "defaults, nothing learnt yet".to_owned(),
            Some((hosts, runs)) => {
                let runs = if runs == 1 { "1 run".to_owned() } else { format!("{runs} runs") };
                let text = format!("twice the 90th percentile of {hosts} hosts over {runs}");
                match names(Basis::Default) {
                    unseen if unseen.is_empty() => text,
                    unseen => format!("{text}; defaults for {unseen}"),
                }
            }
        }
    }
}

/// Starting a stopped host, or the first step that cannot be left half done: from here on a host keeps
/// to its window.
pub(super) fn first_change(recipe: &Recipe) -> Option<usize> {
    recipe.steps.iter().position(|step| step.commits || &*step.name == step::START)
}

fn part(step: &Step, back: bool, os: OsFamily, measure: Measure, learnt: &Learnt) -> ReservePart {
    let (seconds, basis) = match learnt.get(os, &step.name) {
        _ if measure == Measure::TimeOuts => (step.timeout_seconds, Basis::TimeOut),
        Some(seen) => {
            let basis = Basis::Learnt { hosts: seen.hosts, runs: seen.runs };
            (seen.most_seconds.saturating_mul(2), basis)
        }
        None => match at_most_usually(&step.name, os) {
            Some(seconds) => (seconds, Basis::Default),
            None => (step.timeout_seconds, Basis::TimeOut),
        },
    };
    // Restorations go one by one.
    let company = if &*step.name == step::RESTORE { 0 } else { COMPANY_SECONDS };
    let seconds = seconds.min(step.timeout_seconds).saturating_add(company);
    ReservePart { step: step.name.clone(), seconds, back, basis }
}

/// Seconds in which a step is over in most environments; none for one nobody has measured.
///
/// Sources and arguments: `AWS-RunPatchBaseline` gives an installation an hour where nobody says
/// otherwise (its parameter `executionTimeout`), which Windows' cumulative updates can need; package
/// managers take half of that at most for what a month brings. Instances report their status checks
/// within minutes of a start (EC2 user guide, "Status checks"); Windows works on updates before and
/// after a reboot. Load balancers let go after 300 s where nobody says otherwise (Elastic Load Balancing
/// user guides, "Deregistration delay", "Connection draining"), and take a target back after five
/// healthy checks, 30 s apart ("Health checks for your target groups"). A replaced root volume is used
/// at once and read from the snapshot as it goes (EC2 user guide, "Replace an Amazon EBS root volume"),
/// which makes the first start slow.
pub fn at_most_usually(name: &str, os: OsFamily) -> Option<u32> {
    const MINUTE: u32 = 60;
    let (unix, windows) = match name {
        step::START => (5, 10),
        step::PROBE | step::PROBE_RESTORED => (5, 5),
        step::PRECHECK | step::VALIDATE | step::VALIDATE_RESTORED | step::STOP_AGAIN => (5, 5),
        step::DRAIN => (10, 10),
        step::PATCH => (30, 60),
        step::REBOOT => (10, 20),
        step::VERIFY => (5, 10),
        step::RETURN => (5, 5),
        step::RESTORE => (20, 30),
        _ => return None,
    };
    Some(MINUTE * if os == OsFamily::Windows { windows } else { unix })
}

/// "45 s", "12 min", "3 h 20 min".
pub fn told(seconds: u64) -> String {
    match (seconds / 3600, seconds % 3600 / 60) {
        (0, 0) => format!("{seconds} s"),
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}
