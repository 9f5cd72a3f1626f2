//! Endpoints that must answer while a cluster is upgraded, as `shop=https://shop.example.com/health`.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::query::named;

/// How long an endpoint may take to answer, its name and its certificate included.
pub const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// Characters of an address at most.
const LONGEST: usize = 2_000;
/// The metadata service of EC2 over IPv6. Source: EC2 user guide, "Access instance metadata".
const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// An address that is asked with GET. It is well where it answers 2xx or 3xx within [`ANSWERS_WITHIN`]; redirects are not
/// followed, and nobody reads what it says. What is behind `?` may be a secret: it is shown nowhere.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Endpoint {
    name: String,
    url: String,
}

/// How an endpoint is that does not answer as it should.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unwell {
    /// With another status.
    Status(u16),
    /// Not in time.
    Late,
    /// Not at all, and why: nobody listens, the connection breaks, the certificate is not good. Untrusted text.
    Silent(String),
}

/// A text that is no endpoint. Says nothing of what is behind `?`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an endpoint is NAME=URL, such as `shop=https://shop.example.com/health`: {0}")]
pub struct InvalidEndpoint(&'static str);

/// An endpoint as plans have it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    url: String,
}

impl TryFrom<Written> for Endpoint {
    type Error = InvalidEndpoint;

    fn try_from(Written { name, url }: Written) -> Result<Self, InvalidEndpoint> {
        Self::from_str(&format!("{name}={url}"))
    }
}

impl From<Endpoint> for Written {
    fn from(Endpoint { name, url }: Endpoint) -> Self {
        Self { name, url }
    }
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let (name, url) = named(text).map_err(InvalidEndpoint)?;
        let url = url.trim();
        judge(url).map_err(InvalidEndpoint)?;
        Ok(Self { name: name.to_owned(), url: url.to_owned() })
    }
}

/// Whether an address may be asked.
fn judge(url: &str) -> Result<(), &'static str> {
    // Source: RFC 3986, appendix A: what an address cannot have as it is.
    let plain = |c: char| c.is_ascii_graphic() && !r#""<>\^`{|}"#.contains(c);
    if url.len() > LONGEST || !url.chars().all(plain) {
        return Err(
            "an address has 2,000 characters at most, and no spaces; others than ASCII are escaped with '%'",
        );
    }
    if url.contains('#') {
        return Err("a server never hears of what is behind '#'; leave it out");
    }
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let rest = rest.ok_or("the address begins with https:// (or http://)")?;
    let authority = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
    if authority.contains('@') {
        return Err("the address has no user and no password");
    }
    let host = host(authority)?;
    match host.parse::<IpAddr>() {
        Ok(ip) if is_link_local(ip) => {
            Err("nothing is asked at link-local addresses, where instance metadata is")
        }
        // Resolvers take other forms of numbers for addresses as well.
        Err(_) if ends_in_a_number(host) => Err("the host is a name or an IP address"),
        _ => Ok(()),
    }
}

/// Source: URL Standard, "ends-in-a-number checker".
fn ends_in_a_number(host: &str) -> bool {
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    last.bytes().all(|b| b.is_ascii_digit()) || last.to_ascii_lowercase().starts_with("0x")
}

/// The host of an authority, whose port is a number from 1 to 65535.
fn host(authority: &str) -> Result<&str, &'static str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or("the address of the host has no ']'")?;
            host.parse::<Ipv6Addr>().map_err(|_| "between '[' and ']' is an IPv6 address")?;
            (host, port.strip_prefix(':').or(port.is_empty().then_some("443")))
        }
        None => {
            let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
            let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
            if host.is_empty() || !host.chars().all(plain) {
                return Err("the host is a name or an IP address");
            }
            (host, Some(port))
        }
    };
    let is_port =
        |port: &str| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|it| it > 0);
    match port.is_some_and(is_port) {
        true => Ok(host),
        false => Err("the port is a number from 1 to 65535"),
    }
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => {
            ip == METADATA
                || ip.is_unicast_link_local()
                || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_link_local())
        }
    }
}

impl Endpoint {
    /// What it is called in plans and reports.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole address, to be asked. It may have a secret in it: show [`Endpoint::shown`].
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether it is asked over TLS.
    pub fn is_https(&self) -> bool {
        self.url.starts_with("https://")
    }

    /// The address without what is behind `?`.
    pub fn shown(&self) -> String {
        match self.url.split_once('?') {
            None => self.url.clone(),
            Some((address, _)) => format!("{address}?…"),
        }
    }

    /// As [`Endpoint::shown`], so that two queries can be told apart: with the begin of a digest.
    pub fn compared(&self) -> String {
        match self.url.split_once('?') {
            None => self.url.clone(),
            Some((address, query)) => {
                let digest = Sha256::digest(query);
                let begin: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
                format!("{address}?… (SHA-256 {begin}…)")
            }
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.shown())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

impl Unwell {
    /// What a status says against an endpoint; none where it is well.
    pub fn of_status(status: u16) -> Option<Self> {
        (!(200..400).contains(&status)).then_some(Self::Status(status))
    }
}

impl fmt::Display for Unwell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "answers {status}"),
            Self::Late => write!(f, "does not answer within {} s", ANSWERS_WITHIN.as_secs()),
            Self::Silent(why) => write!(f, "does not answer: {why}"),
        }
    }
}

#[cfg(test)]
mod tests;
