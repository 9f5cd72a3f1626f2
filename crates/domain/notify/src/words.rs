//! Untrusted text made fit for a message.

use std::borrow::Cow;

/// Text on one line: control characters and marks that turn the direction of writing become visible
/// replacements.
pub fn line(text: &str) -> Cow<'_, str> {
    let harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}')
    };
    if !text.chars().any(harmful) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if harmful(c) { '\u{fffd}' } else { c }).collect())
}

/// At most so many bytes of a text, cut between characters, with an ellipsis where something is missing.
pub fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    const ELLIPSIS: &str = "…";
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let room = most.saturating_sub(ELLIPSIS.len());
    let cut = (0..=room).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    Cow::Owned(format!("{}{ELLIPSIS}", &text[..cut]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_and_is_cut_between_characters() {
        assert_eq!(line("a\r\nb\u{202e}\u{0}"), "a\u{fffd}\u{fffd}b\u{fffd}\u{fffd}");
        assert_eq!(shortened("größe", 5), "gr…");
        assert_eq!(shortened("größe", 7), "größe");
        assert_eq!(shortened("größe", 2), "…");
    }
}
