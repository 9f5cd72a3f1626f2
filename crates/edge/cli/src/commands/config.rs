//! `fleetwright config init|validate|explain|schema`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use fleetwright_config::settings::OutputFormat;
use fleetwright_config::{Origin, default_yaml, explain, landing_zones, schema};
use fleetwright_model::{Exit, code};
use fleetwright_survey::Fleet;
use serde_json::json;

use crate::args::SchemaName;
use crate::console::{self, Console};
use crate::diagnosis::command_error;
use crate::failure::CommandError;
use crate::files;
use crate::settings::{DEFAULT_FILE, Loaded};

/// The file `config init` writes the example of landing zones to.
const INVENTORY_FILE: &str = "landing-zones.yaml";

/// Writes a commented configuration and an example inventory.
///
/// # Errors
/// A file is there already and `force` is not given, or cannot be written.
pub fn init(directory: &Path, force: bool, console: Console) -> Result<Exit, CommandError> {
    files::make_directory(directory)?;
    let targets = [
        (directory.join(DEFAULT_FILE), configuration_with_inventory()),
        (directory.join(INVENTORY_FILE), landing_zones::example().to_owned()),
    ];
    for (path, _) in &targets {
        if files::exists(path) && !force {
            let message = format!("{} is there already", path.display());
            let hint = Some("Name another directory, or replace it with --force.".to_owned());
            return Err(CommandError { hint, ..CommandError::new(&code::USAGE, message) });
        }
    }
    for (path, text) in &targets {
        files::write_atomically(path, |file| file.write_all(text.as_bytes()))?;
        console.note(&format!("wrote {}", path.display()));
    }
    console.note("next: describe your accounts in landing-zones.yaml, then `fleetwright doctor`");
    Ok(Exit::Success)
}

/// The default configuration, with the example inventory named beside it.
fn configuration_with_inventory() -> String {
    default_yaml().replacen("inventory: []", &format!("inventory: [{INVENTORY_FILE}]"), 1)
}

/// Says what configuration and inventories add up to; they were found valid when they were read.
///
/// # Errors
/// Standard output cannot be written.
pub fn validate(loaded: &Loaded, fleet: Option<&Fleet>, format: OutputFormat) -> Result<Exit, CommandError> {
    let files: Vec<&str> = loaded.sources.keys().map(String::as_str).collect();
    match format {
        OutputFormat::Text => {
            let from = if files.is_empty() { "the defaults".to_owned() } else { files.join(", ") };
            let mut text = format!("Configuration is valid ({from}).\n");
            match fleet {
                Some(fleet) => text.push_str(&in_words(fleet)),
                None => text.push_str("No inventory of landing zones is named yet.\n"),
            }
            console::write_text(&text)?;
        }
        OutputFormat::Json | OutputFormat::Jsonl => {
            let names =
                |fleet: &Fleet| fleet.zones.iter().map(|zone| zone.name.to_string()).collect::<Vec<_>>();
            let skipped =
                |fleet: &Fleet| fleet.skipped.iter().map(|zone| zone.zone.to_string()).collect::<Vec<_>>();
            let document = json!({
                "valid": true,
                "files": files,
                "landing_zones": fleet.map(names),
                "skipped": fleet.map(skipped),
                "organization_scopes": fleet.map(|fleet| fleet.scopes.len()),
            });
            console::write_text(&format!("{document}\n"))?;
        }
    }
    Ok(Exit::Success)
}

fn in_words(fleet: &Fleet) -> String {
    let mut text = format!(
        "{} landing zones are chosen, {} not enabled, {} scopes of the organisation.\n",
        fleet.zones.len(),
        fleet.skipped.len(),
        fleet.scopes.len()
    );
    for zone in &fleet.zones {
        let _ = writeln!(text, "  {} (account {})", zone.name, zone.account);
    }
    text
}

/// Explains one key, or every key that is not at its default.
///
/// # Errors
/// There is no such key.
pub fn explain_key(
    loaded: &Loaded,
    key: Option<&str>,
    format: OutputFormat,
    console: Console,
) -> Result<Exit, CommandError> {
    let resolved = &loaded.resolved;
    let set = |path: &&String| resolved.origin(path).is_some_and(|origin| *origin != Origin::Default);
    let keys: Vec<&str> = match key {
        Some(key) => vec![key],
        None => resolved.values.keys().filter(set).map(String::as_str).collect(),
    };
    let explained = keys.iter().map(|key| explain(resolved, key)).collect::<Result<Vec<_>, _>>();
    let explained = explained.map_err(|error| command_error(&error, &loaded.sources, console.color))?;
    let text = match format {
        OutputFormat::Text if explained.is_empty() => "Every key is at its default.\n".to_owned(),
        OutputFormat::Text => explained.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        OutputFormat::Json => match (key, explained.as_slice()) {
            (Some(_), [one]) => format!("{}\n", json!(one)),
            _ => format!("{}\n", json!(explained)),
        },
        OutputFormat::Jsonl => explained.iter().map(|one| format!("{}\n", json!(one))).collect(),
    };
    console::write_text(&text)?;
    Ok(Exit::Success)
}

/// Writes a JSON Schema.
///
/// # Errors
/// Standard output cannot be written.
pub fn write_schema(which: SchemaName) -> Result<Exit, CommandError> {
    let document = match which {
        SchemaName::Config => schema(),
        SchemaName::LandingZones => landing_zones::schema(),
    };
    console::write_text(&format!("{document:#}\n"))?;
    Ok(Exit::Success)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_that_init_writes_names_the_inventory_it_writes() {
        assert!(configuration_with_inventory().contains("inventory: [landing-zones.yaml]"));
    }
}
