//! A run that is made up: a fleet, the planner's plan for it, a walk of the kernel through that plan, and
//! what the files of its hosts say.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use fleetwright_flow::{Direction, Event, FailedStep, Record, Run, Signal, StepIndex, TargetId};
use fleetwright_model::{
    AccountId, AgentFacts, Code, ErrorClass, Gap, GapSubject, Hardware, HealthCheck, Instance, InstanceId,
    InstanceState, LabelKeys, Lifecycle, Observed, OsFamily, PatchFacts, PatchStatus, Phase, PingStatus,
    Region, Regions, Storage, SystemHealth, Tags, Text, Zone, ZoneName, code,
};
use fleetwright_patch::outcome::{results, run_outcome};
use fleetwright_patch::plan::notes::{
    self, BackupNote, GateNote, PatchNote, PrecheckNote, RebootNote, RestoreNote, ValidateNote, VerifyNote,
    step,
};
use fleetwright_patch::plan::roll_out::{Budgets, WaveRequest};
use fleetwright_patch::plan::{
    self, Amount, Hold, Learnt, Limits, PatchPlan, PlanDocument, PlanRequest, RollOut, Windows,
};
use fleetwright_patch::{Host, Inventory, Observations, Rules};
use fleetwright_report::evidence::{
    Folding, HostFiles, KeptOutput, PatchRecord, PrecheckFile, RunRecord, fold,
};
use fleetwright_report::json::CallCount;
use fleetwright_report::record::{HostRecord, SharedTexts};
use jiff::{SignedDuration, Timestamp};

use super::hostile;
use crate::args::Sample;
use crate::bench::waves::fleet::policy;

/// Hosts of one region of an account.
const CELL: usize = 1_000;

/// A run with everything its record is folded from.
pub(super) struct Made {
    sample: Sample,
    run: Run,
    records: Vec<Record>,
    inventory: Vec<Host>,
}

impl Made {
    /// Makes one up, and its plan. The same arguments give the same run.
    pub(super) fn up(sample: Sample, hosts: usize) -> (PlanDocument, Self) {
        let mut fleet = fleet(sample, hosts);
        fleet.sort();
        let made = plan::make(&fleet, &request(sample));
        let document = PlanDocument::new(made.expect("the planner takes this fleet"));
        let Walk { run, records, .. } = Walk::through(sample, document.plan(), document.digest());
        (document, Self { sample, run, records, inventory: fleet.hosts })
    }

    /// Its record, of which the plan is all that is left.
    pub(super) fn into_record(self, document: &PlanDocument) -> RunRecord<'_> {
        let plan = document.plan();
        let results = results(plan, &self.run, &self.records);
        let outcome = run_outcome(plan, &self.run, &results);
        let mut texts = SharedTexts::default();
        let inventory = self.inventory.into_iter().map(|host| {
            let mut record = HostRecord::of(&host);
            record.share(&mut texts);
            record
        });
        let inventory = inventory.collect();
        let mut files = HashMap::new();
        for result in &results {
            let mut of_host = host_files(self.sample, result.target);
            of_host.clear(&mut texts);
            files.insert(result.target, of_host);
        }
        fold(Folding {
            run: "run-20261101T020000Z-5a3b",
            digest: document.digest(),
            plan,
            state: &self.run,
            records: &self.records,
            outcome,
            fleetwright: env!("CARGO_PKG_VERSION"),
            now: now(),
            calls: BTreeMap::from([
                ("ec2:CreateImage".to_owned(), CallCount { sent: 40, throttled: 1 }),
                ("ssm:SendCommand".to_owned(), CallCount { sent: 9, throttled: 0 }),
            ]),
            inventory,
            files,
            earlier: Vec::new(),
            audit: None,
        })
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_793_498_400).expect("a moment of 2026")
}

/// A text of others.
fn said(sample: Sample, number: usize, plain: &str) -> Text {
    if sample == Sample::Hostile { hostile::text(number) } else { plain.into() }
}

/// The same where a step says it in a note, which is short: the kernel takes 2 KiB, escapes included.
fn noted(sample: Sample, number: usize, plain: &str) -> Text {
    said(sample, number, plain).chars().take(200).collect::<String>().into()
}

fn fleet(sample: Sample, size: usize) -> Inventory {
    let gap = Gap {
        zone: ZoneName::new("cell-900").ok(),
        account: None,
        region: None,
        subject: GapSubject::Zone,
        instances: None,
        failure: fleetwright_model::Failure::new(
            ErrorClass::Denied,
            &code::DENIED,
            "sts:AssumeRole",
            &said(sample, 7, "not authorized to perform: sts:AssumeRole"),
        ),
    };
    Inventory {
        started: now(),
        finished: now(),
        hosts: (0..size).map(|number| host(sample, number)).collect(),
        gaps: if size == 0 { Vec::new() } else { vec![gap] },
        cells: Vec::new(),
        skipped: Vec::new(),
    }
}

