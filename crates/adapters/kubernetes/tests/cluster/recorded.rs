//! Changes on record: before they are sent, after they were answered, and none that cannot be recorded.

use std::sync::Mutex;

use fleetwright_audit::{Answer, CallResult, Intent, SignedHead};
use fleetwright_cluster_api::{Behalf, Undelivered};
use fleetwright_model::{ErrorClass, code};
use fleetwright_ports::{AuditLog, JournalError};
use serde_json::json;

use super::scripted::{Said, document, refusal, stage_of};
use super::*;

/// Keeps what is recorded, in order; takes no more than a number of records.
#[derive(Default)]
struct Kept {
    full_at: Option<usize>,
    before: Mutex<Vec<Intent>>,
    after: Mutex<Vec<Answer>>,
}

#[async_trait]
impl AuditLog for Kept {
    async fn before(&self, _: Timestamp, intent: Intent) -> Result<u64, JournalError> {
        let mut before = self.before.lock().expect("not poisoned");
        if self.full_at == Some(before.len()) {
            return Err(JournalError::Fenced { ours: 1, newer: 2 });
        }
        before.push(intent);
        Ok(before.len() as u64)
    }

    fn after(&self, _: Timestamp, answer: Answer) -> Result<(), JournalError> {
        self.after.lock().expect("not poisoned").push(answer);
        Ok(())
    }

    async fn sign(&self, _: Timestamp) -> Result<Option<SignedHead>, JournalError> {
        Ok(None)
    }
}

impl Kept {
    /// Actions, targets and attempts, in order.
    fn intents(&self) -> Vec<(String, Vec<String>, u32)> {
        let row = |it: &Intent| {
            let targets = it.targets.iter().map(ToString::to_string).collect();
            (it.action.to_string(), targets, it.attempt)
        };
        self.before.lock().expect("not poisoned").iter().map(row).collect()
    }

    fn results(&self) -> Vec<CallResult> {
        self.after.lock().expect("not poisoned").iter().map(|it| it.result).collect()
    }
}

fn behalf(log: &Arc<Kept>) -> Behalf {
    Behalf {
        log: Arc::clone(log) as Arc<dyn AuditLog>,
        zone: "prod".into(),
        account: "011122223333".into(),
        region: "eu-central-1".into(),
        session: "arn:aws:sts::011122223333:assumed-role/fleetwright/s".into(),
        person: "ada".into(),
        reason: "evict".into(),
        approvals: Arc::new(|_| Vec::new()),
    }
}

#[tokio::test(start_paused = true)]
async fn each_attempt_at_a_change_is_recorded_with_its_end_and_looking_is_not() {
    let log = Arc::new(Kept::default());
    let node = || document(json!({ "kind": "Node", "metadata": { "uid": "n-2" } }));
    let away = || Said::Lost(Undelivered::Unreachable("no route".to_owned()));
    let lost = || Said::Lost(Undelivered::Broken("reset".to_owned()));
    let answers = [node(), refusal(422), node(), away(), lost(), document(json!({}))];
    let stage = stage_of(answers, Some(behalf(&log)));
    let test = json!([{ "op": "test", "path": "/metadata/uid", "value": "n-1" }]);
    for _ in 0..2 {
        stage.changes.patch("/api/v1/nodes/n", &test).await.expect("an answer");
    }
    stage.changes.evict("shop", "web-0", "u-1").await.expect("the third attempt");
    let row = |action: &str, targets: &[&str], attempt: u32| {
        let targets = targets.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        (action.to_owned(), [vec!["cluster/shop".to_owned()], targets].concat(), attempt)
    };
    let patch = row("kubernetes:patch nodes", &["/api/v1/nodes/n"], 1);
    let evict =
        |attempt| row("kubernetes:evict pods", &["/api/v1/namespaces/shop/pods/web-0", "u-1"], attempt);
    assert_eq!(log.intents(), [patch.clone(), patch, evict(1), evict(2), evict(3)]);
    let done = CallResult::Done;
    let ends = [done, CallResult::Refused, CallResult::NotSent, CallResult::Unknown, done];
    assert_eq!(log.results(), ends);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_recorded_is_not_sent() {
    let log = Arc::new(Kept { full_at: Some(0), ..Kept::default() });
    let stage = stage_of([], Some(behalf(&log)));
    let failure = stage.changes.patch("/api/v1/nodes/n", &json!([])).await.expect_err("not sent");
    assert_eq!(
        (failure.class, failure.code.id),
        (ErrorClass::Transient, code::STATE_UNUSABLE.id),
        "{failure}"
    );
    assert_eq!((stage.paths().len(), log.results().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_may_have_been_made_stays_in_doubt_where_the_log_ends() {
    let log = Arc::new(Kept { full_at: Some(1), ..Kept::default() });
    let stage = stage_of([Said::Lost(Undelivered::Broken("reset".to_owned()))], Some(behalf(&log)));
    let failure = stage.changes.evict("shop", "web-0", "u-1").await.expect_err("nobody knows");
    assert_eq!((failure.class, failure.code.id), (ErrorClass::Ambiguous, code::REPLY_LOST.id), "{failure}");
    assert_eq!(log.results(), [CallResult::Unknown]);
}
