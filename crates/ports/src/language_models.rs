//! Language models that write texts. What they write is for people to read; nothing is decided by it.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use fleetwright_model::{Cell, Failure, Text};

/// Characters of a model's id at most. Source: Amazon Bedrock API reference, Converse, modelId.
const LONGEST: usize = 2_048;

/// The id of a model or of an inference profile.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelId(Text);

/// A text that is no id of a model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no id of a model: letters, digits and . _ : / - are allowed, 2,048 of them at most")]
pub struct InvalidModelId(pub String);

impl FromStr for ModelId {
    type Err = InvalidModelId;

    fn from_str(text: &str) -> Result<Self, InvalidModelId> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._:/-".contains(&b);
        match (1..=LONGEST).contains(&text.len()) && text.bytes().all(plain) {
            true => Ok(Self(text.into())),
            false => Err(InvalidModelId(text.chars().take(120).collect())),
        }
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a model is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// What it is to do.
    pub task: String,
    /// What it is to read.
    pub material: String,
    /// Tokens that it may write at most.
    pub most_tokens: u32,
}

/// What a model wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The text. Untrusted.
    pub text: String,
    /// Tokens that it read, by the service's count.
    pub read_tokens: u32,
    /// Tokens that it wrote.
    pub written_tokens: u32,
    /// It came to its end, and was not cut off.
    pub is_whole: bool,
}

/// Language models of a cell.
#[async_trait]
pub trait LanguageModels: Send + Sync {
    /// Has a model write a text. A call costs money, and is never made twice: where its answer was lost, it failed as
    /// [`fleetwright_model::ErrorClass::Ambiguous`].
    ///
    /// # Errors
    /// The failure of the call; [`fleetwright_model::ErrorClass::Permanent`] where there is no such model or the prompt is
    /// too long for it.
    async fn write(&self, cell: &Cell<'_>, model: &ModelId, prompt: &Prompt) -> Result<Written, Failure>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_of_what_arns_are_made_of() {
        for good in [
            "anthropic.claude-3-5-haiku-20241022-v1:0",
            "eu.amazon.nova-lite-v1:0",
            "arn:aws:bedrock:eu-west-1::foundation-model/a",
        ] {
            assert_eq!(good.parse::<ModelId>().map(|it| it.to_string()).as_deref(), Ok(good));
        }
        for bad in ["", "a b", "a\n", "ü"] {
            assert_eq!(bad.parse::<ModelId>(), Err(InvalidModelId(bad.to_owned())));
        }
    }
}
