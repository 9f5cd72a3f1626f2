//! How two plans of an upgrade differ, for people and for programs.

use std::fmt::{self, Write};

use fleetwright_eks::plan::PlanDifference;
use fleetwright_eks::plan::difference::{Change, StepChange};

use super::plan::finding;
use crate::safe;

/// Things of one kind are listed up to this many; the JSON has them all.
const LISTED_AT_MOST: usize = 50;

/// The difference as text.
pub fn text(difference: &PlanDifference) -> String {
    let mut text = String::new();
    write(&mut text, difference).expect("writing to a string");
    text
}

/// The difference as JSON, indented.
pub fn json(difference: &PlanDifference) -> String {
    let mut text = serde_json::to_string_pretty(difference).expect("plain data");
    text.push('\n');
    text
}

fn write(out: &mut String, difference: &PlanDifference) -> fmt::Result {
    if difference.is_empty() {
        return writeln!(out, "The plans do the same in the same way.");
    }
    listed(out, "Read or asked otherwise", &difference.inputs, |out, it| writeln!(out, "  {}", change(it)))?;
    listed(out, "Steps added", &difference.added, |out, it| write_step(out, '+', it))?;
    listed(out, "Steps removed", &difference.removed, |out, it| write_step(out, '-', it))?;
    listed(out, "Steps changed", &difference.changed, |out, it| write_step(out, '~', it))?;
    listed(out, "Steps in another place", &difference.moved, |out, it| {
        writeln!(out, "  {}", safe::line(it.as_str()))
    })?;
    listed(out, "Findings that came", &difference.opened, |out, it| {
        writeln!(out, "  {} {}", it.code, safe::line(&finding(it)))
    })?;
    listed(out, "Findings that went", &difference.closed, |out, it| {
        writeln!(out, "  {} {}", it.code, safe::line(&finding(it)))
    })
}

fn write_step(out: &mut String, sign: char, step: &StepChange) -> fmt::Result {
    writeln!(out, "  {sign} {}: {}", safe::line(step.id.as_str()), safe::line(&step.what))?;
    step.changes.iter().try_for_each(|it| writeln!(out, "      {}", change(it)))?;
    step.because.iter().try_for_each(|it| writeln!(out, "      because {}", change(it)))
}

fn change(change: &Change) -> String {
    let shown =
        |it: &Option<String>| it.as_deref().map_or("–".to_owned(), |it| safe::line(it).into_owned());
    format!("{}: {} → {}", safe::line(&change.what), shown(&change.before), shown(&change.after))
}

fn listed<T>(
    out: &mut String,
    title: &str,
    items: &[T],
    mut write: impl FnMut(&mut String, &T) -> fmt::Result,
) -> fmt::Result {
    if items.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title} ({}):", items.len())?;
    items.iter().take(LISTED_AT_MOST).try_for_each(|item| write(out, item))?;
    match items.len().saturating_sub(LISTED_AT_MOST) {
        0 => Ok(()),
        more => writeln!(out, "  … and {more} more"),
    }
}
