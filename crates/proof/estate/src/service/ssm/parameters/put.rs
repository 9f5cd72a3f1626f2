//! PutParameter.

use serde_json::{Value, json};

use super::{check_name, invalid, name, on, region_mut};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::ssm::document;
use crate::service::ssm::members::{Members, members, missing, text};
use crate::world::World;
use crate::world::parameters::{
    Kind, MAX_ADVANCED_BYTES, MAX_STANDARD, MAX_STANDARD_BYTES, MAX_VERSIONS, Parameter, Version,
};
use crate::world::tags::Tags;

/// PutParameter: a new one, or with `Overwrite` a new version of one.
pub(super) struct PutParameter;

/// The key that encrypts where none is named.
const DEFAULT_KEY: &str = "alias/aws/ssm";

/// The type that is asked for; of one that is there, its own is good enough.
fn kind(members: &Members, there: Option<&Parameter>) -> Result<Kind, ApiError> {
    let named = match text(members, "Type", (1, 64))? {
        None => {
            return there
                .map(|parameter| parameter.kind)
                .ok_or_else(|| invalid("A parameter type is required when you create a parameter."));
        }
        Some(named) => named,
    };
    let kind = Kind::named(named).ok_or_else(|| {
        let rule = "Member must satisfy enum value set: [SecureString, StringList, String]";
        document::constraint(&format!("'{named}'"), "type", rule)
    })?;
    match there {
        Some(parameter) if parameter.kind != kind => Err(ApiError::new(
            400,
            "HierarchyTypeMismatchException",
            format!(
                "Parameter Store does not support changing a parameter type in a hierarchy from {} to {}.",
                parameter.kind.as_str(),
                kind.as_str()
            ),
        )),
        _ => Ok(kind),
    }
}

/// The value, within the bounds of its tier.
fn value(members: &Members, kind: Kind, there: Option<&Parameter>) -> Result<(String, bool), ApiError> {
    let value = text(members, "Value", (1, usize::MAX))?.ok_or_else(|| missing("Value"))?;
    let tier = text(members, "Tier", (1, 64))?.unwrap_or("Standard");
    if value.contains("{{") {
        return Err(invalid("Parameter value: can't nest another parameter or start one with {{."));
    }
    if kind == Kind::StringList && value.split(',').any(str::is_empty) {
        return Err(invalid("Parameter value: a StringList has no empty items."));
    }
    let (most, advanced) = match tier {
        "Standard" => (MAX_STANDARD_BYTES, false),
        "Advanced" => (MAX_ADVANCED_BYTES, true),
        "Intelligent-Tiering" => {
            let is_advanced = there.is_some_and(|parameter| parameter.newest().advanced);
            (MAX_ADVANCED_BYTES, is_advanced || value.len() > MAX_STANDARD_BYTES)
        }
        other => {
            let rule = "Member must satisfy enum value set: [Standard, Advanced, Intelligent-Tiering]";
            return Err(document::constraint(&format!("'{other}'"), "tier", rule));
        }
    };
    if value.len() > most {
        return Err(invalid(format!(
            "{tier} tier parameters support a maximum parameter value of {most} characters."
        )));
    }
    Ok((value.to_owned(), advanced))
}

fn tags(members: &Members, overwrite: bool) -> Result<Tags, ApiError> {
    let given = members.get("Tags").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if overwrite && !given.is_empty() {
        return Err(invalid("Invalid request: tags and overwrite can't be used together."));
    }
    let mut tags = Tags::default();
    for tag in given {
        let (Some(key), Some(value)) = (tag["Key"].as_str(), tag["Value"].as_str()) else {
            return Err(missing("Tags"));
        };
        tags.set(key.into(), value.into());
    }
    Ok(tags)
}

impl Operation for PutParameter {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "PutParameter"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        let name = call.json()["Name"].as_str().unwrap_or("*");
        let mut needed = on(world, call, "ssm:PutParameter", &[name]);
        let tags = call.json()["Tags"].as_array().into_iter().flatten();
        let asked: Vec<(String, String)> = tags
            .filter_map(|tag| Some((tag["Key"].as_str()?, tag["Value"].as_str()?)))
            .map(|(key, value)| (format!("aws:RequestTag/{key}"), value.to_owned()))
            .collect();
        if !asked.is_empty() {
            needed[0].context.extend(asked);
            needed.push(Requirement { action: "ssm:AddTagsToResource".into(), ..needed[0].clone() });
        }
        needed
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let members = members(call);
        let name = name(&members)?;
        check_name(name)?;
        let description = text(&members, "Description", (0, 1_024))?.map(str::to_owned);
        let overwrite = members.get("Overwrite").and_then(Value::as_bool).unwrap_or(false);
        let tags = tags(&members, overwrite)?;
        let region = region_mut(world, call)?;
        let there = region.parameters.get(name);
        if there.is_some() && !overwrite {
            let message = "The parameter already exists. To overwrite this value, set the overwrite option in the \
                           request to true.";
            return Err(ApiError::new(400, "ParameterAlreadyExists", message));
        }
        let kind = kind(&members, there)?;
        let (value, advanced) = value(&members, kind, there)?;
        let key = text(&members, "KeyId", (1, 256))?;
        if key.is_some() && kind != Kind::SecureString {
            return Err(invalid("KeyId is required for SecureString type parameter only."));
        }
        let key = (kind == Kind::SecureString).then(|| key.unwrap_or(DEFAULT_KEY).to_owned());
        let standard = region.parameters.values().filter(|parameter| !parameter.newest().advanced).count();
        if there.is_none() && !advanced && standard >= MAX_STANDARD {
            let message =
                format!("The maximum number of standard parameters, {MAX_STANDARD}, has been reached.");
            return Err(ApiError::new(400, "ParameterLimitExceeded", message));
        }
        if there.is_some_and(|parameter| parameter.newest().advanced) && !advanced {
            return Err(invalid("This parameter uses the advanced-parameter tier. You can't downgrade it."));
        }
        let fresh = || Parameter { kind, versions: Vec::new(), tags };
        let parameter = region.parameters.entry(name.to_owned()).or_insert_with(fresh);
        let number = parameter.versions.last().map_or(1, |version| version.number + 1);
        if parameter.versions.len() == MAX_VERSIONS {
            parameter.versions.remove(0);
        }
        let by = call.principal.clone();
        parameter.versions.push(Version { number, value, advanced, key, description, at: call.now, by });
        document::write(&json!({ "Version": number, "Tier": if advanced { "Advanced" } else { "Standard" } }))
    }
}
