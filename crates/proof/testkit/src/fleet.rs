//! A fleet in memory that answers as the ports promise, and fails where a test says so.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use fleetwright_model::{
    AccountId, AgentFacts, Answer, Answers, Cell, Failure, GapSubject, Hardware, Identity, Instance,
    InstanceId, InstanceState, OrganizationAccount, OrganizationScope, Partial, PatchDetail, PatchFacts,
    PermissionAnswer, Phase, Refusal, Region, RequiredAction, Storage, SystemHealth, Text, Verified, Zone,
};
use fleetwright_ports::{Accounts, Baseline, InstanceQuery, Machines, Rights};
use globset::Glob;

use crate::sample;

/// One account and region.
#[derive(Clone, Debug, Default)]
pub struct FakeCell {
    /// The instances, terminated ones included.
    pub instances: Vec<Instance>,
    /// Agents by instance.
    pub agents: BTreeMap<InstanceId, AgentFacts>,
    /// Patch states by instance.
    pub patches: BTreeMap<InstanceId, PatchFacts>,
    /// Single patches by instance.
    pub patch_details: BTreeMap<InstanceId, Vec<PatchDetail>>,
    /// What fails, and how.
    pub failures: BTreeMap<GapSubject, Failure>,
    /// Agents of these instances cannot be looked up, with the failure.
    pub unreachable_agents: Option<(BTreeSet<InstanceId>, Failure)>,
    /// The listing of instances breaks off after this many.
    pub breaks_off_after: Option<(usize, Failure)>,
    /// Actions that are not allowed.
    pub denied_actions: BTreeSet<&'static str>,
}

impl FakeCell {
    /// Adds a healthy host with agent and patch state.
    #[must_use]
    pub fn with(mut self, instance: Instance) -> Self {
        self.agents.insert(instance.id.clone(), sample::agent());
        self.patches.insert(instance.id.clone(), sample::patch_facts());
        self.instances.push(instance);
        self
    }

    /// Lets one kind of reading fail.
    #[must_use]
    pub fn failing(mut self, subject: GapSubject, failure: Failure) -> Self {
        self.failures.insert(subject, failure);
        self
    }
}

/// The fleet.
#[derive(Clone, Debug, Default)]
pub struct FakeFleet {
    /// The cells.
    pub cells: BTreeMap<(AccountId, Region), FakeCell>,
    /// Accounts that do not let us in.
    pub closed: BTreeMap<AccountId, Failure>,
    /// The accounts of the organisation, and where its listing breaks off.
    pub organization: Vec<OrganizationAccount>,
    /// Why the organisation cannot be listed to its end.
    pub organization_failure: Option<Failure>,
}

impl FakeFleet {
    /// Adds a cell.
    #[must_use]
    pub fn with(mut self, zone: &Zone, region: &str, cell: FakeCell) -> Self {
        self.cells.insert((zone.account.clone(), sample::region(region)), cell);
        self
    }

    fn cell(&self, cell: &Cell<'_>) -> Option<&FakeCell> {
        self.cells.get(&(cell.zone.account.clone(), cell.region.clone()))
    }

    fn instances_of(&self, cell: &Cell<'_>) -> impl Iterator<Item = &Instance> {
        self.cell(cell).into_iter().flat_map(|content| &content.instances)
    }

    fn listing<T>(&self, cell: &Cell<'_>, subject: GapSubject, items: Vec<T>) -> Partial<T> {
        match self.cell(cell).and_then(|content| content.failures.get(&subject)) {
            Some(failure) => Partial::broken_off(Vec::new(), failure.clone()),
            None => Partial::complete(items),
        }
    }
}

fn takes(query: &InstanceQuery, instance: &Instance) -> bool {
    let value_matches = |pattern: &String, value: &str| {
        Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(value))
    };
    let tagged = |(key, values): (&String, &Vec<String>)| {
        instance.tags.get(key.as_str()).is_some_and(|value| values.iter().any(|p| value_matches(p, value)))
    };
    instance.state != InstanceState::Terminated
        && (query.ids.is_empty() || query.ids.contains(&instance.id))
        && (query.states.is_empty() || query.states.contains(&instance.state))
        && query.tags.iter().all(tagged)
}

fn answers<T: Clone>(
    ids: &[InstanceId],
    facts: &BTreeMap<InstanceId, T>,
    failure: Option<&Failure>,
) -> Answers<T> {
    match failure {
        Some(failure) if !ids.is_empty() => {
            Answers { found: Vec::new(), unchecked: vec![(ids.to_vec(), failure.clone())] }
        }
        _ => {
            let found = ids.iter().filter_map(|id| Some((id.clone(), facts.get(id)?.clone())));
            Answers { found: found.collect(), unchecked: Vec::new() }
        }
    }
}

#[async_trait]
impl Machines for FakeFleet {
    async fn enabled_regions(&self, zone: &Zone) -> Result<Vec<Region>, Failure> {
        Ok(self
            .cells
            .keys()
            .filter(|(account, _)| *account == zone.account)
            .map(|(_, r)| r.clone())
            .collect())
    }

    async fn instances(&self, cell: &Cell<'_>, query: &InstanceQuery) -> Partial<Instance> {
        let mut items: Vec<Instance> = self.instances_of(cell).filter(|i| takes(query, i)).cloned().collect();
        if let Some((after, failure)) = self.cell(cell).and_then(|content| content.breaks_off_after.as_ref())
        {
            items.truncate(*after);
            return Partial::broken_off(items, failure.clone());
        }
        self.listing(cell, GapSubject::Instances, items)
    }

