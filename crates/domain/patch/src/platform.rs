//! Operating systems as Patch Manager distinguishes them.

use fleetwright_model::{AgentFacts, Instance, Observed, OsFamily, PLATFORM_NAMES};

/// A distribution that matters for patching.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Distribution {
    /// AlmaLinux.
    AlmaLinux,
    /// Amazon Linux 1, 2, 2022, 2023.
    AmazonLinux,
    /// CentOS and CentOS Stream.
    CentOs,
    /// Debian.
    Debian,
    /// macOS.
    MacOs,
    /// Oracle Linux.
    OracleLinux,
    /// Raspberry Pi OS.
    RaspberryPi,
    /// Red Hat Enterprise Linux.
    RedHat,
    /// Rocky Linux.
    Rocky,
    /// SUSE Linux Enterprise Server.
    Suse,
    /// Ubuntu Server.
    Ubuntu,
    /// Windows Server.
    WindowsServer,
    /// Known, and not patched by Patch Manager.
    Unsupported,
    /// Not known.
    Unknown,
}

/// The platform of a host, from the best source there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    /// The operating-system family.
    pub family: OsFamily,
    /// The distribution.
    pub distribution: Distribution,
}

/// Starts of the platform names agents report, lower case.
/// Source: Systems Manager user guide, "Patch Manager operating systems".
const AGENT_NAMES: &[(&str, Distribution)] = &[
    ("almalinux", Distribution::AlmaLinux),
    ("amazon linux", Distribution::AmazonLinux),
    ("centos", Distribution::CentOs),
    ("debian", Distribution::Debian),
    ("macos", Distribution::MacOs),
    ("mac os", Distribution::MacOs),
    ("oracle linux", Distribution::OracleLinux),
    ("raspbian", Distribution::RaspberryPi),
    ("red hat", Distribution::RedHat),
    ("rhel", Distribution::RedHat),
    ("rocky", Distribution::Rocky),
    ("sles", Distribution::Suse),
    ("suse", Distribution::Suse),
    ("ubuntu", Distribution::Ubuntu),
    ("microsoft windows server", Distribution::WindowsServer),
    ("windows server", Distribution::WindowsServer),
];

impl Platform {
    /// Judges by what the agent reports, else by what EC2 bills.
    pub fn of(instance: &Instance, agent: &Observed<AgentFacts>) -> Self {
        let reported = agent.known().and_then(|facts| facts.platform_name.as_deref());
        let distribution = match reported {
            Some(name) => named(name).unwrap_or(Distribution::Unsupported),
            None => billed(instance),
        };
        Self { family: instance.os, distribution }
    }

    /// The platform as the `platform` filter and reports name it.
    pub fn name(&self) -> &'static str {
        match self.distribution {
            Distribution::AlmaLinux => "almalinux",
            Distribution::AmazonLinux => "amazon-linux",
            Distribution::CentOs => "centos",
            Distribution::Debian => "debian",
            Distribution::MacOs => "macos",
            Distribution::OracleLinux => "oracle-linux",
            Distribution::RaspberryPi => "raspberry-pi-os",
            Distribution::RedHat => "rhel",
            Distribution::Rocky => "rocky",
            Distribution::Suse => "sles",
            Distribution::Ubuntu => "ubuntu",
            Distribution::WindowsServer => "windows",
            Distribution::Unsupported => "unsupported",
            Distribution::Unknown => self.family.as_str(),
        }
    }

    /// True where `wanted` names this platform or its family, e.g. `linux`, `windows`, `ubuntu`.
    pub fn is(&self, wanted: &str) -> bool {
        wanted.eq_ignore_ascii_case(self.name()) || wanted.eq_ignore_ascii_case(self.family.as_str())
    }

    /// True where [`Platform::is`] holds or nobody knows better: a Linux host whose distribution is
    /// not known may be an Ubuntu, and is not dropped from a selection of Ubuntu hosts.
    pub fn may_be(&self, wanted: &str) -> bool {
        let undecided = self.distribution == Distribution::Unknown
            && OsFamily::from_name(&wanted.to_ascii_lowercase()).is_none()
            && PLATFORM_NAMES.contains(&wanted.to_ascii_lowercase().as_str());
        self.is(wanted) || undecided
    }
}

fn named(name: &str) -> Option<Distribution> {
    let name = name.to_ascii_lowercase();
    AGENT_NAMES.iter().find(|(start, _)| name.starts_with(start)).map(|(_, distribution)| *distribution)
}

/// EC2's billing words name only the paid platforms; plain "Linux/UNIX" may be any distribution.
fn billed(instance: &Instance) -> Distribution {
    match instance.os {
        OsFamily::Windows => Distribution::WindowsServer,
        OsFamily::MacOs => Distribution::MacOs,
        OsFamily::Linux => {
            let details = instance.platform_details.as_deref().unwrap_or_default();
            named(details).unwrap_or(Distribution::Unknown)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agent_names_lead_to_the_distribution() {
        for (name, distribution) in [
            ("Amazon Linux", Distribution::AmazonLinux),
            ("Red Hat Enterprise Linux", Distribution::RedHat),
            ("Red Hat Enterprise Linux Server", Distribution::RedHat),
            ("Ubuntu", Distribution::Ubuntu),
            ("Microsoft Windows Server 2022 Datacenter", Distribution::WindowsServer),
            ("SLES", Distribution::Suse),
        ] {
            assert_eq!(named(name), Some(distribution), "{name}");
        }
        assert_eq!(named("Bottlerocket"), None);
    }

    #[test]
    fn every_platform_has_a_name_that_can_be_asked_for() {
        for (_, distribution) in AGENT_NAMES {
            let platform = Platform { family: OsFamily::Linux, distribution: *distribution };
            assert!(PLATFORM_NAMES.contains(&platform.name()), "{}", platform.name());
        }
    }

    #[test]
    fn a_linux_of_unknown_distribution_stays_in_a_selection_of_one_distribution() {
        let unknown = Platform { family: OsFamily::Linux, distribution: Distribution::Unknown };
        assert!(unknown.may_be("ubuntu") && unknown.may_be("Linux"));
        assert!(!unknown.may_be("windows"));
        let ubuntu = Platform { family: OsFamily::Linux, distribution: Distribution::Ubuntu };
        assert!(ubuntu.may_be("ubuntu") && !ubuntu.may_be("rhel"));
    }
}
