//! Whether a value is of the kind its field takes.

use fleetwright_model::{code, nearest};
use serde_json::{Map, Value};

use crate::fields::{Kind, Query};
use crate::findings::{Findings, Place};
use crate::paths;

/// The end of a message about a name that is not known: `; is … meant?`, where something near is.
pub(crate) fn meant<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    nearest(name, candidates).map(|near| format!("; is `{near}` meant?")).unwrap_or_default()
}

/// The query language that an object names.
pub(crate) fn query(
    findings: &mut Findings,
    place: &Place<'_>,
    object: &Map<String, Value>,
) -> Option<Query> {
    let named = object.get("QueryLanguage")?;
    let known = [Query::JsonPath, Query::Jsonata].into_iter().find(|it| named.as_str() == Some(it.as_str()));
    if known.is_none() {
        let message = format!("`QueryLanguage` is JSONPath or JSONata, not {named}");
        findings.add(&code::DEFINITION_VALUE, &place.at("QueryLanguage"), message);
    }
    known
}

/// Whether a text stands for a value that is put in elsewhere: by CloudFormation, before Step Functions sees
/// the definition.
pub(crate) fn is_put_in(text: &str) -> bool {
    text.contains("${")
}

/// Whether a text is an expression in JSONata.
pub(crate) fn is_expression(text: &str) -> bool {
    text.starts_with("{%") && text.ends_with("%}") && text.len() >= 4
}

/// Checks one value.
pub(crate) fn check(findings: &mut Findings, place: &Place<'_>, kind: Kind, value: &Value, query: Query) {
    if let Some(text) = value.as_str() {
        let stands_in = query == Query::Jsonata && is_expression(text);
        if is_put_in(text) || (stands_in && !matches!(kind, Kind::OneOf(_) | Kind::Variables)) {
            return;
        }
    }
    let expected = match kind {
        Kind::Template => return template(findings, place, value, query),
        Kind::TemplateObject | Kind::Variables if value.is_object() => {
            return template(findings, place, value, query);
        }
        Kind::TemplateObject | Kind::Variables => Some("an object".to_owned()),
        Kind::Any => return any(findings, place, value, query),
        Kind::Own => None,
        kind => expected(kind, value),
    };
    if let Some(expected) = expected {
        findings.add(&code::DEFINITION_VALUE, place, format!("expected {expected}, not {}", shown(value)));
    }
}

/// What a simple field takes, where the value is something else.
fn expected(kind: Kind, value: &Value) -> Option<String> {
    let text = value.as_str();
    let is = |good: bool, expected: &str| (!good).then(|| expected.to_owned());
    match kind {
        Kind::Text => is(text.is_some(), "a text"),
        Kind::OneOf(words) => {
            is(text.is_some_and(|text| words.contains(&text)), &format!("one of {}", words.join(", ")))
        }
        Kind::True => is(value == &Value::Bool(true), "true"),
        Kind::Whole(least, most) => {
            let good = value.as_u64().is_some_and(|number| (least..=most).contains(&number));
            is(good, &format!("a whole number from {least} to {most}"))
        }
        Kind::Number(least, most) => {
            let good = value.as_f64().is_some_and(|number| (least..=most).contains(&number));
            is(good, &format!("a number from {least} to {most}"))
        }
        Kind::AtLeast(least) => {
            is(value.as_f64().is_some_and(|number| number >= least), &format!("a number from {least} on"))
        }
        Kind::PathOrNull => {
            is(value.is_null() || text.is_some_and(paths::is_path), "a path such as $.run, or null")
        }
        Kind::Reference => {
            is(text.is_some_and(paths::is_reference), "a path to one place, such as $.run.name")
        }
        Kind::ReferenceOrFunction => is(
            text.is_some_and(|text| paths::is_reference(text) || paths::is_function(text)),
            "a path to one place, or an intrinsic function such as States.Format(…)",
        ),
        Kind::Target => is(
            value.is_null() || text.is_some_and(paths::is_target),
            "a path to one place below the input, such as $.result, or null",
        ),
        Kind::Moment => is(text.is_some_and(paths::is_moment), "a moment such as 2026-11-01T02:00:00Z"),
        Kind::Any | Kind::Template | Kind::TemplateObject | Kind::Variables | Kind::Own => None,
    }
}

/// A value that is taken as it is, but for expressions in it.
fn any(findings: &mut Findings, place: &Place<'_>, value: &Value, query: Query) {
    if query == Query::Jsonata {
        template(findings, place, value, query);
    }
}

/// Checks what is in a payload: `name.$` in JSONPath, expressions in JSONata.
fn template(findings: &mut Findings, place: &Place<'_>, value: &Value, query: Query) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let place = place.at(name);
                let plain = name.strip_suffix(".$").filter(|_| query == Query::JsonPath);
                let Some(plain) = plain else {
                    template(findings, &place, member, query);
                    continue;
                };
                if members.contains_key(plain) {
                    let message = format!("`{plain}` is there twice: once as it is, once with `.$`");
                    findings.add(&code::DEFINITION_STRANGE, &place, message);
                }
                let good = member
                    .as_str()
                    .is_some_and(|text| is_put_in(text) || paths::is_path(text) || paths::is_function(text));
                if !good {
                    let message = format!(
                        "the name ends with `.$`, so that a path or an intrinsic function is expected, not {}",
                        shown(member)
                    );
                    findings.add(&code::DEFINITION_VALUE, &place, message);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                template(findings, &place.at(index), item, query);
            }
        }
        Value::String(text) if query == Query::Jsonata && text.starts_with("{%") != text.ends_with("%}") => {
            let message = format!("an expression begins with {{% and ends with %}}, unlike {}", shown(value));
            findings.add(&code::DEFINITION_VALUE, place, message);
        }
        _ => {}
    }
}

/// A value in a message: short.
pub(crate) fn shown(value: &Value) -> String {
    const MOST: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(MOST) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
