//! What runs in the cluster: whether it can be moved, and what it suffers from that.

mod catalogue;

use std::collections::BTreeMap;

use fleetwright_kubernetes::pod::{Binding, Phase, Volume};
use fleetwright_kubernetes::{Pod, PodDisruptionBudget, UnhealthyPodEvictionPolicy};
use jiff::SignedDuration;

pub(super) use catalogue::CHECKS;

use super::capacity;
use crate::check::{Context, Examination};
use crate::facts::workloads::Workload;

/// Seconds that EKS gives the drain of a node. Source: EKS User Guide, "Understand each phase of node updates".
pub(crate) const DRAIN_SECONDS: i64 = 15 * 60;
/// A Job that has run for longer loses much when it is evicted.
const LONG_JOB: SignedDuration = SignedDuration::from_hours(1);

fn pods<'a>(context: &Context<'a>, exam: &mut Examination) -> impl Iterator<Item = &'a Pod> + use<'a> {
    let pods = exam.read(&context.facts.workloads.pods).map_or(&[][..], Vec::as_slice);
    pods.iter().filter(|pod| pod.is_evicted_by_drain())
}

fn name(budget: &PodDisruptionBudget) -> String {
    budget.metadata.reference("PodDisruptionBudget").to_string()
}

fn allows_disruption(context: &Context<'_>, exam: &mut Examination) {
    for budget in exam.read(&context.facts.workloads.budgets).into_iter().flatten() {
        let status = &budget.status;
        if status.expected_pods == 0 || status.disruptions_allowed > 0 {
            continue;
        }
        let evidence = format!("{} healthy, {} wanted", status.current_healthy, status.desired_healthy);
        if status.never_allows() {
            exam.find(name(budget), "the budget never lets a pod go, however healthy all are", evidence);
        } else {
            exam.warn(name(budget), "the budget lets no pod go now", evidence);
        }
    }
}

fn is_under_one_budget(context: &Context<'_>, exam: &mut Examination) {
    let Some(budgets) = exam.read(&context.facts.workloads.budgets) else { return };
    for pod in pods(context, exam) {
        let covering: Vec<_> = budgets.iter().filter(|budget| budget.covers(pod)).map(name).collect();
        if covering.len() > 1 {
            let what = "several budgets cover the pod: its eviction is always refused";
            exam.find(pod.metadata.reference("Pod"), what, covering.join(", "));
        }
    }
}

fn unhealthy_pods_may_go(context: &Context<'_>, exam: &mut Examination) {
    let Some(budgets) = exam.read(&context.facts.workloads.budgets) else { return };
    for pod in pods(context, exam).filter(|pod| pod.phase == Phase::Running && !pod.ready) {
        let held = budgets.iter().find(|budget| {
            budget.covers(pod)
                && budget.unhealthy_pod_eviction_policy == UnhealthyPodEvictionPolicy::IfHealthyBudget
                && budget.status.current_healthy < budget.status.desired_healthy
        });
        if let Some(budget) = held {
            let what = "a budget holds a pod that is not ready anyway";
            exam.find(pod.metadata.reference("Pod"), what, name(budget));
        }
    }
}

fn workloads<'a>(context: &Context<'a>, exam: &mut Examination) -> &'a [Workload] {
    exam.read(&context.facts.workloads.workloads).map_or(&[], Vec::as_slice)
}

fn has_budget(context: &Context<'_>, exam: &mut Examination) {
    let Some(budgets) = exam.read(&context.facts.workloads.budgets) else { return };
    for workload in workloads(context, exam).iter().filter(|workload| workload.replicas > 1) {
        let covers = |budget: &PodDisruptionBudget| {
            budget.metadata.namespace == workload.metadata.namespace
                && budget.selector.as_ref().is_some_and(|selector| selector.matches(&workload.pod_labels))
        };
        if !budgets.iter().any(covers) {
            let what = "no budget keeps a drain from taking all replicas at once";
            let evidence = format!("{} replicas", workload.replicas);
            exam.find(workload.metadata.reference(&workload.kind), what, evidence);
        }
    }
}

