//! The key that signs heads: Ed25519 (RFC 8032), in the PEM forms of RFC 8410, so that other tools can
//! check a head too.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_compact::{KeyPair, Seed, Signature};
use fleetwright_model::Text;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// What stands before the 32 bytes of a public key in DER. Source: RFC 8410, section 4.
const PUBLIC_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// What stands before the 32 bytes of a private key in DER. Source: RFC 8410, section 7.
const PRIVATE_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// The name of a key: the first 16 hexadecimal digits of the SHA-256 of its public half in DER.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(Text);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Why a text is no key. The text is never part of the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Not PEM of that label.
    #[error("it is not PEM with the label {0}")]
    Pem(&'static str),
    /// Not an Ed25519 key.
    #[error("it is not an Ed25519 key in the form of RFC 8410")]
    Form,
}

/// The half that signs. Its bytes are not shown.
#[derive(Clone)]
pub struct SigningKey(KeyPair);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public().id())
    }
}

impl SigningKey {
    /// A key of 32 bytes, which must come from the system's source of randomness.
    pub fn new(secret: [u8; 32]) -> Self {
        Self(KeyPair::from_seed(Seed::new(secret)))
    }

    /// Reads PEM of a private key.
    ///
    /// # Errors
    /// It is none, or none of this kind.
    pub fn from_pem(text: &str) -> Result<Self, InvalidKey> {
        let der = unwrapped(text, "PRIVATE KEY")?;
        secret_of(&der, &PRIVATE_PREFIX).map(Self::new)
    }

    /// As PEM: a secret.
    pub fn to_pem(&self) -> String {
        wrapped(&[PRIVATE_PREFIX.as_slice(), self.0.sk.seed().as_slice()].concat(), "PRIVATE KEY")
    }

    /// The other half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.pk)
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        *self.0.sk.sign(message, None)
    }
}

/// The half that verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(ed25519_compact::PublicKey);

impl PublicKey {
    /// Reads PEM of a public key.
    ///
    /// # Errors
    /// It is none, or none of this kind.
    pub fn from_pem(text: &str) -> Result<Self, InvalidKey> {
        let der = unwrapped(text, "PUBLIC KEY")?;
        let bytes = secret_of(&der, &PUBLIC_PREFIX)?;
        Ok(Self(ed25519_compact::PublicKey::new(bytes)))
    }

    /// As PEM.
    pub fn to_pem(&self) -> String {
        wrapped(&self.der(), "PUBLIC KEY")
    }

    /// Its name.
    pub fn id(&self) -> KeyId {
        let digest = Digest::of(&self.der()).to_string();
        KeyId(digest[..16].into())
    }

    /// True where the signature is of this message by this key. Weak keys are refused.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify(message, &Signature::new(*signature)).is_ok()
    }

    fn der(&self) -> Vec<u8> {
        [PUBLIC_PREFIX.as_slice(), self.0.as_slice()].concat()
    }
}

fn secret_of(der: &[u8], prefix: &[u8]) -> Result<[u8; 32], InvalidKey> {
    let bytes = der.strip_prefix(prefix).ok_or(InvalidKey::Form)?;
    bytes.try_into().map_err(|_| InvalidKey::Form)
}

/// Both keys are shorter than a line of PEM.
fn wrapped(der: &[u8], label: &str) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

fn unwrapped(text: &str, label: &'static str) -> Result<Vec<u8>, InvalidKey> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let inside = text.trim().strip_prefix(&begin).and_then(|rest| rest.strip_suffix(&end));
    let inside: String = inside.ok_or(InvalidKey::Pem(label))?.split_whitespace().collect();
    STANDARD.decode(inside).map_err(|_| InvalidKey::Pem(label))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: RFC 8410, section 10.1 and 10.3.
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";

    #[test]
    fn keys_are_read_and_written_as_the_rfcs_example_has_them() {
        let key = SigningKey::from_pem(PRIVATE).expect("the example");
        assert_eq!(key.to_pem(), PRIVATE);
        assert_eq!(key.public().to_pem(), PUBLIC);
        assert_eq!(PublicKey::from_pem(PUBLIC), Ok(key.public()));
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_repeated() {
        for text in ["", "canary", PUBLIC] {
            let refused = SigningKey::from_pem(text).expect_err("no private key");
            assert!(!refused.to_string().contains("canary"));
        }
        let short = wrapped(&PRIVATE_PREFIX, "PRIVATE KEY");
        assert_eq!(SigningKey::from_pem(&short).err(), Some(InvalidKey::Form));
        assert!(!format!("{:?}", SigningKey::from_pem(PRIVATE).expect("a key")).contains("1O5y"));
    }
}
