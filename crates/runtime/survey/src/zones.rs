//! From landing zones and organisation scopes to cells that can be read.

use std::collections::BTreeSet;

use fleetwright_model::{
    AccountId, ErrorClass, Failure, Gap, GapSubject, OrganizationAccount, OrganizationScope, Region, Regions,
    Zone, code,
};
use fleetwright_patch::{InvalidPattern, Patterns, SkippedZone};
use fleetwright_ports::Identity;

use crate::Ports;
use crate::stop::{Stop, stopped};

/// The landing zones that are meant.
#[derive(Clone, Debug, Default)]
pub struct Fleet {
    /// Landing zones listed one by one, all of them enabled.
    pub zones: Vec<Zone>,
    /// Accounts to find through the organisation.
    pub scopes: Vec<OrganizationScope>,
    /// Of the scopes' accounts only those with one of these names or ids; empty takes all. A name
    /// that no account has is a gap.
    pub accounts: Vec<String>,
    /// Landing zones left out on purpose, to be named in the result.
    pub skipped: Vec<SkippedZone>,
}

/// The zones to survey, with what could not be found out about them.
#[derive(Debug, Default)]
pub(crate) struct Expanded {
    /// Zones to enter.
    pub(crate) zones: Vec<Zone>,
    /// Zones and accounts left out.
    pub(crate) skipped: Vec<SkippedZone>,
    /// Organisations that could not be listed, or not to the end.
    pub(crate) gaps: Vec<Gap>,
}

/// Every landing zone that is meant, the accounts of organisation scopes included, and what could not
/// be found out about them.
pub async fn zones(ports: Ports<'_>, fleet: &Fleet) -> (Vec<Zone>, Vec<Gap>) {
    let expanded = expand(ports, fleet).await;
    (expanded.zones, expanded.gaps)
}

/// As [`expand`], unless the user stops first: then the organisations are gaps.
pub(crate) async fn expand_or_stop(ports: Ports<'_>, fleet: &Fleet, stop: &Stop) -> Expanded {
    let lost = |why| organization_gap(stopped(why, "organizations:ListAccounts"));
    stop.or_stop(expand(ports, fleet)).await.unwrap_or_else(|why| Expanded {
        zones: fleet.zones.clone(),
        skipped: fleet.skipped.clone(),
        gaps: fleet.scopes.iter().map(|_| lost(why)).collect(),
    })
}

/// Adds the accounts of the organisation scopes to the zones listed one by one. A listed zone wins
/// over the same account found in an organisation: it is how an account gets settings of its own.
async fn expand(ports: Ports<'_>, fleet: &Fleet) -> Expanded {
    let mut expansion = Expansion {
        fleet,
        accounts: fleet.zones.iter().map(|zone| zone.account.clone()).collect(),
        unknown: fleet.accounts.iter().map(String::as_str).collect(),
        done: Expanded { zones: fleet.zones.clone(), skipped: fleet.skipped.clone(), gaps: Vec::new() },
    };
    for scope in &fleet.scopes {
        if let Err(failure) = expansion.add(ports, scope).await {
            expansion.done.gaps.push(organization_gap(failure));
        }
    }
    expansion.finish()
}

struct Expansion<'a> {
    fleet: &'a Fleet,
    accounts: BTreeSet<AccountId>,
    unknown: BTreeSet<&'a str>,
    done: Expanded,
}

impl Expansion<'_> {
    async fn add(&mut self, ports: Ports<'_>, scope: &OrganizationScope) -> Result<(), Failure> {
        let include = patterns(&scope.accounts_include)?;
        let exclude = patterns(&scope.accounts_exclude)?;
        let caller = ports.accounts.caller(scope.profile.as_deref()).await?;
        let partition = caller.arn.split(':').nth(1).unwrap_or("aws").to_owned();
        let listing = ports.accounts.organization_accounts(scope).await;
        for found in listing.items {
            let matches = |patterns: &Patterns| {
                patterns.matches(found.account.as_str()) || patterns.matches(&found.name)
            };
            let wanted = (include.is_empty() || matches(&include)) && !matches(&exclude);
            if wanted && self.is_named(&found) && self.accounts.insert(found.account.clone()) {
                self.take(scope, found, &partition)?;
            }
        }
        listing.failure.map_or(Ok(()), Err)
    }

    fn is_named(&mut self, found: &OrganizationAccount) -> bool {
        let names = [found.name.as_str(), found.account.as_str()];
        self.unknown.retain(|unknown| !names.contains(unknown));
        self.fleet.accounts.is_empty()
            || self.fleet.accounts.iter().any(|name| names.contains(&name.as_str()))
    }

    fn take(
        &mut self,
        scope: &OrganizationScope,
        mut found: OrganizationAccount,
        partition: &str,
    ) -> Result<(), Failure> {
        if self.done.zones.iter().any(|zone| zone.name.as_str() == found.name) {
            found.name = format!("{} ({})", found.name, found.account);
        }
        let zone = scope.zone(&found, partition).map_err(|error| {
            let operation = "organizations:ListAccounts";
            Failure::new(ErrorClass::Permanent, &code::INVALID_ARN, operation, &error.to_string())
        })?;
        if found.active {
            self.done.zones.push(zone);
        } else {
            let reason = "the account is suspended or being closed";
            self.done.skipped.push(SkippedZone { zone: zone.name, account: zone.account, reason });
        }
        Ok(())
    }

    /// Names nobody has are told, unless an organisation could not be listed: then it may have them.
    fn finish(mut self) -> Expanded {
        if self.done.gaps.is_empty() {
            for name in self.unknown {
                let message = format!("no account of the organisation is called {name:?}");
                let failure = Failure::new(
                    ErrorClass::NotFound,
                    &code::UNKNOWN_ZONE,
                    "organizations:ListAccounts",
                    &message,
                );
                self.done.gaps.push(organization_gap(failure));
            }
        }
        self.done
    }
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
