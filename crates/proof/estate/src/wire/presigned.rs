//! Presigned calls of GetCallerIdentity, which tokens of EKS carry: reading and verifying them.
//!
//! Source: IAM user guide, "Create a signed AWS API request", query parameters.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac as _;
use http::{HeaderMap, HeaderValue, Method, Uri};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::sigv4::{self, AuthProblem, Claim};
use crate::world::iam::Credentials;

/// How long a token is good after it was signed, whatever it says itself (aws-iam-authenticator).
const GOOD_FOR: SignedDuration = SignedDuration::from_mins(15);

/// A presigned request, read.
pub(crate) struct Presigned {
    /// What its signature covers.
    pub(crate) claim: Claim,
    /// The session's token; none with a user's key.
    pub(crate) session: Option<String>,
    uri: Uri,
    headers: HeaderMap,
    time: String,
}

/// A token for a cluster, as `aws eks get-token` makes it; for tests and tools without an SDK.
#[must_use]
pub fn token(credentials: &Credentials, region: &str, cluster: &str, at: Timestamp) -> String {
    let time = sigv4::compact_time(at);
    let host = format!("sts.{region}.amazonaws.com");
    let scope = format!("{}/{}/{region}/sts/aws4_request", credentials.access_key, &time[..8]);
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let mut query = format!(
        "Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}\
         &X-Amz-Date={time}&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id",
        encoded(&scope)
    );
    if let Some(session) = &credentials.token {
        query += &format!("&X-Amz-Security-Token={}", encoded(session));
    }
    let unsigned = format!("https://{host}/?{query}&X-Amz-Signature=");
    let signature = read(unsigned.as_bytes(), cluster).map(|it| {
        let request = sigv4::canonical_request(&Method::GET, &it.uri, &it.headers, &it.claim, b"");
        let mac = sigv4::signature(&credentials.secret, &it.claim, &time, &request);
        hex::encode(mac.finalize().into_bytes())
    });
    let url = format!("{unsigned}{}", signature.unwrap_or_default());
    format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(url))
}

/// Reads the URL of a token for a cluster; none where it is no presigned GetCallerIdentity.
#[must_use]
pub(crate) fn read(url: &[u8], cluster: &str) -> Option<Presigned> {
    let url: Uri = std::str::from_utf8(url).ok()?.parse().ok()?;
    let host = url.host()?;
    let is_sts =
        host == "sts.amazonaws.com" || (host.starts_with("sts.") && host.ends_with(".amazonaws.com"));
    if url.scheme_str() != Some("https") || !is_sts || !["", "/"].contains(&url.path()) {
        return None;
    }
    let pairs: Vec<(&str, &str)> =
        url.query()?.split('&').map(|it| it.split_once('=').unwrap_or((it, ""))).collect();
    let value = |name: &str| {
        let found = pairs.iter().find(|it| it.0.eq_ignore_ascii_case(name))?;
        Some(percent_decode_str(found.1).decode_utf8_lossy().into_owned())
    };
    if value("Action")? != "GetCallerIdentity" || value("X-Amz-Algorithm")? != "AWS4-HMAC-SHA256" {
        return None;
    }
    let credential = value("X-Amz-Credential")?;
    let scope: Vec<&str> = credential.split('/').collect();
    let [access_key, day, region, "sts", "aws4_request"] = scope[..] else { return None };
    let signed_headers: Vec<String> = value("X-Amz-SignedHeaders")?.split(';').map(str::to_owned).collect();
    if !["host", "x-k8s-aws-id"].iter().all(|it| signed_headers.iter().any(|signed| signed == it)) {
        return None;
    }
    let rest: Vec<String> = pairs
        .iter()
        .filter(|it| it.0 != "X-Amz-Signature")
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mut headers = HeaderMap::new();
    headers.insert(http::header::HOST, HeaderValue::from_str(host).ok()?);
    headers.insert("x-k8s-aws-id", HeaderValue::from_str(cluster).ok()?);
    let claim = Claim {
        access_key: access_key.to_owned(),
        day: day.to_owned(),
        region: region.to_owned(),
        service: "sts".to_owned(),
        signed_headers,
        signature: value("X-Amz-Signature")?,
    };
    let uri = format!("/?{}", rest.join("&")).parse().ok()?;
    Some(Presigned {
        claim,
        session: value("X-Amz-Security-Token"),
        uri,
        headers,
        time: value("X-Amz-Date")?,
    })
}

/// Checks that the signature is the one the secret gives and, where `now` is given, that it is young enough.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn verify(presigned: &Presigned, secret: &str, now: Option<Timestamp>) -> Result<(), AuthProblem> {
    let Presigned { claim, uri, headers, time, .. } = presigned;
    let request = sigv4::canonical_request(&Method::GET, uri, headers, claim, b"");
    sigv4::matches(secret, claim, time, &request)?;
    let signed = sigv4::parse_time(time).ok_or(AuthProblem::WrongSignature)?;
    match now {
        Some(now) if now.duration_since(signed).abs() > GOOD_FOR => Err(AuthProblem::Expired),
        _ => Ok(()),
    }
}
