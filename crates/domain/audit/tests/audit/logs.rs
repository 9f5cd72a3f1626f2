//! Small logs.

use fleetwright_audit::{
    Actor, Answer, Approval, CallResult, Chain, Digest, Entry, Intent, Opening, Record, SignedHead,
    SigningKey, Writer,
};
use jiff::{SignedDuration, Timestamp};

pub(crate) const LOG: &str = "run-20261101-0200-demo";

pub(crate) fn start() -> Timestamp {
    "2026-11-01T02:00:00Z".parse().expect("valid")
}

pub(crate) fn key() -> SigningKey {
    SigningKey::new([7; 32])
}

pub(crate) fn intent(action: &str, target: &str) -> Intent {
    Intent {
        zone: "shop".into(),
        account: "011122223333".into(),
        region: "eu-central-1".into(),
        action: action.into(),
        targets: vec![target.into()],
        actor: Actor {
            session: "arn:aws:sts::011122223333:assumed-role/FleetwrightPatch/fleetwright".into(),
            person: "alice".into(),
        },
        reason: "backup".into(),
        approvals: vec![Approval { stage: "wave-1".into(), by: "bob".into(), record: 41 }],
        attempt: 1,
    }
}

pub(crate) fn answer(call: u64, result: CallResult, request_id: Option<&str>) -> Answer {
    Answer { call, result, request_id: request_id.map(Into::into), service_code: None, code: None }
}

/// A log of these entries, a second apart, after its opening.
pub(crate) struct Written {
    pub(crate) chain: Chain,
    pub(crate) lines: Vec<Vec<u8>>,
    pub(crate) records: Vec<Record>,
}

impl Written {
    pub(crate) fn new() -> Self {
        let mut log = Self { chain: Chain::new(LOG), lines: Vec::new(), records: Vec::new() };
        log.push(Entry::Opened(Opening { format: 1, plan: Some("ab12".into()) }));
        log.push(Entry::Writer(Writer {
            process: "fleetwright 0.1.0, process 7".into(),
            person: "alice".into(),
            torn_bytes: 0,
        }));
        log
    }

    /// A log of so many calls, answered.
    pub(crate) fn of_calls(calls: usize) -> Self {
        let mut log = Self::new();
        for number in 0..calls {
            let call = log.push(Entry::Before(intent("ec2:CreateImage", &format!("i-{number:017x}"))));
            let id = format!("req-{number}");
            log.push(Entry::After(answer(call, CallResult::Done, Some(&id))));
        }
        log
    }

    pub(crate) fn push(&mut self, entry: Entry) -> u64 {
        let after = SignedDuration::from_secs(i64::try_from(self.lines.len()).expect("few"));
        let line = self.chain.push(start() + after, entry);
        self.lines.push(line.bytes);
        let sequence = line.record.sequence;
        self.records.push(line.record);
        sequence
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.lines.concat()
    }

    pub(crate) fn head(&self) -> SignedHead {
        SignedHead::sign(&self.chain, start(), &key())
    }

    /// The log as somebody would make it anew who has no key: every hash as it should be.
    pub(crate) fn made_anew(records: impl IntoIterator<Item = Record>) -> Vec<u8> {
        let mut chain = Chain::new(LOG);
        records.into_iter().flat_map(|record| chain.push(record.at, record.entry).bytes).collect()
    }

    pub(crate) fn hash(&self) -> Digest {
        self.chain.hash()
    }
}
