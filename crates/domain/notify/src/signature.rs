//! Signatures of webhooks, as Standard Webhooks has them: a receiver can tell that a message is ours,
//! that it is whole, and that it is not an old one sent again.
//!
//! Source: Standard Webhooks, specification 1.0.0, "Webhook headers (sending metadata to consumers)",
//! "Signature scheme".

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The headers of a signed message: id, time, signature.
pub const SIGNATURE_HEADERS: [&str; 3] = ["webhook-id", "webhook-timestamp", "webhook-signature"];

/// The key both sides know; never shown.
#[derive(Clone)]
pub struct WebhookSecret(Vec<u8>);

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret((hidden))")
    }
}

impl WebhookSecret {
    /// `whsec_` and base64 of 24 to 64 bytes. None for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let key = STANDARD.decode(text.trim().strip_prefix("whsec_")?).ok()?;
        (24..=64).contains(&key.len()).then_some(Self(key))
    }

    /// Signs a message.
    pub fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> Signature {
        let timestamp = at.as_second().to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        Signature { id: id.to_owned(), timestamp, signature }
    }
}

/// The values of [`SIGNATURE_HEADERS`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The message's id: the same when it is sent again.
    pub id: String,
    /// Seconds since 1970.
    pub timestamp: String,
    /// `v1,` and base64.
    pub signature: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference libraries.
    #[test]
    fn a_message_is_signed_as_the_standard_s_own_libraries_do() {
        let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        let at = Timestamp::from_second(1_614_265_330).expect("a time");
        let signed = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, b"{\"test\": 2432232314}");
        assert_eq!(signed.signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(signed.timestamp, "1614265330");
        assert!(!format!("{secret:?}").contains("MfKQ"));
    }

    #[test]
    fn a_secret_too_short_to_be_one_is_refused() {
        for text in ["", "whsec_", "whsec_aGVsbG8=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_§"] {
            assert!(WebhookSecret::parse(text).is_none(), "{text}");
        }
    }
}
