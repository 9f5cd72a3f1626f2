//! What people are told of a run, when, how often and in which words; and what a change record is.
//!
//! Pure: records of a run become [`Notice`]s ([`Teller`]), routes say which channel hears of them
//! ([`Routes`]), an [`Outbox`] for each channel groups them, keeps to a rate and knows what to try again,
//! and a [`Message`] is what one delivery says, in the words of a [`Template`]. Time is handed in.
//! Sending is the business of adapters.

pub mod change;
mod message;
mod notice;
mod outbox;
mod route;
mod signature;
mod subject;
mod teller;
mod template;
mod words;

pub use message::{Fact, Message};
pub use notice::{Counts, HostNamed, Kind, Notice, Scope, Severity};
pub use outbox::{Batch, Ended, Limits, Outbox, Tried, Uncounted};
pub use route::{Route, Routes};
pub use signature::{SIGNATURE_HEADERS, Signature, WebhookSecret};
pub use subject::{Clean, Subject, Summary, TargetEnd};
pub use teller::Teller;
pub use template::{BODY, TITLE, Template, TemplateError, Templates};
pub use words::{line, shortened};
