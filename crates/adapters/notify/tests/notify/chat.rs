//! Slack and Teams.

use fleetwright_notifiers::{Slack, Teams};
use fleetwright_ports::{Again, Notifier};
use jiff::SignedDuration;
use serde_json::Value;

use crate::server::{Asked, Said, Server, header, said};
use crate::world::{HERE, endpoint, long_message, message, outbound};

/// A webhook of Slack, as strict as the Block Kit reference: whatever it does not name is an error.
pub(crate) fn slack(asked: &Asked) -> Said {
    if asked.method() != "POST" || asked.uri().path() != "/services/T0/B0/canary" {
        return said(404, "no_service");
    }
    if header(asked, "content-type") != "application/json" {
        return said(400, "invalid_payload");
    }
    let Ok(payload) = serde_json::from_slice::<Value>(asked.body()) else {
        return said(400, "invalid_payload");
    };
    match slack_wants(&payload) {
        Ok(()) => said(200, "ok"),
        Err(wrong) => said(400, format!("invalid_blocks: {wrong}")),
    }
}

fn fields(value: &Value, names: &[&str]) -> Result<(), String> {
    let object = value.as_object().ok_or("no object")?;
    match object.keys().find(|key| !names.contains(&key.as_str())) {
        Some(other) => Err(format!("unknown field {other}")),
        None => Ok(()),
    }
}

fn plain_text(value: &Value, most: usize) -> Result<(), String> {
    fields(value, &["type", "text", "emoji"])?;
    let text = value["text"].as_str().ok_or("text is no text")?;
    let length = text.chars().count();
    match value["type"] == "plain_text" && (1..=most).contains(&length) {
        true => Ok(()),
        false => Err(format!("a text of {length} characters, at most {most}")),
    }
}

fn slack_wants(payload: &Value) -> Result<(), String> {
    fields(payload, &["text", "blocks"])?;
    if payload["text"].as_str().is_none_or(|text| text.is_empty() || text.len() > 40_000) {
        return Err("no_text".to_owned());
    }
    let blocks = payload["blocks"].as_array().ok_or("no blocks")?;
    if blocks.len() > 50 {
        return Err("too many blocks".to_owned());
    }
    for block in blocks {
        match block["type"].as_str() {
            Some("header") => {
                fields(block, &["type", "text"])?;
                plain_text(&block["text"], 150)?;
            }
            Some("section") => {
                fields(block, &["type", "text"])?;
                plain_text(&block["text"], 3000)?;
            }
            Some("context") => {
                fields(block, &["type", "elements"])?;
                let elements = block["elements"].as_array().ok_or("no elements")?;
                if !(1..=10).contains(&elements.len()) {
                    return Err("elements".to_owned());
                }
                elements.iter().try_for_each(|element| plain_text(element, 2000))?;
            }
            other => return Err(format!("block {other:?}")),
        }
    }
    Ok(())
}

#[tokio::test]
async fn slack_takes_short_and_long_messages_and_mentions_nobody() {
    let server = Server::start(slack).await;
    let slack = Slack::new(outbound(HERE), endpoint(&server.url("/services/T0/B0/canary")));
    slack.send(&message("<!channel> & <https://evil.example|x>")).await.expect("it is taken");
    slack.send(&long_message()).await.expect("a long one is taken");
    let first: Value = serde_json::from_slice(server.heard.all()[0].body()).expect("JSON");
    let text = first["text"].as_str().expect("a text");
    assert!(text.contains("&lt;!channel&gt; &amp; &lt;https"), "{text}");
}

#[tokio::test]
async fn slack_that_asks_for_patience_is_given_the_time_it_asks_for() {
    let server = Server::start(|_| {
        let mut said = said(429, "rate_limited");
        said.headers_mut().insert("retry-after", "7".parse().expect("a header"));
        said
    })
    .await;
    let slack = Slack::new(outbound(HERE), endpoint(&server.url("/services/x")));
    let failure = slack.send(&message("x")).await.expect_err("it is not taken");
    assert_eq!(failure.again, Again::After(SignedDuration::from_secs(7)));
}

#[tokio::test]
async fn a_webhook_that_is_gone_is_not_asked_again_and_its_address_is_not_told() {
    let server = Server::start(|asked| said(404, format!("no_service {}", asked.uri()))).await;
    let slack = Slack::new(outbound(HERE), endpoint(&server.url("/services/T0/B0/canary")));
    let failure = slack.send(&message("x")).await.expect_err("it is not taken");
    assert_eq!(failure.again, Again::Never);
    assert!(failure.message.contains("404") && !failure.message.contains("canary"), "{}", failure.message);
}

/// A workflow of Teams: an adaptive card of at most 28 KB.
pub(crate) fn teams(asked: &Asked) -> Said {
    if asked.method() != "POST" || header(asked, "content-type") != "application/json" {
        return said(400, "TriggerInputSchemaMismatch");
    }
    if asked.body().len() > 28 * 1024 {
        return said(413, "RequestEntityTooLarge");
    }
    let Ok(payload) = serde_json::from_slice::<Value>(asked.body()) else { return said(400, "not JSON") };
    match teams_wants(&payload) {
        Ok(()) => said(202, ""),
        Err(wrong) => said(400, wrong),
    }
}

fn teams_wants(payload: &Value) -> Result<(), String> {
    fields(payload, &["type", "attachments"])?;
    let attachments = payload["attachments"].as_array().ok_or("no attachments")?;
    let [attachment] = attachments.as_slice() else { return Err("one card".to_owned()) };
    fields(attachment, &["contentType", "contentUrl", "content"])?;
    if payload["type"] != "message"
        || attachment["contentType"] != "application/vnd.microsoft.card.adaptive"
        || !attachment["contentUrl"].is_null()
    {
        return Err("no message with a card".to_owned());
    }
    let card = &attachment["content"];
    fields(card, &["$schema", "type", "version", "msteams", "body"])?;
    if card["type"] != "AdaptiveCard" || card["version"] != "1.4" {
        return Err("no card of a version that Teams shows".to_owned());
    }
    for block in card["body"].as_array().ok_or("no body")? {
        fields(block, &["type", "inlines"])?;
        if block["type"] != "RichTextBlock" {
            return Err("only blocks of runs show text as it is".to_owned());
        }
        for run in block["inlines"].as_array().ok_or("no inlines")? {
            fields(run, &["type", "text", "weight", "size", "color"])?;
            if run["type"] != "TextRun" || run["text"].as_str().is_none_or(str::is_empty) {
                return Err("a run needs its text".to_owned());
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn teams_takes_short_messages_whole_and_long_ones_shortened() {
    let server = Server::start(teams).await;
    let teams = Teams::new(outbound(HERE), endpoint(&server.url("/workflows/canary/triggers")));
    teams.send(&message("web-1 failed")).await.expect("it is taken");
    teams.send(&long_message()).await.expect("a long one is taken");
    let heard = server.heard.all();
    let first = String::from_utf8_lossy(heard[0].body()).into_owned();
    assert!(first.contains("web-1 failed") && first.contains("[x](https://evil.example)"), "{first}");
    assert!(heard[1].body().len() > 12_000, "no more is cut than has to be: {}", heard[1].body().len());
}
