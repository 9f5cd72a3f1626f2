//! Updates, as they are written.

use super::Kind;
use super::parser::Parser;
use super::path::Path;
use super::placeholders::Placeholders;
use super::projection::{Projection, apart};
use crate::call::ApiError;
use crate::world::tables::attribute::Value;

/// What is changed in an item.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Update {
    pub(super) set: Vec<(Path, Source)>,
    pub(super) remove: Vec<Path>,
    pub(super) add: Vec<(Path, Value)>,
    pub(super) delete: Vec<(Path, Value)>,
}

/// Where a value comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Path(Path),
    Value(Value),
    /// What is there, else another value.
    IfNotExists(Path, Box<Source>),
    /// Two lists, one behind the other.
    ListAppend(Box<Source>, Box<Source>),
    Plus(Box<Source>, Box<Source>),
    Minus(Box<Source>, Box<Source>),
}

impl Update {
    /// Reads an update.
    pub(in super::super) fn parse(text: &str, placeholders: &Placeholders) -> Result<Self, ApiError> {
        let mut parser = Parser::new(Kind::Update, text, placeholders)?;
        let mut update = Self::default();
        let mut seen: Vec<&str> = Vec::new();
        while parser.peek().is_some() {
            let known = ["SET", "REMOVE", "ADD", "DELETE"];
            let Some(section) = known.into_iter().find(|section| parser.takes_keyword(section)) else {
                return Err(parser.syntax_error());
            };
            if seen.contains(&section) {
                return Err(Kind::Update.refuse(format_args!(
                    "The \"{section}\" section can only be used once in an update expression;"
                )));
            }
            seen.push(section);
            update.section(&mut parser, section)?;
        }
        apart(Kind::Update, &update.paths())?;
        Ok(update)
    }

    fn section(&mut self, parser: &mut Parser<'_>, section: &str) -> Result<(), ApiError> {
        loop {
            let path = parser.path()?;
            match section {
                "SET" => {
                    parser.needs_sign("=")?;
                    let source = sum(parser)?;
                    self.set.push((path, source));
                }
                "REMOVE" => self.remove.push(path),
                "ADD" => self.add.push((path, changed_by(parser, section)?)),
                _ => self.delete.push((path, changed_by(parser, section)?)),
            }
            if !parser.takes_sign(",") {
                return Ok(());
            }
        }
    }

    fn paths(&self) -> Vec<&Path> {
        let set = self.set.iter().map(|(path, _)| path);
        let changed = self.add.iter().chain(&self.delete).map(|(path, _)| path);
        set.chain(&self.remove).chain(changed).collect()
    }

    /// The attributes it changes.
    pub(in super::super) fn attributes(&self) -> Vec<&str> {
        self.paths().into_iter().map(Path::attribute).collect()
    }

    /// What it changes, to be shown.
    pub(in super::super) fn changes(&self) -> Projection {
        Projection::of(&self.paths().into_iter().cloned().collect::<Vec<_>>())
    }
}

/// The value that ADD and DELETE work with.
fn changed_by(parser: &mut Parser<'_>, section: &str) -> Result<Value, ApiError> {
    let value = parser.takes_value()?.ok_or_else(|| parser.syntax_error())?;
    let fits = match value {
        Value::Ss(_) | Value::Ns(_) | Value::Bs(_) => true,
        Value::N(_) => section == "ADD",
        _ => false,
    };
    if fits {
        return Ok(value);
    }
    Err(Kind::Update.refuse(format_args!(
        "Incorrect operand type for operator or function; operator: {section}, operand type: {}",
        long_name(&value)
    )))
}

/// The type's name as messages of updates write it.
const fn long_name(value: &Value) -> &'static str {
    match value {
        Value::S(_) => "STRING",
        Value::N(_) => "NUMBER",
        Value::B(_) => "BINARY",
        Value::Bool(_) => "BOOLEAN",
        Value::Null => "NULL",
        Value::L(_) => "LIST",
        Value::M(_) => "MAP",
        Value::Ss(_) | Value::Ns(_) | Value::Bs(_) => "SET",
    }
}

fn sum(parser: &mut Parser<'_>) -> Result<Source, ApiError> {
    let one = source(parser)?;
    if parser.takes_sign("+") {
        let two = source(parser)?;
        summands(&[&one, &two], "+")?;
        return Ok(Source::Plus(Box::new(one), Box::new(two)));
    }
    if parser.takes_sign("-") {
        let two = source(parser)?;
        summands(&[&one, &two], "-")?;
        return Ok(Source::Minus(Box::new(one), Box::new(two)));
    }
    Ok(one)
}

/// Refuses values that cannot be added.
fn summands(sources: &[&Source], sign: &str) -> Result<(), ApiError> {
    for source in sources {
        if let Source::Value(value) = source
            && !matches!(value, Value::N(_))
        {
            return Err(Kind::Update.refuse(format_args!(
                "Incorrect operand type for operator or function; operator or function: {sign}, operand type: {}",
                value.type_name()
            )));
        }
    }
    Ok(())
}

fn source(parser: &mut Parser<'_>) -> Result<Source, ApiError> {
    if parser.takes_sign("(") {
        parser.down()?;
        let inner = sum(parser)?;
        parser.needs_sign(")")?;
        parser.up();
        return Ok(inner);
    }
    if let Some(value) = parser.takes_value()? {
        return Ok(Source::Value(value));
    }
    let Some(name) = parser.takes_function() else { return parser.path().map(Source::Path) };
    parser.down()?;
    let read = call(parser, &name)?;
    parser.up();
    Ok(read)
}

fn call(parser: &mut Parser<'_>, name: &str) -> Result<Source, ApiError> {
    let elsewhere =
        ["attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size"];
    if elsewhere.contains(&name) {
        return Err(Kind::Update
            .refuse(format_args!("The function is not allowed in an update expression; function: {name}")));
    }
    if !matches!(name, "if_not_exists" | "list_append") {
        return Err(Kind::Update.refuse(format_args!("Invalid function name; function: {name}")));
    }
    let mut given = vec![source(parser)?];
    while parser.takes_sign(",") {
        given.push(source(parser)?);
    }
    parser.needs_sign(")")?;
    let count = given.len();
    let mut given = given.into_iter();
    match (name, given.next(), given.next(), count) {
        ("if_not_exists", Some(Source::Path(path)), Some(other), 2) => {
            Ok(Source::IfNotExists(path, Box::new(other)))
        }
        ("if_not_exists", Some(_), Some(_), 2) => Err(Kind::Update
            .refuse("Operator or function requires a document path; operator or function: if_not_exists")),
        ("list_append", Some(one), Some(two), 2) => {
            for operand in [&one, &two] {
                if let Source::Value(value) = operand
                    && !matches!(value, Value::L(_))
                {
                    return Err(Kind::Update.refuse(format_args!(
                        "Incorrect operand type for operator or function; operator or function: list_append, \
                         operand type: {}",
                        value.type_name()
                    )));
                }
            }
            Ok(Source::ListAppend(Box::new(one), Box::new(two)))
        }
        _ => Err(Kind::Update.refuse(format_args!(
            "Incorrect number of operands for operator or function; operator or function: {name}, number of \
             operands: {count}"
        ))),
    }
}
