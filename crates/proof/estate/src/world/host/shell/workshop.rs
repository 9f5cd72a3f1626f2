//! The scratch directories that scripts run in.

#![expect(
    clippy::disallowed_methods,
    reason = "this module is the one home of files in the estate: scripts need real ones to read"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use super::identity::Identity;
use super::scene::Files;
use super::{Done, Effects, Script, paths};
use crate::world::host::powershell::ScriptResult;
use crate::world::host::state::ServiceState;

/// How long a script may keep the machine busy; none that a host's tools answer needs a second.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where the agent keeps the script it runs.
const SCRIPT: &str = "var/lib/amazon/ssm/_script.sh";

/// Files that scripts write and hosts keep: at most so large each.
const KEPT_BYTES: u64 = 64 * 1024;

/// The tools a host has, each answered by one of three scripts.
const SYSTEM: &[&str] = &[
    "df",
    "free",
    "ss",
    "netstat",
    "uname",
    "uptime",
    "findmnt",
    "mountpoint",
    "mount",
    "hostname",
    "nproc",
    "getconf",
    "getent",
    "who",
    "whoami",
    "logname",
    "id",
    "date",
    "sleep",
    "shutdown",
    "reboot",
    "poweroff",
    "sysctl",
    "fuser",
    "lsof",
    "pgrep",
    "pidof",
    "cloud-init",
    "journalctl",
    "logger",
    "sync",
    "systemd-cat",
];
const SERVICES: &[&str] = &["systemctl", "service", "curl", "wget", "bash", "nc"];
const PACKAGES: &[&str] = &["dpkg", "dpkg-query", "apt-get", "apt", "apt-mark", "apt-cache"];
const RPM_PACKAGES: &[&str] = &["rpm", "dnf", "yum", "needs-restarting"];

/// The machine's own tools that see nothing but their arguments.
const HARMLESS: &[&str] = &[
    "sh",
    "bash",
    "cat",
    "grep",
    "egrep",
    "fgrep",
    "sed",
    "awk",
    "cut",
    "sort",
    "uniq",
    "head",
    "tail",
    "tr",
    "wc",
    "gzip",
    "gunzip",
    "zcat",
    "base64",
    "od",
    "sha256sum",
    "md5sum",
    "cksum",
    "printf",
    "test",
    "[",
    "expr",
    "true",
    "false",
    "basename",
    "dirname",
    "cp",
    "mv",
    "rm",
    "mkdir",
    "rmdir",
    "touch",
    "ln",
    "ls",
    "chmod",
    "mktemp",
    "tee",
    "xargs",
    "env",
    "find",
    "stat",
    "cmp",
    "diff",
    "seq",
    "dd",
    "paste",
    "comm",
    "fold",
    "nl",
    "tac",
    "readlink",
    "realpath",
    "timeout",
    "nohup",
    "yes",
    "kill",
    "echo",
];

/// What a run told and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ran {
    pub(super) exit_code: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) seconds: u64,
    pub(super) reboots: bool,
    pub(super) services: Vec<(String, ServiceState)>,
    pub(super) files: BTreeMap<String, Option<Arc<[u8]>>>,
    /// The tools it used, sorted.
    pub(super) tools: Vec<String>,
}

impl Ran {
    /// The same with every text changed; files that are no text stay as they are.
    pub(super) fn changed(&self, with: impl Fn(&str) -> String) -> Self {
        let changed = |content: &Arc<[u8]>| match std::str::from_utf8(content) {
            Ok(text) => with(text).into_bytes().into(),
            Err(_) => content.clone(),
        };
        let files = self.files.iter().map(|(path, content)| (with(path), content.as_ref().map(changed)));
        Self {
            stdout: with(&self.stdout),
            stderr: with(&self.stderr),
            files: files.collect(),
            services: self.services.clone(),
            tools: self.tools.clone(),
            ..*self
        }
    }

    pub(super) fn done(self) -> Done {
        Done {
            result: ScriptResult {
                exit_code: self.exit_code,
                stdout: self.stdout,
                stderr: self.stderr,
                seconds: self.seconds,
            },
            effects: Effects { reboots: self.reboots, services: self.services, files: self.files },
        }
    }
}

/// A directory of the machine with the tools, and room for one scratch directory at a time.
#[derive(Debug)]
pub(super) struct Workshop {
    directory: PathBuf,
}

