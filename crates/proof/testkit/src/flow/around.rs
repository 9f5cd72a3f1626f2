//! What goes on around a run, by the clock: outages nobody planned, and calendars that close.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_flow::Span;
use fleetwright_model::{ErrorClass, Failure, Text, code};
use fleetwright_ports::{Clock, Down, Freezes, Outages, Standstill};
use jiff::Timestamp;

/// How long it takes to look.
const LOOK: Duration = Duration::from_secs(2);

/// A member of a shared group that is down although nobody planned it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// What runs call the group.
    pub group: Text,
    /// Who, by the name runs know it by.
    pub member: Text,
    /// When.
    pub span: Span,
}

/// Outages and closed calendars, by the clock.
pub struct Around {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Members that are down.
    pub outages: Vec<Outage>,
    /// When nobody can look for outages.
    pub blind: Vec<Span>,
    /// When nothing may be changed.
    pub closed: Vec<Span>,
}

fn holds(span: &Span, now: Timestamp) -> bool {
    span.from <= now && now < span.until
}

#[async_trait]
impl Outages for Around {
    async fn down(&self, groups: &BTreeSet<Text>) -> BTreeMap<Text, Result<Down, Failure>> {
        self.clock.sleep(LOOK).await;
        let now = self.clock.now();
        let blind = self.blind.iter().any(|span| holds(span, now));
        let look = |group: &Text| {
            if blind {
                return Err(Failure::new(ErrorClass::Transient, &code::UNREACHABLE, "fake:down", "scripted"));
            }
            let of_group = self.outages.iter().filter(|outage| outage.group == *group);
            let now = of_group.filter(|outage| holds(&outage.span, now));
            Ok(Down { members: now.map(|outage| outage.member.clone()).collect(), expected: 0 })
        };
        groups.iter().map(|group| (group.clone(), look(group))).collect()
    }
}

#[async_trait]
impl Freezes for Around {
    async fn standstill(&self) -> Standstill {
        self.clock.sleep(LOOK).await;
        let now = self.clock.now();
        let closed = self.closed.iter().any(|span| holds(span, now));
        let closed = closed.then(|| "scripted: closed".into()).into_iter().collect();
        Standstill { closed, ..Standstill::default() }
    }
}
