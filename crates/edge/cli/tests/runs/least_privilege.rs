//! The generated IAM policies (SAFETY I28): with one, neither the doctor, nor a run, nor the commands on
//! windows are refused anything; nothing in it is unused; and without any one action of it, it is said
//! which is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fleetwright::commands::policy::document;
use fleetwright::policy_scope::scope;
use fleetwright::settings::Flags;
use fleetwright::simulated::Stage;
use fleetwright::staged_run::StagedRun;
use fleetwright::state::State;
use fleetwright_aws::policy::{Statement, of_zone};
use fleetwright_config::settings::{Amount, WaveSettings};
use fleetwright_estate::calls::Outcome;
use fleetwright_estate::policy::NamedPolicy;
use fleetwright_flow::Signal;
use fleetwright_model::{Phase, code};
use fleetwright_survey::{DoctorRequest, Ports, Stop, examine};
use tracing_subscriber::util::SubscriberInitExt;

use crate::story::{CONSOLE, approving};

#[path = "least_privilege/clusters.rs"]
mod clusters;
#[path = "least_privilege/commands.rs"]
mod commands;
#[path = "least_privilege/events.rs"]
mod events;
#[path = "least_privilege/functions.rs"]
mod functions;
#[path = "least_privilege/models.rs"]
mod models;
#[path = "least_privilege/stacks.rs"]
mod stacks;

/// One of everything a run has to deal with.
const WORLD: &str = r#"
name = "least-privilege"
description = "A host that is patched, one that is put back, one that fails, one that sleeps; images past their retention."
seed = 281
start = "2026-11-02T02:00:00Z"

[[accounts]]
name = "shop"
id = "111122223333"
regions = ["eu-central-1"]
instances_per_region = 0

[fleet.shares]
agent_old = 0.0

[[instances]]
account = "shop"
missing = ["openssl", "kernel"]
[instances.tags]
Name = "web"
Application = "shop"
Fleet = "nightly"

[[instances]]
account = "shop"
missing = ["openssl", "kernel"]
[instances.tags]
Name = "silent"
Application = "ledger"
Fleet = "nightly"

[[instances]]
account = "shop"
missing = ["openssl"]
[instances.tags]
Name = "held"
Application = "crm"
Fleet = "nightly"

[[instances]]
account = "shop"
state = "stopped"
missing = ["openssl"]
[instances.tags]
Name = "asleep"
Application = "batch"
Fleet = "nightly"

[[hosts]]
kind = "agent_never_returns"
instance = "silent"
times = 1

[[hosts]]
kind = "patch_fails"
instance = "held"
patch = "openssl"

[[images]]
instance = "web"
days_old = 90
name = "fw-old-"
[images.tags]
"fleetwright:purpose" = "pre-patch-backup"
"fleetwright:instance" = "{instance}"
"fleetwright:delete-after" = "2026-09-03"

[[alarms]]
name = "shop-health"
account = "111122223333"
region = "eu-central-1"
instance = "web"
watches = "health"
"#;

/// Everything hosts can be behind, and alarms that gates look at.
const SERVED: &str = r#"
name = "least-privilege-served"
description = "Hosts behind balancers of both generations, in a group with room for standby and in one without."
seed = 282
start = "2026-11-02T02:00:00Z"

[[accounts]]
name = "shop"
id = "111122223333"
regions = ["eu-central-1"]
instances_per_region = 0

[fleet.shares]
agent_old = 0.0

[[instances]]
account = "shop"
count = 2
missing = ["openssl"]
[instances.tags]
Name = "web"
Application = "shop"

[[instances]]
account = "shop"
count = 2
missing = ["openssl", "kernel"]
[instances.tags]
Name = "scaled"
Application = "search"

[[instances]]
account = "shop"
missing = ["openssl", "kernel"]
[instances.tags]
Name = "full"
Application = "index"

[[load_balancers]]
name = "shop"
account = "shop"
target_group = "shop-web"
instances = "web"
deregistration_delay = 60

