//! Configurations and inventories as people write them, good and bad.

mod any_text;
mod bad_configurations;
mod bad_inventories;
mod inventories;
mod layers;
mod notifications;
mod older_shapes;
mod run_inputs;
mod schemas;
mod waves;
mod windows;

use fleetwright_config::landing_zones::{Inventory, Sources, ZoneDefaults, load};
use fleetwright_config::{ConfigErrors, Layers, Resolved, SourceText, resolve};
use fleetwright_model::{Region, Regions};

/// A fixture by its path below `tests/fixtures`.
macro_rules! fixture {
    ($path:literal) => {
        fleetwright_config::SourceText::new($path, include_str!(concat!("../fixtures/", $path)))
    };
}
pub(crate) use fixture;

/// Resolves one file with nothing else.
fn resolve_file(file: SourceText) -> Result<Resolved, ConfigErrors> {
    resolve(&Layers { files: vec![file], ..Layers::default() })
}

/// The value of a key as it would be written, and where it came from.
fn told(resolved: &Resolved, path: &str) -> (String, String) {
    let found = &resolved.values[path];
    (found.value.show(), found.origin.to_string())
}

/// Every fault as `line:column CODE message`.
fn lines(errors: &ConfigErrors) -> Vec<String> {
    errors
        .iter()
        .map(|error| {
            let place = error.place.to_string();
            let position = place.split_once(':').map_or(place.as_str(), |(_, position)| position);
            format!("{position} {} {}", error.code.id, error.message)
        })
        .collect()
}

/// Defaults as a configuration with a role and a region gives them.
fn zone_defaults() -> ZoneDefaults {
    let region = Region::new("eu-central-1").expect("a region");
    ZoneDefaults {
        role_name: Some("DefaultRole".to_owned()),
        external_id: None,
        profile: None,
        regions: Some(Regions::Listed(vec![region.clone()])),
        home_region: Some(region),
    }
}

/// Loads one inventory; files it refers to are fixtures.
fn load_file(file: SourceText) -> Result<Inventory, ConfigErrors> {
    load(Sources { files: &[file], catalogue: &[] }, &zone_defaults(), &mut |reference| open(reference.path))
}

/// Opens a fixture that another one names.
fn open(path: &str) -> Result<SourceText, String> {
    match path {
        "b-roles.yaml" => Ok(fixture!("inventories/b-roles.yaml")),
        "circle-a.yaml" => Ok(fixture!("inventories/circle-a.yaml")),
        "circle-b.yaml" => Ok(fixture!("inventories/circle-b.yaml")),
        _ => Err("no such file".to_owned()),
    }
}
