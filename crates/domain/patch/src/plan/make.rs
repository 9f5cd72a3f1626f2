//! From a scan to a plan: who is worked on, who is not and why, in which order.

use std::collections::BTreeMap;

use fleetwright_flow as flow;
use fleetwright_model::{Code, Gap, InstanceId, LabelKeys, Phase, Text, code};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::draft::{Draft, Drafted};
use super::durations::{Learnt, Reserve, told};
use super::groups::{self, Census};
use super::ordering::{self, Set};
use super::recipes::{Recipes, Shape, Variant};
use super::roll_out::{GroupKind, RollOut, Waiver, WaveRequest};
use super::windows::{self, Windows};
use super::{
    Backup, Before, HostChecks, LeftOut, Parent, PatchPlan, PlannedGap, PlannedHost, PlannedZone, Policy,
    Relation, Scanned, checks, estimate, waves,
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
    /// How the plan goes through the fleet.
    pub roll_out: RollOut,
    /// When hosts may be changed.
    pub windows: Windows,
    /// What steps took at earlier runs: what they usually take, and what must be left of a window.
    pub learnt: Learnt,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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

/// Budgets by what a host is; the kernel takes 16 of a target, and the run, its wave and its sets have
/// theirs as well.
const MOST_BUDGETS: usize = 12;

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A wave would take every member in service of a group out of service at once.
    #[error(
        "{kind} {name}: stage {stage} would take all {members} members in service out of service at once; \
         give it a budget, a smaller wave, or a waiver",
        kind = .kind.as_str()
    )]
    Empties {
        /// What the group is.
        kind: GroupKind,
        /// What it is called.
        name: Text,
        /// The stage.
        stage: Text,
        /// Its members in service.
        members: u32,
    },
    /// Hosts wait for each other.
    #[error("the order cannot be kept: {what}")]
    Order {
        /// What.
        what: String,
    },
    /// More than a plan can hold.
    #[error("{count} {what} are more than one plan can hold ({most}); plan fewer hosts at once")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much.
        count: usize,
        /// The most.
        most: usize,
    },
}

impl Refused {
    /// The code with its page and next step.
    pub fn code(&self) -> &'static Code {
        &code::PLAN_REFUSED
    }
}

/// A host that is worked on, in the making.
pub(super) struct Candidate<'a> {
    pub(super) host: &'a Host,
    pub(super) planned: PlannedHost,
    pub(super) shape: Shape,
    /// The name of its window.
    pub(super) window: Option<&'a Text>,
    /// When it could be changed first.
    pub(super) opens: Timestamp,
    /// What allows it to be touched though nobody can take over: the first of them to expire.
    pub(super) waiver: Option<Waiver>,
    /// Whether an earlier run changed it, and it did not end well.
    pub(super) again: bool,
}

/// Makes the plan. The inventory is expected in its lasting order ([`Inventory::sort`]).
///
/// # Errors
/// [`Refused`]: what is asked for cannot be planned safely.
pub fn make(inventory: &Inventory, request: &PlanRequest) -> Result<PatchPlan, Refused> {
    let census = groups::census(inventory);
    let mut table = windows::Table::new(&request.windows, request.now);
    let mut recipes = Recipes::new(&request.phases, &request.policy, &request.limits, &request.learnt)
        .within(request.windows.reserve, request.windows.lead_seconds);
    let (mut candidates, mut left_out) = (Vec::new(), Vec::new());
    for host in &inventory.hosts {
        let candidate = choose(host, request)
            .map_err(Reasons::from)
            .and_then(|planned| candidate(host, planned, &table, &mut recipes, request))
            .and_then(|candidate| fits(candidate, request, &census));
        match candidate {
            Ok(Some(candidate)) => candidates.push(candidate),
            Ok(None) => {}
            Err(reasons) => left_out.push(leave(host, &reasons)),
        }
    }
    // What an earlier run left in a bad way is down already and stands in others' way; then the least
    // critical first; within that by landing zone, region and id, as the inventory is.
    candidates.sort_by_key(|candidate| (!candidate.again, rank(candidate.host)));
    let changes = request.phases.contains(&Phase::Patch);
    let mut too_short = |candidate: &Candidate<'_>, waiver: &Waiver| {
        changes && !fits_waiver(candidate, waiver, &table, &mut recipes, request)
    };
    let sets = order(inventory, request, &mut candidates, &mut left_out, &mut too_short);
    if changes {
        note_waivers(&sets, &mut candidates);
    }
    let (waves, of) = waves::assign(&candidates, &sets, &request.roll_out, changes);
    let keys = waves::stages(&candidates, &sets, &waves, &of, &request.roll_out).ok_or_else(|| {
        Refused::Order { what: "sets of hosts come after each other in a circle".to_owned() }
    })?;
    for (candidate, key) in candidates.iter().zip(&keys) {
        if key.is_none() {
            left_out.push(leave(candidate.host, &vec![&code::NO_WAVE].into()));
        }
    }
    let mut draft = Draft::new(request, recipes, &census);
    draft.place(candidates, &sets, &waves, keys, &mut table)?;
    draft.count_left_out(inventory, &mut left_out);
    let drafted = draft.finish(table.into_list())?;
    let gaps = inventory.gaps.iter().map(planned_gap).collect();
    Ok(assemble(inventory, request, drafted, left_out, gaps))
}

