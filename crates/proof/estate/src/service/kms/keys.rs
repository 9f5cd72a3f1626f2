//! Keys and aliases: made, shown, listed, renewed and deleted.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rand::RngExt;
use serde_json::{Value, json};

use super::{alias_arn, arn, id_of, key, keys, not_found, seconds, usable};
use crate::call::{ApiError, Call};
use crate::service::action::place;
use crate::service::members::{flag, members, missing, number, objects, text, text_within, word};
use crate::service::page;
use crate::world::World;
use crate::world::command::uuid;
use crate::world::keys::{Alias, Key};

/// Aliases of a page, where the caller does not ask for fewer.
const PAGE: u64 = 50;

fn shown(call: &Call, id: &str, key: &Key) -> Value {
    let mut shown = json!({
        "AWSAccountId": call.account,
        "KeyId": id,
        "Arn": arn(call, id),
        "CreationDate": seconds(key.created),
        "Enabled": key.deletion.is_none(),
        "Description": key.description,
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": if key.deletion.is_none() { "Enabled" } else { "PendingDeletion" },
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": false,
    });
    if let Some(at) = key.deletion {
        shown["DeletionDate"] = seconds(at);
    }
    shown
}

/// CreateKey: a symmetric one, for encryption.
pub(super) fn create(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let known = [
        "Description",
        "KeyUsage",
        "KeySpec",
        "CustomerMasterKeySpec",
        "Origin",
        "Policy",
        "BypassPolicyLockoutSafetyCheck",
        "MultiRegion",
        "Tags",
    ];
    let members = members(call, &known)?;
    for (member, only) in [
        ("KeyUsage", "ENCRYPT_DECRYPT"),
        ("KeySpec", "SYMMETRIC_DEFAULT"),
        ("CustomerMasterKeySpec", "SYMMETRIC_DEFAULT"),
        ("Origin", "AWS_KMS"),
    ] {
        word(members, member, &[only])?;
    }
    if flag(members, "MultiRegion")? {
        let message = "The estate has no keys of several regions; leave MultiRegion out";
        return Err(ApiError::new(400, "UnsupportedOperationException", message));
    }
    let mut tags = BTreeMap::new();
    for tag in objects(members, "Tags")? {
        let name = text_within(tag, "TagKey", (1, 128))?.ok_or_else(|| missing("TagKey"))?;
        let value = text_within(tag, "TagValue", (0, 256))?.ok_or_else(|| missing("TagValue"))?;
        tags.insert(name.to_owned(), value.to_owned());
    }
    let description = text_within(members, "Description", (0, 8_192))?.unwrap_or_default().to_owned();
    let place = place(world, call)?;
    let number = place.region.keys.made;
    let mut draws = place.draws("key", number, call.now);
    let (id, material) = (uuid(draws.random()), draws.random());
    let made = Key { description, tags, created: call.now, deletion: None, rotation: None, material };
    let answer = json!({ "KeyMetadata": shown(call, &id, &made) });
    place.region.keys.made += 1;
    place.region.keys.by_id.insert(id, made);
    Ok(answer)
}

/// DescribeKey.
pub(super) fn describe(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let (id, found) = key(world, call, members(call, &["KeyId"])?, "KeyId")?;
    Ok(json!({ "KeyMetadata": shown(call, &id, found) }))
}

/// CreateAlias.
pub(super) fn create_alias(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["AliasName", "TargetKeyId"])?;
    let alias = text_within(members, "AliasName", (1, 256))?.ok_or_else(|| missing("AliasName"))?;
    let name = alias.strip_prefix("alias/").unwrap_or_default();
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_-".contains(&byte));
    if name.is_empty() || !plain {
        let message =
            format!("Alias must start with the prefix \"alias/\". {alias} does not, or has other letters.");
        return Err(ApiError::new(400, "InvalidAliasNameException", message));
    }
    if name.starts_with("aws/") {
        return Err(ApiError::new(400, "NotAuthorizedException", ""));
    }
    let (id, _) = usable(world, call, members, "TargetKeyId")?;
    let aliases = &mut keys(world, call)?.aliases;
    if aliases.contains_key(alias) {
        let message = format!("An alias with the name {} already exists", alias_arn(call, alias));
        return Err(ApiError::new(400, "AlreadyExistsException", message));
    }
    aliases.insert(alias.to_owned(), Alias { key: id, created: call.now });
    Ok(Value::Null)
}

