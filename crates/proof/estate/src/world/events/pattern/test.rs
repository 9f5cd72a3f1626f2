//! What a value is held against: itself, or an operator.

use serde_json::{Map, Number, Value};

use super::PatternError;
use super::network::Network;
use super::wildcard::Wildcard;

/// The names of operators.
pub(super) const OPERATORS: [&str; 8] =
    ["anything-but", "cidr", "equals-ignore-case", "exists", "numeric", "prefix", "suffix", "wildcard"];

/// The largest number that `numeric` takes, either way (user guide, "Comparison operators": five thousand millions).
const MAX_NUMBER: f64 = 5.0e9;

/// One test of a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Test {
    /// It is this.
    Exact(Value),
    /// It is a text that begins so.
    Prefix(Text),
    /// It is a text that ends so.
    Suffix(Text),
    /// It is this text, in capitals or not.
    SameLetters(String),
    /// It is a text of this form.
    Wildcard(Wildcard),
    /// It is there, and passes none of these.
    AnythingBut(Vec<Test>),
    /// It is a number within these bounds.
    Numeric(Vec<(Comparison, f64)>),
    /// It is there, or is not.
    Exists(bool),
    /// It is an address in this network.
    Cidr(Network),
}

/// A text to be found, with capitals or not.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Text {
    AsWritten(String),
    AnyCase(String),
}

/// How two numbers compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Test {
    pub(super) fn parse(value: &Value) -> Result<Self, PatternError> {
        match value {
            Value::Object(members) => operator(members),
            Value::Array(_) => {
                Err(PatternError::new("Match value must be String, number, true, false, or null"))
            }
            exact => Ok(Self::Exact(exact.clone())),
        }
    }

    /// Whether it is passed where there is no value.
    pub(super) fn wants_absence(&self) -> bool {
        *self == Self::Exists(false)
    }

    /// Whether a value that is there passes.
    pub(super) fn fits(&self, value: &Value) -> bool {
        match self {
            Self::Exact(exact) => exact == value,
            Self::Exists(wanted) => *wanted,
            Self::AnythingBut(tests) => !tests.iter().any(|test| test.fits(value)),
            Self::Numeric(bounds) => {
                let number = value.as_f64();
                number.is_some_and(|number| bounds.iter().all(|(how, bound)| how.holds(number, *bound)))
            }
            Self::Prefix(text) => value.as_str().is_some_and(|value| text.begins(value)),
            Self::Suffix(text) => value.as_str().is_some_and(|value| text.ends(value)),
            Self::SameLetters(text) => value.as_str().is_some_and(|value| value.to_lowercase() == *text),
            Self::Wildcard(form) => value.as_str().is_some_and(|value| form.fits(value)),
            Self::Cidr(network) => value.as_str().is_some_and(|value| network.holds(value)),
        }
    }
}

impl Text {
    fn begins(&self, value: &str) -> bool {
        match self {
            Self::AsWritten(text) => value.starts_with(text),
            Self::AnyCase(text) => value.to_lowercase().starts_with(text),
        }
    }

    fn ends(&self, value: &str) -> bool {
        match self {
            Self::AsWritten(text) => value.ends_with(text),
            Self::AnyCase(text) => value.to_lowercase().ends_with(text),
        }
    }
}

impl Comparison {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "=" => Self::Equal,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    fn holds(self, number: f64, bound: f64) -> bool {
        match self {
            Self::Equal => number == bound,
            Self::Less => number < bound,
            Self::LessOrEqual => number <= bound,
            Self::Greater => number > bound,
            Self::GreaterOrEqual => number >= bound,
        }
    }

    const fn is_lower_bound(self) -> bool {
        matches!(self, Self::Greater | Self::GreaterOrEqual)
    }

    const fn is_upper_bound(self) -> bool {
        matches!(self, Self::Less | Self::LessOrEqual)
    }
}

/// The one operator of an object, and what it is given.
fn only_member(members: &Map<String, Value>) -> Result<(&str, &Value), PatternError> {
    let mut all = members.iter();
    match (all.next(), all.next()) {
        (Some((name, value)), None) => Ok((name, value)),
        (None, _) => Err(PatternError::new("Empty objects are not allowed")),
        (Some(_), Some(_)) => Err(PatternError::new("Only one key allowed in match expression")),
    }
}

