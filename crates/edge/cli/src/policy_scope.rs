//! From settings and landing zones to what an IAM policy has to allow.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_aws::policy::{Scope, Use};
use fleetwright_config::Settings;
use fleetwright_config::settings::{ChannelKind, OrderGroup, RollbackWay};
use fleetwright_model::{Phase, Region, Regions, Zone};
use fleetwright_survey::Fleet;

use crate::planning;

/// What the roles of these landing zones have to be allowed for these phases. The scan belongs to
/// every run.
pub fn scope(settings: &Settings, fleet: &Fleet, phases: &[Phase]) -> Scope {
    let phases: BTreeSet<Phase> = phases.iter().copied().chain([Phase::Scan]).collect();
    let found = fleet.scopes.iter().map(|scope| match &scope.unit {
        None => Use::Organization,
        Some(_) => Use::OrganizationUnits,
    });
    let mut uses: BTreeSet<Use> = uses(settings).into_iter().chain(found).collect();
    let looks = |phase: Phase, alarms: &[String]| phases.contains(&phase) && !alarms.is_empty();
    if !looks(Phase::Validate, &settings.phases.validate.alarms)
        && !looks(Phase::Patch, &settings.safety.gate.alarms)
    {
        uses.remove(&Use::Alarms);
    }
    Scope {
        uses,
        partition: partition(fleet),
        account: match fleet.zones.as_slice() {
            [zone] if fleet.scopes.is_empty() => Some(zone.account.clone()),
            _ => None,
        },
        regions: regions(fleet),
        tags: tags(settings, fleet),
        documents: documents(settings, &phases),
        roles: roles(fleet),
        bucket: settings.safety.gate.patch_list_bucket.clone(),
        heads_bucket: settings.audit.heads_bucket.clone(),
        topics: told(settings, |kind| match kind {
            ChannelKind::Sns { topic, .. } => Some(topic),
            _ => None,
        }),
        event_buses: told(settings, |kind| match kind {
            ChannelKind::EventBridge { bus, .. } => Some(bus),
            _ => None,
        }),
        namespace: settings.telemetry.cloudwatch_namespace.clone(),
        // Commands on them name them; no run uses any.
        hub: BTreeSet::new(),
        hubs: BTreeSet::new(),
        stacks: BTreeSet::new(),
        code_buckets: BTreeSet::new(),
        parameters: BTreeSet::new(),
        clusters: BTreeSet::new(),
        functions: BTreeSet::new(),
        models: BTreeSet::new(),
        machines: BTreeSet::new(),
        rules: BTreeSet::new(),
        phases,
    }
}

/// What the settings use beyond what phases always do.
pub fn uses(settings: &Settings) -> BTreeSet<Use> {
    let (validate, gate) = (&settings.phases.validate, &settings.safety.gate);
    let way = settings.safety.rollback_way;
    let candidates = [
        (Use::Alarms, !validate.alarms.is_empty() || !gate.alarms.is_empty()),
        (Use::AuditHeads, settings.audit.heads_bucket.is_some()),
        (Use::Topics, is_told(settings, |kind| matches!(kind, ChannelKind::Sns { .. }))),
        (Use::EventBuses, is_told(settings, |kind| matches!(kind, ChannelKind::EventBridge { .. }))),
        (Use::ChangeCalendars, !settings.safety.change_calendars.is_empty()),
        (Use::CleanUp, settings.phases.backup.clean_up),
        (Use::Drain, settings.phases.drain.is_some()),
        (Use::Figures, settings.telemetry.cloudwatch_namespace.is_some()),
        (
            Use::Load,
            validate.cpu_rise_points.is_some()
                || !validate.metrics.is_empty()
                || settings.ordering.groups.iter().any(measures),
        ),
        (Use::NewInstance, way == RollbackWay::NewInstance),
        (Use::PatchLists, gate.patch_list_bucket.is_some()),
        (Use::Served, gate.target_groups || settings.safety.budgets.target_group.is_some()),
        (Use::ReplaceRoot, way == RollbackWay::ReplaceRoot),
        (Use::StartStopped, settings.eligibility.start_stopped),
    ];
    candidates.into_iter().filter(|(_, wanted)| *wanted).map(|(used, _)| used).collect()
}