fn has_a_replica_to_spare(context: &Context<'_>, exam: &mut Examination) {
    for workload in workloads(context, exam) {
        let subject = workload.metadata.reference(&workload.kind);
        if workload.replicas == 1 {
            exam.find(&subject, "it is out of service while its only pod moves", "replicas 1");
        }
        if workload.recreates {
            exam.find(
                &subject,
                "all its pods go before new ones come when it is changed",
                "strategy Recreate",
            );
        }
    }
}

fn keeps_its_data(context: &Context<'_>, exam: &mut Examination) {
    let nodes = exam.read(&context.facts.nodes.nodes);
    for pod in pods(context, exam) {
        let subject = pod.metadata.reference("Pod");
        for volume in &pod.volumes {
            match volume {
                Volume::EmptyDir { memory: false } => {
                    exam.warn(&subject, "what lies in its emptyDir is lost when it goes", "emptyDir");
                }
                Volume::HostPath(path) => {
                    exam.warn(&subject, "what it wrote to its node stays there", format!("hostPath {path}"));
                }
                Volume::Claim { name, bound_to: Binding::Node } => {
                    exam.find(
                        &subject,
                        "its volume is on its node and is lost with it",
                        format!("claim {name}"),
                    );
                }
                Volume::Claim { name, bound_to: Binding::Zones(zones) } => {
                    let Some(nodes) = nodes else { continue };
                    let spare = nodes.iter().filter(|node| {
                        pod.node.as_deref() != Some(node.metadata.name.as_str())
                            && !node.unschedulable
                            && node.zone().is_some_and(|zone| zones.iter().any(|bound| bound == zone))
                    });
                    if spare.count() == 0 {
                        let what =
                            format!("no other node is in the zone of its volume: {}", zones.join(", "));
                        exam.find(&subject, what, format!("claim {name}"));
                    }
                }
                Volume::EmptyDir { memory: true } | Volume::Claim { .. } | Volume::GitRepo => {}
            }
        }
    }
}

fn ends_in_time(context: &Context<'_>, exam: &mut Examination) {
    for pod in pods(context, exam) {
        let subject = pod.metadata.reference("Pod");
        let evidence = format!("terminationGracePeriodSeconds {}", pod.grace_seconds);
        if pod.grace_seconds > DRAIN_SECONDS {
            exam.find(&subject, "it may take longer to end than the drain of its node lasts", evidence);
        } else if pod.grace_seconds == 0 {
            exam.warn(&subject, "it is killed without notice", evidence);
        }
    }
}

fn comes_back(context: &Context<'_>, exam: &mut Examination) {
    for pod in pods(context, exam).filter(|pod| pod.metadata.controller().is_none()) {
        exam.find(
            pod.metadata.reference("Pod"),
            "nothing makes the pod again when it is evicted",
            "no controller",
        );
    }
}

fn leaves_drained_nodes(context: &Context<'_>, exam: &mut Examination) {
    for pod in pods(context, exam) {
        if pod.tolerations.iter().any(|toleration| toleration.tolerates_everything()) {
            let what = "it tolerates every taint, and comes back to a node that is being drained";
            exam.find(pod.metadata.reference("Pod"), what, "a toleration without key");
        }
    }
}

fn can_be_placed(context: &Context<'_>, exam: &mut Examination) {
    let Some(displaced) = capacity::displaced(context, exam) else { return };
    for of in displaced.iter().filter(|of| !of.lacks_room) {
        let what = format!("no other node takes it when {} is gone", of.node);
        exam.find(of.pod.metadata.reference("Pod"), what, of.reasons.join("; "));
    }
}

