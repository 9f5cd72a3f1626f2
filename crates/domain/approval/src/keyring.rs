//! The keys that sign links and the people they are for, as they are kept in one file.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fleetwright_model::Text;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::approver::Approver;
use crate::refused::Refused;

/// Bytes of a key.
const KEY: usize = 32;

/// The version of the file's format.
const FORMAT: u32 = 1;

/// The name of a key, which tokens carry: 1 to 32 lower-case letters, digits and hyphens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(Text);

impl KeyId {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyId {
    type Err = InvalidKeyring;

    fn from_str(text: &str) -> Result<Self, InvalidKeyring> {
        let valid = (1..=32).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if valid { Ok(Self(text.into())) } else { Err(InvalidKeyring::Id(text.chars().take(80).collect())) }
    }
}

impl TryFrom<String> for KeyId {
    type Error = InvalidKeyring;
    fn try_from(text: String) -> Result<Self, InvalidKeyring> {
        text.parse()
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A key. Its bytes are neither shown nor compared.
#[derive(Clone)]
pub struct SigningKey {
    id: KeyId,
    made_at: Timestamp,
    secret: [u8; KEY],
}

impl SigningKey {
    /// A key of 32 bytes, which must come from the system's source of randomness.
    pub fn new(id: KeyId, made_at: Timestamp, secret: [u8; KEY]) -> Self {
        Self { id, made_at, secret }
    }

    /// Its name.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// When it was made.
    pub fn made_at(&self) -> Timestamp {
        self.made_at
    }

    pub(crate) fn secret(&self) -> &[u8] {
        &self.secret
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).field("secret", &"hidden").finish_non_exhaustive()
    }
}

/// Why a keyring cannot be used. Secrets are never part of the words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeyring {
    /// Not the file's form.
    #[error("line {line}, column {column}: it is not a keyring")]
    Form {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// Of another version.
    #[error("it is of format {0}; this version reads {FORMAT}")]
    Format(u32),
    /// Not a key's name.
    #[error("{0:?} is not a key's name (1 to 32 lower-case letters, digits and hyphens)")]
    Id(String),
    /// Not a key.
    #[error("the secret of key {0} is not 32 bytes of unpadded base64url")]
    Secret(KeyId),
    /// A name twice.
    #[error("{0} is there twice")]
    Twice(String),
    /// Not a name of a person.
    #[error("{0:?} is not an approver's name (1 to 128 bytes, no control characters, no space at its ends)")]
    Approver(String),
    /// Not a hashed passphrase.
    #[error("the passphrase of {0} is not an Argon2id hash in PHC form")]
    Passphrase(String),
    /// Without a key nothing can be signed.
    #[error("it has no key")]
    Empty,
}

/// Keys in the order they were made, at least one, and approvers.
#[derive(Clone, Debug)]
pub struct Keyring {
    keys: Vec<SigningKey>,
    approvers: Vec<Approver>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    keys: Vec<KeyRow>,
    #[serde(default)]
    approvers: Vec<ApproverRow>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyRow {
    id: String,
    made_at: Timestamp,
    secret: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApproverRow {
    name: String,
    passphrase: String,
}

impl Keyring {
    /// A keyring with its first key.
    pub fn new(key: SigningKey) -> Self {
        Self { keys: vec![key], approvers: Vec::new() }
    }

    /// Reads what [`Keyring::write`] wrote.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn read(text: &str) -> Result<Self, InvalidKeyring> {
        let form =
            |error: serde_json::Error| InvalidKeyring::Form { line: error.line(), column: error.column() };
        let file: File = serde_json::from_str(text).map_err(form)?;
        if file.format != FORMAT {
            return Err(InvalidKeyring::Format(file.format));
        }
        let mut ring = Self { keys: Vec::new(), approvers: Vec::new() };
        for row in file.keys {
            let id: KeyId = row.id.parse()?;
            let secret = URL_SAFE_NO_PAD.decode(&row.secret).ok().and_then(|bytes| bytes.try_into().ok());
            let secret = secret.ok_or_else(|| InvalidKeyring::Secret(id.clone()))?;
            ring.add_key(SigningKey::new(id, row.made_at, secret))?;
        }
        for row in file.approvers {
            let approver = Approver::stored(&row.name, &row.passphrase)?;
            if ring.approver(&row.name).is_some() {
                return Err(InvalidKeyring::Twice(row.name));
            }
            ring.approvers.push(approver);
        }
        if ring.keys.is_empty() { Err(InvalidKeyring::Empty) } else { Ok(ring) }
    }

    /// The keyring as a file's text, secrets included: for a file that only its owner can read.
    pub fn write(&self) -> String {
        let key = |key: &SigningKey| KeyRow {
            id: key.id.to_string(),
            made_at: key.made_at,
            secret: URL_SAFE_NO_PAD.encode(key.secret),
        };
        let approver = |approver: &Approver| ApproverRow {
            name: approver.name().to_string(),
            passphrase: approver.hash().to_owned(),
        };
        let file = File {
            format: FORMAT,
            keys: self.keys.iter().map(key).collect(),
            approvers: self.approvers.iter().map(approver).collect(),
        };
        let mut text = serde_json::to_string_pretty(&file).expect("a keyring is plain data");
        text.push('\n');
        text
    }

    /// The key that signs: the newest.
    pub fn newest(&self) -> &SigningKey {
        self.keys.last().expect("a keyring is never without a key")
    }

    /// Keys in the order they were made.
    pub fn keys(&self) -> &[SigningKey] {
        &self.keys
    }

    /// The key of that name.
    pub fn key(&self, id: &KeyId) -> Option<&SigningKey> {
        self.keys.iter().find(|key| key.id == *id)
    }

    /// Adds a key, which signs from now on.
    ///
    /// # Errors
    /// There is one of that name.
    pub fn add_key(&mut self, key: SigningKey) -> Result<(), InvalidKeyring> {
        if self.key(&key.id).is_some() {
            return Err(InvalidKeyring::Twice(key.id.to_string()));
        }
        self.keys.push(key);
        Ok(())
    }

    /// Takes a key out: what it signed is worth nothing from now on. The last key stays.
    ///
    /// # Errors
    /// There is no such key, or no other.
    pub fn remove_key(&mut self, id: &KeyId) -> Result<(), InvalidKeyring> {
        let at = self.keys.iter().position(|key| key.id == *id);
        let at = at.ok_or_else(|| InvalidKeyring::Id(id.to_string()))?;
        if self.keys.len() == 1 {
            return Err(InvalidKeyring::Empty);
        }
        self.keys.remove(at);
        Ok(())
    }

    /// People who may decide with a link.
    pub fn approvers(&self) -> &[Approver] {
        &self.approvers
    }

    /// The approver of that name, to the letter.
    pub fn approver(&self, name: &str) -> Option<&Approver> {
        self.approvers.iter().find(|approver| **approver.name() == *name)
    }

    /// Adds an approver, or gives one that is there another passphrase.
    pub fn set_approver(&mut self, approver: Approver) {
        self.approvers.retain(|other| other.name() != approver.name());
        self.approvers.push(approver);
    }

    /// Takes an approver out; false where there is none of that name.
    pub fn remove_approver(&mut self, name: &str) -> bool {
        let before = self.approvers.len();
        self.approvers.retain(|approver| **approver.name() != *name);
        self.approvers.len() < before
    }

    /// Whether the passphrase is the approver's. Takes tens of milliseconds of processor time and some
    /// 19 MiB of memory, by intent: ask only for who came with a genuine token.
    ///
    /// # Errors
    /// [`Refused::Unauthenticated`], for an unknown name and for a wrong passphrase.
    pub fn authenticate(&self, name: &str, passphrase: &str) -> Result<(), Refused> {
        match self.approver(name) {
            Some(approver) if approver.is_passphrase(passphrase) => Ok(()),
            _ => Err(Refused::Unauthenticated),
        }
    }
}
