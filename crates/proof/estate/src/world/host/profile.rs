//! What hosts of one platform have in common: its release, packages, services, mounts.

use crate::world::platform::Platform;

/// What packages a platform has, and so which tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packaging {
    /// dpkg and apt.
    Debian,
    /// rpm and dnf.
    Rpm,
    /// Windows Update.
    Windows,
}

/// What hosts of one platform have in common.
#[derive(Debug)]
pub struct Profile {
    /// How it packages.
    pub packaging: Packaging,
    /// `/etc/os-release`; empty on Windows.
    pub os_release: &'static str,
    /// The kernel's release before any patch.
    pub kernel: &'static str,
    /// The kernel's release once its patch is in effect.
    pub patched_kernel: &'static str,
    /// Services that run on every such host, without the application's.
    pub services: &'static [&'static str],
    /// Packages that no patch of the catalogue is about: name and version.
    pub packages: &'static [(&'static str, &'static str)],
    /// The type of the root file system.
    pub filesystem: &'static str,
    /// Enabled repositories: id and name.
    pub repositories: &'static [(&'static str, &'static str)],
}

const AMAZON_LINUX: Profile = Profile {
    packaging: Packaging::Rpm,
    os_release: "NAME=\"Amazon Linux\"\nVERSION=\"2023\"\nID=\"amzn\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"2023\"\n\
                 PLATFORM_ID=\"platform:al2023\"\nPRETTY_NAME=\"Amazon Linux 2023.9.20260105\"\n",
    kernel: "6.1.158-178.288.amzn2023.x86_64",
    patched_kernel: "6.1.161-183.298.amzn2023.x86_64",
    services: &["amazon-ssm-agent", "auditd", "chronyd", "falcon-sensor", "sshd", "systemd-journald"],
    packages: &[
        ("amazon-linux-repo-s3", "2023.9.20260105-0.amzn2023"),
        ("bash", "5.2.15-1.amzn2023.0.2"),
        ("chrony", "4.3-1.amzn2023.0.4"),
        ("dnf", "4.14.0-1.amzn2023.0.6"),
        ("falcon-sensor", "7.30.0-18306.amzn2023"),
        ("rpm", "4.16.1.3-29.amzn2023.0.6"),
    ],
    filesystem: "xfs",
    repositories: &[
        ("amazonlinux", "Amazon Linux 2023 repository"),
        ("kernel-livepatch", "Amazon Linux 2023 Kernel Livepatch repository"),
    ],
};

const UBUNTU_2204: Profile = Profile {
    packaging: Packaging::Debian,
    os_release: "PRETTY_NAME=\"Ubuntu 22.04.5 LTS\"\nNAME=\"Ubuntu\"\nVERSION_ID=\"22.04\"\n\
                 VERSION=\"22.04.5 LTS (Jammy Jellyfish)\"\nVERSION_CODENAME=jammy\nID=ubuntu\nID_LIKE=debian\n",
    kernel: "6.8.0-1039-aws",
    patched_kernel: "6.8.0-1043-aws",
    services: &["chrony", "cron", "falcon-sensor", "snap.amazon-ssm-agent.amazon-ssm-agent", "ssh"],
    packages: &[
        ("base-files", "12ubuntu4.7"),
        ("bash", "5.1-6ubuntu1.1"),
        ("chrony", "4.2-2ubuntu2"),
        ("dpkg", "1.21.1ubuntu2.3"),
        ("falcon-sensor", "7.30.0-18306"),
    ],
    filesystem: "ext4",
    repositories: &[("jammy", "jammy/main"), ("jammy-security", "jammy-security/main")],
};

const UBUNTU_2404: Profile = Profile {
    os_release: "PRETTY_NAME=\"Ubuntu 24.04.3 LTS\"\nNAME=\"Ubuntu\"\nVERSION_ID=\"24.04\"\n\
                 VERSION=\"24.04.3 LTS (Noble Numbat)\"\nVERSION_CODENAME=noble\nID=ubuntu\nID_LIKE=debian\n",
    kernel: "6.14.0-1015-aws",
    patched_kernel: "6.14.0-1018-aws",
    packages: &[
        ("base-files", "13ubuntu10.3"),
        ("bash", "5.2.21-2ubuntu4"),
        ("chrony", "4.5-1ubuntu4.2"),
        ("dpkg", "1.22.6ubuntu6.5"),
        ("falcon-sensor", "7.30.0-18306"),
    ],
    repositories: &[("noble", "noble/main"), ("noble-security", "noble-security/main")],
    ..UBUNTU_2204
};

