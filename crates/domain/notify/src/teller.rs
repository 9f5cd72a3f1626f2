//! From the records of a run to what people may want to know of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fleetwright_flow::{Ending, Event, FailedStep, Record, Run, Signal, StageId, TargetId};
use fleetwright_model::redaction::Redactor;
use fleetwright_model::{Code, Phase, Text, code};

use crate::notice::{Kind, Notice, Scope, Severity};
use crate::subject::{Subject, Summary, TargetEnd};
use crate::words::{line, shortened};

/// Names and words of others are cut to this many bytes.
const LONGEST_NAME: usize = 128;
const LONGEST_MESSAGE: usize = 600;

/// Follows a run and says what people may want to know. Each end of a host, or of a cluster's step, is told once.
#[derive(Debug)]
pub struct Teller {
    run: Text,
    plan: Arc<dyn Subject>,
    redactor: Redactor,
    /// Targets whose end was told, or had been before this process took the run up.
    told: BTreeSet<TargetId>,
    /// The last word of a target's failures that is not tried again.
    reasons: BTreeMap<TargetId, FailedStep>,
}

impl Teller {
    /// Follows that run of that plan; what the redactor knows stands in no notice.
    pub fn new(run: &str, plan: Arc<dyn Subject>, redactor: Redactor) -> Self {
        let (told, reasons) = Default::default();
        Self { run: run.into(), plan, redactor, told, reasons }
    }

    /// What these records say, after which the run has come to this. Without records: the run had come to
    /// this before, and nothing of it is told again.
    pub fn notices(&mut self, records: &[Record], run: &Run) -> Vec<Notice> {
        if records.is_empty() {
            let targets = (0..self.plan.flow().targets.len())
                .filter_map(|index| u32::try_from(index).ok())
                .map(TargetId);
            self.told = targets.filter(|target| run.end(*target).is_some()).collect();
            return Vec::new();
        }
        records.iter().flat_map(|record| self.notice(record, run)).collect()
    }

    fn notice(&mut self, record: &Record, run: &Run) -> Option<Notice> {
        match &record.event {
            Event::Owner { name } => {
                let message = format!("driven by {}", self.clean(name, LONGEST_MESSAGE));
                Some(Notice {
                    message: Some(message),
                    ..self.of_run(record, Kind::RunStarted, Severity::Info, "run begun or taken up")
                })
            }
            Event::Closed { ending } => Some(self.ended(record, run, *ending)),
            Event::GateReached { stage, .. } => {
                let title = format!("stage {} waits for a decision", self.stage(*stage));
                let (run, look) = (&self.run, self.plan.shown_by());
                let next = format!(
                    "look with `{look} {run}`, then `fleetwright approve {run}` or `fleetwright reject {run}`"
                );
                let asked = self.plan.asked_at(*stage);
                let message = (!asked.is_empty()).then(|| self.clean(&asked.join("; "), LONGEST_MESSAGE));
                let notice = self.of_run(record, Kind::GateWaits, Severity::Warning, &title);
                let code = Some(code::APPROVAL_WAITS.id.into());
                Some(Notice { code, message, next_step: Some(next), ..notice })
            }
            Event::GateExpired { stage } => {
                let title = format!("stage {} was not decided in its time", self.stage(*stage));
                Some(self.of_run(record, Kind::GateDecided, Severity::Warning, &title))
            }
            Event::Signalled { signal, by, reason, .. } => {
                let (kind, severity, what) = self.decided(*signal);
                let title = format!("{what} by {}", self.clean(by, LONGEST_NAME));
                let message = reason.as_deref().map(|reason| self.clean(reason, LONGEST_MESSAGE));
                Some(Notice { message, ..self.of_run(record, kind, severity, &title) })
            }
            Event::Failed { target, failure, .. } => {
                if failure.retry_at.is_none() {
                    self.reasons.entry(*target).or_insert_with(|| failure.clone());
                }
                match self.plan.is_gate(*target) {
                    true => self.gate_failed(record, *target, failure),
                    false => self.ended_target(record, run, *target),
                }
            }
            Event::Succeeded { target, .. } | Event::Skipped { target, .. } => {
                self.ended_target(record, run, *target)
            }
            _ => None,
        }
    }

    /// The end of a target, where it is no good one and was not told.
    fn ended_target(&mut self, record: &Record, run: &Run, target: TargetId) -> Option<Notice> {
        run.end(target)?;
        if !self.told.insert(target) {
            return None;
        }
        let reason = self.reasons.remove(&target);
        let clean = |text: &str| self.clean(text, LONGEST_NAME);
        let TargetEnd { kind, severity, title, host, phase, code } =
            self.plan.ended(run, target, reason.as_ref(), &clean)?;
        let notice = self.of_place(record, target, kind, severity, title, phase);
        let known = code.as_deref().and_then(code::find);
        Some(Notice {
            host,
            next_step: known.map(|code: &Code| code.next_step.to_owned()),
            message: reason
                .map(|reason| self.clean(&reason.message, LONGEST_MESSAGE))
                .or_else(|| known.map(|code| code.meaning.to_owned())),
            code,
            ..notice
        })
    }

