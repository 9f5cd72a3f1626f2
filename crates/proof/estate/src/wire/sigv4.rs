//! Signature Version 4: reading the `Authorization` header and verifying the signature.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::world::iam::Credentials;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// How far a signature's time may be from the estate's, either way.
const SKEW_ALLOWED: SignedDuration = SignedDuration::from_mins(15);

/// Everything but the unreserved characters of RFC 3986.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The same for a path, where slashes stay.
const PATH: &AsciiSet = &UNRESERVED.remove(b'/');

/// What an `Authorization` header claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The access key id.
    pub access_key: String,
    /// The day of the credential scope, `YYYYMMDD`.
    pub day: String,
    /// The region of the credential scope.
    pub region: String,
    /// The service of the credential scope.
    pub service: String,
    /// Names of the signed headers, in lower case and in order.
    pub signed_headers: Vec<String>,
    /// The signature, in hexadecimal.
    pub signature: String,
}

/// What is wrong with a request's authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthProblem {
    /// There is no `Authorization` header.
    Missing,
    /// The signature is in the query string.
    Presigned,
    /// The header lacks something or cannot be read; says what.
    Incomplete(String),
    /// The access key is not known, or does not go with the session token.
    UnknownKey,
    /// The signature is not the one these credentials give.
    WrongSignature,
    /// The request is outside what the signature may cover; says why.
    WrongScope(String),
    /// The signature's time is too far from now; says how.
    Skewed(String),
    /// The session has ended.
    Expired,
}

/// Reads the claim of a request.
///
/// # Errors
/// The header is missing or cannot be read, or the request is presigned.
pub fn claim(uri: &Uri, headers: &HeaderMap) -> Result<Claim, AuthProblem> {
    let Some(header) = headers.get(http::header::AUTHORIZATION) else {
        let presigned = uri.query().is_some_and(|q| q.contains("X-Amz-Signature="));
        return Err(if presigned { AuthProblem::Presigned } else { AuthProblem::Missing });
    };
    let incomplete = |what: &str| AuthProblem::Incomplete(what.to_owned());
    let text = header.to_str().map_err(|_| incomplete("Authorization header is not ASCII."))?;
    let Some(rest) = text.strip_prefix(ALGORITHM) else {
        return Err(incomplete("Authorization header requires the algorithm 'AWS4-HMAC-SHA256'."));
    };
    let part = |name: &str| {
        rest.split(',')
            .filter_map(|p| p.trim().split_once('='))
            .find(|(key, value)| *key == name && !value.is_empty())
            .map(|(_, value)| value)
            .ok_or_else(|| {
                AuthProblem::Incomplete(format!("Authorization header requires '{name}' parameter."))
            })
    };
    let (credential, signed, signature) = (part("Credential")?, part("SignedHeaders")?, part("Signature")?);
    let scope: Vec<&str> = credential.split('/').collect();
    let [access_key, day, region, service, "aws4_request"] = scope[..] else {
        return Err(AuthProblem::Incomplete(
            "Credential must have exactly 5 slash-delimited elements, e.g. \
             keyid/date/region/service/term."
                .to_owned(),
        ));
    };
    Ok(Claim {
        access_key: access_key.to_owned(),
        day: day.to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
        signed_headers: signed.split(';').map(str::to_ascii_lowercase).collect(),
        signature: signature.to_owned(),
    })
}

/// Checks that the signature is the one the secret gives and, where `now` is given, that it is
/// not older or newer than 15 minutes.
///
/// # Errors
/// What is wrong with the signature.
pub fn verify(
    claim: &Claim,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
    secret: &str,
    now: Option<Timestamp>,
) -> Result<(), AuthProblem> {
    require_signed(claim, headers)?;
    let time_text = headers.get("x-amz-date").and_then(|v| v.to_str().ok()).ok_or_else(|| {
        AuthProblem::Incomplete(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' \
                 header."
                .to_owned(),
        )
    })?;
    let time = parse_time(time_text).ok_or_else(|| {
        AuthProblem::Incomplete(format!(
            "Date must be in ISO-8601 'basic format'. Got '{time_text}'. See \
             http://en.wikipedia.org/wiki/ISO_8601"
        ))
    })?;
    if !time_text.starts_with(&claim.day) {
        return Err(AuthProblem::WrongScope(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from \
             HTTP: '{}' != '{}', from '{time_text}'.",
            claim.day,
            &time_text[..8]
        )));
    }
    let request = canonical_request(method, uri, headers, claim, body);
    matches(secret, claim, time_text, &request)?;
    now.map_or(Ok(()), |now| check_age(time, now))
}

