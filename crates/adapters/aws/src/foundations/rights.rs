//! Whether an upgrade of a cluster may make its calls, asked of IAM before any is made.
//!
//! Source: IAM API reference, SimulatePrincipalPolicy.

use std::collections::BTreeMap;

use aws_sdk_iam::types::{EvaluationResult, PolicyEvaluationDecisionType};
use fleetwright_eks::facts::control_plane::Right;
use fleetwright_model::{Cell, Failure};
use fleetwright_ports::clusters::{ClusterName, UpgradedParts};

use crate::Aws;
use crate::accounts::permissions::{ask, principal};
use crate::clients::Connection;
use crate::eks;
use crate::operations::{self, GET_ROLE, SIMULATE_PRINCIPAL_POLICY};
use crate::pages::unexpected;
use crate::policy::OF_UPGRADES;
use crate::policy::grants::{self, On};
use crate::policy::samples::Question;

/// What ends the ARN of an add-on or a node group; policies have a wildcard for it, as its id is not known before.
const ANY_ID: &str = "00000000-0000-0000-0000-000000000000";

/// A read of upgrades that is asked about as well: without it nobody knows what became of a refresh. AWS tells no groups
/// apart for it.
const REFRESHES: &str = "autoscaling:DescribeInstanceRefreshes";

/// The calls of the table that change something in an upgrade: which resources each is allowed on, and its action.
fn calls() -> impl Iterator<Item = (On, &'static str)> {
    let changes = operations::ALL.iter().filter(|operation| {
        let of_upgrades = OF_UPGRADES.contains(&operation.iam) || operation.iam == "eks:StartInsightsRefresh";
        of_upgrades && operation.mutates()
    });
    changes
        .filter_map(|operation| grants::of(operation.iam))
        .flatten()
        .flat_map(|grant| grant.on.iter().map(|on| (*on, grant.action)))
}

/// One question for each resource: every call that is made on it.
fn questions(cell: &Cell<'_>, name: &ClusterName, parts: UpgradedParts<'_>) -> Vec<Question> {
    let of_eks = |resource: String| eks::arn(cell, &resource);
    let mut by_resource: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    for (on, action) in calls() {
        let resources: Vec<String> = match on {
            On::Clusters => vec![of_eks(format!("cluster/{name}"))],
            On::ClusterAddons => {
                parts.addons.iter().map(|it| of_eks(format!("addon/{name}/{it}/{ANY_ID}"))).collect()
            }
            On::ClusterNodeGroups => {
                parts.node_groups.iter().map(|it| of_eks(format!("nodegroup/{name}/{it}/{ANY_ID}"))).collect()
            }
            On::AutoScalingGroups => parts.scaling_groups.to_vec(),
            _ => Vec::new(),
        };
        for resource in resources {
            by_resource.entry(resource).or_default().push(action);
        }
    }
    if !parts.scaling_groups.is_empty() {
        by_resource.insert("*".to_owned(), vec![REFRESHES]);
    }
    let context = vec![("aws:RequestedRegion".to_owned(), cell.region.to_string())];
    by_resource
        .into_iter()
        .map(|(resource, actions)| Question { resource, context: context.clone(), actions })
        .collect()
}

/// The principal whose policies count. The ARN of a role's session leaves the role's path out, which roles of IAM Identity
/// Center have: such a role is looked up by its name. Who may not look is taken to have none.
///
/// Source: IAM User Guide, "IAM identifiers", and IAM Identity Center User Guide, "Referencing permission sets".
async fn with_path(aws: &Aws, cell: &Cell<'_>, who: String) -> String {
    let Some((_, name)) = who.split_once(":role/").filter(|(_, name)| !name.contains('/')) else {
        return who;
    };
    let iam: Connection<'_, aws_sdk_iam::Client> = aws.at(cell.zone, &cell.region);
    let send = |client: &aws_sdk_iam::Client| client.get_role().role_name(name).send();
    let found = iam.call(&GET_ROLE, send).await.ok().and_then(|answer| answer.role);
    found.map(|role| role.arn).unwrap_or(who)
}

/// What the caller may do of an upgrade.
pub(super) async fn of_upgrades(
    aws: &Aws,
    cell: &Cell<'_>,
    name: &ClusterName,
    parts: UpgradedParts<'_>,
) -> Result<Vec<Right>, Failure> {
    let mut who = principal(aws, cell.zone).await?;
    // A role that the inventory names is named with its path.
    if cell.zone.access.role.is_none() {
        who = with_path(aws, cell, who).await;
    }
    let iam: Connection<'_, aws_sdk_iam::Client> = aws.at(cell.zone, &cell.region);
    let mut rights = Vec::new();
    for question in questions(cell, name, parts) {
        let results = ask(&iam, &who, &question).await?;
        for action in &question.actions {
            rights.push(right(action, &question.resource, &results)?);
        }
    }
    Ok(rights)
}

fn right(action: &str, on: &str, results: &[EvaluationResult]) -> Result<Right, Failure> {
    let result = results.iter().find(|it| it.eval_action_name.eq_ignore_ascii_case(action));
    let result = result.ok_or_else(|| {
        unexpected(&SIMULATE_PRINCIPAL_POLICY, &format!("the answer says nothing of {action}"))
    })?;
    let allowed = result.eval_decision == PolicyEvaluationDecisionType::Allowed;
    Ok(Right { action: action.to_owned(), on: on.to_owned(), allowed })
}
