//! Log lines: an event with the context of the spans it happened in.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use fleetwright_ports::Clock;
use jiff::Timestamp;
use tracing::span::{Attributes, Record};
use tracing::{Event, Id, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::fields::{self, Fields, Value};
use crate::writer::Writer;

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineForm {
    /// For people.
    Text {
        /// True colours the levels.
        color: bool,
    },
    /// One JSON object per line: `time`, `level`, `target`, `message`, then what the spans around it
    /// and the event itself say, innermost first in rank.
    Json,
}

/// Somewhere log lines go.
pub struct Lines {
    /// In which form.
    pub form: LineForm,
    /// Which of them.
    pub which: Targets,
    /// Where to.
    pub out: Box<dyn io::Write + Send>,
}

/// Names that every JSON line has; a field of the same name gets a trailing underscore.
const OWN: [&str; 3] = ["time", "level", "target"];

/// Turns events into lines.
pub(crate) struct LineLayer {
    pub(crate) form: LineForm,
    pub(crate) writer: Arc<Writer>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// An event with its context, ready to be written.
struct Line<'a> {
    at: Timestamp,
    level: Level,
    target: &'a str,
    message: String,
    own: Fields,
    around: Fields,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LineLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        fields::keep(attributes, id, &context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        fields::add(id, values, &context);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut own = Fields::of_event(event);
        let mut around = Fields::default();
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<Fields>() {
                let new = fields.0.iter().filter(|(name, _)| own.get(name).is_none());
                let new: Vec<_> = new.filter(|(name, _)| around.get(name).is_none()).cloned().collect();
                around.0.extend(new);
            }
        }
        self.writer.redacted(&mut own);
        self.writer.redacted(&mut around);
        let message = own.0.iter().position(|(name, _)| *name == "message");
        let message = message.map(|at| own.0.remove(at).1.to_string()).unwrap_or_default();
        let (meta, at) = (event.metadata(), self.clock.now());
        let line = Line { at, level: *meta.level(), target: meta.target(), message, own, around };
        self.writer.line(&match self.form {
            LineForm::Text { color } => line.text(color),
            LineForm::Json => line.json(),
        });
    }
}

impl Line<'_> {
    fn json(&self) -> String {
        let mut object = serde_json::Map::new();
        object.insert("time".to_owned(), format!("{:.3}", self.at).into());
        object.insert("level".to_owned(), self.level.as_str().into());
        object.insert("target".to_owned(), self.target.into());
        object.insert("message".to_owned(), self.message.as_str().into());
        for (name, value) in self.around.0.iter().chain(&self.own.0) {
            let name = if OWN.contains(name) { format!("{name}_") } else { (*name).to_owned() };
            object.insert(name, json(value));
        }
        format!("{}\n", serde_json::Value::Object(object))
    }

    fn text(&self, color: bool) -> String {
        let paint = match self.level {
            Level::ERROR => "\u{1b}[31m",
            Level::WARN => "\u{1b}[33m",
            Level::INFO => "\u{1b}[32m",
            _ => "\u{1b}[2m",
        };
        let (paint, end) = if color { (paint, "\u{1b}[0m") } else { ("", "") };
        let mut line =
            format!("{:.3} {paint}{:>5}{end} {}", self.at, self.level.as_str(), safe(&self.message));
        // Writing into a string cannot fail.
        let _ = self.own.0.iter().try_for_each(|pair| write!(line, " {}", named(pair)));
        if !self.around.0.is_empty() {
            let around: Vec<String> = self.around.0.iter().map(named).collect();
            let _ = write!(line, " [{}]", around.join(" "));
        }
        line.push('\n');
        line
    }
}

fn named((name, value): &(&'static str, Value)) -> String {
    format!("{name}={}", safe(&value.to_string()))
}

/// The text on one line, without what steers a terminal: most of it is not ours.
fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        let steers = c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if steers { safe.extend(c.escape_unicode()) } else { safe.push(c) }
    }
    safe
}

pub(crate) fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Text(text) => text.as_str().into(),
        Value::Integer(number) => (*number).into(),
        Value::Number(number) => (*number).into(),
        Value::Flag(flag) => (*flag).into(),
    }
}
