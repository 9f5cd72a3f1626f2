//! Members of objects and items of arrays.

use regex_lite::Regex;
use serde_json::{Map, Value};

use super::{Place, Validator, Verdict, below};

/// A bound of a schema; what is no whole number bounds nothing that could be counted.
fn bound(schema: &Map<String, Value>, keyword: &str, place: &Place, verdict: &mut Verdict) -> Option<u64> {
    let value = schema.get(keyword)?;
    let bound = value.as_u64();
    if bound.is_none() {
        verdict.unclear(&place.at, format!("the schema's {keyword} is no whole number"));
    }
    bound
}

fn count(
    schema: &Map<String, Value>,
    (least, most): (&str, &str),
    (number, of): (usize, &str),
    place: &Place,
    verdict: &mut Verdict,
) {
    let number = u64::try_from(number).unwrap_or(u64::MAX);
    if let Some(least) = bound(schema, least, place, verdict).filter(|least| number < *least) {
        verdict.fault(&place.at, format!("{least} {of} at least"));
    }
    if let Some(most) = bound(schema, most, place, verdict).filter(|most| number > *most) {
        verdict.fault(&place.at, format!("{most} {of} at most"));
    }
}

impl<'s> Validator<'s> {
    pub(super) fn object(
        &self,
        schema: &'s Map<String, Value>,
        object: &Map<String, Value>,
        place: &Place,
        verdict: &mut Verdict,
    ) {
        for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
            if name.as_str().is_some_and(|name| !object.contains_key(name)) {
                verdict.fault(&place.at, format!("{} is required", below("", name.as_str().unwrap_or(""))));
            }
        }
        count(schema, ("minProperties", "maxProperties"), (object.len(), "members"), place, verdict);
        let properties = schema.get("properties").and_then(Value::as_object);
        let patterns = patterns(schema, place, verdict);
        let additional = schema.get("additionalProperties");
        for (key, value) in object {
            let member = place.deeper(below(&place.at, key));
            let named = properties.and_then(|all| all.get(key));
            let fitting =
                patterns.iter().filter(|(pattern, _)| pattern.is_match(key)).map(|(_, schema)| *schema);
            let schemas: Vec<&'s Value> = named.into_iter().chain(fitting).collect();
            match (schemas.is_empty(), additional) {
                (true, Some(Value::Bool(false))) => {
                    verdict.fault(&member.at, "the version does not know this setting");
                }
                (true, Some(schema)) => verdict.add(self.look(schema, value, &member)),
                _ => schemas.into_iter().for_each(|schema| verdict.add(self.look(schema, value, &member))),
            }
        }
    }

    pub(super) fn array(
        &self,
        schema: &'s Map<String, Value>,
        items: &[Value],
        place: &Place,
        verdict: &mut Verdict,
    ) {
        count(schema, ("minItems", "maxItems"), (items.len(), "items"), place, verdict);
        let twice = || items.iter().enumerate().any(|(index, item)| items[..index].contains(item));
        if schema.get("uniqueItems") == Some(&Value::Bool(true)) && twice() {
            verdict.fault(&place.at, "no item twice");
        }
        match schema.get("items") {
            None => {}
            Some(Value::Array(_)) => verdict.unclear(&place.at, "the schema has one schema for each item"),
            Some(schema) => {
                for (index, item) in items.iter().enumerate() {
                    let at = format!("{}[{index}]", place.at);
                    verdict.add(self.look(schema, item, &place.deeper(at)));
                }
            }
        }
    }
}

/// `patternProperties` that can be read.
fn patterns<'s>(
    schema: &'s Map<String, Value>,
    place: &Place,
    verdict: &mut Verdict,
) -> Vec<(Regex, &'s Value)> {
    let all = schema.get("patternProperties").and_then(Value::as_object);
    let mut read = Vec::new();
    for (pattern, schema) in all.into_iter().flatten() {
        match Regex::new(pattern) {
            Ok(pattern) => read.push((pattern, schema)),
            Err(_) => verdict.unclear(&place.at, "a pattern of the schema cannot be read"),
        }
    }
    read
}
