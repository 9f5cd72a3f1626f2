//! Conditions, as they are written.

use super::Kind;
use super::parser::Parser;
use super::path::Path;
use super::placeholders::Placeholders;
use crate::call::ApiError;
use crate::world::tables::attribute::{TYPES, Value};

/// What has to be true of an item.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum Condition {
    Compare(Operand, Comparator, Operand),
    Between(Operand, Operand, Operand),
    In(Operand, Vec<Operand>),
    Exists(Path),
    NotExists(Path),
    HasType(Path, String),
    BeginsWith(Operand, Operand),
    Contains(Operand, Operand),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
}

/// What is compared.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum Operand {
    Path(Path),
    Value(Value),
    /// How large the value at a path is.
    Size(Path),
}

/// How two operands are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Comparator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparator {
    const ALL: [(&str, Self); 6] = [
        ("=", Self::Equal),
        ("<>", Self::NotEqual),
        ("<", Self::Less),
        ("<=", Self::LessOrEqual),
        (">", Self::Greater),
        (">=", Self::GreaterOrEqual),
    ];

    fn sign(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, it)| *it == self).map_or("", |(sign, _)| sign)
    }

    const fn orders(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }
}

/// A condition, and whether it stood in parentheses of its own.
struct Read {
    condition: Condition,
    wrapped: bool,
}

fn plain(condition: Condition) -> Read {
    Read { condition, wrapped: false }
}

impl Condition {
    /// Reads a condition.
    pub(in super::super) fn parse(
        kind: Kind,
        text: &str,
        placeholders: &Placeholders,
    ) -> Result<Self, ApiError> {
        let mut parser = Parser::new(kind, text, placeholders)?;
        let condition = any_of(&mut parser)?.condition;
        parser.end()?;
        Ok(condition)
    }

    /// The attributes it looks at.
    pub(in super::super) fn attributes(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found
    }

    fn collect<'c>(&'c self, found: &mut Vec<&'c str>) {
        let mut operand = |operand: &'c Operand| match operand {
            Operand::Path(path) | Operand::Size(path) => found.push(path.attribute()),
            Operand::Value(_) => {}
        };
        match self {
            Self::Compare(one, _, two) | Self::BeginsWith(one, two) | Self::Contains(one, two) => {
                operand(one);
                operand(two);
            }
            Self::Between(one, two, three) => [one, two, three].into_iter().for_each(operand),
            Self::In(one, options) => std::iter::once(one).chain(options).for_each(operand),
            Self::Exists(path) | Self::NotExists(path) | Self::HasType(path, _) => {
                found.push(path.attribute())
            }
            Self::And(one, two) | Self::Or(one, two) => {
                one.collect(found);
                two.collect(found);
            }
            Self::Not(one) => one.collect(found),
        }
    }
}

fn any_of(parser: &mut Parser<'_>) -> Result<Read, ApiError> {
    parser.down()?;
    let mut read = all_of(parser)?;
    while parser.takes_keyword("OR") {
        let right = all_of(parser)?;
        read = plain(Condition::Or(Box::new(read.condition), Box::new(right.condition)));
    }
    parser.up();
    Ok(read)
}

fn all_of(parser: &mut Parser<'_>) -> Result<Read, ApiError> {
    let mut read = negated(parser)?;
    while parser.takes_keyword("AND") {
        let right = negated(parser)?;
        read = plain(Condition::And(Box::new(read.condition), Box::new(right.condition)));
    }
    Ok(read)
}

fn negated(parser: &mut Parser<'_>) -> Result<Read, ApiError> {
    if !parser.takes_keyword("NOT") {
        return single(parser);
    }
    parser.down()?;
    let inner = negated(parser)?;
    parser.up();
    Ok(plain(Condition::Not(Box::new(inner.condition))))
}

