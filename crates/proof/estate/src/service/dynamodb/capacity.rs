//! Capacity units: what requests cost, and how answers say so.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::members::{Members, word};
use crate::call::ApiError;

/// How a read looks at the world, which makes its price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// It may see what was: half a unit.
    Eventual,
    /// It sees what is: a unit.
    Consistent,
    /// It is one of several that see the same moment: two units.
    Transaction,
}

/// The units of reading so many bytes.
pub(super) fn of_reading(size_bytes: usize, how: Reading) -> f64 {
    let price = match how {
        Reading::Eventual => 0.5,
        Reading::Consistent => 1.0,
        Reading::Transaction => 2.0,
    };
    size_bytes.div_ceil(4_096).max(1) as f64 * price
}

/// The units of writing an item of so many bytes.
pub(super) fn of_writing(size_bytes: usize) -> f64 {
    size_bytes.div_ceil(1_024).max(1) as f64
}

/// Which units an answer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    None,
    Total,
    /// Those of the table by themselves as well.
    Indexes,
}

/// What a request wants to be told.
pub(super) fn shown(members: &Members) -> Result<Shown, ApiError> {
    Ok(match word(members, "ReturnConsumedCapacity", &["INDEXES", "TOTAL", "NONE"])? {
        Some("TOTAL") => Shown::Total,
        Some("INDEXES") => Shown::Indexes,
        _ => Shown::None,
    })
}

/// The units of one table.
pub(super) fn consumed(shown: Shown, table: &str, units: f64) -> Option<Json> {
    match shown {
        Shown::None => None,
        Shown::Total => Some(json!({ "TableName": table, "CapacityUnits": units })),
        Shown::Indexes => {
            Some(json!({ "TableName": table, "CapacityUnits": units, "Table": { "CapacityUnits": units } }))
        }
    }
}

/// The units of several tables.
pub(super) fn consumed_by_table(shown: Shown, units: &BTreeMap<String, f64>) -> Option<Json> {
    (shown != Shown::None)
        .then(|| units.iter().filter_map(|(table, units)| consumed(shown, table, *units)).collect())
}
