//! Rules on the text of files: length, open ends, paths of one machine, examples nobody runs.

use std::path::{Path, PathBuf};

use super::Finding;

/// A longer file is split by meaning.
const LONGEST_FILE_LINES: usize = 600;

/// Languages in which a file has a length limit.
const CODE: [&str; 5] = ["rs", "py", "ts", "js", "sh"];

/// Texts kept as they came, or written by a program: no limit on their length.
const NOT_WRITTEN_BY_HAND: [&str; 2] = ["/fixtures/", "testdata/"];

/// Prose and lock files may name these words without meaning them.
const OPEN_END_EXEMPT: [&str; 2] = ["md", "lock"];

/// Where a person's or a job's files lie on one machine.
const MACHINE_DIRECTORIES: [&str; 5] = ["/home/", "/Users/", "/root/", "/work/", "C:\\Users\\"];

/// Users that AWS images bring along: their homes are the same on every host we look after.
const IMAGE_USERS: [&str; 4] = ["ec2-user", "ubuntu", "ssm-user", "rhel"];

/// What breaks a rule in one file.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let extension = Path::new(path).extension().and_then(|e| e.to_str()).unwrap_or_default();
    let finding = |line, rule, advice| Finding { path: PathBuf::from(path), line, rule, advice };
    let mut findings = Vec::new();

    let lines = text.lines().count();
    let by_hand = !NOT_WRITTEN_BY_HAND.iter().any(|part| path.contains(part));
    if CODE.contains(&extension) && by_hand && lines > LONGEST_FILE_LINES {
        let advice = format!("{lines} lines, at most {LONGEST_FILE_LINES}: split it by meaning");
        findings.push(finding(lines, "file-length", advice));
    }
    for (number, line) in text.lines().enumerate() {
        if !OPEN_END_EXEMPT.contains(&extension)
            && let Some(word) = open_end(line)
        {
            let advice = format!("{word} without an issue: name one as `#12`, or do it now");
            findings.push(finding(number + 1, "open-end", advice));
        }
        if extension != "lock"
            && let Some(directory) = machine_path(line)
        {
            let advice = format!(
                "a path under {directory} exists on one machine only: make it relative or ask for it"
            );
            findings.push(finding(number + 1, "machine-path", advice));
        }
    }
    if extension == "rs" {
        findings.extend(doc_examples(text).map(|line| {
            let advice = "documentation is not run as a test: make it a test, or say what it is, as ```text";
            finding(line, "doc-example", advice.to_owned())
        }));
    }
    findings
}

/// The lines on which a block in documentation comments begins that rustdoc takes for Rust.
fn doc_examples(text: &str) -> impl Iterator<Item = usize> {
    let fence = |line: &str| {
        let line = line.trim_start();
        let said = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"))?;
        said.trim_start().strip_prefix("```").map(|kind| kind.trim().to_owned())
    };
    let fences: Vec<_> =
        text.lines().enumerate().filter_map(|(number, line)| Some((number + 1, fence(line)?))).collect();
    // Every second fence ends what the one before it began.
    fences
        .into_iter()
        .step_by(2)
        .filter(|(_, kind)| kind.is_empty() || kind.starts_with("rust"))
        .map(|(at, _)| at)
}

/// The word for an open end that names no issue.
fn open_end(line: &str) -> Option<&'static str> {
    // Written in two parts, or this file would break its own rule.
    let words = [concat!("TO", "DO"), concat!("FIX", "ME")];
    let word = words.into_iter().find(|word| stands_alone(line, word))?;
    let names_issue =
        line.match_indices('#').any(|(at, _)| line[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
    (!names_issue).then_some(word)
}

/// Whether `word` occurs with no letter, digit or underscore beside it.
fn stands_alone(line: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(part_of_word) && !line[at + word.len()..].starts_with(part_of_word)
    })
}

/// The directory of one machine that an absolute path on this line lies in.
fn machine_path(line: &str) -> Option<&'static str> {
    MACHINE_DIRECTORIES.into_iter().find(|directory| {
        line.match_indices(directory).any(|(at, _)| {
            // After one of these the path is relative, a part of a URL, or a longer path.
            let inside = |c: char| c.is_alphanumeric() || "._-/}~*$)".contains(c);
            let rest = &line[at + directory.len()..];
            let named = rest.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.');
            let of_image = IMAGE_USERS.iter().any(|user| rest.starts_with(user));
            !line[..at].ends_with(inside) && named && !of_image
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<(usize, &'static str)> {
        check(path, text).into_iter().map(|finding| (finding.line, finding.rule)).collect()
    }

    #[test]
    fn a_file_of_six_hundred_lines_passes_and_one_more_does_not() {
        assert_eq!(rules("src/a.rs", &"x\n".repeat(600)), []);
        assert_eq!(rules("src/a.rs", &"x\n".repeat(601)), [(601, "file-length")]);
        assert_eq!(rules("web/a.ts", &"x\n".repeat(601)), [(601, "file-length")]);
    }

    #[test]
    fn fixtures_and_prose_may_be_long() {
        assert_eq!(rules("crates/a/tests/fixtures/big.py", &"x\n".repeat(900)), []);
        assert_eq!(rules("docs/guide.md", &"x\n".repeat(900)), []);
    }

    #[test]
    fn an_open_end_must_name_an_issue() {
        let word = concat!("TO", "DO");
        assert_eq!(rules("a.rs", &format!("ok\n// {word}: later")), [(2, "open-end")]);
        assert_eq!(rules("a.rs", &format!("// {word}(#12): later")), []);
        assert_eq!(rules("a.rs", &format!("const {word}S: u8 = 1;")), []);
        assert_eq!(rules("a.sh", concat!("# FIX", "ME # soon")), [(1, "open-end")]);
    }

    #[test]
    fn an_example_in_documentation_must_not_look_as_if_it_were_run() {
        let block = |kind: &str| format!("/// ```{kind}\n/// let a = 1;\n/// ```\nfn a() {{}}\n");
        assert_eq!(rules("a.rs", &block("")), [(1, "doc-example")]);
        assert_eq!(rules("a.rs", &(block("text") + &block("rust"))), [(5, "doc-example")]);
        assert_eq!(rules("a.rs", &block("console")), []);
        assert_eq!(rules("a.md", &block("")), []);
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        for path in ["home/me/x", "Users/me/x", "root/.cache", "work/main"] {
            assert_eq!(rules("a.toml", &format!("a = \"/{path}\"")), [(1, "machine-path")], "{path}");
        }
    }

    #[test]
    fn relative_paths_urls_and_homes_on_our_hosts_are_not_machine_paths() {
        for text in [
            "see docs/work/plan",
            "https://example.com/home/index",
            "\"/home/ec2-user/app\"",
            "$ROOT/work/x",
            "{base}/root/x",
            "a /work / b",
        ] {
            assert_eq!(rules("a.md", text), [], "{text}");
        }
    }

    #[test]
    fn a_finding_reads_as_path_line_rule_and_what_to_do() {
        let text = format!("// {}", concat!("TO", "DO"));
        let shown = check("src/a.rs", &text)[0].to_string();
        assert!(shown.starts_with("src/a.rs:1: open-end: "), "{shown}");
        assert!(shown.ends_with("name one as `#12`, or do it now"), "{shown}");
    }
}
