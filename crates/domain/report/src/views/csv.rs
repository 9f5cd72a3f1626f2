//! Tables as CSV (RFC 4180): one file for each, in UTF-8, ready for a spreadsheet.
//!
//! A text that a spreadsheet could take for a formula is made safe ([`safe::cell`]). An empty cell means
//! that there is no such thing, `not_checked` that nobody could look. Lists are joined by `;`, tags are a
//! JSON object.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::evidence::RunRecord;
use crate::fields::{Column, Subject, Value};
use crate::safe;

/// Writes the table of one subject.
///
/// # Errors
/// What the writer says.
pub fn write<S: Subject>(out: &mut dyn Write, record: &RunRecord<'_>) -> io::Result<()> {
    let columns: Vec<Column<S>> = S::columns();
    write_header(out, columns.iter().map(|column| column.name))?;
    let mut line = String::new();
    for row in S::rows(record) {
        line.clear();
        for (index, column) in columns.iter().enumerate() {
            push_cell(&mut line, index, &column.value(record, row));
        }
        end_row(out, &mut line)?;
    }
    Ok(())
}

/// Writes the names of the columns.
pub(crate) fn write_header<'a>(out: &mut dyn Write, names: impl Iterator<Item = &'a str>) -> io::Result<()> {
    let names: Vec<&str> = names.collect();
    writeln!(out, "{}", names.join(","))
}

/// Ends a row and begins the next one.
pub(crate) fn end_row(out: &mut dyn Write, line: &mut String) -> io::Result<()> {
    line.push('\n');
    out.write_all(line.as_bytes())?;
    line.clear();
    Ok(())
}

/// Adds a cell to a line.
pub(crate) fn push_cell(line: &mut String, index: usize, value: &Value<'_>) {
    if index > 0 {
        line.push(',');
    }
    match value {
        Value::Absent => {}
        Value::NotChecked => line.push_str("not_checked"),
        Value::Integer(number) => line.push_str(&number.to_string()),
        Value::Number(number) => line.push_str(&number.to_string()),
        Value::Boolean(boolean) => line.push_str(if *boolean { "true" } else { "false" }),
        Value::Time(time) => line.push_str(&time.to_string()),
        Value::Text(text) => push_text(line, text),
        Value::List(texts) => push_text(line, &texts.join(";")),
        Value::Map(pairs) => push_text(line, &object(pairs)),
    }
}

/// Names with values as a JSON object.
fn object(pairs: &[(&str, Cow<'_, str>)]) -> String {
    let object: std::collections::BTreeMap<&str, &str> =
        pairs.iter().map(|(name, value)| (*name, &**value)).collect();
    serde_json::to_string(&object).expect("text keys and values always serialise")
}

/// Semicolons are quoted as well: where the comma is the decimal sign, spreadsheets separate by them.
fn push_text(line: &mut String, text: &str) {
    let text = safe::cell(text);
    let quoted = text.contains([',', ';', '"', '\r', '\n']) || text.starts_with(' ') || text.ends_with(' ');
    if !quoted {
        line.push_str(&text);
        return;
    }
    line.push('"');
    for (index, part) in text.split('"').enumerate() {
        if index > 0 {
            line.push_str("\"\"");
        }
        line.push_str(part);
    }
    line.push('"');
}
