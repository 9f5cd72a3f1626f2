//! Names: a prefix of one's own, and a level for each key.

use std::fmt::{self, Display, Write as _};

use crate::{Fault, MOST_LEVELS, MOST_NAME};

/// What all parameters of a configuration begin with, for example `/fleetwright/prod`. Configurations whose
/// prefixes differ never meet: a name belongs to a prefix only with a `/` after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix(String);

/// Levels that a prefix leaves for the configuration at least.
const ROOM: usize = 5;

impl Prefix {
    /// Reads a prefix.
    ///
    /// # Errors
    /// It does not begin with `/`, has an empty or strange level, begins with `aws` or `ssm` (which AWS keeps for
    /// itself), or leaves no room.
    pub fn new(text: &str) -> Result<Self, Fault> {
        let fault = |why| Err(Fault::Prefix { prefix: text.to_owned(), why });
        let Some(levels) = text.strip_prefix('/') else { return fault("it begins with `/`") };
        let levels: Vec<&str> = levels.split('/').collect();
        if levels.iter().any(|level| level.is_empty()) {
            return fault("a level is empty");
        }
        if !levels.iter().all(|level| level.bytes().all(|byte| is_plain(byte) || byte == b'.')) {
            return fault("levels are made of letters, digits, `_`, `-` and `.`");
        }
        let first = levels[0].to_ascii_lowercase();
        if first.starts_with("aws") || first.starts_with("ssm") {
            return fault("AWS keeps names that begin with `aws` or `ssm` for itself");
        }
        if levels.len() > MOST_LEVELS - ROOM || text.len() > MOST_NAME / 2 {
            return fault("it leaves no room for the configuration");
        }
        Ok(Self(text.to_owned()))
    }

    /// The prefix, without a `/` at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How many levels it has.
    pub(crate) fn levels(&self) -> usize {
        self.0.matches('/').count()
    }

    /// The levels of a name below the prefix; none where it is not below it.
    pub(crate) fn below<'n>(&self, name: &'n str) -> Option<Vec<&'n str>> {
        let rest = name.strip_prefix(&self.0)?;
        if rest.is_empty() {
            return Some(Vec::new());
        }
        Some(rest.strip_prefix('/')?.split('/').collect())
    }
}

impl Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A level of a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// A key of an object.
    Key(String),
    /// A place in a list.
    Item(usize),
}

const EMPTY: &str = ".z";
const ITEM: &str = ".n";

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

impl Level {
    pub(crate) fn written(&self) -> String {
        match self {
            Self::Item(place) => format!("{ITEM}{place}"),
            Self::Key(key) if key.is_empty() => EMPTY.to_owned(),
            Self::Key(key) => key.bytes().fold(String::with_capacity(key.len()), |mut text, byte| {
                match is_plain(byte) {
                    true => text.push(char::from(byte)),
                    false => write!(text, ".{byte:02X}").expect("a String takes everything"),
                }
                text
            }),
        }
    }

    /// Reads a level back; none where [`Level::written`] would not have written it.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let level = match text.strip_prefix(ITEM) {
            Some(place) => Self::Item(place.parse().ok()?),
            None if text == EMPTY => Self::Key(String::new()),
            None => Self::Key(key(text)?),
        };
        (level.written() == text).then_some(level)
    }
}

fn key(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'.' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_as_they_were_written() {
        for (key, written) in [
            ("max_attempts", "max_attempts"),
            ("ec2:DescribeInstances", "ec2.3ADescribeInstances"),
            ("a.b/c", "a.2Eb.2Fc"),
            ("größe", "gr.C3.B6.C3.9Fe"),
            ("", ".z"),
            (".z", ".2Ez"),
            (".n1", ".2En1"),
        ] {
            let level = Level::Key(key.to_owned());
            assert_eq!(level.written(), written);
            assert_eq!(Level::read(written), Some(level));
        }
        assert_eq!(Level::read(".n12"), Some(Level::Item(12)));
        for strange in ["", ".", ".n", ".n01", ".n-1", ".2", ".2e", ".61", ".FF", "a b", "ä"] {
            assert_eq!(Level::read(strange), None, "{strange}");
        }
    }

    #[test]
    fn a_prefix_is_a_name_that_leaves_room() {
        for good in ["/fleetwright", "/fleetwright/prod", "/a/b-c/d_e/f.g"] {
            assert_eq!(Prefix::new(good).expect("good").as_str(), good);
        }
        let long = "/a".repeat(11);
        for bad in ["", "/", "fleetwright", "/a/", "/a//b", "/a b", "/aws/x", "/SSM-x", long.as_str()] {
            assert!(Prefix::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_what_is_below_a_prefix_belongs_to_it() {
        let prefix = Prefix::new("/fleet/prod").expect("good");
        assert_eq!(prefix.below("/fleet/prod"), Some(vec![]));
        assert_eq!(prefix.below("/fleet/prod/a/b"), Some(vec!["a", "b"]));
        assert_eq!(prefix.below("/fleet/production/a"), None);
        assert_eq!(prefix.below("/fleet/test/a"), None);
    }
}
