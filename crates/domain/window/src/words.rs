//! Words of a one-line text, with the columns they begin at.

/// A word and the column it begins at, from 1, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word<'t> {
    pub(crate) text: &'t str,
    pub(crate) column: u32,
}

/// The words between blanks.
pub(crate) fn words(text: &str) -> Vec<Word<'_>> {
    split(text, char::is_whitespace).into_iter().filter(|word| !word.text.is_empty()).collect()
}

/// The parts between separators, empty ones included.
pub(crate) fn split(text: &str, separator: impl Fn(char) -> bool) -> Vec<Word<'_>> {
    let mut parts = Vec::new();
    let (mut start, mut start_column) = (0, 1);
    let mut column = 1;
    for (at, c) in text.char_indices() {
        column += 1;
        if separator(c) {
            parts.push(Word { text: &text[start..at], column: start_column });
            (start, start_column) = (at + c.len_utf8(), column);
        }
    }
    parts.push(Word { text: &text[start..], column: start_column });
    parts
}
