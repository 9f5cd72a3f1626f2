//! The contract of [`Notifier`], against a receiver whose mood is set.

use fleetwright_notify::Message;
use jiff::SignedDuration;

use crate::{Again, NotSent, Notifier};

/// What the receiver does with what comes from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Takes it.
    Well,
    /// Has too much to do.
    Overloaded,
    /// Has too much to do, and says for how long.
    OverloadedFor(SignedDuration),
    /// Refuses it for good, and says so at length on many lines, with the address it was sent to.
    Refuses,
}

/// The receiver, apart from the port.
pub struct Receiver<'a> {
    /// Sets its mood.
    pub set: &'a (dyn Fn(Mood) + Sync),
    /// How many messages it was sent, taken or not.
    pub asked: &'a (dyn Fn() -> usize + Sync),
    /// What must not be read anywhere: a part of the address, a password.
    pub secret: &'a str,
}

/// Runs the whole suite with these messages.
///
/// # Panics
/// With the rule that was broken.
pub async fn check(notifier: &dyn Notifier, messages: &[Message], receiver: &Receiver<'_>) {
    assert!(!messages.is_empty(), "a suite without a message shows nothing");
    takes_each_message_once(notifier, messages, receiver).await;
    let wait = SignedDuration::from_secs(90);
    for (mood, again) in [
        (Mood::Overloaded, Again::Later),
        (Mood::OverloadedFor(wait), Again::After(wait)),
        (Mood::Refuses, Again::Never),
    ] {
        (receiver.set)(mood);
        let failure = failure(notifier, &messages[0], receiver, mood).await;
        assert_eq!(failure.again, again, "{mood:?}: {failure}");
    }
    // What went wrong before is over.
    takes_each_message_once(notifier, messages, receiver).await;
}

async fn takes_each_message_once(notifier: &dyn Notifier, messages: &[Message], receiver: &Receiver<'_>) {
    (receiver.set)(Mood::Well);
    for message in messages {
        let before = (receiver.asked)();
        notifier.send(message).await.expect("a receiver that is well takes it");
        assert_eq!((receiver.asked)(), before + 1, "one message is sent once");
    }
}

async fn failure(notifier: &dyn Notifier, message: &Message, receiver: &Receiver<'_>, mood: Mood) -> NotSent {
    let before = (receiver.asked)();
    let failure = notifier.send(message).await.expect_err("what was not taken is not delivered");
    assert_eq!((receiver.asked)(), before + 1, "{mood:?}: when to try again is not the notifier's to decide");
    let text = &failure.message;
    assert!(!text.is_empty() && text.len() <= 600, "{mood:?}: {} bytes", text.len());
    assert!(!text.contains(char::is_control), "{mood:?}: more than one line: {text:?}");
    assert!(!text.contains(receiver.secret), "{mood:?}: it tells a secret: {text}");
    failure
}
