//! Document paths: `a.b[0]`.

use std::fmt;

use crate::world::tables::attribute::{Item, Value};

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Step {
    /// The member of an item or a map.
    Member(String),
    /// An element of a list, from 0.
    Element(usize),
}

/// A path to a value; the first step is a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Path(pub(super) Vec<Step>);

impl Path {
    /// The attribute of the item that the path begins with.
    pub(super) fn attribute(&self) -> &str {
        match self.0.first() {
            Some(Step::Member(name)) => name,
            _ => "",
        }
    }

    /// The attribute, where the path is nothing but that.
    pub(super) fn whole_attribute(&self) -> Option<&str> {
        (self.0.len() == 1).then(|| self.attribute())
    }

    /// The value at the path.
    pub(super) fn find<'i>(&self, item: &'i Item) -> Option<&'i Value> {
        let (_, rest) = self.0.split_first()?;
        rest.iter().try_fold(item.get(self.attribute())?, |value, step| match (value, step) {
            (Value::M(members), Step::Member(name)) => members.get(name),
            (Value::L(values), Step::Element(at)) => values.get(*at),
            _ => None,
        })
    }
}

/// How two paths stand to one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meeting {
    /// Neither touches what the other does.
    Apart,
    /// One is the other, or leads to a part of it.
    Overlap,
    /// One takes for a list what the other takes for a map.
    Conflict,
}

/// How two paths stand to one another.
pub(super) fn meeting(one: &Path, other: &Path) -> Meeting {
    for (a, b) in one.0.iter().zip(&other.0) {
        match (a, b) {
            _ if a == b => {}
            (Step::Member(_), Step::Element(_)) | (Step::Element(_), Step::Member(_)) => {
                return Meeting::Conflict;
            }
            _ => return Meeting::Apart,
        }
    }
    Meeting::Overlap
}

/// As messages show it: `[a, b, [0]]`.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps: Vec<String> = self
            .0
            .iter()
            .map(|step| match step {
                Step::Member(name) => name.clone(),
                Step::Element(at) => format!("[{at}]"),
            })
            .collect();
        write!(f, "[{}]", steps.join(", "))
    }
}
