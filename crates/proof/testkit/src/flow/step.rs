//! A step that keeps the rules steps have to keep, over a world of [`Effects`].

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_flow::{Direction, Effect, PlaceId, Plan};
use fleetwright_model::{ErrorClass, Failure, Text, code};
use fleetwright_ports::Clock;
use fleetwright_step::{Outcome, Slot, Step, Turn};
use jiff::{SignedDuration, Timestamp};

use super::effects::{Behaviour, Effects, TurnTaken};

/// A step over a world of effects.
pub struct FakeStep {
    /// What recipes call it.
    pub name: &'static str,
    /// Whether it does something that can be counted.
    pub effect: Effect,
    /// How long what it does takes; zero is done with the answer.
    pub lasts: Duration,
    /// See [`Step::gathers_for`].
    pub gathers: Duration,
    /// See [`Step::batch_size`].
    pub batch: usize,
    /// Where it does it.
    pub world: Arc<Effects>,
    /// What time it is there.
    pub clock: Arc<dyn Clock>,
}

impl FakeStep {
    /// A step that does what it does within a minute.
    pub fn new(name: &'static str, effect: Effect, world: &Arc<Effects>, clock: &Arc<dyn Clock>) -> Self {
        Self {
            name,
            effect,
            lasts: Duration::from_secs(60),
            gathers: Duration::ZERO,
            batch: 1,
            world: world.clone(),
            clock: clock.clone(),
        }
    }

    /// One for each step of the plan's recipes, whichever way.
    pub fn all_of(plan: &Plan, world: &Arc<Effects>, clock: &Arc<dyn Clock>) -> Vec<Arc<dyn Step>> {
        let steps = plan.recipes.iter().flat_map(|recipe| recipe.steps.iter().chain(&recipe.undo));
        let fake = |step: &fleetwright_flow::Step| {
            // Names live as long as the test; there are a handful.
            let name: &'static str = Box::leak(step.name.to_string().into_boxed_str());
            Arc::new(Self::new(name, step.effect, world, clock)) as Arc<dyn Step>
        };
        steps.map(fake).collect()
    }

    async fn outcome(&self, slot: &Slot) -> Option<Outcome> {
        let mark = Effects::mark(&slot.subject, self.name, slot.direction);
        if let Some(handle) = &slot.handle {
            return Some(self.look(&mark, handle));
        }
        if self.effect == Effect::Reads {
            return self.read(slot).await;
        }
        if slot.doubt {
            let now = self.clock.now();
            if let Some(handle) = self.world.find(&mark, now) {
                return Some(self.accepted(handle, now));
            }
        }
        if slot.may_act_until.is_some_and(|until| self.clock.now() >= until) {
            return Some(Outcome::LeaveTarget { code: &code::WINDOW_MISSED });
        }
        self.act(slot, &mark).await
    }

    fn look(&self, mark: &str, handle: &Text) -> Outcome {
        let Some(done_at) = self.world.done_at(mark, handle) else {
            return Outcome::LookAgain { at: Timestamp::MAX, waiting_for: "what never ends".into() };
        };
        let ends = self.after(done_at);
        if self.clock.now() < ends {
            return Outcome::LookAgain { at: ends, waiting_for: "its end".into() };
        }
        Outcome::Done { note: Some(handle.clone()), finding: None }
    }

    async fn read(&self, slot: &Slot) -> Option<Outcome> {
        let ends = self.after(slot.started_at);
        if self.clock.now() < ends {
            return Some(Outcome::LookAgain { at: ends, waiting_for: "an answer".into() });
        }
        let behaviour = self.world.behaviour(&slot.subject, self.name);
        futures_yield().await;
        match behaviour {
            Behaviour::Succeed | Behaviour::LoseAnswer => Some(Outcome::Done { note: None, finding: None }),
            other => self.misbehave(other).await,
        }
    }

    async fn act(&self, slot: &Slot, mark: &str) -> Option<Outcome> {
        let behaviour = self.world.behaviour(&slot.subject, self.name);
        match behaviour {
            Behaviour::Succeed | Behaviour::LoseAnswer => {
                let now = self.clock.now();
                let handle = self.world.perform(mark, now);
                // A real answer never comes in the same breath.
                futures_yield().await;
                if behaviour == Behaviour::LoseAnswer {
                    return Some(self.failed(ErrorClass::Ambiguous));
                }
                Some(self.accepted(handle, now))
            }
            other => self.misbehave(other).await,
        }
    }

    async fn misbehave(&self, behaviour: Behaviour) -> Option<Outcome> {
        match behaviour {
            Behaviour::Fail(class) => Some(self.failed(class)),
            Behaviour::Forever => {
                let at = self.after(self.clock.now());
                Some(Outcome::Accepted { handle: "never ends".into(), look_at: at })
            }
            Behaviour::Hang => futures::future::pending().await,
            Behaviour::Panic => panic!("scripted"),
            Behaviour::NotNeeded => Some(Outcome::NotNeeded { code: &code::NOTHING_TO_INSTALL }),
            Behaviour::LeaveTarget => Some(Outcome::LeaveTarget { code: &code::NOT_READY }),
            Behaviour::Silent | Behaviour::Succeed | Behaviour::LoseAnswer => None,
        }
    }

    fn accepted(&self, handle: Text, now: Timestamp) -> Outcome {
        if self.lasts.is_zero() {
            return Outcome::Done { note: Some(handle), finding: None };
        }
        Outcome::Accepted { handle, look_at: self.after(now) }
    }

    fn failed(&self, class: ErrorClass) -> Outcome {
        Outcome::Failed(Failure::new(class, &code::UNREACHABLE, format!("fake:{}", self.name), "scripted"))
    }

    fn after(&self, at: Timestamp) -> Timestamp {
        SignedDuration::try_from(self.lasts).ok().and_then(|lasts| at.checked_add(lasts).ok()).unwrap_or(at)
    }
}

#[async_trait]
impl Step for FakeStep {
    fn name(&self) -> &'static str {
        self.name
    }

    fn gathers_for(&self) -> Duration {
        self.gathers
    }

    fn batch_size(&self) -> usize {
        self.batch
    }

    async fn turn(&self, turn: Turn<'_>) {
        self.world.note_turn(TurnTaken {
            step: self.name,
            direction: turn.slots.first().map_or(Direction::Do, |slot| slot.direction),
            at: self.clock.now(),
            targets: turn.slots.iter().map(|slot| slot.target).collect(),
        });
        for slot in turn.slots {
            if let Some(outcome) = self.outcome(slot).await {
                turn.reports.report(slot.target, outcome);
            }
        }
    }

    async fn cancel(&self, _place: PlaceId, slots: &[Slot]) {
        slots
            .iter()
            .filter_map(|slot| slot.handle.clone())
            .for_each(|handle| self.world.note_cancelled(handle));
    }
}

/// Gives everything else a turn, once.
async fn futures_yield() {
    let mut yielded = false;
    futures::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
