//! Which field belongs where, and what kind of value it takes.

use std::fmt::{self, Display};

use fleetwright_model::code;
use serde_json::{Map, Value};

use crate::findings::{Findings, Place};
use crate::machine::Role;
use crate::values::{self, meant};

/// The type of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Task,
    Pass,
    Choice,
    Wait,
    Succeed,
    Fail,
    Parallel,
    Map,
}

impl Type {
    pub(crate) const ALL: [Self; 8] = [
        Self::Task,
        Self::Pass,
        Self::Choice,
        Self::Wait,
        Self::Succeed,
        Self::Fail,
        Self::Parallel,
        Self::Map,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Task => "Task",
            Self::Pass => "Pass",
            Self::Choice => "Choice",
            Self::Wait => "Wait",
            Self::Succeed => "Succeed",
            Self::Fail => "Fail",
            Self::Parallel => "Parallel",
            Self::Map => "Map",
        }
    }

    /// Whether it calls something, or runs states that do: errors may come out of it.
    pub(crate) fn may_fail(self) -> bool {
        matches!(self, Self::Task | Self::Parallel | Self::Map)
    }
}

impl Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The query language of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Query {
    JsonPath,
    Jsonata,
}

impl Query {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::JsonPath => "JSONPath",
            Self::Jsonata => "JSONata",
        }
    }
}

/// What kind of value a field takes. In JSONata an expression may stand for each but a name or a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// Any value.
    Any,
    /// A text.
    Text,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// True.
    True,
    /// A whole number.
    Whole(u64, u64),
    /// A number.
    Number(f64, f64),
    /// A number with a lower bound only.
    AtLeast(f64),
    /// A path into the input, or `null`.
    PathOrNull,
    /// A path to one place of the input, the context or a variable.
    Reference,
    /// The same, or an intrinsic function.
    ReferenceOrFunction,
    /// A path to one place of the state's input, where something is put; or `null`.
    Target,
    /// A moment: RFC 3339.
    Moment,
    /// JSON in which members whose names end with `.$` are paths or intrinsic functions, or in which texts
    /// may be expressions.
    Template,
    /// The same, as an object.
    TemplateObject,
    /// An object of which each member is a payload: an expression does not stand for it.
    Variables,
    /// Something with a reader of its own.
    Own,
}

use Type::{Choice, Fail, Map as MapState, Parallel, Pass, Succeed, Task, Wait};

/// A field of states.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    of: &'static [Type],
    query: Option<Query>,
    pub(crate) kind: Kind,
}

const fn both(name: &'static str, of: &'static [Type], kind: Kind) -> Field {
    Field { name, of, query: None, kind }
}

const fn jsonpath(name: &'static str, of: &'static [Type], kind: Kind) -> Field {
    Field { name, of, query: Some(Query::JsonPath), kind }
}

const fn jsonata(name: &'static str, of: &'static [Type], kind: Kind) -> Field {
    Field { name, of, query: Some(Query::Jsonata), kind }
}

/// Seconds at most (the specification's bound of every length of time).
const SECONDS: u64 = 99_999_999;

const ALL: &[Type] = &Type::ALL;
const GOES_ON: &[Type] = &[Task, Pass, Wait, Parallel, MapState];
const HAS_INPUT: &[Type] = &[Task, Pass, Choice, Wait, Succeed, Parallel, MapState];
const MAY_FAIL: &[Type] = &[Task, Parallel, MapState];

