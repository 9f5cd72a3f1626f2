//! The checksums that come with an object: those that are wrong are refused, those that nobody here
//! computes are kept as they are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha2::{Digest, Sha256};

use crate::call::ApiError;
use crate::wire::rest::RestRequest;

/// The algorithms' headers.
const HEADERS: [&str; 5] = [
    "x-amz-checksum-crc32",
    "x-amz-checksum-crc32c",
    "x-amz-checksum-crc64nvme",
    "x-amz-checksum-sha1",
    "x-amz-checksum-sha256",
];

/// The checksums of a request by header, found right where they can be computed.
///
/// # Errors
/// `BadDigest` for a wrong one, `InvalidDigest` for a `Content-MD5` that is none.
pub(super) fn checked(request: &RestRequest) -> Result<Vec<(String, String)>, ApiError> {
    if let Some(given) = request.header("content-md5") {
        if STANDARD.decode(given).ok().is_none_or(|digest| digest.len() != 16) {
            return Err(ApiError::new(400, "InvalidDigest", "The Content-MD5 you specified was invalid."));
        }
        if given != STANDARD.encode(Md5::digest(&request.body)) {
            return Err(ApiError::new(
                400,
                "BadDigest",
                "The Content-MD5 you specified did not match what we received.",
            ));
        }
    }
    let mut found = Vec::new();
    for name in HEADERS {
        let Some(given) = request.header(name) else { continue };
        let computed = match name {
            "x-amz-checksum-crc32" => Some(STANDARD.encode(crc32fast::hash(&request.body).to_be_bytes())),
            "x-amz-checksum-sha256" => Some(STANDARD.encode(Sha256::digest(&request.body))),
            _ => None,
        };
        if computed.is_some_and(|computed| computed != given) {
            let algorithm = name.rsplit('-').next().unwrap_or(name).to_ascii_uppercase();
            let message = format!("The {algorithm} you specified did not match the calculated checksum.");
            return Err(ApiError::new(400, "BadDigest", message));
        }
        found.push((name.to_owned(), given.to_owned()));
    }
    Ok(found)
}
