//! What was measured, as Markdown for docs/benchmarks.md.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::fleet::Measured;
use super::naive::Naive;
use super::resume::Resumed;

/// Writing into a String cannot fail.
macro_rules! line {
    ($text:expr, $($words:tt)*) => { let _ = writeln!($text, $($words)*); };
}

fn per(count: u64, hosts: usize) -> f64 {
    count as f64 / hosts.max(1) as f64
}

/// Whole fleets.
pub(super) fn runs(text: &mut String, runs: &[(Measured, Option<Naive>)]) {
    line!(
        text,
        "| hosts in one cell | out of service at once | driven by | calls/host without polling | polling/host | throttled | makespan | ÷ no time lost | ÷ lower bound | ended well |"
    );
    line!(text, "|---|---|---|---|---|---|---|---|---|---|");
    for (run, naive) in runs {
        line!(
            text,
            "| {} | {} | fleetwright | {:.3} | {:.3} | {} | {:.0} s | {:.3} | {:.3} | {} |",
            run.hosts,
            run.policy.out_of_service,
            per(run.counts.work(), run.hosts),
            per(run.counts.polling, run.hosts),
            run.counts.throttled,
            run.makespan,
            run.makespan / run.bound.ideal,
            run.makespan / run.bound.seconds(),
            run.well
        );
        if let Some(naive) = naive {
            line!(
                text,
                "| | 100 | one worker per host | {:.3} | {:.3} | {} | {:.0} s | – | {:.3} | {} |",
                per(naive.counts.work(), naive.hosts),
                per(naive.counts.polling, naive.hosts),
                naive.counts.throttled,
                naive.makespan,
                naive.makespan / run.bound.seconds(),
                naive.hosts - naive.failed
            );
        }
    }
    line!(
        text,
        "\n| hosts | records | records/s of wall time | wall | kernel bytes/host | journal bytes/host | bound by | polling calls of one action in one second, at most | records' SHA-256 |"
    );
    line!(text, "|---|---|---|---|---|---|---|---|---|");
    for (run, _) in runs {
        line!(
            text,
            "| {} | {} | {:.0} | {:.1} s | {} | {} | {} | {} | `{}` |",
            run.hosts,
            run.records,
            run.records as f64 / run.wall_seconds.max(0.001),
            run.wall_seconds,
            run.kernel_bytes / run.hosts.max(1),
            run.journal_bytes.map_or("–".to_owned(), |bytes| (bytes / run.hosts.max(1) as u64).to_string()),
            run.bound.by(),
            run.counts.most_at_once,
            &run.digest[..16]
        );
    }
    polls(text, runs);
    if let Some((run, _)) = runs.last() {
        line!(
            text,
            "\n| step, {} hosts | the other side's seconds, mean | from intent to success, mean |",
            run.hosts
        );
        line!(text, "|---|---|---|");
        for (step, busy) in run.bound.means {
            line!(text, "| {step} | {busy:.0} | {:.0} |", run.taken.get(step).copied().unwrap_or_default());
        }
    }
    actions(text, runs);
}

/// How often a lane asks in one of its turns, which is its tick, whether something is done.
fn polls(text: &mut String, runs: &[(Measured, Option<Naive>)]) {
    line!(
        text,
        "\n| hosts | out of service at once | lanes polled with | turns | of those with one call | most calls in a turn |"
    );
    line!(text, "|---|---|---|---|---|---|");
    for (run, _) in runs {
        for (action, turns) in &run.counts.polls_per_turn {
            let all: u64 = turns.values().sum();
            let once = turns.get(&1).copied().unwrap_or_default();
            line!(
                text,
                "| {} | {} | {action} | {all} | {:.1} % | {} |",
                run.hosts,
                run.policy.out_of_service,
                once as f64 * 100.0 / all.max(1) as f64,
                turns.keys().last().copied().unwrap_or_default()
            );
        }
    }
}

