//! The configuration reference, the default file and the schemas for editors.

use fleetwright_config as config;
use serde_json::Value;

use super::{Documents, markdown};

/// The reference, the commented default file, and a schema for each kind of file.
pub(super) fn documents() -> Documents {
    [
        ("docs/configuration.md", markdown(&config::reference_markdown())),
        ("docs/fleetwright.yaml", config::default_yaml()),
        ("docs/schema/configuration.json", pretty(&config::schema())),
        ("docs/schema/landing-zones.json", pretty(&config::landing_zones_schema())),
        ("docs/schema/run-input.json", pretty(&config::run_input_schema())),
    ]
    .map(|(path, text)| (path.to_owned(), text))
    .into()
}

fn pretty(schema: &Value) -> String {
    format!("{schema:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_says_something() {
        for (path, text) in documents() {
            assert!(text.lines().count() > 10 && text.ends_with('\n'), "{path}");
        }
    }
}
