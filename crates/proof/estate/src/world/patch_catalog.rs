//! The patches that a fleet can be missing. The advisories are invented, in the publishers' forms.

use super::patching::Severity;
use super::platform::Platform;

/// A patch: a package update, or a Windows update.
#[derive(Debug, PartialEq, Eq)]
pub struct Patch {
    /// The publisher's id of the advisory or article.
    pub id: &'static str,
    /// The package, or the update's title.
    pub title: &'static str,
    /// How urgent it is.
    pub severity: Severity,
    /// The vulnerabilities it closes.
    pub cves: &'static [&'static str],
}

const fn patch(
    id: &'static str,
    title: &'static str,
    severity: Severity,
    cves: &'static [&'static str],
) -> Patch {
    Patch { id, title, severity, cves }
}

impl Patch {
    /// True where the old code stays in use until the next boot.
    #[must_use]
    pub fn needs_reboot(&self) -> bool {
        const PACKAGES: [&str; 5] = ["kernel", "linux-image-aws", "glibc", "libc6", "systemd"];
        PACKAGES.contains(&self.title)
            || self.title.starts_with("Cumulative Update")
            || self.title == "Servicing Stack Update"
    }

    /// The service that the package's scripts restart.
    #[must_use]
    pub fn restarts(&self) -> Option<&'static str> {
        match self.title {
            "openssh-server" => Some("sshd"),
            "amazon-ssm-agent" => Some("amazon-ssm-agent"),
            _ => None,
        }
    }

    /// The package's version before and after, in the form its packager uses.
    #[must_use]
    pub fn versions(&self, platform: Platform) -> [String; 2] {
        let number: u32 = self
            .id
            .bytes()
            .filter(u8::is_ascii_digit)
            .fold(0, |all, digit| all.wrapping_mul(10).wrapping_add(u32::from(digit - b'0')) % 97);
        let suffix = match platform {
            Platform::AmazonLinux2023 => ".amzn2023",
            Platform::Rhel8 => ".el8_10",
            Platform::Rhel9 => ".el9_6",
            Platform::Ubuntu2204 => "ubuntu1~22.04",
            Platform::Ubuntu2404 => "ubuntu1~24.04",
            Platform::WindowsServer2019 | Platform::WindowsServer2022 => "",
        };
        let version = format!("{}.{}.{}", 1 + number % 8, number % 11, number % 7);
        [1, 2].map(|release| format!("{version}-{release}{suffix}"))
    }

    /// Patch Manager's classification.
    #[must_use]
    pub fn classification(&self, platform: Platform) -> &'static str {
        match (platform.is_windows(), self.severity) {
            (true, Severity::Critical) => "CriticalUpdates",
            (true, Severity::Security) => "SecurityUpdates",
            (true, Severity::Other) => "Updates",
            (false, Severity::Other) => "Bugfix",
            (false, _) => "Security",
        }
    }

    /// Patch Manager's severity.
    #[must_use]
    pub const fn severity_name(&self) -> &'static str {
        match self.severity {
            Severity::Critical => "Critical",
            Severity::Security => "Important",
            Severity::Other => "Low",
        }
    }
}

/// Patches of the Amazon Linux 2023.
static AMAZON_LINUX: &[Patch] = &[
    patch("ALAS2023-2026-800", "kernel", Severity::Critical, &["CVE-2026-21572", "CVE-2026-30000"]),
    patch("ALAS2023-2026-813", "openssl", Severity::Security, &["CVE-2026-22549"]),
    patch("ALAS2023-2026-826", "glibc", Severity::Security, &["CVE-2026-23526"]),
    patch("ALAS2023-2026-839", "curl", Severity::Security, &["CVE-2026-24503"]),
    patch("ALAS2023-2026-852", "python3.9", Severity::Other, &[]),
    patch("ALAS2023-2026-865", "sudo", Severity::Critical, &["CVE-2026-26457", "CVE-2026-32885"]),
    patch("ALAS2023-2026-878", "systemd", Severity::Other, &[]),
    patch("ALAS2023-2026-891", "libxml2", Severity::Security, &["CVE-2026-28411"]),
    patch("ALAS2023-2026-904", "vim-minimal", Severity::Other, &[]),
    patch("ALAS2023-2026-917", "openssh-server", Severity::Critical, &["CVE-2026-30365", "CVE-2026-35193"]),
    patch("ALAS2023-2026-930", "bind-utils", Severity::Security, &["CVE-2026-31342"]),
    patch("ALAS2023-2026-943", "nghttp2", Severity::Security, &["CVE-2026-32319"]),
    patch("ALAS2023-2026-956", "expat", Severity::Security, &["CVE-2026-33296"]),
    patch("ALAS2023-2026-969", "git", Severity::Other, &[]),
    patch("ALAS2023-2026-982", "amazon-ssm-agent", Severity::Other, &[]),
];

