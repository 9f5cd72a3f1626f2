//! What an embedder of an estate sees of EventBridge: the events that were put, and what reached nobody.

use serde::Serialize;

use crate::estate::Estate;
use crate::functions;
use crate::world::Region;
use crate::world::events::{PutEvent, Undelivered};
use crate::world::functions::Queued;

/// Events of an account or of all, each list in the order of the moments and then of accounts and regions.
#[derive(Clone, Debug, Default, Serialize)]
pub struct EventRecords {
    /// What was put or came due, with the rules that it matched.
    pub events: Vec<PutEvent>,
    /// What did not reach a target, and why.
    pub undelivered: Vec<Undelivered>,
}

impl Estate {
    /// The events of one account, or of all, up to now.
    ///
    /// `None` where there is no such account.
    #[must_use]
    pub fn events(&self, account: Option<&str>) -> Option<EventRecords> {
        self.with_world(|world| {
            if account.is_some_and(|id| !world.accounts.contains_key(id)) {
                return None;
            }
            let chosen =
                world.accounts.iter().filter(|(id, _)| account.is_none_or(|wanted| wanted == id.as_str()));
            let mut records = EventRecords::default();
            for region in chosen.flat_map(|(_, account)| account.regions.values()) {
                records.events.extend(region.events.put.iter().cloned());
                records.undelivered.extend(region.events.undelivered.iter().cloned());
            }
            records.events.sort_by_key(|it| it.at);
            records.undelivered.sort_by_key(|it| it.at);
            Some(records)
        })
    }

    /// Makes an event bus of an account; false where the account is not worked in there.
    pub fn create_event_bus(&self, account: &str, region: &str, name: &str) -> bool {
        let made = self.in_region(account, region, |region| {
            region.events.buses.entry(name.to_owned()).or_default();
        });
        made.is_some()
    }

    /// What is to run now that a call has been answered, for which nobody waits.
    pub(crate) fn run_queued(&self, account: &str, region: &str, queued: Vec<Queued>) {
        for Queued { started, otherwise } in queued {
            if functions::run_event_of(self, started) {
                continue;
            }
            let reason = "the estate was given nothing to run functions with".to_owned();
            self.in_region(account, region, |region| {
                region.events.undelivered.push(Undelivered { reason, ..otherwise });
            });
        }
    }

    fn in_region<T>(&self, account: &str, region: &str, work: impl FnOnce(&mut Region) -> T) -> Option<T> {
        let mut inside = self.lock();
        let region = inside.world.accounts.get_mut(account)?.regions.get_mut(region)?;
        Some(work(region))
    }
}
