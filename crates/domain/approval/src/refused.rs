//! Why a token, or who brings it, is refused.

use fleetwright_model::{Code, code};

/// Why nothing is decided. The words never repeat what was handed in: it may be anybody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refused {
    /// It is no token of this version, to the letter.
    #[error("the link is not whole: it was cut off, changed, or made by another version")]
    Malformed,
    /// The key it names is not, or no longer, in the keyring.
    #[error("the link was signed with a key that is not in use any more")]
    UnknownKey,
    /// What it says is not what was signed.
    #[error("the link's signature does not match its content")]
    Forged,
    /// Its time is over.
    #[error("the link has expired")]
    Expired,
    /// It is of another run.
    #[error("the link is for another run")]
    OtherRun,
    /// It is of another stage.
    #[error("the link is for another stage of the run, or the stage waits for no decision")]
    OtherStage,
    /// It does not allow this decision.
    #[error("the link does not allow this decision")]
    OtherAudience,
    /// The plan, or what went before the gate, is not what the link was made for.
    #[error("the link was made for another state of the run: the plan or what went before has changed")]
    OtherBasis,
    /// A decision was taken with it already.
    #[error("the link was used already")]
    Spent,
    /// The approver is unknown, or the passphrase is not theirs. One reason for both: which names exist
    /// is nobody's business.
    #[error("the name and passphrase do not match")]
    Unauthenticated,
    /// Too many wrong passphrases.
    #[error("too many wrong passphrases: wait and try again")]
    TooManyAttempts,
}

impl Refused {
    /// The code with its page and next step.
    pub fn code(self) -> &'static Code {
        match self {
            Self::Malformed => &code::LINK_MALFORMED,
            Self::UnknownKey => &code::LINK_KEY_UNKNOWN,
            Self::Forged => &code::LINK_FORGED,
            Self::Expired => &code::LINK_EXPIRED,
            Self::OtherRun => &code::LINK_OTHER_RUN,
            Self::OtherStage => &code::LINK_OTHER_STAGE,
            Self::OtherAudience => &code::LINK_OTHER_DECISION,
            Self::OtherBasis => &code::APPROVAL_VOID,
            Self::Spent => &code::LINK_SPENT,
            Self::Unauthenticated => &code::APPROVER_UNKNOWN,
            Self::TooManyAttempts => &code::APPROVER_BRAKED,
        }
    }
}
