//! Random numbers that are the same on every machine: SplitMix64 (Steele, Lea, Flood 2014).

/// A stream of numbers from a seed.
#[derive(Clone, Debug)]
pub(super) struct Draws(u64);

impl Draws {
    /// The stream of a seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xD1B5_4A32_D192_ED03))
    }

    /// The stream for one thing of a seed, whatever was drawn for others.
    pub(super) fn of(seed: u64, thing: u64, part: u64) -> Self {
        let mut one = Self(seed ^ thing.wrapping_mul(0xA076_1D64_78BD_642F) ^ (part << 48));
        Self(one.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to 1, which is left out.
    pub(super) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A whole number between two, both included.
    pub(super) fn between(&mut self, least: usize, most: usize) -> usize {
        least + (self.share() * (most - least + 1) as f64) as usize
    }

    /// One of a list that is not empty.
    pub(super) fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.between(0, list.len() - 1)]
    }

    /// A log-normal number of that median; two in three lie within a factor of e^spread.
    pub(super) fn about(&mut self, median: f64, spread: f64) -> f64 {
        // The sum of twelve, less six, is normal enough and has no tail that stands for nothing real.
        let normal = (0..12).map(|_| self.share()).sum::<f64>() - 6.0;
        median * (spread * normal).exp()
    }
}
