//! Amazon Bedrock: a model writes a text.
//!
//! Source: Amazon Bedrock API reference, Converse.

use std::time::Duration;

use async_trait::async_trait;
use fleetwright_model::{Cell, ErrorClass, Failure};
use fleetwright_ports::LanguageModels;
use fleetwright_ports::language_models::{ModelId, Prompt, Written};
use serde_json::{Value, json};

use crate::Aws;
use crate::operations::INVOKE_MODEL;
use crate::pages::unexpected;
use crate::rest_service::{Call, RestService};
use crate::signed::encoded;

/// How long an attempt may take: a model writes some tens of tokens a second.
const PATIENCE: Duration = Duration::from_secs(120);

#[async_trait]
impl LanguageModels for Aws {
    async fn write(&self, cell: &Cell<'_>, model: &ModelId, prompt: &Prompt) -> Result<Written, Failure> {
        let service = RestService::bedrock(self, cell);
        let body = json!({
            "system": [{ "text": prompt.task }],
            "messages": [{ "role": "user", "content": [{ "text": prompt.material }] }],
            "inferenceConfig": { "maxTokens": prompt.most_tokens, "temperature": 0.0 },
        });
        let call = Call::with("POST", format!("/model/{}/converse", encoded(&model.to_string())), &body);
        let answer = service.change_shown(&INVOKE_MODEL, (&model.to_string(), PATIENCE), call).await?;
        written(&answer).ok_or_else(|| {
            let failure = unexpected(&INVOKE_MODEL, "an answer without a text, or without a count of tokens");
            Failure { class: ErrorClass::Ambiguous, ..failure }
        })
    }
}

fn written(answer: &Value) -> Option<Written> {
    let parts = answer["output"]["message"]["content"].as_array()?;
    let text: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
    let tokens = |name: &str| answer["usage"][name].as_u64().and_then(|count| u32::try_from(count).ok());
    Some(Written {
        text: (!text.is_empty()).then(|| text.join("\n"))?,
        read_tokens: tokens("inputTokens")?,
        written_tokens: tokens("outputTokens")?,
        is_whole: answer["stopReason"] == "end_turn",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_without_text_are_left_out_and_an_answer_without_any_is_none() {
        let mut answer = json!({
            "output": { "message": { "role": "assistant", "content": [{ "reasoningContent": {} }, { "text": "Well." }] } },
            "stopReason": "max_tokens",
            "usage": { "inputTokens": 12, "outputTokens": 3, "totalTokens": 15 },
        });
        let read = written(&answer).expect("a text");
        assert_eq!((read.text.as_str(), read.read_tokens, read.written_tokens), ("Well.", 12, 3));
        assert!(!read.is_whole, "it was cut off");
        answer["output"]["message"]["content"] = json!([]);
        assert_eq!(written(&answer), None);
    }
}