[[load_balancers]]
name = "shop-old"
account = "shop"
kind = "classic"
instances = "web"
deregistration_delay = 60

[[auto_scaling_groups]]
name = "search"
account = "shop"
instances = "scaled"
min = 1

[[auto_scaling_groups]]
name = "index"
account = "shop"
instances = "full"
min = 1

[[calendars]]
name = "shop-freeze"

[[alarms]]
name = "shop-health"
account = "111122223333"
region = "eu-central-1"
instance = "web"
watches = "health"
"#;

/// The account of those worlds, and the bucket of patch lists in it.
const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-central-1";
const BUCKET: &str = "shop-patch-lists";

/// A way through fleetwright.
struct Way {
    name: &'static str,
    world: &'static str,
    settings: &'static [(&'static str, &'static str)],
    phases: &'static [Phase],
    ends: Ends,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// By itself.
    AtItsEnd,
    /// At once, as soon as a command is on its way.
    Aborted,
}

/// Everybody at once, and nobody keeps the others from going on.
const FREELY: [(&str, &str); 3] = [
    ("safety.automatic_rollback", "true"),
    ("safety.max_failure_percentage", "100"),
    ("safety.max_concurrent", "100%"),
];

const WAYS: &[Way] = &[
    Way {
        name: "everything",
        world: WORLD,
        settings: &[
            ("phases.validate.cpu_rise_points", "20"),
            ("phases.validate.alarms", "shop-health"),
            ("scan.tags", "Fleet=nightly"),
        ],
        phases: &Phase::ALL,
        ends: Ends::AtItsEnd,
    },
    Way {
        name: "new instances in the place of old ones",
        world: WORLD,
        settings: &[("safety.rollback_way", "new-instance")],
        phases: &Phase::ALL,
        ends: Ends::AtItsEnd,
    },
    Way { name: "aborted", world: WORLD, settings: &[], phases: &Phase::ALL, ends: Ends::Aborted },
    Way {
        name: "scan",
        world: WORLD,
        settings: &[],
        phases: &[Phase::Scan, Phase::Report],
        ends: Ends::AtItsEnd,
    },
    Way {
        name: "backup",
        world: WORLD,
        settings: &[],
        phases: &[Phase::Scan, Phase::Backup],
        ends: Ends::AtItsEnd,
    },
    Way {
        name: "precheck",
        world: WORLD,
        settings: &[],
        phases: &[Phase::Scan, Phase::Precheck],
        ends: Ends::AtItsEnd,
    },
    Way {
        name: "patch alone, without a reboot",
        world: WORLD,
        settings: &[("phases.patch.reboot", "skip")],
        phases: &[Phase::Scan, Phase::Patch],
        ends: Ends::AtItsEnd,
    },
    Way {
        name: "validate alone",
        world: WORLD,
        settings: &[("phases.validate.cpu_rise_points", "20")],
        phases: &[Phase::Scan, Phase::Validate],
        ends: Ends::AtItsEnd,
    },
    Way {
        name: "out of balancers and groups and back, wave by wave",
        world: SERVED,
        settings: &[
            ("safety.max_concurrent", "1"),
            ("safety.gate.alarms", "shop-health"),
            ("safety.gate.target_groups", "true"),
            ("safety.gate.patch_list_bucket", BUCKET),
            // Without the permission the run goes on, and says that it could not look.
            ("safety.change_calendars", "shop-freeze"),
            ("safety.change_calendar_unknown", "open"),
        ],
        phases: &Phase::ALL,
        ends: Ends::AtItsEnd,
    },
    Way {
        name: "gates that look, and nobody is drained",
        world: SERVED,
        settings: &[
            ("safety.max_concurrent", "1"),
            ("phases.drain.enabled", "false"),
            ("safety.gate.alarms", "shop-health"),
            ("safety.gate.target_groups", "true"),
        ],
        phases: &[Phase::Scan, Phase::Patch],
        ends: Ends::AtItsEnd,
    },
];

