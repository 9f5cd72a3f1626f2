//! From a scan to a plan: who is worked on, who is not and why, in which order.

use std::collections::BTreeMap;

use fleetwright_flow as flow;
use fleetwright_model::{Code, Gap, InstanceId, LabelKeys, Phase, Text, code};
use jiff::Timestamp;

use super::recipes::{Recipes, Shape};
use super::{
    Backup, Before, HostChecks, LeftOut, Parent, PatchPlan, PlannedGap, PlannedHost, PlannedZone, Policy,
    Relation, Scanned, Work, checks, estimate,
};
use crate::eligibility::{Verdict, Weight};
use crate::inventory::{Host, Inventory};
use crate::labels::Criticality;

/// What is asked of the planner, beside the scan.
#[derive(Clone, Debug)]
pub struct PlanRequest {
    /// The fleetwright that plans.
    pub program: Text,
    /// The phases to carry out.
    pub phases: Vec<Phase>,
    /// How each is carried out.
    pub policy: Policy,
    /// How much at once, for how long, how often.
    pub limits: Limits,
    /// What jitter and ids are drawn from.
    pub seed: u64,
    /// Now.
    pub now: Timestamp,
    /// The run this one continues.
    pub parent: Option<Parent>,
    /// What earlier runs left for single hosts.
    pub earlier: BTreeMap<InstanceId, Earlier>,
    /// The tags that carry checks.
    pub keys: LabelKeys,
    /// Whether hosts that miss nothing are worked on all the same.
    pub include_compliant: bool,
    /// The landing zones, as they were entered.
    pub zones: Vec<PlannedZone>,
}

/// What an earlier run left for one host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Earlier {
    /// Its image.
    pub image: Option<Text>,
    /// Its evidence from before patching.
    pub before: Option<Before>,
}

/// How much at once, for how long, how often.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Images in the making at once in one region of an account.
    pub images_at_once: u32,
    /// Attempts per image.
    pub image_attempts: u16,
    /// Seconds to wait for one image.
    pub image_seconds: u32,
    /// Instances starting at once in one region of an account.
    pub starts_at_once: u32,
    /// Attempts per start.
    pub start_attempts: u16,
    /// Instances rebooting at once in one region of an account.
    pub reboots_at_once: u32,
    /// Hosts out of service at once, over the whole run.
    pub out_of_service: Amount,
    /// From when on a host counts as out of service.
    pub hold: Hold,
    /// Percent of the hosts that may fail before nothing further is started.
    pub failure_percent: f64,
    /// Hosts that may fail, where a number was given; the smaller of both counts.
    pub max_failures: Option<u32>,
    /// False starts nothing further after the first failure.
    pub continue_on_error: bool,
    /// Whether a person approves before anything is changed.
    pub approval: bool,
    /// Seconds each phase may take on one host; what is not named is not limited beyond its steps.
    pub phase_seconds: BTreeMap<Phase, u32>,
}

/// A number of hosts, or a share of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// So many.
    Count(u32),
    /// So many of a hundred.
    Percent(u32),
}

impl Amount {
    /// The number for so many hosts: a share is rounded down, and never less than one.
    pub fn of(self, hosts: u32) -> u32 {
        match self {
            Self::Count(count) => count.max(1),
            Self::Percent(percent) => {
                let share = u64::from(hosts) * u64::from(percent) / 100;
                u32::try_from(share).unwrap_or(u32::MAX).max(1)
            }
        }
    }
}

/// From when on a host counts as out of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// From the installation on.
    Install,
    /// From the reboot on.
    Reboot,
}

/// Makes the plan. The inventory is expected in its lasting order ([`Inventory::sort`]).
pub fn make(inventory: &Inventory, request: &PlanRequest) -> PatchPlan {
    let (mut chosen, mut left_out) = (Vec::new(), Vec::new());
    for host in &inventory.hosts {
        match choose(host, request) {
            Ok(planned) => chosen.push((host, planned)),
            Err(reasons) => left_out.push(leave(host, &reasons)),
        }
    }
    // Least critical first; within that by landing zone, region and id, as the inventory is.
    chosen.sort_by_key(|(host, _)| rank(host));
    let mut draft = Draft::new(request);
    for (host, planned) in chosen {
        draft.add(host, planned);
    }
    let (flow, work) = draft.finish();
    let gaps = inventory.gaps.iter().map(planned_gap).collect();
    assemble(inventory, request, flow, work, left_out, gaps)
}

