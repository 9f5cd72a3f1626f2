//! Whether a log is what was written.

use std::collections::BTreeMap;
use std::fmt;

use fleetwright_model::Text;
use serde::{Serialize, Serializer};

use crate::chain::{self, BadLine, Chain};
use crate::digest::Digest;
use crate::head::SignedHead;
use crate::key::PublicKey;
use crate::record::{CallResult, Entry, FORMAT, Record};

/// What was found of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Its name, as its first record has it.
    pub log: Option<Text>,
    /// Records that are whole.
    pub records: u64,
    /// The hash of the last of them.
    pub hash: Option<Digest>,
    /// The last record that a signed head stands for. What comes after it is chained, and could have been
    /// cut off without a trace.
    pub proven_to: u64,
    /// The calls in it.
    pub calls: Calls,
    /// What is wrong, in the order of the lines; empty where nothing is.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// True where nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }
}

/// How many calls there are, and how they ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// All of them.
    pub made: u64,
    /// The service did them.
    pub done: u64,
    /// The service said no.
    pub refused: u64,
    /// Nobody answered: they may have taken effect.
    pub unknown: u64,
    /// They did not leave the machine.
    pub not_sent: u64,
    /// Numbers of the records before calls whose process ended before it knew: in doubt.
    pub in_doubt: Vec<u64>,
}

/// Something that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The line of the log, from 1; none where it is about a head.
    pub line: Option<usize>,
    /// What.
    #[serde(serialize_with = "in_words")]
    pub flaw: Flaw,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.flaw),
            None => fmt::Display::fmt(&self.flaw, f),
        }
    }
}

fn in_words<S: Serializer>(flaw: &Flaw, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(flaw)
}

/// What can be wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// A line is not what its own hash says.
    #[error(transparent)]
    Line(#[from] BadLine),
    /// The file ends in the middle of a line.
    #[error("the file ends {0} bytes into a record: a loss of power leaves that, and so does a cut")]
    Torn(usize),
    /// There is nothing.
    #[error("there is no record")]
    Empty,
    /// It does not begin as logs do.
    #[error("the log does not begin with the record that opens one of format {FORMAT}")]
    Beginning,
    /// It belongs to another log.
    #[error("the record is of the log {found:?}, this is {expected:?}")]
    OtherLog {
        /// Of this one.
        expected: Text,
        /// Of that one.
        found: Text,
    },
    /// Records are missing before it.
    #[error("record {found} follows record {last}: {} between them are missing", found - last - 1)]
    Missing {
        /// The one before it.
        last: u64,
        /// Its number.
        found: u64,
    },
    /// It is a repetition, or was moved.
    #[error("record {found} follows record {last}: it is not in its place")]
    OutOfPlace {
        /// The one before it.
        last: u64,
        /// Its number.
        found: u64,
    },
    /// It was made to follow another record than the one before it.
    #[error("record {0} does not follow the record before it: one of the two was replaced")]
    Unchained(u64),
    /// It is the answer to no call.
    #[error("record {0} answers no call that was open")]
    Unpaired(u64),
    /// A head that no key known here signed.
    #[error("the head of record {0} is not signed by this key")]
    Signature(u64),
    /// A head of another log.
    #[error("the head of record {0} is of another log")]
    OtherHead(u64),
    /// The log is shorter than it was.
    #[error("a head stands for record {head}, the log ends at record {last}: its end was cut off")]
    Truncated {
        /// What the head stands for.
        head: u64,
        /// Where the log ends.
        last: u64,
    },
    /// The log was made anew.
    #[error("record {0} is another one than its head stands for: it, or one before it, was replaced")]
    Rewritten(u64),
}

/// Reads a log and holds it against itself and against heads that were kept elsewhere, or beside it.
/// Without a key heads count as unsigned.
pub fn verify(log: &[u8], heads: &[SignedHead], key: Option<&PublicKey>) -> Verdict {
    let mut reading = Reading::default();
    let mut lines: Vec<&[u8]> = log.split(|byte| *byte == b'\n').collect();
    let torn = lines.pop().unwrap_or_default();
    for (number, line) in (1..).zip(&lines) {
        reading.line(number, line);
    }
    if !torn.is_empty() {
        reading.found(Some(lines.len() + 1), Flaw::Torn(torn.len()));
    } else if lines.is_empty() {
        reading.found(None, Flaw::Empty);
    }
    for head in heads {
        reading.head(head, key);
    }
    reading.verdict()
}

