//! Makes realistic fleets of any size from a seed.
//!
//! Every account, region, group and instance draws from a stream of its own ([`seed`]): asking for
//! one instance more adds that instance and changes no other.

pub mod accounts;
pub mod applications;
pub mod catalog;
pub mod fleet;
pub mod hostile;
pub mod launch;
pub mod management;
pub mod seed;

use jiff::Timestamp;
use rand::RngExt;

use accounts::AccountPlan;
use applications::{Group, Keeper};
use fleet::Fleet;
use launch::{Cell, Scanned, Site, Sketch};
use seed::Seed;

use crate::world::ids::ReservationId;
use crate::world::instance::{InstanceState, Lifecycle, RootDevice, StatusCheck};
use crate::world::regions::{OptIn, REGIONS};
use crate::world::tags::{Interner, Tags};
use crate::world::{Account, Region, World};

/// What every part of a fleet is made from.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// The fleet's parameters.
    pub fleet: &'a Fleet,
    /// The seed of the whole scenario.
    pub root: &'a Seed,
    /// When the scenario starts.
    pub start: Timestamp,
}

/// Adds the planned accounts with their regions and instances.
///
/// Every account also has the regions it does not use, without content: enabled where AWS enables
/// them from the start.
pub fn populate(world: &mut World, plans: &[AccountPlan], ground: Ground<'_>, interner: &mut Interner) {
    for plan in plans {
        let account = world.accounts.entry(plan.id.clone()).or_default();
        account.name.clone_from(&plan.name);
        offer_regions(account);
        for (code, count) in plan.regions.iter().zip(&plan.instances) {
            let seed = cell_seed(ground.root, &plan.id, code);
            let region = account.regions.entry(code.clone()).or_default();
            region.enabled = true;
            catalog::furnish(region, ground.root, &seed, &plan.id, code, ground.start);
            let mut cell = Cell::new(region, ground.site(&plan.id, code), interner);
            fill(&mut cell, plan, seed, *count, ground.fleet);
        }
    }
}

impl<'a> Ground<'a> {
    /// Where a cell is, and what it draws from.
    pub fn site(&self, account: &str, region: &'a str) -> Site<'a> {
        Site {
            root: self.root,
            seed: cell_seed(self.root, account, region),
            code: region,
            start: self.start,
            shares: self.fleet.shares,
        }
    }
}

/// The seed of one account in one region.
pub fn cell_seed(root: &Seed, account: &str, region: &str) -> Seed {
    root.child("account").child(account).child(region)
}

/// Gives an account every region it does not have yet, empty.
pub(crate) fn offer_regions(account: &mut Account) {
    for facts in REGIONS {
        let enabled = facts.opt_in == OptIn::NotRequired;
        account
            .regions
            .entry(facts.code.to_owned())
            .or_insert_with(|| Region { enabled, ..Region::default() });
    }
}

fn fill(cell: &mut Cell<'_>, plan: &AccountPlan, seed: Seed, count: usize, fleet: &Fleet) {
    let groups = seed.child("groups");
    let instances = seed.child("instances");
    let mut made = 0;
    for n in 0.. {
        if made >= count {
            break;
        }
        let group = Group::nth(fleet, &groups, n);
        let launch = Launch::new(&group, plan, &groups.child("launch").nth(n), fleet, cell);
        for member in 0..group.size.min(count - made) {
            let sketch = launch.member(member, fleet, instances.nth(made), cell);
            cell.launch(sketch);
            made += 1;
        }
    }
}

/// What the members of one group have in common.
struct Launch<'g> {
    group: &'g Group,
    environment: &'g str,
    tags: Tags,
    first_zone: usize,
    together: Option<ReservationId>,
}

