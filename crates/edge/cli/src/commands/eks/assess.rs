//! `fleetwright eks assess`: whether a cluster is ready for an upgrade.

use std::io::Write as _;
use std::path::Path;

use fleetwright_eks::check::Readiness;
use fleetwright_eks::{Severity, assess};
use fleetwright_model::{Exit, code};
use fleetwright_report::eks::{self, Assessed};

use super::reading::Prepared;
use crate::app::{App, Outcome};
use crate::args::{AssessmentForm, EksAssessArgs, FailOn, PlaceArgs};
use crate::console;
use crate::failure::CommandError;
use crate::files;
use crate::one_place::OnePlace;

impl App {
    /// `fleetwright eks assess`.
    pub(super) fn assess_cluster(&self, args: &EksAssessArgs) -> Outcome {
        // What is wrong with files and flags needs no AWS to be told.
        let prepared = Prepared::of(self, &args.read)?;
        let place = PlaceArgs { fleet: args.read.fleet.clone(), output: None };
        self.in_one_place(&place, None, async |at| assessed(&at, args, &prepared).await)
    }
}

async fn assessed(at: &OnePlace, args: &EksAssessArgs, prepared: &Prepared) -> Outcome {
    let reading = prepared.read(at).await?;
    let assessment = assess(&reading.facts, &reading.route, reading.at, &prepared.suppressions);
    let told = Assessed {
        program: env!("CARGO_PKG_VERSION"),
        cluster: eks::ClusterName {
            account: &at.place.zone.account,
            region: &at.place.region,
            name: prepared.name.as_str(),
        },
        version: reading.version,
        route: &reading.route,
        at: reading.at,
        assessment: &assessment,
    };
    console::write_text(&written(&told, args.format, args.fail_on))?;
    if let Some(directory) = &args.output_dir {
        write_all(directory, &told, args.fail_on)?;
        at.console.note(&format!("reports: {}/readiness.*", directory.display()));
    }
    Ok(concluded(at, &told, args.fail_on))
}

fn failing(fail_on: FailOn) -> Severity {
    match fail_on {
        FailOn::Blocking => Severity::Blocking,
        FailOn::Warning => Severity::Warning,
    }
}

fn written(told: &Assessed<'_>, form: AssessmentForm, fail_on: FailOn) -> String {
    match form {
        AssessmentForm::Text => eks::text::assessment(told),
        AssessmentForm::Json => eks::json::assessment(told),
        AssessmentForm::Markdown => eks::markdown::assessment(told),
        AssessmentForm::Sarif => eks::sarif::assessment(told),
        AssessmentForm::Junit => eks::junit::assessment(told, failing(fail_on)),
    }
}

fn write_all(directory: &Path, told: &Assessed<'_>, fail_on: FailOn) -> Result<(), CommandError> {
    files::make_directory(directory)?;
    let forms = [
        ("txt", AssessmentForm::Text),
        ("json", AssessmentForm::Json),
        ("md", AssessmentForm::Markdown),
        ("sarif", AssessmentForm::Sarif),
        ("xml", AssessmentForm::Junit),
    ];
    for (ending, form) in forms {
        let text = written(told, form, fail_on);
        files::write_atomically(&directory.join(format!("readiness.{ending}")), |file| {
            file.write_all(text.as_bytes())
        })?;
    }
    Ok(())
}

/// The exit code, with a remark that says why where it is not success.
fn concluded(at: &OnePlace, told: &Assessed<'_>, fail_on: FailOn) -> Exit {
    let assessment = told.assessment;
    let warned = fail_on == FailOn::Warning && assessment.open().next().is_some();
    let why = match assessment.readiness() {
        Readiness::NothingToDo => return Exit::Nothing,
        Readiness::NotReady => &code::CLUSTER_NOT_READY,
        _ if warned => &code::CLUSTER_NOT_READY,
        Readiness::CannotSay => &code::CLUSTER_UNCERTAIN,
        Readiness::Ready => return Exit::Success,
    };
    at.console.note(&format!("{} {}: {}", why.id, why.title, why.next_step));
    why.exit.unwrap_or(Exit::Internal)
}