fn keys() -> LabelKeys {
    LabelKeys {
        application: vec!["Application".into()],
        environment: vec!["Environment".into()],
        ..LabelKeys::default()
    }
}

fn host(sample: Sample, number: usize) -> Host {
    let (application, cell) = (format!("app-{:05}", number / 20), number / CELL);
    let name = said(sample, number, &format!("{application}-{number}"));
    let tags: Tags = [
        ("Application", said(sample, number + 1, &application)),
        ("Environment", ["prod", "preprod", "nonprod"][number % 3].into()),
        ("Name", name.clone()),
        ("Owner", said(sample, number + 2, "platform@example.com")),
        ("CostCentre", "4711".into()),
    ]
    .into_iter()
    .map(|(key, value)| (key.into(), value))
    .collect();
    let region = Region::new(["eu-central-1", "us-east-1"][cell % 2]).expect("a region");
    let windows = number.is_multiple_of(4);
    let instance = Instance {
        id: InstanceId::new(format!("i-{:017x}", number.wrapping_mul(0x9_E375) & 0xF_FFFF)).expect("an id"),
        name: Some(name),
        state: InstanceState::Running,
        os: if windows { OsFamily::Windows } else { OsFamily::Linux },
        platform_details: Some(if windows { "Windows" } else { "Linux/UNIX" }.into()),
        instance_type: "m6i.large".into(),
        image: format!("ami-{:017x}", number % 12).into(),
        launch_time: Some(now()),
        availability_zone: Some(format!("{region}{}", ["a", "b", "c"][number % 3]).into()),
        private_ip: Some(std::net::Ipv4Addr::from(0x0a00_0000 | (number as u32 & 0xff_ffff)).into()),
        public_ip: None,
        vpc: Some(format!("vpc-{cell:08x}").into()),
        subnet: Some(format!("subnet-{:08x}", number % 30).into()),
        security_groups: vec![format!("sg-{:08x}", number % 50).into()],
        cpu_cores: Some(2),
        lifecycle: Lifecycle::OnDemand,
        root_on_ebs: true,
        tags,
    };
    let observed = Observations {
        instance,
        agent: Observed::Known(AgentFacts {
            ping: PingStatus::Online,
            last_ping: Some(now()),
            version: Some("3.3.2746.0".into()),
            platform_name: Some(
                if windows { "Microsoft Windows Server 2022 Datacenter" } else { "Amazon Linux" }.into(),
            ),
            platform_version: Some(if windows { "10.0.20348" } else { "2023" }.into()),
            ip: None,
            computer_name: None,
        }),
        patches: Observed::Known(patch_state()),
        health: Observed::Known(SystemHealth { system: HealthCheck::Ok, instance: HealthCheck::Ok }),
        storage: Observed::Known(Storage { volumes: 2, gib: 80 }),
        hardware: match number % 10 {
            0 => Observed::NotChecked,
            _ => Observed::Known(Hardware {
                vcpus: 2,
                addresses_per_interface: 10,
                memory_mib: 8_192,
                network_performance: "Up to 12.5 Gigabit".into(),
            }),
        },
    };
    let rules = Rules { start_stopped: true, min_agent_version: None, max_patch_state_age: None };
    Host::new(&zone(cell, &region), &region, observed, &keys(), &rules, now())
}

fn zone(cell: usize, region: &Region) -> Zone {
    Zone {
        name: ZoneName::new(format!("cell-{cell}")).expect("a name"),
        account: AccountId::new(format!("{:012}", 100_000_000_000_u64 + cell as u64)).expect("an account"),
        regions: Regions::Listed(vec![region.clone()]),
        access: Default::default(),
        environment: None,
        description: None,
        enabled: true,
        tags: BTreeMap::new(),
        include: Vec::new(),
        exclude: Vec::new(),
    }
}

fn patch_state() -> PatchFacts {
    PatchFacts {
        baseline: "pb-0123456789abcdef0".into(),
        baseline_name: Some("AWS-AmazonLinux2023DefaultPatchBaseline".into()),
        patch_group: None,
        operation: "Scan".into(),
        operation_end: Some(now()),
        installed: 400,
        installed_other: 0,
        installed_pending_reboot: 0,
        installed_rejected: 0,
        missing: 3,
        failed: 0,
        critical_non_compliant: 1,
        security_non_compliant: 3,
        other_non_compliant: 0,
    }
}

