//! Texts in which `*` stands for any characters, none included.

use super::PatternError;

/// The form of a text. `\*` and `\\` stand for the characters themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wildcard(Vec<Part>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Character(char),
    Any,
}

impl Wildcard {
    pub(super) fn parse(text: &str) -> Result<Self, PatternError> {
        let mut parts = Vec::new();
        let mut characters = text.chars().enumerate();
        while let Some((at, character)) = characters.next() {
            let part = match character {
                '*' => Part::Any,
                '\\' => match characters.next() {
                    Some((_, escaped @ ('*' | '\\'))) => Part::Character(escaped),
                    _ => return Err(PatternError::new(format!("Invalid escape character at pos {at}"))),
                },
                other => Part::Character(other),
            };
            if part == Part::Any && parts.last() == Some(&Part::Any) {
                let reason = format!("Consecutive wildcard characters at pos {}", at.saturating_sub(1));
                return Err(PatternError::new(reason));
            }
            parts.push(part);
        }
        Ok(Self(parts))
    }

    /// Whether a text is of the form: the last `*` takes one character more where what follows does not fit.
    pub(super) fn fits(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut part, mut at) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.0.get(part) {
                Some(Part::Any) => {
                    retry = Some((part, at));
                    part += 1;
                }
                Some(Part::Character(wanted)) if *wanted == text[at] => {
                    part += 1;
                    at += 1;
                }
                _ => match retry {
                    Some((any, taken)) => {
                        retry = Some((any, taken + 1));
                        (part, at) = (any + 1, taken + 1);
                    }
                    None => return false,
                },
            }
        }
        self.0[part..].iter().all(|part| *part == Part::Any)
    }
}
