//! What a script finds on a host: files, and the tables its tools answer from.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::identity::Identity;
use crate::world::host::accounts;
use crate::world::host::profile::Packaging;
use crate::world::host::view::HostView;
use crate::world::instance_types::Architecture;
use crate::world::patch_catalog::Patch;

/// Files by their path below the scratch directory, without the leading slash.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// A part of a host's state, the words in a script that ask for it, and the tools that do.
struct Facet {
    files: &'static [&'static str],
    words: &'static [&'static str],
}

/// What a script that says none of the words cannot see. A facet's words cover its tools' names.
const FACETS: &[Facet] = &[
    Facet {
        files: &[".host/mounts", "proc/mounts"],
        words: &["df", "findmnt", "mount", "mounts", "mountpoint", "lsblk"],
    },
    Facet { files: &[".host/services"], words: &["systemctl", "service", "pgrep", "pidof"] },
    Facet { files: &[".host/ports"], words: &["ss", "netstat"] },
    Facet {
        files: &[".host/packages", ".host/updates", ".host/repositories"],
        words: &["dpkg", "rpm", "apt", "dnf", "yum", "updateinfo"],
    },
    Facet {
        files: &["var/run/reboot-required", "run/reboot-required", ".host/reboot-packages"],
        words: &["reboot", "restarting", "needrestart"],
    },
    Facet { files: &["proc/meminfo"], words: &["meminfo", "free"] },
    Facet { files: &["proc/loadavg"], words: &["loadavg", "uptime"] },
    Facet { files: &["etc/os-release"], words: &["os"] },
    Facet { files: &["etc/passwd", "etc/group"], words: &["passwd", "group", "getent"] },
    Facet { files: &["boot/"], words: &["boot"] },
    Facet { files: &["proc/cpuinfo"], words: &["cpuinfo"] },
    Facet { files: &["proc/net/"], words: &["net"] },
    Facet { files: &["var/log/dpkg.log"], words: &["log"] },
];

/// Which words ask for each of the single facts.
const FACT_WORDS: &[(&str, &[&str])] = &[
    ("MEM_", &["free"]),
    ("LOAD", &["uptime"]),
    ("KERNEL", &["uname"]),
    ("REBOOT", &["restarting", "dnf", "yum", "reboot"]),
    ("LOCK", &["fuser", "lsof", "apt", "dpkg", "dnf", "yum", "pgrep", "pidof", "rpm"]),
    ("REPOSITORIES", &["apt", "dnf", "yum", "curl", "wget"]),
    ("HEALTH", &["curl", "wget"]),
    ("APP_LATENCY", &["curl"]),
    ("APP_PORT", &["curl", "wget", "tcp", "nc"]),
    ("CPUS", &["nproc", "getconf"]),
];

/// True where the script says one of the words, as a word of its own or within a longer one.
fn says(script: &str, words: &[&str]) -> bool {
    script.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| words.contains(&word))
}

/// True where the script's text names every tool that was used, so that what it could see is known.
pub(super) fn covers(script: &str, tools: &[String]) -> bool {
    // Facts that no tool needs asking for are part of every state.
    const HARMLESS: [&str; 12] = [
        "date",
        "hostname",
        "id",
        "whoami",
        "sleep",
        "nproc",
        "getconf",
        "who",
        "logger",
        "sync",
        "sysctl",
        "cloud-init",
    ];
    tools.iter().all(|tool| HARMLESS.contains(&tool.as_str()) || script.contains(tool.as_str()))
}

/// What identifies the part of a host's state that a script can see.
pub(super) fn state_key(view: &HostView<'_>, identity: &Identity, script: &str) -> Vec<u8> {
    let mut seen = Vec::new();
    for (path, content) in files(view, identity) {
        let hidden = FACETS
            .iter()
            .find(|facet| facet.files.iter().any(|prefix| path.starts_with(prefix)))
            .is_some_and(|facet| !says(script, facet.words));
        if hidden {
            continue;
        }
        seen.extend_from_slice(path.as_bytes());
        seen.push(0);
        if path == ".host/facts" {
            let text = String::from_utf8_lossy(&content);
            for line in text.lines() {
                let rule = FACT_WORDS.iter().find(|(start, _)| line.starts_with(start));
                if rule.is_none_or(|(_, words)| says(script, words)) {
                    seen.extend_from_slice(line.as_bytes());
                    seen.push(b'\n');
                }
            }
        } else {
            seen.extend_from_slice(&content);
        }
        seen.push(0);
    }
    super::digest(&[&seen]).to_vec()
}

