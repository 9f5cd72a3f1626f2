//! KMS of one region: keys, their aliases, and the cipher that stands for AES.
//!
//! What is encrypted here is not secret from anybody who knows the estate's seed. The cipher is a stream of
//! HMAC-SHA-256 with a seal over text and context, which is enough to be reversible, to tell keys and contexts
//! apart, and to notice what was changed.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

/// What an encrypted text begins with.
const MAGIC: &[u8] = b"\x01\x02estate";
/// Bytes of a key's id, of what makes two encryptions of one text differ, and of the seal.
const ID_BYTES: usize = 36;
const NONCE_BYTES: usize = 16;
const SEAL_BYTES: usize = 32;

/// Keys of a region.
#[derive(Debug, Default)]
pub struct Keys {
    /// By id, a UUID.
    pub by_id: BTreeMap<String, Key>,
    /// Ids of keys by alias, `alias/…`.
    pub aliases: BTreeMap<String, Alias>,
    /// Keys made so far, which their ids derive from.
    pub made: u64,
}

/// A name for a key.
#[derive(Clone, Debug)]
pub struct Alias {
    /// The key's id.
    pub key: String,
    /// When it was made.
    pub created: Timestamp,
}

/// A symmetric key.
#[derive(Clone)]
pub struct Key {
    /// What people wrote about it.
    pub description: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it is deleted; none where it stays.
    pub deletion: Option<Timestamp>,
    /// Every how many days it gets new material, and since when; none where it keeps what it has.
    pub rotation: Option<(u64, Timestamp)>,
    /// The material.
    pub material: [u8; 32],
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key")
            .field("created", &self.created)
            .field("deletion", &self.deletion)
            .finish_non_exhaustive()
    }
}

/// What an encrypted text is bound to, in the order of its names.
pub type Context = BTreeMap<String, String>;

impl Keys {
    /// Deletes the keys whose time is over, with their aliases.
    pub fn forget(&mut self, now: Timestamp) {
        self.by_id.retain(|_, key| key.deletion.is_none_or(|at| at > now));
        let known = &self.by_id;
        self.aliases.retain(|_, alias| known.contains_key(&alias.key));
    }
}

impl Key {
    /// A text encrypted under the key with that id.
    #[must_use]
    pub fn encrypt(&self, id: &str, nonce: [u8; NONCE_BYTES], context: &Context, text: &[u8]) -> Vec<u8> {
        let mut out = [MAGIC, id.as_bytes(), &nonce].concat();
        out.extend(self.stream(&nonce, text));
        let seal = self.seal(&out, context);
        out.extend(seal);
        out
    }

    /// The text that was encrypted; none where key or context are others, or something was changed.
    #[must_use]
    pub fn decrypt(&self, encrypted: &[u8], context: &Context) -> Option<Vec<u8>> {
        let (sealed, seal) = encrypted.split_at_checked(encrypted.len().checked_sub(SEAL_BYTES)?)?;
        let (nonce, body) = sealed.get(MAGIC.len() + ID_BYTES..)?.split_at_checked(NONCE_BYTES)?;
        (self.seal(sealed, context) == seal).then(|| self.stream(nonce, body))
    }

    fn mac(&self, part: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.material).expect("HMAC takes keys of any length");
        mac.update(part);
        mac
    }

    /// The text with the stream of the nonce over it; the same again gives the text back.
    fn stream(&self, nonce: &[u8], text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        for (number, chunk) in text.chunks(32).enumerate() {
            let mut mac = self.mac(b"stream");
            mac.update(nonce);
            mac.update(&(number as u64).to_be_bytes());
            let pad = mac.finalize().into_bytes();
            out.extend(chunk.iter().zip(pad).map(|(byte, over)| byte ^ over));
        }
        out
    }

    fn seal(&self, sealed: &[u8], context: &Context) -> [u8; SEAL_BYTES] {
        let mut mac = self.mac(b"seal");
        mac.update(sealed);
        for text in context.iter().flat_map(|(name, value)| [name, value]) {
            mac.update(&(text.len() as u64).to_be_bytes());
            mac.update(text.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }
}

/// The id of the key that a text was encrypted under; none where it was not encrypted here.
#[must_use]
pub fn encrypted_under(encrypted: &[u8]) -> Option<&str> {
    let id = encrypted.strip_prefix(MAGIC)?.get(..ID_BYTES)?;
    std::str::from_utf8(id).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(material: u8) -> Key {
        Key {
            description: String::new(),
            tags: BTreeMap::new(),
            created: Timestamp::UNIX_EPOCH,
            deletion: None,
            rotation: None,
            material: [material; 32],
        }
    }

    const ID: &str = "00000000-0000-4000-8000-000000000001";

    #[test]
    fn a_text_comes_back_under_its_own_key_and_context_only() {
        let context: Context = [("run".to_owned(), "r-1".to_owned())].into();
        let text = b"a text that is longer than one block of the stream".repeat(3);
        let encrypted = key(1).encrypt(ID, [7; 16], &context, &text);
        assert_eq!(encrypted_under(&encrypted), Some(ID));
        assert_eq!(key(1).decrypt(&encrypted, &context), Some(text.clone()));
        assert_eq!(key(2).decrypt(&encrypted, &context), None);
        assert_eq!(key(1).decrypt(&encrypted, &Context::new()), None);
        assert!(!encrypted.windows(8).any(|it| it == &text[..8]), "nothing of the text shows");
    }

    #[test]
    fn a_change_of_any_byte_is_noticed() {
        let encrypted = key(1).encrypt(ID, [7; 16], &Context::new(), b"text");
        for at in 0..encrypted.len() {
            let mut changed = encrypted.clone();
            changed[at] ^= 1;
            assert_eq!(key(1).decrypt(&changed, &Context::new()), None, "byte {at}");
        }
        assert_eq!(key(1).decrypt(&encrypted[..20], &Context::new()), None);
        assert_eq!(encrypted_under(b"something else"), None);
    }
}
