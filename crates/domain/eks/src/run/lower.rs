//! Plans made into targets of the kernel.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_flow::{
    ApprovalRule, Gate, Place, PlaceId, Plan, Recipe, RecipeId, Stage, StageId, Target, TargetId, Window,
    WindowId,
};
use fleetwright_kubernetes::Hop;
use fleetwright_model::{Text, ZoneName};
use jiff::Timestamp;

use super::{Asked, Purpose, RunCluster, Task, UpgradeRun, Work, recipes};
use crate::plan::{Action, PlanDocument, PlanStep, Standing, StepId, UpgradePlan};

/// A cluster that is to be upgraded.
pub struct Member<'a> {
    /// Its plan, as it was shown.
    pub document: &'a PlanDocument,
    /// The landing zone of its account.
    pub zone: ZoneName,
    /// When it may be changed; none is at any time.
    pub window: Option<Window>,
}

/// Clusters that are upgraded together, before the next ring.
pub struct Ring<'a> {
    /// What people call it; empty for a run of one cluster. Untrusted text.
    pub name: String,
    /// Its clusters. Those of the oldest version, whose support ends first, are begun first; of one version, in this order.
    pub members: Vec<Member<'a>>,
    /// Clusters that are worked on at once; at least 1.
    pub at_once: usize,
    /// Seconds for which the ring proves itself before the next begins.
    pub soak_seconds: u32,
}

/// What a run is made from.
pub struct RunRequest<'a> {
    /// The rings, in order.
    pub rings: &'a [Ring<'a>],
    /// Who decides at gates, and until when.
    pub approval: Option<ApprovalRule>,
    /// The program.
    pub program: &'a str,
    /// Now.
    pub at: Timestamp,
    /// What back-off jitter is drawn from.
    pub seed: u64,
}

/// Why a plan is not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRun {
    /// There is no cluster.
    #[error("no cluster is to be upgraded")]
    Nothing,
    /// Something blocks.
    #[error("cluster {cluster}: its plan has findings that block; do what they ask for and plan again")]
    Blocked {
        /// The cluster. Untrusted text.
        cluster: String,
    },
    /// Checks that may block could not look.
    #[error(
        "cluster {cluster}: checks that may block could not look when it was planned; give the rights that are missing, or accept each with a reason, and plan again"
    )]
    Undecided {
        /// The cluster. Untrusted text.
        cluster: String,
    },
    /// A step replaces instances, and no version of the group's launch template has an image for it.
    #[error(
        "cluster {cluster}: step {step} has no version of a launch template to make instances from; make one with an image of that version, and plan again"
    )]
    NoTemplate {
        /// The cluster. Untrusted text.
        cluster: String,
        /// The step.
        step: StepId,
    },
    /// A cluster stands in it twice.
    #[error("cluster {cluster} of account {account} stands in the run twice")]
    Twice {
        /// The cluster. Untrusted text.
        cluster: String,
        /// Its account.
        account: String,
    },
    /// The plan knows no way back over the hop.
    #[error("the plan has no way back over {hop}")]
    NoWayBack {
        /// The hop.
        hop: Hop,
    },
    /// More than the kernel walks.
    #[error("the run has {0}, more than can be walked")]
    TooLarge(&'static str),
}

/// The run that carries out these plans.
///
/// A run of one cluster asks where its plan asks. A run of several asks before each ring, and names what the plans of
/// the ring would ask.
///
/// # Errors
/// [`NotRun`]: a plan that is not to be carried out, or that this version cannot carry out.
pub fn upgrade(request: &RunRequest<'_>) -> Result<UpgradeRun, NotRun> {
    let members: Vec<&Member<'_>> = request.rings.iter().flat_map(|ring| &ring.members).collect();
    if members.is_empty() {
        return Err(NotRun::Nothing);
    }
    let mut seen = BTreeSet::new();
    for member in &members {
        let plan = member.document.plan();
        executable(plan)?;
        if !seen.insert((&plan.cluster.account, &plan.cluster.region, &plan.cluster.name)) {
            let (cluster, account) = (plan.cluster.name.clone(), plan.cluster.account.to_string());
            return Err(NotRun::Twice { cluster, account });
        }
    }
    let mut draft = Draft::new(request);
    match members.as_slice() {
        [only] => draft.one(only),
        _ => request.rings.iter().for_each(|ring| draft.ring(ring)),
    }
    draft.finish(request, Purpose::Upgrade)
}