fn request(sample: Sample) -> PlanRequest {
    let wave = |name: &str, size: Option<Amount>| WaveRequest {
        name: Some(name.into()),
        size,
        ..WaveRequest::default()
    };
    PlanRequest {
        program: "fleetwright sample".into(),
        phases: vec![Phase::Backup, Phase::Precheck, Phase::Patch, Phase::Validate],
        policy: policy(),
        limits: Limits {
            images_at_once: 100_000,
            image_attempts: 3,
            image_seconds: 7_200,
            starts_at_once: 100_000,
            start_attempts: 3,
            reboots_at_once: 100_000,
            out_of_service: Amount::Percent(100),
            hold: Hold::Reboot,
            failure_percent: if sample == Sample::Failed { 10.0 } else { 100.0 },
            max_failures: None,
            continue_on_error: sample != Sample::Failed,
            approval: true,
            phase_seconds: BTreeMap::new(),
        },
        seed: 1,
        now: now(),
        parent: None,
        earlier: BTreeMap::new(),
        keys: keys(),
        include_compliant: true,
        zones: Vec::new(),
        roll_out: RollOut {
            waves: vec![wave("first", Some(Amount::Percent(10))), wave("the rest", None)],
            canary: 1,
            // An application that is taken out as a whole would be refused.
            budgets: Budgets { application: Some(Amount::Percent(99)), ..Budgets::default() },
            ..RollOut::default()
        },
        windows: Windows::default(),
        learnt: Learnt::default(),
    }
}

/// The kernel's walk through a plan; whatever begins ends a minute later.
struct Walk<'a> {
    sample: Sample,
    plan: &'a PatchPlan,
    run: Run,
    records: Vec<Record>,
    now: Timestamp,
}

impl<'a> Walk<'a> {
    fn through(sample: Sample, plan: &'a PatchPlan, digest: &Text) -> Self {
        let (run, now) = (Run::open(Arc::new(plan.flow.clone())), plan.flow.created_at);
        let mut walk = Self { sample, plan, run, records: Vec::new(), now };
        walk.tell(Event::Opened { format: Record::FORMAT, plan: digest.clone() });
        walk.tell(Event::Owner {
            name: said(sample, 3, "fleetwright 0.1.0, process 1, since 02:00").clone(),
        });
        while walk.run.ending().is_none() {
            let commands = walk.run.next(walk.now);
            let stands = commands.is_empty();
            commands.into_iter().for_each(|command| walk.tell(command.event()));
            let flights: Vec<_> = walk.run.in_flight().collect();
            for flight in flights {
                walk.end(flight.target, flight.step, flight.direction);
            }
            if stands {
                walk.approve();
            }
            walk.now = walk.now.checked_add(SignedDuration::from_secs(60)).expect("a run of days");
        }
        walk
    }

    fn tell(&mut self, event: Event) {
        let mut record = self.run.record(self.now, event);
        if matches!(record.event, Event::Owner { .. }) {
            record.epoch.0 += 1;
        }
        self.run.apply(&record).expect("the kernel takes what it proposed");
        self.records.push(record);
    }

    fn approve(&mut self) {
        let Some(stage) = self.run.gate_waiting() else { return };
        self.tell(Event::Signalled {
            signal: Signal::Approve(stage),
            by: said(self.sample, 8, "ann").clone(),
            basis: self.run.basis(stage),
            reason: Some(said(self.sample, 9, "CHG0030001 was approved")),
            mail: None,
        });
    }

    fn end(&mut self, target: TargetId, step: StepIndex, direction: Direction) {
        let recipe = self.plan.flow.recipe_of(target);
        let steps = if direction.is_do() { &recipe.steps } else { &recipe.undo };
        let name = steps[step.index()].name.clone();
        let handle = format!("handle-{:08x}-{}", target.0, step.0).into();
        self.tell(Event::Accepted { target, step, direction, handle });
        let event = match self.fails(target, &name) {
            Some((code, class, message)) => {
                let failure = FailedStep { class, code: code.id.into(), message, retry_at: None };
                Event::Failed { target, step, direction, failure }
            }
            None => {
                let finding =
                    (&*name == step::VERIFY && target.0 % 50 == 7).then(|| code::PATCHES_MISSING.id.into());
                Event::Succeeded { target, step, direction, note: self.note(target, &name), finding }
            }
        };
        self.tell(event);
    }

