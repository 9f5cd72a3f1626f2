//! Encrypting, decrypting, and keys for data.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::RngExt;
use serde_json::{Map, Value, json};

use super::{arn, id_of, key, keys, usable};
use crate::call::{ApiError, Call};
use crate::generate::seed::Seed;
use crate::service::members::{
    Members, constraint, invalid, members, missing, number, object, text, word, wrong_type,
};
use crate::world::World;
use crate::world::keys::{Context, encrypted_under};

/// Bytes of a text that is encrypted, at most.
const MAX_TEXT_BYTES: usize = 4_096;
/// Bytes of an encrypted text, at most.
const MAX_ENCRYPTED_BYTES: usize = 6_144;
/// Bytes of a key for data, at most.
const MAX_DATA_KEY_BYTES: u64 = 1_024;

/// The only algorithm of symmetric keys.
const ALGORITHM: &str = "SYMMETRIC_DEFAULT";

fn bytes(members: &Members, name: &str, most: usize) -> Result<Vec<u8>, ApiError> {
    let given = text(members, name)?.ok_or_else(|| missing(name))?;
    let bytes = STANDARD.decode(given).map_err(|_| wrong_type(name))?;
    let rule = match bytes.len() {
        0 => "Member must have length greater than or equal to 1".to_owned(),
        length if length > most => format!("Member must have length less than or equal to {most}"),
        _ => return Ok(bytes),
    };
    Err(constraint("(hidden)", name, &rule))
}

fn context(members: &Members) -> Result<Context, ApiError> {
    let given = object(members, "EncryptionContext")?;
    let pair = |(name, value): (&String, &Value)| {
        let value = value.as_str().ok_or_else(|| wrong_type("EncryptionContext"))?;
        Ok((name.clone(), value.to_owned()))
    };
    given.unwrap_or(&Map::new()).iter().map(pair).collect()
}

/// The id of the key that the encrypted text of a request names.
pub(super) fn named_by_text(call: &Call) -> Option<String> {
    let encrypted = STANDARD.decode(call.json()["CiphertextBlob"].as_str()?).ok()?;
    encrypted_under(&encrypted).map(str::to_owned)
}

/// Bytes that are drawn for this request alone.
fn drawn<const N: usize>(world: &World, call: &Call, purpose: &str) -> [u8; N] {
    Seed::root(world.seed).child(purpose).child(&call.request_id).stream().random()
}

/// Encrypt.
pub(super) fn encrypt(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["KeyId", "Plaintext", "EncryptionContext", "EncryptionAlgorithm"])?;
    word(members, "EncryptionAlgorithm", &[ALGORITHM])?;
    let text = bytes(members, "Plaintext", MAX_TEXT_BYTES)?;
    let context = context(members)?;
    let nonce = drawn(world, call, "nonce");
    let (id, key) = usable(world, call, members, "KeyId")?;
    let encrypted = STANDARD.encode(key.encrypt(&id, nonce, &context, &text));
    Ok(json!({ "CiphertextBlob": encrypted, "KeyId": arn(call, &id), "EncryptionAlgorithm": ALGORITHM }))
}

/// Decrypt: the text says which key; a request that names one has to name that.
pub(super) fn decrypt(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["CiphertextBlob", "EncryptionContext", "KeyId", "EncryptionAlgorithm"])?;
    word(members, "EncryptionAlgorithm", &[ALGORITHM])?;
    let encrypted = bytes(members, "CiphertextBlob", MAX_ENCRYPTED_BYTES)?;
    let context = context(members)?;
    let unreadable = || ApiError::new(400, "InvalidCiphertextException", "");
    let under = encrypted_under(&encrypted).ok_or_else(unreadable)?;
    if text(members, "KeyId")?.is_some() {
        let (named, _) = key(world, call, members, "KeyId")?;
        if named != under {
            let message =
                "The key ID in the request does not identify a CMK that can perform this operation.";
            return Err(ApiError::new(400, "IncorrectKeyException", message));
        }
    }
    let known = id_of(keys(world, call)?, call, under).ok_or_else(unreadable)?.to_owned();
    let named = Map::from_iter([("KeyId".to_owned(), known.into())]);
    let (id, key) = usable(world, call, &named, "KeyId")?;
    let text = key.decrypt(&encrypted, &context).ok_or_else(unreadable)?;
    Ok(
        json!({ "Plaintext": STANDARD.encode(text), "KeyId": arn(call, &id), "EncryptionAlgorithm": ALGORITHM }),
    )
}

/// GenerateDataKey: a key for data, and the same encrypted.
pub(super) fn generate_data_key(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["KeyId", "EncryptionContext", "KeySpec", "NumberOfBytes"])?;
    let length = match (
        word(members, "KeySpec", &["AES_256", "AES_128"])?,
        number(members, "NumberOfBytes", 1, MAX_DATA_KEY_BYTES)?,
    ) {
        (Some("AES_128"), None) => 16,
        (Some(_), None) => 32,
        (None, Some(length)) => length as usize,
        _ => return Err(invalid("Please specify either number of bytes or key spec.")),
    };
    let context = context(members)?;
    let nonce = drawn(world, call, "nonce");
    let mut text: Vec<u8> = drawn::<{ MAX_DATA_KEY_BYTES as usize }>(world, call, "data key").to_vec();
    text.truncate(length);
    let (id, key) = usable(world, call, members, "KeyId")?;
    let encrypted = STANDARD.encode(key.encrypt(&id, nonce, &context, &text));
    Ok(json!({ "CiphertextBlob": encrypted, "Plaintext": STANDARD.encode(text), "KeyId": arn(call, &id) }))
}
