//! Telling people: chat, e-mail, webhooks, topics.

use std::fmt;

use async_trait::async_trait;
use fleetwright_notify::Message;
use jiff::SignedDuration;

/// Why a message was not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotSent {
    /// Whether trying again can help.
    pub again: Again,
    /// Why, on one line of at most 600 bytes, without secrets. What the other side said is untrusted text.
    pub message: String,
}

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// It can: a fault of the moment.
    Later,
    /// It can, no earlier than so long from now: the other side said so.
    After(SignedDuration),
    /// It cannot: the message, the address or the credentials are refused.
    Never,
}

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for NotSent {}

/// Delivers messages to one channel.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Delivers a message, within bounded time. The same message may come again when nobody knows whether
    /// it arrived: its id is handed on where the other side can tell repetitions by it.
    ///
    /// # Errors
    /// It was not delivered, as far as anybody knows.
    async fn send(&self, message: &Message) -> Result<(), NotSent>;
}
