//! What rehearsing a plan came to: for people, for machines, and as a picture.

mod picture;

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use fleetwright_model::{Text, code};
use serde::Serialize;

pub use picture::picture;

use crate::safe;
use crate::text::number;

/// The version of the JSON form.
pub const FORMAT: &str = "fleetwright.rehearsal/1.0";

/// A plan that was carried out on a simulated copy of its fleet, once for each seed.
#[derive(Clone, Debug, Serialize)]
pub struct Rehearsal {
    /// [`FORMAT`].
    pub format: Text,
    /// The plan's digest.
    pub plan: Text,
    /// The file of faults, or `light`.
    pub faults: Text,
    /// Instances in the plan.
    pub hosts: usize,
    /// The plan's stages, by name.
    pub stages: Vec<Text>,
    /// The plan's disruption budgets.
    pub groups: Vec<Group>,
    /// What of the plan the copy leaves out, in words.
    pub left_out: Vec<Text>,
    /// Each seed's run.
    pub trials: Vec<Trial>,
}

/// A disruption budget.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// Its name. Untrusted text.
    pub name: Text,
    /// How many targets are in it.
    pub members: u32,
    /// How many may be out of service at once.
    pub capacity: u32,
}

/// One seed's run.
#[derive(Clone, Debug, Serialize)]
pub struct Trial {
    /// The seed.
    pub seed: u64,
    /// From the first record to the last.
    pub seconds: u64,
    /// The code of how it ended; none where every host ended in success.
    pub ending: Option<Text>,
    /// Hosts by outcome.
    pub outcomes: BTreeMap<Text, u32>,
    /// Hosts by the code of the reason for their outcome.
    pub causes: BTreeMap<Text, u32>,
    /// When each stage was worked on; none for a stage that was never reached.
    pub stages: Vec<Option<Busy>>,
    /// Members out of service, group by group, at each change.
    pub levels: Vec<Vec<Level>>,
}

/// When something was worked on, in seconds from the run's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Busy {
    /// Its first event.
    pub from: u64,
    /// Its last event.
    pub until: u64,
}

/// From this second on so many members are out of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Level {
    /// Seconds from the run's beginning.
    pub second: u64,
    /// Members out of service.
    pub members: u32,
}

/// All seeds together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Seconds a run takes.
    pub seconds: Spread,
    /// Runs by the code of how they ended; `complete` where every host ended in success.
    pub endings: BTreeMap<Text, u32>,
    /// Hosts by outcome: fewest, usual and most in one run.
    pub outcomes: BTreeMap<Text, Spread>,
    /// Reasons by code: in how many runs, and how many hosts at most in one.
    pub causes: BTreeMap<Text, Cause>,
    /// The most members out of service at once in any run, group by group.
    pub most_out: Vec<u32>,
}

/// How something varies from seed to seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Spread {
    /// The least.
    pub least: u64,
    /// One run in ten stays below this.
    pub p10: u64,
    /// Half of the runs stay below this.
    pub p50: u64,
    /// Nine runs in ten stay below this.
    pub p90: u64,
    /// The most.
    pub most: u64,
}

/// How often a reason came up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// Runs in which it did.
    pub runs: u32,
    /// Hosts at most in one run.
    pub most_hosts: u32,
}

impl Spread {
    /// Of values in any order; none of no values.
    pub fn of(mut values: Vec<u64>) -> Option<Self> {
        values.sort_unstable();
        let at = |percent: usize| values.get((values.len().saturating_sub(1)) * percent / 100).copied();
        Some(Self { least: at(0)?, p10: at(10)?, p50: at(50)?, p90: at(90)?, most: at(100)? })
    }
}

impl Rehearsal {
    /// All seeds together.
    pub fn summary(&self) -> Summary {
        let mut endings: BTreeMap<Text, u32> = BTreeMap::new();
        let mut causes: BTreeMap<Text, Cause> = BTreeMap::new();
        let mut most_out = vec![0; self.groups.len()];
        for trial in &self.trials {
            let ending = trial.ending.clone().unwrap_or_else(|| "complete".into());
            *endings.entry(ending).or_default() += 1;
            for (code, hosts) in &trial.causes {
                let cause = causes.entry(code.clone()).or_default();
                cause.runs += 1;
                cause.most_hosts = cause.most_hosts.max(*hosts);
            }
            for (most, levels) in most_out.iter_mut().zip(&trial.levels) {
                *most = levels.iter().map(|level| level.members).max().unwrap_or_default().max(*most);
            }
        }
        let names = self.trials.iter().flat_map(|trial| trial.outcomes.keys().cloned());
        let outcomes = names.collect::<std::collections::BTreeSet<Text>>().into_iter().filter_map(|name| {
            let of = |trial: &Trial| u64::from(trial.outcomes.get(&name).copied().unwrap_or_default());
            let spread = Spread::of(self.trials.iter().map(of).collect())?;
            Some((name, spread))
        });
        let none = Spread { least: 0, p10: 0, p50: 0, p90: 0, most: 0 };
        Summary {
            seconds: Spread::of(self.trials.iter().map(|trial| trial.seconds).collect()).unwrap_or(none),
            endings,
            outcomes: outcomes.collect(),
            causes,
            most_out,
        }
    }
}

