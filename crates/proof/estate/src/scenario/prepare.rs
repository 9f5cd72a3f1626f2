//! From a scenario to a world.

use std::sync::Arc;

use jiff::Timestamp;
use rand::RngExt;

use super::error::ScenarioError;
use super::file::{
    AgentState, BucketSection, InstanceSection, PatchManager, Payment, RootKind, Scenario, State,
};
use super::{access, balancing, clusters, documents, images, network, quotas};
use crate::fault::FaultRule;
use crate::generate::accounts::{self, AccountPlan, AccountWish};
use crate::generate::applications::Tier;
use crate::generate::fleet::MAX_INSTANCES_PER_CELL;
use crate::generate::launch::{Cell, Scanned, Sketch};
use crate::generate::management::AgentHealth;
use crate::generate::seed::Seed;
use crate::generate::{Ground, cell_seed, populate};
use crate::landing_zones::LandingZone;
use crate::limits::LimitSettings;
use crate::policy::pattern;
use crate::world::buckets::is_bucket_name;
use crate::world::host::Environment;
use crate::world::ids::{InstanceId, ReservationId};
use crate::world::instance::{InstanceState, Lifecycle, RootDevice, StatusCheck};
use crate::world::patch_catalog::{Patch, patches};
use crate::world::platform::Platform;
use crate::world::releases::Release;
use crate::world::tags::{Interner, Tags};
use crate::world::{AccountId, World, instance_types, regions};

/// What a caller sets apart from the file, e.g. on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Another seed.
    pub seed: Option<u64>,
    /// Another start.
    pub start: Option<Timestamp>,
    /// Accounts in all.
    pub accounts: Option<usize>,
    /// Regions of the accounts that name none themselves.
    pub regions: Option<Vec<String>>,
    /// Instances in all; replaces `instances_per_cell`.
    pub instances: Option<usize>,
    /// Instances of each account in each region; replaces `instances`.
    pub instances_per_cell: Option<usize>,
}

/// Who operates the fleet: a user of the hub account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hub {
    /// The hub account.
    pub account: AccountId,
    /// The user's name.
    pub user: String,
}

/// Everything an estate is made from.
#[derive(Debug)]
pub struct Prepared {
    /// The scenario's name.
    pub name: String,
    /// The seed in use.
    pub seed: u64,
    /// When the scenario starts.
    pub start: Timestamp,
    /// The world at that time.
    pub world: World,
    /// Who operates the fleet.
    pub hub: Hub,
    /// The accounts as an operator would list them.
    pub landing_zones: Vec<LandingZone>,
    /// Request rates.
    pub limits: LimitSettings,
    /// What goes wrong.
    pub faults: Vec<FaultRule>,
}

/// The text of a scenario, for errors that name a place.
pub(super) struct Source<'a> {
    /// Where it came from.
    pub(super) origin: &'a str,
    /// What it says.
    pub(super) text: &'a str,
}

impl Source<'_> {
    fn error(&self, key: &str, nth: usize, problem: impl Into<String>) -> ScenarioError {
        ScenarioError::value(self.origin, self.text, key, nth, problem)
    }
}

