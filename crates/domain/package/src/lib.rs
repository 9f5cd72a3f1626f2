//! Archives of Lambda functions.
//!
//! The same files make the same archive, byte for byte: they lie in the order of their names, with one time for all and
//! one of two permissions. So the digest that Lambda keeps of an archive says whether a function runs what was packaged.
//!
//! Source: AWS Lambda Developer Guide, "Lambda quotas" and ".zip file archives"; PKWARE APPNOTE 6.3.10.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Bytes of an archive that is uploaded in a request, at most.
pub const MOST_UPLOADED: u64 = 50 * 1024 * 1024;
/// Bytes of all files together, unpacked, at most; layers count as well.
pub const MOST_UNPACKED: u64 = 250 * 1024 * 1024;
/// The executable that a runtime of one's own begins with.
pub const BOOTSTRAP: &str = "bootstrap";

/// Characters of a file's name at most, with its directories: more than any file system takes.
const LONGEST_NAME: usize = 1_024;
/// Permissions of what is run; Lambda's own user is neither owner nor of the group.
const RUN: u32 = 0o755;
/// Permissions of everything else.
const READ: u32 = 0o644;

/// A file of an archive.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// What is in it.
    pub content: Vec<u8>,
    /// Whether it can be run. A `bootstrap` at the top always can.
    pub executable: bool,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entry({} bytes, executable: {})", self.content.len(), self.executable)
    }
}

/// Files by name, `/` between segments.
pub type Entries = BTreeMap<String, Entry>;

/// Why there is no archive.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// There is nothing to package.
    #[error("there are no files in it")]
    Empty,
    /// A name that means something else where it is unpacked, or cannot be carried.
    #[error("{0:?} cannot be the name of a file in an archive")]
    Name(String),
    /// Lambda would not unpack it.
    #[error("its files have {0} bytes unpacked, more than the {MOST_UNPACKED} (250 MB) that Lambda takes")]
    Unpacked(u64),
    /// It is no archive.
    #[error("it is no ZIP archive, or a damaged one: {0}")]
    Archive(#[from] ZipError),
    /// A file of it cannot be written or read.
    #[error("{0}")]
    Storage(#[from] std::io::Error),
}

/// An archive as Lambda gets it.
#[derive(Clone, PartialEq, Eq)]
pub struct Package {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// How many files are in it.
    pub files: usize,
    /// Bytes of them together.
    pub unpacked: u64,
}

impl std::fmt::Debug for Package {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Package({} bytes, {} files)", self.bytes.len(), self.files)
    }
}

impl Package {
    /// An archive of these files.
    ///
    /// # Errors
    /// There are none, one has an unsafe name, or they are more than 250 MB together.
    pub fn of(entries: &Entries) -> Result<Self, PackageError> {
        let sizes = entries.values().map(|entry| entry.content.len() as u64);
        let unpacked = checked(entries.keys(), sizes)?;
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, entry) in entries {
            let permissions = if entry.executable || name == BOOTSTRAP { RUN } else { READ };
            // The default time is the earliest a ZIP knows: when it was made changes nothing in it.
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Deflated)
                .last_modified_time(zip::DateTime::default())
                .unix_permissions(permissions);
            archive.start_file(name.as_str(), options)?;
            archive.write_all(&entry.content)?;
        }
        let bytes = archive.finish()?.into_inner();
        Ok(Self { bytes, files: entries.len(), unpacked })
    }

    /// An archive that somebody else made, as it is. Every file of it is read once.
    ///
    /// # Errors
    /// It is none, or as [`Package::of`].
    pub fn read(bytes: Vec<u8>) -> Result<Self, PackageError> {
        let mut archive = ZipArchive::new(Cursor::new(bytes.as_slice()))?;
        let (mut names, mut sizes) = (Vec::new(), Vec::new());
        let mut left = MOST_UNPACKED;
        for index in 0..archive.len() {
            let mut file = archive.by_index(index)?;
            if file.is_dir() {
                continue;
            }
            // What the archive says of a size is not believed.
            let size = std::io::copy(&mut file.by_ref().take(left + 1), &mut std::io::sink())?;
            if size > left {
                return Err(PackageError::Unpacked(MOST_UNPACKED - left + size));
            }
            left -= size;
            names.push(file.name()?.into_owned());
            sizes.push(size);
        }
        let (files, unpacked) = (names.len(), checked(names.iter(), sizes.into_iter())?);
        Ok(Self { bytes, files, unpacked })
    }

    /// Whether it is too large to be uploaded in a request, so that Lambda has to fetch it from S3.
    pub fn needs_bucket(&self) -> bool {
        self.bytes.len() as u64 > MOST_UPLOADED
    }

    /// Its digest as Lambda shows it.
    pub fn code_sha256(&self) -> String {
        code_sha256(&self.bytes)
    }
}

