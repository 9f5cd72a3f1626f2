//! From a value to parameters.

use fleetwright_model::redaction::is_secret_name;
use serde_json::Value;

use crate::name::{Level, Prefix};
use crate::{Fault, Kind, MOST_BYTES, MOST_BYTES_ADVANCED, MOST_LEVELS, MOST_NAME, Parameter, text};

/// Makes parameters of a value, in the order of their names.
///
/// # Errors
/// Every part that has no room: a text of more than 8 KiB, or keys that are too long together.
pub fn spread(value: &Value, prefix: &Prefix) -> Result<Vec<Parameter>, Vec<Fault>> {
    let mut spreading = Spreading { parameters: Vec::new(), faults: Vec::new() };
    spreading.take(prefix.as_str().to_owned(), prefix.levels(), false, value);
    spreading.parameters.sort_by(|a, b| a.name.cmp(&b.name));
    if spreading.faults.is_empty() { Ok(spreading.parameters) } else { Err(spreading.faults) }
}

struct Spreading {
    parameters: Vec<Parameter>,
    faults: Vec<Fault>,
}

impl Spreading {
    fn take(&mut self, name: String, levels: usize, secret: bool, value: &Value) {
        let deeper = levels < MOST_LEVELS;
        match value {
            Value::Object(members) if !members.is_empty() && deeper => {
                for (key, member) in members {
                    let name = format!("{name}/{}", Level::Key(key.clone()).written());
                    self.take(name, levels + 1, secret || is_secret_name(key), member);
                }
            }
            Value::Array(items) => {
                let listed = text::listed(items).filter(|list| !secret && list.len() <= MOST_BYTES);
                match listed {
                    Some(list) => self.put(name, Kind::StringList, list),
                    None => self.take_list(name, levels, secret, value, items),
                }
            }
            leaf => self.put(name, Self::kind(secret), text::written(leaf)),
        }
    }

    /// A list that is not one of plain texts: whole where there is room for it.
    fn take_list(&mut self, name: String, levels: usize, secret: bool, list: &Value, items: &[Value]) {
        let whole = text::written(list);
        if whole.len() <= MOST_BYTES || levels >= MOST_LEVELS {
            return self.put(name, Self::kind(secret), whole);
        }
        for (place, item) in items.iter().enumerate() {
            self.take(format!("{name}/{}", Level::Item(place).written()), levels + 1, secret, item);
        }
    }

    fn kind(secret: bool) -> Kind {
        if secret { Kind::SecureString } else { Kind::String }
    }

    fn put(&mut self, name: String, kind: Kind, value: String) {
        let (characters, bytes) = (name.chars().count(), value.len());
        if characters > MOST_NAME {
            self.faults.push(Fault::NameTooLong { name, characters });
        } else if bytes > MOST_BYTES_ADVANCED {
            self.faults.push(Fault::TooLong { name, bytes });
        } else {
            self.parameters.push(Parameter { name, kind, value });
        }
    }
}
