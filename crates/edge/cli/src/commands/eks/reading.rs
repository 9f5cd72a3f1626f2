//! Reading a cluster for a command: what files and flags say, then AWS and the cluster's own API.

use std::path::PathBuf;
use std::time::Duration;

use fleetwright_clock::SystemClock;
use fleetwright_config::Settings;
use fleetwright_config::settings::UpgradeSettings;
use fleetwright_eks::Suppression;
use fleetwright_eks::facts::{Fact, Facts, UnreadCause};
use fleetwright_eks::suite::Suite;
use fleetwright_kubernetes::{Hop, Manifests, Minor};
use fleetwright_model::code;
use fleetwright_ports::clusters::ClusterName;
use fleetwright_ports::{Clock as _, Clusters};
use fleetwright_survey::clusters::{Api, ClusterPorts, ClusterRequest, read};
use fleetwright_window::Span;
use jiff::{SignedDuration, Timestamp};

use super::{kubernetes, named, suppressions};
use crate::app::App;
use crate::args::EksReadArgs;
use crate::failure::CommandError;
use crate::one_place::OnePlace;
use crate::roll_out;
use crate::settings::Loaded;
use crate::{files, fleet};

/// How long an upgrade may take: nodes are drained for up to 15 minutes each, and a plan says how long for this cluster.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// What is read before anything is asked of AWS.
pub(crate) struct Prepared {
    pub(crate) name: ClusterName,
    pub(crate) suppressions: Vec<Suppression>,
    /// How clusters are upgraded where no flag says otherwise.
    pub(crate) upgrade: UpgradeSettings,
    to: Option<Minor>,
    refresh: Option<Duration>,
    without_kubernetes: bool,
    manifests: Fact<Manifests>,
    freeze: Fact<Option<String>>,
    suites: Vec<Suite>,
}

/// A cluster that was read.
pub(crate) struct Reading {
    pub(crate) version: Minor,
    /// The hops to the version that is wanted, or to the next one.
    pub(crate) route: Vec<Hop>,
    pub(crate) facts: Facts,
    /// When it had been read.
    pub(crate) at: Timestamp,
}

impl Prepared {
    /// Reads files and flags.
    ///
    /// # Errors
    /// One of them cannot be used.
    pub(crate) fn of(app: &App, args: &EksReadArgs) -> Result<Self, CommandError> {
        let loaded = app.settings(&args.fleet, |_| {})?;
        let target = |text: &String| {
            text.parse().map_err(|odd: fleetwright_kubernetes::InvalidMinor| {
                CommandError::new(&code::CLUSTER_TARGET, format!("--to: {odd}"))
            })
        };
        let upgrade = loaded.resolved.settings.upgrade.clone();
        let length = |given| {
            Duration::try_from(given)
                .map_err(|_| CommandError::new(&code::USAGE, "--refresh is a length of time like 10m"))
        };
        Ok(Self {
            name: named(args.cluster.as_deref().unwrap_or_default())?,
            to: args.to.as_ref().map(target).transpose()?,
            refresh: args.refresh.map(length).transpose()?.or(upgrade.refresh),
            upgrade,
            without_kubernetes: args.without_kubernetes,
            suppressions: args
                .suppressions
                .as_deref()
                .map(suppressions::read)
                .transpose()?
                .unwrap_or_default(),
            manifests: manifests(&args.manifests)?,
            freeze: freeze(&placed(&loaded), SystemClock.now())?,
            suites: Vec::new(),
        })
    }

    /// The same where nobody gave flags: at a hub. EKS looks at the cluster again first, for so long as the
    /// configuration says, or else for `refresh`.
    ///
    /// # Errors
    /// The configuration's freezes cannot be used.
    pub(crate) fn of_hub(
        loaded: &Loaded,
        name: ClusterName,
        to: Minor,
        refresh: Duration,
    ) -> Result<Self, CommandError> {
        let upgrade = loaded.resolved.settings.upgrade.clone();
        Ok(Self {
            name,
            to: Some(to),
            refresh: upgrade.refresh.or(Some(refresh)),
            upgrade,
            without_kubernetes: false,
            suppressions: Vec::new(),
            manifests: manifests(&[])?,
            freeze: freeze(&placed(loaded), SystemClock.now())?,
            suites: Vec::new(),
        })
    }

