//! Whether an upgrade of a cluster may make its calls, asked of IAM before any is made.
//!
//! Source: IAM API reference, SimulatePrincipalPolicy.

use std::collections::BTreeMap;

use aws_sdk_iam::types::{EvaluationResult, PolicyEvaluationDecisionType};
use fleetwright_eks::facts::control_plane::Right;
use fleetwright_model::{Cell, Failure};
use fleetwright_ports::clusters::ClusterName;

use crate::Aws;
use crate::accounts::permissions::{ask, principal};
use crate::clients::Connection;
use crate::eks;
use crate::operations::{self, SIMULATE_PRINCIPAL_POLICY};
use crate::pages::unexpected;
use crate::policy::OF_UPGRADES;
use crate::policy::grants::{self, On};
use crate::policy::samples::Question;

/// What ends the ARN of an add-on or a node group; policies have a wildcard for it, as its id is not known before.
const ANY_ID: &str = "00000000-0000-0000-0000-000000000000";

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
fn questions(cell: &Cell<'_>, name: &ClusterName, addons: &[String], groups: &[String]) -> Vec<Question> {
    let mut by_resource: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    for (on, action) in calls() {
        let resources: Vec<String> = match on {
            On::Clusters => vec![format!("cluster/{name}")],
            On::ClusterAddons => addons.iter().map(|it| format!("addon/{name}/{it}/{ANY_ID}")).collect(),
            On::ClusterNodeGroups => {
                groups.iter().map(|it| format!("nodegroup/{name}/{it}/{ANY_ID}")).collect()
            }
            _ => Vec::new(),
        };
        for resource in resources {
            by_resource.entry(eks::arn(cell, &resource)).or_default().push(action);
        }
    }
    let context = vec![("aws:RequestedRegion".to_owned(), cell.region.to_string())];
    by_resource
        .into_iter()
        .map(|(resource, actions)| Question { resource, context: context.clone(), actions })
        .collect()
}

/// What the caller may do of an upgrade.
pub(super) async fn of_upgrades(
    aws: &Aws,
    cell: &Cell<'_>,
    name: &ClusterName,
    addons: &[String],
    groups: &[String],
) -> Result<Vec<Right>, Failure> {
    let who = principal(aws, cell.zone).await?;
    let iam: Connection<'_, aws_sdk_iam::Client> = aws.at(cell.zone, &cell.region);
    let mut rights = Vec::new();
    for question in questions(cell, name, addons, groups) {
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