/// Permissions that no way here comes to use, and why they are granted all the same.
const UNUSED: &[(&str, &str)] = &[(
    "ssm:GetCommandInvocation",
    "outputs longer than a list of invocations shows; no host here says so much",
)];

/// Permissions whose absence the doctor tells of, and why the run does not.
const TOLD_BY_THE_DOCTOR: &[(&str, &str)] = &[
    ("ec2:DescribeRegions", "a run asks where regions are not listed, the doctor always"),
    ("iam:SimulatePrincipalPolicy", "only the doctor asks"),
    ("ssm:DescribeInstancePatches", "the run notes it in the hosts' lists of patches"),
    ("ssm:ListCommands", "the run then looks at the invocations of each command"),
];

fn is_listed(list: &[(&str, &str)], action: &str) -> bool {
    list.iter().any(|(listed, _)| *listed == action)
}

/// What became of a way.
struct Walked {
    /// Calls that were refused.
    refused: Vec<String>,
    /// What the doctor found missing.
    doctor: String,
    /// Everything the run said: gaps, records, log.
    said: String,
    /// What the policy grants, and what was used of it.
    granted: BTreeSet<&'static str>,
    used: BTreeSet<String>,
}

/// The log, as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("one thread").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("one thread")).into_owned()
    }
}

/// Statements without one action.
fn without(statements: Vec<Statement>, action: Option<&str>) -> Vec<Statement> {
    let less = |mut it: Statement| {
        it.actions.retain(|granted| Some(*granted) != action);
        (!it.actions.is_empty()).then_some(it)
    };
    statements.into_iter().filter_map(less).collect()
}

fn named(statements: &[Statement]) -> NamedPolicy {
    let policy = document(statements).expect("a role can carry it").to_string();
    NamedPolicy::parse("generated", &policy).expect("a policy IAM accepts")
}

fn actions(statements: &[Statement]) -> BTreeSet<&'static str> {
    statements.iter().flat_map(|statement| statement.actions.iter().copied()).collect()
}

/// What was used of the generated policies.
fn used(stage: &Stage) -> BTreeSet<String> {
    let grants = stage.world.estate.grants().into_iter();
    grants.filter(|grant| &*grant.policy == "generated").map(|grant| grant.action.to_string()).collect()
}

/// Puts a policy into the landing zones' roles.
fn grant(stage: &Stage, statements: &[Statement]) {
    for zone in &stage.fleet.zones {
        let role = zone.access.role.as_ref().expect("a role").name();
        let account = zone.account.as_str();
        assert!(stage.world.estate.set_role_policies(account, role, vec![named(statements)]));
    }
}

async fn world(text: &str, settings: &[(&str, &str)]) -> Stage {
    let mut flags = Flags::default();
    for (key, value) in FREELY.iter().chain(settings) {
        flags.set("a test", key, *value);
    }
    Stage::of_text((text, "least-privilege"), 281, flags, CONSOLE).await.expect("a usable world")
}

/// Sets the stage with the generated policy, an action of it left out, in the landing zone's role.
async fn stage(way: &Way, missing: Option<&str>) -> (Stage, BTreeSet<&'static str>) {
    let mut stage = world(way.world, way.settings).await;
    if way.world == SERVED {
        stage.world.estate.create_bucket(ACCOUNT, REGION, BUCKET);
        let first = WaveSettings { size: Some(Amount::Count(1)), ..WaveSettings::default() };
        stage.settings.safety.waves = vec![first, WaveSettings::default()];
    }
    let statements = of_zone(&scope(&stage.settings, &stage.fleet, way.phases));
    grant(&stage, &without(statements.clone(), missing));
    (stage, actions(&statements))
}

