//! Gates that a change record decides.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fleetwright_engine::Watcher;
use fleetwright_flow::{Record, Run, Signal, StageId};
use fleetwright_model::Text;
use fleetwright_notify::change::{ChangeRequest, Verdict};
use fleetwright_ports::{ChangeRecords, Clock, Journal, Letter, RunId};

/// In whose name a change record decides.
pub const BY: &str = "change-record";

/// Looks on at a run, and at its change record while one of its gates waits. The decision is a letter in
/// the run's mailbox, about exactly what the gate waits with, as a person's is.
pub struct ChangeGate {
    run: RunId,
    waiting: Arc<Mutex<Option<(StageId, Text)>>>,
}

/// What a look at the record came to, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Look {
    Waits(String),
    Decided(Signal, String),
}

impl ChangeGate {
    /// One of that run; nothing is looked at before [`ChangeGate::watch`] is driven.
    pub fn new(run: RunId) -> Self {
        Self { run, waiting: Arc::default() }
    }

    /// Opens the run's record where there is none, and looks at it every `poll` while a gate waits. Never
    /// ends: to be dropped with the run. What people should know goes to `tell`, each thing once.
    pub async fn watch(
        &self,
        records: &dyn ChangeRecords,
        request: &ChangeRequest,
        journal: &dyn Journal,
        clock: &dyn Clock,
        poll: Duration,
        tell: impl Fn(&str),
    ) -> Infallible {
        let mut told = String::new();
        let mut decided: Option<(StageId, Text)> = None;
        loop {
            clock.sleep(poll.min(Duration::from_secs(1)).max(Duration::from_millis(1))).await;
            let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let Some((stage, basis)) = waiting.filter(|waiting| decided.as_ref() != Some(waiting)) else {
                continue;
            };
            let mut settled = false;
            let words = match look(records, request, stage, clock).await {
                Ok(Look::Waits(why)) => why,
                Ok(Look::Decided(signal, why)) => {
                    let letter = Letter {
                        at: clock.now(),
                        signal,
                        by: BY.into(),
                        reason: Some(why.as_str().into()),
                        basis: Some(basis.clone()),
                        once: Some(format!("{BY}:{}:{basis}", stage.0).into()),
                    };
                    match journal.deliver(&self.run, letter).await {
                        Ok(_) => {
                            (decided, settled) = (Some((stage, basis)), true);
                            why
                        }
                        Err(error) => format!("the change record's decision cannot be left: {error}"),
                    }
                }
                Err(why) => why,
            };
            if words != told {
                tell(&words);
                told = words;
            }
            if !settled {
                clock.sleep(poll).await;
            }
        }
    }
}

/// One look at the record, which is opened where there is none.
async fn look(
    records: &dyn ChangeRecords,
    request: &ChangeRequest,
    stage: StageId,
    clock: &dyn Clock,
) -> Result<Look, String> {
    let failed = |error| format!("the change record is out of reach: {error}");
    // One that is there may have been made and not taken further.
    let record = records.open(request).await.map_err(failed)?;
    Ok(match record.verdict(clock.now()) {
        Verdict::Wait(why) => Look::Waits(format!("{why}; {}", record.url)),
        Verdict::Never(why) => Look::Decided(Signal::Reject(stage), why),
        Verdict::Go => {
            // That it is being made is told once; where that fails the approval still stands.
            if let Err(error) = records.begin(&record).await {
                tracing::warn!(change = %record.number, %error, "the change could not be said to be under way");
            }
            let why = format!(
                "{} is approved (state {:?})",
                record.number,
                fleetwright_notify::line(&record.state_name)
            );
            Look::Decided(Signal::Approve(stage), why)
        }
    })
}

impl Watcher for ChangeGate {
    fn recorded(&self, _: &[Record], run: &Run) {
        let gate = run.gate_waiting().and_then(|stage| Some((stage, run.basis(stage)?)));
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = gate;
    }
}
