//! What a step leaves for later steps and for reports: small, typed, JSON in the journal. Which notes there are is
//! the matter of the domain whose steps write them.

use fleetwright_model::Text;
use serde::{Serialize, de::DeserializeOwned};

/// A note as the journal keeps it.
///
/// # Panics
/// On a value that is no plain data: a map whose keys are no texts.
pub fn write<T: Serialize>(note: &T) -> Text {
    serde_json::to_string(note).expect("notes are plain data").into()
}

/// A note read back; none where the text is not one, which later versions may bring.
pub fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}
