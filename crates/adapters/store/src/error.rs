//! What the system says, as errors of the port with place and cause.

use std::io;
use std::path::Path;

use fleetwright_model::Text;
use fleetwright_ports::JournalError;
use rusqlite::ErrorCode;

/// The error of an operation on a file or directory.
pub(crate) fn of_io(place: &Path, error: &io::Error) -> JournalError {
    use io::ErrorKind::{NotADirectory, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let (place, cause) = (text(place), Text::from(error.to_string()));
    match error.kind() {
        StorageFull | QuotaExceeded => JournalError::Full { place, cause },
        PermissionDenied | ReadOnlyFilesystem | NotADirectory => JournalError::Refused { place, cause },
        _ => JournalError::Storage { place, cause },
    }
}

/// The error of an operation on a database.
pub(crate) fn of_sqlite(place: &Path, error: &rusqlite::Error) -> JournalError {
    let (place, cause) = (text(place), Text::from(error.to_string()));
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => JournalError::Full { place, cause },
        Some(
            ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::CannotOpen
            | ErrorCode::AuthorizationForStatementDenied,
        ) => JournalError::Refused { place, cause },
        Some(ErrorCode::FileLockingProtocolFailed | ErrorCode::NoLargeFileSupport) => {
            let cause = format!("{cause}; keep the state directory on a local disk").into();
            JournalError::Refused { place, cause }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            let cause = format!("{cause}: another process has held it for too long; try again").into();
            JournalError::Storage { place, cause }
        }
        _ => JournalError::Storage { place, cause },
    }
}

/// What is there is not what was written.
pub(crate) fn damaged(place: &Path, what: impl std::fmt::Display) -> JournalError {
    JournalError::Storage { place: text(place), cause: format!("it is damaged: {what}").into() }
}

/// A path for people.
pub(crate) fn text(path: &Path) -> Text {
    path.display().to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite(code: i32) -> JournalError {
        let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        of_sqlite(Path::new("state/journal.db"), &error)
    }

    #[test]
    fn a_full_disk_is_told_from_a_forbidden_one_and_from_a_broken_one() {
        use rusqlite::ffi;
        assert!(matches!(sqlite(ffi::SQLITE_FULL), JournalError::Full { .. }));
        for code in [ffi::SQLITE_READONLY, ffi::SQLITE_CANTOPEN, ffi::SQLITE_PERM, ffi::SQLITE_PROTOCOL] {
            assert!(matches!(sqlite(code), JournalError::Refused { .. }), "{code}");
        }
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB, ffi::SQLITE_IOERR, ffi::SQLITE_BUSY] {
            assert!(matches!(sqlite(code), JournalError::Storage { .. }), "{code}");
        }

        let file = |kind: io::ErrorKind| of_io(Path::new("state"), &io::Error::from(kind));
        assert!(matches!(file(io::ErrorKind::StorageFull), JournalError::Full { .. }));
        for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem] {
            assert!(matches!(file(kind), JournalError::Refused { .. }), "{kind}");
        }
        assert!(matches!(file(io::ErrorKind::TimedOut), JournalError::Storage { .. }));
    }
}
