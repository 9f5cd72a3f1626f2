//! Keys of artefacts, the same for every storage.

use crate::JournalError;

/// Segments of a key at most.
const MOST_SEGMENTS: usize = 10;

/// Bytes of a segment at most: what common file systems take.
const LONGEST_SEGMENT: usize = 255;

/// Takes keys of at most 10 segments of 1 to 255 letters, digits, `.`, `_` and `-`. None begins with
/// a dot, so that no key leads upwards or to a half-written file. `place` is for the message.
///
/// # Errors
/// It is none.
pub fn check_key(key: &str, place: &str) -> Result<(), JournalError> {
    let safe = |segment: &str| {
        (1..=LONGEST_SEGMENT).contains(&segment.len())
            && !segment.starts_with('.')
            && segment.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    if key.split('/').count() <= MOST_SEGMENTS && key.split('/').all(safe) {
        return Ok(());
    }
    let shown: String = key.chars().take(80).collect();
    let cause = format!(
        "{shown:?} is no key of an artefact: use at most {MOST_SEGMENTS} segments of letters, digits, '.', '_' \
         and '-', none beginning with a dot or longer than {LONGEST_SEGMENT} bytes"
    );
    Err(JournalError::Refused { place: place.into(), cause: cause.into() })
}
