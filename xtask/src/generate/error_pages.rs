//! One page per code, and the index with the exit codes.

use std::fmt::Write;

use fleetwright_model::code::{self, Code, Exit};

use super::{Documents, markdown};

/// The areas, by the letter in the id.
const AREAS: [(char, &str); 19] = [
    ('A', "Access to AWS"),
    ('V', "Approvals by link"),
    ('U', "Audit and evidence"),
    ('B', "Backups"),
    ('K', "Templates of CloudFormation"),
    ('X', "Clusters of EKS"),
    ('H', "Hosts in a run"),
    ('R', "Plans and runs"),
    ('C', "Configuration and landing zones"),
    ('D', "Definitions of state machines"),
    ('E', "Events and rules of EventBridge"),
    ('L', "Functions of Lambda"),
    ('G', "General"),
    ('M', "Maintenance windows of Systems Manager"),
    ('N', "Notifications and change records"),
    ('T', "Parameters of Systems Manager"),
    ('P', "Patching: why an instance is or is not eligible"),
    ('F', "Runs on Step Functions"),
    ('S', "Scan and doctor"),
];

/// The pages and their index.
pub(super) fn documents() -> Documents {
    let mut documents: Documents = code::catalogue()
        .map(|code| (format!("docs/errors/{}.md", code.id), markdown(&page(code))))
        .collect();
    documents.insert("docs/errors/README.md".to_owned(), markdown(&index(code::catalogue())));
    documents
}

fn page(code: &Code) -> String {
    let exit = match code.exit {
        Some(exit) => {
            format!("A command that ends because of it exits with {} ({}).", exit.number(), exit.meaning())
        }
        None => "It is a note; it does not end a command.".to_owned(),
    };
    let Code { id, title, meaning, next_step, .. } = code;
    format!("# {id}: {title}\n\n{meaning}\n\n**What to do.** {next_step}\n\n{exit}\n\n[All codes](README.md)")
}

fn index<'a>(codes: impl Iterator<Item = &'a Code>) -> String {
    let mut text = "# Codes and exit codes\n\nEvery error, gap and eligibility reason carries a code; \
                    an id is never used again for something else.\n"
        .to_owned();
    let mut area = None;
    for code in codes {
        let letter = code.id.chars().nth(3);
        if letter != area {
            area = letter;
            let name = AREAS.iter().find(|(l, _)| Some(*l) == letter).map_or("Others", |(_, name)| name);
            let _ = write!(text, "\n## {name}\n\n| code | what | exit code |\n|---|---|---|\n");
        }
        let exit = code.exit.map(|exit| exit.number().to_string()).unwrap_or_default();
        let _ = writeln!(text, "| [{0}]({0}.md) | {1} | {exit} |", code.id, code.title);
    }
    text.push_str("\n## Exit codes\n\n| exit code | meaning |\n|---|---|\n");
    for exit in Exit::ALL {
        let _ = writeln!(text, "| {} | {} |", exit.number(), exit.meaning());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page_and_a_row() {
        let documents = documents();
        let index = &documents["docs/errors/README.md"];
        for code in code::catalogue() {
            let page = &documents[&format!("docs/errors/{}.md", code.id)];
            assert!(page.contains(code.meaning) && page.contains(code.next_step), "{}", code.id);
            assert!(index.contains(&format!("[{0}]({0}.md)", code.id)), "{}", code.id);
        }
        assert!(!index.contains("## Others"), "a new area needs a name in AREAS");
    }

    #[test]
    fn every_exit_code_is_in_the_index() {
        let documents = documents();
        for exit in Exit::ALL {
            let row = format!("| {} | {} |", exit.number(), exit.meaning());
            assert!(documents["docs/errors/README.md"].contains(&row), "{row}");
        }
    }
}
