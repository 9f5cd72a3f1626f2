//! The page behind an approval link (SA-5).
//!
//! `GET` and `HEAD` show what waits for a decision and change nothing, so that mail scanners and
//! previews may open every link. A decision is a `POST` of the page's form: the token, the decision, and
//! the passphrase of the approver the token names. It ends as a letter in the run's mailbox, which says
//! what state of the run it is about and carries the token's mark, so that no token decides twice.
//!
//! [`Desk`] is the whole of it without a network: a [`Question`] in, an [`Answer`] out. [`Server`] puts
//! it on a port, with limits on what it reads and how long it waits. [`gate`] tells what waits.

mod answer;
mod brake;
mod desk;
mod form;
pub mod gate;
mod page;
mod server;

pub use answer::Answer;
pub use desk::{Desk, Keys, PATH, Question};
pub use server::{LARGEST_BODY, Server};
