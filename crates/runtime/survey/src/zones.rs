//! From landing zones and organisation scopes to cells that can be read.

use std::collections::BTreeSet;

use fleetwright_model::{
    AccountId, ErrorClass, Failure, Gap, GapSubject, OrganizationScope, Region, Regions, Zone, code,
};
use fleetwright_patch::{InvalidPattern, Patterns, SkippedZone};
use fleetwright_ports::Identity;

use crate::Ports;
use crate::stop::Stop;

/// The zones to survey, with what could not be found out about them.
#[derive(Debug, Default)]
pub(crate) struct Expanded {
    /// Zones to enter.
    pub(crate) zones: Vec<Zone>,
    /// Accounts of the organisation left out.
    pub(crate) skipped: Vec<SkippedZone>,
    /// Organisations that could not be listed, or not to the end.
    pub(crate) gaps: Vec<Gap>,
}

/// As [`expand`], unless the user stops first: then the organisations are gaps.
pub(crate) async fn expand_or_stop(
    ports: Ports<'_>,
    listed: &[Zone],
    scopes: &[OrganizationScope],
    stop: &Stop,
) -> Expanded {
    stop.or_stop(expand(ports, listed, scopes)).await.unwrap_or_else(|| Expanded {
        zones: listed.to_vec(),
        skipped: Vec::new(),
        gaps: scopes.iter().map(|_| organization_gap(interrupted("organizations:ListAccounts"))).collect(),
    })
}

/// Adds the accounts of the organisation scopes to the zones listed one by one. A listed zone wins
/// over the same account found in an organisation: it is how an account gets settings of its own.
pub(crate) async fn expand(ports: Ports<'_>, listed: &[Zone], scopes: &[OrganizationScope]) -> Expanded {
    let mut expanded = Expanded { zones: listed.to_vec(), ..Expanded::default() };
    let mut accounts: BTreeSet<AccountId> = listed.iter().map(|zone| zone.account.clone()).collect();
    for scope in scopes {
        if let Err(failure) = expand_scope(ports, scope, &mut expanded, &mut accounts).await {
            expanded.gaps.push(organization_gap(failure));
        }
    }
    expanded
}

fn organization_gap(failure: Failure) -> Gap {
    Gap {
        zone: None,
        account: None,
        region: None,
        subject: GapSubject::Organization,
        instances: None,
        failure,
    }
}

async fn expand_scope(
    ports: Ports<'_>,
    scope: &OrganizationScope,
    expanded: &mut Expanded,
    accounts: &mut BTreeSet<AccountId>,
) -> Result<(), Failure> {
    let include = patterns(&scope.accounts_include)?;
    let exclude = patterns(&scope.accounts_exclude)?;
    let caller = ports.accounts.caller(scope.profile.as_deref()).await?;
    let partition = caller.arn.split(':').nth(1).unwrap_or("aws").to_owned();
    let listing = ports.accounts.organization_accounts(scope).await;
    let mut names: BTreeSet<_> = expanded.zones.iter().map(|zone| zone.name.clone()).collect();
    for mut found in listing.items {
        let matches =
            |patterns: &Patterns| patterns.matches(found.account.as_str()) || patterns.matches(&found.name);
        let wanted = (include.is_empty() || matches(&include)) && !matches(&exclude);
        if !wanted || !accounts.insert(found.account.clone()) {
            continue;
        }
        if names.iter().any(|name| name.as_str() == found.name) {
            found.name = format!("{} ({})", found.name, found.account);
        }
        let zone = scope.zone(&found, &partition).map_err(|error| {
            Failure::new(
                ErrorClass::Permanent,
                &code::INVALID_ARN,
                "organizations:ListAccounts",
                &error.to_string(),
            )
        })?;
        names.insert(zone.name.clone());
        if found.active {
            expanded.zones.push(zone);
        } else {
            expanded.skipped.push(SkippedZone {
                zone: zone.name,
                account: zone.account,
                reason: "the account is suspended or being closed",
            });
        }
    }
    listing.failure.map_or(Ok(()), Err)
}

fn patterns(patterns: &[String]) -> Result<Patterns, Failure> {
    Patterns::new(patterns.iter().map(String::as_str)).map_err(|error| invalid_pattern(&error))
}

/// A pattern that slipped through configuration, as a failure of whatever it belongs to.
pub(crate) fn invalid_pattern(error: &InvalidPattern) -> Failure {
    Failure::new(ErrorClass::Permanent, &code::INVALID_PATTERN, "selection", &error.to_string())
}

/// Enters the zone; says as whom, and which of its regions to read.
///
/// # Errors
/// The gap that stands for the whole zone.
pub(crate) async fn enter(ports: Ports<'_>, zone: &Zone) -> Result<(Identity, Vec<Region>), Box<Gap>> {
    let identity = ports
        .accounts
        .enter(zone)
        .await
        .map_err(|failure| Box::new(zone_gap(zone, GapSubject::Zone, failure)))?;
    let regions = match &zone.regions {
        Regions::Listed(regions) => regions.clone(),
        Regions::AllEnabled => ports
            .machines
            .enabled_regions(zone)
            .await
            .map_err(|failure| Box::new(zone_gap(zone, GapSubject::Regions, failure)))?,
    };
    Ok((identity, regions))
}

/// A gap about a zone as a whole.
pub(crate) fn zone_gap(zone: &Zone, subject: GapSubject, failure: Failure) -> Gap {
    Gap {
        zone: Some(zone.name.clone()),
        account: Some(zone.account.clone()),
        region: None,
        subject,
        instances: None,
        failure,
    }
}

/// The failure of work that the user stopped.
pub(crate) fn interrupted(operation: &str) -> Failure {
    Failure::new(ErrorClass::Permanent, &code::INTERRUPTED, operation, "stopped before it was read")
}
