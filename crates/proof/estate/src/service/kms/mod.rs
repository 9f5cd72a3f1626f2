//! KMS: symmetric keys, their aliases, and what is encrypted under them.
//!
//! Rules: <https://docs.aws.amazon.com/kms/latest/APIReference/Welcome.html>. Keys to sign with, keys of several
//! regions, grants and imported material do not exist, nor do AWS's own keys; a key's policy is not judged,
//! identity policies are. What the cipher is, [`crate::world::keys`] says.

mod cipher;
mod keys;

use serde_json::Value;

use super::members::{Members, missing, tag_context, text_within};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::calls::CallKind;
use crate::service::action::{Does, Needs, actions, place, region};
use crate::world::World;
use crate::world::keys::{Key, Keys};

/// Every KMS operation of the estate.
#[must_use]
pub fn operations() -> Vec<Box<dyn Operation>> {
    use CallKind::{Mutation, Read};
    let all = [
        ("CreateKey", Mutation, needs_to_create as Needs, keys::create as Does),
        ("DescribeKey", Read, on_key, keys::describe),
        ("CreateAlias", Mutation, needs_to_name, keys::create_alias),
        ("ListAliases", Read, on_all, keys::list_aliases),
        ("EnableKeyRotation", Mutation, on_key, keys::enable_rotation),
        ("GetKeyRotationStatus", Read, on_key, keys::rotation_status),
        ("ScheduleKeyDeletion", Mutation, on_key, keys::schedule_deletion),
        ("Encrypt", Read, on_key, cipher::encrypt),
        ("Decrypt", Read, on_key, cipher::decrypt),
        ("GenerateDataKey", Read, on_key, cipher::generate_data_key),
    ];
    actions(Service::Kms, all)
}

fn not_found(message: String) -> ApiError {
    ApiError::new(400, "NotFoundException", message)
}

fn arn(call: &Call, id: &str) -> String {
    format!("arn:aws:kms:{}:{}:key/{id}", call.region, call.account)
}

fn alias_arn(call: &Call, alias: &str) -> String {
    format!("arn:aws:kms:{}:{}:{alias}", call.region, call.account)
}

/// The call's own action, for which there is no permission on single keys.
fn on_all(_: &World, call: &Call) -> Vec<Requirement> {
    vec![Requirement::any_resource(format!("kms:{}", call.action))]
}

/// CreateKey with its tags.
fn needs_to_create(_: &World, call: &Call) -> Vec<Requirement> {
    let context = tag_context(call, ("Tags", "TagKey", "TagValue"));
    let mut needed = vec![Requirement { action: "kms:CreateKey".into(), resource: "*".to_owned(), context }];
    if !needed[0].context.is_empty() {
        needed.push(Requirement { action: "kms:TagResource".into(), ..needed[0].clone() });
    }
    needed
}

/// CreateAlias on the alias and on the key.
fn needs_to_name(world: &World, call: &Call) -> Vec<Requirement> {
    let alias = call.json()["AliasName"].as_str().unwrap_or("alias/*");
    let on_alias = Requirement {
        action: "kms:CreateAlias".into(),
        resource: alias_arn(call, alias),
        context: Vec::new(),
    };
    let mut needed = vec![on_alias];
    needed.extend(on(world, call, call.json()["TargetKeyId"].as_str()));
    needed
}

/// The call's own action on the key it names, or that its encrypted text does.
fn on_key(world: &World, call: &Call) -> Vec<Requirement> {
    let given = call.json()["KeyId"].as_str().map(str::to_owned).or_else(|| cipher::named_by_text(call));
    on(world, call, given.as_deref())
}

fn on(world: &World, call: &Call, given: Option<&str>) -> Vec<Requirement> {
    let given = given.unwrap_or("*");
    let keys = region(world, call).ok().map(|region| &region.keys);
    let found = keys.and_then(|keys| Some((id_of(keys, call, given)?, keys)));
    let mut context = Vec::new();
    for (name, value) in call.json()["EncryptionContext"].as_object().into_iter().flatten() {
        context
            .push((format!("kms:EncryptionContext:{name}"), value.as_str().unwrap_or_default().to_owned()));
        context.push(("kms:EncryptionContextKeys".to_owned(), name.clone()));
    }
    if let Some(alias) = given.rsplit(':').next().filter(|it| it.starts_with("alias/")) {
        context.push(("kms:RequestAlias".to_owned(), alias.to_owned()));
    }
    let resource = match found {
        Some((id, keys)) => {
            let aliases = keys.aliases.iter().filter(|(_, alias)| alias.key == id);
            context.extend(aliases.map(|(name, _)| ("kms:ResourceAliases".to_owned(), name.clone())));
            let tags = keys.by_id.get(id).into_iter().flat_map(|key| &key.tags);
            context.extend(tags.map(|(key, value)| (format!("aws:ResourceTag/{key}"), value.clone())));
            arn(call, id)
        }
        None if given.starts_with("arn:") => given.to_owned(),
        None => arn(call, given),
    };
    vec![Requirement { action: format!("kms:{}", call.action).into(), resource, context }]
}

/// The id of the key that is given by its id, its ARN, an alias or the ARN of one.
fn id_of<'k>(keys: &'k Keys, call: &Call, given: &str) -> Option<&'k str> {
    let own = alias_arn(call, "");
    let given = given.strip_prefix(own.as_str()).unwrap_or(given);
    let id = match keys.aliases.get(given) {
        Some(alias) => alias.key.as_str(),
        None => given.strip_prefix("key/").unwrap_or(given),
    };
    keys.by_id.get_key_value(id).map(|(id, _)| id.as_str())
}

/// The keys of the call's region, without those whose time is over.
fn keys<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Keys, ApiError> {
    let keys = &mut place(world, call)?.region.keys;
    keys.forget(call.now);
    Ok(keys)
}

/// The key that a request names under `member`, with its id.
fn key<'w>(
    world: &'w mut World,
    call: &Call,
    members: &Members,
    member: &str,
) -> Result<(String, &'w mut Key), ApiError> {
    let given = text_within(members, member, (1, 2_048))?.ok_or_else(|| missing(member))?;
    let keys = keys(world, call)?;
    let missing = || match given.contains("alias/") {
        true => not_found(format!("Alias {} is not found.", alias_arn(call, given))),
        false if given.starts_with("arn:") => not_found(format!("Key '{given}' does not exist")),
        false => not_found(format!("Key '{}' does not exist", arn(call, given))),
    };
    let id = id_of(keys, call, given).map(str::to_owned).ok_or_else(missing)?;
    let found = keys.by_id.get_mut(&id).ok_or_else(missing)?;
    Ok((id, found))
}

/// The same, unless it is to be deleted.
fn usable<'w>(
    world: &'w mut World,
    call: &Call,
    members: &Members,
    member: &str,
) -> Result<(String, &'w mut Key), ApiError> {
    let (id, found) = key(world, call, members, member)?;
    match found.deletion {
        None => Ok((id, found)),
        Some(_) => Err(ApiError::new(
            400,
            "KMSInvalidStateException",
            format!("{} is pending deletion.", arn(call, &id)),
        )),
    }
}

/// A moment as the service writes it: seconds since 1970 with a fraction.
fn seconds(moment: jiff::Timestamp) -> Value {
    (moment.as_millisecond() as f64 / 1_000.0).into()
}
