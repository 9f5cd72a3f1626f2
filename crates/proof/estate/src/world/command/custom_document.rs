//! An organisation's own documents: schema 2.2, with steps that run scripts.
//!
//! Rules: <https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-syntax-data-elements-parameters.html>
//! and, for parameters as environment variables, the page "Troubleshooting parameter handling issues"
//! beside it.

use serde_json::{Map, Value};

use super::parameter::{Interpolation, Parameter};
use crate::world::platform::Platform;

/// The oldest agent that gives parameters to scripts as environment variables. Older ones do not know
/// the word and leave the variable unset.
const ENVIRONMENT_SINCE: [u32; 3] = [3, 3, 2746];

/// Seconds that a step may take where it does not say.
const USUAL_SECONDS: u64 = 3_600;

/// The platforms that documents and steps tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlatformType {
    /// Linux.
    Linux,
    /// Windows.
    Windows,
    /// macOS, which none of the estate's hosts is.
    MacOs,
}

impl PlatformType {
    /// True for a host of this kind.
    #[must_use]
    pub const fn is(self, platform: Platform) -> bool {
        match self {
            Self::Linux => !platform.is_windows(),
            Self::Windows => platform.is_windows(),
            Self::MacOs => false,
        }
    }
}

/// What runs a step's script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// `aws:runShellScript`.
    Shell,
    /// `aws:runPowerShellScript`.
    PowerShell,
}

/// One step of a document. Its texts may have parameters in double braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name, unique in the document.
    pub name: String,
    /// What runs it.
    pub language: Language,
    /// The only platform it runs on, where it has a precondition.
    pub only_on: Option<PlatformType>,
    /// The script's lines.
    pub lines: Vec<String>,
    /// Where the script starts; empty for the usual place.
    pub working_directory: String,
    /// Seconds that it may take; empty for the usual time.
    pub timeout_seconds: String,
}

/// A document of the organisation's own. Every account has it in every region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomDocument {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The only platform it is for, where it says so.
    pub platform: Option<PlatformType>,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// Its steps, in the order in which they run.
    pub steps: Vec<Step>,
}

impl Step {
    /// True where it runs there. An agent skips a step whose precondition is not met, or whose plugin
    /// its platform does not have.
    #[must_use]
    pub fn runs_on(&self, platform: Platform) -> bool {
        let has_plugin = match self.language {
            Language::Shell => !platform.is_windows(),
            Language::PowerShell => platform.is_windows(),
        };
        has_plugin && self.only_on.is_none_or(|only| only.is(platform))
    }
}

/// A step's script with its parameters filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FilledStep {
    /// What it says.
    pub(super) text: String,
    /// Where it starts.
    pub(super) working_directory: String,
    /// Seconds that it may take.
    pub(super) limit_seconds: u64,
}

impl CustomDocument {
    /// True where it is for that platform and has something to run there.
    #[must_use]
    pub fn runs_on(&self, platform: Platform) -> bool {
        self.platform.is_none_or(|only| only.is(platform))
            && self.steps.iter().any(|step| step.runs_on(platform))
    }

