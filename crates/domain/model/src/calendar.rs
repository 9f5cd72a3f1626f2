//! What change calendars say.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Whether changes may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalendarState {
    /// They may.
    Open,
    /// They may not.
    Closed,
}

/// What several change calendars say together: open where all of them are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarAnswer {
    /// What they are now.
    pub state: CalendarState,
    /// When that changes next; none where it never does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}
