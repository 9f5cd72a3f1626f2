//! Which addresses may be connected to.
//!
//! Whoever can choose a URL or answer a name must not reach what only this machine can: metadata
//! services hand out credentials to anybody who asks from here.
//! Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890); EC2 user guide, "Access
//! instance metadata" (169.254.169.254, fd00:ec2::254); RFC 6052 and 3056 for IPv4 inside IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use thiserror::Error;

/// What may be reached besides public addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// This machine.
    pub loopback: bool,
    /// Private networks: RFC 1918, shared address space, unique local addresses.
    pub private: bool,
}

/// Why an address is not connected to.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{address} is {what}, which is never connected to{hint}")]
pub struct Unreachable {
    /// The address.
    pub address: IpAddr,
    /// What kind of address it is.
    pub what: &'static str,
    /// How that could be changed, where it can.
    pub hint: &'static str,
}

impl Reach {
    /// Whether an address may be connected to.
    ///
    /// # Errors
    /// It may not.
    pub fn check(self, address: IpAddr) -> Result<(), Unreachable> {
        let what = match address {
            IpAddr::V4(address) => self.refuses_v4(address),
            IpAddr::V6(address) => self.refuses_v6(address),
        };
        match what {
            None => Ok(()),
            Some((what, hint)) => Err(Unreachable { address, what, hint }),
        }
    }

    fn refuses_v4(self, address: Ipv4Addr) -> Option<Refusal> {
        let [a, b, c, _] = address.octets();
        match (a, b, c) {
            (0, ..) => Some(("unspecified", "")),
            (127, ..) => self.loopback(),
            (169, 254, _) => Some(("link-local, where metadata services are", "")),
            (192, 0, 0) => Some(("reserved for protocols", "")),
            (10, ..) | (192, 168, _) => self.private(),
            (172, b, _) if b & 0xf0 == 16 => self.private(),
            (100, b, _) if b & 0xc0 == 64 => self.private(),
            (224..=239, ..) => Some(("multicast", "")),
            (240..=255, ..) => Some(("reserved or broadcast", "")),
            _ => None,
        }
    }

    fn refuses_v6(self, address: Ipv6Addr) -> Option<Refusal> {
        let segments = address.segments();
        if address == Ipv6Addr::LOCALHOST {
            return self.loopback();
        }
        if let Some(inside) = inside(address) {
            return self.refuses_v4(inside);
        }
        match segments[0] {
            0xfd00 if segments[1] == 0x0ec2 => Some(("of EC2's metadata service", "")),
            s if s & 0xfe00 == 0xfc00 => self.private(),
            s if s & 0xffc0 == 0xfe80 => Some(("link-local", "")),
            s if s & 0xffc0 == 0xfec0 => Some(("site-local", "")),
            s if s & 0xff00 == 0xff00 => Some(("multicast", "")),
            _ if address.is_unspecified() => Some(("unspecified", "")),
            _ => None,
        }
    }

    fn loopback(self) -> Option<Refusal> {
        (!self.loopback).then_some(("this machine", " unless notifications.allow_loopback is set"))
    }

    fn private(self) -> Option<Refusal> {
        (!self.private).then_some(("in a private network", " unless notifications.allow_private is set"))
    }
}

type Refusal = (&'static str, &'static str);

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, through NAT64 or 6to4.
fn inside(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let from = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => Some(from(high, low)),
        [0x64, 0xff9b, .., high, low] => Some(from(high, low)),
        [0x2002, high, low, ..] => Some(from(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(reach: Reach, text: &str) -> bool {
        reach.check(text.parse().expect("an address")).is_err()
    }

    const CLOSED: Reach = Reach { loopback: false, private: false };
    const OPEN: Reach = Reach { loopback: true, private: true };

    #[test]
    fn metadata_and_what_nobody_means_is_refused_whatever_is_allowed() {
        for address in [
            "169.254.169.254",
            "169.254.170.2",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.0.192",
            "::",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "::ffff:0:169.254.169.254",
            "::ffff:0.0.0.0",
        ] {
            assert!(refused(OPEN, address), "{address}");
            assert!(refused(CLOSED, address), "{address}");
        }
    }

    #[test]
    fn this_machine_and_private_networks_are_reached_where_that_is_allowed() {
        let loopback = Reach { loopback: true, private: false };
        let private = Reach { loopback: false, private: true };
        for address in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(refused(CLOSED, address) && refused(private, address), "{address}");
            assert!(!refused(loopback, address), "{address}");
        }
        for address in [
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.1",
            "192.168.1.1",
            "100.64.0.1",
            "100.100.100.200",
            "fc00::1",
            "fd12::1",
            "64:ff9b::10.0.0.1",
        ] {
            assert!(refused(CLOSED, address) && refused(loopback, address), "{address}");
            assert!(!refused(private, address), "{address}");
        }
    }

    #[test]
    fn public_addresses_are_reached() {
        for address in
            ["52.94.236.248", "172.32.0.1", "100.128.0.1", "192.0.1.1", "2600:1f18::1", "2001:4860::8888"]
        {
            assert!(!refused(CLOSED, address), "{address}");
        }
    }
}