/// The run that takes a hop of another run back, for one of its clusters.
///
/// # Errors
/// [`NotRun`]: the plan knows no way back over the hop.
pub fn way_back(request: &RunRequest<'_>, of: &str, hop: Hop) -> Result<UpgradeRun, NotRun> {
    let mut members = request.rings.iter().flat_map(|ring| &ring.members);
    let member = members.next().ok_or(NotRun::Nothing)?;
    let plan = member.document.plan();
    let back = plan.rollbacks.iter().find(|back| back.hop == hop).ok_or(NotRun::NoWayBack { hop })?;
    templates(plan, &back.steps)?;
    let mut draft = Draft::new(request);
    let cluster = draft.cluster(member, "");
    let about = vec![
        format!("the control plane goes back from {} to {}", hop.to, hop.from),
        "nodes and add-ons that the older version does not serve go back before it".to_owned(),
        "what was written to etcd since, and versions in which objects are stored, are not taken back"
            .to_owned(),
    ];
    draft.begin(format!("back to {}", hop.from), Some(about));
    let baseline = draft.baseline(cluster, Vec::new());
    let task = |id: &StepId| Task::Back { hop, id: id.clone() };
    draft.steps(cluster, &back.steps, &task, &[baseline], Leading::Behind);
    draft.end();
    draft.finish(request, Purpose::WayBack { of: of.to_owned(), hop })
}

fn executable(plan: &UpgradePlan) -> Result<(), NotRun> {
    let cluster = || plan.cluster.name.clone();
    match plan.standing() {
        Standing::Executable => templates(plan, &plan.steps),
        Standing::Blocked => Err(NotRun::Blocked { cluster: cluster() }),
        Standing::Undecided => Err(NotRun::Undecided { cluster: cluster() }),
    }
}

/// Every refresh of instances has something to launch.
fn templates(plan: &UpgradePlan, steps: &[PlanStep]) -> Result<(), NotRun> {
    let without = |step: &&PlanStep| matches!(step.action, Action::SelfManagedNodes { template: None, .. });
    steps.iter().find(without).map_or(Ok(()), |step| {
        Err(NotRun::NoTemplate { cluster: plan.cluster.name.clone(), step: step.id.clone() })
    })
}

/// Where looks that lead up to an approval stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leading {
    /// Ahead of the gate: people decide when they are known.
    Ahead,
    /// Behind it.
    Behind,
}

/// A run in the making.
struct Draft {
    clusters: Vec<RunCluster>,
    flow: Plan,
    work: Vec<Work>,
    asked: Vec<Asked>,
    rule: Option<ApprovalRule>,
    /// Where each cluster is, and its window.
    places: Vec<(PlaceId, Option<WindowId>)>,
}

impl Draft {
    fn new(request: &RunRequest<'_>) -> Self {
        let flow = Plan {
            format: Plan::FORMAT,
            seed: request.seed,
            created_at: request.at,
            places: Vec::new(),
            groups: Vec::new(),
            windows: Vec::new(),
            recipes: Vec::new(),
            stages: Vec::new(),
            targets: Vec::new(),
        };
        let rule = request.approval.clone();
        Self { clusters: Vec::new(), flow, work: Vec::new(), asked: Vec::new(), rule, places: Vec::new() }
    }

    fn cluster(&mut self, member: &Member<'_>, ring: &str) -> u16 {
        let plan = member.document.plan();
        let place = Place {
            zone: member.zone.clone(),
            account: plan.cluster.account.clone(),
            region: plan.cluster.region.clone(),
        };
        let place = position(&mut self.flow.places, place);
        let window = member.window.clone().map(|window| WindowId(position(&mut self.flow.windows, window)));
        self.places.push((PlaceId(place), window));
        self.clusters.push(RunCluster {
            ring: ring.to_owned(),
            digest: member.document.digest().to_string(),
            plan: plan.clone(),
        });
        narrow(self.clusters.len() - 1)
    }

