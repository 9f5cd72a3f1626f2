//! Attribute values on the wire: `{"S": "text"}` and its like, with the rules they have to keep.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};

use super::members::{invalid, invalid_values, wrong_type};
use crate::call::ApiError;
use crate::world::tables::attribute::{Item, Value};
use crate::world::tables::number::{Number, NumberFault};

/// Levels of lists and maps inside one another, at most.
const MAX_LEVELS: usize = 32;

/// Reads an item, or anything else that is attributes by name.
pub(super) fn read_item(json: &Json, what: &str) -> Result<Item, ApiError> {
    read_members(json.as_object().ok_or_else(|| wrong_type(what))?, 0)
}

/// Reads a value.
pub(super) fn read(json: &Json) -> Result<Value, ApiError> {
    read_at(json, 0)
}

fn read_members(members: &Map<String, Json>, level: usize) -> Result<Item, ApiError> {
    members.iter().map(|(name, value)| Ok((name.clone(), read_at(value, level)?))).collect()
}

fn read_at(json: &Json, level: usize) -> Result<Value, ApiError> {
    if level > MAX_LEVELS {
        return Err(invalid(
            "Nesting Levels have exceeded supported limits: Attributes levels have exceeded 32",
        ));
    }
    let members = json.as_object().ok_or_else(|| wrong_type("AttributeValue"))?;
    let mut given = members.iter().filter(|(_, value)| !value.is_null());
    let Some((kind, value)) = given.next() else {
        return Err(invalid(
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
        ));
    };
    if given.next().is_some() {
        return Err(invalid(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported \
             datatypes",
        ));
    }
    let list = || value.as_array().ok_or_else(|| wrong_type(kind));
    Ok(match kind.as_str() {
        "S" => Value::S(text(value, kind)?.to_owned()),
        "N" => Value::N(number(text(value, kind)?)?),
        "B" => Value::B(bytes(text(value, kind)?)?),
        "BOOL" => Value::Bool(value.as_bool().ok_or_else(|| wrong_type(kind))?),
        "NULL" => match value.as_bool() {
            Some(true) => Value::Null,
            Some(false) => {
                return Err(invalid_values("Null attribute value types must have the value of true"));
            }
            None => return Err(wrong_type(kind)),
        },
        "SS" => Value::Ss(set(list()?, "string", |it| Ok(text(it, kind)?.to_owned()))?),
        "NS" => Value::Ns(set(list()?, "number", |it| number(text(it, kind)?))?),
        "BS" => Value::Bs(set(list()?, "binary", |it| bytes(text(it, kind)?))?),
        "L" => Value::L(list()?.iter().map(|it| read_at(it, level + 1)).collect::<Result<_, _>>()?),
        "M" => Value::M(read_members(value.as_object().ok_or_else(|| wrong_type(kind))?, level + 1)?),
        _ => {
            return Err(invalid(
                "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
            ));
        }
    })
}

fn text<'j>(json: &'j Json, kind: &str) -> Result<&'j str, ApiError> {
    json.as_str().ok_or_else(|| wrong_type(kind))
}

fn bytes(text: &str) -> Result<Vec<u8>, ApiError> {
    STANDARD.decode(text).map_err(|_| {
        ApiError::new(400, "SerializationException", "Invalid Base64 encoding of a binary attribute value")
    })
}

fn number(text: &str) -> Result<Number, ApiError> {
    Number::parse(text).map_err(|fault| match fault {
        NumberFault::NotANumber if text.is_empty() => {
            invalid("The parameter cannot be converted to a numeric value")
        }
        NumberFault::NotANumber => {
            invalid(format!("The parameter cannot be converted to a numeric value: {text}"))
        }
        other => number_fault(other),
    })
}

/// The service's words for a number that does not fit.
pub(super) fn number_fault(fault: NumberFault) -> ApiError {
    invalid(match fault {
        NumberFault::NotANumber => "The parameter cannot be converted to a numeric value",
        NumberFault::TooManyDigits => "Attempting to store more than 38 significant digits in a Number",
        NumberFault::Overflow => {
            "Number overflow. Attempting to store a number with magnitude larger than supported range"
        }
        NumberFault::Underflow => {
            "Number underflow. Attempting to store a number with magnitude smaller than supported range"
        }
    })
}

fn set<T: Ord>(
    list: &[Json],
    kind: &str,
    read: impl Fn(&Json) -> Result<T, ApiError>,
) -> Result<BTreeSet<T>, ApiError> {
    if list.is_empty() {
        return Err(invalid_values(&format!("An {kind} set  may not be empty")));
    }
    let set = list.iter().map(read).collect::<Result<BTreeSet<T>, _>>()?;
    if set.len() != list.len() {
        let shown: Vec<&str> = list.iter().filter_map(Json::as_str).collect();
        let message = format!("Input collection [{}] contains duplicates.", shown.join(", "));
        return Err(invalid_values(&message));
    }
    Ok(set)
}

/// Writes a value.
pub(super) fn write(value: &Value) -> Json {
    match value {
        Value::S(text) => json!({ "S": text }),
        Value::N(number) => json!({ "N": number.to_string() }),
        Value::B(bytes) => json!({ "B": STANDARD.encode(bytes) }),
        Value::Bool(flag) => json!({ "BOOL": flag }),
        Value::Null => json!({ "NULL": true }),
        Value::Ss(texts) => json!({ "SS": texts }),
        Value::Ns(numbers) => {
            json!({ "NS": numbers.iter().map(Number::to_string).collect::<Vec<_>>() })
        }
        Value::Bs(rows) => json!({ "BS": rows.iter().map(|row| STANDARD.encode(row)).collect::<Vec<_>>() }),
        Value::L(values) => json!({ "L": values.iter().map(write).collect::<Vec<_>>() }),
        Value::M(members) => json!({ "M": write_item(members) }),
    }
}

/// Writes an item.
pub(super) fn write_item(item: &Item) -> Json {
    Json::Object(item.iter().map(|(name, value)| (name.clone(), write(value))).collect())
}
