//! Windows in a plan: which host may be changed when, and who has no window that is long enough.

use std::collections::BTreeMap;

use fleetwright_flow::{Span, Window, WindowId};
use fleetwright_model::{Code, Text, code};
use jiff::Timestamp;

use super::roll_out::Waiver;
use crate::inventory::Host;

/// The windows that are known when the plan is made.
#[derive(Clone, Debug, Default)]
pub struct Windows {
    /// By what tags say, the moments they are open, freezes cut out: in order and apart.
    pub spans: BTreeMap<Text, Vec<Span>>,
    /// Seconds at the end of a window's openings in which nothing starts, where there are any.
    pub cutoffs: BTreeMap<Text, u32>,
    /// The window of hosts whose tags name none; without one they may be changed at any time.
    pub default: Option<Text>,
}

/// The windows of a plan in the making.
pub(super) struct Table<'a> {
    known: &'a Windows,
    now: Timestamp,
    used: Vec<Window>,
}

impl<'a> Table<'a> {
    pub(super) fn new(known: &'a Windows, now: Timestamp) -> Self {
        Self { known, now, used: Vec::new() }
    }

    /// The name of a host's window.
    ///
    /// # Errors
    /// The tag names a window that nobody described.
    pub(super) fn name_of(&self, host: &'a Host) -> Result<Option<&'a Text>, &'static Code> {
        let asked = host.labels.maintenance_window.as_ref().or(self.known.default.as_ref());
        match asked {
            Some(name) if !self.known.spans.contains_key(name) => Err(&code::WINDOW_UNKNOWN),
            asked => Ok(asked),
        }
    }

    /// Seconds at the end of each opening in which nothing starts.
    pub(super) fn cutoff_seconds(&self, name: &Text) -> u32 {
        self.known.cutoffs.get(name).copied().unwrap_or(0)
    }

    /// When a host could start first; none where no opening leaves it that long.
    pub(super) fn first_start(&self, name: &Text, reserve_seconds: u32) -> Option<Timestamp> {
        let start = |span: &Span| {
            let from = span.from.max(self.now);
            let left = span.until.as_second().saturating_sub(from.as_second());
            (from < span.until && left >= i64::from(reserve_seconds)).then_some(from)
        };
        self.known.spans.get(name)?.iter().find_map(start)
    }

    /// The window's place in the plan; what is over already is left out of it.
    pub(super) fn id(&mut self, name: &Text) -> WindowId {
        let open = self.known.spans.get(name).into_iter().flatten();
        let open = open.filter(|span| span.until > self.now).copied().collect();
        self.place(Window::new(name.clone(), open))
    }

    /// The place in the plan of what is left of a window, or of all time, before a waiver expires.
    pub(super) fn id_waived(&mut self, name: Option<&Text>, waiver: &Waiver) -> WindowId {
        let of = format!("waiver for {}", waiver.group);
        let name_of_both = name.map_or(of.clone(), |name| format!("{name}, {of}"));
        let over = Some(code::WAIVER_OVER.id.into());
        self.place(Window { over, ..Window::new(name_of_both, self.waived(name, waiver.until)) })
    }

    /// Whether enough is left of a window, or of all time, before a waiver expires.
    pub(super) fn fits_waiver(&self, name: Option<&Text>, until: Timestamp, reserve_seconds: u32) -> bool {
        let length = |span: &Span| span.until.as_second() - span.from.as_second();
        self.waived(name, until).iter().any(|span| length(span) >= i64::from(reserve_seconds))
    }

    /// What is left of a window, or of all time, until then.
    fn waived(&self, name: Option<&Text>, until: Timestamp) -> Vec<Span> {
        let always = [Span { from: self.now, until: Timestamp::MAX }];
        let open = match name {
            None => &always[..],
            Some(name) => self.known.spans.get(name).map_or(&[][..], Vec::as_slice),
        };
        let left =
            open.iter().map(|span| Span { from: span.from.max(self.now), until: span.until.min(until) });
        left.filter(|span| span.from < span.until).collect()
    }

    fn place(&mut self, window: Window) -> WindowId {
        let known = self.used.iter().position(|used| used.name == window.name);
        let index = known.unwrap_or_else(|| {
            self.used.push(window);
            self.used.len() - 1
        });
        WindowId(u16::try_from(index).expect("checked when the plan was begun"))
    }

    pub(super) fn into_list(self) -> Vec<Window> {
        self.used
    }
}
