//! Values: what a key's kind makes of a node of the file or of a text from outside.

mod duration;
mod form;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fleetwright_model::{Code, code};
use serde::Serialize;

pub(crate) use duration::show as show_duration;
pub(crate) use form::{check_form, is_environment};

use crate::keys::{Key, Kind, Reading, Secrecy, TextForm};
use crate::record::{self, Spelling};
use crate::settings::{OrderGroup, Waiver, WaveSettings};
use crate::waves;
use crate::yaml::{self, Content, Node, Source, SourceText, Span, Style};

/// A value that has been read and is within the bounds of its key.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Nothing is set.
    Unset,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Integer(u64),
    /// A number.
    Number(f64),
    /// A length of time.
    #[serde(serialize_with = "duration::serialize")]
    Duration(Duration),
    /// A text.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
    /// Tag keys with the values that match.
    Tags(BTreeMap<String, Vec<String>>),
    /// A text that is never shown.
    Secret(Secret),
    /// Waves.
    Waves(Written<Vec<WaveSettings>>),
    /// Sets of dependent instances.
    OrderGroups(Written<Vec<OrderGroup>>),
    /// Waivers.
    Waivers(Written<Vec<Waiver>>),
}

/// A structured value, with what was written for it: it is shown as that.
#[derive(Clone, Debug, PartialEq)]
pub struct Written<T> {
    /// What was written, as JSON.
    pub json: serde_json::Value,
    /// What it means.
    pub value: T,
}

impl<T> Serialize for Written<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

/// A text that is never shown: not by `Debug`, not when serialized.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// What stands for a secret wherever values are shown.
const HIDDEN: &str = "(hidden)";

impl Secret {
    /// The text, for its one use.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}

impl Value {
    /// The value as it would be written in the file; secrets are left out.
    pub fn show(&self) -> String {
        match self {
            Self::Unset => "(not set)".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Number(value) => value.to_string(),
            Self::Duration(value) => show_duration(*value),
            Self::Text(value) => value.clone(),
            Self::Texts(values) => format!("[{}]", values.join(", ")),
            Self::Tags(tags) => {
                let one = |(key, values): (&String, &Vec<String>)| format!("{key}: [{}]", values.join(", "));
                format!("{{{}}}", tags.iter().map(one).collect::<Vec<_>>().join(", "))
            }
            Self::Secret(_) => HIDDEN.to_owned(),
            Self::Waves(Written { json, .. })
            | Self::OrderGroups(Written { json, .. })
            | Self::Waivers(Written { json, .. }) => json.to_string(),
        }
    }
}

/// Why a node is not a value; the caller knows the place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    pub(crate) code: &'static Code,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    /// The offending text, where there is one.
    pub(crate) value: Option<String>,
    /// Where the fault is; without meaning for text from outside a file.
    pub(crate) span: Span,
}

impl Fault {
    pub(crate) fn new(code: &'static Code, node: &Node, message: impl Into<String>) -> Self {
        let value = match &node.content {
            Content::Scalar { text, .. } => Some(text.clone()),
            _ => None,
        };
        Self { code, message: message.into(), hint: None, value, span: node.span }
    }

