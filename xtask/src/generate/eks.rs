//! What is checked before an EKS cluster is upgraded, and when Kubernetes' APIs went.

use std::fmt::Write as _;

use fleetwright_eks::check::{Applies, Scope};
use fleetwright_eks::{Severity, checks};
use fleetwright_kubernetes::Minor;
use fleetwright_kubernetes::lifecycle::{ApiTable, Row};

use super::{Documents, markdown};

/// The two documents.
pub(super) fn documents() -> Documents {
    Documents::from([
        ("docs/eks-checks.md".to_owned(), markdown(&catalogue())),
        ("docs/kubernetes-apis.md".to_owned(), markdown(&apis(ApiTable::bundled()))),
    ])
}

fn catalogue() -> String {
    let mut text = String::from(
        "# Readiness checks of EKS upgrades\n\nEach check passes, finds something, or could not be evaluated, which is \
         not a pass. What it is asked for *every hop* is asked for each minor version on the way.\n",
    );
    let mut family = None;
    for check in checks::catalogue() {
        let of = check.family();
        if family.replace(of) != Some(of) {
            let _ = write!(text, "\n## {}\n", of.title());
        }
        let _ = write!(
            text,
            "\n### {}\n\n{}. {}\n\n- Finding: {}\n- Asked: {}{}\n- Source: {}\n- What to do: {}\n",
            check.code,
            check.title,
            check.why,
            match check.severity {
                Severity::Blocking => "blocks",
                Severity::Warning => "warns",
            },
            match check.scope {
                Scope::Cluster => "once",
                Scope::Hop => "for every hop",
            },
            match check.applies {
                Applies::Always => String::new(),
                Applies::From(minor) => format!(", from {minor}"),
            },
            check.source,
            check.remedy,
        );
    }
    text
}

fn apis(table: &ApiTable) -> String {
    let newest = table.newest_minor();
    let mut text = format!(
        "# Kubernetes APIs that went, or will go\n\nThe table that upgrades are checked with, up to Kubernetes {newest}. \
         An API is gone from the version in *removed*, which is the earlier of what its marker in the source says and the \
         first version whose source lacks it. Where an API is served no longer, *use instead* is what serves then.\n\n\
         | API | kind | introduced | deprecated | removed | use instead | read in | on |\n|---|---|---|---|---|---|---|---|\n"
    );
    let mut rows: Vec<(Minor, &Row)> =
        table.rows().iter().filter_map(|row| Some((row.removed_in(newest)?, row))).collect();
    rows.sort_by_key(|(removed, row)| (*removed, row.api.api_version.to_string(), row.api.kind.clone()));
    for (removed, row) in rows {
        let instead = match table.verdict(&row.api, removed) {
            fleetwright_kubernetes::lifecycle::Verdict::Removed { replacement, .. } => replacement,
            _ => None,
        };
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {removed} | {} | {} {} | {} |",
            row.api.api_version,
            row.api.kind,
            row.introduced,
            row.deprecated.map(|minor| minor.to_string()).unwrap_or_default(),
            instead.map(|it| format!("`{}`", it.api.api_version)).unwrap_or_default(),
            row.source,
            row.reference,
            row.read_on,
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_a_place_in_a_family_that_has_a_name() {
        let text = catalogue();
        for check in checks::catalogue() {
            assert!(text.contains(&format!("\n### {}\n", check.code)), "{}", check.code);
            assert!(text.contains(&format!("\n## {}\n", check.family().title())), "{}", check.code);
        }
    }

    #[test]
    fn an_api_that_went_is_in_the_table_with_what_serves_instead() {
        let text = apis(ApiTable::bundled());
        let row = "| `policy/v1beta1` | PodDisruptionBudget | 1.5 | 1.21 | 1.25 | `policy/v1` |";
        assert!(text.contains(row), "{text}");
    }
}
