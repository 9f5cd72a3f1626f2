//! Which landing zones of an inventory are meant.

use std::collections::BTreeSet;

use fleetwright_model::{OrganizationScope, Zone, code, nearest};

use super::{Inventory, Listed};
use crate::error::{ConfigError, ConfigErrors, MAX_SUGGESTIONS, Place, shorten};

use crate::resolve::Resolved;

/// What a command asks for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Names or account ids; empty takes all.
    pub names: Vec<String>,
    /// Where the names were given; errors show it.
    pub names_place: Place,
    /// The environment.
    pub environment: Option<String>,
    /// Where the environment was given; errors show it.
    pub environment_place: Place,
    /// The environments that the configuration defines.
    pub environments: BTreeSet<String>,
}

impl Wanted {
    /// What the settings ask for: `landing_zones.names` and `environment`.
    pub fn new(resolved: &Resolved) -> Self {
        let place = |key: &str, flag: &str| {
            resolved
                .origin(key)
                .and_then(|origin| origin.place())
                .unwrap_or(Place::Flag { name: flag.to_owned() })
        };
        Self {
            names: resolved.settings.landing_zones.names.clone(),
            names_place: place("landing_zones.names", "--landing-zones"),
            environment: resolved.settings.environment.clone(),
            environment_place: place("environment", "--environment"),
            environments: resolved.settings.environments.clone(),
        }
    }
}

/// The landing zones that are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Zones to work on.
    pub zones: Vec<Zone>,
    /// Accounts to find through the organisation and work on.
    pub scopes: Vec<OrganizationScope>,
    /// Zones that would be meant but are not enabled; the summary names them.
    pub disabled: Vec<Zone>,
    /// Names or account ids asked for that no zone has and the scopes may bring; of the scopes'
    /// accounts only these are meant. Empty takes every account of `scopes`.
    pub names_in_scopes: Vec<String>,
}

/// Chooses from an inventory.
///
/// Zones given by name are taken as they are; one of another environment is an error. Without
/// names, an inventory in which some entry names an environment is divided by it: only entries of
/// the environment asked for are taken. An inventory in which none does is taken whole, if the
/// configuration defines the environment.
///
/// # Errors
/// Unknown names (`FW-C0012`) and environments (`FW-C0018`) with the nearest known one, a name and
/// an environment that contradict each other (`FW-C0014`), nothing left (`FW-C0017`).
pub fn choose(inventory: &Inventory, wanted: &Wanted) -> Result<Chosen, ConfigErrors> {
    let mut errors = Vec::new();
    if let Some(environment) = &wanted.environment {
        errors.extend(unknown_environment(inventory, wanted, environment));
    }
    let chosen = if wanted.names.is_empty() {
        by_environment(inventory, wanted.environment.as_deref())
    } else {
        by_name(inventory, wanted, &mut errors)
    };
    if errors.is_empty() && chosen.zones.is_empty() && chosen.scopes.is_empty() {
        errors.push(nothing(inventory, wanted, &chosen));
    }
    ConfigErrors::check(errors, chosen)
}

fn by_environment(inventory: &Inventory, environment: Option<&str>) -> Chosen {
    let divided = divides(inventory);
    let meant = |named: &Option<String>| {
        !divided || environment.is_none_or(|environment| named.as_deref() == Some(environment))
    };
    let (zones, disabled) = inventory
        .zones
        .iter()
        .filter(|zone| meant(&zone.item.environment))
        .map(|zone| zone.item.clone())
        .partition(|zone| zone.enabled);
    let scopes = inventory
        .scopes
        .iter()
        .filter(|scope| meant(&scope.item.environment))
        .map(|scope| scope.item.clone())
        .collect();
    Chosen { zones, scopes, disabled, names_in_scopes: Vec::new() }
}

/// True when some entry names an environment.
fn divides(inventory: &Inventory) -> bool {
    inventory.zones.iter().any(|zone| zone.item.environment.is_some())
        || inventory.scopes.iter().any(|scope| scope.item.environment.is_some())
}