fn operator(members: &Map<String, Value>) -> Result<Test, PatternError> {
    let (name, given) = only_member(members)?;
    match name {
        "anything-but" => anything_but(given).map(Test::AnythingBut),
        "numeric" => numeric(given).map(Test::Numeric),
        "exists" => given
            .as_bool()
            .map(Test::Exists)
            .ok_or_else(|| PatternError::new("exists match pattern must be either true or false.")),
        _ => of_text(name, given),
    }
}

/// The operators on texts.
fn of_text(name: &str, given: &Value) -> Result<Test, PatternError> {
    let text =
        || given.as_str().ok_or_else(|| PatternError::new(format!("{name} match pattern must be a string")));
    match name {
        "prefix" => cased(name, given).map(Test::Prefix),
        "suffix" => cased(name, given).map(Test::Suffix),
        "equals-ignore-case" => Ok(Test::SameLetters(text()?.to_lowercase())),
        "wildcard" => Wildcard::parse(text()?).map(Test::Wildcard),
        "cidr" => Network::parse(text()?).map(Test::Cidr),
        other => Err(PatternError::new(format!("Unrecognized match type {other}"))),
    }
}

/// A text, or one under `equals-ignore-case`.
fn cased(name: &str, given: &Value) -> Result<Text, PatternError> {
    let any_case = given.as_object().map(only_member).transpose()?;
    match (given, any_case) {
        (Value::String(text), _) => Ok(Text::AsWritten(text.clone())),
        (_, Some(("equals-ignore-case", Value::String(text)))) => Ok(Text::AnyCase(text.to_lowercase())),
        _ => Err(PatternError::new(format!("{name} match pattern must be a string"))),
    }
}

/// One text or number, a list of either, or what an operator on texts is given, one or a list.
fn anything_but(given: &Value) -> Result<Vec<Test>, PatternError> {
    if let Value::Object(members) = given {
        let (name, given) = only_member(members)?;
        if !["prefix", "suffix", "equals-ignore-case", "wildcard"].contains(&name) {
            return Err(PatternError::new(format!("Unsupported anything-but pattern: {name}")));
        }
        return several(given)?.into_iter().map(|one| of_text(name, one)).collect();
    }
    let all = several(given)?;
    let texts = all.iter().all(|value| value.is_string());
    let numbers = all.iter().all(|value| value.is_number());
    if !texts && !numbers {
        return Err(PatternError::new(
            "Inside anything but list, either all values are number or string, mixed type is not supported",
        ));
    }
    Ok(all.into_iter().cloned().map(Test::Exact).collect())
}

fn several(given: &Value) -> Result<Vec<&Value>, PatternError> {
    match given {
        Value::Array(all) if all.is_empty() => Err(PatternError::new("Empty arrays are not allowed")),
        Value::Array(all) => Ok(all.iter().collect()),
        one => Ok(vec![one]),
    }
}

/// One comparison, or a lower bound and then an upper one.
fn numeric(given: &Value) -> Result<Vec<(Comparison, f64)>, PatternError> {
    let all = given.as_array().ok_or_else(|| PatternError::new("Value of numeric must be an array."))?;
    let odd = |what: &Value| PatternError::new(format!("Invalid member in numeric match: {what}"));
    let mut bounds = Vec::new();
    for pair in all.chunks(2) {
        let how = pair[0].as_str().and_then(Comparison::parse).ok_or_else(|| odd(&pair[0]))?;
        let number = pair.get(1).and_then(Value::as_number).and_then(Number::as_f64);
        let number = number.ok_or_else(|| odd(pair.last().unwrap_or(given)))?;
        if number.abs() > MAX_NUMBER {
            return Err(PatternError::new("Value must be between -5.0E9 and 5.0E9, inclusive"));
        }
        bounds.push((how, number));
    }
    match bounds[..] {
        [_] => Ok(bounds),
        [(low, bottom), (high, top)] if low.is_lower_bound() && high.is_upper_bound() => {
            if bottom >= top {
                return Err(PatternError::new("Bottom must be less than top"));
            }
            Ok(bounds)
        }
        [] => Err(PatternError::new("Invalid member in numeric match: ]")),
        _ => Err(PatternError::new("Bad numeric range operator")),
    }
}
