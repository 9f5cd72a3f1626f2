//! Plans as the planner makes them, for small fleets of every shape.

use std::collections::BTreeMap;

use fleetwright_model::{
    Instance, InstanceState, LabelKeys, Observed, OsFamily, PatchDetail, PatchStatus, Phase, Text, Zone,
};
use fleetwright_patch::eligibility::Rules;
use fleetwright_patch::inventory::{Host, Inventory, Observations};
use fleetwright_patch::plan::make::{Amount, Hold, Limits, PlanRequest, Refused, make};
use fleetwright_patch::plan::policy::RollbackWay;
use fleetwright_patch::plan::roll_out::{GateChecks, OrderMode, OrderRequest, Probe, Select, WaveRequest};
use fleetwright_patch::plan::rollback::{RollbackRequest, rollback};
use fleetwright_patch::plan::{Learnt, PatchPlan, RollOut, Windows};
use fleetwright_testkit::policy::policy;
use fleetwright_testkit::sample;

pub(crate) const REGIONS: [&str; 2] = ["eu-central-1", "eu-west-1"];

/// The Auto Scaling group of hosts that are served, and the pools they are in: the group's own, and one
/// they were registered with by hand.
pub(crate) const SCALING_GROUP: &str = "web";
pub(crate) const GROUPS_POOL: &str =
    "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/web/0123456789abcdef";
pub(crate) const POOL: &str = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:loadbalancer/old";

/// The tags that say what hosts belong to.
const APPLICATION: &str = "Application";
const SET: &str = "Set";
const ROLE: &str = "Role";
const WINDOW: &str = "Window";

/// What decides about a host's recipe and its place in a roll-out, and what runs on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) stopped: bool,
    pub(crate) no_image: bool,
    pub(crate) windows: bool,
    /// Which of [`REGIONS`].
    pub(crate) region: usize,
    /// It serves behind a load balancer, as a member of an Auto Scaling group.
    pub(crate) served: bool,
    /// Its application.
    pub(crate) application: Option<&'static str>,
    /// The letter of its availability zone; `a` where none is said.
    pub(crate) letter: Option<char>,
    /// The set it belongs to: its mode, a colon, its name.
    pub(crate) set: Option<&'static str>,
    /// Whether it goes last in its set.
    pub(crate) leads: bool,
    /// Its maintenance window.
    pub(crate) window: Option<&'static str>,
}

const PLAIN: Shape = Shape {
    stopped: false,
    no_image: false,
    windows: false,
    region: 0,
    served: false,
    application: None,
    letter: None,
    set: None,
    leads: false,
    window: None,
};

/// One of each shape.
pub(crate) const EACH_SHAPE: [Shape; 5] = [
    PLAIN,
    Shape { stopped: true, ..PLAIN },
    Shape { no_image: true, ..PLAIN },
    Shape { stopped: true, no_image: true, windows: true, ..PLAIN },
    Shape { windows: true, ..PLAIN },
];

impl Shape {
    /// Its availability zone.
    pub(crate) fn availability_zone(&self) -> String {
        format!("{}{}", REGIONS[self.region], self.letter.unwrap_or('a'))
    }
}

pub(crate) fn zone() -> Zone {
    sample::zone("prod", "111122223333", &REGIONS)
}

/// Host `number`, from 1.
pub(crate) fn instance(number: u64, shape: Shape) -> Instance {
    let mut instance = sample::instance(number, &format!("web-{number}"));
    if shape.stopped {
        instance.state = InstanceState::Stopped;
    }
    if shape.windows {
        instance.os = OsFamily::Windows;
        instance.platform_details = Some("Windows".into());
    }
    if shape.no_image {
        instance.tags.insert("Backup".into(), "no".into());
    }
    if shape.served {
        instance.tags.insert("aws:autoscaling:groupName".into(), SCALING_GROUP.into());
    }
    instance.availability_zone = Some(shape.availability_zone().into());
    let tags = [
        (APPLICATION, shape.application),
        (SET, shape.set),
        (ROLE, shape.leads.then_some("primary")),
        (WINDOW, shape.window),
    ];
    for (key, value) in tags {
        instance.tags.extend(value.map(|value| (key.into(), value.into())));
    }
    instance
}

fn inventory(shapes: &[Shape]) -> Inventory {
    let keys = keys();
    let rules = Rules { start_stopped: true, min_agent_version: None, max_patch_state_age: None };
    let host = |(number, shape): (u64, &Shape)| {
        let instance = instance(number, *shape);
        let health = if shape.stopped { Observed::Absent } else { Observed::Known(sample::healthy()) };
        let observed = Observations {
            instance,
            agent: Observed::Known(sample::agent()),
            patches: Observed::Known(sample::patch_facts()),
            health,
            storage: Observed::NotChecked,
            hardware: Observed::NotChecked,
        };
        let region = sample::region(REGIONS[shape.region]);
        let mut host = Host::new(&zone(), &region, observed, &keys, &rules, sample::now());
        if shape.served {
            host.target_groups = Observed::Known(vec![POOL.into()]);
        }
        host
    };
    let mut inventory = Inventory {
        started: sample::now(),
        finished: sample::now(),
        hosts: (1..).zip(shapes).map(host).collect(),
        gaps: Vec::new(),
        cells: Vec::new(),
        skipped: Vec::new(),
    };
    inventory.sort();
    inventory
}

