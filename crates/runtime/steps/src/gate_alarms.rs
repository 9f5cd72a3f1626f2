//! The alarms that gates look at.

use fleetwright_flow::PlaceId;
use fleetwright_model::{Failure, Text};
use fleetwright_ports::{Alarm, AlarmState};

use crate::context::Context;

/// What the alarms of a gate say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct AlarmsRead {
    /// In alarm, by name.
    pub(crate) alarming: Vec<Text>,
    /// Those that cannot tell at the moment.
    pub(crate) without_data: Vec<Text>,
    /// Those that exist in no place of the plan.
    pub(crate) nowhere: Vec<Text>,
    /// Why not all of them could be read.
    pub(crate) failure: Option<Failure>,
}

impl AlarmsRead {
    fn take(&mut self, alarm: &Alarm) {
        match alarm.state {
            AlarmState::Ok => {}
            AlarmState::Alarm => self.alarming.push(alarm.name.clone()),
            AlarmState::InsufficientData => self.without_data.push(alarm.name.clone()),
        }
    }
}

/// Reads the alarms in a place. One that the place does not have is looked for in the plan's other
/// places: names are given for the whole run, and an alarm is often in one region only.
pub(crate) async fn read(context: &Context, place: PlaceId, names: &[Text]) -> AlarmsRead {
    let mut read = AlarmsRead::default();
    let mut open: Vec<Text> = names.to_vec();
    for place in std::iter::once(place).chain(others(context, place)) {
        if open.is_empty() {
            break;
        }
        let listing = context.ports().metrics.alarms(&context.cell(place), &open).await;
        listing.items.iter().for_each(|alarm| read.take(alarm));
        open.retain(|name| listing.items.iter().all(|alarm| alarm.name != *name));
        read.failure = read.failure.or(listing.failure);
    }
    // What was not found may be where nobody could look.
    if read.failure.is_none() {
        read.nowhere = open;
    }
    read
}

fn others(context: &Context, place: PlaceId) -> impl Iterator<Item = PlaceId> {
    let count = u16::try_from(context.plan().flow.places.len()).unwrap_or(u16::MAX);
    (0..count).map(PlaceId).filter(move |other| *other != place)
}

/// Names for a sentence.
pub(crate) fn listed(names: &[Text]) -> String {
    names.iter().map(|name| &**name).collect::<Vec<_>>().join(", ")
}
