//! One AWS call: what arrives, what the service answers, what it must be allowed to do.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::functions::Started;
use crate::wire::rest::RestRequest;
use crate::wire::rest_json::PathRequest;
use crate::world::{AccountId, World};

/// The services the estate answers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Auto Scaling, awsQuery.
    AutoScaling,
    /// Elastic Load Balancing of the first generation, awsQuery.
    #[serde(rename = "elb")]
    ClassicElb,
    /// Bedrock, restJson.
    Bedrock,
    /// CloudFormation, awsQuery.
    CloudFormation,
    /// CloudWatch, Smithy RPC v2 with CBOR.
    #[serde(rename = "monitoring")]
    CloudWatch,
    /// DynamoDB, awsJson 1.0.
    DynamoDb,
    /// EC2, ec2Query.
    Ec2,
    /// EventBridge, awsJson 1.1.
    #[serde(rename = "events")]
    EventBridge,
    /// Elastic Kubernetes Service, restJson.
    Eks,
    /// Elastic Load Balancing of the second generation, awsQuery, under the first one's signing name.
    Elbv2,
    /// Identity and Access Management, awsQuery, global.
    Iam,
    /// Key Management Service, awsJson 1.1.
    Kms,
    /// Lambda, restJson.
    Lambda,
    /// CloudWatch Logs, awsJson 1.1.
    Logs,
    /// Organizations, awsJson 1.1, global.
    Organizations,
    /// Simple Storage Service, restXml.
    S3,
    /// Secrets Manager, awsJson 1.1.
    SecretsManager,
    /// Service Quotas, awsJson 1.1.
    ServiceQuotas,
    /// Simple Notification Service, awsQuery.
    Sns,
    /// Simple Queue Service, awsJson 1.0.
    Sqs,
    /// Systems Manager, awsJson 1.1.
    Ssm,
    /// Security Token Service, awsQuery.
    Sts,
}

impl Service {
    /// Every service the estate answers for.
    pub const ALL: [Self; 22] = [
        Self::AutoScaling,
        Self::Bedrock,
        Self::ClassicElb,
        Self::CloudFormation,
        Self::CloudWatch,
        Self::DynamoDb,
        Self::Ec2,
        Self::Eks,
        Self::EventBridge,
        Self::Elbv2,
        Self::Iam,
        Self::Kms,
        Self::Lambda,
        Self::Logs,
        Self::Organizations,
        Self::S3,
        Self::SecretsManager,
        Self::ServiceQuotas,
        Self::Sns,
        Self::Sqs,
        Self::Ssm,
        Self::Sts,
    ];

    /// The service's name in the call log and in settings: its signing name, or where two generations
    /// share one, the AWS CLI's.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClassicElb => "elb",
            Self::Elbv2 => "elbv2",
            _ => self.signing_name(),
        }
    }

    /// The service's name in a SigV4 credential scope, which but for CloudWatch is also its IAM action
    /// prefix. The two generations of Elastic Load Balancing share theirs.
    #[must_use]
    pub const fn signing_name(self) -> &'static str {
        match self {
            Self::AutoScaling => "autoscaling",
            Self::ClassicElb | Self::Elbv2 => "elasticloadbalancing",
            Self::Bedrock => "bedrock",
            Self::CloudFormation => "cloudformation",
            Self::CloudWatch => "monitoring",
            Self::DynamoDb => "dynamodb",
            Self::EventBridge => "events",
            Self::Ec2 => "ec2",
            Self::Eks => "eks",
            Self::Iam => "iam",
            Self::Kms => "kms",
            Self::Lambda => "lambda",
            Self::Logs => "logs",
            Self::Organizations => "organizations",
            Self::S3 => "s3",
            Self::Sqs => "sqs",
            Self::SecretsManager => "secretsmanager",
            Self::ServiceQuotas => "servicequotas",
            Self::Sns => "sns",
            Self::Ssm => "ssm",
            Self::Sts => "sts",
        }
    }

    /// The service with that name in a SigV4 credential scope; the first of two that share it.
    #[must_use]
    pub fn from_signing_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.signing_name() == name)
    }

    /// True where a pattern with `*` and `?` fits one of the service's names.
    #[must_use]
    pub fn is_named(self, pattern: &str) -> bool {
        use crate::policy::pattern::matches;
        matches(pattern, self.name()) || matches(pattern, self.signing_name())
    }

    /// True where one endpoint in us-east-1 answers for the whole partition.
    #[must_use]
    pub const fn is_global(self) -> bool {
        matches!(self, Self::Iam | Self::Organizations)
    }
}

/// Decoded parameters of a call.
#[derive(Clone, Debug)]
pub enum Input {
    /// Form parameters (`Filter.1.Name=…`) of the ec2Query and awsQuery protocols, without
    /// `Action`, `Version` and `DryRun`, which the platform has dealt with.
    Query(QueryParams),
    /// A JSON document of the awsJson protocols.
    Json(Value),
    /// A request of the restXml protocol.
    Rest(Box<RestRequest>),
    /// A request of the restJson protocol.
    RestJson(Box<PathRequest>),
}

/// Form parameters with AWS's dotted list and structure notation.
#[derive(Clone, Debug, Default)]
pub struct QueryParams {
    /// Every parameter by its full dotted name.
    pub values: std::collections::BTreeMap<String, String>,
}