    /// A cluster on its own: a stage for each of its approvals, the looks that lead up to it ahead of the gate.
    fn one(&mut self, member: &Member<'_>) {
        let cluster = self.cluster(member, "");
        let steps = &member.document.plan().steps;
        let mut done = Done::default();
        let mut baseline = None;
        let mut rest = steps.as_slice();
        while !rest.is_empty() {
            let (ahead, approval) = leading(rest);
            let behind = ahead + usize::from(approval.is_some());
            let next =
                (behind..rest.len()).find(|at| leading(&rest[*at..]).1.is_some()).unwrap_or(rest.len());
            self.begin(stage_name(&rest[..next]), approval.map(<[String]>::to_vec));
            let place = if approval.is_some() { Leading::Ahead } else { Leading::Behind };
            self.add(cluster, &rest[..ahead], &forward, &mut done, &[], place);
            let first = *baseline.get_or_insert_with(|| {
                let ahead = done.last(&rest[..ahead]);
                self.baseline(cluster, ahead)
            });
            self.add(cluster, &rest[ahead..next], &forward, &mut done, &[first], Leading::Behind);
            self.end();
            rest = &rest[next..];
        }
    }

    /// Clusters of a ring, each behind the one whose room it takes, and then the time in which they prove themselves.
    fn ring(&mut self, ring: &Ring<'_>) {
        let mut about = Vec::new();
        for member in &ring.members {
            let plan = member.document.plan();
            let asks = plan.steps.iter().filter_map(|step| match &step.action {
                Action::Approval { about } => Some(about),
                _ => None,
            });
            let name = &plan.cluster.name;
            about.extend(asks.flatten().map(|line| format!("cluster {name}: {line}")));
        }
        self.begin(format!("ring {}", ring.name), Some(about));
        let mut lanes: Vec<Vec<TargetId>> =
            vec![Vec::new(); ring.at_once.clamp(1, ring.members.len().max(1))];
        let mut members = Vec::new();
        let mut order: Vec<&Member<'_>> = ring.members.iter().collect();
        // The oldest version is the first whose support ends and that costs more.
        order.sort_by_key(|member| member.document.plan().cluster.version);
        for (number, member) in order.into_iter().enumerate() {
            let lane = number % lanes.len();
            let cluster = self.cluster(member, &ring.name);
            let steps = &member.document.plan().steps;
            let baseline = self.baseline(cluster, lanes[lane].clone());
            lanes[lane] = self.steps(cluster, steps, &forward, &[baseline], Leading::Behind);
            members.push(cluster);
        }
        self.end();
        if ring.soak_seconds > 0 {
            self.begin(format!("soak {}", ring.name), None);
            let recipe = self.recipe(recipes::of_soak(ring.soak_seconds));
            for cluster in members {
                let task = Task::Soak { seconds: ring.soak_seconds };
                self.target(cluster, "soak", task, recipe, Vec::new());
            }
            self.end();
        }
    }

    /// A stage; with `about` people decide at its gate.
    fn begin(&mut self, name: String, about: Option<Vec<String>>) {
        let stage = StageId(narrow(self.flow.stages.len()));
        let from = self.flow.targets.len() as u32;
        let mut row = Stage { max_failures: Some(0), ..Stage::new(name, from..from) };
        if let Some(about) = about {
            row.gate = Gate::Approval;
            row.approval.clone_from(&self.rule);
            self.asked.push(Asked { stage, about });
        }
        self.flow.stages.push(row);
    }

    fn end(&mut self) {
        let until = self.flow.targets.len() as u32;
        if let Some(stage) = self.flow.stages.last_mut() {
            stage.targets.end = until;
        }
    }

    fn baseline(&mut self, cluster: u16, after: Vec<TargetId>) -> TargetId {
        let recipe = self.recipe(recipes::of_baseline());
        self.target(cluster, "baseline", Task::Baseline, recipe, after)
    }

    /// All of these steps; answers with the targets that nobody of them waits for.
    fn steps(
        &mut self,
        cluster: u16,
        steps: &[PlanStep],
        task: &dyn Fn(&StepId) -> Task,
        first: &[TargetId],
        leading: Leading,
    ) -> Vec<TargetId> {
        let mut done = Done::default();
        self.add(cluster, steps, task, &mut done, first, leading);
        done.last(steps)
    }

