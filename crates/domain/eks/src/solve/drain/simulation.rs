//! A drain in thought: evictions by the rules of the eviction API, placement by those of the scheduler.

use std::borrow::Cow;
use std::collections::BTreeMap;

use fleetwright_kubernetes::disruption::{Eviction, eviction};
use fleetwright_kubernetes::fit::{self, Placement};
use fleetwright_kubernetes::node::HOSTNAME_LABEL;
use fleetwright_kubernetes::{Node, Pod, PodDisruptionBudget};

use super::{Cause, DrainQuestion, Evicted, Wave};

/// A pod that stops the drain.
#[derive(Clone, Debug)]
pub(super) struct Stuck {
    /// Index into the question's pods.
    pub(super) pod: usize,
    pub(super) node: String,
    pub(super) wave: usize,
    pub(super) cause: Cause,
}

/// A pod that is healthy again at a time, in seconds of the wave.
struct Returning {
    at_seconds: i64,
    pod: usize,
}

struct Simulation<'a> {
    question: &'a DrainQuestion<'a>,
    placement: Placement<'a>,
    budgets: Vec<PodDisruptionBudget>,
    /// Budgets of each pod.
    covering: Vec<Vec<usize>>,
    /// Where each pod runs; `None` where it waits or is gone.
    location: Vec<Option<&'a str>>,
    ready: Vec<bool>,
    /// Pods that wait for a place.
    waiting: Vec<usize>,
    wave: usize,
    stuck: Vec<Stuck>,
}

/// A node like another, empty and ready.
fn like(node: &Node, name: String) -> Node {
    let mut fresh = node.clone();
    if fresh.metadata.labels.contains_key(HOSTNAME_LABEL) {
        fresh.metadata.labels.insert(HOSTNAME_LABEL.to_owned(), name.clone());
    }
    fresh.metadata.name = name;
    (fresh.ready, fresh.unschedulable) = (true, false);
    fresh
}

/// What happens, and who blocks.
pub(super) fn simulate(question: &DrainQuestion<'_>) -> (Vec<Wave>, Vec<Stuck>) {
    let find = |name: &String| question.nodes.iter().find(|node| node.metadata.name == *name);
    // Names that no node of a cluster has: they are not DNS names.
    let surge = question.surge.iter().enumerate();
    let surge: Vec<Node> =
        surge.filter_map(|(n, name)| Some(like(find(name)?, format!("surge:{n}")))).collect();
    let replaced = |wave: &Vec<String>| -> Vec<Node> {
        wave.iter().filter_map(|name| Some(like(find(name)?, format!("new:{name}")))).collect()
    };
    let replacements: Vec<Vec<Node>> = question.waves.iter().map(replaced).collect();
    let mut simulation = Simulation::new(question);
    surge.iter().for_each(|node| simulation.placement.add_node(node));
    let mut waves = Vec::new();
    for (index, (names, fresh)) in question.waves.iter().zip(&replacements).enumerate() {
        simulation.wave = index;
        waves.push(simulation.drain(names));
        simulation.replace(names, fresh);
    }
    (waves, simulation.stuck)
}

