//! Everything that is known of a cell's instances beside the listing itself.

use std::collections::{BTreeSet, HashMap, HashSet};

use fleetwright_model::{
    AgentFacts, Answers, Cell, Gap, GapSubject, Hardware, Instance, InstanceId, InstanceState, Observed,
    Partial, PatchFacts, Storage, SystemHealth, Text,
};
use fleetwright_patch::Observations;
use fleetwright_ports::Baseline;
use futures::future::{join, join4};

use crate::Ports;
use crate::join::{Facts, by_instance, by_listing, cell_gap};

/// What other calls say about the instances of a cell.
#[derive(Default)]
pub(crate) struct CellFacts {
    agents: Facts<InstanceId, AgentFacts>,
    patches: Facts<InstanceId, PatchFacts>,
    health: Facts<InstanceId, SystemHealth>,
    storage: Facts<InstanceId, Storage>,
    hardware: Facts<Text, Hardware>,
}

impl CellFacts {
    /// Asks for everything at once; pacing is the port's business.
    pub(crate) async fn gather(
        ports: Ports<'_>,
        cell: &Cell<'_>,
        instances: &[Instance],
        gaps: &mut Vec<Gap>,
    ) -> Self {
        if instances.is_empty() {
            return Self::default();
        }
        let machines = ports.machines;
        let ids: Vec<InstanceId> = instances.iter().map(|instance| instance.id.clone()).collect();
        let types: BTreeSet<Text> = instances.iter().map(|instance| instance.instance_type.clone()).collect();
        let types: Vec<Text> = types.into_iter().collect();
        let running: HashSet<&InstanceId> = instances
            .iter()
            .filter(|instance| instance.state == InstanceState::Running)
            .map(|instance| &instance.id)
            .collect();
        let status_checks = async {
            if running.is_empty() {
                return Partial::complete(Vec::new());
            }
            machines.status_checks(cell).await
        };
        let (agents, patches, (health, storage), (hardware, baselines)) = join4(
            machines.agents(cell, &ids),
            machines.patch_states(cell, &ids),
            join(status_checks, machines.storage(cell)),
            join(machines.hardware(cell, &types), machines.baselines(cell)),
        )
        .await;
        let patches = name_baselines(cell, patches, baselines, gaps);
        Self {
            agents: by_instance(cell, GapSubject::Agents, agents, gaps),
            patches: by_instance(cell, GapSubject::PatchStates, patches, gaps),
            health: by_listing(cell, GapSubject::StatusChecks, health, gaps, |found| {
                running.iter().filter(|id| !found.contains_key(**id)).count()
            }),
            storage: by_listing(cell, GapSubject::Volumes, storage, gaps, |found| {
                ids.iter().filter(|id| !found.contains_key(id)).count()
            }),
            hardware: by_listing(cell, GapSubject::InstanceTypes, hardware, gaps, |found| {
                instances.iter().filter(|instance| !found.contains_key(&instance.instance_type)).count()
            }),
        }
    }

    /// The facts of one instance; each can be taken once.
    pub(crate) fn take_for(&mut self, instance: Instance) -> Observations {
        Observations {
            agent: self.agents.take(&instance.id),
            patches: self.patches.take(&instance.id),
            health: match instance.state {
                InstanceState::Running => self.health.take(&instance.id),
                _ => Observed::Absent,
            },
            storage: self.storage.take(&instance.id),
            hardware: self.hardware.share(&instance.instance_type),
            instance,
        }
    }
}

/// Adds the baselines' names to the patch states.
fn name_baselines(
    cell: &Cell<'_>,
    mut states: Answers<PatchFacts>,
    baselines: Partial<Baseline>,
    gaps: &mut Vec<Gap>,
) -> Answers<PatchFacts> {
    let names: HashMap<Text, Text> =
        baselines.items.into_iter().map(|baseline| (baseline.id, baseline.name)).collect();
    for (_, state) in &mut states.found {
        state.baseline_name = names.get(&state.baseline).cloned();
    }
    if let Some(failure) = baselines.failure {
        let unnamed = states.found.iter().filter(|(_, state)| state.baseline_name.is_none()).count();
        gaps.push(cell_gap(cell, GapSubject::PatchBaselines, Some(unnamed), failure));
    }
    states
}
