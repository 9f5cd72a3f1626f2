//! What is sent back, and the headers that keep a link to the person who has it.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::page::STYLE;

/// An answer, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code of HTTP.
    pub status: u16,
    /// Headers beside those every answer has.
    pub headers: Vec<(&'static str, &'static str)>,
    /// The page; empty for `HEAD`.
    pub body: String,
}

/// No script, nothing from elsewhere, no frame around it; one style, known by its hash; forms go back
/// where the page came from.
/// Source: W3C Content Security Policy Level 3.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    )
});

impl Answer {
    pub(crate) fn new(status: u16, body: String) -> Self {
        Self { status, headers: Vec::new(), body }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Every header, those included that every answer has: nothing is kept, nobody is told where the
    /// reader came from, no browser guesses what this is.
    pub fn all_headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let always = [
            ("content-type", "text/html; charset=utf-8"),
            ("content-security-policy", POLICY.as_str()),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("x-robots-tag", "noindex, nofollow, noarchive"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ];
        always.into_iter().chain(self.headers.iter().copied())
    }
}
