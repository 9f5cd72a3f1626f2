//! What we may do: by simulation, otherwise by trying without effect.

use fleetwright_model::{Access, Phase};
use fleetwright_ports::clusters::UpgradedParts;
use fleetwright_ports::{Answer, Foundations, Refusal, Rights, Verified};

use crate::fake::{Reply, assumed, cell, ec2_error, json_error, query_error, stage, zone};

fn simulated(actions: &[(&str, &str)]) -> Reply {
    let rows: String = actions
        .iter()
        .map(|(action, decision)| {
            format!(
                "<member><EvalActionName>{action}</EvalActionName><EvalDecision>{decision}</EvalDecision>\
                 <EvalResourceName>*</EvalResourceName></member>"
            )
        })
        .collect();
    Reply::Answer(
        200,
        format!(
            "<SimulatePrincipalPolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
             <SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults>{rows}\
             </EvaluationResults></SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
        ),
    )
}

#[tokio::test(start_paused = true)]
async fn simulation_answers_for_the_zones_role_in_one_call() {
    let stage = stage(|seen| match seen.action.as_str() {
        "sts:AssumeRole" => assumed(seen),
        _ => simulated(&[("ec2:DescribeInstances", "allowed"), ("ec2:DescribeVolumes", "explicitDeny")]),
    })
    .await;
    let zone = zone("111122223333", None);
    let answers = stage.aws.permissions(&zone, &cell(&zone).region, &[Phase::Scan]).await;
    let required = stage.aws.required_actions(&[Phase::Scan]);
    assert_eq!(answers.iter().map(|answer| answer.required).collect::<Vec<_>>(), required);
    let of =
        |action: &str| &answers.iter().find(|answer| answer.required.action == action).expect("asked").answer;
    assert_eq!(*of("ec2:DescribeInstances"), Answer::Allowed);
    assert_eq!(*of("ec2:DescribeVolumes"), Answer::Denied(Refusal::ExplicitDeny));
    assert!(matches!(of("ec2:DescribeRegions"), Answer::NotChecked(_)), "silence is not consent");
    let asked = stage.fake.asked("iam:SimulatePrincipalPolicy");
    assert_eq!(asked.len(), 1);
    assert_eq!(
        asked[0].field("PolicySourceArn").as_deref(),
        Some("arn:aws:iam::111122223333:role/ops/patching")
    );
}

/// What can only be asked about something that is there, so that nothing is tried.
const TARGET_HEALTH: &str = "elasticloadbalancing:DescribeTargetHealth";
const INSTANCE_HEALTH: &str = "elasticloadbalancing:DescribeInstanceHealth";

/// An empty list of a service that speaks the query protocol.
fn list_of(action: &str, list: &str) -> Reply {
    let body = format!("<{action}Response><{action}Result><{list}/></{action}Result></{action}Response>");
    Reply::Answer(200, body)
}

#[tokio::test(start_paused = true)]
async fn without_simulation_everything_is_tried_without_effect() {
    let stage = stage(|seen| match seen.action.as_str() {
        "sts:AssumeRole" => assumed(seen),
        "iam:SimulatePrincipalPolicy" => query_error(403, "AccessDenied", "not authorized"),
        "ec2:DescribeVolumes" => ec2_error(403, "UnauthorizedOperation", "You are not authorized"),
        "ssm:DescribePatchBaselines" => json_error(400, "AccessDeniedException", "not authorized"),
        "ssm:DescribeInstanceInformation" => json_error(400, "ValidationException", "odd"),
        action if action.starts_with("ec2:") && seen.body.contains("DryRun=true") => {
            ec2_error(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
        }
        action if action.starts_with("ssm:") => Reply::Answer(200, "{}".into()),
        "elasticloadbalancing:DescribeTargetGroups" => list_of("DescribeTargetGroups", "TargetGroups"),
        "elasticloadbalancing:DescribeLoadBalancers" => {
            list_of("DescribeLoadBalancers", "LoadBalancerDescriptions")
        }
        "autoscaling:DescribeAutoScalingInstances" => {
            list_of("DescribeAutoScalingInstances", "AutoScalingInstances")
        }
        "autoscaling:DescribeAutoScalingGroups" => list_of("DescribeAutoScalingGroups", "AutoScalingGroups"),
        action => panic!("{action} must not be tried with effect"),
    })
    .await;
    let zone = zone("111122223333", None);
    let answers = stage.aws.permissions(&zone, &cell(&zone).region, &[Phase::Scan]).await;
    assert!(answers.iter().all(|answer| answer.verified == Verified::Trial));
    for answer in &answers {
        let expected = match answer.required.action {
            "ec2:DescribeVolumes" | "ssm:DescribePatchBaselines" | "iam:SimulatePrincipalPolicy" => "Denied",
            "ssm:DescribeInstanceInformation" | TARGET_HEALTH | INSTANCE_HEALTH => "NotChecked",
            _ => "Allowed",
        };
        let got = format!("{:?}", answer.answer);
        assert!(got.starts_with(expected), "{}: {got}", answer.required.action);
    }
}

#[tokio::test(start_paused = true)]
async fn everything_that_is_called_is_in_the_table() {
    let stage = stage(|seen| match seen.action.as_str() {
        "sts:AssumeRole" => assumed(seen),
        _ => query_error(403, "AccessDenied", "no"),
    })
    .await;
    let zone = zone("111122223333", None);
    stage.aws.permissions(&zone, &cell(&zone).region, &Phase::ALL).await;
    for seen in stage.fake.seen() {
        assert!(
            fleetwright_aws::operations().iter().any(|operation| operation.iam == seen.action),
            "{}",
            seen.action
        );
    }
}

/// A session of a role of IAM Identity Center, whose ARN leaves the role's path out.
fn session() -> Reply {
    Reply::Answer(
        200,
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Arn>arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_ops_1/ann</Arn><UserId>AROA:ann</UserId>\
         <Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
            .to_owned(),
    )
}

fn role(arn: &str) -> Reply {
    Reply::Answer(
        200,
        format!(
            "<GetRoleResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><GetRoleResult><Role>\
             <Path>/</Path><RoleName>AWSReservedSSO_ops_1</RoleName><RoleId>AROA</RoleId><Arn>{arn}</Arn>\
             <CreateDate>2026-01-01T00:00:00Z</CreateDate></Role></GetRoleResult></GetRoleResponse>"
        ),
    )
}

#[tokio::test(start_paused = true)]
async fn a_role_with_a_path_is_looked_up_by_its_name_before_its_rights_are_asked_about() {
    const WITH_PATH: &str =
        "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_ops_1";
    for (may_look, asked_as) in
        [(true, WITH_PATH), (false, "arn:aws:iam::111122223333:role/AWSReservedSSO_ops_1")]
    {
        let stage = stage(move |seen| match seen.action.as_str() {
            "sts:GetCallerIdentity" => session(),
            "iam:GetRole" if may_look => role(WITH_PATH),
            "iam:GetRole" => query_error(403, "AccessDenied", "not authorized"),
            _ => simulated(&[]),
        })
        .await;
        let mut zone = zone("111122223333", None);
        zone.access = Access::default();
        let (cell, name) = (cell(&zone), "shop".parse().expect("a name"));
        let rights = stage.aws.upgrade_rights(&cell, &name, UpgradedParts::default()).await;
        assert!(rights.is_err(), "silence is not consent: {rights:?}");
        let asked = stage.fake.asked("iam:SimulatePrincipalPolicy");
        assert_eq!(asked[0].field("PolicySourceArn").as_deref(), Some(asked_as));
    }
}