    pub(crate) fn wrong(node: &Node, expected: &str) -> Self {
        Self::new(&code::WRONG_TYPE, node, format!("needs {expected}, found {}", shown(node)))
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// What was found, quoted where it is a scalar.
fn shown(node: &Node) -> String {
    match &node.content {
        Content::Scalar { text, style: Style::Plain } => format!("`{}`", crate::error::shorten(text)),
        Content::Scalar { text, style: Style::Quoted } => {
            format!("the text \"{}\"", crate::error::shorten(text))
        }
        _ => node.describe().to_owned(),
    }
}

/// Reads a node as the value of a key. `null` unsets.
pub(crate) fn read(key: &Key, reading: Reading, node: &Node) -> Result<Value, Fault> {
    let value = read_kind(key, reading, node);
    match key.secrecy {
        Secrecy::Open => value,
        Secrecy::Secret => match value {
            Ok(Value::Text(text)) => Ok(Value::Secret(Secret(text))),
            Ok(value) => Ok(value),
            Err(fault) => {
                let message = format!("is not {}", key.kind.describe());
                Err(Fault { message, value: None, hint: None, ..fault })
            }
        },
    }
}

fn read_kind(key: &Key, reading: Reading, node: &Node) -> Result<Value, Fault> {
    if node.content == Content::Null {
        return match key.default {
            None => Ok(Value::Unset),
            Some(_) => {
                Err(Fault::wrong(node, &key.kind.describe()).hint("Remove the key to get its default."))
            }
        };
    }
    match key.kind {
        Kind::Bool => Ok(Value::Bool(boolean(node)? != (reading == Reading::Inverted))),
        Kind::Integer { min, max, unit } => integer(node, reading, min, max, unit).map(Value::Integer),
        Kind::Number { min, max, unit } => number(node, min, max, unit).map(Value::Number),
        Kind::Duration { min, max } => length_in(node, reading, min, max).map(Value::Duration),
        Kind::Text(form) => text_in(node, form, reading).map(Value::Text),
        Kind::List(form) => texts(node, form).map(Value::Texts),
        Kind::TagFilter => tag_filter(node).map(Value::Tags),
        Kind::Waves => {
            written(node, |node, faults| waves::waves(node, "", Spelling::Snake, faults)).map(Value::Waves)
        }
        Kind::OrderGroups => {
            written(node, |node, faults| waves::order_groups(node, "", faults)).map(Value::OrderGroups)
        }
        Kind::Waivers => written(node, |node, faults| waves::waivers(node, "", faults)).map(Value::Waivers),
    }
}

/// Reads a structured value; of its faults the first is told.
fn written<T>(node: &Node, read: impl FnOnce(&Node, &mut Vec<Fault>) -> T) -> Result<Written<T>, Fault> {
    let mut faults = Vec::new();
    let value = read(node, &mut faults);
    match faults.into_iter().next() {
        Some(fault) => Err(fault),
        None => Ok(Written { json: record::json(node), value }),
    }
}

/// A boolean; only without quotes.
pub(crate) fn boolean(node: &Node) -> Result<bool, Fault> {
    let wrong = || Fault::wrong(node, "true or false");
    match &node.content {
        Content::Scalar { text, style: Style::Plain } => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Ok(true),
            "false" | "no" | "off" => Ok(false),
            _ => Err(wrong()),
        },
        Content::Scalar { .. } => Err(wrong().hint("Remove the quotes.")),
        _ => Err(wrong()),
    }
}

fn plain<'n>(node: &'n Node, expected: &str) -> Result<&'n str, Fault> {
    match &node.content {
        Content::Scalar { text, style: Style::Plain } => Ok(text),
        Content::Scalar { text, .. } if text.parse::<f64>().is_ok() => {
            Err(Fault::wrong(node, expected).hint("Remove the quotes."))
        }
        _ => Err(Fault::wrong(node, expected)),
    }
}

fn integer(node: &Node, reading: Reading, min: u64, max: u64, unit: &str) -> Result<u64, Fault> {
    let expected = format!("a whole number of {unit}");
    let text = plain(node, &expected)?;
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let negative = text.strip_prefix('-').is_some_and(|rest| rest.parse::<u64>().is_ok());
    if !digits && !negative {
        return Err(Fault::wrong(node, &expected));
    }
    let (shift, noun) = if reading == Reading::Retries { (1, "repetitions") } else { (0, unit) };
    let out_of_range = || {
        let message =
            format!("must be {} to {} {noun}, found {text}", min.saturating_sub(shift), max - shift);
        Fault::new(&code::OUT_OF_RANGE, node, message)
    };
    let found =
        text.parse::<u64>().ok().and_then(|found| found.checked_add(shift)).ok_or_else(out_of_range)?;
    if (min..=max).contains(&found) { Ok(found) } else { Err(out_of_range()) }
}

fn number(node: &Node, min: f64, max: f64, unit: &str) -> Result<f64, Fault> {
    let expected = format!("a number of {unit}");
    let text = plain(node, &expected)?;
    let found = text
        .parse::<f64>()
        .ok()
        .filter(|found| found.is_finite())
        .ok_or_else(|| Fault::wrong(node, &expected))?;
    if (min..=max).contains(&found) {
        Ok(found)
    } else {
        Err(Fault::new(&code::OUT_OF_RANGE, node, format!("must be {min} to {max} {unit}, found {text}")))
    }
}

