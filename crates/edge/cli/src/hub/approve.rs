//! `approve` and `authorise`: the page behind approval links, as API Gateway calls it (HTTP APIs, payload format 2.0).
//!
//! Source: Amazon API Gateway Developer Guide, "AWS Lambda proxy integrations for HTTP APIs", "Control access to HTTP APIs
//! with AWS Lambda authorizers".

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleetwright_approvals::{Desk, LARGEST_BODY, PATH, Question};
use serde_json::{Map, Value, json};

use super::gate::run_of;
use super::{Fault, Hub, Invocation};
use crate::app::App;

/// Answers a request, and lets the execution go on where a decision was left.
pub(super) async fn answer(app: &App, invocation: &Invocation<'_>) -> Result<Value, Fault> {
    let event = invocation.event;
    let hub = Hub::of_function(app, invocation).await?;
    let ring = hub.keyring(app).await?;
    let method = event["requestContext"]["http"]["method"].as_str().unwrap_or_default();
    let path = event["rawPath"].as_str().unwrap_or_default();
    let Some(body) = body(event)? else {
        let body = "A decision needs a few hundred bytes; this is more.";
        return Ok(
            json!({ "statusCode": 413, "headers": { "content-type": "text/plain" }, "body": body, "isBase64Encoded": false }),
        );
    };
    let keys = ring.clone();
    let keys =
        Box::new(move || keys.clone().ok_or_else(|| "the hub has no secret of approval keys".to_owned()));
    let desk = Desk::new(hub.state.journal.clone(), Arc::clone(&hub.clock), keys);
    let question = Question {
        method,
        path,
        query: event["rawQueryString"].as_str().filter(|query| !query.is_empty()),
        content_type: event["headers"]["content-type"].as_str(),
        body: &body,
    };
    let answer = desk.answer(question).await;
    if (method, answer.status) == ("POST", 200) {
        let token = path.strip_prefix(PATH).unwrap_or_default();
        // The decision is on record; an execution that cannot be woken finds it when its wait is over.
        if let Some(run) = ring.and_then(|ring| run_of(&ring, token, hub.clock.now()))
            && let Err(fault) = hub.wake(&run).await
        {
            tracing::warn!(%run, why = fault.message, "the execution was not woken");
        }
    }
    let headers: Map<String, Value> =
        answer.all_headers().map(|(name, value)| (name.to_owned(), value.into())).collect();
    Ok(json!({
        "statusCode": answer.status,
        "headers": headers,
        "body": answer.body,
        "isBase64Encoded": false,
    }))
}

/// What was sent; none where it is too large.
fn body(event: &Value) -> Result<Option<Vec<u8>>, Fault> {
    let text = event["body"].as_str().unwrap_or_default();
    let body = match event["isBase64Encoded"] == true {
        true => STANDARD.decode(text).map_err(|_| Fault::unusable("the body is not base64"))?,
        false => text.as_bytes().to_vec(),
    };
    // API Gateway takes 10 MB; a decision needs a few hundred bytes.
    Ok(Some(body).filter(|body| body.len() <= LARGEST_BODY))
}

/// Says whether the request's link is one of ours; the page says what is wrong with one that is late or used up.
pub(super) async fn authorise(app: &App, invocation: &Invocation<'_>) -> Result<Value, Fault> {
    let token = invocation.event["pathParameters"]["token"].as_str().unwrap_or_default();
    let hub = Hub::of_function(app, invocation).await?;
    let genuine = match hub.keyring(app).await? {
        Some(ring) => {
            use fleetwright_approval::Refused;
            let opened = fleetwright_approval::open(&ring, token, hub.clock.now());
            matches!(opened, Ok(_) | Err(Refused::Expired))
        }
        None => false,
    };
    Ok(json!({ "isAuthorized": genuine }))
}
