//! The survey script on hosts of several distributions.

use fleetwright_host::fact::UnitState;
use fleetwright_host::questions::Repositories;
use fleetwright_host::survey::{DiskRole, HttpStatus, List, MountMode};
use fleetwright_host::{Judged, Questions, Request, Tri};

use crate::distributions::{DUE, NOT_DUE, amazon_linux_2023, rhel, ubuntu_2204, ubuntu_2404};
use crate::sandbox::{FIRST_BOOT, Host, shells_with_programs};

fn asked() -> Request {
    Request::Survey(Questions {
        services: vec!["nginx".into(), "backup".into(), "tomcat".into()],
        agents: vec!["falcon-sensor".into()],
        repositories: Repositories::Skip,
        ..Questions::default()
    })
}

fn nothing() -> Request {
    Request::Survey(Questions { repositories: Repositories::Skip, ..Questions::default() })
}

fn probing() -> Request {
    Request::Survey(Questions::default())
}

fn judged(answer: Tri, evidence: &str) -> Option<Judged> {
    Some(Judged { answer, evidence: evidence.into() })
}

#[test]
fn amazon_linux_2023_tells_everything_in_every_shell() {
    let host = amazon_linux_2023();
    for (name, shell) in shells_with_programs() {
        let report = host.survey(&shell, &asked());
        assert_eq!(report.unread, [""; 0], "{name}");
        assert_eq!(
            (report.os.as_deref(), report.os_version.as_deref()),
            (Some("amzn"), Some("2023")),
            "{name}"
        );
        assert_eq!(report.boot_id.as_ref().unwrap().as_str(), FIRST_BOOT);
        assert_eq!(report.uptime_s, Some(864_000));
        let root = report.disk(DiskRole::Root).unwrap();
        assert_eq!((root.used_percent, root.free_mib, root.path.as_str()), (22, 6395, "/"), "{name}");
        assert!(report.disk(DiskRole::Temp).is_some());
        assert_eq!((report.memory_available_mib, report.memory_total_mib), (Some(6144), Some(7680)));
        assert_eq!(
            (report.load1_milli, report.cpus, report.load_per_cpu_percent()),
            (Some(420), Some(2), Some(21))
        );
        assert_eq!(report.package_manager.as_deref(), Some("dnf"));
        assert_eq!(report.package_lock, judged(Tri::No, ""));
        assert_eq!(
            report.pending_reboot,
            judged(Tri::Yes, "newer-kernel 6.1.156-177.286.amzn2023.x86_64"),
            "{name}"
        );
        let states: Vec<_> = report.services.iter().map(|unit| (unit.name.as_str(), unit.state)).collect();
        assert_eq!(
            states,
            [("nginx", UnitState::Active), ("backup", UnitState::Failed), ("tomcat", UnitState::Absent)],
            "{name}"
        );
        assert_eq!(report.agents[0].state, UnitState::Active);
        let failed = report.failed_units.unwrap();
        assert_eq!((failed.count, failed.names), (1, vec!["backup.service".to_owned()]));
        assert_eq!(report.packages.unwrap().count, 3);
        let running: Vec<_> = report.running_services.unwrap().into_iter().collect();
        assert_eq!(running, ["amazon-ssm-agent", "chronyd", "getty@tty1", "nginx", "sshd"]);
        let ports: Vec<_> = report.ports.unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(ports, ["tcp/22", "tcp/631@lo", "tcp/8080", "udp/323@lo"], "{name}");
        let mounts = report.mounts.unwrap();
        assert_eq!(mounts.len(), 2, "the kernel's own file systems are left out");
        assert_eq!((mounts[1].target.as_str(), mounts[1].mode), ("/srv/shared data", MountMode::ReadOnly));
        let recent = report.recent_packages.unwrap();
        assert_eq!(
            (recent[0].day.as_str(), recent[0].name.as_str()),
            ("2025-11-20", "kernel"),
            "newest first"
        );
        assert_eq!(report.cut, [], "{name}");
    }
}