/// Applies the overrides, checks what the file's types cannot, and makes the world.
pub(super) fn prepare(
    mut scenario: Scenario,
    source: &Source<'_>,
    overrides: &Overrides,
) -> Result<Prepared, ScenarioError> {
    apply(&mut scenario, overrides);
    check(&scenario, source)?;
    let seed = Seed::root(scenario.seed);
    let wishes: Vec<AccountWish> = scenario.accounts.iter().map(wish).collect();
    let plans = accounts::plan(&scenario.fleet, &wishes, &seed);
    check_plans(&plans, source)?;

    let mut world = World { seed: scenario.seed, pace: scenario.pace.clone(), ..World::default() };
    let mut interner = Interner::default();
    let ground = Ground { fleet: &scenario.fleet, root: &seed, start: scenario.start };
    populate(&mut world, &plans, ground, &mut interner);
    for (nth, section) in scenario.instances.iter().enumerate() {
        let plan = named(&plans, &section.account)
            .ok_or_else(|| source.error("[[instances]]", nth, unknown(&section.account, &plans)))?;
        place(&mut world, plan, section, (nth, ground), &mut interner)
            .map_err(|problem| source.error("[[instances]]", nth, problem))?;
    }
    images::make(&mut world, &scenario.images, (&seed, scenario.start), &mut interner)
        .map_err(|(nth, problem)| source.error("[[images]]", nth, problem))?;

    let number = scenario.seed;
    let broken = |error: crate::policy::PolicyError| {
        source.error(
            "[access]",
            0,
            format!("the role's policies are not valid: {error}; check role_name and actions"),
        )
    };
    let hub = access::hub(&mut world, &seed, number, &scenario.access).map_err(broken)?;
    let landing_zones =
        access::roles(&mut world, &plans, &scenario.access, &hub, (&seed, number), scenario.start)
            .map_err(broken)?;
    world.organization = access::organization(
        &mut world,
        &plans,
        &hub,
        scenario.organization.hub,
        (&seed, number),
        scenario.start,
    );
    for (nth, exception) in scenario.access.exceptions.iter().enumerate() {
        const KEY: &str = "[[access.exceptions]]";
        let plan = named(&plans, &exception.account)
            .ok_or_else(|| source.error(KEY, nth, unknown(&exception.account, &plans)))?;
        access::restrict(&mut world, plan, exception).map_err(|problem| source.error(KEY, nth, problem))?;
    }
    let documents = documents::make(&scenario.documents)
        .map_err(|(nth, problem)| source.error("[[documents]]", nth, problem))?;
    let edges = edges(&scenario);
    hold_back(&mut world, &scenario.releases);
    buckets(&mut world, &plans, &scenario.buckets, scenario.start)
        .map_err(|(nth, problem)| source.error("[[buckets]]", nth, problem))?;
    let environment = Environment::new(scenario.seed, scenario.hosts)
        .with_alarms(scenario.alarms)
        .with_calendars(scenario.calendars)
        .with_releases(scenario.releases)
        .with_documents(documents);
    world.furnish_hosts(environment);
    let from = (&seed, scenario.start);
    balancing::balancers(&mut world, &plans, &scenario.load_balancers, from)
        .map_err(|(nth, problem)| source.error("[[load_balancers]]", nth, problem))?;
    balancing::groups(&mut world, &plans, &scenario.auto_scaling_groups, from)
        .map_err(|(nth, problem)| source.error("[[auto_scaling_groups]]", nth, problem))?;
    balancing::generated(&mut world, &plans, &scenario.fleet, from)
        .map_err(|problem| source.error("[fleet]", 0, problem))?;
    balancing::watch(&mut world, &edges);
    clusters::kinds(&mut world, &scenario.addon_kinds)
        .map_err(|(nth, problem)| source.error("[[addon_kinds]]", nth, problem))?;
    let from = (scenario.access.role_name.as_str(), &seed, scenario.start);
    clusters::clusters(&mut world, &plans, &scenario.clusters, from)
        .map_err(|(nth, problem)| source.error("[[clusters]]", nth, problem))?;
    network::subnets(&mut world, &plans, &scenario.subnets)
        .map_err(|(nth, problem)| source.error("[[subnets]]", nth, problem))?;
    quotas::quotas(&mut world, &plans, &scenario.quotas)
        .map_err(|(nth, problem)| source.error("[[quotas]]", nth, problem))?;
    Ok(Prepared {
        name: scenario.name,
        seed: scenario.seed,
        start: scenario.start,
        world,
        hub,
        landing_zones,
        limits: scenario.limits,
        faults: scenario.faults,
    })
}

