//! The end of a log at some moment, signed. Kept elsewhere, it proves that nothing before it was
//! changed and nothing after it was needed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fleetwright_model::Text;
use fleetwright_model::canonical::canonical_of;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::chain::Chain;
use crate::digest::Digest;
use crate::key::{KeyId, PublicKey, SigningKey};

/// Where a log ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The log: the run's name.
    pub log: Text,
    /// The number of its last record.
    pub sequence: u64,
    /// The hash of that record.
    pub hash: Digest,
    /// When it was signed.
    pub at: Timestamp,
    /// The key that signs.
    pub key: KeyId,
}

/// A head with its signature: Ed25519 over the canonical JSON of `head`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedHead {
    /// What is signed.
    pub head: Head,
    /// In base64.
    pub signature: Text,
}

impl SignedHead {
    /// Signs the end of a log.
    pub fn sign(chain: &Chain, at: Timestamp, key: &SigningKey) -> Self {
        let head = Head {
            log: chain.log().clone(),
            sequence: chain.last(),
            hash: chain.hash(),
            at,
            key: key.public().id(),
        };
        let signature = STANDARD.encode(key.sign(&canonical_of(&head))).into();
        Self { head, signature }
    }

    /// True where the signature is of this head by this key.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let bytes = STANDARD.decode(&*self.signature).ok();
        let signature: Option<[u8; 64]> = bytes.and_then(|bytes| bytes.try_into().ok());
        signature.is_some_and(|signature| key.verifies(&canonical_of(&self.head), &signature))
    }

    /// As one line, which ends with a line feed.
    pub fn to_line(&self) -> Vec<u8> {
        let mut line = canonical_of(self);
        line.push(b'\n');
        line
    }

    /// Reads what [`SignedHead::to_line`] wrote, or a file of such lines; lines that are no heads are
    /// answered with their numbers, from 1.
    pub fn read_lines(bytes: &[u8]) -> (Vec<Self>, Vec<usize>) {
        let (mut heads, mut bad) = (Vec::new(), Vec::new());
        let lines = (1..).zip(bytes.split(|byte| *byte == b'\n'));
        for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(head) => heads.push(head),
                Err(_) => bad.push(number),
            }
        }
        (heads, bad)
    }
}
