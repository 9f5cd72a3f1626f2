//! The plan as a file: canonical, with a digest, refused when it was edited.

use fleetwright_flow::Format;
use fleetwright_model::canonical::canonical;
use fleetwright_model::{Code, Text, code};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::PatchPlan;

/// A plan with its digest: what is shown, approved and executed are the same bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanDocument {
    plan: PatchPlan,
    digest: Text,
    canonical: Vec<u8>,
}

/// The file's outer form.
#[derive(Serialize, Deserialize)]
struct File<P> {
    digest: Text,
    plan: P,
}

/// Why a file is not a plan that can be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// It cannot be read.
    #[error("not a plan: {cause}")]
    Unreadable {
        /// What is wrong, with line and column where there is one.
        cause: String,
    },
    /// It is of a version this program does not read.
    #[error("the plan has format {found}, this version reads {known}")]
    Format {
        /// Its format.
        found: Format,
        /// What is read.
        known: Format,
    },
    /// Its content is not what its digest says.
    #[error("the plan's content has digest {found}, not {stated}: it was changed after it was made")]
    Changed {
        /// The digest the file states.
        stated: Text,
        /// The digest of its content.
        found: Text,
    },
    /// Its parts contradict each other.
    #[error("the plan contradicts itself: {what}")]
    Inconsistent {
        /// What.
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
    pub fn new(plan: PatchPlan) -> Self {
        let value = serde_json::to_value(&plan).expect("a plan is plain data");
        Self::of(plan, &value)
    }

    /// The document of a plan that was written as `value`. The digest is of what was written: a field
    /// that a later version adds does not change it.
    fn of(plan: PatchPlan, value: &Value) -> Self {
        let canonical = canonical(value);
        let digest = hex(&Sha256::digest(&canonical)).into();
        Self { plan, digest, canonical }
    }

    /// Reads a file back.
    ///
    /// # Errors
    /// [`PlanError`]: not a plan, of another version, edited, or contradicting itself.
    pub fn read(bytes: &[u8]) -> Result<Self, PlanError> {
        let unreadable = |error: serde_json::Error| PlanError::Unreadable { cause: error.to_string() };
        let versioned: File<Versioned> = serde_json::from_slice(bytes).map_err(unreadable)?;
        let (found, known) = (versioned.plan.format, flow_format());
        if found.major != known.major {
            return Err(PlanError::Format { found, known });
        }
        let file: File<Value> = serde_json::from_slice(bytes).map_err(unreadable)?;
        let typed: File<PatchPlan> = serde_json::from_slice(bytes).map_err(unreadable)?;
        let document = Self::of(typed.plan, &file.plan);
        if document.digest != file.digest {
            return Err(PlanError::Changed { stated: file.digest, found: document.digest });
        }
        document.check()?;
        Ok(document)
    }

    /// The file's bytes, for machines and people alike: indented JSON.
    pub fn write(&self) -> Vec<u8> {
        let file = File { digest: self.digest.clone(), plan: &self.plan };
        let mut bytes = serde_json::to_vec_pretty(&file).expect("a plan is plain data");
        bytes.push(b'\n');
        bytes
    }

    /// The plan.
    pub fn plan(&self) -> &PatchPlan {
        &self.plan
    }

    /// The plan, without its document.
    pub fn into_plan(self) -> PatchPlan {
        self.plan
    }

    /// SHA-256 of the canonical form, hexadecimal.
    pub fn digest(&self) -> &Text {
        &self.digest
    }

    /// The bytes the digest is of.
    pub fn canonical(&self) -> &[u8] {
        &self.canonical
    }

    /// What a reader may rely on: one piece of work for each target, and a plan that can be walked.
    fn check(&self) -> Result<(), PlanError> {
        let (targets, work) = (self.plan.flow.targets.len(), self.plan.work.len());
        if targets != work {
            let what = format!("{targets} targets and {work} pieces of work");
            return Err(PlanError::Inconsistent { what });
        }
        self.plan.flow.check().map_err(|error| PlanError::Inconsistent { what: error.to_string() })
    }
}

/// The format this version writes.
fn flow_format() -> Format {
    fleetwright_flow::Plan::FORMAT
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string");
        text
    })
}
