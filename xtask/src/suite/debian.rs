//! Programs that tests need and that Debian packages.

use std::path::{Path, PathBuf};

use crate::process::{program, stream};
use crate::workspace::{Failure, Workspace};

/// Installs a package where what it brings is missing, as far as we may.
///
/// # Errors
/// It cannot be installed; `otherwise` says what to do.
pub(super) fn install(
    workspace: &Workspace,
    package: &str,
    is_there: impl Fn() -> bool,
    otherwise: &str,
) -> Result<(), Failure> {
    if is_there() {
        return Ok(());
    }
    println!("missing here: Debian's package {package}");
    let apt = |arguments: &[&str]| {
        let mut command = program(workspace, "apt-get", arguments.iter().copied());
        command.env("DEBIAN_FRONTEND", "noninteractive");
        stream(command)
    };
    let tried =
        apt(&["update"]).and_then(|()| apt(&["install", "--yes", "--no-install-recommends", package]));
    match tried {
        Ok(()) if is_there() => Ok(()),
        _ => Err(Failure::Found(format!("{package} cannot be installed: {otherwise}"))),
    }
}

/// The file `brought` of a package, which is unpacked under the target directory where it is not yet: that takes no rights
/// and changes nothing of the machine. apt holds the archive against the digest in its signed index.
///
/// # Errors
/// It cannot be fetched or unpacked; `otherwise` says what to do.
pub(super) fn unpacked(
    workspace: &Workspace,
    package: &str,
    brought: &str,
    otherwise: &str,
) -> Result<PathBuf, Failure> {
    let all = workspace.target.join("tools").join("debian");
    let found = all.join(package).join(brought);
    if found.exists() {
        return Ok(found);
    }
    println!("missing here: Debian's package {package}");
    match fetch(workspace, package, &all) {
        Ok(()) if found.exists() => Ok(found),
        Ok(()) => Err(Failure::Found(format!("{package} has no {brought}: {otherwise}"))),
        Err(failure) => {
            println!("{}", failure.with_causes());
            Err(Failure::Found(format!("{package} cannot be unpacked: {otherwise}")))
        }
    }
}

/// Downloads a package and unpacks it into a directory of its name; whole or not at all.
fn fetch(workspace: &Workspace, package: &str, all: &Path) -> Result<(), Failure> {
    let (archives, partial) = (all.join("archives").join(package), all.join(format!("{package}.partial")));
    for directory in [&archives, &partial] {
        empty(directory)?;
    }
    let apt = |arguments: &[&str]| {
        let mut command = program(workspace, "apt-get", arguments.iter().copied());
        command.current_dir(&archives);
        stream(command)
    };
    let download = || apt(&["download", package]);
    // Its lists may be missing or too old.
    download().or_else(|_| apt(&["update"]).and_then(|()| download()))?;
    let archive = archive(&archives, package)?;
    let words = [archive.to_string_lossy(), partial.to_string_lossy()];
    stream(program(workspace, "dpkg-deb", ["--extract", &words[0], &words[1]]))?;
    let whole = all.join(package);
    std::fs::rename(&partial, &whole).map_err(|source| Failure::File {
        path: whole,
        action: "written",
        source,
    })
}

/// An empty directory, whatever was there before.
fn empty(directory: &Path) -> Result<(), Failure> {
    let failed = |action| {
        let path = directory.to_owned();
        move |source| Failure::File { path, action, source }
    };
    if directory.exists() {
        std::fs::remove_dir_all(directory).map_err(failed("removed"))?;
    }
    std::fs::create_dir_all(directory).map_err(failed("written"))
}

/// The archive of a package in a directory: its name, its version and the architecture, with underscores between.
fn archive(directory: &Path, package: &str) -> Result<PathBuf, Failure> {
    let read = std::fs::read_dir(directory).map_err(|source| Failure::File {
        path: directory.to_owned(),
        action: "read",
        source,
    })?;
    let start = format!("{package}_");
    let mut paths = read.filter_map(|entry| entry.ok().map(|it| it.path()));
    let is_meant = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&start) && name.ends_with(".deb")
    };
    paths.find(is_meant).ok_or_else(|| {
        Failure::Found(format!("apt-get left no archive of {package} in {}", directory.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_of_a_package_is_told_from_others_by_its_whole_name() {
        let directory = std::env::temp_dir().join(format!("xtask-debian-{}", std::process::id()));
        empty(&directory).expect("a directory of its own");
        for name in ["kubectl-extra_1_amd64.deb", "kubectl_1.2-1_amd64.deb", "kubectl_1.2-1_amd64.txt"] {
            std::fs::write(directory.join(name), "").expect("written");
        }
        let found = archive(&directory, "kubectl").expect("it is there");
        assert_eq!(found, directory.join("kubectl_1.2-1_amd64.deb"));
        let missing = archive(&directory, "chromium").expect_err("nobody fetched it").to_string();
        assert!(missing.starts_with("apt-get left no archive of chromium in "), "{missing}");
        std::fs::remove_dir_all(&directory).expect("removed");
    }
}
