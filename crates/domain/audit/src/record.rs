//! What one line of the log says.

use fleetwright_model::Text;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// The version of the log's format.
pub const FORMAT: u32 = 1;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Its number, from 1.
    pub sequence: u64,
    /// The log it belongs to: the run's name.
    pub log: Text,
    /// When it was written.
    pub at: Timestamp,
    /// The digest of the record before it; [`Digest::NONE`] for the first.
    pub previous: Digest,
    /// What it says.
    pub entry: Entry,
    /// The SHA-256 of the canonical JSON of all members above.
    pub hash: Digest,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// The log begins.
    Opened(Opening),
    /// A process begins to write to it, the first one or one that goes on after another.
    Writer(Writer),
    /// A call is about to be sent.
    Before(Intent),
    /// It was answered, or was given up.
    After(Answer),
}

/// How a log begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// [`FORMAT`].
    pub format: u32,
    /// The digest of the plan that is carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Text>,
}

/// Who writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writer {
    /// The process: program, version, number.
    pub process: Text,
    /// The person who started it.
    pub person: Text,
    /// Bytes at the end of the file that were no whole record and were taken away: what a loss of power
    /// left of a record nobody had acted upon.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub torn_bytes: u64,
}

/// A call that changes something and is about to be sent. It is durable before that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The landing zone.
    pub zone: Text,
    /// The account it goes to.
    pub account: Text,
    /// The region it goes to.
    pub region: Text,
    /// The IAM action, e.g. `ec2:CreateImage`.
    pub action: Text,
    /// Ids or ARNs of what is changed. Never names or tags, which are other people's text.
    pub targets: Vec<Text>,
    /// Who.
    pub actor: Actor,
    /// Why: the step that makes the call.
    pub reason: Text,
    /// On whose word. Empty where the plan lets the step go ahead of its gate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    /// Which attempt of the same call, from 1.
    pub attempt: u32,
}

/// Who makes a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// ARN of the session, as STS told it.
    pub session: Text,
    /// The person on whose behalf.
    pub person: Text,
}

/// A decision that let the call go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The stage that was approved.
    pub stage: Text,
    /// Who decided.
    pub by: Text,
    /// The number of the decision in the run's journal.
    pub record: u64,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The number of the record before it was sent.
    pub call: u64,
    /// How it ended.
    pub result: CallResult,
    /// The service's id of the request, where there was an answer with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Text>,
    /// The service's error code. Its message is not recorded: it may repeat parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_code: Option<Text>,
    /// Our code for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Text>,
}

/// How a call ended, as far as the caller knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallResult {
    /// The service did it.
    Done,
    /// The service said no: nothing was changed.
    Refused,
    /// No answer, or one that says nothing: it may have taken effect.
    Unknown,
    /// It did not leave this machine.
    NotSent,
}

impl CallResult {
    /// As reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::NotSent => "not sent",
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
