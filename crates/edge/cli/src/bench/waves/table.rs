//! What was measured, as Markdown for docs/benchmarks.md.

use std::fmt::Write as _;

/// Writing into a String cannot fail.
macro_rules! line {
    ($text:expr, $($words:tt)*) => { let _ = writeln!($text, $($words)*); };
}

/// What one plan came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    /// Seconds, a driver's included.
    pub(super) makespan: f64,
    /// What that is of the bound.
    pub(super) driven: f64,
    /// What it is of the bound when no driver takes any time.
    pub(super) scheduled: f64,
}

/// What was measured at one size.
pub(super) struct Ratios {
    hosts: usize,
    /// Fleets whose plan the planner refused.
    pub(super) refused: u32,
    reboot: Vec<Measured>,
    install: Vec<Measured>,
}

impl Ratios {
    pub(super) fn new(hosts: usize) -> Self {
        Self { hosts, refused: 0, reboot: Vec::new(), install: Vec::new() }
    }

    pub(super) fn add(&mut self, reboot: Measured, install: Measured) {
        self.reboot.push(reboot);
        self.install.push(install);
    }
}

/// What decisions cost at one size.
#[derive(Default)]
pub(super) struct Cost {
    pub(super) hosts: usize,
    /// Hosts and gates that were walked to their end.
    pub(super) targets: u64,
    pub(super) operations: u64,
    pub(super) records: u64,
    pub(super) wall_seconds: f64,
}

/// The value below which so many of a hundred lie; 0 of none.
fn quantile(values: impl Iterator<Item = f64>, percent: usize) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() * percent / 100).or(values.last()).copied().unwrap_or_default()
}

pub(super) fn makespans(rows: &[Ratios]) -> String {
    let mut text = String::new();
    line!(
        text,
        "| hosts | fleets | `safety.hold` | scheduling alone ÷ bound p50 | p95 | worst | with the driver's seconds ÷ bound p50 | p95 | worst | makespan p50 |"
    );
    line!(text, "|---|---|---|---|---|---|---|---|---|---|");
    for row in rows {
        for (hold, measured) in [("reboot", &row.reboot), ("install", &row.install)] {
            let scheduled = |percent| quantile(measured.iter().map(|it| it.scheduled), percent);
            let driven = |percent| quantile(measured.iter().map(|it| it.driven), percent);
            line!(
                text,
                "| {} | {} | {hold} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {:.0} s |",
                row.hosts,
                measured.len(),
                scheduled(50),
                scheduled(95),
                scheduled(100),
                driven(50),
                driven(95),
                driven(100),
                quantile(measured.iter().map(|it| it.makespan), 50)
            );
        }
    }
    line!(text, "");
    for row in rows {
        let gain = |percent| {
            let both = row.reboot.iter().zip(&row.install);
            quantile(both.map(|(reboot, install)| install.makespan / reboot.makespan), percent)
        };
        line!(
            text,
            "{} hosts: held from the installation on, the same fleet takes {:.2} times as long (p5 {:.2}, p95 {:.2}); {} plans refused.\n",
            row.hosts,
            gain(50),
            gain(5),
            gain(95),
            row.refused
        );
    }
    text
}

/// Whole runs: what a driver takes beside the other side.
pub(super) fn driven(text: &mut String, runs: &[crate::bench::Measured]) {
    line!(
        text,
        "| hosts, whole run | `safety.hold` | makespan | ÷ no time lost | step: the other side's seconds + the driver's |"
    );
    line!(text, "|---|---|---|---|---|");
    for run in runs {
        let seconds = |(step, busy): &(&str, f64)| {
            let beside = run.taken.get(*step).copied().unwrap_or_default() - busy;
            format!("{step} {busy:.0} + {beside:.0}")
        };
        let steps: Vec<String> = run.bound.means.iter().map(seconds).collect();
        line!(
            text,
            "| {} | {} | {:.0} s | {:.3} | {} |",
            run.hosts,
            if run.policy.hold_install { "install" } else { "reboot" },
            run.makespan,
            run.makespan / run.bound.ideal,
            steps.join(", ")
        );
    }
    line!(text, "");
}

pub(super) fn costs(rows: &[Cost]) -> String {
    let mut text = String::new();
    line!(text, "| hosts | records/host | queue operations/host | ÷ those of the smaller | wall µs/host |");
    line!(text, "|---|---|---|---|---|");
    let per = |count: u64, row: &Cost| count as f64 / row.targets.max(1) as f64;
    let smaller = rows.first().map_or(1.0, |row| per(row.operations, row));
    for row in rows {
        line!(
            text,
            "| {} | {:.2} | {:.2} | {:.3} | {:.0} |",
            row.hosts,
            per(row.records, row),
            per(row.operations, row),
            per(row.operations, row) / smaller,
            row.wall_seconds * 1e6 / row.targets.max(1) as f64
        );
    }
    text
}