fn is_told(settings: &Settings, which: impl Fn(&ChannelKind) -> bool) -> bool {
    settings.notifications.channels.values().any(|channel| which(&channel.kind))
}

/// The ARNs of channels of a kind.
fn told(settings: &Settings, arn: impl Fn(&ChannelKind) -> Option<&String>) -> BTreeSet<String> {
    settings.notifications.channels.values().filter_map(|channel| arn(&channel.kind).cloned()).collect()
}

/// Whether members of the group are probed by a metric.
fn measures(group: &OrderGroup) -> bool {
    group.probe.as_ref().is_some_and(|probe| probe.metric.is_some())
}

/// The documents that are run: scripts, Patch Manager's, the organisation's own.
fn documents(settings: &Settings, phases: &BTreeSet<Phase>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let (patch, validate) = (phases.contains(&Phase::Patch), phases.contains(&Phase::Validate));
    let looks = patch || phases.contains(&Phase::Precheck);
    if looks || validate {
        names.extend(["AWS-RunShellScript", "AWS-RunPowerShellScript"].map(str::to_owned));
    }
    if looks && settings.phases.precheck.remedy_agent {
        names.insert("AWS-UpdateSSMAgent".to_owned());
    }
    if patch {
        // Whatever installs, the rescan is Patch Manager's.
        names.insert("AWS-RunPatchBaseline".to_owned());
        names.insert(planning::document(&settings.phases.patch).to_string());
    }
    if validate {
        names.extend(settings.phases.validate.check_document.clone());
    }
    names
}

/// The partition of the first landing zone: an installation lives in one.
fn partition(fleet: &Fleet) -> String {
    let zones = || fleet.zones.iter();
    let by_role = zones().find_map(|zone| zone.access.role.as_ref().map(|role| role.partition().to_owned()));
    let listed = || zones().map(|zone| &zone.regions).chain(fleet.scopes.iter().map(|scope| &scope.regions));
    let by_region = || {
        listed().find_map(|regions| match regions {
            Regions::Listed(listed) => listed.first().map(|region| region.partition().to_owned()),
            Regions::AllEnabled => None,
        })
    };
    by_role.or_else(by_region).unwrap_or_else(|| "aws".to_owned())
}

/// Every region of every landing zone; none where one of them takes all.
fn regions(fleet: &Fleet) -> Vec<Region> {
    let mut all = BTreeSet::new();
    let scopes = fleet.scopes.iter().map(|scope| &scope.regions);
    for regions in fleet.zones.iter().map(|zone| &zone.regions).chain(scopes) {
        match regions {
            Regions::AllEnabled => return Vec::new(),
            Regions::Listed(listed) => all.extend(listed.iter().cloned()),
        }
    }
    all.into_iter().collect()
}

/// The tags every chosen instance carries: the selection's, and those that all landing zones ask for
/// alike.
fn tags(settings: &Settings, fleet: &Fleet) -> BTreeMap<String, Vec<String>> {
    let mut of_each = fleet.zones.iter().map(|zone| &zone.tags).chain(fleet.scopes.iter().map(|it| &it.tags));
    let mut common = of_each.next().cloned().unwrap_or_default();
    for tags in of_each {
        common.retain(|key, values| tags.get(key) == Some(values));
    }
    common.extend(settings.scan.tags.clone());
    common
}

fn roles(fleet: &Fleet) -> BTreeSet<String> {
    let of_zone = |zone: &Zone| zone.access.role.as_ref().map(|role| role.name().to_owned());
    let of_scopes = fleet.scopes.iter().filter_map(|scope| scope.role_name.clone());
    fleet.zones.iter().filter_map(of_zone).chain(of_scopes).collect()
}
