//! `fleetwright eks plan`: how a cluster is upgraded, decided and written down; and reading plans that were made.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use fleetwright_config::settings::{OutputFormat, UpgradeSettings};
use fleetwright_eks::checks::find;
use fleetwright_eks::endpoint::Endpoint;
use fleetwright_eks::plan::{
    AddonGoal, Approvals, PlanDocument, PlanOptions, PlanRequest, Standing, UnknownStrategy, checker,
    difference, plan,
};
use fleetwright_eks::query::{Query, named_twice};
use fleetwright_eks::suite::{self, Suite};
use fleetwright_model::{Code, Exit, code};
use fleetwright_report::{eks, safe};
use serde_json::json;

use super::reading::Prepared;
use crate::app::{App, Outcome, form};
use crate::args::{AddonAim, ApprovalsMode, EksPlanArgs, EksPlanCommand, PlaceArgs, UpgradePlanForm};
use crate::console::{self, Console};
use crate::failure::CommandError;
use crate::files;
use crate::one_place::{OnePlace, tell};
use crate::upgrading::plan_options;

impl App {
    /// `fleetwright eks plan`.
    pub(super) fn plan_upgrade(&self, args: &EksPlanArgs) -> Outcome {
        match &args.command {
            Some(EksPlanCommand::Show { plan, format }) => {
                shown(&read(plan)?, *format).map(|()| Exit::Success)
            }
            Some(EksPlanCommand::Diff { before, after, output }) => {
                let difference = difference(read(before)?.plan(), read(after)?.plan());
                let text = match form(*output) {
                    OutputFormat::Text => eks::plan_difference::text(&difference),
                    OutputFormat::Json | OutputFormat::Jsonl => eks::plan_difference::json(&difference),
                };
                console::write_text(&text).map(|()| Exit::Success)
            }
            Some(EksPlanCommand::Check { plan, output }) => {
                checked(&read(plan)?, form(*output), self.console)
            }
            None => {
                // What is wrong with files and flags needs no AWS to be told.
                let prepared = Prepared::of(self, &args.read)?;
                let options = options(args, &prepared.upgrade)?;
                let prepared = prepared.with_suites(&options.suites);
                let place = PlaceArgs { fleet: args.read.fleet.clone(), output: None };
                self.in_one_place(&place, None, async |at| made(&at, args, &prepared, &options).await)
            }
        }
    }
}

fn options(args: &EksPlanArgs, usual: &UpgradeSettings) -> Result<PlanOptions, CommandError> {
    let usual = plan_options(usual);
    let usage = |message: String| CommandError::new(&code::USAGE, message);
    let accepted = args.accept.iter().map(|pair| {
        let pair =
            pair.split_once('=').map(|(check, reason)| (check.trim().to_ascii_uppercase(), reason.trim()));
        match pair {
            Some((check, reason)) if find(&check).is_some() && !reason.is_empty() => {
                Ok((check, reason.to_owned()))
            }
            _ => {
                Err(usage("--accept takes CODE=REASON; `fleetwright eks explain` lists the codes".to_owned()))
            }
        }
    });
    Ok(PlanOptions {
        strategy: match &args.strategy {
            None => usual.strategy,
            Some(given) => {
                given.parse().map_err(|odd: UnknownStrategy| usage(format!("--strategy: {odd}")))?
            }
        },
        approvals: match args.approvals {
            None => usual.approvals,
            Some(ApprovalsMode::EachHop) => Approvals::EachHop,
            Some(ApprovalsMode::Once) => Approvals::Once,
        },
        addons: match args.addons {
            None => usual.addons,
            Some(AddonAim::NewestReversible) => AddonGoal::NewestReversible,
            Some(AddonAim::FewestUpdates) => AddonGoal::FewestUpdates,
        },
        first: args.first.clone(),
        groups_at_once: args.groups_at_once.unwrap_or(usual.groups_at_once),
        accepted: accepted.collect::<Result<BTreeMap<_, _>, _>>()?,
        alarms: if args.alarms.is_empty() { usual.alarms } else { args.alarms.clone() },
        queries: queries(args)?,
        endpoints: endpoints(args)?,
        suites: suites(&args.suites)?,
        timeouts: usual.timeouts,
    })
}

