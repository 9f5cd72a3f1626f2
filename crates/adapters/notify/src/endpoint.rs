//! Where requests go: an address that was looked at before anything is sent.

use std::fmt;

use thiserror::Error;
use url::{Host, Url};

use crate::address::Reach;

/// A URL that may be connected to, as far as it can be told before its name is resolved. Its path is
/// often a secret, so nothing but its host is ever shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

/// Why a URL is not used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct InvalidEndpoint(String);

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.origin())
    }
}

impl Endpoint {
    /// Reads a URL: `https://`, or `http://` to this machine where that may be reached.
    ///
    /// # Errors
    /// It is none, has another scheme, a user or a fragment, or an address that is never connected to.
    pub fn parse(text: &str, reach: Reach) -> Result<Self, InvalidEndpoint> {
        let wrong = |words: String| Err(InvalidEndpoint(words));
        let url = match Url::parse(text.trim()) {
            Ok(url) => url,
            Err(error) => return wrong(format!("it is not a URL: {error}")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return wrong("it has a user in it; credentials have keys of their own".to_owned());
        }
        if url.fragment().is_some() {
            return wrong("it has a fragment (#…), which is never sent".to_owned());
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            Some(Host::Domain(_)) => None,
            None => return wrong("it has no host".to_owned()),
        };
        if let Some(address) = literal
            && let Err(refused) = reach.check(address)
        {
            return wrong(refused.to_string());
        }
        let here = literal.is_some_and(|address: std::net::IpAddr| address.is_loopback());
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if here => Ok(Self(url)),
            "http" => wrong(
                "it begins with http://, so anybody on the way could read and change it; use https://"
                    .to_owned(),
            ),
            scheme => wrong(format!("{scheme}:// is no way to send a message; use https://")),
        }
    }

    /// Scheme, host and port: what may be shown.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// The same place with another path and query.
    pub(crate) fn at(&self, path: &str, query: &[(&str, &str)]) -> Self {
        let mut url = self.0.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{path}"));
        url.set_query(None);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Self(url)
    }

    /// The whole of it, for people who look a record up; never one with a secret.
    pub(crate) fn shown(&self) -> String {
        self.0.to_string()
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The host, without the brackets of IPv6.
    pub(crate) fn host(&self) -> String {
        match self.0.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => String::new(),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or(443)
    }

    /// What the `Host` header says.
    pub(crate) fn authority(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Path and query.
    pub(crate) fn target(&self) -> String {
        let query = self.0.query().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}{query}", self.0.path())
    }

    /// What of it is to be masked wherever it shows up.
    pub(crate) fn secret(&self) -> Option<String> {
        let target = self.target();
        (target.len() > 1).then_some(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Reach = Reach { loopback: true, private: true };

    #[test]
    fn https_is_taken_and_http_only_to_this_machine() {
        assert!(Endpoint::parse("https://example.com/a?b=c", Reach::default()).is_ok());
        assert!(Endpoint::parse("http://127.0.0.1:8080/a", OPEN).is_ok());
        assert!(Endpoint::parse("http://[::1]:8080/a", OPEN).is_ok());
        for text in [
            "http://example.com/",
            "http://10.0.0.1/",
            "http://127.0.0.1/",
            "ftp://example.com/",
            "file:///etc/passwd",
            "https://",
            "example.com",
            "https://me:pw@example.com/",
            "https://example.com/#x",
            "https://169.254.169.254/",
            "https://0xa9fea9fe/",
            "https://2852039166/",
            "https://[::ffff:a9fe:a9fe]/",
        ] {
            assert!(Endpoint::parse(text, Reach::default()).is_err(), "{text}");
        }
        for text in [
            "http://example.com/",
            "http://10.0.0.1/",
            "http://localhost/",
            "https://169.254.1.1/",
            "https://0251.0376.0251.0376/",
        ] {
            assert!(Endpoint::parse(text, OPEN).is_err(), "{text}");
        }
    }

    #[test]
    fn only_the_origin_is_shown() {
        let endpoint = Endpoint::parse("https://hooks.slack.com/services/T0/B0/x", Reach::default());
        assert_eq!(format!("{:?}", endpoint.expect("a URL")), "Endpoint(https://hooks.slack.com)");
    }
}
