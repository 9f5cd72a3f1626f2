//! Where the hub keeps things: key, table, bucket, topic.

use serde_json::{Value, json};

use super::{Resources, TableKeys};
use crate::policy::{allow, allow_if, document};
use crate::{attribute, reference, sub, tags};

/// Adds key, table, bucket and topic.
pub(super) fn add(resources: &mut Resources, keys: &TableKeys) {
    let all = [
        ("Key", key()),
        ("KeyAlias", alias()),
        ("JournalTable", table(keys)),
        ("ArtefactBucket", bucket()),
        ("ArtefactBucketPolicy", bucket_policy()),
        ("AuditKeySecret", audit_key()),
        ("NoticeTopic", topic()),
        ("NoticeTopicPolicy", topic_policy()),
        ("AlarmSubscription", subscription()),
    ];
    resources.extend(all.map(|(id, resource)| (id.to_owned(), resource)));
}

/// What stays when the stack goes: the record of what was done to whom.
fn kept(mut resource: Value) -> Value {
    resource["DeletionPolicy"] = json!("Retain");
    resource["UpdateReplacePolicy"] = json!("Retain");
    resource
}

/// What who administers the account may do with the key; everything but giving it away.
const ADMINISTRATION: [&str; 25] = [
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateKeyDescription",
];

const USE: [&str; 6] = [
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
];

fn key() -> Value {
    let principal = |mut statement: Value, principal: Value| {
        statement["Principal"] = principal;
        statement
    };
    let account = json!({ "AWS": sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root") });
    let logs = json!({ "Service": sub("logs.${AWS::Region}.${AWS::URLSuffix}") });
    let group = sub("arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:*");
    let for_logs = json!({ "ArnLike": { "kms:EncryptionContext:aws:logs:arn": group } });
    let alarms = json!({ "Service": "cloudwatch.amazonaws.com" });
    // Step Functions hands its log over encrypted (its Developer Guide, "Data at rest encryption").
    let deliveries = json!({ "Service": "delivery.logs.amazonaws.com" });
    let ours = json!({ "StringEquals": { "aws:SourceAccount": reference("AWS::AccountId") } });
    let statements = vec![
        principal(allow("Account", &ADMINISTRATION, json!("*")), account),
        principal(allow_if("Logs", &USE, json!("*"), for_logs), logs),
        principal(
            allow_if("Alarms", &["kms:Decrypt", "kms:GenerateDataKey"], json!("*"), ours.clone()),
            alarms,
        ),
        principal(allow_if("LogDeliveries", &["kms:Decrypt"], json!("*"), ours), deliveries),
    ];
    kept(json!({
        "Type": "AWS::KMS::Key",
        "Properties": {
            "Description": sub("fleetwright ${Environment}"),
            "EnableKeyRotation": true,
            "PendingWindowInDays": 30,
            "KeyPolicy": document(statements),
            "Tags": tags(),
        },
    }))
}

fn alias() -> Value {
    json!({
        "Type": "AWS::KMS::Alias",
        "Properties": {
            "AliasName": sub("alias/fleetwright-${Environment}"),
            "TargetKeyId": reference("Key"),
        },
    })
}

fn table(keys: &TableKeys) -> Value {
    let TableKeys { partition, sort, expires } = keys;
    kept(json!({
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "TableName": sub("fleetwright-${Environment}-journal"),
            "AttributeDefinitions": [
                { "AttributeName": partition, "AttributeType": "S" },
                { "AttributeName": sort, "AttributeType": "S" },
            ],
            "KeySchema": [
                { "AttributeName": partition, "KeyType": "HASH" },
                { "AttributeName": sort, "KeyType": "RANGE" },
            ],
            "BillingMode": "PAY_PER_REQUEST",
            "DeletionProtectionEnabled": true,
            "PointInTimeRecoverySpecification": { "PointInTimeRecoveryEnabled": true },
            "SSESpecification":
                { "SSEEnabled": true, "SSEType": "KMS", "KMSMasterKeyId": attribute("Key", "Arn") },
            "TimeToLiveSpecification": { "AttributeName": expires, "Enabled": true },
            "Tags": tags(),
        },
    }))
}

/// Artefacts lie under `runs/<execution>/`; what was replaced is kept for a year.
fn bucket() -> Value {
    let encryption = json!({
        "BucketKeyEnabled": true,
        "ServerSideEncryptionByDefault":
            { "SSEAlgorithm": "aws:kms", "KMSMasterKeyID": attribute("Key", "Arn") },
    });
    let rules = json!([
        {
            "Id": "Unfinished",
            "Status": "Enabled",
            "AbortIncompleteMultipartUpload": { "DaysAfterInitiation": 7 },
        },
        {
            "Id": "Replaced",
            "Status": "Enabled",
            "NoncurrentVersionExpiration": { "NoncurrentDays": 365 },
        },
        {
            "Id": "Runs",
            "Prefix": "runs/",
            "Status": "Enabled",
            "Transitions": [{ "StorageClass": "STANDARD_IA", "TransitionInDays": 90 }],
        },
    ]);
    kept(json!({
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "BucketName": sub("fleetwright-${Environment}-${AWS::AccountId}-${AWS::Region}"),
            "BucketEncryption": { "ServerSideEncryptionConfiguration": [encryption] },
            "LifecycleConfiguration": { "Rules": rules },
            "OwnershipControls": { "Rules": [{ "ObjectOwnership": "BucketOwnerEnforced" }] },
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": true,
                "BlockPublicPolicy": true,
                "IgnorePublicAcls": true,
                "RestrictPublicBuckets": true,
            },
            "VersioningConfiguration": { "Status": "Enabled" },
            "Tags": tags(),
        },
    }))
}

