//! Making untrusted text safe for the place it goes to.

use std::borrow::Cow;

/// A cell that a spreadsheet will not take for a formula: text that starts with `= + - @`, with their
/// full-width forms, a tab or a line break gets an apostrophe in front. NUL and other control characters,
/// at which readers of CSV stop, become visible replacements; tabs and line breaks stay.
/// Source: OWASP, "CSV Injection".
pub fn cell(text: &str) -> Cow<'_, str> {
    let harmful = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    let text = match text.contains(harmful) {
        true => Cow::Owned(text.replace(harmful, "\u{fffd}")),
        false => Cow::Borrowed(text),
    };
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠') => {
            Cow::Owned(format!("'{text}"))
        }
        _ => text,
    }
}

/// Text for one line of a terminal: control characters, which could move the cursor or hide text,
/// become visible replacements, as do the marks that turn the direction of writing.
pub fn line(text: &str) -> Cow<'_, str> {
    let harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
    };
    if !text.chars().any(harmful) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if harmful(c) { '\u{fffd}' } else { c }).collect())
}

/// Text for a line of Markdown: as [`line`], and what Markdown or the HTML in it would read as markup is escaped.
/// Source: CommonMark 0.31, "Backslash escapes"; a colon behind a scheme is escaped as well, so that no address becomes
/// a link.
pub fn markdown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in line(text).replace("://", "\\://").chars() {
        if matches!(c, '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '#') {
            safe.push('\\');
        }
        match c {
            '&' => safe.push_str("&amp;"),
            '@' => safe.push_str("&#64;"),
            c => safe.push(c),
        }
    }
    safe
}

/// Text as a code span of Markdown: as [`line`], between more backticks than it has in a row. Nothing in it is markup.
/// Source: CommonMark 0.31, "Code spans".
pub fn code_span(text: &str) -> String {
    let text = line(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) || text.is_empty() {
        format!("{fence} {text} {fence}")
    } else {
        format!("{fence}{text}{fence}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_disarmed_and_ordinary_text_is_left_alone() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＠x"] {
            assert!(cell(formula).starts_with('\''), "{formula:?}");
        }
        for plain in ["", "web-01", "a=b", "'quoted"] {
            assert_eq!(cell(plain), plain);
        }
        assert_eq!(cell("a\u{0}b\x1b[2J\tc"), "a\u{fffd}b\u{fffd}[2J\tc");
    }

    #[test]
    fn a_terminal_line_keeps_no_control_characters() {
        assert_eq!(line("a\x1b[2Jb\nc\u{202e}d"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d");
        assert_eq!(line("größe ✓"), "größe ✓");
    }

    #[test]
    fn markdown_is_disarmed() {
        assert_eq!(markdown("a|b <img> [x](y) *z*\n# h"), "a\\|b \\<img\\> \\[x\\](y) \\*z\\*\u{fffd}\\# h");
        assert_eq!(markdown("https://evil.example @all &lt;"), "https\\://evil.example &#64;all &amp;lt;");
        assert_eq!(markdown("node-1.eu"), "node-1.eu");
    }

    #[test]
    fn a_code_span_ends_where_it_is_meant_to() {
        assert_eq!(code_span("a b"), "`a b`");
        assert_eq!(code_span("a``b`c"), "```a``b`c```");
        assert_eq!(code_span("`a"), "`` `a ``");
        assert_eq!(code_span("a\n\nb"), "`a\u{fffd}\u{fffd}b`");
    }
}