impl QueryParams {
    /// The value of a parameter by its full dotted name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The values of a flat list in index order: `list("InstanceId")` reads `InstanceId.1`,
    /// `InstanceId.2` …; awsQuery lists are read with `list("ActionNames.member")`.
    ///
    /// Gaps in the numbering are skipped, as AWS does.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<&str> {
        let mut found: Vec<(u64, &str)> =
            self.under(name).filter_map(|(rest, value)| Some((index(rest)?, value))).collect();
        found.sort_by_key(|(index, _)| *index);
        found.into_iter().map(|(_, value)| value).collect()
    }

    /// The structures of a list in index order, each with its members' names relative to it:
    /// `structures("Filter")` turns `Filter.1.Name` into a `Name` of the first structure.
    #[must_use]
    pub fn structures(&self, name: &str) -> Vec<Self> {
        let mut found: std::collections::BTreeMap<u64, Self> = std::collections::BTreeMap::new();
        for (rest, value) in self.under(name) {
            let Some((number, member)) = rest.split_once('.') else {
                continue;
            };
            let Some(number) = index(number) else {
                continue;
            };
            found.entry(number).or_default().values.insert(member.to_owned(), value.to_owned());
        }
        found.into_values().collect()
    }

    /// The members of one nested structure: `structure("Placement")` reads `Placement.Tenancy`.
    #[must_use]
    pub fn structure(&self, name: &str) -> Self {
        let values = self.under(name).map(|(rest, value)| (rest.to_owned(), value.to_owned())).collect();
        Self { values }
    }

    /// Every parameter below `name.`, with the rest of its name.
    fn under<'a>(&'a self, name: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let prefix = format!("{name}.");
        self.values
            .range(prefix.clone()..)
            .map_while(move |(key, value)| Some((key.strip_prefix(prefix.as_str())?, value.as_str())))
    }
}

/// A list index: decimal digits only.
fn index(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
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
    /// The estate's time when the call arrived; for STS the clock that credentials live by
    /// ([`crate::clock::Clock::credential_now`]), which differs under scaled time only.
    pub now: Timestamp,
    /// The moment a late read answers from; none for every call that sees the world as it is.
    pub as_of: Option<Timestamp>,
    /// The request id of the answer.
    pub request_id: String,
}

impl Call {
    /// The form parameters; empty for a call of an awsJson service.
    #[must_use]
    pub fn query(&self) -> &QueryParams {
        static NONE: QueryParams = QueryParams { values: std::collections::BTreeMap::new() };
        match &self.input {
            Input::Query(params) => params,
            Input::Json(_) | Input::Rest(_) | Input::RestJson(_) => &NONE,
        }
    }

    /// The JSON document; null for a call of a query service, or of S3.
    #[must_use]
    pub fn json(&self) -> &Value {
        static NONE: Value = Value::Null;
        match &self.input {
            Input::Query(_) | Input::Rest(_) => &NONE,
            Input::Json(document) => document,
            Input::RestJson(request) => &request.document,
        }
    }

    /// The restXml request; none for a call of any other protocol.
    #[must_use]
    pub fn rest(&self) -> Option<&RestRequest> {
        match &self.input {
            Input::Rest(request) => Some(request),
            Input::Query(_) | Input::Json(_) | Input::RestJson(_) => None,
        }
    }

    /// The restJson request; none for a call of any other protocol.
    #[must_use]
    pub fn path(&self) -> Option<&PathRequest> {
        match &self.input {
            Input::RestJson(request) => Some(request),
            Input::Query(_) | Input::Json(_) | Input::Rest(_) => None,
        }
    }
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
    /// Further elements of an XML error, by name; for SQS the code of its query protocol, as `QueryError`.
    pub details: Vec<(&'static str, String)>,
    /// Further members of a JSON error, by name.
    pub members: Map<String, Value>,
}

impl ApiError {
    /// An error with its HTTP status, AWS's code and a message for people.
    #[must_use]
    pub fn new(status: u16, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into(), details: Vec::new(), members: Map::new() }
    }
}

impl Requirement {
    /// A permission on an action that AWS offers no resource-level permission for.
    #[must_use]
    pub fn any_resource(action: impl Into<Cow<'static, str>>) -> Self {
        Self { action: action.into(), resource: "*".to_owned(), context: Vec::new() }
    }
}

/// What an operation answers with.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A document in the service's format, which gets its envelope later.
    Document(String),
    /// Status, headers and body as they are, for restXml, whose answers have parts in each.
    Http(http::Response<bytes::Bytes>),
    /// Whatever a function answers that is to be run now.
    Function(Box<Started>),
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
    /// How many resources the call asks for, where AWS keeps a bucket of those beside that of
    /// requests.
    fn resources(&self, _call: &Call) -> Option<u32> {
        None
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

    /// The same with all that HTTP carries, for operations whose answer is more than a document.
    ///
    /// # Errors
    /// The error AWS would answer.
    fn reply(&self, world: &mut World, call: &Call) -> Result<Reply, ApiError> {
        self.answer(world, call).map(Reply::Document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(pairs: &[(&str, &str)]) -> QueryParams {
        QueryParams { values: pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect() }
    }

    #[test]
    fn list_follows_the_index_not_the_alphabet() {
        let p = params(&[
            ("InstanceId.10", "j"),
            ("InstanceId.2", "b"),
            ("InstanceId.1", "a"),
            ("InstanceIdentity", "x"),
        ]);
        assert_eq!(p.list("InstanceId"), ["a", "b", "j"]);
    }

    #[test]
    fn structures_group_members_by_index() {
        let p = params(&[
            ("Filter.1.Name", "vpc-id"),
            ("Filter.1.Value.1", "vpc-1"),
            ("Filter.2.Name", "tag-key"),
        ]);
        let filters = p.structures("Filter");
        assert_eq!(filters.len(), 2);
        assert_eq!(filters[0].get("Name"), Some("vpc-id"));
        assert_eq!(filters[0].list("Value"), ["vpc-1"]);
        assert_eq!(filters[1].get("Name"), Some("tag-key"));
    }
}
