//! A tree of random streams: every account, region and instance draws from its own, so that
//! changing one number of a scenario leaves everything else as it was.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// A node of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed([u8; 32]);

impl Seed {
    /// The root for a scenario's seed.
    pub fn root(seed: u64) -> Self {
        Self([0; 32]).mix(&seed.to_be_bytes())
    }

    /// The node below this one with that name.
    pub fn child(&self, name: &str) -> Self {
        self.mix(name.as_bytes())
    }

    /// The node below this one with that number.
    pub fn nth(&self, number: usize) -> Self {
        self.mix(&(number as u64).to_be_bytes())
    }

    /// The stream of this node; the same each time it is asked for.
    pub fn stream(&self) -> ChaCha8Rng {
        ChaCha8Rng::from_seed(self.0)
    }

    fn mix(&self, label: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(label);
        Self(hash.finalize().into())
    }
}
