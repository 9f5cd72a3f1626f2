//! Making secrets, putting values, tagging, deleting and having back.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{arn, exists, head, kept, named, not_now, secret, secrets, suffix, wrong};
use crate::call::{ApiError, Call};
use crate::service::members::{
    Members, constraint, flag, members, missing, number, tags, text, text_within, texts,
};
use crate::world::World;
use crate::world::secrets::{CURRENT, Content, Secret};

/// Bytes of a value, at most (user guide, "AWS Secrets Manager quotas").
const MAX_BYTES: usize = 65_536;
/// Tags of a secret, at most.
const MAX_TAGS: usize = 50;
/// Days in which a deleted secret can be had back, where the request does not say.
const RECOVERY_DAYS: u64 = 30;

fn name(members: &Members) -> Result<&str, ApiError> {
    let name = text_within(members, "Name", (1, 512))?.ok_or_else(|| missing("Name"))?;
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+=.@-".contains(&byte));
    match plain {
        true => Ok(name),
        false => Err(ApiError::new(
            400,
            "ValidationException",
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        )),
    }
}

/// The value that a request brings, if it brings one.
fn content(members: &Members) -> Result<Option<Content>, ApiError> {
    let string = text(members, "SecretString")?.map(|text| (text.len(), Content::Text(text.to_owned())));
    let binary = match text(members, "SecretBinary")? {
        None => None,
        Some(encoded) => {
            let bytes = STANDARD.decode(encoded).map_err(|_| wrong("SecretBinary is not base64."))?;
            Some((bytes.len(), Content::Binary(encoded.to_owned())))
        }
    };
    match (string, binary) {
        (Some(_), Some(_)) => Err(wrong(
            "You can't specify both a binary secret value and a string secret value in the same secret.",
        )),
        (Some((1..=MAX_BYTES, content)), None) | (None, Some((1..=MAX_BYTES, content))) => Ok(Some(content)),
        (None, None) => Ok(None),
        _ => Err(constraint(
            "(hidden)",
            "SecretString",
            &format!("Member must have a length from 1 to {MAX_BYTES}"),
        )),
    }
}

/// The id of the version to be made: the client's token, or the request's id.
fn version_id(call: &Call, members: &Members) -> Result<String, ApiError> {
    let given = text_within(members, "ClientRequestToken", (32, 64))?;
    Ok(given.unwrap_or(&call.request_id).to_owned())
}

/// CreateSecret. The same request once more is answered with what it made.
pub(super) fn create(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let known =
        ["Name", "ClientRequestToken", "Description", "KmsKeyId", "SecretBinary", "SecretString", "Tags"];
    let members = members(call, &known)?;
    let name = name(members)?;
    let content = content(members)?;
    let id = version_id(call, members)?;
    let tags = tags(members)?;
    if tags.len() > MAX_TAGS {
        return Err(wrong(format!("A secret has at most {MAX_TAGS} tags.")));
    }
    let suffix = suffix(world, call, name);
    let secrets = secrets(world, call)?;
    if let Some(known) = secrets.by_name.get(name) {
        return match (known.deletion, known.version(&id), &content) {
            (Some(_), _, _) => Err(not_now(
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
            )),
            (None, Some(version), Some(content)) if version.content == *content => {
                Ok(with_version(head(call, name, known), &id))
            }
            _ => Err(exists(format!("The operation failed because the secret {name} already exists."))),
        };
    }
    let mut made = Secret {
        suffix,
        description: text_within(members, "Description", (0, 2_048))?.map(str::to_owned),
        key: text_within(members, "KmsKeyId", (0, 2_048))?.map(str::to_owned),
        tags,
        versions: Vec::new(),
        created: call.now,
        changed: call.now,
        accessed: None,
        deletion: None,
    };
    let mut answer = head(call, name, &made);
    if let Some(content) = content {
        answer = with_version(answer, &id);
        made.put(id, content, BTreeSet::new(), call.now);
    }
    secrets.made += 1;
    secrets.by_name.insert(name.to_owned(), made);
    Ok(answer)
}

