//! `fleetwright eks plan`: how a cluster is upgraded, decided and written down; and reading plans that were made.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;

use fleetwright_config::settings::OutputFormat;
use fleetwright_eks::checks::find;
use fleetwright_eks::plan::{
    AddonGoal, Approvals, PlanDocument, PlanOptions, PlanRequest, Standing, checker, difference, plan,
};
use fleetwright_eks::query::Query;
use fleetwright_eks::suite::Suite;
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
                let options = options(args)?;
                let prepared = Prepared::of(self, &args.read)?.with_suites(&options.suites);
                let place = PlaceArgs { fleet: args.read.fleet.clone(), output: None };
                self.in_one_place(&place, None, async |at| made(&at, args, &prepared, &options).await)
            }
        }
    }
}

fn options(args: &EksPlanArgs) -> Result<PlanOptions, CommandError> {
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
        strategy: args
            .strategy
            .parse()
            .map_err(|odd: fleetwright_eks::plan::UnknownStrategy| usage(format!("--strategy: {odd}")))?,
        approvals: match args.approvals {
            ApprovalsMode::EachHop => Approvals::EachHop,
            ApprovalsMode::Once => Approvals::Once,
        },
        addons: match args.addons {
            AddonAim::NewestReversible => AddonGoal::NewestReversible,
            AddonAim::FewestUpdates => AddonGoal::FewestUpdates,
        },
        first: args.first.clone(),
        groups_at_once: args.groups_at_once,
        accepted: accepted.collect::<Result<BTreeMap<_, _>, _>>()?,
        alarms: args.alarms.clone(),
        queries: queries(&args.queries)?,
        suites: distinct(&args.suites)?,
    })
}

/// The queries, each name once.
fn queries(given: &[Query]) -> Result<Vec<Query>, CommandError> {
    let mut names = BTreeSet::new();
    match given.iter().find(|query| !names.insert(&query.name)) {
        None => Ok(given.to_vec()),
        Some(twice) => {
            let message = format!("--query: there are two queries {}; name them differently", twice.name);
            Err(CommandError::new(&code::USAGE, message))
        }
    }
}

/// The test suites, each once.
fn distinct(given: &[Suite]) -> Result<Vec<Suite>, CommandError> {
    let mut seen = BTreeSet::new();
    match given.iter().find(|suite| !seen.insert(*suite)) {
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
