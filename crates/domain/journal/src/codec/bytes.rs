//! Numbers and texts as few bytes: LEB128 for numbers, zigzag for signed ones, and each distinct
//! text of a batch once.

use std::collections::HashMap;

use fleetwright_model::Text;

/// Why bytes could not be read as what they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// They do not follow the format.
    Broken(&'static str),
    /// They hold something this version does not know, from a newer minor version of the format.
    Unknown(&'static str, u64),
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Broken(what) => f.write_str(what),
            Self::Unknown(what, tag) => write!(f, "{what} {tag} is unknown"),
        }
    }
}

/// Appends a number, seven bits a byte, the low ones first.
pub(super) fn put_number(into: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

/// Maps signed to unsigned so that numbers near zero stay small.
pub(super) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// The way back from [`zigzag`].
pub(super) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// The texts a batch has used so far, on the writing side.
#[derive(Default)]
pub(super) struct TextsOut<'a> {
    seen: HashMap<&'a str, u64>,
}

impl<'a> TextsOut<'a> {
    /// Appends a text: whole the first time, by number afterwards.
    pub(super) fn put(&mut self, into: &mut Vec<u8>, text: &'a str) {
        let next = self.seen.len() as u64;
        match self.seen.entry(text) {
            std::collections::hash_map::Entry::Occupied(number) => put_number(into, number.get() << 1 | 1),
            std::collections::hash_map::Entry::Vacant(slot) => {
                slot.insert(next);
                put_number(into, (text.len() as u64) << 1);
                into.extend_from_slice(text.as_bytes());
            }
        }
    }
}

/// Reads what was written, never past the end.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `length` bytes.
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) =
            self.rest.split_at_checked(length).ok_or(Malformed::Broken("it ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        let (&first, rest) = self.rest.split_first().ok_or(Malformed::Broken("it ends too early"))?;
        self.rest = rest;
        Ok(first)
    }

    pub(super) fn number(&mut self) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed::Broken("a number is too large"))
    }

    /// A number of a narrower type.
    pub(super) fn narrow<T: TryFrom<u64>>(&mut self) -> Result<T, Malformed> {
        T::try_from(self.number()?).map_err(|_| Malformed::Broken("a number is out of range"))
    }

    /// A text, by [`TextsOut::put`]; `seen` holds the batch's texts so far.
    pub(super) fn text(&mut self, seen: &mut Vec<Text>) -> Result<Text, Malformed> {
        let head = self.number()?;
        let number = usize::try_from(head >> 1).map_err(|_| Malformed::Broken("a text is too long"))?;
        if head & 1 == 1 {
            return seen.get(number).cloned().ok_or(Malformed::Broken("a text refers to none"));
        }
        let bytes = self.take(number)?;
        let text = std::str::from_utf8(bytes).map_err(|_| Malformed::Broken("a text is not UTF-8"))?;
        let text = Text::from(text);
        seen.push(text.clone());
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_length_come_back() {
        for shift in 0..64 {
            for value in [1u64 << shift, (1u64 << shift) - 1, u64::MAX >> shift] {
                let mut bytes = Vec::new();
                put_number(&mut bytes, value);
                let mut reader = Reader::new(&bytes);
                assert_eq!(reader.number(), Ok(value));
                assert!(reader.is_empty());
                assert_eq!(unzigzag(zigzag(value as i64)), value as i64);
            }
        }
    }

    #[test]
    fn a_number_of_more_than_64_bits_is_refused() {
        let bytes = [0xff; 11];
        assert_eq!(Reader::new(&bytes).number(), Err(Malformed::Broken("a number is too large")));
        let bytes = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
        assert_eq!(Reader::new(&bytes).number(), Err(Malformed::Broken("a number is too large")));
    }

    #[test]
    fn a_repeated_text_costs_one_byte() {
        let mut bytes = Vec::new();
        let mut texts = TextsOut::default();
        for text in ["i-0abc", "ami-1", "i-0abc", "ami-1"] {
            texts.put(&mut bytes, text);
        }
        assert_eq!(bytes.len(), 7 + 6 + 1 + 1);
        let (mut reader, mut seen) = (Reader::new(&bytes), Vec::new());
        let back: Vec<Text> = (0..4).map(|_| reader.text(&mut seen).expect("written above")).collect();
        assert_eq!(back.iter().map(|t| &**t).collect::<Vec<_>>(), ["i-0abc", "ami-1", "i-0abc", "ami-1"]);
    }
}
