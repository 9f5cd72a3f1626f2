//! `fleetwright pipeline`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fleetwright_config::Settings;
use fleetwright_config::settings::OutputFormat;
use fleetwright_model::{Exit, Phase, Regions, code};
use fleetwright_pipeline::{
    Approvals, Environment, File, HarnessPlace, Matrix, Platform, Program, Reports, Workflow, write,
};
use fleetwright_survey::Fleet;

use crate::app::{App, Outcome};
use crate::args::{PipelineArgs, PlatformName};
use crate::failure::CommandError;
use crate::generated::{self, GeneratedFile};
use crate::settings::DEFAULT_FILE;

/// How long a decision may take where the configuration lets it wait for ever.
const DECISION: Duration = Duration::from_secs(24 * 3600);

impl App {
    /// `fleetwright pipeline`: landing zones are read where an inventory is named, for the matrix.
    ///
    /// # Errors
    /// As settings, inventories and [`carry_out`].
    pub fn pipeline(&self, args: &PipelineArgs) -> Outcome {
        let loaded = self.settings(&args.fleet, |flags| flags.output(args.output))?;
        let settings = &loaded.resolved.settings;
        let named = !settings.landing_zones.inventory.is_empty();
        let fleet = named.then(|| self.fleet(&loaded, &args.fleet)).transpose()?;
        carry_out(args, settings, fleet.as_ref(), settings.output.format)
    }
}

/// Writes the files of a pipeline; those that are there as they should be are left alone.
///
/// # Errors
/// The workflow cannot be written, a file is there and differs and `--force` is not given, or cannot be written.
pub fn carry_out(
    args: &PipelineArgs,
    settings: &Settings,
    fleet: Option<&Fleet>,
    format: OutputFormat,
) -> Result<Exit, CommandError> {
    let workflow = workflow(args, settings, fleet)?;
    let written = write(&workflow, platform(args.platform)).map_err(|refused| CommandError {
        details: refused.iter().map(ToString::to_string).collect(),
        ..CommandError::new(&code::USAGE, "the pipeline cannot be written")
    })?;
    let generated: Vec<GeneratedFile> =
        written.into_iter().map(|File { path, text }| GeneratedFile { path, text }).collect();
    generated::write(&args.out, &generated, args.force, format)?;
    Ok(Exit::Success)
}

fn platform(name: PlatformName) -> Platform {
    match name {
        PlatformName::Harness => Platform::Harness,
        PlatformName::Github => Platform::GitHub,
        PlatformName::Gitlab => Platform::GitLab,
        PlatformName::Jenkins => Platform::Jenkins,
    }
}

/// The workflow that settings and flags describe.
///
/// # Errors
/// Several configuration files, no environment, or a flag that names an unknown one.
pub fn workflow(
    args: &PipelineArgs,
    settings: &Settings,
    fleet: Option<&Fleet>,
) -> Result<Workflow, CommandError> {
    let usage = |message: String| CommandError::new(&code::USAGE, message);
    let configuration = match args.fleet.config.config.as_slice() {
        [] => DEFAULT_FILE.to_owned(),
        [one] => one.display().to_string(),
        several => {
            return Err(usage(format!("a pipeline takes one configuration file, not {}", several.len())));
        }
    };
    let mut workflow = Workflow::new(environments(args, settings)?);
    let zones = |fleet: &Fleet| fleet.zones.iter().map(|zone| zone.name.to_string()).collect();
    workflow.configuration = configuration;
    workflow.program = args.image.clone().map_or(Program::Installed, Program::Image);
    if !args.runners.is_empty() {
        workflow.runners.clone_from(&args.runners);
    }
    workflow.state_directory.clone_from(&args.state_dir);
    workflow.reports = Reports { address: args.reports_to.clone(), ..workflow.reports };
    workflow.phases = phases(settings);
    workflow.waves = waves(settings);
    workflow.bake = longest_bake(settings);
    workflow.rollback = settings.safety.rollback_timeout;
    workflow.approvals = Approvals {
        needed: settings.safety.approvals.needed,
        groups: args.approver_groups.clone(),
        expires: settings.safety.approvals.expires.unwrap_or(DECISION),
    };
    workflow.change_records = settings.itsm.is_some();
    workflow.schedule.clone_from(&args.schedule);
    workflow.matrix =
        Matrix { zones: fleet.map(zones).unwrap_or_default(), regions: regions(fleet), ..workflow.matrix };
    workflow.notified.clone_from(&args.notified);
    workflow.pins = pairs(&args.pins, "--pin", "ACTION=COMMIT")?;
    workflow.harness =
        HarnessPlace { organization: args.organization.clone(), project: args.project.clone() };
    Ok(workflow)
}

/// The environment that was chosen, or all that have a section.
fn environments(args: &PipelineArgs, settings: &Settings) -> Result<Vec<Environment>, CommandError> {
    let mut roles = pairs(&args.roles, "--role", "ENVIRONMENT=ARN")?;
    let names: Vec<String> = match &settings.environment {
        Some(chosen) => vec![chosen.clone()],
        None => settings.environments.iter().cloned().collect(),
    };
    let all = names.into_iter().map(|name| Environment { role: roles.remove(&name), name }).collect();
    match roles.keys().next() {
        None => Ok(all),
        Some(unknown) => {
            let message = format!("--role {unknown}=…: the pipeline has no environment `{unknown}`");
            Err(CommandError::new(&code::USAGE, message))
        }
    }
}

/// What flags of the form `KEY=VALUE` say.
fn pairs(given: &[String], flag: &str, form: &str) -> Result<BTreeMap<String, String>, CommandError> {
    let pair = |text: &String| {
        let parts = text.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
        parts.ok_or_else(|| CommandError::new(&code::USAGE, format!("{flag} takes {form}, not {text:?}")))
    };
    given.iter().map(pair).collect()
}

fn phases(settings: &Settings) -> BTreeMap<Phase, Option<Duration>> {
    let limits = Phase::ALL.into_iter().map(|phase| (phase, settings.phases.limits(phase)));
    limits.filter(|(_, limits)| limits.enabled).map(|(phase, limits)| (phase, limits.timeout)).collect()
}

/// Waves of a run; a canary that goes ahead is one of its own.
fn waves(settings: &Settings) -> u32 {
    let named = u32::try_from(settings.safety.waves.len()).unwrap_or(u32::MAX).max(1);
    named.saturating_add(u32::from(settings.safety.canary > 0))
}

fn longest_bake(settings: &Settings) -> Duration {
    let waves = settings.safety.waves.iter().filter_map(|wave| wave.bake);
    waves.fold(settings.safety.bake, Duration::max)
}

/// Every region that a landing zone names, in order.
fn regions(fleet: Option<&Fleet>) -> Vec<String> {
    let zones = fleet.iter().flat_map(|fleet| &fleet.zones);
    let named = zones.flat_map(|zone| match &zone.regions {
        Regions::Listed(regions) => regions.as_slice(),
        Regions::AllEnabled => &[],
    });
    let distinct: BTreeSet<String> = named.map(ToString::to_string).collect();
    distinct.into_iter().collect()
}
