//! Steps of a plan as commands of the AWS CLI and kubectl, for people who do them by hand.

use fleetwright_eks::plan::step::{Action, Call, Verb};
use fleetwright_eks::plan::{PlanStep, PlannedCluster, PoolCalls, UpgradePlan};
use fleetwright_eks::suite::Suite;
use serde_json::Value;

use crate::safe;

/// The commands that make a step's calls.
pub(super) fn calls(step: &PlanStep, cluster: &PlannedCluster) -> Vec<String> {
    step.calls.iter().map(|call| command(call, step, cluster)).collect()
}

/// The command that takes our budget away from a pool that a run left held; none where the plan has none.
pub(super) fn release(plan: &UpgradePlan, pool: &str) -> Option<String> {
    plan.steps.iter().find_map(|step| match &step.action {
        Action::PoolNodes { pool: of, .. } if of == pool => {
            PoolCalls::of(step).release.map(|call| command(call, step, &plan.cluster))
        }
        _ => None,
    })
}

/// The name of the Job that somebody makes of a suite by hand: another one in each step.
fn job_by_hand(step: &PlanStep, suite: &Suite) -> String {
    suite.job_name(&["by hand", step.id.as_str()])
}

/// The commands that show whether a step has ended well.
pub(super) fn looks(step: &PlanStep, cluster: &PlannedCluster) -> Vec<String> {
    let name = quoted(&cluster.name);
    let aws = |rest: String| format!("aws {rest} --region {}", cluster.region);
    let looks = match &step.action {
        Action::RefreshInsights { .. } => {
            vec![aws(format!("eks describe-insights-refresh --cluster-name {name}"))]
        }
        Action::Gate { .. } | Action::Approval { .. } => Vec::new(),
        Action::ControlPlane { .. } => vec![
            aws(format!("eks wait cluster-active --name {name}")),
            aws(format!("eks describe-cluster --name {name} --query cluster.version --output text")),
        ],
        Action::Addon { name: addon, .. } => {
            let addon = quoted(addon);
            vec![aws(format!("eks wait addon-active --cluster-name {name} --addon-name {addon}"))]
        }
        Action::ManagedNodes { group, .. } => {
            let group = quoted(group);
            vec![aws(format!("eks wait nodegroup-active --cluster-name {name} --nodegroup-name {group}"))]
        }
        Action::SelfManagedNodes { group, .. } => {
            let group = quoted(group);
            vec![aws(format!("autoscaling describe-instance-refreshes --auto-scaling-group-name {group}"))]
        }
        Action::HoldPool { pool } => {
            vec![format!("kubectl get nodepools.karpenter.sh {} -o yaml", quoted(pool))]
        }
        Action::PoolNodes { pool, .. } => {
            vec![format!("kubectl get nodes -l {}", quoted(&format!("karpenter.sh/nodepool={pool}")))]
        }
        Action::FargatePods { .. } => {
            vec!["kubectl get nodes -l eks.amazonaws.com/compute-type=fargate".to_owned()]
        }
        Action::HealthGate { .. } => vec![
            "kubectl get nodes".to_owned(),
            "kubectl get pods -A --field-selector=status.phase!=Running,status.phase!=Succeeded".to_owned(),
            "kubectl get --raw /readyz".to_owned(),
        ],
        Action::Suite { suite, .. } => {
            let (namespace, job) = (suite.namespace(), job_by_hand(step, suite));
            vec![
                format!(
                    "kubectl wait job/{job} --for=condition=complete --timeout=30m --namespace {namespace}"
                ),
                format!("kubectl logs job/{job} --namespace {namespace}"),
            ]
        }
    };
    looks.into_iter().map(|look| safe::line(&look).into_owned()).collect()
}

fn command(call: &Call, step: &PlanStep, cluster: &PlannedCluster) -> String {
    let command = match (call, &step.action) {
        (Call::Kubernetes { verb: Verb::CreateJob, .. }, Action::Suite { suite, .. }) => {
            let (namespace, name, job) = (suite.namespace(), suite.name(), job_by_hand(step, suite));
            format!("kubectl create job {job} --from=cronjob/{name} --namespace {namespace}")
        }
        (Call::Aws { service, action, parameters }, _) => {
            let input = quoted(&json(parameters));
            format!("aws {service} {} --region {} --cli-input-json {input}", kebab(action), cluster.region)
        }
        (Call::Kubernetes { verb: Verb::Patch, path, body }, _) => {
            let patch = quoted(&json(body));
            format!("kubectl patch {} --type json --patch {patch}", resource(path))
        }
        (Call::Kubernetes { verb: Verb::Create | Verb::CreateJob, path, body }, _) => {
            format!("printf %s {} | kubectl create --raw {} -f -", quoted(&json(body)), quoted(path))
        }
    };
    safe::line(&command).into_owned()
}

fn json(value: &Value) -> String {
    value.to_string()
}

/// `UpdateClusterVersion` → `update-cluster-version`.
fn kebab(action: &str) -> String {
    let mut text = String::with_capacity(action.len() + 4);
    for c in action.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

/// `/apis/karpenter.sh/v1/nodepools/blue` → `nodepools.karpenter.sh blue`.
fn resource(path: &str) -> String {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match parts.as_slice() {
        ["apis", group, _, plural, name] => format!("{plural}.{group} {}", quoted(name)),
        _ => quoted(path),
    }
}

/// A word of a POSIX shell: as it is where nothing in it has a meaning, else between single quotes.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | '=' | '@');
    match !word.is_empty() && !word.starts_with('-') && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_words_whatever_is_in_them() {
        assert_eq!(quoted("shop-1"), "shop-1");
        assert_eq!(quoted("a'b; rm -rf $HOME"), r"'a'\''b; rm -rf $HOME'");
        assert_eq!((quoted("").as_str(), quoted("-x").as_str()), ("''", "'-x'"));
    }

    #[test]
    fn actions_and_resources_are_named_as_their_command_lines_do() {
        assert_eq!(kebab("UpdateNodegroupVersion"), "update-nodegroup-version");
        assert_eq!(resource("/apis/karpenter.sh/v1/nodepools/blue"), "nodepools.karpenter.sh blue");
    }
}
