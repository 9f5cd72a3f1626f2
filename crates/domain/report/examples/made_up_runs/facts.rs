//! What was known of the made-up hosts, and what their files say.

use std::collections::{BTreeMap, HashMap};

use fleetwright_flow::TargetId;
use fleetwright_host::comparison::{Change, ChangeKind, Weight};
use fleetwright_model::{Exit, PatchStatus, Text, code};
use fleetwright_patch::outcome::{RunOutcome, results, run_outcome};
use fleetwright_patch::plan::{PatchPlan, Work};
use fleetwright_report::evidence::{
    AuditHead, Folding, HostFiles, KeptOutput, PatchRecord, PrecheckFile, RunRecord, TrendPoint, fold,
};
use fleetwright_report::json::CallCount;
use fleetwright_report::record::{Field, HostRecord, SharedTexts};
use jiff::SignedDuration;

use crate::fleet::{HOSTILE, Manner, PLATFORMS};
use crate::tale::{Fate, Tale, fate, scattered};

/// What a run keeps of its hosts beside its journal.
pub(crate) struct Facts {
    inventory: Vec<HostRecord>,
    files: HashMap<TargetId, HostFiles>,
}

/// Makes it up, equal texts shared as whoever reads a run's files shares them.
pub(crate) fn gather(plan: &PatchPlan, manner: Manner) -> Facts {
    let mut texts = SharedTexts::default();
    let hosts = || {
        plan.work.iter().enumerate().filter_map(|(place, work)| {
            let Work::Host(host) = work else { return None };
            Some((TargetId(u32::try_from(place).expect("as the kernel has")), host))
        })
    };
    let inventory = hosts().map(|(target, host)| {
        let planned = HostRecord::planned(host, plan.flow.place_of(target));
        let mut record = known(planned, target.0, manner);
        record.share(&mut texts);
        record
    });
    let inventory = inventory.collect();
    let files = hosts().map(|(target, _)| {
        let mut files = files(target.0, manner);
        files.clear(&mut texts);
        (target, files)
    });
    Facts { inventory, files: files.collect() }
}

/// The record of the made-up run.
pub(crate) fn record<'a>(
    plan: &'a PatchPlan,
    tale: &Tale,
    name: &str,
    manner: Manner,
    facts: Facts,
) -> RunRecord<'a> {
    let outcome = match manner {
        Manner::UnderWay => RunOutcome { exit: Exit::Success, why: Some(&code::RUN_UNDER_WAY) },
        _ => run_outcome(plan, &tale.run, &results(plan, &tale.run, &tale.records)),
    };
    static DIGEST: std::sync::LazyLock<Text> = std::sync::LazyLock::new(|| {
        "9c8889e5e1e123bfff8163f331e699b3d4eb1ddb69430fa9aa1b3fca34b1e407".into()
    });
    fold(Folding {
        run: name,
        digest: &DIGEST,
        plan,
        state: &tale.run,
        records: &tale.records,
        outcome,
        fleetwright: "0.1.0",
        now: tale.records.last().map_or(plan.flow.created_at, |record| record.at),
        calls: calls(plan.work.len() as u64),
        inventory: facts.inventory,
        files: facts.files,
        earlier: earlier(plan),
        audit: Some(AuditHead { records: 18_211, hash: "3b1a55e0".repeat(8).into(), key: None }),
    })
}

fn calls(hosts: u64) -> BTreeMap<String, CallCount> {
    let counts = [
        ("ec2:CreateImage", hosts),
        ("ec2:DescribeImages", hosts / 9),
        ("ssm:SendCommand", hosts / 12),
        ("ssm:ListCommandInvocations", hosts / 3),
    ];
    counts.map(|(action, sent)| (action.to_owned(), CallCount { sent, throttled: sent / 250 })).into()
}

fn earlier(plan: &PatchPlan) -> Vec<TrendPoint> {
    let hosts = u32::try_from(plan.work.len()).unwrap_or(u32::MAX);
    (1..=5_u32)
        .rev()
        .map(|months| TrendPoint {
            run: format!("run-2026{:02}01T020300Z", 11 - months).into(),
            at: plan.flow.created_at - SignedDuration::from_hours(24 * 30 * i64::from(months)),
            hosts,
            succeeded: hosts - hosts / 50 * months,
            judged: hosts,
            compliant: hosts - hosts / 40 * months,
            patches_missing: u64::from(hosts / 10 * months),
        })
        .collect()
}

