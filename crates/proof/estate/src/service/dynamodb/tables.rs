//! Making, showing, listing and deleting tables.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rand::RngExt;
use serde_json::{Map, Value as Json, json};

use super::members::{
    Members, constraint, flag, invalid, invalid_values, members, missing, number, object, objects, only,
    table_arn, table_name, tags, text, word,
};
use super::{known, not_found, place, region};
use crate::call::{ApiError, Call};
use crate::world::World;
use crate::world::command::uuid;
use crate::world::tables::items::Items;
use crate::world::tables::{Billing, KeyKind, KeyPart, Protection, Schema, Status, Table, TimeToLive};

/// Tables of an account in a region, at most.
const MAX_TABLES: usize = 2_500;

/// A moment as the service writes it: seconds since 1970 with a fraction.
pub(super) fn seconds(moment: Timestamp) -> f64 {
    moment.as_millisecond() as f64 / 1_000.0
}

fn in_use(message: String) -> ApiError {
    ApiError::new(400, "ResourceInUseException", message)
}

/// CreateTable.
pub(super) fn create(world: &mut World, call: &Call) -> Result<Json, ApiError> {
    let supported = [
        "TableName",
        "AttributeDefinitions",
        "KeySchema",
        "BillingMode",
        "ProvisionedThroughput",
        "DeletionProtectionEnabled",
        "TableClass",
        "SSESpecification",
        "StreamSpecification",
        "Tags",
    ];
    let members = members(call, &supported)?;
    let name = table_name(call, members)?;
    let schema = schema(members)?;
    let billing = billing(members)?;
    let tags = tags(members)?;
    word(members, "TableClass", &["STANDARD", "STANDARD_INFREQUENT_ACCESS"])?;
    without_stream(members)?;
    let key = encryption(members)?;
    let deletion_protection = match flag(members, "DeletionProtectionEnabled")? {
        true => Protection::On,
        false => Protection::Off,
    };
    let place = place(world, call)?;
    if place.region.tables.get(name, call.now).is_some() {
        return Err(in_use(format!("Table already exists: {name}")));
    }
    if place.region.tables.names(call.now).count() >= MAX_TABLES {
        let message = format!(
            "Subscriber limit exceeded: Only {MAX_TABLES} tables can be created, updated, or deleted"
        );
        return Err(ApiError::new(400, "LimitExceededException", message));
    }
    let id = uuid(place.draws(&format!("id of table {name}"), 0, call.now).random());
    let takes = place.length(place.pace.table, &format!("table {name}"), 0, call.now);
    let active = later(call.now, takes);
    let table = Table {
        id,
        schema,
        billing,
        created: call.now,
        active,
        billed: call.now,
        updating: call.now,
        gone: None,
        deletion_protection,
        point_in_time: None,
        time_to_live: TimeToLive::default(),
        key,
        tags,
        items: Items::default(),
    };
    let answer = json!({ "TableDescription": shown(call, name, &table) });
    place.region.tables.add(name, table);
    Ok(answer)
}

/// Refuses streams, of which there are none.
pub(super) fn without_stream(members: &Members) -> Result<(), ApiError> {
    match object(members, "StreamSpecification")?.and_then(|it| it.get("StreamEnabled")) {
        Some(Json::Bool(true)) => {
            Err(invalid("StreamSpecification is not supported by the estate; leave it out"))
        }
        _ => Ok(()),
    }
}

pub(super) fn later(now: Timestamp, takes: SignedDuration) -> Timestamp {
    now.checked_add(takes).unwrap_or(Timestamp::MAX)
}

