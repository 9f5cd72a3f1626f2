//! Making, changing and deleting add-ons.

use serde_json::{Value, json};

use super::addons::{shown, unknown};
use super::{
    in_use, invalid, on_named, only, parameter, part, repeated, requirement, text, token, updates, with,
};
use crate::call::{ApiError, Call, Requirement};
use crate::world::World;
use crate::world::eks::Cluster;
use crate::world::eks::addons::{self, Addon, Conflicts, Kind, Wish};
use crate::world::eks::update::Subject;

/// The call's own action on cluster or add-on, and passing the role where it names one.
pub(super) fn needs(world: &World, call: &Call) -> Vec<Requirement> {
    let mut needed = on_named(world, call);
    for (key, value) in call.json()["tags"].as_object().into_iter().flatten() {
        if let Some(own) = needed.first_mut() {
            let value = value.as_str().unwrap_or_default().to_owned();
            own.context.push((format!("aws:RequestTag/{key}"), value));
            own.context.push(("aws:TagKeys".to_owned(), key.clone()));
        }
    }
    if let Some(role) = call.json()["serviceAccountRoleArn"].as_str() {
        let mut passing = requirement(call, role.to_owned(), None);
        passing.action = "iam:PassRole".into();
        passing.context = vec![("iam:PassedToService".to_owned(), "eks.amazonaws.com".to_owned())];
        needed.push(passing);
    }
    needed
}

/// What a request asks of an add-on.
fn wish(call: &Call, name: &str) -> Result<Wish, ApiError> {
    let owned = |member: &str| Ok::<_, ApiError>(text(call, member)?.map(str::to_owned));
    let conflicts = match text(call, "resolveConflicts")? {
        None | Some("NONE") => Conflicts::None,
        Some("OVERWRITE") => Conflicts::Overwrite,
        Some("PRESERVE") => Conflicts::Preserve,
        Some(odd) => return Err(invalid(call, format!("unknown resolveConflicts {odd}"))),
    };
    Ok(Wish {
        name: name.to_owned(),
        version: owned("addonVersion")?,
        role: owned("serviceAccountRoleArn")?,
        configuration: owned("configurationValues")?,
        conflicts,
    })
}

/// Refuses a version that the cluster's does not go with, and configuration that no schema has.
fn check(cluster: &Cluster, catalog: &[Kind], call: &Call, wish: &Wish) -> Result<(), ApiError> {
    let kind = catalog.iter().find(|it| it.name == wish.name);
    let kind =
        kind.ok_or_else(|| invalid(call, format!("Addon {} specified is not supported", wish.name)))?;
    if let Some(version) = &wish.version {
        let fits = kind.version(version).is_some_and(|it| it.fits(cluster.version));
        if !fits {
            return Err(invalid(
                call,
                format!(
                    "Addon version specified is not supported: {} {version} with Kubernetes {}",
                    wish.name, cluster.version
                ),
            ));
        }
    }
    let Some(configuration) = &wish.configuration else { return Ok(()) };
    let given: Value = serde_json::from_str(configuration)
        .map_err(|problem| invalid(call, format!("ConfigurationValue provided is not JSON: {problem}")))?;
    let mut keys = given.as_object().into_iter().flatten().map(|it| it.0);
    match keys.find(|key| !kind.settings.contains(key)) {
        None => Ok(()),
        Some(key) => Err(invalid(
            call,
            format!("ConfigurationValue provided in request is not supported: {key} is not in the schema"),
        )),
    }
}

/// CreateAddon. It is active when its pods would be; asked for again with the same token, it is the same one.
pub(super) fn create(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    only(
        call,
        &[
            "addonName",
            "addonVersion",
            "serviceAccountRoleArn",
            "resolveConflicts",
            "clientRequestToken",
            "tags",
            "configurationValues",
        ],
    )?;
    let name = text(call, "addonName")?.ok_or_else(|| invalid(call, "addonName is required"))?;
    let wish = wish(call, name)?;
    with(world, call, |cluster, catalog, ground| {
        let asked = token(call)?;
        if let Some(addon) = cluster.addons.get(name) {
            return match (&addon.token, &asked) {
                (Some(before), Some(now)) if before == now => {
                    Ok(json!({ "addon": shown(cluster, catalog, call, name, addon) }))
                }
                _ => Err(in_use(call, format!("Addon already exists: {name}"))),
            };
        }
        check(cluster, catalog, call, &wish)?;
        let kind = catalog.iter().find(|it| it.name == name);
        let version = wish.version.clone().or_else(|| Some(kind?.default_for(cluster.version)?.name.clone()));
        let version = version.ok_or_else(|| {
            invalid(call, format!("Addon {name} has no version for Kubernetes {}", cluster.version))
        })?;
        let mut addon = Addon::new(version, "CREATING", ground.now);
        let tags = call.json()["tags"].as_object().into_iter().flatten();
        addon.tags =
            tags.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
        (addon.role, addon.configuration) = (wish.role.clone(), wish.configuration.clone());
        addon.token = asked;
        let document = shown(cluster, catalog, call, name, &addon);
        cluster.addons.insert(name.to_owned(), addon);
        addons::install(cluster, ground, name);
        Ok(json!({ "addon": document }))
    })
}

/// UpdateAddon.
pub(super) fn update(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    only(
        call,
        &[
            "addonVersion",
            "serviceAccountRoleArn",
            "resolveConflicts",
            "clientRequestToken",
            "configurationValues",
        ],
    )?;
    let name = part(call, "addonName");
    let wish = wish(call, name)?;
    with(world, call, |cluster, catalog, ground| {
        if let Some(update) = repeated(cluster, call)? {
            return Ok(update);
        }
        let addon = cluster.addons.get(name).ok_or_else(|| unknown(call, name))?;
        if cluster.updating(&Subject::Addon(name.to_owned())).is_some() || addon.status == "CREATING" {
            return Err(in_use(call, format!("Addon {name} is being changed; wait for its end")));
        }
        check(cluster, catalog, call, &wish)?;
        if let Some(to) = wish.version.as_ref().filter(|to| !addons::reachable(name, &addon.version, to)) {
            return Err(invalid(
                call,
                format!(
                    "Addon {name} can be updated by one minor version at a time: {} to {to}",
                    addon.version
                ),
            ));
        }
        let mode = text(call, "resolveConflicts")?.unwrap_or("NONE").to_owned();
        let mut params = vec![("ResolveConflicts", mode)];
        for (kind, value) in [
            ("AddonVersion", &wish.version),
            ("ServiceAccountRoleArn", &wish.role),
            ("ConfigurationValues", &wish.configuration),
        ] {
            params.extend(value.clone().map(|value| (kind, value)));
        }
        let id = addons::change(cluster, ground, wish, params, token(call)?);
        updates::begun(cluster, &id)
    })
}

/// DeleteAddon. Whether its objects are preserved is not told apart: the estate's add-ons have those of the scenario.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let name = part(call, "addonName");
    if parameter(call, "preserve").is_some_and(|it| it != "true" && it != "false") {
        return Err(invalid(call, "preserve must be true or false"));
    }
    with(world, call, |cluster, catalog, _| {
        if cluster.updating(&Subject::Addon(name.to_owned())).is_some() {
            return Err(in_use(call, format!("Addon {name} is being changed; wait for its end")));
        }
        let mut addon = cluster.addons.remove(name).ok_or_else(|| unknown(call, name))?;
        addon.status = "DELETING";
        Ok(json!({ "addon": shown(cluster, catalog, call, name, &addon) }))
    })
}
