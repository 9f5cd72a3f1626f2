//! PutItem, GetItem, UpdateItem and DeleteItem.

use serde_json::{Map, Value as Json};

use super::capacity::{self, Reading, consumed};
use super::expression::{Placeholders, Projection};
use super::members::{Members, flag, invalid, members, table_name, text, word};
use super::write::{Effect, Judged, MEMBERS, Refusal, Verb, Write, condition_failed, shown};
use super::{active, attribute, key, place, region};
use crate::call::{ApiError, Call};
use crate::world::World;
use crate::world::tables::attribute::{Item, size_bytes};

/// GetItem.
pub(super) fn get(world: &mut World, call: &Call) -> Result<Json, ApiError> {
    let known = [
        "TableName",
        "Key",
        "ConsistentRead",
        "ProjectionExpression",
        "ExpressionAttributeNames",
        "ReturnConsumedCapacity",
    ];
    let members = members(call, &known)?;
    let name = table_name(call, members)?;
    let projection = projection(members)?;
    let consistent = flag(members, "ConsistentRead")?;
    let table = active(region(world, call)?, call, name)?;
    let (_, place) = key::read(&table.schema, members)?;
    let found = table.items.seen(&place, call.as_of.filter(|_| !consistent));
    let mut answer = Map::new();
    if let Some(item) = found {
        answer.insert("Item".to_owned(), attribute::write_item(&picked(item, projection.as_ref())));
    }
    let how = if consistent { Reading::Consistent } else { Reading::Eventual };
    let units = capacity::of_reading(found.map_or(0, |item| size_bytes(item)), how);
    spend(&mut answer, members, name, units)?;
    Ok(answer.into())
}

/// The projection of a read that has no other expression.
pub(super) fn projection(members: &Members) -> Result<Option<Projection>, ApiError> {
    let placeholders = Placeholders::read(members)?;
    let given = text(members, "ProjectionExpression")?;
    let projection = given.map(|it| Projection::parse(it, &placeholders)).transpose()?;
    placeholders.all_used(projection.is_some())?;
    Ok(projection)
}

/// What a projection leaves of an item.
pub(super) fn picked(item: &Item, projection: Option<&Projection>) -> Item {
    projection.map_or_else(|| item.clone(), |projection| projection.pick(item))
}

fn spend(answer: &mut Map<String, Json>, members: &Members, table: &str, units: f64) -> Result<(), ApiError> {
    if let Some(consumed) = consumed(capacity::shown(members)?, table, units) {
        answer.insert("ConsumedCapacity".to_owned(), consumed);
    }
    Ok(())
}

/// PutItem.
pub(super) fn put(world: &mut World, call: &Call) -> Result<Json, ApiError> {
    write(world, call, Verb::Put)
}

/// UpdateItem.
pub(super) fn update(world: &mut World, call: &Call) -> Result<Json, ApiError> {
    write(world, call, Verb::Update)
}

/// DeleteItem.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Json, ApiError> {
    write(world, call, Verb::Delete)
}

fn write(world: &mut World, call: &Call, verb: Verb) -> Result<Json, ApiError> {
    let mut known = MEMBERS.to_vec();
    known.extend(["ReturnConsumedCapacity", "ReturnItemCollectionMetrics"]);
    let members = members(call, &known)?;
    let name = table_name(call, members)?;
    let returned = returned(members, verb)?;
    let mut place = place(world, call)?;
    let table = active(place.region, call, name)?;
    let write = Write::read(members, verb, &table.schema)?;
    let judged = write.judge(&table.items).map_err(|refusal| match refusal {
        Refusal::Condition(item) => condition_failed(item.as_deref()),
        Refusal::Invalid(error) => error,
    })?;
    let mut answer = Map::new();
    if let Some(attributes) = shown(attributes(returned, &write, &judged).as_ref()) {
        answer.insert("Attributes".to_owned(), attributes);
    }
    spend(&mut answer, members, name, capacity::of_writing(judged.size_bytes()))?;
    place.set_item(name, &write.place, judged.after, call.now);
    Ok(answer.into())
}

/// What a write tells of the item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Returned {
    None,
    AllOld,
    UpdatedOld,
    AllNew,
    UpdatedNew,
}

fn returned(members: &Members, verb: Verb) -> Result<Returned, ApiError> {
    let all = ["ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"];
    let returned = match word(members, "ReturnValues", &all)? {
        Some("ALL_OLD") => Returned::AllOld,
        Some("UPDATED_OLD") => Returned::UpdatedOld,
        Some("ALL_NEW") => Returned::AllNew,
        Some("UPDATED_NEW") => Returned::UpdatedNew,
        _ => Returned::None,
    };
    match (verb, returned) {
        (Verb::Update, _) | (_, Returned::None | Returned::AllOld) => Ok(returned),
        _ => Err(invalid("ReturnValues can only be ALL_OLD or NONE")),
    }
}

fn attributes(returned: Returned, write: &Write, judged: &Judged) -> Option<Item> {
    let (before, after) = (judged.before.as_deref(), judged.after.as_ref());
    let changes = || match &write.effect {
        Effect::Update(_, update) => Some(update.changes()),
        _ => None,
    };
    match returned {
        Returned::None => None,
        Returned::AllOld => before.cloned(),
        Returned::AllNew => after.cloned(),
        Returned::UpdatedOld => Some(changes()?.pick(before?)),
        Returned::UpdatedNew => Some(changes()?.pick(after?)),
    }
}