fn with_version(mut answer: Value, id: &str) -> Value {
    answer["VersionId"] = id.into();
    answer
}

/// PutSecretValue: a version with labels, the one of the version in use where no other is asked for. The same
/// token is good for the same value only.
pub(super) fn put_value(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let known = ["SecretId", "ClientRequestToken", "SecretBinary", "SecretString", "VersionStages"];
    let members = members(call, &known)?;
    let content =
        content(members)?.ok_or_else(|| wrong("You must provide either SecretString or SecretBinary."))?;
    let id = version_id(call, members)?;
    let mut stages: BTreeSet<String> =
        texts(members, "VersionStages")?.into_iter().map(str::to_owned).collect();
    if stages.len() > 20 || stages.iter().any(|stage| !(1..=256).contains(&stage.len())) {
        return Err(constraint(
            "'[…]'",
            "VersionStages",
            "Member must be 1 to 20 labels of 1 to 256 characters",
        ));
    }
    if stages.is_empty() {
        stages.insert(CURRENT.to_owned());
    }
    let (name, found) = kept(world, call, members)?;
    match found.version(&id) {
        None => found.put(id.clone(), content, stages, call.now),
        Some(version) if version.content == content => {}
        Some(_) => {
            let arn = arn(call, &name, &found.suffix);
            return Err(exists(format!(
                "You can't use ClientRequestToken {id} because that value is already in use for a version of secret \
                 {arn}."
            )));
        }
    }
    let stages = found.version(&id).map(|version| version.stages.clone()).unwrap_or_default();
    let mut answer = with_version(head(call, &name, found), &id);
    answer["VersionStages"] = json!(stages);
    Ok(answer)
}

/// DeleteSecret: after a while, in which it can be had back, or at once.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["SecretId", "RecoveryWindowInDays", "ForceDeleteWithoutRecovery"])?;
    let at_once = flag(members, "ForceDeleteWithoutRecovery")?;
    let days = number(members, "RecoveryWindowInDays", 0, u64::MAX)?;
    if at_once && days.is_some() {
        return Err(wrong(
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        ));
    }
    let days = days.unwrap_or(RECOVERY_DAYS);
    if !(7..=30).contains(&days) {
        return Err(wrong("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."));
    }
    if at_once {
        return delete_at_once(world, call, members);
    }
    let (name, found) = kept(world, call, members)?;
    let at = call.now.checked_add(SignedDuration::from_hours(24 * days as i64)).unwrap_or(Timestamp::MAX);
    found.deletion = Some(at);
    Ok(deleted(head(call, &name, found), at))
}

/// What is not there is as good as deleted.
fn delete_at_once(world: &mut World, call: &Call, members: &Members) -> Result<Value, ApiError> {
    let given = text_within(members, "SecretId", (1, 2_048))?.ok_or_else(|| missing("SecretId"))?;
    let secrets = secrets(world, call)?;
    let name = named(secrets, call, given).unwrap_or(given).to_owned();
    let head = match secrets.by_name.remove(&name) {
        Some(gone) => head(call, &name, &gone),
        None => json!({ "ARN": given, "Name": name }),
    };
    Ok(deleted(head, call.now))
}

fn deleted(mut answer: Value, at: Timestamp) -> Value {
    answer["DeletionDate"] = super::reading::seconds(at).into();
    answer
}

/// RestoreSecret: one that is not to be deleted stays as it is.
pub(super) fn restore(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let (name, found) = secret(world, call, members(call, &["SecretId"])?)?;
    found.deletion = None;
    Ok(head(call, &name, found))
}

/// TagResource.
pub(super) fn tag(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["SecretId", "Tags"])?;
    let new = tags(members)?;
    let (_, found) = kept(world, call, members)?;
    let mut all = found.tags.clone();
    all.extend(new);
    if all.len() > MAX_TAGS {
        return Err(wrong(format!("A secret has at most {MAX_TAGS} tags.")));
    }
    found.tags = all;
    Ok(Value::Null)
}
