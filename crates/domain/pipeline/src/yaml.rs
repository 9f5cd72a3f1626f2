//! YAML written from a tree, so that no value can break out of its place.

use std::fmt::Write as _;

/// A node of a document. Mappings keep the order they are given in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Yaml {
    /// A word of the platform's own language, plain: a number, `true`, an identifier.
    Word(String),
    /// Any text; always quoted.
    Text(String),
    /// Lines of a script, readable where that is possible.
    Script(String),
    /// A sequence.
    List(Vec<Yaml>),
    /// A mapping.
    Map(Vec<(String, Yaml)>),
}

impl Yaml {
    pub(crate) fn word(word: impl ToString) -> Self {
        Self::Word(word.to_string())
    }

    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::List(texts.into_iter().map(Self::text).collect())
    }

    pub(crate) fn map<K: Into<String>, const N: usize>(entries: [(K, Self); N]) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// The mapping with one more entry.
    ///
    /// # Panics
    /// It is no mapping.
    pub(crate) fn with(self, key: &str, value: Self) -> Self {
        let Self::Map(mut entries) = self else { unreachable!("only mappings have entries") };
        entries.push((key.to_owned(), value));
        Self::Map(entries)
    }

    /// The mapping with one more entry where there is a value.
    pub(crate) fn with_some(self, key: &str, value: Option<Self>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// The document with its first comment.
    pub(crate) fn document(&self, comment: &[&str]) -> String {
        let mut out: String = comment.iter().map(|line| format!("# {line}\n")).collect();
        out.push_str("---");
        self.write(&mut out, 0);
        out
    }

    /// Writes what follows a key or a dash.
    fn write(&self, out: &mut String, indent: usize) {
        match self {
            Self::Word(word) if is_plain(word) => _ = writeln!(out, " {word}"),
            Self::Word(text) | Self::Text(text) => _ = writeln!(out, " {}", quoted(text)),
            Self::Script(text) if is_block(text) => block(out, text, indent),
            Self::Script(text) => _ = writeln!(out, " {}", quoted(text)),
            Self::List(items) if items.is_empty() => out.push_str(" []\n"),
            Self::Map(entries) if entries.is_empty() => out.push_str(" {}\n"),
            Self::List(items) => {
                out.push('\n');
                items.iter().for_each(|item| item.write_item(out, indent));
            }
            Self::Map(entries) => {
                out.push('\n');
                entries.iter().for_each(|entry| write_entry(out, entry, indent));
            }
        }
    }

    fn write_item(&self, out: &mut String, indent: usize) {
        pad(out, indent);
        out.push('-');
        match self {
            Self::Map(entries) if !entries.is_empty() => {
                // The first entry stands behind the dash, the others below it.
                let mut nested = String::new();
                entries.iter().for_each(|entry| write_entry(&mut nested, entry, indent + 2));
                out.push(' ');
                out.push_str(&nested[indent + 2..]);
            }
            other => other.write(out, indent + 2),
        }
    }
}

fn write_entry(out: &mut String, (key, value): &(String, Yaml), indent: usize) {
    pad(out, indent);
    out.push_str(&if is_plain(key) { key.clone() } else { quoted(key) });
    out.push(':');
    value.write(out, indent + 2);
}

fn block(out: &mut String, text: &str, indent: usize) {
    out.push_str(" |\n");
    for line in text.lines() {
        if !line.is_empty() {
            pad(out, indent);
            out.push_str(line);
        }
        out.push('\n');
    }
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

/// True where the text may stand in a literal block: printable lines, the first not indented, with one line break
/// at the end.
fn is_block(text: &str) -> bool {
    let lines = || text.split('\n');
    text.ends_with('\n')
        && !text.ends_with("\n\n")
        && !text.starts_with([' ', '\n', '\t'])
        && lines().all(|line| !line.ends_with(' ') && line.chars().all(is_printable))
}

/// True where a plain scalar is the same in every version of YAML: a word, or a number without sign and point. Words
/// that older versions take for true and false are the platform's own only where they are meant so.
fn is_plain(word: &str) -> bool {
    const TAKEN: [&str; 10] = ["y", "n", "yes", "no", "on", "off", "null", "~", "Yes", "No"];
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '@');
    word.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
        && word.chars().all(inner)
        && !TAKEN.contains(&word)
}

/// A double-quoted scalar: what is not printable is escaped (YAML 1.2.2, section 5.7).
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if is_printable(c) => out.push(c),
            c => _ = write!(out, "\\U{:08X}", u32::from(c)),
        }
    }
    out.push('"');
    out
}

/// What may stand in a document as it is, on one line and without being invisible (YAML 1.2.2, section 5.1, less the
/// line breaks of YAML 1.1 and the byte-order mark).
fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202f}'..='\u{d7ff}' | '\u{e000}'..='\u{fdff}')
        || matches!(c, '\u{fe00}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..='\u{10fffd}')
}

#[cfg(test)]
mod tests {
    use fleetwright_config::{Located, SourceText};
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn read(text: &str) -> Value {
        Located::read(&SourceText::new("written", text)).expect(text).json()
    }

    fn as_json(yaml: &Yaml) -> Value {
        match yaml {
            Yaml::Word(text) | Yaml::Text(text) | Yaml::Script(text) => text.as_str().into(),
            Yaml::List(items) => items.iter().map(as_json).collect(),
            Yaml::Map(entries) => entries.iter().map(|(key, value)| (key.clone(), as_json(value))).collect(),
        }
    }

    fn texts() -> impl Strategy<Value = Yaml> {
        let text = prop_oneof![any::<String>(), "[ -~\n\t]{0,40}", "[:#'\"{}|>&*!%@` -]{0,8}"];
        text.prop_flat_map(|text| prop_oneof![Just(Yaml::Text(text.clone())), Just(Yaml::Script(text))])
    }

    fn trees() -> impl Strategy<Value = Yaml> {
        texts().prop_recursive(4, 32, 4, |inner| {
            let keys = prop_oneof!["[a-z]{1,8}", "[ -~]{1,8}"];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Yaml::List),
                prop::collection::btree_map(keys, inner, 0..4)
                    .prop_map(|map| Yaml::Map(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_back(tree in trees()) {
            let document = tree.document(&["first line"]);
            prop_assert_eq!(read(&document), as_json(&tree), "{}", document);
        }
    }

    #[test]
    fn a_mapping_in_a_sequence_begins_behind_its_dash() {
        let step =
            Yaml::map([("name", Yaml::text("a: b")), ("run", Yaml::Script("one\n\ntwo\n".to_owned()))]);
        let tree = Yaml::map([("steps", Yaml::List(vec![step])), ("on", Yaml::word("true"))]);
        let expected = "---\nsteps:\n  - name: \"a: b\"\n    run: |\n      one\n\n      two\n\"on\": true\n";
        assert_eq!(tree.document(&[]), expected);
    }
}
