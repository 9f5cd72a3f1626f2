//! The context keys the estate's requests carry.
//!
//! A condition on any other key would read as "not there", which makes a negated operator true and
//! a set operator vacuous. AWS evaluates it so as well, but knows far more keys: a policy that
//! relies on one of those is refused here rather than judged wrongly.
//!
//! Source: Service Authorization Reference, condition keys of each service; IAM User Guide, "AWS
//! global condition context keys".

/// Keys that are themselves, in lower case.
const WHOLE: &[&str] = &[
    "aws:currenttime",
    "aws:epochtime",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principaltype",
    "aws:requestedregion",
    "aws:resourceaccount",
    "aws:resourceorgid",
    "aws:securetransport",
    "aws:sourceip",
    "aws:tagkeys",
    "aws:userid",
    "aws:username",
    "cloudwatch:namespace",
    "dynamodb:enclosingoperation",
    "dynamodb:leadingkeys",
    "ec2:createaction",
    "ec2:instancetype",
    "ec2:region",
    "eks:clustername",
    "events:detail-type",
    "events:source",
    "events:targetarn",
    "iam:passedtoservice",
    "kms:encryptioncontextkeys",
    "kms:requestalias",
    "kms:resourcealiases",
    "s3:delimiter",
    "s3:max-keys",
    "s3:prefix",
    "secretsmanager:name",
    "secretsmanager:secretid",
    "sts:externalid",
    "sts:rolesessionname",
];

/// Keys that end with the key of a tag, or with a name of the request's own, in lower case.
const WITH_TAG: &[&str] = &[
    "aws:requesttag/",
    "aws:resourcetag/",
    "ec2:resourcetag/",
    "kms:encryptioncontext:",
    "secretsmanager:resourcetag/",
    "ssm:resourcetag/",
];

/// Whether requests of the estate can carry the key, given in lower case.
#[must_use]
pub fn is_known(key: &str) -> bool {
    let tag = |prefix: &&str| key.strip_prefix(prefix).is_some_and(|tag| !tag.is_empty());
    WHOLE.contains(&key) || WITH_TAG.iter().any(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_a_tag_needs_the_tag() {
        assert!(is_known("aws:requesttag/fleetwright:purpose"));
        assert!(!is_known("aws:requesttag/"));
        assert!(!is_known("aws:sourcevpce"));
    }
}
