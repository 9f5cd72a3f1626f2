//! Which wire protocol, version and namespace each service speaks.

use crate::call::Service;

/// A wire protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Form parameters in, EC2's own XML out.
    Ec2Query,
    /// Form parameters in, XML with a `…Result` element out.
    AwsQuery,
    /// CBOR both ways, the operation in the path (Smithy RPC v2); or awsJson 1.0, as the client likes.
    RpcV2Cbor,
    /// JSON both ways, the operation in `X-Amz-Target`.
    Json11,
    /// The same in an earlier version.
    Json10,
    /// The operation in method and path, JSON where there is a document.
    RestJson,
    /// The operation in method and path, XML where there is a document, and objects as they are.
    RestXml,
}

impl Service {
    /// The protocol the service speaks.
    #[must_use]
    pub const fn protocol(self) -> Protocol {
        match self {
            Self::CloudWatch => Protocol::RpcV2Cbor,
            Self::DynamoDb | Self::Sqs => Protocol::Json10,
            Self::Ec2 => Protocol::Ec2Query,
            Self::AutoScaling
            | Self::ClassicElb
            | Self::CloudFormation
            | Self::Elbv2
            | Self::Iam
            | Self::Sns
            | Self::Sts => Protocol::AwsQuery,
            Self::Bedrock | Self::Eks | Self::Lambda => Protocol::RestJson,
            Self::S3 => Protocol::RestXml,
            Self::EventBridge
            | Self::Kms
            | Self::Logs
            | Self::Organizations
            | Self::SecretsManager
            | Self::ServiceQuotas
            | Self::Ssm => Protocol::Json11,
        }
    }

    /// The API version of the service model.
    #[must_use]
    pub const fn version(self) -> &'static str {
        match self {
            Self::AutoScaling => "2011-01-01",
            Self::Bedrock => "2023-09-30",
            Self::ClassicElb => "2012-06-01",
            Self::CloudFormation => "2010-05-15",
            Self::CloudWatch => "2010-08-01",
            Self::DynamoDb => "2012-08-10",
            Self::Ec2 => "2016-11-15",
            Self::Eks => "2017-11-01",
            Self::Elbv2 => "2015-12-01",
            Self::EventBridge => "2015-10-07",
            Self::Iam => "2010-05-08",
            Self::Kms => "2014-11-01",
            Self::Lambda => "2015-03-31",
            Self::Logs => "2014-03-28",
            Self::Organizations => "2016-11-28",
            Self::S3 => "2006-03-01",
            Self::SecretsManager => "2017-10-17",
            Self::ServiceQuotas => "2019-06-24",
            Self::Sns => "2010-03-31",
            Self::Sqs => "2012-11-05",
            Self::Ssm => "2014-11-06",
            Self::Sts => "2011-06-15",
        }
    }

    /// The XML namespace of a query service's answers; empty for a JSON service.
    #[must_use]
    pub const fn namespace(self) -> &'static str {
        match self {
            Self::AutoScaling => "http://autoscaling.amazonaws.com/doc/2011-01-01/",
            Self::ClassicElb => "http://elasticloadbalancing.amazonaws.com/doc/2012-06-01/",
            Self::CloudFormation => "http://cloudformation.amazonaws.com/doc/2010-05-15/",
            Self::Elbv2 => "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
            Self::Ec2 => "http://ec2.amazonaws.com/doc/2016-11-15/",
            Self::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
            Self::S3 => "http://s3.amazonaws.com/doc/2006-03-01/",
            Self::Sns => "http://sns.amazonaws.com/doc/2010-03-31/",
            Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
            Self::Bedrock
            | Self::CloudWatch
            | Self::DynamoDb
            | Self::Eks
            | Self::EventBridge
            | Self::Kms
            | Self::Lambda
            | Self::Logs
            | Self::Organizations
            | Self::SecretsManager
            | Self::ServiceQuotas
            | Self::Sqs
            | Self::Ssm => "",
        }
    }

    /// What stands before the operation in `X-Amz-Target`; empty for a query service.
    #[must_use]
    pub const fn target_prefix(self) -> &'static str {
        match self {
            Self::CloudWatch => "GraniteServiceVersion20100801",
            Self::DynamoDb => "DynamoDB_20120810",
            Self::EventBridge => "AWSEvents",
            Self::Kms => "TrentService",
            Self::Logs => "Logs_20140328",
            Self::Organizations => "AWSOrganizationsV20161128",
            Self::SecretsManager => "secretsmanager",
            Self::ServiceQuotas => "ServiceQuotasV20190624",
            Self::Sqs => "AmazonSQS",
            Self::Ssm => "AmazonSSM",
            Self::AutoScaling
            | Self::Bedrock
            | Self::ClassicElb
            | Self::CloudFormation
            | Self::Ec2
            | Self::Eks
            | Self::Elbv2
            | Self::Iam
            | Self::Lambda
            | Self::S3
            | Self::Sns
            | Self::Sts => "",
        }
    }
}
