//! Event patterns: which events a rule is about.
//!
//! Source: EventBridge user guide, "Amazon EventBridge event patterns" and "Comparison operators for use in
//! event patterns". Numbers are compared by how they are written, as the guide says, but for exponents, which
//! are gone when a pattern has been read.

mod network;
mod test;
mod wildcard;

use serde_json::{Map, Value};

use test::Test;

/// Characters of a pattern, at most (user guide, "Amazon EventBridge quotas").
pub const MAX_CHARACTERS: usize = 2_048;

/// Why a pattern is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Event pattern is not valid. Reason: {0}")]
pub struct PatternError(String);

impl PatternError {
    fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// A pattern that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern(Node);

/// What an object has to be like: every field as it says, and of each group of alternatives one.
#[derive(Clone, Debug, Default, PartialEq)]
struct Node {
    fields: Vec<(String, Field)>,
    alternatives: Vec<Vec<Node>>,
}

/// What a field has to be like.
#[derive(Clone, Debug, PartialEq)]
enum Field {
    /// An object.
    Nested(Node),
    /// A value that passes one of the tests.
    Leaf(Vec<Test>),
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in the service's words.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let document: Value = serde_json::from_str(text)
            .map_err(|error| PatternError::new(format!("Invalid JSON: {error}")))?;
        let members = document.as_object().ok_or_else(|| PatternError::new("Filter is not an object"))?;
        Node::parse(members).map(Self)
    }

    /// Whether an event is as the pattern says.
    #[must_use]
    pub fn matches(&self, event: &Value) -> bool {
        self.0.fits(event)
    }
}

/// The alternatives of `$or`: two objects at least. With anything else it is a field like another.
fn alternatives(value: &Value) -> Option<Vec<&Map<String, Value>>> {
    let objects: Vec<_> = value.as_array()?.iter().map(Value::as_object).collect::<Option<_>>()?;
    let are_patterns =
        objects.iter().all(|it| !it.keys().any(|name| test::OPERATORS.contains(&name.as_str())));
    (objects.len() >= 2 && are_patterns).then_some(objects)
}

impl Node {
    fn parse(members: &Map<String, Value>) -> Result<Self, PatternError> {
        if members.is_empty() {
            return Err(PatternError::new("Empty objects are not allowed"));
        }
        let mut node = Self::default();
        for (name, value) in members {
            if let Some(all) = alternatives(value).filter(|_| name == "$or") {
                node.alternatives.push(all.into_iter().map(Self::parse).collect::<Result<_, _>>()?);
                continue;
            }
            let field = match value {
                Value::Object(nested) => Field::Nested(Self::parse(nested)?),
                Value::Array(tests) if tests.is_empty() => {
                    return Err(PatternError::new("Empty arrays are not allowed"));
                }
                Value::Array(tests) => Field::Leaf(tests.iter().map(Test::parse).collect::<Result<_, _>>()?),
                _ => return Err(PatternError::new(format!("\"{name}\" must be an object or an array"))),
            };
            node.fields.push((name.clone(), field));
        }
        Ok(node)
    }

    /// Of an array, one element has to fit as a whole.
    fn fits(&self, value: &Value) -> bool {
        match value {
            Value::Array(elements) if !elements.is_empty() => elements.iter().any(|it| self.fits(it)),
            other => self.fits_members(other.as_object()),
        }
    }

    fn fits_members(&self, members: Option<&Map<String, Value>>) -> bool {
        let get = |name: &str| members.and_then(|members| members.get(name));
        let fields = self.fields.iter().all(|(name, field)| match (field, get(name)) {
            (Field::Nested(node), Some(value)) => node.fits(value),
            (Field::Nested(node), None) => node.fits_members(None),
            (Field::Leaf(tests), value) => fits_leaf(tests, value),
        });
        fields && self.alternatives.iter().all(|group| group.iter().any(|node| node.fits_members(members)))
    }
}

/// Whether one of the values at a leaf passes one of the tests. An object is no leaf, and an empty array has
/// no value.
fn fits_leaf(tests: &[Test], value: Option<&Value>) -> bool {
    let mut leaves = Vec::new();
    if let Some(value) = value {
        collect(value, &mut leaves);
    }
    match leaves.is_empty() {
        true => tests.iter().any(Test::wants_absence),
        false => leaves.into_iter().any(|leaf| tests.iter().any(|test| test.fits(leaf))),
    }
}

fn collect<'v>(value: &'v Value, leaves: &mut Vec<&'v Value>) {
    match value {
        Value::Object(_) => {}
        Value::Array(elements) => elements.iter().for_each(|element| collect(element, leaves)),
        leaf => leaves.push(leaf),
    }
}

#[cfg(test)]
mod tests;