fn single(parser: &mut Parser<'_>) -> Result<Read, ApiError> {
    if parser.takes_sign("(") {
        let inner = any_of(parser)?;
        parser.needs_sign(")")?;
        if inner.wrapped {
            return Err(parser.kind.refuse("The expression has redundant parentheses;"));
        }
        return Ok(Read { wrapped: true, ..inner });
    }
    if let Some(name) = parser.takes_function() {
        return match name.as_str() {
            "size" => {
                let size = size(parser)?;
                compared(parser, size).map(plain)
            }
            _ => function(parser, &name).map(plain),
        };
    }
    let left = operand(parser)?;
    compared(parser, left).map(plain)
}

/// What follows an operand.
fn compared(parser: &mut Parser<'_>, left: Operand) -> Result<Condition, ApiError> {
    if parser.takes_keyword("BETWEEN") {
        let low = operand(parser)?;
        parser.needs_keyword("AND")?;
        let high = operand(parser)?;
        for operand in [&left, &low, &high] {
            ordered(parser, operand, "BETWEEN")?;
        }
        bounds(parser, &low, &high)?;
        return Ok(Condition::Between(left, low, high));
    }
    if parser.takes_keyword("IN") {
        parser.needs_sign("(")?;
        let options = separated(parser)?;
        return match options.len() {
            ..=100 => Ok(Condition::In(left, options)),
            count => Err(operands(parser, "IN", count + 1)),
        };
    }
    let Some((sign, comparator)) = Comparator::ALL.into_iter().find(|(sign, _)| parser.is_at_sign(sign))
    else {
        return Err(parser.syntax_error());
    };
    parser.needs_sign(sign)?;
    let right = operand(parser)?;
    if comparator.orders() {
        for operand in [&left, &right] {
            ordered(parser, operand, comparator.sign())?;
        }
    }
    if let (Operand::Path(one), Operand::Path(two)) = (&left, &right)
        && one == two
    {
        return Err(parser.kind.refuse(format_args!(
            "The first operand must be distinct from the remaining operands for this operator or function; operator: \
             {sign}, first operand: {one}"
        )));
    }
    Ok(Condition::Compare(left, comparator, right))
}

/// Refuses bounds that are values the wrong way round, or of two types.
fn bounds(parser: &Parser<'_>, low: &Operand, high: &Operand) -> Result<(), ApiError> {
    let (Operand::Value(low), Operand::Value(high)) = (low, high) else { return Ok(()) };
    let shown = |value: &Value| match value {
        Value::S(text) => format!("{{S:{text}}}"),
        Value::N(number) => format!("{{N:{number}}}"),
        other => format!("{{{}}}", other.type_name()),
    };
    let pair = format!(
        "lower bound operand: AttributeValue: {}, upper bound operand: AttributeValue: {}",
        shown(low),
        shown(high)
    );
    match super::evaluate::order(low, high) {
        None => Err(parser.kind.refuse(format_args!(
            "The BETWEEN operator requires same data type for lower and upper bounds; {pair}"
        ))),
        Some(std::cmp::Ordering::Greater) => Err(parser.kind.refuse(format_args!(
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; {pair}"
        ))),
        Some(_) => Ok(()),
    }
}

fn operand(parser: &mut Parser<'_>) -> Result<Operand, ApiError> {
    if let Some(value) = parser.takes_value()? {
        return Ok(Operand::Value(value));
    }
    match parser.takes_function() {
        Some(name) if name == "size" => size(parser),
        Some(name) if is_function(&name) => Err(misused(parser, &name)),
        Some(name) => Err(unknown(parser, &name)),
        None => parser.path().map(Operand::Path),
    }
}

fn size(parser: &mut Parser<'_>) -> Result<Operand, ApiError> {
    match separated(parser)?.as_slice() {
        [Operand::Path(path)] => Ok(Operand::Size(path.clone())),
        [Operand::Value(value)] => Err(operand_type(parser, "size", value)),
        [Operand::Size(_)] => Err(misused(parser, "size")),
        other => Err(operands(parser, "size", other.len())),
    }
}

