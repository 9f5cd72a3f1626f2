//! From settings and inventory files to the landing zones that are meant, and to requests.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use fleetwright_aws::{AwsOptions, Endpoints, RateSetting};
use fleetwright_config::landing_zones::{Sources, Wanted, ZoneDefaults, choose, load};
use fleetwright_config::settings::Rate;
use fleetwright_config::{Origin, Resolved, Settings, SourceText, Value};
use fleetwright_model::{Phase, Region, Regions, Zone, code};
use fleetwright_patch::{Filters, Rules, SkippedZone};
use fleetwright_ports::InstanceQuery;
use fleetwright_survey::{Fleet, ScanRequest};
use jiff::SignedDuration;

use crate::args::FleetArgs;
use crate::commands::scan::Reports;
use crate::console::Console;
use crate::diagnosis::command_error;
use crate::environment::Environment;
use crate::failure::CommandError;
use crate::settings::Loaded;
use crate::{files, policy_scope};

/// Reads the inventories the settings name and chooses the landing zones that are meant.
///
/// # Errors
/// An inventory that cannot be read, every mistake in them, or nothing left to choose.
pub fn read(
    loaded: &Loaded,
    args: &FleetArgs,
    environment: &Environment,
    console: Console,
) -> Result<Fleet, CommandError> {
    let mut texts = Vec::new();
    for path in inventory_paths(&loaded.resolved) {
        texts.push(SourceText::new(path.clone(), files::read_text(path.as_ref())?));
    }
    if texts.is_empty() {
        return Err(CommandError::new(&code::NO_ZONES, "no inventory of landing zones is named"));
    }
    let mut catalogue = Vec::new();
    for path in
        overridden_inventories(&loaded.resolved).into_iter().filter(|path| files::exists(path.as_ref()))
    {
        catalogue.push(SourceText::new(path.clone(), files::read_text(path.as_ref())?));
    }
    let ambient = environment.get("AWS_REGION").or_else(|| environment.get("AWS_DEFAULT_REGION"));
    let ambient = ambient.and_then(|region| Region::new(region).ok());
    let mut fleet = choose_from(loaded, &texts, &catalogue, ambient, console)?;
    override_regions(&mut fleet, &args.regions)?;
    Ok(fleet)
}

/// Chooses from inventories that are there as texts.
///
/// # Errors
/// As [`read`].
pub fn choose_from(
    loaded: &Loaded,
    texts: &[SourceText],
    catalogue: &[SourceText],
    ambient_region: Option<Region>,
    console: Console,
) -> Result<Fleet, CommandError> {
    let mut sources = loaded.sources.clone();
    sources.extend(texts.iter().chain(catalogue).map(|text| (text.name.clone(), text.clone())));
    let defaults = ZoneDefaults::new(&loaded.resolved.settings, ambient_region);
    let mut opened = Vec::new();
    let inventory = load(Sources { files: texts, catalogue }, &defaults, &mut |reference| {
        let path = beside(reference.from, reference.path);
        let text = files::read_text(path.as_ref()).map_err(|error| error.message)?;
        let text = SourceText::new(path, text);
        opened.push(text.clone());
        Ok(text)
    });
    sources.extend(opened.into_iter().map(|text| (text.name.clone(), text)));
    let chosen = inventory
        .and_then(|inventory| choose(&inventory, &Wanted::new(&loaded.resolved)))
        .map_err(|errors| command_error(&errors, &sources, console.color))?;
    let skipped = |zone: Zone| SkippedZone {
        zone: zone.name,
        account: zone.account,
        reason: "it is not enabled in the inventory",
    };
    Ok(Fleet {
        zones: chosen.zones,
        scopes: chosen.scopes,
        accounts: chosen.names_in_scopes,
        skipped: chosen.disabled.into_iter().map(skipped).collect(),
    })
}

/// Calendars of freezes in a configuration file are relative to that file.
pub fn place_calendars(resolved: &Resolved, settings: &mut Settings) {
    for (name, freeze) in &mut settings.freezes {
        let file = match resolved.origin(&format!("freezes.{name}.calendars")) {
            Some(Origin::File { place, .. } | Origin::Overlay { place, .. }) => &place.file,
            _ => continue,
        };
        for path in &mut freeze.calendars {
            *path = beside(file, path);
        }
    }
}

/// Inventory paths in a configuration file are relative to that file.
fn inventory_paths(resolved: &Resolved) -> Vec<String> {
    let listed = resolved.settings.landing_zones.inventory.iter();
    let origin = resolved.origin("landing_zones.inventory");
    match origin {
        Some(Origin::File { place, .. } | Origin::Overlay { place, .. }) => {
            listed.map(|path| beside(&place.file, path)).collect()
        }
        _ => listed.map(|path| plain(path.as_ref())).collect(),
    }
}

/// The inventories of the configuration that a flag or variable took the place of: plain names are
/// still looked up in them.
fn overridden_inventories(resolved: &Resolved) -> Vec<String> {
    let value = resolved.values.get("landing_zones.inventory");
    let overridden = value.into_iter().flat_map(|value| &value.overridden);
    overridden
        .filter_map(|overridden| match (&overridden.origin, &overridden.given) {
            (Origin::File { place, .. } | Origin::Overlay { place, .. }, Value::Texts(paths)) => {
                Some(paths.iter().map(|path| beside(&place.file, path)))
            }
            _ => None,
        })
        .flatten()
        .collect()
}