/// Every file of the scene.
pub(super) fn files(view: &HostView<'_>, identity: &Identity) -> Files {
    let mut files = Files::new();
    let mut put = |path: &str, text: String| {
        files.insert(path.to_owned(), text.into_bytes());
    };
    let uuid = crate::world::command::uuid;
    put("proc/sys/kernel/random/boot_id", format!("{}\n", uuid(identity.boot)));
    put("proc/uptime", format!("{}.00 {}.00\n", identity.uptime, identity.uptime));
    put("proc/version", format!("Linux version {} (builder@estate)\n", view.kernel()));
    put("proc/sys/kernel/osrelease", format!("{}\n", view.kernel()));
    put("proc/stat", format!("cpu  0 0 0 0\nbtime {}\n", identity.booted().as_second()));
    put("etc/hostname", format!("{}\n", identity.hostname));
    put("etc/os-release", view.profile.os_release.to_owned());
    let accounts = view.accounts();
    put("etc/passwd", accounts::passwd(&accounts));
    put("etc/group", accounts::group(&accounts, view.profile.packaging));
    let (total, available) = view.memory_kib();
    put(
        "proc/meminfo",
        format!(
            "MemTotal:       {total:>8} kB\nMemFree:        {:>8} kB\nMemAvailable:   {available:>8} kB\n\
             SwapTotal:             0 kB\nSwapFree:              0 kB\n",
            available / 2
        ),
    );
    let [one, five, fifteen] = view.load_hundredths().map(|load| format!("{}.{:02}", load / 100, load % 100));
    put("proc/loadavg", format!("{one} {five} {fifteen} 1/160 2203\n"));
    put(".host/facts", facts(view, identity, [&one, &five, &fifteen]));
    tables(view, &mut put);
    match view.profile.packaging {
        Packaging::Debian => {
            put("var/lib/dpkg/lock-frontend", String::new());
            put("var/lib/dpkg/lock", String::new());
            put("var/lib/apt/lists/lock", String::new());
            if view.reboot_required() {
                put("run/reboot-required", "*** System restart required ***\n".to_owned());
                put("run/reboot-required.pkgs", lines(&view.reboot_packages()));
            }
        }
        Packaging::Rpm | Packaging::Windows => put("var/lib/rpm/.rpm.lock", String::new()),
    }
    kernel_tables(view, &mut put);
    let own = Identity::of(view);
    for (path, content) in &view.host.software.files {
        // What a script wrote of its host's identity is written of whoever stands in for it.
        let content = match std::str::from_utf8(content) {
            Ok(text) if *identity != own => identity.fill(&own.open_lasting(text)).into_bytes(),
            _ => content.to_vec(),
        };
        files.insert(path.trim_start_matches('/').to_owned(), content);
    }
    files
}

/// What the kernel shows of processors, sockets and locks, and the kernels that can be booted.
fn kernel_tables(view: &HostView<'_>, put: &mut impl FnMut(&str, String)) {
    let cpus = view.instance.instance_type.vcpus;
    put("proc/cpuinfo", (0..cpus).map(|n| format!("processor\t: {n}\n\n")).collect());
    let mut sockets = "  sl  local_address rem_address   st tx_queue rx_queue\n".to_owned();
    for (n, port) in view.ports().iter().enumerate() {
        let _ = writeln!(sockets, "{n:>4}: 00000000:{port:04X} 00000000:0000 0A 00000000:00000000");
    }
    put("proc/net/tcp", sockets);
    // The workshop adds the lock's file, whose number only it knows.
    put("proc/locks", String::new());
    if view.package_lock() {
        let debian = view.profile.packaging == Packaging::Debian;
        put("proc/1201/comm", format!("{}\n", if debian { "apt-get" } else { "dnf" }));
    }
    put(&format!("boot/vmlinuz-{}", view.kernel()), String::new());
    if view.host.pending_reboot.iter().any(|patch| matches!(patch.title, "kernel" | "linux-image-aws")) {
        put(&format!("boot/vmlinuz-{}", view.next_kernel()), String::new());
    }
    match view.profile.packaging {
        Packaging::Debian => {
            put("share/update-notifier/notify-reboot-required", String::new());
            put("etc/apt/sources.list", "deb http://archive.ubuntu.com/ubuntu stable main\n".to_owned());
            let mut log = String::new();
            for installed in &view.host.software.installed {
                let [_, version] = installed.patch.versions(view.instance.platform);
                let day = installed.at.strftime("%Y-%m-%d");
                let _ = writeln!(
                    log,
                    "{day} 00:00:00 status installed {}:amd64 {version}",
                    installed.patch.title
                );
            }
            put("var/log/dpkg.log", log);
        }
        Packaging::Rpm | Packaging::Windows => put(
            "etc/yum.repos.d/base.repo",
            "[base]\nname=base\nbaseurl=https://cdn.example.com/$releasever\nenabled=1\n".to_owned(),
        ),
    }
}

