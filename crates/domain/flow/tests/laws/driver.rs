//! A driver without a world: the tape says what becomes of every attempt.

use std::sync::Arc;

use fleetwright_flow::*;
use fleetwright_model::{ErrorClass, Text};
use jiff::{SignedDuration, Timestamp};

use crate::plans::{PEOPLE, at};
use crate::tape::Tape;

/// A run with its journal.
pub(crate) struct Driver {
    pub(crate) run: Run,
    pub(crate) records: Vec<Record>,
    pub(crate) now: Timestamp,
}

impl Driver {
    pub(crate) fn new(plan: Plan) -> Self {
        plan.check().expect("the plan can be walked");
        Self::shared(Arc::new(plan))
    }

    pub(crate) fn shared(plan: Arc<Plan>) -> Self {
        let mut driver = Self { run: Run::open(plan), records: Vec::new(), now: at(0) };
        driver.note(Event::Opened { format: Plan::FORMAT, plan: "0".repeat(64).into() });
        driver
    }

    /// Appends and applies; the kernel must not refuse what it proposed itself.
    pub(crate) fn note(&mut self, event: Event) {
        let record = self.run.record(self.now, event);
        if let Err(illegal) = self.run.apply(&record) {
            panic!("{illegal}: {record:?}");
        }
        self.records.push(record);
    }

    pub(crate) fn wait(&mut self, seconds: i64) {
        self.now = self.now.checked_add(SignedDuration::from_secs(seconds)).expect("in range");
    }

    /// Records everything that may happen now, until nothing may.
    pub(crate) fn go(&mut self) -> Vec<Command> {
        let mut all = Vec::new();
        loop {
            let commands = self.run.next(self.now);
            assert_eq!(commands, self.run.next(self.now), "asking twice changes nothing");
            if commands.is_empty() {
                return all;
            }
            for command in commands {
                self.note(command.event());
                all.push(command);
            }
        }
    }

    pub(crate) fn succeed(&mut self, target: u32) {
        let Flight { target, step, direction, .. } = self.flight(target);
        self.note(Event::Succeeded { target, step, direction, note: None, finding: None });
    }

    pub(crate) fn fail(&mut self, target: u32, class: ErrorClass) {
        self.flight(target);
        let event = self.run.failure(TargetId(target), class, "FW-H0010", "no", self.now);
        self.note(event);
    }

    pub(crate) fn skip(&mut self, target: u32, scope: SkipScope) {
        let Flight { target, step, direction, .. } = self.flight(target);
        self.note(Event::Skipped { target, step, direction, scope, code: "FW-H0025".into() });
    }

    pub(crate) fn signal(&mut self, signal: Signal) {
        self.note(Event::Signalled { signal, by: "ops".into(), basis: None, reason: None, mail: None });
    }

    /// What the run makes of a decision at a gate.
    pub(crate) fn decide(&mut self, signal: Signal, by: &str, basis: Option<Text>) -> Result<(), Illegal> {
        let event = Event::Signalled { signal, by: by.into(), basis, reason: None, mail: None };
        self.run.check(&self.run.record(self.now, event.clone()))?;
        self.note(event);
        Ok(())
    }

    pub(crate) fn observe(&mut self, group: u16, elsewhere: u32) {
        self.note(Event::Observed { group: GroupId(group), elsewhere });
    }

    pub(crate) fn flight(&self, target: u32) -> Flight {
        self.run.flight(TargetId(target)).expect("the target is in flight")
    }

    /// The process dies and another takes over from the journal.
    pub(crate) fn crash(&mut self) {
        let mut run = Run::open(self.run.plan().clone());
        for record in &self.records {
            run.apply(record).expect("what was legal once is legal on recovery");
        }
        assert_eq!(run, self.run, "the journal brings the run back");
        self.run = run;
        let mut owner = self.run.record(self.now, Event::Owner { name: "second".into() });
        owner.epoch = Epoch(self.run.epoch().0 + 1);
        self.run.apply(&owner).expect("a newer owner may take over");
        self.records.push(owner);
    }
}

/// Walks a plan to its end, every choice from the tape.
pub(crate) fn walk(plan: Arc<Plan>, tape: &mut Tape) -> Driver {
    let mut driver = Driver::shared(plan);
    for _ in 0..5_000 {
        if driver.run.ending().is_some() {
            return driver;
        }
        turn(&mut driver, tape);
    }
    panic!("the run does not come to rest: {:#?}", driver.run.totals());
}

