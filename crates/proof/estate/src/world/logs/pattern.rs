//! Filter patterns: terms that a message has, and members of messages that are JSON.
//!
//! Rules: CloudWatch Logs user guide, "Filter pattern syntax". Regular expressions and space-delimited patterns are
//! refused, because the estate does not know them.

mod json;

use json::Condition;

/// Characters of a pattern, at most (FilterLogEvents, filterPattern).
pub const MAX_CHARACTERS: usize = 1_024;

/// A pattern.
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    /// Terms of a text.
    Terms(Vec<Term>),
    /// A condition on a JSON document.
    Json(Condition),
}

/// A term of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    kind: Kind,
    text: String,
}

/// What a term asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It is there.
    All,
    /// It or another of this kind is there.
    Any,
    /// It is not there.
    None,
}

impl Pattern {
    /// Reads a pattern; one of blanks alone takes everything.
    ///
    /// # Errors
    /// What is wrong with it, in a few words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.chars().count() > MAX_CHARACTERS {
            return Err(format!("a pattern has at most {MAX_CHARACTERS} characters"));
        }
        match text.chars().next() {
            Some('{') => json::parse(text).map(Self::Json),
            Some('[') => Err("the estate knows no space-delimited patterns".to_owned()),
            _ => terms(text).map(Self::Terms),
        }
    }

    /// Whether a message fits.
    #[must_use]
    pub fn takes(&self, message: &str) -> bool {
        let terms = match self {
            Self::Json(condition) => {
                return serde_json::from_str(message).is_ok_and(|document| condition.holds(&document));
            }
            Self::Terms(terms) => terms,
        };
        let of = |kind: Kind| terms.iter().filter(move |term| term.kind == kind);
        let is_there = |term: &Term| message.contains(&term.text);
        let any = of(Kind::Any).next().is_none() || of(Kind::Any).any(is_there);
        of(Kind::All).all(is_there) && any && !of(Kind::None).any(is_there)
    }
}

/// Terms: words of letters, digits and underscores, or anything in quotation marks.
fn terms(text: &str) -> Result<Vec<Term>, String> {
    let mut terms = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let kind = match first {
            '?' => Kind::Any,
            '-' => Kind::None,
            _ => Kind::All,
        };
        let body = if kind == Kind::All { rest } else { &rest[1..] };
        let (text, after) = match body.strip_prefix('"') {
            Some(quoted) => quoted_term(quoted)?,
            None => {
                let end = body.find(char::is_whitespace).unwrap_or(body.len());
                (word(&body[..end])?, &body[end..])
            }
        };
        if !after.is_empty() && !after.starts_with(char::is_whitespace) {
            return Err("a blank must stand between terms".to_owned());
        }
        terms.push(Term { kind, text });
        rest = after.trim_start();
    }
    Ok(terms)
}

/// A term behind its opening quotation mark, and what comes after the closing one.
fn quoted_term(text: &str) -> Result<(String, &str), String> {
    let mut term = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Ok((term, &text[at + 1..])),
            '\\' => term.extend(letters.next().map(|(_, escaped)| escaped)),
            other => term.push(other),
        }
    }
    Err("a quotation mark is not closed".to_owned())
}

fn word(text: &str) -> Result<String, String> {
    let plain = |letter: char| letter.is_alphanumeric() || letter == '_';
    match text {
        "" => Err("a term is empty".to_owned()),
        text if text.starts_with('%') => Err("the estate knows no regular expressions".to_owned()),
        text if text.chars().all(plain) => Ok(text.to_owned()),
        odd => Err(format!("the term {odd} has other characters than letters, digits and _; quote it")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(pattern: &str, message: &str) -> bool {
        Pattern::parse(pattern).unwrap_or_else(|why| panic!("{pattern}: {why}")).takes(message)
    }

    #[test]
    fn terms_are_all_there_or_one_of_them_or_none() {
        assert!(takes("", "anything") && takes("ERROR", "[ERROR 400] BAD REQUEST"));
        assert!(takes("ERROR ARGUMENTS", "ERROR: too few ARGUMENTS") && !takes("ERROR ARGUMENTS", "ERROR"));
        assert!(takes("?ERROR ?WARN", "WARN low") && !takes("?ERROR ?WARN", "error low"));
        assert!(takes("ERROR -EXITING", "ERROR") && !takes("ERROR -EXITING", "ERROR, EXITING"));
        assert!(takes(r#""run \"a-1\"""#, r#"the run "a-1" ends"#) && !takes("\"in order\"", "in  order"));
    }

    #[test]
    fn members_of_documents_are_compared() {
        let message =
            r#"{"level":"ERROR","n":404,"who":{"name":"ann","tags":["a","b"]},"gone":null,"ok":true}"#;
        for pattern in [
            r#"{ $.level = "ERROR" }"#,
            r#"{ $.level = "ERR*" && $.n >= 400 }"#,
            "{ ($.n = 1) || ($.n < 405) }",
            r#"{ $.who.name != "bob" }"#,
            r#"{ $.who.tags[1] = "b" }"#,
            "{ $.gone IS NULL }",
            "{ $.nothing NOT EXISTS }",
            "{ $.ok IS TRUE }",
        ] {
            assert!(takes(pattern, message), "{pattern}");
            assert!(!takes(pattern, "no document"), "{pattern}");
        }
        for pattern in
            [r#"{ $.level = "WARN" }"#, "{ $.n > 404 }", "{ $.who NOT EXISTS }", "{ $.ok IS FALSE }"]
        {
            assert!(!takes(pattern, message), "{pattern}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_the_reason() {
        for (pattern, why) in [
            ("a-b", "other characters"),
            ("\"open", "not closed"),
            ("%a.*%", "regular expressions"),
            ("[a, b]", "space-delimited"),
            ("{ $.a = }", "value"),
            ("{ a = 1 }", "$."),
            ("{ $.a = 1", "}"),
        ] {
            let error = Pattern::parse(pattern).expect_err(pattern);
            assert!(error.contains(why), "{pattern}: {error}");
        }
    }
}