/// What makes a pod, as `Deployment shop/web`; the pod itself where nothing does.
fn made_by(pod: &Pod, workloads: &[Workload]) -> String {
    let owner = pod.metadata.owner_references.iter().find(|owner| owner.controller);
    let is_its = |workload: &&Workload| {
        let labels = &workload.pod_labels;
        workload.metadata.namespace == pod.metadata.namespace
            && !labels.is_empty()
            && labels.iter().all(|(key, value)| pod.metadata.labels.get(key) == Some(value))
    };
    match (owner, workloads.iter().find(is_its)) {
        (Some(_), Some(workload)) => workload.metadata.reference(&workload.kind).to_string(),
        (Some(owner), None) => format!("{} {}/{}", owner.kind, pod.metadata.namespace, owner.name),
        (None, _) => pod.metadata.reference("Pod").to_string(),
    }
}

fn says_when_it_is_ready(context: &Context<'_>, exam: &mut Examination) {
    let workloads = workloads(context, exam);
    let mut without: BTreeMap<String, Vec<&Pod>> = BTreeMap::new();
    for pod in pods(context, exam).filter(|pod| !pod.readiness_probe) {
        without.entry(made_by(pod, workloads)).or_default().push(pod);
    }
    for (workload, pods) in without {
        let what = "without a readiness probe a pod counts as healthy as soon as it starts";
        let evidence = match &pods[..] {
            [] | [_] => "no readinessProbe".to_owned(),
            [first, ..] => {
                format!("no readinessProbe in {} pods, such as {}", pods.len(), first.metadata.name)
            }
        };
        exam.find(workload, what, evidence);
    }
    for workload in workloads {
        if i64::from(workload.min_ready_seconds) > DRAIN_SECONDS {
            let evidence = format!("minReadySeconds {}", workload.min_ready_seconds);
            let what = "a pod counts later than the drain of a node lasts";
            exam.find(workload.metadata.reference(&workload.kind), what, evidence);
        }
    }
}

fn jobs(context: &Context<'_>, exam: &mut Examination) {
    for job in exam.read(&context.facts.workloads.jobs).into_iter().flatten() {
        if context.at.duration_since(job.started_at) > LONG_JOB {
            let evidence = format!("running since {}", job.started_at);
            exam.find(
                job.metadata.reference("Job"),
                "the Job has run for long, and begins again when evicted",
                evidence,
            );
        }
    }
}

fn asks_not_to_be_moved(context: &Context<'_>, exam: &mut Examination) {
    const ASKS: [(&str, &str); 2] = [
        ("karpenter.sh/do-not-disrupt", "true"),
        ("cluster-autoscaler.kubernetes.io/safe-to-evict", "false"),
    ];
    for pod in pods(context, exam) {
        for (annotation, value) in ASKS {
            if pod.metadata.annotations.get(annotation).is_some_and(|found| found == value) {
                let what = "the pod asks not to be moved";
                exam.find(pod.metadata.reference("Pod"), what, format!("{annotation}: {value}"));
            }
        }
    }
}

fn uses_docker(context: &Context<'_>, exam: &mut Examination) {
    // Agents of every node are looked at as well.
    for pod in exam.read(&context.facts.workloads.pods).into_iter().flatten() {
        let docker =
            |volume: &&Volume| matches!(volume, Volume::HostPath(path) if path.ends_with("docker.sock"));
        if pod.volumes.iter().any(|volume| docker(&volume)) {
            let what = "the pod talks to Docker, which nodes do not have";
            exam.find(pod.metadata.reference("Pod"), what, "hostPath docker.sock");
        }
    }
}

fn runs_well(context: &Context<'_>, exam: &mut Examination) {
    for pod in exam.read(&context.facts.workloads.pods).into_iter().flatten() {
        if pod.crash_looping {
            let what = "the pod keeps failing, before anything was changed";
            exam.find(pod.metadata.reference("Pod"), what, "CrashLoopBackOff");
        }
    }
}

fn leaves_room(context: &Context<'_>, exam: &mut Examination) {
    for what in exam.read(&context.facts.workloads.tight).into_iter().flatten() {
        exam.find(what, "it leaves no room for one pod more", what.clone());
    }
}
