//! Who may decide with a link, and how they show that it is them.

use std::fmt;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use fleetwright_model::Text;

use crate::claims::is_name;
use crate::keyring::InvalidKeyring;

/// Characters of a passphrase at least.
pub const SHORTEST_PASSPHRASE: usize = 12;

/// Bytes of a passphrase at most, which bounds what hashing one costs.
const LONGEST_PASSPHRASE: usize = 256;

/// Memory a stored hash may ask for at most, in KiB: one that asks for more was not made here.
const MOST_MEMORY: u32 = 256 * 1024;

/// Passes a stored hash may ask for at most.
const MOST_PASSES: u32 = 16;

/// A person. Their passphrase is kept as a salted Argon2id hash in PHC form.
#[derive(Clone, PartialEq, Eq)]
pub struct Approver {
    name: Text,
    hash: String,
}

/// Why a passphrase cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPassphrase {
    /// The name cannot be an approver's.
    #[error(transparent)]
    Name(InvalidKeyring),
    /// Too short, or long beyond reason.
    #[error(
        "a passphrase has at least {SHORTEST_PASSPHRASE} characters and at most {LONGEST_PASSPHRASE} bytes"
    )]
    Length,
    /// The library refused.
    #[error("the passphrase cannot be hashed: {0}")]
    Hash(String),
}

impl Approver {
    /// A person with their passphrase. The salt must come from the system's source of randomness.
    ///
    /// Hashed with Argon2id, 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet).
    ///
    /// # Errors
    /// Name or passphrase cannot be taken.
    pub fn new(name: &str, passphrase: &str, salt: [u8; 16]) -> Result<Self, InvalidPassphrase> {
        if !is_name(name) {
            return Err(InvalidPassphrase::Name(InvalidKeyring::Approver(name.to_owned())));
        }
        if passphrase.chars().count() < SHORTEST_PASSPHRASE || passphrase.len() > LONGEST_PASSPHRASE {
            return Err(InvalidPassphrase::Length);
        }
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT);
        let hash = argon2.hash_password_with_salt(passphrase.as_bytes(), &salt);
        let hash = hash.map_err(|error| InvalidPassphrase::Hash(error.to_string()))?;
        Ok(Self { name: name.into(), hash: hash.to_string() })
    }

    /// A person as the keyring's file has them.
    pub(crate) fn stored(name: &str, hash: &str) -> Result<Self, InvalidKeyring> {
        if !is_name(name) {
            return Err(InvalidKeyring::Approver(name.to_owned()));
        }
        let unusable = || InvalidKeyring::Passphrase(name.to_owned());
        let parsed = PasswordHash::new(hash).map_err(|_| unusable())?;
        let cost = Params::try_from(&parsed).map_err(|_| unusable())?;
        let sound = parsed.algorithm == Algorithm::Argon2id.ident()
            && parsed.salt.is_some()
            && parsed.hash.is_some()
            && cost.m_cost() <= MOST_MEMORY
            && cost.t_cost() <= MOST_PASSES;
        if sound { Ok(Self { name: name.into(), hash: hash.to_owned() }) } else { Err(unusable()) }
    }

    /// The name, as it is recorded with decisions.
    pub fn name(&self) -> &Text {
        &self.name
    }

    pub(crate) fn hash(&self) -> &str {
        &self.hash
    }

    pub(crate) fn is_passphrase(&self, passphrase: &str) -> bool {
        passphrase.len() <= LONGEST_PASSPHRASE
            && Argon2::default().verify_password(passphrase.as_bytes(), self.hash.as_str()).is_ok()
    }
}

impl fmt::Debug for Approver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Approver").field("name", &self.name).field("passphrase", &"hidden").finish()
    }
}