fn assemble(
    inventory: &Inventory,
    request: &PlanRequest,
    flow: flow::Plan,
    work: Vec<Work>,
    left_out: Vec<LeftOut>,
    gaps: Vec<PlannedGap>,
) -> PatchPlan {
    let used = |zone: &&PlannedZone| flow.places.iter().any(|place| place.zone == zone.name);
    let mut plan = PatchPlan {
        format: flow::Plan::FORMAT,
        program: request.program.clone(),
        phases: request.phases.clone(),
        parent: request.parent.clone(),
        scanned: Scanned { started: inventory.started, finished: inventory.finished },
        zones: request.zones.iter().filter(used).cloned().collect(),
        policy: request.policy.clone(),
        flow,
        work,
        left_out,
        gaps,
        estimate: super::Estimate::default(),
    };
    plan.estimate = estimate::of(&plan);
    plan
}

/// The host as it is planned, or the codes of the reasons why it is not.
fn choose(host: &Host, request: &PlanRequest) -> Result<PlannedHost, Vec<&'static Code>> {
    if !matches!(host.judgement.verdict, Verdict::Eligible | Verdict::AfterStart) {
        let heavy = host.judgement.findings.iter().filter(|finding| finding.weight > Weight::Note);
        return Err(heavy.map(|finding| finding.code).collect());
    }
    let starts = host.judgement.verdict == Verdict::AfterStart;
    if starts && !request.phases.contains(&Phase::Start) && works_inside(&request.phases) {
        return Err(vec![&code::STOPPED_LEFT_ALONE]);
    }
    let spared = !request.include_compliant && !is_tried_again(host, request) && is_compliant(host);
    if request.phases.contains(&Phase::Patch) && spared {
        return Err(vec![&code::NOTHING_TO_INSTALL]);
    }
    let checks = checks::read(&host.instance.tags, &request.keys).map_err(|code| vec![code])?;
    Ok(planned(host, request, checks))
}

/// True where an earlier run changed the host and it did not end well: that it has every patch by now
/// does not prove it healthy.
fn is_tried_again(host: &Host, request: &PlanRequest) -> bool {
    let retries = request.parent.as_ref().is_some_and(|parent| parent.relation == Relation::Retry);
    retries && request.earlier.contains_key(&host.instance.id)
}

/// True where a phase needs the host's operating system to run.
fn works_inside(phases: &[Phase]) -> bool {
    [Phase::Precheck, Phase::Patch, Phase::Validate].iter().any(|phase| phases.contains(phase))
}

/// By a patch state that is not too old, the host has every patch of its baseline and no reboot due.
fn is_compliant(host: &Host) -> bool {
    let old = host.judgement.findings.iter().any(|finding| finding.code == &code::PATCH_STATE_OLD);
    let clean = host.patches.known().is_some_and(|patches| {
        patches.missing == 0 && patches.failed == 0 && patches.installed_pending_reboot == 0
    });
    clean && !old
}

fn planned(host: &Host, request: &PlanRequest, checks: HostChecks) -> PlannedHost {
    let instance = &host.instance;
    let earlier = request.earlier.get(&instance.id);
    PlannedHost {
        id: instance.id.clone(),
        name: instance.name.clone(),
        os: instance.os,
        platform: host.platform.name().into(),
        launch_time: instance.launch_time,
        state: instance.state,
        availability_zone: instance.availability_zone.clone(),
        storage_gib: host.storage.known().map(|storage| storage.gib),
        missing: host.patches.known().map(|patches| patches.missing),
        backup: backup(host, request, earlier),
        checks,
        before: earlier.and_then(|earlier| earlier.before.clone()),
    }
}

fn backup(host: &Host, request: &PlanRequest, earlier: Option<&Earlier>) -> Backup {
    let none = |code: &'static Code| Backup::None { code: code.id.into() };
    if !host.labels.requires_backup {
        return none(&code::BACKUP_WAIVED);
    }
    if !host.instance.root_on_ebs {
        return none(&code::NO_IMAGE_BACKUP);
    }
    match earlier.and_then(|earlier| earlier.image.clone()) {
        Some(image) if !request.phases.contains(&Phase::Backup) => Backup::Existing { image },
        _ if request.phases.contains(&Phase::Backup) => Backup::Make,
        _ => none(&code::BACKUP_SKIPPED),
    }
}

