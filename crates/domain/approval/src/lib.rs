//! Signed links for approvals (SA-5): what a token says, the keys that sign it, the people who may use
//! it, and every reason to refuse one.
//!
//! A token names one decision at one gate of one run: who may take it, on what ground, until when. Having
//! it decides nothing: it shows the page. Who decides also gives the passphrase that only the approver
//! knows ([`Keyring::authenticate`]), and the token is spent with the decision
//! ([`Claims::mark`], of which a run's mailbox takes one letter).
//!
//! # Encoding, version 1
//!
//! One line of unpadded base64url (RFC 4648, section 5) of the following bytes; numbers are big-endian,
//! a text is one byte of length and that many bytes of UTF-8.
//!
//! ```text
//! 01                      version
//! text                    key id
//! text                    run
//! u16                     stage
//! u8                      decisions allowed: 1 approve, 2 reject, 3 both
//! text                    basis
//! text                    approver
//! u64                     expiry, in seconds since 1970
//! 16 bytes                nonce
//! 32 bytes                HMAC-SHA-256 over a purpose and all of the above
//! ```
//!
//! There is one text for a token and no other: padding, another alphabet, loose bits, white space, bytes
//! left over and unknown bits are refused before any key is asked. A later version gets another number,
//! which is under the signature; fields are never added to this one.
//!
//! Keys are random (32 bytes) and named in the token, so that they can be replaced: a new one signs, old
//! ones verify until they are taken out of the [`Keyring`].
//!
//! The crate reads no clock and draws nothing at random: time, nonces, keys and salts are handed in.

mod approver;
mod bytes;
mod claims;
mod keyring;
mod refused;
mod token;

pub use approver::{Approver, InvalidPassphrase, SHORTEST_PASSPHRASE};
pub use claims::{Claims, Decision, Decisions, Expected, InvalidClaims, Nonce};
pub use keyring::{InvalidKeyring, KeyId, Keyring, SigningKey};
pub use refused::Refused;
pub use token::{LONGEST_TOKEN, open, sign, verify};
