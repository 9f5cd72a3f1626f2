//! `junit.xml` of a run of upgrades, for pipelines: a cluster is a suite, a step a test case; the run as a whole has a suite
//! of its own.
//!
//! A step that failed is a failure, one that is not over an error, and one that was not begun is skipped.
//! Source: the Jenkins xUnit schema `junit-10.xsd`, as for runs that patch hosts.

use std::io::{self, Write};

use fleetwright_eks::run::outcome::{ClusterOutcome, StepOutcome, StepStanding};
use fleetwright_model::code;

use super::run::ToldRun;
use crate::views::junit::{Counts, Verdict, case, numbers, seconds, suite, verdict_element};
use crate::views::xml::content;

/// The document.
pub fn junit(told: &ToldRun<'_>) -> String {
    let mut out = Vec::new();
    write(&mut out, told).expect("writing to memory");
    String::from_utf8(out).expect("it is made of text")
}

fn write(out: &mut dyn Write, told: &ToldRun<'_>) -> io::Result<()> {
    let run = Counts::of(std::iter::once(of_run(told)));
    let all = told.clusters.iter().fold(run, |all, cluster| all.and(of_cluster(cluster)));
    let steps = || told.clusters.iter().flat_map(|cluster| &cluster.steps);
    let started = steps().filter_map(|step| step.started_at).min();
    let took = seconds(started, steps().filter_map(|step| step.ended_at).max());
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"{}\"{} time=\"{took}\">", content(told.run), numbers(all, true))?;
    suite(out, "run", run, started, took)?;
    case(out, "run", told.run, took)?;
    if let Some(why) = told.why {
        verdict_element(out, of_run(told), why.id, why.title, why.next_step)?;
    }
    writeln!(out, "</testcase>\n</testsuite>")?;
    told.clusters.iter().try_for_each(|cluster| write_cluster(out, cluster))?;
    writeln!(out, "</testsuites>")
}

fn of_run(told: &ToldRun<'_>) -> Verdict {
    match (told.why, told.state.ending()) {
        (None, _) => Verdict::Passed,
        (Some(_), Some(_)) => Verdict::Failure,
        (Some(_), None) => Verdict::Error,
    }
}

fn of_step(standing: StepStanding) -> Verdict {
    match standing {
        StepStanding::Done | StepStanding::NotNeeded => Verdict::Passed,
        StepStanding::Waiting | StepStanding::Left => Verdict::Skipped,
        StepStanding::Failed => Verdict::Failure,
        StepStanding::UnderWay => Verdict::Error,
    }
}

fn of_cluster(cluster: &ClusterOutcome) -> Counts {
    Counts::of(cluster.steps.iter().map(|step| of_step(step.standing)))
}

fn write_cluster(out: &mut dyn Write, cluster: &ClusterOutcome) -> io::Result<()> {
    let started = cluster.steps.iter().filter_map(|step| step.started_at).min();
    let took = seconds(started, cluster.steps.iter().filter_map(|step| step.ended_at).max());
    suite(out, &format!("cluster {}", cluster.name), of_cluster(cluster), started, took)?;
    cluster.steps.iter().try_for_each(|step| write_step(out, cluster, step))?;
    writeln!(out, "</testsuite>")
}

fn write_step(out: &mut dyn Write, cluster: &ClusterOutcome, step: &StepOutcome) -> io::Result<()> {
    let class = format!("{}.{}.{}", cluster.account, cluster.region, cluster.name);
    case(out, &class, &step.id, seconds(step.started_at, step.ended_at))?;
    let code = step.code.as_deref().unwrap_or_default();
    let next = code::find(code).map_or("", |code| code.next_step);
    let words = format!("{}: {}", step.standing.told(), step.what);
    let details = match step.message.as_deref() {
        Some(message) => format!("{message}\n{next}"),
        None => next.to_owned(),
    };
    verdict_element(out, of_step(step.standing), code, &words, &details)?;
    writeln!(out, "</testcase>")
}
