//! `fleetwright plan explain`, `diff` and `check`: reading plans that were made.

use std::fmt;

use fleetwright_config::settings::OutputFormat;
use fleetwright_model::{Exit, code};
use fleetwright_patch::plan::{PlanDocument, checker, difference, explain as explanations};
use fleetwright_report::plan_told;
use serde_json::{Value, json};

use crate::console::{self, Console};
use crate::failure::CommandError;

/// Shows why a host is where it is. Several of one name are all shown.
///
/// # Errors
/// The plan does not know the host, or standard output cannot be written.
pub fn explain(document: &PlanDocument, host: &str, format: OutputFormat) -> Result<Exit, CommandError> {
    let found = explanations(document.plan(), host);
    if found.is_empty() {
        let message = format!("the plan neither works on a host {host:?} nor leaves one out");
        return Err(CommandError {
            hint: Some("Name the host by its id or its Name tag, to the letter.".to_owned()),
            ..CommandError::new(&code::NO_PLAN_FOR, message)
        });
    }
    tell(
        format,
        |out| found.iter().try_for_each(|explanation| plan_told::write_explanation(out, explanation)),
        || found.iter().map(plan_told::explanation_json).collect(),
    )?;
    Ok(Exit::Success)
}

/// Shows how a plan differs from an earlier one.
///
/// # Errors
/// Standard output cannot be written.
pub fn diff(before: &PlanDocument, after: &PlanDocument, format: OutputFormat) -> Result<Exit, CommandError> {
    let difference = difference(before.plan(), after.plan());
    tell(format, |out| plan_told::write_difference(out, &difference), || json!(difference))?;
    Ok(Exit::Success)
}

/// Checks a plan without the planner.
///
/// # Errors
/// Standard output cannot be written.
pub fn check(document: &PlanDocument, format: OutputFormat, console: Console) -> Result<Exit, CommandError> {
    let violations = checker::check(document.plan());
    let rows = || {
        let rows = violations.iter().map(plan_told::violation_json).collect::<Vec<_>>();
        json!({ "digest": document.digest(), "safe": rows.is_empty(), "violations": rows })
    };
    tell(format, |out| plan_told::write_violations(out, &violations), rows)?;
    if violations.is_empty() {
        return Ok(Exit::Success);
    }
    let unsafe_plan = &code::PLAN_UNSAFE;
    console.note(&format!("{} {}: {}", unsafe_plan.id, unsafe_plan.title, unsafe_plan.next_step));
    Ok(unsafe_plan.exit.unwrap_or(Exit::Validation))
}

/// Writes one thing to standard output, in the form that was asked for.
fn tell(
    format: OutputFormat,
    text: impl FnOnce(&mut String) -> fmt::Result,
    data: impl FnOnce() -> Value,
) -> Result<(), CommandError> {
    match format {
        OutputFormat::Text => {
            let mut out = String::new();
            text(&mut out).map_err(|error| CommandError::new(&code::INTERNAL, error.to_string()))?;
            console::write_text(&out)
        }
        OutputFormat::Json | OutputFormat::Jsonl => console::write_text(&format!("{}\n", data())),
    }
}
