//! The evidence of a run in one archive: a ZIP whose first file lists all others with their digests.
//!
//! The same files make the same archive, byte for byte: they lie in the order of their names, with one
//! time for all.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Seek, Write};

use fleetwright_model::Text;
use fleetwright_model::canonical::canonical_of;
use serde::{Deserialize, Serialize};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::digest::Digest;

/// The name of the list.
pub const MANIFEST: &str = "manifest.json";
/// The version of the bundle's form.
pub const FORMAT: u32 = 1;
/// An unpacked file at most: what is larger was not made by us.
const LARGEST: u64 = 2 * 1024 * 1024 * 1024;

/// What is in a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// The run.
    pub run: Text,
    /// The program that made it: name and version.
    pub made_by: Text,
    /// The digest of the run's plan.
    pub plan: Text,
    /// Every file, by name.
    pub files: BTreeMap<String, Listed>,
}

/// A file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// How long it is.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Digest,
}

/// Files by name, `/` between segments.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Why an archive is no bundle, or cannot be one.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It is no archive, or is damaged.
    #[error("it is no ZIP archive, or a damaged one")]
    Archive(#[from] zip::result::ZipError),
    /// It cannot be read or written.
    #[error("it cannot be read or written")]
    Storage(#[from] std::io::Error),
    /// There is no list, or none that can be read.
    #[error("its {MANIFEST} cannot be read: {0}")]
    Manifest(String),
    /// Its form is of another version.
    #[error("it is of format {0}; this version reads {FORMAT}")]
    Format(u32),
    /// A file that is too large to be ours.
    #[error("{0} is larger than a bundle's files are")]
    TooLarge(String),
}

/// What is wrong with a bundle that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Amiss {
    /// A file is listed and not there.
    #[error("{0} is missing")]
    Missing(String),
    /// A file is there and not listed.
    #[error("{0} is not in the list")]
    Unlisted(String),
    /// A file is not what the list says.
    #[error("{0} was changed: it is not what the list says")]
    Changed(String),
}

/// A bundle that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// Its list.
    pub manifest: Manifest,
    /// Every other file.
    pub files: Files,
}

impl Bundle {
    /// A bundle of these files.
    pub fn of(run: &str, made_by: &str, plan: &Text, files: Files) -> Self {
        let listed = files.iter().map(|(name, content)| {
            (name.clone(), Listed { bytes: content.len() as u64, sha256: Digest::of(content) })
        });
        let manifest = Manifest {
            format: FORMAT,
            run: run.into(),
            made_by: made_by.into(),
            plan: plan.clone(),
            files: listed.collect(),
        };
        Self { manifest, files }
    }

    /// The digest of its list, which stands for all of it.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.list())
    }

    fn list(&self) -> Vec<u8> {
        let mut list = canonical_of(&self.manifest);
        list.push(b'\n');
        list
    }

    /// Writes the archive.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, out: impl Write + Seek) -> Result<(), BundleError> {
        // The default time is the earliest a ZIP knows: when a bundle was made changes nothing in it.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(zip::DateTime::default())
            .unix_permissions(0o600);
        let mut archive = ZipWriter::new(out);
        archive.start_file(MANIFEST, options)?;
        archive.write_all(&self.list())?;
        for (name, content) in &self.files {
            archive
                .start_file(name.as_str(), options.large_file(content.len() as u64 > u64::from(u32::MAX)))?;
            archive.write_all(content)?;
        }
        archive.finish()?.flush()?;
        Ok(())
    }

    /// Reads an archive. Nothing is unpacked to disk.
    ///
    /// # Errors
    /// It is no bundle; one whose files are not what they were is read, and [`Bundle::amiss`] tells.
    pub fn read(bytes: &[u8]) -> Result<Self, BundleError> {
        let mut archive = ZipArchive::new(Cursor::new(bytes))?;
        let mut files = Files::new();
        for index in 0..archive.len() {
            let mut file = archive.by_index(index)?;
            if file.is_dir() {
                continue;
            }
            let name = file.name()?.into_owned();
            let mut content = Vec::new();
            // What the archive says of a size is not believed.
            if file.by_ref().take(LARGEST + 1).read_to_end(&mut content)? as u64 > LARGEST {
                return Err(BundleError::TooLarge(name));
            }
            files.insert(name, content);
        }
        let unreadable = |why: &dyn std::fmt::Display| BundleError::Manifest(why.to_string());
        let list = files.remove(MANIFEST).ok_or_else(|| unreadable(&"it is not there"))?;
        let versioned: Versioned = serde_json::from_slice(&list).map_err(|error| unreadable(&error))?;
        if versioned.format != FORMAT {
            return Err(BundleError::Format(versioned.format));
        }
        let manifest = serde_json::from_slice(&list).map_err(|error| unreadable(&error))?;
        Ok(Self { manifest, files })
    }

    /// What is not as the list says; empty where everything is.
    pub fn amiss(&self) -> Vec<Amiss> {
        let listed = self.manifest.files.iter().filter_map(|(name, listed)| {
            let Some(content) = self.files.get(name) else { return Some(Amiss::Missing(name.clone())) };
            (Digest::of(content) != listed.sha256).then(|| Amiss::Changed(name.clone()))
        });
        let known = |name: &&String| !self.manifest.files.contains_key(*name);
        let unlisted = self.files.keys().filter(known).cloned().map(Amiss::Unlisted);
        listed.chain(unlisted).collect()
    }
}

#[derive(Deserialize)]
struct Versioned {
    format: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle() -> Bundle {
        let file = |name: &str, content: &[u8]| (name.to_owned(), content.to_vec());
        let files = [file("plan.json", b"{}"), file("artefacts/pre/i-0/stdout.txt", &[0, 255, 10])].into();
        Bundle::of("run-1", "fleetwright 0.1.0", &"ab12".into(), files)
    }

    fn bytes(bundle: &Bundle) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        bundle.write(&mut out).expect("memory takes it");
        out.into_inner()
    }

    #[test]
    fn a_bundle_comes_back_as_it_was_and_twice_the_same() {
        let written = bytes(&bundle());
        assert_eq!(written, bytes(&bundle()), "the same bytes");
        let read = Bundle::read(&written).expect("a bundle");
        assert_eq!((&read, read.amiss()), (&bundle(), Vec::new()));
    }

    #[test]
    fn a_file_that_was_changed_added_or_taken_away_is_told() {
        let mut other = bundle();
        other.files.insert("plan.json".to_owned(), b"{ }".to_vec());
        other.files.insert("more".to_owned(), Vec::new());
        other.files.remove("artefacts/pre/i-0/stdout.txt");
        let read = Bundle::read(&bytes(&other)).expect("a bundle");
        let expected = [
            Amiss::Missing("artefacts/pre/i-0/stdout.txt".to_owned()),
            Amiss::Changed("plan.json".to_owned()),
            Amiss::Unlisted("more".to_owned()),
        ];
        assert_eq!(read.amiss(), expected);
    }

    #[test]
    fn what_is_no_bundle_is_refused_and_any_damage_is_found() {
        assert!(matches!(Bundle::read(b"nonsense"), Err(BundleError::Archive(_))));
        let written = bytes(&bundle());
        for at in 0..written.len() {
            let mut damaged = written.clone();
            damaged[at] ^= 0x20;
            // Times and permissions of entries are no content, and checksums find the rest.
            if let Ok(read) = Bundle::read(&damaged) {
                assert!(read == bundle() || !read.amiss().is_empty(), "byte {at}");
            }
        }
    }
}
