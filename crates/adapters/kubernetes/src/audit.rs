//! Who asks for a change, and the log in which it stands before it is sent and after it was answered.

use std::fmt;
use std::sync::Arc;

use fleetwright_audit::{Actor, Answer as Ended, Approval, CallResult, Intent};
use fleetwright_model::{ErrorClass, Failure, Text, code};
use fleetwright_ports::{AuditLog, JournalError};
use jiff::Timestamp;

use crate::answer::{Answer, Refused, failure};

/// The decisions that let a change of these targets go.
pub type Approvals = Arc<dyn Fn(&[Text]) -> Vec<Approval> + Send + Sync>;

/// On whose behalf the clusters of one place are changed, and where that is recorded.
#[derive(Clone)]
pub struct Behalf {
    /// The log.
    pub log: Arc<dyn AuditLog>,
    /// The landing zone.
    pub zone: Text,
    /// The account of its clusters.
    pub account: Text,
    /// The region of its clusters.
    pub region: Text,
    /// ARN of the session that tokens are made as.
    pub session: Text,
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

impl Behalf {
    /// Records that a change is about to be sent; `of` is the cluster and what is done there, `targets` the objects.
    ///
    /// # Errors
    /// It could not be recorded; nothing may be sent then.
    pub(crate) async fn before(
        &self,
        of: (&str, &str),
        targets: Vec<Text>,
        attempt: u32,
        at: Timestamp,
    ) -> Result<u64, Failure> {
        let intent = Intent {
            zone: self.zone.clone(),
            account: self.account.clone(),
            region: self.region.clone(),
            action: format!("kubernetes:{}", of.1).into(),
            actor: Actor { session: self.session.clone(), person: self.person.clone() },
            reason: self.reason.clone(),
            approvals: (self.approvals)(&targets),
            targets,
            attempt,
        };
        self.log.before(at, intent).await.map_err(|refusal| unrecorded(of, &refusal))
    }

    /// Records what came of it. Where that fails the log takes nothing more, so that this was the last change; its record
    /// before stays, and the change is in doubt.
    pub(crate) fn after(
        &self,
        of: (&str, &str),
        call: u64,
        answer: Result<&Answer, &Refused>,
        at: Timestamp,
    ) {
        let ended = match answer {
            Ok(answer) => Ended {
                call,
                result: CallResult::Done,
                request_id: answer.audit_id(),
                service_code: None,
                code: None,
            },
            Err(refused) => Ended {
                call,
                result: match (refused.doubt, refused.status) {
                    (true, _) => CallResult::Unknown,
                    (false, Some(_)) => CallResult::Refused,
                    (false, None) => CallResult::NotSent,
                },
                request_id: refused.audit_id.clone(),
                service_code: refused.failure.service_code.as_deref().map(Text::from),
                code: Some(refused.failure.code.id.into()),
            },
        };
        if let Err(error) = self.log.after(at, ended) {
            tracing::error!(what = of.1, call, %error, "the answer to a change could not be recorded");
        }
    }
}

/// Nothing is sent that cannot be recorded.
fn unrecorded(of: (&str, &str), refusal: &JournalError) -> Failure {
    let words = format!("not sent: the audit log does not take it: {refusal}");
    failure((ErrorClass::Transient, &code::STATE_UNUSABLE), of, &words)
}