    /// The last word of a gate that looked and found something.
    fn gate_failed(&mut self, record: &Record, target: TargetId, failure: &FailedStep) -> Option<Notice> {
        if failure.retry_at.is_some() || !self.told.insert(target) {
            return None;
        }
        let stage = self.plan.flow().stages.iter().find(|stage| stage.targets.contains(&target.0))?;
        let title = format!("{} does not let the run go on", self.clean(&stage.name, LONGEST_NAME));
        let notice =
            self.of_place(record, target, Kind::GateFailed, Severity::Error, title, Some(Phase::Validate));
        Some(Notice {
            message: Some(self.clean(&failure.message, LONGEST_MESSAGE)),
            next_step: code::find(&failure.code).map(|code| code.next_step.to_owned()),
            code: Some(failure.code.clone()),
            ..notice
        })
    }

    /// The summary of a run that is over.
    fn ended(&mut self, record: &Record, run: &Run, ending: Ending) -> Notice {
        let Summary { why, counts } = self.plan.summary(run, record.at);
        let severity = match why {
            None => Severity::Info,
            Some(why) if why == &code::RUN_STUCK => Severity::Critical,
            Some(why) if why == &code::RUN_PARTIAL || why == &code::PLAN_BLIND => Severity::Warning,
            Some(_) => Severity::Error,
        };
        let how = match ending {
            Ending::Complete => "complete",
            Ending::Halted => "halted by failures",
            Ending::Rejected => "rejected",
            Ending::Aborted => "aborted",
        };
        let each =
            counts.outcomes.iter().map(|(outcome, count)| format!("{count} {}", outcome.replace('_', " ")));
        let each: Vec<String> = each.collect();
        let title = match each.is_empty() {
            true => format!("run {how}"),
            false => format!("run {how}: {}", each.join(", ")),
        };
        Notice {
            code: why.map(|why| why.id.into()),
            message: why.map(|why| why.meaning.to_owned()),
            next_step: why.map(|why| why.next_step.to_owned()),
            counts: Some(counts),
            ..self.of_run(record, Kind::RunEnded, severity, &title)
        }
    }

    fn decided(&self, signal: Signal) -> (Kind, Severity, String) {
        let (kind, severity, what) = match signal {
            Signal::Approve(stage) => {
                return (Kind::GateDecided, Severity::Info, format!("stage {} approved", self.stage(stage)));
            }
            Signal::Reject(stage) => {
                return (
                    Kind::GateDecided,
                    Severity::Warning,
                    format!("stage {} rejected", self.stage(stage)),
                );
            }
            Signal::Pause => (Kind::RunHeld, Severity::Warning, "paused"),
            Signal::Freeze => (Kind::RunHeld, Severity::Warning, "frozen: no unchanged host is changed,"),
            Signal::Abort => (Kind::RunHeld, Severity::Error, "aborted: what is in flight is finished;"),
            Signal::AbortNow => (Kind::RunHeld, Severity::Error, "aborted: what is in flight is cancelled;"),
            Signal::Resume => (Kind::RunGoesOn, Severity::Info, "resumed"),
            Signal::Thaw => (Kind::RunGoesOn, Severity::Info, "thawed"),
        };
        (kind, severity, what.to_owned())
    }

    fn of_run(&self, record: &Record, kind: Kind, severity: Severity, title: &str) -> Notice {
        let (zones, accounts) = self.plan.zones().into_iter().unzip();
        let scope = Scope { zones, accounts, region: None, phase: None };
        Notice {
            kind,
            severity,
            at: record.at,
            run: self.run.clone(),
            scope,
            host: None,
            code: None,
            title: title.to_owned(),
            message: None,
            next_step: None,
            counts: None,
        }
    }

    fn of_place(
        &self,
        record: &Record,
        target: TargetId,
        kind: Kind,
        severity: Severity,
        title: String,
        phase: Option<Phase>,
    ) -> Notice {
        let place = self.plan.flow().place_of(target);
        let scope = Scope {
            zones: vec![place.zone.clone()],
            accounts: vec![place.account.clone()],
            region: Some(place.region.clone()),
            phase,
        };
        Notice { scope, title, ..self.of_run(record, kind, severity, "") }
    }

    fn stage(&self, stage: StageId) -> String {
        self.plan
            .flow()
            .stages
            .get(stage.index())
            .map_or_else(|| "?".to_owned(), |stage| self.clean(&stage.name, LONGEST_NAME))
    }

    /// Text of others: one line, without secrets, of bounded length.
    fn clean(&self, text: &str, most: usize) -> String {
        shortened(&line(&self.redactor.redact(text)), most).into_owned()
    }
}