#[test]
fn ubuntu_without_the_reboot_file_needs_no_reboot_and_snaps_are_no_mounts() {
    let host = ubuntu_2204();
    for (name, shell) in shells_with_programs() {
        let report = host.survey(&shell, &nothing());
        assert_eq!(report.pending_reboot, judged(Tri::No, "no-reboot-required-file"), "{name}");
        assert_eq!(report.disk(DiskRole::Root).unwrap().used_percent, 89);
        let targets: Vec<_> = report.mounts.unwrap().into_iter().map(|mount| mount.target).collect();
        assert_eq!(targets, ["/", "/boot/efi", "/data"], "{name}");
        assert_eq!(
            report.packages.unwrap().count,
            2,
            "what was removed but for its configuration is not installed"
        );
        let recent = report.recent_packages.unwrap();
        assert_eq!(recent.len(), 1);
        assert_eq!((recent[0].name.as_str(), recent[0].day.as_str()), ("libssl3:amd64", "2026-11-19"));
    }
}

#[test]
fn a_reboot_is_due_when_ubuntu_leaves_its_file() {
    let host = ubuntu_2404();
    for (name, shell) in shells_with_programs() {
        assert_eq!(
            host.survey(&shell, &nothing()).pending_reboot,
            judged(Tri::Yes, "reboot-required-file"),
            "{name}"
        );
    }
}

#[test]
fn on_rhel_words_decide_whether_a_reboot_is_due_and_an_error_is_not_a_yes() {
    for (version, words, status, expected) in [
        ("8.10", DUE, 1, judged(Tri::Yes, "needs-restarting")),
        ("9.6", NOT_DUE, 0, judged(Tri::No, "needs-restarting")),
        ("9.6", "Error: Failed to open rpmdb", 1, judged(Tri::Unknown, "needs-restarting-failed")),
    ] {
        let host = rhel(version, words, status);
        for (name, shell) in shells_with_programs() {
            assert_eq!(host.survey(&shell, &nothing()).pending_reboot, expected, "{name} {words}");
        }
    }
}

#[test]
fn debian_without_a_hook_cannot_say_that_no_reboot_is_due() {
    let host = ubuntu_2204();
    std::fs::remove_file(host.path("/usr/share/update-notifier/notify-reboot-required")).unwrap();
    for (_, shell) in shells_with_programs() {
        assert_eq!(host.survey(&shell, &nothing()).pending_reboot.unwrap().answer, Tri::Unknown);
    }
}

#[test]
fn the_holder_of_the_package_lock_is_named() {
    let apt = ubuntu_2204();
    let inode = apt.inode("/var/lib/dpkg/lock-frontend");
    apt.file("/proc/locks", &format!("1: POSIX  ADVISORY  WRITE 4711 103:01:{inode} 0 EOF\n"))
        .file("/proc/4711/comm", "unattended-upgr\n");
    let rpm = amazon_linux_2023();
    rpm.file("/var/lib/dnf/rpmdb_lock.pid", "815\n").file("/proc/815/comm", "dnf\n");
    for (_, shell) in shells_with_programs() {
        let lock = apt.survey(&shell, &nothing()).package_lock;
        assert_eq!(lock, judged(Tri::Yes, "unattended-upgr pid 4711"));
        assert_eq!(rpm.survey(&shell, &nothing()).package_lock, judged(Tri::Yes, "dnf pid 815"));
    }
}

#[test]
fn a_lock_file_whose_process_is_gone_holds_nothing() {
    let host = amazon_linux_2023();
    host.file("/var/lib/dnf/rpmdb_lock.pid", "815\n");
    for (_, shell) in shells_with_programs() {
        assert_eq!(host.survey(&shell, &nothing()).package_lock, judged(Tri::No, ""));
    }
}

/// A curl that writes down what it is asked for and ends with `status`.
fn curl(host: &Host, status: i32) {
    host.tool(
        "curl",
        &format!("for last; do :; done; echo \"$last\" >>{}; exit {status}", host.path("/asked").display()),
    );
}

