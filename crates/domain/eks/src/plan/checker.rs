//! What every plan keeps, derived from the document alone: it shares no code with what makes plans.
//!
//! Source: SAFETY I14 - control plane before nodes, one minor at a time, nodes never newer than the control plane, add-ons
//! within their skew; and nothing that cannot be taken back without somebody having been asked.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use fleetwright_kubernetes::{Minor, Skew, version::skew};
use serde_json::Value;

use super::step::{Action, Call, PlanStep, Reversibility, StepId};
use super::{LeftAlone, UpgradePlan};
use crate::facts::addons::addon_minor;

/// A rule that a plan breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The step at which it is broken; none where it is the plan as a whole.
    pub step: Option<StepId>,
    /// The rule, and how it is broken. Untrusted names may be in it.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.step {
            Some(step) => write!(f, "{step}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// Every rule that a plan breaks; none where it keeps all of them.
pub fn check(plan: &UpgradePlan) -> Vec<Violation> {
    let mut walk = Walk {
        control_plane: plan.cluster.version,
        kubelets: first_kubelets(&plan.steps),
        asked: BTreeMap::new(),
        gated: BTreeMap::new(),
        violations: Vec::new(),
    };
    for step in &plan.steps {
        walk.order(step);
        walk.step(step);
        walk.calls(step);
    }
    walk.end(plan);
    walk.violations
}

/// What each set of nodes has before its first replacement.
fn first_kubelets(steps: &[PlanStep]) -> BTreeMap<&str, Minor> {
    let mut kubelets = BTreeMap::new();
    for (set, from, _) in steps.iter().filter_map(|step| step.action.replaced_nodes()) {
        kubelets.entry(set).or_insert(from);
    }
    kubelets
}

struct Walk<'a> {
    control_plane: Minor,
    kubelets: BTreeMap<&'a str, Minor>,
    /// For each step, whether an approval is before it.
    asked: BTreeMap<&'a StepId, bool>,
    /// For each step, the versions that gates before it were about.
    gated: BTreeMap<&'a StepId, BTreeSet<Minor>>,
    violations: Vec<Violation>,
}

impl<'a> Walk<'a> {
    fn broken(&mut self, step: &PlanStep, what: String) {
        self.violations.push(Violation { step: Some(step.id.clone()), what });
    }

    /// Each step stands behind what it waits for, and has a name of its own.
    fn order(&mut self, step: &'a PlanStep) {
        if self.asked.contains_key(&step.id) {
            self.broken(step, "two steps have this name".to_owned());
        }
        for need in &step.needs {
            if !self.asked.contains_key(need) {
                self.broken(step, format!("it waits for {need}, which is not before it"));
            }
        }
        let asked = matches!(step.action, Action::Approval { .. })
            || step.needs.iter().any(|need| self.asked.get(need) == Some(&true));
        let mut gated: BTreeSet<Minor> =
            step.needs.iter().filter_map(|need| self.gated.get(need)).flatten().copied().collect();
        if let Action::Gate { hop } = &step.action {
            gated.insert(hop.to);
        }
        self.asked.insert(&step.id, asked);
        self.gated.insert(&step.id, gated);
        if changes(step) && !asked {
            self.broken(step, "it changes something, and nobody is asked before it".to_owned());
        }
    }

    fn step(&mut self, step: &'a PlanStep) {
        match &step.action {
            Action::ControlPlane { from, to } => self.control_plane(step, *from, *to),
            Action::Addon { name, from, to } => self.addon(step, name, from, to),
            action => {
                let Some((set, _, to)) = action.replaced_nodes() else { return };
                if to > self.control_plane {
                    let what =
                        format!("nodes of {set} get {to}, newer than control plane {}", self.control_plane);
                    self.broken(step, what);
                }
                self.kubelets.insert(set, to);
            }
        }
    }

