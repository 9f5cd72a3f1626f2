//! The event bus that a run tells of what happens.

use std::sync::Arc;

use fleetwright_announce::{Buses, UpgradeEvents};
use fleetwright_config::settings::AgentSettings;
use fleetwright_eks::run::UpgradeRun;
use fleetwright_flow::Place;
use fleetwright_model::code;
use fleetwright_ports::RunId;
use fleetwright_ports::event_rules::BusName;
use serde::{Deserialize, Serialize};

use super::Upgrading;
use crate::args::UpgradeEventArgs;
use crate::failure::CommandError;
use crate::on_record::nobody_approves;
use crate::state::{State, refused};

/// The file of a run that says where its events go.
const EVENTS: &str = "events.json";

/// The event bus that a run tells.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventBus {
    bus: String,
    source: Option<String>,
}

impl EventBus {
    pub(super) fn of(args: &UpgradeEventArgs, usual: &AgentSettings) -> Result<Option<Self>, CommandError> {
        Self::chosen(args.events.as_deref(), args.event_source.as_deref(), usual)
    }

    /// The bus and the source of events that are asked for, or those of the configuration; none where neither
    /// names a bus.
    ///
    /// # Errors
    /// It is no name of a bus, or a source is asked for and no bus is there.
    pub fn chosen(
        bus: Option<&str>,
        source: Option<&str>,
        usual: &AgentSettings,
    ) -> Result<Option<Self>, CommandError> {
        let Some(bus) = bus.or(usual.event_bus.as_deref()) else {
            return match source {
                None => Ok(None),
                Some(source) => {
                    let message = format!(
                        "source of events {source:?}: there is no bus for it; name one as `events`, or in agent.event_bus"
                    );
                    Err(CommandError::new(&code::USAGE, message))
                }
            };
        };
        named(bus)?;
        let source = source.unwrap_or(&usual.event_source).to_owned();
        Ok(Some(Self { bus: bus.to_owned(), source: Some(source) }))
    }

    /// The one that a run was begun with.
    pub(crate) async fn kept(state: &State, run: &RunId) -> Result<Option<Self>, CommandError> {
        let kept = state.artifacts.get(run, EVENTS).await.map_err(|error| refused(&error))?;
        Ok(kept.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    pub(crate) async fn keep(&self, state: &State, run: &RunId) -> Result<(), CommandError> {
        let bytes = serde_json::to_vec(self).expect("a name is plain data");
        state.artifacts.put(run, EVENTS, &bytes).await.map_err(|error| refused(&error))
    }

    pub(crate) fn start(&self, upgrading: &Upgrading, run: &RunId, plan: &Arc<UpgradeRun>) -> UpgradeEvents {
        let aws = upgrading.aws.on_behalf(upgrading.on_record.behalf("events", &nobody_approves()));
        let zone = |place: &Place| upgrading.zones.iter().find(|zone| zone.account == place.account);
        let cells =
            plan.flow.places.iter().filter_map(|place| Some((zone(place)?.clone(), place.region.clone())));
        let buses = Buses {
            events: Arc::new(aws),
            clock: Arc::clone(&upgrading.clock),
            bus: named(&self.bus).unwrap_or_else(|_| BusName::default()),
            source: self.source.clone(),
            cells: cells.collect(),
        };
        UpgradeEvents::start(run.as_str(), Arc::clone(plan), buses)
    }
}

fn named(bus: &str) -> Result<BusName, CommandError> {
    bus.parse().map_err(|odd| CommandError::new(&code::USAGE, format!("event bus {bus:?}: {odd}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual(event_bus: Option<&str>) -> AgentSettings {
        AgentSettings { event_bus: event_bus.map(str::to_owned), event_source: "the.usual".to_owned() }
    }

    fn chosen(
        bus: Option<&str>,
        source: Option<&str>,
        usual: &AgentSettings,
    ) -> Option<(String, Option<String>)> {
        EventBus::chosen(bus, source, usual).unwrap().map(|it| (it.bus, it.source))
    }

    #[test]
    fn what_is_asked_for_lies_over_the_configuration() {
        assert_eq!(chosen(None, None, &usual(None)), None);
        let told = |bus: &str, source: &str| Some((bus.to_owned(), Some(source.to_owned())));
        assert_eq!(chosen(None, None, &usual(Some("ours"))), told("ours", "the.usual"));
        assert_eq!(
            chosen(Some("default"), Some("a.source"), &usual(Some("ours"))),
            told("default", "a.source")
        );
        assert_eq!(chosen(None, Some("a.source"), &usual(Some("ours"))), told("ours", "a.source"));
    }

    #[test]
    fn a_source_without_a_bus_is_refused() {
        let refused =
            EventBus::chosen(None, Some("a.source"), &usual(None)).expect_err("nothing has that source");
        assert_eq!(refused.code.id, code::USAGE.id);
        assert!(refused.to_string().contains("a.source"), "{refused}");
    }
}
