//! Parameters of documents, and what they take.

use std::borrow::Cow;

use serde_json::Value;

/// What a parameter takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// One text of any form.
    Text,
    /// Several texts.
    Lines,
    /// One of a few words.
    OneOf(&'static [&'static str]),
    /// A number of seconds up to two days.
    Seconds,
    /// A UUID, or nothing.
    Uuid,
    /// The name or ARN of a document.
    DocumentName,
    /// One of the values that a custom document allows.
    Allowed(Vec<String>),
    /// Several of the values that a custom document allows.
    LinesAllowed(Vec<String>),
}

/// How a parameter's value gets to a script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interpolation {
    /// Only where the script has its name in double braces, as text.
    #[default]
    Text,
    /// Also as the environment variable `SSM_NAME`, from agents that know it.
    EnvironmentVariable,
}

/// A parameter of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: Cow<'static, str>,
    /// What it takes.
    pub kind: ParameterKind,
    /// What it is without being given, a list as JSON; `None` where it must be given.
    pub default: Option<Cow<'static, str>>,
    /// What it is for.
    pub description: Cow<'static, str>,
    /// How its value gets to a script.
    pub interpolation: Interpolation,
}

/// A parameter of a document of AWS's own.
pub(super) const fn parameter(
    name: &'static str,
    kind: ParameterKind,
    default: Option<&'static str>,
    description: &'static str,
) -> Parameter {
    let default = match default {
        Some(text) => Some(Cow::Borrowed(text)),
        None => None,
    };
    Parameter {
        name: Cow::Borrowed(name),
        kind,
        default,
        description: Cow::Borrowed(description),
        interpolation: Interpolation::Text,
    }
}

impl ParameterKind {
    /// True where it takes several texts: a `StringList`.
    #[must_use]
    pub const fn is_list(&self) -> bool {
        matches!(self, Self::Lines | Self::LinesAllowed(_))
    }
}

/// True for what may be a document's name or ARN: `^[a-zA-Z0-9_\-.:/]{3,128}$`, as the parameters of
/// AWS-RunPatchBaselineWithHooks demand.
fn is_document_name(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':' | b'/');
    (3..=128).contains(&text.len()) && text.bytes().all(fits)
}

impl Parameter {
    /// Checks the values that were given for it.
    ///
    /// # Errors
    /// The message of `InvalidParameters`.
    pub(super) fn check(&self, values: &Value) -> Result<(), String> {
        let list = values.as_array().map(Vec::as_slice).unwrap_or_default();
        if self.kind.is_list() {
            let allowed = |value: &Value| match (&self.kind, value.as_str()) {
                (ParameterKind::LinesAllowed(choices), Some(text)) => choices.iter().any(|c| c == text),
                (_, text) => text.is_some(),
            };
            let fits = !list.is_empty() && list.iter().all(allowed);
            return if fits { Ok(()) } else { Err(self.refuse(values)) };
        }
        let [Value::String(one)] = list else { return Err(self.refuse(values)) };
        let fits = match &self.kind {
            ParameterKind::Text | ParameterKind::Lines | ParameterKind::LinesAllowed(_) => true,
            ParameterKind::OneOf(choices) => choices.contains(&one.as_str()),
            ParameterKind::Allowed(choices) => choices.contains(one),
            // The document's pattern allows 1 to 172,800 seconds.
            ParameterKind::Seconds => one.parse().is_ok_and(|seconds: u32| (1..=172_800).contains(&seconds)),
            ParameterKind::Uuid => one.is_empty() || super::CommandId::parse(one).is_some(),
            ParameterKind::DocumentName => is_document_name(one),
        };
        if fits { Ok(()) } else { Err(self.refuse(&list[0])) }
    }

    fn refuse(&self, value: &Value) -> String {
        let among = |choices: String| {
            format!("Parameter {} has value {value} not in the allowed values: [{choices}].", self.name)
        };
        match &self.kind {
            ParameterKind::OneOf(choices) => among(choices.join(", ")),
            ParameterKind::Allowed(choices) | ParameterKind::LinesAllowed(choices) => {
                among(choices.join(", "))
            }
            _ => format!("Parameter {} has a value {value} that its pattern does not allow.", self.name),
        }
    }
}