fn apply(scenario: &mut Scenario, overrides: &Overrides) {
    let fleet = &mut scenario.fleet;
    if let Some(accounts) = overrides.accounts {
        fleet.accounts = accounts;
    }
    if let Some(regions) = &overrides.regions {
        fleet.regions.clone_from(regions);
    }
    if let Some(instances) = overrides.instances {
        (fleet.instances, fleet.instances_per_cell) = (Some(instances), None);
    }
    if let Some(each) = overrides.instances_per_cell {
        (fleet.instances, fleet.instances_per_cell) = (None, Some(each));
    }
    scenario.seed = overrides.seed.unwrap_or(scenario.seed);
    scenario.start = overrides.start.unwrap_or(scenario.start);
}

fn check(scenario: &Scenario, source: &Source<'_>) -> Result<(), ScenarioError> {
    if let Err((key, problem)) = scenario.fleet.check() {
        return Err(source.error(key, 0, problem));
    }
    for (nth, rule) in scenario.hosts.iter().enumerate() {
        rule.check().map_err(|problem| source.error("[[hosts]]", nth, problem))?;
    }
    for (nth, calendar) in scenario.calendars.iter().enumerate() {
        calendar.check().map_err(|problem| source.error("[[calendars]]", nth, problem))?;
    }
    for (nth, release) in scenario.releases.iter().enumerate() {
        let problem = if release.at <= scenario.start {
            format!("at: {} must be after the start, {}", release.at, scenario.start)
        } else if !every_patch().any(|patch| release.names(patch)) {
            format!("patch: there is no patch \"{}\"", release.patch)
        } else {
            continue;
        };
        return Err(source.error("[[releases]]", nth, problem));
    }
    for (nth, account) in scenario.accounts.iter().enumerate() {
        let bad = account.id.as_ref().filter(|id| id.len() != 12 || !id.bytes().all(|b| b.is_ascii_digit()));
        if let Some(id) = bad {
            let problem = format!("account {}: id \"{id}\" is not 12 digits", account.name);
            return Err(source.error("[[accounts]]", nth, problem));
        }
    }
    Ok(())
}

fn every_patch() -> impl Iterator<Item = &'static Patch> {
    Platform::ALL.into_iter().flat_map(|platform| patches(platform))
}

/// Nobody knows of a patch before it is released.
fn hold_back(world: &mut World, releases: &[Release]) {
    if releases.is_empty() {
        return;
    }
    let regions = world.accounts.values_mut().flat_map(|account| account.regions.values_mut());
    for region in regions {
        let ids: Vec<InstanceId> = region.instances.iter().map(|it| it.id).collect();
        for id in ids {
            let state = region.instances.get_mut(id).and_then(|it| it.patch_state.as_deref_mut());
            let Some(state) = state else { continue };
            for list in
                [&mut state.missing, &mut state.failed, &mut state.rejected, &mut state.pending_reboot]
            {
                list.retain(|patch| !releases.iter().any(|release| release.names(patch)));
            }
        }
    }
}

/// Makes the buckets that are there from the start.
fn buckets(
    world: &mut World,
    plans: &[AccountPlan],
    sections: &[BucketSection],
    start: Timestamp,
) -> Result<(), (usize, String)> {
    for (nth, section) in sections.iter().enumerate() {
        let plan = named(plans, &section.account).ok_or_else(|| (nth, unknown(&section.account, plans)))?;
        let taken = world.buckets.get(&section.name).is_some();
        if taken || !is_bucket_name(&section.name) {
            let why = if taken { "is there already" } else { "is no name S3 takes" };
            return Err((nth, format!("name: \"{}\" {why}", section.name)));
        }
        let region = section.region.as_ref().unwrap_or(&plan.regions[0]);
        world.buckets.create(&section.name, &plan.id, region, start);
    }
    Ok(())
}

