//! YAML as a tree that remembers where everything stood.
//!
//! Built on the events of `saphyr-parser`: scalars keep their text (`no`, `1.10` and
//! `011122223333` stay what people typed; the key they belong to decides what they mean), and
//! every node keeps its position, so that a fault found long after parsing still names line and
//! column. A serde layer would have guessed the types and lost the positions of older shapes.

mod parse;

use std::sync::Arc;

pub(crate) use parse::parse;

use crate::error::{FilePlace, Place};

/// A text to read, with the name people know it by.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// A text with its lines found, so that a mark can be turned into a byte offset.
pub(crate) struct Source<'a> {
    name: Arc<str>,
    text: &'a str,
    /// Bytes of a byte-order mark before `text`.
    skipped: usize,
    line_starts: Vec<usize>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(source: &'a SourceText) -> Self {
        const BYTE_ORDER_MARK: char = '\u{feff}';
        let text = source.text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&source.text);
        let mut line_starts = vec![0];
        let bytes = text.as_bytes();
        for (index, byte) in bytes.iter().enumerate() {
            // As YAML 1.2 counts lines: LF, CR LF, or CR alone.
            let ends = *byte == b'\n' || (*byte == b'\r' && bytes.get(index + 1) != Some(&b'\n'));
            if ends {
                line_starts.push(index + 1);
            }
        }
        Self { name: source.name.as_str().into(), text, skipped: source.text.len() - text.len(), line_starts }
    }

    /// Where a span stands in the text as it was handed in.
    pub(crate) fn at(&self, span: Span) -> FilePlace {
        let line = self.line(span.start.line);
        let start = column_offset(line, span.start.column);
        let end = if span.end.line == span.start.line { column_offset(line, span.end.column) } else { line.len() };
        let line_start = self.line_starts.get(index_of(span.start.line)).copied().unwrap_or(self.text.len());
        FilePlace {
            file: Arc::clone(&self.name),
            line: span.start.line.max(1),
            column: span.start.column.max(1),
            offset: self.skipped + line_start + start,
            length: end.saturating_sub(start),
        }
    }

    pub(crate) fn place(&self, span: Span) -> Place {
        Place::File(self.at(span))
    }

    /// The text of a line, without its end.
    fn line(&self, number: u32) -> &'a str {
        let index = index_of(number);
        let start = self.line_starts.get(index).copied().unwrap_or(self.text.len());
        let end = self.line_starts.get(index + 1).copied().unwrap_or(self.text.len());
        self.text.get(start..end).unwrap_or("").trim_end_matches(['\r', '\n'])
    }
}

fn index_of(line: u32) -> usize {
    line.saturating_sub(1) as usize
}

/// Byte offset of a 1-based column in characters; the end of the line where it lies beyond.
fn column_offset(line: &str, column: u32) -> usize {
    let wanted = column.saturating_sub(1) as usize;
    line.char_indices().nth(wanted).map_or(line.len(), |(offset, _)| offset)
}
