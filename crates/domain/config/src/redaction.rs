//! Masking secrets in a text that is quoted, whether or not it can be parsed.

/// What marks a key as one that holds a secret, misspelt ones and those of other tools included.
const MARKS: [&str; 7] = ["extern", "secret", "token", "passw", "private", "credential", "webhook_url"];

/// Masks, byte for byte, what follows a key that looks like a secret's: the rest of its line, and
/// the lines below that are indented deeper.
pub(crate) fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    // Indentation of the key whose value goes on.
    let mut inside: Option<usize> = None;
    for line in text.split_inclusive(['\n', '\r']) {
        let content = line.trim_start_matches([' ', '-', '?']);
        let indent = line.len() - content.len();
        let blank = content.trim().is_empty();
        inside = inside.filter(|key| blank || indent > *key);
        let from = if inside.is_some() { Some(0) } else { value_start(line) };
        match from {
            None => masked.push_str(line),
            Some(from) => {
                inside = inside.or(Some(indent));
                masked.push_str(&line[..from]);
                masked.extend(line[from..].chars().flat_map(asterisks));
            }
        }
    }
    masked
}

/// Where the value of a secret begins in a line, if the line holds one.
fn value_start(line: &str) -> Option<usize> {
    // Same length as `line`: only ASCII letters change.
    let lower = line.to_ascii_lowercase();
    let mark = MARKS.iter().filter_map(|mark| lower.find(mark)).min()?;
    let end = mark + lower[mark..].find([':', '='])?;
    // `external-web:` is a name, `external_id:` is not.
    let key = &lower[mark..end];
    (!key.starts_with("extern") || key.contains("id")).then_some(end + 1)
}

/// As many asterisks as the character has bytes; white space stays, so that lines stay lines.
fn asterisks(c: char) -> impl Iterator<Item = char> {
    let (shown, count) = if c.is_whitespace() { (c, 1) } else { ('*', c.len_utf8()) };
    std::iter::repeat_n(shown, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_wherever_they_stand_and_offsets_stay() {
        for (text, expected) in [
            ("aws:\n  external_id: größe\n  x: 1\n", "aws:\n  external_id: *******\n  x: 1\n"),
            ("{aws: {externalId: a, b: c}}", "{aws: {externalId: ** ** ***"),
            (
                "- external_id: >-\n    se\n\n    cret\n  name: a\n",
                "- external_id: **\n    **\n\n    ****\n  name: a\n",
            ),
            ("externl_id:\r\n  abc\r\nname: a\r\n", "externl_id:\r\n  ***\r\nname: a\r\n"),
            ("external-web:\n  name: a\n", "external-web:\n  name: a\n"),
        ] {
            let masked = mask(text);
            assert_eq!(masked, expected);
            assert_eq!(masked.len(), text.len());
        }
    }
}
