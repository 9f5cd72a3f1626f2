//! `run.xml`: the same tables as XML 1.0, after the schema of [`super::xsd`].
//!
//! A column without a value has no element. Characters that XML 1.0 cannot hold become U+FFFD.

use std::borrow::Cow;
use std::io::{self, Write};

use super::RUN_FORMAT;
use crate::evidence::RunRecord;
use crate::fields::{self, Column, Subject, Summary, Value, Visitor};

/// The namespace of the elements.
pub const NAMESPACE: &str = "urn:fleetwright:run:2";

/// Writes the document. It is never in memory as a whole.
///
/// # Errors
/// What the writer says.
pub fn write(out: &mut dyn Write, record: &RunRecord<'_>) -> io::Result<()> {
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<report xmlns=\"{NAMESPACE}\" format=\"{RUN_FORMAT}\">")?;
    let mut text = String::new();
    for row in Summary::rows(record) {
        push_row::<Summary>(&mut text, &Summary::columns(), record, row);
    }
    out.write_all(text.as_bytes())?;
    fields::each(&mut Tables { out, record, text: String::new() })?;
    writeln!(out, "</report>")
}

struct Tables<'w, 'a> {
    out: &'w mut dyn Write,
    record: &'a RunRecord<'a>,
    text: String,
}

impl Visitor for Tables<'_, '_> {
    type Error = io::Error;

    fn visit<S: Subject>(&mut self) -> io::Result<()> {
        writeln!(self.out, "<{}>", S::NAME)?;
        let columns = S::columns();
        for row in S::rows(self.record) {
            self.text.clear();
            push_row::<S>(&mut self.text, &columns, self.record, row);
            self.out.write_all(self.text.as_bytes())?;
        }
        writeln!(self.out, "</{}>", S::NAME)
    }
}

fn push_row<'a, S: Subject>(
    text: &mut String,
    columns: &[Column<S>],
    record: &'a RunRecord<'a>,
    row: S::Row<'a>,
) {
    tag(text, "<", S::ROW, ">");
    for column in columns {
        push_value(text, column.name, &column.value(record, row));
    }
    tag(text, "</", S::ROW, ">\n");
}

fn tag(text: &mut String, open: &str, name: &str, close: &str) {
    text.push_str(open);
    text.push_str(name);
    text.push_str(close);
}

fn push_value(text: &mut String, name: &str, value: &Value<'_>) {
    if *value == Value::Absent {
        return;
    }
    tag(text, "<", name, ">");
    match value {
        Value::Absent => {}
        Value::NotChecked => text.push_str("not_checked"),
        Value::Text(it) => text.push_str(&content(it)),
        Value::Integer(number) => text.push_str(&number.to_string()),
        Value::Number(number) => text.push_str(&number.to_string()),
        Value::Boolean(boolean) => text.push_str(if *boolean { "true" } else { "false" }),
        Value::Time(time) => text.push_str(&time.to_string()),
        Value::List(items) => {
            for item in items {
                tag(text, "<", "item", ">");
                text.push_str(&content(item));
                tag(text, "</", "item", ">");
            }
        }
        Value::Map(pairs) => {
            for (key, value) in pairs {
                tag(text, "<entry key=\"", &content(key), "\">");
                text.push_str(&content(value));
                text.push_str("</entry>");
            }
        }
    }
    tag(text, "</", name, ">");
}

/// Text for an element or an attribute in double quotes: markup is escaped, and so are line breaks and
/// tabs, which a parser would change in an attribute. What XML 1.0 cannot hold becomes U+FFFD.
/// Source: Extensible Markup Language 1.0 (fifth edition), 2.2 Characters.
pub fn content(text: &str) -> Cow<'_, str> {
    let plain = |c: char| match c {
        '&' | '<' | '>' | '"' | '\'' | '\u{fffe}' | '\u{ffff}' => false,
        c => !c.is_control(),
    };
    if text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' => escaped.push_str("&#9;"),
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped_and_what_xml_cannot_hold_is_replaced() {
        assert_eq!(content("web-01 größe"), "web-01 größe");
        assert_eq!(content("</name><a b='c'>]]>&"), "&lt;/name&gt;&lt;a b=&apos;c&apos;&gt;]]&gt;&amp;");
        assert_eq!(content("a\u{0}b\u{1b}c\u{ffff}\r\n\t"), "a\u{fffd}b\u{fffd}c\u{fffd}&#13;&#10;&#9;");
        assert_eq!(content("\u{85}\u{202e}"), "\u{85}\u{202e}");
    }
}
