//! Continuation tokens: opaque to clients, and good for the request they were given to only.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::call::{Call, Input};

/// The position a listing continues from, in whatever numbers that listing is ordered by.
pub type Cursor = u64;

/// Parameters that may change from page to page.
const FREE: [&str; 10] = [
    "NextToken",
    "MaxResults",
    "Marker",
    "MaxItems",
    "Limit",
    "DryRun",
    "Version",
    "nextToken",
    "maxResults",
    "limit",
];

/// The same of restXml.
const REST_FREE: [&str; 2] = ["continuation-token", "max-keys"];

/// The token that continues this listing at `cursor`.
pub fn token(call: &Call, cursor: Cursor) -> String {
    let mut bytes = [0_u8; 24];
    bytes[..8].copy_from_slice(&cursor.to_be_bytes());
    let seal = seal(call, cursor);
    bytes[8..].copy_from_slice(&seal);
    // The cursor is hidden from clients that would count on it.
    for (at, byte) in seal.iter().take(8).enumerate() {
        bytes[at] ^= byte;
    }
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The position behind a token, or `None` where it was not given to this very request.
pub fn cursor(call: &Call, token: &str) -> Option<Cursor> {
    let bytes: [u8; 24] = URL_SAFE_NO_PAD.decode(token).ok()?.try_into().ok()?;
    let mut number = [0_u8; 8];
    for (at, byte) in number.iter_mut().enumerate() {
        *byte = bytes[at] ^ bytes[8 + at];
    }
    let cursor = Cursor::from_be_bytes(number);
    (seal(call, cursor) == bytes[8..]).then_some(cursor)
}

fn seal(call: &Call, cursor: Cursor) -> [u8; 16] {
    let mut hash = Sha256::new();
    let mut part = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    };
    part(&call.account);
    part(&call.region);
    part(&call.action);
    match &call.input {
        Input::Query(params) => {
            for (name, value) in &params.values {
                if !FREE.contains(&name.as_str()) {
                    part(name);
                    part(value);
                }
            }
        }
        Input::Rest(request) => {
            part(&request.bucket);
            for (name, value) in &request.query {
                if !REST_FREE.contains(&name.as_str()) {
                    part(name);
                    part(value);
                }
            }
        }
        Input::RestJson(request) => {
            for value in request.path.values() {
                part(value);
            }
            for (name, value) in &request.listed {
                if !FREE.contains(&name.as_str()) {
                    part(name);
                    part(value);
                }
            }
            for (name, value) in request.document.as_object().into_iter().flatten() {
                if !FREE.contains(&name.as_str()) {
                    part(name);
                    part(&value.to_string());
                }
            }
        }
        Input::Json(document) => {
            for (name, value) in document.as_object().into_iter().flatten() {
                if !FREE.contains(&name.as_str()) {
                    part(name);
                    part(&value.to_string());
                }
            }
        }
    }
    hash.update(cursor.to_be_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let mut seal = [0; 16];
    seal.copy_from_slice(&digest[..16]);
    seal
}
