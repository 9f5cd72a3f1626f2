//! The keyring's file, which holds secrets, and the system's randomness, from which they come.
#![expect(clippy::disallowed_methods, reason = "a file that only its owner may read is made and judged here")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use fleetwright_approval::{Keyring, SigningKey};
use fleetwright_model::code;
use jiff::Timestamp;

use crate::failure::CommandError;
use crate::files;
use crate::state::State;

/// The largest keyring that is read, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// Where a keyring is kept.
#[derive(Clone, Debug)]
pub struct KeyringFile(PathBuf);

impl KeyringFile {
    /// The one that is named, or that lies in the directory of these runs.
    ///
    /// # Errors
    /// Neither is there.
    pub fn of(named: Option<&Path>, state: &State) -> Result<Self, CommandError> {
        let beside = state.directory.as_ref().map(|directory| directory.join("approvals.json"));
        let path = named.map(Path::to_owned).or(beside);
        let none =
            || CommandError::new(&code::KEYRING_UNUSABLE, "neither --keys nor a state directory names it");
        Ok(Self::at(path.ok_or_else(none)?))
    }

    /// The keyring in this file.
    pub fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Reads it.
    ///
    /// # Errors
    /// It is not there, others may read it, or it is not a keyring. Secrets are never in the words.
    pub fn read(&self) -> Result<Keyring, CommandError> {
        self.read_if_there()?.ok_or_else(|| self.unusable("it is not there"))
    }

    /// Reads it, if it is there.
    ///
    /// # Errors
    /// As [`KeyringFile::read`].
    pub fn read_if_there(&self) -> Result<Option<Keyring>, CommandError> {
        let metadata = match fs::metadata(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| self.unusable(error))?,
        };
        if metadata.len() > LARGEST {
            return Err(self.unusable(format!("it has {} bytes; at most {LARGEST} are read", metadata.len())));
        }
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
            if mode & 0o077 != 0 {
                return Err(self.unusable(format!("others may read it (mode {:o})", mode & 0o777)));
            }
        }
        let text = fs::read_to_string(&self.0).map_err(|error| self.unusable(error))?;
        Keyring::read(&text).map(Some).map_err(|error| self.unusable(error))
    }

    /// Writes it, whole or not at all, for its owner alone.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, ring: &Keyring) -> Result<(), CommandError> {
        files::write_secret(&self.0, ring.write().as_bytes())
    }

    fn unusable(&self, why: impl std::fmt::Display) -> CommandError {
        CommandError::new(&code::KEYRING_UNUSABLE, format!("{}: {why}", self.0.display()))
    }
}

/// Bytes that nobody can guess: keys, salts and nonces are made of nothing else.
///
/// # Errors
/// The system has none to give.
pub fn random<const N: usize>() -> Result<[u8; N], CommandError> {
    let mut bytes = [0; N];
    let none =
        |error| CommandError::new(&code::INTERNAL, format!("the system gives no random bytes: {error}"));
    getrandom::fill(&mut bytes).map_err(none)?;
    Ok(bytes)
}

/// A new key, named after the moment it was made.
///
/// # Errors
/// As [`random`].
pub fn new_key(now: Timestamp) -> Result<SigningKey, CommandError> {
    let id = format!("k{}", now.as_second()).parse();
    let id = id.map_err(|error| CommandError::new(&code::INTERNAL, format!("{error}")))?;
    Ok(SigningKey::new(id, now, random()?))
}

/// A passphrase of 100 random bits, in groups that can be read aloud.
///
/// # Errors
/// As [`random`].
pub fn new_passphrase() -> Result<String, CommandError> {
    // 32 characters without those that look alike.
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let characters = random::<20>()?.map(|byte| char::from(ALPHABET[usize::from(byte & 31)]));
    let groups: Vec<String> = characters.chunks(5).map(|group| group.iter().collect()).collect();
    Ok(groups.join("-"))
}
