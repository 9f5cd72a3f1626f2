//! Changes of clusters: the contract over the simulated estate, what becomes of replies that are lost, what is recorded.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use fleetwright_audit::{Answer, CallResult, Intent, SignedHead};
use fleetwright_aws::Behalf;
use fleetwright_kubernetes::Minor;
use fleetwright_model::{ErrorClass, code};
use fleetwright_ports::cluster_changes::{ClientToken, Conflicts, UpdateOf};
use fleetwright_ports::clusters::{ClusterName, UpdateStatus};
use fleetwright_ports::conformance::cluster_changes::{Expected, Subject, check};
use fleetwright_ports::{AuditLog, ClusterChanges, JournalError};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::estate;
use crate::fake::{self, Reply, Seen, assumed};

const SCENARIO: &str = "name = \"t\"\nseed = 43\n\
    [[accounts]]\nname = \"prod\"\nid = \"210987654321\"\nregions = [\"eu-central-1\"]\n\
    [fleet]\nregions = [\"eu-central-1\"]\ninstances = 1\n\
    [[clusters]]\nname = \"shop\"\naccount = \"prod\"\nversion = \"1.34\"\n\
    node_groups = [{ name = \"blue\", nodes = 2 }]\n\
    addons = [{ name = \"vpc-cni\", version = \"v1.20.4-eksbuild.2\" }]\n\
    [[clusters]]\nname = \"auto\"\naccount = \"prod\"\nversion = \"1.34\"\nauto_mode = true\n\
    upgraded = { from = \"1.33\", days_ago = 1.0 }\n";

fn named(name: &str) -> ClusterName {
    name.parse().expect("a name")
}

fn token(text: &str) -> ClientToken {
    ClientToken::new(text).expect("a token")
}

