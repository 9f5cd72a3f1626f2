//! What was found, and where.

use std::fmt::{self, Display};

use fleetwright_model::Code;

use crate::Rules;

/// One fault of a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of fault.
    pub code: &'static Code,
    /// The state it is in; none where it is the machine's.
    pub state: Option<String>,
    /// Where it is (RFC 6901), for example `/States/Turn/Next`.
    pub pointer: String,
    /// What is wrong and what is expected, in one sentence. Names in it are untrusted text, on one line.
    pub message: String,
}

impl Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            Some(state) => write!(f, "state `{}`: {}", printable(state), self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// A text without what moves the cursor or turns the direction of writing.
fn printable(text: &str) -> String {
    let escape = |character: char| match character {
        '"' | '\'' | '\\' => character.to_string(),
        other => other.escape_debug().to_string(),
    };
    text.chars().map(escape).collect()
}

/// A place in the definition.
#[derive(Clone, Debug)]
pub(crate) struct Place<'a> {
    state: Option<&'a str>,
    pointer: String,
}

impl<'a> Place<'a> {
    pub(crate) fn root() -> Self {
        Self { state: None, pointer: String::new() }
    }

    /// A member or an item of what is here.
    pub(crate) fn at(&self, part: impl Display) -> Self {
        let part = part.to_string().replace('~', "~0").replace('/', "~1");
        Self { state: self.state, pointer: format!("{}/{part}", self.pointer) }
    }

    /// The state that is here.
    pub(crate) fn of_state(&self, name: &'a str) -> Self {
        Self { state: Some(name), ..self.at(name) }
    }
}

/// Collects what is found.
pub(crate) struct Findings {
    rules: Rules,
    list: Vec<Finding>,
}

impl Findings {
    pub(crate) fn new(rules: Rules) -> Self {
        Self { rules, list: Vec::new() }
    }

    /// Whether what fleetwright asks of a machine is asked for as well.
    pub(crate) fn ours(&self) -> bool {
        self.rules == Rules::Ours
    }

    pub(crate) fn add(&mut self, code: &'static Code, place: &Place<'_>, message: impl Into<String>) {
        let state = place.state.map(str::to_owned);
        let message = printable(&message.into());
        self.list.push(Finding { code, state, pointer: place.pointer.clone(), message });
    }

    pub(crate) fn into_list(self) -> Vec<Finding> {
        self.list
    }
}