/// What the key of audit logs is made of; nobody has ever seen it.
fn audit_key() -> Value {
    kept(json!({
        "Type": "AWS::SecretsManager::Secret",
        "Properties": {
            "Name": sub("fleetwright-${Environment}-audit-key"),
            "Description": "What heads of audit logs are signed with",
            "GenerateSecretString": { "PasswordLength": 64, "ExcludePunctuation": true },
            "KmsKeyId": reference("Key"),
            "Tags": tags(),
        },
    }))
}

/// Only TLS: whoever asks, and whatever for.
fn bucket_policy() -> Value {
    let deny = json!({
        "Sid": "OnlyTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [attribute("ArtefactBucket", "Arn"), sub("${ArtefactBucket.Arn}/*")],
        "Condition": { "Bool": { "aws:SecureTransport": "false" } },
    });
    json!({
        "Type": "AWS::S3::BucketPolicy",
        "Properties": { "Bucket": reference("ArtefactBucket"), "PolicyDocument": document(vec![deny]) },
    })
}

fn topic() -> Value {
    json!({
        "Type": "AWS::SNS::Topic",
        "Properties": {
            "TopicName": sub("fleetwright-${Environment}"),
            "KmsMasterKeyId": attribute("Key", "Arn"),
            "Tags": tags(),
        },
    })
}

fn topic_policy() -> Value {
    let ours = json!({ "StringEquals": { "aws:SourceAccount": reference("AWS::AccountId") } });
    let mut alarms = allow_if("Alarms", &["sns:Publish"], reference("NoticeTopic"), ours);
    alarms["Principal"] = json!({ "Service": "cloudwatch.amazonaws.com" });
    let deny = json!({
        "Sid": "OnlyTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sns:Publish",
        "Resource": reference("NoticeTopic"),
        "Condition": { "Bool": { "aws:SecureTransport": "false" } },
    });
    json!({
        "Type": "AWS::SNS::TopicPolicy",
        "Properties": {
            "Topics": [reference("NoticeTopic")],
            "PolicyDocument": document(vec![alarms, deny]),
        },
    })
}

fn subscription() -> Value {
    json!({
        "Type": "AWS::SNS::Subscription",
        "Condition": "HasAlarmAddress",
        "Properties": {
            "TopicArn": reference("NoticeTopic"),
            "Protocol": "email",
            "Endpoint": reference("AlarmAddress"),
        },
    })
}
