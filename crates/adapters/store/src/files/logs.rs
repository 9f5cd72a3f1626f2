//! Files that only grow.
#![expect(clippy::disallowed_methods, reason = "the home of the state directory's files")]

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use fleetwright_ports::JournalError;

use super::{flush_directory, make_directories, options};
use crate::error;

/// Opens a file to append to it, made where there is none, locked for as long as it is open; and what
/// is in it.
///
/// # Errors
/// Another process has it open, or the system refuses.
pub(crate) fn open_log(path: &Path) -> Result<(File, Vec<u8>), JournalError> {
    let failed = |error: io::Error| error::of_io(path, &error);
    let is_new = !path.exists();
    if let Some(directory) = path.parent().filter(|directory| is_new && !directory.exists()) {
        make_directories(directory)?;
    }
    let mut file = options().read(true).append(true).create(true).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(JournalError::Owned { owner: "another process".into() });
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    if is_new {
        path.parent().map_or(Ok(()), flush_directory).map_err(failed)?;
    }
    let mut content = Vec::new();
    file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut content)).map_err(failed)?;
    Ok((file, content))
}

/// Appends to a file that must still be as long as it was.
pub(crate) fn append_after(
    path: &Path,
    file: &mut File,
    length: u64,
    bytes: &[u8],
) -> Result<(), JournalError> {
    let failed = |error: io::Error| error::of_io(path, &error);
    let found = file.metadata().map_err(failed)?.len();
    if found != length {
        return Err(error::damaged(path, format!("it has {found} bytes, {length} were written")));
    }
    file.write_all(bytes).map_err(failed)
}

/// Takes away everything from there on.
pub(crate) fn cut(path: &Path, file: &File, length: u64) -> Result<(), JournalError> {
    file.set_len(length).and_then(|()| file.sync_all()).map_err(|error| error::of_io(path, &error))
}

/// Puts what was appended on disk.
pub(crate) fn flush(path: &Path, file: &File) -> Result<(), JournalError> {
    file.sync_data().map_err(|error| error::of_io(path, &error))
}

/// Appends a line, on disk when this returns.
pub(crate) fn append_line(path: &Path, line: &[u8]) -> Result<(), JournalError> {
    let written = options().append(true).create(true).open(path).and_then(|mut file| {
        file.write_all(line)?;
        file.sync_all()
    });
    written.map_err(|error| error::of_io(path, &error))
}

/// Makes a file that must not be there yet.
pub(crate) fn make_new(path: &Path, bytes: &[u8]) -> Result<(), JournalError> {
    let made = options().write(true).create_new(true).open(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        path.parent().map_or(Ok(()), flush_directory)
    });
    made.map_err(|error| error::of_io(path, &error))
}

/// A secret that others may read is none.
#[cfg(unix)]
pub(crate) fn refuse_readable_by_others(path: &Path) -> Result<(), JournalError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).map_err(|error| error::of_io(path, &error))?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let cause = format!("others may read it (mode {:o}): run chmod 600 on it", mode & 0o777);
    Err(JournalError::Refused { place: error::text(path), cause: cause.into() })
}

#[cfg(not(unix))]
pub(crate) fn refuse_readable_by_others(_: &Path) -> Result<(), JournalError> {
    Ok(())
}
