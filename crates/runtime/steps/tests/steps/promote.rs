//! The exact patches of the first wave are what the later ones install.

use fleetwright_flow as flow;
use fleetwright_model::{PatchDetail, PatchStatus, Text};
use fleetwright_patch::plan::notes::{self, DriftNote, PromoteNote, PromotedList, VerifyNote, step};
use fleetwright_ports::Artifacts;
use fleetwright_step::Outcome;
use fleetwright_steps::Standing;
use fleetwright_testkit::{Fault, sample};
use jiff::SignedDuration;

use crate::gate::{WELL, compared, ended, ended_as, gate_slot, gated};
use crate::stage::{RUN, Stage, code, host, note};

const PUT: &str = "s3:PutObject";
const BUCKET: &str = "lists";

fn patch(kb: &str, title: &str, state: PatchStatus) -> PatchDetail {
    PatchDetail {
        title: title.into(),
        kb: kb.into(),
        classification: "Security".into(),
        severity: "Critical".into(),
        state,
        installed_at: None,
        cves: Vec::new(),
    }
}

/// Two hosts in the first wave, which promotes; what is installed on them.
fn promoting(first: Vec<PatchDetail>, second: Vec<PatchDetail>) -> Stage {
    let stage = gated(2, |gate, _| gate.patch_list_bucket = Some(BUCKET.into()));
    stage.hosts.add_bucket(BUCKET);
    stage.hosts.edit(|fleet| {
        let cell = fleet.cells.values_mut().next().expect("one cell");
        cell.patch_details.insert(sample::id(1), first);
        cell.patch_details.insert(sample::id(2), second);
    });
    for number in 1..=2 {
        ended(&stage, number, Some(WELL), Some(compared()));
    }
    stage
}

fn key(platform: &str) -> String {
    format!("fleetwright/{RUN}/111122223333/eu-central-1/{platform}.yaml")
}

fn list(stage: &Stage, platform: &str) -> Option<String> {
    stage.hosts.object(BUCKET, &key(platform)).map(|bytes| String::from_utf8(bytes).expect("text"))
}

async fn promoted(stage: &Stage) -> Outcome {
    stage.drive_one("promote", gate_slot(stage)).await
}

