//! From parameters to the value they were made of.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::name::{Level, Prefix};
use crate::{Fault, Kind, text};

/// A parameter as it was read, decrypted.
#[derive(Clone, Copy)]
pub struct Stored<'a> {
    /// Its whole name.
    pub name: &'a str,
    /// What it is.
    pub kind: Kind,
    /// Its value. May be a secret.
    pub value: &'a str,
}

/// Makes the value of parameters. Those that are not below the prefix are passed over. No parameter at all is no
/// value.
///
/// # Errors
/// Every parameter below the prefix that is no part of one value: a name that no key is written as, a parameter that
/// has others below it, a list that lacks an item.
pub fn gather<'a>(
    parameters: impl IntoIterator<Item = Stored<'a>>,
    prefix: &Prefix,
) -> Result<Option<Value>, Vec<Fault>> {
    let mut root = Node::default();
    let mut faults = Vec::new();
    for stored in parameters {
        let Some(below) = prefix.below(stored.name) else { continue };
        let levels: Option<Vec<Level>> = below.into_iter().map(Level::read).collect();
        match levels {
            Some(levels) => root.put(levels, stored),
            None => faults.push(strange(stored.name, "its levels are not written as keys are")),
        }
    }
    let value = root.into_value(prefix.as_str(), &mut faults);
    if faults.is_empty() { Ok(value) } else { Err(faults) }
}

fn strange(name: &str, why: &'static str) -> Fault {
    Fault::Strange { name: name.to_owned(), why }
}

/// What stands at one name.
#[derive(Default)]
struct Node {
    leaf: Option<Value>,
    below: BTreeMap<Level, Node>,
}

impl Node {
    fn put(&mut self, levels: Vec<Level>, stored: Stored<'_>) {
        let node = levels.into_iter().fold(self, |node, level| node.below.entry(level).or_default());
        node.leaf = Some(match stored.kind {
            Kind::StringList => text::items(stored.value),
            Kind::String | Kind::SecureString => text::read(stored.value),
        });
    }

    fn into_value(self, name: &str, faults: &mut Vec<Fault>) -> Option<Value> {
        if self.below.is_empty() {
            return self.leaf;
        }
        if self.leaf.is_some() {
            faults.push(strange(name, "it has a value and others below it"));
        }
        let count = self.below.len();
        let (mut members, mut items) = (Map::new(), Vec::new());
        for (level, node) in self.below {
            let Some(value) = node.into_value(&format!("{name}/{}", level.written()), faults) else {
                continue;
            };
            match level {
                Level::Key(key) => drop(members.insert(key, value)),
                // Items come in order, because levels are sorted by their places.
                Level::Item(place) if place == items.len() => items.push(value),
                Level::Item(_) => faults.push(strange(name, "an item of its list is missing")),
            }
        }
        if !items.is_empty() && items.len() < count && !members.is_empty() {
            faults.push(strange(name, "it has keys and items of a list below it"));
        }
        Some(if items.is_empty() { Value::Object(members) } else { Value::Array(items) })
    }
}
