//! From claims to a signed text and back.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use crate::bytes::{Parts, put_text};
use crate::claims::{Claims, Decisions, Expected, Nonce};
use crate::keyring::{KeyId, Keyring, SigningKey};
use crate::refused::Refused;

/// Characters of a token at most; what is longer is not looked at.
pub const LONGEST_TOKEN: usize = 640;

const VERSION: u8 = 1;

/// Bytes of the signature.
const SIGNATURE: usize = 32;

/// What is signed begins with this, so that no other use of a key can make a token.
const PURPOSE: &[u8] = b"fleetwright approval link\0";

/// A token: the claims, signed with the newest key.
pub fn sign(keys: &Keyring, claims: &Claims) -> String {
    let key = keys.newest();
    let mut bytes = body(key.id(), claims);
    let signature = mac(key, &bytes).finalize().into_bytes();
    bytes.extend_from_slice(&signature);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What a token says and which key signed it, if it is genuine and its time is not over. This is enough
/// to show its page, and not to decide anything.
///
/// # Errors
/// [`Refused::Malformed`], [`Refused::UnknownKey`], [`Refused::Forged`] or [`Refused::Expired`]: the
/// first of these.
pub fn open(keys: &Keyring, text: &str, now: Timestamp) -> Result<(KeyId, Claims), Refused> {
    if text.len() > LONGEST_TOKEN {
        return Err(Refused::Malformed);
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Refused::Malformed)?;
    let at = bytes.len().checked_sub(SIGNATURE).ok_or(Refused::Malformed)?;
    let (signed, signature) = bytes.split_at(at);
    let (id, claims) = read(signed)?;
    // One text for one token: whatever the decoders let through, it is what we would have written.
    if body(&id, &claims) != signed || URL_SAFE_NO_PAD.encode(&bytes) != text {
        return Err(Refused::Malformed);
    }
    let key = keys.key(&id).ok_or(Refused::UnknownKey)?;
    // In constant time: how far a guess is right must not show.
    mac(key, signed).verify_slice(signature).map_err(|_| Refused::Forged)?;
    if now < claims.expires_at() { Ok((id, claims)) } else { Err(Refused::Expired) }
}

/// What a token says, if it is genuine, in time, and for this decision. Whether it was used already is
/// for the run's mailbox to know.
///
/// # Errors
/// Those of [`open`], then those of [`Claims::admit`].
pub fn verify(
    keys: &Keyring,
    text: &str,
    now: Timestamp,
    expected: &Expected<'_>,
) -> Result<(KeyId, Claims), Refused> {
    let (id, claims) = open(keys, text, now)?;
    claims.admit(expected)?;
    Ok((id, claims))
}

fn mac(key: &SigningKey, signed: &[u8]) -> Hmac<Sha256> {
    let mac: Hmac<Sha256> = KeyInit::new_from_slice(key.secret()).expect("HMAC takes keys of any length");
    mac.chain_update(PURPOSE).chain_update(signed)
}

fn body(key: &KeyId, claims: &Claims) -> Vec<u8> {
    let mut into = Vec::with_capacity(192);
    into.push(VERSION);
    put_text(&mut into, key.as_str());
    put_text(&mut into, claims.run());
    into.extend_from_slice(&claims.stage().to_be_bytes());
    into.push(claims.decisions().bits());
    put_text(&mut into, claims.basis());
    put_text(&mut into, claims.approver());
    into.extend_from_slice(&claims.expires_at().as_second().to_be_bytes());
    into.extend_from_slice(&claims.nonce().0);
    into
}

fn read(bytes: &[u8]) -> Result<(KeyId, Claims), Refused> {
    let mut parts = Parts(bytes);
    if parts.byte()? != VERSION {
        return Err(Refused::Malformed);
    }
    let id: KeyId = parts.text()?.parse().map_err(|_| Refused::Malformed)?;
    let run = parts.text()?;
    let stage = u16::from_be_bytes(parts.array()?);
    let decisions = Decisions::from_bits(parts.byte()?).ok_or(Refused::Malformed)?;
    let (basis, approver) = (parts.text()?, parts.text()?);
    let expires_at =
        Timestamp::from_second(i64::from_be_bytes(parts.array()?)).map_err(|_| Refused::Malformed)?;
    let nonce = Nonce(parts.array()?);
    if !parts.0.is_empty() {
        return Err(Refused::Malformed);
    }
    let claims = Claims::new(run, stage, decisions, basis, approver, expires_at, nonce);
    Ok((id, claims.map_err(|_| Refused::Malformed)?))
}
