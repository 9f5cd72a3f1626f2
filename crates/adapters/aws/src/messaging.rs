//! The [`Notifier`] port over SNS topics and EventBridge event buses: one signed POST each.
//!
//! Sources: Amazon SNS API reference, "Publish"; Amazon EventBridge API reference, "PutEvents".

use async_trait::async_trait;
use fleetwright_model::{ErrorClass, Failure, Region, Text, Zone};
use fleetwright_notify::{Message, shortened};
use fleetwright_ports::events::EntryRefusal;
use fleetwright_ports::{Again, NotSent, Notifier};
use serde_json::Value;

use crate::Aws;
use crate::clients::Connection;
use crate::event_bridge::put_entries;
use crate::json_service::JsonService;
use crate::operations::PUBLISH;
use crate::signed::{Request, Signer, form};

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

fn event(arn: &str, message: &Message) -> Value {
    let detail = serde_json::json!({
        "id": message.id,
        "run": &*message.run,
        "severity": message.severity.as_str(),
        "title": message.title,
        "text": shortened(&message.text, DETAIL),
        "facts": message.facts,
        "count": message.count(),
    });
    serde_json::json!({
        "Source": "fleetwright",
        "DetailType": "fleetwright notification",
        "Detail": detail.to_string(),
        "EventBusName": arn,
        "Time": message.at.as_second(),
    })
}

/// An entry that was not taken although the request was.
fn not_taken(refusal: &EntryRefusal) -> NotSent {
    let again = if refusal.is_of_the_moment() { Again::Later } else { Again::Never };
    let said = format!("events:PutEvents: {refusal}");
    NotSent { again, message: shortened(&fleetwright_notify::line(&said), 600).into_owned() }
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

#[async_trait]
impl Notifier for Topic {
    async fn send(&self, message: &Message) -> Result<(), NotSent> {
        let request = publication(&self.arn, message);
        let connection: Connection<'_, Signer> = self.aws.at(&self.zone, &self.region);
        let send = |signer: &Signer| signer.clone().send(request.clone());
        let sent = connection.change(&PUBLISH, std::slice::from_ref(&self.arn), send).await;
        sent.map(drop).map_err(|failure| not_sent(&failure))
    }
}

#[async_trait]
impl Notifier for EventBus {
    async fn send(&self, message: &Message) -> Result<(), NotSent> {
        let service = JsonService::event_bridge(&self.aws, &self.zone, &self.region);
        let became = put_entries(&service, &self.arn, &[event(&self.arn, message)]).await;
        let became = became.map_err(|failure| not_sent(&failure))?;
        became.into_iter().try_for_each(|entry| entry.map(drop).map_err(|refusal| not_taken(&refusal)))
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
    fn an_event_that_was_not_taken_is_tried_again_where_that_may_help() {
        let refused = |code: &str| not_taken(&EntryRefusal { code: code.into(), message: "slow".into() });
        assert_eq!(refused("ThrottlingException").again, Again::Later);
        let never = refused("NotAuthorizedForSourceException");
        assert_eq!(never.again, Again::Never);
        assert_eq!(never.message, "events:PutEvents: NotAuthorizedForSourceException: slow");
    }
}
