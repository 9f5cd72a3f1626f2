//! `fleetwright eks explain`: what a check asks, why, and what to do about what it finds.

use std::fmt::Write as _;

use fleetwright_config::settings::OutputFormat;
use fleetwright_eks::check::{Applies, Scope};
use fleetwright_eks::checks::{catalogue, find};
use fleetwright_eks::{Check, Severity};
use fleetwright_model::code;
use serde_json::{Value, json};

use crate::app::Outcome;
use crate::failure::CommandError;
use crate::one_place::tell;

/// Explains one check, or lists all.
///
/// # Errors
/// There is no such check; standard output cannot be written.
pub(super) fn explain(wanted: Option<&str>, format: OutputFormat) -> Outcome {
    let Some(wanted) = wanted else {
        return tell(format, catalogue().map(document), |row| {
            format!("{:<9} {:<8} {}\n", word(row, "code"), word(row, "severity"), word(row, "title"))
        });
    };
    let check = find(&wanted.to_ascii_uppercase()).ok_or_else(|| {
        let mut error = CommandError::new(&code::USAGE, format!("there is no check {wanted:?}"));
        error.hint = Some("`fleetwright eks explain` without a code lists them all.".to_owned());
        error
    })?;
    tell(format, [document(check)], page)
}

fn document(check: &Check) -> Value {
    json!({
        "code": check.code,
        "title": check.title,
        "why": check.why,
        "severity": match check.severity { Severity::Warning => "warning", Severity::Blocking => "blocking" },
        "asked": match check.scope { Scope::Cluster => "once", Scope::Hop => "for every hop" },
        "from": match check.applies { Applies::Always => None, Applies::From(minor) => Some(minor.to_string()) },
        "source": check.source,
        "remedy": check.remedy,
    })
}

fn word<'r>(row: &'r Value, name: &str) -> &'r str {
    row[name].as_str().unwrap_or_default()
}

fn page(row: &Value) -> String {
    let mut text = format!("{} {}\n\n{}\n\n", word(row, "code"), word(row, "title"), word(row, "why"));
    let from = row["from"].as_str().map(|minor| format!(", about upgrades to {minor} and later"));
    let asked = word(row, "asked");
    let _ = writeln!(text, "Asked:    {asked}{}", from.unwrap_or_default());
    let _ = writeln!(text, "Severity: {} at most", word(row, "severity"));
    let _ = writeln!(text, "Reads:    {}", word(row, "source"));
    let _ = writeln!(text, "Remedy:   {}", word(row, "remedy"));
    text
}
