//! Judges a history by the invariants of the product's safety rules. It reads the plan and the
//! records and keeps books of its own; it knows nothing of [`fleetwright_flow::Run`].
//!
//! The kernel's own tests, the crash tests and the random worlds are judged by it after every record.

mod fairness;

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_flow::*;
use jiff::{SignedDuration, Timestamp};

use self::fairness::{Asked, Took};

/// What a history may not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Law {
    /// I1, I5, I6, I13: more members of a group out of service than it has room for, others' included,
    /// and as far as it has grown.
    Budget,
    /// I12: something of a later stage is started before an earlier one is over.
    StageOrder,
    /// A stage is changed before its gate was approved: by as many different people as it takes, all of
    /// them among those who may, in time and about what stands to be decided.
    Gate,
    /// I11: an unchanged target is changed outside its window, or with less of it left than the recipe's
    /// reserve.
    Window,
    /// A target is prepared longer before its window opens than the recipe's lead.
    Lead,
    /// An unchanged target is changed while the run is frozen.
    Freeze,
    /// I12: a stage is begun although too few of an earlier one ended well.
    MinSample,
    /// A target starts before those it comes after ended well.
    After,
    /// I19: a step is carried out again although it is over, or twice at once.
    Once,
    /// I24: an attempt too many, too early, or out of turn.
    BackOff,
    /// More targets of a place in flight at a step than may be.
    Lane,
    /// I16: something uncommitted is started after the stop.
    StopRule,
    /// Something uncommitted is started while the run is paused.
    Pause,
    /// Something other than putting back is started in a cancelled run.
    Cancel,
    /// I33: what was taken out of service was never put back.
    PutBack,
    /// I20: a target has no end.
    Rest,
    /// I17: a record of an epoch that is not the newest.
    Epoch,
    /// The way back is walked without a failure that asks for it, or not to its end.
    WayBack,
    /// Somebody who may start does not, although no place is kept for another who is held up.
    IdlePlace,
    /// Of two who ask for the same places, the one who asked later gets them first.
    FirstCome,
}

type At = (TargetId, Direction, StepIndex);

#[derive(Default)]
struct Book {
    attempts: u16,
    in_flight: bool,
    over: bool,
    retry_at: Option<Timestamp>,
    failed: bool,
}

#[derive(Default)]
struct TargetBook {
    holds: bool,
    /// It was found out of service, and was not verified healthy since.
    down: bool,
    /// It holds a place that it took for being down, with or without room.
    excused: bool,
    owes: bool,
    committed: bool,
    failed: bool,
    left: bool,
    undoing: bool,
    touched: bool,
    proven: bool,
    /// It left its forward course by a failure.
    off: bool,
    /// It was half done when it was left, or could not be taken back.
    lost: bool,
}

/// A gate that was reached.
struct GateBook {
    at: Timestamp,
    seq: u64,
    by: BTreeSet<String>,
    expired: bool,
}

/// Who judges: told of each record, and of each moment at which all that may start has been started.
pub struct Referee<'a> {
    plan: &'a Plan,
    steps: BTreeMap<At, Book>,
    targets: Vec<TargetBook>,
    digest: String,
    gates: BTreeMap<StageId, GateBook>,
    elsewhere: BTreeMap<GroupId, u32>,
    frozen: bool,
    failures: BTreeMap<StageId, u32>,
    stopped: bool,
    paused: bool,
    cancelled: bool,
    closed: bool,
    epoch: Epoch,
    stage: usize,
    /// Moments at which all that might start had been started.
    decisions: u32,
    asked: Vec<Asked>,
    took: Vec<Took>,
    found: BTreeSet<Law>,
}

/// Every law the history breaks; none for one the kernel made.
pub fn judge(plan: &Plan, records: &[Record]) -> BTreeSet<Law> {
    let mut referee = Referee::new(plan);
    for record in records {
        referee.read(record);
    }
    referee.found
}