/// When misfortunes of hosts begin and end after the start.
fn edges(scenario: &Scenario) -> Vec<Timestamp> {
    let mut all: Vec<Timestamp> =
        scenario.hosts.iter().flat_map(|rule| [rule.from, rule.until]).flatten().collect();
    all.retain(|at| *at > scenario.start);
    all.sort_unstable();
    all.dedup();
    all
}

fn check_plans(plans: &[AccountPlan], source: &Source<'_>) -> Result<(), ScenarioError> {
    for (n, plan) in plans.iter().enumerate() {
        if plan.regions.is_empty() {
            let problem = format!("account {} has no regions; name one at least", plan.name);
            return Err(source.error("[[accounts]]", n, problem));
        }
        for (code, count) in plan.regions.iter().zip(&plan.instances) {
            if regions::find(code).is_none() {
                let problem = format!("account {}: \"{code}\" is not a region", plan.name);
                return Err(source.error("regions", 0, problem));
            }
            if *count > MAX_INSTANCES_PER_CELL {
                let problem = format!(
                    "account {} would get {count} instances in {code}; at most {MAX_INSTANCES_PER_CELL} fit, so ask \
                     for more accounts or regions",
                    plan.name
                );
                return Err(source.error("instances", 0, problem));
            }
        }
        let same = plans[..n].iter().find(|other| other.name == plan.name || other.id == plan.id);
        if let Some(other) = same {
            let problem = format!(
                "accounts {} ({}) and {} ({}) have the same name or id; each must be unique",
                other.name, other.id, plan.name, plan.id
            );
            return Err(source.error("[[accounts]]", n, problem));
        }
    }
    Ok(())
}

fn wish(section: &super::file::AccountSection) -> AccountWish {
    AccountWish {
        name: section.name.clone(),
        id: section.id.clone(),
        environment: section.environment.clone(),
        regions: section.regions.clone(),
        instances_per_region: section.instances_per_region,
    }
}

fn named<'p>(plans: &'p [AccountPlan], name: &str) -> Option<&'p AccountPlan> {
    plans.iter().find(|plan| plan.name == name)
}

fn unknown(name: &str, plans: &[AccountPlan]) -> String {
    let known: Vec<&str> = plans.iter().take(12).map(|plan| plan.name.as_str()).collect();
    format!("there is no account \"{name}\"; the scenario has {}", known.join(", "))
}