    /// Why a step fails, where it does.
    fn fails(&self, target: TargetId, name: &str) -> Option<(&'static Code, ErrorClass, Text)> {
        let number = target.0 as usize;
        let words = |plain: &str| said(self.sample, number, plain);
        self.plan.work[target.index()].host()?;
        match name {
            step::PATCH if self.sample == Sample::Failed => Some((
                &code::PATCH_FAILED,
                ErrorClass::Permanent,
                words("exit code 1: no space left on device"),
            )),
            step::PATCH if number % 97 == 11 => Some((
                &code::PATCH_FAILED,
                ErrorClass::Permanent,
                words("exit code 1: no space left on device"),
            )),
            step::PRECHECK if number % 83 == 12 => Some((
                &code::HOST_UNREACHABLE,
                ErrorClass::Permanent,
                words("the agent has stopped answering"),
            )),
            step::REBOOT if number % 409 == 13 => {
                Some((&code::NOT_BACK, ErrorClass::Permanent, words("not back after 20 minutes")))
            }
            _ => None,
        }
    }

    fn note(&self, target: TargetId, name: &str) -> Option<Text> {
        let number = target.0 as usize;
        let missing = u32::from(target.0 % 50 == 7) * 2;
        Some(match name {
            step::BACKUP => {
                notes::write(&BackupNote { image: format!("ami-{number:017x}").into(), snapshots: 2 })
            }
            step::PRECHECK => notes::write(&PrecheckNote {
                boot: Some(format!("boot-{number}").into()),
                reboot_pending: fleetwright_host::Tri::No,
                warnings: if number % 30 == 4 {
                    vec![noted(self.sample, number, "load")]
                } else {
                    Vec::new()
                },
            }),
            step::PATCH => {
                notes::write(&PatchNote { command: format!("command-{number}").into(), report_lost: false })
            }
            step::REBOOT => notes::write(&RebootNote {
                before: format!("boot-{number}").into(),
                after: format!("boot-{number}-2").into(),
                evidence: noted(self.sample, number, "needs-restarting"),
            }),
            step::VERIFY => notes::write(&VerifyNote {
                installed: 403 - missing,
                missing,
                failed: 0,
                pending_reboot: 0,
                rejected: 0,
                critical: 0,
                drift: None,
            }),
            step::VALIDATE | step::VALIDATE_RESTORED => notes::write(&ValidateNote {
                checks: 12,
                worse: if number % 70 == 5 {
                    vec![noted(self.sample, number, "service nginx")]
                } else {
                    Vec::new()
                },
                not_compared: Vec::new(),
                facts: Vec::new(),
                boot: None,
            }),
            step::RESTORE => notes::write(&RestoreNote {
                image: format!("ami-{number:017x}").into(),
                replacement: None,
                seconds: 412,
            }),
            step::GATE_CHECKS => {
                notes::write(&GateNote { hosts: 4, not_judged: 0, alarms: 1, target_groups: 0 })
            }
            _ => return None,
        })
    }
}

fn host_files(sample: Sample, target: TargetId) -> HostFiles {
    let number = target.0 as usize;
    let kept = |taken: &'static str, file: &str| KeptOutput { taken, file: file.into() };
    let names = ["answer.txt", "meta.json", "stdout.txt", "survey.json"];
    let mut outputs: Vec<KeptOutput> = names.iter().map(|name| kept("pre", name)).collect();
    outputs.extend(names.iter().map(|name| kept("post", name)));
    let patch = |index: usize| PatchRecord {
        title: said(sample, number + index, &format!("openssl.x86_64:1:3.0.{index}")),
        kb: format!("openssl{}.x86_64", index % 9).into(),
        classification: "Security".into(),
        severity: ["Critical", "Important", "Medium"][index % 3].into(),
        state: if index.is_multiple_of(4) { PatchStatus::Missing } else { PatchStatus::Installed },
        installed_at: (!index.is_multiple_of(4)).then(now),
        cves: vec![format!("CVE-2026-{:05}", 1_000 + index % 40).into()],
    };
    let is_told = number % 50 == 7;
    HostFiles {
        precheck: Some(PrecheckFile {
            verdict: "ready".into(),
            agent: "online".into(),
            agent_version: Some("3.3.2746.0".into()),
            reason: None,
            checks: Vec::new(),
        }),
        patches: if is_told { (0..24).map(patch).collect() } else { Vec::new() },
        patches_incomplete: None,
        changes: vec![fleetwright_host::Change {
            weight: fleetwright_host::comparison::Weight::Note,
            kind: fleetwright_host::ChangeKind::Kernel,
            subject: String::new(),
            before: said(sample, number + 3, "6.1.100-1").to_string(),
            after: said(sample, number + 4, "6.1.102-1").to_string(),
        }],
        outputs,
    }
}
