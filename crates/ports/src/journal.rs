//! The durable record of runs, and the files they leave behind.

mod keys;
mod standing;

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use fleetwright_flow::{Epoch, Record, Sequence, Signal};
use fleetwright_model::{Code, InvalidId, Text, code};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use fleetwright_journal::{HandOver, Letter, Mail};
pub use keys::check_key;
pub use standing::{Standing, is_spent};

/// The name of a run: `run-20261101T020000Z-4f1a`. Sorts by time; a good name of a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(Text);

impl RunId {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunId {
    type Err = InvalidId;

    /// Takes 1 to 64 lower- and upper-case letters, digits and hyphens, a letter first: safe as a
    /// file name, a tag value and a part of an image's name.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let valid = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && text.starts_with(|c: char| c.is_ascii_alphabetic());
        if valid {
            Ok(Self(text.into()))
        } else {
            Err(InvalidId {
                value: text.chars().take(80).collect(),
                expected: "the name of a run (1 to 64 letters, digits and hyphens, a letter first)",
            })
        }
    }
}

impl TryFrom<String> for RunId {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> String {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Why the journal could not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// A living process owns the run.
    #[error("{owner} is driving this run")]
    Owned {
        /// Who.
        owner: Text,
    },
    /// Another process has taken the run over: whoever reads this must stop at once.
    #[error("another process has taken the run over (epoch {newer} after {ours})")]
    Fenced {
        /// The epoch of the caller.
        ours: u32,
        /// The epoch of the journal.
        newer: u32,
    },
    /// The records do not follow the last one.
    #[error("the journal ends at record {last}, not at {expected}")]
    OutOfSequence {
        /// The last record there.
        last: u64,
        /// What the caller took for the last.
        expected: u64,
    },
    /// No run of that name.
    #[error("there is no run {run} in {place}")]
    NoSuchRun {
        /// The name.
        run: Text,
        /// Where it was looked for.
        place: Text,
    },
    /// There is a run of that name.
    #[error("there is a run {run} already")]
    RunExists {
        /// The name.
        run: Text,
    },
    /// The storage is full.
    #[error("{place} is full: {cause}")]
    Full {
        /// Where.
        place: Text,
        /// In the system's words.
        cause: Text,
    },
    /// The storage may not be written or read.
    #[error("{place} cannot be used: {cause}")]
    Refused {
        /// Where.
        place: Text,
        /// In the system's words.
        cause: Text,
    },
    /// The journal is of a version this program does not read.
    #[error("{place} has format {found}, this version reads {known}")]
    Format {
        /// Where.
        place: Text,
        /// Its format.
        found: Text,
        /// What is read.
        known: Text,
    },
    /// Anything else the storage said.
    #[error("{place}: {cause}")]
    Storage {
        /// Where.
        place: Text,
        /// In the system's words.
        cause: Text,
    },
}

impl JournalError {
    /// The code with its page, next step and exit code.
    pub fn code(&self) -> &'static Code {
        match self {
            Self::Owned { .. } => &code::RUN_OWNED,
            Self::Fenced { .. } | Self::OutOfSequence { .. } => &code::RUN_TAKEN,
            Self::NoSuchRun { .. } => &code::NO_SUCH_RUN,
            Self::Format { .. } => &code::PLAN_FORMAT,
            Self::RunExists { .. } | Self::Full { .. } | Self::Refused { .. } | Self::Storage { .. } => {
                &code::STATE_UNUSABLE
            }
        }
    }
}

/// Damage found while loading. What comes before it is whole and usable; nothing is guessed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The last record that is whole.
    pub last_good: Sequence,
    /// What is wrong after it, for people.
    pub what: Text,
}

/// A run as the journal has it.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadedRun {
    /// The plan document, byte for byte as it was stored.
    pub plan: Vec<u8>,
    /// Every whole record, in order.
    pub records: Vec<Record>,
    /// What is wrong with the rest, if anything is.
    pub damage: Option<Damage>,
}

/// One line of the list of runs.
#[derive(Clone, Debug, PartialEq)]
pub struct RunEntry {
    /// Its name.
    pub run: RunId,
    /// When it was created.
    pub created_at: Timestamp,
    /// The last record, where there is one and it can be read.
    pub last: Option<Record>,
    /// The living process that drives it, if one does.
    pub driven_by: Option<Text>,
}

/// What became of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It is in the mailbox, under this number.
    Taken(u64),
    /// A letter with its mark is there already; the mailbox is as it was.
    Spent,
}

/// Holding a run: until it is dropped, no other process of this machine can claim the run. What
/// survives the process is the epoch: appends of an older one are refused.
pub trait Claim: Send + Sync {
    /// The epoch this claim writes under.
    fn epoch(&self) -> Epoch;

    /// Where the owner before left the run in good order ([`Journal::put_down`]): what it left. This
    /// claim then goes on under that owner's epoch, and nothing that was begun under it is in doubt.
    fn hand_over(&self) -> Option<&HandOver> {
        None
    }
}

