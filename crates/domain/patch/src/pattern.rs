//! Patterns on names and ids, with `*` for any text and `?` for one character.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// A pattern that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPattern {
    /// The pattern.
    pub pattern: String,
    /// Why not.
    pub reason: String,
}

impl std::fmt::Display for InvalidPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} is not a usable pattern: {}", self.pattern, self.reason)
    }
}

impl std::error::Error for InvalidPattern {}

/// A set of patterns, matched together. Case matters.
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    set: GlobSet,
}

impl Patterns {
    /// Compiles the patterns. Every character but `*` and `?` stands for itself.
    ///
    /// # Errors
    /// The first pattern that is empty or too large to compile.
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidPattern> {
        let mut builder = GlobSetBuilder::new();
        for pattern in patterns {
            let invalid = |reason: String| InvalidPattern { pattern: pattern.to_owned(), reason };
            if pattern.is_empty() {
                return Err(invalid("it is empty".into()));
            }
            let glob = GlobBuilder::new(&literal_but_wildcards(pattern))
                .literal_separator(false)
                .backslash_escape(true)
                .build()
                .map_err(|error| invalid(error.kind().to_string()))?;
            builder.add(glob);
        }
        let set = builder
            .build()
            .map_err(|error| InvalidPattern { pattern: String::new(), reason: error.to_string() })?;
        Ok(Self { set })
    }

    /// True where there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    /// True where one of the patterns matches the whole text.
    pub fn matches(&self, text: &str) -> bool {
        self.set.is_match(text)
    }
}

/// Escapes what the glob library would give a meaning of its own: classes, alternatives, escapes.
/// Its `**` means the same as `*` when separators are not special.
fn literal_but_wildcards(pattern: &str) -> String {
    let mut escaped = String::with_capacity(pattern.len() + 4);
    for c in pattern.chars() {
        if matches!(c, '[' | ']' | '{' | '}' | '\\' | '!') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(pattern: &str) -> Patterns {
        Patterns::new([pattern]).expect("valid")
    }

    #[test]
    fn star_and_question_mark_are_the_only_wildcards() {
        assert!(one("prod-*").matches("prod-payments/web"));
        assert!(one("web-0?").matches("web-07"));
        assert!(!one("web-0?").matches("web-070"));
        assert!(one("a[b]{c}!").matches("a[b]{c}!"));
        assert!(!one("a[b]c").matches("abc"));
        assert!(one("back\\slash").matches("back\\slash"));
        assert!(one("**").matches("a/b"));
    }

    #[test]
    fn an_empty_pattern_is_refused_because_it_would_match_nothing_or_everything() {
        assert!(Patterns::new([""]).is_err());
    }
}
