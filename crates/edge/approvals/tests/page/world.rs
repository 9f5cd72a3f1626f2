//! A run at its gate, people with passphrases, and a desk for them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_approval::{Approver, Claims, Decisions, Keyring, Nonce, SigningKey, sign};
use fleetwright_approvals::gate::{self, GateFacts};
use fleetwright_approvals::{Answer, Desk, Question};
use fleetwright_flow::{Command, Epoch, Event, Plan, Record, Run, Sequence};
use fleetwright_patch::PlanDocument;
use fleetwright_ports::{Claim, Clock, Journal, Mail, RunId};
use fleetwright_store::MemoryJournal;
use jiff::{SignedDuration, Timestamp};

pub(crate) const PASSPHRASE: &str = "correct horse battery";
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// A clock that stands until it is moved.
#[derive(Clone)]
pub(crate) struct Standing(Arc<Mutex<Timestamp>>);

impl Standing {
    pub(crate) fn pass(&self, seconds: i64) {
        *self.0.lock().expect("no panic") += SignedDuration::from_secs(seconds);
    }
}

#[async_trait]
impl Clock for Standing {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("no panic")
    }

    async fn sleep(&self, _: Duration) {
        std::future::pending::<()>().await;
    }
}

pub(crate) struct World {
    pub(crate) journal: MemoryJournal,
    pub(crate) clock: Standing,
    pub(crate) run: RunId,
    pub(crate) keys: Arc<Mutex<Keyring>>,
    pub(crate) state: Run,
    claim: Box<dyn Claim>,
}

impl World {
    /// A run that has come to its gate.
    pub(crate) async fn at_gate() -> Self {
        Self::with("run-20261101T020000Z-4f1a", |_| {}).await
    }

    pub(crate) async fn with(run: &str, change: impl FnOnce(&mut Plan)) -> Self {
        let bytes = include_bytes!("../../../../domain/patch/testdata/formats/1.0/plan.json");
        let mut plan = PlanDocument::read(bytes).expect("a plan").into_plan();
        change(&mut plan.flow);
        let document = PlanDocument::new(plan);
        let clock = Standing(Arc::new(Mutex::new(document.plan().flow.created_at)));
        let (journal, run): (_, RunId) = (MemoryJournal::new(), run.parse().expect("a name"));
        journal.create(&run, &document.write(), clock.now()).await.expect("a new run");
        let claim = journal.claim(&run, "the test").await.expect("nobody drives it");
        let mut keys = Keyring::new(key("k1", 7));
        keys.set_approver(Approver::new("ann", PASSPHRASE, [1; 16]).expect("long enough"));
        keys.set_approver(Approver::new("bob", "another long phrase", [2; 16]).expect("long enough"));
        let state = Run::open(Arc::new(document.plan().flow.clone()));
        let keys = Arc::new(Mutex::new(keys));
        let mut world = Self { journal, clock, run, keys, state, claim };
        world.tell(Event::Opened { format: Plan::FORMAT, plan: document.digest().clone() }).await;
        world.walk().await;
        world
    }

    /// Everything goes well until nothing but a decision moves the run.
    pub(crate) async fn walk(&mut self) {
        loop {
            let commands = self.state.next(self.clock.now());
            if commands.is_empty() {
                return;
            }
            for command in commands {
                self.tell(command.event()).await;
                if let Command::Begin { target, step, direction, .. } = command {
                    self.tell(Event::Succeeded { target, step, direction, note: None, finding: None }).await;
                }
            }
        }
    }

    pub(crate) async fn tell(&mut self, event: Event) {
        let (epoch, at) = (self.claim.epoch(), self.clock.now());
        let after = self.journal.load(&self.run).await.expect("a run").records.len() as u64;
        let record = Record { seq: Sequence(after + 1), epoch, at, event };
        self.state.apply(&record).expect("legal");
        self.journal.append(&self.run, Epoch(epoch.0), Sequence(after), &[record]).await.expect("room");
    }

    /// A decision as the engine records it; told as JSON, which later fields do not break.
    pub(crate) async fn signal(&mut self, signal: &str, by: &str) {
        let event = serde_json::json!({ "event": "signalled", "signal": { signal: 0 }, "by": by });
        self.tell(serde_json::from_value(event).expect("a decision")).await;
    }

    pub(crate) fn desk(&self) -> Desk {
        let keys = Arc::clone(&self.keys);
        let keys = move || Ok(keys.lock().expect("no panic").clone());
        Desk::new(Arc::new(self.journal.clone()), Arc::new(self.clock.clone()), Box::new(keys))
    }

    pub(crate) async fn gate(&self) -> GateFacts {
        let loaded = self.journal.load(&self.run).await.expect("a run");
        gate::waiting(&self.run, &loaded, self.clock.now()).expect("whole").remove(0)
    }

    /// What a link for Ann says, that is good for an hour.
    pub(crate) async fn claims(&self, change: impl FnOnce(&mut Draft)) -> Claims {
        let gate = self.gate().await;
        let mut draft = Draft {
            run: self.run.to_string(),
            stage: gate.stage.0,
            decisions: Decisions::BOTH,
            basis: gate.basis.to_string(),
            approver: "ann".to_owned(),
            seconds: 3600,
            nonce: 1,
        };
        change(&mut draft);
        let expires_at =
            Timestamp::from_second(self.clock.now().as_second() + draft.seconds).expect("in range");
        let Draft { run, stage, decisions, basis, approver, nonce, .. } = &draft;
        Claims::new(run, *stage, *decisions, basis, approver, expires_at, Nonce([*nonce; 16])).expect("valid")
    }

    pub(crate) async fn link(&self, change: impl FnOnce(&mut Draft)) -> String {
        let claims = self.claims(change).await;
        sign(&self.keys.lock().expect("no panic"), &claims)
    }

    pub(crate) async fn mail(&self) -> Vec<Mail> {
        self.journal.mail(&self.run, 0).await.expect("a mailbox")
    }
}

/// What a link says, to be changed by a test.
pub(crate) struct Draft {
    pub(crate) run: String,
    pub(crate) stage: u16,
    pub(crate) decisions: Decisions,
    pub(crate) basis: String,
    pub(crate) approver: String,
    pub(crate) seconds: i64,
    pub(crate) nonce: u8,
}

pub(crate) fn key(id: &str, byte: u8) -> SigningKey {
    SigningKey::new(id.parse().expect("a key's name"), Timestamp::UNIX_EPOCH, [byte; 32])
}

pub(crate) async fn ask(desk: &Desk, method: &str, path: &str, body: &str) -> Answer {
    let content_type = (method == "POST").then_some(FORM);
    let question = Question { method, path, query: None, content_type, body: body.as_bytes() };
    desk.answer(question).await
}

pub(crate) async fn get(desk: &Desk, token: &str) -> Answer {
    ask(desk, "GET", &format!("/approvals/{token}"), "").await
}

pub(crate) async fn post(desk: &Desk, token: &str, decision: &str, passphrase: &str) -> Answer {
    let body = format!("token={token}&decision={decision}&passphrase={}", passphrase.replace(' ', "+"));
    ask(desk, "POST", "/approvals/", &body).await
}