/// The durable record. Appends are conditional on epoch and sequence and durable when they return.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Makes a run with its plan document, without records.
    ///
    /// # Errors
    /// [`JournalError::RunExists`], or the storage refuses.
    async fn create(&self, run: &RunId, plan: &[u8], at: Timestamp) -> Result<(), JournalError>;

    /// Takes a run over under a new epoch, as `owner`.
    ///
    /// # Errors
    /// [`JournalError::Owned`] while its owner lives.
    async fn claim(&self, run: &RunId, owner: &str) -> Result<Box<dyn Claim>, JournalError>;

    /// Appends records, all or none, in one durable commit. The first must follow `after`.
    ///
    /// No records at all are admitted or refused as any would be, and change nothing: who is admitted has
    /// proven that the run was still its own a moment ago, and that nobody has written to it since.
    ///
    /// # Errors
    /// [`JournalError::Fenced`] or [`JournalError::OutOfSequence`] where another process was quicker;
    /// nothing is then written.
    async fn append(
        &self,
        run: &RunId,
        epoch: Epoch,
        after: Sequence,
        records: &[Record],
    ) -> Result<(), JournalError>;

    /// Says that the owner leaves the run in good order: everything it did is on record up to `last`,
    /// nothing goes on in its name, and it will never write again. Whoever claims the run next goes on
    /// under the same epoch ([`Claim::hand_over`]), once. The claim is to be dropped after that.
    ///
    /// A journal may forget it, as this default does: the next claim then is of a new epoch, and what is
    /// in flight in doubt.
    ///
    /// # Errors
    /// As [`Journal::append`].
    async fn put_down(
        &self,
        _run: &RunId,
        _epoch: Epoch,
        _last: Sequence,
        _left: &HandOver,
    ) -> Result<(), JournalError> {
        Ok(())
    }

    /// The plan and every whole record.
    ///
    /// # Errors
    /// No such run, a format this version does not read, or a plan document that is damaged.
    async fn load(&self, run: &RunId) -> Result<LoadedRun, JournalError>;

    /// Records after that one, for those who follow a run another process drives.
    ///
    /// # Errors
    /// As [`Journal::load`].
    async fn since(&self, run: &RunId, after: Sequence) -> Result<Vec<Record>, JournalError>;

    /// Every run, newest first.
    ///
    /// # Errors
    /// The storage cannot be listed.
    async fn runs(&self) -> Result<Vec<RunEntry>, JournalError>;

    /// Leaves a decision for whoever drives the run. Looking for its mark ([`Letter::once`]) and
    /// putting it into the mailbox are one: of letters with the same mark, left at the same moment by
    /// whomever, one is taken. Durable when it returns.
    ///
    /// # Errors
    /// No such run, or the storage refuses.
    async fn deliver(&self, run: &RunId, letter: Letter) -> Result<Delivery, JournalError>;

    /// Leaves a decision that may be taken any number of times, about whatever the run is then;
    /// answers with its number.
    ///
    /// # Errors
    /// As [`Journal::deliver`].
    async fn post(
        &self,
        run: &RunId,
        at: Timestamp,
        signal: Signal,
        by: &str,
        reason: Option<&str>,
    ) -> Result<u64, JournalError> {
        let (by, reason) = (by.into(), reason.map(Text::from));
        let letter = Letter { at, signal, by, reason, basis: None, once: None };
        match self.deliver(run, letter).await? {
            Delivery::Taken(number) => Ok(number),
            Delivery::Spent => {
                let cause = "a letter without a mark was taken for one that was there already".into();
                Err(JournalError::Storage { place: run.as_str().into(), cause })
            }
        }
    }

    /// Decisions after that number, oldest first.
    ///
    /// # Errors
    /// As [`Journal::load`].
    async fn mail(&self, run: &RunId, after: u64) -> Result<Vec<Mail>, JournalError>;
}

/// Files a run leaves behind: evidence, outputs. Keys are relative paths of safe segments, e.g.
/// `pre/account-111122223333/region-eu-central-1/linux/i-0abc/stdout.txt`.
#[async_trait]
pub trait Artifacts: Send + Sync {
    /// Writes a file whole or not at all; one that is there is replaced. It is durable no later than
    /// the next append to the journal it lies beside.
    ///
    /// # Errors
    /// The key is not of safe segments, or the storage refuses.
    async fn put(&self, run: &RunId, key: &str, bytes: &[u8]) -> Result<(), JournalError>;

    /// Reads a file; none where there is none.
    ///
    /// # Errors
    /// As [`Artifacts::put`].
    async fn get(&self, run: &RunId, key: &str) -> Result<Option<Vec<u8>>, JournalError>;

    /// The keys that begin so, sorted.
    ///
    /// # Errors
    /// The storage cannot be listed.
    async fn list(&self, run: &RunId, prefix: &str) -> Result<Vec<String>, JournalError>;
}
