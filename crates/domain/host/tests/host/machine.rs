//! The survey on the machine that runs the tests, as it is. It changes nothing there.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::{fs, thread};

use fleetwright_host::questions::Repositories;
use fleetwright_host::survey::HttpStatus;
use fleetwright_host::{Questions, Reading, Request, Shell, SurveyReport, Tri, render, survey};

use crate::sandbox::{INSTANCE, shells};

fn survey_here(shell: &[std::path::PathBuf], chroot: Option<&str>, questions: &Questions) -> SurveyReport {
    let script = render(Shell::Posix, &Request::Survey(questions.clone()))
        .expect("a request that can be made")
        .join("\n");
    let mut command = match chroot {
        Some(root) => {
            let mut command = Command::new("chroot");
            command.args([root, "/bin/sh"]);
            command
        }
        None => {
            let mut command = Command::new(&shell[0]);
            command.args(&shell[1..]);
            command
        }
    };
    let output = command
        .args(["-c", &script])
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("AWS_SSM_INSTANCE_ID", INSTANCE)
        .stdin(Stdio::null())
        .output()
        .expect("a shell runs");
    let text = String::from_utf8(output.stdout).expect("plain text");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(text.len() <= 2_400, "{} characters:\n{text}", text.len());
    match survey::parse(&text).expect("an answer") {
        Reading::Whole(report) => report,
        Reading::Truncated(_) => panic!("read as cut off:\n{text}"),
    }
}

fn quiet() -> Questions {
    Questions { repositories: Repositories::Skip, ..Questions::default() }
}

#[test]
fn this_machine_tells_what_its_kernel_tells() {
    let Ok(boot) = fs::read_to_string("/proc/sys/kernel/random/boot_id") else {
        println!("skipped: this machine has no /proc of Linux");
        return;
    };
    for (name, shell) in shells() {
        let report = survey_here(&shell, None, &quiet());
        assert_eq!(report.unread, [""; 0], "{name}");
        assert_eq!(report.boot_id.unwrap().as_str(), boot.trim(), "{name}");
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
        assert_eq!(report.kernel.as_deref(), Some(kernel.trim()), "{name}");
        assert!(report.memory_available_mib.is_some_and(|mib| mib > 0), "{name}");
        assert!(report.cpus.is_some_and(|cpus| cpus > 0), "{name}");
        assert!(!report.disks.is_empty() && report.ports.is_some() && report.mounts.is_some(), "{name}");
    }
}

#[test]
fn an_open_port_and_a_healthy_endpoint_are_found_and_a_closed_port_is_not() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let open = listener.local_addr().unwrap();
    // Nobody else can come to listen on a port that a client has.
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(elsewhere.local_addr().unwrap()).unwrap();
    let closed = client.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 512];
            let read = stream.read(&mut request).unwrap_or(0);
            let status = if request[..read].starts_with(b"GET /well") { "200 OK" } else { "503 Unavailable" };
            let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    let questions = Questions {
        health: vec![
            format!("http://{open}/well"),
            format!("http://{open}/ill"),
            format!("http://{closed}/"),
        ],
        databases: vec![open.to_string(), closed.to_string()],
        ..quiet()
    };
    for (name, shell) in shells() {
        let report = survey_here(&shell, None, &questions);
        let statuses: Vec<_> = report.health.iter().map(|health| health.status).collect();
        if statuses.contains(&HttpStatus::Unknown) {
            println!("skipped with {name}: neither curl nor wget is here");
            continue;
        }
        assert_eq!(
            statuses,
            [HttpStatus::Answered(200), HttpStatus::Answered(503), HttpStatus::NoAnswer],
            "{name}"
        );
        let reachable: Vec<_> = report.databases.iter().map(|database| database.reachable).collect();
        assert_eq!(reachable, [Tri::Yes, Tri::No], "{name}");
        let listening = report.ports.unwrap().into_iter().any(|port| port.number == open.port());
        assert!(listening, "{name}: the kernel's table lists port {}", open.port());
    }
}

/// A Debian root made beforehand (`debootstrap --variant=minbase bookworm DIR`), named in
/// `FLEETWRIGHT_DEBIAN_ROOT`.
#[test]
fn a_debian_root_tells_its_packages() {
    let Ok(root) = std::env::var("FLEETWRIGHT_DEBIAN_ROOT") else {
        println!("skipped: FLEETWRIGHT_DEBIAN_ROOT names no root made by debootstrap");
        return;
    };
    let report = survey_here(&[], Some(&root), &quiet());
    assert_eq!(report.os.as_deref(), Some("debian"));
    assert_eq!(report.package_manager.as_deref(), Some("apt"));
    assert!(report.packages.unwrap().count > 50);
    assert_eq!(report.running_services, None, "no service manager runs in there");
}
