//! What a round takes in: decisions, outcomes, time-outs, and what the kernel makes of them.

use fleetwright_flow::{Command, Event, Flight, Illegal, Signal, SkipScope, StepIndex, TargetId};
use fleetwright_model::{ErrorClass, code};
use fleetwright_ports::Mail;
use fleetwright_step::Outcome;

use crate::act::{GRACE, company};
use crate::control::{AtGates, Decision, Interrupt};
use crate::dispatcher::Dispatcher;
use crate::error::DriveError;
use crate::lane::later;
use crate::lanes::Report;
use crate::watch::LaneName;

impl Dispatcher<'_> {
    /// Decisions of this process and of the mailbox.
    pub(crate) async fn take_decisions(&mut self) -> Result<(), DriveError> {
        for decision in self.control.take_decisions() {
            self.decide(decision);
        }
        let now = self.time.now();
        if !self.mailbox.is_due(now) {
            return Ok(());
        }
        let mail = self.ports.journal.mail(&self.name, self.mailbox.read).await;
        let mail = mail.map_err(|refusal| DriveError::journal("reading the run's mailbox", refusal))?;
        for letter in self.mailbox.take(mail, now) {
            self.mailbox.decided = letter.number;
            let Mail { signal, by, basis, reason, .. } = letter;
            self.decide(Decision { signal, by, basis, reason });
        }
        self.mailbox.decided = self.mailbox.read;
        Ok(())
    }

    /// Records a decision, if the run is at the point for it.
    fn decide(&mut self, decision: Decision) {
        let Decision { signal, by, basis, reason } = decision;
        let record = self.next_record(Event::Signalled { signal, by: by.clone(), basis, reason, mail: None });
        match self.run.apply(&record) {
            Ok(()) => {
                self.keep(record);
            }
            Err(why) => {
                tracing::warn!(?signal, %by, %why, "a decision was declined");
                self.watch.declined(signal, &by, why);
            }
        }
    }

    /// What turns reported, then what turns that are over left unsaid.
    pub(crate) fn take_outcomes(&mut self) -> Result<(), DriveError> {
        let mut ended = std::mem::take(&mut self.ended);
        let mut reports = std::mem::take(&mut self.reports);
        // As long as turns have more to say without waiting, it goes into the same commit.
        loop {
            let (ends, said) = (self.lanes.advance(), self.lanes.reported());
            if ends.is_empty() && said.is_empty() {
                break;
            }
            ended.extend(ends);
            reports.extend(said);
        }
        for report in reports {
            self.take_outcome(report)?;
        }
        for end in ended {
            let (lane, unanswered) = self.lanes.end_turn(end);
            for slot in unanswered {
                let step = self.lanes.step_name(slot.lane);
                tracing::error!(%step, target = slot.target.0, why = %slot.why, "a step is at fault");
                self.fail(slot.target, code::INTERNAL.id, &slot.why)?;
                self.lanes.release(slot.lane, slot.target);
            }
            let key = &self.lanes.get(lane).key;
            let name = LaneName { place: key.place, step: &key.step, direction: key.direction };
            self.watch.waiting(name, &self.lanes.get(lane).waits());
        }
        Ok(())
    }

    fn take_outcome(&mut self, mut report: Report) -> Result<(), DriveError> {
        let Report { lane, target, .. } = report;
        let Some(open) = self.lanes.get(lane).get(target) else {
            let step = self.lanes.step_name(lane);
            tracing::warn!(%step, target = target.0, outcome = ?report.outcome, "said after the end");
            return Ok(());
        };
        let (step, direction) = (open.index, open.slot.direction);
        match &mut report.outcome {
            Outcome::Accepted { handle, look_at } => {
                *look_at = self.time.of_clock(*look_at);
                // A further handle of the same attempt (a request sent again) serves this process alone.
                if open.slot.handle.is_none() {
                    let handle = handle.clone();
                    self.record(Event::Accepted { target, step, direction, handle })?;
                    if let Some(flight) = self.run.flight(target) {
                        let backstop = later(flight.deadline.max(self.time.now()), GRACE);
                        self.lanes.grant(lane, target, self.time.to_clock(flight.deadline), backstop);
                    }
                }
            }
            Outcome::LookAgain { at, .. } => *at = self.time.of_clock(*at),
            _ => {}
        }
        if report.outcome.is_open() {
            let company = company(&self.run, &self.lanes.get(lane).key, target);
            self.lanes.keep_open(&report, company, self.time.now());
            return Ok(());
        }
        self.record_end(target, report.outcome)?;
        self.lanes.release(lane, target);
        Ok(())
    }

    fn record_end(&mut self, target: TargetId, outcome: Outcome) -> Result<(), DriveError> {
        let Some(flight) = self.run.flight(target) else { return Ok(()) };
        let Flight { step, direction, .. } = flight;
        let event = match outcome {
            Outcome::Done { note, finding } => {
                let finding = finding.map(|code| code.id.into());
                Event::Succeeded { target, step, direction, note, finding }
            }
            Outcome::NotNeeded { code } => {
                let scope = SkipScope::Step;
                Event::Skipped { target, step, direction, scope, code: code.id.into() }
            }
            Outcome::LeaveTarget { code } => {
                let scope = SkipScope::Target;
                Event::Skipped { target, step, direction, scope, code: code.id.into() }
            }
            Outcome::Failed(failure) => {
                let message = match &failure.service_code {
                    Some(service) => format!("{}: {} ({service})", failure.operation, failure.message),
                    None => format!("{}: {}", failure.operation, failure.message),
                };
                self.run.failure(target, failure.class, failure.code.id, &message, self.time.now())
            }
            Outcome::Accepted { .. } | Outcome::LookAgain { .. } => return Ok(()),
        };
        match self.run.check(&self.next_record(event.clone())) {
            Err(why @ Illegal::NoteTooLong { .. }) => {
                tracing::error!(target = target.0, %why, "a step is at fault");
                self.fail(target, code::INTERNAL.id, &why.to_string())
            }
            // What was taken out is put back step by step; only the one can be left out.
            Err(Illegal::PuttingBack(_)) => self.record(of_step_alone(event)),
            _ => self.record(event),
        }
    }

    /// Ends an attempt for good, if it is in flight.
    pub(crate) fn fail(
        &mut self,
        target: TargetId,
        code: &'static str,
        message: &str,
    ) -> Result<(), DriveError> {
        self.fail_as(ErrorClass::Permanent, target, code, message)
    }

    fn fail_as(
        &mut self,
        class: ErrorClass,
        target: TargetId,
        code: &'static str,
        message: &str,
    ) -> Result<(), DriveError> {
        if self.run.flight(target).is_none() {
            return Ok(());
        }
        self.record(self.run.failure(target, class, code, message, self.time.now()))
    }

    /// Steps report their own time-outs; this catches those that do not.
    pub(crate) fn take_overdue(&mut self) -> Result<(), DriveError> {
        for (lane, target) in self.lanes.overdue(self.time.now()) {
            let step = self.lanes.step_name(lane).clone();
            tracing::error!(%step, target = target.0, "the step did not end in its time");
            let message = format!("{step} did not end in its time, nor say that it was over");
            // What a step was doing when it hung, nobody knows.
            self.fail_as(ErrorClass::Ambiguous, target, code::STEP_TIMED_OUT.id, &message)?;
            self.lanes.give_up(lane, target);
        }
        Ok(())
    }

    /// What the kernel says may happen, until it has nothing more to say.
    pub(crate) async fn take_commands(&mut self) -> Result<(), DriveError> {
        loop {
            let mut quiet = true;
            let commands = self.run.next(self.time.now());
            let (without, refused) = self.claim_places(&commands).await?;
            for command in commands {
                if let Command::Begin { target, .. } = command {
                    if !self.may_begin(target) || without.contains(&target) {
                        continue;
                    }
                    self.begun.push(target);
                }
                self.record(command.event())?;
                quiet = false;
            }
            if refused {
                self.look_after_refusal().await?;
                quiet = false;
            }
            if let AtGates::Approve { by } = self.control.at_gates()
                && let Some(stage) = self.run.gate_waiting()
            {
                let approval = Event::Signalled {
                    signal: Signal::Approve(stage),
                    by: by.clone(),
                    basis: None,
                    reason: None,
                    mail: None,
                };
                // A gate that is not theirs to decide, or not theirs alone, goes on waiting.
                if self.run.check(&self.next_record(approval.clone())).is_ok() {
                    self.record(approval)?;
                    quiet = false;
                }
            }
            if quiet {
                return Ok(());
            }
        }
    }

    /// An interrupted process takes changed targets to their end, no others.
    pub(crate) fn may_begin(&self, target: TargetId) -> bool {
        match self.interrupt {
            Interrupt::None => true,
            Interrupt::Finish => self.is_committed(target),
            Interrupt::Leave => false,
        }
    }

    pub(crate) fn is_committed(&self, target: TargetId) -> bool {
        let steps = &self.run.plan().recipe_of(target).steps;
        let committing = (0u8..).zip(steps).filter(|(_, step)| step.commits);
        committing.into_iter().any(|(index, _)| self.run.was_started(target, StepIndex(index)))
    }
}

/// The same skip, of the step it stands at alone.
fn of_step_alone(event: Event) -> Event {
    match event {
        Event::Skipped { target, step, direction, code, .. } => {
            Event::Skipped { target, step, direction, scope: SkipScope::Step, code }
        }
        other => other,
    }
}
