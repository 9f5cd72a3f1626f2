//! Files and directories: where runs lie, and the one place of this crate that touches the file
//! system other than through SQLite.
//!
//! ```text
//! <state>/budgets.sqlite            who is out of service on which run's account
//! <state>/runs/ownership.lock       held for moments, by whoever looks at or changes ownership
//! <state>/runs/<run>/journal.db     plan, records, mailbox
//! <state>/runs/<run>/owner.lock     held as long as the owner lives; its content names the owner
//! <state>/runs/<run>/artefacts/…    evidence and outputs
//! <state>/runs/<run>/audit.jsonl    every call that changed something, chained; locked by its writer
//! <state>/runs/<run>/audit-heads.jsonl  signed heads of it
//! <state>/commands/audit.jsonl …   the same of what commands outside of runs changed
//! <state>/audit-key.pem             the key that signs them
//! ```
//!
//! On Unix, directories that are made here are open to their owner alone (0700), and so are files
//! (0600).
#![expect(clippy::disallowed_methods, reason = "the home of the state directory's files")]

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use fleetwright_ports::{JournalError, RunId};

use crate::error;

mod logs;

pub(crate) use logs::{append_after, append_line, cut, flush, make_new, open_log, refuse_readable_by_others};

/// The directory of all runs.
#[derive(Clone, Debug)]
pub(crate) struct Runs {
    root: PathBuf,
}

/// The directory of one run.
#[derive(Clone, Debug)]
pub(crate) struct RunDirectory {
    path: PathBuf,
}

impl Runs {
    /// Makes the state directory where there is none.
    pub(crate) fn open(state: &Path) -> Result<Self, JournalError> {
        let root = state.join("runs");
        make_directories(&root)?;
        refuse_open_to_others(&root)?;
        Ok(Self { root })
    }

    /// Where the run lies, whether or not it is there.
    pub(crate) fn run(&self, run: &RunId) -> RunDirectory {
        RunDirectory { path: self.root.join(run.as_str()) }
    }

    /// Where the run lies.
    ///
    /// # Errors
    /// It is not there.
    pub(crate) fn existing(&self, run: &RunId) -> Result<RunDirectory, JournalError> {
        let directory = self.run(run);
        if directory.path.is_dir() {
            return Ok(directory);
        }
        Err(JournalError::NoSuchRun { run: run.as_str().into(), place: error::text(&self.root) })
    }

    /// The names of all runs, in no order.
    pub(crate) fn names(&self) -> Result<Vec<RunId>, JournalError> {
        let failed = |error: io::Error| error::of_io(&self.root, &error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.root).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // Half-made runs begin with a dot, which no name does.
            let name = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if let Some(name) = name.filter(|_| entry.path().is_dir()) {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// The lock under which ownership is looked at and changed, and runs are made.
    pub(crate) fn ownership_lock(&self) -> PathBuf {
        self.root.join("ownership.lock")
    }

    /// Makes a run's directory with what `fill` puts into it, whole or not at all.
    pub(crate) fn make_run(
        &self,
        run: &RunId,
        fill: impl FnOnce(&RunDirectory) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        let directory = self.run(run);
        if directory.path.symlink_metadata().is_ok() {
            return Err(JournalError::RunExists { run: run.as_str().into() });
        }
        let draft = RunDirectory { path: self.root.join(format!(".new-{run}")) };
        // The caller holds the ownership lock: whoever left this is gone.
        let _ = fs::remove_dir_all(&draft.path);
        let made = make_directories(&draft.path).and_then(|()| fill(&draft)).and_then(|()| {
            fs::rename(&draft.path, &directory.path)
                .and_then(|()| flush_directory(&self.root))
                .map_err(|error| error::of_io(&directory.path, &error))
        });
        if made.is_err() {
            // The first error is the one to report; a leftover draft is removed by the next attempt.
            let _ = fs::remove_dir_all(&draft.path);
        }
        made
    }
}

impl RunDirectory {
    pub(crate) fn journal(&self) -> PathBuf {
        self.path.join("journal.db")
    }

    pub(crate) fn owner_lock(&self) -> PathBuf {
        self.path.join("owner.lock")
    }

    pub(crate) fn artefacts(&self) -> PathBuf {
        self.path.join("artefacts")
    }

    pub(crate) fn audit(&self) -> PathBuf {
        self.path.join("audit.jsonl")
    }

    pub(crate) fn audit_heads(&self) -> PathBuf {
        self.path.join("audit-heads.jsonl")
    }
}

fn make_directories(path: &Path) -> Result<(), JournalError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| error::of_io(path, &error))
}

