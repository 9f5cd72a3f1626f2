//! Where the workspace is, what is in it, and how a chore fails.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use cargo_metadata::{Metadata, MetadataCommand};

/// Why a chore could not be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// `cargo metadata` failed.
    #[error("the workspace cannot be read: is this run through `cargo xtask`?")]
    Metadata(#[from] cargo_metadata::Error),
    /// A file could not be read or written.
    #[error("{path}: cannot be {action}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What was tried: `read`, `written` or `removed`.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A program could not be started.
    #[error("`{command}` cannot be started: is it installed and on PATH?")]
    Start {
        /// The command line.
        command: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A program ended badly; what it has to say stands above.
    #[error("`{command}` ended with {status}")]
    Ended {
        /// The command line.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// A program's answer is not what was agreed.
    #[error("`{command}` answered something unexpected: {what}")]
    Answer {
        /// The command line.
        command: String,
        /// What is wrong with the answer.
        what: String,
    },
    /// The chore found something; the findings stand above.
    #[error("{0}")]
    Found(String),
}

impl Failure {
    /// The failure and its causes, each on its own line.
    pub(crate) fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(inner) = cause {
            text.push_str("\n  because: ");
            text.push_str(&inner.to_string());
            cause = inner.source();
        }
        text
    }
}

/// The workspace: its root and its packages.
pub(crate) struct Workspace {
    /// The directory of the root Cargo.toml.
    pub(crate) root: PathBuf,
    /// Where cargo builds into.
    pub(crate) target: PathBuf,
    /// What `cargo metadata --no-deps` tells: every package of ours with its declared dependencies.
    pub(crate) metadata: Metadata,
}

impl Workspace {
    /// The workspace this program was built from.
    ///
    /// # Errors
    /// When `cargo metadata` fails.
    pub(crate) fn here() -> Result<Self, Failure> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec()?;
        Ok(Self {
            root: metadata.workspace_root.clone().into(),
            target: metadata.target_directory.clone().into(),
            metadata,
        })
    }
}

/// Reads a text file.
///
/// # Errors
/// When it cannot be read or is not UTF-8.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|source| Failure::File {
        path: path.to_owned(),
        action: "read",
        source,
    })
}

/// Writes a text file, and the directories it lies in.
///
/// # Errors
/// When either cannot be written.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |source| Failure::File { path: path.to_owned(), action: "written", source };
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).map_err(failed)?;
    }
    std::fs::write(path, text).map_err(failed)
}
