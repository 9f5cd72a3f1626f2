//! Conditions on messages that are JSON: `{ $.level = "ERROR" && $.status >= 400 }`.

use serde_json::Value;

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Both hold.
    And(Box<Self>, Box<Self>),
    /// One of them holds.
    Or(Box<Self>, Box<Self>),
    /// What holds of one member.
    Of(Vec<Step>, Test),
}

/// A step of a selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To a member.
    Member(String),
    /// To an element, from 0.
    Element(usize),
}

/// What a member has to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// A text with `*` for anything, or not such a text.
    Text(String, bool),
    /// A number that compares so.
    Number(Comparison, f64),
    /// This constant: true, false or null.
    Is(Value),
    /// Not there.
    NotExists,
}

/// How numbers compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

use Comparison::{AtLeast, AtMost, Equal, Greater, Less, Unequal};

/// Signs of comparisons, the longer ones first.
const SIGNS: [(&str, Comparison); 6] =
    [("!=", Unequal), ("<=", AtMost), (">=", AtLeast), ("=", Equal), ("<", Less), (">", Greater)];

impl Condition {
    /// Whether a document fits.
    #[must_use]
    pub fn holds(&self, document: &Value) -> bool {
        match self {
            Self::And(one, other) => one.holds(document) && other.holds(document),
            Self::Or(one, other) => one.holds(document) || other.holds(document),
            Self::Of(selector, test) => {
                let found = selector.iter().try_fold(document, |at, step| match step {
                    Step::Member(name) => at.get(name),
                    Step::Element(number) => at.get(number),
                });
                test.holds(found)
            }
        }
    }
}

impl Test {
    fn holds(&self, found: Option<&Value>) -> bool {
        match (self, found) {
            (Self::NotExists, found) => found.is_none(),
            (_, None) => false,
            (Self::Is(constant), Some(found)) => found == constant,
            (Self::Text(pattern, wanted), Some(Value::String(text))) => {
                crate::policy::pattern::matches(pattern, text) == *wanted
            }
            (Self::Text(_, wanted), Some(_)) => !wanted,
            (Self::Number(comparison, number), Some(found)) => {
                found.as_f64().is_some_and(|it| match comparison {
                    Equal => it == *number,
                    Unequal => it != *number,
                    Less => it < *number,
                    AtMost => it <= *number,
                    Greater => it > *number,
                    AtLeast => it >= *number,
                })
            }
        }
    }
}

/// Reads a condition in braces.
pub(super) fn parse(text: &str) -> Result<Condition, String> {
    let inner = text.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
    let mut rest = inner.ok_or("the condition must end with }")?.trim();
    let condition = any(&mut rest)?;
    match rest {
        "" => Ok(condition),
        odd => Err(format!("{odd} is not expected")),
    }
}

/// Takes something off the front.
fn take(rest: &mut &str, wanted: &str) -> bool {
    match rest.strip_prefix(wanted) {
        Some(after) => {
            *rest = after.trim_start();
            true
        }
        None => false,
    }
}

fn any(rest: &mut &str) -> Result<Condition, String> {
    let mut condition = all(rest)?;
    while take(rest, "||") {
        condition = Condition::Or(Box::new(condition), Box::new(all(rest)?));
    }
    Ok(condition)
}

fn all(rest: &mut &str) -> Result<Condition, String> {
    let mut condition = one(rest)?;
    while take(rest, "&&") {
        condition = Condition::And(Box::new(condition), Box::new(one(rest)?));
    }
    Ok(condition)
}

fn one(rest: &mut &str) -> Result<Condition, String> {
    if take(rest, "(") {
        let condition = any(rest)?;
        return if take(rest, ")") { Ok(condition) } else { Err("a bracket is not closed".to_owned()) };
    }
    let selector = selector(rest)?;
    let test = test(rest)?;
    Ok(Condition::Of(selector, test))
}

fn selector(rest: &mut &str) -> Result<Vec<Step>, String> {
    let begin = rest.strip_prefix('$').ok_or("a selector begins with $.")?;
    let end = begin.find(|letter: char| letter.is_whitespace() || "=!<>)&|".contains(letter));
    let (path, after) = begin.split_at(end.unwrap_or(begin.len()));
    *rest = after.trim_start();
    let mut steps = Vec::new();
    for part in path.strip_prefix('.').ok_or("a selector begins with $.")?.split('.') {
        let mut parts = part.split('[');
        match parts.next().filter(|name| !name.is_empty()) {
            Some(name) => steps.push(Step::Member(name.to_owned())),
            None => return Err("a selector has an empty part".to_owned()),
        }
        for element in parts {
            let number = element.strip_suffix(']').and_then(|number| number.parse().ok());
            steps.push(Step::Element(number.ok_or("an element is told by its number in brackets")?));
        }
    }
    Ok(steps)
}

fn test(rest: &mut &str) -> Result<Test, String> {
    let constants =
        [("IS TRUE", Value::Bool(true)), ("IS FALSE", Value::Bool(false)), ("IS NULL", Value::Null)];
    for (words, constant) in constants {
        if take(rest, words) {
            return Ok(Test::Is(constant));
        }
    }
    if take(rest, "NOT EXISTS") {
        return Ok(Test::NotExists);
    }
    let found = SIGNS.into_iter().find(|(sign, _)| take(rest, sign));
    let (_, comparison) = found.ok_or("a comparison is missing")?;
    value(rest, comparison)
}

fn value(rest: &mut &str, comparison: Comparison) -> Result<Test, String> {
    if let Some(quoted) = rest.strip_prefix('"') {
        let (text, after) = super::quoted_term(quoted)?;
        *rest = after.trim_start();
        return text_test(text, comparison);
    }
    let end =
        rest.find(|letter: char| letter.is_whitespace() || ")&|".contains(letter)).unwrap_or(rest.len());
    let (text, after) = rest.split_at(end);
    if text.is_empty() {
        return Err("a value is missing".to_owned());
    }
    *rest = after.trim_start();
    match text.parse() {
        Ok(number) => Ok(Test::Number(comparison, number)),
        Err(_) => text_test(text.to_owned(), comparison),
    }
}

fn text_test(text: String, comparison: Comparison) -> Result<Test, String> {
    match comparison {
        Equal => Ok(Test::Text(text, true)),
        Unequal => Ok(Test::Text(text, false)),
        _ => Err("texts are compared with = and != only".to_owned()),
    }
}
