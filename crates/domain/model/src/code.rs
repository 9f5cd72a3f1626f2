//! Codes: every error, gap and eligibility reason has one, with a page under `docs/errors/`.
//!
//! The catalogue is one table per area; `xtask generate` turns it into the pages, and the tests
//! below keep ids unique and in order. An id is never reused.

mod access;
mod approval;
mod audit;
mod backup;
mod cluster;
mod configuration;
mod definition;
mod eligibility;
mod event;
mod function;
mod general;
mod host;
mod maintenance;
mod notification;
mod parameter;
mod run;
mod scan;
mod stack;
mod step_functions;

pub use access::*;
pub use approval::*;
pub use audit::*;
pub use backup::*;
pub use cluster::*;
pub use configuration::*;
pub use definition::*;
pub use eligibility::*;
pub use event::*;
pub use function::*;
pub use general::*;
pub use host::*;
pub use maintenance::*;
pub use notification::*;
pub use parameter::*;
pub use run::*;
pub use scan::*;
pub use stack::*;
pub use step_functions::*;

use serde::{Serialize, Serializer};

/// Exit codes of the binary (REQUIREMENTS OP-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exit {
    /// Everything was done.
    Success = 0,
    /// A fault of fleetwright itself.
    Internal = 1,
    /// The command line is wrong.
    Usage = 2,
    /// A configuration or inventory file is wrong.
    Configuration = 10,
    /// No usable credentials.
    Authentication = 11,
    /// An endpoint cannot be reached.
    Connectivity = 12,
    /// A permission or quota is missing.
    Resource = 13,
    /// Time ran out.
    Timeout = 14,
    /// Something checked turned out to be wrong.
    Validation = 15,
    /// A part was done; the rest is named.
    Partial = 20,
    /// There was nothing to do.
    Nothing = 21,
    /// Stopped by a threshold, a rejection or an abort.
    Halted = 22,
    /// A person is needed.
    Stuck = 23,
    /// Interrupted; can be resumed.
    Interrupted = 130,
}

impl Exit {
    /// Every exit code.
    pub const ALL: [Self; 14] = [
        Self::Success,
        Self::Internal,
        Self::Usage,
        Self::Configuration,
        Self::Authentication,
        Self::Connectivity,
        Self::Resource,
        Self::Timeout,
        Self::Validation,
        Self::Partial,
        Self::Nothing,
        Self::Halted,
        Self::Stuck,
        Self::Interrupted,
    ];

    /// The number the process exits with.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// What it means, in a few words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Internal => "internal error",
            Self::Usage => "wrong command line",
            Self::Configuration => "wrong configuration or inventory",
            Self::Authentication => "no usable credentials",
            Self::Connectivity => "endpoint unreachable",
            Self::Resource => "missing permission or quota",
            Self::Timeout => "time ran out",
            Self::Validation => "validation failed",
            Self::Partial => "partial success",
            Self::Nothing => "nothing to do",
            Self::Halted => "halted by threshold, rejection or abort",
            Self::Stuck => "stuck: a person is needed",
            Self::Interrupted => "interrupted, resumable",
        }
    }
}

/// One entry of the catalogue.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// `FW-` and a letter for the area with four digits, e.g. `FW-C0003`.
    pub id: &'static str,
    /// A few words.
    pub title: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What to do next.
    pub next_step: &'static str,
    /// The exit code of a command that ends because of it; `None` for notes about an instance.
    pub exit: Option<Exit>,
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id)
    }
}

/// Every area's list.
const AREAS: [&[&Code]; 19] = [
    access::ALL,
    approval::ALL,
    audit::ALL,
    backup::ALL,
    cluster::ALL,
    configuration::ALL,
    definition::ALL,
    eligibility::ALL,
    event::ALL,
    function::ALL,
    general::ALL,
    host::ALL,
    maintenance::ALL,
    notification::ALL,
    parameter::ALL,
    run::ALL,
    scan::ALL,
    stack::ALL,
    step_functions::ALL,
];

/// The whole catalogue, by area.
pub fn catalogue() -> impl Iterator<Item = &'static Code> {
    AREAS.into_iter().flatten().copied()
}

/// The entry with this id.
pub fn find(id: &str) -> Option<&'static Code> {
    catalogue().find(|code| code.id.eq_ignore_ascii_case(id))
}

/// Declares the codes of one area and the list of them.
macro_rules! codes {
    ($($name:ident = $id:literal, $exit:expr, $title:literal, $meaning:literal, $next:literal;)+) => {
        $(
            #[doc = $title]
            pub static $name: Code =
                Code { id: $id, title: $title, meaning: $meaning, next_step: $next, exit: $exit };
        )+
        /// The codes of this area, in order.
        pub(super) static ALL: &[&Code] = &[$(&$name),+];
    };
}
pub(crate) use codes;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_well_formed() {
        let mut seen = BTreeSet::new();
        for code in catalogue() {
            let rest = code.id.strip_prefix("FW-").expect("starts with FW-");
            assert_eq!(rest.len(), 5, "{}", code.id);
            assert!(rest.as_bytes()[0].is_ascii_uppercase(), "{}", code.id);
            assert!(rest[1..].bytes().all(|b| b.is_ascii_digit()), "{}", code.id);
            assert!(seen.insert(code.id), "{} twice", code.id);
        }
    }

    #[test]
    fn each_area_is_in_order_and_every_code_says_what_to_do() {
        for area in AREAS {
            assert!(area.windows(2).all(|pair| pair[0].id < pair[1].id));
            for code in area {
                assert!(
                    !code.title.is_empty() && !code.meaning.is_empty() && !code.next_step.is_empty(),
                    "{}",
                    code.id
                );
            }
        }
    }

    #[test]
    fn a_code_is_found_whatever_its_case() {
        assert_eq!(find("fw-c0003").map(|code| code.id), Some("FW-C0003"));
        assert_eq!(find("FW-Z9999"), None);
    }
}
