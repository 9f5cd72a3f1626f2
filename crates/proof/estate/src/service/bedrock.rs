//! Bedrock: a model that writes the same text for the same prompt.
//!
//! Rules: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>. The models are the few that
//! [`MODELS`] names, as themselves and as profiles of several regions; what they write is a sentence about what they
//! read. A token is taken for four bytes.

use serde_json::{Value, json};

use super::members::members;
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::calls::CallKind;
use crate::service::action::{Does, Needs, actions, region};
use crate::world::World;

/// The models that there are.
const MODELS: [&str; 3] =
    ["amazon.nova-lite-v1:0", "amazon.nova-pro-v1:0", "anthropic.claude-haiku-4-5-20251001-v1:0"];
/// What ids of profiles of several regions begin with.
const AREAS: [&str; 3] = ["eu.", "global.", "us."];
/// Tokens that a model reads at most.
const MOST_TOKENS: usize = 200_000;
/// Tokens that it writes where nobody says how many.
const USUAL_TOKENS: u64 = 2_048;

/// Every operation of Bedrock that the estate answers.
#[must_use]
pub fn operations() -> Vec<Box<dyn Operation>> {
    actions(Service::Bedrock, [("Converse", CallKind::Read, on_model as Needs, converse as Does)])
}

fn model(call: &Call) -> &str {
    call.path().and_then(|it| it.path.get("modelId")).map_or("", String::as_str)
}

/// The model behind an id, and whether the id is that of a profile.
fn behind(id: &str) -> (&str, bool) {
    match AREAS.iter().find_map(|area| id.strip_prefix(area)) {
        Some(model) => (model, true),
        None => (id, false),
    }
}

/// Converse needs what InvokeModel needs, on the model and on the profile that leads to it (Service Authorization
/// Reference, "Actions defined by Amazon Bedrock").
fn on_model(_: &World, call: &Call) -> Vec<Requirement> {
    let id = model(call);
    let (model, is_profile) = behind(id);
    let (region, account) = (&call.region, &call.account);
    let profile = is_profile.then(|| format!("arn:aws:bedrock:{region}:{account}:inference-profile/{id}"));
    let needed = profile.into_iter().chain([format!("arn:aws:bedrock:{region}::foundation-model/{model}")]);
    needed
        .map(|resource| Requirement { action: "bedrock:InvokeModel".into(), resource, context: Vec::new() })
        .collect()
}

fn refused(message: &str) -> ApiError {
    ApiError::new(400, "ValidationException", message)
}

/// The texts of the parts of a prompt.
fn texts(parts: &Value) -> Vec<&str> {
    parts.as_array().into_iter().flatten().filter_map(|part| part["text"].as_str()).collect()
}

fn tokens(bytes: usize) -> usize {
    bytes.div_ceil(4)
}

fn converse(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    region(world, call)?;
    let given = members(call, &["messages", "system", "inferenceConfig"])?;
    let id = model(call);
    if !MODELS.contains(&behind(id).0) {
        return Err(refused("The provided model identifier is invalid."));
    }
    let messages = given.get("messages").and_then(Value::as_array).filter(|it| !it.is_empty());
    let messages = messages.ok_or_else(|| refused("A conversation must start with a user message."))?;
    if messages[0]["role"] != "user" {
        return Err(refused("A conversation must start with a user message."));
    }
    let asked: Vec<&str> = messages.iter().flat_map(|message| texts(&message["content"])).collect();
    let system = given.get("system").map(texts).unwrap_or_default();
    let read = tokens(asked.iter().chain(&system).map(|text| text.len()).sum());
    if read > MOST_TOKENS {
        return Err(refused("Input is too long for requested model."));
    }
    let most = given.get("inferenceConfig").and_then(|it| it["maxTokens"].as_u64()).unwrap_or(USUAL_TOKENS);
    let lines: usize = asked.iter().map(|text| text.lines().count()).sum();
    let mut text =
        format!("Simulated summary by {id}: {lines} lines were read; see the findings themselves.");
    let room = usize::try_from(most).unwrap_or(usize::MAX).saturating_mul(4);
    let is_whole = text.len() <= room;
    text.truncate(room.min(text.len()));
    let written = tokens(text.len());
    Ok(json!({
        "output": { "message": { "role": "assistant", "content": [{ "text": text }] } },
        "stopReason": if is_whole { "end_turn" } else { "max_tokens" },
        "usage": { "inputTokens": read, "outputTokens": written, "totalTokens": read + written },
        "metrics": { "latencyMs": 800 },
    }))
}