async fn walk(way: &Way, missing: Option<&str>) -> Walked {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone());
    let _logged = subscriber.finish().set_default();
    let (stage, granted) = stage(way, missing).await;
    let doctor = doctor(&stage, way.phases).await;
    let estate = Arc::clone(&stage.world.estate);
    let asked = estate.call_count();
    let mut said = String::new();
    let mut of_doctor = used(&stage);
    match StagedRun::plan(stage, State::in_memory(), way.phases, CONSOLE).await {
        Err(error) => said.push_str(&format!("{} {:?}", error.message, error.details)),
        Ok(run) => {
            for gap in &run.document.plan().gaps {
                said.push_str(&format!("{} {}\n", gap.code, gap.message));
            }
            drive(&run, way).await;
            let finished = run.finished().await;
            said.push_str(&format!("{:?}", finished.records));
            of_doctor.extend(used(&run.stage));
        }
    }
    said.push_str(&log.text());
    let calls = estate.calls(asked, usize::MAX);
    let refused = calls.iter().filter(|call| call.facts.outcome == Outcome::Denied);
    let refused = refused.map(|call| format!("{}:{}", call.service.name(), call.action)).collect();
    Walked { refused, doctor, said, granted, used: of_doctor }
}

async fn doctor(stage: &Stage, phases: &[Phase]) -> String {
    let ports = Ports { accounts: &stage.aws, machines: &stage.aws, clock: stage.clock.as_ref() };
    let mut fleet = stage.fleet.clone();
    for zone in &mut fleet.zones {
        zone.tags.extend(stage.settings.scan.tags.clone());
    }
    let request = DoctorRequest { fleet, phases: phases.to_vec(), max_concurrent_zones: 1 };
    let checkup = examine(ports, &stage.aws, &request, &Stop::never()).await;
    let symptoms = checkup.zones.iter().flat_map(|zone| &zone.symptoms);
    let denied = symptoms.filter(|symptom| symptom.action.is_some() || symptom.code == &code::DENIED);
    denied.map(|it| format!("{} {} {}\n", it.code.id, it.message, it.remedy)).collect()
}

async fn drive(run: &StagedRun, way: &Way) {
    let control = approving();
    let estate = &run.stage.world.estate;
    let abort = async {
        let sent = || estate.calls(0, usize::MAX).iter().any(|call| &*call.action == "SendCommand");
        if way.ends == Ends::Aborted {
            while !sent() {
                run.stage.clock.sleep(Duration::from_secs(5)).await;
            }
            control.signal(Signal::AbortNow, "a test", None);
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        driven = run.drive(&control) => { driven.expect("driven to an end"); }
        () = abort => {}
    }
}

#[tokio::test(start_paused = true)]
async fn with_the_generated_policy_nothing_is_refused_and_nothing_of_it_is_unused() {
    let mut wrong = Vec::new();
    let (mut granted, mut used) = (BTreeMap::new(), BTreeSet::new());
    for way in WAYS {
        let walked = walk(way, None).await;
        for refused in walked.refused {
            wrong.push(format!("{}: {refused} was refused", way.name));
        }
        if !walked.doctor.is_empty() {
            wrong.push(format!("{}: {}", way.name, walked.doctor));
        }
        granted.extend(walked.granted.into_iter().map(|action| (action, way.name)));
        used.extend(walked.used);
    }
    for (action, way) in granted {
        match (used.contains(action), is_listed(UNUSED, action)) {
            (false, false) => wrong.push(format!("{action} is granted for {way:?} and never used")),
            (true, true) => wrong.push(format!("{action} is listed as unused and is used")),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn without_any_one_action_the_run_says_which_is_missing() {
    let mut wrong = Vec::new();
    let mut tried = BTreeSet::new();
    for way in WAYS {
        let whole = walk(way, None).await;
        for action in whole.granted {
            if !whole.used.contains(action) || !tried.insert(action) {
                continue;
            }
            let walked = walk(way, Some(action)).await;
            let (run, doctor) = (walked.said.contains(action), walked.doctor.contains(action));
            let told = match () {
                () if is_listed(TOLD_BY_THE_DOCTOR, action) => !run && doctor,
                () => run,
            };
            if !told {
                wrong.push(format!("{}: without {action}: run {run}, doctor {doctor}", way.name));
            }
        }
    }
    assert!(tried.len() > 30, "{tried:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