/// Takes out who cannot be spared, again and again until the sets are what is left.
fn order(
    inventory: &Inventory,
    request: &PlanRequest,
    candidates: &mut Vec<Candidate<'_>>,
    left_out: &mut Vec<LeftOut>,
    too_short: &mut impl FnMut(&Candidate<'_>, &Waiver) -> bool,
) -> Vec<Set> {
    let (sets, mut out) = ordering::resolve(inventory, candidates, &request.roll_out, request.now);
    for set in &sets {
        let Some(waiver) = set.stands_on() else { continue };
        let late = set.members.iter().filter(|member| too_short(&candidates[**member], waiver));
        out.extend(late.map(|member| (*member, &code::WAIVER_TOO_SHORT)));
    }
    if out.is_empty() {
        return sets;
    }
    let mut index = 0;
    candidates.retain(|candidate| {
        let reason = out.get(&index);
        index += 1;
        left_out.extend(reason.map(|reason| leave(candidate.host, &vec![*reason].into())));
        reason.is_none()
    });
    ordering::resolve(inventory, candidates, &request.roll_out, request.now).0
}

/// Whether a host can be through before the waiver that it stands on expires.
fn fits_waiver(
    candidate: &Candidate<'_>,
    waiver: &Waiver,
    table: &windows::Table<'_>,
    recipes: &mut Recipes<'_>,
    request: &PlanRequest,
) -> bool {
    let reserve = recipes.widest(candidate.shape, &variants(request));
    table.fits_waiver(candidate.window, waiver.until, reserve.map_or(0, |reserve| reserve.seconds()))
}

/// Gives each member of a set that cannot spare it the waiver it stands on.
fn note_waivers(sets: &[Set], candidates: &mut [Candidate<'_>]) {
    for set in sets {
        let Some(waiver) = set.stands_on() else { continue };
        for member in &set.members {
            let known = &mut candidates[*member].waiver;
            if known.as_ref().is_none_or(|known| waiver.until < known.until) {
                *known = Some(waiver.clone());
            }
        }
    }
}

/// Why a host is not worked on.
struct Reasons {
    codes: Vec<&'static Code>,
    /// What the codes do not say.
    detail: Option<Text>,
}

impl From<Vec<&'static Code>> for Reasons {
    fn from(codes: Vec<&'static Code>) -> Self {
        Self { codes, detail: None }
    }
}

/// The candidate, with the window it may be changed in; none where the phases have nothing to do.
fn candidate<'a>(
    host: &'a Host,
    planned: PlannedHost,
    table: &windows::Table<'a>,
    recipes: &mut Recipes<'_>,
    request: &PlanRequest,
) -> Result<Option<Candidate<'a>>, Reasons> {
    let shape = Shape::of(&planned);
    let changes = request.phases.contains(&Phase::Patch);
    let window = if changes { table.name_of(host).map_err(|code| vec![code])? } else { None };
    let Some(reserve) = recipes.widest(shape, &variants(request)) else { return Ok(None) };
    let opens = match window {
        None => request.now,
        Some(name) => {
            table.first_start(name, reserve.seconds()).ok_or_else(|| too_short(table, name, &reserve))?
        }
    };
    let again = is_tried_again(host, request);
    Ok(Some(Candidate { host, planned, shape, window, opens, waiver: None, again }))
}