const RHEL_8: Profile = Profile {
    packaging: Packaging::Rpm,
    os_release: "NAME=\"Red Hat Enterprise Linux\"\nVERSION=\"8.10 (Ootpa)\"\nID=\"rhel\"\nID_LIKE=\"fedora\"\n\
                 VERSION_ID=\"8.10\"\nPLATFORM_ID=\"platform:el8\"\nPRETTY_NAME=\"Red Hat Enterprise Linux 8.10 (Ootpa)\"\n",
    kernel: "4.18.0-553.81.1.el8_10.x86_64",
    patched_kernel: "4.18.0-553.89.1.el8_10.x86_64",
    services: &["amazon-ssm-agent", "auditd", "chronyd", "crond", "falcon-sensor", "sshd"],
    packages: &[
        ("bash", "4.4.20-5.el8"),
        ("chrony", "4.5-2.el8_10"),
        ("falcon-sensor", "7.30.0-18306.el8"),
        ("redhat-release", "8.10-0.3.el8"),
        ("rpm", "4.14.3-32.el8_10"),
    ],
    filesystem: "xfs",
    repositories: &[
        ("rhel-8-baseos-rhui-rpms", "Red Hat Enterprise Linux 8 - BaseOS from RHUI"),
        ("rhel-8-appstream-rhui-rpms", "Red Hat Enterprise Linux 8 - AppStream from RHUI"),
    ],
};

const RHEL_9: Profile = Profile {
    os_release: "NAME=\"Red Hat Enterprise Linux\"\nVERSION=\"9.6 (Plow)\"\nID=\"rhel\"\nID_LIKE=\"fedora\"\n\
                 VERSION_ID=\"9.6\"\nPLATFORM_ID=\"platform:el9\"\nPRETTY_NAME=\"Red Hat Enterprise Linux 9.6 (Plow)\"\n",
    kernel: "5.14.0-570.58.1.el9_6.x86_64",
    patched_kernel: "5.14.0-570.62.1.el9_6.x86_64",
    packages: &[
        ("bash", "5.1.8-9.el9"),
        ("chrony", "4.6.1-1.el9"),
        ("falcon-sensor", "7.30.0-18306.el9"),
        ("redhat-release", "9.6-0.1.el9"),
        ("rpm", "4.16.1.3-37.el9"),
    ],
    repositories: &[
        ("rhel-9-baseos-rhui-rpms", "Red Hat Enterprise Linux 9 - BaseOS from RHUI"),
        ("rhel-9-appstream-rhui-rpms", "Red Hat Enterprise Linux 9 - AppStream from RHUI"),
    ],
    ..RHEL_8
};

const WINDOWS: Profile = Profile {
    packaging: Packaging::Windows,
    os_release: "",
    kernel: "10.0.20348.4294",
    patched_kernel: "10.0.20348.4405",
    services: &["AmazonSSMAgent", "CSFalconService", "W32Time", "WinRM", "wuauserv"],
    packages: &[],
    filesystem: "NTFS",
    repositories: &[("wsus", "Windows Update")],
};

const WINDOWS_2019: Profile =
    Profile { kernel: "10.0.17763.7919", patched_kernel: "10.0.17763.8027", ..WINDOWS };

impl Profile {
    /// The profile of a platform.
    #[must_use]
    pub const fn of(platform: Platform) -> &'static Self {
        match platform {
            Platform::AmazonLinux2023 => &AMAZON_LINUX,
            Platform::Ubuntu2204 => &UBUNTU_2204,
            Platform::Ubuntu2404 => &UBUNTU_2404,
            Platform::Rhel8 => &RHEL_8,
            Platform::Rhel9 => &RHEL_9,
            Platform::WindowsServer2019 => &WINDOWS_2019,
            Platform::WindowsServer2022 => &WINDOWS,
        }
    }
}
