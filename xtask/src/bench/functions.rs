//! The functions of a hub: built small, put into the archive that Lambda takes, and started again and again.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fleetwright_package::{Entry, Package};

use crate::process::{cargo, stream};
use crate::workspace::{Failure, Workspace};

/// Bytes of the archive at most: what the issue of the hub asks for, so that a cold start has little to load.
const MOST: usize = 5 * 1_000 * 1_000;

/// The version of glibc that the functions' system has. Source: Amazon Linux 2023 User Guide, "Core libraries"
/// (glibc 2.34); AWS Lambda Developer Guide, "Lambda runtimes" (provided.al2023).
const GLIBC: (u32, u32) = (2, 34);

/// What a function asks first. Source: AWS Lambda Developer Guide, "Using the Lambda runtime API", "Next invocation".
const NEXT: &str = "GET /2018-06-01/runtime/invocation/next HTTP/1.1";

/// How long a function may take to ask for its first event.
const PATIENCE: Duration = Duration::from_secs(10);

/// Builds the functions, makes their archive, measures how they start; gives back the table.
///
/// # Errors
/// They do not build, do not run on Lambda's system, call anything before their first event, or the archive is too
/// large.
pub(super) fn measure(workspace: &Workspace, target: Option<&str>, starts: u16) -> Result<String, Failure> {
    let host = host_of(workspace)?;
    let target = target.unwrap_or(&host);
    let bootstrap = built(workspace, target)?;
    let content = bytes(&bootstrap)?;
    let newest = newest_glibc(&content);
    if newest > GLIBC {
        let what = format!("it needs glibc {}.{}, and Lambda's system has 2.34", newest.0, newest.1);
        return Err(wrong(&bootstrap, what));
    }
    let (archive, size) = packed(workspace, target, &content)?;
    println!("{} has {size} bytes", archive.display());
    let mut table = String::from(
        "| built for | program, MB | archive, MB | of 5 MB | starts | init, ms: median | longest | memory, MiB |\n",
    );
    table.push_str("|---|---:|---:|---:|---:|---:|---:|---:|\n");
    let measured = match target == host {
        true => {
            let it = started(&bootstrap, starts)?;
            format!("{starts} | {:.1} | {:.1} | {:.1}", it.median, it.longest, it.memory)
        }
        // What is built for another machine does not start on this one.
        false => "not here | | |".to_owned(),
    };
    let (program, archived) = (content.len() as f64 / 1e6, size as f64 / 1e6);
    let share = archived / (MOST as f64 / 1e6) * 100.0;
    let row = format!("| `{target}` | {program:.2} | {archived:.2} | {share:.0} % | {measured} |\n");
    table.push_str(&row);
    if size > MOST {
        println!("{} is larger than {MOST} bytes", archive.display());
    }
    Ok(table)
}

/// The platform of this machine.
fn host_of(workspace: &Workspace) -> Result<String, Failure> {
    let said = crate::process::read(crate::process::program(workspace, "rustc", ["-vV"]))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| Failure::Answer {
        command: "rustc -vV".to_owned(),
        what: "it names no host".to_owned(),
    })
}

/// The program, without tables for unwinding: a function that panics says so, ends, and is called again.
fn built(workspace: &Workspace, target: &str) -> Result<PathBuf, Failure> {
    let arguments =
        ["build", "--locked", "--package", "fleetwright-lambda", "--profile", "lambda", "--target", target];
    let mut build = cargo(workspace, arguments);
    let script = format!("-Clink-arg=-Wl,--script={}", workspace.root.join(NO_UNWINDING).display());
    build.env("CARGO_ENCODED_RUSTFLAGS", [&SMALL[..], &[&script]].concat().join("\u{1f}"));
    stream(build)?;
    Ok(workspace.target.join(target).join("lambda").join("bootstrap"))
}

/// Flags that make the archive small: identical functions are one, and tables for unwinding have no index. (What LLVM's
/// outliner saves in the program, it loses in the archive.)
const SMALL: [&str; 2] = ["-Clink-arg=-Wl,--icf=all", "-Clink-arg=-Wl,--no-eh-frame-hdr"];

/// What the linker leaves away: as measured, `-Cforce-unwind-tables=no` leaves tables in what is linked as a whole.
const NO_UNWINDING: &str = "crates/edge/lambda/no-unwinding.ld";

