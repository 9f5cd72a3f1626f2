//! Writing a log: what its next bytes are, whatever it is kept in.

use jiff::Timestamp;

use crate::{Chain, Entry, Opening, Record, Writer};

/// Records between two heads at most.
const HEAD_EVERY: u64 = 256;

/// One writer's end of a log. It takes records up behind those that are there, and hands out what is to be kept.
#[derive(Clone, Debug)]
pub struct Scribe {
    log: String,
    /// What a new log, and this writer, begin with.
    opening: Opening,
    writer: Writer,
    /// Where the log ends; none before it was taken up.
    chain: Option<Chain>,
    /// Records that were not handed out yet.
    pending: Vec<u8>,
    /// The last record that is kept.
    durable: u64,
    /// The record the last head stands for.
    signed: u64,
}

impl Scribe {
    /// Who writes to the log of that name; a new one begins with `opening`.
    pub fn new(log: &str, opening: Opening, writer: Writer) -> Self {
        let (chain, pending) = (None, Vec::new());
        Self { log: log.to_owned(), opening, writer, chain, pending, durable: 0, signed: 0 }
    }

    /// Whether it knows where the log ends.
    pub fn is_taken_up(&self) -> bool {
        self.chain.is_some()
    }

    /// Goes on behind the last record that is there. `torn` bytes behind it belonged to none and are gone.
    pub fn take_up(&mut self, last: Option<&Record>, torn: u64, at: Timestamp) {
        let mut chain = last.map_or_else(|| Chain::new(&self.log), Chain::after);
        if chain.last() == 0 {
            self.pending.extend(chain.push(at, Entry::Opened(self.opening.clone())).bytes);
        }
        self.durable = last.map_or(0, |_| chain.last());
        self.signed = self.durable;
        let writer = Writer { torn_bytes: torn, ..self.writer.clone() };
        self.pending.extend(chain.push(at, Entry::Writer(writer)).bytes);
        self.chain = Some(chain);
    }

    /// The next record is another writer's, who takes the log up anew.
    pub fn hand_over(&mut self, writer: Writer) {
        self.writer = writer;
        self.chain = None;
    }

    /// Adds a record behind the last, and answers with its number; 0 where the log was not taken up.
    pub fn push(&mut self, at: Timestamp, entry: Entry) -> u64 {
        let Some(chain) = &mut self.chain else { return 0 };
        let line = chain.push(at, entry);
        self.pending.extend_from_slice(&line.bytes);
        line.record.sequence
    }

    /// What is to be kept behind what is.
    pub fn take_pending(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.pending)
    }

    /// The last record there is, kept or not.
    pub fn last(&self) -> u64 {
        self.chain.as_ref().map_or(self.durable, Chain::last)
    }

    /// Where the log ends.
    pub fn chain(&self) -> Option<&Chain> {
        self.chain.as_ref()
    }

    /// Everything up to that record is kept.
    pub fn kept(&mut self, to: u64) {
        self.durable = to;
    }

    /// Whether that record is kept.
    pub fn is_kept(&self, record: u64) -> bool {
        self.durable >= record
    }

    /// A head stands for everything up to that record.
    pub fn signed(&mut self, to: u64) {
        self.signed = to;
    }

    /// Whether so many records came since the last head that one is due.
    pub fn is_head_due(&self) -> bool {
        self.chain.as_ref().is_some_and(|chain| chain.last() >= self.signed + HEAD_EVERY)
    }
}
