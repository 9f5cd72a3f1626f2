//! Windows in a plan: which host may be changed when, and who has no window that is long enough.

use std::collections::BTreeMap;

use fleetwright_flow::{Admission, Span, Window, WindowId};
use fleetwright_model::{Code, Text, code};
use jiff::Timestamp;

use super::durations::Measure;
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
    /// What is kept of a window for a host that is begun.
    pub reserve: Measure,
    /// Seconds before a window opens from which its hosts are prepared: images, checks. 0 is at any
    /// time. It is longer where preparing all of them takes longer.
    pub lead_seconds: u32,
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
        match self.window(name)?.admission(reserve_seconds, self.now) {
            Admission::Open { .. } => Some(self.now),
            Admission::Closed { until } => Some(until),
            Admission::Over => None,
        }
    }

    /// Seconds that its longest opening lasts from now on; 0 where it has none.
    pub(super) fn longest_seconds(&self, name: &Text) -> u64 {
        let spans = self.known.spans.get(name).into_iter().flatten();
        let lengths = spans.map(|span| span.until.duration_since(span.from.max(self.now)).as_secs());
        lengths.max().and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(0)
    }

    /// A window as the plan has it: what is over already is left out.
    fn window(&self, name: &Text) -> Option<Window> {
        let open = self.known.spans.get(name)?.iter().filter(|span| span.until > self.now).copied();
        let cutoff_seconds = self.cutoff_seconds(name);
        Some(Window { cutoff_seconds, ..Window::new(name.clone(), open.collect()) })
    }

    /// The window's place in the plan.
    pub(super) fn id(&mut self, name: &Text) -> WindowId {
        let window = self.window(name).unwrap_or_else(|| Window::new(name.clone(), Vec::new()));
        self.place(window)
    }

    /// The place in the plan of what is left of a window, or of all time, before a waiver expires.
    pub(super) fn id_waived(&mut self, name: Option<&Text>, waiver: &Waiver) -> WindowId {
        let of = format!("waiver for {}", waiver.group);
        let name_of_both = name.map_or(of.clone(), |name| format!("{name}, {of}"));
        let waived = self.waived(name, waiver.until);
        self.place(Window { name: name_of_both.into(), over: Some(code::WAIVER_OVER.id.into()), ..waived })
    }

    /// Whether enough is left of a window, or of all time, before a waiver expires.
    pub(super) fn fits_waiver(&self, name: Option<&Text>, until: Timestamp, reserve_seconds: u32) -> bool {
        !matches!(self.waived(name, until).admission(reserve_seconds, self.now), Admission::Over)
    }

    /// What is left of a window, or of all time, until then.
    fn waived(&self, name: Option<&Text>, until: Timestamp) -> Window {
        let always = || Window::new("", vec![Span { from: self.now, until: Timestamp::MAX }]);
        let mut window = match name {
            None => always(),
            Some(name) => self.window(name).unwrap_or_else(|| Window::new(name.clone(), Vec::new())),
        };
        let left = window.open.into_iter();
        let left = left.map(|span| Span { from: span.from.max(self.now), until: span.until.min(until) });
        window.open = left.filter(|span| span.from < span.until).collect();
        window
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