/// ListAliases: all, or those of one key.
pub(super) fn list_aliases(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["KeyId", "Limit", "Marker"])?;
    let most = number(members, "Limit", 1, 100)?.unwrap_or(PAGE);
    let from = match text(members, "Marker")? {
        None => 0,
        Some(token) => page::cursor(call, token)
            .ok_or_else(|| ApiError::new(400, "InvalidMarkerException", "The marker is not valid"))?,
    };
    let given = text_within(members, "KeyId", (1, 2_048))?;
    let keys = keys(world, call)?;
    let missing = |given: &str| not_found(format!("Key '{}' does not exist", arn(call, given)));
    let of = given.map(|given| id_of(keys, call, given).ok_or_else(|| missing(given))).transpose()?;
    let found: Vec<Value> = keys
        .aliases
        .iter()
        .filter(|(_, alias)| of.is_none_or(|id| id == alias.key))
        .map(|(name, alias)| {
            json!({
                "AliasName": name,
                "AliasArn": alias_arn(call, name),
                "TargetKeyId": alias.key,
                "CreationDate": seconds(alias.created),
                "LastUpdatedDate": seconds(alias.created),
            })
        })
        .collect();
    let count = found.len() as u64;
    let shown = found.into_iter().skip(usize::try_from(from).unwrap_or(usize::MAX)).take(most as usize);
    let mut answer = json!({ "Aliases": shown.collect::<Vec<Value>>(), "Truncated": false });
    if from + most < count {
        answer["Truncated"] = true.into();
        answer["NextMarker"] = page::token(call, from + most).into();
    }
    Ok(answer)
}

fn days_later(at: Timestamp, days: u64) -> Timestamp {
    at.checked_add(SignedDuration::from_hours(24 * days as i64)).unwrap_or(Timestamp::MAX)
}

/// EnableKeyRotation. What a key encrypted stays readable; the material of the estate's keys stays the same.
pub(super) fn enable_rotation(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["KeyId", "RotationPeriodInDays"])?;
    let given = number(members, "RotationPeriodInDays", 90, 2_560)?;
    let (_, found) = usable(world, call, members, "KeyId")?;
    found.rotation = match (found.rotation, given) {
        (Some(known), None) => Some(known),
        (_, days) => Some((days.unwrap_or(365), call.now)),
    };
    Ok(Value::Null)
}

/// GetKeyRotationStatus: nothing turns while a key waits to be deleted.
pub(super) fn rotation_status(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let (id, found) = key(world, call, members(call, &["KeyId"])?, "KeyId")?;
    let mut answer = json!({ "KeyId": arn(call, &id), "KeyRotationEnabled": false });
    if let Some((days, since)) = found.rotation.filter(|_| found.deletion.is_none()) {
        let passed = call.now.duration_since(since).as_hours().unsigned_abs() / 24;
        answer["KeyRotationEnabled"] = true.into();
        answer["RotationPeriodInDays"] = days.into();
        answer["NextRotationDate"] = seconds(days_later(since, (passed / days + 1) * days));
    }
    Ok(answer)
}

/// ScheduleKeyDeletion: until then the key does nothing.
pub(super) fn schedule_deletion(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["KeyId", "PendingWindowInDays"])?;
    let days = number(members, "PendingWindowInDays", 7, 30)?.unwrap_or(30);
    let (id, found) = usable(world, call, members, "KeyId")?;
    let at = days_later(call.now, days);
    found.deletion = Some(at);
    Ok(json!({
        "KeyId": arn(call, &id),
        "DeletionDate": seconds(at),
        "KeyState": "PendingDeletion",
        "PendingWindowInDays": days,
    }))
}
