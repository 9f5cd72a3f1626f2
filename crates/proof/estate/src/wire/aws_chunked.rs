//! Bodies in S3's chunks, `aws-chunked`: unsigned ones with trailers, as SDKs send them, and signed
//! ones, whose own signatures are not verified.
//!
//! Rules: <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

use crate::call::ApiError;

/// The body out of its chunks, and the trailers behind it; a body without chunks is as its
/// `x-amz-content-sha256` says.
///
/// # Errors
/// S3's errors for a body that its headers contradict.
pub fn read(headers: &HeaderMap, body: &Bytes) -> Result<(Bytes, HeaderMap), ApiError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let declared = text("x-amz-content-sha256");
    if !declared.starts_with("STREAMING-") {
        let plain = declared.is_empty() || declared == "UNSIGNED-PAYLOAD";
        if !plain && declared != hex::encode(Sha256::digest(body)) {
            return Err(ApiError::new(
                400,
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            ));
        }
        return Ok((body.clone(), HeaderMap::new()));
    }
    let (whole, trailers) = chunks(body).ok_or_else(|| {
        ApiError::new(
            400,
            "IncompleteBody",
            "The request body terminated unexpectedly: it is not a sequence of aws-chunked chunks",
        )
    })?;
    let length = text("x-amz-decoded-content-length");
    if length.parse() != Ok(whole.len()) {
        let message = format!(
            "You did not provide the number of bytes specified by the x-amz-decoded-content-length HTTP header: \
             {length} were announced, {} came",
            whole.len()
        );
        return Err(ApiError::new(400, "IncompleteBody", message));
    }
    for announced in text("x-amz-trailer").split(',').map(str::trim).filter(|name| !name.is_empty()) {
        if !trailers.contains_key(announced) {
            let message = format!("The trailer {announced} was announced and did not come");
            return Err(ApiError::new(400, "MalformedTrailerError", message));
        }
    }
    Ok((whole, trailers))
}

fn chunks(body: &Bytes) -> Option<(Bytes, HeaderMap)> {
    let mut whole = BytesMut::new();
    let mut rest = &body[..];
    loop {
        let head = line(&mut rest)?;
        let size = usize::from_str_radix(head.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            break;
        }
        whole.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size..)?.strip_prefix(b"\r\n")?;
    }
    let mut trailers = HeaderMap::new();
    while !rest.is_empty() {
        let trailer = line(&mut rest)?;
        if let Some((name, value)) = trailer.split_once(':') {
            let name = HeaderName::from_bytes(name.trim().as_bytes()).ok()?;
            trailers.insert(name, HeaderValue::from_str(value.trim()).ok()?);
        }
    }
    Some((whole.freeze(), trailers))
}

/// The next line, which `rest` then begins behind.
fn line<'b>(rest: &mut &'b [u8]) -> Option<&'b str> {
    let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
    let (found, behind) = (&rest[..end], &rest[end + 2..]);
    *rest = behind;
    std::str::from_utf8(found).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streamed(length: &str, body: &'static str) -> Result<(Bytes, HeaderMap), ApiError> {
        let headers = [
            ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
            ("x-amz-decoded-content-length", length),
            ("x-amz-trailer", "x-amz-checksum-crc32"),
        ];
        let headers = headers.map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).expect("plain"))
        });
        read(&headers.into_iter().collect(), &Bytes::from_static(body.as_bytes()))
    }

    #[test]
    fn chunks_become_one_body_and_the_trailer_a_header() {
        let body = "4\r\nab\r\n\r\n3;chunk-signature=00\r\ncde\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
        let (whole, trailers) = streamed("7", body).expect("it reads");
        assert_eq!(whole, "ab\r\ncde");
        assert_eq!(trailers["x-amz-checksum-crc32"], "AAAAAA==");
    }

    #[test]
    fn a_body_that_is_cut_or_shorter_than_announced_is_refused() {
        let refused = |length, body| streamed(length, body).expect_err("refused").code;
        assert_eq!(refused("3", "3\r\nab"), "IncompleteBody");
        assert_eq!(refused("4", "3\r\nabc\r\n0\r\nx-amz-checksum-crc32:A\r\n\r\n"), "IncompleteBody");
        assert_eq!(refused("3", "3\r\nabc\r\n0\r\n\r\n"), "MalformedTrailerError");
    }
}