fn turn(driver: &mut Driver, tape: &mut Tape) {
    driver.wait(tape.pick(8) as i64);
    if tape.rarely(40) {
        driver.crash();
    }
    interfere(driver, tape);
    let commands = driver.run.next(driver.now);
    let some = tape.rarely(3);
    let mut moved = false;
    if tape.rarely(8) {
        driver.wait(1);
    }
    for command in commands {
        if some && !matches!(command, Command::Close { .. }) && tape.pick(2) == 1 {
            continue;
        }
        moved = true;
        let late = driver.run.check(&driver.run.record(driver.now, command.event()));
        // Whoever is slower than the window asks again.
        if !matches!(late, Err(Illegal::OutsideWindow { .. })) {
            driver.note(command.event());
        }
    }
    let flights: Vec<Flight> = driver.run.in_flight().collect();
    let cancelled: Vec<TargetId> = driver.run.to_cancel().map(|flight| flight.target).collect();
    for flight in flights {
        if cancelled.contains(&flight.target) {
            driver.fail(flight.target.0, ErrorClass::Permanent);
        } else if tape.is_spent() || tape.pick(2) == 0 {
            end(driver, tape, flight);
        }
        moved = true;
    }
    if !moved {
        wake(driver, tape);
    }
}

/// Nothing can move by itself: time passes, or somebody decides.
pub(crate) fn wake(driver: &mut Driver, tape: &mut Tape) {
    if let Some(stage) = driver.run.gate_waiting() {
        if tape.rarely(3) {
            driver.wait(60);
        }
        let signal = if tape.rarely(5) { Signal::Reject(stage) } else { Signal::Approve(stage) };
        let basis = driver.run.basis(stage).filter(|_| tape.rarely(2));
        let first = tape.pick(PEOPLE.len());
        let mut people = PEOPLE[first..].iter().chain(&PEOPLE[..first]);
        let decided = people.any(|by| driver.decide(signal, by, basis.clone()).is_ok());
        assert!(decided || driver.run.gate_expires_at().is_some_and(|end| end <= driver.now));
    } else if let Some(due) = driver.run.wake_after(driver.now) {
        driver.now = due;
    } else if driver.run.is_paused() {
        driver.signal(Signal::Resume);
    } else if driver.run.is_frozen() {
        driver.signal(Signal::Thaw);
    } else if driver.run.waits_for_others() {
        (0..driver.run.plan().groups.len() as u16).for_each(|group| driver.observe(group, 0));
    } else {
        let commands = driver.run.next(driver.now);
        assert!(!commands.is_empty(), "the run stalls: {:#?}", driver.run.totals());
    }
}

pub(crate) fn interfere(driver: &mut Driver, tape: &mut Tape) {
    if tape.rarely(60) {
        driver.signal(Signal::Pause);
    } else if driver.run.is_paused() && tape.rarely(4) {
        driver.signal(Signal::Resume);
    } else if tape.rarely(120) {
        driver.signal(Signal::Abort);
    } else if tape.rarely(200) {
        driver.signal(Signal::AbortNow);
    } else if tape.rarely(60) {
        driver.signal(Signal::Freeze);
    } else if driver.run.is_frozen() && tape.rarely(4) {
        driver.signal(Signal::Thaw);
    } else if tape.rarely(15) && !driver.run.plan().groups.is_empty() {
        let group = tape.pick(driver.run.plan().groups.len()) as u16;
        driver.observe(group, tape.pick(3) as u32);
    } else if tape.rarely(20) && !driver.run.plan().targets.is_empty() {
        let target = TargetId(tape.pick(driver.run.plan().targets.len()) as u32);
        let event = Event::FoundDown { target };
        if driver.run.check(&driver.run.record(driver.now, event.clone())).is_ok() {
            driver.note(event);
        }
    } else if tape.rarely(12) {
        leave_out(driver, tape);
    }
}

/// A step that is known beforehand not to be needed.
fn leave_out(driver: &mut Driver, tape: &mut Tape) {
    let target = TargetId(tape.pick(driver.run.plan().targets.len().max(1)) as u32);
    if driver.run.plan().targets.is_empty() {
        return;
    }
    if let TargetState::Waiting { at: Position { direction, step }, .. } = driver.run.state(target) {
        let (scope, code) = (SkipScope::Step, "FW-H0025".into());
        driver.note(Event::Skipped { target, step, direction, scope, code });
    }
}

pub(crate) fn end(driver: &mut Driver, tape: &mut Tape, flight: Flight) {
    let Flight { target, step, direction, .. } = flight;
    match tape.pick(12) {
        0..=4 => driver.note(Event::Succeeded { target, step, direction, note: None, finding: None }),
        5 => {
            let (note, finding) = (Some("{}".into()), Some("FW-H0012".into()));
            driver.note(Event::Succeeded { target, step, direction, note, finding });
        }
        6 if flight.handle.is_none() => {
            driver.note(Event::Accepted { target, step, direction, handle: "cmd-1".into() });
        }
        6 | 7 => driver.fail(target.0, ErrorClass::Transient),
        8 => driver.fail(target.0, ErrorClass::Ambiguous),
        9 => driver.fail(target.0, ErrorClass::Permanent),
        10 => driver.skip(target.0, SkipScope::Step),
        _ => {
            let event =
                Event::Skipped { target, step, direction, scope: SkipScope::Target, code: "FW-H0018".into() };
            match driver.run.check(&driver.run.record(driver.now, event.clone())) {
                Ok(()) => driver.note(event),
                Err(Illegal::PuttingBack(_)) => driver.skip(target.0, SkipScope::Step),
                Err(illegal) => panic!("{illegal}"),
            }
        }
    }
}