    /// A target for each step that is work. What waits for nothing here waits for `first`.
    fn add(
        &mut self,
        cluster: u16,
        steps: &[PlanStep],
        task: &dyn Fn(&StepId) -> Task,
        done: &mut Done,
        first: &[TargetId],
        leading: Leading,
    ) {
        for step in steps {
            let mut after: BTreeSet<TargetId> = step.needs.iter().flat_map(|need| done.of(need)).collect();
            let Some(mut recipe) = recipes::of_step(step) else {
                done.0.insert(step.id.clone(), after.into_iter().collect());
                continue;
            };
            // What was there before the first of them was handed in is no reason to begin before it.
            if after.iter().all(|before| first.iter().all(|first| before < first)) {
                after.extend(first);
            }
            if leading == Leading::Ahead {
                recipe.steps.iter_mut().for_each(|step| step.ahead_of_gate = true);
            }
            let recipe = self.recipe(recipe);
            let target =
                self.target(cluster, step.id.as_str(), task(&step.id), recipe, after.into_iter().collect());
            done.0.insert(step.id.clone(), vec![target]);
        }
    }

    fn recipe(&mut self, recipe: Recipe) -> RecipeId {
        RecipeId(position(&mut self.flow.recipes, recipe))
    }

    fn target(
        &mut self,
        cluster: u16,
        name: &str,
        task: Task,
        recipe: RecipeId,
        after: Vec<TargetId>,
    ) -> TargetId {
        let (place, window) = self.places[usize::from(cluster)];
        let subject = format!("{}/{name}", self.clusters[usize::from(cluster)].plan.cluster.name);
        let changes = self.flow.recipes[recipe.index()].steps.iter().any(|step| step.in_window);
        self.flow.targets.push(Target {
            after,
            window: window.filter(|_| changes),
            ..Target::new(Text::from(subject), place, recipe)
        });
        self.work.push(Work { cluster, task });
        TargetId(self.flow.targets.len() as u32 - 1)
    }

    fn finish(self, request: &RunRequest<'_>, purpose: Purpose) -> Result<UpgradeRun, NotRun> {
        let most = usize::from(u16::MAX);
        let counts = [
            (self.clusters.len(), "clusters"),
            (self.flow.recipes.len(), "recipes"),
            (self.flow.stages.len(), "stages"),
        ];
        if let Some((_, what)) = counts.into_iter().find(|(count, _)| *count > most) {
            return Err(NotRun::TooLarge(what));
        }
        Ok(UpgradeRun {
            format: UpgradeRun::FORMAT,
            program: request.program.to_owned(),
            made_at: request.at,
            purpose,
            clusters: self.clusters,
            flow: self.flow,
            work: self.work,
            asked: self.asked,
        })
    }
}

fn forward(id: &StepId) -> Task {
    Task::Step { id: id.clone() }
}

/// The targets that stand for steps: those of an approval are the ones it waited for.
#[derive(Default)]
struct Done(BTreeMap<StepId, Vec<TargetId>>);

impl Done {
    fn of(&self, step: &StepId) -> Vec<TargetId> {
        self.0.get(step).cloned().unwrap_or_default()
    }

    /// The targets of these steps that none of them waits for.
    fn last(&self, steps: &[PlanStep]) -> Vec<TargetId> {
        let needed: BTreeSet<&StepId> = steps.iter().flat_map(|step| &step.needs).collect();
        let last = steps.iter().filter(|step| !needed.contains(&step.id));
        last.flat_map(|step| self.of(&step.id)).collect()
    }
}

/// How many looks these steps begin with, and what the approval behind them is about, where one is.
fn leading(steps: &[PlanStep]) -> (usize, Option<&[String]>) {
    let is_look =
        |step: &PlanStep| matches!(step.action, Action::RefreshInsights { .. } | Action::Gate { .. });
    let looks = steps.iter().take_while(|step| is_look(step)).count();
    match steps.get(looks).map(|step| &step.action) {
        Some(Action::Approval { about }) => (looks, Some(about)),
        _ => (0, None),
    }
}

/// What a stage does, by the hops that are in it.
fn stage_name(steps: &[PlanStep]) -> String {
    let hops: Vec<String> = steps
        .iter()
        .filter_map(|step| match &step.action {
            Action::ControlPlane { from, to } => Some(format!("{from} → {to}")),
            _ => None,
        })
        .collect();
    match hops.as_slice() {
        [] => "nodes".to_owned(),
        hops => hops.join(", "),
    }
}

/// Where something stands in a list, added where it is new.
fn position<T: PartialEq>(list: &mut Vec<T>, wanted: T) -> u16 {
    let found = list.iter().position(|there| *there == wanted);
    narrow(found.unwrap_or_else(|| {
        list.push(wanted);
        list.len() - 1
    }))
}

/// Lists that grow beyond this are refused when the run is finished.
fn narrow(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}
