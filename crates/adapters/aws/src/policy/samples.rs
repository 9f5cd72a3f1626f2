//! Questions for a policy simulation: each permission asked about on a resource it is meant for, in the
//! circumstances it is meant for. Asked about `*` alone, a policy that is narrowed as it should be would
//! seem to allow nothing.

use fleetwright_model::{Region, Zone};

use super::HEADS_PREFIX;
use super::grants::{self, Grant, Mark, On, PURPOSE_TAG};
use crate::operation::Operation;

/// Actions to ask about together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// ARN of a resource there may be, or `*`.
    pub(crate) resource: String,
    /// Context keys with their values.
    pub(crate) context: Vec<(String, String)>,
    /// The actions.
    pub(crate) actions: Vec<&'static str>,
}

/// What a configuration says of the resources it names itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Named<'a> {
    /// The bucket of patch lists.
    pub(crate) patch_lists: Option<&'a str>,
    /// The bucket of heads of audit logs.
    pub(crate) audit_heads: Option<&'a str>,
    /// The namespace of a run's figures.
    pub(crate) namespace: Option<&'a str>,
}

/// Everything these operations have to be allowed in a region, by the zone's partition and what a
/// configuration names.
pub(crate) fn questions(
    zone: &Zone,
    region: &Region,
    operations: &[&'static Operation],
    partition: &str,
    named: Named<'_>,
) -> Vec<Question> {
    let whole = operations.iter().filter(|operation| {
        let free = operation.iam == super::FREE;
        !free && grants::of(operation.iam).is_none() && !grants::WITH_OTHERS.contains(&operation.iam)
    });
    let whole: Vec<&'static str> = whole.map(|operation| operation.iam).collect();
    let mut questions = vec![Question { resource: "*".into(), context: here(region), actions: whole }];
    // Whether a simulation is allowed shows by asking for one.
    let asked = operations.iter().filter(|operation| operation.iam != "iam:SimulatePrincipalPolicy");
    for grant in asked.filter_map(|operation| grants::of(operation.iam)).flatten() {
        for on in grant.on {
            let Some(resource) = resource(zone, region, partition, named, *on) else { continue };
            let mut context = context(zone, region, partition, grant);
            if grant.marks.contains(&Mark::Namespace) {
                context
                    .extend(named.namespace.map(|name| ("cloudwatch:namespace".to_owned(), name.to_owned())));
            }
            match questions.iter_mut().find(|it| (&it.resource, &it.context) == (&resource, &context)) {
                Some(question) => question.actions.push(grant.action),
                None => questions.push(Question { resource, context, actions: vec![grant.action] }),
            }
        }
    }
    questions.retain(|question| !question.actions.is_empty());
    questions
}

/// The resource to ask about; `None` where the configuration names none, and for what hubs keep, parameters, topics and event buses: which
/// landing zone has them is said where they are used, and topics and buses may refuse by policies of their own.
fn resource(zone: &Zone, region: &Region, partition: &str, named: Named<'_>, on: On) -> Option<String> {
    let object = |bucket: &str, key: &str| format!("arn:{partition}:s3:::{bucket}/{key}");
    match on {
        On::PatchLists => named.patch_lists.map(|bucket| object(bucket, "sample")),
        On::AuditHeads => named.audit_heads.map(|bucket| object(bucket, &format!("{HEADS_PREFIX}/sample"))),
        On::Topics
        | On::EventBuses
        | On::Parameters
        | On::Hub(_)
        | On::Clusters
        | On::ClusterAddons
        | On::ClusterNodeGroups
        | On::Functions
        | On::Models
        | On::PublicParameters
        | On::HubLogs
        | On::HubStacks
        | On::HubMachines
        | On::CodeBuckets
        | On::Machines
        | On::Executions
        | On::EventRules => None,
        On::Everything => Some("*".to_owned()),
        other => Some(sample(zone, region, partition, other)),
    }
}

fn here(region: &Region) -> Vec<(String, String)> {
    vec![("aws:RequestedRegion".to_owned(), region.to_string())]
}

/// A resource of that kind, as there could be one.
fn sample(zone: &Zone, region: &Region, partition: &str, on: On) -> String {
    let account = &zone.account;
    let rest = match on {
        On::Ec2("image") => format!("ec2:{region}::image/ami-00000000000000000"),
        On::Ec2("snapshot") => format!("ec2:{region}::snapshot/snap-00000000000000000"),
        On::Ec2("instance") => format!("ec2:{region}:{account}:instance/i-00000000000000000"),
        On::Ec2(kind) => format!("ec2:{region}:{account}:{kind}/sample"),
        // The one that every phase runs that runs any.
        On::Documents => format!("ssm:{region}::document/AWS-RunShellScript"),
        On::Roles | On::OwnRole => format!("iam::{account}:role/sample"),
        On::TargetGroups => {
            format!("elasticloadbalancing:{region}:{account}:targetgroup/sample/0000000000000000")
        }
        On::ClassicBalancers => format!("elasticloadbalancing:{region}:{account}:loadbalancer/sample"),
        On::AutoScalingGroups => format!(
            "autoscaling:{region}:{account}:autoScalingGroup:00000000-0000-0000-0000-000000000000:\
             autoScalingGroupName/sample"
        ),
        On::PatchLists
        | On::AuditHeads
        | On::Topics
        | On::EventBuses
        | On::Hub(_)
        | On::HubLogs
        | On::HubStacks
        | On::HubMachines
        | On::CodeBuckets
        | On::Parameters
        | On::Clusters
        | On::ClusterAddons
        | On::ClusterNodeGroups
        | On::Functions
        | On::Models
        | On::PublicParameters
        | On::Machines
        | On::Executions
        | On::EventRules
        | On::Everything => {
            return "*".to_owned();
        }
        On::MaintenanceWindows => format!("ssm:{region}:{account}:maintenancewindow/mw-00000000000000000"),
    };
    format!("arn:{partition}:{rest}")
}

fn context(zone: &Zone, region: &Region, partition: &str, grant: &Grant) -> Vec<(String, String)> {
    let mut context = here(region);
    for mark in grant.marks {
        match mark {
            Mark::Chosen => context.extend(chosen(zone, &["aws:ResourceTag", "ec2:ResourceTag"])),
            Mark::ChosenNode => context.extend(chosen(zone, &["aws:ResourceTag", "ssm:resourceTag"])),
            Mark::For(purpose) => {
                for prefix in ["aws:ResourceTag", "ec2:ResourceTag"] {
                    context.push((format!("{prefix}/{PURPOSE_TAG}"), (*purpose).to_owned()));
                }
            }
            Mark::Marks(purpose) => {
                context.push((format!("aws:RequestTag/{PURPOSE_TAG}"), (*purpose).to_owned()));
                context.push(("aws:TagKeys".to_owned(), PURPOSE_TAG.to_owned()));
            }
            Mark::While(call) => context.push(("ec2:CreateAction".to_owned(), (*call).to_owned())),
            Mark::Namespace => {}
            Mark::ToEventBridge => {
                context.push(("iam:PassedToService".to_owned(), super::EVENT_BRIDGE_PRINCIPAL.to_owned()))
            }
            Mark::ToLambda => {
                context.push(("iam:PassedToService".to_owned(), super::LAMBDA_PRINCIPAL.to_owned()))
            }
            Mark::ToStepFunctions => {
                context.push(("iam:PassedToService".to_owned(), super::STEP_FUNCTIONS_PRINCIPAL.to_owned()))
            }
            Mark::ToEc2 => {
                context.push(("iam:PassedToService".to_owned(), super::ec2_principal(partition).to_owned()))
            }
        }
    }
    context
}

/// The tags a chosen instance carries. A value with wildcards fits itself as a pattern.
fn chosen<'a>(zone: &'a Zone, prefixes: &'a [&str]) -> impl Iterator<Item = (String, String)> + 'a {
    zone.tags.iter().filter_map(|(key, values)| Some((key, values.first()?))).flat_map(|(key, value)| {
        prefixes.iter().map(move |prefix| (format!("{prefix}/{key}"), value.clone()))
    })
}
