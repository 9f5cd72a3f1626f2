//! TransactWriteItems and TransactGetItems: all or nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use super::capacity::{self, Reading, consumed_by_table};
use super::item::{picked, projection};
use super::members::{
    Members, constraint, invalid, list, members, missing, object, only, table_name, text, wrong_type,
};
use super::write::{Effect, Judged, MEMBERS, Refusal, Verb, Write};
use super::{active, attribute, key, place, region};
use crate::call::{ApiError, Call, Requirement};
use crate::world::World;
use crate::world::tables::Token;
use crate::world::tables::attribute::size_bytes;

/// Items of one transaction, at most.
const MAX_ITEMS: usize = 100;
/// Bytes of all items of one transaction, at most.
const MAX_BYTES: usize = 4 * 1_024 * 1_024;
/// Characters of a client's token, at most.
const MAX_TOKEN: usize = 36;

/// What a transaction's entries are called, what they do, and which permission that takes.
const VERBS: [(&str, Verb, &str); 4] = [
    ("ConditionCheck", Verb::Check, "dynamodb:ConditionCheckItem"),
    ("Put", Verb::Put, "dynamodb:PutItem"),
    ("Update", Verb::Update, "dynamodb:UpdateItem"),
    ("Delete", Verb::Delete, "dynamodb:DeleteItem"),
];

/// The permission of every entry by itself: there is none for transactions.
pub(super) fn needs(world: &World, call: &Call) -> Vec<Requirement> {
    let entries = call.json()["TransactItems"].as_array().into_iter().flatten();
    let of_entry = |entry: &Json| {
        let actions =
            VERBS.map(|(name, _, action)| (name, action)).into_iter().chain([("Get", "dynamodb:GetItem")]);
        let (inner, action) =
            actions.filter_map(|(name, action)| Some((entry.get(name)?.clone(), action))).next()?;
        let keys: Vec<&Json> = ["Key", "Item"].iter().filter_map(|name| inner.get(*name)).collect();
        let table = inner["TableName"].as_str().unwrap_or("*");
        let mut need = key::requirement(world, call, action.to_owned(), table, &keys);
        need.context.push(("dynamodb:EnclosingOperation".to_owned(), call.action.clone()));
        Some(need)
    };
    entries.filter_map(of_entry).collect()
}

/// The entries of a transaction.
fn entries(members: &Members) -> Result<Vec<&Members>, ApiError> {
    let entries = list(members, "TransactItems")?.ok_or_else(|| missing("TransactItems"))?;
    let bound = match entries.len() {
        0 => "Member must have length greater than or equal to 1",
        1..=MAX_ITEMS => {
            let object = |entry: &'_ Json| entry.is_object();
            return match entries.iter().all(object) {
                true => Ok(entries.iter().filter_map(Json::as_object).collect()),
                false => Err(wrong_type("TransactItems")),
            };
        }
        _ => "Member must have length less than or equal to 100",
    };
    Err(constraint(&format!("'[{} entries]'", entries.len()), "TransactItems", bound))
}

/// TransactGetItems: all items as they are at one moment.
pub(super) fn get(world: &mut World, call: &Call) -> Result<Json, ApiError> {
    let members = members(call, &["TransactItems", "ReturnConsumedCapacity"])?;
    let region = region(world, call)?;
    let (mut responses, mut units, mut bytes) = (Vec::new(), BTreeMap::new(), 0);
    let mut seen = BTreeSet::new();
    for entry in entries(members)? {
        only(entry, &["Get"])?;
        let get = object(entry, "Get")?.ok_or_else(|| missing("Get"))?;
        only(get, &["TableName", "Key", "ProjectionExpression", "ExpressionAttributeNames"])?;
        let name = table_name(call, get)?;
        let table = active(region, call, name)?;
        let projection = projection(get)?;
        let (_, place) = key::read(&table.schema, get)?;
        let found = table.items.get(&place);
        if !seen.insert((name, place)) {
            return Err(invalid("Transaction request cannot include multiple operations on one item"));
        }
        let size = found.map_or(0, |item| size_bytes(item));
        bytes += size;
        *units.entry(name.to_owned()).or_default() += capacity::of_reading(size, Reading::Transaction);
        responses.push(match found {
            Some(item) => json!({ "Item": attribute::write_item(&picked(item, projection.as_ref())) }),
            None => json!({}),
        });
    }
    sized(bytes)?;
    let mut answer = json!({ "Responses": responses });
    if let Some(consumed) = consumed_by_table(capacity::shown(members)?, &units) {
        answer["ConsumedCapacity"] = consumed;
    }
    Ok(answer)
}

fn sized(bytes: usize) -> Result<(), ApiError> {
    match bytes {
        ..=MAX_BYTES => Ok(()),
        _ => Err(invalid("Transaction size has exceeded the maximum allowed size of 4 MB")),
    }
}

