//! Reading and writing the parts of a token, strictly.

use crate::refused::Refused;

/// Appends a text of at most 255 bytes, which [`crate::Claims`] has made sure of.
pub(crate) fn put_text(into: &mut Vec<u8>, text: &str) {
    let length = u8::try_from(text.len()).expect("claims bound their texts");
    into.push(length);
    into.extend_from_slice(text.as_bytes());
}

/// What is left to be read.
pub(crate) struct Parts<'a>(pub(crate) &'a [u8]);

impl<'a> Parts<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Refused> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Refused::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Refused> {
        self.take(N)?.try_into().map_err(|_| Refused::Malformed)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Refused> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Refused> {
        let length = self.byte()?;
        std::str::from_utf8(self.take(usize::from(length))?).map_err(|_| Refused::Malformed)
    }
}
