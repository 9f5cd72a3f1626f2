//! What is asked of a value whatever is in it: its type, its bounds, its text.

use regex_lite::Regex;
use serde_json::{Map, Value};

use super::Verdict;

pub(super) fn check(schema: &Map<String, Value>, value: &Value, at: &str, verdict: &mut Verdict) {
    kind(schema, value, at, verdict);
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && !allowed.iter().any(|one| same(one, value))
    {
        let named: Vec<String> = allowed.iter().take(20).map(ToString::to_string).collect();
        verdict.fault(at, format!("one of {}", named.join(", ")));
    }
    if let Some(only) = schema.get("const")
        && !same(only, value)
    {
        verdict.fault(at, format!("only {only}"));
    }
    match value {
        Value::Number(number) => bounds(schema, number.as_f64(), at, verdict),
        Value::String(text) => text_of(schema, text, at, verdict),
        _ => {}
    }
}

/// Whether two values are the same; 1 and 1.0 are (Core, 4.2.3).
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        _ => one == other,
    }
}

fn kind(schema: &Map<String, Value>, value: &Value, at: &str, verdict: &mut Verdict) {
    let Some(wanted) = schema.get("type") else { return };
    let wanted: Vec<&str> = match wanted {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => return verdict.unclear(at, "the schema's type is neither a name nor a list of names"),
    };
    if !wanted.iter().any(|wanted| is_a(value, wanted)) {
        verdict.fault(at, format!("of type {}", wanted.join(" or ")));
    }
}

fn is_a(value: &Value, kind: &str) -> bool {
    match (kind, value) {
        ("null", Value::Null)
        | ("boolean", Value::Bool(_))
        | ("string", Value::String(_))
        | ("array", Value::Array(_))
        | ("object", Value::Object(_))
        | ("number", Value::Number(_)) => true,
        ("integer", Value::Number(number)) => number.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => false,
    }
}

fn bounds(schema: &Map<String, Value>, number: Option<f64>, at: &str, verdict: &mut Verdict) {
    type Breaks = fn(f64, f64) -> bool;
    const BOUNDS: [(&str, &str, Breaks); 4] = [
        ("minimum", "at least", |number, bound| number < bound),
        ("maximum", "at most", |number, bound| number > bound),
        ("exclusiveMinimum", "more than", |number, bound| number <= bound),
        ("exclusiveMaximum", "less than", |number, bound| number >= bound),
    ];
    let Some(number) = number else { return };
    for (keyword, words, breaks) in BOUNDS {
        match schema.get(keyword).map(Value::as_f64) {
            Some(Some(bound)) if breaks(number, bound) => verdict.fault(at, format!("{words} {bound}")),
            Some(None) => verdict.unclear(at, format!("the schema's {keyword} is no number")),
            _ => {}
        }
    }
}

fn text_of(schema: &Map<String, Value>, text: &str, at: &str, verdict: &mut Verdict) {
    let characters = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
    let bound = |keyword: &str| schema.get(keyword).and_then(Value::as_u64);
    if let Some(least) = bound("minLength").filter(|least| characters < *least) {
        verdict.fault(at, format!("{least} characters at least"));
    }
    if let Some(most) = bound("maxLength").filter(|most| characters > *most) {
        verdict.fault(at, format!("{most} characters at most"));
    }
    match schema.get("pattern").and_then(Value::as_str).map(|pattern| (pattern, Regex::new(pattern))) {
        Some((pattern, Ok(read))) if !read.is_match(text) => {
            verdict.fault(at, format!("a text that fits {pattern}"));
        }
        Some((_, Err(_))) => verdict.unclear(at, "the schema's pattern cannot be read"),
        _ => {}
    }
}
