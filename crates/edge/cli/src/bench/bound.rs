//! The least time a run can take, from what the estate says things took.
//!
//! For each host the estate's diary tells how long the other side was busy at each step: an image
//! until it was available, a command until its last word, a reboot until both status checks passed.
//! No driver can be faster than the largest of these:
//!
//! - rate: images leave at 5 per second after a burst of 50, so of the hosts with the k longest ways
//!   one begins its image no earlier than `(k − 50) / 5` seconds into the run;
//! - room: a limit of b at once lets through no more than b seconds of work per second, after the
//!   least time until the first host gets there and before the least time after it;
//! - path: the host with the longest way;
//! - stages: the plan takes the hosts of one stage after those of another, so that each stage adds the
//!   most its hosts need from the installation on, by way or by room, after the least time until the
//!   first host of all gets there; where somebody approves, until the last does.

use std::collections::HashMap;

use fleetwright_estate::world::diary::Event;
use fleetwright_estate::world::ids::{ImageId, InstanceId};
use fleetwright_estate::world::{Region, World};
use fleetwright_flow::Illegal;
use fleetwright_patch::plan::PatchPlan;
use jiff::Timestamp;

use super::fleet::FleetPolicy;
use super::ideal::{self, ImageRate};

/// CreateImage: burst and refill per second. Source: EC2 developer guide, request throttling.
const IMAGE_BURST: usize = 50;
const IMAGES_PER_SECOND: f64 = 5.0;

/// The parts of the bound, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bound {
    /// By the rate of images.
    pub rate: f64,
    /// By the number of images at once.
    pub images: f64,
    /// By the number of hosts out of service at once.
    pub disruption: f64,
    /// By the number of reboots at once.
    pub reboots: f64,
    /// By the longest way of one host.
    pub path: f64,
    /// By the stages one after another.
    pub stages: f64,
    /// What the same plan takes a driver that loses no time ([`super::ideal`]).
    pub ideal: f64,
    /// Seconds the other side was busy with a host on average, by step.
    pub means: [(&'static str, f64); 6],
}

/// Seconds the other side was busy with one host.
#[derive(Clone, Copy, Debug, Default)]
struct Way {
    backup: f64,
    precheck: f64,
    patch: f64,
    reboot: f64,
    verify: f64,
    validate: f64,
    /// The stage of the plan.
    stage: usize,
}

impl Way {
    fn whole(&self) -> f64 {
        self.backup + self.precheck + self.patch + self.held(false)
    }

    fn busy(&self, step: &str) -> f64 {
        match step {
            "backup" => self.backup,
            "precheck" => self.precheck,
            "patch" => self.patch,
            "reboot" => self.reboot,
            "verify" => self.verify,
            "validate" => self.validate,
            _ => 0.0,
        }
    }

    fn held(&self, from_install: bool) -> f64 {
        let install = if from_install { self.patch } else { 0.0 };
        install + self.reboot + self.verify + self.validate
    }
}

impl Bound {
    /// The bound of the run that was driven in this world.
    ///
    /// # Errors
    /// The kernel refuses what it proposed itself.
    pub fn of(world: &World, run: &str, plan: &PatchPlan, policy: &FleetPolicy) -> Result<Self, Illegal> {
        let mut placed = Vec::new();
        let mut stages: HashMap<&str, usize> = HashMap::new();
        for (stage, row) in plan.flow.stages.iter().enumerate() {
            let targets = row.targets.clone().filter_map(|target| plan.flow.targets.get(target as usize));
            stages.extend(targets.map(|target| (&*target.subject, stage)));
        }
        for region in world.accounts.values().flat_map(|account| account.regions.values()) {
            placed.extend(ways_of(region, run, &stages));
        }
        let ways: Vec<Way> = placed.iter().map(|(_, way)| *way).collect();
        let known: HashMap<&str, &Way> =
            placed.iter().map(|(subject, way)| (subject.as_str(), way)).collect();
        let busy = |subject: &str, step: &str| {
            known.get(subject).map_or(0, |way| (way.busy(step) * 1_000.0).ceil() as i64)
        };
        let rate = ImageRate { burst: IMAGE_BURST, per_second: IMAGES_PER_SECOND };
        Ok(Self { ideal: ideal::seconds(&plan.flow, rate, &busy)?, ..Self::of_ways(&ways, policy) })
    }

    fn of_ways(ways: &[Way], policy: &FleetPolicy) -> Self {
        let mut whole: Vec<f64> = ways.iter().map(Way::whole).collect();
        whole.sort_by(|a, b| b.total_cmp(a));
        let room = |at_once: u32, busy: &dyn Fn(&Way) -> f64, before: &dyn Fn(&Way) -> f64| {
            let all: f64 = ways.iter().map(busy).sum();
            let least = |of: &dyn Fn(&Way) -> f64| ways.iter().map(of).fold(f64::INFINITY, f64::min);
            let after = |way: &Way| way.whole() - before(way) - busy(way);
            match ways.is_empty() {
                true => 0.0,
                false => least(before) + all / f64::from(at_once.max(1)) + least(&after),
            }
        };
        let held = |way: &Way| way.held(policy.hold_install);
        Self {
            rate: by_rate(whole.clone()),
            images: room(policy.images, &|way| way.backup, &|_| 0.0),
            disruption: room(policy.out_of_service, &held, &|way| way.whole() - held(way)),
            reboots: room(policy.rebooting, &|way| way.reboot, &|way| way.whole() - way.held(false)),
            path: whole.first().copied().unwrap_or_default(),
            stages: stages(ways, policy),
            ideal: 0.0,
            means: [
                ("backup", mean(ways, |way| way.backup)),
                ("precheck", mean(ways, |way| way.precheck)),
                ("patch", mean(ways, |way| way.patch)),
                ("reboot", mean(ways, |way| way.reboot)),
                ("verify", mean(ways, |way| way.verify)),
                ("validate", mean(ways, |way| way.validate)),
            ],
        }
    }

    /// The least the run can take.
    pub fn seconds(&self) -> f64 {
        [self.rate, self.images, self.disruption, self.reboots, self.path, self.stages]
            .into_iter()
            .fold(0.0, f64::max)
    }

    /// What decides it.
    pub fn by(&self) -> &'static str {
        let parts = [
            (self.path, "one host's way"),
            (self.rate, "the rate of images"),
            (self.images, "images at once"),
            (self.disruption, "hosts out of service at once"),
            (self.reboots, "reboots at once"),
            (self.stages, "stages and their gate"),
        ];
        // Of equals the first counts: it is the simplest to say.
        parts.into_iter().rev().max_by(|a, b| a.0.total_cmp(&b.0)).map_or("", |(_, by)| by)
    }
}

