//! How requests get to a server.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undelivered {
    /// No connection: the name, the network or the certificate.
    Unreachable(String),
    /// The connection broke.
    Broken(String),
    /// The answer is longer than was allowed.
    TooLong,
}

impl fmt::Display for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) | Self::Broken(why) => f.write_str(why),
            Self::TooLong => f.write_str("the answer is too long"),
        }
    }
}

/// Carries requests to one server or to several.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends a request once and reads the whole answer, at most so many bytes of it. Redirects are answers.
    ///
    /// # Errors
    /// There is no answer.
    async fn call(&self, request: Request<Bytes>, most_bytes: usize) -> Result<Response<Bytes>, Undelivered>;
}
