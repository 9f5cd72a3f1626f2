//! Reading parameters: one, up to ten by name, all below a path, and the versions of one.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{name, names, not_found, on, selected, shown, without_selector};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::ssm::document;
use crate::service::ssm::members::{Members, members, missing, number, paged, text};
use crate::world::World;
use crate::world::eks::images;

/// GetParameter: the newest version, or the one behind a colon.
pub(super) struct GetParameter;
/// GetParameters: up to ten; names that are not there are told apart.
pub(super) struct GetParameters;
/// GetParametersByPath: what is right below a path, or all below it.
pub(super) struct GetParametersByPath;
/// GetParameterHistory: every version that is kept, the oldest first.
pub(super) struct GetParameterHistory;

fn decrypts(members: &Members) -> bool {
    members.get("WithDecryption").and_then(Value::as_bool).unwrap_or(false)
}

fn page_size(members: &Members, most: usize) -> Result<usize, ApiError> {
    document::page_size(number(members, "MaxResults", (i64::MIN, i64::MAX))?, 1, most, most)
}

/// A parameter by its name and selector, as the service shows it.
fn one(world: &World, call: &Call, asked: &str, decrypted: bool) -> Result<Option<Members>, ApiError> {
    let (name, selector) = without_selector(asked);
    let region = document::region(world, call)?;
    let public = || images::parameter(name, &call.region, call.now).map(Cow::Owned);
    let found = region.parameters.get(name).map(Cow::Borrowed).or_else(public);
    let Some(parameter) = found.as_deref() else { return Ok(None) };
    let Some(version) = selected(parameter, selector) else {
        let message =
            format!("Systems Manager could not find version {} of {name}.", selector.unwrap_or_default());
        return Err(ApiError::new(400, "ParameterVersionNotFound", message));
    };
    let mut found = shown(call, name, parameter, version, decrypted);
    if let Some(selector) = selector {
        found.insert("Selector".to_owned(), format!(":{selector}").into());
    }
    Ok(Some(found))
}

impl Operation for GetParameter {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "GetParameter"
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        on(world, call, "ssm:GetParameter", &[call.json()["Name"].as_str().unwrap_or("*")])
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let members = members(call);
        let name = name(&members)?;
        let found = one(world, call, name, decrypts(&members))?.ok_or_else(|| not_found(name))?;
        document::write(&json!({ "Parameter": found }))
    }
}

impl Operation for GetParameters {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "GetParameters"
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        let names = call.json()["Names"].as_array().into_iter().flatten();
        let names: Vec<&str> = names.filter_map(Value::as_str).collect();
        on(world, call, "ssm:GetParameters", &names)
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let members = members(call);
        let (mut found, mut invalid) = (Vec::new(), Vec::new());
        for name in names(&members)? {
            match one(world, call, name, decrypts(&members)) {
                Ok(Some(parameter)) => found.push(parameter),
                Ok(None) | Err(_) => invalid.push(name.to_owned()),
            }
        }
        document::write(&json!({ "Parameters": found, "InvalidParameters": invalid }))
    }
}

impl Operation for GetParametersByPath {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "GetParametersByPath"
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        on(world, call, "ssm:GetParametersByPath", &[call.json()["Path"].as_str().unwrap_or("*")])
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let members = members(call);
        let path = text(&members, "Path", (1, 2_048))?.ok_or_else(|| missing("Path"))?;
        if !path.starts_with('/') {
            let message =
                "The parameter doesn't meet the parameter name requirements: a path begins with a slash.";
            return Err(super::invalid(message));
        }
        let size = page_size(&members, 10)?;
        let recursive = members.get("Recursive").and_then(Value::as_bool).unwrap_or(false);
        let below = format!("{}/", path.trim_end_matches('/'));
        let region = document::region(world, call)?;
        let all = region.parameters.range(below.clone()..).take_while(|(name, _)| name.starts_with(&below));
        let all = all.filter(|(name, _)| recursive || !name[below.len()..].contains('/'));
        let shown = all.map(|(name, parameter)| {
            Value::Object(shown(call, name, parameter, parameter.newest(), decrypts(&members)))
        });
        let shown: Vec<Value> = shown.collect();
        paged(call, "Parameters", shown, size)
    }
}

impl Operation for GetParameterHistory {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "GetParameterHistory"
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        on(world, call, "ssm:GetParameterHistory", &[call.json()["Name"].as_str().unwrap_or("*")])
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let members = members(call);
        let name = name(&members)?;
        let size = page_size(&members, 50)?;
        let region = document::region(world, call)?;
        let parameter = region.parameters.get(name).ok_or_else(|| not_found(name))?;
        let shown = parameter.versions.iter().map(|version| {
            let mut entry = shown(call, name, parameter, version, decrypts(&members));
            entry.remove("ARN");
            entry.insert("LastModifiedUser".to_owned(), version.by.clone().into());
            entry.insert("Labels".to_owned(), json!([]));
            entry.insert("Policies".to_owned(), json!([]));
            entry.insert("Tier".to_owned(), if version.advanced { "Advanced" } else { "Standard" }.into());
            if let Some(key) = &version.key {
                entry.insert("KeyId".to_owned(), key.clone().into());
            }
            if let Some(description) = &version.description {
                entry.insert("Description".to_owned(), description.clone().into());
            }
            Value::Object(entry)
        });
        let shown: Vec<Value> = shown.collect();
        paged(call, "Parameters", shown, size)
    }
}
