//! What a workflow may not hold, because it would mean something else where it is written.

use std::fmt;

use crate::{Program, Workflow};

/// A value that cannot be written into a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which value.
    pub what: &'static str,
    /// The value.
    pub value: String,
    /// Why, and what is taken instead.
    pub why: &'static str,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}: {}", self.what, self.value, self.why)
    }
}

impl std::error::Error for Refused {}

/// The longest text that is taken, in characters.
const LONGEST: usize = 1024;

/// The most cells of a matrix (GitHub Actions, usage limits: 256 jobs).
const CELLS: usize = 256;

/// Everything of a workflow that is refused.
pub(crate) fn check(workflow: &Workflow) -> Vec<Refused> {
    let mut found = Vec::new();
    names(workflow, &mut found);
    amounts(workflow, &mut found);
    for (what, value) in texts(workflow) {
        if let Some(why) = fault(value) {
            found.push(Refused { what, value: value.to_owned(), why });
        }
    }
    found
}

/// What stands in a grammar of its own.
fn names(workflow: &Workflow, found: &mut Vec<Refused>) {
    let is_name = |name: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        name.len() <= 64 && name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(inner)
    };
    let mut refuse = |what, value: &str, why| found.push(Refused { what, value: value.to_owned(), why });
    for one in &workflow.environments {
        if !is_name(&one.name) {
            refuse("environment", &one.name, "is 1 to 64 letters, digits, - and _, and begins with no sign");
        }
    }
    for name in [&workflow.harness.organization, &workflow.harness.project].into_iter().flatten() {
        let inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || name.len() > 128 || !name.chars().all(inner) {
            refuse("identifier of Harness", name, "is 1 to 128 letters, digits and _");
        }
    }
    if let Some(schedule) = &workflow.schedule {
        let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '*' | '/' | ',' | '-' | '?' | '#');
        let fields: Vec<&str> = schedule.split(' ').collect();
        if fields.len() != 5 || !fields.iter().all(|field| !field.is_empty() && field.chars().all(inner)) {
            refuse(
                "schedule",
                schedule,
                "is five fields of cron with one space between them, as in `0 2 * * 0`",
            );
        }
    }
    for (action, commit) in &workflow.pins {
        if commit.len() != 40 || !commit.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f')) {
            refuse("commit of an action", commit, "is 40 hexadecimal digits in lower case");
        }
        if !crate::github::ACTIONS.iter().any(|(name, _)| name == action) {
            refuse("action", action, "is not one that the workflows use");
        }
    }
}

/// What there has to be enough of, and not too much.
fn amounts(workflow: &Workflow, found: &mut Vec<Refused>) {
    let mut refuse = |what, value: usize, why| found.push(Refused { what, value: value.to_string(), why });
    if workflow.environments.is_empty() {
        refuse(
            "environments",
            0,
            "at least one is needed: name it with --environment or under `environments`",
        );
    }
    if workflow.runners.is_empty() {
        refuse("runners", 0, "at least one label is needed");
    }
    let cells = workflow.matrix.zones.len().saturating_mul(workflow.matrix.regions.len());
    if cells > CELLS {
        refuse("cells of the matrix", cells, "at most 256 are taken; choose landing zones or regions");
    }
    if workflow.matrix.most == 0 {
        refuse("cells at once", 0, "at least one is needed");
    }
    if !(1..=9).contains(&workflow.approvals.needed) {
        refuse("approvals", workflow.approvals.needed as usize, "1 to 9 people can approve in a pipeline");
    }
}

/// Why a text cannot be taken.
fn fault(text: &str) -> Option<&'static str> {
    // What begins an expression on one of the platforms, however it is quoted.
    const EXPRESSIONS: [&str; 2] = ["${{", "<+"];
    if text.is_empty() {
        return Some("is empty");
    }
    if text.chars().count() > LONGEST {
        return Some("is longer than 1,024 characters");
    }
    if text.chars().any(char::is_control) {
        return Some("holds a control character or a line break");
    }
    if EXPRESSIONS.iter().any(|opening| text.contains(opening)) {
        return Some("holds `${{` or `<+`, which begin an expression of a platform");
    }
    None
}

/// Every free text with what it is.
fn texts(workflow: &Workflow) -> Vec<(&'static str, &str)> {
    let mut all = vec![
        ("configuration file", workflow.configuration.as_str()),
        ("state directory", &workflow.state_directory),
        ("report directory", &workflow.reports.directory),
    ];
    all.extend(workflow.environments.iter().filter_map(|one| Some(("role", one.role.as_deref()?))));
    all.extend(workflow.runners.iter().map(|value| ("runner", value.as_str())));
    all.extend(workflow.approvals.groups.iter().map(|value| ("group of approvers", value.as_str())));
    all.extend(workflow.notified.iter().map(|value| ("address", value.as_str())));
    all.extend(workflow.matrix.zones.iter().map(|value| ("landing zone", value.as_str())));
    all.extend(workflow.matrix.regions.iter().map(|value| ("region", value.as_str())));
    all.extend(workflow.reports.address.iter().map(|value| ("address of reports", value.as_str())));
    if let Program::Image(image) = &workflow.program {
        all.push(("image", image));
    }
    all
}