/// When the last of these is over that each begin with an image.
fn by_rate(mut ways: Vec<f64>) -> f64 {
    ways.sort_by(|a, b| b.total_cmp(a));
    let begun = |k: usize| k.saturating_sub(IMAGE_BURST) as f64 / IMAGES_PER_SECOND;
    ways.iter().enumerate().map(|(k, way)| begun(k + 1) + way).fold(0.0, f64::max)
}

/// Stage after stage, each as long as its hosts need at least from the installation on.
fn stages(ways: &[Way], policy: &FleetPolicy) -> f64 {
    let ahead = |way: &Way| way.backup + way.precheck;
    let last = |way: &Way| way.patch + way.held(false);
    // The gate opens when the last host is prepared.
    let mut all = match policy.approval {
        true => by_rate(ways.iter().map(ahead).collect()),
        false => ways.iter().map(ahead).fold(f64::INFINITY, f64::min),
    };
    let count = ways.iter().map(|way| way.stage + 1).max().unwrap_or_default();
    for stage in 0..count {
        let own: Vec<&Way> = ways.iter().filter(|way| way.stage == stage).collect();
        let longest = own.iter().map(|way| last(way)).fold(0.0, f64::max);
        let held: f64 = own.iter().map(|way| way.held(policy.hold_install)).sum();
        let before =
            own.iter().map(|way| last(way) - way.held(policy.hold_install)).fold(f64::INFINITY, f64::min);
        let room = before + held / f64::from(policy.out_of_service.max(1));
        if !own.is_empty() {
            all += longest.max(room);
        }
    }
    if ways.is_empty() { 0.0 } else { all }
}