/// The newest version of glibc that a symbol of the program is of.
fn newest_glibc(program: &[u8]) -> (u32, u32) {
    const MARK: &[u8] = b"GLIBC_";
    let marks = program.windows(MARK.len()).enumerate().filter(|(_, window)| *window == MARK);
    let versions: BTreeSet<(u32, u32)> = marks
        .filter_map(|(at, _)| {
            let rest = &program[at + MARK.len()..];
            let end = rest.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.')?;
            let (major, minor) = std::str::from_utf8(&rest[..end]).ok()?.split_once('.')?;
            Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
        })
        .collect();
    versions.last().copied().unwrap_or_default()
}

/// Writes the archive; answers with its path and size.
fn packed(workspace: &Workspace, target: &str, content: &[u8]) -> Result<(PathBuf, usize), Failure> {
    let path = workspace.target.join(format!("functions-{}.zip", target.split('-').next().unwrap_or(target)));
    let entry = Entry { content: content.to_vec(), executable: true };
    let package = Package::of(&[("bootstrap".to_owned(), entry)].into());
    let package = package.map_err(|error| wrong(&path, error.to_string()))?;
    let failed = |source| Failure::File { path: path.clone(), action: "written", source };
    std::fs::write(&path, &package.bytes).map_err(failed)?;
    Ok((path, package.bytes.len()))
}

/// How a function started, in milliseconds and MiB.
struct Started {
    median: f64,
    longest: f64,
    memory: f64,
}

/// Starts the function again and again, each time until it asks for its first event.
fn started(bootstrap: &Path, starts: u16) -> Result<Started, Failure> {
    let mut times = Vec::new();
    let mut memory: f64 = 0.0;
    for _ in 0..starts.max(1) {
        let (time, most) = start(bootstrap)?;
        times.push(time.as_secs_f64() * 1e3);
        memory = memory.max(most);
    }
    times.sort_by(f64::total_cmp);
    Ok(Started { median: times[times.len() / 2], longest: times[times.len() - 1], memory })
}

/// Starts it once, with every address it could call being ours: what it calls first is the Runtime API.
fn start(bootstrap: &Path) -> Result<(Duration, f64), Failure> {
    let failed = |source| Failure::Start { command: bootstrap.display().to_string(), source };
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let begun = Instant::now();
    let mut child = Command::new(bootstrap)
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
        .env("_HANDLER", "turn")
        .env("AWS_ENDPOINT_URL", format!("http://{address}"))
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", format!("http://{address}"))
        .env("HTTPS_PROXY", format!("http://{address}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(failed)?;
    let asked = first_line(&listener, &mut child);
    let (time, memory) = (begun.elapsed(), most_memory(&child));
    // It has nothing to lose.
    let _ = child.kill();
    let _ = child.wait();
    match asked {
        Some(line) if line.trim_end() == NEXT => Ok((time, memory)),
        Some(line) => {
            Err(wrong(bootstrap, format!("it asked for {:?} first, and not for an event", line.trim_end())))
        }
        None => Err(wrong(bootstrap, "it did not ask for an event".to_owned())),
    }
}

/// The first line of the first request; none where the program ended, or takes too long.
fn first_line(listener: &TcpListener, child: &mut Child) -> Option<String> {
    listener.set_nonblocking(true).ok()?;
    let begun = Instant::now();
    loop {
        if let Ok((stream, _)) = listener.accept() {
            return line_of(stream);
        }
        if child.try_wait().ok()?.is_some() || begun.elapsed() > PATIENCE {
            return None;
        }
        std::thread::sleep(Duration::from_micros(50));
    }
}

fn line_of(stream: TcpStream) -> Option<String> {
    stream.set_nonblocking(false).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok()?;
    Some(line)
}

/// The most memory a process ever held, in MiB; zero where nobody can say.
fn most_memory(child: &Child) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or_default() / 1024.0
}

fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|source| Failure::File { path: path.to_owned(), action: "read", source })
}

fn wrong(path: &Path, what: String) -> Failure {
    Failure::Answer { command: path.display().to_string(), what }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_of_glibc_is_found_by_number_and_not_by_text() {
        let program = b"\0GLIBC_2.4\0x\0GLIBC_2.34\0GLIBC_2.2.5\0GLIBC_PRIVATE\0";
        assert_eq!(newest_glibc(program), (2, 34));
        assert_eq!(newest_glibc(b"nothing"), (0, 0));
    }
}
