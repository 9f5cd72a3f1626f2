//! Query and Scan, page by page.

use std::ops::Bound;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::capacity::{self, Reading, consumed};
use super::expression::{Condition, KeyCondition, Kind, Placeholders, Projection, holds};
use super::item::picked;
use super::members::{Members, flag, invalid, members, number, table_name, text, word};
use super::{active, attribute, key, on_table, region};
use crate::call::{ApiError, Call, Requirement};
use crate::world::World;
use crate::world::tables::attribute::{Item, size_bytes};
use crate::world::tables::items::{ByPlace, Place};
use crate::world::tables::{Schema, Table};

/// Bytes of the items that one page is made of, before they are filtered.
const PAGE_BYTES: usize = 1_024 * 1_024;

/// The members that both reads have.
const MEMBERS: [&str; 11] = [
    "TableName",
    "Select",
    "Limit",
    "ConsistentRead",
    "ExclusiveStartKey",
    "FilterExpression",
    "ProjectionExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
    "ReturnConsumedCapacity",
    "ScanIndexForward",
];

/// What one page takes and shows.
struct Page {
    limit: usize,
    filter: Option<Condition>,
    projection: Option<Projection>,
    items: Items,
    how: Reading,
}

/// Whether the items themselves are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Items {
    Shown,
    Counted,
}

impl Page {
    fn read(members: &Members, placeholders: &Placeholders) -> Result<Self, ApiError> {
        let limit = number(members, "Limit", 1, u64::MAX)?.map_or(usize::MAX, |limit| limit as usize);
        let filter = text(members, "FilterExpression")?;
        let filter = filter.map(|it| Condition::parse(Kind::Filter, it, placeholders)).transpose()?;
        let projection = text(members, "ProjectionExpression")?;
        let projection = projection.map(|it| Projection::parse(it, placeholders)).transpose()?;
        let all = ["SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"];
        let select = word(members, "Select", &all)?;
        match (select, &projection) {
            (Some("ALL_PROJECTED_ATTRIBUTES"), _) => {
                return Err(super::members::invalid_values(
                    "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
                ));
            }
            (Some("SPECIFIC_ATTRIBUTES"), None) => {
                return Err(super::members::invalid_values(
                    "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
                ));
            }
            (Some(other @ ("COUNT" | "ALL_ATTRIBUTES")), Some(_)) => {
                return Err(invalid(format!(
                    "Cannot specify the ProjectionExpression when choosing to get {other}"
                )));
            }
            _ => {}
        }
        let items = if select == Some("COUNT") { Items::Counted } else { Items::Shown };
        let how = if flag(members, "ConsistentRead")? { Reading::Consistent } else { Reading::Eventual };
        Ok(Self { limit, filter, projection, items, how })
    }

    fn as_of(&self, call: &Call) -> Option<jiff::Timestamp> {
        call.as_of.filter(|_| self.how == Reading::Eventual)
    }

    /// Reads on until the page is full: it ends before the item that would make it too large, and
    /// behind the one that reaches the limit, whether or not there are more.
    fn take<'i>(
        &self,
        members: &Members,
        name: &str,
        schema: &Schema,
        from: impl Iterator<Item = (&'i Place, &'i Arc<Item>)>,
    ) -> Result<Json, ApiError> {
        let (mut bytes, mut scanned, mut last) = (0, 0_usize, None);
        let mut found: Vec<Json> = Vec::new();
        let mut count = 0_usize;
        let mut ended = true;
        for (place, item) in from {
            let size = size_bytes(item);
            if scanned > 0 && bytes + size > PAGE_BYTES {
                ended = false;
                break;
            }
            bytes += size;
            scanned += 1;
            last = Some(place);
            if self.filter.as_ref().is_none_or(|filter| holds(filter, item)) {
                count += 1;
                if self.items == Items::Shown {
                    found.push(attribute::write_item(&picked(item, self.projection.as_ref())));
                }
            }
            if scanned == self.limit {
                ended = false;
                break;
            }
        }
        let mut answer = Map::new();
        if self.items == Items::Shown {
            answer.insert("Items".to_owned(), found.into());
        }
        answer.insert("Count".to_owned(), count.into());
        answer.insert("ScannedCount".to_owned(), scanned.into());
        if let Some(last) = last.filter(|_| !ended) {
            answer.insert("LastEvaluatedKey".to_owned(), attribute::write_item(&schema.key(last)));
        }
        let units = capacity::of_reading(bytes, self.how);
        if let Some(consumed) = consumed(capacity::shown(members)?, name, units) {
            answer.insert("ConsumedCapacity".to_owned(), consumed);
        }
        Ok(answer.into())
    }
}

/// The place that a page begins behind.
fn start(members: &Members, schema: &Schema) -> Result<Option<Place>, ApiError> {
    let Some(given) = members.get("ExclusiveStartKey").filter(|it| !it.is_null()) else { return Ok(None) };
    let given = attribute::read_item(given, "ExclusiveStartKey")?;
    key::of_key(schema, &given).map(Some).map_err(|_| invalid("The provided starting key is invalid"))
}

