//! Leaving a run in good order before it is over.

use fleetwright_ports::HandOver;
use jiff::Timestamp;

use crate::dispatcher::Dispatcher;
use crate::error::DriveError;
use crate::lane::later;

impl Dispatcher<'_> {
    /// Whether the visit is so long that nothing more is begun.
    pub(crate) fn is_leaving(&self) -> bool {
        let visit = self.control.visit();
        visit.is_some_and(|visit| self.time.of_clock(visit.leave_by) <= self.time.now())
    }

    /// Whether the process leaves now, and when more falls due, if time brings it.
    ///
    /// It leaves when nothing goes on in its name - no turn, nobody who was sent to look - and nothing falls
    /// due soon. What lanes know beside the record is when to look again; who comes next looks at once.
    pub(crate) fn rests(&self) -> Option<Option<Timestamp>> {
        let visit = self.control.visit()?;
        let goes_on = self.lanes.has_turns() || self.outlook.is_looking() || self.freezes.is_asking();
        if goes_on || !self.reports.is_empty() || !self.ended.is_empty() {
            return None;
        }
        let due = self.due_for_visitors();
        let stays = later(self.time.now(), visit.patience).min(self.time.of_clock(visit.leave_by));
        due.is_none_or(|at| stays < at || self.is_leaving()).then_some(due)
    }

    /// As [`Dispatcher::due`], but that calendars are asked only where an answer can change anything: where
    /// nothing is in flight, whoever comes when more is due asks them first.
    fn due_for_visitors(&self) -> Option<Timestamp> {
        let matters = self.lanes.open_slots() > 0 || self.run.is_frozen();
        match matters {
            true => self.due(),
            false => self.due_but_for_calendars(),
        }
    }

    /// Leaves the run to whoever comes next.
    pub(crate) async fn put_down(&self) -> Result<(), DriveError> {
        let left = HandOver { mail: self.mailbox.read };
        let left = self.ports.journal.put_down(&self.name, self.claim.epoch(), self.durable, &left).await;
        left.map_err(|refusal| DriveError::journal("leaving the run in good order", refusal))
    }
}
