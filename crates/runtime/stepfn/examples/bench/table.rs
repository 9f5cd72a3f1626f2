//! The journal as items of a table: the codec, the compression and the pieces of the adapter's journal
//! (`adapters/aws/src/journal`), with every request counted and paced, and nothing else of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_flow::{Epoch, Record, Sequence};
use fleetwright_journal::{decode, encode, encode_mail, sha256};
use fleetwright_ports::journal::{Standing, is_spent};
use fleetwright_ports::{
    Claim, Clock, Delivery, HandOver, Journal, JournalError, Letter, LoadedRun, Mail, RunEntry, RunId,
};
use jiff::Timestamp;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec;

use crate::pacing::{Pacing, Units, later};
use crate::take_up::Kept;

const PLACE: &str = "a table";
/// Records of one item at most, its bytes at most, and how hard it is compressed: as the adapter has it.
const MOST_RECORDS: usize = 1_000;
const MOST_BYTES: usize = 380 * 1_000;
const LEVEL: u8 = 6;
/// Bytes of a page of a query. Source: Amazon DynamoDB Developer Guide, "Querying tables".
const PAGE: u64 = 1_000_000;
/// Bytes of a unit. Source: the same, "Read and write operations".
const READ_UNIT: u64 = 4_096;
const WRITE_UNIT: u64 = 1_024;
/// How long a claim holds: longer than a function may take.
const LEASE: Duration = Duration::from_secs(330);

/// A kind of item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A piece of the plan.
    Plan,
    /// Records.
    Records,
    /// How the run stands.
    Head,
    /// The mailbox.
    Mail,
    /// The run in the list of runs.
    Listed,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Records => "records",
            Self::Head => "head",
            Self::Mail => "mail",
            Self::Listed => "list of runs",
        }
    }
}

/// What was written of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// Requests.
    pub(crate) writes: u64,
    /// Their units.
    pub(crate) units: u64,
    /// Bytes of the largest item, its names and key included.
    pub(crate) largest: u64,
}

/// What a table was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Requests {
    pub(crate) written: BTreeMap<Kind, Written>,
    pub(crate) reads: u64,
    pub(crate) read_units: u64,
    /// Bytes of all items that are kept, records and plan.
    pub(crate) kept: u64,
}

impl Requests {
    pub(crate) fn writes(&self) -> u64 {
        self.written.values().map(|of| of.writes).sum()
    }

    pub(crate) fn write_units(&self) -> u64 {
        self.written.values().map(|of| of.units).sum()
    }

    /// The largest item, and of which kind.
    pub(crate) fn largest(&self) -> (u64, &'static str) {
        let largest = self.written.iter().max_by_key(|(_, of)| of.largest);
        largest.map_or((0, ""), |(kind, of)| (of.largest, kind.as_str()))
    }
}

/// The journal of one run.
pub(crate) struct Table {
    clock: Arc<dyn Clock>,
    pacing: Arc<Pacing>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    run: Option<RunId>,
    created_at: Timestamp,
    plan: Vec<Vec<u8>>,
    digest: [u8; 32],
    /// Pieces of records, by their first.
    pieces: BTreeMap<u64, Vec<u8>>,
    epoch: u32,
    last: u64,
    /// Bytes of the last record.
    tail: u64,
    held_until: Option<Timestamp>,
    left: Option<HandOver>,
    mail: Vec<Mail>,
    requests: Requests,
}

struct Lease {
    epoch: Epoch,
    left: Option<HandOver>,
}

impl Claim for Lease {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn hand_over(&self) -> Option<&HandOver> {
        self.left.as_ref()
    }
}

impl State {
    /// Bytes of an item: names, values, and the key, `run#NAME` and `item`.
    /// Source: Amazon DynamoDB Developer Guide, "Item sizes and formats".
    fn item(&self, key: usize, attributes: &[(&str, u64)]) -> u64 {
        let name = self.run.as_ref().map_or(0, |run| run.as_str().len());
        let whole: u64 = attributes.iter().map(|(name, bytes)| name.len() as u64 + bytes).sum();
        whole + ("run".len() + "run#".len() + name + "item".len() + key) as u64
    }

    fn head(&self) -> u64 {
        // Numbers take a byte for two digits, and one more.
        let left = if self.left.is_some() { 20 } else { 0 };
        let attributes = [
            ("created_at", 30),
            ("plan", 64),
            ("pieces", 3),
            ("epoch", 3),
            ("last", 6),
            ("claims", 4),
            ("holder", 100),
            ("until", 6),
            ("left", left),
            ("tail", self.tail),
            ("expires", 6),
        ];
        self.item("head".len(), &attributes)
    }

    fn mailbox(&self) -> u64 {
        let letters = self.mail.iter().map(|mail| encode_mail(&as_sent(mail)).len() as u64 + 1).sum();
        self.item("mail".len(), &[("letters", letters), ("number", 3), ("expires", 6)])
    }

    fn piece(&self, bytes: u64) -> u64 {
        let key = "records#0123456789abcdef#01234567".len();
        self.item(key, &[("first", 6), ("bytes", bytes), ("expires", 6)])
    }

