//! The nights of a rehearsal as one SVG: how long they took, when stages ran, who was out of service.

use std::fmt::Write;

use super::{Level, Rehearsal, Spread, Trial, duration};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 30.0;
const ROW: f64 = 22.0;
const CURVE: f64 = 64.0;
/// Groups that are drawn, the fullest first.
const GROUPS: usize = 8;

/// Draws the rehearsal. The file stands alone: no scripts, no fonts, no other files.
pub fn picture(rehearsal: &Rehearsal) -> String {
    let summary = rehearsal.summary();
    let longest = summary.seconds.most.max(1);
    let x = |second: u64| LEFT + (WIDTH - LEFT - RIGHT) * second as f64 / longest as f64;
    let mut page = Page { body: String::new(), y: 30.0 };
    page.text(
        12.0,
        "title",
        &format!("Rehearsal of {}: {} nights", &hosts(rehearsal), rehearsal.trials.len()),
    );
    page.y += 26.0;
    nights(&mut page, rehearsal, &summary.seconds, &x);
    if let Some(usual) = usual_night(rehearsal, summary.seconds.p50) {
        stages(&mut page, rehearsal, usual, &x);
    }
    curves(&mut page, rehearsal, &summary.most_out, longest, &x);
    axis(&mut page, longest, &x);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<style>.title{{font-size:16px;font-weight:bold}}.bar{{fill:#3b6ea5}}.bad{{fill:#b3541e}}\
         .line{{fill:none;stroke:#3b6ea5;stroke-width:1.5}}.limit{{stroke:#b3541e;stroke-dasharray:4 3}}\
         .grid{{stroke:#ccc}}text{{fill:#222}}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{body}</svg>\n",
        height = page.y + 20.0,
        body = page.body,
    )
}

fn hosts(rehearsal: &Rehearsal) -> String {
    crate::text::number(rehearsal.hosts, "instance")
}

struct Page {
    body: String,
    y: f64,
}

impl Page {
    fn push(&mut self, element: &str) {
        self.body.push_str(element);
        self.body.push('\n');
    }

    fn text(&mut self, x: f64, class: &str, text: &str) {
        let y = self.y;
        self.push(&format!("<text x=\"{x}\" y=\"{y}\" class=\"{class}\">{}</text>", escape(text)));
    }
}

/// One bar for each night, the shortest first; nights that did not end well in another colour.
fn nights(page: &mut Page, rehearsal: &Rehearsal, spread: &Spread, x: &impl Fn(u64) -> f64) {
    let label = format!(
        "half of the nights within {}, nine in ten within {}",
        duration(spread.p50),
        duration(spread.p90)
    );
    page.text(12.0, "", &label);
    page.y += 8.0;
    let mut trials: Vec<&Trial> = rehearsal.trials.iter().collect();
    trials.sort_by_key(|trial| (trial.seconds, trial.seed));
    let height = (200.0 / trials.len().max(1) as f64).clamp(1.0, 12.0);
    for trial in trials {
        let class = if trial.ending.is_none() { "bar" } else { "bad" };
        let ending = trial.ending.as_deref().unwrap_or("complete");
        let (width, y) = (x(trial.seconds) - LEFT, page.y);
        page.push(&format!(
            "<rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{:.1}\" class=\"{class}\"><title>seed {}: {}, {}</title></rect>",
            height * 0.8,
            trial.seed,
            duration(trial.seconds),
            escape(ending)
        ));
        page.y += height;
    }
    page.y += 26.0;
}

fn usual_night(rehearsal: &Rehearsal, seconds: u64) -> Option<&Trial> {
    rehearsal.trials.iter().min_by_key(|trial| (trial.seconds.abs_diff(seconds), trial.seed))
}

fn stages(page: &mut Page, rehearsal: &Rehearsal, usual: &Trial, x: &impl Fn(u64) -> f64) {
    page.text(12.0, "", &format!("stages in a usual night (seed {})", usual.seed));
    page.y += 8.0;
    for (name, busy) in rehearsal.stages.iter().zip(&usual.stages) {
        let y = page.y;
        page.y += 14.0;
        page.text(24.0, "", &shortened(name));
        page.y = y + ROW;
        let Some(busy) = busy else { continue };
        let width = (x(busy.until) - x(busy.from)).max(1.0);
        page.push(&format!(
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"14\" class=\"bar\"/>",
            x(busy.from),
            y + 3.0
        ));
    }
    page.y += 22.0;
}

/// The worst night of each of the fullest groups, with the number that is allowed.
fn curves(page: &mut Page, rehearsal: &Rehearsal, most_out: &[u32], longest: u64, x: &impl Fn(u64) -> f64) {
    let mut groups: Vec<usize> = (0..rehearsal.groups.len()).filter(|group| most_out[*group] > 0).collect();
    groups.sort_by_key(|group| {
        (std::cmp::Reverse(most_out[*group] * 1_000 / rehearsal.groups[*group].capacity.max(1)), *group)
    });
    if groups.is_empty() {
        return;
    }
    page.text(12.0, "", "out of service at once, in the worst night of each group");
    page.y += 10.0;
    for group in groups.into_iter().take(GROUPS) {
        let facts = &rehearsal.groups[group];
        let worst = rehearsal.trials.iter().max_by_key(|trial| {
            trial.levels.get(group).into_iter().flatten().map(|level| level.members).max()
        });
        let Some(levels) = worst.and_then(|trial| trial.levels.get(group)) else { continue };
        let top = f64::from(facts.capacity.max(most_out[group]).max(1));
        let base = page.y + CURVE;
        let y = |members: u32| base - (CURVE - 10.0) * f64::from(members) / top;
        let label = format!("{} ({} of {})", shortened(&facts.name), most_out[group], facts.capacity);
        page.y += 30.0;
        page.text(24.0, "", &label);
        page.push(&format!(
            "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{limit:.1}\" y2=\"{limit:.1}\" class=\"limit\"/>",
            x(longest),
            limit = y(facts.capacity)
        ));
        page.push(&format!("<path d=\"{}\" class=\"line\"/>", steps(levels, longest, x, &y)));
        page.y = base + 12.0;
    }
}

fn steps(levels: &[Level], longest: u64, x: &impl Fn(u64) -> f64, y: &impl Fn(u32) -> f64) -> String {
    let mut path = format!("M{:.1} {:.1}", x(0), y(0));
    for level in levels {
        let _ = write!(path, "H{:.1}V{:.1}", x(level.second), y(level.members));
    }
    let _ = write!(path, "H{:.1}", x(longest));
    path
}

fn axis(page: &mut Page, longest: u64, x: &impl Fn(u64) -> f64) {
    let (from, until) = (40.0, page.y);
    page.y += 16.0;
    for quarter in 0..=4 {
        let second = longest * quarter / 4;
        let at = x(second);
        page.push(&format!(
            "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{from}\" y2=\"{until:.1}\" class=\"grid\"/>"
        ));
        page.text(at - 14.0, "", &duration(second));
    }
}

/// A name that fits into the margin.
fn shortened(name: &str) -> String {
    let mut letters = name.chars();
    let start: String = letters.by_ref().take(22).collect();
    if letters.next().is_some() { format!("{start}…") } else { start }
}

/// Text inside an element: markup becomes harmless, and so do control characters.
fn escape(text: &str) -> String {
    let text = crate::safe::line(text);
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::super::tests::rehearsal;
    use super::*;

    #[test]
    fn a_picture_stands_alone_and_names_are_no_markup() {
        let drawn = picture(&rehearsal());
        assert!(drawn.starts_with("<svg ") && drawn.ends_with("</svg>\n"));
        assert!(drawn.contains("&lt;fleet&gt; (5 of 5)"), "{drawn}");
        assert!(!drawn.contains("<fleet>") && !drawn.contains("href") && !drawn.contains("<script"));
        assert_eq!(drawn.matches("<rect x=\"190\"").count(), 3, "one bar for each night");
    }

    #[test]
    fn a_curve_steps_from_level_to_level() {
        let levels = [Level { second: 10, members: 2 }, Level { second: 20, members: 0 }];
        let path = steps(&levels, 40, &|second| second as f64, &f64::from);
        assert_eq!(path, "M0.0 0.0H10.0V2.0H20.0V0.0H40.0");
    }
}
