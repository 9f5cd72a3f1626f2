//! The organisation's own check: a document without parameters, run on hosts on which all else is well.
//!
//! It runs beside the survey of `validate`, with a mark of its own: the slot's handle stays the
//! survey's. A check changes nothing, so that after a crash it may be run once more.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fleetwright_flow::TargetId;
use fleetwright_model::redaction::redact;
use fleetwright_model::{ErrorClass, Failure, InstanceId, Text, code};
use fleetwright_ports::InvocationStatus;

use crate::command_listing::Listing;
use crate::command_wave::{Addressed, Answer, Order, Progress, Wave};
use crate::evidence::{CHECK, Files, Taken};
use crate::pace;
use crate::validate::{OUTDATED, SEND_AGAIN_AFTER, SENDS_MAX};
use fleetwright_step::{Late, Outcome, Slot};

/// Characters of what a check said last that are repeated in findings.
const SAID_MAX: usize = 160;

/// How far the check of one host is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Checked {
    /// It ended with exit code 0.
    Passed,
    /// It ended otherwise, and there is no time to try again.
    Worse(String),
    /// It did not run to an end.
    NotCompared(String),
    /// Not decided yet, or it cannot be decided.
    Open(Outcome),
}

/// How far the checks of a turn's hosts are.
#[derive(Debug, Default)]
pub(crate) struct Checks(BTreeMap<TargetId, Checked>);

impl Checks {
    /// How far the slot's is.
    pub(crate) fn of(&self, slot: &Slot) -> Checked {
        let not_made = || Checked::NotCompared("the check was not made".to_owned());
        self.0.get(&slot.target).cloned().unwrap_or_else(not_made)
    }
}

/// One step's checks in one place.
pub(crate) struct CustomCheck<'a> {
    /// Its commands.
    pub(crate) wave: Wave<'a>,
    /// What is run.
    pub(crate) document: Text,
}

