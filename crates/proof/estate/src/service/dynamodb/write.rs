//! One change of one item: read from a request, judged against the item as it is, and made.

use std::sync::Arc;

use serde_json::Value as Json;

use super::expression::{Condition, Kind, Placeholders, Update, apply, holds};
use super::members::{Members, invalid, invalid_values, missing, text, word};
use super::{attribute, key};
use crate::call::ApiError;
use crate::world::tables::Schema;
use crate::world::tables::attribute::{Item, size_bytes};
use crate::world::tables::items::{Items, Place};

/// Bytes of an item, at most.
const MAX_ITEM_BYTES: usize = 400 * 1_024;

/// What happens to an item.
#[derive(Debug)]
pub(super) enum Effect {
    /// It is put in place of whatever is there.
    Put(Item),
    /// It is changed, or made of its key.
    Update(Item, Update),
    /// It is removed.
    Delete,
    /// Nothing, where the condition holds.
    Check,
}

/// What a failed condition says of the item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnFailure {
    Nothing,
    Item,
}

/// One change of one item.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) place: Place,
    pub(super) effect: Effect,
    condition: Option<Condition>,
    on_failure: OnFailure,
}

/// What a change makes of an item.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) before: Option<Arc<Item>>,
    /// Nothing where it is removed, and where it was not there and is only checked.
    pub(super) after: Option<Item>,
}

impl Judged {
    /// The bytes that the change is charged for.
    pub(super) fn size_bytes(&self) -> usize {
        let before = self.before.as_deref().map_or(0, size_bytes);
        before.max(self.after.as_ref().map_or(0, size_bytes))
    }
}

/// Why a change is not made.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The condition is not true; with the item where that is asked for.
    Condition(Option<Arc<Item>>),
    /// The change does not fit the item.
    Invalid(ApiError),
}

/// What a request may do to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Put,
    Update,
    Delete,
    Check,
}

/// The members that every change has.
pub(super) const MEMBERS: [&str; 9] = [
    "TableName",
    "Item",
    "Key",
    "ConditionExpression",
    "UpdateExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
    "ReturnValuesOnConditionCheckFailure",
    "ReturnValues",
];

impl Write {
    /// Reads a change out of a request.
    pub(super) fn read(members: &Members, verb: Verb, schema: &Schema) -> Result<Self, ApiError> {
        let placeholders = Placeholders::read(members)?;
        let condition = text(members, "ConditionExpression")?;
        let condition =
            condition.map(|it| Condition::parse(Kind::Condition, it, &placeholders)).transpose()?;
        let update = text(members, "UpdateExpression")?.filter(|_| verb == Verb::Update);
        let parsed = update.map(|it| Update::parse(it, &placeholders)).transpose()?;
        if verb == Verb::Check && condition.is_none() {
            return Err(missing("ConditionExpression"));
        }
        placeholders.all_used(condition.is_some() || parsed.is_some())?;
        let (place, effect) = match verb {
            Verb::Put => {
                let item = attribute::read_item(members.get("Item").ok_or_else(|| missing("Item"))?, "Item")?;
                (key::of_item(schema, &item)?, Effect::Put(item))
            }
            Verb::Update => {
                let (key, place) = key::read(schema, members)?;
                let update = parsed.unwrap_or_default();
                unkeyed(schema, &update)?;
                (place, Effect::Update(key, update))
            }
            Verb::Delete => (key::read(schema, members)?.1, Effect::Delete),
            Verb::Check => (key::read(schema, members)?.1, Effect::Check),
        };
        let on_failure = match word(members, "ReturnValuesOnConditionCheckFailure", &["ALL_OLD", "NONE"])? {
            Some("ALL_OLD") => OnFailure::Item,
            _ => OnFailure::Nothing,
        };
        Ok(Self { place, effect, condition, on_failure })
    }

    /// What it makes of the item as it is.
    pub(super) fn judge(&self, items: &Items) -> Result<Judged, Refusal> {
        let before = items.get(&self.place).cloned();
        let nothing = Item::new();
        let there = before.as_deref().unwrap_or(&nothing);
        if self.condition.as_ref().is_some_and(|condition| !holds(condition, there)) {
            return Err(Refusal::Condition(before.filter(|_| self.on_failure == OnFailure::Item)));
        }
        let after = match &self.effect {
            Effect::Put(item) => Some(item.clone()),
            Effect::Delete => None,
            Effect::Check => before.as_deref().cloned(),
            Effect::Update(key, update) => {
                let from = before.as_deref().unwrap_or(key);
                Some(apply(update, from).map_err(Refusal::Invalid)?)
            }
        };
        let grown = after.as_ref().is_some_and(|item| size_bytes(item) > MAX_ITEM_BYTES);
        match self.effect {
            Effect::Put(_) if grown => {
                Err(Refusal::Invalid(invalid("Item size has exceeded the maximum allowed size")))
            }
            Effect::Update(..) if grown => {
                Err(Refusal::Invalid(invalid("Item size to update has exceeded the maximum allowed size")))
            }
            _ => Ok(Judged { before, after }),
        }
    }
}

/// Refuses an update of the key.
fn unkeyed(schema: &Schema, update: &Update) -> Result<(), ApiError> {
    match update.attributes().into_iter().find(|name| schema.part(name).is_some()) {
        None => Ok(()),
        Some(name) => {
            Err(invalid_values(&format!("Cannot update attribute {name}. This attribute is part of the key")))
        }
    }
}

/// The service's error for a condition that is not true.
pub(super) fn condition_failed(item: Option<&Item>) -> ApiError {
    let mut error = ApiError::new(400, "ConditionalCheckFailedException", "The conditional request failed");
    if let Some(item) = item {
        error.members.insert("Item".to_owned(), attribute::write_item(item));
    }
    error
}

/// Attributes to be shown; none where there are none.
pub(super) fn shown(item: Option<&Item>) -> Option<Json> {
    item.filter(|item| !item.is_empty()).map(attribute::write_item)
}
