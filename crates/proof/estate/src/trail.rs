//! The call log as CloudTrail would deliver it.
//!
//! Source: CloudTrail user guide, "CloudTrail record contents"; "CloudTrail userIdentity element". What
//! could not be authenticated is in no trail. Changes of objects in S3 are data events, which trails keep
//! only where they are told to; so are those of items in DynamoDB, of
//! messages in queues and of events in logs.

use serde_json::{Value, json};

use crate::call::Service;
use crate::calls::{CallKind, CallRecord, Outcome};

/// Parameters that Systems Manager never shows to CloudTrail.
const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// Whether data events are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataEvents {
    /// They are.
    Kept,
    /// They are not, as by default.
    LeftOut,
}

/// A log file of CloudTrail's with these calls, unpacked.
#[must_use]
pub fn file(calls: &[CallRecord], data: DataEvents) -> Value {
    let kept = |call: &&CallRecord| {
        let known = !call.principal.is_empty() && !call.action.is_empty();
        known && (data == DataEvents::Kept || !is_data_event(call))
    };
    let records: Vec<Value> = calls.iter().filter(kept).map(event).collect();
    json!({ "Records": records })
}

/// Whether the call is about what a resource holds, and not about the resource.
fn is_data_event(call: &CallRecord) -> bool {
    match call.service {
        Service::S3 => true,
        Service::DynamoDb => ["Item", "Items", "Query", "Scan"].iter().any(|end| call.action.ends_with(end)),
        Service::Lambda => &*call.action == "Invoke",
        // What clusters' own APIs are asked is in their audit logs.
        Service::Eks => call.action.starts_with("kubernetes:"),
        Service::Logs => matches!(&*call.action, "FilterLogEvents" | "GetLogEvents" | "PutLogEvents"),
        Service::Sqs => call.action.contains("Message"),
        _ => false,
    }
}

fn event(call: &CallRecord) -> Value {
    let service = call.service.signing_name();
    let mut request: Value = serde_json::from_str(&call.request).unwrap_or(Value::Null);
    if let Some(parameters) = request.get_mut("Parameters").filter(|_| call.service == Service::Ssm) {
        *parameters = HIDDEN.into();
    }
    let is_data = is_data_event(call);
    let category = if is_data { "Data" } else { "Management" };
    // To the second, as CloudTrail writes it.
    let at = jiff::Timestamp::from_second(call.at.as_second()).unwrap_or(call.at);
    let mut event = json!({
        "eventVersion": "1.11",
        "userIdentity": identity(call),
        "eventTime": at.to_string(),
        "eventSource": format!("{service}.amazonaws.com"),
        "eventName": &*call.action,
        "awsRegion": &*call.region,
        "sourceIPAddress": "203.0.113.7",
        "userAgent": "estate",
        "requestParameters": request,
        "responseElements": null,
        "requestID": &*call.request_id,
        "eventID": format!("event-{}", call.request_id),
        "readOnly": call.facts.kind == CallKind::Read,
        "eventType": "AwsApiCall",
        "managementEvent": !is_data,
        "recipientAccountId": &*call.account,
        "eventCategory": category,
    });
    if let Some(code) = error_code(call) {
        event["errorCode"] = code.into();
    }
    event
}

/// Why it failed, for CloudTrail: what was done and whose answer was lost did not. EC2's codes carry
/// whose fault it was.
fn error_code(call: &CallRecord) -> Option<String> {
    let code = call.error.as_deref().filter(|_| call.facts.outcome != Outcome::Done)?;
    let whose = if call.facts.outcome == Outcome::ServerError { "Server" } else { "Client" };
    Some(if call.service == Service::Ec2 { format!("{whose}.{code}") } else { code.to_owned() })
}

fn identity(call: &CallRecord) -> Value {
    let arn = &*call.principal;
    let Some((role, session)) = arn.split_once(":assumed-role/").and_then(|(_, name)| name.split_once('/'))
    else {
        return json!({ "type": "IAMUser", "arn": arn, "accountId": &*call.account });
    };
    let issuer = format!("arn:aws:iam::{}:role/{role}", call.account);
    json!({
        "type": "AssumedRole",
        "principalId": format!("AROA{role}:{session}"),
        "arn": arn,
        "accountId": &*call.account,
        "sessionContext": {
            "sessionIssuer": { "type": "Role", "arn": issuer, "accountId": &*call.account, "userName": role },
        },
    })
}