/// What is asked how often: work, and after the plus sign polling.
fn actions(text: &mut String, runs: &[(Measured, Option<Naive>)]) {
    let mut columns = Vec::new();
    for (run, naive) in runs {
        columns.push((
            format!("{} hosts, {} out of service", run.hosts, run.policy.out_of_service),
            &run.counts,
        ));
        columns.extend(
            naive.as_ref().map(|it| (format!("{} hosts, one worker per host", it.hosts), &it.counts)),
        );
    }
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    line!(text, "\n| action: calls + polling | {} |", names.join(" | "));
    line!(text, "|---|{}", "---|".repeat(columns.len()));
    let all: BTreeSet<&String> = columns.iter().flat_map(|(_, counts)| counts.by_action.keys()).collect();
    for action in all {
        let cells = columns.iter().map(|(_, counts)| match counts.by_action.get(action) {
            None => "–".to_owned(),
            Some((work, 0)) => work.to_string(),
            Some((work, polling)) => format!("{work} + {polling}"),
        });
        line!(text, "| {action} | {} |", cells.collect::<Vec<_>>().join(" | "));
    }
}

/// The value below which that share of the values lies.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = ((sorted.len().saturating_sub(1)) as f64 * share).round() as usize;
    sorted.get(place).copied().unwrap_or_default()
}

/// Many fleets with random policies.
pub(super) fn fleets(text: &mut String, fleets: &[Measured]) {
    let (least, most) = fleets.iter().fold((usize::MAX, 0), |(a, b), it| (a.min(it.hosts), b.max(it.hosts)));
    line!(text, "\n| {} random fleets of {least} to {most} hosts | p10 | p50 | p90 | worst |", fleets.len());
    line!(text, "|---|---|---|---|---|");
    let rows: [(&str, Vec<f64>); 2] = [
        ("makespan ÷ no time lost", fleets.iter().map(|it| it.makespan / it.bound.ideal).collect()),
        ("makespan ÷ lower bound", fleets.iter().map(|it| it.makespan / it.bound.seconds()).collect()),
    ];
    for (name, mut ratios) in rows {
        ratios.sort_by(f64::total_cmp);
        let [p10, p50, p90, worst] = [0.1, 0.5, 0.9, 1.0].map(|share| quantile(&ratios, share));
        line!(text, "| {name} | {p10:.3} | {p50:.3} | {p90:.3} | {worst:.3} |");
    }
    let mut by: Vec<&str> = fleets.iter().map(|it| it.bound.by()).collect();
    by.sort_unstable();
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for name in by {
        match counted.last_mut() {
            Some((last, count)) if *last == name => *count += 1,
            _ => counted.push((name, 1)),
        }
    }
    let words: Vec<String> = counted.iter().map(|(name, count)| format!("{name} {count}")).collect();
    line!(text, "\nWhat bounds them: {}.", words.join(", "));
}

/// Fleets in which too much went wrong.
pub(super) fn stops(text: &mut String, fleets: &[Measured]) {
    let stopped: Vec<_> = fleets.iter().filter_map(|it| it.stop).collect();
    let beyond = stopped.iter().filter(|it| it.finally > it.at + it.in_flight).count();
    let most = stopped.iter().map(|it| it.finally - it.at).max().unwrap_or_default();
    line!(
        text,
        "\nOf {} fleets with faults {} stopped at their threshold; failures after it never exceeded what was in \
         flight: {beyond} exceptions, {most} at most.",
        fleets.len(),
        stopped.len()
    );
}

/// A run taken up.
pub(super) fn resumed(text: &mut String, it: &Resumed) {
    line!(
        text,
        "\n| resuming from SQLite | records | read and checked | folded | decided | in all | journal bytes/host | kernel bytes/host |"
    );
    line!(text, "|---|---|---|---|---|---|---|---|");
    line!(
        text,
        "| {} hosts, half-way | {} | {:.2} s | {:.2} s | {:.2} s | {:.2} s | {} | {} |",
        it.hosts,
        it.records,
        it.load_seconds,
        it.fold_seconds,
        it.next_seconds,
        it.load_seconds + it.fold_seconds + it.next_seconds,
        it.journal_bytes / it.hosts.max(1) as u64,
        it.kernel_bytes / it.hosts.max(1)
    );
    line!(text, "\n{} commands were the first decision.", it.commands);
}
