//! BatchGetItem and BatchWriteItem: many items, each by itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use super::capacity::{self, Reading, consumed_by_table};
use super::item::{picked, projection};
use super::members::{
    Members, checked_table_name, constraint, flag, invalid, list, members, missing, object, only, wrong_type,
};
use super::write::{Refusal, Verb, Write};
use super::{active, attribute, key, place, region};
use crate::call::{ApiError, Call, Requirement};
use crate::world::World;
use crate::world::tables::attribute::size_bytes;

/// Items of one BatchGetItem, at most.
const MAX_READS: usize = 100;
/// Items of one BatchWriteItem, at most.
const MAX_WRITES: usize = 25;
/// Bytes of the items of one answer, at most; what would be beyond is left unprocessed.
const MAX_ANSWER_BYTES: usize = 16 * 1_024 * 1_024;

/// The call's own action on every table it names, with the keys of the items.
pub(super) fn needs(world: &World, call: &Call) -> Vec<Requirement> {
    let action = format!("dynamodb:{}", call.action);
    let tables = call.json()["RequestItems"].as_object().into_iter().flatten();
    let of_table = |(table, wanted): (&String, &Json)| {
        let reads = wanted["Keys"].as_array().into_iter().flatten();
        let writes = wanted.as_array().into_iter().flatten();
        let written = writes
            .filter_map(|it| it.pointer("/PutRequest/Item").or_else(|| it.pointer("/DeleteRequest/Key")));
        let keys: Vec<&Json> = reads.chain(written).collect();
        key::requirement(world, call, action.clone(), table, &keys)
    };
    let found: Vec<Requirement> = tables.map(of_table).collect();
    if found.is_empty() { vec![Requirement::any_resource(action)] } else { found }
}

/// What is wanted, by table.
fn wanted(members: &Members) -> Result<&Members, ApiError> {
    let wanted = object(members, "RequestItems")?.ok_or_else(|| missing("RequestItems"))?;
    if wanted.is_empty() {
        let rule = "Member must have length greater than or equal to 1";
        return Err(constraint("'{}'", "RequestItems", rule));
    }
    Ok(wanted)
}

/// BatchGetItem.
pub(super) fn get(world: &mut World, call: &Call) -> Result<Json, ApiError> {
    let members = members(call, &["RequestItems", "ReturnConsumedCapacity"])?;
    let region = region(world, call)?;
    let (mut responses, mut unprocessed) = (Map::new(), Map::new());
    let (mut units, mut bytes, mut count) = (BTreeMap::new(), 0, 0);
    for (given, wanted) in wanted(members)? {
        let name = checked_table_name(call, given)?;
        let table = active(region, call, name)?;
        let wanted = wanted.as_object().ok_or_else(|| wrong_type("RequestItems"))?;
        only(wanted, &["Keys", "ConsistentRead", "ProjectionExpression", "ExpressionAttributeNames"])?;
        let projection = projection(wanted)?;
        let consistent = flag(wanted, "ConsistentRead")?;
        let how = if consistent { Reading::Consistent } else { Reading::Eventual };
        let keys = list(wanted, "Keys")?.filter(|keys| !keys.is_empty()).ok_or_else(|| missing("Keys"))?;
        count += keys.len();
        if count > MAX_READS {
            return Err(invalid("Too many items requested for the BatchGetItem call"));
        }
        let (mut found, mut left, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        for key in keys {
            let place = key::of_key(&table.schema, &attribute::read_item(key, "Keys")?)?;
            let item = table.items.seen(&place, call.as_of.filter(|_| !consistent));
            if !seen.insert(place) {
                return Err(invalid("Provided list of item keys contains duplicates"));
            }
            let size = item.map_or(0, |item| size_bytes(item));
            if bytes + size > MAX_ANSWER_BYTES {
                left.push(key.clone());
                continue;
            }
            bytes += size;
            *units.entry(name.to_owned()).or_default() += capacity::of_reading(size, how);
            found.extend(item.map(|item| attribute::write_item(&picked(item, projection.as_ref()))));
        }
        responses.insert(given.clone(), found.into());
        if !left.is_empty() {
            let mut rest = wanted.clone();
            rest.insert("Keys".to_owned(), left.into());
            unprocessed.insert(given.clone(), rest.into());
        }
    }
    let mut answer = json!({ "Responses": responses, "UnprocessedKeys": unprocessed });
    if let Some(consumed) = consumed_by_table(capacity::shown(members)?, &units) {
        answer["ConsumedCapacity"] = consumed;
    }
    Ok(answer)
}

/// BatchWriteItem: everything is read before anything is written.
pub(super) fn write(world: &mut World, call: &Call) -> Result<Json, ApiError> {
    let known = ["RequestItems", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics"];
    let members = members(call, &known)?;
    let mut place = place(world, call)?;
    let mut writes: Vec<(&str, Write)> = Vec::new();
    for (given, wanted) in wanted(members)? {
        let name = checked_table_name(call, given)?;
        let schema = &active(place.region, call, name)?.schema;
        let wanted = wanted.as_array().ok_or_else(|| wrong_type("RequestItems"))?;
        for request in wanted {
            let (verb, request) = change(request)?;
            writes.push((name, Write::read(request, verb, schema)?));
        }
    }
    if writes.len() > MAX_WRITES {
        return Err(invalid("Too many items requested for the BatchWriteItem call"));
    }
    let places: BTreeSet<_> = writes.iter().map(|(name, write)| (*name, &write.place)).collect();
    if places.len() < writes.len() {
        return Err(invalid("Provided list of item keys contains duplicates"));
    }
    let (mut units, mut judged) = (BTreeMap::new(), Vec::new());
    for (name, write) in &writes {
        let result =
            write.judge(&active(place.region, call, name)?.items).map_err(|refusal| match refusal {
                Refusal::Invalid(error) => error,
                // There are no conditions here.
                Refusal::Condition(_) => invalid("The conditional request failed"),
            })?;
        *units.entry((*name).to_owned()).or_default() += capacity::of_writing(result.size_bytes());
        judged.push(result.after);
    }
    for ((name, write), after) in writes.iter().zip(judged) {
        place.set_item(name, &write.place, after, call.now);
    }
    let mut answer = json!({ "UnprocessedItems": {} });
    if let Some(consumed) = consumed_by_table(capacity::shown(members)?, &units) {
        answer["ConsumedCapacity"] = consumed;
    }
    Ok(answer)
}

/// One put or delete of a batch.
fn change(request: &Json) -> Result<(Verb, &Members), ApiError> {
    let request = request.as_object().ok_or_else(|| wrong_type("RequestItems"))?;
    let verbs = [("PutRequest", Verb::Put, "Item"), ("DeleteRequest", Verb::Delete, "Key")];
    let mut given = Vec::new();
    for (name, verb, member) in verbs {
        if let Some(inner) = object(request, name)? {
            only(inner, &[member])?;
            given.push((verb, inner));
        }
    }
    match given[..] {
        [one] => Ok(one),
        _ => Err(invalid(
            "Supplied WriteRequest must contain exactly one of PutRequest and DeleteRequest for each item",
        )),
    }
}