#[tokio::test(start_paused = true)]
async fn the_estate_fulfils_the_contract_of_changes() {
    let stage = estate::stage(SCENARIO).await;
    let name = named("shop");
    let expected = Expected {
        name: name.clone(),
        version: Minor::new(34),
        addon: ("vpc-cni".to_owned(), "v1.21.1-eksbuild.1".to_owned(), "v1.18.5-eksbuild.1".to_owned()),
        node_group: "blue".to_owned(),
    };
    let subject = Subject {
        changes: &stage.aws,
        clusters: &stage.aws,
        clock: &*stage.clock,
        cell: &stage.cells()[0],
        name: &name,
    };
    check(subject, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_rollback_is_called_off_while_auto_mode_rolls_nodes_back() {
    let stage = estate::stage(SCENARIO).await;
    let (cell, name) = (&stage.cells()[0], named("auto"));
    let begun = stage.aws.update_version(cell, &name, Minor::new(33), &token("back")).await.expect("begun");
    assert_eq!((begun.kind.as_str(), begun.status), ("VersionRollback", UpdateStatus::InProgress));
    assert_eq!(stage.aws.cancel_update(cell, &name, &begun.id).await, Ok(()));
    let now = stage.aws.update(cell, &name, UpdateOf::Cluster, &begun.id).await.expect("an update");
    assert_eq!(now.status, UpdateStatus::Cancelled);
}

/// An update as the scripted service tells it.
fn told() -> Reply {
    let update = json!({ "id": "u-1", "type": "VersionUpdate", "status": "InProgress",
        "createdAt": 1_793_498_400, "params": [], "errors": [] });
    Reply::Answer(200, json!({ "update": update }).to_string())
}

async fn scripted(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> fake::Stage {
    fake::stage(move |seen: &Seen| if seen.action == "sts:AssumeRole" { assumed(seen) } else { script(seen) })
        .await
}

#[tokio::test(start_paused = true)]
async fn a_change_whose_reply_is_lost_is_asked_for_again_with_its_token_and_never_forced() {
    let stage = scripted(|seen| if seen.before == 0 { Reply::Lost } else { told() }).await;
    let zone = fake::zone("011122223333", None);
    let cell = fake::cell(&zone);
    let begun = stage.aws.update_version(&cell, &named("shop"), Minor::new(35), &token("t-1")).await;
    assert_eq!(begun.expect("the second time").id, "u-1");
    let asked: Vec<Value> =
        stage.fake.asked("eks:").iter().map(|seen| serde_json::from_str(&seen.body).expect("JSON")).collect();
    let body = json!({ "version": "1.35", "clientRequestToken": "t-1" });
    assert_eq!(asked, [body.clone(), body]);
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_of_add_ons_and_node_groups_is_what_was_said() {
    let stage = scripted(|_| told()).await;
    let zone = fake::zone("011122223333", None);
    let (cell, name, aws) = (fake::cell(&zone), named("shop"), &stage.aws);
    for conflicts in [Conflicts::Refuse, Conflicts::Overwrite, Conflicts::Preserve] {
        aws.update_addon(&cell, &name, "vpc-cni", "v1.2", conflicts, &token("a")).await.expect("begun");
    }
    aws.update_node_group(&cell, &name, "blue", Minor::new(35), &token("n")).await.expect("begun");
    let bodies: Vec<Value> =
        stage.fake.asked("eks:").iter().map(|seen| serde_json::from_str(&seen.body).expect("JSON")).collect();
    let addon =
        |mode: &str| json!({ "addonVersion": "v1.2", "resolveConflicts": mode, "clientRequestToken": "a" });
    let group = json!({ "version": "1.35", "clientRequestToken": "n" });
    assert_eq!(bodies, [addon("NONE"), addon("OVERWRITE"), addon("PRESERVE"), group]);
}

#[tokio::test(start_paused = true)]
async fn nobody_says_that_a_change_was_not_made_where_no_reply_came_or_none_that_can_be_read() {
    for lost in [true, false] {
        let unreadable = || Reply::Answer(200, json!({ "update": { "id": "u-1" } }).to_string());
        let stage = scripted(move |_| if lost { Reply::Lost } else { unreadable() }).await;
        let zone = fake::zone("011122223333", None);
        let cell = fake::cell(&zone);
        let failure = stage.aws.update_version(&cell, &named("shop"), Minor::new(35), &token("t-1")).await;
        assert_eq!(failure.expect_err("nobody knows").class, ErrorClass::Ambiguous);
    }
}

#[tokio::test(start_paused = true)]
async fn that_something_else_goes_on_is_told_apart_from_a_refusal_for_good() {
    for (status, said, class, code) in [
        (409, "ResourceInUseException", ErrorClass::Conflict, &code::RESOURCE_STATE),
        (400, "InvalidParameterException", ErrorClass::Permanent, &code::REQUEST_REFUSED),
        (400, "InvalidRequestException", ErrorClass::Permanent, &code::REQUEST_REFUSED),
        (400, "InvalidStateException", ErrorClass::Permanent, &code::REQUEST_REFUSED),
        (404, "ResourceNotFoundException", ErrorClass::NotFound, &code::NOT_FOUND),
    ] {
        let stage = scripted(move |_| fake::json_error(status, said, "in EKS's words")).await;
        let zone = fake::zone("011122223333", None);
        let cell = fake::cell(&zone);
        let failure = stage.aws.update_version(&cell, &named("shop"), Minor::new(35), &token("t-1")).await;
        let failure = failure.expect_err("refused");
        assert_eq!((failure.class, failure.code.id), (class, code.id), "{failure}");
        assert_eq!(
            (failure.service_code.as_deref(), failure.message.as_str()),
            (Some(said), "in EKS's words")
        );
        assert_eq!(failure.operation, "eks:UpdateClusterVersion");
    }
}

/// Keeps what is recorded, in order.
#[derive(Default)]
struct Kept(Mutex<(Vec<Intent>, Vec<Answer>)>);

#[async_trait]
impl AuditLog for Kept {
    async fn before(&self, _: Timestamp, intent: Intent) -> Result<u64, JournalError> {
        let mut kept = self.0.lock().expect("no panic before");
        kept.0.push(intent);
        Ok(kept.0.len() as u64)
    }

    fn after(&self, _: Timestamp, answer: Answer) -> Result<(), JournalError> {
        self.0.lock().expect("no panic before").1.push(answer);
        Ok(())
    }

    async fn sign(&self, _: Timestamp) -> Result<Option<SignedHead>, JournalError> {
        Ok(None)
    }
}

#[tokio::test(start_paused = true)]
async fn every_attempt_at_a_change_is_on_record_with_what_it_changes() {
    let stage = scripted(|seen| if seen.before == 0 { Reply::Lost } else { told() }).await;
    let log = Arc::new(Kept::default());
    let behalf = Behalf {
        log: Arc::clone(&log) as Arc<dyn AuditLog>,
        person: "ada".into(),
        reason: "upgrade".into(),
        approvals: Arc::new(|_| Vec::new()),
    };
    let aws = stage.aws.on_behalf(behalf);
    let zone = fake::zone("011122223333", None);
    let (cell, name) = (fake::cell(&zone), named("shop"));
    aws.update_version(&cell, &name, Minor::new(35), &token("c")).await.expect("the second time");
    let preserve = Conflicts::Preserve;
    aws.update_addon(&cell, &name, "vpc-cni", "v1.2", preserve, &token("a")).await.expect("begun");
    aws.update_node_group(&cell, &name, "blue", Minor::new(35), &token("n")).await.expect("begun");
    aws.cancel_update(&cell, &name, "u-1").await.expect("called off");
    let kept = log.0.lock().expect("no panic before");
    let before: Vec<(&str, String, u32)> =
        kept.0.iter().map(|it| (&*it.action, it.targets.concat(), it.attempt)).collect();
    let arn = |rest: &str| format!("arn:aws:eks:{}:011122223333:{rest}", cell.region);
    assert_eq!(
        before,
        [
            ("eks:UpdateClusterVersion", arn("cluster/shop"), 1),
            ("eks:UpdateClusterVersion", arn("cluster/shop"), 2),
            ("eks:UpdateAddon", arn("addon/shop/vpc-cni"), 1),
            ("eks:UpdateNodegroupVersion", arn("nodegroup/shop/blue"), 1),
            ("eks:CancelUpdate", arn("cluster/shop"), 1),
        ]
    );
    let results: Vec<CallResult> = kept.1.iter().map(|it| it.result).collect();
    let done = CallResult::Done;
    assert_eq!(results, [CallResult::Unknown, done, done, done, done]);
}
