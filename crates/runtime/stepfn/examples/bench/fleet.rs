//! A fleet over several accounts and regions, and the plan the planner makes for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fleetwright_model::{Instance, LabelKeys, Observed, Phase, Region, Zone};
use fleetwright_patch::eligibility::Rules;
use fleetwright_patch::inventory::{Host, Inventory, Observations};
use fleetwright_patch::plan::make::{Amount, Hold, Limits, PlanRequest, make};
use fleetwright_patch::plan::policy::Policy;
use fleetwright_patch::plan::roll_out::WaveRequest;
use fleetwright_patch::plan::{Learnt, PlanDocument, PlannedZone, RollOut, Windows};
use fleetwright_ports::Clock;
use fleetwright_testkit::policy::policy;
use fleetwright_testkit::{FakeCell, FakeFleet, FakeHosts, sample};
use jiff::SignedDuration;

use crate::Failed;
use crate::answers::{Answers, script};
use crate::measure::cpu;

const REGIONS: [&str; 2] = ["eu-central-1", "eu-west-1"];

/// How large a fleet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    /// Its hosts.
    pub(crate) hosts: u32,
    /// Hosts of one region of an account at most.
    pub(crate) in_region: u32,
}

impl Size {
    /// Accounts, each with two regions; two at least.
    pub(crate) fn accounts(self) -> u32 {
        self.hosts.div_ceil(2 * self.in_region.max(1)).max(2)
    }

    /// Accounts times regions.
    pub(crate) fn cells(self) -> u32 {
        self.accounts() * 2
    }
}

/// The fleet and its plan, and nothing done yet.
pub(crate) struct Fleet {
    pub(crate) zones: Vec<Zone>,
    pub(crate) hosts: Arc<FakeHosts>,
    pub(crate) document: PlanDocument,
    /// What making the plan took. Measured.
    pub(crate) planning: Duration,
}

impl Fleet {
    /// Hosts without load balancers, spread evenly; nothing goes wrong with any of them.
    ///
    /// # Errors
    /// The planner refuses.
    pub(crate) fn of(size: Size, clock: &Arc<dyn Clock>) -> Result<Self, Failed> {
        let zones: Vec<Zone> = (0..size.accounts()).map(zone).collect();
        let mut cells: Vec<FakeCell> = (0..size.cells()).map(|_| FakeCell::default()).collect();
        let places: Vec<(&Zone, Region)> =
            zones.iter().flat_map(|zone| REGIONS.map(|code| (zone, sample::region(code)))).collect();
        let mut hosts = Vec::new();
        for number in 0..size.hosts {
            let place = (number % size.cells()) as usize;
            let (zone, region) = &places[place];
            let instance = instance(number, region);
            hosts.push(host(zone, region, instance.clone()));
            cells[place] = std::mem::take(&mut cells[place]).with(instance);
        }
        let mut inventory = Inventory {
            started: sample::now(),
            finished: sample::now(),
            hosts,
            gaps: Vec::new(),
            cells: Vec::new(),
            skipped: Vec::new(),
        };
        inventory.sort();
        let begun = cpu();
        let plan = make(&inventory, &request(&zones))?;
        let planning = cpu() - begun;
        if !plan.left_out.is_empty() {
            return Err(format!("{} hosts are left out of the plan", plan.left_out.len()).into());
        }
        let hosts = world(cells, &places, size, clock);
        Ok(Self { zones, hosts, document: PlanDocument::new(plan), planning })
    }
}

fn world(
    cells: Vec<FakeCell>,
    places: &[(&Zone, Region)],
    size: Size,
    clock: &Arc<dyn Clock>,
) -> Arc<FakeHosts> {
    let mut fleet = FakeFleet::default();
    for (mut cell, (zone, region)) in cells.into_iter().zip(places) {
        for state in cell.patches.values_mut() {
            // Rescans find every patch installed.
            state.missing = 0;
            state.operation_end = Some(sample::now() + SignedDuration::from_hours(24 * 30));
        }
        fleet = fleet.with(zone, region.as_str(), cell);
    }
    let hosts = FakeHosts::of(fleet, Arc::clone(clock));
    for number in 0..u64::from(size.hosts) {
        hosts.script(&sample::id(number), |of| script(number, of));
    }
    let answers = Arc::new(Answers::default());
    hosts.respond(Arc::new(move |request, host| answers.answer(request, host)));
    Arc::new(hosts)
}

fn zone(number: u32) -> Zone {
    sample::zone(
        &format!("zone-{number}"),
        &format!("{:012}", 111_122_220_000_u64 + u64::from(number)),
        &REGIONS,
    )
}

fn instance(number: u32, region: &Region) -> Instance {
    let letter = ['a', 'b', 'c'][(number % 3) as usize];
    Instance {
        availability_zone: Some(format!("{region}{letter}").into()),
        ..sample::instance(number.into(), &format!("web-{number}"))
    }
}

fn host(zone: &Zone, region: &Region, instance: Instance) -> Host {
    let rules = Rules { start_stopped: true, min_agent_version: None, max_patch_state_age: None };
    let observed = Observations {
        instance,
        agent: Observed::Known(sample::agent()),
        patches: Observed::Known(sample::patch_facts()),
        health: Observed::Known(sample::healthy()),
        storage: Observed::NotChecked,
        hardware: Observed::NotChecked,
    };
    Host::new(zone, region, observed, &LabelKeys::default(), &rules, sample::now())
}

/// A twentieth goes ahead, then three in ten of all, then the rest; half an hour's bake and a person's approval
/// between them. A tenth may be out of service at once, counted from the reboot on.
fn request(zones: &[Zone]) -> PlanRequest {
    let wave = |name: &str, size, canary| WaveRequest {
        name: Some(name.into()),
        size,
        canary,
        ..WaveRequest::default()
    };
    let waves = vec![
        wave("canary", Some(Amount::Percent(5)), true),
        wave("first", Some(Amount::Percent(30)), false),
        wave("rest", None, false),
    ];
    let planned =
        |zone: &Zone| PlannedZone { name: zone.name.clone(), account: zone.account.clone(), role: None };
    PlanRequest {
        program: "bench".into(),
        phases: Phase::ALL.to_vec(),
        policy: Policy { drain: None, ..policy() },
        limits: limits(),
        seed: 1,
        now: sample::now(),
        parent: None,
        earlier: BTreeMap::new(),
        keys: LabelKeys::default(),
        include_compliant: true,
        zones: zones.iter().map(planned).collect(),
        roll_out: RollOut { waves, bake_seconds: 1_800, ..RollOut::default() },
        windows: Windows::default(),
        learnt: Learnt::default(),
    }
}

fn limits() -> Limits {
    Limits {
        images_at_once: 1_000,
        image_attempts: 3,
        image_seconds: 4 * 3_600,
        starts_at_once: 50,
        start_attempts: 3,
        reboots_at_once: 1_000,
        out_of_service: Amount::Percent(10),
        hold: Hold::Reboot,
        failure_percent: 10.0,
        max_failures: None,
        continue_on_error: true,
        approval: true,
        phase_seconds: BTreeMap::new(),
    }
}
