//! One AWS call: what arrives, what the service answers, what it must be allowed to do.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Value;

use crate::world::{AccountId, World};

/// The services the estate answers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// EC2, ec2Query.
    Ec2,
    /// Identity and Access Management, awsQuery, global.
    Iam,
    /// Organizations, awsJson 1.1, global.
    Organizations,
    /// Systems Manager, awsJson 1.1.
    Ssm,
    /// Security Token Service, awsQuery.
    Sts,
}

/// Decoded parameters of a call.
#[derive(Clone, Debug)]
pub enum Input {
    /// Form parameters (`Filter.1.Name=…`) of the ec2Query and awsQuery protocols.
    Query(QueryParams),
    /// A JSON document of the awsJson protocols.
    Json(Value),
}

/// Form parameters with AWS's dotted list and structure notation.
#[derive(Clone, Debug, Default)]
pub struct QueryParams {
    /// Every parameter by its full dotted name.
    pub values: std::collections::BTreeMap<String, String>,
}

/// One call, after authentication and parsing.
#[derive(Clone, Debug)]
pub struct Call {
    /// The service addressed.
    pub service: Service,
    /// The operation's name, e.g. `DescribeInstances`.
    pub action: String,
    /// The parameters.
    pub input: Input,
    /// The account of the calling principal.
    pub account: AccountId,
    /// The region the request was signed for.
    pub region: String,
    /// ARN of the calling principal (user, or assumed-role session).
    pub principal: String,
    /// The estate's time when the call arrived.
    pub now: Timestamp,
    /// The request id of the answer.
    pub request_id: String,
}

/// An error as AWS would send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// AWS's error code, e.g. `UnauthorizedOperation`.
    pub code: Cow<'static, str>,
    /// Text for people.
    pub message: String,
}

/// What one call needs to be allowed to do; every requirement must be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The IAM action, e.g. `ec2:DescribeInstances`.
    pub action: Cow<'static, str>,
    /// ARN of the resource, or `*` where AWS has no resource-level permission.
    pub resource: String,
    /// Request and resource context keys, e.g. `ec2:ResourceTag/App` or `aws:RequestTag/Owner`.
    pub context: Vec<(String, String)>,
}

/// An operation of a service: its permission and its effect.
pub trait Operation: Send + Sync {
    /// The service this operation belongs to.
    fn service(&self) -> Service;
    /// The operation's name on the wire.
    fn name(&self) -> &'static str;
    /// True where the operation changes the world.
    fn mutates(&self) -> bool {
        false
    }
    /// True where the call counts as filtered and paginated, which EC2 grants the higher read rate.
    fn paginated(&self, _call: &Call) -> bool {
        true
    }
    /// What IAM must allow before the operation is looked at further.
    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement>;
    /// Validates, acts and renders the body that goes between the protocol's envelope.
    ///
    /// For ec2Query and awsQuery this is the inner XML of the response (without the
    /// `…Response`/`…Result` element and request id, which the wire layer adds); for awsJson it is
    /// the whole JSON document.
    ///
    /// # Errors
    /// The error AWS would answer.
    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError>;
}
