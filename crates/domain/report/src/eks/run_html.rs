//! The page of a run of upgrades for people, as one HTML file: opened from a mail or a bucket, it asks nobody for
//! anything. Such a run has some dozen clusters of some dozen steps, so it needs no script.

use std::fmt::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleetwright_eks::run::Purpose;
use fleetwright_eks::run::outcome::{ClusterOutcome, ClusterStanding, StepOutcome, StepStanding};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::run::ToldRun;
use crate::plan_text::duration;
use crate::safe;
use crate::text::time;
use crate::views::xml::content;

/// The style of the page; its digest is all that the page's policy lets in.
const STYLE: &str = include_str!("run.css");

/// The page.
pub fn html(told: &ToldRun<'_>) -> String {
    let mut text = String::new();
    write(&mut text, told).expect("writing to a string");
    text
}

/// Text of others: on one line, without what steers a terminal or the direction of writing, and no markup.
fn plain(text: &str) -> String {
    content(&safe::line(text)).into_owned()
}

fn write(out: &mut String, told: &ToldRun<'_>) -> fmt::Result {
    let digest = STANDARD.encode(Sha256::digest(STYLE));
    let title = match &told.plan.purpose {
        Purpose::Upgrade => "Upgrade",
        Purpose::WayBack { .. } => "Way back",
    };
    writeln!(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(
        out,
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{digest}'; \
         base-uri 'none'; form-action 'none'\">"
    )?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(out, "<title>{title} {}</title>\n<style>{STYLE}</style>\n</head>\n<body>", plain(told.run))?;
    writeln!(out, "<header>\n<h1>{title} {}</h1>", plain(told.run))?;
    write_verdict(out, told)?;
    writeln!(out, "</header>\n<main>")?;
    write_gate(out, told)?;
    if told.clusters.len() > 1 {
        write_clusters(out, told)?;
    }
    for (number, cluster) in told.clusters.iter().enumerate() {
        write_cluster(out, number, cluster, told)?;
    }
    writeln!(out, "</main>\n</body>\n</html>")
}

fn write_verdict(out: &mut String, told: &ToldRun<'_>) -> fmt::Result {
    match told.why {
        None => writeln!(out, "<p class=\"verdict done\">done</p>")?,
        Some(why) => {
            let (id, title, next) = (why.id, plain(why.title), plain(why.next_step));
            writeln!(out, "<p class=\"verdict failed\">{id} {title}</p>\n<p>{next}</p>")?;
        }
    }
    if let Purpose::WayBack { of, hop } = &told.plan.purpose {
        writeln!(out, "<p>Takes {hop} of {} back.</p>", plain(of))?;
    }
    writeln!(
        out,
        "<p class=\"quiet\">Digest <code>{}</code>, written {} by fleetwright {}</p>",
        plain(told.digest),
        time(told.now),
        plain(&told.plan.program)
    )
}

fn write_gate(out: &mut String, told: &ToldRun<'_>) -> fmt::Result {
    let Some((stage, about)) = told.gate() else { return Ok(()) };
    let (name, run) = (plain(&told.plan.flow.stages[stage.index()].name), plain(told.run));
    writeln!(out, "<section>\n<h2>To be decided: {name}</h2>\n<ul>")?;
    about.iter().try_for_each(|line| writeln!(out, "<li>{}</li>", plain(line)))?;
    writeln!(
        out,
        "</ul>\n<p><code>fleetwright approve {run}</code> or <code>fleetwright reject {run}</code></p>\n</section>"
    )
}

/// Every cluster on a line.
fn write_clusters(out: &mut String, told: &ToldRun<'_>) -> fmt::Result {
    let head = ["Cluster", "Ring", "Account", "Region", "From", "To", "Control plane at", "Standing"];
    write_head(out, "Clusters", &head)?;
    for (number, cluster) in told.clusters.iter().enumerate() {
        writeln!(
            out,
            "<tr><td><a href=\"#cluster-{number}\">{}</a></td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>\
             <td>{}</td><td class=\"{}\">{}</td></tr>",
            plain(&cluster.name),
            plain(&cluster.ring),
            plain(&cluster.account),
            plain(&cluster.region),
            cluster.from,
            cluster.target,
            cluster.reached,
            of_cluster(cluster.standing),
            cluster.standing.told()
        )?;
    }
    writeln!(out, "</tbody>\n</table>\n</section>")
}

fn write_head(out: &mut String, title: &str, columns: &[&str]) -> fmt::Result {
    writeln!(out, "<section>\n<h2>{title}</h2>\n<table>\n<thead><tr>")?;
    columns.iter().try_for_each(|column| writeln!(out, "<th scope=\"col\">{column}</th>"))?;
    writeln!(out, "</tr></thead>\n<tbody>")
}

fn write_cluster(
    out: &mut String,
    number: usize,
    cluster: &ClusterOutcome,
    told: &ToldRun<'_>,
) -> fmt::Result {
    writeln!(
        out,
        "<section id=\"cluster-{number}\">\n<h2>{} <span class=\"{}\">{}</span></h2>\n<p>{} in account {}, {} → {}; the \
         control plane is at {}.</p>",
        plain(&cluster.name),
        of_cluster(cluster.standing),
        cluster.standing.told(),
        plain(&cluster.region),
        plain(&cluster.account),
        cluster.from,
        cluster.target,
        cluster.reached
    )?;
    if let Some(back) = &cluster.way_back {
        let closed = back.closed_by.as_ref().map(|id| format!(", or until {} begins", plain(id)));
        let closed = closed.unwrap_or_default();
        writeln!(out, "<p>The way back over {} is open until {}{closed}.</p>", back.hop, time(back.until))?;
    }
    let conditions = told.conditions(number);
    if !conditions.is_empty() {
        writeln!(out, "<p>Must hold while it is upgraded:</p>\n<ul>")?;
        conditions.iter().try_for_each(|it| writeln!(out, "<li>{}</li>", plain(it)))?;
        writeln!(out, "</ul>")?;
    }
    writeln!(out, "<table>\n<thead><tr>")?;
    for column in ["Step", "What", "Standing", "Began", "Ended", "Took", "Expected", "Update", "Why"] {
        writeln!(out, "<th scope=\"col\">{column}</th>")?;
    }
    writeln!(out, "</tr></thead>\n<tbody>")?;
    cluster.steps.iter().try_for_each(|step| write_step(out, step, told.now))?;
    writeln!(out, "</tbody>\n</table>\n</section>")
}

fn write_step(out: &mut String, step: &StepOutcome, now: Timestamp) -> fmt::Result {
    let at = |moment: Option<Timestamp>| moment.map(time).unwrap_or_default();
    let took = step.started_at.map(|from| {
        let seconds = step.ended_at.unwrap_or(now).duration_since(from).as_secs();
        duration(u64::try_from(seconds).unwrap_or_default())
    });
    let told = step.code.as_deref().filter(|_| step.standing != StepStanding::Done);
    let words = told.map(|code| format!("{code} {}", step.message.as_deref().unwrap_or_default()));
    let cells = [
        plain(&step.id),
        plain(&step.what),
        at(step.started_at),
        at(step.ended_at),
        took.unwrap_or_default(),
        duration(step.expected_seconds.into()),
        plain(step.update.as_deref().unwrap_or_default()),
        plain(&words.unwrap_or_default()),
    ];
    let [id, what, rest @ ..] = &cells;
    let (class, standing) = (of_step(step.standing), step.standing.told());
    write!(out, "<tr><td><code>{id}</code></td><td>{what}</td><td class=\"{class}\">{standing}</td>")?;
    rest.iter().try_for_each(|cell| write!(out, "<td>{cell}</td>"))?;
    writeln!(out, "</tr>")
}

/// The class of a cluster's standing in the style.
fn of_cluster(standing: ClusterStanding) -> &'static str {
    match standing {
        ClusterStanding::Done => "done",
        ClusterStanding::Failed => "failed",
        ClusterStanding::UnderWay => "under-way",
        ClusterStanding::NotBegun | ClusterStanding::Left => "quiet",
    }
}

/// The class of a step's standing in the style.
fn of_step(standing: StepStanding) -> &'static str {
    match standing {
        StepStanding::Done => "done",
        StepStanding::Failed => "failed",
        StepStanding::UnderWay => "under-way",
        StepStanding::Waiting | StepStanding::NotNeeded | StepStanding::Left => "quiet",
    }
}
