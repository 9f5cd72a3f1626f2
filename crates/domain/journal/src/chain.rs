//! The chain of checksums: each link covers the one before, so that an edit, a deletion or another
//! order anywhere shows from there on.

use sha2::{Digest, Sha256};

/// SHA-256, cut to 16 bytes: against damage and clumsy hands, not against somebody who can also
/// write the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link(pub [u8; 16]);

impl Link {
    /// The checksum of these parts; lengths are covered, so that nothing moves between parts.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut digest = Sha256::new();
        for part in parts {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        let whole = digest.finalize();
        let mut cut = [0; 16];
        cut.copy_from_slice(&whole[..16]);
        Self(cut)
    }

    /// The link of a batch that follows this one.
    pub fn next(self, first: u64, count: u64, body: &[u8]) -> Self {
        Self::of(&[&self.0, &first.to_le_bytes(), &count.to_le_bytes(), body])
    }

    /// As stored; none where the bytes are no link.
    pub fn from_stored(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

/// The SHA-256 of a document.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
