//! Configurations held against JSON Schemas: the part of draft 7 that the schemas of EKS' add-ons use.
//!
//! A keyword that is not known here is said to be so, and never taken for fulfilled. What is configured may be secret:
//! faults name places and what is expected there, and no value.
//!
//! Source: JSON Schema draft-07, "Core" and "Validation".

mod combined;
mod members;
mod scalar;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Schemas within schemas, references counted.
const DEPTH_MAX: usize = 64;
/// Characters of a key that are shown.
const KEY_SHOWN: usize = 120;

/// Keywords that only describe. `format` is one: draft 7 leaves it to readers (Validation, 7.2).
const ANNOTATIONS: [&str; 16] = [
    "$comment",
    "$defs",
    "$id",
    "$schema",
    "contentEncoding",
    "contentMediaType",
    "default",
    "definitions",
    "deprecated",
    "description",
    "example",
    "examples",
    "format",
    "readOnly",
    "title",
    "writeOnly",
];
/// Keywords that are asked.
const ASKED: [&str; 28] = [
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "else",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "if",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "not",
    "oneOf",
    "pattern",
    "patternProperties",
    "properties",
    "required",
    "then",
    "type",
    "uniqueItems",
    "$ref",
];

/// What a configuration has against its schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What does not fit, as place and expectation. Keys in it are untrusted text.
    pub faults: BTreeSet<String>,
    /// What could not be judged, with its places.
    pub unknown: BTreeSet<String>,
}

impl Verdict {
    fn fault(&mut self, at: &str, expected: impl AsRef<str>) {
        self.faults.insert(told(at, expected.as_ref()));
    }

    fn unclear(&mut self, at: &str, why: impl AsRef<str>) {
        self.unknown.insert(told(at, why.as_ref()));
    }

    fn add(&mut self, other: Self) {
        self.faults.extend(other.faults);
        self.unknown.extend(other.unknown);
    }

    fn fits(&self) -> bool {
        self.faults.is_empty() && self.unknown.is_empty()
    }
}

fn told(at: &str, what: &str) -> String {
    let at = if at.is_empty() { "the configuration" } else { at };
    format!("{at}: {what}")
}

/// The place of a member.
fn below(at: &str, key: &str) -> String {
    let key: String = key.chars().filter(|c| !c.is_control()).take(KEY_SHOWN).collect();
    if at.is_empty() { key } else { format!("{at}.{key}") }
}

/// Holds a configuration against a schema.
pub fn validate(schema: &Value, configuration: &Value) -> Verdict {
    Validator { root: schema }.look(schema, configuration, &Place { at: String::new(), depth: 0 })
}

/// A schema, with what its references lead to.
struct Validator<'s> {
    root: &'s Value,
}

/// Where a value stands, and how many schemas led there.
struct Place {
    at: String,
    depth: usize,
}

impl Place {
    fn deeper(&self, at: String) -> Self {
        Self { at, depth: self.depth + 1 }
    }

    fn same(&self) -> Self {
        self.deeper(self.at.clone())
    }
}

impl<'s> Validator<'s> {
    fn look(&self, schema: &'s Value, value: &Value, place: &Place) -> Verdict {
        let mut verdict = Verdict::default();
        match schema {
            Value::Bool(true) => {}
            Value::Bool(false) => verdict.fault(&place.at, "nothing is allowed here"),
            _ if place.depth > DEPTH_MAX => {
                verdict.unclear(&place.at, format!("the schema goes deeper than {DEPTH_MAX}"));
            }
            Value::Object(schema) => match schema.get("$ref") {
                // Beside a reference nothing else counts (Core, 8.3).
                Some(reference) => verdict.add(self.referred(reference, value, place)),
                None => self.keywords(schema, value, place, &mut verdict),
            },
            _ => verdict.unclear(&place.at, "its schema is neither an object nor a boolean"),
        }
        verdict
    }

    fn referred(&self, reference: &Value, value: &Value, place: &Place) -> Verdict {
        let pointer = reference.as_str().and_then(|of| of.strip_prefix('#'));
        match pointer.and_then(|pointer| self.root.pointer(pointer)) {
            Some(schema) => self.look(schema, value, &place.same()),
            None => {
                let mut verdict = Verdict::default();
                verdict.unclear(&place.at, "its schema refers to something outside of the schema");
                verdict
            }
        }
    }

    fn keywords(&self, schema: &'s Map<String, Value>, value: &Value, place: &Place, verdict: &mut Verdict) {
        let known = |key: &str| ASKED.contains(&key) || ANNOTATIONS.contains(&key) || key.starts_with("x-");
        for keyword in schema.keys().filter(|key| !known(key)) {
            let keyword = below("", keyword);
            verdict.unclear(&place.at, format!("the schema's keyword {keyword} is not known"));
        }
        scalar::check(schema, value, &place.at, verdict);
        match value {
            Value::Object(object) => self.object(schema, object, place, verdict),
            Value::Array(items) => self.array(schema, items, place, verdict),
            _ => {}
        }
        self.combined(schema, value, place, verdict);
    }
}
