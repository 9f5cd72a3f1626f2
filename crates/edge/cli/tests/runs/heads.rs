//! Signed heads of a run's audit log, kept elsewhere.

use fleetwright::heads::Heads;
use fleetwright::staged_run::StagedRun;
use fleetwright_audit::{SignedHead, verify};
use fleetwright_config::settings::AuditSettings;
use fleetwright_model::Region;

use crate::story::{approving, planned};

#[tokio::test(start_paused = true)]
async fn heads_that_were_kept_in_a_locked_bucket_and_a_file_tell_of_a_log_that_was_cut() {
    let staged = planned("run-service-breaks", &[("safety.max_failure_percentage", "100")]).await;
    let control = approving();
    staged.drive(&control).await.expect("driven");
    let estate = &staged.stage.world.estate;
    estate.create_locked_bucket("111122223333", "us-east-1", "acme-audit-heads");
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("heads.jsonl");
    let settings = AuditSettings {
        heads_file: Some(file.display().to_string()),
        heads_bucket: Some("acme-audit-heads".to_owned()),
        heads_zone: Some(staged.zones[0].name.as_str().to_owned()),
    };
    let region = Region::new("eu-central-1").expect("a region");
    let heads = Heads::of(&settings, &staged.zones, &region).expect("there is such a zone");
    let (on_record, now) = (staged.on_record(&control), staged.stage.clock.now());
    let signed = match on_record.log.sign(now).await.expect("signed") {
        Some(head) => head,
        None => last_head(&staged).await.expect("a head"),
    };
    for _ in 0..2 {
        let failed = heads.keep(&staged.stage.aws, &on_record, &signed).await;
        assert_eq!(failed, [""; 0]);
    }
    let key = format!("audit/{}/head-{:010}.jsonl", staged.run, signed.head.sequence);
    let in_bucket = estate.with_world(|world| {
        let bucket = world.buckets.get("acme-audit-heads").expect("made above");
        bucket.get(&key).map(|object| object.content.to_vec())
    });
    assert_eq!(in_bucket.as_deref(), Some(signed.to_line().as_slice()), "{key}");
    assert_eq!(
        fleetwright::files::read_bytes(&file).expect("there"),
        signed.to_line(),
        "once, though it was kept twice"
    );

    // That they were put there is on record, after the head.
    let trail = staged.state.audit.trail(&staged.run).await.expect("a log");
    let key = staged.state.audit.public_key().await.expect("readable");
    let whole = verify(&trail.log, std::slice::from_ref(&signed), key.as_ref());
    assert!(whole.is_sound() && whole.records > whole.proven_to, "{:?}", whole.findings);
    let lines: Vec<&[u8]> = trail.log.split_inclusive(|byte| *byte == b'\n').collect();
    let cut = lines[..usize::try_from(signed.head.sequence).expect("small") - 1].concat();
    let verdict = verify(&cut, std::slice::from_ref(&signed), key.as_ref());
    assert!(!verdict.is_sound(), "the head knows of a record that is gone");

    let nobody = AuditSettings { heads_zone: Some("nobody".to_owned()), ..settings };
    let error = Heads::of(&nobody, &staged.zones, &region).expect_err("no such zone");
    assert!(error.to_string().contains("nobody"), "{error}");
}

async fn last_head(staged: &StagedRun) -> Option<SignedHead> {
    let trail = staged.state.audit.trail(&staged.run).await.expect("a log");
    SignedHead::read_lines(&trail.heads).0.pop()
}