impl Drop for Workshop {
    fn drop(&mut self) {
        // What cannot be removed now is in the machine's directory for temporary files.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

impl Workshop {
    /// Makes the directory and the tools.
    pub(super) fn open() -> io::Result<Self> {
        let directory = new_directory()?;
        let workshop = Self { directory };
        let texts = [("debian", [SYSTEM, SERVICES, PACKAGES]), ("rpm", [SYSTEM, SERVICES, RPM_PACKAGES])];
        let scripts = [
            include_str!("tools/system.sh"),
            include_str!("tools/services.sh"),
            include_str!("tools/packages.sh"),
        ];
        for (kind, tools) in texts {
            let bin = workshop.directory.join(kind);
            fs::create_dir(&bin)?;
            for (names, text) in tools.into_iter().zip(scripts) {
                for name in names {
                    write_executable(&bin.join(name), text)?;
                }
            }
            for name in HARMLESS {
                link_tool(name, &bin.join(name))?;
            }
            link_tool("date", &bin.join(".date"))?;
            link_tool("bash", &bin.join(".bash"))?;
        }
        Ok(workshop)
    }

    /// Runs a script among these files.
    pub(super) fn run(
        &mut self,
        scene: &Files,
        identity: &Identity,
        text: &str,
        script: &Script<'_>,
    ) -> io::Result<Ran> {
        let root = self.directory.join("root");
        if root.exists() {
            fs::remove_dir_all(&root)?;
        }
        let name =
            root.to_str().ok_or_else(|| io::Error::other("the temporary directory's name is not UTF-8"))?;
        let kind = if scene.contains_key("var/lib/dpkg/lock") { "debian" } else { "rpm" };
        furnish(&root, &self.directory.join(kind), scene)?;
        let facts = format!("ROOT='{name}'\nLIMIT={}\n", script.limit_seconds);
        let known = scene.get(".host/facts").map(Vec::as_slice).unwrap_or_default();
        fs::write(root.join(".host/facts"), [facts.as_bytes(), known].concat())?;
        fs::write(root.join(SCRIPT), paths::below(name, text))?;
        lock_packages(&root, scene)?;
        let started = root.join(paths::below("", script.working_directory).trim_start_matches('/'));
        let directory = if script.working_directory.is_empty() { root.join("root") } else { started };
        let interpreter = match text.lines().next() {
            Some(line) if line.starts_with("#!") && line.contains("bash") => ".bash",
            _ => "sh",
        };
        let status = execute(&root, name, &directory, interpreter, identity)?;
        collect(&root, name, scene, status, script)
    }
}

fn new_directory() -> io::Result<PathBuf> {
    let parent = std::env::temp_dir();
    for number in 0..1_000_u32 {
        let path = parent.join(format!("estate-{}-{number}", std::process::id()));
        // Nobody else may look in, or have put something there before.
        match fs::DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other(format!("no free name for a scratch directory in {}", parent.display())))
}

fn write_executable(path: &Path, text: &str) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    // Each tool tells that it was used, before it does anything.
    let noted = text.replacen(". \"$H/facts\"\n", ". \"$H/facts\"\necho \"${0##*/}\" >>\"$H/used\"\n", 1);
    fs::write(path, noted)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

fn link_tool(name: &str, to: &Path) -> io::Result<()> {
    let found =
        ["/usr/bin", "/bin"].iter().map(|place| Path::new(place).join(name)).find(|path| path.exists());
    match found {
        Some(path) if !to.exists() => symlink(path, to),
        _ => Ok(()),
    }
}

fn furnish(root: &Path, bin: &Path, scene: &Files) -> io::Result<()> {
    for directory in [
        ".host",
        "boot",
        "data",
        "etc",
        "home",
        "lib",
        "mnt",
        "opt",
        "proc/sys/kernel/random",
        "root",
        "run",
        "srv",
        "sys",
        "tmp",
        "var/lib/amazon/ssm",
        "var/tmp",
        "var/log",
        "var/cache",
    ] {
        fs::create_dir_all(root.join(directory))?;
    }
    symlink(bin, root.join("bin"))?;
    symlink(bin, root.join("sbin"))?;
    symlink(".", root.join("usr"))?;
    symlink("../run", root.join("var/run"))?;
    for (path, content) in scene {
        let file = root.join(path);
        if let Some(parent) = file.parent()
            && path.matches('/').count() > 1
        {
            fs::create_dir_all(parent)?;
        }
        fs::write(file, content)?;
    }
    fs::write(root.join(".host/effects"), "")?;
    fs::write(root.join(".host/used"), "")
}

/// Enters the package manager's lock into the kernel's table, where one is held.
fn lock_packages(root: &Path, scene: &Files) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    if !scene.contains_key("proc/1201/comm") {
        return Ok(());
    }
    let mut table = String::new();
    for file in ["var/lib/dpkg/lock-frontend", "var/lib/rpm/.rpm.lock"].map(|file| root.join(file)) {
        if file.exists() {
            let number = fs::metadata(&file)?.ino();
            table += &format!("1: POSIX  ADVISORY  WRITE 1201 103:01:{number} 0 EOF\n");
        }
    }
    fs::write(root.join("proc/locks"), table)
}

/// Runs the script in a process group of its own, so that all of it can be ended together.
fn execute(
    root: &Path,
    name: &str,
    directory: &Path,
    interpreter: &str,
    identity: &Identity,
) -> io::Result<Option<ExitStatus>> {
    let out = fs::File::create(root.join(".host/stdout"))?;
    let err = fs::File::create(root.join(".host/stderr"))?;
    let directory = if directory.is_dir() { directory } else { root };
    let mut command = Command::new("/bin/sh");
    command
        // 16 MiB per file: a script that writes without end comes to one.
        .args(["-c", "ulimit -f 32768; exec \"$1\" \"$2\"", "sh", interpreter])
        .arg(root.join(SCRIPT))
        .current_dir(directory)
        .env_clear()
        .env("PATH", format!("{name}/bin"))
        .env("HOME", format!("{name}/root"))
        .env("TMPDIR", format!("{name}/tmp"))
        .env("LANG", "C")
        .env("AWS_SSM_INSTANCE_ID", &identity.instance)
        .env("AWS_SSM_REGION_NAME", &identity.region)
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .process_group(0);
    let mut child = command.spawn()?;
    let group = child.id();
    let (done, ended) = mpsc::channel();
    let waiter = std::thread::spawn(move || {
        // Nobody listens any more only where this function has gone.
        let _ = done.send(child.wait());
    });
    let status = match ended.recv_timeout(PATIENCE) {
        Ok(status) => Some(status?),
        Err(_) => {
            Command::new("/bin/sh").args(["-c", &format!("kill -9 -{group}")]).status()?;
            None
        }
    };
    drop(waiter);
    Ok(status)
}

fn collect(
    root: &Path,
    name: &str,
    scene: &Files,
    status: Option<ExitStatus>,
    script: &Script<'_>,
) -> io::Result<Ran> {
    let read = |file: &str| -> io::Result<String> {
        let bytes = fs::read(root.join(".host").join(file))?;
        Ok(String::from_utf8_lossy(&bytes).replace(name, ""))
    };
    let mut ran = Ran {
        exit_code: status.map_or(137, |s| s.code().unwrap_or_else(|| 128 + s.signal().unwrap_or(9))),
        stdout: read("stdout")?,
        stderr: read("stderr")?,
        seconds: 0,
        reboots: false,
        services: Vec::new(),
        files: BTreeMap::new(),
        tools: read("used")?.lines().map(str::to_owned).collect(),
    };
    ran.tools.sort_unstable();
    ran.tools.dedup();
    for line in read("effects")?.lines() {
        let mut words = line.split(' ');
        match (words.next(), words.next(), words.next()) {
            (Some("slept"), Some(seconds), _) => {
                ran.seconds = ran.seconds.saturating_add(seconds.parse().unwrap_or(0));
            }
            (Some("service"), Some(service), Some(state)) => {
                let state = match state {
                    "active" => ServiceState::Active,
                    "failed" => ServiceState::Failed,
                    _ => ServiceState::Inactive,
                };
                ran.services.push((service.to_owned(), state));
            }
            (Some("reboot"), ..) => ran.reboots = true,
            (Some("timeout"), ..) => ran.seconds = u64::MAX,
            _ => {}
        }
    }
    if status.is_none() {
        ran.seconds = script.limit_seconds.saturating_add(1);
    }
    for top in ["data", "etc", "home", "opt", "root", "run", "srv", "tmp", "var", "mnt"] {
        changed_files(root, name, &root.join(top), scene, &mut ran.files)?;
    }
    let gone = scene.keys().filter(|path| !path.starts_with(".host") && !root.join(path).exists());
    ran.files.extend(gone.map(|path| (format!("/{path}"), None)));
    Ok(ran)
}

/// Every file below a directory that is not as the scene had it.
fn changed_files(
    root: &Path,
    name: &str,
    directory: &Path,
    scene: &Files,
    changed: &mut BTreeMap<String, Option<Arc<[u8]>>>,
) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let path = entry.path();
        if kind.is_dir() {
            changed_files(root, name, &path, scene, changed)?;
            continue;
        }
        let Some(relative) = path.strip_prefix(root).ok().and_then(Path::to_str) else { continue };
        if !kind.is_file() || relative == SCRIPT || entry.metadata()?.len() > KEPT_BYTES {
            continue;
        }
        let content = fs::read(&path)?;
        if scene.get(relative) == Some(&content) {
            continue;
        }
        // What a script wrote about paths is about its host's.
        let content = match String::from_utf8(content) {
            Ok(text) => text.replace(name, "").into_bytes(),
            Err(error) => error.into_bytes(),
        };
        changed.insert(format!("/{relative}"), Some(content.into()));
    }
    Ok(())
}
