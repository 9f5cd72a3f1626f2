//! `fleetwright cloud function package`, and code that is packaged on the way.

use std::io::Write as _;
use std::path::Path;

use fleetwright_config::settings::OutputFormat;
use fleetwright_model::code;
use fleetwright_package::{Entries, Entry, MOST_UNPACKED, MOST_UPLOADED, Package, PackageError};
use fleetwright_ports::functions::Code;
use serde_json::json;

use crate::app::Outcome;
use crate::args::{FunctionCodeArgs, FunctionPackageArgs};
use crate::failure::CommandError;
use crate::files;
use crate::one_place::{tell, text};

fn refused(path: &Path, error: &PackageError) -> CommandError {
    CommandError::new(&code::ARCHIVE_UNUSABLE, format!("{}: {error}", path.display()))
}

/// An archive of the file, or of everything below the directory.
///
/// # Errors
/// Something of it cannot be read or packaged.
fn packaged(path: &Path) -> Result<Package, CommandError> {
    let found = files::tree(path)?;
    // What Lambda would not unpack is not read into memory.
    let bytes = found.iter().fold(0, |sum: u64, file| sum.saturating_add(file.bytes));
    if bytes > MOST_UNPACKED {
        return Err(refused(path, &PackageError::Unpacked(bytes)));
    }
    let mut entries = Entries::new();
    for file in found {
        let content = files::read_bytes(&file.path)?;
        entries.insert(file.name, Entry { content, executable: file.executable });
    }
    Package::of(&entries).map_err(|error| refused(path, &error))
}

/// `fleetwright cloud function package`.
///
/// # Errors
/// It cannot be packaged or written.
pub(super) fn write(args: &FunctionPackageArgs, format: OutputFormat) -> Outcome {
    let package = packaged(&args.path)?;
    files::write_atomically(&args.out, |out| out.write_all(&package.bytes))?;
    let row = json!({
        "file": args.out.display().to_string(),
        "bytes": package.bytes.len(),
        "files": package.files,
        "unpacked_bytes": package.unpacked,
        "code_sha256": package.code_sha256(),
        "needs_bucket": package.needs_bucket(),
    });
    tell(format, [row], |row| {
        let upload = match row["needs_bucket"] == true {
            true => {
                "\n  more than the 50 MB that can be uploaded directly: put it into a bucket, and name it with --bucket and --key"
            }
            false => "",
        };
        format!(
            "{}  {} bytes, {} files of {} bytes, {}{upload}\n",
            text(row, "file"),
            row["bytes"],
            row["files"],
            row["unpacked_bytes"],
            text(row, "code_sha256"),
        )
    })
}

/// Code with its digest, where that is known.
pub(super) struct Coded {
    /// The code.
    pub(super) code: Code,
    /// The SHA-256 of its archive, in Base64.
    pub(super) sha256: Option<String>,
}

/// The code that is named; none where none is.
///
/// # Errors
/// It cannot be read or packaged, or is too large to be uploaded.
pub(super) fn coded(args: &FunctionCodeArgs) -> Result<Option<Coded>, CommandError> {
    if let (Some(bucket), Some(key)) = (&args.bucket, &args.key) {
        let (bucket, key, version) = (bucket.clone(), key.clone(), args.object_version.clone());
        return Ok(Some(Coded {
            code: Code::Object { bucket, key, version },
            sha256: args.code_sha256.clone(),
        }));
    }
    let Some(path) = &args.code else { return Ok(None) };
    let is_archive = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
    let package = match is_archive {
        true => Package::read(files::read_bytes(path)?).map_err(|error| refused(path, &error))?,
        false => packaged(path)?,
    };
    if package.needs_bucket() {
        let bytes = package.bytes.len();
        let message =
            format!("{}: {bytes} bytes packed are more than {MOST_UPLOADED} (50 MB)", path.display());
        return Err(CommandError::new(&code::ARCHIVE_UNUSABLE, message));
    }
    let sha256 = Some(package.code_sha256());
    Ok(Some(Coded { code: Code::Archive(package.bytes), sha256 }))
}
