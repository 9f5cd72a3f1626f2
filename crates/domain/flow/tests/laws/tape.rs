//! Choices, read from a tape that proptest shrinks: a shorter tape is a simpler story.

/// A tape of choices; past its end every choice is the first.
pub(crate) struct Tape<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Tape<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// A number below `bound`.
    pub(crate) fn pick(&mut self, bound: usize) -> usize {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(byte) % bound
    }

    /// True once in `of` times.
    pub(crate) fn rarely(&mut self, of: usize) -> bool {
        self.pick(of) == of - 1
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.at >= self.bytes.len()
    }
}
