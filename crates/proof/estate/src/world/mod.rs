//! The state of the simulated AWS: an organisation of accounts, each with IAM and regions.

use std::collections::BTreeMap;

/// A 12-digit account id, as text.
pub type AccountId = String;

/// Everything that exists.
#[derive(Debug, Default)]
pub struct World {
    /// All accounts by id.
    pub accounts: BTreeMap<AccountId, Account>,
}

/// One AWS account.
#[derive(Debug, Default)]
pub struct Account {
    /// The account's name in the organisation.
    pub name: String,
    /// Regions by code; one that is not enabled refuses every call.
    pub regions: BTreeMap<String, Region>,
}

/// One region of one account.
#[derive(Debug, Default)]
pub struct Region {
    /// False for an opt-in region the account has not enabled.
    pub enabled: bool,
}