/// Writes what people read.
///
/// # Errors
/// What the writer says.
pub fn write_text(out: &mut impl Write, rehearsal: &Rehearsal) -> fmt::Result {
    let summary = rehearsal.summary();
    let short = rehearsal.plan.get(..12).unwrap_or(&rehearsal.plan);
    writeln!(
        out,
        "Rehearsed plan {short} on a simulated copy of {}: {} with {} faults. Nothing was changed.",
        number(rehearsal.hosts, "instance"),
        number(rehearsal.trials.len(), "night"),
        safe::line(&rehearsal.faults)
    )?;
    let Spread { p10, p50, p90, most, .. } = summary.seconds;
    writeln!(
        out,
        "  takes      {} (one night in ten less than {}, one in ten more than {}, at most {})",
        duration(p50),
        duration(p10),
        duration(p90),
        duration(most)
    )?;
    for (ending, runs) in &summary.endings {
        let meaning = code::find(ending).map_or(String::new(), |code| format!("  {}", code.title));
        writeln!(out, "  ends       {runs} × {ending}{meaning}")?;
    }
    for (outcome, spread) in &summary.outcomes {
        let range = match spread.least == spread.most {
            true => spread.least.to_string(),
            false => format!("{} to {}, usually {}", spread.least, spread.most, spread.p50),
        };
        writeln!(out, "  hosts      {}: {range}", outcome.replace('_', " "))?;
    }
    for (group, most) in rehearsal.groups.iter().zip(&summary.most_out).filter(|(_, most)| **most > 0) {
        writeln!(
            out,
            "  out        {}: at most {most} of {} at once; {} allowed",
            safe::line(&group.name),
            group.members,
            group.capacity
        )?;
    }
    for (code, cause) in &summary.causes {
        let title = code::find(code).map_or("", |code| code.title);
        writeln!(
            out,
            "  cause      {code} {title}: in {} of {}, at most {}",
            cause.runs,
            number(rehearsal.trials.len(), "night"),
            number(cause.most_hosts as usize, "host")
        )?;
    }
    for what in &rehearsal.left_out {
        writeln!(out, "  left out   {}", safe::line(what))?;
    }
    Ok(())
}

/// "2 h 5 min", "12 min", "40 s".
fn duration(seconds: u64) -> String {
    match (seconds / 3600, seconds % 3600 / 60) {
        (0, 0) => format!("{seconds} s"),
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(seed: u64, seconds: u64, failed: u32) -> Trial {
        Trial {
            seed,
            seconds,
            ending: (failed > 0).then(|| "FW-R0016".into()),
            outcomes: BTreeMap::from([("success".into(), 10 - failed), ("failed".into(), failed)]),
            causes: (failed > 0).then(|| ("FW-H0008".into(), failed)).into_iter().collect(),
            stages: vec![Some(Busy { from: 0, until: seconds })],
            levels: vec![vec![Level { second: 60, members: 3 + failed }, Level { second: 90, members: 0 }]],
        }
    }

    pub(super) fn rehearsal() -> Rehearsal {
        Rehearsal {
            format: FORMAT.into(),
            plan: "0123456789abcdef".into(),
            faults: "light".into(),
            hosts: 10,
            stages: vec!["fleet".into()],
            groups: vec![Group { name: "<fleet>".into(), members: 10, capacity: 5 }],
            left_out: vec!["the load test".into()],
            trials: vec![trial(1, 600, 0), trial(2, 7_500, 2), trial(3, 660, 0)],
        }
    }

    #[test]
    fn all_seeds_are_counted_together() {
        let summary = rehearsal().summary();
        assert_eq!((summary.seconds.p50, summary.seconds.most), (660, 7_500));
        assert_eq!(summary.endings, BTreeMap::from([("complete".into(), 2), ("FW-R0016".into(), 1)]));
        assert_eq!(summary.causes[&Text::from("FW-H0008")], Cause { runs: 1, most_hosts: 2 });
        assert_eq!(summary.most_out, [5]);
        assert_eq!(summary.outcomes[&Text::from("failed")].most, 2);
    }

    #[test]
    fn people_read_the_usual_night_first_and_what_was_left_out_last() {
        let mut text = String::new();
        write_text(&mut text, &rehearsal()).unwrap();
        assert!(text.contains("takes      11 min (one night in ten less than 10 min"), "{text}");
        assert!(text.contains("at most 2 h 5 min"), "{text}");
        assert!(text.contains("<fleet>: at most 5 of 10 at once; 5 allowed"), "{text}");
        assert!(text.trim_end().ends_with("left out   the load test"), "{text}");
    }
}