/// Operands up to the closing parenthesis, at least one.
fn separated(parser: &mut Parser<'_>) -> Result<Vec<Operand>, ApiError> {
    let mut found = vec![operand(parser)?];
    while parser.takes_sign(",") {
        found.push(operand(parser)?);
    }
    parser.needs_sign(")")?;
    Ok(found)
}

fn is_function(name: &str) -> bool {
    ["attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size"]
        .contains(&name)
}

fn function(parser: &mut Parser<'_>, name: &str) -> Result<Condition, ApiError> {
    if matches!(name, "if_not_exists" | "list_append") {
        return Err(misused(parser, name));
    }
    if !is_function(name) {
        return Err(unknown(parser, name));
    }
    let given = separated(parser)?;
    let count = given.len();
    let mut given = given.into_iter();
    match (name, given.next(), given.next(), count) {
        ("attribute_exists", Some(one), None, 1) => path_of(parser, name, one).map(Condition::Exists),
        ("attribute_not_exists", Some(one), None, 1) => path_of(parser, name, one).map(Condition::NotExists),
        ("attribute_type", Some(one), Some(two), 2) => {
            Ok(Condition::HasType(path_of(parser, name, one)?, type_named(parser, two)?))
        }
        ("begins_with", Some(one), Some(two), 2) => {
            for operand in [&one, &two] {
                if let Operand::Value(value) = operand
                    && !matches!(value, Value::S(_) | Value::B(_))
                {
                    return Err(operand_type(parser, name, value));
                }
            }
            Ok(Condition::BeginsWith(one, two))
        }
        ("contains", Some(one), Some(two), 2) => Ok(Condition::Contains(one, two)),
        _ => Err(operands(parser, name, count)),
    }
}

fn path_of(parser: &Parser<'_>, name: &str, operand: Operand) -> Result<Path, ApiError> {
    match operand {
        Operand::Path(path) => Ok(path),
        _ => Err(parser.kind.refuse(format_args!(
            "Operator or function requires a document path; operator or function: {name}"
        ))),
    }
}

fn type_named(parser: &Parser<'_>, operand: Operand) -> Result<String, ApiError> {
    match operand {
        Operand::Value(Value::S(name)) if TYPES.contains(&name.as_str()) => Ok(name),
        Operand::Value(Value::S(name)) => Err(parser.kind.refuse(format_args!(
            "Invalid attribute type name found; type: {name}, valid types: {{{}}}",
            TYPES.join(",")
        ))),
        Operand::Value(value) => Err(operand_type(parser, "attribute_type", &value)),
        _ => Err(misused(parser, "attribute_type")),
    }
}

/// Refuses a value that has no order.
fn ordered(parser: &Parser<'_>, operand: &Operand, operator: &str) -> Result<(), ApiError> {
    match operand {
        Operand::Value(value) if !matches!(value, Value::S(_) | Value::N(_) | Value::B(_)) => {
            Err(operand_type(parser, operator, value))
        }
        _ => Ok(()),
    }
}

fn operand_type(parser: &Parser<'_>, name: &str, value: &Value) -> ApiError {
    parser.kind.refuse(format_args!(
        "Incorrect operand type for operator or function; operator or function: {name}, operand type: {}",
        value.type_name()
    ))
}

fn operands(parser: &Parser<'_>, name: &str, count: usize) -> ApiError {
    parser.kind.refuse(format_args!(
        "Incorrect number of operands for operator or function; operator or function: {name}, number of operands: \
         {count}"
    ))
}

fn misused(parser: &Parser<'_>, name: &str) -> ApiError {
    parser.kind.refuse(format_args!(
        "The function is not allowed to be used this way in an expression; function: {name}"
    ))
}

fn unknown(parser: &Parser<'_>, name: &str) -> ApiError {
    parser.kind.refuse(format_args!("Invalid function name; function: {name}"))
}