#[derive(Default)]
struct Reading {
    log: Option<Text>,
    /// The end of what was read; none before the first record and after a line that is none.
    chain: Option<Chain>,
    begun: bool,
    last: u64,
    hashes: BTreeMap<u64, Digest>,
    open: BTreeMap<u64, usize>,
    calls: Calls,
    proven_to: u64,
    findings: Vec<Finding>,
}

impl Reading {
    fn found(&mut self, line: Option<usize>, flaw: Flaw) {
        self.findings.push(Finding { line, flaw });
    }

    fn line(&mut self, number: usize, line: &[u8]) {
        match chain::read(line) {
            Ok(record) => self.record(number, &record),
            Err(bad) => {
                self.found(Some(number), bad.into());
                // Where only its content is wrong, the rest of the chain need not be blamed.
                let stated: Option<Record> = serde_json::from_slice(line).ok();
                self.chain = stated.as_ref().map(Chain::after);
                if let Some(record) = stated {
                    self.entry(number, &record);
                }
                self.begun = true;
            }
        }
    }

    fn record(&mut self, number: usize, record: &Record) {
        let found = record.sequence;
        let opens = matches!(&record.entry, Entry::Opened(opening) if opening.format == FORMAT);
        if opens == self.begun || (!self.begun && (found, record.previous) != (1, Digest::NONE)) {
            self.found(Some(number), Flaw::Beginning);
        }
        match self.log.clone() {
            None => self.log = Some(record.log.clone()),
            Some(expected) if expected != record.log => {
                self.found(Some(number), Flaw::OtherLog { expected, found: record.log.clone() });
            }
            Some(_) => {}
        }
        if let Some(chain) = &self.chain {
            let last = chain.last();
            let flaw = match () {
                () if found <= last => Some(Flaw::OutOfPlace { last, found }),
                () if found > last + 1 => Some(Flaw::Missing { last, found }),
                () if record.previous != chain.hash() => Some(Flaw::Unchained(found)),
                () => None,
            };
            if let Some(flaw) = flaw {
                self.found(Some(number), flaw);
            }
        }
        self.begun = true;
        self.chain = Some(Chain::after(record));
        self.hashes.entry(found).or_insert(record.hash);
        self.last = self.last.max(found);
        self.entry(number, record);
    }

    /// Takes note of calls.
    fn entry(&mut self, number: usize, record: &Record) {
        match &record.entry {
            Entry::Opened(_) | Entry::Writer(_) => {}
            Entry::Before(_) => {
                self.calls.made += 1;
                self.open.insert(record.sequence, number);
            }
            Entry::After(answer) => {
                if self.open.remove(&answer.call).is_none() {
                    self.found(Some(number), Flaw::Unpaired(record.sequence));
                }
                match answer.result {
                    CallResult::Done => self.calls.done += 1,
                    CallResult::Refused => self.calls.refused += 1,
                    CallResult::Unknown => self.calls.unknown += 1,
                    CallResult::NotSent => self.calls.not_sent += 1,
                }
            }
        }
    }

    fn head(&mut self, signed: &SignedHead, key: Option<&PublicKey>) {
        let head = &signed.head;
        let flaw = match self.hashes.get(&head.sequence) {
            _ if !key.is_some_and(|key| signed.is_signed_by(key)) => Flaw::Signature(head.sequence),
            _ if self.log.as_ref().is_some_and(|log| *log != head.log) => Flaw::OtherHead(head.sequence),
            _ if head.sequence > self.last => Flaw::Truncated { head: head.sequence, last: self.last },
            Some(hash) if *hash == head.hash => {
                self.proven_to = self.proven_to.max(head.sequence);
                return;
            }
            _ => Flaw::Rewritten(head.sequence),
        };
        self.found(None, flaw);
    }

    fn verdict(mut self) -> Verdict {
        self.calls.in_doubt = self.open.into_keys().collect();
        Verdict {
            log: self.log,
            records: self.hashes.len() as u64,
            hash: self.hashes.last_key_value().map(|(_, hash)| *hash),
            proven_to: self.proven_to,
            calls: self.calls,
            findings: self.findings,
        }
    }
}
