//! AWS Organizations: the tree of organisational units, its accounts and service control policies.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::policy::NamedPolicy;
use crate::world::AccountId;

/// An organisation.
#[derive(Clone, Debug)]
pub struct Organization {
    /// The organisation's id (`o-` and 10 to 32 lower-case letters or digits).
    pub id: String,
    /// Id of the root (`r-` and 4 to 32 lower-case letters or digits).
    pub root: String,
    /// The management account, which service control policies do not touch.
    pub management: AccountId,
    /// Member accounts allowed to read the organisation: delegated administrators.
    pub delegated: BTreeSet<AccountId>,
    /// Organisational units by id (`ou-…-…`).
    pub units: BTreeMap<String, OrganizationalUnit>,
    /// The accounts, the management account among them.
    pub members: BTreeMap<AccountId, Member>,
    /// Service control policies by what they are attached to: the root's id, a unit's id or an
    /// account id. A target without an entry carries AWS's `FullAWSAccess`.
    pub service_control: BTreeMap<String, Vec<NamedPolicy>>,
}

/// An organisational unit.
#[derive(Clone, Debug)]
pub struct OrganizationalUnit {
    /// Its name, unique among its siblings.
    pub name: String,
    /// Id of the root or unit above it.
    pub parent: String,
}

/// An account's place in the organisation.
#[derive(Clone, Debug)]
pub struct Member {
    /// The account's name.
    pub name: String,
    /// The address of its owner.
    pub email: String,
    /// Id of the root or unit it sits in.
    pub parent: String,
    /// Whether it is in use.
    pub status: MemberStatus,
    /// When it joined.
    pub joined: Timestamp,
}

/// Whether an account of the organisation is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberStatus {
    /// In use.
    Active,
    /// Closed; AWS keeps it for 90 days.
    Suspended,
    /// About to be closed.
    PendingClosure,
}

impl MemberStatus {
    /// The status as the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Suspended => "SUSPENDED",
            Self::PendingClosure => "PENDING_CLOSURE",
        }
    }
}

impl Organization {
    /// The targets whose service control policies bind an account, from the root to the account
    /// itself; empty for the management account and for accounts outside.
    #[must_use]
    pub fn path_of(&self, account: &AccountId) -> Vec<&str> {
        let Some(member) = self.members.get(account) else {
            return Vec::new();
        };
        if *account == self.management {
            return Vec::new();
        }
        let (key, _) = self.members.get_key_value(account).expect("the member was just found");
        let mut path = vec![key.as_str()];
        let mut at = member.parent.as_str();
        // AWS allows five levels of units; the bound also ends a loop in a hand-made tree.
        for _ in 0..8 {
            path.push(at);
            match self.units.get(at) {
                Some(unit) => at = unit.parent.as_str(),
                None => break,
            }
        }
        path.reverse();
        path
    }
}
