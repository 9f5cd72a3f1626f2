//! `fleetwright eks summary`: a model's summary of a plan's findings and of release notes, for people to read.

mod ledger;

use std::fmt::Write as _;
use std::io::Write as _;

use fleetwright_eks::plan::{PlanDocument, UpgradePlan};
use fleetwright_eks::summary::{Money, Notes, Prices, TASK, material};
use fleetwright_model::{Exit, code};
use fleetwright_ports::LanguageModels;
use fleetwright_ports::language_models::{InvalidModelId, ModelId, Prompt, Written};
use fleetwright_report::safe;
use fleetwright_report::text::time;
use jiff::Timestamp;
use serde_json::json;

use self::ledger::{Caps, Ledger};
use crate::app::{App, Outcome};
use crate::args::EksSummaryArgs;
use crate::failure::CommandError;
use crate::files;
use crate::one_place::{OnePlace, tell};

/// What the command came with, read and checked before anything is asked.
struct Wanted {
    document: PlanDocument,
    model: ModelId,
    prompt: Prompt,
    prices: Prices,
    /// What the call costs at most.
    most: Money,
    caps: Caps,
}

fn usage(message: String) -> CommandError {
    CommandError::new(&code::USAGE, message)
}

fn money(flag: &str, text: &str) -> Result<Money, CommandError> {
    text.parse().map_err(|odd: fleetwright_eks::summary::NoAmount| usage(format!("{flag}: {odd}")))
}

impl Wanted {
    fn of(args: &EksSummaryArgs) -> Result<Self, CommandError> {
        let document = super::plan::read(&args.plan)?;
        let notes = args
            .notes
            .iter()
            .map(|path| Ok(Notes { name: path.display().to_string(), text: files::read_text(path)? }));
        let material = material(document.plan(), &notes.collect::<Result<Vec<_>, CommandError>>()?);
        let prices = Prices {
            read: money("--read-price", &args.read_price)?,
            write: money("--write-price", &args.write_price)?,
        };
        let most = prices.most(TASK.len() + material.len(), args.max_tokens);
        let cap = money("--max-cost", &args.max_cost)?;
        if most > cap {
            let message = format!(
                "the call may cost {most} ({} bytes to read, {} tokens to write), and --max-cost is {cap}; name fewer \
                 notes, or allow more",
                TASK.len() + material.len(),
                args.max_tokens
            );
            return Err(usage(message));
        }
        let model: ModelId =
            args.model.parse().map_err(|odd: InvalidModelId| usage(format!("--model: {odd}")))?;
        Ok(Self {
            model,
            prompt: Prompt { task: TASK.to_owned(), material, most_tokens: args.max_tokens },
            prices,
            most,
            caps: Caps {
                calls: args.max_per_day,
                cost: money("--max-cost-per-day", &args.max_cost_per_day)?,
            },
            document,
        })
    }
}

impl App {
    /// `fleetwright eks summary`.
    pub(super) fn summarise_plan(&self, args: &EksSummaryArgs) -> Outcome {
        // What is wrong with files and flags needs no AWS to be told.
        let wanted = Wanted::of(args)?;
        let ledger = Ledger::at(&crate::state::directory(&args.change.state, &self.environment)?);
        self.in_one_place(&args.change.args, Some((&args.change, "eks summary")), async |at| {
            summarised(&at, args, &wanted, &ledger).await
        })
    }
}

async fn summarised(at: &OnePlace, args: &EksSummaryArgs, wanted: &Wanted, ledger: &Ledger) -> Outcome {
    if at.dry_run {
        at.console.note(&format!("dry run: nothing was asked; the call may cost {}", wanted.most));
        return Ok(Exit::Success);
    }
    let now = at.clock.now();
    let entry = ledger.reserve(now, wanted.most, &wanted.caps)?;
    let asked = at.aws.write(&at.place.cell(), &wanted.model, &wanted.prompt).await;
    // A call whose answer was lost may have cost all that was reserved.
    let written = asked?;
    let cost = wanted.prices.of(written.read_tokens.into(), written.written_tokens.into());
    ledger.settle(&entry, cost)?;
    let label = label(wanted, now);
    if let Some(path) = &args.out {
        let page = page(wanted.document.plan(), &label, &written);
        files::write_atomically(path, |file| file.write_all(page.as_bytes()))?;
        at.console.note(&format!("summary: {}", path.display()));
    }
    let row = json!({
        "written_by": wanted.model.to_string(),
        "at": now,
        "plan": wanted.document.digest(),
        "decides": false,
        "whole": written.is_whole,
        "read_tokens": written.read_tokens,
        "written_tokens": written.written_tokens,
        "cost_dollars": cost.to_string().trim_start_matches('$'),
        "summary": written.text,
    });
    tell(at.format, [row], |_| format!("{label}\n\n{}\n", said(&written)))?;
    at.console.note(&format!(
        "{} tokens read and {} written: {cost} by your prices",
        written.read_tokens, written.written_tokens
    ));
    Ok(Exit::Success)
}

/// Who wrote it, of what, and what it is worth.
fn label(wanted: &Wanted, now: Timestamp) -> String {
    format!(
        "Written by the language model {} on {} about plan {}. It may be wrong, and nothing is decided by it: the findings of \
         the plan hold.",
        wanted.model,
        time(now),
        wanted.document.digest()
    )
}

/// The text line by line, without what could play tricks on a terminal.
fn said(written: &Written) -> String {
    let mut text: String = written.text.lines().map(|line| format!("{}\n", safe::line(line))).collect();
    if !written.is_whole {
        let _ = writeln!(text, "(cut off: the model had written as much as it may)");
    }
    text
}

fn page(plan: &UpgradePlan, label: &str, written: &Written) -> String {
    let name = safe::line(&plan.cluster.name);
    let quoted: String = said(written).lines().map(|line| format!("> {}\n", safe::markdown(line))).collect();
    format!("# Summary of the upgrade of {} to {}\n\n{label}\n\n{quoted}", safe::markdown(&name), plan.target)
}