/// Every field of every type of state.
const FIELDS: [Field; 48] = [
    both("Type", ALL, Kind::Own),
    both("Comment", ALL, Kind::Text),
    both("QueryLanguage", ALL, Kind::Own),
    both("Next", GOES_ON, Kind::Text),
    both("End", GOES_ON, Kind::True),
    jsonpath("InputPath", HAS_INPUT, Kind::PathOrNull),
    jsonpath("OutputPath", HAS_INPUT, Kind::PathOrNull),
    jsonpath("Parameters", &[Task, Pass, Parallel, MapState], Kind::Template),
    jsonpath("ResultSelector", MAY_FAIL, Kind::TemplateObject),
    jsonpath("ResultPath", &[Task, Pass, Parallel, MapState], Kind::Target),
    jsonata("Arguments", &[Task, Parallel], Kind::Template),
    jsonata("Output", HAS_INPUT, Kind::Template),
    both("Assign", &[Task, Pass, Choice, Wait, Parallel, MapState], Kind::Variables),
    both("Retry", MAY_FAIL, Kind::Own),
    both("Catch", MAY_FAIL, Kind::Own),
    both("Resource", &[Task], Kind::Own),
    both("TimeoutSeconds", &[Task], Kind::Whole(1, SECONDS)),
    jsonpath("TimeoutSecondsPath", &[Task], Kind::Reference),
    both("HeartbeatSeconds", &[Task], Kind::Whole(1, SECONDS)),
    jsonpath("HeartbeatSecondsPath", &[Task], Kind::Reference),
    both("Credentials", &[Task], Kind::TemplateObject),
    jsonpath("Result", &[Pass], Kind::Any),
    both("Choices", &[Choice], Kind::Own),
    both("Default", &[Choice], Kind::Text),
    both("Seconds", &[Wait], Kind::Whole(0, SECONDS)),
    jsonpath("SecondsPath", &[Wait], Kind::Reference),
    both("Timestamp", &[Wait], Kind::Moment),
    jsonpath("TimestampPath", &[Wait], Kind::Reference),
    both("Error", &[Fail], Kind::Text),
    both("Cause", &[Fail], Kind::Text),
    jsonpath("ErrorPath", &[Fail], Kind::ReferenceOrFunction),
    jsonpath("CausePath", &[Fail], Kind::ReferenceOrFunction),
    both("Branches", &[Parallel], Kind::Own),
    both("ItemProcessor", &[MapState], Kind::Own),
    both("Iterator", &[MapState], Kind::Own),
    jsonpath("ItemsPath", &[MapState], Kind::Reference),
    jsonata("Items", &[MapState], Kind::Any),
    both("ItemSelector", &[MapState], Kind::TemplateObject),
    both("ItemReader", &[MapState], Kind::TemplateObject),
    both("ItemBatcher", &[MapState], Kind::TemplateObject),
    both("ResultWriter", &[MapState], Kind::TemplateObject),
    both("MaxConcurrency", &[MapState], Kind::Whole(0, SECONDS)),
    jsonpath("MaxConcurrencyPath", &[MapState], Kind::Reference),
    both("ToleratedFailureCount", &[MapState], Kind::Whole(0, SECONDS)),
    jsonpath("ToleratedFailureCountPath", &[MapState], Kind::Reference),
    both("ToleratedFailurePercentage", &[MapState], Kind::Number(0.0, 100.0)),
    jsonpath("ToleratedFailurePercentagePath", &[MapState], Kind::Reference),
    both("Label", &[MapState], Kind::Text),
];

/// Fields of which at most one may be there; the flag says whether one has to be.
const EXCLUSIVE: [(&[&str], bool); 9] = [
    (&["Next", "End"], true),
    (&["Seconds", "SecondsPath", "Timestamp", "TimestampPath"], true),
    (&["TimeoutSeconds", "TimeoutSecondsPath"], false),
    (&["HeartbeatSeconds", "HeartbeatSecondsPath"], false),
    (&["Error", "ErrorPath"], false),
    (&["Cause", "CausePath"], false),
    (&["ItemProcessor", "Iterator"], true),
    (&["MaxConcurrency", "MaxConcurrencyPath"], false),
    (&["ItemSelector", "Parameters"], false),
];

/// Fields without which a state of the type is none.
fn needed(of: Type) -> &'static [&'static str] {
    match of {
        Task => &["Resource"],
        Choice => &["Choices"],
        Parallel => &["Branches"],
        Pass | Wait | Succeed | Fail | MapState => &[],
    }
}