fn by_name(inventory: &Inventory, wanted: &Wanted, errors: &mut Vec<ConfigError>) -> Chosen {
    let names: BTreeSet<&str> = wanted.names.iter().map(String::as_str).collect();
    let mut found = BTreeSet::new();
    let mut meant: Vec<&Listed<Zone>> = Vec::new();
    for zone in &inventory.zones {
        let (name, account) = (zone.item.name.as_str(), zone.item.account.as_str());
        // An account id that was a number on its way here has lost its leading zeros.
        let answers = [name, account, account.trim_start_matches('0')];
        if answers.iter().any(|answer| names.contains(answer)) {
            found.extend(answers);
            meant.push(zone);
        }
    }
    errors.extend(meant.iter().filter_map(|zone| wrong_environment(zone, wanted)));
    let missing: Vec<&str> = names.iter().copied().filter(|name| !found.contains(name)).collect();
    if inventory.scopes.is_empty() {
        for name in &missing {
            errors.push(unknown_name(inventory, wanted, name, errors.len()));
        }
    }
    let (zones, disabled) = meant.into_iter().map(|zone| zone.item.clone()).partition(|zone| zone.enabled);
    let scopes = if missing.is_empty() {
        Vec::new()
    } else {
        by_environment(inventory, wanted.environment.as_deref()).scopes
    };
    Chosen { zones, scopes, disabled, names_in_scopes: missing.into_iter().map(str::to_owned).collect() }
}

fn wrong_environment(zone: &Listed<Zone>, wanted: &Wanted) -> Option<ConfigError> {
    let (asked, has) = (wanted.environment.as_ref()?, zone.item.environment.as_ref()?);
    (asked != has).then(|| {
        let message = format!(
            "landing zone {} is asked for by name, but it belongs to environment {has} ({}), not {asked}",
            zone.item.name, zone.place
        );
        ConfigError::new(&code::CONFLICTING_KEYS, wanted.names_place.clone(), message)
            .related(zone.place.clone())
    })
}

fn unknown_name(inventory: &Inventory, wanted: &Wanted, name: &str, faults: usize) -> ConfigError {
    let known = inventory.zones.iter().map(|zone| zone.item.name.as_str());
    let nearest = if faults < MAX_SUGGESTIONS { nearest(name, known) } else { None };
    let message = match nearest {
        Some(nearest) => format!("no landing zone is called {}; did you mean `{nearest}`?", shorten(name)),
        None => format!("no landing zone is called {}", shorten(name)),
    };
    ConfigError::new(&code::UNKNOWN_ZONE, wanted.names_place.clone(), message)
        .key("landing_zones.names")
        .value(name)
}

fn unknown_environment(inventory: &Inventory, wanted: &Wanted, environment: &str) -> Option<ConfigError> {
    let zones = inventory.zones.iter().filter_map(|zone| zone.item.environment.as_deref());
    let scopes = inventory.scopes.iter().filter_map(|scope| scope.item.environment.as_deref());
    let known: BTreeSet<&str> =
        zones.chain(scopes).chain(wanted.environments.iter().map(String::as_str)).collect();
    if known.contains(environment) {
        return None;
    }
    let shown = shorten(environment);
    let message = match nearest(environment, known.iter().copied()) {
        Some(nearest) => format!("unknown environment {shown}; did you mean `{nearest}`?"),
        None if known.is_empty() => format!("unknown environment {shown}; none is defined"),
        None => format!(
            "unknown environment {shown}; known are {}",
            known.iter().copied().collect::<Vec<_>>().join(", ")
        ),
    };
    let error = ConfigError::new(&code::UNKNOWN_ENVIRONMENT, wanted.environment_place.clone(), message);
    Some(error.key("environment").value(environment))
}

fn nothing(inventory: &Inventory, wanted: &Wanted, chosen: &Chosen) -> ConfigError {
    const NAMED: usize = 5;
    let message = match (&wanted.environment, chosen.disabled.as_slice()) {
        _ if inventory.zones.is_empty() => "the inventory holds no landing zone".to_owned(),
        (Some(environment), []) => format!("no landing zone belongs to environment {}", shorten(environment)),
        (None, []) => "no landing zone is chosen".to_owned(),
        (_, disabled) => {
            let names: Vec<&str> = disabled.iter().take(NAMED).map(|zone| zone.name.as_str()).collect();
            let more = if disabled.len() > NAMED { " …" } else { "" };
            format!("every landing zone chosen is disabled: {}{more}", names.join(", "))
        }
    };
    ConfigError::new(&code::NO_ZONES, wanted.names_place.clone(), message)
}
