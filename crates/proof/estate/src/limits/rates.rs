//! How fast each service answers, and what it says to those who ask faster.

use super::{Cell, LimitSettings, Rate, ReadClass};
use crate::call::{ApiError, Service};

/// The rate of one cell: an override, else the service's.
pub(super) fn rate(settings: &LimitSettings, cell: &Cell) -> Rate {
    let overridden = settings
        .overrides
        .iter()
        .filter(|_| cell.class != ReadClass::Resources)
        .find(|o| o.service == cell.service && crate::policy::pattern::matches(&o.action, cell.action));
    if let Some(o) = overridden {
        return Rate::new(o.burst, o.per_second);
    }
    match cell.service {
        Service::DynamoDb => dynamodb_rate(cell.action),
        Service::Ec2 => ec2_rate(cell.action, cell.class),
        Service::Ssm => settings.ssm,
        // Not published in numbers that bind; the estate takes Systems Manager's.
        Service::AutoScaling | Service::ClassicElb | Service::CloudFormation | Service::Elbv2 => settings.ssm,
        Service::Sts => settings.sts,
        Service::Iam => settings.iam,
        Service::Lambda => lambda_rate(cell.action),
        Service::Logs => logs_rate(cell.action),
        // Published per operation, and far above what a fleet's run needs: GetMetricData 500 per
        // second (CloudWatch user guide, quotas); the estate takes Systems Manager's.
        Service::CloudWatch => settings.ssm,
        Service::Organizations => settings.organizations,
        // Published per prefix of a bucket (S3 user guide, "Best practices design patterns"): the
        // lower number, that of requests that write.
        Service::S3 => Rate::new(3_500.0, 3_500.0),
        Service::EventBridge => events_rate(cell.action),
        // A quota of each model (Bedrock user guide, "Quotas"); the estate takes a small one of requests a minute.
        Service::Bedrock => Rate::new(50.0, 50.0 / 60.0),
        Service::Eks => eks_rate(cell.action),
        Service::Kms => kms_rate(cell.action),
        Service::SecretsManager => secrets_rate(cell.action),
        Service::ServiceQuotas => quotas_rate(cell.action),
        Service::Sqs => sqs_rate(cell.action),
        Service::Sns => sns_rate(cell.action),
    }
}

/// What a new table on demand takes (DynamoDB developer guide, "On-demand capacity mode"), as if every
/// request were one unit; of the control plane no number is published that binds.
fn dynamodb_rate(action: &str) -> Rate {
    match action {
        "GetItem" | "BatchGetItem" | "Query" | "Scan" | "TransactGetItems" => Rate::new(12_000.0, 12_000.0),
        "PutItem" | "UpdateItem" | "DeleteItem" | "BatchWriteItem" | "TransactWriteItems" => {
            Rate::new(4_000.0, 4_000.0)
        }
        _ => Rate::new(50.0, 10.0),
    }
}

/// Lambda's published rates (developer guide, "Lambda quotas"), each as if by itself.
fn lambda_rate(action: &str) -> Rate {
    match action {
        "Invoke" => Rate::new(10_000.0, 10_000.0),
        "GetFunction" => Rate::new(100.0, 100.0),
        _ => Rate::new(15.0, 15.0),
    }
}

/// EKS's rates; AWS publishes none but for the upgrade of a cluster's version, so the estate takes what the public
/// reports of throttled callers leave room for.
fn eks_rate(action: &str) -> Rate {
    match action {
        _ if ["Describe", "List"].iter().any(|verb| action.starts_with(verb)) => Rate::new(40.0, 10.0),
        _ => Rate::new(10.0, 2.0),
    }
}

/// CloudWatch Logs' published rates (user guide, "CloudWatch Logs service quotas"), those of the smaller regions.
fn logs_rate(action: &str) -> Rate {
    match action {
        "PutLogEvents" => Rate::new(1_500.0, 1_500.0),
        "CreateLogStream" => Rate::new(50.0, 50.0),
        "GetLogEvents" => Rate::new(25.0, 25.0),
        "FilterLogEvents" | "PutRetentionPolicy" => Rate::new(5.0, 5.0),
        _ => Rate::new(10.0, 10.0),
    }
}

/// SNS's published rates (General Reference, "Amazon SNS endpoints and quotas"), Publish's being that
/// of the smaller regions.
fn sns_rate(action: &str) -> Rate {
    match action {
        "Publish" => Rate::new(300.0, 300.0),
        "CreateTopic" | "DeleteTopic" | "Subscribe" => Rate::new(100.0, 100.0),
        _ => Rate::new(30.0, 30.0),
    }
}

