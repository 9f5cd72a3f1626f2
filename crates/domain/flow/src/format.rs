//! Reading plans and records of this and other versions.
//!
//! Both carry [`Format`] major.minor: a plan in `format` ([`Plan::FORMAT`]), a journal in its first
//! record, `opened` ([`Record::FORMAT`]). They share their major. A newer minor may have added fields,
//! which are passed over; another major is refused, because what it says would be misread. Samples of
//! every format that was ever written are kept under `testdata/formats` and read by the tests for ever.

use serde::Deserialize;

use crate::check::InvalidPlan;
use crate::plan::{Format, Plan};
use crate::record::{Event, Record};

/// Why a plan or a record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Another major.
    #[error("it has format {found}, and this version reads {}.x", known.major)]
    OtherFormat {
        /// Its format.
        found: Format,
        /// Ours.
        known: Format,
    },
    /// It is no JSON, or not of the shape its format has.
    #[error("it cannot be understood")]
    Malformed(#[source] serde_json::Error),
    /// It is a plan that cannot be walked.
    #[error("it is a plan that cannot be walked")]
    Invalid(#[source] InvalidPlan),
}

impl Format {
    /// Whether this version reads data of the format.
    ///
    /// # Errors
    /// [`Unreadable::OtherFormat`] for another major.
    pub fn check_readable(self) -> Result<(), Unreadable> {
        if self.major == Plan::FORMAT.major {
            Ok(())
        } else {
            Err(Unreadable::OtherFormat { found: self, known: Plan::FORMAT })
        }
    }
}

/// The one field whose place never changes.
#[derive(Deserialize)]
struct Header {
    format: Format,
}

/// Reads a plan and checks that it can be walked.
///
/// # Errors
/// [`Unreadable`]; the format is judged before anything else is looked at.
pub fn read_plan(json: &[u8]) -> Result<Plan, Unreadable> {
    let header: Header = serde_json::from_slice(json).map_err(Unreadable::Malformed)?;
    header.format.check_readable()?;
    let plan: Plan = serde_json::from_slice(json).map_err(Unreadable::Malformed)?;
    plan.check().map_err(Unreadable::Invalid)?;
    Ok(plan)
}

/// Reads a record. An `opened` of another major is refused for that, whatever else is wrong with it.
///
/// # Errors
/// [`Unreadable`].
pub fn read_record(json: &[u8]) -> Result<Record, Unreadable> {
    let record: Record = serde_json::from_slice(json).map_err(|error| {
        let header = serde_json::from_slice::<Header>(json);
        match header.map(|header| header.format.check_readable()) {
            Ok(Err(other)) => other,
            _ => Unreadable::Malformed(error),
        }
    })?;
    if let Event::Opened { format, .. } = &record.event {
        format.check_readable()?;
    }
    Ok(record)
}
