use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum, EvaluationResult, PolicyEvaluationDecisionType};
use fleetwright_model::code;
use fleetwright_model::{ErrorClass, Failure, Region, Zone};
use fleetwright_ports::{Answer, PermissionAnswer, Refusal, Verified};
use futures::future::join_all;

use super::action;
use crate::Aws;
use crate::clients::Connection;
use crate::operation::{Operation, Service};
use crate::operations::{
    DESCRIBE_ALARMS, DESCRIBE_AUTO_SCALING_GROUPS, DESCRIBE_AUTO_SCALING_INSTANCES, DESCRIBE_IMAGES,
    DESCRIBE_INSTANCE_INFORMATION, DESCRIBE_INSTANCE_PATCH_STATES, DESCRIBE_INSTANCE_STATUS,
    DESCRIBE_INSTANCE_TYPES, DESCRIBE_INSTANCES, DESCRIBE_LOAD_BALANCERS, DESCRIBE_PATCH_BASELINES,
    DESCRIBE_REGIONS, DESCRIBE_REPLACE_ROOT_VOLUME_TASKS, DESCRIBE_SNAPSHOTS, DESCRIBE_TARGET_GROUPS,
    DESCRIBE_VOLUMES, GET_CALLER_IDENTITY, LIST_COMMAND_INVOCATIONS, LIST_COMMANDS,
    SIMULATE_PRINCIPAL_POLICY,
};
use crate::pages::unexpected;
use crate::policy::samples::{Named, Question, questions};

/// A well-formed id that no instance has.
const NOBODY: &str = "i-00000000000000000";

