//! Tags of rules.

use serde_json::{Value, json};

use super::{absent, place, region};
use crate::call::{ApiError, Call, Requirement};
use crate::service::members::{Members, members, missing, tag_context, tags, text, texts};
use crate::world::World;
use crate::world::events::DEFAULT_BUS;

/// Tags of a resource, at most.
const MAX_TAGS: usize = 50;

/// The call's own action on the resource it names.
pub(super) fn needs(_: &World, call: &Call) -> Vec<Requirement> {
    let resource = call.json()["ResourceARN"].as_str().unwrap_or("*").to_owned();
    let mut context = tag_context(call, ("Tags", "Key", "Value"));
    let keys = call.json()["TagKeys"].as_array().into_iter().flatten().filter_map(Value::as_str);
    context.extend(keys.map(|key| ("aws:TagKeys".to_owned(), key.to_owned())));
    vec![Requirement { action: format!("events:{}", call.action).into(), resource, context }]
}

/// The bus and the name of the rule whose ARN a request gives.
fn rule<'m>(call: &Call, members: &'m Members) -> Result<(&'m str, &'m str), ApiError> {
    let given = text(members, "ResourceARN")?.ok_or_else(|| missing("ResourceARN"))?;
    let own = format!("arn:aws:events:{}:{}:rule/", call.region, call.account);
    let named = given.strip_prefix(own.as_str()).ok_or_else(|| no_resource(given))?;
    Ok(named.split_once('/').unwrap_or((DEFAULT_BUS, named)))
}

fn no_resource(arn: &str) -> ApiError {
    absent(format!("Resource {arn} does not exist."))
}

/// TagResource.
pub(super) fn tag(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["ResourceARN", "Tags"])?;
    let new = tags(members)?;
    change(world, call, members, |known| {
        known.extend(new);
        match known.len() > MAX_TAGS {
            true => Err(super::too_many(format!("A resource has at most {MAX_TAGS} tags."))),
            false => Ok(()),
        }
    })
}

/// UntagResource.
pub(super) fn untag(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["ResourceARN", "TagKeys"])?;
    let keys = texts(members, "TagKeys")?;
    change(world, call, members, |known| {
        known.retain(|key, _| !keys.contains(&key.as_str()));
        Ok(())
    })
}

type Known = std::collections::BTreeMap<String, String>;

/// Changes the tags of the rule that a request names, as a whole or not at all.
fn change(
    world: &mut World,
    call: &Call,
    members: &Members,
    how: impl FnOnce(&mut Known) -> Result<(), ApiError>,
) -> Result<Value, ApiError> {
    let (bus, name) = rule(call, members)?;
    let found = place(world, call)?.region.events.buses.get_mut(bus).and_then(|bus| bus.rules.get_mut(name));
    let found = found.ok_or_else(|| no_resource(name))?;
    let mut tags = found.tags.clone();
    how(&mut tags)?;
    found.tags = tags;
    Ok(json!({}))
}

/// ListTagsForResource.
pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["ResourceARN"])?;
    let (bus, name) = rule(call, members)?;
    let found = region(world, call)?.events.buses.get(bus).and_then(|bus| bus.rules.get(name));
    let tags = &found.ok_or_else(|| no_resource(name))?.tags;
    let shown: Vec<Value> = tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    Ok(json!({ "Tags": shown }))
}