/// `host` and every `x-amz-` header have to be signed.
fn require_signed(claim: &Claim, headers: &HeaderMap) -> Result<(), AuthProblem> {
    let signed = |name: &str| claim.signed_headers.iter().any(|s| s == name);
    if !signed("host") {
        return Err(AuthProblem::WrongScope(
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.".to_owned(),
        ));
    }
    match headers.keys().map(HeaderName::as_str).find(|name| name.starts_with("x-amz-") && !signed(name)) {
        Some(name) => Err(AuthProblem::WrongScope(format!(
            "'{name}' must be a 'SignedHeader' in the AWS Authorization."
        ))),
        None => Ok(()),
    }
}

fn check_age(time: Timestamp, now: Timestamp) -> Result<(), AuthProblem> {
    let [signed_at, at] = [time, now].map(compact_time);
    if time + SKEW_ALLOWED < now {
        let oldest = compact_time(now - SKEW_ALLOWED);
        return Err(AuthProblem::Skewed(format!(
            "Signature expired: {signed_at} is now earlier than {oldest} ({at} - 15 min.)"
        )));
    }
    if time > now + SKEW_ALLOWED {
        let newest = compact_time(now + SKEW_ALLOWED);
        return Err(AuthProblem::Skewed(format!(
            "Signature not yet current: {signed_at} is still later than {newest} ({at} + 15 min.)"
        )));
    }
    Ok(())
}

/// Signs a request as a client does, for tests and tools without an SDK: adds `x-amz-date`, the
/// session token and `authorization`. The `host` header has to be there already.
///
/// # Panics
/// A credential or the scope holds characters that no header can carry.
pub fn sign(
    request: &mut http::Request<bytes::Bytes>,
    credentials: &Credentials,
    region: &str,
    service: &str,
    at: Timestamp,
) {
    let time = compact_time(at);
    let header = |text: &str| HeaderValue::from_str(text).expect("credentials are plain ASCII");
    let headers = request.headers_mut();
    headers.insert("x-amz-date", header(&time));
    if let Some(token) = &credentials.token {
        headers.insert("x-amz-security-token", header(token));
    }
    let mut signed_headers: Vec<String> = headers
        .keys()
        .map(|name| name.as_str().to_owned())
        .filter(|name| name == "host" || name == "content-type" || name.starts_with("x-amz-"))
        .collect();
    signed_headers.sort_unstable();
    let mut claim = Claim {
        access_key: credentials.access_key.clone(),
        day: time[..8].to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
        signed_headers,
        signature: String::new(),
    };
    let text = canonical_request(request.method(), request.uri(), request.headers(), &claim, request.body());
    let mac = signature(&credentials.secret, &claim, &time, &text);
    claim.signature = hex::encode(mac.finalize().into_bytes());
    let authorization = format!(
        "{ALGORITHM} Credential={}/{}/{region}/{service}/aws4_request, SignedHeaders={}, \
         Signature={}",
        claim.access_key,
        claim.day,
        claim.signed_headers.join(";"),
        claim.signature
    );
    request.headers_mut().insert(http::header::AUTHORIZATION, header(&authorization));
}

/// Checks the signature over a canonical request.
///
/// # Errors
/// It is not the one that the secret gives.
pub(super) fn matches(secret: &str, claim: &Claim, time: &str, canonical: &str) -> Result<(), AuthProblem> {
    let given = hex::decode(&claim.signature).map_err(|_| AuthProblem::WrongSignature)?;
    let mac = signature(secret, claim, time, canonical);
    mac.verify_slice(&given).map_err(|_| AuthProblem::WrongSignature)
}

