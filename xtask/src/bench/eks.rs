//! Assessments of large EKS clusters over the estate, and how long the plans of their upgrades take.

use std::fmt::Write as _;
use std::path::Path;

use fleetwright_eks::plan::PlanDocument;
use serde_json::Value;

use super::makespan;
use crate::process::{program, stream};
use crate::suite;
use crate::workspace::{self, Failure, Workspace};

/// Where all figures go.
const FIGURES: &str = ".bench/eks.json";

/// Has clusters assessed and planned for; gives back the tables.
///
/// # Errors
/// A command fails, reads otherwise than in pages, or makes a plan that cannot be walked.
pub(super) fn measure(
    workspace: &Workspace,
    binary: &Path,
    sizes: &str,
    rounds: u8,
) -> Result<String, Failure> {
    // The peers of `tests/bench` are not needed.
    let python = suite::environment(workspace, "tests/referee")?;
    let work = workspace.target.join("bench-eks");
    let mut driver = program(workspace, &python.to_string_lossy(), ["tests/bench/eks.py", "--binary"]);
    driver.arg(binary).args(["--sizes", sizes, "--rounds", &rounds.to_string(), "--output", FIGURES]);
    driver.arg("--work-dir").arg(work);
    // Another program may play the estate: `examples/serve` of its crate.
    if let Some(estate) = std::env::var_os("FLEETWRIGHT_ESTATE") {
        driver.arg("--estate").arg(estate);
    }
    stream(driver)?;
    let text = workspace::read(&workspace.root.join(FIGURES))?;
    let figures: Value = serde_json::from_str(&text).map_err(|error| wrong(FIGURES, error.to_string()))?;
    let listed = |name: &str| figures[name].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(format!("{}\n{}", assessments(listed("rows")), plans(listed("plans"))?))
}

/// A row for each cluster that was assessed.
fn assessments(rows: &[Value]) -> String {
    let mut table = String::from(
        "| nodes | pods | requests to the API server | of them pages of lists | of metadata alone | MB read | of them pods | \
         calls of AWS | wall s | CPU s | peak MiB |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for row in rows {
        let number = |name: &str| row[name].as_f64().unwrap_or_default();
        let _ = writeln!(
            table,
            "| {} | {} | {} | {} | {} | {:.1} | {:.1} | {} | {:.2} | {:.2} | {:.0} |",
            number("nodes"),
            number("pods"),
            number("requests"),
            number("lists"),
            number("metadata_lists"),
            number("bytes") / 1e6,
            number("pod_bytes") / 1e6,
            number("aws_calls"),
            number("wall_s"),
            number("cpu_s"),
            number("peak_mib"),
        );
    }
    table
}

/// A row for each plan.
fn plans(plans: &[Value]) -> Result<String, Failure> {
    let mut table = String::from(
        "| plan | steps | one after the other, h | critical path, h | makespan, h | ÷ critical path |\n\
         |---|---:|---:|---:|---:|---:|\n",
    );
    for plan in plans {
        let path = plan["path"].as_str().unwrap_or_default();
        let bytes = std::fs::read(path).map_err(|source| Failure::File {
            path: path.into(),
            action: "read",
            source,
        })?;
        let document = PlanDocument::read(&bytes).map_err(|error| wrong(path, error.to_string()))?;
        let found = makespan::of(&document).map_err(|what| wrong(path, what))?;
        let hours = |seconds: u64| seconds as f64 / 3_600.0;
        let _ = writeln!(
            table,
            "| {} | {} | {:.2} | {:.2} | {:.2} | {:.3} |",
            plan["name"].as_str().unwrap_or_default(),
            found.steps,
            hours(found.serial_seconds),
            hours(found.bound_seconds),
            hours(found.seconds),
            found.seconds as f64 / found.bound_seconds.max(1) as f64,
        );
    }
    Ok(table)
}

fn wrong(path: &str, what: String) -> Failure {
    Failure::Answer { command: path.to_owned(), what }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cluster_is_a_row_with_bytes_in_megabytes() {
        let row = json!({ "nodes": 5, "pods": 15, "requests": 30.0, "lists": 28.0, "metadata_lists": 9.0,
                          "bytes": 2_340_000.0, "pod_bytes": 1_250_000, "aws_calls": 40, "wall_s": 1.234, "cpu_s": 0.5,
                          "peak_mib": 60.4 });
        let table = assessments(&[row]);
        assert_eq!(
            table.lines().last(),
            Some("| 5 | 15 | 30 | 28 | 9 | 2.3 | 1.2 | 40 | 1.23 | 0.50 | 60 |")
        );
    }

    #[test]
    fn a_plan_that_is_not_there_is_named() {
        let missing = plans(&[json!({ "name": "one", "path": "/nowhere/plan.json" })]);
        assert_eq!(missing.expect_err("not there").to_string(), "/nowhere/plan.json: cannot be read");
    }
}
