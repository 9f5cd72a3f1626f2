//! The words and signs of an expression.

/// A part of an expression, with the bytes of the text that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) what: What,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// What a part of an expression is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A name or a keyword.
    Word(String),
    /// A placeholder of a name, `#` included.
    Name(String),
    /// A placeholder of a value, `:` included.
    Value(String),
    /// A place in a list.
    Digits(String),
    /// Everything else.
    Sign(&'static str),
}

/// Signs, those of two characters first.
const SIGNS: [&str; 14] = ["<>", "<=", ">=", "=", "<", ">", "+", "-", "(", ")", "[", "]", ",", "."];

/// The tokens of a text, or the place of the character that is none.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, usize> {
    let mut tokens = Vec::new();
    let mut from = 0;
    while let Some(first) = text[from..].chars().next() {
        if first.is_ascii_whitespace() {
            from += 1;
            continue;
        }
        let rest = &text[from..];
        let (what, length) = match first {
            'a'..='z' | 'A'..='Z' => word(rest, 0).map(|(word, length)| (What::Word(word), length)),
            '#' => word(rest, 1).map(|(word, length)| (What::Name(word), length)),
            ':' => word(rest, 1).map(|(word, length)| (What::Value(word), length)),
            '0'..='9' => {
                let length = rest.bytes().take_while(u8::is_ascii_digit).count();
                Some((What::Digits(rest[..length].to_owned()), length))
            }
            _ => {
                SIGNS.iter().find(|sign| rest.starts_with(**sign)).map(|sign| (What::Sign(sign), sign.len()))
            }
        }
        .ok_or(from)?;
        tokens.push(Token { what, from, to: from + length });
        from += length;
    }
    Ok(tokens)
}

/// Letters, digits and underscores behind so many other bytes; at least one.
fn word(rest: &str, behind: usize) -> Option<(String, usize)> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let length = behind + rest.bytes().skip(behind).take_while(is_part).count();
    (length > behind).then(|| (rest[..length].to_owned(), length))
}
