//! Configuration mistakes, shown with the line they stand in.

use std::collections::BTreeMap;

use fleetwright_config::{ConfigError, ConfigErrors, Place, Snippet, SourceText};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};

use crate::failure::CommandError;

/// The texts that were read, so that mistakes can quote them.
pub type Sources = BTreeMap<String, SourceText>;

/// Turns configuration mistakes into the failure of the command: all of them, each with its place.
pub fn command_error(errors: &ConfigErrors, sources: &Sources, color: bool) -> CommandError {
    let first = errors.first();
    let message = match errors.len() {
        1 => first.to_string().trim_end_matches(&format!(" [{}]", first.code.id)).to_owned(),
        more => format!("{more} mistakes; the first: {}", first.message),
    };
    CommandError {
        code: first.code,
        message,
        details: errors.iter().map(|error| render(error, sources, color)).collect(),
        hint: first.hint.clone(),
    }
}

fn render(error: &ConfigError, sources: &Sources, color: bool) -> String {
    let mut diagnostic = MietteDiagnostic::new(error.to_string());
    if let Some(hint) = &error.hint {
        diagnostic = diagnostic.with_help(hint.clone());
    }
    let Place::File(place) = &error.place else { return draw(&Report::new(diagnostic), color) };
    let source = sources.get(place.file.as_ref()).filter(|_| error.snippet == Snippet::Show);
    let Some(source) = source else { return draw(&Report::new(diagnostic), color) };
    let related = error.related.iter().filter(|related| related.file == place.file);
    let labels = std::iter::once(LabeledSpan::at(place.offset..place.offset + place.length, "here"))
        .chain(related.map(|place| LabeledSpan::at(place.offset..place.offset + place.length, "and here")));
    diagnostic = diagnostic.with_labels(labels);
    let named = NamedSource::new(place.file.as_ref(), source.redacted());
    draw(&Report::new(diagnostic).with_source_code(named), color)
}

fn draw(report: &Report, color: bool) -> String {
    let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let mut text = String::new();
    match GraphicalReportHandler::new_themed(theme).with_width(110).render_report(&mut text, report.as_ref())
    {
        Ok(()) => text,
        // Writing into memory does not fail; should it, the plain line still tells everything.
        Err(_) => report.to_string(),
    }
}
