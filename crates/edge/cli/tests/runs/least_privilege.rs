//! The generated IAM policies: with one, neither the doctor nor a run is refused anything (SAFETY I28).

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fleetwright::commands::policy::document;
use fleetwright::policy_scope::scope;
use fleetwright::settings::Flags;
use fleetwright::simulated::Stage;
use fleetwright::staged_run::StagedRun;
use fleetwright::state::State;
use fleetwright_aws::policy::of_zone;
use fleetwright_estate::calls::Outcome;
use fleetwright_estate::policy::NamedPolicy;
use fleetwright_flow::Signal;
use fleetwright_model::{Phase, code};
use fleetwright_survey::{DoctorRequest, Ports, Stop, examine};
use tracing_subscriber::util::SubscriberInitExt;

use crate::story::{CONSOLE, approving};

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
account = "shop"
region = "eu-central-1"
instance = "web"
watches = "health"
"#;

/// The account of that world.
const ACCOUNT: &str = "111122223333";

/// A way through fleetwright.
struct Way {
    name: &'static str,
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
        settings: &[("safety.rollback_way", "new-instance")],
        phases: &Phase::ALL,
        ends: Ends::AtItsEnd,
    },
    Way { name: "aborted", settings: &[], phases: &Phase::ALL, ends: Ends::Aborted },
    Way { name: "scan", settings: &[], phases: &[Phase::Scan, Phase::Report], ends: Ends::AtItsEnd },
    Way { name: "backup", settings: &[], phases: &[Phase::Scan, Phase::Backup], ends: Ends::AtItsEnd },
    Way { name: "precheck", settings: &[], phases: &[Phase::Scan, Phase::Precheck], ends: Ends::AtItsEnd },
    Way {
        name: "patch alone, without a reboot",
        settings: &[("phases.patch.reboot", "skip")],
        phases: &[Phase::Scan, Phase::Patch],
        ends: Ends::AtItsEnd,
    },
    Way {
        name: "validate alone",
        settings: &[("phases.validate.cpu_rise_points", "20")],
        phases: &[Phase::Scan, Phase::Validate],
        ends: Ends::AtItsEnd,
    },
];

/// What became of a way.
struct Walked {
    /// Calls that were refused.
    refused: Vec<String>,
    /// Everything the run said: gaps, records, findings of the doctor, log.
    said: String,
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

/// Sets the stage with the generated policy in the landing zone's role.
async fn stage(way: &Way) -> Stage {
    let mut flags = Flags::default();
    for (key, value) in FREELY.iter().chain(way.settings) {
        flags.set("a test", key, *value);
    }
    let stage =
        Stage::of_text((WORLD, "least-privilege"), 281, flags, CONSOLE).await.expect("a usable world");
    let statements = of_zone(&scope(&stage.settings, &stage.fleet, way.phases));
    let policy = document(&statements).expect("a role can carry it").to_string();
    let policy = NamedPolicy::parse("generated", &policy).expect("a policy IAM accepts");
    let role = stage.fleet.zones[0].access.role.as_ref().expect("a role").name().to_owned();
    assert!(stage.world.estate.set_role_policies(ACCOUNT, &role, vec![policy]));
    stage
}

async fn walk(way: &Way) -> Walked {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone());
    let _logged = subscriber.finish().set_default();
    let stage = stage(way).await;
    let mut said = doctor(&stage, way.phases).await;
    let estate = Arc::clone(&stage.world.estate);
    let asked = estate.call_count();
    match StagedRun::plan(stage, State::in_memory(), way.phases, CONSOLE).await {
        Err(error) => said.push_str(&error.message),
        Ok(run) => {
            for gap in &run.document.plan().gaps {
                said.push_str(&format!("{} {}\n", gap.code, gap.message));
            }
            drive(&run, way).await;
            let finished = run.finished().await;
            said.push_str(&format!("{:?}", finished.records));
        }
    }
    said.push_str(&log.text());
    let calls = estate.calls(asked, usize::MAX);
    let refused = calls.iter().filter(|call| call.facts.outcome == Outcome::Denied);
    Walked { refused: refused.map(|call| format!("{}:{}", call.service.name(), call.action)).collect(), said }
}

async fn doctor(stage: &Stage, phases: &[Phase]) -> String {
    let ports = Ports { accounts: &stage.aws, machines: &stage.aws, clock: stage.clock.as_ref() };
    let mut fleet = stage.fleet.clone();
    for zone in &mut fleet.zones {
        zone.tags.extend(stage.settings.scan.tags.clone());
    }
    let request = DoctorRequest { fleet, phases: phases.to_vec(), max_concurrent_zones: 1 };
    let checkup = examine(ports, &request, &Stop::never()).await;
    let symptoms = checkup.zones.iter().flat_map(|zone| &zone.symptoms);
    let denied = symptoms.filter(|symptom| symptom.action.is_some() || symptom.code == &code::DENIED);
    denied.map(|it| format!("doctor: {} {} {}\n", it.code.id, it.message, it.remedy)).collect()
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
async fn with_the_generated_policy_nothing_is_refused_and_the_doctor_finds_nothing_missing() {
    let mut wrong = Vec::new();
    for way in WAYS {
        let walked = walk(way).await;
        for refused in walked.refused {
            wrong.push(format!("{}: {refused} was refused", way.name));
        }
        if walked.said.contains("doctor:") {
            let said = walked.said.lines().filter(|line| line.starts_with("doctor:"));
            wrong.push(format!("{}: {}", way.name, said.collect::<Vec<_>>().join("; ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
