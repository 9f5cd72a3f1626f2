//! Documents of Systems Manager that the organisation has written itself.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::world::command::custom_document::{CustomDocument, Language, PlatformType, Step, references};
use crate::world::command::document::Document;
use crate::world::command::parameter::{Interpolation, Parameter, ParameterKind};

/// A document of the organisation's own; every account has it in every region.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentSection {
    /// Its name: 3 to 128 letters, digits, `_`, `-` and `.`; not AWS's.
    pub name: String,
    /// The only platform it is for; what its steps can run on where absent.
    pub platform: Option<PlatformName>,
    /// What it says: a table, or the same as JSON in a text.
    pub content: toml::Value,
}

/// A platform as documents name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlatformName {
    /// Linux.
    #[serde(alias = "Linux")]
    Linux,
    /// Windows.
    #[serde(alias = "Windows")]
    Windows,
    /// macOS.
    #[serde(alias = "MacOS")]
    MacOs,
}

impl From<PlatformName> for PlatformType {
    fn from(name: PlatformName) -> Self {
        match name {
            PlatformName::Linux => Self::Linux,
            PlatformName::Windows => Self::Windows,
            PlatformName::MacOs => Self::MacOs,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Content {
    schema_version: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    parameters: BTreeMap<String, ParameterContent>,
    main_steps: Vec<StepContent>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
enum Type {
    String,
    StringList,
}

#[derive(Deserialize)]
enum InterpolationType {
    #[serde(rename = "ENV_VAR")]
    EnvironmentVariable,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ParameterContent {
    #[serde(rename = "type")]
    kind: Type,
    #[serde(default)]
    description: String,
    default: Option<OneOrMany>,
    allowed_values: Option<Vec<String>>,
    interpolation_type: Option<InterpolationType>,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
enum Action {
    #[serde(rename = "aws:runShellScript")]
    Shell,
    #[serde(rename = "aws:runPowerShellScript")]
    PowerShell,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepContent {
    action: Action,
    name: String,
    precondition: Option<Precondition>,
    inputs: Inputs,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Precondition {
    #[serde(rename = "StringEquals")]
    equal: (String, PlatformName),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Inputs {
    run_command: OneOrMany,
    #[serde(default)]
    working_directory: String,
    timeout_seconds: Option<NumberOrText>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(u32),
    Text(String),
}

/// Makes them.
///
/// # Errors
/// The number of the section that cannot be used, why, and what to do.
pub(super) fn make(sections: &[DocumentSection]) -> Result<Vec<Arc<CustomDocument>>, (usize, String)> {
    let mut made: Vec<Arc<CustomDocument>> = Vec::with_capacity(sections.len());
    for (nth, section) in sections.iter().enumerate() {
        let wrong = |problem: String| (nth, format!("document \"{}\": {problem}", section.name));
        check_name(&section.name).map_err(wrong)?;
        if Document::find(&section.name, &made).is_some() {
            return Err(wrong("there is one of that name already; each name must be unique".to_owned()));
        }
        let content = read(&section.content).map_err(wrong)?;
        made.push(Arc::new(document(section, content).map_err(wrong)?));
    }
    Ok(made)
}

/// Systems Manager's `DocumentName`, and the prefixes that CreateDocument keeps for AWS.
fn check_name(name: &str) -> Result<(), String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if !(3..=128).contains(&name.len()) || !name.bytes().all(fits) {
        return Err("a name has 3 to 128 letters, digits, _, - and .".to_owned());
    }
    let lower = name.to_ascii_lowercase();
    match ["aws", "amazon", "amzn"].into_iter().find(|prefix| lower.starts_with(prefix)) {
        Some(prefix) => Err(format!("names that begin with {prefix} are AWS's; choose another")),
        None => Ok(()),
    }
}

fn read(content: &toml::Value) -> Result<Content, String> {
    let read = match content {
        toml::Value::String(text) => {
            serde_json::from_str(text).map_err(|error| format!("content is not valid: {error}"))
        }
        other => {
            other.clone().try_into().map_err(|error| format!("content is not valid: {}", error.message()))
        }
    }?;
    let Content { schema_version, main_steps, .. } = &read;
    if schema_version != "2.2" {
        return Err(format!("schemaVersion \"{schema_version}\": the estate runs \"2.2\" only"));
    }
    if main_steps.is_empty() {
        return Err("mainSteps is empty; name one step at least".to_owned());
    }
    Ok(read)
}

fn document(section: &DocumentSection, content: Content) -> Result<CustomDocument, String> {
    let parameters: Vec<Parameter> = content
        .parameters
        .into_iter()
        .map(|(name, given)| parameter(name, given))
        .collect::<Result<_, _>>()?;
    let steps: Vec<Step> = content.main_steps.into_iter().map(step).collect::<Result<_, _>>()?;
    let mut names = BTreeSet::new();
    for step in &steps {
        if !names.insert(&step.name) {
            return Err(format!("two steps are named \"{}\"; each name must be unique", step.name));
        }
        let texts = step.lines.iter().chain([&step.working_directory, &step.timeout_seconds]);
        let known = |name: &&str| parameters.iter().any(|parameter| parameter.name == **name);
        if let Some(unknown) = texts.flat_map(|text| references(text)).find(|name| !known(name)) {
            return Err(format!(
                "step {}: {{{{ {unknown} }}}} is no parameter of the document; define it under parameters",
                step.name
            ));
        }
    }
    let made = CustomDocument {
        name: section.name.clone(),
        description: content.description,
        platform: section.platform.map(PlatformType::from),
        parameters,
        steps,
    };
    Ok(made)
}

fn parameter(name: String, given: ParameterContent) -> Result<Parameter, String> {
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err(format!("parameter \"{name}\": a name has letters, digits and _ only"));
    }
    let list = given.kind == Type::StringList;
    let kind = match (given.kind, given.allowed_values) {
        (Type::String, None) => ParameterKind::Text,
        (Type::StringList, None) => ParameterKind::Lines,
        (Type::String, Some(choices)) => ParameterKind::Allowed(choices),
        (Type::StringList, Some(choices)) => ParameterKind::LinesAllowed(choices),
    };
    let interpolation = match given.interpolation_type {
        None => Interpolation::Text,
        Some(InterpolationType::EnvironmentVariable) if list => {
            return Err(format!("parameter {name}: only a String can be an environment variable"));
        }
        Some(InterpolationType::EnvironmentVariable) => Interpolation::EnvironmentVariable,
    };
    let default = match given.default {
        None => None,
        Some(OneOrMany::One(text)) if !list => Some(text),
        Some(OneOrMany::Many(texts)) if list => Some(Value::from(texts).to_string()),
        Some(_) => return Err(format!("parameter {name}: its default is not of its type")),
    };
    Ok(Parameter {
        name: name.into(),
        kind,
        default: default.map(Cow::Owned),
        description: given.description.into(),
        interpolation,
    })
}

fn step(content: StepContent) -> Result<Step, String> {
    let name = content.name;
    let only_on = match content.precondition {
        None => None,
        Some(Precondition { equal: (what, platform) }) if what == "platformType" => Some(platform.into()),
        Some(Precondition { equal: (what, _) }) => {
            return Err(format!(
                "step {name}: the estate compares platformType in preconditions, not {what}"
            ));
        }
    };
    let lines = match content.inputs.run_command {
        OneOrMany::One(line) => vec![line],
        OneOrMany::Many(lines) => lines,
    };
    Ok(Step {
        name,
        language: match content.action {
            Action::Shell => Language::Shell,
            Action::PowerShell => Language::PowerShell,
        },
        only_on,
        lines,
        working_directory: content.inputs.working_directory,
        timeout_seconds: match content.inputs.timeout_seconds {
            None => String::new(),
            Some(NumberOrText::Number(seconds)) => seconds.to_string(),
            Some(NumberOrText::Text(text)) => text,
        },
    })
}
