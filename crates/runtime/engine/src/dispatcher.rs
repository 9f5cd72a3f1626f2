//! The one place that decides, records and hands out.

use fleetwright_flow::{Event, Flight, Record, Run, Sequence, TargetId};
use fleetwright_ports::{Claim, RunId};
use jiff::Timestamp;

use crate::control::{AtGates, Control, Interrupt};
use crate::drive::{Concluded, Conclusion, Ports};
use crate::error::DriveError;
use crate::frozen::{self, Frozen};
use crate::lane::LONGEST_TURN;
use crate::lanes::{Lanes, Report, TurnEnd};
use crate::mail::Mailbox;
use crate::outages::Outlook;
use crate::shared::Shared;
use crate::surroundings::Lookout;
use crate::time::RunTime;
use crate::watch::Watcher;

/// Records of one append at most, so that a commit stays bounded however large the fleet is.
const LONGEST_APPEND: usize = 5_000;

/// Decides, records, hands out.
pub(crate) struct Dispatcher<'a> {
    pub(crate) ports: Ports,
    pub(crate) name: RunId,
    /// The fold of everything durable and everything in `pending`, which is never acted upon before
    /// it is durable. Applying first means that what the kernel refuses is never written.
    pub(crate) run: Run,
    pub(crate) claim: Box<dyn Claim>,
    pub(crate) control: &'a Control,
    pub(crate) watch: &'a dyn Watcher,
    pub(crate) time: RunTime,
    pub(crate) lanes: Lanes,
    pub(crate) mailbox: Mailbox,
    pub(crate) shared: Shared,
    pub(crate) outlook: Outlook,
    pub(crate) freezes: Lookout<frozen::Seen>,
    pub(crate) frozen: Frozen,
    /// Since when nobody else has begun anything.
    pub(crate) owned_since: Timestamp,
    /// Applied and not durable yet.
    pub(crate) pending: Vec<Record>,
    pub(crate) durable: Sequence,
    /// Targets whose `Started` has not been acted upon.
    pub(crate) begun: Vec<TargetId>,
    /// Reported and not recorded yet, and turns whose end has not been dealt with.
    pub(crate) reports: Vec<Report>,
    pub(crate) ended: Vec<TurnEnd>,
    /// How far the process is to stop, as of the beginning of this round.
    pub(crate) interrupt: Interrupt,
}

impl<'a> Dispatcher<'a> {
    pub(crate) fn new(
        ports: Ports,
        name: RunId,
        run: Run,
        claim: Box<dyn Claim>,
        records: &[Record],
        control: &'a Control,
        watch: &'a dyn Watcher,
    ) -> Self {
        let time = RunTime::after(ports.clock.clone(), records.last().map(|record| record.at));
        let mut mailbox = Mailbox::of(records, time.now());
        if let Some(left) = claim.hand_over() {
            mailbox.go_on_after(left.mail);
        }
        let shared = Shared::of(run.plan());
        let outlook = Outlook::new(ports.around.outages.clone());
        let freezes = frozen::lookout(&ports.around, time.now());
        let frozen = Frozen::of(records);
        let mut begun: Vec<Flight> = run.in_flight().collect();
        begun.sort_by_key(|flight| flight.started_at);
        let begun = begun.into_iter().map(|flight| flight.target).collect();
        let taken_over = |record: &&Record| matches!(record.event, Event::Owner { .. });
        let goes_on = records.iter().rev().find(taken_over).filter(|_| claim.hand_over().is_some());
        let owned_since = goes_on.map_or(time.now(), |record| record.at);
        let durable = run.last();
        let places = run.plan().places.clone();
        let longest_turn = control.visit().map_or(LONGEST_TURN, |visit| visit.longest_turn.max(1));
        Self {
            ports,
            name,
            run,
            claim,
            control,
            watch,
            time,
            lanes: Lanes::new(places, longest_turn),
            mailbox,
            shared,
            outlook,
            freezes,
            frozen,
            owned_since,
            pending: Vec::new(),
            durable,
            begun,
            reports: Vec::new(),
            ended: Vec::new(),
            interrupt: Interrupt::None,
        }
    }

    /// Round after round, to the conclusion.
    pub(crate) async fn walk(mut self) -> Result<Concluded, DriveError> {
        self.commit().await?;
        self.take_up_places().await?;
        self.take_first_look().await?;
        loop {
            self.time.advance();
            self.interrupt = self.control.interrupted();
            self.take_decisions().await?;
            self.take_surroundings().await?;
            self.take_outcomes()?;
            self.take_overdue()?;
            self.take_commands().await?;
            self.commit().await?;
            if self.cancel_where_asked().await? {
                continue;
            }
            if self.run.ending().is_none() && self.interrupt == Interrupt::Leave {
                self.cancel_and_leave().await;
                return Ok(self.conclude(Conclusion::Interrupted));
            }
            self.outlook.send();
            self.hand_out().await?;
            if let Some(conclusion) = self.conclusion()? {
                return Ok(self.conclude(conclusion));
            }
            if let Some(until) = self.rests() {
                self.put_down().await?;
                return Ok(self.conclude(Conclusion::Rests { until }));
            }
            self.wait().await;
        }
    }