fn mean(ways: &[Way], of: impl Fn(&Way) -> f64) -> f64 {
    ways.iter().map(of).sum::<f64>() / ways.len().max(1) as f64
}

fn seconds(from: Timestamp, until: Timestamp) -> f64 {
    until.duration_since(from).as_secs_f64()
}

fn ways_of(region: &Region, run: &str, stages: &HashMap<&str, usize>) -> Vec<(String, Way)> {
    let mut ways: HashMap<InstanceId, Way> = HashMap::new();
    let mut begun: HashMap<ImageId, (Timestamp, InstanceId)> = HashMap::new();
    let mut passed: HashMap<InstanceId, Timestamp> = HashMap::new();
    for (at, event) in region.diary.entries() {
        match event {
            Event::ImageBegun { image, instance, .. } => {
                begun.insert(*image, (*at, *instance));
            }
            Event::ImageAvailable(image) => {
                if let Some((since, instance)) = begun.get(image) {
                    ways.entry(*instance).or_default().backup += seconds(*since, *at);
                }
            }
            Event::ChecksPassed(instance) => {
                passed.insert(*instance, *at);
            }
            _ => {}
        }
    }
    let prefix = format!("fw {run} ");
    for command in region.commands.iter() {
        let Some(purpose) = command.order.comment.strip_prefix(&prefix) else { continue };
        let purpose = purpose.split(' ').next().unwrap_or_default();
        for part in &command.invocations {
            let (Some(ended), Some(way)) = (part.ended_at, ways.get_mut(&part.instance)) else { continue };
            let up = passed.get(&part.instance).copied().filter(|at| *at > command.requested_at);
            match purpose {
                "precheck" => way.precheck += seconds(command.requested_at, ended),
                "patch" => way.patch += seconds(command.requested_at, ended),
                "reboot" => way.reboot += seconds(command.requested_at, up.map_or(ended, |up| up.max(ended))),
                "verify" => way.verify += seconds(command.requested_at, ended),
                "validate" => way.validate += seconds(command.requested_at, ended),
                _ => {}
            }
        }
    }
    let mut ways: Vec<(InstanceId, Way)> = ways.into_iter().collect();
    ways.sort_by_key(|(id, _)| id.0);
    let placed = |(id, way): (InstanceId, Way)| {
        let subject = id.to_string();
        let stage = stages.get(subject.as_str()).copied().unwrap_or_default();
        (subject, Way { stage, ..way })
    };
    ways.into_iter().map(placed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAY: Way = Way {
        backup: 600.0,
        precheck: 10.0,
        patch: 200.0,
        reboot: 150.0,
        verify: 20.0,
        validate: 10.0,
        stage: 0,
    };

    fn bound(hosts: usize, policy: FleetPolicy) -> Bound {
        Bound::of_ways(&vec![WAY; hosts], &policy)
    }

    #[test]
    fn a_few_hosts_are_bound_by_their_own_way_and_many_by_what_lets_them_through() {
        let wide = FleetPolicy {
            out_of_service: 1_000,
            rebooting: 500,
            images: 500,
            hold_install: false,
            approval: false,
            application: None,
        };
        assert_eq!(bound(50, wide).seconds(), 990.0);
        assert_eq!(bound(50, wide).by(), "one host's way");
        assert_eq!(bound(550, wide).rate, 100.0 + 990.0);
        let narrow = FleetPolicy { out_of_service: 10, ..wide };
        assert_eq!(bound(200, narrow).disruption, 810.0 + 200.0 * 180.0 / 10.0);
        assert_eq!(bound(200, narrow).by(), "hosts out of service at once");
        let longer = FleetPolicy { hold_install: true, ..narrow };
        assert_eq!(bound(200, longer).disruption, 610.0 + 200.0 * 380.0 / 10.0);
    }

    #[test]
    fn stages_come_one_after_another() {
        let wide = FleetPolicy {
            out_of_service: 1_000,
            rebooting: 500,
            images: 500,
            hold_install: false,
            approval: false,
            application: None,
        };
        let ways = [WAY, Way { stage: 1, ..WAY }, Way { stage: 2, ..WAY }];
        assert_eq!(Bound::of_ways(&ways, &wide).stages, 610.0 + 3.0 * 380.0);
    }
}
