//! Who we are and what we may do.

use std::fmt;

use serde::Serialize;

use crate::{AccountId, Failure, Phase};

/// A principal as STS names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// The account.
    #[serde(rename = "account_id")]
    pub account: AccountId,
    /// ARN of the user or role session.
    pub arn: String,
}

/// An IAM action that fleetwright needs, from the table beside the code that calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequiredAction {
    /// The IAM action, e.g. `ec2:DescribeInstances`.
    pub action: &'static str,
    /// The phases that need it.
    pub phases: &'static [Phase],
    /// What it is needed for, in a few words.
    pub purpose: &'static str,
    /// True where the scan still gives a useful result without it.
    pub optional: bool,
}

/// Whether an action is allowed. "Not checked" is never "allowed".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Allowed.
    Allowed,
    /// Refused, with what refuses it as far as AWS tells.
    Denied(Refusal),
    /// Could not be found out.
    NotChecked(Failure),
}

/// What refuses an action, as far as AWS tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No policy allows it.
    NoAllow,
    /// A policy denies it explicitly.
    ExplicitDeny,
    /// The permissions boundary does not allow it.
    PermissionsBoundary,
    /// A service control policy of the organisation does not allow it.
    Organization,
    /// The service refused a trial; its own words, untrusted text.
    Trial(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoAllow => "no policy allows it",
            Self::ExplicitDeny => "a policy denies it explicitly",
            Self::PermissionsBoundary => "the permissions boundary does not allow it",
            Self::Organization => "a service control policy of the organisation does not allow it",
            Self::Trial(words) => words,
        })
    }
}

/// How a permission was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verified {
    /// By iam:SimulatePrincipalPolicy.
    Simulation,
    /// By making the call, harmlessly or as a dry run.
    Trial,
}

/// The answer for one action in one region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionAnswer {
    /// The action asked about.
    pub required: RequiredAction,
    /// The verdict.
    pub answer: Answer,
    /// How it was found.
    pub verified: Verified,
}
