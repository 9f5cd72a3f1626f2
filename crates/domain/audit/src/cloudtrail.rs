//! CloudTrail's log files, as far as a log of ours is held against them.
//!
//! Source: CloudTrail user guide, "CloudTrail record contents".

use std::io::Read;

use fleetwright_model::Text;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A file as CloudTrail delivers it, unpacked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
struct File {
    #[serde(rename = "Records")]
    records: Vec<Event>,
}

/// One event. What is not looked at is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// When the request was made, to the second.
    pub event_time: Timestamp,
    /// The service, e.g. `ec2.amazonaws.com`.
    pub event_source: Text,
    /// The operation.
    pub event_name: Text,
    /// The region.
    pub aws_region: Text,
    /// Who.
    #[serde(default)]
    pub user_identity: UserIdentity,
    /// The account that the call was about.
    #[serde(default)]
    pub recipient_account_id: Option<Text>,
    /// The service's id of the request.
    #[serde(default, rename = "requestID")]
    pub request_id: Option<Text>,
    /// CloudTrail's own id of the event.
    #[serde(default, rename = "eventID")]
    pub event_id: Option<Text>,
    /// Why it failed, if it did.
    #[serde(default)]
    pub error_code: Option<Text>,
    /// True where it changes nothing. Older records do not say so.
    #[serde(default)]
    pub read_only: Option<bool>,
}

/// Who made a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserIdentity {
    /// ARN of the principal or of its session.
    #[serde(default)]
    pub arn: Option<Text>,
    /// Its account.
    #[serde(default)]
    pub account_id: Option<Text>,
}

impl Event {
    /// The IAM action of the call, e.g. `ec2:CreateImage`.
    pub fn action(&self) -> String {
        let service = self.event_source.strip_suffix(".amazonaws.com").unwrap_or(&self.event_source);
        let service = if service == "monitoring" { "cloudwatch" } else { service };
        format!("{service}:{}", self.event_name)
    }

    /// True unless it is known that it changes nothing.
    pub fn may_change(&self) -> bool {
        match self.read_only {
            Some(read_only) => !read_only,
            None => !["Describe", "Get", "List", "Head", "Assume"]
                .iter()
                .any(|reads| self.event_name.starts_with(reads)),
        }
    }

    /// The account that the call was about.
    pub fn account(&self) -> Option<&Text> {
        self.recipient_account_id.as_ref().or(self.user_identity.account_id.as_ref())
    }
}

/// A text that is no file of CloudTrail's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no log file of CloudTrail's: {0}")]
pub struct NoTrail(String);

/// An unpacked file at most; CloudTrail's have a few megabytes.
const LARGEST: u64 = 1024 * 1024 * 1024;

/// Reads a file, packed with gzip as it is delivered, or unpacked.
///
/// # Errors
/// It is not of the form `{"Records": [...]}`, or a record lacks what every record has.
pub fn read(bytes: &[u8]) -> Result<Vec<Event>, NoTrail> {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut unpacked = Vec::new();
        let packed = flate2::read::MultiGzDecoder::new(bytes);
        let read = packed.take(LARGEST).read_to_end(&mut unpacked);
        return read.map_err(|error| NoTrail(error.to_string())).and_then(|_| records(&unpacked));
    }
    records(bytes)
}

fn records(bytes: &[u8]) -> Result<Vec<Event>, NoTrail> {
    serde_json::from_slice::<File>(bytes).map(|file| file.records).map_err(|error| NoTrail(error.to_string()))
}
