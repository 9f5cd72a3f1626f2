//! What a run shows while it is driven: a live line on a terminal, plain lines elsewhere, events as
//! JSON Lines where they were asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fleetwright_config::settings::OutputFormat;
use fleetwright_engine::{LaneName, Watcher};
use fleetwright_flow::{Direction, Event, Illegal, Record, Run, Signal};
use fleetwright_model::Text;
use fleetwright_report::text::time;
use fleetwright_report::{safe, view_text};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::{SignedDuration, Timestamp};

use crate::console::{self, Console};
use crate::run_events::RunEvents;
use crate::run_plan::{RunPlan, step_name};

/// Plain lines say how far a run is no more often than this, by the run's own time.
const BETWEEN_LINES: SignedDuration = SignedDuration::from_mins(1);

/// Looks on and tells.
pub struct RunLive {
    console: Console,
    format: OutputFormat,
    plan: Arc<dyn RunPlan>,
    bar: ProgressBar,
    seen: Mutex<Seen>,
    events: RunEvents,
}

#[derive(Default)]
struct Seen {
    records: Vec<Record>,
    waits: BTreeMap<(u16, String, Direction), view_text::Waits>,
    told_at: Option<Timestamp>,
}

impl RunLive {
    /// Looks on at a run of this plan.
    pub fn new(console: &Console, format: OutputFormat, plan: Arc<dyn RunPlan>) -> Self {
        let bar = match console.live {
            true => ProgressBar::new_spinner(),
            false => ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()),
        };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        if console.live {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        let seen = Mutex::default();
        let events = RunEvents::default();
        Self { console: *console, format, plan, bar, seen, events }
    }

    /// Takes the live line away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Every record this process made.
    pub fn into_records(self) -> Vec<Record> {
        self.seen.into_inner().unwrap_or_else(PoisonError::into_inner).records
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A line of its own: above the live line, or on standard error.
    fn say(&self, text: &str) {
        self.bar.suspend(|| self.console.note(text));
    }

    /// What people want to know at once.
    fn announce(&self, record: &Record, run: &Run) {
        match &record.event {
            Event::Failed { target, step, direction, failure } => {
                let step = step_name(self.plan.flow(), *target, step.0, *direction);
                let again = match failure.retry_at {
                    Some(at) => format!("; tried again at {}", time(at)),
                    None => String::new(),
                };
                self.say(&format!(
                    "{} {} {step}: {}{again} [{}]",
                    time(record.at),
                    self.name(*target),
                    safe::line(&failure.message),
                    failure.code
                ));
            }
            Event::GateReached { stage, .. } => {
                let name = run.plan().stages[stage.index()].name.clone();
                self.say(&format!(
                    "{} stage {} is prepared and waits for a decision: fleetwright approve or reject",
                    time(record.at),
                    safe::line(&name)
                ));
            }
            Event::Signalled { signal, by, reason, .. } => {
                let reason =
                    reason.as_deref().map(|why| format!(": {}", safe::line(why))).unwrap_or_default();
                self.say(&format!(
                    "{} {} by {}{reason}",
                    time(record.at),
                    signal_name(*signal),
                    safe::line(by)
                ));
            }
            _ => {}
        }
    }

    fn name(&self, target: fleetwright_flow::TargetId) -> String {
        let subject = &self.plan.flow().target(target).subject;
        match self.plan.name(target) {
            Some(name) => format!("{subject} ({})", safe::line(name)),
            None => safe::line(subject).into_owned(),
        }
    }

    fn stream(&self, records: &[Record]) {
        // A reader that went away does not stop a run; what it missed is in the journal.
        let _ = console::write_data(|out| {
            for record in records {
                let mut line = serde_json::to_value(record)?;
                if let Some(object) = line.as_object_mut() {
                    object.insert("type".to_owned(), "record".into());
                    if let Some(target) = record.event.target() {
                        object.insert(
                            "subject".to_owned(),
                            self.plan.flow().target(target).subject.as_ref().into(),
                        );
                    }
                }
                serde_json::to_writer(&mut *out, &line)?;
                out.write_all(b"\n")?;
            }
            Ok(())
        });
    }
}

/// A decision in words.
pub fn signal_name(signal: Signal) -> &'static str {
    match signal {
        Signal::Approve(_) => "approved",
        Signal::Reject(_) => "rejected",
        Signal::Pause => "paused",
        Signal::Resume => "resumed",
        Signal::Freeze => "frozen: no unchanged host is changed",
        Signal::Thaw => "thawed",
        Signal::Abort => "aborted: what is in flight is finished",
        Signal::AbortNow => "aborted: what is in flight is cancelled",
    }
}

impl Watcher for RunLive {
    fn recorded(&self, records: &[Record], run: &Run) {
        self.events.tell(&*self.plan, records);
        for record in records {
            self.announce(record, run);
        }
        if self.format == OutputFormat::Jsonl {
            self.stream(records);
        }
        let mut seen = self.seen();
        seen.records.extend(records.iter().cloned());
        let Some(now) = records.last().map(|record| record.at) else { return };
        let due = seen.told_at.is_none_or(|told| now.duration_since(told) >= BETWEEN_LINES);
        if !self.bar.is_hidden() {
            let mut text = String::new();
            let waits = all_waits(&seen);
            drop(seen);
            if view_text::write(&mut text, &run.view(now), &waits).is_ok() {
                self.bar.set_message(text);
            }
        } else if due && !self.console.quiet {
            seen.told_at = Some(now);
            drop(seen);
            self.console.note(&format!("{} {}", time(now), view_text::line(&run.view(now))));
        }
    }

    fn waiting(&self, lane: LaneName<'_>, for_what: &BTreeMap<Text, usize>) {
        let key = (lane.place.0, lane.step.to_owned(), lane.direction);
        self.seen().waits.insert(key, for_what.clone());
    }

    fn declined(&self, signal: Signal, by: &str, why: Illegal) {
        self.say(&format!("{} by {} has no effect now: {why}", signal_name(signal), safe::line(by)));
    }
}

fn all_waits(seen: &Seen) -> view_text::Waits {
    let mut all = view_text::Waits::new();
    for (what, count) in seen.waits.values().flatten() {
        *all.entry(what.clone()).or_default() += count;
    }
    all
}