/// Everything waves and sets can make of a recipe in a window: who is in which is not known yet.
fn variants(request: &PlanRequest) -> Vec<Variant> {
    let (waves, sets) = (&request.roll_out.waves, &request.roll_out.ordering);
    let or_none = |seconds: u32| [None, Some(seconds)].into_iter();
    let probe_seconds = sets.iter().filter_map(|set| Some(set.probe.as_ref()?.seconds)).max();
    let probes: Vec<Option<u32>> = probe_seconds.map_or(vec![None], |seconds| or_none(seconds).collect());
    let plain = Variant { windowed: true, ..Variant::default() };
    let of_wave = |wave: &WaveRequest| Variant { operation: wave.operation, reboot: wave.reboot, ..plain };
    let all = std::iter::once(plain).chain(waves.iter().map(of_wave));
    all.flat_map(|variant| probes.iter().map(move |probe| Variant { probe_seconds: *probe, ..variant }))
        .collect()
}

/// "window night is open for 2 h at most; needs 2 h 16 min: patch 1 h 1 min, …".
fn too_short(table: &windows::Table<'_>, name: &Text, reserve: &Reserve) -> Reasons {
    let open = told(table.longest_seconds(name));
    let cutoff = match table.cutoff_seconds(name) {
        0 => String::new(),
        seconds => format!(", the last {} of it for nothing new", told(seconds.into())),
    };
    let detail = format!("window {name} is open for {open} at most{cutoff}; needs {}", reserve.told());
    Reasons { detail: Some(detail.into()), ..vec![&code::WINDOW_TOO_SHORT].into() }
}

/// Whether its groups have room for it at all.
fn fits<'a>(
    candidate: Option<Candidate<'a>>,
    request: &PlanRequest,
    census: &BTreeMap<groups::Identity, Census>,
) -> Result<Option<Candidate<'a>>, Reasons> {
    let Some(candidate) = candidate else { return Ok(None) };
    let budgets = &request.roll_out.budgets;
    if groups::is_exhausted(candidate.host, budgets, census) {
        return Err(vec![&code::GROUP_DOWN].into());
    }
    let budgeted = groups::of_host(candidate.host).filter(|(kind, _)| budgets.of(*kind).is_some()).count();
    if budgeted > MOST_BUDGETS {
        return Err(vec![&code::TOO_MANY_GROUPS].into());
    }
    Ok(Some(candidate))
}

fn assemble(
    inventory: &Inventory,
    request: &PlanRequest,
    drafted: Drafted,
    left_out: Vec<LeftOut>,
    gaps: Vec<PlannedGap>,
) -> PatchPlan {
    let used = |zone: &&PlannedZone| drafted.flow.places.iter().any(|place| place.zone == zone.name);
    let mut plan = PatchPlan {
        format: flow::Plan::FORMAT,
        program: request.program.clone(),
        phases: request.phases.clone(),
        parent: request.parent.clone(),
        scanned: Scanned { started: inventory.started, finished: inventory.finished },
        zones: request.zones.iter().filter(used).cloned().collect(),
        policy: request.policy.clone(),
        flow: drafted.flow,
        work: drafted.work,
        roll_out: drafted.roll_out,
        reserves: drafted.reserves,
        left_out,
        gaps,
        estimate: super::Estimate::default(),
    };
    estimate::lead(&mut plan);
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
        application: host.labels.application.clone(),
        environment: host.labels.application.as_ref().and(host.labels.environment.clone()),
        auto_scaling_group: host.auto_scaling_group().cloned(),
        target_groups: host.target_groups.known().cloned().unwrap_or_default(),
        operation: None,
        reboot: None,
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

fn leave(host: &Host, reasons: &Reasons) -> LeftOut {
    LeftOut {
        id: host.instance.id.clone(),
        name: host.instance.name.clone(),
        zone: host.zone.clone(),
        region: host.region.clone(),
        reasons: reasons.codes.iter().map(|code| code.id.into()).collect(),
        detail: reasons.detail.clone(),
        groups: Vec::new(),
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
pub(super) fn rank(host: &Host) -> u8 {
    match host.labels.criticality {
        Some(Criticality::Low) => 0,
        Some(Criticality::Medium | Criticality::Other(_)) | None => 1,
        Some(Criticality::High) => 2,
        Some(Criticality::Critical) => 3,
    }
}
