//! `fleetwright policy`: the IAM policies that allow exactly what a configuration does.

use std::collections::BTreeSet;

use fleetwright_aws::policy::{Condition, Scope, Statement, Use};
use fleetwright_config::settings::OutputFormat;
use fleetwright_model::{AccountId, Exit, code};
use fleetwright_survey::Fleet;
use serde_json::{Map, Value, json};

use super::parameters;
use crate::args::PolicyArgs;
use crate::console::{self, Console};
use crate::failure::CommandError;
use crate::hub::{ENVIRONMENT_FORM, is_environment};

/// Characters of a managed policy, white space apart.
/// Source: IAM User Guide, "IAM and AWS STS quotas".
const MOST_OF_MANAGED: usize = 6_144;
/// Characters of all policies a role carries inline, white space apart. Source: the same.
const MOST_OF_INLINE: usize = 10_240;

/// The version of IAM's policy language.
const LANGUAGE: &str = "2012-10-17";

/// Adds what the commands need that are named: those on windows, parameters, machines, functions,
/// clusters, rules, events and hubs.
///
/// # Errors
/// A prefix of parameters or an environment is none.
pub fn add_commands(scope: &mut Scope, args: &PolicyArgs) -> Result<(), CommandError> {
    if args.windows {
        scope.uses.insert(Use::MaintenanceWindows);
    }
    for prefix in &args.parameters {
        scope.parameters.insert(parameters::prefix(prefix)?.as_str().to_owned());
    }
    for (flag, named) in [("--hub", &args.hubs), ("--stack", &args.stacks)] {
        if let Some(odd) = named.iter().find(|name| !is_environment(name)) {
            return Err(CommandError::new(&code::USAGE, format!("{flag} {odd:?}: {ENVIRONMENT_FORM}")));
        }
    }
    scope.code_buckets.extend(args.code_buckets.iter().cloned());
    for (named, kept, used) in [
        (&args.hubs, &mut scope.hubs, Use::HubLogs),
        (&args.stacks, &mut scope.stacks, Use::HubStacks),
        (&args.rules, &mut scope.rules, Use::EventRules),
        (&args.event_buses, &mut scope.event_buses, Use::EventBuses),
        (&args.clusters, &mut scope.clusters, Use::Clusters),
        (&args.functions, &mut scope.functions, Use::Functions),
        (&args.models, &mut scope.models, Use::Models),
        (&args.machines, &mut scope.machines, Use::Machines),
    ] {
        kept.extend(named.iter().cloned());
        scope.uses.extend((!named.is_empty()).then_some(used));
    }
    scope.uses.extend((!args.parameters.is_empty()).then_some(Use::Parameters));
    scope.uses.extend(args.upgrade.then_some(Use::ClusterUpgrades));
    Ok(())
}

/// Statements as a policy document.
///
/// # Errors
/// They are more than a role can carry.
pub fn document(statements: &[Statement]) -> Result<Value, CommandError> {
    let statements: Vec<Value> = statements.iter().map(statement).collect();
    let document = json!({ "Version": LANGUAGE, "Statement": statements });
    let size = size(&document);
    if size > MOST_OF_INLINE {
        let message = format!("the policy has {size} characters, and a role takes {MOST_OF_INLINE}");
        return Err(CommandError::new(&code::POLICY_TOO_LARGE, message));
    }
    Ok(document)
}