fn facts(view: &HostView<'_>, identity: &Identity, [one, five, fifteen]: [&str; 3]) -> String {
    let (total, available) = view.memory_kib();
    let debian = view.profile.packaging == Packaging::Debian;
    let (arch, package_arch) = match (view.instance.instance_type.architecture, debian) {
        (Architecture::X86, true) => ("x86_64", "amd64"),
        (Architecture::X86, false) => ("x86_64", "x86_64"),
        (Architecture::Arm, true) => ("aarch64", "arm64"),
        (Architecture::Arm, false) => ("aarch64", "aarch64"),
    };
    let health = view.health_status().map(|status| status.to_string()).unwrap_or_default();
    let pairs = [
        ("HOSTNAME", identity.hostname.clone()),
        ("INSTANCE", identity.instance.clone()),
        ("IP", identity.ip.clone()),
        ("NOW", identity.now.as_second().to_string()),
        ("BOOTED", identity.booted().as_second().to_string()),
        ("UPTIME", identity.uptime.to_string()),
        ("KERNEL", view.kernel()),
        ("ARCH", arch.to_owned()),
        ("PACKAGE_ARCH", package_arch.to_owned()),
        ("CPUS", view.instance.instance_type.vcpus.to_string()),
        ("MEM_TOTAL", total.to_string()),
        ("MEM_AVAILABLE", available.to_string()),
        ("LOAD1", one.to_owned()),
        ("LOAD5", five.to_owned()),
        ("LOAD15", fifteen.to_owned()),
        ("REBOOT", u8::from(view.reboot_required()).to_string()),
        ("LOCKED", u8::from(view.package_lock()).to_string()),
        ("LOCKER", if debian { "apt-get" } else { "dnf" }.to_owned()),
        ("REPOSITORIES", u8::from(view.repositories_reachable()).to_string()),
        ("HEALTH", health),
        ("APP_PORT", view.application().1.to_string()),
        ("APP_LATENCY", format!("0.{:03}000", view.app_latency_ms())),
    ];
    let mut text = String::new();
    for (name, value) in pairs {
        let _ = writeln!(text, "{name}='{}'", value.replace('\'', ""));
    }
    text
}

fn tables(view: &HostView<'_>, put: &mut impl FnMut(&str, String)) {
    let mounts = view.mounts();
    let row = |m: &crate::world::host::view::Mount| {
        format!("{} {} {} {} {}\n", m.device, m.path, m.filesystem, m.kib, m.used_kib)
    };
    put(".host/mounts", mounts.iter().map(row).collect());
    let mounted = |m: &crate::world::host::view::Mount| {
        format!("{} {} {} rw,relatime 0 0\n", m.device, m.path, m.filesystem)
    };
    put("proc/mounts", mounts.iter().map(mounted).collect());
    let services = view.services();
    put(
        ".host/services",
        services.iter().map(|(name, state)| format!("{name} {}\n", state.name())).collect(),
    );
    put(".host/ports", view.ports().iter().map(|port| format!("{port}\n")).collect());
    let packages = view.packages();
    put(".host/packages", packages.iter().map(|(name, version)| format!("{name} {version}\n")).collect());
    let platform = view.instance.platform;
    let update = |patch: &&Patch| {
        let [old, new] = patch.versions(platform);
        format!("{} {old} {new} {} {}\n", patch.title, patch.id, patch.severity_name())
    };
    put(".host/updates", view.host.software.missing.iter().map(update).collect());
    put(".host/reboot-packages", lines(&view.reboot_packages()));
    let repositories = view.profile.repositories;
    put(".host/repositories", repositories.iter().map(|(id, name)| format!("{id:<36} {name}\n")).collect());
}

fn lines(words: &[&str]) -> String {
    words.iter().map(|word| format!("{word}\n")).collect()
}
