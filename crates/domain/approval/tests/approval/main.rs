//! Signed links: nothing but the one text that was signed is taken, in its time and for its purpose.

mod exhaustive;
mod keyring;

use fleetwright_approval::{Claims, Decision, Decisions, Expected, Keyring, Nonce, SigningKey};
use jiff::Timestamp;

const BASIS: &str = "0123456789abcdef-412";

/// When the links of these tests expire.
fn expiry() -> Timestamp {
    "2026-11-01T03:00:00Z".parse().expect("a time")
}

/// Some moment before that.
fn before() -> Timestamp {
    "2026-11-01T02:00:00Z".parse().expect("a time")
}

fn key(id: &str, byte: u8) -> SigningKey {
    SigningKey::new(id.parse().expect("a key's name"), Timestamp::UNIX_EPOCH, [byte; 32])
}

fn ring() -> Keyring {
    Keyring::new(key("k1", 7))
}

/// The claims of these tests, changed as the test needs.
#[derive(Clone, Copy)]
struct Draft {
    run: &'static str,
    stage: u16,
    decisions: Decisions,
    basis: &'static str,
    approver: &'static str,
    expires_at: i64,
    nonce: u8,
}

impl Draft {
    fn usual() -> Self {
        Self {
            run: "run-20261101T020000Z-4f1a",
            stage: 2,
            decisions: Decisions::only(Decision::Approve),
            basis: BASIS,
            approver: "ann@example.com",
            expires_at: expiry().as_second(),
            nonce: 9,
        }
    }

    fn claims(self) -> Claims {
        let expires_at = Timestamp::from_second(self.expires_at).expect("in range");
        let nonce = Nonce([self.nonce; 16]);
        Claims::new(self.run, self.stage, self.decisions, self.basis, self.approver, expires_at, nonce)
            .expect("claims that can be said")
    }
}

/// What the gate of [`Draft::usual`] expects.
fn approve() -> Expected<'static> {
    Expected { run: Draft::usual().run, stage: 2, decision: Decision::Approve, basis: BASIS }
}