/// What others may write, others may have written.
#[cfg(unix)]
fn refuse_open_to_others(path: &Path) -> Result<(), JournalError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = fs::metadata(path).map_err(|error| error::of_io(path, &error))?;
    let mode = metadata.permissions().mode();
    if mode & 0o022 == 0 {
        return Ok(());
    }
    let cause = format!("others may write to it (mode {:o}): run chmod go-w on it", mode & 0o777);
    Err(JournalError::Refused { place: error::text(path), cause: cause.into() })
}

#[cfg(not(unix))]
fn refuse_open_to_others(_: &Path) -> Result<(), JournalError> {
    Ok(())
}

pub(crate) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes an empty file for SQLite, which would choose wider permissions.
pub(crate) fn make_empty(path: &Path) -> Result<(), JournalError> {
    options().write(true).create_new(true).open(path).map(drop).map_err(|error| error::of_io(path, &error))
}

/// Opens a file that several processes share, which is made where there is none and keeps its content.
pub(crate) fn open_lock(path: &Path) -> io::Result<File> {
    options().read(true).write(true).create(true).truncate(false).open(path)
}

/// Opens a file for reading; none where there is none.
pub(crate) fn open_existing(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads a file; none where there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, JournalError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        // A name that goes through a file, or that names a directory, names no file.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error::of_io(path, &error)),
    }
}

/// When what was written is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durable {
    /// When the call returns.
    AtOnce,
    /// When [`settle`] was called since. Until then a loss of power may lose it; the end of the process
    /// does not.
    Later,
}

/// Puts everything that was written below the directory on disk: one call for any number of files.
#[cfg(target_os = "linux")]
pub(crate) fn settle(directory: &Path) -> Result<(), JournalError> {
    let settled = File::open(directory).and_then(|file| Ok(rustix::fs::syncfs(&file)?));
    settled.map_err(|error| error::of_io(directory, &error))
}

/// Writes a file whole or not at all, through `neighbour` in the same directory.
pub(crate) fn write_atomically(
    path: &Path,
    neighbour: &str,
    bytes: &[u8],
    durable: Durable,
) -> Result<(), JournalError> {
    let Some(directory) = path.parent() else {
        return Err(JournalError::Storage { place: error::text(path), cause: "it is no file".into() });
    };
    make_directories(directory)?;
    let neighbour = directory.join(neighbour);
    let written = options()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&neighbour)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            if durable == Durable::AtOnce { file.sync_all() } else { Ok(()) }
        })
        .and_then(|()| fs::rename(&neighbour, path))
        .and_then(|()| if durable == Durable::AtOnce { flush_directory(directory) } else { Ok(()) });
    written.map_err(|error| {
        // The first error is the one to report; a leftover neighbour is never listed.
        let _ = fs::remove_file(&neighbour);
        error::of_io(path, &error)
    })
}

/// Makes names in a directory durable. Windows does so by itself and cannot open directories.
pub(crate) fn flush_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// Every file below a directory, as path from there with `/` between segments, in no order. Names
/// that begin with a dot, which only half-written files have, are left out.
pub(crate) fn walk(root: &Path) -> Result<Vec<String>, JournalError> {
    let mut found = Vec::new();
    let mut open = vec![(root.to_owned(), String::new())];
    while let Some((directory, name)) = open.pop() {
        let failed = |error: io::Error| error::of_io(&directory, &error);
        let entries = match fs::read_dir(&directory) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                continue;
            }
            other => other.map_err(failed)?,
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let file_name = entry.file_name();
            let Some(last) = file_name.to_str().filter(|last| !last.starts_with('.')) else { continue };
            let name = if name.is_empty() { last.to_owned() } else { format!("{name}/{last}") };
            match entry.file_type().map_err(failed)? {
                kind if kind.is_dir() => open.push((entry.path(), name)),
                kind if kind.is_file() => found.push(name),
                _ => {}
            }
        }
    }
    Ok(found)
}
