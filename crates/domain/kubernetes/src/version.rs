//! Minor versions, the hops between them, and how far components may lie apart.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A minor version of Kubernetes 1, for example 1.36. Patch levels and vendors' suffixes do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Minor(u16);

/// A text that names no minor version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a Kubernetes version such as 1.36 or v1.36.2-eks-3cfe0ce")]
pub struct InvalidMinor(String);

/// A target that no upgrade leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no upgrade leads from {from} to {to}: choose a version newer than {from}")]
pub struct UnreachableMinor {
    /// Where the cluster is.
    pub from: Minor,
    /// Where it was to go.
    pub to: Minor,
}

/// One upgrade of the control plane: from a minor version to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hop {
    /// The version before.
    pub from: Minor,
    /// The version after; the next minor.
    pub to: Minor,
}

/// How a component's version lies to that of the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skew {
    /// Within the policy.
    Supported,
    /// Newer than the API server, which no component may be.
    Newer,
    /// Older than the policy allows.
    TooOld {
        /// The oldest version that is allowed beside this API server.
        oldest: Minor,
    },
}

impl Minor {
    /// The version `1.number`.
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// The number behind the dot.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The next minor version.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The minor version before, if there is one.
    pub fn previous(self) -> Option<Self> {
        self.0.checked_sub(1).map(Self)
    }

    /// How many minor versions `self` is older than `other`; 0 where it is not older.
    pub fn older_than(self, other: Self) -> u16 {
        other.0.saturating_sub(self.0)
    }

    /// The hops to `target`, one minor each; none where the cluster is there already.
    ///
    /// Source: EKS User Guide, "Update existing cluster to new Kubernetes version": one minor at a time.
    ///
    /// # Errors
    /// [`UnreachableMinor`] when `target` is older.
    pub fn hops_to(self, target: Self) -> Result<Vec<Hop>, UnreachableMinor> {
        if target < self {
            return Err(UnreachableMinor { from: self, to: target });
        }
        Ok((self.0..target.0).map(|number| Hop { from: Self(number), to: Self(number + 1) }).collect())
    }
}

/// The first kubelet and kube-proxy that may lag three minors; older ones may lag two.
///
/// Source: kubernetes.io, "Version Skew Policy".
const THREE_MINORS_SINCE: Minor = Minor(25);

/// Whether a kubelet, or a kube-proxy, may serve beside an API server of this version.
///
/// Source: kubernetes.io, "Version Skew Policy": never newer; three minors older, two before 1.25.
pub fn skew(component: Minor, api_server: Minor) -> Skew {
    if component > api_server {
        return Skew::Newer;
    }
    let lag = |component: Minor| if component >= THREE_MINORS_SINCE { 3 } else { 2 };
    if component.older_than(api_server) <= lag(component) {
        return Skew::Supported;
    }
    let allowed = |older: &u16| {
        let candidate = Minor(api_server.0.saturating_sub(*older));
        candidate.older_than(api_server) <= lag(candidate)
    };
    let widest = [3, 2].into_iter().find(|older| allowed(older)).unwrap_or(0);
    Skew::TooOld { oldest: Minor(api_server.0.saturating_sub(widest)) }
}

/// Whether a kube-proxy may run beside a kubelet: three minors apart in either direction, two where the
/// kube-proxy is before 1.25.
///
/// Source: kubernetes.io, "Version Skew Policy", kube-proxy.
pub fn kube_proxy_beside(kube_proxy: Minor, kubelet: Minor) -> bool {
    let apart = kube_proxy.0.abs_diff(kubelet.0);
    apart <= if kube_proxy >= THREE_MINORS_SINCE { 3 } else { 2 }
}

impl FromStr for Minor {
    type Err = InvalidMinor;

    fn from_str(text: &str) -> Result<Self, InvalidMinor> {
        let invalid = || InvalidMinor(text.chars().take(80).collect());
        let rest = text.strip_prefix('v').unwrap_or(text).strip_prefix("1.").ok_or_else(invalid)?;
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, suffix) = rest.split_at(digits);
        if !suffix.is_empty() && !suffix.starts_with(['.', '-', '+']) {
            return Err(invalid());
        }
        number.parse().map(Self).map_err(|_| invalid())
    }
}

impl TryFrom<String> for Minor {
    type Error = InvalidMinor;

    fn try_from(text: String) -> Result<Self, InvalidMinor> {
        text.parse()
    }
}

impl From<Minor> for String {
    fn from(minor: Minor) -> Self {
        minor.to_string()
    }
}

impl fmt::Display for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.0)
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}", self.from, self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_however_they_are_written() {
        for text in ["1.36", "v1.36", "1.36.2", "v1.36.2-eks-3cfe0ce", "1.36+", "1.36-eks-9"] {
            assert_eq!(text.parse(), Ok(Minor::new(36)), "{text}");
        }
        for text in ["", "1", "36", "1.", "1.x", "2.36", "1.36x", "1.-3", "1.99999999", "vv1.2"] {
            let error = text.parse::<Minor>().expect_err(text);
            assert!(
                error.to_string().starts_with(&format!("{text:?} is not a Kubernetes version")),
                "{error}"
            );
        }
    }

    #[test]
    fn versions_compare_as_numbers_and_not_as_texts() {
        assert!(Minor::new(9) < Minor::new(10));
        assert_eq!(Minor::new(10).older_than(Minor::new(9)), 0);
        assert_eq!(Minor::new(0).previous(), None);
    }

    #[test]
    fn a_way_of_several_minors_is_one_hop_after_another() {
        let hops = Minor::new(33).hops_to(Minor::new(36)).expect("upwards");
        assert_eq!(
            hops.iter().map(Hop::to_string).collect::<Vec<_>>(),
            ["1.33 → 1.34", "1.34 → 1.35", "1.35 → 1.36"]
        );
        assert_eq!(Minor::new(33).hops_to(Minor::new(33)), Ok(vec![]));
        let error = Minor::new(33).hops_to(Minor::new(32)).expect_err("downwards");
        assert_eq!(error.to_string(), "no upgrade leads from 1.33 to 1.32: choose a version newer than 1.33");
    }

    #[test]
    fn a_kubelet_may_lag_three_minors_and_two_before_1_25_and_never_lead() {
        let cases = [
            (36, 36, Skew::Supported),
            (33, 36, Skew::Supported),
            (32, 36, Skew::TooOld { oldest: Minor::new(33) }),
            (37, 36, Skew::Newer),
            (25, 28, Skew::Supported),
            (24, 27, Skew::TooOld { oldest: Minor::new(25) }),
            (24, 26, Skew::Supported),
            (23, 26, Skew::TooOld { oldest: Minor::new(24) }),
        ];
        for (kubelet, api_server, expected) in cases {
            assert_eq!(skew(Minor::new(kubelet), Minor::new(api_server)), expected, "{kubelet} {api_server}");
        }
    }

    #[test]
    fn a_kube_proxy_may_be_three_minors_from_its_kubelet_in_either_direction() {
        assert!(kube_proxy_beside(Minor::new(36), Minor::new(33)));
        assert!(kube_proxy_beside(Minor::new(33), Minor::new(36)));
        assert!(!kube_proxy_beside(Minor::new(32), Minor::new(36)));
        assert!(!kube_proxy_beside(Minor::new(24), Minor::new(27)));
    }
}