/// A path as seen from a file that names it.
pub fn beside(file: &str, path: &str) -> String {
    let parent = Path::new(file).parent().unwrap_or(Path::new(""));
    plain(&parent.join(path))
}

/// The path without `.` and, where that is possible without looking at the disk, without `..`: the
/// same file has the same name, so that inventories that refer to each other in a circle are found.
fn plain(path: &Path) -> String {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(plain.components().next_back(), Some(Component::Normal(_))) => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain.display().to_string()
}

fn override_regions(fleet: &mut Fleet, regions: &[String]) -> Result<(), CommandError> {
    if regions.is_empty() {
        return Ok(());
    }
    let parsed = regions.iter().map(|region| Region::new(region.as_str())).collect::<Result<Vec<_>, _>>();
    let regions =
        parsed.map_err(|error| CommandError::new(&code::INVALID_REGION, format!("--regions: {error}")))?;
    let zones = fleet.zones.iter_mut().map(|zone| &mut zone.regions);
    let scopes = fleet.scopes.iter_mut().map(|scope| &mut scope.regions);
    zones.chain(scopes).for_each(|target| *target = Regions::Listed(regions.clone()));
    Ok(())
}

/// Where the settings want reports.
pub fn reports(settings: &Settings) -> Reports {
    let enabled = settings.phases.limits.get(&Phase::Report).is_none_or(|limits| limits.enabled);
    match settings.output.dir.as_ref().map(PathBuf::from) {
        _ if !enabled => Reports::None,
        Some(directory) => Reports::Into(directory),
        None => Reports::Own,
    }
}

/// How long the settings let a scan take.
pub fn scan_timeout(settings: &Settings) -> Duration {
    settings.phases.limits.get(&Phase::Scan).and_then(|limits| limits.timeout).unwrap_or(Duration::MAX)
}

/// What the settings say about reaching AWS.
///
/// # Errors
/// A rate for an operation that is never called: it would have no effect.
pub fn aws_options(resolved: &Resolved) -> Result<AwsOptions, CommandError> {
    let aws = &resolved.settings.aws;
    let rate = |rate: &Rate| RateSetting { burst: rate.burst, per_second: rate.per_second };
    let endpoints =
        Endpoints { url: aws.endpoint_url.clone(), fips: aws.use_fips, dualstack: aws.use_dualstack };
    let options = AwsOptions {
        origin: fleetwright_aws::Origin::Environment { endpoints },
        home_region: aws.region.clone(),
        max_attempts: aws.max_attempts,
        timeout: aws.timeout,
        connect_timeout: aws.connect_timeout,
        max_concurrency: aws.max_concurrent_calls as usize,
        session_duration: aws.session_duration,
        uses: Some(policy_scope::uses(&resolved.settings)),
        patch_list_bucket: resolved.settings.safety.gate.patch_list_bucket.clone(),
        heads_bucket: resolved.settings.audit.heads_bucket.clone(),
        namespace: resolved.settings.telemetry.cloudwatch_namespace.clone(),
        rates: aws.rates.iter().map(|(action, value)| (action.clone(), rate(value))).collect(),
        ..AwsOptions::default()
    };
    if let Some(unknown) = options.unknown_rates().next() {
        let known: Vec<&str> = fleetwright_aws::operations().iter().map(|operation| operation.iam).collect();
        let message = format!("aws.rates.{unknown} names no operation that fleetwright calls");
        let hint = Some(format!("These are called: {}; or all of a service, as in ec2:*.", known.join(", ")));
        return Err(CommandError { hint, ..CommandError::new(&code::UNKNOWN_KEY, message) });
    }
    Ok(options)
}

/// What to scan and how to judge it, by the settings.
pub fn scan_request(settings: &Settings, fleet: Fleet) -> ScanRequest {
    let scan = &settings.scan;
    ScanRequest {
        fleet,
        query: InstanceQuery {
            ids: scan.instance_ids.clone(),
            states: scan.states.clone(),
            tags: scan.tags.clone(),
        },
        filters: Filters {
            include: scan.include.clone(),
            exclude: scan.exclude.clone(),
            platforms: scan.platforms.clone(),
        },
        keys: settings.tags.clone(),
        rules: Rules {
            start_stopped: settings.eligibility.start_stopped,
            min_agent_version: settings.eligibility.min_agent_version.parse().ok(),
            max_patch_state_age: SignedDuration::try_from(settings.eligibility.max_patch_state_age).ok(),
        },
        max_concurrent_regions: scan.max_concurrent_regions as usize,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_has_one_name_however_it_is_spelt() {
        assert_eq!(beside("inventories/prod.yaml", "./shared.yaml"), "inventories/shared.yaml");
        assert_eq!(beside("inventories/prod.yaml", "../inventories/shared.yaml"), "inventories/shared.yaml");
        assert_eq!(beside("prod.yaml", "../other/./a.yaml"), "../other/a.yaml");
        assert_eq!(beside("prod.yaml", "/etc/zones.yaml"), "/etc/zones.yaml");
        assert_eq!(plain(Path::new("./lz.yaml")), "lz.yaml");
    }
}
