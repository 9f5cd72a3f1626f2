//! Calendars that close in the middle of a run.

use std::time::Duration;

use fleetwright_flow::{Event, Record, Signal};
use fleetwright_model::Text;
use fleetwright_ports::{Announced, Standstill};
use futures::FutureExt;
use jiff::Timestamp;

use crate::dispatcher::Dispatcher;
use crate::error::DriveError;
use crate::surroundings::{Lookout, Surroundings};

/// How often calendars are asked.
const EVERY: Duration = Duration::from_secs(60);

/// In whose name the driver freezes and thaws: what a person froze, no calendar thaws.
const BY: &str = "change calendars";

/// What calendars say, and have announced.
pub(crate) type Seen = Standstill;

/// Asks the calendars from now on, where there are any.
pub(crate) fn lookout(around: &Surroundings, now: Timestamp) -> Lookout<Seen> {
    Lookout::new(around.freezes.clone(), EVERY, now, |port| async move { port.standstill().await }.boxed())
}

/// Who froze the run, as far as it is frozen, and when it will be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frozen {
    by: Option<Text>,
    closes: Option<Announced>,
}

impl Frozen {
    pub(crate) fn of(records: &[Record]) -> Self {
        let mut frozen = Self::default();
        records.iter().for_each(|record| frozen.note(&record.event));
        frozen
    }

    /// Takes note of a decision that was recorded. A person's freeze stays one whatever calendars do.
    pub(crate) fn note(&mut self, event: &Event) {
        match event {
            Event::Signalled { signal: Signal::Freeze, by, .. } => self.by = Some(by.clone()),
            Event::Signalled { signal: Signal::Thaw, .. } => self.by = None,
            _ => {}
        }
    }
}

impl Dispatcher<'_> {
    /// Nothing is changed before the calendars were asked once.
    pub(crate) async fn take_first_look(&mut self) -> Result<(), DriveError> {
        match self.freezes.first(self.time.now()).await {
            Some(standstill) => self.take_calendars(standstill),
            None => Ok(()),
        }
    }

    /// What was heard of what goes on around the run.
    pub(crate) async fn take_surroundings(&mut self) -> Result<(), DriveError> {
        let now = self.time.now();
        // What was announced holds from its first moment on, however long the next answer takes.
        if let Some(closing) = self.frozen.closes.take_if(|closing| closing.at <= now) {
            self.take_closed(&[closing.why])?;
        }
        if let Some(seen) = self.freezes.look(now) {
            self.take_calendars(seen)?;
        }
        self.take_outages().await?;
        self.take_others().await
    }

    fn take_calendars(&mut self, seen: Seen) -> Result<(), DriveError> {
        let Standstill { mut closed, closes, changes_at } = seen;
        let now = self.time.now();
        if let Some(at) = changes_at.filter(|at| *at > now) {
            self.freezes.look_by(at);
        }
        // Whose clock is right does not matter: a closing that is due here is one.
        closed.extend(closes.iter().filter(|closing| closing.at <= now).map(|closing| closing.why.clone()));
        self.frozen.closes = closes.filter(|closing| closing.at > now);
        self.take_closed(&closed)
    }

    fn take_closed(&mut self, closed: &[Text]) -> Result<(), DriveError> {
        let thaws = self.frozen.by.as_deref() == Some(BY);
        let (signal, reason) = match closed.is_empty() {
            true if self.run.is_frozen() && thaws => (Signal::Thaw, None),
            false if !self.run.is_frozen() => (Signal::Freeze, Some(reason(closed))),
            _ => return Ok(()),
        };
        let event = Event::Signalled { signal, by: BY.into(), basis: None, reason, mail: None };
        self.record(event)
    }
}

/// All reasons in one line of bounded length.
fn reason(closed: &[Text]) -> Text {
    /// Reasons told in full.
    const TOLD: usize = 5;
    let mut words = closed.iter().take(TOLD).map(|why| &**why).collect::<Vec<_>>().join("; ");
    if closed.len() > TOLD {
        words.push_str(&format!("; and {} more", closed.len() - TOLD));
    }
    words.into()
}
