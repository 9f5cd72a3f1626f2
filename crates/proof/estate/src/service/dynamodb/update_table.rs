//! UpdateTable.

use serde_json::{Value as Json, json};

use super::members::{Members, flag, invalid, invalid_values, members, object, table_name, word};
use super::tables::{billing, changeable, encryption, later, shown, without_stream};
use super::{not_found, place};
use crate::call::{ApiError, Call};
use crate::world::World;
use crate::world::tables::{Billing, Protection};

/// What a table is told to be from now on; nothing of what the request does not say.
struct Changes {
    billing: Option<Billing>,
    key: Option<Option<String>>,
    deletion_protection: Option<Protection>,
}

/// UpdateTable: how it is paid for, its key, and whether it can be deleted. Indexes, replicas and streams are
/// refused. A table that is paid for in another way or has another key is being updated for a while.
pub(super) fn update(world: &mut World, call: &Call) -> Result<Json, ApiError> {
    let supported = [
        "TableName",
        "BillingMode",
        "ProvisionedThroughput",
        "DeletionProtectionEnabled",
        "TableClass",
        "SSESpecification",
        "StreamSpecification",
    ];
    let members = members(call, &supported)?;
    let name = table_name(call, members)?;
    without_stream(members)?;
    let class = word(members, "TableClass", &["STANDARD", "STANDARD_INFREQUENT_ACCESS"])?;
    let place = place(world, call)?;
    let takes = place.length(place.pace.table, &format!("update of table {name}"), 0, call.now);
    let table = place.region.tables.get_mut(name, call.now).ok_or_else(|| not_found(name))?;
    let changes = changes(members, table.billing)?;
    let lasting = changes.billing.is_some() || changes.key.is_some() || class.is_some();
    if !lasting && changes.deletion_protection.is_none() {
        return Err(invalid(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or \
             SSESpecification or ReplicaUpdates is required",
        ));
    }
    changeable(table, call, name)?;
    if let Some(billing) = changes.billing {
        if (billing == Billing::OnDemand) != (table.billing == Billing::OnDemand) {
            table.billed = call.now;
        }
        table.billing = billing;
    }
    if let Some(key) = changes.key {
        table.key = key;
    }
    if let Some(protection) = changes.deletion_protection {
        table.deletion_protection = protection;
    }
    if lasting {
        table.updating = later(call.now, takes);
    }
    Ok(json!({ "TableDescription": shown(call, name, table) }))
}

fn changes(members: &Members, now: Billing) -> Result<Changes, ApiError> {
    let given = |name: &str| members.get(name).is_some_and(|value| !value.is_null());
    let protection = match flag(members, "DeletionProtectionEnabled")? {
        true => Protection::On,
        false => Protection::Off,
    };
    Ok(Changes {
        billing: new_billing(members, now)?,
        key: if given("SSESpecification") { Some(encryption(members)?) } else { None },
        deletion_protection: given("DeletionProtectionEnabled").then_some(protection),
    })
}

fn new_billing(members: &Members, now: Billing) -> Result<Option<Billing>, ApiError> {
    let mode = word(members, "BillingMode", &["PROVISIONED", "PAY_PER_REQUEST"])?;
    let units = object(members, "ProvisionedThroughput")?;
    let new = match (mode, units, now) {
        (None, None, _) => return Ok(None),
        (None, Some(_), Billing::OnDemand) => {
            return Err(invalid_values(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
            ));
        }
        (Some("PROVISIONED"), None, Billing::Provisioned { .. }) => now,
        _ => billing(members)?,
    };
    match (new, mode) {
        (Billing::Provisioned { read, write }, None) if new == now => Err(invalid(format!(
            "The provisioned throughput for the table will not change. The requested value equals the current value. \
             Current ReadCapacityUnits provisioned for the table: {read}. Requested ReadCapacityUnits: {read}. Current \
             WriteCapacityUnits provisioned for the table: {write}. Requested WriteCapacityUnits: {write}."
        ))),
        _ => Ok(Some(new)),
    }
}
