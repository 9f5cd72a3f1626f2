//! What a target is told of an event: all of it, a part, something else, or a text with parts of it.
//!
//! Source: EventBridge user guide, "Amazon EventBridge input transformation"; EventBridge API reference,
//! "InputTransformer". A variable whose path leads nowhere is an empty text.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::path::Path;

/// What is known of the rule that matched.
#[derive(Clone, Copy, Debug)]
pub struct Matched<'r> {
    /// The rule's ARN.
    pub arn: &'r str,
    /// Its name.
    pub name: &'r str,
    /// When the event came in, as EventBridge writes it.
    pub ingested: &'r str,
}

/// What a target is told.
///
/// # Errors
/// Why nothing can be made of the event.
pub fn payload(target: &Map<String, Value>, event: &Value, rule: Matched<'_>) -> Result<String, String> {
    let text = |name: &str| target.get(name).and_then(Value::as_str);
    if let Some(constant) = text("Input") {
        return Ok(constant.to_owned());
    }
    if let Some(given) = text("InputPath") {
        let found = Path::parse(given).and_then(|path| path.find(event));
        return found
            .map(|value| value.to_string())
            .ok_or_else(|| format!("InputPath {given} leads nowhere"));
    }
    let Some(transformer) = target.get("InputTransformer") else { return Ok(event.to_string()) };
    let template = transformer["InputTemplate"].as_str().ok_or("InputTransformer has no InputTemplate")?;
    let variables = variables(&transformer["InputPathsMap"], event, rule);
    Ok(filled(template, &variables))
}

fn variables(paths: &Value, event: &Value, rule: Matched<'_>) -> BTreeMap<String, Value> {
    let nowhere = || Value::String(String::new());
    let mut variables: BTreeMap<String, Value> = paths
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, path)| {
            let found = path.as_str().and_then(Path::parse).and_then(|path| path.find(event));
            (name.clone(), found.unwrap_or_else(nowhere))
        })
        .collect();
    let mut without_detail = event.clone();
    if let Some(members) = without_detail.as_object_mut() {
        members.remove("detail");
    }
    variables.extend([
        ("aws.events.rule-arn".to_owned(), rule.arn.into()),
        ("aws.events.rule-name".to_owned(), rule.name.into()),
        ("aws.events.event.ingestion-time".to_owned(), rule.ingested.into()),
        ("aws.events.event".to_owned(), without_detail),
        ("aws.events.event.json".to_owned(), event.clone()),
    ]);
    variables
}

/// The template with its variables' values: as JSON, but within quotes as text.
fn filled(template: &str, variables: &BTreeMap<String, Value>) -> String {
    let mut out = String::with_capacity(template.len());
    let mut quoted = false;
    let mut rest = template;
    while let Some(first) = rest.chars().next() {
        let named = rest.strip_prefix('<').and_then(|inner| inner.split_once('>'));
        if let Some((value, behind)) = named.and_then(|(name, rest)| Some((variables.get(name)?, rest))) {
            out.push_str(&if quoted { within_quotes(value) } else { value.to_string() });
            rest = behind;
            continue;
        }
        // A character behind a backslash ends no text.
        let taken = match first {
            '\\' => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            _ => first.len_utf8(),
        };
        quoted ^= first == '"';
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out
}

fn within_quotes(value: &Value) -> String {
    match value {
        Value::String(_) => {
            let escaped = value.to_string();
            escaped[1..escaped.len() - 1].to_owned()
        }
        Value::Array(_) | Value::Object(_) => value.to_string().replace('"', ""),
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RULE: Matched<'_> = Matched { arn: "arn:rule", name: "r", ingested: "2026-03-02T08:00:00Z" };

    fn told(target: &Value) -> Result<String, String> {
        let event = json!({
            "id": "e-1",
            "detail": { "host": "i-1", "said": "a \"b\"", "count": 2, "tags": ["x", "y"] },
        });
        payload(target.as_object().expect("members"), &event, RULE)
    }

    #[test]
    fn a_target_is_told_all_or_a_part_or_something_else() {
        let all = told(&json!({})).expect("an event");
        assert_eq!(serde_json::from_str::<Value>(&all).expect("JSON")["id"], "e-1");
        assert_eq!(told(&json!({ "Input": "{\"a\":1}" })), Ok("{\"a\":1}".to_owned()));
        assert_eq!(told(&json!({ "InputPath": "$.detail.tags" })), Ok(r#"["x","y"]"#.to_owned()));
        assert_eq!(told(&json!({ "InputPath": "$.no" })), Err("InputPath $.no leads nowhere".to_owned()));
    }

    #[test]
    fn variables_are_json_outside_of_quotes_and_text_within() {
        let paths = json!({ "h": "$.detail.host", "s": "$.detail.said", "n": "$.detail.count", "t": "$.detail.tags", "no": "$.no" });
        for (template, expected) in [
            ("\"<h> has <n>\"", "\"i-1 has 2\""),
            ("{\"a\":<h>,\"b\":<n>,\"c\":<t>}", r#"{"a":"i-1","b":2,"c":["x","y"]}"#),
            ("{\"a\":\"<s>\",\"b\":<s>}", r#"{"a":"a \"b\"","b":"a \"b\""}"#),
            ("\"say \\\"<h>\\\" <t>\"", "\"say \\\"i-1\\\" [x,y]\""),
            ("\"<no>|<unknown>|<aws.events.rule-name>\"", "\"|<unknown>|r\""),
            ("<aws.events.event>", r#"{"id":"e-1"}"#),
        ] {
            let target = json!({ "InputTransformer": { "InputPathsMap": paths, "InputTemplate": template } });
            assert_eq!(told(&target), Ok(expected.to_owned()), "{template}");
        }
    }
}