pub(super) fn canonical_request(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    claim: &Claim,
    body: &[u8],
) -> String {
    let signed_headers = &claim.signed_headers;
    let mut text = String::with_capacity(512);
    text.push_str(method.as_str());
    text.push('\n');
    // Every service but S3 encodes the path as it was sent once more.
    let path = match claim.service.as_str() {
        "s3" => percent_decode_str(uri.path()).collect(),
        _ => uri.path().as_bytes().to_vec(),
    };
    write!(text, "{}", percent_encode(&path, PATH)).expect("a String takes any text");
    text.push('\n');
    canonical_query(&mut text, uri.query().unwrap_or(""));
    text.push('\n');
    for name in signed_headers {
        text.push_str(name);
        text.push(':');
        for (at, value) in headers.get_all(name.as_str()).iter().enumerate() {
            if at > 0 {
                text.push(',');
            }
            let value = String::from_utf8_lossy(value.as_bytes());
            for (at, word) in value.split_ascii_whitespace().enumerate() {
                if at > 0 {
                    text.push(' ');
                }
                text.push_str(word);
            }
        }
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&signed_headers.join(";"));
    text.push('\n');
    // S3's clients say what they signed instead of the body: a digest, which is compared with the
    // body when that is read, or that they signed none.
    let declared = headers.get("x-amz-content-sha256").and_then(|value| value.to_str().ok());
    match declared.filter(|_| claim.service == "s3") {
        Some(declared) => text.push_str(declared),
        None => text.push_str(&hex::encode(Sha256::digest(body))),
    }
    text
}

fn canonical_query(text: &mut String, query: &str) {
    if query.is_empty() {
        return;
    }
    let encode = |part: &str| {
        let decoded = percent_decode_str(part).decode_utf8_lossy().into_owned();
        utf8_percent_encode(&decoded, UNRESERVED).to_string()
    };
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (encode(key), encode(value)))
        .collect();
    pairs.sort_unstable();
    for (at, (key, value)) in pairs.iter().enumerate() {
        if at > 0 {
            text.push('&');
        }
        text.push_str(key);
        text.push('=');
        text.push_str(value);
    }
}

/// The signature over a canonical request, ready to be compared or read.
pub(super) fn signature(secret: &str, claim: &Claim, time: &str, canonical: &str) -> Hmac<Sha256> {
    let scope = format!("{}/{}/{}/aws4_request", claim.day, claim.region, claim.service);
    let mut key = keyed(format!("AWS4{secret}").as_bytes(), &claim.day);
    for part in [claim.region.as_str(), claim.service.as_str(), "aws4_request"] {
        key = keyed(&key.finalize().into_bytes(), part);
    }
    let digest = hex::encode(Sha256::digest(canonical.as_bytes()));
    keyed(&key.finalize().into_bytes(), &format!("{ALGORITHM}\n{time}\n{scope}\n{digest}"))
}

fn keyed(key: &[u8], text: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac
}

