//! The windows and freezes a fleet is worked on by, and what the tag of a host means among them.

use std::collections::BTreeMap;

use crate::fault::Fault;
use crate::freeze::Freeze;
use crate::opening::{Opening, open};
use crate::schedule::Schedule;
use crate::span::Span;
use crate::tag::WindowTag;

/// The windows by their names, and the freezes, which hold for all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calendar {
    /// Schedules by the name of their window, which is open whenever one of them is.
    pub windows: BTreeMap<String, Vec<Schedule>>,
    /// When nothing is changed.
    pub freezes: Vec<Freeze>,
}

/// Why the tag of a host does not lead to a window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// It names a window that nobody described.
    #[error("there is no window {0}")]
    Unknown(String),
    /// It is neither a name nor a schedule.
    #[error("not a window, {0}")]
    Faulty(#[from] Fault),
}

impl Calendar {
    /// When a host with this window tag may be changed within a range.
    ///
    /// # Errors
    /// The tag leads to no window; such a host must not be changed, because nobody knows when.
    pub fn opening(&self, tag: &str, range: Span) -> Result<Opening, Unresolved> {
        match WindowTag::parse(tag)? {
            WindowTag::Named(name) => match self.windows.get(&name) {
                Some(schedules) => Ok(open(schedules, &self.freezes, range)),
                None => Err(Unresolved::Unknown(name)),
            },
            WindowTag::Inline(schedule) => Ok(open(&[schedule], &self.freezes, range)),
        }
    }
}
