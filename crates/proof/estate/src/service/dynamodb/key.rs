//! Primary keys: out of items, out of requests, and what makes them wrong.

use serde_json::Value as Json;

use super::members::{Members, invalid, invalid_values, missing};
use super::{attribute, resource};
use crate::call::{ApiError, Call, Requirement};
use crate::world::World;
use crate::world::tables::attribute::{Item, KeyValue, Value};
use crate::world::tables::items::Place;
use crate::world::tables::{KeyPart, Schema};

/// Bytes of a partition key, at most.
const MAX_PARTITION_BYTES: usize = 2_048;
/// Bytes of a sort key, at most.
const MAX_SORT_BYTES: usize = 1_024;

/// The place of an item that is to be put.
pub(super) fn of_item(schema: &Schema, item: &Item) -> Result<Place, ApiError> {
    for part in schema.parts() {
        let Some(value) = item.get(&part.name) else {
            return Err(invalid_values(&format!("Missing the key {} in the item", part.name)));
        };
        if !part.kind.holds(value) {
            return Err(invalid_values(&format!(
                "Type mismatch for key {} expected: {} actual: {}",
                part.name,
                part.kind.as_str(),
                value.type_name()
            )));
        }
        fits(part, value)?;
    }
    sized(schema, item)
}

/// The place that a whole key says.
pub(super) fn of_key(schema: &Schema, key: &Item) -> Result<Place, ApiError> {
    let mismatch = || invalid("The provided key element does not match the schema");
    if key.len() != schema.parts().count() {
        return Err(mismatch());
    }
    for part in schema.parts() {
        let value = key.get(&part.name).filter(|value| part.kind.holds(value)).ok_or_else(mismatch)?;
        fits(part, value)?;
    }
    sized(schema, key)
}

/// The place that a request's key says.
pub(super) fn read(schema: &Schema, members: &Members) -> Result<(Item, Place), ApiError> {
    let key = attribute::read_item(members.get("Key").ok_or_else(|| missing("Key"))?, "Key")?;
    let place = of_key(schema, &key)?;
    Ok((key, place))
}

fn fits(part: &KeyPart, value: &Value) -> Result<(), ApiError> {
    let what = match value {
        Value::S(text) if text.is_empty() => "string",
        Value::B(bytes) if bytes.is_empty() => "binary",
        _ => return Ok(()),
    };
    Err(invalid(format!(
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty \
         {what} value. Key: {}",
        part.name
    )))
}

fn sized(schema: &Schema, item: &Item) -> Result<Place, ApiError> {
    let place =
        schema.place(item).ok_or_else(|| invalid("The provided key element does not match the schema"))?;
    if place.partition.size_bytes() > MAX_PARTITION_BYTES {
        return Err(invalid_values("Size of hashkey has exceeded the maximum size limit of2048 bytes"));
    }
    if place.sort.as_ref().map_or(0, KeyValue::size_bytes) > MAX_SORT_BYTES {
        return Err(invalid_values(
            "Aggregated size of all range keys has exceeded the size limit of 1024 bytes",
        ));
    }
    Ok(place)
}

/// The call's own action on the item it names.
pub(super) fn on_item(world: &World, call: &Call) -> Vec<Requirement> {
    let document = call.json();
    let keys: Vec<&Json> = ["Key", "Item"].iter().filter_map(|name| document.get(*name)).collect();
    let action = format!("dynamodb:{}", call.action);
    vec![requirement(world, call, action, document["TableName"].as_str().unwrap_or("*"), &keys)]
}

/// A permission on items of a table, with their partition keys for conditions on `dynamodb:LeadingKeys`.
pub(super) fn requirement(
    world: &World,
    call: &Call,
    action: String,
    table: &str,
    keys: &[&Json],
) -> Requirement {
    let resource = resource(call, table);
    let name = resource.rsplit('/').next().unwrap_or_default();
    let region = world.accounts.get(&call.account).and_then(|account| account.regions.get(&call.region));
    let partition =
        region.and_then(|it| it.tables.get(name, call.now)).map(|it| it.schema.partition.name.as_str());
    let leading = |key: &&Json| {
        let value = key.get(partition?)?.as_object()?.values().next()?;
        value.as_str().map(|text| ("dynamodb:LeadingKeys".to_owned(), text.to_owned()))
    };
    Requirement { action: action.into(), context: keys.iter().filter_map(leading).collect(), resource }
}