    fn control_plane(&mut self, step: &'a PlanStep, from: Minor, to: Minor) {
        if from != self.control_plane || to != from.next() {
            self.broken(step, format!("{from} → {to} is no hop from {}", self.control_plane));
        }
        if !self.gated.get(&step.id).is_some_and(|gated| gated.contains(&to)) {
            self.broken(step, format!("readiness for {to} is not judged before it"));
        }
        for (set, kubelet) in self.kubelets.clone() {
            if skew(kubelet, to) != Skew::Supported {
                self.broken(step, format!("nodes of {set} have {kubelet}, too far from control plane {to}"));
            }
        }
        self.control_plane = to;
    }

    fn addon(&mut self, step: &'a PlanStep, name: &str, from: &str, to: &str) {
        if name == "vpc-cni"
            && let (Some(before), Some(after)) = (addon_minor(from), addon_minor(to))
            && (before.0 != after.0 || before.1.abs_diff(after.1) > 1)
        {
            self.broken(step, format!("{from} → {to} are several minor versions of vpc-cni"));
        }
        if name == "kube-proxy"
            && let Ok(version) = to.parse::<Minor>()
            && skew(version, self.control_plane) != Skew::Supported
        {
            let what =
                format!("kube-proxy {version} may not serve beside control plane {}", self.control_plane);
            self.broken(step, what);
        }
    }

    /// Nothing is forced.
    fn calls(&mut self, step: &'a PlanStep) {
        let forced = step.calls.iter().any(|call| match call {
            Call::Aws { parameters, .. } => parameters.get("force") == Some(&Value::Bool(true)),
            Call::Kubernetes { .. } => false,
        });
        if forced {
            self.broken(step, "a call is forced".to_owned());
        }
    }

    /// Every test suite has its say before the first change and after the last one.
    fn suites(&mut self, plan: &UpgradePlan) {
        let (first, last) = (plan.steps.iter().position(changes), plan.steps.iter().rposition(changes));
        let (Some(first), Some(last)) = (first, last) else { return };
        for suite in &plan.options.suites {
            let runs =
                |step: &PlanStep| matches!(&step.action, Action::Suite { suite: it, .. } if it == suite);
            for (when, steps) in [
                ("before the first change", &plan.steps[..first]),
                ("after the last change", &plan.steps[last..]),
            ] {
                if !steps.iter().any(runs) {
                    let what = format!("test suite {suite} is not run {when}");
                    self.violations.push(Violation { step: None, what });
                }
            }
        }
    }

    fn end(&mut self, plan: &UpgradePlan) {
        self.suites(plan);
        let mut broken = |what: String| self.violations.push(Violation { step: None, what });
        if self.control_plane != plan.target {
            broken(format!("the control plane ends at {}, not at {}", self.control_plane, plan.target));
        }
        let alone =
            |set: &str| plan.left_alone.iter().any(|LeftAlone { subject, .. }| subject.ends_with(set));
        for (set, kubelet) in &self.kubelets {
            if *kubelet != plan.target && !alone(set) {
                broken(format!("nodes of {set} end with {kubelet}, not with {}", plan.target));
            }
        }
        for step in &plan.steps {
            for closed in &step.closes {
                let rollback =
                    plan.rollbacks.iter().find(|it| control_plane_of(plan, closed) == Some(it.hop.to));
                if rollback.is_none_or(|it| it.closed_by.is_none()) {
                    broken(format!(
                        "{} closes the way back of {closed}, and the plan does not say so",
                        step.id
                    ));
                }
            }
        }
    }
}

/// Whether it changes the cluster.
fn changes(step: &PlanStep) -> bool {
    step.reversibility != Reversibility::NothingToUndo
}

/// The version that a step of the control plane leads to.
fn control_plane_of(plan: &UpgradePlan, id: &StepId) -> Option<Minor> {
    match plan.step(id)?.action {
        Action::ControlPlane { to, .. } => Some(to),
        _ => None,
    }
}
