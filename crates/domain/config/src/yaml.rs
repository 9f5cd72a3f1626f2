//! YAML as a tree that remembers where everything stood.
//!
//! Built on the events of `saphyr-parser`: scalars keep their text (`no`, `1.10` and
//! `011122223333` stay what people typed; the key they belong to decides what they mean), and
//! every node keeps its position, so that a fault found long after parsing still names line and
//! column. A serde layer would have guessed the types and lost the positions of older shapes.

mod parse;

use std::fmt;
use std::sync::Arc;

pub(crate) use parse::parse;

use crate::error::{FilePlace, Place};

/// A text to read, with the name people know it by. `Debug` leaves the text out, which may hold
/// secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceText {
    /// The file's name as the user gave it; errors and origins show it.
    pub name: String,
    /// The whole text.
    pub text: String,
}

impl SourceText {
    /// Names a text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// The text with secrets masked by asterisks, byte for byte, for source snippets: a fault
    /// elsewhere on the line of a secret, or beside it, must not show it.
    pub fn redacted(&self) -> String {
        crate::redaction::mask(&self.text)
    }
}

impl fmt::Debug for SourceText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceText").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A line and column, both from 1, columns in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// From where to where something stands; the end is exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: Mark,
    pub(crate) end: Mark,
}

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Without quotes: may be a number or a boolean.
    Plain,
    /// Quoted, a block scalar, or tagged `!!str`: text and nothing else.
    Quoted,
}

/// One node of the tree. Aliases share their target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) content: Content,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Null,
    Scalar { text: String, style: Style },
    Sequence(Vec<Arc<Node>>),
    Mapping(Vec<Entry>),
}

/// One entry of a mapping; keys are unique in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) value: Arc<Node>,
}

impl Node {
    /// A node that stands in no file: text from a variable or a flag.
    pub(crate) fn floating(content: Content) -> Self {
        Self { span: Span::default(), content }
    }

    /// A plain scalar that stands in no file.
    pub(crate) fn plain(text: &str) -> Self {
        Self::floating(Content::Scalar { text: text.to_owned(), style: Style::Plain })
    }

    /// What the node is, for messages.
    pub(crate) fn describe(&self) -> &'static str {
        match &self.content {
            Content::Null => "nothing",
            Content::Scalar { style: Style::Quoted, .. } => "quoted text",
            Content::Scalar { .. } => "a plain value",
            Content::Sequence(_) => "a list",
            Content::Mapping(_) => "a mapping",
        }
    }

    /// The entry of a mapping with this key.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        match &self.content {
            Content::Mapping(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }
}

/// A text with its lines found, so that a mark can be turned into a byte offset in constant time:
/// inventories written by programs may be one line of many megabytes.
pub(crate) struct Source<'a> {
    name: Arc<str>,
    text: &'a str,
    /// Bytes of a byte-order mark before `text`.
    skipped: usize,
    /// The start of each line.
    lines: Vec<Start>,
    /// Byte offset of every [`STRIDE`]th character.
    strides: Vec<usize>,
}

/// Where a line starts.
#[derive(Clone, Copy)]
struct Start {
    byte: usize,
    character: usize,
}

/// Characters between two remembered byte offsets.
const STRIDE: usize = 256;

impl<'a> Source<'a> {
    pub(crate) fn new(source: &'a SourceText) -> Self {
        const BYTE_ORDER_MARK: char = '\u{feff}';
        let text = source.text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&source.text);
        let mut lines = vec![Start { byte: 0, character: 0 }];
        let mut strides = Vec::with_capacity(text.len() / STRIDE + 1);
        for (character, (byte, c)) in text.char_indices().enumerate() {
            if character % STRIDE == 0 {
                strides.push(byte);
            }
            // As YAML 1.2 counts lines: LF, CR LF, or CR alone.
            if c == '\n' || (c == '\r' && !text[byte + 1..].starts_with('\n')) {
                lines.push(Start { byte: byte + 1, character: character + 1 });
            }
        }
        let skipped = source.text.len() - text.len();
        Self { name: source.name.as_str().into(), text, skipped, lines, strides }
    }

    /// Where a span stands in the text as it was handed in.
    pub(crate) fn at(&self, span: Span) -> FilePlace {
        let start = self.offset(span.start);
        let one_line = span.end.line == span.start.line;
        let end = if one_line { self.offset(span.end) } else { self.line_end(span.start.line) };
        FilePlace {
            file: Arc::clone(&self.name),
            line: span.start.line.max(1),
            column: span.start.column.max(1),
            offset: self.skipped + start,
            length: end.saturating_sub(start),
        }
    }

    pub(crate) fn place(&self, span: Span) -> Place {
        Place::File(self.at(span))
    }

    /// Byte offset of a mark; the end of its line where it lies beyond.
    fn offset(&self, mark: Mark) -> usize {
        let Some(line) = self.lines.get(index_of(mark.line)) else { return self.text.len() };
        let character = line.character + index_of(mark.column);
        let near = self.strides.get(character / STRIDE).copied().unwrap_or(self.text.len());
        let exact = self.text[near..].char_indices().nth(character % STRIDE).map(|(offset, _)| near + offset);
        exact.unwrap_or(self.text.len()).min(self.line_end(mark.line))
    }

    /// Byte offset of the end of a line, its line break left out.
    fn line_end(&self, line: u32) -> usize {
        let end = self.lines.get(index_of(line) + 1).map_or(self.text.len(), |next| next.byte);
        let start = self.lines.get(index_of(line)).map_or(end, |line| line.byte);
        let breaks = self.text[start..end].bytes().rev().take(2).filter(|byte| matches!(byte, b'\r' | b'\n'));
        end - breaks.count()
    }
}

/// Lines and columns count from 1.
fn index_of(number: u32) -> usize {
    number.saturating_sub(1) as usize
}
