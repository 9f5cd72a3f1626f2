//! Where a call goes, as far as AWS's limits tell places apart.

use std::fmt;

use fleetwright_model::{AccountId, Region};

use crate::operation::Service;

/// Whose limits a call counts against.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Scope {
    /// The account.
    Account(AccountId),
    /// The account of the first credentials of a profile, whatever it is.
    Caller(Option<String>),
}

/// An account's region.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    /// The account.
    pub(crate) scope: Scope,
    /// The region.
    pub(crate) region: Region,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scope {
            Scope::Account(account) => write!(f, "{account}/{}", self.region),
            Scope::Caller(Some(profile)) => write!(f, "profile {profile}/{}", self.region),
            Scope::Caller(None) => write!(f, "caller/{}", self.region),
        }
    }
}

/// The region where a partition's global services live.
/// Source: AWS General Reference, "Service endpoints", IAM and STS.
pub(crate) fn first_region(partition: &str) -> Region {
    let name = match partition {
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        "aws-eusc" => "eusc-de-east-1",
        _ => "us-east-1",
    };
    Region::new(name).expect("well formed")
}

impl Place {
    /// The place whose limits count for a service: global services have one per partition.
    pub(crate) fn of_limits(&self, service: Service) -> Self {
        let region = match service {
            Service::Iam | Service::Organizations => first_region(self.region.partition()),
            Service::AutoScaling
            | Service::Bedrock
            | Service::CloudFormation
            | Service::CloudWatch
            | Service::CloudWatchLogs
            | Service::DynamoDb
            | Service::ElasticLoadBalancing
            | Service::Ec2
            | Service::Eks
            | Service::EventBridge
            | Service::Kms
            | Service::Lambda
            | Service::SecretsManager
            | Service::ServiceQuotas
            | Service::Sns
            | Service::StepFunctions
            | Service::Ssm
            | Service::S3
            | Service::Sts => self.region.clone(),
        };
        Self { scope: self.scope.clone(), region }
    }
}