fn leave(host: &Host, reasons: &[&'static Code]) -> LeftOut {
    LeftOut {
        id: host.instance.id.clone(),
        name: host.instance.name.clone(),
        zone: host.zone.clone(),
        region: host.region.clone(),
        reasons: reasons.iter().map(|code| code.id.into()).collect(),
    }
}

fn planned_gap(gap: &Gap) -> PlannedGap {
    PlannedGap {
        zone: gap.zone.clone(),
        region: gap.region.clone(),
        subject: gap.subject,
        code: gap.failure.code.id.into(),
        message: gap.failure.to_string().into(),
    }
}

/// Least critical first; what nobody labelled stands in the middle.
fn rank(host: &Host) -> u8 {
    match host.labels.criticality {
        Some(Criticality::Low) => 0,
        Some(Criticality::Medium | Criticality::Other(_)) | None => 1,
        Some(Criticality::High) => 2,
        Some(Criticality::Critical) => 3,
    }
}

/// The kernel's plan in the making.
struct Draft<'a> {
    request: &'a PlanRequest,
    recipes: Recipes<'a>,
    places: Vec<flow::Place>,
    targets: Vec<flow::Target>,
    work: Vec<Work>,
}

impl<'a> Draft<'a> {
    fn new(request: &'a PlanRequest) -> Self {
        Self {
            request,
            recipes: Recipes::new(&request.phases, &request.policy, &request.limits),
            places: Vec::new(),
            targets: Vec::new(),
            work: Vec::new(),
        }
    }

    fn add(&mut self, host: &Host, planned: PlannedHost) {
        let Some(recipe) = self.recipes.of(Shape::of(&planned)) else { return };
        let place = flow::Place {
            zone: host.zone.clone(),
            account: host.account.clone(),
            region: host.region.clone(),
        };
        let place = self.place(place);
        self.targets.push(flow::Target {
            subject: planned.id.as_str().into(),
            place,
            recipe,
            groups: vec![flow::GroupId(0)],
            after: Vec::new(),
        });
        self.work.push(Work::Host(Box::new(planned)));
    }

    fn place(&mut self, place: flow::Place) -> flow::PlaceId {
        let found = self.places.iter().position(|known| *known == place);
        let index = found.unwrap_or_else(|| {
            self.places.push(place);
            self.places.len() - 1
        });
        flow::PlaceId(u16::try_from(index).expect("fewer than 65,536 regions of accounts"))
    }

    fn finish(mut self) -> (flow::Plan, Vec<Work>) {
        let hosts = u32::try_from(self.targets.len()).expect("fewer than four billion hosts");
        let limits = &self.request.limits;
        let changes = self.request.phases.contains(&Phase::Patch);
        let gate = if limits.approval && changes { flow::Gate::Approval } else { flow::Gate::Open };
        let mut stages = vec![flow::Stage {
            name: "fleet".into(),
            gate,
            targets: 0..hosts,
            max_failures: Some(max_failures(hosts, limits)),
        }];
        if let Some(recipe) = self.recipes.clean_up().filter(|_| hosts > 0) {
            self.add_clean_up(recipe);
            let end = u32::try_from(self.targets.len()).expect("fewer than four billion targets");
            stages.push(flow::Stage {
                name: "clean-up".into(),
                gate: flow::Gate::Open,
                targets: hosts..end,
                max_failures: None,
            });
        }
        let plan = flow::Plan {
            format: flow::Plan::FORMAT,
            seed: self.request.seed,
            created_at: self.request.now,
            places: self.places,
            groups: vec![flow::Group { name: "fleet".into(), capacity: limits.out_of_service.of(hosts) }],
            recipes: self.recipes.into_list(),
            stages,
            targets: self.targets,
        };
        (plan, self.work)
    }

    fn add_clean_up(&mut self, recipe: flow::RecipeId) {
        for (index, place) in self.places.iter().enumerate() {
            self.targets.push(flow::Target {
                subject: format!("{}/{}", place.account, place.region).into(),
                place: flow::PlaceId(u16::try_from(index).expect("checked when the place was added")),
                recipe,
                groups: Vec::new(),
                after: Vec::new(),
            });
            self.work.push(Work::Region);
        }
    }
}

/// Failures that may happen without stopping: a percentage of the hosts, rounded down, or fewer.
fn max_failures(hosts: u32, limits: &Limits) -> u32 {
    if !limits.continue_on_error {
        return 0;
    }
    // Percentages are 0 to 100, so the product fits.
    let share = (f64::from(hosts) * limits.failure_percent / 100.0).floor() as u32;
    limits.max_failures.map_or(share, |most| most.min(share))
}
