//! Names and values that expressions refer to by placeholders.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::Kind;
use crate::call::ApiError;
use crate::service::dynamodb::attribute;
use crate::service::dynamodb::members::{Members, invalid, object, wrong_type};
use crate::world::tables::attribute::Value;

const NAMES: &str = "ExpressionAttributeNames";
const VALUES: &str = "ExpressionAttributeValues";

/// The placeholders of a request, and which of them its expressions have used.
#[derive(Debug, Default)]
pub(in super::super) struct Placeholders {
    names: Option<BTreeMap<String, String>>,
    values: Option<BTreeMap<String, Value>>,
    used: RefCell<BTreeSet<String>>,
}

impl Placeholders {
    /// Reads them out of a request.
    pub(in super::super) fn read(members: &Members) -> Result<Self, ApiError> {
        let read = |member: &'static str, sign: char| -> Result<Option<&Members>, ApiError> {
            let Some(given) = object(members, member)? else { return Ok(None) };
            if given.is_empty() {
                return Err(invalid(format!("{member} must not be empty")));
            }
            match given.keys().find(|key| !is_placeholder(key, sign)) {
                Some(odd) => {
                    Err(invalid(format!("{member} contains invalid key: Syntax error; key: \"{odd}\"")))
                }
                None => Ok(Some(given)),
            }
        };
        let names = read(NAMES, '#')?.map(|given| {
            let pair = |(key, name): (&String, &serde_json::Value)| {
                Ok((key.clone(), name.as_str().ok_or_else(|| wrong_type(NAMES))?.to_owned()))
            };
            given.iter().map(pair).collect::<Result<_, ApiError>>()
        });
        let values = read(VALUES, ':')?.map(|given| {
            let pair = |(key, value): (&String, &serde_json::Value)| match attribute::read(value) {
                Ok(value) => Ok((key.clone(), value)),
                Err(error) if error.code == "ValidationException" => {
                    Err(invalid(format!("{VALUES} contains invalid value: {} for key {key}", error.message)))
                }
                Err(error) => Err(error),
            };
            given.iter().map(pair).collect::<Result<_, ApiError>>()
        });
        Ok(Self { names: names.transpose()?, values: values.transpose()?, used: RefCell::default() })
    }

    /// The name behind a placeholder.
    pub(super) fn name(&self, kind: Kind, placeholder: &str) -> Result<String, ApiError> {
        let found = self.names.as_ref().and_then(|names| names.get(placeholder));
        self.used.borrow_mut().insert(placeholder.to_owned());
        found.cloned().ok_or_else(|| {
            kind.refuse(format_args!(
                "An expression attribute name used in the document path is not defined; attribute name: \
                 {placeholder}"
            ))
        })
    }

    /// The value behind a placeholder.
    pub(super) fn value(&self, kind: Kind, placeholder: &str) -> Result<Value, ApiError> {
        let found = self.values.as_ref().and_then(|values| values.get(placeholder));
        self.used.borrow_mut().insert(placeholder.to_owned());
        found.cloned().ok_or_else(|| {
            kind.refuse(format_args!(
                "An expression attribute value used in expression is not defined; attribute value: {placeholder}"
            ))
        })
    }

    /// Refuses what no expression has used; `expressions` says whether there was one that could.
    pub(in super::super) fn all_used(&self, expressions: bool) -> Result<(), ApiError> {
        let used = self.used.borrow();
        let names = self.names.as_ref().map(|names| names.keys().collect::<Vec<_>>());
        let values = self.values.as_ref().map(|values| values.keys().collect::<Vec<_>>());
        for (member, given) in [(NAMES, names), (VALUES, values)] {
            let Some(given) = given else { continue };
            if !expressions {
                return Err(invalid(format!("{member} can only be specified when using expressions")));
            }
            let unused: Vec<&str> =
                given.into_iter().filter(|key| !used.contains(*key)).map(String::as_str).collect();
            if !unused.is_empty() {
                return Err(invalid(format!(
                    "Value provided in {member} unused in expressions: keys: {{{}}}",
                    unused.join(", ")
                )));
            }
        }
        Ok(())
    }
}

fn is_placeholder(key: &str, sign: char) -> bool {
    key.strip_prefix(sign)
        .is_some_and(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
}
