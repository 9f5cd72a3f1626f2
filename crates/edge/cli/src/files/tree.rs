//! Everything below a directory, links included that stay in it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use fleetwright_model::code;

use crate::failure::CommandError;

/// A file of a directory that is packaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its name below the directory, `/` between segments.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// Whether its owner can run it.
    pub executable: bool,
}

/// The file of that name, or every file below the directory, by name. Links are followed.
///
/// # Errors
/// Something cannot be read, is neither a file nor a directory, or has a name that is not UTF-8; a link leaves the
/// directory, or leads back into one that it is in.
pub fn tree(root: &Path) -> Result<Vec<Found>, CommandError> {
    let metadata = fs::metadata(root).map_err(|error| unreadable(root, &error))?;
    let mut found = Vec::new();
    if metadata.is_dir() {
        let whole = fs::canonicalize(root).map_err(|error| unreadable(root, &error))?;
        walk(&Walked { root: &whole, shown: root }, "", &mut vec![whole.clone()], &mut found)?;
        found.sort_by(|a, b| a.name.cmp(&b.name));
    } else {
        let name = root.file_name().and_then(|name| name.to_str()).ok_or_else(|| unnamed(root))?;
        found.push(file(name.to_owned(), root.to_owned(), &metadata)?);
    }
    Ok(found)
}

struct Walked<'w> {
    /// The directory without links.
    root: &'w Path,
    /// As it was named.
    shown: &'w Path,
}

/// Walks the last directory of `chain`, which has none twice.
fn walk(
    walked: &Walked<'_>,
    prefix: &str,
    chain: &mut Vec<PathBuf>,
    found: &mut Vec<Found>,
) -> Result<(), CommandError> {
    let Some(directory) = chain.last().cloned() else { return Ok(()) };
    let entries = fs::read_dir(&directory).map_err(|error| unreadable(&directory, &error))?;
    for entry in entries {
        let path = entry.map_err(|error| unreadable(&directory, &error))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| unnamed(&path))?;
        let name = format!("{prefix}{name}");
        let real = fs::canonicalize(&path).map_err(|error| unreadable(&path, &error))?;
        let shown = || walked.shown.join(&name).display().to_string();
        if !real.starts_with(walked.root) {
            return Err(refused(format!("the link {} leaves the directory, to {}", shown(), real.display())));
        }
        let metadata = fs::metadata(&real).map_err(|error| unreadable(&path, &error))?;
        if !metadata.is_dir() {
            found.push(file(name, real, &metadata)?);
            continue;
        }
        if chain.contains(&real) {
            return Err(refused(format!("the link {} leads back into a directory that it is in", shown())));
        }
        chain.push(real);
        walk(walked, &format!("{name}/"), chain, found)?;
        chain.pop();
    }
    Ok(())
}

fn file(name: String, path: PathBuf, metadata: &fs::Metadata) -> Result<Found, CommandError> {
    if !metadata.is_file() {
        return Err(refused(format!("{} is neither a file nor a directory", path.display())));
    }
    #[cfg(unix)]
    let executable = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o100 != 0;
    #[cfg(not(unix))]
    let executable = false;
    Ok(Found { name, bytes: metadata.len(), executable, path })
}

fn refused(message: String) -> CommandError {
    CommandError::new(&code::ARCHIVE_UNUSABLE, message)
}

fn unnamed(path: &Path) -> CommandError {
    refused(format!("{} has a name that is not UTF-8", path.display()))
}

fn unreadable(path: &Path, error: &io::Error) -> CommandError {
    CommandError::new(&code::UNREADABLE_FILE, format!("{} cannot be read: {error}", path.display()))
}