    async fn agents(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Answers<AgentFacts> {
        let Some(content) = self.cell(cell) else { return Answers::default() };
        if let Some((unreachable, failure)) = &content.unreachable_agents {
            let (lost, reached): (Vec<_>, Vec<_>) =
                ids.iter().cloned().partition(|id| unreachable.contains(id));
            let mut result = answers(&reached, &content.agents, None);
            // One batch each, as several batches of a real listing may fail for the same reason.
            result.unchecked = lost.into_iter().map(|id| (vec![id], failure.clone())).collect();
            return result;
        }
        answers(ids, &content.agents, content.failures.get(&GapSubject::Agents))
    }

    async fn patch_states(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Answers<PatchFacts> {
        let Some(content) = self.cell(cell) else { return Answers::default() };
        answers(ids, &content.patches, content.failures.get(&GapSubject::PatchStates))
    }

    async fn patches(&self, cell: &Cell<'_>, id: &InstanceId) -> Partial<PatchDetail> {
        let found = self.cell(cell).and_then(|content| content.patch_details.get(id));
        self.listing(cell, GapSubject::PatchStates, found.cloned().unwrap_or_default())
    }

    async fn baselines(&self, cell: &Cell<'_>) -> Partial<Baseline> {
        let baseline =
            Baseline { id: "pb-0123456789abcdef0".into(), name: "AWS-AmazonLinux2023Default".into() };
        self.listing(cell, GapSubject::PatchBaselines, vec![baseline])
    }

    async fn status_checks(&self, cell: &Cell<'_>) -> Partial<(InstanceId, SystemHealth)> {
        let running = self.instances_of(cell).filter(|i| i.state == InstanceState::Running);
        let checks = running.map(|i| (i.id.clone(), sample::healthy())).collect();
        self.listing(cell, GapSubject::StatusChecks, checks)
    }

    async fn storage(&self, cell: &Cell<'_>) -> Partial<(InstanceId, Storage)> {
        let storage = |instance: &Instance| (instance.id.clone(), Storage { volumes: 2, gib: 120 });
        let items = self.instances_of(cell).map(storage).collect();
        self.listing(cell, GapSubject::Volumes, items)
    }

    async fn hardware(&self, cell: &Cell<'_>, types: &[Text]) -> Partial<(Text, Hardware)> {
        let hardware = Hardware {
            memory_mib: 8192,
            vcpus: 2,
            addresses_per_interface: 10,
            network_performance: "Up to 12.5 Gigabit".into(),
        };
        let items = types.iter().map(|name| (name.clone(), hardware.clone())).collect();
        self.listing(cell, GapSubject::InstanceTypes, items)
    }
}

/// The actions the fake asks about.
pub const ACTIONS: &[RequiredAction] = &[
    RequiredAction {
        action: "ec2:DescribeInstances",
        phases: &[Phase::Scan],
        purpose: "list the instances",
        optional: false,
    },
    RequiredAction {
        action: "iam:SimulatePrincipalPolicy",
        phases: &[Phase::Scan],
        purpose: "check permissions",
        optional: true,
    },
];

#[async_trait]
impl Accounts for FakeFleet {
    async fn caller(&self, _profile: Option<&str>) -> Result<Identity, Failure> {
        let account = AccountId::new("999999999999").expect("valid");
        Ok(Identity { account, arn: "arn:aws:iam::999999999999:user/operator".to_owned() })
    }

    async fn enter(&self, zone: &Zone) -> Result<Identity, Failure> {
        match self.closed.get(&zone.account) {
            Some(failure) => Err(failure.clone()),
            None => Ok(Identity {
                account: zone.account.clone(),
                arn: format!("arn:aws:sts::{}:assumed-role/fleetwright/scan", zone.account),
            }),
        }
    }

    async fn organization_accounts(&self, _scope: &OrganizationScope) -> Partial<OrganizationAccount> {
        Partial { items: self.organization.clone(), failure: self.organization_failure.clone() }
    }
}

#[async_trait]
impl Rights for FakeFleet {
    fn required_actions(&self, phases: &[Phase]) -> Vec<RequiredAction> {
        let needed = |action: &&RequiredAction| action.phases.iter().any(|phase| phases.contains(phase));
        ACTIONS.iter().filter(needed).copied().collect()
    }

    async fn reach(&self, zone: &Zone, region: &Region) -> Result<(), Failure> {
        match self.cells.get(&(zone.account.clone(), region.clone())) {
            Some(cell) => {
                cell.failures.get(&GapSubject::Regions).map_or(Ok(()), |failure| Err(failure.clone()))
            }
            None => Ok(()),
        }
    }

    async fn permissions(&self, zone: &Zone, region: &Region, phases: &[Phase]) -> Vec<PermissionAnswer> {
        let content = self.cell(&Cell { zone, region: region.clone() });
        let denied = |action| content.is_some_and(|content| content.denied_actions.contains(action));
        let answer = |required: RequiredAction| PermissionAnswer {
            answer: match denied(required.action) {
                true => Answer::Denied(Refusal::NoAllow),
                false => Answer::Allowed,
            },
            required,
            verified: Verified::Simulation,
        };
        self.required_actions(phases).into_iter().map(answer).collect()
    }
}