#[test]
fn repositories_are_asked_at_their_origin_and_disabled_ones_are_left_alone() {
    for (host, origins) in [
        (amazon_linux_2023(), "https://cdn.amazonlinux.com/\nhttps://repos.eu-central-1.example.com/\n"),
        (ubuntu_2204(), "http://eu-central-1.ec2.archive.ubuntu.com/\n"),
        (ubuntu_2404(), "http://eu-central-1.ec2.archive.ubuntu.com/\n"),
    ] {
        curl(&host, 0);
        for (name, shell) in shells_with_programs() {
            host.file("/asked", "");
            assert_eq!(host.survey(&shell, &probing()).repositories, judged(Tri::Yes, ""), "{name}");
            assert_eq!(std::fs::read_to_string(host.path("/asked")).unwrap(), origins, "{name}");
        }
    }
}

#[test]
fn a_repository_that_cannot_be_resolved_is_not_reachable_and_a_refused_certificate_is_unknown() {
    let host = ubuntu_2204();
    let origin = "http://eu-central-1.ec2.archive.ubuntu.com";
    for (status, answer) in [(6, Tri::No), (28, Tri::No), (60, Tri::Unknown)] {
        curl(&host, status);
        for (_, shell) in shells_with_programs() {
            assert_eq!(host.survey(&shell, &probing()).repositories, judged(answer, origin), "curl {status}");
        }
    }
}

#[test]
fn a_host_that_knows_nothing_says_nothing_and_not_zero() {
    let host = Host::new();
    host.tool("uname", "exit 1");
    for (name, shell) in shells_with_programs() {
        let report = host.survey(&shell, &asked());
        assert_eq!(
            (report.os, report.memory_available_mib, report.cpus, report.uptime_s),
            (None, None, None, None),
            "{name}"
        );
        assert_eq!((report.running_services, report.ports, report.mounts), (None, None, None), "{name}");
        assert_eq!(report.failed_units, None);
        assert_eq!(report.package_lock.unwrap().answer, Tri::Unknown);
        assert_eq!(report.pending_reboot.unwrap().answer, Tri::Unknown);
        assert!(report.services.iter().all(|unit| unit.state == UnitState::Unknown));
    }
}

#[test]
fn without_gzip_the_lists_come_as_they_are() {
    let host = amazon_linux_2023();
    for (name, shell) in shells_with_programs() {
        host.without("gzip");
        let report = host.survey(&shell, &asked());
        assert_eq!(report.running_services.unwrap().len(), 5, "{name}");
        assert_eq!(report.mounts.unwrap().len(), 2);
    }
}

#[test]
fn lists_that_do_not_fit_are_left_out_by_name_and_never_halved() {
    let host = amazon_linux_2023();
    // Names that do not compress: each differs from the others in every digit.
    let names: Vec<String> = (1..400_u64)
        .map(|n| format!("{:x}.service loaded active running x", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect();
    host.prints("systemctl", &names.join("\n"));
    for (name, shell) in shells_with_programs() {
        let report = host.survey(&shell, &nothing());
        assert_eq!(report.running_services, None, "{name}");
        assert!(report.cut.contains(&List::Services), "{name}: {:?}", report.cut);
    }
}

#[test]
fn the_most_that_can_be_asked_still_fits_into_an_answer() {
    let host = amazon_linux_2023();
    let services = (0..30).map(|n| format!("service-number-{n:05}")).collect();
    let request =
        Request::Survey(Questions { services, repositories: Repositories::Skip, ..Questions::default() });
    for (name, shell) in shells_with_programs() {
        assert_eq!(host.survey(&shell, &request).services.len(), 30, "{name}");
    }
}

#[test]
fn endpoints_are_asked_with_wget_where_curl_is_missing() {
    let host = amazon_linux_2023();
    host.tool("wget", "printf '  HTTP/1.1 503 Service Unavailable\\n' >&2; exit 8");
    let request = Request::Survey(Questions {
        health: vec!["http://localhost:8080/health".into()],
        repositories: Repositories::Skip,
        ..Questions::default()
    });
    for (name, shell) in shells_with_programs() {
        assert_eq!(host.survey(&shell, &request).health[0].status, HttpStatus::Answered(503), "{name}");
    }
    host.tool("wget", "exit 4");
    for (name, shell) in shells_with_programs() {
        assert_eq!(host.survey(&shell, &request).health[0].status, HttpStatus::NoAnswer, "{name}");
    }
}