    /// The same, and whether these test suites are there and may be run.
    pub(crate) fn with_suites(self, suites: &[Suite]) -> Self {
        Self { suites: suites.to_vec(), ..self }
    }

    /// Reads the cluster.
    ///
    /// # Errors
    /// There is none, or the version that is wanted cannot be reached. What else cannot be read is part of the facts.
    pub(crate) async fn read(&self, at: &OnePlace) -> Result<Reading, CommandError> {
        let cell = &at.place.cell();
        let described = at.aws.cluster(cell, &self.name).await?;
        let version = described.cluster.version;
        let route = route(version, self.to)?;
        let server = kubernetes::connect(at, &self.name, &described);
        let api = match &server {
            _ if self.without_kubernetes => Api::LeftOut,
            Ok(server) => Api::Open(&**server),
            Err(failure) => Api::Unreached(failure),
        };
        at.console.note(&format!("reading cluster {} of {}", self.name, at.place.name()));
        let (aws, clock) = (&at.aws, &*at.clock);
        let ports = ClusterPorts { clusters: aws, foundations: aws, machines: aws, groups: aws, clock };
        let request = ClusterRequest {
            cell,
            name: &self.name,
            route: &route,
            refresh: self.refresh,
            manifests: &self.manifests,
            freeze: &self.freeze,
            suites: &self.suites,
        };
        let facts = read(ports, request, api, &described).await;
        Ok(Reading { version, route, facts, at: at.clock.now() })
    }
}

/// The settings, with calendars where they can be read from anywhere.
fn placed(loaded: &Loaded) -> Settings {
    let mut settings = loaded.resolved.settings.clone();
    fleet::place_calendars(&loaded.resolved, &mut settings);
    settings
}

/// The objects of the manifests that are named; not asked for where none are.
fn manifests(named: &[PathBuf]) -> Result<Fact<Manifests>, CommandError> {
    if named.is_empty() {
        return Ok(Fact::unread(UnreadCause::NotAsked, "no manifests were named (--manifests)"));
    }
    let mut all = Manifests::default();
    for path in files::below(named, &[".yaml", ".yml", ".json"])? {
        let read = Manifests::read(&path.display().to_string(), &files::read_text(&path)?);
        all.objects.extend(read.objects);
        all.gaps.extend(read.gaps);
    }
    Ok(Fact::Known(all))
}

/// The freeze that holds, or begins before an upgrade that starts now could end.
fn freeze(settings: &Settings, now: Timestamp) -> Result<Fact<Option<String>>, CommandError> {
    if settings.freezes.is_empty() {
        return Ok(Fact::unread(UnreadCause::NotAsked, "the configuration names no freezes"));
    }
    let range = Span::new(now, now.checked_add(LONGEST).unwrap_or(Timestamp::MAX));
    Ok(Fact::Known(range.map(|range| roll_out::freeze(settings, range)).transpose()?.flatten()))
}

/// The hops to the version that is wanted, or to the next one.
fn route(version: Minor, to: Option<Minor>) -> Result<Vec<Hop>, CommandError> {
    let to = to.unwrap_or_else(|| version.next());
    version.hops_to(to).map_err(|odd| CommandError::new(&code::CLUSTER_TARGET, odd.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_leads_to_the_next_version_where_none_is_named_and_never_back() {
        let minor = Minor::new;
        assert_eq!(route(minor(33), None).expect("a way"), [Hop { from: minor(33), to: minor(34) }]);
        assert_eq!(route(minor(33), Some(minor(36))).expect("a way").len(), 3);
        assert!(route(minor(33), Some(minor(33))).expect("no way to go").is_empty());
        let back = route(minor(33), Some(minor(32))).expect_err("refused");
        assert!(back.message.contains("1.32") && back.message.contains("1.33"), "{}", back.message);
    }
}