    /// The platforms it is for, as DescribeDocument lists them: what it says, or what its steps' plugins
    /// are for.
    #[must_use]
    pub fn platforms(&self) -> &'static [&'static str] {
        let has = |language| self.steps.iter().any(|step| step.language == language);
        match self.platform {
            Some(PlatformType::Linux) => &["Linux"],
            Some(PlatformType::Windows) => &["Windows"],
            Some(PlatformType::MacOs) => &["MacOS"],
            None if has(Language::PowerShell) => &["Windows", "Linux", "MacOS"],
            None => &["Linux", "MacOS"],
        }
    }

    /// Seconds that all steps together may take.
    #[must_use]
    pub fn execution_seconds(&self, given: &Map<String, Value>) -> u64 {
        self.steps.iter().map(|step| self.step_seconds(step, given)).sum()
    }

    fn step_seconds(&self, step: &Step, given: &Map<String, Value>) -> u64 {
        self.fill(&step.timeout_seconds, given).trim().parse().unwrap_or(USUAL_SECONDS)
    }

    /// A step's script as the agent of that version runs it.
    pub(super) fn filled(&self, step: &Step, given: &Map<String, Value>, agent: &str) -> FilledStep {
        let mut lines: Vec<String> = Vec::with_capacity(step.lines.len());
        for line in &step.lines {
            // A line that is nothing but a list becomes the list's lines.
            match self.whole_list(line, given) {
                Some(list) => lines.extend(list),
                None => lines.push(self.fill(line, given)),
            }
        }
        let after_shebang = usize::from(lines.first().is_some_and(|line| line.starts_with("#!")));
        let variables =
            if knows_environment(agent) { self.variables(step.language, given) } else { Vec::new() };
        lines.splice(after_shebang..after_shebang, variables);
        FilledStep {
            text: lines.join("\n"),
            working_directory: self.fill(&step.working_directory, given),
            limit_seconds: self.step_seconds(step, given),
        }
    }

    /// The lines that set the environment variables.
    fn variables(&self, language: Language, given: &Map<String, Value>) -> Vec<String> {
        let passed = |parameter: &&Parameter| parameter.interpolation == Interpolation::EnvironmentVariable;
        let set = |parameter: &Parameter| {
            let (name, value) = (&parameter.name, values(parameter, given).concat());
            match language {
                Language::Shell => format!("export SSM_{name}='{}'", value.replace('\'', r"'\''")),
                Language::PowerShell => format!("$env:SSM_{name} = '{}'", value.replace('\'', "''")),
            }
        };
        self.parameters.iter().filter(passed).map(set).collect()
    }

    fn whole_list(&self, line: &str, given: &Map<String, Value>) -> Option<Vec<String>> {
        let name = line.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim();
        let parameter = self.parameters.iter().find(|known| known.name == name)?;
        parameter.kind.is_list().then(|| values(parameter, given))
    }

    /// A text with its parameters' values, lists as JSON.
    fn fill(&self, text: &str, given: &Map<String, Value>) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, reference, after)) = next_reference(rest) {
            filled += before;
            match self.parameters.iter().find(|known| known.name == reference) {
                Some(known) if known.kind.is_list() => {
                    filled += &Value::from(values(known, given)).to_string()
                }
                Some(known) => filled += &values(known, given).concat(),
                None => filled += &rest[before.len()..rest.len() - after.len()],
            }
            rest = after;
        }
        filled + rest
    }
}

/// The names in double braces in a text that can be parameters.
pub fn references(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, name, after) = next_reference(rest)?;
        rest = after;
        Some(name)
    })
}

/// The next name in double braces, with what is before and after it. What is no name, such as
/// `{{.Field}}`, means something to others and stays.
fn next_reference(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(found) = text[from..].find("{{") {
        let open = from + found;
        let inner = &text[open + 2..];
        if let Some(close) = inner.find("}}") {
            let name = inner[..close].trim();
            let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':');
            if !name.is_empty() && name.bytes().all(plain) {
                return Some((&text[..open], name, &inner[close + 2..]));
            }
        }
        from = open + 2;
    }
    None
}

/// A parameter's values: what was given, or the default.
fn values(parameter: &Parameter, given: &Map<String, Value>) -> Vec<String> {
    let texts = |list: &[Value]| list.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    if let Some(list) = given.get(&*parameter.name).and_then(Value::as_array) {
        return texts(list);
    }
    let default = parameter.default.as_deref().unwrap_or_default();
    if !parameter.kind.is_list() {
        return vec![default.to_owned()];
    }
    let list: Vec<Value> = serde_json::from_str(default).unwrap_or_default();
    texts(&list)
}

/// True for an agent that gives parameters to scripts as environment variables.
fn knows_environment(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let own: [u32; 3] = std::array::from_fn(|_| parts.next().unwrap_or(0));
    own >= ENVIRONMENT_SINCE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_in_double_braces_are_references() {
        let text = "docker ps --format '{{.Names}}' {{ one }} {{two}} {{ }} {{ ssm:three }} {{ open";
        assert_eq!(references(text).collect::<Vec<_>>(), ["one", "two", "ssm:three"]);
    }

    #[test]
    fn agents_know_environment_variables_from_a_version_on() {
        let known = ["3.3.2746.0", "3.3.3050.0", "3.10.0.0", "4.0"].map(knows_environment);
        let unknown = ["3.3.2745.9", "3.3.999.0", "2.3.1569.0", ""].map(knows_environment);
        assert_eq!((known, unknown), ([true; 4], [false; 4]));
    }
}