/// A length of time; a plain number is seconds.
pub(crate) fn length(node: &Node, min: Duration, max: Duration) -> Result<Duration, Fault> {
    length_in(node, Reading::Same, min, max)
}

fn length_in(node: &Node, reading: Reading, min: Duration, max: Duration) -> Result<Duration, Fault> {
    const EXPECTED: &str = "a duration such as 90s, 30m or 1h30m";
    let Content::Scalar { text, .. } = &node.content else { return Err(Fault::wrong(node, EXPECTED)) };
    let (unit, unit_name) = match reading {
        Reading::Minutes => (60, "minutes"),
        _ => (1, "seconds"),
    };
    let found = duration::parse(text, unit).ok_or_else(|| Fault::wrong(node, EXPECTED))?;
    if (min..=max).contains(&found) {
        return Ok(found);
    }
    let bounds = format!("{} to {}", show_duration(min), show_duration(max));
    let fault =
        Fault::new(&code::OUT_OF_RANGE, node, format!("must be {bounds}, found {}", show_duration(found)));
    let bare = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    Err(if bare {
        fault.hint(format!("A plain number is read as {unit_name}; write a unit, e.g. {text}m."))
    } else {
        fault
    })
}

/// One text.
pub(crate) fn text(node: &Node, form: TextForm) -> Result<String, Fault> {
    text_in(node, form, Reading::Same)
}

fn text_in(node: &Node, form: TextForm, reading: Reading) -> Result<String, Fault> {
    let Content::Scalar { text, .. } = &node.content else {
        return Err(Fault::wrong(node, &form.describe()));
    };
    let translated = match (reading, text.to_ascii_lowercase().as_str()) {
        (Reading::PythonLevel, "warning") => "warn",
        (Reading::PythonLevel, "critical" | "fatal") => "error",
        _ => text,
    };
    check_form(form, translated, node)
}

/// A list of texts; one text alone is a list of one.
pub(crate) fn texts(node: &Node, form: TextForm) -> Result<Vec<String>, Fault> {
    match &node.content {
        Content::Sequence(items) => items.iter().map(|item| text(item, form)).collect(),
        Content::Scalar { .. } => Ok(vec![text(node, form)?]),
        _ => Err(Fault::wrong(node, &format!("a list; each item is {}", form.describe()))),
    }
}

/// Tag keys with one value or several.
pub(crate) fn tag_filter(node: &Node) -> Result<BTreeMap<String, Vec<String>>, Fault> {
    let Content::Mapping(entries) = &node.content else {
        return Err(Fault::wrong(node, "a mapping of tag keys to values, e.g. {Application: [web, api]}"));
    };
    let mut tags = BTreeMap::new();
    for entry in entries {
        let key_node = Node { span: entry.key_span, ..Node::plain(&entry.key) };
        let key = check_form(TextForm::TagKey, &entry.key, &key_node)?;
        let values = texts(&entry.value, TextForm::Pattern)?;
        if values.is_empty() {
            let message = format!("the tag `{key}` has no value, so that nothing would ever match");
            return Err(
                Fault::new(&code::INVALID_PATTERN, &entry.value, message).hint("Write \"*\" for any value.")
            );
        }
        tags.insert(key, values);
    }
    Ok(tags)
}

/// Reads what stands after `key:` in a file.
pub(crate) fn read_flow(key: &Key, flow: &str) -> Result<Value, Fault> {
    read(key, Reading::Same, &flow_node(flow)?)
}

/// Reads a text from a variable or a flag: lists are separated by commas, tag filters are
/// `KEY=VALUE|VALUE,KEY=VALUE`; what begins with `[` or `{` is YAML.
pub(crate) fn read_outside(key: &Key, reading: Reading, given: &str) -> Result<Value, Fault> {
    let given = given.trim();
    let parts = || given.split(',').map(str::trim).filter(|part| !part.is_empty());
    let node = match key.kind {
        Kind::List(_) | Kind::TagFilter if given.starts_with(['[', '{']) => flow_node(given)?,
        Kind::Waves | Kind::OrderGroups | Kind::Waivers => flow_node(given)?,
        Kind::List(_) => {
            Node::floating(Content::Sequence(parts().map(|part| Arc::new(Node::plain(part))).collect()))
        }
        Kind::TagFilter => tag_filter_node(parts())?,
        _ if given.is_empty() => Node::floating(Content::Null),
        _ => Node::plain(given),
    };
    read(key, reading, &node)
}

