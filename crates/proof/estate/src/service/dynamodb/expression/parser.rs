//! What all expressions have in common: names, values, paths and syntax errors.

use super::path::{Path, Step};
use super::placeholders::Placeholders;
use super::token::{Token, What, tokens};
use super::{Kind, MAX_BYTES, reserved};
use crate::call::ApiError;
use crate::world::tables::attribute::Value;

/// Expressions inside one another, at most.
const MAX_DEPTH: usize = 64;

/// An expression, and how far it has been read.
#[derive(Debug)]
pub(super) struct Parser<'e> {
    pub(super) kind: Kind,
    text: &'e str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    placeholders: &'e Placeholders,
}

impl<'e> Parser<'e> {
    pub(super) fn new(kind: Kind, text: &'e str, placeholders: &'e Placeholders) -> Result<Self, ApiError> {
        if text.trim().is_empty() {
            return Err(kind.refuse("The expression can not be empty;"));
        }
        if text.len() > MAX_BYTES {
            return Err(kind.refuse(format_args!(
                "Expression size has exceeded the maximum allowed size; expression size: {}",
                text.len()
            )));
        }
        let tokens = tokens(text).map_err(|at| {
            let odd = text[at..].chars().next().unwrap_or_default();
            let (before, after) =
                (text.floor_char_boundary(at.saturating_sub(5)), text.floor_char_boundary(at + 6));
            let near = &text[before..after];
            kind.refuse(format_args!("Syntax error; token: \"{odd}\", near: \"{near}\""))
        })?;
        Ok(Self { kind, text, tokens, at: 0, depth: 0, placeholders })
    }

    pub(super) fn peek(&self) -> Option<&What> {
        self.tokens.get(self.at).map(|token| &token.what)
    }

    fn peek_second(&self) -> Option<&What> {
        self.tokens.get(self.at + 1).map(|token| &token.what)
    }

    pub(super) fn is_at_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Some(What::Sign(found)) if *found == sign)
    }

    pub(super) fn is_at_keyword(&self, keyword: &str) -> bool {
        matches!(self.peek(), Some(What::Word(word)) if word.eq_ignore_ascii_case(keyword))
    }

    /// Reads past a sign where it is the next.
    pub(super) fn takes_sign(&mut self, sign: &str) -> bool {
        let found = self.is_at_sign(sign);
        self.at += usize::from(found);
        found
    }

    /// Reads past a keyword where it is the next.
    pub(super) fn takes_keyword(&mut self, keyword: &str) -> bool {
        let found = self.is_at_keyword(keyword);
        self.at += usize::from(found);
        found
    }

    pub(super) fn needs_sign(&mut self, sign: &str) -> Result<(), ApiError> {
        if self.takes_sign(sign) { Ok(()) } else { Err(self.syntax_error()) }
    }

    pub(super) fn needs_keyword(&mut self, keyword: &str) -> Result<(), ApiError> {
        if self.takes_keyword(keyword) { Ok(()) } else { Err(self.syntax_error()) }
    }

    /// The name of the function that is called next; reads past it and the parenthesis.
    pub(super) fn takes_function(&mut self) -> Option<String> {
        let (Some(What::Word(name)), Some(What::Sign("("))) = (self.peek(), self.peek_second()) else {
            return None;
        };
        let name = name.clone();
        self.at += 2;
        Some(name)
    }

    /// The value that comes next, where one does.
    pub(super) fn takes_value(&mut self) -> Result<Option<Value>, ApiError> {
        let Some(What::Value(placeholder)) = self.peek() else { return Ok(None) };
        let value = self.placeholders.value(self.kind, placeholder)?;
        self.at += 1;
        Ok(Some(value))
    }

    /// The path that comes next.
    pub(super) fn path(&mut self) -> Result<Path, ApiError> {
        let mut steps = vec![Step::Member(self.member()?)];
        loop {
            if self.takes_sign(".") {
                steps.push(Step::Member(self.member()?));
            } else if self.takes_sign("[") {
                let Some(What::Digits(digits)) = self.peek() else { return Err(self.syntax_error()) };
                let element = digits.parse().map_err(|_| {
                    self.kind.refuse(format_args!(
                        "List index is not within the allowable range; index: [{digits}]"
                    ))
                })?;
                self.at += 1;
                self.needs_sign("]")?;
                steps.push(Step::Element(element));
            } else {
                return Ok(Path(steps));
            }
        }
    }

    fn member(&mut self) -> Result<String, ApiError> {
        let name = match self.peek() {
            Some(What::Name(placeholder)) => self.placeholders.name(self.kind, placeholder)?,
            Some(What::Word(word)) if reserved::is_reserved(word) => {
                return Err(self
                    .kind
                    .refuse(format_args!("Attribute name is a reserved keyword; reserved keyword: {word}")));
            }
            Some(What::Word(word)) => word.clone(),
            _ => return Err(self.syntax_error()),
        };
        self.at += 1;
        Ok(name)
    }

    /// Goes a level deeper; whoever does comes back by [`Parser::up`].
    pub(super) fn down(&mut self) -> Result<(), ApiError> {
        self.depth += 1;
        match self.depth {
            ..=MAX_DEPTH => Ok(()),
            _ => Err(self.kind.refuse("The expression is nested too deeply")),
        }
    }

    pub(super) fn up(&mut self) {
        self.depth -= 1;
    }

    /// Refuses what is left.
    pub(super) fn end(&self) -> Result<(), ApiError> {
        if self.at < self.tokens.len() { Err(self.syntax_error()) } else { Ok(()) }
    }

    /// The service's error for the next token, with its neighbours.
    pub(super) fn syntax_error(&self) -> ApiError {
        let last = self.tokens.len().saturating_sub(1);
        let from = self.tokens.get(self.at.saturating_sub(1)).or(self.tokens.get(last)).map_or(0, |t| t.from);
        let to = self.tokens.get((self.at + 1).min(last)).map_or(self.text.len(), |t| t.to);
        let token = self.tokens.get(self.at).map_or("<EOF>", |token| &self.text[token.from..token.to]);
        self.kind.refuse(format_args!("Syntax error; token: \"{token}\", near: \"{}\"", &self.text[from..to]))
    }
}
