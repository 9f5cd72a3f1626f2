//! Families of checks, by the letter of their codes.

use serde::Serialize;

use super::Check;

/// What a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// `V`: versions, support, and whether this is the cluster.
    Version,
    /// `C`: the control plane and what it stands on.
    ControlPlane,
    /// `A`: who uses which API.
    Apis,
    /// `W`: webhooks and aggregated APIs.
    Webhooks,
    /// `D`: add-ons and other software of the cluster.
    Addons,
    /// `N`: nodes and what makes them.
    Nodes,
    /// `K`: addresses, quotas and room.
    Capacity,
    /// `P`: what runs in the cluster.
    Workloads,
    /// `R`: backups, the way back, and who else has a hand in it.
    Recovery,
}

impl Family {
    /// Every family, in the order of the catalogue.
    pub const ALL: [Self; 9] = [
        Self::Version,
        Self::ControlPlane,
        Self::Apis,
        Self::Webhooks,
        Self::Addons,
        Self::Nodes,
        Self::Capacity,
        Self::Workloads,
        Self::Recovery,
    ];

    /// The letter that its codes begin with, behind `EKS-`.
    pub const fn letter(self) -> char {
        match self {
            Self::Version => 'V',
            Self::ControlPlane => 'C',
            Self::Apis => 'A',
            Self::Webhooks => 'W',
            Self::Addons => 'D',
            Self::Nodes => 'N',
            Self::Capacity => 'K',
            Self::Workloads => 'P',
            Self::Recovery => 'R',
        }
    }

    /// What people call it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Version => "Version and policy",
            Self::ControlPlane => "Control plane",
            Self::Apis => "APIs",
            Self::Webhooks => "Webhooks and aggregation",
            Self::Addons => "Add-ons",
            Self::Nodes => "Nodes",
            Self::Capacity => "Capacity",
            Self::Workloads => "Workloads",
            Self::Recovery => "Data and recovery",
        }
    }

    /// The family of a code such as `EKS-V1`; `None` where no family has its letter.
    pub fn of(code: &str) -> Option<Self> {
        let letter = code.strip_prefix("EKS-")?.chars().next()?;
        Self::ALL.into_iter().find(|family| family.letter() == letter)
    }
}

impl Check {
    /// The family it belongs to.
    ///
    /// # Panics
    /// Never for a check of the catalogue: a test holds that each has one.
    pub fn family(&self) -> Family {
        Family::of(self.code).expect("every check of the catalogue has a family")
    }
}