#[tokio::test(start_paused = true)]
async fn what_is_installed_on_the_wave_is_left_once_for_each_platform() {
    use PatchStatus::{Installed, InstalledOther, InstalledPendingReboot, Missing};
    let first = vec![
        patch("openssl.x86_64", "openssl.x86_64:1:3.0.8-1.amzn2023", Installed),
        patch("bash.x86_64", "bash.x86_64:0:5.2-1", InstalledOther),
    ];
    let second = vec![
        patch("openssl.x86_64", "openssl.x86_64:1:3.0.8-1.amzn2023", Installed),
        patch("kernel.x86_64", "kernel.x86_64:0:6.1.9-1", InstalledPendingReboot),
        patch("it's.x86_64", "it's.x86_64:0:1", Missing),
    ];
    let stage = promoting(first, second);
    let note: PromoteNote = note(&promoted(&stage).await);
    assert_eq!(note.lists, [PromotedList { platform: "amazon-linux".into(), patches: 2 }]);
    let expected = "patches:\n  - id: 'kernel.x86_64'\n    title: '0:6.1.9-1'\n  - id: 'openssl.x86_64'\n    title: '1:3.0.8-1.amzn2023'\n";
    assert_eq!(list(&stage, "amazon-linux").as_deref(), Some(expected));
    assert_eq!(note.list("amazon-linux"), Some(format!("s3://{BUCKET}/{}", key("amazon-linux"))));
    assert_eq!(note.list("windows"), None);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_failed_or_has_nothing_installed_leaves_no_list() {
    let stage = promoting(vec![patch("a.x86_64", "a.x86_64:0:1", PatchStatus::Installed)], Vec::new());
    let end = flow::End::Failed { step: flow::StepIndex(0), code: "FW-H0010".into() };
    ended_as(&stage, 1, Standing { end, notes: Vec::new() });
    let note: PromoteNote = note(&promoted(&stage).await);
    assert_eq!((note.lists, stage.effects(PUT)), (Vec::new(), 0), "an empty list would install nothing");
}

#[tokio::test(start_paused = true)]
async fn texts_of_hosts_cannot_break_out_of_the_list() {
    let odd = patch("x'\n  - id: 'evil", "x", PatchStatus::Installed);
    let stage = promoting(vec![odd], Vec::new());
    promoted(&stage).await;
    let list = list(&stage, "amazon-linux").expect("a list");
    assert_eq!(list, "patches:\n  - id: 'x''   - id: ''evil'\n    title: 'x'\n");
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_is_not_there_stops_the_next_wave() {
    let stage = promoting(vec![patch("a.x86_64", "a.x86_64:0:1", PatchStatus::Installed)], Vec::new());
    stage.hosts.fail_next(PUT, Fault::Refused(sample::denied(PUT)));
    assert_eq!(promoted(&stage).await, Outcome::Failed(sample::denied(PUT)));
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_is_made_good_by_doing_it_again() {
    let stage = promoting(vec![patch("a.x86_64", "a.x86_64:0:1", PatchStatus::Installed)], Vec::new());
    stage.hosts.fail_next(PUT, Fault::LostReply);
    assert_eq!(code(&promoted(&stage).await), "FW-A0020");
    assert!(matches!(promoted(&stage).await, Outcome::Done { .. }));
}

#[tokio::test(start_paused = true)]
async fn later_waves_install_from_the_list_and_other_platforms_from_the_baseline() {
    let stage = Stage::with(3, |_, plan| {
        host(plan, 3).platform = "ubuntu".into();
        // The gate stands before the hosts.
        let gate = gated(0, |gate, _| gate.patch_list_bucket = Some(BUCKET.into())).plan;
        plan.work.insert(0, gate.work[0].clone());
        plan.work.pop();
        plan.flow.targets[0] = gate.flow.targets[0].clone();
    });
    let note = PromoteNote {
        bucket: BUCKET.into(),
        prefix: "fleetwright/run".into(),
        lists: vec![PromotedList { platform: "amazon-linux".into(), patches: 3 }],
    };
    let notes = vec![(Text::from(step::PROMOTE), notes::write(&note))];
    ended_as(&stage, 1, Standing { end: flow::End::Done { finding: None }, notes });
    let lists = installed_from(&stage, 2).await;
    assert_eq!(lists, [vec![format!("s3://{BUCKET}/fleetwright/run/amazon-linux.yaml")]]);
}

/// The lists that commands to the target named.
async fn installed_from(stage: &Stage, number: u64) -> Vec<Vec<String>> {
    stage.turn("patch", &[stage.prepared(number)]).await;
    let requests = stage.models.requests.lock().expect("no test panicked");
    let lists = requests.iter().flat_map(|request| &request.parameters);
    lists.filter(|(name, _)| &**name == "InstallOverrideList").map(|(_, list)| list.clone()).collect()
}

/// One host of a later wave, whose run keeps this list.
async fn listed(list: &str, details: Vec<PatchDetail>, missing: u32) -> Stage {
    let mut stage = Stage::with(2, |cell, plan| {
        let gate = gated(0, |gate, _| gate.patch_list_bucket = Some(BUCKET.into())).plan;
        plan.work.insert(0, gate.work[0].clone());
        plan.work.pop();
        plan.flow.targets[0] = gate.flow.targets[0].clone();
        let state = cell.patches.get_mut(&sample::id(1)).expect("a state");
        state.operation_end = Some(sample::now() + SignedDuration::from_mins(1));
        state.missing = missing;
        cell.patch_details.insert(sample::id(1), details);
    });
    let lists = vec![PromotedList { platform: "amazon-linux".into(), patches: 1 }];
    let note = PromoteNote { bucket: BUCKET.into(), prefix: "fleetwright/run".into(), lists };
    let notes = vec![(Text::from(step::PROMOTE), notes::write(&note))];
    ended_as(&stage, 1, Standing { end: flow::End::Done { finding: None }, notes });
    let key = "patch-lists/account-111122223333/region-eu-central-1/amazon-linux.json";
    stage.files.put(&RUN.parse().expect("a name"), key, list.as_bytes()).await.expect("kept");
    stage.restart();
    stage
}

const OPENSSL: &str = r#"{"patches": [{"id": "openssl.x86_64", "title": "1:3.0.8"}]}"#;

fn at(hours: i64, detail: PatchDetail) -> PatchDetail {
    PatchDetail { installed_at: Some(sample::now() + SignedDuration::from_hours(hours)), ..detail }
}

#[tokio::test(start_paused = true)]
async fn a_host_with_exactly_the_list_lacks_nothing_though_newer_patches_are_out() {
    use PatchStatus::{Installed, Missing};
    let details = vec![
        at(1, patch("openssl.x86_64", "openssl.x86_64:1:3.0.8", Installed)),
        at(-48, patch("bash.x86_64", "bash.x86_64:0:5", Installed)),
        patch("curl.x86_64", "curl.x86_64:0:8", Missing),
    ];
    let stage = listed(OPENSSL, details, 1).await;
    let done = stage.drive_one("verify", stage.slot(2)).await;
    assert!(matches!(done, Outcome::Done { finding: None, .. }), "{done:?}");
    let found: VerifyNote = note(&done);
    assert_eq!((found.missing, found.missed()), (1, 0));
    assert_eq!(found.drift, Some(DriftNote { held_back: 1, ..DriftNote::default() }));
}

#[tokio::test(start_paused = true)]
async fn what_a_host_lacks_of_the_list_and_has_beyond_it_is_a_finding() {
    use PatchStatus::{Installed, Missing};
    let lacks = vec![patch("openssl.x86_64", "openssl.x86_64:1:3.0.8", Missing)];
    let stage = listed(OPENSSL, lacks, 1).await;
    let done = stage.drive_one("verify", stage.slot(2)).await;
    assert_eq!(code(&done), "FW-H0034");
    assert_eq!(
        note::<VerifyNote>(&done).drift.expect("compared").named,
        ["lacks openssl.x86_64:1:3.0.8".into()]
    );

    // Another version of a package of the list is another patch.
    let beyond = vec![at(1, patch("openssl.x86_64", "openssl.x86_64:1:3.0.9", Installed))];
    let stage = listed(OPENSSL, beyond, 0).await;
    let done = stage.drive_one("verify", stage.slot(2)).await;
    assert_eq!(code(&done), "FW-H0034");
    let drift = note::<VerifyNote>(&done).drift.expect("compared");
    assert_eq!((drift.lacking, drift.beyond), (0, 1));
    assert!(stage.file("post", 1, "patches.json").await.is_some(), "which ones can be read");
}

#[tokio::test(start_paused = true)]
async fn a_host_whose_list_the_run_has_lost_is_not_taken_for_equal() {
    let stage = listed("{", Vec::new(), 0).await;
    assert_eq!(code(&stage.drive_one("verify", stage.slot(2)).await), "FW-R0010");
}

#[tokio::test(start_paused = true)]
async fn the_document_with_hooks_is_given_no_list_and_compared_with_none() {
    let mut stage =
        listed(OPENSSL, vec![patch("openssl.x86_64", "openssl.x86_64:1:3.0.8", PatchStatus::Missing)], 0)
            .await;
    let plan = std::sync::Arc::make_mut(&mut stage.plan);
    plan.policy.patch.document = "AWS-RunPatchBaselineWithHooks".into();
    stage.restart();
    assert_eq!(installed_from(&stage, 2).await, Vec::<Vec<String>>::new());
    let done = stage.drive_one("verify", stage.slot(2)).await;
    assert_eq!(note::<VerifyNote>(&done).drift, None);
}
