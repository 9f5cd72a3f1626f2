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

/// The columns of the table of clusters, and those of a cluster's steps.
const OF_CLUSTERS: [&str; 8] =
    ["Cluster", "Ring", "Account", "Region", "From", "To", "Control plane at", "Standing"];
const OF_STEPS: [&str; 9] =
    ["Step", "What", "Standing", "Began", "Ended", "Took", "Expected", "Update", "Why"];

/// Every cluster on a line.
fn write_clusters(out: &mut String, told: &ToldRun<'_>) -> fmt::Result {
    writeln!(out, "<section>\n<h2 id=\"clusters\">Clusters</h2>")?;
    write_head(out, "clusters", &OF_CLUSTERS)?;
    for (number, cluster) in told.clusters.iter().enumerate() {
        let cells = [
            format!("<a href=\"#cluster-{number}\">{}</a>", plain(&cluster.name)),
            plain(&cluster.ring),
            plain(&cluster.account),
            plain(&cluster.region),
            cluster.from.to_string(),
            cluster.target.to_string(),
            cluster.reached.to_string(),
            standing(of_cluster(cluster.standing), cluster.standing.told()),
        ];
        write_row(out, &OF_CLUSTERS, &cells)?;
    }
    writeln!(out, "</tbody>\n</table>\n</section>")
}

/// The head of a table. A narrow window shows each row as a list of its cells, by which browsers forget that it is one of a
/// table: hence the roles.
fn write_head(out: &mut String, title: &str, columns: &[&str]) -> fmt::Result {
    writeln!(out, "<table role=\"table\" aria-labelledby=\"{title}\">")?;
    writeln!(out, "<thead role=\"rowgroup\"><tr role=\"row\">")?;
    columns
        .iter()
        .try_for_each(|column| writeln!(out, "<th role=\"columnheader\" scope=\"col\">{column}</th>"))?;
    writeln!(out, "</tr></thead>\n<tbody role=\"rowgroup\">")
}

/// A row of cells, which are markup; the first is its header. Each has the name of its column beside it where the window is
/// narrow.
fn write_row(out: &mut String, columns: &[&str], cells: &[String]) -> fmt::Result {
    write!(out, "<tr role=\"row\">")?;
    for (at, (column, cell)) in columns.iter().zip(cells).enumerate() {
        match at {
            0 => write!(out, "<th role=\"rowheader\" scope=\"row\">{cell}</th>")?,
            _ => write!(out, "<td role=\"cell\" data-column=\"{column}\">{cell}</td>")?,
        }
    }
    writeln!(out, "</tr>")
}

/// A standing: a word, with the colour that goes with it.
fn standing(class: &str, word: &str) -> String {
    format!("<span class=\"{class}\">{word}</span>")
}

fn write_cluster(
    out: &mut String,
    number: usize,
    cluster: &ClusterOutcome,
    told: &ToldRun<'_>,
) -> fmt::Result {
    writeln!(
        out,
        "<section>\n<h2 id=\"cluster-{number}\">{} {}</h2>\n<p>{} in account {}, {} → {}; the control plane is at {}.</p>",
        plain(&cluster.name),
        standing(of_cluster(cluster.standing), cluster.standing.told()),
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
    for (what, command) in told.held_pools(number) {
        let command = command.map(|it| format!(": <code>{}</code>", plain(&it))).unwrap_or_default();
        writeln!(out, "<p>Left held: {}{command}</p>", plain(&what))?;
    }
    let conditions = told.conditions(number);
    if !conditions.is_empty() {
        writeln!(
            out,
            "<p>Must hold while it is upgraded:</p>
<ul>"
        )?;
        conditions.iter().try_for_each(|it| writeln!(out, "<li>{}</li>", plain(it)))?;
        writeln!(out, "</ul>")?;
    }
    write_head(out, &format!("cluster-{number}"), &OF_STEPS)?;
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
        format!("<code>{}</code>", plain(&step.id)),
        plain(&step.what),
        standing(of_step(step.standing), step.standing.told()),
        at(step.started_at),
        at(step.ended_at),
        took.unwrap_or_default(),
        duration(step.expected_seconds.into()),
        plain(step.update.as_deref().unwrap_or_default()),
        plain(&words.unwrap_or_default()),
    ];
    write_row(out, &OF_STEPS, &cells)
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
