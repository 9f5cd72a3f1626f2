//! What an upgrade changes of an EKS cluster: control plane, add-ons, managed node groups.
//!
//! Source: Amazon EKS API reference, UpdateClusterVersion, UpdateAddon, UpdateNodegroupVersion, DescribeUpdate and
//! CancelUpdate.

use std::fmt;

use async_trait::async_trait;
use fleetwright_kubernetes::Minor;
use fleetwright_model::{Cell, Failure, Text};

use crate::clusters::{ClusterName, Update};

/// Characters of a token at most. EKS names no limit; EC2 takes 64 (EC2 Developer Guide, "Ensuring idempotency").
const LONGEST_TOKEN: usize = 64;

/// A text that is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is no token of a request: it takes 1 to 64 letters, digits and '-'")]
pub struct InvalidClientToken {
    /// What was given, shortened to 120 characters.
    pub value: String,
}

/// What makes a repeated call the same call (EKS: `clientRequestToken`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientToken(Text);

impl ClientToken {
    /// A token from its text: 1 to 64 letters and digits of ASCII, and `-`.
    ///
    /// # Errors
    /// It is none.
    pub fn new(text: &str) -> Result<Self, InvalidClientToken> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        match (1..=LONGEST_TOKEN).contains(&text.len()) && text.bytes().all(plain) {
            true => Ok(Self(text.into())),
            false => Err(InvalidClientToken { value: text.chars().take(120).collect() }),
        }
    }

    /// The token as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What to do with fields of an add-on that somebody else changed (EKS: `resolveConflicts`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflicts {
    /// The update fails.
    Refuse,
    /// The add-on's own values take their place.
    Overwrite,
    /// They stay as they are.
    Preserve,
}

impl Conflicts {
    /// In EKS's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "NONE",
            Self::Overwrite => "OVERWRITE",
            Self::Preserve => "PRESERVE",
        }
    }
}

/// What an update is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateOf<'a> {
    /// The cluster itself.
    Cluster,
    /// An add-on, by name.
    Addon(&'a str),
    /// A managed node group, by name.
    NodeGroup(&'a str),
}

/// Changes EKS clusters of one cell. Nothing is ever forced: what stands against an update is a person's business.
///
/// A call with the same token and the same parameters is the same update, however often it is made, also when that
/// update has ended; with other parameters it is refused. Failures keep EKS's code and words. That another update goes on
/// (`ResourceInUseException`) is [`fleetwright_model::ErrorClass::Conflict`]: later it may be taken. What is refused for good
/// (`InvalidParameterException`, `InvalidRequestException`, `InvalidStateException`) is
/// [`fleetwright_model::ErrorClass::Permanent`]. A call that may have taken effect, and whose answer was lost, is
/// [`fleetwright_model::ErrorClass::Ambiguous`]: made again with its token, it tells what became of it.
#[async_trait]
pub trait ClusterChanges: Send + Sync {
    /// Sends the control plane one minor version up, or back to the one before its last upgrade (`VersionRollback`).
    ///
    /// # Errors
    /// The failure of the call.
    async fn update_version(
        &self,
        cell: &Cell<'_>,
        name: &ClusterName,
        to: Minor,
        token: &ClientToken,
    ) -> Result<Update, Failure>;

    /// Puts an add-on to a version. Its configuration and its role stay.
    ///
    /// # Errors
    /// The failure of the call.
    async fn update_addon(
        &self,
        cell: &Cell<'_>,
        name: &ClusterName,
        addon: &str,
        version: &str,
        conflicts: Conflicts,
        token: &ClientToken,
    ) -> Result<Update, Failure>;

    /// Replaces the nodes of a managed node group by such of the newest release for a version. Never forced: a pod that
    /// cannot be evicted fails the update.
    ///
    /// # Errors
    /// The failure of the call.
    async fn update_node_group(
        &self,
        cell: &Cell<'_>,
        name: &ClusterName,
        group: &str,
        to: Minor,
        token: &ClientToken,
    ) -> Result<Update, Failure>;

    /// One update as it stands.
    ///
    /// # Errors
    /// The failure of the call; [`fleetwright_model::ErrorClass::NotFound`] where there is none.
    async fn update(
        &self,
        cell: &Cell<'_>,
        name: &ClusterName,
        of: UpdateOf<'_>,
        id: &str,
    ) -> Result<Update, Failure>;

    /// Calls off an update of the cluster, where EKS can: rollbacks in Auto Mode, while nodes go back.
    ///
    /// # Errors
    /// The failure of the call; [`fleetwright_model::ErrorClass::Permanent`] where it cannot be called off, or not any
    /// more.
    async fn cancel_update(&self, cell: &Cell<'_>, name: &ClusterName, id: &str) -> Result<(), Failure>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_up_to_64_letters_digits_and_dashes() {
        let longest = "a".repeat(64);
        for good in ["a", "run-1-up-1-34", longest.as_str()] {
            assert_eq!(ClientToken::new(good).map(|it| it.to_string()).as_deref(), Ok(good));
        }
        let longer = "a".repeat(65);
        for bad in ["", "a b", "a/b", "é", "a_b", longer.as_str()] {
            let refused = ClientToken::new(bad).expect_err("refused");
            assert_eq!(refused.value, bad, "{refused}");
        }
    }
}