impl<'a> Simulation<'a> {
    fn new(question: &'a DrainQuestion<'a>) -> Self {
        let namespaces = question.namespaces.iter().map(|(name, labels)| (name.as_str(), labels));
        let mut of_namespace: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, budget) in question.budgets.iter().enumerate() {
            of_namespace.entry(&budget.metadata.namespace).or_default().push(index);
        }
        let covers = |pod: &Pod| -> Vec<usize> {
            let near = of_namespace.get(pod.metadata.namespace.as_str()).into_iter().flatten();
            near.copied().filter(|&index| question.budgets[index].covers(pod)).collect()
        };
        Self {
            question,
            placement: Placement::new(&question.nodes, &question.pods, namespaces),
            budgets: question.budgets.to_vec(),
            covering: question.pods.iter().map(covers).collect(),
            location: question
                .pods
                .iter()
                .map(|pod| pod.node.as_deref().filter(|_| pod.is_active()))
                .collect(),
            ready: question.pods.iter().map(|pod| pod.ready).collect(),
            waiting: Vec::new(),
            wave: 0,
            stuck: Vec::new(),
        }
    }

    /// Evicts what has to leave the nodes, as often as budgets let it, until all are gone or nothing moves any more.
    fn drain(&mut self, names: &[String]) -> Wave {
        names.iter().for_each(|name| self.placement.set_cordoned(name, true));
        let leaves = |&pod: &usize| {
            let there = self.location[pod].is_some_and(|node| names.iter().any(|name| name == node));
            there && self.question.pods[pod].is_evicted_by_drain()
        };
        let mut remaining: Vec<usize> = (0..self.question.pods.len()).filter(leaves).collect();
        let mut wave = Wave::default();
        let mut returning: Vec<Returning> = Vec::new();
        let mut now = 0;
        loop {
            remaining.retain(|&pod| !self.evict(pod, now, names, &mut wave, &mut returning));
            if remaining.is_empty() {
                break;
            }
            let next = returning.iter().map(|of| of.at_seconds).min();
            match next.filter(|&next| next < self.question.limit_seconds) {
                Some(next) => now = next,
                None => {
                    for &pod in &remaining {
                        let cause = self.refusal(pod, next.is_some());
                        self.give_up(pod, cause);
                    }
                    break;
                }
            }
            self.come_back(&mut returning, now);
        }
        self.come_back(&mut returning, i64::MAX);
        wave
    }

    /// Tries to evict a pod; whether it has left, or is given up.
    fn evict(
        &mut self,
        index: usize,
        now: i64,
        names: &[String],
        wave: &mut Wave,
        returning: &mut Vec<Returning>,
    ) -> bool {
        let pod = &self.question.pods[index];
        let answer =
            eviction(&self.as_it_is(index), self.covering[index].iter().map(|&of| &self.budgets[of]));
        if matches!(answer, Eviction::Refused | Eviction::RefusedAsAmbiguous) {
            return false;
        }
        let Some(node) = self.location[index] else { return true };
        let ends = now.saturating_add(pod.grace_seconds);
        if ends > self.question.limit_seconds {
            // It would have ended in time at the beginning: its budget let it go too late.
            let cause = match self.covering[index].as_slice() {
                [budget, ..] if pod.grace_seconds <= self.question.limit_seconds => {
                    Cause::TooSlow(self.budgets[*budget].metadata.reference("PodDisruptionBudget"))
                }
                _ => Cause::GraceTooLong { seconds: pod.grace_seconds },
            };
            self.give_up(index, cause);
            return true;
        }
        self.placement.take(pod, node);
        if self.placement.fits(pod, node).is_ok() {
            self.placement.place(pod, node);
            self.give_up(index, Cause::ComesBack);
            return true;
        }
        wave.evictions.push(Evicted { pod: index, at_seconds: now });
        wave.seconds = wave.seconds.max(ends);
        self.location[index] = None;
        self.set_ready(index, false);
        // Nothing makes a pod without controller again.
        if pod.metadata.controller().is_some() {
            let drained: Vec<&str> = names.iter().map(String::as_str).collect();
            match self.placement.first_fit(pod, &drained) {
                Some(to) => {
                    self.settle(index, to);
                    let at_seconds = ends.saturating_add(self.question.start_seconds);
                    returning.push(Returning { at_seconds, pod: index });
                }
                None => self.waiting.push(index),
            }
        }
        true
    }

    /// Takes the nodes of a wave away, puts new ones in their place, and places who waited for that.
    fn replace(&mut self, names: &[String], fresh: &'a [Node]) {
        names.iter().for_each(|name| self.placement.remove_node(name));
        for location in &mut self.location {
            if location.is_some_and(|node| names.iter().any(|name| name == node)) {
                *location = None;
            }
        }
        fresh.iter().for_each(|node| self.placement.add_node(node));
        for index in std::mem::take(&mut self.waiting) {
            let pod = &self.question.pods[index];
            match self.placement.first_fit(pod, &[]) {
                Some(to) => {
                    self.settle(index, to);
                    self.set_ready(index, true);
                }
                None => {
                    let reasons = fit::reasons(&self.placement, pod);
                    self.give_up(index, Cause::NoPlace { reasons });
                }
            }
        }
    }

    fn settle(&mut self, index: usize, node: &'a str) {
        self.placement.place(&self.question.pods[index], node);
        self.location[index] = Some(node);
    }

    fn come_back(&mut self, returning: &mut Vec<Returning>, until: i64) {
        returning.retain(|of| {
            let due = of.at_seconds <= until;
            if due {
                self.set_ready(of.pod, true);
            }
            !due
        });
    }

    fn set_ready(&mut self, index: usize, ready: bool) {
        if self.ready[index] == ready {
            return;
        }
        self.ready[index] = ready;
        for &of in &self.covering[index] {
            let status = &mut self.budgets[of].status;
            status.current_healthy += if ready { 1 } else { -1 };
            let allowed = status.current_healthy.saturating_sub(status.desired_healthy).max(0);
            status.disruptions_allowed = if status.expected_pods > 0 { allowed } else { 0 };
        }
    }

    /// The pod with the health it has now.
    fn as_it_is(&self, index: usize) -> Cow<'a, Pod> {
        let pod = &self.question.pods[index];
        if pod.ready == self.ready[index] {
            return Cow::Borrowed(pod);
        }
        // Whoever was evicted and came back runs.
        let phase = fleetwright_kubernetes::pod::Phase::Running;
        Cow::Owned(Pod { ready: self.ready[index], phase, ..pod.clone() })
    }

    /// Why the eviction of a pod is refused to the end. `more_come` says that others would still become healthy.
    fn refusal(&self, index: usize, more_come: bool) -> Cause {
        let name = |of: &usize| self.budgets[*of].metadata.reference("PodDisruptionBudget");
        let budget = match self.covering[index].as_slice() {
            [one] => *one,
            several => return Cause::SeveralBudgets(several.iter().map(name).collect()),
        };
        if self.budgets[budget].status.never_allows() {
            return Cause::NeverAllowed(name(&budget));
        }
        if more_come {
            return Cause::TooSlow(name(&budget));
        }
        let fellows = self.waiting.iter().filter(|&&pod| self.covering[pod].contains(&budget));
        let waiting: Vec<_> = fellows.map(|&pod| self.question.pods[pod].metadata.reference("Pod")).collect();
        if waiting.is_empty() {
            return Cause::UnhealthyPods(name(&budget));
        }
        Cause::PodsWithoutPlace { budget: name(&budget), waiting }
    }

    fn give_up(&mut self, pod: usize, cause: Cause) {
        let home = self.location[pod].or(self.question.pods[pod].node.as_deref());
        let node = home.unwrap_or_default().to_owned();
        self.stuck.push(Stuck { pod, node, wave: self.wave, cause });
    }
}
