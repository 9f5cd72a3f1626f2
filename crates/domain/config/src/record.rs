//! Records: mappings with a fixed set of members, such as a wave. One table per record says which
//! members there are; reading, the nearest name of a misspelt one, and the schema come from it.
//!
//! The configuration writes members with `_`, the input of a single run in camel case, as JSON
//! mostly is. Both are read by the same tables.

use std::collections::BTreeSet;
use std::time::Duration;

use fleetwright_model::{AccountId, code, nearest};

use crate::error::shorten;
use crate::keys::TextForm;
use crate::landing_zones::account;
use crate::settings::{Amount, Tolerance};
use crate::value::{self, Fault};
use crate::yaml::{Content, Entry, Node, Style};

/// One member of a record.
#[derive(Debug)]
pub(crate) struct Member {
    /// Its name in the configuration.
    pub(crate) name: &'static str,
    /// Its name in the input of a run.
    pub(crate) camel: &'static str,
    /// What it takes.
    pub(crate) form: Form,
    /// What it is for.
    pub(crate) doc: &'static str,
}

/// What a member takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// `true` or `false`.
    Bool,
    /// One text.
    Text(TextForm),
    /// A list of texts.
    List(TextForm),
    /// Account ids.
    Accounts,
    /// How much may go wrong: a number from 0 on or a share.
    Tolerance,
    /// A length of time; a plain number is seconds.
    Length {
        /// The longest.
        max: Duration,
    },
    /// Tag keys with the values that match.
    Tags,
    /// A day or a moment.
    Moment,
    /// Another record.
    Record(&'static [Member]),
    /// A list of records.
    Records(&'static [Member]),
}

/// How members are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// As in the configuration: `max_errors`.
    Snake,
    /// As in the input of a run: `maxErrors`.
    Camel,
}

impl Member {
    pub(crate) const fn new(name: &'static str, camel: &'static str, form: Form, doc: &'static str) -> Self {
        Self { name, camel, form, doc }
    }

    /// Its name in that spelling.
    pub(crate) fn spelt(&self, spelling: Spelling) -> &'static str {
        match spelling {
            Spelling::Snake => self.name,
            Spelling::Camel => self.camel,
        }
    }
}

/// A record that is being read; faults are collected, each with the member's path in its message.
pub(crate) struct Record<'n, 'f> {
    entries: &'n [Entry],
    table: &'static [Member],
    spelling: Spelling,
    path: String,
    faults: &'f mut Vec<Fault>,
}

impl<'n, 'f> Record<'n, 'f> {
    /// Opens a mapping; members that the table does not have are faults. None where it is no mapping.
    pub(crate) fn open(
        node: &'n Node,
        path: String,
        table: &'static [Member],
        spelling: Spelling,
        faults: &'f mut Vec<Fault>,
    ) -> Option<Self> {
        let Content::Mapping(entries) = &node.content else {
            let what = if path.is_empty() { "the input of a run".to_owned() } else { format!("`{path}`") };
            let message = format!("{what} needs a mapping, found {}", node.describe());
            faults.push(Fault::new(&code::WRONG_TYPE, node, message));
            return None;
        };
        for entry in entries {
            if !table.iter().any(|member| member.spelt(spelling) == entry.key) {
                faults.push(unknown(entry, &path, table.iter().map(|member| member.spelt(spelling))));
            }
        }
        Some(Self { entries, table, spelling, path, faults })
    }