impl CustomCheck<'_> {
    /// Sends the check to hosts that have not had it, and looks at those that have. A check that fails
    /// is tried again until `waits_are_over`.
    pub(crate) async fn turn(
        &self,
        hosts: Vec<Addressed<'_>>,
        waits_are_over: impl Fn(&Slot) -> bool,
    ) -> Checks {
        let mut checks = Checks::default();
        if hosts.is_empty() {
            return checks;
        }
        let listing = self.wave.listing(&hosts).await;
        let (sent, fresh): (Vec<_>, Vec<_>) =
            hosts.into_iter().partition(|(slot, host)| self.wave.was_sent_beside(&listing, slot, host));
        let (mut send, unsure): (Vec<_>, Vec<_>) = fresh.into_iter().partition(|_| listing.failure.is_none());
        for (slot, _) in unsure {
            // An incomplete listing may hide that it was sent already.
            checks.0.insert(slot.target, self.wait(slot, "earlier commands to be listed"));
        }
        for (slot, host, progress) in self.wave.look(&listing, sent).await {
            let over = waits_are_over(slot);
            let checked = self.checked(slot, &host, progress).await;
            let checked = match checked {
                Checked::Worse(words) if self.may_send_again(&listing, slot, &host, over) => {
                    send.push((slot, host));
                    self.wait(slot, &format!("the check to pass ({words})"))
                }
                Checked::Worse(words) if !over => self.wait(slot, &format!("the check to pass ({words})")),
                checked => checked,
            };
            checks.0.insert(slot.target, checked);
        }
        self.send(send, &mut checks).await;
        checks
    }

    /// As hosts are asked again for their survey: seldom, and once more where what is known is old.
    fn may_send_again(&self, listing: &Listing, slot: &Slot, host: &InstanceId, over: bool) -> bool {
        let (sends, last) = self.wave.sends(listing, slot, host);
        let age = self.wave.context.now().duration_since(last);
        let in_time = self.wave.context.now() < slot.deadline;
        if over { in_time && age >= OUTDATED } else { age >= SEND_AGAIN_AFTER && sends < SENDS_MAX }
    }

    fn wait(&self, slot: &Slot, waiting_for: &str) -> Checked {
        let late = Late { step: self.wave.step, class: ErrorClass::Transient, code: &code::NOT_COMPARED };
        Checked::Open(pace::COMMAND.look(slot, self.wave.context.now(), waiting_for, late))
    }

    async fn send(&self, hosts: Vec<Addressed<'_>>, checks: &mut Checks) {
        let delivery = self.wave.context.plan().policy.patch.delivery_seconds.max(30);
        let order = Order {
            document: self.document.clone(),
            parameters: Vec::new(),
            delivery: Duration::from_secs(u64::from(delivery)),
        };
        for (slot, _) in &hosts {
            // Where it was sent again, the reason stays.
            checks.0.entry(slot.target).or_insert_with(|| self.wait(slot, "the check"));
        }
        let refused: Mutex<BTreeMap<TargetId, Failure>> = Mutex::default();
        let note = |slot: &Slot, failure| {
            refused.lock().unwrap_or_else(PoisonError::into_inner).insert(slot.target, failure);
        };
        self.wave.send_beside(&order, hosts, note).await;
        for (target, failure) in refused.into_inner().unwrap_or_else(PoisonError::into_inner) {
            // What passes is tried again at the next look, unless the listing then shows that it was sent
            // after all; the rest will not get better.
            let passes = matches!(
                failure.class,
                ErrorClass::Throttled | ErrorClass::Transient | ErrorClass::Ambiguous
            );
            if !passes {
                let words = format!("check {} was not accepted: {failure}", self.document);
                checks.0.insert(target, Checked::NotCompared(words));
            }
        }
    }

    async fn checked(&self, slot: &Slot, asked: &InstanceId, progress: Progress) -> Checked {
        use InvocationStatus as S;
        let answer = match progress {
            Progress::Running => return self.wait(slot, "the end of the check"),
            Progress::Unseen(failure) => {
                return self.wait(slot, &format!("the check's answer to be readable ({failure})"));
            }
            Progress::Nobody => {
                return Checked::NotCompared(format!("check {} reached nobody", self.document));
            }
            Progress::Ended(answer) => answer,
        };
        if let Err(outcome) = self.keep(slot, asked, &answer).await {
            return Checked::Open(outcome);
        }
        let invocation = &answer.invocation;
        let document = &self.document;
        match invocation.status {
            S::Success if invocation.exit_code.unwrap_or(0) == 0 => Checked::Passed,
            S::Success | S::Failed => {
                let exit =
                    invocation.exit_code.map_or("no exit code".to_owned(), |it| format!("exit code {it}"));
                Checked::Worse(format!("check {document}: {exit}{}", said(&answer)))
            }
            S::ExecutionTimedOut => Checked::Worse(format!("check {document} ran too long{}", said(&answer))),
            status => Checked::NotCompared(format!("check {document} did not run to an end: {status:?}")),
        }
    }

    async fn keep(&self, slot: &Slot, asked: &InstanceId, answer: &Answer) -> Result<(), Outcome> {
        let Some(host) = self.wave.context.host(slot.target) else { return Ok(()) };
        let files =
            Files { context: self.wave.context, place: self.wave.place, os: host.os, instance: &host.id };
        let Answer { command, invocation, .. } = answer;
        let exit = invocation.exit_code.map_or("none".to_owned(), |exit| exit.to_string());
        let text = format!(
            "document {}\ncommand {command}\ninstance {asked}\nexit code {exit}\n\n{}\n{}",
            self.document, invocation.output, invocation.errors
        );
        files.keep(Taken::After, CHECK, redact(&text).as_bytes()).await
    }

    /// Cancels checks that are under way; the surveys are the step's own.
    pub(crate) async fn cancel(&self, slots: &[Slot]) {
        let beside: Vec<Slot> = slots.iter().map(|slot| Slot { handle: None, ..slot.clone() }).collect();
        self.wave.cancel(&beside).await;
    }
}

/// The last line that says something, standard output before standard error, fit for a terminal.
fn said(answer: &Answer) -> String {
    let last = |text: &str| text.lines().rev().find(|line| !line.trim().is_empty()).map(str::to_owned);
    let Some(line) = last(&answer.invocation.output).or_else(|| last(&answer.invocation.errors)) else {
        return String::new();
    };
    let line = redact(&line);
    let line: String = line.trim().chars().filter(|it| !it.is_control()).take(SAID_MAX).collect();
    format!(": {line}")
}