impl<'a> Referee<'a> {
    /// Before the first record.
    pub fn new(plan: &'a Plan) -> Self {
        Self {
            plan,
            steps: BTreeMap::new(),
            targets: plan.targets.iter().map(|_| TargetBook::default()).collect(),
            digest: String::new(),
            gates: BTreeMap::new(),
            elsewhere: BTreeMap::new(),
            frozen: false,
            failures: BTreeMap::new(),
            stopped: false,
            paused: false,
            cancelled: false,
            closed: false,
            epoch: Epoch(0),
            stage: 0,
            decisions: 0,
            asked: vec![None; plan.targets.len()],
            took: Vec::new(),
            found: BTreeSet::new(),
        }
    }

    /// What was broken so far.
    pub fn found(&self) -> &BTreeSet<Law> {
        &self.found
    }
}

impl Referee<'_> {
    fn law(&mut self, law: Law, kept: bool) {
        if !kept {
            self.found.insert(law);
        }
    }

    fn step(&self, at: At) -> &Step {
        let recipe = self.plan.recipe_of(at.0);
        match at.1 {
            Direction::Do => &recipe.steps[at.2.index()],
            Direction::Undo => &recipe.undo[at.2.index()],
        }
    }

    fn stage_of(&self, id: TargetId) -> usize {
        self.plan.stages.iter().position(|stage| stage.targets.contains(&id.0)).expect("in a stage")
    }

    /// Judges one record after those before it.
    pub fn read(&mut self, record: &Record) {
        self.law(Law::Epoch, record.epoch >= self.epoch);
        self.epoch = self.epoch.max(record.epoch);
        match &record.event {
            Event::Started { target, step, direction, attempt } => {
                self.started((*target, *direction, *step), *attempt, record.at);
            }
            Event::Succeeded { target, step, direction, .. } => {
                let at = (*target, *direction, *step);
                if self.step(at).charge == Charge::Release && self.gives_back(at) {
                    self.give_back(*target, *direction);
                    self.targets[target.index()].owes = false;
                }
                self.over(at);
                self.give_back_at_the_end(at);
            }
            Event::Failed { target, step, direction, failure } => {
                self.failed((*target, *direction, *step), failure);
            }
            Event::Skipped { target, step, direction, scope, .. } => {
                self.skipped((*target, *direction, *step), *scope);
            }
            Event::Signalled { signal, by, basis, .. } => {
                self.decided(*signal, by, basis.as_deref(), record.at);
                self.signalled(*signal);
            }
            Event::GateReached { stage, .. } => {
                let (at, seq) = (record.at, record.seq.0);
                self.gates.insert(*stage, GateBook { at, seq, by: BTreeSet::new(), expired: false });
            }
            Event::GateExpired { stage } => self.expired(*stage, record.at),
            Event::Observed { group, elsewhere } => {
                self.elsewhere.insert(*group, *elsewhere);
            }
            Event::FoundDown { target } => {
                let book = &mut self.targets[target.index()];
                let news = !book.down && !book.holds;
                book.down = true;
                self.law(Law::Budget, news);
            }
            Event::Opened { plan, .. } => self.digest = plan.chars().take(16).collect(),
            Event::Closed { .. } => self.closed(),
            Event::Owner { .. } | Event::Accepted { .. } | Event::WindowTurned { .. } => {}
        }
        self.count_held();
    }

    fn started(&mut self, at: At, attempt: u16, now: Timestamp) {
        let (id, direction, _) = at;
        let step = self.step(at).clone();
        let stage = self.stage_of(id);
        let book = self.steps.entry(at).or_default();
        let once = !book.over && !book.in_flight;
        let in_turn = attempt == book.attempts + 1
            && attempt <= step.retry.attempts
            && book.retry_at.is_none_or(|due| now >= due);
        (book.attempts, book.in_flight) = (attempt, true);
        let once =
            once && !self.steps.iter().any(|(other, book)| other.0 == id && *other != at && book.in_flight);
        self.law(Law::Once, once);
        self.law(Law::BackOff, in_turn);
        self.law(Law::StageOrder, stage >= self.stage);
        self.stage = self.stage.max(stage);
        let book = &self.targets[id.index()];
        let changes = direction == Direction::Do && step.when == When::InTurn;
        let uncommitted = changes && !book.committed;
        let touched = book.touched;
        self.law(Law::StopRule, !(self.stopped && uncommitted));
        self.law(Law::Pause, !(self.paused && uncommitted));
        self.law(Law::Cancel, !(self.cancelled && step.when == When::InTurn));
        self.law(Law::WayBack, direction == Direction::Do || self.targets[id.index()].undoing);
        let waits = self.plan.stages[stage].gate == Gate::Approval && changes && !step.ahead_of_gate;
        self.law(Law::Gate, !waits || self.is_approved(StageId(stage as u16)));
        let guarded =
            uncommitted && (step.in_window || (step.effect == Effect::Changes && !step.ahead_of_gate));
        self.law(Law::Freeze, !(self.frozen && guarded));
        self.law(Law::Window, !(uncommitted && step.in_window) || self.is_in_window(id, 0, now));
        self.law(Law::Lead, !uncommitted || self.is_near(id, at.2, now));
        self.law(Law::Gate, !(uncommitted && self.is_given_up(stage)));
        self.law(Law::MinSample, (0..stage).all(|before| self.is_proven(before)));
        if !touched {
            let well = self.plan.target(id).after.iter().all(|before| self.is_well(*before));
            self.law(Law::After, well);
        }
        self.targets[id.index()].touched = true;
        if direction == Direction::Do {
            self.targets[id.index()].committed |= step.commits;
        }
        self.charge(at, &step);
        self.count_lane(id, &step);
    }

    fn charge(&mut self, at: At, step: &Step) {
        let book = &mut self.targets[at.0.index()];
        let owes =
            book.owes && step.charge == Charge::None && step.when == When::InTurn && at.1 == Direction::Do;
        if step.charge == Charge::Take || owes {
            let held = std::mem::replace(&mut book.holds, true);
            book.owes = false;
            if !held {
                self.note_taken(at);
                self.count_room(at.0);
            }
        }
    }

    fn count_lane(&mut self, id: TargetId, step: &Step) {
        let Some(limit) = step.max_in_flight else { return };
        let place = self.plan.target(id).place;
        let beside = self.steps.iter().filter(|(at, book)| {
            book.in_flight && self.plan.target(at.0).place == place && self.step(**at).name == step.name
        });
        let kept = beside.count() <= limit as usize;
        self.law(Law::Lane, kept);
    }

    /// Whoever takes a place finds one free: as far as the group has grown, and beside what is out of
    /// service elsewhere.
    fn count_room(&mut self, id: TargetId) {
        let down = self.targets[id.index()].down;
        self.targets[id.index()].excused |= down;
        for group in self.plan.target(id).groups.clone() {
            // Who is down already takes nothing from others.
            if down && self.plan.groups[group.index()].shared.is_some() {
                continue;
            }
            let kept = self.room_of(group) >= 0;
            self.law(Law::Budget, kept);
        }
    }

    /// Places free in a group; less than none where more are taken than there are.
    fn room_of(&self, group: GroupId) -> i64 {
        let members = || {
            let all = self.plan.targets.iter().zip(&self.targets);
            all.filter(|(target, _)| target.groups.contains(&group)).map(|(_, book)| book)
        };
        let row = &self.plan.groups[group.index()];
        let shared = row.shared.is_some();
        let held = members().filter(|book| book.holds || (shared && book.down)).count() as u32;
        let proven = members().filter(|book| book.proven).count() as u32;
        let limit = row.first.map_or(row.capacity, |first| row.capacity.min(first + proven));
        let elsewhere = self.elsewhere.get(&group).copied().unwrap_or(0);
        i64::from(limit) - i64::from(held) - i64::from(elsewhere)
    }

    /// Whether a step that prepares for the window may start: it is near, or the recipe keeps to no lead.
    fn is_near(&self, id: TargetId, step: StepIndex, now: Timestamp) -> bool {
        let recipe = self.plan.recipe_of(id);
        let first = recipe.steps.iter().position(|step| step.in_window);
        let prepares = first.is_some_and(|first| step.index() < first);
        let lead = recipe.lead_seconds;
        !prepares || lead == 0 || self.is_in_window(id, lead, now)
    }

    /// Whether nobody decided about a stage in time, and it is left out.
    fn is_given_up(&self, stage: usize) -> bool {
        self.gates.get(&StageId(stage as u16)).is_some_and(|gate| gate.expired)
    }

    fn is_in_window(&self, id: TargetId, lead: u32, now: Timestamp) -> bool {
        let Some(window) = self.plan.target(id).window else { return true };
        let window = &self.plan.windows[window.index()];
        let reserve = i64::from(self.plan.recipe_of(id).reserve_seconds.max(window.cutoff_seconds));
        window.open.iter().any(|span| {
            let opens = span.from.as_second() - i64::from(lead) <= now.as_second();
            let fits = span.until.as_second() - span.from.as_second() >= reserve;
            opens && fits && now < span.until && now.duration_until(span.until).as_secs() >= reserve
        })
    }

    fn is_proven(&self, stage: usize) -> bool {
        let well = self.plan.targets_of(StageId(stage as u16)).filter(|id| self.is_well(*id)).count();
        let left = self.gates.get(&StageId(stage as u16)).is_some_and(|gate| gate.expired);
        left || well >= self.plan.stages[stage].min_verified as usize
    }

    fn is_approved(&self, stage: StageId) -> bool {
        let needed = self.plan.stages[stage.index()].approval.as_ref().map_or(1, |rule| rule.needed.into());
        self.gates.get(&stage).is_some_and(|gate| !gate.expired && gate.by.len() >= needed)
    }

    fn decided(&mut self, signal: Signal, by: &str, basis: Option<&str>, now: Timestamp) {
        let (Signal::Approve(stage) | Signal::Reject(stage)) = signal else { return };
        let rule = self.plan.stages[stage.index()].approval.as_ref();
        let Some(gate) = self.gates.get(&stage) else { return self.law(Law::Gate, false) };
        let theirs = rule.is_none_or(|rule| {
            rule.approvers.is_empty() || rule.approvers.iter().any(|approver| &**approver == by)
        });
        let in_time = self.end_of(stage).is_none_or(|end| now < end);
        let same = basis.is_none_or(|basis| basis == format!("{}-{}", self.digest, gate.seq));
        self.law(Law::Gate, theirs && in_time && same && !gate.expired);
        if let (Signal::Approve(_), Some(gate)) = (signal, self.gates.get_mut(&stage)) {
            gate.by.insert(by.to_owned());
        }
    }

    fn end_of(&self, stage: StageId) -> Option<Timestamp> {
        let seconds = self.plan.stages[stage.index()].approval.as_ref()?.expires_seconds?;
        self.gates.get(&stage)?.at.checked_add(SignedDuration::from_secs(seconds.into())).ok()
    }

    fn expired(&mut self, stage: StageId, now: Timestamp) {
        self.law(Law::Gate, self.end_of(stage).is_some_and(|end| end <= now) && !self.is_approved(stage));
        match self.plan.stages[stage.index()].approval.as_ref().map(|rule| rule.on_expiry) {
            Some(OnExpiry::Skip) => {
                if let Some(gate) = self.gates.get_mut(&stage) {
                    gate.expired = true;
                }
            }
            _ => self.stopped = true,
        }
    }

    /// Verified healthy. Who went their way so far are evidence; who had to be taken back are not.
    fn give_back(&mut self, id: TargetId, direction: Direction) {
        let book = &mut self.targets[id.index()];
        let held = std::mem::take(&mut book.holds);
        if held {
            (book.down, book.excused) = (false, false);
        }
        book.proven |= held && direction == Direction::Do && !book.failed && !book.left;
    }

    /// Whether a releasing step that succeeded proves anything: no put-back does after a failure that
    /// was not undone.
    fn gives_back(&self, at: At) -> bool {
        let book = &self.targets[at.0.index()];
        if self.step(at).when == When::InTurn || !(book.off || book.left) {
            return true;
        }
        let undo = self.plan.recipe_of(at.0).undo.len();
        let last = undo.checked_sub(1).map(|last| (at.0, Direction::Undo, StepIndex(last as u8)));
        let unwound = last.is_some_and(|last| self.steps.get(&last).is_some_and(|it| it.over && !it.failed));
        !book.lost && (!book.failed || unwound)
    }

    fn count_held(&mut self) {
        for (index, group) in self.plan.groups.iter().enumerate() {
            let members = self.plan.targets.iter().zip(&self.targets);
            let held = members
                .filter(|(target, book)| target.groups.contains(&GroupId(index as u16)) && book.holds)
                .filter(|(_, book)| group.shared.is_none() || !book.excused)
                .count();
            self.law(Law::Budget, held <= group.capacity as usize);
        }
    }

    fn over(&mut self, at: At) {
        let book = self.steps.entry(at).or_default();
        (book.over, book.in_flight) = (true, false);
    }

    fn is_well(&self, id: TargetId) -> bool {
        let book = &self.targets[id.index()];
        let steps = &self.plan.recipe_of(id).steps;
        let last = steps.len().checked_sub(1).map(|last| (id, Direction::Do, StepIndex(last as u8)));
        !book.failed && !book.left && last.is_none_or(|at| self.steps.get(&at).is_some_and(|book| book.over))
    }

    fn give_back_at_the_end(&mut self, at: At) {
        if self.is_well(at.0) {
            self.give_back(at.0, Direction::Do);
        }
    }

    fn failed(&mut self, at: At, failure: &FailedStep) {
        let book = self.steps.entry(at).or_default();
        book.in_flight = false;
        book.retry_at = failure.retry_at;
        if failure.retry_at.is_some() {
            return;
        }
        (book.over, book.failed) = (true, true);
        let stage = self.stage_of(at.0);
        let undo = self.step(at).on_failure == OnFailure::Undo;
        let goes_on = self.step(at).on_failure == OnFailure::Continue;
        let book = &mut self.targets[at.0.index()];
        book.lost |= at.1 == Direction::Undo || book.off || book.left;
        book.off |= !goes_on;
        book.undoing |= at.1 == Direction::Do && !book.left && undo && !self.cancelled;
        self.count_failure(at.0, stage);
    }

    fn count_failure(&mut self, id: TargetId, stage: usize) {
        if std::mem::replace(&mut self.targets[id.index()].failed, true) {
            return;
        }
        let failures = self.failures.entry(StageId(stage as u16)).or_default();
        *failures += 1;
        self.stopped |= self.plan.stages[stage].max_failures.is_some_and(|limit| *failures > limit);
    }

    fn skipped(&mut self, at: At, scope: SkipScope) {
        let take = self.step(at).charge == Charge::Take;
        let book = self.steps.entry(at).or_default();
        match scope {
            SkipScope::Step => {
                let begun = book.attempts > 0;
                let target = &mut self.targets[at.0.index()];
                target.owes |= take && !begun && !target.holds;
                self.over(at);
                self.give_back_at_the_end(at);
            }
            SkipScope::Target => {
                // In flight, the step is over; standing, a put-back may still be tried.
                book.over |= book.in_flight;
                book.in_flight = false;
                let target = &mut self.targets[at.0.index()];
                target.lost |= at.1 == Direction::Undo || (self.cancelled && target.committed);
                target.left = true;
            }
        }
    }

    fn signalled(&mut self, signal: Signal) {
        match signal {
            Signal::Approve(_) => {}
            Signal::Freeze => self.frozen = true,
            Signal::Thaw => self.frozen = false,
            Signal::Reject(_) | Signal::Abort => self.stopped = true,
            Signal::AbortNow => (self.stopped, self.cancelled) = (true, true),
            Signal::Pause => self.paused = true,
            Signal::Resume => self.paused = false,
        }
    }

    fn closed(&mut self) {
        self.closed = true;
        let steps = std::mem::take(&mut self.steps);
        self.law(Law::Rest, steps.values().all(|book| !book.in_flight));
        for index in 0..self.targets.len() {
            let id = TargetId(index as u32);
            let book = &self.targets[index];
            let ended = book.failed || book.left || {
                let all = self.plan.recipe_of(id).steps.len();
                (0..all).all(|step| {
                    steps.get(&(id, Direction::Do, StepIndex(step as u8))).is_some_and(|book| book.over)
                })
            };
            self.law(Law::Rest, ended);
            for (number, step) in self.plan.recipe_of(id).steps.iter().enumerate() {
                let When::Finally { of } = step.when else { continue };
                let touched = |step: StepIndex| steps.get(&(id, Direction::Do, step));
                let out = touched(of).is_some_and(|book| book.attempts > 0);
                let back = touched(StepIndex(number as u8)).is_some_and(|book| book.over);
                self.law(Law::PutBack, !out || back);
            }
        }
    }
}