fn keys() -> LabelKeys {
    let key = |key: &str| vec![key.to_owned()];
    LabelKeys {
        requires_backup: key("Backup"),
        application: key(APPLICATION),
        order_group: key(SET),
        order_role: key(ROLE),
        maintenance_window: key(WINDOW),
        ..LabelKeys::default()
    }
}

/// Limits that let everything run at once, and a gate that a person opens.
pub(crate) fn limits() -> Limits {
    Limits {
        images_at_once: 10,
        image_attempts: 3,
        image_seconds: 4 * 3600,
        starts_at_once: 10,
        start_attempts: 3,
        reboots_at_once: 10,
        out_of_service: Amount::Percent(100),
        hold: Hold::Install,
        failure_percent: 100.0,
        max_failures: None,
        continue_on_error: true,
        approval: true,
        phase_seconds: BTreeMap::new(),
    }
}

/// The whole workflow for hosts of these shapes, with a way back.
pub(crate) fn whole(shapes: &[Shape], limits: Limits, seed: u64) -> PatchPlan {
    rolled_out(shapes, limits, RollOut::default(), seed)
}

/// The alarm that is looked at between waves.
pub(crate) const ALARM: &str = "errors";

/// The bucket that patches are left in for the second wave.
pub(crate) const BUCKET: &str = "lists";

/// A patch that Patch Manager found installed.
pub(crate) fn installed() -> PatchDetail {
    PatchDetail {
        title: "openssl.x86_64:1:3.0.8-1".into(),
        kb: "openssl.x86_64".into(),
        classification: "Security".into(),
        severity: "Critical".into(),
        state: PatchStatus::Installed,
        installed_at: None,
        cves: Vec::new(),
    }
}

/// Two hosts in two waves, with a gate between them that looks at everything.
pub(crate) fn gated() -> PatchPlan {
    let wave = |size| WaveRequest { size, approval: Some(false), ..WaveRequest::default() };
    let roll_out = RollOut {
        waves: vec![wave(Some(Amount::Count(1))), wave(None)],
        bake_seconds: 600,
        gate: GateChecks {
            alarms: vec![ALARM.into()],
            compliance: true,
            differences: true,
            patch_list_bucket: Some(BUCKET.into()),
            ..GateChecks::default()
        },
        ..RollOut::default()
    };
    rolled_out(&[Shape::default(); 2], limits(), roll_out, 1)
}

/// Two hosts of one set, of which each is probed before the other begins.
pub(crate) fn probed() -> PatchPlan {
    let probe = Probe { command: Some("true".into()), http: None, metric: None, seconds: 600 };
    let ordering = OrderRequest {
        name: "db".into(),
        select: Select { ids: (1..=2).map(sample::id).collect(), ..Select::default() },
        per: Vec::new(),
        mode: OrderMode::OneAtATime,
        leaders: Vec::new(),
        after: Vec::new(),
        probe: Some(probe),
    };
    let roll_out = RollOut { ordering: vec![ordering], ..RollOut::default() };
    rolled_out(&[Shape::default(); 2], limits(), roll_out, 1)
}

fn rolled_out(shapes: &[Shape], limits: Limits, roll_out: RollOut, seed: u64) -> PatchPlan {
    let plan = asked(shapes, limits, roll_out, Windows::default(), seed);
    let plan = plan.expect("nothing speaks against it");
    assert!(plan.left_out.is_empty(), "every host is planned: {:?}", plan.left_out);
    plan
}

/// What the planner makes of a request.
pub(crate) fn asked(
    shapes: &[Shape],
    limits: Limits,
    roll_out: RollOut,
    windows: Windows,
    seed: u64,
) -> Result<PatchPlan, Refused> {
    let request = PlanRequest {
        program: "test".into(),
        phases: Phase::ALL.to_vec(),
        policy: policy(),
        limits,
        seed,
        now: sample::now(),
        parent: None,
        earlier: BTreeMap::new(),
        keys: keys(),
        include_compliant: true,
        zones: vec![fleetwright_patch::plan::PlannedZone {
            name: zone().name,
            account: zone().account,
            role: None,
        }],
        roll_out,
        windows,
        learnt: Learnt::default(),
    };
    make(&inventory(shapes), &request)
}

/// The plan that puts hosts of that plan back to these images, by a person's decision.
pub(crate) fn back(of: &PatchPlan, images: &[(u64, Text)], way: RollbackWay) -> PatchPlan {
    let request = RollbackRequest {
        program: "test".into(),
        run: "run-0".into(),
        hosts: images.iter().map(|(number, image)| (sample::id(*number), image.clone())).collect(),
        limits: limits(),
        seed: 7,
        now: sample::now(),
    };
    let mut of = of.clone();
    of.policy.rollback.way = way;
    rollback(&of, &request)
}