fn tag_filter_node<'t>(parts: impl Iterator<Item = &'t str>) -> Result<Node, Fault> {
    let entry = |part: &str| {
        let (key, values) = part.split_once('=').ok_or_else(|| {
            Fault::wrong(&Node::plain(part), "tag filters such as Application=web|api,Environment=prod")
        })?;
        let values = values.split('|').map(|value| Arc::new(Node::plain(value.trim()))).collect();
        Ok(yaml::Entry {
            key: key.trim().to_owned(),
            key_span: Span::default(),
            value: Arc::new(Node::floating(Content::Sequence(values))),
        })
    };
    Ok(Node::floating(Content::Mapping(parts.map(entry).collect::<Result<_, Fault>>()?)))
}

fn flow_node(flow: &str) -> Result<Node, Fault> {
    let text = SourceText::new("value", flow);
    let mut errors = Vec::new();
    let node = yaml::parse(&Source::new(&text), &mut errors);
    match (node, errors.first()) {
        (Some(node), None) => Ok((*node).clone()),
        (_, error) => {
            let message = error.map_or("is not valid YAML".to_owned(), |error| error.message.clone());
            Err(Fault::new(&code::YAML_SYNTAX, &Node::plain(flow), message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys;

    fn outside(path: &str, given: &str) -> Result<Value, Fault> {
        read_outside(keys::find(path).expect("a key").key(), Reading::Same, given)
    }

    #[test]
    fn booleans_are_understood_as_people_write_them_but_only_without_quotes() {
        assert_eq!(outside("aws.use_fips", "Yes"), Ok(Value::Bool(true)));
        assert_eq!(outside("aws.use_fips", "OFF"), Ok(Value::Bool(false)));
        let key = keys::find("aws.use_fips").expect("a key").key();
        let fault = read_flow(key, "\"true\"").expect_err("quoted");
        assert_eq!((fault.code.id, fault.hint.as_deref()), ("FW-C0004", Some("Remove the quotes.")));
    }

    #[test]
    fn numbers_outside_the_bounds_name_the_bounds() {
        let fault = outside("aws.max_attempts", "21").expect_err("too many");
        assert_eq!(
            (fault.code.id, fault.message.as_str()),
            ("FW-C0005", "must be 1 to 20 attempts, found 21")
        );
        assert_eq!(outside("aws.max_attempts", "-1").expect_err("negative").code.id, "FW-C0005");
        assert_eq!(
            outside("aws.max_attempts", "99999999999999999999").expect_err("huge").code.id,
            "FW-C0005"
        );
        assert_eq!(outside("aws.max_attempts", "many").expect_err("no number").code.id, "FW-C0004");
        assert_eq!(
            outside("safety.max_failure_percentage", "NaN").expect_err("no number").code.id,
            "FW-C0004"
        );
    }

    #[test]
    fn a_plain_number_that_was_meant_as_minutes_is_noticed() {
        let fault = outside("phases.scan.timeout", "30").expect_err("30 seconds is too short for a phase");
        assert_eq!(fault.message, "must be 1m to 3d, found 30s");
        assert_eq!(fault.hint.as_deref(), Some("A plain number is read as seconds; write a unit, e.g. 30m."));
    }

    #[test]
    fn lists_and_tag_filters_can_be_written_in_variables() {
        assert_eq!(
            outside("scan.platforms", "linux, Windows"),
            Ok(Value::Texts(vec!["linux".into(), "windows".into()]))
        );
        let tags = outside("scan.tags", "Application=web|api,Stage=prod").expect("valid");
        assert_eq!(tags.show(), "{Application: [web, api], Stage: [prod]}");
        assert_eq!(outside("scan.tags", "{Application: [web, api], Stage: prod}"), Ok(tags));
        assert_eq!(outside("scan.tags", "Application").expect_err("no value").code.id, "FW-C0004");
    }

    #[test]
    fn a_faulty_secret_is_never_repeated() {
        let fault = outside("aws.external_id", "hunter 2").expect_err("a blank");
        assert_eq!(fault.code.id, "FW-C0016");
        assert!(fault.value.is_none() && !fault.message.contains("hunter"), "{fault:?}");
    }
}
