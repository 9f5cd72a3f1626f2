//! Wrong steps that the enumerator must find out, so that its silence means something.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_steps::{Outcome, Slot, Step, Turn};
use fleetwright_testkit::crash::enumerate;

use crate::plans::EACH_SHAPE;
use crate::world::{Alter, PatchWorld};

/// Says that it has put back what was started, and does nothing.
struct Idle(Arc<dyn Step>);

#[async_trait]
impl Step for Idle {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    async fn turn(&self, turn: Turn<'_>) {
        for slot in turn.slots {
            turn.reports.report(slot.target, Outcome::Done { note: None, finding: None });
        }
    }
}

/// Forgets that it may have acted before.
struct Rash(Arc<dyn Step>);

#[async_trait]
impl Step for Rash {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn gathers_for(&self) -> Duration {
        self.0.gathers_for()
    }

    fn batch_size(&self) -> usize {
        self.0.batch_size()
    }

    async fn turn(&self, turn: Turn<'_>) {
        let slots: Vec<Slot> = turn.slots.iter().map(|slot| Slot { doubt: false, ..slot.clone() }).collect();
        self.0.turn(Turn { place: turn.place, slots: &slots, reports: turn.reports }).await;
    }
}

/// The steps with the one of that name made wrong.
fn wrong(name: &'static str, make: fn(Arc<dyn Step>) -> Arc<dyn Step>) -> Option<Alter> {
    Some(Arc::new(move |steps, _| {
        let one = |step: Arc<dyn Step>| if step.name() == name { make(step) } else { step };
        steps.into_iter().map(one).collect()
    }))
}

async fn is_found_out(alter: &Option<Alter>) -> bool {
    enumerate(async || PatchWorld::whole(&EACH_SHAPE, alter.clone()).await).await.is_err()
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_not_put_back_is_found_out() {
    assert!(is_found_out(&wrong("stop-again", |step| Arc::new(Idle(step)))).await);
}

#[tokio::test(start_paused = true)]
async fn an_installation_that_forgets_its_doubt_is_found_out() {
    assert!(is_found_out(&wrong("patch", |step| Arc::new(Rash(step)))).await);
}
