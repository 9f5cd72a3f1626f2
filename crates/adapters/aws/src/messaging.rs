//! The [`Notifier`] port over SNS topics and EventBridge event buses: one signed POST each.
//!
//! Sources: Amazon SNS API reference, "Publish"; Amazon EventBridge API reference, "PutEvents".

use async_trait::async_trait;
use fleetwright_model::{ErrorClass, Failure, Region, Text, Zone};
use fleetwright_notify::{Message, shortened};
use fleetwright_ports::{Again, NotSent, Notifier};

use crate::Aws;
use crate::clients::Connection;
use crate::operation::Operation;
use crate::operations::{PUBLISH, PUT_EVENTS};
use crate::signed::{Answered, Request, Signer, form};

/// Characters of a subject.
const SUBJECT: usize = 100;
/// Bytes of the text of an event; an entry may have 256 KiB with everything.
const DETAIL: usize = 32 * 1024;

/// An SNS topic.
pub struct Topic {
    aws: Aws,
    zone: Zone,
    region: Region,
    arn: Text,
}

/// An EventBridge event bus.
pub struct EventBus {
    aws: Aws,
    zone: Zone,
    region: Region,
    arn: Text,
}

impl Topic {
    /// The topic of that ARN, in that region, called as that landing zone.
    pub fn new(aws: Aws, zone: Zone, region: Region, arn: &str) -> Self {
        Self { aws, zone, region, arn: arn.into() }
    }
}

impl EventBus {
    /// The event bus of that ARN, in that region, called as that landing zone.
    pub fn new(aws: Aws, zone: Zone, region: Region, arn: &str) -> Self {
        Self { aws, zone, region, arn: arn.into() }
    }
}

/// A subject: at most a hundred printable ASCII characters.
fn subject(title: &str) -> String {
    let plain = title.trim_start().chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' });
    plain.take(SUBJECT).collect::<String>().trim_end().to_owned()
}

fn publication(arn: &str, message: &Message) -> Request {
    let text = format!("{}\n\n{}\n", message.title, message.text);
    let subject = subject(&message.title);
    let mut pairs = vec![
        ("Action", "Publish"),
        ("Version", "2010-03-31"),
        ("TopicArn", arn),
        ("Message", text.as_str()),
        ("MessageAttributes.entry.1.Name", "severity"),
        ("MessageAttributes.entry.1.Value.DataType", "String"),
        ("MessageAttributes.entry.1.Value.StringValue", message.severity.as_str()),
    ];
    if !subject.is_empty() {
        pairs.push(("Subject", &subject));
    }
    Request {
        service: "sns",
        method: "POST",
        path: "/".to_owned(),
        headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
        body: form(&pairs).into_bytes(),
    }
}

fn events(arn: &str, message: &Message) -> Request {
    let detail = serde_json::json!({
        "id": message.id,
        "run": &*message.run,
        "severity": message.severity.as_str(),
        "title": message.title,
        "text": shortened(&message.text, DETAIL),
        "facts": message.facts,
        "count": message.count(),
    });
    let entry = serde_json::json!({
        "Source": "fleetwright",
        "DetailType": "fleetwright notification",
        "Detail": detail.to_string(),
        "EventBusName": arn,
        "Time": message.at.as_second(),
    });
    let body = serde_json::json!({ "Entries": [entry] });
    Request::json("events", "1.1", "AWSEvents.PutEvents".to_owned(), &body)
}

/// An entry that was not taken although the request was.
fn refused_entry(answer: &serde_json::Value) -> Option<NotSent> {
    if answer["FailedEntryCount"] == 0 {
        return None;
    }
    let entry = &answer["Entries"][0];
    let code = entry["ErrorCode"].as_str().unwrap_or("no error code");
    let again = match code {
        "ThrottlingException" | "InternalFailure" => Again::Later,
        _ => Again::Never,
    };
    let said = entry["ErrorMessage"].as_str().unwrap_or_default();
    let message =
        shortened(&fleetwright_notify::line(&format!("events:PutEvents: {code} {said}")), 600).into_owned();
    Some(NotSent { again, message })
}

fn not_sent(failure: &Failure) -> NotSent {
    let again = match failure.class {
        // Being told twice is better than not at all.
        ErrorClass::Throttled | ErrorClass::Transient | ErrorClass::Ambiguous => Again::Later,
        ErrorClass::Denied | ErrorClass::Conflict | ErrorClass::NotFound | ErrorClass::Permanent => {
            Again::Never
        }
    };
    let message = fleetwright_model::redaction::redact(&failure.to_string()).into_owned();
    NotSent { again, message }
}

async fn post(
    aws: &Aws,
    zone: &Zone,
    region: &Region,
    operation: &'static Operation,
    target: &Text,
    request: Request,
) -> Result<Answered, NotSent> {
    let connection: Connection<'_, Signer> = aws.at(zone, region);
    let send = |signer: &Signer| signer.clone().send(request.clone());
    connection
        .change(operation, std::slice::from_ref(target), send)
        .await
        .map_err(|failure| not_sent(&failure))
}

#[async_trait]
impl Notifier for Topic {
    async fn send(&self, message: &Message) -> Result<(), NotSent> {
        let request = publication(&self.arn, message);
        post(&self.aws, &self.zone, &self.region, &PUBLISH, &self.arn, request).await.map(drop)
    }
}

#[async_trait]
impl Notifier for EventBus {
    async fn send(&self, message: &Message) -> Result<(), NotSent> {
        let request = events(&self.arn, message);
        let posted = post(&self.aws, &self.zone, &self.region, &PUT_EVENTS, &self.arn, request).await?;
        refused_entry(&posted.json()).map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_short_and_plain_and_a_form_is_escaped() {
        assert_eq!(subject(" größe\n✓ x "), "gr??e?? x");
        assert_eq!(subject(&"x".repeat(300)).len(), SUBJECT);
        assert_eq!(form(&[("a", "b c&d=é"), ("e", "~")]), "a=b%20c%26d%3D%C3%A9&e=~");
    }

    #[test]
    fn an_event_that_was_not_taken_is_no_success() {
        let refused_entry = |text: &str| refused_entry(&serde_json::from_str(text).unwrap_or_default());
        assert_eq!(refused_entry(r#"{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}"#), None);
        let refused =
            r#"{"FailedEntryCount":1,"Entries":[{"ErrorCode":"ThrottlingException","ErrorMessage":"slow"}]}"#;
        assert_eq!(refused_entry(refused).map(|it| it.again), Some(Again::Later));
        let refused = r#"{"FailedEntryCount":1,"Entries":[{"ErrorCode":"NotAuthorizedForSourceException"}]}"#;
        assert_eq!(refused_entry(refused).map(|it| it.again), Some(Again::Never));
        assert!(refused_entry("<html>").is_some());
    }
}
