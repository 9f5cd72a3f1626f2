//! Runs that are kept in a DynamoDB table.

use std::sync::Arc;
use std::time::Duration;

use fleetwright_audit::SigningKey;
use fleetwright_aws::{Bucket, DynamoJournal, JournalTable};
use fleetwright_flow::{Epoch, Event, Record, Sequence, StepIndex, TargetId};
use fleetwright_ports::conformance::{artifacts, audit, budgets, journal};
use fleetwright_ports::{Artifacts, HandOver, Journal, JournalError, RunId};
use jiff::Timestamp;

use crate::estate::{Stage, stage};

const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-central-1";
const LEASE: Duration = Duration::from_secs(330);

async fn prepared(faults: &str) -> Stage {
    let world = "[[accounts]]\nname = \"hub\"\nid = \"111122223333\"\nregions = [\"eu-central-1\"]\ninstances_per_region = 1\n";
    let stage = stage(&format!("name = \"t\"\nseed = 31\n{world}{faults}")).await;
    assert!(stage.estate.create_table(ACCOUNT, REGION, "runs", ["run", "item"]));
    stage
}

/// As another process has it.
fn open(stage: &Stage) -> DynamoJournal {
    let cell = stage.cells().remove(0);
    let (lease, keep) = (LEASE, Duration::from_secs(400 * 86_400));
    let at = JournalTable {
        zone: cell.zone.clone(),
        region: cell.region.clone(),
        table: "runs".into(),
        lease,
        keep,
    };
    DynamoJournal::new(stage.aws.clone(), Arc::clone(&stage.clock), at)
}

/// A bucket, as another process has it.
fn open_bucket(stage: &Stage) -> Bucket {
    let cell = stage.cells().remove(0);
    Bucket::new(stage.aws.clone(), cell.zone.clone(), cell.region.clone(), "artefacts".into())
}

fn key() -> Option<SigningKey> {
    Some(SigningKey::new([7; 32]))
}

fn name() -> RunId {
    "run-1".parse().expect("a name")
}

fn records(epoch: Epoch, first: u64, count: u64, note: &str) -> Vec<Record> {
    let record = |seq: u64| {
        let (target, step) = (TargetId(seq as u32), StepIndex(0));
        let note = Some(format!("{note}{seq}").into());
        let event = Event::Succeeded { target, step, direction: Default::default(), note, finding: None };
        Record { seq: Sequence(seq), epoch, at: Timestamp::UNIX_EPOCH, event }
    };
    (first..first + count).map(record).collect()
}

#[tokio::test(start_paused = true)]
async fn a_journal_in_a_table_holds_the_contract() {
    let stage = prepared("").await;
    let clock = Arc::clone(&stage.clock);
    let gone = move || {
        let clock = Arc::clone(&clock);
        Box::pin(async move { clock.sleep(LEASE + Duration::from_secs(1)).await }) as _
    };
    journal::check(&|| Box::new(open(&stage)), &gone).await;
    let stage = prepared("").await;
    journal::check_hand_over(&|| Box::new(open(&stage)), &gone).await;
}

/// What was done is done once, and whoever asked learns that it is done.
#[tokio::test(start_paused = true)]
async fn answers_that_are_lost_change_nothing() {
    let lost = |action: &str| {
        format!("[[faults]]\nkind = \"lost_reply\"\naction = \"{action}\"\nnth = {{ every = 2 }}\n")
    };
    let stage = prepared(&(lost("PutItem") + &lost("UpdateItem"))).await;
    let (journal, run) = (open(&stage), name());
    journal.create(&run, b"{}", stage.clock.now()).await.expect("made once");
    let again = open(&stage).create(&run, b"{ }", stage.clock.now()).await;
    assert_eq!(again, Err(JournalError::RunExists { run: "run-1".into() }));
    let mut last = 0;
    for visit in 1..6 {
        let claim = journal.claim(&run, &format!("visit {visit}")).await.expect("put down before");
        assert_eq!(claim.epoch(), Epoch(1), "nobody was broken off");
        for _ in 0..3 {
            let batch = records(Epoch(1), last + 1, 2, "a");
            journal.append(&run, Epoch(1), Sequence(last), &batch).await.expect("appended once");
            last += 2;
        }
        journal
            .put_down(&run, Epoch(1), Sequence(last), &HandOver { mail: visit })
            .await
            .expect("put down once");
    }
    for letter in 1..6 {
        let posted =
            journal.post(&run, stage.clock.now(), fleetwright_flow::Signal::Pause, "ann", None).await;
        assert_eq!(posted, Ok(letter));
    }
    let loaded = open(&stage).load(&run).await.expect("it is there");
    assert_eq!((loaded.records.len(), loaded.damage), (30, None));
    assert_eq!(open(&stage).mail(&run, 3).await.expect("letters").len(), 2);
}

