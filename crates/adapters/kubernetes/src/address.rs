//! Where a cluster's API server is.

use std::net::IpAddr;

use http::Uri;

/// An address that requests can be sent to: scheme, host, and a path that all of the API's paths follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    base: String,
    encrypted: bool,
}

impl Address {
    /// Reads an address. A token must not go over the network in plain text: `http` leads to this machine only.
    ///
    /// # Errors
    /// In words: what is wrong with it.
    pub(crate) fn read(text: &str) -> Result<Self, &'static str> {
        let uri: Uri = text.parse().map_err(|_| "it is no URL")?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err("it has no scheme or no host");
        };
        if authority.as_str().contains('@') {
            return Err("it holds a user's name; the caller is told by the token");
        }
        if uri.query().is_some() {
            return Err("it has a query");
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let encrypted = match scheme {
            "https" => true,
            "http" if here => false,
            "http" => return Err("a token is not sent without encryption: the scheme must be https"),
            _ => return Err("the scheme must be https"),
        };
        let base = format!("{scheme}://{authority}{}", uri.path().trim_end_matches('/'));
        Ok(Self { base, encrypted })
    }

    /// Whether it is reached over TLS.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// The URL of one of the API's paths, with its query.
    pub(crate) fn of(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_the_address_comes_before_the_apis_own() {
        let of = |text| Address::read(text).map(|address| address.of("/api/v1/pods?limit=1"));
        let eks = "https://ABC.gr7.eu-central-1.eks.amazonaws.com";
        assert_eq!(of(eks), Ok(format!("{eks}/api/v1/pods?limit=1")));
        let estate = "http://127.0.0.1:4566/_clusters/ID/";
        assert_eq!(of(estate), Ok("http://127.0.0.1:4566/_clusters/ID/api/v1/pods?limit=1".to_owned()));
        assert!(Address::read("http://[::1]:1/").is_ok_and(|address| !address.is_encrypted()));
    }

    #[test]
    fn what_is_no_address_or_would_show_the_token_is_refused() {
        for (text, said) in [
            ("", "it is no URL"),
            ("/apis", "it has no scheme or no host"),
            ("ftp://x", "the scheme must be https"),
            ("http://10.0.0.1", "a token is not sent without encryption: the scheme must be https"),
            (
                "http://localhost.example.org",
                "a token is not sent without encryption: the scheme must be https",
            ),
            ("https://u:p@x", "it holds a user's name; the caller is told by the token"),
            ("https://x/?y=z", "it has a query"),
        ] {
            assert_eq!(Address::read(text), Err(said), "{text:?}");
        }
    }
}
