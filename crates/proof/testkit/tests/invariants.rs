//! The table of invariants says what there is.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The invariants that a test must be known to be able to find broken.
const LISTED: [&str; 32] = [
    "I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I10", "I11", "I12", "I13", "I14", "I15", "I16",
    "I17", "I18", "I19", "I20", "I21", "I22", "I23", "I24", "I25", "I28", "I30", "I31", "I32", "I33", "—",
    "—",
];

/// A file under `crates/`, and what it must have.
struct Reference {
    path: String,
    name: String,
}

struct Row {
    invariant: String,
    checks: Vec<Reference>,
    mutants: Vec<Reference>,
}

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn references(cell: &str) -> Vec<Reference> {
    let quoted = cell.split('`').skip(1).step_by(2);
    let split = |text: &str| {
        let (path, name) = text.split_once('#').unwrap_or_else(|| panic!("{text}: a path, # and a name"));
        Reference { path: path.to_owned(), name: name.to_owned() }
    };
    quoted.map(split).collect()
}

fn table() -> Vec<Row> {
    let text = include_str!("../INVARIANTS.md");
    let is_row = |line: &&str| line.starts_with("| I") && !line.starts_with("| Invariant");
    let rows = text.lines().filter(|line| is_row(line) || line.starts_with("| — |"));
    rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [invariant, _, checks, mutants] = cells[..] else { panic!("four columns: {line}") };
        Row { invariant: invariant.to_owned(), checks: references(checks), mutants: references(mutants) }
    })
    .collect()
}

impl Reference {
    #[expect(clippy::disallowed_methods, reason = "the sources the table names are files")]
    fn source(&self) -> String {
        fs::read_to_string(crates().join(&self.path)).unwrap_or_else(|error| panic!("{}: {error}", self.path))
    }

    /// The line that declares it.
    fn line(&self) -> Option<usize> {
        let declared = format!("fn {}", self.name);
        self.source().lines().position(|line| {
            let rest = line.split_once(&declared).map(|(_, rest)| rest);
            rest.is_some_and(|rest| rest.starts_with(['(', '<']))
        })
    }

    fn exists(&self) -> bool {
        self.name.starts_with("Law::") && self.source().contains(&self.name) || self.line().is_some()
    }

    fn is_test(&self) -> bool {
        let source = self.source();
        let lines: Vec<&str> = source.lines().collect();
        self.line().is_some_and(|at| {
            let before = lines[..at].iter().rev().map(|line| line.trim());
            before
                .take_while(|line| line.starts_with(['#', '/']))
                .any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
        })
    }
}

#[test]
fn every_listed_invariant_has_a_check_and_a_mutant() {
    let rows: Vec<String> = table()
        .iter()
        .filter(|row| !row.checks.is_empty() && !row.mutants.is_empty())
        .map(|row| row.invariant.clone())
        .collect();
    assert_eq!(rows, LISTED);
}

#[test]
fn what_the_table_names_exists() {
    for row in table() {
        for check in &row.checks {
            assert!(check.exists(), "{}: no check {}#{}", row.invariant, check.path, check.name);
        }
        for mutant in &row.mutants {
            assert!(mutant.is_test(), "{}: no test {}#{}", row.invariant, mutant.path, mutant.name);
        }
    }
}

#[test]
fn every_mutant_of_the_real_steps_is_in_the_table() {
    let sources = concat!(include_str!("real_steps/mutants.rs"), include_str!("real_steps/rolling.rs"));
    let declared = sources.lines().filter_map(|line| line.strip_prefix("async fn ")?.split_once('('));
    let mutants = declared.map(|(name, _)| name).filter(|name| name.ends_with("_is_found_out"));
    let listed: BTreeSet<String> =
        table().into_iter().flat_map(|row| row.mutants).map(|mutant| mutant.name).collect();
    let missing: Vec<&str> = mutants.filter(|name| !listed.contains(*name)).collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn a_name_that_is_nowhere_is_noticed() {
    let path = "proof/testkit/tests/invariants.rs".to_owned();
    let of = |name: &str| Reference { path: path.clone(), name: name.to_owned() };
    assert!(of("table").exists() && !of("table").is_test(), "a function that is no test");
    assert!(of("a_name_that_is_nowhere_is_noticed").is_test());
    assert!(!of("a_name_that_is").exists(), "the whole name counts");
    assert!(!of("Law::").is_test(), "a law is no test");
}
