//! Who asks for a change, and the log in which it stands before it is sent and after it was answered.

use std::fmt;
use std::sync::Arc;

use fleetwright_audit::{Actor, Answer, Approval, CallResult, Intent};
use fleetwright_model::{Code, ErrorClass, Failure, Text, Zone, code};
use fleetwright_ports::{AuditLog, JournalError};
use jiff::Timestamp;

use crate::classify::{Stage, Trouble, classify};
use crate::operation::Operation;
use crate::place::Place;

/// The decisions that let a change of these targets go.
pub type Approvals = Arc<dyn Fn(&[Text]) -> Vec<Approval> + Send + Sync>;

/// On whose behalf changes are made, and where they are recorded.
#[derive(Clone)]
pub struct Behalf {
    /// The log.
    pub log: Arc<dyn AuditLog>,
    /// The person who started it.
    pub person: Text,
    /// Why: the step of the run, or the command.
    pub reason: Text,
    /// On whose word.
    pub approvals: Approvals,
}

impl fmt::Debug for Behalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { person, reason, .. } = self;
        f.debug_struct("Behalf").field("person", person).field("reason", reason).finish_non_exhaustive()
    }
}

/// A change that is to be recorded.
#[derive(Clone, Copy)]
pub(crate) struct Change<'a> {
    pub(crate) behalf: &'a Behalf,
    pub(crate) zone: &'a Zone,
    /// ARN of the session that makes it.
    pub(crate) session: &'a str,
    /// Ids and ARNs of what is changed; names of what has no id.
    pub(crate) targets: &'a [Text],
}

impl Change<'_> {
    /// Records that it is about to be sent.
    ///
    /// # Errors
    /// It could not be recorded; nothing may be sent then.
    pub(crate) async fn before(
        &self,
        operation: &Operation,
        place: &Place,
        attempt: u32,
        at: Timestamp,
    ) -> Result<u64, Failure> {
        let intent = Intent {
            zone: self.zone.name.as_str().into(),
            account: self.zone.account.as_str().into(),
            region: place.region.as_str().into(),
            action: operation.iam.into(),
            targets: self.targets.to_vec(),
            actor: Actor { session: self.session.into(), person: self.behalf.person.clone() },
            reason: self.behalf.reason.clone(),
            approvals: (self.behalf.approvals)(self.targets),
            attempt,
        };
        let recorded = self.behalf.log.before(at, intent).await;
        recorded.map_err(|refusal| unrecorded(operation, &refusal))
    }

    /// Records what came of it. Where that fails the log takes nothing more, so that this was the last
    /// call; its record before stays, and the call is in doubt.
    pub(crate) fn after(
        &self,
        operation: &Operation,
        call: u64,
        answer: Result<Option<&str>, &Trouble>,
        at: Timestamp,
    ) {
        let answer = match answer {
            Ok(request_id) => Answer {
                call,
                result: CallResult::Done,
                request_id: request_id.map(Text::from),
                service_code: None,
                code: None,
            },
            Err(trouble) => refusal(operation, call, trouble),
        };
        if let Err(error) = self.behalf.log.after(at, answer) {
            tracing::error!(action = operation.iam, call, %error, "the answer to a call could not be recorded");
        }
    }
}

fn refusal(operation: &Operation, call: u64, trouble: &Trouble) -> Answer {
    let code: &Code = classify(operation, trouble.clone()).code;
    let result = match trouble.stage {
        Stage::Building | Stage::Connecting => CallResult::NotSent,
        _ if trouble.may_have_taken_effect() => CallResult::Unknown,
        _ => CallResult::Refused,
    };
    Answer {
        call,
        result,
        request_id: trouble.request_id.as_deref().map(Text::from),
        service_code: trouble.service_code.as_deref().map(Text::from),
        code: Some(code.id.into()),
    }
}

/// Nothing is sent that cannot be recorded.
fn unrecorded(operation: &Operation, refusal: &JournalError) -> Failure {
    let message = format!("not sent: the audit log does not take it: {refusal}");
    Failure::new(ErrorClass::Transient, &code::STATE_UNUSABLE, operation.iam, &message)
}