/// The late one's records lie in the table, and are nobody's.
#[tokio::test(start_paused = true)]
async fn what_a_late_owner_put_is_never_read() {
    let stage = prepared("").await;
    let (late, quick, run) = (open(&stage), open(&stage), name());
    late.create(&run, b"{}", stage.clock.now()).await.expect("made");
    let old = late.claim(&run, "late").await.expect("nobody drives it").epoch();
    stage.clock.sleep(LEASE).await;
    let new = quick.claim(&run, "quick").await.expect("its lease is over").epoch();
    let fenced = late.append(&run, old, Sequence(0), &records(old, 1, 5, "late")).await;
    assert_eq!(fenced, Err(JournalError::Fenced { ours: old.0, newer: new.0 }));
    quick.append(&run, new, Sequence(0), &records(new, 1, 2, "quick")).await.expect("its own");
    let read = open(&stage).load(&run).await.expect("it is there");
    assert_eq!((read.records, read.damage), (records(new, 1, 2, "quick"), None));
}

#[tokio::test(start_paused = true)]
async fn large_plans_and_large_appends_are_kept_in_pieces() {
    let stage = prepared("").await;
    let (journal, run) = (open(&stage), name());
    // Hardly compressed: a generator's digits.
    let mut state = 1_u64;
    let mut noise = |length: usize| -> String {
        let digit = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'0' + (state >> 60) as u8)
        };
        (0..length).map(digit).collect()
    };
    let plan = noise(2_000_000);
    journal.create(&run, plan.as_bytes(), stage.clock.now()).await.expect("made");
    let epoch = journal.claim(&run, "one").await.expect("nobody drives it").epoch();
    let mut batch = records(epoch, 1, 3_000, "");
    for record in &mut batch {
        if let Event::Succeeded { note, .. } = &mut record.event {
            *note = Some(noise(1_500).into());
        }
    }
    journal.append(&run, epoch, Sequence(0), &batch).await.expect("appended");
    let loaded = open(&stage).load(&run).await.expect("it is there");
    assert!(loaded.plan == plan.as_bytes() && loaded.records == batch, "as it was");
    let rest = open(&stage).since(&run, Sequence(2_990)).await.expect("it is there");
    assert!(rest == batch[2_990..], "from the middle of a piece on");
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_prolonged_by_every_append_and_ends_by_itself() {
    let stage = prepared("").await;
    let (journal, run) = (open(&stage), name());
    journal.create(&run, b"{}", stage.clock.now()).await.expect("made");
    let epoch = journal.claim(&run, "one").await.expect("nobody drives it").epoch();
    stage.clock.sleep(LEASE - Duration::from_secs(10)).await;
    journal.append(&run, epoch, Sequence(0), &records(epoch, 1, 1, "")).await.expect("its own");
    stage.clock.sleep(LEASE - Duration::from_secs(10)).await;
    let owned = open(&stage).claim(&run, "two").await.err();
    assert_eq!(owned, Some(JournalError::Owned { owner: "one".into() }));
    stage.clock.sleep(Duration::from_secs(20)).await;
    assert_eq!(open(&stage).claim(&run, "two").await.expect("it is over").epoch(), Epoch(epoch.0 + 1));
}

#[tokio::test(start_paused = true)]
async fn budgets_in_a_table_hold_the_contract_whatever_answers_are_lost() {
    let stage = prepared("").await;
    budgets::check(&|| Box::new(open(&stage).budgets())).await;
    let lost = "[[faults]]\nkind = \"lost_reply\"\naction = \"UpdateItem\"\nnth = { every = 2 }\n";
    let stage = prepared(lost).await;
    budgets::check(&|| Box::new(open(&stage).budgets())).await;
}