/// The call's own action on the partition that its key condition names.
pub(super) fn on_partition(world: &World, call: &Call) -> Vec<Requirement> {
    let mut needed = on_table(world, call);
    let leading = || {
        let members = call.json().as_object()?;
        let table = region(world, call).ok()?.tables.get(table_name(call, members).ok()?, call.now)?;
        let (placeholders, text) =
            (Placeholders::read(members).ok()?, text(members, "KeyConditionExpression").ok()??);
        let condition = KeyCondition::parse(text, &placeholders, &table.schema).ok()?;
        let value = attribute::write(&condition.partition.to_value());
        value.as_object()?.values().next()?.as_str().map(str::to_owned)
    };
    if let (Some(need), Some(value)) = (needed.first_mut(), leading()) {
        need.context.push(("dynamodb:LeadingKeys".to_owned(), value));
    }
    needed
}

/// Query: the items of a partition, in the order of their sort keys.
pub(super) fn query(world: &mut World, call: &Call) -> Result<Json, ApiError> {
    let mut known = MEMBERS.to_vec();
    known.push("KeyConditionExpression");
    let members = members(call, &known)?;
    let name = table_name(call, members)?;
    let table = active(region(world, call)?, call, name)?;
    let placeholders = Placeholders::read(members)?;
    let page = Page::read(members, &placeholders)?;
    let given = text(members, "KeyConditionExpression")?.ok_or_else(|| {
        invalid(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
        )
    })?;
    let condition = KeyCondition::parse(given, &placeholders, &table.schema)?;
    placeholders.all_used(true)?;
    keyless(page.filter.as_ref(), &table.schema)?;
    let start = start(members, &table.schema)?;
    if let Some(start) = &start {
        within(&condition, &table.schema, start)?;
    }
    let backwards = members.get("ScanIndexForward").is_some_and(|it| it == false);
    let all = table.items.all(page.as_of(call));
    let lowest = Place::new(condition.partition.clone(), None);
    let of_partition = |from: Bound<Place>| {
        let partition = condition.partition.clone();
        all.range((from, Bound::Unbounded)).take_while(move |(place, _)| place.partition == partition)
    };
    if !backwards {
        let from = start.map_or(Bound::Included(lowest), Bound::Excluded);
        let wanted = of_partition(from).filter(|(_, item)| condition.wants(item));
        return page.take(members, name, &table.schema, wanted);
    }
    let mut wanted: Vec<_> = of_partition(Bound::Included(lowest))
        .take_while(|(place, _)| start.as_ref().is_none_or(|start| *place < start))
        .filter(|(_, item)| condition.wants(item))
        .collect();
    wanted.reverse();
    page.take(members, name, &table.schema, wanted.into_iter())
}

/// Refuses a filter of a query that looks at the key.
fn keyless(filter: Option<&Condition>, schema: &Schema) -> Result<(), ApiError> {
    let found = filter.and_then(|it| it.attributes().into_iter().find(|name| schema.part(name).is_some()));
    match found {
        None => Ok(()),
        Some(name) => Err(invalid(format!(
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: {name}"
        ))),
    }
}

/// Refuses a start that the query could not have come to.
fn within(condition: &KeyCondition, schema: &Schema, start: &Place) -> Result<(), ApiError> {
    if start.partition == condition.partition && condition.wants(&schema.key(start)) {
        return Ok(());
    }
    Err(invalid("The provided starting key is outside query boundaries based on provided conditions"))
}

/// Scan: all items, or those of a segment.
pub(super) fn scan(world: &mut World, call: &Call) -> Result<Json, ApiError> {
    let mut known = MEMBERS.to_vec();
    known.retain(|name| *name != "ScanIndexForward");
    known.extend(["Segment", "TotalSegments"]);
    let members = members(call, &known)?;
    let name = table_name(call, members)?;
    let table = active(region(world, call)?, call, name)?;
    let placeholders = Placeholders::read(members)?;
    let page = Page::read(members, &placeholders)?;
    placeholders.all_used(page.filter.is_some() || page.projection.is_some())?;
    let (segment, segments) = segments(members)?;
    let all = table.items.all(page.as_of(call));
    let wanted = behind(&all, members, table)?.filter(|(place, _)| place.segment(segments) == segment);
    page.take(members, name, &table.schema, wanted)
}

fn behind<'i>(
    all: &'i ByPlace,
    members: &Members,
    table: &Table,
) -> Result<impl Iterator<Item = (&'i Place, &'i Arc<Item>)>, ApiError> {
    let from = start(members, &table.schema)?.map_or(Bound::Unbounded, Bound::Excluded);
    Ok(all.range((from, Bound::Unbounded)))
}

/// The segment that is read, and how many there are.
fn segments(members: &Members) -> Result<(u64, u64), ApiError> {
    let segment = number(members, "Segment", 0, 999_999)?;
    let total = number(members, "TotalSegments", 1, 1_000_000)?;
    match (segment, total) {
        (None, None) => Ok((0, 1)),
        (Some(segment), Some(total)) if segment < total => Ok((segment, total)),
        (Some(segment), Some(total)) => Err(invalid(format!(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: {segment} is \
             not less than TotalSegments: {total}"
        ))),
        (None, Some(_)) => Err(required("Segment", "TotalSegments")),
        (Some(_), None) => Err(required("TotalSegments", "Segment")),
    }
}

fn required(wanted: &str, given: &str) -> ApiError {
    invalid(format!(
        "The {wanted} parameter is required but was not present in the request when parameter {given} is present"
    ))
}