    /// Applies an event; it becomes durable with the next commit.
    pub(crate) fn record(&mut self, event: Event) -> Result<(), DriveError> {
        let record = self.next_record(event);
        match self.run.apply(&record) {
            Ok(()) => {
                self.keep(record);
                Ok(())
            }
            Err(source) => {
                tracing::error!(?record, %source, "a record of our own was refused");
                Err(DriveError::Illegal { record: Box::new(record), source })
            }
        }
    }

    /// Keeps an applied record for the next commit.
    pub(crate) fn keep(&mut self, record: Record) {
        self.frozen.note(&record.event);
        self.pending.push(record);
    }

    pub(crate) fn next_record(&self, mut event: Event) -> Record {
        if let Event::GateReached { mail, .. } | Event::Signalled { mail, .. } = &mut event {
            *mail = Some(self.mailbox.decided);
        }
        Record { epoch: self.claim.epoch(), ..self.run.record(self.time.now(), event) }
    }

    /// Makes everything pending durable.
    async fn commit(&mut self) -> Result<(), DriveError> {
        let pending = std::mem::take(&mut self.pending);
        // Nobody goes on with a closed run: what others share is put right before that is on record.
        let closes = matches!(pending.last(), Some(Record { event: Event::Closed { .. }, .. }));
        let (before, closing) = pending.split_at(pending.len() - usize::from(closes && self.shares_groups()));
        for part in [before, closing] {
            for records in part.chunks(LONGEST_APPEND) {
                let appended =
                    self.ports.journal.append(&self.name, self.claim.epoch(), self.durable, records).await;
                appended.map_err(|refusal| DriveError::journal("recording what happened", refusal))?;
                self.durable = records.last().map_or(self.durable, |record| record.seq);
            }
            self.settle_places(part).await?;
        }
        if !pending.is_empty() {
            self.watch.recorded(&pending, &self.run);
        }
        Ok(())
    }

    /// Proves that the run is still ours: an append of nothing is refused as any other to a process
    /// whose run was taken over while it slept.
    pub(crate) async fn prove_ownership(&self) -> Result<(), DriveError> {
        let proof = self.ports.journal.append(&self.name, self.claim.epoch(), self.durable, &[]).await;
        proof.map_err(|refusal| DriveError::journal("making sure that the run is still ours", refusal))
    }

    /// Whether and how to come back: nothing is in flight, and nothing can be begun without a decision.
    fn conclusion(&self) -> Result<Option<Conclusion>, DriveError> {
        if let Some(ending) = self.run.ending() {
            return Ok(Some(Conclusion::Closed(ending)));
        }
        if self.lanes.open_slots() > 0 {
            return Ok(None);
        }
        let timer = self.run.wake_at().is_some();
        if self.interrupt != Interrupt::None {
            let goes_on = timer && self.has_committed_open();
            return Ok((!goes_on).then_some(Conclusion::Interrupted));
        }
        if timer || self.run.window_turns_at().is_some() {
            return Ok(None);
        }
        let gate = self.run.gate_waiting();
        if let Some(stage) = gate.filter(|_| *self.control.at_gates() == AtGates::Leave) {
            return Ok(Some(Conclusion::WaitsForApproval(vec![stage])));
        }
        let decision = gate.is_some() || self.run.is_paused() || self.run.is_frozen();
        let waits = self.run.waits_for_others() || self.shared.is_waiting() || self.outlook.is_looking();
        if decision || waits {
            return Ok(None);
        }
        Err(DriveError::Stalled { last: self.run.last() })
    }

    fn has_committed_open(&self) -> bool {
        let targets = (0u32..).map(TargetId).take(self.run.plan().targets.len());
        targets.into_iter().any(|target| self.run.end(target).is_none() && self.is_committed(target))
    }

    fn conclude(self, conclusion: Conclusion) -> Concluded {
        Concluded { conclusion, run: self.run }
    }

    /// When more falls due of itself, the mailbox left aside.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        self.due_but_for_calendars().into_iter().chain(self.freezes.wakes_at()).min()
    }

    /// The same without the calendars.
    pub(crate) fn due_but_for_calendars(&self) -> Option<Timestamp> {
        // A timer that is due and still unused waits for room or for a decision, not for time.
        let timer = self.run.wake_after(self.time.now());
        let others = [self.lanes.wakes_at(), self.shared.next_look()];
        timer.into_iter().chain(others.into_iter().flatten()).min()
    }

    /// Waits until something is reported or said, or falls due.
    async fn wait(&mut self) {
        let due = match self.is_leaving() {
            // What is under way is waited for, nothing else.
            true => Timestamp::MAX,
            false => self.due().map_or(self.mailbox.next_look, |due| due.min(self.mailbox.next_look)),
        };
        tokio::select! {
            biased;
            () = self.control.changed() => {}
            ended = self.lanes.stir(&mut self.reports) => self.ended.extend(ended),
            () = self.outlook.answered() => {}
            () = self.freezes.answered() => {}
            () = self.time.sleep_until(due) => {}
        }
    }
}
