//! Typed identifiers, validated where they enter.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Shared text. Fleets repeat themselves (types, images, tags), so equal texts can share one
/// allocation; 100,000 instances stay small.
pub type Text = Arc<str>;

/// A value that is not an identifier of the kind asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not {expected}")]
pub struct InvalidId {
    /// What was given, shortened to 80 characters.
    pub value: String,
    /// What would have been right, e.g. "a 12-digit AWS account id".
    pub expected: &'static str,
}

impl InvalidId {
    fn new(value: &str, expected: &'static str) -> Self {
        Self { value: value.chars().take(80).collect(), expected }
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Text);

        impl $name {
            /// Takes the identifier if it is well formed.
            ///
            /// # Errors
            /// [`InvalidId`] naming the value and what was expected.
            pub fn new(value: impl Into<Text>) -> Result<Self, InvalidId> {
                let value = value.into();
                let valid: fn(&str) -> bool = $valid;
                if valid(&value) { Ok(Self(value)) } else { Err(InvalidId::new(&value, $expected)) }
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(s: &str) -> Result<Self, InvalidId> {
                Self::new(s)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(s: String) -> Result<Self, InvalidId> {
                Self::new(s)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// A 12-digit AWS account id, leading zeros kept.
    AccountId,
    "a 12-digit AWS account id",
    |s| s.len() == 12 && s.bytes().all(|b| b.is_ascii_digit())
);

text_id!(
    /// An AWS region code such as `eu-central-1` or `us-gov-west-1`.
    Region,
    "an AWS region code such as eu-central-1",
    |s| {
        let parts: Vec<&str> = s.split('-').collect();
        let word = |p: &str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_lowercase());
        match parts.as_slice() {
            [country, middle @ .., number] => {
                (2..=4).contains(&country.len())
                    && word(country)
                    && (1..=2).contains(&middle.len())
                    && middle.iter().all(|p| word(p))
                    && !number.is_empty()
                    && number.len() <= 2
                    && number.bytes().all(|b| b.is_ascii_digit())
            }
            _ => false,
        }
    }
);

text_id!(
    /// An EC2 instance id: `i-` and 8 or 17 hexadecimal digits.
    InstanceId,
    "an EC2 instance id (i- and 8 or 17 hexadecimal digits)",
    |s| {
        s.strip_prefix("i-").is_some_and(|hex| {
            (hex.len() == 8 || hex.len() == 17)
                && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        })
    }
);

text_id!(
    /// The name people gave a landing zone: 1 to 128 characters, none of them control characters.
    ZoneName,
    "a landing-zone name (1 to 128 characters without control characters)",
    |s| (1..=128).contains(&s.chars().count()) && s.trim() == s && !s.chars().any(char::is_control)
);

text_id!(
    /// ARN of an IAM role: `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`.
    RoleArn,
    "the ARN of an IAM role (arn:aws:iam::123456789012:role/NAME)",
    |s| parse_role_arn(s).is_some()
);

/// Partition, account and path-with-name of a role ARN.
fn parse_role_arn(arn: &str) -> Option<(&str, &str, &str)> {
    let mut parts = arn.splitn(6, ':');
    let (prefix, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    let role = resource.strip_prefix("role/")?;
    let name = role.rsplit('/').next()?;
    let partition_known = partition == "aws" || partition.strip_prefix("aws-").is_some_and(|p| !p.is_empty());
    let name_valid = (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b));
    let path_valid = role.len() <= 576 && role.bytes().all(|b| (0x21..=0x7e).contains(&b));
    (prefix == "arn"
        && partition_known
        && service == "iam"
        && region.is_empty()
        && account.len() == 12
        && account.bytes().all(|b| b.is_ascii_digit())
        && name_valid
        && path_valid)
        .then_some((partition, account, role))
}

impl RoleArn {
    /// The ARN of the role `name` (a path may precede it) in `account` of `partition`.
    ///
    /// # Errors
    /// [`InvalidId`] when the name is not one IAM accepts.
    pub fn from_name(partition: &str, account: &AccountId, name: &str) -> Result<Self, InvalidId> {
        let name = name.strip_prefix('/').unwrap_or(name);
        Self::new(format!("arn:{partition}:iam::{account}:role/{name}"))
            .map_err(|_| InvalidId::new(name, "an IAM role name (1 to 64 letters, digits or +=,.@_-)"))
    }

    /// The account the role lives in.
    pub fn account(&self) -> AccountId {
        let (_, account, _) = parse_role_arn(self.as_str()).expect("validated when it was made");
        AccountId::new(account).expect("validated when it was made")
    }

    /// The partition: `aws`, `aws-cn`, `aws-us-gov` ….
    pub fn partition(&self) -> &str {
        parse_role_arn(self.as_str()).expect("validated when it was made").0
    }

    /// Path and name, without the leading `role/`.
    pub fn name(&self) -> &str {
        parse_role_arn(self.as_str()).expect("validated when it was made").2
    }
}

impl AccountId {
    /// Takes a number as people write account ids in YAML and restores its leading zeros.
    ///
    /// # Errors
    /// [`InvalidId`] when it has more than 12 digits.
    pub fn from_number(number: u64) -> Result<Self, InvalidId> {
        Self::new(format!("{number:012}"))
    }
}

impl Region {
    /// The partition a region belongs to.
    /// Source: AWS General Reference, "Amazon Resource Names", partitions.
    pub fn partition(&self) -> &'static str {
        match self.as_str() {
            r if r.starts_with("cn-") => "aws-cn",
            r if r.starts_with("us-gov-") => "aws-us-gov",
            r if r.starts_with("eusc-") => "aws-eusc",
            _ => "aws",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_numbers_get_their_leading_zeros_back() {
        assert_eq!(AccountId::from_number(11_122_223_333).expect("fits").as_str(), "011122223333");
        assert!(AccountId::from_number(1_000_000_000_000).is_err());
    }

    #[test]
    fn regions_of_every_partition_are_known_by_shape() {
        for good in [
            "eu-central-1",
            "us-gov-west-1",
            "cn-north-1",
            "ap-southeast-10",
            "us-iso-east-1",
            "eusc-de-east-1",
        ] {
            assert!(Region::new(good).is_ok(), "{good}");
        }
        for bad in ["", "eu", "eu-central", "EU-central-1", "eu-central-1a", "eu--1", "europe-central-1"] {
            assert!(Region::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn role_arns_are_taken_apart_and_bad_ones_refused() {
        let role = RoleArn::new("arn:aws-us-gov:iam::012345678901:role/ops/Patch+er").expect("valid");
        assert_eq!(
            (role.partition(), role.account().as_str(), role.name()),
            ("aws-us-gov", "012345678901", "ops/Patch+er")
        );
        for bad in [
            "arn:aws:iam::12345678901:role/x",
            "arn:aws:iam::123456789012:user/x",
            "arn:aws:iam:eu-central-1:123456789012:role/x",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:sts::123456789012:role/x",
            "arn:aws:iam::123456789012:role/a b",
        ] {
            assert!(RoleArn::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_invalid_id_says_what_was_given_and_what_was_expected() {
        let error = InstanceId::new("i-XYZ").expect_err("not hex");
        assert_eq!(
            error.to_string(),
            "\"i-XYZ\" is not an EC2 instance id (i- and 8 or 17 hexadecimal digits)"
        );
    }
}