/// Queries and metrics, each name once: their values are kept by name.
fn queries(args: &EksPlanArgs) -> Result<Vec<Query>, CommandError> {
    let given: Vec<Query> = args.queries.iter().chain(&args.metrics).cloned().collect();
    match named_twice(given.iter().map(|query| query.name.as_str())) {
        None => Ok(given),
        Some(name) => Err(twice("--query and --metric", name)),
    }
}

/// The endpoints, each name once. They are read here because what cannot be read may be a secret, and clap would show it.
fn endpoints(args: &EksPlanArgs) -> Result<Vec<Endpoint>, CommandError> {
    let read = args.endpoints.iter().map(|text| text.parse::<Endpoint>());
    let given: Vec<Endpoint> = read
        .collect::<Result<_, _>>()
        .map_err(|error| CommandError::new(&code::USAGE, format!("--endpoint: {error}")))?;
    match named_twice(given.iter().map(Endpoint::name)) {
        None => Ok(given),
        Some(name) => Err(twice("--endpoint", name)),
    }
}

fn twice(flag: &str, name: &str) -> CommandError {
    CommandError::new(&code::USAGE, format!("{flag}: there are two {name}; name them differently"))
}

/// The test suites, each once.
fn suites(given: &[Suite]) -> Result<Vec<Suite>, CommandError> {
    match suite::named_twice(given) {
        None => Ok(given.to_vec()),
        Some(twice) => Err(CommandError::new(&code::USAGE, format!("--suite: {twice} is named twice"))),
    }
}

async fn made(at: &OnePlace, args: &EksPlanArgs, prepared: &Prepared, options: &PlanOptions) -> Outcome {
    let reading = prepared.read(at).await?;
    let Some(last) = reading.route.last() else {
        at.console.note(&format!("cluster {} is at {} already", prepared.name, reading.version));
        return Ok(Exit::Nothing);
    };
    let request = PlanRequest {
        facts: &reading.facts,
        account: &at.place.zone.account,
        region: &at.place.region,
        target: last.to,
        options,
        suppressions: &prepared.suppressions,
        program: env!("CARGO_PKG_VERSION"),
        at: reading.at,
    };
    let plan = plan(&request).map_err(|refused| {
        CommandError::new(&code::UPGRADE_UNPLANNABLE, safe::line(&refused.to_string()).into_owned())
    })?;
    let document = PlanDocument::new(plan);
    files::write_atomically(&args.out, |file| file.write_all(&document.write()))?;
    shown(&document, args.format)?;
    at.console.note(&format!("plan {}: {}", document.digest(), args.out.display()));
    Ok(match document.plan().standing() {
        Standing::Executable => Exit::Success,
        Standing::Blocked => concluded(at.console, &code::CLUSTER_NOT_READY),
        Standing::Undecided => concluded(at.console, &code::CLUSTER_UNCERTAIN),
    })
}

fn concluded(console: Console, why: &'static Code) -> Exit {
    console.note(&format!("{} {}: {}", why.id, why.title, why.next_step));
    why.exit.unwrap_or(Exit::Internal)
}

/// A plan that was made.
pub(super) fn read(path: &Path) -> Result<PlanDocument, CommandError> {
    PlanDocument::read(&files::read_bytes(path)?)
        .map_err(|error| CommandError::new(error.code(), format!("{}: {error}", path.display())))
}

fn shown(document: &PlanDocument, form: UpgradePlanForm) -> Result<(), CommandError> {
    console::write_text(&match form {
        UpgradePlanForm::Text => eks::plan::text(document),
        UpgradePlanForm::Json => String::from_utf8_lossy(&document.write()).into_owned(),
        UpgradePlanForm::Runbook => eks::runbook::runbook(document),
    })
}

fn checked(document: &PlanDocument, format: OutputFormat, console: Console) -> Outcome {
    let violations = checker::check(document.plan());
    let row = json!({
        "digest": document.digest(),
        "safe": violations.is_empty(),
        "violations": violations.iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    tell(format, [row], |row| {
        let broken = row["violations"].as_array().into_iter().flatten().filter_map(|it| it.as_str());
        match row["safe"] == true {
            true => format!("plan {} keeps its rules\n", row["digest"].as_str().unwrap_or_default()),
            false => broken.map(|what| format!("{}\n", safe::line(what))).collect(),
        }
    })?;
    match violations.is_empty() {
        true => Ok(Exit::Success),
        false => Ok(concluded(console, &code::PLAN_UNSAFE)),
    }
}
