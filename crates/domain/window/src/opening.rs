//! Windows minus freezes: when something may be changed, and why not at other times.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::freeze::Freeze;
use crate::schedule::{Occurrence, Schedule};
use crate::span::{Span, subtract, union};

/// When something may be changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// When the windows would be open if there were no freezes: in order, apart from each other.
    pub windows: Vec<Span>,
    /// When the windows are open: in order, apart from each other.
    pub open: Vec<Span>,
    /// When something may be started: the same without the cutoffs. A freeze ends a window like its
    /// own end does. Windows that overlap end where the last of them ends.
    pub starts: Vec<Span>,
    /// The longest cutoff of the windows.
    pub cutoff: SignedDuration,
    /// What the freezes took away, in order.
    pub closed: Vec<Closure>,
}

/// A part of a window that a freeze takes away.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Closure {
    /// From when until when the freeze is.
    pub span: Span,
    /// The freeze's name.
    pub freeze: String,
    /// Which part of it: dates, or an event's summary.
    pub what: String,
}

impl fmt::Display for Closure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "closed by freeze {} ({}) from {} to {}",
            self.freeze,
            self.what,
            self.span.from(),
            self.span.until()
        )
    }
}

/// How it stands at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing<'o> {
    /// A window is open, and something may start.
    Open {
        /// When it closes.
        until: Timestamp,
    },
    /// A window is open, and nothing starts in it any more.
    CutOff {
        /// When it closes.
        until: Timestamp,
    },
    /// No window is open.
    Closed {
        /// The freeze, where a window would be open but for it.
        by: Option<&'o Closure>,
        /// When the next opens; `None` where none does within the horizon.
        next: Option<Timestamp>,
    },
}

/// The union of the schedules' windows within a range, minus the freezes.
pub fn open(schedules: &[Schedule], freezes: &[Freeze], range: Span) -> Opening {
    let mut windows: Vec<Occurrence> =
        schedules.iter().flat_map(|schedule| schedule.occurrences(range)).collect();
    windows.sort_unstable();
    let cutoff = schedules.iter().map(Schedule::cutoff).max().unwrap_or_default();
    Opening { cutoff, ..without_freezes(&windows, freezes, range) }
}

/// The range minus the freezes: for what may be changed at any other time.
pub fn always_open(freezes: &[Freeze], range: Span) -> Opening {
    without_freezes(&[Occurrence { span: range, cutoff: SignedDuration::ZERO }], freezes, range)
}

fn without_freezes(windows: &[Occurrence], freezes: &[Freeze], range: Span) -> Opening {
    let all = union(windows.iter().map(|window| window.span));
    // Freezes beyond the range end windows that reach over it, whose cutoffs may lie within.
    let hull = match (all.first(), all.last()) {
        (Some(first), Some(last)) => Span::new(first.from(), last.until()).unwrap_or(range),
        _ => range,
    };
    let mut closed: Vec<Closure> = freezes.iter().flat_map(|freeze| closures(freeze, hull)).collect();
    closed.sort_unstable();
    let frozen = union(closed.iter().map(|closure| closure.span));
    let pieces = |window: &Occurrence| {
        let cutoff = window.cutoff;
        subtract(&[window.span], &frozen).into_iter().map(move |span| Occurrence { span, cutoff })
    };
    let pieces: Vec<Occurrence> = windows.iter().flat_map(pieces).collect();
    let within = |span: Span| span.overlap(range);
    let shown = union(all.iter().filter_map(|span| within(*span)));
    closed.retain(|closure| shown.iter().any(|window| window.overlap(closure.span).is_some()));
    Opening {
        windows: shown,
        open: union(pieces.iter().filter_map(|piece| within(piece.span))),
        starts: union(pieces.iter().filter_map(|piece| within(piece.starts()?))),
        cutoff: SignedDuration::ZERO,
        closed,
    }
}

fn closures(freeze: &Freeze, range: Span) -> impl Iterator<Item = Closure> {
    let name = freeze.name();
    freeze.closed(range).into_iter().map(move |closed| Closure {
        span: closed.span,
        freeze: name.to_owned(),
        what: closed.what,
    })
}

impl Opening {
    /// How it stands at a moment within the range.
    pub fn at(&self, at: Timestamp) -> Standing<'_> {
        let containing = |spans: &[Span]| spans.iter().copied().find(|span| span.contains(at));
        match containing(&self.open) {
            Some(open) if containing(&self.starts).is_some() => Standing::Open { until: open.until() },
            Some(open) => Standing::CutOff { until: open.until() },
            None => Standing::Closed {
                by: containing(&self.windows)
                    .and_then(|_| self.closed.iter().find(|closure| closure.span.contains(at))),
                next: self.open.iter().map(|span| span.from()).find(|from| *from > at),
            },
        }
    }
}
