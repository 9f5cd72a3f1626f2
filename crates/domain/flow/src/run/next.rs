//! What may happen now.

use std::collections::BTreeMap;
use std::ops::Bound;

use fleetwright_model::Text;
use jiff::Timestamp;

use super::lanes::{LaneKey, Rank};
use super::{Run, Wait};
use crate::plan::{PlaceId, StageId, StepIndex, TargetId, WindowId};
use crate::record::{Direction, Ending, Event, SkipScope};

/// Something that may happen now, once [`Command::event`] is durable and applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Carry a step out.
    Begin {
        /// The target.
        target: TargetId,
        /// Where it lives.
        place: PlaceId,
        /// The step.
        step: StepIndex,
        /// Which way.
        direction: Direction,
        /// From 1.
        attempt: u16,
        /// Whether an earlier attempt may have acted unnoticed: the step looks for its mark first.
        doubt: bool,
    },
    /// A target is taken no further; there is nothing to do but record it.
    Skip {
        /// The target.
        target: TargetId,
        /// The step it stands at.
        step: StepIndex,
        /// Which way.
        direction: Direction,
        /// The code that says why.
        code: Text,
    },
    /// A stage's preparations are complete: somebody has to decide.
    ReachGate {
        /// The stage.
        stage: StageId,
    },
    /// A window opens or closes for targets that stand at it.
    TurnWindow {
        /// The window.
        window: WindowId,
    },
    /// A gate was not decided in its time.
    ExpireGate {
        /// The stage.
        stage: StageId,
    },
    /// Everything rests.
    Close {
        /// How the run ended.
        ending: Ending,
    },
}

impl Command {
    /// What the driver records before it acts.
    pub fn event(&self) -> Event {
        match self {
            Self::Begin { target, step, direction, attempt, .. } => {
                Event::Started { target: *target, step: *step, direction: *direction, attempt: *attempt }
            }
            Self::Skip { target, step, direction, code } => Event::Skipped {
                target: *target,
                step: *step,
                direction: *direction,
                scope: SkipScope::Target,
                code: code.clone(),
            },
            Self::ReachGate { stage } => Event::GateReached { stage: *stage, mail: None },
            Self::TurnWindow { window } => Event::WindowTurned { window: *window },
            Self::ExpireGate { stage } => Event::GateExpired { stage: *stage },
            Self::Close { ending } => Event::Closed { ending: *ending },
        }
    }
}

impl Run {
    /// What may happen now, in this order: targets to be left as they are, a gate that is reached,
    /// steps to begin - the way back, then what is put back, then targets that were changed already,
    /// then the rest, each by target - and, alone, the end.
    ///
    /// A window that turns and a gate whose time is over come first and alone, because they decide
    /// over what else may happen.
    ///
    /// Nothing is remembered of what was proposed: the answer follows from the records and `now`, and
    /// asking twice gives it twice. A driver makes records of the whole answer, stamps them with `now`
    /// (later, a window may have closed: [`super::Illegal::OutsideWindow`]), applies them, and asks again until nothing is left. All of one answer may be recorded
    /// together, in its order: no part takes the room of another.
    ///
    /// The cost is that of the answer, of the lanes that have room, and of the timers that fell due
    /// since the last record; nothing that waits for a window is looked at before it turns.
    pub fn next(&self, now: Timestamp) -> Vec<Command> {
        if self.opened_at.is_none() || self.ended.is_some() {
            return Vec::new();
        }
        let mut commands = self.turns(now);
        commands.extend(self.expiry_due(now).map(|stage| Command::ExpireGate { stage }));
        if !commands.is_empty() {
            return commands;
        }
        commands.extend(self.to_skip.iter().map(|id| self.skip_command(*id)));
        commands.extend(self.gate_due().map(|stage| Command::ReachGate { stage }));
        let mut begins = self.begins(now);
        begins.sort_unstable();
        commands.extend(begins.into_iter().map(|(_, id)| self.begin_command(id)));
        commands.extend(self.close_due().map(|ending| Command::Close { ending }));
        commands
    }

    /// When the earliest attempt that waits for its time falls due. A moment that has passed belongs to
    /// an attempt that now waits for something else: room in its lane, or the run to be resumed.
    pub fn wake_at(&self) -> Option<Timestamp> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// The first moment after `now` at which [`Run::next`] may answer something new without a further
    /// record: what a driver sleeps until. Attempts that are due and held up do not hide later ones.
    /// The turn of a window that somebody stands at and the end of a gate's time are such moments too.
    pub fn wake_after(&self, now: Timestamp) -> Option<Timestamp> {
        let later = (Bound::Excluded((now, TargetId(u32::MAX))), Bound::Unbounded);
        let retry = self.timers.range(later).next().map(|(due, _)| *due);
        let expiry = self.gate_expires_at().filter(|at| *at > now);
        [retry, self.turn_after(now), expiry].into_iter().flatten().min()
    }

    fn begins(&self, now: Timestamp) -> Vec<(Rank, TargetId)> {
        let mut due: BTreeMap<LaneKey, Vec<(Rank, TargetId)>> = BTreeMap::new();
        for (_, id) in self.timers.range(..=(now, TargetId(u32::MAX))) {
            if self.is_admitted(*id) {
                due.entry(self.lane(*id)).or_default().push((self.rank(*id), *id));
            }
        }
        let mut begins = Vec::new();
        for key in self.lanes.open() {
            let room = self.lanes.room(key);
            let ready = self.lanes.ready(key).take_while(|(rank, _)| self.may_start(*rank));
            match due.remove(&key) {
                None => begins.extend(ready.take(room)),
                Some(mut both) => {
                    both.extend(ready.take(room));
                    begins.extend(self.first_of(both, room));
                }
            }
        }
        for (key, late) in due {
            begins.extend(self.first_of(late, self.lanes.room(key)));
        }
        begins
    }

    fn first_of(
        &self,
        mut waiting: Vec<(Rank, TargetId)>,
        room: usize,
    ) -> impl Iterator<Item = (Rank, TargetId)> {
        waiting.retain(|(rank, _)| self.may_start(*rank));
        waiting.sort_unstable();
        waiting.into_iter().take(room)
    }

    /// What a pause and a freeze leave alone.
    pub(super) fn may_start(&self, rank: Rank) -> bool {
        (!self.paused || rank < Rank::Uncommitted) && (!self.is_frozen() || rank < Rank::Guarded)
    }

    fn begin_command(&self, target: TargetId) -> Command {
        let walk = self.walk(target);
        Command::Begin {
            target,
            place: self.plan.target(target).place,
            step: walk.step,
            direction: walk.course.direction(),
            attempt: walk.attempt + 1,
            doubt: walk.doubt,
        }
    }

    fn skip_command(&self, target: TargetId) -> Command {
        let walk = self.walk(target);
        let Wait::Skip(reason) = walk.wait else { unreachable!("only such targets are in this list") };
        Command::Skip {
            target,
            step: walk.step,
            direction: walk.course.direction(),
            code: self.skip_code(target, reason),
        }
    }
}
