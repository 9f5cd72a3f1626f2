//! Files: the one place of this crate that touches the file system.
#![expect(clippy::disallowed_methods, reason = "the one home of files in the command line")]

mod tree;

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use fleetwright_model::code;

pub use self::tree::{Found, tree};
use crate::failure::CommandError;

/// The largest configuration or inventory file that is read, in bytes.
const LARGEST: u64 = 32 * 1024 * 1024;

/// Reads a text file.
///
/// # Errors
/// It cannot be read, is larger than 32 MiB, or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, CommandError> {
    let unreadable = |error: &dyn std::fmt::Display| {
        CommandError::new(&code::UNREADABLE_FILE, format!("{} cannot be read: {error}", path.display()))
    };
    let size = fs::metadata(path).map_err(|error| unreadable(&error))?.len();
    if size > LARGEST {
        let message = format!("{} has {size} bytes; at most {LARGEST} are read", path.display());
        return Err(CommandError::new(&code::TOO_LARGE, message));
    }
    fs::read_to_string(path).map_err(|error| unreadable(&error))
}

/// Reads a file of any size.
///
/// # Errors
/// It cannot be read.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, CommandError> {
    fs::read(path).map_err(|error| {
        CommandError::new(&code::UNREADABLE_FILE, format!("{} cannot be read: {error}", path.display()))
    })
}

/// True where a file of this name exists.
pub fn exists(path: &Path) -> bool {
    path.is_file()
}

/// Makes the directory and those above it.
///
/// # Errors
/// It cannot be made.
pub fn make_directory(path: &Path) -> Result<(), CommandError> {
    fs::create_dir_all(path).map_err(|error| CommandError::output(path, &error))
}

/// Removes a directory with everything in it; one that is not there is no error.
///
/// # Errors
/// It cannot be removed.
pub fn remove_directory(path: &Path) -> Result<(), CommandError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(CommandError::output(path, &error)),
        _ => Ok(()),
    }
}

/// Removes a file; one that is not there is no error.
///
/// # Errors
/// It cannot be removed.
pub fn remove_file(path: &Path) -> Result<(), CommandError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(CommandError::output(path, &error)),
        _ => Ok(()),
    }
}

/// The bytes of every file below a directory whose name begins so; what cannot be read counts nothing.
pub fn size_below(directory: &Path, name: &str) -> u64 {
    let Ok(entries) = fs::read_dir(directory) else { return 0 };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => size_below(&entry.path(), name),
        Ok(meta) if entry.file_name().to_string_lossy().starts_with(name) => meta.len(),
        _ => 0,
    };
    entries.filter_map(Result::ok).map(size).sum()
}

/// The files that are named, and those below the directories that are named whose names end so; sorted.
///
/// # Errors
/// A directory cannot be read.
pub fn below(named: &[PathBuf], endings: &[&str]) -> Result<Vec<PathBuf>, CommandError> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = named.to_vec();
    while let Some(path) = open.pop() {
        if !path.is_dir() {
            let name = path.to_string_lossy();
            if named.contains(&path) || endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
            continue;
        }
        let unreadable = |error: io::Error| {
            CommandError::new(&code::UNREADABLE_FILE, format!("{} cannot be read: {error}", path.display()))
        };
        for entry in fs::read_dir(&path).map_err(unreadable)? {
            open.push(entry.map_err(unreadable)?.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Opens a file to append to; it is made where it is not there, for its owner alone.
///
/// # Errors
/// It cannot be opened.
pub fn append(path: &Path) -> Result<fs::File, CommandError> {
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| CommandError::output(path, &error))
}

/// Writes a file so that it is there whole or not at all: into a neighbour first, flushed to disk,
/// then renamed.
///
/// # Errors
/// The file cannot be written; the neighbour is removed.
pub fn write_atomically(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<fs::File>) -> io::Result<()>,
) -> Result<(), CommandError> {
    let neighbour = neighbour_of(path);
    let result = fs::File::create(&neighbour).and_then(|file| {
        let mut writer = BufWriter::with_capacity(1 << 16, file);
        write(&mut writer)?;
        writer.flush()?;
        writer.get_ref().sync_all()?;
        fs::rename(&neighbour, path)
    });
    result.map_err(|error| {
        // The first error is the one to report; a leftover neighbour is harmless.
        let _ = fs::remove_file(&neighbour);
        CommandError::output(path, &error)
    })
}

/// Writes a file that its owner alone may read, so that it is there whole or not at all.
///
/// # Errors
/// The file cannot be written; what was begun of it is removed.
pub fn write_secret(path: &Path, content: &[u8]) -> Result<(), CommandError> {
    let neighbour = neighbour_of(path);
    // What another process left half-made may have other permissions.
    let _ = fs::remove_file(&neighbour);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&neighbour).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&neighbour, path)
    });
    written.map_err(|error| {
        // The first error is the one to report.
        let _ = fs::remove_file(&neighbour);
        CommandError::output(path, &error)
    })
}

/// The most memory this process held since [`forget_peak_memory`], in KiB; none where the operating
/// system does not say.
/// Source: proc_pid_status(5), `VmHWM`.
pub fn peak_memory_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Begins to count the most memory anew, where the operating system lets it.
/// Source: proc_pid_clear_refs(5).
pub fn forget_peak_memory() {
    // Where this is not possible, the figure is that of the whole process: no less than the truth.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

fn neighbour_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}
