//! Load balancers, Auto Scaling groups and change calendars of a scenario.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rand::RngExt;
use serde::Deserialize;

use crate::generate::accounts::AccountPlan;
use crate::generate::cell_seed;
use crate::generate::fleet::{Fleet, Keeping};
use crate::generate::seed::Seed;
use crate::policy::pattern;
use crate::world::balancing::{Balancer, Checks, Kind, Pool};
use crate::world::command::uuid;
use crate::world::diary::{Event, Standing};
use crate::world::ids::InstanceId;
use crate::world::instance::{Instance, InstanceState};
use crate::world::scaling::{Group, HealthCheck, Lifecycle, Member, Process, Source};
use crate::world::tags::Tags;
use crate::world::timeline::Change;
use crate::world::{Region, World};

/// A load balancer; a `[[load_balancers]]` table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BalancerSection {
    /// Its name, 1 to 32 letters, digits and hyphens.
    pub name: String,
    /// The account's name.
    pub account: String,
    /// The region; the account's first where absent.
    pub region: Option<String>,
    /// Its kind.
    #[serde(default)]
    pub kind: BalancerKind,
    /// Its target group's name; its own where absent, and always for a classic one.
    pub target_group: Option<String>,
    /// Which instances are registered, by id or `Name` tag, with `*` and `?`.
    pub instances: String,
    /// The port they get requests on.
    #[serde(default = "usual_port")]
    pub port: u16,
    /// How long a deregistered instance drains, 0 to 3600 seconds.
    #[serde(default = "usual_delay")]
    pub deregistration_delay: u32,
    /// Seconds from health check to health check, 5 to 300.
    #[serde(default = "usual_interval")]
    pub health_interval: u16,
    /// Checks passed in a row until an unhealthy target is healthy, 2 to 10.
    #[serde(default = "usual_healthy")]
    pub healthy_threshold: u8,
    /// Checks failed in a row until a target is unhealthy, 2 to 10.
    #[serde(default = "usual_unhealthy")]
    pub unhealthy_threshold: u8,
    /// Tags of the balancer and its target group.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

// What AWS takes where nothing is said.
const fn usual_port() -> u16 {
    80
}
const fn usual_delay() -> u32 {
    300
}
const fn usual_interval() -> u16 {
    30
}
const fn usual_healthy() -> u8 {
    5
}
const fn usual_unhealthy() -> u8 {
    2
}

/// The kinds of balancers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BalancerKind {
    /// Second generation, for HTTP.
    #[default]
    Application,
    /// Second generation, for TCP.
    Network,
    /// First generation.
    Classic,
}

/// An Auto Scaling group; an `[[auto_scaling_groups]]` table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupSection {
    /// Its name.
    pub name: String,
    /// The account's name.
    pub account: String,
    /// The region; the account's first where absent.
    pub region: Option<String>,
    /// Which running instances are in it, by id or `Name` tag, with `*` and `?`.
    pub instances: String,
    /// The least capacity; 0 where absent.
    #[serde(default)]
    pub min: usize,
    /// The greatest capacity; the number of its instances where absent.
    pub max: Option<usize>,
    /// Names of its target groups and classic balancers, which are made before it.
    #[serde(default)]
    pub balancers: Vec<String>,
    /// What it goes by when it replaces instances.
    #[serde(default)]
    pub health_check: HealthCheck,
    /// Seconds that an instance is spared after it came into service.
    #[serde(default = "usual_delay")]
    pub grace: u32,
    /// Processes that are suspended.
    #[serde(default)]
    pub suspended: Vec<String>,
    /// Tags of the group.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// What things are made in, and from.
struct Site<'w> {
    account: &'w str,
    code: &'w str,
    seed: Seed,
    start: Timestamp,
    region: &'w mut Region,
}

/// The region a section names.
fn site<'w>(
    world: &'w mut World,
    plans: &'w [AccountPlan],
    (account, region): (&str, Option<&'w str>),
    (seed, start): (&Seed, Timestamp),
) -> Result<Site<'w>, String> {
    let plan = plans
        .iter()
        .find(|plan| plan.name == account)
        .ok_or_else(|| format!("there is no account \"{account}\"; name one of the scenario's"))?;
    let code = region.unwrap_or(&plan.regions[0]);
    let seed = cell_seed(seed, &plan.id, code).child("balancing");
    let content = world.accounts.get_mut(&plan.id).and_then(|account| account.regions.get_mut(code));
    let used = plan.regions.iter().any(|used| used == code);
    let region = content.filter(|_| used).ok_or_else(|| {
        format!("account {account} does not use {code}; it uses {}", plan.regions.join(", "))
    })?;
    Ok(Site { account: &plan.id, code, seed, start, region })
}