    /// The member's value, where it is written and not `null`.
    pub(crate) fn node(&self, name: &str) -> Option<&'n Node> {
        let member = self.member(name);
        let entry = self.entries.iter().find(|entry| entry.key == member.spelt(self.spelling))?;
        (entry.value.content != Content::Null).then_some(&*entry.value)
    }

    fn member(&self, name: &str) -> &'static Member {
        self.table.iter().find(|member| member.name == name).expect("readers ask for members of their table")
    }

    /// The path of a member, as it is written.
    pub(crate) fn path_of(&self, name: &str) -> String {
        join(&self.path, self.member(name).spelt(self.spelling))
    }

    /// Where a fault goes that a reader finds itself.
    pub(crate) fn faults(&mut self) -> &mut Vec<Fault> {
        self.faults
    }

    /// A fault about one member.
    pub(crate) fn refuse(&mut self, name: &str, fault: Fault) {
        let message = set_off(&self.path_of(name), &fault.message);
        self.faults.push(Fault { message, ..fault });
    }

    /// Reads one member; faults are kept and read as nothing.
    pub(crate) fn read<T>(&mut self, name: &str, read: impl FnOnce(&Node) -> Result<T, Fault>) -> Option<T> {
        match read(self.node(name)?) {
            Ok(value) => Some(value),
            Err(fault) => {
                self.refuse(name, fault);
                None
            }
        }
    }

    pub(crate) fn bool(&mut self, name: &str) -> Option<bool> {
        self.read(name, value::boolean)
    }

    /// One text, in the form its table gives it.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let Form::Text(form) = self.member(name).form else { unreachable!("{name} is one text") };
        self.read(name, |node| value::text(node, form))
    }

    /// A list of texts, in the form its table gives them.
    pub(crate) fn texts(&mut self, name: &str) -> Vec<String> {
        let Form::List(form) = self.member(name).form else { unreachable!("{name} is a list") };
        self.read(name, |node| value::texts(node, form)).unwrap_or_default()
    }

    pub(crate) fn amount(&mut self, name: &str) -> Option<Amount> {
        let text = self.text(name)?;
        Some(Amount::read(&text).expect("its form was checked when it was read"))
    }

    pub(crate) fn length(&mut self, name: &str) -> Option<Duration> {
        let Form::Length { max } = self.member(name).form else { unreachable!("{name} is a length") };
        self.read(name, |node| value::length(node, Duration::ZERO, max))
    }

    pub(crate) fn accounts(&mut self, name: &str) -> Vec<AccountId> {
        self.read(name, |node| match &node.content {
            Content::Sequence(items) => items.iter().map(|item| account(item)).collect(),
            _ => Ok(vec![account(node)?]),
        })
        .unwrap_or_default()
    }

    pub(crate) fn tolerance(&mut self, name: &str) -> Option<Tolerance> {
        self.read(name, tolerance)
    }

    /// A record inside this one.
    pub(crate) fn record(&mut self, name: &str) -> Option<Record<'n, '_>> {
        let Form::Record(table) = self.member(name).form else { unreachable!("{name} is a record") };
        let (node, path) = (self.node(name)?, self.path_of(name));
        Record::open(node, path, table, self.spelling, self.faults)
    }
}

/// Reads each record of a list.
pub(crate) fn list<T>(
    node: &Node,
    path: &str,
    faults: &mut Vec<Fault>,
    mut read: impl FnMut(&Node, String, &mut Vec<Fault>) -> Option<T>,
) -> Vec<T> {
    let Content::Sequence(items) = &node.content else {
        let message = set_off(path, &format!("needs a list, found {}", node.describe()));
        faults.push(Fault::new(&code::WRONG_TYPE, node, message));
        return Vec::new();
    };
    let each = |(index, item): (usize, &std::sync::Arc<Node>)| read(item, format!("{path}[{index}]"), faults);
    items.iter().enumerate().filter_map(each).collect()
}

/// Names that stand twice.
pub(crate) fn twice<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = BTreeSet::new();
    names.into_iter().find(|name| !seen.insert(*name))
}

fn unknown<'k>(entry: &Entry, path: &str, known: impl Iterator<Item = &'k str>) -> Fault {
    let shown = join(path, &shorten(&entry.key));
    let message = match nearest(&entry.key, known) {
        Some(nearest) => format!("unknown key `{shown}`; did you mean `{}`?", join(path, nearest)),
        None => format!("unknown key `{shown}`"),
    };
    let node = Node { span: entry.key_span, ..Node::plain(&entry.key) };
    Fault::new(&code::UNKNOWN_KEY, &node, message)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// A fault's message after the member's path: as one sentence, or set off where it begins another.
fn set_off(path: &str, message: &str) -> String {
    let goes_on = ["needs ", "must ", "is "].iter().any(|verb| message.starts_with(verb));
    if path.is_empty() {
        return message.to_owned();
    }
    if goes_on { format!("`{path}` {message}") } else { format!("`{path}`: {message}") }
}

/// How much may go wrong.
/// Source: Systems Manager API reference, SendCommand, MaxErrors.
fn tolerance(node: &Node) -> Result<Tolerance, Fault> {
    const EXPECTED: &str = "a number from 0 on or a share from 0% to 100%";
    match &node.content {
        Content::Scalar { text, .. } => Tolerance::read(text).ok_or_else(|| Fault::wrong(node, EXPECTED)),
        _ => Err(Fault::wrong(node, EXPECTED)),
    }
}

/// What was written, as JSON: values are shown and compared by it.
pub(crate) fn json(node: &Node) -> serde_json::Value {
    match &node.content {
        Content::Null => serde_json::Value::Null,
        Content::Scalar { text, style: Style::Plain } => match text.as_str() {
            "true" => true.into(),
            "false" => false.into(),
            number => number.parse::<u64>().map_or_else(|_| text.as_str().into(), Into::into),
        },
        Content::Scalar { text, .. } => text.as_str().into(),
        Content::Sequence(items) => items.iter().map(|item| json(item)).collect(),
        Content::Mapping(entries) => {
            entries.iter().map(|entry| (entry.key.clone(), json(&entry.value))).collect()
        }
    }
}
