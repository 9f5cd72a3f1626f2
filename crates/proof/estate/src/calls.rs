//! The call log: one record per AWS call, complete and without secrets.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::call::{Input, Service};
use crate::wire::rest::RestRequest;
use crate::wire::rest_json::PathRequest;

/// Parameters whose values never reach the log, by the last part of their name.
const SECRET_PARAMETERS: [&str; 9] = [
    "Environment",
    "ExternalId",
    "Plaintext",
    "SAMLAssertion",
    "SecretBinary",
    "SecretString",
    "SerialNumber",
    "TokenCode",
    "WebIdentityToken",
];

/// One AWS call, as it was answered.
#[derive(Clone, Debug, Serialize)]
pub struct CallRecord {
    /// The estate's time when it arrived.
    pub at: Timestamp,
    /// The calling account; empty where the caller could not be told.
    pub account: Box<str>,
    /// The region; `us-east-1` for global services.
    pub region: Box<str>,
    /// The service.
    pub service: Service,
    /// The operation; empty where the request could not be read.
    pub action: Box<str>,
    /// The parameters, secrets left out.
    #[serde(serialize_with = "as_json")]
    pub request: Box<str>,
    /// Whether it succeeded and the caller was told so.
    pub ok: bool,
    /// The error's code, if it failed.
    pub error: Option<Box<str>>,
    /// The request id of the answer.
    pub request_id: Box<str>,
    /// ARN of the calling principal; empty where the caller could not be told.
    pub principal: Box<str>,
    /// What the checkers need beyond the log's line.
    #[serde(skip)]
    pub facts: CallFacts,
}

/// What the checkers need to know of a call beyond its line in the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallFacts {
    /// How it ended.
    pub outcome: Outcome,
    /// Whether the operation changes the world.
    pub kind: CallKind,
    /// Whether a fault rule decided the answer.
    pub fault: FaultShare,
    /// ARN of the principal that assumed the calling role, for role sessions.
    pub assumed_by: Option<Box<str>>,
    /// ARN of the role to be assumed, for AssumeRole.
    pub role_wanted: Option<Box<str>>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// It succeeded.
    #[default]
    Done,
    /// EC2's dry run: it would have been allowed.
    WouldSucceed,
    /// A token bucket was empty through the caller's own calls.
    ThrottledByCaller,
    /// A token bucket was empty because of the hidden tenant.
    ThrottledByTenant,
    /// Policies forbid it, or the region is not enabled.
    Denied,
    /// The session had ended.
    ExpiredCredentials,
    /// The caller could not be authenticated for another reason.
    Unauthenticated,
    /// The request is not one AWS accepts.
    Illegal,
    /// The request is legal; what it asks for does not exist or is not in use.
    Refused,
    /// The service failed.
    ServerError,
}

/// Whether an operation changes the world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallKind {
    /// It reads.
    #[default]
    Read,
    /// It changes something.
    Mutation,
}

/// Whether a fault rule decided a call's answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FaultShare {
    /// No fault struck.
    #[default]
    None,
    /// A fault decided or disturbed the answer.
    Struck,
}

fn as_json<S: serde::Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
    let raw: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    raw.serialize(to)
}

/// Texts longer than this are left out of a request whose content is somebody's data.
const MAX_DATA_CHARACTERS: usize = 256;

/// A call's parameters as JSON text, secrets left out, and of items, archives, events and messages what is long.
#[must_use]
pub fn describe_request(service: Service, input: &Input) -> Box<str> {
    let mut document = match input {
        Input::Query(params) => Value::Object(
            params
                .values
                .iter()
                .map(|(name, value)| (name.clone(), Value::String(value.clone())))
                .map(hide_secret)
                .collect(),
        ),
        Input::Json(Value::Object(members)) => {
            Value::Object(members.clone().into_iter().map(hide_secret).collect())
        }
        Input::Json(other) => other.clone(),
        Input::Rest(request) => describe_rest(request),
        Input::RestJson(request) => describe_path(request),
    };
    if matches!(
        service,
        Service::DynamoDb | Service::EventBridge | Service::Lambda | Service::Logs | Service::Sqs
    ) {
        shorten(&mut document);
    }
    document.to_string().into_boxed_str()
}

/// Says of long texts only how long they are.
fn shorten(document: &mut Value) {
    match document {
        Value::String(text) if text.len() > MAX_DATA_CHARACTERS => *text = format!("({} bytes)", text.len()),
        Value::Array(list) => list.iter_mut().for_each(shorten),
        Value::Object(members) => members.values_mut().for_each(shorten),
        _ => {}
    }
}

/// Where it goes, what it asks and says, but for variables, which may be secrets.
fn describe_path(request: &PathRequest) -> Value {
    let text = |(name, value): (&str, &String)| (name.to_owned(), Value::String(value.clone()));
    let mut members: Map<String, Value> =
        request.path.iter().map(|(name, value)| text((name, value))).collect();
    members.extend(request.query.iter().map(|(name, value)| text((name, value))));
    members.extend(request.document.as_object().cloned().unwrap_or_default().into_iter().map(hide_secret));
    if request.document.is_null() && !request.body.is_empty() {
        members.insert("ContentLength".to_owned(), request.body.len().into());
    }
    Value::Object(members)
}

/// Where it goes, what it asks, and how much it brings; never an object's content.
fn describe_rest(request: &RestRequest) -> Value {
    let mut members = Map::new();
    for (name, value) in [("Bucket", &request.bucket), ("Key", &request.key)] {
        if !value.is_empty() {
            members.insert(name.to_owned(), Value::String(value.clone()));
        }
    }
    let parameters = request.query.iter().filter(|(name, _)| name.as_str() != "x-id");
    members.extend(parameters.map(|(name, value)| (name.clone(), Value::String(value.clone()))));
    if !request.body.is_empty() {
        members.insert("ContentLength".to_owned(), request.body.len().into());
    }
    Value::Object(members)
}

fn hide_secret((name, value): (String, Value)) -> (String, Value) {
    let last = name.rsplit('.').next().unwrap_or(&name);
    if SECRET_PARAMETERS.contains(&last) {
        return (name, Value::String("(hidden)".to_owned()));
    }
    (name, value)
}

/// A request that could not be read, as the log shows it.
#[must_use]
pub fn unread_request() -> Box<str> {
    Value::Object(Map::new()).to_string().into_boxed_str()
}

/// Every call since the estate began, in the order of arrival.
///
/// All are kept: the checkers judge the whole history, and a scan of 100,000 instances makes
/// about 4,500 calls.
#[derive(Debug, Default)]
pub struct CallLog {
    records: Vec<CallRecord>,
}

impl CallLog {
    /// Adds a record.
    pub fn push(&mut self, record: CallRecord) {
        self.records.push(record);
    }

    /// The records from number `since` on, counted from 0.
    #[must_use]
    pub fn since(&self, since: usize) -> &[CallRecord] {
        self.records.get(since..).unwrap_or(&[])
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there has been no call yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::QueryParams;

    #[test]
    fn secrets_stay_out_of_the_log() {
        let params = QueryParams {
            values: [("ExternalId", "canary"), ("RoleArn", "arn:aws:iam::011122223333:role/x")]
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .into(),
        };
        let text = describe_request(Service::Sts, &Input::Query(params));
        assert!(!text.contains("canary"));
        assert!(text.contains("role/x"));
    }
}
