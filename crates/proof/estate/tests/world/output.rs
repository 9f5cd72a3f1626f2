//! Run Command's output in S3.

use fleetwright_estate::world::command::output::NotStored;
use fleetwright_estate::world::host::HostEventKind;
use serde_json::json;

use crate::shift::Shift;

const BUCKET: &str = "fleet-output";

/// Sends a script with output to a bucket and gives the invocation at its end.
fn told(shift: &mut Shift, id: &str, text: &str) -> serde_json::Value {
    let mut targets = json!({"InstanceIds": [id]});
    targets["OutputS3BucketName"] = BUCKET.into();
    targets["OutputS3KeyPrefix"] = "runs/7/".into();
    let command = shift.send(targets, text);
    shift.pass(60);
    shift.ssm("GetCommandInvocation", json!({"CommandId": command, "InstanceId": id}))
}

fn own_bucket(shift: &mut Shift) {
    let (account, start) = (shift.stage.account.clone(), shift.now());
    shift.stage.prepared.world.buckets.create(BUCKET, &account, "eu-central-1", start);
}

fn not_stored(shift: &mut Shift, id: &str) -> Vec<NotStored> {
    let history = shift.history(id).into_iter();
    history
        .filter_map(|event| match event.kind {
            HostEventKind::OutputNotStored { why, .. } => Some(why),
            _ => None,
        })
        .collect()
}

#[test]
fn a_bucket_gets_the_whole_output_where_systems_manager_says_it_is() {
    let mut shift = Shift::new("");
    own_bucket(&mut shift);
    let id = shift.id("web-1");
    let text = "i=0; while [ $i -lt 3000 ]; do echo 0123456789; i=$((i+1)); done; echo oops >&2";
    let answer = told(&mut shift, &id, text);
    assert_eq!(answer["Status"], "Success");
    let command = answer["CommandId"].as_str().expect("an id");
    let folder = format!("runs/7/{command}/{id}/awsrunShellScript/0.awsrunShellScript");
    let url = format!("https://s3.eu-central-1.amazonaws.com/{BUCKET}/{folder}/stdout");
    assert_eq!(answer["StandardOutputUrl"], url);
    let bucket = shift.stage.prepared.world.buckets.get(BUCKET).expect("it was made");
    let content = |name: &str| bucket.get(&format!("{folder}/{name}")).expect("it was put").content.clone();
    assert_eq!(content("stdout").len(), 33_000, "more than Systems Manager shows");
    assert!(content("stderr").starts_with(b"oops\n"));
    assert_eq!(not_stored(&mut shift, &id), []);
}

#[test]
fn without_the_bucket_the_invocation_succeeds_all_the_same() {
    let mut shift = Shift::new("");
    let id = shift.id("web-1");
    assert_eq!(told(&mut shift, &id, "echo out")["Status"], "Success");
    assert_eq!(not_stored(&mut shift, &id), [NotStored::NoSuchBucket]);
}

#[test]
fn an_instance_that_may_not_write_and_a_bucket_of_another_account_stay_without_output() {
    let mut shift = Shift::new("");
    let (id, start) = (shift.id("web-1"), shift.now());
    shift.stage.prepared.world.buckets.create(BUCKET, "999988887777", "eu-central-1", start);
    assert_eq!(told(&mut shift, &id, "echo out")["Status"], "Success");
    assert_eq!(not_stored(&mut shift, &id), [NotStored::AccessDenied]);

    let narrow = "name = \"narrow\"\nseed = 12\n[[accounts]]\nname = \"one\"\n[fleet]\nregions = \
                  [\"eu-central-1\"]\ninstances_per_cell = 0\n[access]\ninstance_buckets = [\"other-*\"]\n\
                  [[instances]]\naccount = \"one\"\n[instances.tags]\nName = \"web-1\"\n";
    let mut shift = Shift::of(narrow);
    own_bucket(&mut shift);
    let id = shift.id("web-1");
    assert_eq!(told(&mut shift, &id, "echo out")["Status"], "Success");
    assert_eq!(not_stored(&mut shift, &id), [NotStored::AccessDenied]);
}