/// Puts instances made by hand into the world.
fn place(
    world: &mut World,
    plan: &AccountPlan,
    section: &InstanceSection,
    (nth, ground): (usize, Ground<'_>),
    interner: &mut Interner,
) -> Result<(), String> {
    let code = section.region.as_ref().unwrap_or(&plan.regions[0]);
    if !plan.regions.contains(code) {
        return Err(format!(
            "account {} does not use {code}; it uses {}",
            plan.name,
            plan.regions.join(", ")
        ));
    }
    let tags = tags(section, interner)?;
    let id = own_id(section)?;
    let instance_type = instance_types::find(&section.instance_type).ok_or_else(|| {
        let known: Vec<&str> = instance_types::INSTANCE_TYPES.iter().map(|known| known.name).collect();
        format!(
            "there is no instance type \"{}\"; the estate has {}",
            section.instance_type,
            known.join(", ")
        )
    })?;
    let region = world
        .accounts
        .get_mut(&plan.id)
        .and_then(|account| account.regions.get_mut(code))
        .ok_or_else(|| format!("{code} is not a region of {}", plan.name))?;
    let seed = cell_seed(ground.root, &plan.id, code).child("by-hand").nth(nth);
    let mut cell = Cell::new(region, ground.site(&plan.id, code), interner);
    let mut launched = Vec::new();
    for n in 0..section.count {
        let own = seed.nth(n);
        let mut random = own.child("circumstances").stream();
        launched.push(cell.launch(Sketch {
            id,
            seed: own,
            reservation: ReservationId(random.random()),
            launch_index: 0,
            zone: section.zone,
            tier: Tier::App,
            platform: section.platform,
            instance_type,
            state: state(section.state),
            health_check: StatusCheck::Ok,
            age_hours: random.random_range(24..2_000),
            launched_at: section.launched_at,
            lifecycle: match section.lifecycle {
                Payment::OnDemand => Lifecycle::OnDemand,
                Payment::Spot => Lifecycle::Spot,
            },
            root_device: match section.root_device {
                RootKind::Ebs => RootDevice::Ebs,
                RootKind::InstanceStore => RootDevice::InstanceStore,
            },
            agent: match section.agent {
                AgentState::Online => AgentHealth::Online,
                AgentState::Lost => AgentHealth::Lost,
                AgentState::Inactive => AgentHealth::Inactive,
                AgentState::Never => AgentHealth::Never,
            },
            scanned: match section.patch_manager {
                PatchManager::Scanned => Scanned::Yes,
                PatchManager::Never => Scanned::No,
            },
            tags: tags.clone(),
        }));
    }
    let Some(wanted) = &section.missing else { return Ok(()) };
    let missing = missing(wanted, section)?;
    for id in launched {
        if let Some(state) = region.instances.get_mut(id).and_then(|it| it.patch_state.as_deref_mut()) {
            state.missing.clone_from(&missing);
            state.failed.clear();
            state.rejected.clear();
            state.pending_reboot.clear();
        }
    }
    Ok(())
}

/// The id a section asks for.
fn own_id(section: &InstanceSection) -> Result<Option<InstanceId>, String> {
    let Some(text) = &section.id else { return Ok(None) };
    if section.count != 1 {
        return Err(format!("id \"{text}\": {} instances cannot share it; leave count out", section.count));
    }
    let unfit = |_| format!("id \"{text}\": the estate has ids of 17 digits with a 0 in front, i-0…");
    InstanceId::parse(text).map(Some).map_err(unfit)
}

/// The patches of the platform that a section names.
fn missing(wanted: &[String], section: &InstanceSection) -> Result<Vec<&'static Patch>, String> {
    if section.patch_manager == PatchManager::Never || section.agent == AgentState::Never {
        return Err(
            "missing: nobody knows that of an instance that was never scanned; leave it out".to_owned()
        );
    }
    let known = patches(section.platform);
    let named = |pattern: &str, patch: &Patch| {
        pattern::matches(pattern, patch.id) || pattern::matches(pattern, patch.title)
    };
    if let Some(unknown) = wanted.iter().find(|pattern| !known.iter().any(|patch| named(pattern, patch))) {
        let titles: Vec<&str> = known.iter().map(|patch| patch.title).collect();
        return Err(format!(
            "missing: there is no patch \"{unknown}\"; the platform has {}",
            titles.join(", ")
        ));
    }
    Ok(known.iter().filter(|patch| wanted.iter().any(|pattern| named(pattern, patch))).collect())
}

fn state(state: State) -> InstanceState {
    match state {
        State::Pending => InstanceState::Pending,
        State::Running => InstanceState::Running,
        State::Stopping => InstanceState::Stopping,
        State::Stopped => InstanceState::Stopped,
        State::ShuttingDown => InstanceState::ShuttingDown,
        State::Terminated => InstanceState::Terminated,
    }
}

fn tags(section: &InstanceSection, interner: &mut Interner) -> Result<Tags, String> {
    let mut tags = Tags::default();
    for (key, value) in &section.tags {
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(format!(
                "tag \"{key}\": AWS takes keys of 1 to 128 characters and values of up to 256; shorten it"
            ));
        }
        tags.set(interner.share(key), interner.share(value));
    }
    for n in 0.. {
        if tags.counted() >= section.fill_tags_to {
            break;
        }
        tags.set(interner.share(&format!("Filler{n:02}")), Arc::from("x"));
    }
    if tags.counted() > 50 {
        return Err(format!("{} tags; AWS takes 50 at most", tags.counted()));
    }
    Ok(tags)
}