/// TransactWriteItems: every condition is judged before anything is written.
pub(super) fn write(world: &mut World, call: &Call) -> Result<Json, ApiError> {
    let known =
        ["TransactItems", "ClientRequestToken", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics"];
    let members = members(call, &known)?;
    let mut place = place(world, call)?;
    let mut writes: Vec<(&str, Write)> = Vec::new();
    for entry in entries(members)? {
        let (verb, inner) = change(entry)?;
        let name = table_name(call, inner)?;
        let schema = &active(place.region, call, name)?.schema;
        writes.push((name, Write::read(inner, verb, schema)?));
    }
    let places: BTreeSet<_> = writes.iter().map(|(name, write)| (*name, &write.place)).collect();
    if places.len() < writes.len() {
        return Err(invalid("Transaction request cannot include multiple operations on one item"));
    }
    let token = token(members)?;
    let request: [u8; 32] = Sha256::digest(Json::from(entries_of(members)).to_string()).into();
    let known = token.map_or(Token::New, |it| place.region.tables.token(it, &request, call.now));
    if known == Token::OfAnother {
        return Err(ApiError::new(
            400,
            "IdempotentParameterMismatchException",
            "The request uses the same client token as a previous, but non-identical request. Do not reuse a client \
             token with different requests, unless the requests are identical",
        ));
    }
    let (mut units, mut bytes) = (BTreeMap::new(), 0);
    if known == Token::New {
        let judged = judge(&writes, |name| Ok(&active(place.region, call, name)?.items))?;
        for ((name, write), judged) in writes.iter().zip(judged) {
            let size = judged.size_bytes();
            bytes += size;
            sized(bytes)?;
            *units.entry((*name).to_owned()).or_default() += 2.0 * capacity::of_writing(size);
            if !matches!(write.effect, Effect::Check) {
                place.set_item(name, &write.place, judged.after, call.now);
            }
        }
        if let Some(token) = token {
            place.region.tables.remember(token, request, call.now);
        }
    }
    let mut answer = Map::new();
    if let Some(consumed) = consumed_by_table(capacity::shown(members)?, &units) {
        answer.insert("ConsumedCapacity".to_owned(), consumed);
    }
    Ok(answer.into())
}

fn entries_of(members: &Members) -> Vec<Json> {
    members.get("TransactItems").and_then(Json::as_array).cloned().unwrap_or_default()
}

fn token(members: &Members) -> Result<Option<&str>, ApiError> {
    let token = text(members, "ClientRequestToken")?;
    let rule = match token.map_or(1, |token| token.chars().count()) {
        0 => "Member must have length greater than or equal to 1",
        1..=MAX_TOKEN => return Ok(token),
        _ => "Member must have length less than or equal to 36",
    };
    Err(constraint(&format!("'{}'", token.unwrap_or_default()), "ClientRequestToken", rule))
}

/// One entry of a transaction.
fn change(entry: &Members) -> Result<(Verb, &Members), ApiError> {
    let mut given = Vec::new();
    for (name, verb, _) in VERBS {
        if let Some(inner) = object(entry, name)? {
            let allowed: Vec<&str> = MEMBERS.into_iter().filter(|it| *it != "ReturnValues").collect();
            only(inner, &allowed)?;
            given.push((verb, inner));
        }
    }
    match given[..] {
        [one] => Ok(one),
        _ => Err(invalid("TransactItems can only contain one of Check, Put, Update or Delete")),
    }
}

/// What every entry makes of its item, or why all are cancelled.
fn judge<'w>(
    writes: &[(&str, Write)],
    items: impl Fn(&str) -> Result<&'w crate::world::tables::items::Items, ApiError>,
) -> Result<Vec<Judged>, ApiError> {
    let (mut judged, mut reasons, mut cancelled) = (Vec::new(), Vec::new(), false);
    for (name, write) in writes {
        match write.judge(items(name)?) {
            Ok(result) => {
                judged.push(result);
                reasons.push(json!({ "Code": "None" }));
            }
            Err(refusal) => {
                cancelled = true;
                reasons.push(reason(refusal));
            }
        }
    }
    if !cancelled {
        return Ok(judged);
    }
    Err(cancelled_for(reasons))
}

/// The service's error for a transaction that is not made.
fn cancelled_for(reasons: Vec<Json>) -> ApiError {
    let codes: Vec<&str> = reasons.iter().filter_map(|reason| reason["Code"].as_str()).collect();
    let message = format!(
        "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
        codes.join(", ")
    );
    let mut error = ApiError::new(400, "TransactionCanceledException", message);
    error.members.insert("CancellationReasons".to_owned(), reasons.into());
    error
}

/// What a write is told whose items another transaction has; the first of several is the one.
pub(crate) fn conflict(call: &Call) -> ApiError {
    let message = "Transaction is ongoing for the item";
    let entries = call.json()["TransactItems"].as_array().map_or(0, Vec::len);
    if call.action != "TransactWriteItems" {
        return ApiError::new(400, "TransactionConflictException", message);
    }
    let first = json!({ "Code": "TransactionConflict", "Message": message });
    let others = (1..entries).map(|_| json!({ "Code": "None" }));
    cancelled_for(std::iter::once(first).chain(others).collect())
}

fn reason(refusal: Refusal) -> Json {
    match refusal {
        Refusal::Condition(item) => {
            let mut reason =
                json!({ "Code": "ConditionalCheckFailed", "Message": "The conditional request failed" });
            if let Some(item) = item {
                reason["Item"] = attribute::write_item(&item);
            }
            reason
        }
        Refusal::Invalid(error) => json!({ "Code": "ValidationError", "Message": error.message }),
    }
}
