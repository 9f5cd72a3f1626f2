//! A scratch root in which scripts run: absolute paths of the text lead into it, and its `bin` holds
//! the only programs there are.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fleetwright_host::{Reading, Request, Shell, SurveyReport, render, survey};
use tempfile::TempDir;

/// The instance id of every scratch host.
pub(crate) const INSTANCE: &str = "i-0123456789abcdef0";
/// The boot id a scratch host begins with.
pub(crate) const FIRST_BOOT: &str = "71faa23e-eef6-456f-acaa-b9f47c1e7baf";
/// Another one.
pub(crate) const SECOND_BOOT: &str = "0b1cdd10-8a56-4f0e-9a0c-1fb1d2a6f5aa";

const TOOLS: [&str; 20] = [
    "awk",
    "base64",
    "bash",
    "cat",
    "cut",
    "date",
    "find",
    "grep",
    "gzip",
    "head",
    "ls",
    "sed",
    "sh",
    "sha256sum",
    "sort",
    "stat",
    "tail",
    "timeout",
    "tr",
    "wc",
];
const PLACES: [&str; 9] = ["/proc", "/etc", "/var", "/run", "/boot", "/usr", "/sbin", "/bin", "/tmp"];

/// The shells there are: dash behind `sh` on Debian and Ubuntu, bash behind it on Amazon Linux and
/// RHEL, busybox in small images.
pub(crate) fn shells() -> Vec<(&'static str, Vec<PathBuf>)> {
    let found = |name| program(name).map(|path| vec![path]);
    let mut shells = Vec::new();
    shells.extend(found("sh").map(|path| ("sh", path)));
    let sh = program("sh").and_then(|path| path.canonicalize().ok());
    for name in ["dash", "bash"] {
        // What stands behind sh need not be tried twice.
        if program(name).and_then(|path| path.canonicalize().ok()) != sh {
            shells.extend(found(name).map(|path| (name, path)));
        }
    }
    match program("busybox") {
        Some(path) => shells.push(("busybox sh", vec![path, PathBuf::from("sh")])),
        None => println!("busybox is not here: its sh is not tried"),
    }
    assert!(!shells.is_empty(), "no shell to run the scripts with");
    shells
}

/// The shells that run the programs of a scratch host. Some builds of busybox run their own instead.
pub(crate) fn shells_with_programs() -> Vec<(&'static str, Vec<PathBuf>)> {
    let host = Host::new();
    host.prints("uname", "of the scratch host");
    let takes = |(name, shell): &(&str, Vec<PathBuf>)| {
        let takes = host.run(shell, &["uname".to_owned()]).stdout == "of the scratch host\n";
        if !takes {
            println!("{name} runs its own programs: not tried");
        }
        takes
    };
    shells().into_iter().filter(takes).collect()
}

fn program(name: &str) -> Option<PathBuf> {
    ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]
        .into_iter()
        .map(|dir| Path::new(dir).join(name))
        .find(|path| path.exists())
}

/// What a script left behind.
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) status: i32,
}

pub(crate) struct Host {
    dir: TempDir,
}

impl Host {
    /// A host with the programs every distribution has, a boot id, and nothing else.
    pub(crate) fn new() -> Self {
        let host = Self { dir: tempfile::tempdir().expect("the scratch root is ours") };
        for place in PLACES {
            fs::create_dir_all(host.path(place)).expect("the scratch root is ours");
        }
        fs::create_dir(host.dir.path().join("tools")).expect("the scratch root is ours");
        for tool in TOOLS {
            let real = program(tool).unwrap_or_else(|| panic!("{tool} is not installed"));
            symlink(real, host.tool_path(tool)).expect("the scratch root is ours");
        }
        host.boot(FIRST_BOOT);
        host
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join("root").join(path.trim_start_matches('/'))
    }

    fn tool_path(&self, name: &str) -> PathBuf {
        self.dir.path().join("tools").join(name)
    }

    pub(crate) fn file(&self, path: &str, text: &str) -> &Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a path below the root")).expect("the scratch root is ours");
        fs::write(path, text).expect("the scratch root is ours");
        self
    }

    pub(crate) fn inode(&self, path: &str) -> u64 {
        fs::metadata(self.path(path)).expect("the scratch root is ours").ino()
    }

    /// A program that is a shell script.
    pub(crate) fn tool(&self, name: &str, script: &str) -> &Self {
        let path = self.tool_path(name);
        self.without(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("the scratch root is ours");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the scratch root is ours");
        self
    }

    /// A program that prints a text, whatever it is asked.
    pub(crate) fn prints(&self, name: &str, text: &str) -> &Self {
        self.tool(name, &format!("cat <<'TEXT'\n{}\nTEXT", text.trim_end_matches('\n')))
    }

    pub(crate) fn without(&self, name: &str) -> &Self {
        let _ = fs::remove_file(self.tool_path(name));
        self
    }

    /// As a boot does: another id, and nothing in /run.
    pub(crate) fn boot(&self, id: &str) {
        self.file("/proc/sys/kernel/random/boot_id", &format!("{id}\n"));
        fs::remove_dir_all(self.path("/run")).expect("the scratch root is ours");
        fs::create_dir(self.path("/run")).expect("the scratch root is ours");
    }

    /// Runs the commands as the agent does: one script, with the instance id in its environment.
    pub(crate) fn run(&self, shell: &[PathBuf], commands: &[String]) -> Ran {
        let text: Vec<String> = commands.iter().map(|line| self.in_root(line)).collect();
        let script = self.dir.path().join("_script.sh");
        fs::write(&script, text.join("\n")).expect("the scratch root is ours");
        let output = Command::new(&shell[0])
            .args(&shell[1..])
            .arg(&script)
            .env_clear()
            .env("PATH", self.dir.path().join("tools"))
            .env("AWS_SSM_INSTANCE_ID", INSTANCE)
            .env("AWS_SSM_REGION_NAME", "eu-central-1")
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .output()
            .expect("the scratch root is ours");
        Ran {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            status: output.status.code().expect("the scratch root is ours"),
        }
    }

    /// Surveys the host; the script must end well, say nothing on standard error, and be read whole.
    pub(crate) fn survey(&self, shell: &[PathBuf], request: &Request) -> SurveyReport {
        let ran = self.run(shell, &render(Shell::Posix, request).expect("the scratch root is ours"));
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{}", ran.stdout);
        assert!(ran.stdout.len() <= 2_400, "{} characters:\n{}", ran.stdout.len(), ran.stdout);
        match survey::parse(&ran.stdout).expect("the scratch root is ours") {
            Reading::Whole(report) => report,
            Reading::Truncated(_) => panic!("read as cut off:\n{}", ran.stdout),
        }
    }

    /// Absolute paths of the text, led into the scratch root. Parameters stay as they are.
    fn in_root(&self, line: &str) -> String {
        if line.starts_with("export FW_") {
            return line.to_owned();
        }
        let mut text = String::new();
        let mut rest = line;
        while let Some(character) = rest.chars().next() {
            let begins = !text.ends_with(|c: char| c.is_alphanumeric() || "/}*].\\".contains(c));
            let place = PLACES.into_iter().find(|place| {
                let after = rest.strip_prefix(place).map(|after| after.chars().next());
                begins && after.is_some_and(|next| next.is_none_or(|c| !c.is_alphanumeric()))
            });
            if let Some(place) = place {
                text.push_str(self.path(place).to_str().expect("the scratch root is ours"));
                rest = &rest[place.len()..];
            } else {
                text.push(character);
                rest = &rest[character.len_utf8()..];
            }
        }
        text
    }
}