/// Makes the load balancers.
///
/// # Errors
/// The number of the section, and what is wrong with it.
pub(super) fn balancers(
    world: &mut World,
    plans: &[AccountPlan],
    sections: &[BalancerSection],
    ground: (&Seed, Timestamp),
) -> Result<(), (usize, String)> {
    for (nth, section) in sections.iter().enumerate() {
        check(section).map_err(|problem| (nth, problem))?;
        let at = (section.account.as_str(), section.region.as_deref());
        let mut site = site(world, plans, at, ground).map_err(|problem| (nth, problem))?;
        let ids = chosen(site.region, &section.instances, |_| true).map_err(|problem| (nth, problem))?;
        balancer(&mut site, section, &ids).map_err(|problem| (nth, problem))?;
    }
    Ok(())
}

fn check(section: &BalancerSection) -> Result<(), String> {
    let name_fits = |name: &str| {
        (1..=32).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if let Some(odd) =
        [Some(&section.name), section.target_group.as_ref()].into_iter().flatten().find(|it| !name_fits(it))
    {
        return Err(format!("name: \"{odd}\" must be 1 to 32 letters, digits and hyphens"));
    }
    let bounds = [
        ("deregistration_delay", section.deregistration_delay, 0, 3_600),
        ("health_interval", section.health_interval.into(), 5, 300),
        ("healthy_threshold", section.healthy_threshold.into(), 2, 10),
        ("unhealthy_threshold", section.unhealthy_threshold.into(), 2, 10),
        ("port", section.port.into(), 1, 65_535),
    ];
    match bounds.into_iter().find(|(_, value, least, most)| value < least || value > most) {
        None => Ok(()),
        Some((name, value, least, most)) => Err(format!("{name}: {value} must be from {least} to {most}")),
    }
}

/// The instances that a pattern names; one at least.
fn chosen(
    region: &Region,
    wanted: &str,
    fits: impl Fn(&Instance) -> bool,
) -> Result<Vec<InstanceId>, String> {
    let named = |it: &&Instance| {
        let name = it.tags.get("Name").is_some_and(|name| pattern::matches(wanted, name));
        (name || pattern::matches(wanted, &it.id.to_string())) && fits(it)
    };
    let ids: Vec<InstanceId> = region.instances.iter().filter(named).map(|it| it.id).collect();
    if ids.is_empty() {
        Err(format!("instances: no instance that fits is named \"{wanted}\""))
    } else {
        Ok(ids)
    }
}

fn tags(given: &BTreeMap<String, String>) -> Tags {
    given.iter().map(|(key, value)| (Arc::from(key.as_str()), Arc::from(value.as_str()))).collect()
}

fn balancer(site: &mut Site<'_>, section: &BalancerSection, ids: &[InstanceId]) -> Result<usize, String> {
    let kind = match section.kind {
        BalancerKind::Application => Kind::Application,
        BalancerKind::Network => Kind::Network,
        BalancerKind::Classic => Kind::Classic,
    };
    let pool_name = match (kind, &section.target_group) {
        (Kind::Classic, Some(_)) => return Err("target_group: a classic balancer has none".to_owned()),
        (_, name) => name.as_ref().unwrap_or(&section.name),
    };
    let taken = site.region.balancing.iter().any(|it| {
        (it.kind == Kind::Classic) == (kind == Kind::Classic)
            && (*it.name == *section.name || *it.pool.name == **pool_name)
    });
    if taken {
        return Err(format!(
            "name: there is a balancer or target group {} in {} already",
            section.name, site.code
        ));
    }
    let mut random = site.seed.child("balancer").child(&section.name).stream();
    let (own, pools): (u64, u64) = (random.random(), random.random());
    let root = format!("arn:aws:elasticloadbalancing:{}:{}", site.code, site.account);
    let (arn, pool_arn, label) = match kind {
        Kind::Classic => {
            let arn = format!("{root}:loadbalancer/{}", section.name);
            (arn.clone(), arn, format!("loadbalancer/{pool_name}"))
        }
        _ => {
            let short = if kind == Kind::Application { "app" } else { "net" };
            (
                format!("{root}:loadbalancer/{short}/{}/{own:016x}", section.name),
                format!("{root}:targetgroup/{pool_name}/{pools:016x}"),
                format!("targetgroup/{pool_name}"),
            )
        }
    };
    let number = site.region.balancing.add(Balancer {
        name: section.name.as_str().into(),
        kind,
        arn,
        dns_name: format!(
            "internal-{}-{}.{}.elb.amazonaws.com",
            section.name,
            own % 1_000_000_000,
            site.code
        ),
        created_at: site.start - SignedDuration::from_hours(24 * 90),
        subnets: site.region.network.subnets.clone(),
        security_groups: site.region.network.security_groups.iter().take(1).cloned().collect(),
        pool: Pool {
            name: pool_name.as_str().into(),
            label: label.into(),
            arn: pool_arn,
            port: section.port,
            checks: Checks {
                interval: section.health_interval,
                healthy: section.healthy_threshold,
                unhealthy: section.unhealthy_threshold,
            },
            drain: SignedDuration::from_secs(section.deregistration_delay.into()),
            targets: BTreeMap::new(),
            tags: tags(&section.tags),
        },
        tags: tags(&section.tags),
    });
    for id in ids {
        site.region.seat_target(number, (*id, section.port), site.start);
    }
    Ok(number)
}

/// Makes the Auto Scaling groups.
///
/// # Errors
/// The number of the section, and what is wrong with it.
pub(super) fn groups(
    world: &mut World,
    plans: &[AccountPlan],
    sections: &[GroupSection],
    ground: (&Seed, Timestamp),
) -> Result<(), (usize, String)> {
    for (nth, section) in sections.iter().enumerate() {
        let at = (section.account.as_str(), section.region.as_deref());
        let mut site = site(world, plans, at, ground).map_err(|problem| (nth, problem))?;
        let running = |it: &Instance| it.state == InstanceState::Running;
        let ids = chosen(site.region, &section.instances, running).map_err(|problem| (nth, problem))?;
        group(&mut site, section, &ids).map_err(|problem| (nth, problem))?;
    }
    Ok(())
}

fn group(site: &mut Site<'_>, section: &GroupSection, ids: &[InstanceId]) -> Result<(), String> {
    let Site { region, start, .. } = site;
    let start = *start;
    let max = section.max.unwrap_or(ids.len());
    if section.min > ids.len() || max < ids.len() {
        return Err(format!("min, max: the {} instances must be from {} to {max}", ids.len(), section.min));
    }
    if region.scaling.named(&section.name).is_some() {
        return Err(format!("name: there is a group {} already", section.name));
    }
    if let Some(id) = ids.iter().find(|id| region.scaling.knows(**id)) {
        return Err(format!("instances: {id} is in another group already"));
    }
    let numbered = |name: &String| {
        let position = region.balancing.iter().position(|it| *it.pool.name == **name);
        position.ok_or_else(|| format!("balancers: there is no target group or classic balancer \"{name}\""))
    };
    let balancers: Vec<usize> = section.balancers.iter().map(numbered).collect::<Result<_, _>>()?;
    let process = |name: &String| {
        Process::parse(name)
            .map(|process| (process, start))
            .ok_or_else(|| format!("suspended: there is no process \"{name}\""))
    };
    let suspended: BTreeMap<Process, Timestamp> =
        section.suspended.iter().map(process).collect::<Result<_, _>>()?;
    let id: u128 = site.seed.child("group").child(&section.name).stream().random();
    let label: Arc<str> = format!("autoscaling/{}", section.name).into();
    // Long in service: no grace is left.
    let since = start - SignedDuration::from_hours(24 * 30);
    let group_tag: Arc<str> = section.name.as_str().into();
    for id in ids {
        if let Some(it) = region.instances.get_mut(*id) {
            it.tags.set("aws:autoscaling:groupName".into(), group_tag.clone());
        }
        region.diary.note(
            start,
            Event::Standing { group: label.clone(), instance: *id, standing: Standing::Serving },
        );
        for number in &balancers {
            let port = region.balancing.get(*number).map_or(80, |it| it.pool.port);
            if !region.balancing.get(*number).is_some_and(|it| it.pool.targets.contains_key(&(*id, port))) {
                region.seat_target(*number, (*id, port), start);
            }
        }
        region.schedule(start, Change::Observe(*id));
    }
    let names = suspended.keys().map(|process| process.name()).collect();
    region.diary.note(start, Event::Processes { group: label.clone(), suspended: names });
    region.scaling.add(Group {
        name: group_tag,
        label,
        arn: format!(
            "arn:aws:autoscaling:{}:{}:autoScalingGroup:{}:autoScalingGroupName/{}",
            site.code,
            site.account,
            uuid(id),
            section.name
        ),
        min: section.min,
        max,
        desired: ids.len(),
        check: section.health_check,
        grace: SignedDuration::from_secs(section.grace.into()),
        subnets: region.network.subnets.clone(),
        balancers,
        members: ids.iter().map(|id| (*id, Member::new(Lifecycle::InService, since))).collect(),
        like: ids.first().copied(),
        suspended,
        activities: Vec::new(),
        created_at: start - SignedDuration::from_hours(24 * 90),
        tags: tags(&section.tags),
        source: Source::Unknown,
        cluster: None,
        hooks: Vec::new(),
        refreshes: Vec::new(),
        protected: BTreeSet::new(),
    });
    Ok(())
}

/// Puts groups of the generated fleet behind target groups, and its Auto Scaling groups to work, as far
/// as the fleet asks for them.
///
/// # Errors
/// What stands in the way.
pub(super) fn generated(
    world: &mut World,
    plans: &[AccountPlan],
    fleet: &Fleet,
    ground: (&Seed, Timestamp),
) -> Result<(), String> {
    for plan in plans {
        for code in &plan.regions {
            let mut site = site(world, plans, (&plan.name, Some(code)), ground)?;
            let pools = if fleet.shares.balanced > 0.0 {
                pools(&mut site, plan, fleet.shares.balanced)?
            } else {
                Vec::new()
            };
            if fleet.auto_scaling_groups == Keeping::Kept {
                kept(&mut site, plan, &pools)?;
            }
        }
    }
    Ok(())
}

/// The instances of each value that `key` gives, in the order of the values.
fn by_value(region: &Region, key: impl Fn(&Instance) -> Option<String>) -> BTreeMap<String, Vec<InstanceId>> {
    let mut all: BTreeMap<String, Vec<InstanceId>> = BTreeMap::new();
    for it in region.instances.iter().filter(|it| it.state != InstanceState::Terminated) {
        if let Some(value) = key(it) {
            all.entry(value).or_default().push(it.id);
        }
    }
    all
}

/// Puts groups that face users behind application balancers; gives the target groups' names.
fn pools(site: &mut Site<'_>, plan: &AccountPlan, share: f64) -> Result<Vec<String>, String> {
    let facing = |it: &Instance| {
        let tag = |key| it.tags.get(key);
        let tier = tag("Tier").filter(|tier| matches!(*tier, "web" | "app"))?;
        Some(format!("{}-{}-{tier}", tag("Environment")?, tag("Application")?))
    };
    let mut names = Vec::new();
    for (name, ids) in by_value(site.region, facing) {
        if !site.seed.child("balanced").child(&name).stream().random_bool(share) {
            continue;
        }
        let section = BalancerSection {
            name: name.chars().take(32).collect(),
            account: plan.name.clone(),
            region: None,
            kind: BalancerKind::Application,
            target_group: None,
            instances: String::new(),
            port: usual_port(),
            deregistration_delay: usual_delay(),
            health_interval: usual_interval(),
            healthy_threshold: usual_healthy(),
            unhealthy_threshold: usual_unhealthy(),
            tags: BTreeMap::from([("Application".to_owned(), name)]),
        };
        balancer(site, &section, &ids)?;
        names.push(section.name);
    }
    Ok(names)
}

/// Lets Auto Scaling groups keep the running instances that carry their tag.
fn kept(site: &mut Site<'_>, plan: &AccountPlan, pools: &[String]) -> Result<(), String> {
    let running = |it: &Instance| {
        let name = it.tags.get("aws:autoscaling:groupName")?;
        (it.state == InstanceState::Running).then(|| name.to_owned())
    };
    for (name, ids) in by_value(site.region, running) {
        if site.region.scaling.named(&name).is_some() {
            continue;
        }
        let section = GroupSection {
            account: plan.name.clone(),
            region: None,
            instances: String::new(),
            min: ids.len() / 2,
            max: Some(ids.len() * 2),
            balancers: pools.iter().filter(|pool| **pool == name).cloned().collect(),
            health_check: HealthCheck::Ec2,
            grace: usual_delay(),
            suspended: Vec::new(),
            tags: BTreeMap::new(),
            name,
        };
        group(site, &section, &ids)?;
    }
    Ok(())
}

/// Lets balancers look again whenever a misfortune of hosts begins or ends.
pub(super) fn watch(world: &mut World, edges: &[Timestamp]) {
    for account in world.accounts.values_mut() {
        for region in account.regions.values_mut() {
            let mut ids: Vec<InstanceId> =
                region.balancing.iter().flat_map(|it| it.pool.targets.keys().map(|key| key.0)).collect();
            ids.sort_unstable();
            ids.dedup();
            for id in ids {
                edges.iter().for_each(|at| region.schedule(*at, Change::Observe(id)));
            }
        }
    }
}