#[tokio::test(start_paused = true)]
async fn audit_logs_in_a_table_hold_the_contract_whatever_answers_are_lost() {
    let lost = "[[faults]]\nkind = \"lost_reply\"\naction = \"PutItem\"\nnth = { every = 2 }\n";
    for faults in ["", lost] {
        let stage = prepared(faults).await;
        let (one, two): (RunId, RunId) = (name(), "run-2".parse().expect("a name"));
        for run in [&one, &two] {
            open(&stage).create(run, b"{}", stage.clock.now()).await.expect("made");
        }
        audit::check(&|| Box::new(open(&stage).audit_logs(key())), &one, &two).await;
    }
}

/// Of two functions that believe the run to be theirs, the late one may not send what it cannot record.
#[tokio::test(start_paused = true)]
async fn an_audit_log_in_a_table_has_one_writer() {
    let stage = prepared("").await;
    open(&stage).create(&name(), b"{}", stage.clock.now()).await.expect("made");
    let logs = |process| audit::log(&open(&stage).audit_logs(key()), &name(), process);
    let (late, quick) = (logs("late"), logs("quick"));
    late.before(audit::moment(), audit::intent("ec2:CreateImage")).await.expect("recorded");
    quick.before(audit::moment(), audit::intent("ec2:StopInstances")).await.expect("recorded");
    let refused = late.before(audit::moment(), audit::intent("ec2:CreateImage")).await;
    assert!(matches!(refused, Err(JournalError::Owned { .. })), "{refused:?}");
    assert_eq!(late.sign(audit::moment()).await, refused.map(|_| None), "it takes nothing more");
    let anybody = open(&stage).audit_logs(None);
    let verdict = audit::judged(&anybody, &name()).await;
    assert_eq!((verdict.is_sound(), verdict.calls.made, verdict.proven_to), (true, 2, 0), "nobody signed");
    quick.sign(audit::moment()).await.expect("signed");
    assert_eq!(audit::judged(&anybody, &name()).await.proven_to, 5, "whoever reads knows the key");
    let unsigned = audit::log(&anybody, &name(), "a command");
    unsigned.before(audit::moment(), audit::intent("ec2:StopInstances")).await.expect("recorded");
    let refused = unsigned.sign(audit::moment()).await;
    assert!(
        matches!(&refused, Err(JournalError::Refused { cause, .. }) if cause.contains("no key")),
        "{refused:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn artefacts_in_a_bucket_hold_the_contract() {
    let stage = prepared("").await;
    stage.estate.create_bucket(ACCOUNT, REGION, "artefacts");
    let (one, two): (RunId, RunId) = (name(), "run-2".parse().expect("a name"));
    artifacts::check(&|| Box::new(open_bucket(&stage)), &one, &two).await;
    // More than one page of 1,000.
    let bucket = open_bucket(&stage);
    for number in 0..1_100 {
        Artifacts::put(&bucket, &one, &format!("many/{number:04}"), b"").await.expect("put");
    }
    let listed = Artifacts::list(&bucket, &one, "many/").await.expect("listed");
    assert_eq!((listed.len(), &*listed[1_099]), (1_100, "many/1099"));
    assert_eq!(bucket.get_object("configuration/fleetwright.yaml").await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn a_run_is_put_down_by_whoever_holds_it() {
    let stage = prepared("").await;
    open(&stage).create(&name(), b"{}", stage.clock.now()).await.expect("made");
    let holder = open(&stage);
    let epoch = holder.claim(&name(), "one").await.expect("nobody drives it").epoch();
    let left = HandOver { mail: 0 };
    let refused = open(&stage).put_down(&name(), epoch, Sequence(0), &left).await;
    assert!(
        matches!(&refused, Err(JournalError::Refused { cause, .. }) if cause.contains("does not hold")),
        "{refused:?}"
    );
    assert_eq!(holder.put_down(&name(), epoch, Sequence(0), &left).await, Ok(()));
}
