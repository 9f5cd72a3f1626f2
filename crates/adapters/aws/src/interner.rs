//! One allocation for equal texts: fleets repeat types, images, subnets and tags.

use std::collections::HashSet;
use std::sync::Mutex;

use fleetwright_model::Text;

use crate::lock::lock;

/// Texts beyond this many are not shared any more, so that hostile tags cannot fill the table.
const MOST_TEXTS: usize = 200_000;
/// Longer texts are not shared.
const LONGEST_TEXT: usize = 256;

/// Texts seen so far, shared by all cells.
#[derive(Default)]
pub(crate) struct Interner(Mutex<HashSet<Text>>);

impl Interner {
    /// The shared text equal to `text`.
    pub(crate) fn share(&self, text: &str) -> Text {
        if text.len() > LONGEST_TEXT {
            return text.into();
        }
        let mut texts = lock(&self.0);
        if let Some(known) = texts.get(text) {
            return Text::clone(known);
        }
        let new: Text = text.into();
        if texts.len() < MOST_TEXTS {
            texts.insert(Text::clone(&new));
        }
        new
    }

    /// The shared text of a field that may be missing.
    pub(crate) fn share_if(&self, text: Option<&str>) -> Option<Text> {
        text.map(|text| self.share(text))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn equal_texts_are_one_allocation() {
        let interner = Interner::default();
        assert!(Arc::ptr_eq(&interner.share("m6i.large"), &interner.share("m6i.large")));
        assert_eq!(&*interner.share(&"x".repeat(300)), "x".repeat(300));
    }
}
