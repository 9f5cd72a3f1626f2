//! Reading records quickly. A run of 100,000 targets comes back from more than a million of them, and
//! serde reads a tagged, flattened enum by way of a buffer for every field; one row with every field
//! there is needs none.

use fleetwright_model::{ErrorClass, Text};
use jiff::Timestamp;
use serde::Deserialize;

use super::{Direction, Ending, Epoch, Event, FailedStep, Record, Sequence, Signal, SkipScope};
use crate::plan::{Format, StageId, StepIndex, TargetId};

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Opened,
    Owner,
    Started,
    Accepted,
    Succeeded,
    Failed,
    Skipped,
    GateReached,
    Signalled,
    Closed,
}

/// A record as it lies in the journal; fields of newer minors are passed over.
#[derive(Deserialize)]
pub(super) struct FlatRecord {
    seq: Sequence,
    epoch: Epoch,
    at: Timestamp,
    event: Kind,
    format: Option<Format>,
    plan: Option<Text>,
    name: Option<Text>,
    target: Option<TargetId>,
    step: Option<StepIndex>,
    #[serde(default)]
    direction: Direction,
    attempt: Option<u16>,
    handle: Option<Text>,
    note: Option<Text>,
    finding: Option<Text>,
    class: Option<ErrorClass>,
    code: Option<Text>,
    message: Option<Text>,
    retry_at: Option<Timestamp>,
    scope: Option<SkipScope>,
    stage: Option<StageId>,
    signal: Option<Signal>,
    by: Option<Text>,
    reason: Option<Text>,
    ending: Option<Ending>,
}

/// A field that records of this kind have is not there.
#[derive(Debug, thiserror::Error)]
#[error("record {record} has no field `{field}`")]
pub(super) struct MissingField {
    record: u64,
    field: &'static str,
}

impl TryFrom<FlatRecord> for Record {
    type Error = MissingField;

    fn try_from(flat: FlatRecord) -> Result<Self, MissingField> {
        let (seq, epoch, at) = (flat.seq, flat.epoch, flat.at);
        let event = flat.event()?;
        Ok(Self { seq, epoch, at, event })
    }
}

impl FlatRecord {
    fn event(self) -> Result<Event, MissingField> {
        macro_rules! need {
            ($field:ident) => {
                self.$field.ok_or(MissingField { record: self.seq.0, field: stringify!($field) })?
            };
        }
        let direction = self.direction;
        Ok(match self.event {
            Kind::Opened => Event::Opened { format: need!(format), plan: need!(plan) },
            Kind::Owner => Event::Owner { name: need!(name) },
            Kind::Started => Event::Started {
                target: need!(target),
                step: need!(step),
                direction,
                attempt: need!(attempt),
            },
            Kind::Accepted => {
                Event::Accepted { target: need!(target), step: need!(step), direction, handle: need!(handle) }
            }
            Kind::Succeeded => Event::Succeeded {
                target: need!(target),
                step: need!(step),
                direction,
                note: self.note,
                finding: self.finding,
            },
            Kind::Failed => Event::Failed {
                target: need!(target),
                step: need!(step),
                direction,
                failure: FailedStep {
                    class: need!(class),
                    code: need!(code),
                    message: need!(message),
                    retry_at: self.retry_at,
                },
            },
            Kind::Skipped => Event::Skipped {
                target: need!(target),
                step: need!(step),
                direction,
                scope: need!(scope),
                code: need!(code),
            },
            Kind::GateReached => Event::GateReached { stage: need!(stage) },
            Kind::Signalled => Event::Signalled { signal: need!(signal), by: need!(by), reason: self.reason },
            Kind::Closed => Event::Closed { ending: need!(ending) },
        })
    }
}
