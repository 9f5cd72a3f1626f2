//! Key conditions: the partition that a query reads, and which of its items.

use super::Kind;
use super::condition::{Comparator, Condition, Operand};
use super::evaluate::holds;
use super::placeholders::Placeholders;
use crate::call::ApiError;
use crate::service::dynamodb::members::{invalid, invalid_values};
use crate::world::tables::Schema;
use crate::world::tables::attribute::{Item, KeyValue, Value};

/// What a query reads.
#[derive(Clone, Debug)]
pub(in super::super) struct KeyCondition {
    /// The partition.
    pub(in super::super) partition: KeyValue,
    sort: Option<Condition>,
}

impl KeyCondition {
    /// Reads a key condition and holds it against the table's key.
    pub(in super::super) fn parse(
        text: &str,
        placeholders: &Placeholders,
        schema: &Schema,
    ) -> Result<Self, ApiError> {
        let condition = Condition::parse(Kind::KeyCondition, text, placeholders)?;
        let mut parts = Vec::new();
        flatten(condition, &mut parts)?;
        let (mut partition, mut sort) = (None, None);
        for part in parts {
            let (name, values) = about(&part)?;
            let Some(key) = schema.part(name) else {
                return Err(missed(schema, partition.is_some()));
            };
            if let Some(odd) = values.iter().find(|value| !key.kind.holds(value)) {
                let _ = odd;
                return Err(invalid_values("Condition parameter type does not match schema type"));
            }
            let is_partition = key.name == schema.partition.name;
            if (is_partition && partition.is_some()) || (!is_partition && sort.is_some()) {
                return Err(invalid("KeyConditionExpressions must only contain one condition per key"));
            }
            if is_partition {
                partition = Some(equal_to(&part)?);
            } else {
                sort = Some(part);
            }
        }
        let partition = partition.ok_or_else(|| missed(schema, false))?;
        Ok(Self { partition, sort })
    }

    /// Whether an item of the partition is wanted.
    pub(in super::super) fn wants(&self, item: &Item) -> bool {
        self.sort.as_ref().is_none_or(|condition| holds(condition, item))
    }
}

fn missed(schema: &Schema, has_partition: bool) -> ApiError {
    let name = match (&schema.sort, has_partition) {
        (Some(sort), true) => &sort.name,
        _ => &schema.partition.name,
    };
    invalid(format!("Query condition missed key schema element: {name}"))
}

/// The parts that have to be true together.
fn flatten(condition: Condition, parts: &mut Vec<Condition>) -> Result<(), ApiError> {
    match condition {
        Condition::And(one, two) => {
            flatten(*one, parts)?;
            flatten(*two, parts)
        }
        other => {
            parts.push(other);
            Ok(())
        }
    }
}

fn operator(name: &str) -> ApiError {
    Kind::KeyCondition.refuse(format_args!("Invalid operator used in KeyConditionExpression: {name}"))
}

/// The attribute a part is about, and the values it is held against.
fn about(part: &Condition) -> Result<(&str, Vec<&Value>), ApiError> {
    let unsupported = || invalid("Query key condition not supported");
    let (path, others) = match part {
        Condition::Compare(_, Comparator::NotEqual, _) => return Err(operator("<>")),
        Condition::Compare(one, _, two) | Condition::BeginsWith(one, two) => (one, vec![two]),
        Condition::Between(one, two, three) => (one, vec![two, three]),
        Condition::In(..) => return Err(operator("IN")),
        Condition::Exists(_) => return Err(operator("attribute_exists")),
        Condition::NotExists(_) => return Err(operator("attribute_not_exists")),
        Condition::HasType(..) => return Err(operator("attribute_type")),
        Condition::Contains(..) => return Err(operator("contains")),
        Condition::Or(..) => return Err(operator("OR")),
        Condition::Not(_) => return Err(operator("NOT")),
        Condition::And(..) => return Err(unsupported()),
    };
    let Operand::Path(path) = path else { return Err(unsupported()) };
    let name = path.whole_attribute().ok_or_else(|| {
        Kind::KeyCondition.refuse("KeyConditionExpressions cannot have conditions on nested attributes")
    })?;
    let values: Option<Vec<&Value>> = others
        .into_iter()
        .map(|operand| match operand {
            Operand::Value(value) => Some(value),
            _ => None,
        })
        .collect();
    Ok((name, values.ok_or_else(unsupported)?))
}

/// The value that the partition key has to have.
fn equal_to(part: &Condition) -> Result<KeyValue, ApiError> {
    match part {
        Condition::Compare(_, Comparator::Equal, Operand::Value(value)) => {
            KeyValue::of(value).ok_or_else(|| invalid("Query key condition not supported"))
        }
        _ => Err(invalid("Query key condition not supported")),
    }
}
