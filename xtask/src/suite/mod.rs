//! Everything that must pass before a change is merged, cheapest first.

mod debian;
mod deny;
mod kubectl;
mod mail;
mod npm;
mod python;
mod web;

use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::process::{BUILD, cargo, stream};
use crate::workspace::{Failure, Workspace};
use crate::{generate, tidy};

pub(crate) use npm::installed;
pub(crate) use python::environment;
pub(crate) use web::{browser, made_up};

/// Run everything that must pass before a change is merged.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Leave out what installs programs of others: the licence check, the Python referees and the browser.
    #[arg(long, conflicts_with = "only")]
    quick: bool,
    /// Run these stages only.
    #[arg(long, value_enum, value_name = "STAGE")]
    only: Vec<Stage>,
    /// Go on after a stage that failed.
    #[arg(long)]
    keep_going: bool,
}

/// One thing that must pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// rustfmt has nothing to change.
    Format,
    /// The house rules hold.
    Tidy,
    /// Licences, banned crates and sources, by cargo-deny.
    Deny,
    /// Clippy has nothing to say.
    Lint,
    /// Everything compiles.
    Build,
    /// The Rust tests pass.
    Test,
    /// E-mail reaches a real mail server.
    Mail,
    /// The generated documents are current.
    Generate,
    /// Software of others agrees: boto3, the AWS CLI, moto, kubectl, validators.
    Referee,
    /// Reports work in a browser: `web/` and the pages it makes, in headless Chromium.
    Web,
}

impl Stage {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    fn installs_programs(self) -> bool {
        matches!(self, Self::Deny | Self::Mail | Self::Referee | Self::Web)
    }

    fn run(self, workspace: &Workspace) -> Result<(), Failure> {
        let cargo = |arguments: &[&str]| stream(cargo(workspace, arguments.iter().copied()));
        match self {
            Self::Format => cargo(&["fmt", "--all", "--check"]),
            Self::Tidy => tidy::run(workspace),
            Self::Deny => deny::check(workspace),
            Self::Lint => {
                cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"])
            }
            Self::Build => cargo(&BUILD),
            // Without documentation: `tidy` sees to it that no example stands there, and asking rustdoc takes a minute.
            Self::Test => cargo(&["test", "--workspace", "--tests", "--locked", "--no-fail-fast"]),
            Self::Mail => mail::check(workspace),
            Self::Generate => generate::run(workspace, &generate::Arguments { check: true }),
            Self::Referee => python::referee(workspace),
            Self::Web => web::test(workspace),
        }
    }
}

/// Runs the stages in order, with headings and timings.
///
/// # Errors
/// When a stage fails; what it has to say stands above.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<(), Failure> {
    let mut ended: Vec<(Stage, Duration, bool)> = Vec::new();
    for stage in chosen(arguments) {
        println!("\n==> {}", stage.name());
        let start = Instant::now();
        let result = stage.run(workspace);
        ended.push((stage, start.elapsed(), result.is_ok()));
        if let Err(failure) = result {
            println!("{}: failed: {}", stage.name(), failure.with_causes());
            if !arguments.keep_going {
                break;
            }
        }
    }
    summarise(&ended)
}

fn chosen(arguments: &Arguments) -> Vec<Stage> {
    let wanted = |stage: &Stage| match arguments.only.as_slice() {
        [] => !(arguments.quick && stage.installs_programs()),
        only => only.contains(stage),
    };
    Stage::value_variants().iter().copied().filter(wanted).collect()
}

fn summarise(ended: &[(Stage, Duration, bool)]) -> Result<(), Failure> {
    println!("\n==> summary");
    for (stage, took, passed) in ended {
        let verdict = if *passed { "passed" } else { "FAILED" };
        println!("{:<10} {verdict} {:>7.1} s", stage.name(), took.as_secs_f64());
    }
    let failed: Vec<_> =
        ended.iter().filter(|(.., passed)| !passed).map(|(stage, ..)| stage.name()).collect();
    if failed.is_empty() { Ok(()) } else { Err(Failure::Found(format!("failed: {}", failed.join(", ")))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(quick: bool, only: &[Stage]) -> Arguments {
        Arguments { quick, only: only.to_vec(), keep_going: false }
    }

    #[test]
    fn quick_leaves_out_what_installs_programs_and_nothing_else() {
        let all = chosen(&arguments(false, &[]));
        let quick = chosen(&arguments(true, &[]));
        let left_out: Vec<_> = all.into_iter().filter(|stage| !quick.contains(stage)).collect();
        assert_eq!(left_out, [Stage::Deny, Stage::Mail, Stage::Referee, Stage::Web]);
    }

    #[test]
    fn the_binary_is_built_before_it_is_asked_and_judged() {
        let order = chosen(&arguments(false, &[]));
        let at = |stage| order.iter().position(|s| *s == stage);
        assert!(at(Stage::Build) < at(Stage::Generate) && at(Stage::Build) < at(Stage::Referee));
    }

    #[test]
    fn chosen_stages_run_in_the_suites_order() {
        assert_eq!(chosen(&arguments(false, &[Stage::Lint, Stage::Tidy])), [Stage::Tidy, Stage::Lint]);
    }

    #[test]
    fn one_failed_stage_fails_the_suite_and_is_named() {
        let ended = [(Stage::Tidy, Duration::ZERO, true), (Stage::Lint, Duration::ZERO, false)];
        assert_eq!(summarise(&ended).expect_err("one failed").to_string(), "failed: lint");
    }
}