/// One answer per operation, in their order: by simulation, or where that is not allowed by trying.
pub(super) async fn check(
    aws: &Aws,
    zone: &Zone,
    region: &Region,
    operations: &[&'static Operation],
) -> Vec<PermissionAnswer> {
    let principal = match principal(aws, zone).await {
        Ok(principal) => principal,
        Err(failure) => {
            return operations.iter().map(|operation| not_checked(operation, failure.clone())).collect();
        }
    };
    match simulate(aws, zone, region, &principal, operations).await {
        Ok(answers) => answers,
        Err(failure) => {
            let trials = operations.iter().map(|operation| attempt(aws, zone, region, operation, &failure));
            join_all(trials).await
        }
    }
}

fn not_checked(operation: &'static Operation, failure: Failure) -> PermissionAnswer {
    PermissionAnswer {
        required: action(operation),
        answer: Answer::NotChecked(failure),
        verified: Verified::Trial,
    }
}

/// The IAM principal whose policies count: the role behind a role session, or the user.
pub(crate) async fn principal(aws: &Aws, zone: &Zone) -> Result<String, Failure> {
    if let Some(role) = &zone.access.role {
        aws.inner.sessions.of_zone(zone).await?;
        return Ok(role.as_str().to_owned());
    }
    let session = aws.inner.sessions.of_zone(zone).await?;
    let identity = aws.inner.sessions.identity(&session).await?;
    Ok(role_of(&identity.arn).unwrap_or_else(|| identity.arn.clone()))
}

/// `arn:aws:iam::A:role/R` for `arn:aws:sts::A:assumed-role/R/SESSION`; the role's path is not in a
/// session's ARN.
fn role_of(arn: &str) -> Option<String> {
    let mut parts = arn.splitn(6, ':');
    let (partition, account) = (parts.nth(1)?, parts.nth(2)?);
    let role = parts.next()?.strip_prefix("assumed-role/")?.split('/').next()?;
    Some(format!("arn:{partition}:iam::{account}:role/{role}"))
}

/// Asks IAM about all actions at once.
async fn simulate(
    aws: &Aws,
    zone: &Zone,
    region: &Region,
    principal: &str,
    operations: &[&'static Operation],
) -> Result<Vec<PermissionAnswer>, Failure> {
    let connection: Connection<'_, aws_sdk_iam::Client> = aws.at(zone, region);
    let partition = region.partition();
    let mut asked = Vec::new();
    let options = &aws.inner.sessions.caller.options;
    let named = Named {
        patch_lists: options.patch_list_bucket.as_deref(),
        audit_heads: options.heads_bucket.as_deref(),
        namespace: options.namespace.as_deref(),
    };
    for question in questions(zone, region, operations, partition, named) {
        let results = ask(&connection, principal, &question).await?;
        asked.push((question, results));
    }
    Ok(operations.iter().map(|operation| simulated(operation, &asked)).collect())
}

/// Puts one question, page by page.
pub(crate) async fn ask(
    connection: &Connection<'_, aws_sdk_iam::Client>,
    principal: &str,
    question: &Question,
) -> Result<Vec<EvaluationResult>, Failure> {
    let actions: Vec<String> = question.actions.iter().map(|action| (*action).to_owned()).collect();
    let entry = |(key, value): &(String, String)| {
        let entry = ContextEntry::builder().context_key_name(key).context_key_values(value);
        entry.context_key_type(ContextKeyTypeEnum::String).build()
    };
    let context: Vec<ContextEntry> = question.context.iter().map(entry).collect();
    // Everything is what IAM takes where no resource is named.
    let resources = Some(question.resource.clone()).filter(|resource| resource != "*").map(|one| vec![one]);
    let (mut results, mut marker): (Vec<EvaluationResult>, Option<String>) = (Vec::new(), None);
    loop {
        let send = |client: &aws_sdk_iam::Client| {
            let request = client.simulate_principal_policy().policy_source_arn(principal);
            let request =
                request.set_action_names(Some(actions.clone())).set_resource_arns(resources.clone());
            request.set_context_entries(Some(context.clone())).set_marker(marker.clone()).send()
        };
        let answer = connection.call(&SIMULATE_PRINCIPAL_POLICY, send).await?;
        results.extend(answer.evaluation_results.unwrap_or_default());
        let next = answer.marker.filter(|_| answer.is_truncated);
        if next.is_none() || next == marker {
            return Ok(results);
        }
        marker = next;
    }
}

/// The answer for one operation: allowed where everything that was asked of it is.
fn simulated(operation: &'static Operation, asked: &[(Question, Vec<EvaluationResult>)]) -> PermissionAnswer {
    let answer_of = |results: &[EvaluationResult]| {
        let mut found = results.iter().filter(|it| it.eval_action_name.eq_ignore_ascii_case(operation.iam));
        match found.next() {
            None => Answer::NotChecked(unexpected(
                &SIMULATE_PRINCIPAL_POLICY,
                &format!("the answer says nothing of {}", operation.iam),
            )),
            Some(result) => verdict(result),
        }
    };
    let of_it = asked.iter().filter(|(question, _)| question.actions.contains(&operation.iam));
    let mut answers = of_it.map(|(_, results)| answer_of(results));
    // What was not asked about is allowed to everybody, or is the simulation itself, which just was.
    let answer = answers.find(|answer| *answer != Answer::Allowed).unwrap_or(Answer::Allowed);
    PermissionAnswer { required: action(operation), answer, verified: Verified::Simulation }
}

fn verdict(result: &EvaluationResult) -> Answer {
    let refused_by = match &result.eval_decision {
        PolicyEvaluationDecisionType::Allowed => return Answer::Allowed,
        _ if result
            .organizations_decision_detail()
            .is_some_and(|detail| !detail.allowed_by_organizations()) =>
        {
            Refusal::Organization
        }
        _ if result
            .permissions_boundary_decision_detail()
            .is_some_and(|detail| !detail.allowed_by_permissions_boundary()) =>
        {
            Refusal::PermissionsBoundary
        }
        PolicyEvaluationDecisionType::ExplicitDeny => Refusal::ExplicitDeny,
        _ => Refusal::NoAllow,
    };
    Answer::Denied(refused_by)
}

/// Tries one operation without effect. `simulation` is why it could not be simulated.
async fn attempt(
    aws: &Aws,
    zone: &Zone,
    region: &Region,
    operation: &'static Operation,
    simulation: &Failure,
) -> PermissionAnswer {
    let tried = match operation.service {
        Service::Ec2 => try_ec2(&aws.at(zone, region), operation).await,
        Service::Ssm => try_ssm(&aws.at(zone, region), operation).await,
        // Having a session at all proves it, and it needs no permission.
        Service::Sts if operation.iam == GET_CALLER_IDENTITY.iam => Some(Ok(())),
        Service::Iam if operation.iam == SIMULATE_PRINCIPAL_POLICY.iam => Some(Err(simulation.clone())),
        Service::CloudWatch if operation.iam == DESCRIBE_ALARMS.iam => {
            Some(try_alarms(&aws.at(zone, region)).await)
        }
        Service::AutoScaling => try_auto_scaling(&aws.at(zone, region), operation).await,
        Service::ElasticLoadBalancing => match try_target_groups(&aws.at(zone, region), operation).await {
            None => try_classic_balancers(&aws.at(zone, region), operation).await,
            tried => tried,
        },
        Service::Bedrock
        | Service::CloudFormation
        | Service::CloudWatchLogs
        | Service::DynamoDb
        | Service::Eks
        | Service::EventBridge
        | Service::Kms
        | Service::Lambda
        | Service::SecretsManager
        | Service::ServiceQuotas
        | Service::Sns
        | Service::StepFunctions
        | Service::CloudWatch
        | Service::Iam
        | Service::Organizations
        | Service::S3
        | Service::Sts => None,
    };
    let answer = match tried {
        Some(Ok(())) => Answer::Allowed,
        Some(Err(failure)) if failure.code == &code::DENIED => {
            Answer::Denied(Refusal::Trial(failure.message))
        }
        Some(Err(failure)) => Answer::NotChecked(failure),
        None => Answer::NotChecked(untried(operation, simulation)),
    };
    PermissionAnswer { required: action(operation), answer, verified: Verified::Trial }
}

fn untried(operation: &Operation, simulation: &Failure) -> Failure {
    let message = format!(
        "not tried, because trying has effects or needs something that is there; not simulated: {}",
        simulation.message
    );
    Failure::new(ErrorClass::Denied, &code::SIMULATION_DENIED, operation.iam, &message)
}

/// Dry runs. `None` for an operation that has none.
async fn try_ec2(
    connection: &Connection<'_, aws_sdk_ec2::Client>,
    operation: &'static Operation,
) -> Option<Result<(), Failure>> {
    macro_rules! dry_run {
        ($request:ident) => {
            connection.call(operation, |client| client.$request().dry_run(true).send()).await.map(|_| ())
        };
    }
    let answer = match operation.iam {
        iam if iam == DESCRIBE_REGIONS.iam => dry_run!(describe_regions),
        iam if iam == DESCRIBE_INSTANCES.iam => dry_run!(describe_instances),
        iam if iam == DESCRIBE_INSTANCE_STATUS.iam => dry_run!(describe_instance_status),
        iam if iam == DESCRIBE_IMAGES.iam => dry_run!(describe_images),
        iam if iam == DESCRIBE_SNAPSHOTS.iam => dry_run!(describe_snapshots),
        iam if iam == DESCRIBE_REPLACE_ROOT_VOLUME_TASKS.iam => dry_run!(describe_replace_root_volume_tasks),
        iam if iam == DESCRIBE_VOLUMES.iam => dry_run!(describe_volumes),
        iam if iam == DESCRIBE_INSTANCE_TYPES.iam => dry_run!(describe_instance_types),
        _ => return None,
    };
    Some(match answer {
        // "Request would have succeeded, but DryRun flag is set."
        Err(failure) if failure.service_code.as_deref() == Some("DryRunOperation") => Ok(()),
        answer => answer,
    })
}

/// The smallest reads. `None` for an operation that has none.
async fn try_ssm(
    connection: &Connection<'_, aws_sdk_ssm::Client>,
    operation: &'static Operation,
) -> Option<Result<(), Failure>> {
    Some(match operation.iam {
        iam if iam == DESCRIBE_INSTANCE_INFORMATION.iam => connection
            .call(operation, |client| client.describe_instance_information().max_results(5).send())
            .await
            .map(|_| ()),
        iam if iam == DESCRIBE_INSTANCE_PATCH_STATES.iam => connection
            .call(operation, |client| client.describe_instance_patch_states().instance_ids(NOBODY).send())
            .await
            .map(|_| ()),
        iam if iam == LIST_COMMANDS.iam => connection
            .call(operation, |client| client.list_commands().max_results(1).send())
            .await
            .map(|_| ()),
        iam if iam == LIST_COMMAND_INVOCATIONS.iam => connection
            .call(operation, |client| client.list_command_invocations().max_results(1).send())
            .await
            .map(|_| ()),
        iam if iam == DESCRIBE_PATCH_BASELINES.iam => connection
            .call(operation, |client| client.describe_patch_baselines().max_results(1).send())
            .await
            .map(|_| ()),
        _ => return None,
    })
}

/// The smallest reads of target groups. `None` for an operation that has none.
async fn try_target_groups(
    connection: &Connection<'_, aws_sdk_elasticloadbalancingv2::Client>,
    operation: &'static Operation,
) -> Option<Result<(), Failure>> {
    (operation.iam == DESCRIBE_TARGET_GROUPS.iam).then_some(())?;
    let ask =
        |client: &aws_sdk_elasticloadbalancingv2::Client| client.describe_target_groups().page_size(1).send();
    Some(connection.call(operation, ask).await.map(|_| ()))
}

/// The smallest reads of classic balancers. `None` for an operation that has none.
async fn try_classic_balancers(
    connection: &Connection<'_, aws_sdk_elasticloadbalancing::Client>,
    operation: &'static Operation,
) -> Option<Result<(), Failure>> {
    (operation.iam == DESCRIBE_LOAD_BALANCERS.iam).then_some(())?;
    let ask =
        |client: &aws_sdk_elasticloadbalancing::Client| client.describe_load_balancers().page_size(1).send();
    Some(connection.call(operation, ask).await.map(|_| ()))
}

/// The smallest reads of Auto Scaling. `None` for an operation that has none.
async fn try_auto_scaling(
    connection: &Connection<'_, aws_sdk_autoscaling::Client>,
    operation: &'static Operation,
) -> Option<Result<(), Failure>> {
    Some(match operation.iam {
        iam if iam == DESCRIBE_AUTO_SCALING_INSTANCES.iam => connection
            .call(operation, |client| client.describe_auto_scaling_instances().max_records(1).send())
            .await
            .map(|_| ()),
        iam if iam == DESCRIBE_AUTO_SCALING_GROUPS.iam => connection
            .call(operation, |client| client.describe_auto_scaling_groups().max_records(1).send())
            .await
            .map(|_| ()),
        _ => return None,
    })
}

/// The smallest read of CloudWatch.
async fn try_alarms(connection: &Connection<'_, aws_sdk_cloudwatch::Client>) -> Result<(), Failure> {
    let ask = |client: &aws_sdk_cloudwatch::Client| client.describe_alarms().max_records(1).send();
    connection.call(&DESCRIBE_ALARMS, ask).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_behind_a_session_is_what_is_simulated() {
        let role = role_of("arn:aws-cn:sts::011122223333:assumed-role/ops/fleetwright");
        assert_eq!(role.as_deref(), Some("arn:aws-cn:iam::011122223333:role/ops"));
        assert_eq!(role_of("arn:aws:iam::011122223333:user/ann"), None);
    }
}
