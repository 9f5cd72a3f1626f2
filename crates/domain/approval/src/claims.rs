//! What a token says.

use std::fmt;
use std::str::FromStr;

use fleetwright_model::Text;
use jiff::Timestamp;

use crate::keyring::KeyId;
use crate::refused::Refused;

/// Bytes of a run's name at most, as the journal allows them.
const LONGEST_RUN: usize = 64;

/// Bytes of an approver's name at most.
const LONGEST_NAME: usize = 128;

/// Hexadecimal digits of the plan's digest in a basis.
const DIGEST_DIGITS: usize = 16;

/// A decision that a link can be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// The stage may go past its gate.
    Approve,
    /// The stage is not to be changed.
    Reject,
}

impl Decision {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Approve, Self::Reject];

    /// Its name: `approve` or `reject`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
        }
    }

    fn bit(self) -> u8 {
        match self {
            Self::Approve => 1,
            Self::Reject => 2,
        }
    }
}

impl FromStr for Decision {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        Self::ALL.into_iter().find(|decision| decision.as_str() == text).ok_or(Refused::OtherAudience)
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The decisions a link allows: one or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decisions(u8);

impl Decisions {
    /// Either.
    pub const BOTH: Self = Self(3);

    /// This one and no other.
    pub fn only(decision: Decision) -> Self {
        Self(decision.bit())
    }

    /// Whether that one is allowed.
    pub fn allow(self, decision: Decision) -> bool {
        self.0 & decision.bit() != 0
    }

    pub(crate) fn from_bits(bits: u8) -> Option<Self> {
        matches!(bits, 1..=3).then_some(Self(bits))
    }

    pub(crate) fn bits(self) -> u8 {
        self.0
    }
}

/// What makes a token different from all others.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nonce(pub [u8; 16]);

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Nonce({self})")
    }
}

/// What a token says; made with [`Claims::new`], so that it can always be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    run: Text,
    stage: u16,
    decisions: Decisions,
    basis: Text,
    approver: Text,
    expires_at: Timestamp,
    nonce: Nonce,
}

/// Why something cannot be said in a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClaims {
    /// Not the name of a run.
    #[error("{0:?} is not the name of a run (1 to 64 letters, digits and hyphens, a letter first)")]
    Run(String),
    /// Not a basis.
    #[error("{0:?} is not a basis (16 hexadecimal digits of the plan's digest, a hyphen, a record's number)")]
    Basis(String),
    /// Not a name of a person.
    #[error("{0:?} is not an approver's name (1 to 128 bytes, no control characters, no space at its ends)")]
    Approver(String),
    /// A time that a token cannot carry.
    #[error("{0} cannot be the expiry of a link: it must be a whole second from 1970 on")]
    Expiry(Timestamp),
}

/// What a decision is taken about: the gate that waits now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected<'a> {
    /// The run.
    pub run: &'a str,
    /// The stage that waits for a decision, by its place in the plan.
    pub stage: u16,
    /// The decision.
    pub decision: Decision,
    /// What it rests on now, as the kernel tells it (`Run::basis`).
    pub basis: &'a str,
}

impl Claims {
    /// Claims about the gate of the stage in that place of the run's plan. A basis is the beginning of the
    /// plan's digest and the number of the record that the gate was reached with. The expiry must be
    /// whole seconds.
    ///
    /// # Errors
    /// The first part that cannot be said in a token.
    pub fn new(
        run: &str,
        stage: u16,
        decisions: Decisions,
        basis: &str,
        approver: &str,
        expires_at: Timestamp,
        nonce: Nonce,
    ) -> Result<Self, InvalidClaims> {
        if !is_run(run) {
            return Err(InvalidClaims::Run(run.to_owned()));
        }
        if !is_basis(basis) {
            return Err(InvalidClaims::Basis(basis.to_owned()));
        }
        if !is_name(approver) {
            return Err(InvalidClaims::Approver(approver.to_owned()));
        }
        if expires_at.subsec_nanosecond() != 0 || expires_at < Timestamp::UNIX_EPOCH {
            return Err(InvalidClaims::Expiry(expires_at));
        }
        let (run, basis, approver) = (run.into(), basis.into(), approver.into());
        Ok(Self { run, stage, decisions, basis, approver, expires_at, nonce })
    }

    /// The run.
    pub fn run(&self) -> &Text {
        &self.run
    }

    /// The stage's place in the plan.
    pub fn stage(&self) -> u16 {
        self.stage
    }

    /// What may be decided.
    pub fn decisions(&self) -> Decisions {
        self.decisions
    }

    /// What the decision rests on.
    pub fn basis(&self) -> &Text {
        &self.basis
    }

    /// Who may decide.
    pub fn approver(&self) -> &Text {
        &self.approver
    }

    /// The first moment at which the token is worth nothing.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// What makes it different from all others.
    pub fn nonce(&self) -> Nonce {
        self.nonce
    }

    /// The mark under which a decision taken with the token is kept; one decision carries it, ever.
    pub fn mark(&self, key: &KeyId) -> Text {
        format!("{key}:{}", self.nonce).into()
    }

    /// Whether the token is for this decision.
    ///
    /// # Errors
    /// It is of another run, stage, decision or basis: the first of these.
    pub fn admit(&self, expected: &Expected<'_>) -> Result<(), Refused> {
        if *self.run != *expected.run {
            Err(Refused::OtherRun)
        } else if self.stage != expected.stage {
            Err(Refused::OtherStage)
        } else if !self.decisions.allow(expected.decision) {
            Err(Refused::OtherAudience)
        } else if *self.basis != *expected.basis {
            Err(Refused::OtherBasis)
        } else {
            Ok(())
        }
    }
}

fn is_run(text: &str) -> bool {
    (1..=LONGEST_RUN).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
}

fn is_basis(text: &str) -> bool {
    let Some((digest, number)) = text.split_once('-') else { return false };
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    digest.len() == DIGEST_DIGITS
        && digest.bytes().all(digit)
        && number.parse::<u64>().is_ok_and(|value| value.to_string() == number)
}

pub(crate) fn is_name(text: &str) -> bool {
    (1..=LONGEST_NAME).contains(&text.len()) && text.trim() == text && !text.chars().any(char::is_control)
}
