//! Documents written from the code, so that they cannot say anything else than the code does.

mod answered;
mod configuration;
mod eks;
mod error_pages;

use std::collections::BTreeMap;
use std::path::Path;

use crate::workspace::{self, Failure, Workspace};

/// How to refresh, for the heading of each document and for messages.
const REFRESH: &str = "cargo xtask generate";

/// Directories in which every file is generated: what is no longer generated is removed.
const WHOLLY_GENERATED: [&str; 2] = ["docs/errors", "docs/schema"];

/// Write the generated documents under docs/.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Write nothing; fail and list what is stale.
    #[arg(long)]
    pub(crate) check: bool,
}

/// The documents: path from the workspace's root to text.
type Documents = BTreeMap<String, String>;

/// Writes the documents, or checks that they are current.
///
/// # Errors
/// When a document is stale (with `--check`), or cannot be made, read or written.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<(), Failure> {
    let mut documents = Documents::new();
    documents.extend(configuration::documents());
    documents.extend(error_pages::documents());
    documents.extend(eks::documents());
    documents.extend(answered::documents(workspace)?);
    if arguments.check { check(&workspace.root, &documents) } else { write(&workspace.root, &documents) }
}

fn write(root: &Path, documents: &Documents) -> Result<(), Failure> {
    for (path, text) in documents {
        workspace::write(&root.join(path), text)?;
    }
    for path in left_over(root, documents) {
        let full = root.join(&path);
        std::fs::remove_file(&full).map_err(|source| Failure::File {
            path: full,
            action: "removed",
            source,
        })?;
    }
    println!("{} documents written under docs/", documents.len());
    Ok(())
}

fn check(root: &Path, documents: &Documents) -> Result<(), Failure> {
    let mut stale = left_over(root, documents);
    stale.extend(
        documents
            .iter()
            .filter(|(path, text)| std::fs::read_to_string(root.join(path)).ok().as_ref() != Some(text))
            .map(|(path, _)| path.clone()),
    );
    stale.sort();
    if stale.is_empty() {
        return Ok(());
    }
    for path in &stale {
        println!("{path}: stale");
    }
    Err(Failure::Found(format!("{} document(s) are stale: run `{REFRESH}` and commit them", stale.len())))
}

/// Files in wholly generated directories that are generated no longer.
fn left_over(root: &Path, documents: &Documents) -> Vec<String> {
    let mut paths = Vec::new();
    for directory in WHOLLY_GENERATED {
        let entries = std::fs::read_dir(root.join(directory)).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        paths.extend(names.map(|name| format!("{directory}/{name}")));
    }
    paths.retain(|path| !documents.contains_key(path));
    paths
}

/// Markdown with the line that says where it comes from.
fn markdown(body: &str) -> String {
    format!("<!-- Written by `{REFRESH}`; edit the code it describes. -->\n{}\n", body.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_page(text: &str) -> Documents {
        Documents::from([("docs/errors/A.md".to_owned(), text.to_owned())])
    }

    #[test]
    fn what_was_just_written_is_current() {
        let root = tempfile::tempdir().expect("a scratch directory");
        write(root.path(), &one_page("a")).expect("writable");
        check(root.path(), &one_page("a")).expect("current");
    }

    #[test]
    fn a_changed_or_missing_page_is_stale_and_the_message_says_how_to_refresh() {
        let root = tempfile::tempdir().expect("a scratch directory");
        for _ in ["missing", "changed"] {
            let failure = check(root.path(), &one_page("b")).expect_err("stale");
            assert!(failure.to_string().contains(REFRESH), "{failure}");
            write(root.path(), &one_page("a")).expect("writable");
        }
    }

    #[test]
    fn a_page_of_a_code_that_is_gone_is_stale_until_it_is_removed() {
        let root = tempfile::tempdir().expect("a scratch directory");
        workspace::write(&root.path().join("docs/errors/OLD.md"), "x").expect("writable");
        write(root.path(), &one_page("a")).expect("writable");
        check(root.path(), &one_page("a")).expect("the old page is gone");
        workspace::write(&root.path().join("docs/errors/OLD.md"), "x").expect("writable");
        assert_eq!(left_over(root.path(), &one_page("a")), ["docs/errors/OLD.md"]);
    }
}