/// The fields of one type of state, in the query language.
fn fields_of(of: Type, query: Query) -> impl Iterator<Item = &'static Field> {
    let here = move |field: &&Field| field.of.contains(&of) && field.query.is_none_or(|it| it == query);
    FIELDS.iter().filter(here)
}

/// Checks which fields a state has, and returns those it may have.
pub(crate) fn of_state<'a>(
    findings: &mut Findings,
    place: &Place<'a>,
    state: &'a Map<String, Value>,
    (of, query): (Type, Query),
) -> Vec<(&'static Field, &'a Value)> {
    let mut good = Vec::new();
    for (name, value) in state {
        match fields_of(of, query).find(|field| field.name == name) {
            Some(field) => good.push((field, value)),
            None => findings.add(&code::DEFINITION_STRANGE, &place.at(name), strange(name, of, query)),
        }
    }
    for name in needed(of).iter().filter(|name| !state.contains_key(**name)) {
        findings.add(&code::DEFINITION_INCOMPLETE, place, format!("a {of} needs `{name}`"));
    }
    for (names, one_is_needed) in EXCLUSIVE {
        exclusive(findings, place, state, (of, query), (names, one_is_needed));
    }
    good
}

fn strange(name: &str, of: Type, query: Query) -> String {
    let known = FIELDS.iter().find(|field| field.name == name && field.of.contains(&of));
    if let Some(language) = known.and_then(|field| field.query) {
        let (field, state) = (language.as_str(), query.as_str());
        return format!("`{name}` is a field of {field}, and the state is in {state}");
    }
    let meant = meant(name, fields_of(of, query).map(|field| field.name));
    format!("a {of} has no field `{name}`{meant}")
}

fn exclusive(
    findings: &mut Findings,
    place: &Place<'_>,
    state: &Map<String, Value>,
    (of, query): (Type, Query),
    (names, one_is_needed): (&[&str], bool),
) {
    let possible: Vec<&str> =
        names.iter().copied().filter(|name| fields_of(of, query).any(|field| field.name == *name)).collect();
    let there: Vec<&str> = possible.iter().copied().filter(|name| state.contains_key(*name)).collect();
    match there[..] {
        [] if one_is_needed && possible.len() > 1 => {
            let message = format!("expected one of {}", quoted(&possible));
            findings.add(&code::DEFINITION_INCOMPLETE, place, message);
        }
        [] | [_] => {}
        [_, second, ..] => {
            let message = format!("only one of {} may be there", quoted(&there));
            findings.add(&code::DEFINITION_STRANGE, &place.at(second), message);
        }
    }
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Checks the fields of a machine beside its states.
pub(crate) fn of_machine(
    findings: &mut Findings,
    place: &Place<'_>,
    machine: &Map<String, Value>,
    role: Role,
) {
    const KINDS: [(&str, Kind); 3] = [
        ("Comment", Kind::Text),
        ("Version", Kind::OneOf(&["1.0"])),
        ("TimeoutSeconds", Kind::Whole(1, SECONDS)),
    ];
    for (name, kind) in KINDS {
        if let Some(value) = machine.get(name) {
            // Of the machine as a whole nothing is an expression.
            values::check(findings, &place.at(name), kind, value, Query::JsonPath);
        }
    }
    let known: &[&str] = match role {
        Role::Whole => &["Comment", "StartAt", "States", "Version", "TimeoutSeconds", "QueryLanguage"],
        Role::Branch => &["Comment", "StartAt", "States", "QueryLanguage"],
        Role::Processor => &["Comment", "StartAt", "States", "QueryLanguage", "ProcessorConfig"],
    };
    for name in machine.keys().filter(|name| !known.contains(&name.as_str())) {
        let meant = meant(name, known.iter().copied());
        let message = format!("a machine has no field `{name}` here{meant}");
        findings.add(&code::DEFINITION_STRANGE, &place.at(name), message);
    }
}
