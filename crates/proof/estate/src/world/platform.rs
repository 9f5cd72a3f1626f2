//! The operating systems a fleet runs, and how each shows up in EC2 and Systems Manager.

use serde::{Deserialize, Serialize};

/// An operating system the estate knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Platform {
    /// Amazon Linux 2023.
    #[serde(rename = "amazon-linux-2023")]
    AmazonLinux2023,
    /// Ubuntu 22.04 LTS.
    #[serde(rename = "ubuntu-2204")]
    Ubuntu2204,
    /// Ubuntu 24.04 LTS.
    #[serde(rename = "ubuntu-2404")]
    Ubuntu2404,
    /// Red Hat Enterprise Linux 8.
    #[serde(rename = "rhel-8")]
    Rhel8,
    /// Red Hat Enterprise Linux 9.
    #[serde(rename = "rhel-9")]
    Rhel9,
    /// Windows Server 2019.
    #[serde(rename = "windows-2019")]
    WindowsServer2019,
    /// Windows Server 2022.
    #[serde(rename = "windows-2022")]
    WindowsServer2022,
}

/// What EC2 and Systems Manager say about an operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlatformFacts {
    /// EC2's `PlatformDetails`.
    pub details: &'static str,
    /// EC2's `UsageOperation`, its billing code.
    pub usage_operation: &'static str,
    /// The agent's `PlatformType`.
    pub agent_type: &'static str,
    /// The agent's `PlatformName`.
    pub agent_name: &'static str,
    /// The agent's `PlatformVersion`.
    pub agent_version: &'static str,
    /// Patch Manager's name of the operating system.
    pub patch_os: &'static str,
    /// The root device's name.
    pub root_device: &'static str,
    /// Size of the root volume in GiB.
    pub root_gib: u32,
    /// The account that publishes its images.
    pub image_owner: &'static str,
    /// The publisher's alias, where it has one.
    pub image_owner_alias: Option<&'static str>,
}

const LINUX: PlatformFacts = PlatformFacts {
    details: "Linux/UNIX",
    usage_operation: "RunInstances",
    agent_type: "Linux",
    agent_name: "Amazon Linux",
    agent_version: "2023",
    patch_os: "AMAZON_LINUX_2023",
    root_device: "/dev/xvda",
    root_gib: 30,
    image_owner: "137112412989",
    image_owner_alias: Some("amazon"),
};
const UBUNTU: PlatformFacts = PlatformFacts {
    agent_name: "Ubuntu",
    agent_version: "24.04",
    patch_os: "UBUNTU",
    root_device: "/dev/sda1",
    image_owner: "099720109477",
    image_owner_alias: None,
    ..LINUX
};
const RHEL: PlatformFacts = PlatformFacts {
    details: "Red Hat Enterprise Linux",
    usage_operation: "RunInstances:0010",
    agent_name: "Red Hat Enterprise Linux",
    agent_version: "9.6",
    patch_os: "REDHAT_ENTERPRISE_LINUX",
    root_device: "/dev/sda1",
    image_owner: "309956199498",
    image_owner_alias: None,
    ..LINUX
};
const WINDOWS: PlatformFacts = PlatformFacts {
    details: "Windows",
    usage_operation: "RunInstances:0002",
    agent_type: "Windows",
    agent_name: "Microsoft Windows Server 2022 Datacenter",
    agent_version: "10.0.20348",
    patch_os: "WINDOWS",
    root_device: "/dev/sda1",
    root_gib: 100,
    image_owner: "801119661308",
    image_owner_alias: Some("amazon"),
};
const UBUNTU_2204: PlatformFacts = PlatformFacts { agent_version: "22.04", ..UBUNTU };
const RHEL_8: PlatformFacts = PlatformFacts { agent_version: "8.10", ..RHEL };
const WINDOWS_2019: PlatformFacts = PlatformFacts {
    agent_name: "Microsoft Windows Server 2019 Datacenter",
    agent_version: "10.0.17763",
    ..WINDOWS
};

impl Platform {
    /// Every platform.
    pub const ALL: [Self; 7] = [
        Self::AmazonLinux2023,
        Self::Ubuntu2204,
        Self::Ubuntu2404,
        Self::Rhel8,
        Self::Rhel9,
        Self::WindowsServer2019,
        Self::WindowsServer2022,
    ];

    /// How this platform shows up.
    pub const fn facts(self) -> &'static PlatformFacts {
        match self {
            Self::AmazonLinux2023 => &LINUX,
            Self::Ubuntu2204 => &UBUNTU_2204,
            Self::Ubuntu2404 => &UBUNTU,
            Self::Rhel8 => &RHEL_8,
            Self::Rhel9 => &RHEL,
            Self::WindowsServer2019 => &WINDOWS_2019,
            Self::WindowsServer2022 => &WINDOWS,
        }
    }

    /// True for Windows, which EC2 alone marks in `Platform`.
    pub const fn is_windows(self) -> bool {
        matches!(self, Self::WindowsServer2019 | Self::WindowsServer2022)
    }
}