/// What reading the fleet told, beyond what the plan has.
fn known(mut host: HostRecord, number: u32, manner: Manner) -> HostRecord {
    let dice = scattered(number, 60);
    host.instance_type = ["m6i.large", "c6i.xlarge", "t3.medium", "r6g.2xlarge"][dice as usize % 4].into();
    host.ami_id = format!("ami-{:017x}", dice % 23).into();
    host.private_ip = Some(std::net::Ipv4Addr::from(0x0a00_0000 + number).into());
    host.vpc_id = Some(format!("vpc-{:017x}", number % 60).into());
    host.subnet_id = Some(format!("subnet-{:017x}", number % 180).into());
    host.security_groups = vec!["sg-0aa".into(), format!("sg-{:03x}", number % 40).into()];
    host.ssm_agent_status = "managed".into();
    host.ssm_last_ping =
        Field::Value(host.launch_time.map(|at| at + SignedDuration::from_secs(i64::from(number % 300))));
    host.cpu_cores = Some([2, 4, 8][number as usize % 3]);
    host.memory_gb = if number.is_multiple_of(41) {
        host.memory_gb
    } else {
        Field::Value(Some([4.0, 8.0, 15.25][number as usize % 3]))
    };
    host.storage_gb = Field::Value(Some(16 + dice % 200));
    host.patching_group = Some(["a", "b", "c"][number as usize % 3].into());
    host.os_name = Field::Value(Some(PLATFORMS[number as usize * 7 % 5].into()));
    host.patch_baseline = Field::Value(Some("pb-default".into()));
    host.patches_installed = Field::Value(Some(296 + number % 40));
    host.patches_failed = Field::Value(Some(0));
    host.tags = [
        ("Name", host.name.clone().unwrap_or_default()),
        ("team", format!("t{}", number % 20).into()),
        ("cost-centre", (4_000 + number % 90).to_string().into()),
    ]
    .into_iter()
    .map(|(key, value)| (key.into(), value))
    .collect();
    if manner == Manner::Hostile {
        let text = HOSTILE[(number as usize + 3) % HOSTILE.len()];
        host.tags.insert(text.into(), text.into());
    }
    host
}

fn files(number: u32, manner: Manner) -> HostFiles {
    let fate = fate(number, manner);
    let said = |text: &str| match manner {
        Manner::Hostile => format!("{text} {}", HOSTILE[number as usize % HOSTILE.len()]),
        _ => text.to_owned(),
    };
    if fate == Fate::BackupFails {
        return HostFiles::default();
    }
    let verdict = match fate {
        Fate::NotReady => "not_ready",
        Fate::Unreachable => "unreachable",
        _ => "ready",
    };
    let finding = |check: &str, severity: &str, observed: &str, limit: &str, action: &str| {
        serde_json::from_value(serde_json::json!({
            "check": check, "severity": severity, "observed": said(observed), "limit": limit, "action": action,
        }))
        .expect("a finding")
    };
    let mut checks = Vec::new();
    if fate == Fate::NotReady {
        checks.push(finding(
            "root_disk",
            "fail",
            "96 % of / is full",
            "at most 85 %",
            "Make room on the root disk, then `fleetwright retry`.",
        ));
    }
    if number.is_multiple_of(17) {
        checks.push(finding(
            "load",
            "warn",
            "load 3.9 on 2 processors",
            "at most 80 % of a processor",
            "Look at what keeps it busy.",
        ));
    }
    let patched = !matches!(fate, Fate::NotReady | Fate::Unreachable | Fate::PatchFails);
    let mut changes = Vec::new();
    let mut change = |weight, kind, subject: &str, before: &str, after: &str| {
        let (subject, before, after) = (subject.to_owned(), said(before), after.to_owned());
        changes.push(Change { weight, kind, subject, before, after });
    };
    if matches!(fate, Fate::PutBack | Fate::Stuck) {
        change(Weight::Worse, ChangeKind::Service, "nginx.service", "active", "failed");
    }
    if patched {
        change(
            Weight::Note,
            ChangeKind::Kernel,
            "",
            "6.1.94-99.176.amzn2023.x86_64",
            "6.1.102-108.177.amzn2023.x86_64",
        );
        change(Weight::Note, ChangeKind::Packages, "", "412 packages", "413 packages");
    }
    let open = matches!(fate, Fate::Partial | Fate::PatchFails);
    let patches = (0..if open { 4 + number % 9 } else { 0 }).map(|patch| PatchRecord {
        title: format!("openssl-libs.x86_64:1:3.2.2-{patch}.amzn2023").into(),
        kb: said("openssl-libs.x86_64").into(),
        classification: "Security".into(),
        severity: ["Critical", "Important", "Medium"][patch as usize % 3].into(),
        state: if patch == 0 || fate == Fate::PatchFails {
            PatchStatus::Missing
        } else {
            PatchStatus::Installed
        },
        installed_at: None,
        cves: vec![format!("CVE-2026-{}", 1_000 + patch).into()],
    });
    let output = |taken, file: &str| KeptOutput { taken, file: file.into() };
    let mut outputs = vec![output("pre", "survey.txt"), output("pre", "precheck.json")];
    if patched {
        outputs.extend([
            output("post", "survey.txt"),
            output("post", "comparison.json"),
            output("post", "patches.json"),
        ]);
    }
    HostFiles {
        precheck: Some(PrecheckFile {
            verdict: verdict.into(),
            agent: if fate == Fate::Unreachable { "lost" } else { "online" }.into(),
            agent_version: Some("3.3.859.0".into()),
            reason: None,
            checks,
        }),
        patches: patches.collect(),
        patches_incomplete: None,
        changes,
        outputs,
    }
}