/// `20260302T080000Z`.
pub(super) fn compact_time(time: Timestamp) -> String {
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

pub(super) fn parse_time(text: &str) -> Option<Timestamp> {
    if text.len() != 16 || !text.is_ascii() {
        return None;
    }
    let civil = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    /// The vectors `get-vanilla` and `post-vanilla` of AWS's Signature Version 4 test suite.
    fn vector(method: Method, signature: &str) -> Result<(), AuthProblem> {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("example.amazonaws.com"));
        headers.insert("x-amz-date", HeaderValue::from_static("20150830T123600Z"));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature={signature}"
        );
        headers.insert("authorization", HeaderValue::from_str(&authorization).expect("a header"));
        let uri = Uri::from_static("/");
        let claim = claim(&uri, &headers)?;
        verify(&claim, &method, &uri, &headers, b"", SECRET, None)
    }

    #[test]
    fn the_published_vectors_verify_and_any_other_signature_does_not() {
        let get = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        let post = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
        assert_eq!(vector(Method::GET, get), Ok(()));
        assert_eq!(vector(Method::POST, post), Ok(()));
        assert_eq!(vector(Method::GET, post), Err(AuthProblem::WrongSignature));
        assert_eq!(vector(Method::GET, "zz"), Err(AuthProblem::WrongSignature));
    }

    #[test]
    fn an_incomplete_header_says_what_is_missing() {
        let mut headers = HeaderMap::new();
        let uri = Uri::from_static("/");
        assert_eq!(claim(&uri, &headers), Err(AuthProblem::Missing));
        headers.insert(
            "authorization",
            HeaderValue::from_static("AWS4-HMAC-SHA256 Credential=A/1/r/s/aws4_request, SignedHeaders=host"),
        );
        assert_eq!(
            claim(&uri, &headers),
            Err(AuthProblem::Incomplete("Authorization header requires 'Signature' parameter.".to_owned()))
        );
        let presigned = Uri::from_static("/?X-Amz-Signature=00");
        assert_eq!(claim(&presigned, &HeaderMap::new()), Err(AuthProblem::Presigned));
    }

    fn signed_at(at: &str) -> (http::Request<bytes::Bytes>, Claim) {
        let credentials = Credentials {
            access_key: "AKIDEXAMPLE".to_owned(),
            secret: SECRET.to_owned(),
            token: Some("token".to_owned()),
            expires: None,
        };
        let mut request = http::Request::post("/?b=2&a=%C3%A9")
            .header("host", "127.0.0.1:4566")
            .body(bytes::Bytes::from_static(b"Action=X"))
            .expect("a request");
        let at = at.parse().expect("a time");
        sign(&mut request, &credentials, "eu-central-1", "ec2", at);
        let claim = claim(request.uri(), request.headers()).expect("a claim");
        (request, claim)
    }

    fn verified(request: &http::Request<bytes::Bytes>, claim: &Claim, now: &str) -> Result<(), AuthProblem> {
        verify(
            claim,
            request.method(),
            request.uri(),
            request.headers(),
            request.body(),
            SECRET,
            Some(now.parse().expect("a time")),
        )
    }

    #[test]
    fn a_signature_lives_fifteen_minutes_either_way() {
        let (request, claim) = signed_at("2026-03-02T08:00:00Z");
        assert_eq!(verified(&request, &claim, "2026-03-02T08:15:00Z"), Ok(()));
        assert_eq!(verified(&request, &claim, "2026-03-02T07:45:00Z"), Ok(()));
        let late = verified(&request, &claim, "2026-03-02T08:15:01Z");
        assert!(matches!(late, Err(AuthProblem::Skewed(m)) if m.starts_with("Signature expired")));
        let early = verified(&request, &claim, "2026-03-02T07:44:59Z");
        assert!(matches!(early, Err(AuthProblem::Skewed(m)) if m.starts_with("Signature not yet")));
    }

    #[test]
    fn a_changed_body_query_or_token_breaks_the_signature() {
        let now = "2026-03-02T08:00:00Z";
        let (mut request, claim) = signed_at(now);
        *request.body_mut() = bytes::Bytes::from_static(b"Action=Y");
        assert_eq!(verified(&request, &claim, now), Err(AuthProblem::WrongSignature));
        let (mut request, claim) = signed_at(now);
        *request.uri_mut() = Uri::from_static("/?a=%C3%A9&b=3");
        assert_eq!(verified(&request, &claim, now), Err(AuthProblem::WrongSignature));
        let (mut request, claim) = signed_at(now);
        request.headers_mut().insert("x-amz-security-token", HeaderValue::from_static("other"));
        assert_eq!(verified(&request, &claim, now), Err(AuthProblem::WrongSignature));
    }

    #[test]
    fn a_header_that_must_be_signed_and_is_not_is_named() {
        let now = "2026-03-02T08:00:00Z";
        let (mut request, claim) = signed_at(now);
        request.headers_mut().insert("x-amz-target", HeaderValue::from_static("AmazonSSM.X"));
        let problem = verified(&request, &claim, now);
        assert!(matches!(problem, Err(AuthProblem::WrongScope(m)) if m.contains("x-amz-target")));
    }
}
