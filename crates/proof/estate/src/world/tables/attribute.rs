//! The values that items hold.

use std::collections::{BTreeMap, BTreeSet};

use super::number::Number;

/// An item: attributes by name.
pub type Item = BTreeMap<String, Value>;

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text.
    S(String),
    /// A number.
    N(Number),
    /// Bytes.
    B(Vec<u8>),
    /// True or false.
    Bool(bool),
    /// Nothing.
    Null,
    /// Texts without order.
    Ss(BTreeSet<String>),
    /// Numbers without order.
    Ns(BTreeSet<Number>),
    /// Rows of bytes without order.
    Bs(BTreeSet<Vec<u8>>),
    /// Values in an order.
    L(Vec<Value>),
    /// Values by name.
    M(Item),
}

/// The names of all types, as messages list them.
pub const TYPES: [&str; 10] = ["B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M"];

impl Value {
    /// The type's name on the wire.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::S(_) => "S",
            Self::N(_) => "N",
            Self::B(_) => "B",
            Self::Bool(_) => "BOOL",
            Self::Null => "NULL",
            Self::Ss(_) => "SS",
            Self::Ns(_) => "NS",
            Self::Bs(_) => "BS",
            Self::L(_) => "L",
            Self::M(_) => "M",
        }
    }

    /// The bytes it takes (DynamoDB developer guide, "DynamoDB item sizes and formats").
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        match self {
            Self::S(text) => text.len(),
            Self::N(number) => number.size_bytes(),
            Self::B(bytes) => bytes.len(),
            Self::Bool(_) | Self::Null => 1,
            Self::Ss(texts) => texts.iter().map(String::len).sum(),
            Self::Ns(numbers) => numbers.iter().map(Number::size_bytes).sum(),
            Self::Bs(rows) => rows.iter().map(Vec::len).sum(),
            Self::L(values) => 3 + values.iter().map(|value| 1 + value.size_bytes()).sum::<usize>(),
            Self::M(members) => 3 + members.len() + size_bytes(members),
        }
    }
}

/// The bytes an item takes: its names and its values.
#[must_use]
pub fn size_bytes(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value.size_bytes()).sum()
}

/// A value that can be part of a primary key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyValue {
    /// Text, in the order of its bytes.
    S(String),
    /// A number.
    N(Number),
    /// Bytes, unsigned.
    B(Vec<u8>),
}

impl KeyValue {
    /// The same as an attribute's value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::S(text) => Value::S(text.clone()),
            Self::N(number) => Value::N(*number),
            Self::B(bytes) => Value::B(bytes.clone()),
        }
    }

    /// A value as part of a key; none where its type cannot be.
    #[must_use]
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::S(text) => Some(Self::S(text.clone())),
            Value::N(number) => Some(Self::N(*number)),
            Value::B(bytes) => Some(Self::B(bytes.clone())),
            _ => None,
        }
    }

    /// The bytes it takes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        match self {
            Self::S(text) => text.len(),
            Self::N(number) => number.size_bytes(),
            Self::B(bytes) => bytes.len(),
        }
    }
}
