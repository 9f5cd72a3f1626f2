//! What is noted while a plan is rehearsed: who is out of service when, and when each stage ran.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use fleetwright_flow::{Record, Run, TargetId};
use fleetwright_report::rehearsal::{Busy, Level};
use jiff::Timestamp;

use crate::staged_run::Onlooker;

/// Looks on while the run is driven.
#[derive(Default)]
pub(super) struct Watch(Mutex<Seen>);

/// What was seen, in seconds from the first record.
#[derive(Default)]
pub(super) struct Seen {
    begin: Option<Timestamp>,
    holders: BTreeSet<TargetId>,
    /// Members out of service, group by group, at each change.
    pub(super) levels: Vec<Vec<Level>>,
    /// When targets of each stage were worked on, first to last.
    pub(super) stages: Vec<Option<Busy>>,
}

impl Watch {
    /// What was seen, once all is over.
    pub(super) fn into_seen(self) -> Seen {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Onlooker for Watch {
    fn recorded(&self, records: &[Record], run: &Run) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for record in records {
            seen.take(record, run);
        }
    }
}

impl Seen {
    fn take(&mut self, record: &Record, run: &Run) {
        let plan = run.plan();
        let begin = *self.begin.get_or_insert(record.at);
        self.levels.resize(plan.groups.len(), Vec::new());
        self.stages.resize(plan.stages.len(), None);
        let second = u64::try_from(record.at.duration_since(begin).as_secs()).unwrap_or_default();
        let Some(target) = record.event.target() else { return };
        let stage = plan.stages.iter().position(|stage| stage.targets.contains(&target.0));
        if let Some(stage) = stage {
            let busy = self.stages[stage].get_or_insert(Busy { from: second, until: second });
            busy.until = second;
        }
        let change = match (run.holds(target), self.holders.contains(&target)) {
            (true, false) => {
                self.holders.insert(target);
                1
            }
            (false, true) => {
                self.holders.remove(&target);
                -1
            }
            _ => return,
        };
        for group in &plan.target(target).groups {
            let levels = &mut self.levels[group.index()];
            let members = levels.last().map_or(0, |level| level.members).saturating_add_signed(change);
            match levels.last_mut() {
                Some(last) if last.second == second => last.members = members,
                _ => levels.push(Level { second, members }),
            }
        }
    }
}