/// The trust policy that lets an account, or one user or role of it, into the role of these landing
/// zones.
///
/// # Errors
/// The principal is neither, or the landing zones ask for different external ids.
pub fn trust(fleet: &Fleet, principal: &str) -> Result<Value, CommandError> {
    let partition = fleet.zones.iter().find_map(|zone| zone.access.role.as_ref().map(|it| it.partition()));
    let principal = match AccountId::new(principal) {
        Ok(account) => format!("arn:{}:iam::{account}:root", partition.unwrap_or("aws")),
        Err(_) if principal.starts_with("arn:") => principal.to_owned(),
        Err(_) => {
            let message = format!("--trust {principal:?} is neither an account id nor an ARN");
            return Err(CommandError::new(&code::USAGE, message));
        }
    };
    let of_zones = fleet.zones.iter().map(|zone| &zone.access.external_id);
    let of_scopes = fleet.scopes.iter().map(|scope| &scope.external_id);
    let ids: BTreeSet<Option<&str>> =
        of_zones.chain(of_scopes).map(|id| id.as_ref().map(|id| id.reveal())).collect();
    if ids.len() > 1 {
        let message = "the landing zones ask for different external ids";
        let hint = Some("Choose one with --landing-zones NAME.".to_owned());
        return Err(CommandError { hint, ..CommandError::new(&code::USAGE, message) });
    }
    let mut statement = json!({
        "Sid": "LetFleetwrightIn",
        "Effect": "Allow",
        "Principal": { "AWS": principal },
        "Action": "sts:AssumeRole",
    });
    if let Some(id) = ids.into_iter().flatten().next() {
        statement["Condition"] = json!({ "StringEquals": { "sts:ExternalId": id } });
    }
    Ok(json!({ "Version": LANGUAGE, "Statement": [statement] }))
}

/// Writes a document to standard output.
///
/// # Errors
/// It cannot be written.
pub fn show(document: &Value, format: OutputFormat, console: Console) -> Result<Exit, CommandError> {
    let size = size(document);
    if size > MOST_OF_MANAGED {
        console.note(&format!(
            "{size} characters: too many for a managed policy ({MOST_OF_MANAGED}); put it into the role inline"
        ));
    }
    match format {
        OutputFormat::Text => console::write_text(&format!("{document:#}\n"))?,
        OutputFormat::Json | OutputFormat::Jsonl => console::write_text(&format!("{document}\n"))?,
    }
    Ok(Exit::Success)
}

/// As IAM counts: without white space.
fn size(document: &Value) -> usize {
    document.to_string().chars().filter(|c| !c.is_whitespace()).count()
}

fn statement(statement: &Statement) -> Value {
    let mut value = json!({
        "Sid": statement.sid,
        "Effect": "Allow",
        "Action": statement.actions,
        "Resource": statement.resources,
    });
    if !statement.conditions.is_empty() {
        value["Condition"] = conditions(&statement.conditions);
    }
    value
}

fn conditions(conditions: &[Condition]) -> Value {
    let mut by_operator: Map<String, Value> = Map::new();
    for Condition { operator, key, values } in conditions {
        let keys = by_operator.entry(*operator).or_insert_with(|| json!({}));
        keys[key] = match values.as_slice() {
            [one] => json!(one),
            many => json!(many),
        };
    }
    Value::Object(by_operator)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(sid: &str, resources: Vec<String>) -> Statement {
        let condition = |key: &str, value: &str| Condition {
            operator: "StringEquals",
            key: key.to_owned(),
            values: vec![value.to_owned()],
        };
        Statement {
            sid: sid.into(),
            actions: ["ec2:StopInstances"].into(),
            resources,
            conditions: vec![condition("aws:ResourceTag/a", "1"), condition("aws:ResourceTag/b", "2")],
        }
    }

    #[test]
    fn conditions_of_one_operator_stand_together() {
        let document = document(&[allow("Stop", vec!["*".into()])]).expect("fits");
        assert_eq!(
            document["Statement"][0]["Condition"],
            json!({ "StringEquals": { "aws:ResourceTag/a": "1", "aws:ResourceTag/b": "2" } })
        );
    }

    #[test]
    fn a_policy_no_role_can_carry_is_refused() {
        let many = (0..300).map(|n| format!("arn:aws:ec2:*:011122223333:instance/i-{n:017x}")).collect();
        let error = document(&[allow("Stop", many)]).expect_err("too large");
        assert_eq!(error.code.id, code::POLICY_TOO_LARGE.id);
    }
}