/// Patches of the Ubuntu.
static UBUNTU: &[Patch] = &[
    patch("USN-7800-1", "linux-image-aws", Severity::Critical, &["CVE-2026-20786", "CVE-2026-30000"]),
    patch("USN-7817-1", "openssl", Severity::Security, &["CVE-2026-21763"]),
    patch("USN-7834-1", "libc6", Severity::Security, &["CVE-2026-22740"]),
    patch("USN-7851-1", "curl", Severity::Security, &["CVE-2026-23717"]),
    patch("USN-7868-1", "python3.12", Severity::Other, &[]),
    patch("USN-7885-1", "sudo", Severity::Critical, &["CVE-2026-25671", "CVE-2026-32885"]),
    patch("USN-7902-1", "systemd", Severity::Other, &[]),
    patch("USN-7919-1", "libxml2", Severity::Security, &["CVE-2026-27625"]),
    patch("USN-7936-1", "vim", Severity::Other, &[]),
    patch("USN-7953-1", "openssh-server", Severity::Critical, &["CVE-2026-29579", "CVE-2026-35193"]),
    patch("USN-7970-1", "bind9-libs", Severity::Security, &["CVE-2026-30556"]),
    patch("USN-7987-1", "libnghttp2-14", Severity::Security, &["CVE-2026-31533"]),
    patch("USN-8004-1", "libexpat1", Severity::Security, &["CVE-2026-32510"]),
    patch("USN-8021-1", "git", Severity::Other, &[]),
    patch("USN-8038-1", "apt", Severity::Other, &[]),
];

/// Patches of the Red Hat Enterprise Linux.
static RHEL: &[Patch] = &[
    patch("RHSA-2026:14000", "kernel", Severity::Critical, &["CVE-2026-20524", "CVE-2026-30000"]),
    patch("RHSA-2026:14211", "openssl", Severity::Security, &["CVE-2026-21501"]),
    patch("RHSA-2026:14422", "glibc", Severity::Security, &["CVE-2026-22478"]),
    patch("RHSA-2026:14633", "curl", Severity::Security, &["CVE-2026-23455"]),
    patch("RHSA-2026:14844", "python3", Severity::Other, &[]),
    patch("RHSA-2026:15055", "sudo", Severity::Critical, &["CVE-2026-25409", "CVE-2026-32885"]),
    patch("RHSA-2026:15266", "systemd", Severity::Other, &[]),
    patch("RHSA-2026:15477", "libxml2", Severity::Security, &["CVE-2026-27363"]),
    patch("RHSA-2026:15688", "vim-minimal", Severity::Other, &[]),
    patch("RHSA-2026:15899", "openssh-server", Severity::Critical, &["CVE-2026-29317", "CVE-2026-35193"]),
    patch("RHSA-2026:16110", "bind-utils", Severity::Security, &["CVE-2026-30294"]),
    patch("RHSA-2026:16321", "libnghttp2", Severity::Security, &["CVE-2026-31271"]),
    patch("RHSA-2026:16532", "expat", Severity::Security, &["CVE-2026-32248"]),
    patch("RHSA-2026:16743", "git", Severity::Other, &[]),
    patch("RHSA-2026:16954", "dnf", Severity::Other, &[]),
];

/// Patches of the Windows Server.
static WINDOWS: &[Patch] = &[
    patch(
        "KB5066000",
        "Cumulative Update for Windows Server",
        Severity::Critical,
        &["CVE-2026-20917", "CVE-2026-30000"],
    ),
    patch("KB5066431", "Servicing Stack Update", Severity::Security, &["CVE-2026-21894"]),
    patch("KB5066862", "Cumulative Update for .NET Framework 4.8", Severity::Security, &["CVE-2026-22871"]),
    patch("KB5067293", "Security Update for SQL Server 2019", Severity::Security, &["CVE-2026-23848"]),
    patch("KB5067724", "Malicious Software Removal Tool", Severity::Other, &[]),
    patch(
        "KB5068155",
        "Security Intelligence Update for Defender",
        Severity::Critical,
        &["CVE-2026-25802", "CVE-2026-32885"],
    ),
    patch("KB5068586", "Update for Windows Admin Center", Severity::Other, &[]),
    patch("KB5069017", "Security Update for Remote Desktop", Severity::Security, &["CVE-2026-27756"]),
    patch("KB5069448", "Security Update for Print Spooler", Severity::Other, &[]),
    patch(
        "KB5069879",
        "Update for Time Zone Data",
        Severity::Critical,
        &["CVE-2026-29710", "CVE-2026-35193"],
    ),
];

/// The patches for a platform.
pub fn patches(platform: Platform) -> &'static [Patch] {
    match platform {
        Platform::AmazonLinux2023 => AMAZON_LINUX,
        Platform::Ubuntu2204 | Platform::Ubuntu2404 => UBUNTU,
        Platform::Rhel8 | Platform::Rhel9 => RHEL,
        Platform::WindowsServer2019 | Platform::WindowsServer2022 => WINDOWS,
    }
}