impl<'g> Launch<'g> {
    fn new(group: &'g Group, plan: &'g AccountPlan, seed: &Seed, fleet: &Fleet, cell: &mut Cell<'_>) -> Self {
        let mut random = seed.stream();
        let first_zone = random.random_range(0..catalog::ZONES);
        let reservation = ReservationId(random.random());
        let together = group.keeper == Keeper::None && random.random_bool(0.5);
        // Drawn whether there are any or not: a world is the same but for this tag.
        let window = random.random_range(0..720_u32) as usize;
        let grouped = random.random_range(0..10) < 8;
        let environment = plan.environment.as_str();
        let mut tags = Tags::default();
        let mut tag = |key: &str, value: &str| {
            let interner = cell.interner();
            tags.set(interner.share(key), interner.share(value));
        };
        tag("Application", &group.application);
        tag("Tier", group.tier.name());
        tag("Environment", environment);
        tag("Owner", group.owner);
        tag("Criticality", group.criticality);
        if let Some(window) = fleet.maintenance_windows.get(window % fleet.maintenance_windows.len().max(1)) {
            tag("MaintenanceWindow", window);
        }
        let system = if group.platform.is_windows() { "windows" } else { "linux" };
        if grouped && group.keeper != Keeper::Eks {
            tag("Patch Group", &format!("{environment}-{system}-{}", group.tier.name()));
        }
        let name = format!("{environment}-{}-{}", group.application, group.tier.name());
        match group.keeper {
            Keeper::None => {}
            Keeper::AutoScaling => {
                tag("Name", &name);
                tag("aws:autoscaling:groupName", &name);
            }
            Keeper::Eks => {
                let cluster = format!("{environment}-{}", group.application);
                tag("Name", &name);
                tag("aws:autoscaling:groupName", &format!("eks-{name}"));
                tag("eks:cluster-name", &cluster);
                tag("eks:nodegroup-name", &name);
                tag(&format!("kubernetes.io/cluster/{cluster}"), "owned");
            }
        }
        Self { group, environment, tags, first_zone, together: together.then_some(reservation) }
    }

    fn member(&self, n: usize, fleet: &Fleet, seed: Seed, cell: &mut Cell<'_>) -> Sketch {
        let shares = &fleet.shares;
        let mut random = seed.child("circumstances").stream();
        let zone = (self.first_zone + n) % catalog::ZONES;
        let state = match random.random::<f64>() {
            draw if draw < shares.stopped => InstanceState::Stopped,
            draw if draw < shares.stopped + shares.terminated => InstanceState::Terminated,
            _ => InstanceState::Running,
        };
        let agent = management::health(&mut random, shares);
        let scanned = if random.random_bool(shares.never_scanned) { Scanned::No } else { Scanned::Yes };
        let impaired = random.random_bool(shares.impaired);
        let hostile = random.random_bool(shares.hostile_tags);
        let untagged = random.random_bool(shares.untagged);
        let stored = random.random_bool(shares.instance_store);
        let young = self.group.keeper != Keeper::None || self.group.lifecycle == Lifecycle::Spot;
        let age_hours = random.random_range(if young { 2..480 } else { 24..9_000 });
        let reservation = ReservationId(random.random());
        Sketch {
            id: None,
            launched_at: None,
            seed,
            reservation: self.together.unwrap_or(reservation),
            launch_index: if self.together.is_some() { n as u32 } else { 0 },
            zone,
            tier: self.group.tier,
            platform: self.group.platform,
            instance_type: self.group.instance_type,
            state,
            health_check: if impaired {
                StatusCheck::Impaired(cell.hours_ago(age_hours / 2))
            } else {
                StatusCheck::Ok
            },
            age_hours,
            lifecycle: self.group.lifecycle,
            root_device: if stored { RootDevice::InstanceStore } else { RootDevice::Ebs },
            agent,
            scanned,
            tags: if untagged {
                Tags::default()
            } else if hostile {
                hostile::tags(&mut random).into_iter().map(|(k, v)| (k.into(), v.into())).collect()
            } else {
                self.tags(zone, n, cell)
            },
        }
    }

    fn tags(&self, zone: usize, n: usize, cell: &mut Cell<'_>) -> Tags {
        let mut tags = self.tags.clone();
        if self.group.keeper == Keeper::None {
            let letter = char::from(b'a' + zone as u8);
            let number = n / catalog::ZONES + 1;
            let (application, tier) = (&self.group.application, self.group.tier.name());
            let name = format!("{}-{application}-{tier}-{letter}-{number:02}", self.environment);
            tags.set(cell.interner().share("Name"), name.into());
        }
        tags
    }
}