    fn standing(&self) -> Standing {
        Standing { epoch: self.epoch, last: self.last }
    }
}

fn as_sent(mail: &Mail) -> Letter {
    let Mail { number: _, at, signal, by, reason, basis, once } = mail.clone();
    Letter { at, signal, by, reason, basis, once }
}

fn damaged(cause: impl Into<String>) -> JournalError {
    JournalError::Storage { place: PLACE.into(), cause: cause.into().into() }
}

impl Table {
    pub(crate) fn new(clock: Arc<dyn Clock>, pacing: Arc<Pacing>) -> Self {
        Self { clock, pacing, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was asked of it so far.
    pub(crate) fn requests(&self) -> Requests {
        self.state().requests.clone()
    }

    /// What is kept of the plan and of the records, as it lies in the table.
    pub(crate) fn kept(&self) -> Kept {
        let state = self.state();
        let pieces = state.pieces.iter().map(|(first, piece)| (*first, piece.clone()));
        Kept { plan: state.plan.clone(), pieces: pieces.collect() }
    }

    async fn write(&self, kind: Kind, bytes: u64) {
        let units = bytes.div_ceil(WRITE_UNIT).max(1);
        {
            let mut state = self.state();
            let written = state.requests.written.entry(kind).or_default();
            written.writes += 1;
            written.units += units;
            written.largest = written.largest.max(bytes);
            if matches!(kind, Kind::Plan | Kind::Records) {
                state.requests.kept += bytes;
            }
        }
        self.pacing.table(Units::Write(units)).await;
    }

    /// Reads consistently: a unit for every 4 KiB of an item, or of the page of a query.
    async fn read(&self, bytes: u64) {
        let mut left = bytes;
        loop {
            let page = left.min(PAGE);
            let units = page.div_ceil(READ_UNIT).max(1);
            {
                let mut state = self.state();
                state.requests.reads += 1;
                state.requests.read_units += units;
            }
            self.pacing.table(Units::Read(units)).await;
            left -= page;
            if left == 0 {
                return;
            }
        }
    }

    async fn read_head(&self) {
        let bytes = self.state().head();
        self.read(bytes).await;
    }

    /// The records after that one, in the pieces they are in.
    async fn records(&self, after: u64) -> Result<Vec<Record>, JournalError> {
        let pieces: Vec<(u64, Vec<u8>)> = {
            let state = self.state();
            let first = state.pieces.range(..=after + 1).next_back().map_or(0, |(first, _)| *first);
            state.pieces.range(first..).map(|(first, piece)| (*first, piece.clone())).collect()
        };
        let bytes = pieces.iter().map(|(_, piece)| self.state().piece(piece.len() as u64)).sum();
        self.read(bytes).await;
        let mut records = Vec::new();
        for (first, packed) in pieces {
            let body = decompress_to_vec(&packed).map_err(|error| damaged(format!("{error:?}")))?;
            decode(&body, first, &mut records).map_err(|error| damaged(error.to_string()))?;
        }
        records.retain(|record| record.seq.0 > after);
        Ok(records)
    }
}

/// Records in pieces that fit into an item each.
fn pieces(records: &[Record]) -> Vec<(u64, Vec<u8>)> {
    let pieces = records.chunks(MOST_RECORDS).flat_map(|records| {
        let packed = compress_to_vec(&encode(records), LEVEL);
        match packed.len() > MOST_BYTES && records.len() > 1 {
            true => {
                let (first, second) = records.split_at(records.len() / 2);
                [pieces(first), pieces(second)].concat()
            }
            false => vec![(records[0].seq.0, packed)],
        }
    });
    pieces.collect()
}

#[async_trait]
impl Journal for Table {
    async fn create(&self, run: &RunId, plan: &[u8], at: Timestamp) -> Result<(), JournalError> {
        let packed = compress_to_vec(plan, LEVEL);
        let (kept, listed, head) = {
            let mut state = self.state();
            state.run = Some(run.clone());
            state.created_at = at;
            state.digest = sha256(plan);
            state.plan = packed.chunks(MOST_BYTES).map(<[u8]>::to_vec).collect();
            let key = "plan#".len() + 64 + "#0000".len();
            let piece = |bytes: &Vec<u8>| state.item(key, &[("bytes", bytes.len() as u64), ("expires", 6)]);
            let kept: Vec<u64> = state.plan.iter().map(piece).collect();
            let name = run.as_str().len();
            (kept, state.item(31 + name, &[("name", name as u64), ("expires", 6)]), state.head())
        };
        for bytes in kept {
            self.write(Kind::Plan, bytes).await;
        }
        self.write(Kind::Listed, listed).await;
        self.write(Kind::Head, head).await;
        Ok(())
    }

    async fn claim(&self, _run: &RunId, owner: &str) -> Result<Box<dyn Claim>, JournalError> {
        self.read_head().await;
        let now = self.clock.now();
        let (lease, head) = {
            let mut state = self.state();
            if state.held_until.is_some_and(|until| now < until) {
                return Err(JournalError::Owned { owner: owner.into() });
            }
            let left = state.left.take();
            state.epoch += u32::from(left.is_none());
            state.held_until = Some(later(now, LEASE));
            (Lease { epoch: Epoch(state.epoch), left }, state.head())
        };
        self.write(Kind::Head, head).await;
        Ok(Box::new(lease))
    }

    async fn append(
        &self,
        _run: &RunId,
        epoch: Epoch,
        after: Sequence,
        records: &[Record],
    ) -> Result<(), JournalError> {
        let Some(last) = records.last() else {
            self.read_head().await;
            return self.state().standing().admit(epoch, after, records, PLACE);
        };
        self.state().standing().admit(epoch, after, records, PLACE)?;
        for (first, packed) in pieces(records) {
            let bytes = self.state().piece(packed.len() as u64);
            self.state().pieces.insert(first, packed);
            self.write(Kind::Records, bytes).await;
        }
        let head = {
            let mut state = self.state();
            state.last = last.seq.0;
            state.tail = encode(std::slice::from_ref(last)).len() as u64;
            state.held_until = Some(later(self.clock.now(), LEASE));
            state.head()
        };
        self.write(Kind::Head, head).await;
        Ok(())
    }

    async fn put_down(
        &self,
        _run: &RunId,
        epoch: Epoch,
        last: Sequence,
        left: &HandOver,
    ) -> Result<(), JournalError> {
        let head = {
            let mut state = self.state();
            state.standing().admit(epoch, last, &[], PLACE)?;
            state.left = Some(left.clone());
            state.held_until = None;
            state.head()
        };
        self.write(Kind::Head, head).await;
        Ok(())
    }

    async fn load(&self, _run: &RunId) -> Result<LoadedRun, JournalError> {
        self.read_head().await;
        let (packed, digest) = {
            let state = self.state();
            (state.plan.concat(), state.digest)
        };
        self.read(packed.len() as u64).await;
        let plan = decompress_to_vec(&packed).map_err(|error| damaged(format!("{error:?}")))?;
        if sha256(&plan) != digest {
            return Err(damaged("the plan is not the one that was stored"));
        }
        let records = if self.state().last == 0 { Vec::new() } else { self.records(0).await? };
        Ok(LoadedRun { plan, records, damage: None })
    }

    async fn since(&self, _run: &RunId, after: Sequence) -> Result<Vec<Record>, JournalError> {
        self.read_head().await;
        if self.state().last <= after.0 {
            return Ok(Vec::new());
        }
        self.records(after.0).await
    }

    async fn runs(&self) -> Result<Vec<RunEntry>, JournalError> {
        Ok(Vec::new())
    }

    async fn deliver(&self, _run: &RunId, letter: Letter) -> Result<Delivery, JournalError> {
        let mailbox = self.state().mailbox();
        self.read(mailbox).await;
        let (number, mailbox) = {
            let mut state = self.state();
            if is_spent(&state.mail, &letter) {
                return Ok(Delivery::Spent);
            }
            let number = state.mail.len() as u64 + 1;
            state.mail.push(Mail::of(number, letter));
            (number, state.mailbox())
        };
        self.write(Kind::Mail, mailbox).await;
        Ok(Delivery::Taken(number))
    }

    async fn mail(&self, _run: &RunId, after: u64) -> Result<Vec<Mail>, JournalError> {
        self.read_head().await;
        let mailbox = self.state().mailbox();
        self.read(mailbox).await;
        Ok(self.state().mail.iter().filter(|mail| mail.number > after).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use fleetwright_clock::VirtualClock;
    use fleetwright_flow::Event;
    use fleetwright_testkit::sample;

    use super::*;

    fn record(seq: u64, name: &str) -> Record {
        let event = Event::Owner { name: name.into() };
        Record { seq: Sequence(seq), epoch: Epoch(1), at: sample::now(), event }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_appended_is_read_again_and_every_request_is_counted() {
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::starting_at(sample::now()));
        let table = Table::new(Arc::clone(&clock), Arc::new(Pacing::new(Arc::clone(&clock), 1.0)));
        let run: RunId = "run-1".parse().expect("a name");
        table.create(&run, b"the plan", clock.now()).await.expect("a new run");
        let lease = table.claim(&run, "a function").await.expect("nobody holds it");
        let records: Vec<Record> = (1..=2_500).map(|seq| record(seq, "a function")).collect();
        table.append(&run, lease.epoch(), Sequence(0), &records).await.expect("ours");
        let loaded = table.load(&run).await.expect("there");
        assert_eq!((loaded.plan, loaded.records), (b"the plan".to_vec(), records));
        let requests = table.requests();
        let count = |kind| requests.written[&kind].writes;
        assert_eq!((count(Kind::Plan), count(Kind::Listed)), (1, 1));
        assert_eq!((count(Kind::Records), count(Kind::Head)), (3, 3), "made, claimed, appended");
        assert_eq!(requests.reads, 4, "for the claim; head, plan and records");
    }
}
