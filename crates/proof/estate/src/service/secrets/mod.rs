//! Secrets Manager: secrets with their versions, tags, and a while in which what is deleted can be had back.
//!
//! Rules: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/Welcome.html>. Rotation, replicas and
//! resource policies do not exist; whether the caller may use the secret's key is not judged. Values are in no
//! log and in no `Debug`.

mod change;
mod reading;

use rand::RngExt;
use serde_json::Value;

use super::members::{Members, missing, tag_context, text_within};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::calls::CallKind;
use crate::generate::seed::Seed;
use crate::service::action::{Does, Needs, actions, place, region};
use crate::world::World;
use crate::world::secrets::{Secret, Secrets};

/// Every Secrets Manager operation of the estate.
#[must_use]
pub fn operations() -> Vec<Box<dyn Operation>> {
    use CallKind::{Mutation, Read};
    let all = [
        ("CreateSecret", Mutation, needs_to_create as Needs, change::create as Does),
        ("PutSecretValue", Mutation, on_secret, change::put_value),
        ("DeleteSecret", Mutation, on_secret, change::delete),
        ("RestoreSecret", Mutation, on_secret, change::restore),
        ("TagResource", Mutation, on_secret, change::tag),
        ("GetSecretValue", Read, on_secret, reading::get_value),
        ("DescribeSecret", Read, on_secret, reading::describe),
        ("ListSecrets", Read, on_all, reading::list),
    ];
    actions(Service::SecretsManager, all)
}

/// What ends ARNs.
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

fn wrong(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "InvalidParameterException", message)
}

fn not_now(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "InvalidRequestException", message)
}

fn exists(message: String) -> ApiError {
    ApiError::new(400, "ResourceExistsException", message)
}

fn not_found(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "ResourceNotFoundException", message)
}

fn no_secret() -> ApiError {
    not_found("Secrets Manager can't find the specified secret.")
}

fn marked() -> ApiError {
    not_now("You can't perform this operation on the secret because it was marked for deletion.")
}

/// The six characters that would end the ARN of a secret made now.
fn suffix(world: &World, call: &Call, name: &str) -> String {
    let made = region(world, call).map_or(0, |region| region.secrets.made);
    let seed = Seed::root(world.seed).child("secret").child(&call.account).child(&call.region).child(name);
    let mut stream = seed.nth(made as usize).stream();
    (0..6).map(|_| char::from(LETTERS[stream.random_range(0..LETTERS.len())])).collect()
}

fn arn(call: &Call, name: &str, suffix: &str) -> String {
    format!("arn:aws:secretsmanager:{}:{}:secret:{name}-{suffix}", call.region, call.account)
}

/// CreateSecret on the secret that would be made, with its tags.
fn needs_to_create(world: &World, call: &Call) -> Vec<Requirement> {
    let name = call.json()["Name"].as_str().unwrap_or_default();
    let resource = arn(call, name, &suffix(world, call, name));
    let tags = tag_context(call, ("Tags", "Key", "Value"));
    let mut context = vec![("secretsmanager:Name".to_owned(), name.to_owned())];
    context.extend(tags.iter().cloned());
    let action = "secretsmanager:CreateSecret".into();
    let mut needed = vec![Requirement { action, resource: resource.clone(), context }];
    if !tags.is_empty() {
        needed.push(Requirement { action: "secretsmanager:TagResource".into(), resource, context: tags });
    }
    needed
}

/// The call's own action on the secret it names.
fn on_secret(world: &World, call: &Call) -> Vec<Requirement> {
    let given = call.json()["SecretId"].as_str().unwrap_or("*");
    let secrets = region(world, call).ok().map(|region| &region.secrets);
    let found = secrets.and_then(|secrets| Some((named(secrets, call, given)?, secrets)));
    let mut context = tag_context(call, ("Tags", "Key", "Value"));
    context.push(("secretsmanager:SecretId".to_owned(), given.to_owned()));
    let resource = match found.and_then(|(name, secrets)| Some((name, secrets.by_name.get(name)?))) {
        Some((name, secret)) => {
            for (key, value) in &secret.tags {
                context.push((format!("secretsmanager:ResourceTag/{key}"), value.clone()));
                context.push((format!("aws:ResourceTag/{key}"), value.clone()));
            }
            arn(call, name, &secret.suffix)
        }
        None if given.starts_with("arn:") => given.to_owned(),
        None => format!("arn:aws:secretsmanager:{}:{}:secret:{given}", call.region, call.account),
    };
    vec![Requirement { action: format!("secretsmanager:{}", call.action).into(), resource, context }]
}

/// The call's own action, for which there is no permission on single secrets.
fn on_all(_: &World, call: &Call) -> Vec<Requirement> {
    vec![Requirement::any_resource(format!("secretsmanager:{}", call.action))]
}

/// The name of the secret that is given by its name, its ARN, or that without the end.
fn named<'s>(secrets: &'s Secrets, call: &Call, given: &'s str) -> Option<&'s str> {
    let own = format!("arn:aws:secretsmanager:{}:{}:secret:", call.region, call.account);
    let Some(rest) = given.strip_prefix(own.as_str()) else {
        return secrets.by_name.get_key_value(given).map(|(name, _)| name.as_str());
    };
    let whole = rest.rsplit_once('-').and_then(|(name, suffix)| {
        let (name, secret) = secrets.by_name.get_key_value(name)?;
        (secret.suffix == suffix).then_some(name.as_str())
    });
    whole.or_else(|| secrets.by_name.get_key_value(rest).map(|(name, _)| name.as_str()))
}

/// The secrets of the call's region, without those whose time is over.
fn secrets<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Secrets, ApiError> {
    let secrets = &mut place(world, call)?.region.secrets;
    secrets.forget(call.now);
    Ok(secrets)
}

/// The secret that a request names, with its name.
fn secret<'w>(
    world: &'w mut World,
    call: &Call,
    members: &Members,
) -> Result<(String, &'w mut Secret), ApiError> {
    let given = text_within(members, "SecretId", (1, 2_048))?.ok_or_else(|| missing("SecretId"))?;
    let secrets = secrets(world, call)?;
    let name = named(secrets, call, given).map(str::to_owned).ok_or_else(no_secret)?;
    let found = secrets.by_name.get_mut(&name).ok_or_else(no_secret)?;
    Ok((name, found))
}

/// The same, unless it is to be deleted.
fn kept<'w>(
    world: &'w mut World,
    call: &Call,
    members: &Members,
) -> Result<(String, &'w mut Secret), ApiError> {
    let found = secret(world, call, members)?;
    if found.1.deletion.is_some() { Err(marked()) } else { Ok(found) }
}

/// What every answer about one secret begins with.
fn head(call: &Call, name: &str, secret: &Secret) -> Value {
    serde_json::json!({ "ARN": arn(call, name, &secret.suffix), "Name": name })
}
