//! The table of AWS operations: what is called, which permission it needs, how fast it may go.
//!
//! Every call is made with an [`Operation`] from this table and cannot be made without, so the
//! table is what fleetwright calls: permissions, pacing and documentation all come from it.

use fleetwright_model::Phase;

/// The AWS services that are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// EC2 Auto Scaling.
    AutoScaling,
    /// Bedrock, where models write.
    Bedrock,
    /// CloudFormation.
    CloudFormation,
    /// CloudWatch metrics and alarms; its requests are signed as `monitoring`.
    CloudWatch,
    /// DynamoDB.
    DynamoDb,
    /// Elastic Compute Cloud.
    Ec2,
    /// Elastic Load Balancing, both generations.
    ElasticLoadBalancing,
    /// Elastic Kubernetes Service.
    Eks,
    /// EventBridge.
    EventBridge,
    /// CloudWatch Logs.
    CloudWatchLogs,
    /// Identity and Access Management; one endpoint for the whole partition.
    Iam,
    /// Key Management Service.
    Kms,
    /// Lambda.
    Lambda,
    /// Organizations; one endpoint for the whole partition.
    Organizations,
    /// Simple Storage Service.
    S3,
    /// Secrets Manager.
    SecretsManager,
    /// Service Quotas.
    ServiceQuotas,
    /// Simple Notification Service.
    Sns,
    /// Systems Manager.
    Ssm,
    /// Step Functions; its requests are signed as `states`.
    StepFunctions,
    /// Security Token Service.
    Sts,
}

/// How fast an operation may be called, per account and region.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// AWS publishes the limit: a bucket of `burst` requests, refilled with `per_second`.
    Published {
        /// Requests the full bucket holds.
        burst: u32,
        /// Requests refilled per second.
        per_second: f64,
    },
    /// AWS publishes nothing; this is where we start, and throttling teaches the rest.
    Assumed {
        /// Requests the full bucket holds.
        burst: u32,
        /// Requests refilled per second.
        per_second: f64,
    },
}

impl Rate {
    /// Bucket size and refill per second.
    pub fn numbers(self) -> (u32, f64) {
        match self {
            Self::Published { burst, per_second } | Self::Assumed { burst, per_second } => {
                (burst, per_second)
            }
        }
    }
}

/// Whose permission an operation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal {
    /// The credentials the command starts with.
    Caller,
    /// The landing zone's role, or the caller where a zone has none.
    Zone,
}

/// Whether a scan is of use without an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing works without it.
    Required,
    /// Something is missing without it, and said to be missing.
    Optional,
}

/// Whether an operation changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It reads only.
    Reads,
    /// It changes something; a dry run makes no such call.
    Changes(Repeat),
}

/// Whether a call that may have taken effect, and whose reply was lost, may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Yes: the second one finds the state that the first one made.
    ByState,
    /// Yes: it carries a token, and the service answers the second one as the first.
    ByToken,
    /// No: it would be done twice. Its caller looks for what it was marked with.
    Never,
}

/// One operation of an AWS service as fleetwright uses it.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// The service.
    pub service: Service,
    /// The operation's name on the wire.
    pub name: &'static str,
    /// The IAM action it needs, e.g. `ec2:DescribeInstances`; failures are named by it.
    pub iam: &'static str,
    /// Whose permission that is.
    pub principal: Principal,
    /// The phases that call it.
    pub phases: &'static [Phase],
    /// What for, in a few words.
    pub purpose: &'static str,
    /// Whether a scan is of use without it.
    pub need: Need,
    /// Whether it changes anything, and may be repeated then.
    pub effect: Effect,
    /// How fast it may be called.
    pub rate: Rate,
}

impl Operation {
    /// True where a call changes something.
    pub fn mutates(&self) -> bool {
        self.effect != Effect::Reads
    }
}
