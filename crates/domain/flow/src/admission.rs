//! Whether a window has room for what takes long: arithmetic, no clock.

use jiff::{SignedDuration, Timestamp};

use crate::plan::{Span, Window};

/// What a window says to somebody who needs a reserve of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is open, with the reserve left.
    Open {
        /// The first moment with less than the reserve left.
        until: Timestamp,
    },
    /// It is not, or not with the reserve left.
    Closed {
        /// When it opens next.
        until: Timestamp,
    },
    /// It does not open again for as long as that.
    Over,
}

impl Admission {
    /// Whether somebody may start.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Open { .. })
    }

    /// The first moment at which it is otherwise; none where that never comes.
    pub fn turns_at(self) -> Option<Timestamp> {
        match self {
            Self::Open { until } | Self::Closed { until } => Some(until),
            Self::Over => None,
        }
    }
}

impl Window {
    /// What the window says at a moment to somebody who needs `reserve_seconds` of it: it is open while
    /// that much, and no less than its cutoff, is left of a span, the last such moment included.
    pub fn admission(&self, reserve_seconds: u32, at: Timestamp) -> Admission {
        self.admission_ahead(0, reserve_seconds, at)
    }

    /// The same for somebody who may come `lead_seconds` before it opens: to prepare for a span that has
    /// the reserve.
    pub fn admission_ahead(&self, lead_seconds: u32, reserve_seconds: u32, at: Timestamp) -> Admission {
        let reserve_seconds = self.needed_seconds(reserve_seconds);
        let first = self.open.partition_point(|span| last_start(span, reserve_seconds) < at);
        let long = |span: &&Span| span.from <= last_start(span, reserve_seconds);
        let lead = SignedDuration::from_secs(lead_seconds.into());
        let from = |span: &Span| span.from.checked_sub(lead).unwrap_or(Timestamp::MIN);
        match self.open[first..].iter().find(long) {
            None => Admission::Over,
            Some(span) if at < from(span) => Admission::Closed { until: from(span) },
            Some(span) => {
                let after = last_start(span, reserve_seconds).checked_add(INSTANT);
                Admission::Open { until: after.unwrap_or(Timestamp::MAX) }
            }
        }
    }
}

/// The least there is of time; a span's end is not part of it.
const INSTANT: SignedDuration = SignedDuration::from_nanos(1);

fn last_start(span: &Span, reserve_seconds: u32) -> Timestamp {
    let reserve = SignedDuration::from_secs(reserve_seconds.into()).max(INSTANT);
    span.until.checked_sub(reserve).unwrap_or(Timestamp::MIN)
}
