//! The plan as a file: canonical, with a digest, refused when it was edited.

use std::fmt::Write;

use fleetwright_flow::Format;
use fleetwright_model::canonical::canonical;
use fleetwright_model::{Code, code};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{FORMAT, UpgradePlan, checker};

/// A plan with its digest: what is shown, approved and executed are the same bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanDocument {
    plan: UpgradePlan,
    digest: String,
    canonical: Vec<u8>,
}

/// The file's outer form.
#[derive(Serialize, Deserialize)]
struct File<P> {
    digest: String,
    upgrade: P,
}

/// Why a file is not a plan that can be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// It cannot be read.
    #[error("not a plan of an upgrade: {cause}")]
    Unreadable {
        /// What is wrong, with line and column where there is one.
        cause: String,
    },
    /// It is of a version that this program does not read.
    #[error("the plan has format {found}, this version reads {}", FORMAT)]
    Format {
        /// Its format.
        found: Format,
    },
    /// Its content is not what its digest says.
    #[error("the plan's content has digest {found}, not {stated}: it was changed after it was made")]
    Changed {
        /// The digest that the file states.
        stated: String,
        /// The digest of its content.
        found: String,
    },
    /// It breaks a rule that every plan keeps.
    #[error("the plan breaks a rule: {what}")]
    Inconsistent {
        /// Which, and where.
        what: String,
    },
}

impl PlanError {
    /// The code with its page and next step.
    pub fn code(&self) -> &'static Code {
        match self {
            Self::Unreadable { .. } | Self::Inconsistent { .. } => &code::PLAN_UNREADABLE,
            Self::Format { .. } => &code::PLAN_FORMAT,
            Self::Changed { .. } => &code::PLAN_CHANGED,
        }
    }
}

/// Only the version, which is read before the rest.
#[derive(Deserialize)]
struct Versioned {
    format: Format,
}

impl PlanDocument {
    /// The document of a plan.
    pub fn new(plan: UpgradePlan) -> Self {
        let value = serde_json::to_value(&plan).expect("a plan is plain data");
        Self::of(plan, &value)
    }

    /// The digest is of what was written: a field that a later version adds does not change it.
    fn of(plan: UpgradePlan, value: &Value) -> Self {
        let canonical = canonical(value);
        let digest = Sha256::digest(&canonical).iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a string");
            text
        });
        Self { plan, digest, canonical }
    }

    /// Reads a file back.
    ///
    /// # Errors
    /// [`PlanError`]: not a plan, of another version, edited, or breaking a rule.
    pub fn read(bytes: &[u8]) -> Result<Self, PlanError> {
        let unreadable = |error: serde_json::Error| PlanError::Unreadable { cause: error.to_string() };
        let found = serde_json::from_slice::<File<Versioned>>(bytes).map_err(unreadable)?.upgrade.format;
        if found.major != FORMAT.major {
            return Err(PlanError::Format { found });
        }
        let file: File<Value> = serde_json::from_slice(bytes).map_err(unreadable)?;
        let typed: File<UpgradePlan> = serde_json::from_slice(bytes).map_err(unreadable)?;
        let document = Self::of(typed.upgrade, &file.upgrade);
        if document.digest != file.digest {
            return Err(PlanError::Changed { stated: file.digest, found: document.digest });
        }
        match checker::check(&document.plan).first() {
            Some(violation) => Err(PlanError::Inconsistent { what: violation.to_string() }),
            None => Ok(document),
        }
    }

    /// The file's bytes, for machines and people alike: indented JSON.
    pub fn write(&self) -> Vec<u8> {
        let file = File { digest: self.digest.clone(), upgrade: &self.plan };
        let mut bytes = serde_json::to_vec_pretty(&file).expect("a plan is plain data");
        bytes.push(b'\n');
        bytes
    }

    /// The plan.
    pub fn plan(&self) -> &UpgradePlan {
        &self.plan
    }

    /// SHA-256 of the canonical form, hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The bytes that the digest is of.
    pub fn canonical(&self) -> &[u8] {
        &self.canonical
    }
}