/// The SHA-256 of an archive in Base64, as Lambda shows it (API reference, FunctionConfiguration, `CodeSha256`).
pub fn code_sha256(bytes: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(bytes))
}

/// The bytes of all files together.
///
/// # Errors
/// As [`Package::of`].
fn checked<'n>(
    names: impl Iterator<Item = &'n String>,
    sizes: impl Iterator<Item = u64>,
) -> Result<u64, PackageError> {
    let mut count = 0_usize;
    for name in names {
        count += 1;
        if !is_safe(name) {
            return Err(PackageError::Name(name.chars().take(100).collect()));
        }
    }
    let unpacked = sizes.fold(0, u64::saturating_add);
    match (count, unpacked) {
        (0, _) => Err(PackageError::Empty),
        (_, bytes) if bytes > MOST_UNPACKED => Err(PackageError::Unpacked(bytes)),
        (_, bytes) => Ok(bytes),
    }
}

/// Whether a name stays below the directory it is unpacked into, whatever unpacks it.
fn is_safe(name: &str) -> bool {
    let segment = |part: &str| !matches!(part, "" | "." | "..");
    name.len() <= LONGEST_NAME
        && name.split('/').all(segment)
        && !name.contains(|c: char| c == '\\' || c == ':' || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(content: &[u8], executable: bool) -> Entry {
        Entry { content: content.to_vec(), executable }
    }

    fn entries(named: &[(&str, &[u8], bool)]) -> Entries {
        named
            .iter()
            .map(|(name, content, executable)| ((*name).to_owned(), entry(content, *executable)))
            .collect()
    }

    #[test]
    fn the_same_files_make_the_same_bytes_and_others_make_others() {
        let one = entries(&[("bootstrap", b"run", false), ("data/rules.json", b"{}", false)]);
        let turned = entries(&[("data/rules.json", b"{}", false), ("bootstrap", b"run", false)]);
        let package = Package::of(&one).expect("files");
        assert_eq!(Package::of(&turned).expect("files"), package);
        assert_eq!((package.files, package.unpacked), (2, 5));
        let other = entries(&[("bootstrap", b"ran", false), ("data/rules.json", b"{}", false)]);
        assert_ne!(Package::of(&other).expect("files").code_sha256(), package.code_sha256());
    }

    #[test]
    fn the_bootstrap_can_be_run_and_nothing_else_that_could_not_before() {
        let package = Package::of(&entries(&[
            ("bootstrap", b"run", false),
            ("bin/bootstrap", b"x", false),
            ("bin/tool", b"x", true),
        ]))
        .expect("files");
        let mut archive = ZipArchive::new(Cursor::new(package.bytes)).expect("an archive");
        let mut mode =
            |name: &str| archive.by_name(name).expect("a file").unix_mode().expect("a mode") & 0o777;
        let modes = ["bootstrap", "bin/bootstrap", "bin/tool"].map(&mut mode);
        assert_eq!(modes, [0o755, 0o644, 0o755]);
    }

    #[test]
    fn the_digest_is_the_one_lambda_shows() {
        // The SHA-256 of nothing, FIPS 180-4.
        assert_eq!(code_sha256(b""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }

    #[test]
    fn names_that_would_leave_the_directory_and_archives_without_files_are_refused() {
        for name in ["", "/etc/passwd", "../x", "a/../x", "a//b", "a\\b", "c:x", "a\nb"] {
            let refused = Package::of(&entries(&[(name, b"", false)])).expect_err(name);
            assert!(matches!(refused, PackageError::Name(_)), "{name:?}: {refused}");
        }
        assert!(matches!(Package::of(&Entries::new()), Err(PackageError::Empty)));
        assert!(matches!(Package::read(b"no archive".to_vec()), Err(PackageError::Archive(_))));
    }

    #[test]
    fn what_is_too_large_unpacked_is_refused_however_small_it_is_packed() {
        let half = vec![0; MOST_UNPACKED as usize / 2];
        let mut large = entries(&[("a", &half, false), ("b", &half, false)]);
        let fits = Package::of(&large).expect("exactly as much as Lambda takes");
        assert!(!fits.needs_bucket());
        assert_eq!(Package::read(fits.bytes.clone()).expect("the same"), fits);
        large.insert("c".to_owned(), entry(b"x", false));
        let refused = Package::of(&large).expect_err("one byte too many");
        assert!(matches!(refused, PackageError::Unpacked(bytes) if bytes == MOST_UNPACKED + 1), "{refused}");
    }
}