/// EventBridge's published rates (user guide, "Amazon EventBridge quotas"), PutEvents' being that of the
/// smaller regions.
fn events_rate(action: &str) -> Rate {
    match action {
        "PutEvents" => Rate::new(600.0, 600.0),
        _ => Rate::new(50.0, 50.0),
    }
}

/// KMS's published rates (developer guide, "Request quotas"), for cryptography that of the smaller regions.
fn kms_rate(action: &str) -> Rate {
    match action {
        "Encrypt" | "Decrypt" | "GenerateDataKey" => Rate::new(10_000.0, 10_000.0),
        "DescribeKey" => Rate::new(2_000.0, 2_000.0),
        "ListAliases" => Rate::new(500.0, 500.0),
        "GetKeyRotationStatus" => Rate::new(1_000.0, 1_000.0),
        "EnableKeyRotation" | "ScheduleKeyDeletion" => Rate::new(15.0, 15.0),
        _ => Rate::new(5.0, 5.0),
    }
}

/// Secrets Manager's published rates (user guide, "AWS Secrets Manager quotas").
fn secrets_rate(action: &str) -> Rate {
    match action {
        "GetSecretValue" => Rate::new(10_000.0, 10_000.0),
        "DescribeSecret" => Rate::new(40_000.0, 40_000.0),
        "ListSecrets" => Rate::new(100.0, 100.0),
        _ => Rate::new(50.0, 50.0),
    }
}

/// Service Quotas' published rates, with what may come in one burst (user guide, "Service quotas for Service Quotas").
fn quotas_rate(action: &str) -> Rate {
    match action.starts_with("List") {
        true => Rate::new(20.0, 10.0),
        false => Rate::new(10.0, 5.0),
    }
}

/// SQS publishes no limit for messages of standard queues, and none that binds for queues themselves.
fn sqs_rate(action: &str) -> Rate {
    match action.contains("Message") {
        true => Rate::new(10_000.0, 10_000.0),
        false => Rate::new(100.0, 100.0),
    }
}

/// EC2's published buckets.
fn ec2_rate(action: &str, class: ReadClass) -> Rate {
    let is_read = ["Describe", "Get", "List"].iter().any(|verb| action.starts_with(verb));
    match action {
        "StartInstances" | "RunInstances" if class == ReadClass::Resources => Rate::new(1_000.0, 2.0),
        _ if class == ReadClass::Resources => Rate::new(1_000.0, 20.0),
        _ if is_read && class == ReadClass::Paginated => Rate::new(100.0, 20.0),
        _ if is_read => Rate::new(50.0, 10.0),
        "StartInstances" | "RunInstances" => Rate::new(5.0, 2.0),
        "CreateSnapshot" | "CreateSnapshots" | "DeleteSnapshot" | "DeregisterImage" | "CreateVolume" => {
            Rate::new(100.0, 5.0)
        }
        "CreateTags" | "DeleteTags" => Rate::new(100.0, 10.0),
        "CopyImage" => Rate::new(100.0, 1.0),
        _ => Rate::new(50.0, 5.0),
    }
}

/// The error a throttled call gets.
#[must_use]
pub fn throttled(service: Service) -> ApiError {
    match service {
        Service::DynamoDb => ApiError::new(
            400,
            "ThrottlingException",
            "Throughput exceeds the current capacity of your table or index",
        ),
        Service::Ec2 => ApiError::new(503, "RequestLimitExceeded", "Request limit exceeded."),
        Service::Ssm => ApiError::new(400, "ThrottlingException", "Rate exceeded"),
        Service::CloudWatch => ApiError::new(400, "ThrottlingException", "Rate exceeded"),
        Service::Organizations | Service::ServiceQuotas => {
            ApiError::new(400, "TooManyRequestsException", "Rate exceeded")
        }
        Service::Lambda => {
            let mut error = ApiError::new(429, "TooManyRequestsException", "Rate exceeded");
            error.members.insert("Reason".to_owned(), "CallerRateLimitExceeded".into());
            error
        }
        Service::Bedrock | Service::Eks => ApiError::new(429, "ThrottlingException", "Rate exceeded"),
        Service::S3 => ApiError::new(503, "SlowDown", "Please reduce your request rate."),
        Service::EventBridge | Service::Kms | Service::Logs | Service::SecretsManager => {
            ApiError::new(400, "ThrottlingException", "Rate exceeded")
        }
        Service::Sqs => ApiError::new(403, "RequestThrottled", "Request is throttled."),
        Service::Sns => ApiError::new(400, "Throttled", "Rate exceeded"),
        Service::AutoScaling
        | Service::ClassicElb
        | Service::CloudFormation
        | Service::Elbv2
        | Service::Iam
        | Service::Sts => ApiError::new(400, "Throttling", "Rate exceeded"),
    }
}