fn schema(members: &Members) -> Result<Schema, ApiError> {
    let mut kinds: BTreeMap<&str, KeyKind> = BTreeMap::new();
    for definition in objects(members, "AttributeDefinitions")? {
        let name = text(definition, "AttributeName")?.ok_or_else(|| missing("AttributeName"))?;
        let kind = word(definition, "AttributeType", &["B", "N", "S"])?.and_then(KeyKind::named);
        kinds.insert(name, kind.ok_or_else(|| missing("AttributeType"))?);
    }
    let mut parts = Vec::new();
    for (number, element) in objects(members, "KeySchema")?.into_iter().enumerate() {
        let name = text(element, "AttributeName")?.ok_or_else(|| missing("AttributeName"))?;
        let role = word(element, "KeyType", &["HASH", "RANGE"])?.ok_or_else(|| missing("KeyType"))?;
        match (number, role) {
            (0, "RANGE") => {
                return Err(invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type"));
            }
            (1, "HASH") => {
                return Err(invalid(
                    "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type",
                ));
            }
            _ => {}
        }
        let kind = *kinds.get(name).ok_or_else(|| {
            let defined: Vec<&str> = kinds.keys().copied().collect();
            invalid_values(&format!(
                "Some index key attributes are not defined in AttributeDefinitions. Keys: [{name}], \
                 AttributeDefinitions: [{}]",
                defined.join(", ")
            ))
        })?;
        parts.push(KeyPart { name: name.to_owned(), kind });
    }
    if parts.len() > 2 {
        return Err(constraint("'[…]'", "KeySchema", "Member must have length less than or equal to 2"));
    }
    let mut parts = parts.into_iter();
    let partition = parts.next().ok_or_else(|| missing("KeySchema"))?;
    let sort = parts.next();
    if sort.as_ref().is_some_and(|sort| sort.name == partition.name) {
        return Err(invalid(
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
        ));
    }
    if kinds.len() != 1 + usize::from(sort.is_some()) {
        return Err(invalid_values(
            "Number of attributes in KeySchema does not exactly match number of attributes defined in \
             AttributeDefinitions",
        ));
    }
    Ok(Schema { partition, sort })
}

pub(super) fn billing(members: &Members) -> Result<Billing, ApiError> {
    let mode = word(members, "BillingMode", &["PROVISIONED", "PAY_PER_REQUEST"])?.unwrap_or("PROVISIONED");
    let given = object(members, "ProvisionedThroughput")?;
    match (mode, given) {
        ("PAY_PER_REQUEST", None) => Ok(Billing::OnDemand),
        ("PAY_PER_REQUEST", Some(_)) => Err(invalid_values(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
        )),
        (_, None) => Err(invalid_values(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
        )),
        (_, Some(given)) => {
            let units = |name| number(given, name, 1, u64::MAX)?.ok_or_else(|| missing(name));
            Ok(Billing::Provisioned {
                read: units("ReadCapacityUnits")?,
                write: units("WriteCapacityUnits")?,
            })
        }
    }
}

/// The key that items are encrypted with, where it is not DynamoDB's own.
pub(super) fn encryption(members: &Members) -> Result<Option<String>, ApiError> {
    let Some(given) = object(members, "SSESpecification")? else { return Ok(None) };
    only(given, &["Enabled", "SSEType", "KMSMasterKeyId"])?;
    word(given, "SSEType", &["KMS"])?;
    let key = text(given, "KMSMasterKeyId")?.unwrap_or("alias/aws/dynamodb");
    Ok(flag(given, "Enabled")?.then(|| key.to_owned()))
}

/// A table as the service shows it. Counts are those of the moment; the real ones are up to six
/// hours old.
pub(super) fn shown(call: &Call, name: &str, table: &Table) -> Json {
    let kinds: Vec<Json> = table
        .schema
        .parts()
        .map(|part| json!({ "AttributeName": part.name, "AttributeType": part.kind.as_str() }))
        .collect();
    let roles = ["HASH", "RANGE"];
    let keys: Vec<Json> = table
        .schema
        .parts()
        .zip(roles)
        .map(|(part, role)| json!({ "AttributeName": part.name, "KeyType": role }))
        .collect();
    let (read, write) = match table.billing {
        Billing::OnDemand => (0, 0),
        Billing::Provisioned { read, write } => (read, write),
    };
    let bytes: usize =
        table.items.all(None).values().map(|it| crate::world::tables::attribute::size_bytes(it)).sum();
    let mut shown = json!({
        "AttributeDefinitions": kinds,
        "TableName": name,
        "KeySchema": keys,
        "TableStatus": table.status(call.now).as_str(),
        "CreationDateTime": seconds(table.created),
        "ProvisionedThroughput": {
            "NumberOfDecreasesToday": 0,
            "ReadCapacityUnits": read,
            "WriteCapacityUnits": write,
        },
        "TableSizeBytes": bytes,
        "ItemCount": table.items.len(),
        "TableArn": table_arn(call, name),
        "TableId": table.id,
        "DeletionProtectionEnabled": table.deletion_protection == Protection::On,
    });
    if table.billing == Billing::OnDemand {
        shown["BillingModeSummary"] = json!({
            "BillingMode": "PAY_PER_REQUEST",
            "LastUpdateToPayPerRequestDateTime": seconds(table.billed),
        });
    }
    if let Some(key) = &table.key {
        let arn = match key.starts_with("arn:") {
            true => key.clone(),
            false if key.starts_with("alias/") => {
                format!("arn:aws:kms:{}:{}:{key}", call.region, call.account)
            }
            false => format!("arn:aws:kms:{}:{}:key/{key}", call.region, call.account),
        };
        shown["SSEDescription"] = json!({ "Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": arn });
    }
    shown
}

/// DescribeTable.
pub(super) fn describe(world: &mut World, call: &Call) -> Result<Json, ApiError> {
    let members = members(call, &["TableName"])?;
    let name = table_name(call, members)?;
    let table = known(region(world, call)?, call, name)?;
    Ok(json!({ "Table": shown(call, name, table) }))
}

/// DeleteTable: its items are out of reach at once, and it is gone a little later.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Json, ApiError> {
    let members = members(call, &["TableName"])?;
    let name = table_name(call, members)?;
    let place = place(world, call)?;
    let takes = place.length(place.pace.table, &format!("end of table {name}"), 0, call.now);
    let table = place.region.tables.get_mut(name, call.now).ok_or_else(|| not_found(name))?;
    changeable(table, call, name)?;
    if table.deletion_protection == Protection::On {
        return Err(invalid(
            "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection \
             first.",
        ));
    }
    table.gone = Some(later(call.now, takes));
    Ok(json!({ "TableDescription": shown(call, name, table) }))
}

/// Refuses to change a table while something else is done with it.
pub(super) fn changeable(table: &Table, call: &Call, name: &str) -> Result<(), ApiError> {
    let doing = match table.status(call.now) {
        Status::Active => return Ok(()),
        Status::Creating => "created",
        Status::Updating => "updated",
        Status::Deleting => "deleted",
    };
    Err(in_use(format!("Attempt to change a resource which is still in use: Table is being {doing}: {name}")))
}

/// ListTables.
pub(super) fn list_tables(world: &mut World, call: &Call) -> Result<Json, ApiError> {
    let members = members(call, &["ExclusiveStartTableName", "Limit"])?;
    let limit = number(members, "Limit", 1, 100)?.unwrap_or(100) as usize;
    let start = text(members, "ExclusiveStartTableName")?.unwrap_or_default();
    let mut names = region(world, call)?.tables.names(call.now).filter(|name| *name > start);
    let page: Vec<&str> = names.by_ref().take(limit).collect();
    let mut answer = Map::new();
    if let (Some(last), true) = (page.last(), names.next().is_some()) {
        answer.insert("LastEvaluatedTableName".to_owned(), (*last).into());
    }
    answer.insert("TableNames".to_owned(), page.into());
    Ok(answer.into())
}
