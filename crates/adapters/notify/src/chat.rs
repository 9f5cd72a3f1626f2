//! Slack and Microsoft Teams.
//!
//! Text of others is sent as plain text in both: what looks like mark-up, a mention or a link is shown as
//! it is written.

use async_trait::async_trait;
use fleetwright_notify::{Message, Severity, shortened};
use fleetwright_ports::{NotSent, Notifier};
use http::Method;
use serde_json::{Value, json};

use crate::endpoint::Endpoint;
use crate::http::Http;
use crate::settings::Outbound;

/// A Slack incoming webhook.
/// Sources: Slack API, "Sending messages using incoming webhooks", "Block Kit reference".
#[derive(Debug)]
pub struct Slack {
    http: Http,
    endpoint: Endpoint,
}

/// Characters of a header, of the text of one section, and sections of text in one message. Slack's own
/// limit is 50 blocks.
const SLACK_HEADER: usize = 150;
const SLACK_SECTION: usize = 3000;
const SLACK_SECTIONS: usize = 10;

impl Slack {
    /// The webhook at that address, which is a secret.
    pub fn new(outbound: Outbound, endpoint: Endpoint) -> Self {
        Self { http: Http::new(outbound, None, endpoint.secret().into_iter().collect()), endpoint }
    }

    fn payload(message: &Message) -> Value {
        let plain = |text: &str| json!({ "type": "plain_text", "text": text, "emoji": false });
        let mut blocks =
            vec![json!({ "type": "header", "text": plain(&shortened(&message.title, SLACK_HEADER)) })];
        for part in parts(&message.text, SLACK_SECTION, SLACK_SECTIONS) {
            blocks.push(json!({ "type": "section", "text": plain(&part) }));
        }
        let facts: Vec<Value> = message
            .facts
            .iter()
            .take(10)
            .map(|fact| plain(&shortened(&format!("{}: {}", fact.name, fact.value), 2000)))
            .collect();
        if !facts.is_empty() {
            blocks.push(json!({ "type": "context", "elements": facts }));
        }
        json!({ "text": escaped(&message.title), "blocks": blocks })
    }
}

/// Slack's three control characters.
/// Source: Slack API, "Formatting text for app surfaces", "Escaping text".
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Whole lines of a text in parts of at most so many bytes; what there is no part for is left out, and
/// that is said.
fn parts(text: &str, length: usize, most: usize) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let line = shortened(line, length);
        let count = parts.len();
        match parts.last_mut() {
            Some(part) if part.len() + 1 + line.len() <= length => {
                part.push('\n');
                part.push_str(&line);
            }
            _ if count == most => {
                parts.push("… more is in the run's reports".to_owned());
                break;
            }
            _ => parts.push(line.into_owned()),
        }
    }
    parts
}

#[async_trait]
impl Notifier for Slack {
    async fn send(&self, message: &Message) -> Result<(), NotSent> {
        let payload = Self::payload(message);
        self.http.send_json(Method::POST, &self.endpoint, Some(&payload)).await.map(drop)
    }
}

/// A webhook of Teams' Workflows, which posts an adaptive card.
/// Sources: Microsoft Teams, "Create incoming webhooks with Workflows"; Adaptive Cards 1.4,
/// "RichTextBlock", "TextRun"; messages are limited to 28 KB.
#[derive(Debug)]
pub struct Teams {
    http: Http,
    endpoint: Endpoint,
}

/// Bytes of a message, with some room.
const TEAMS_MESSAGE: usize = 27_000;

impl Teams {
    /// The webhook at that address, which is a secret.
    pub fn new(outbound: Outbound, endpoint: Endpoint) -> Self {
        Self { http: Http::new(outbound, None, endpoint.secret().into_iter().collect()), endpoint }
    }

    /// The message, with as much of its text as there is room for once it is escaped.
    fn payload(message: &Message) -> Value {
        let mut room = TEAMS_MESSAGE;
        loop {
            let payload = Self::card(message, room);
            if payload.to_string().len() <= TEAMS_MESSAGE || room < 64 {
                return payload;
            }
            room /= 2;
        }
    }

    fn card(message: &Message, room: usize) -> Value {
        let block = |runs: Vec<Value>| json!({ "type": "RichTextBlock", "inlines": runs });
        let run = |text: &str| json!({ "type": "TextRun", "text": text });
        let color = match message.severity {
            Severity::Info => "good",
            Severity::Warning => "warning",
            Severity::Error | Severity::Critical => "attention",
        };
        let title = json!({ "type": "TextRun", "text": message.title, "weight": "bolder", "size": "medium", "color": color });
        let mut body = vec![block(vec![title])];
        for fact in message.facts.iter().take(10) {
            let name = json!({ "type": "TextRun", "text": format!("{}: ", fact.name), "weight": "bolder" });
            body.push(block(vec![name, run(&shortened(&fact.value, room.min(1000)))]));
        }
        let lines = parts(&message.text, room.max(64), 1);
        body.extend(lines.iter().flat_map(|part| part.lines()).map(|line| block(vec![run(line)])));
        let card = json!({
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard", "version": "1.4", "msteams": { "width": "Full" }, "body": body,
        });
        json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": null, "content": card,
            }],
        })
    }
}

#[async_trait]
impl Notifier for Teams {
    async fn send(&self, message: &Message) -> Result<(), NotSent> {
        let payload = Self::payload(message);
        self.http.send_json(Method::POST, &self.endpoint, Some(&payload)).await.map(drop)
    }
}
