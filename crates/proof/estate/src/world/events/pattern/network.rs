//! Networks of IPv4 and IPv6.

use std::net::IpAddr;

use super::PatternError;

/// Addresses that begin with the same bits (RFC 4632; RFC 4291, 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    pub(super) fn parse(text: &str) -> Result<Self, PatternError> {
        let malformed = || PatternError::new(format!("Malformed CIDR: {text}"));
        let (address, prefix) = text.split_once('/').ok_or_else(malformed)?;
        let address: IpAddr = address.parse().map_err(|_| malformed())?;
        let prefix = prefix.parse().ok().filter(|bits| *bits <= width(address)).ok_or_else(malformed)?;
        Ok(Self { address, prefix })
    }

    pub(super) fn holds(&self, text: &str) -> bool {
        let Ok(address) = text.parse::<IpAddr>() else { return false };
        address.is_ipv4() == self.address.is_ipv4() && self.head(address) == self.head(self.address)
    }

    /// The bits that count.
    fn head(&self, address: IpAddr) -> u128 {
        let bits = match address {
            IpAddr::V4(address) => u128::from(address.to_bits()),
            IpAddr::V6(address) => address.to_bits(),
        };
        bits.checked_shr(width(address) - self.prefix).unwrap_or_default()
    }
}

const fn width(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}
