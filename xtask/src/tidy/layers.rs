//! Layer arrows: `edge -> runtime, adapters -> ports -> domain`, and who may name which technology.

use std::path::{Path, PathBuf};

use cargo_metadata::DependencyKind;

use super::Finding;
use crate::workspace::{self, Failure, Workspace};

/// The layers of ARCHITECTURE.md, told by the directory a crate lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    Domain,
    Ports,
    Adapters,
    Runtime,
    Edge,
    Estate,
    Testkit,
    Chores,
}

impl Layer {
    /// The layer of the crate in this directory of the workspace.
    fn of(directory: &Path) -> Option<Self> {
        let layers = [
            ("crates/domain", Self::Domain),
            ("crates/ports", Self::Ports),
            ("crates/adapters", Self::Adapters),
            ("crates/runtime", Self::Runtime),
            ("crates/edge", Self::Edge),
            ("crates/proof/estate", Self::Estate),
            ("crates/proof/testkit", Self::Testkit),
            ("xtask", Self::Chores),
        ];
        layers.into_iter().find(|(start, _)| directory.starts_with(start)).map(|(_, layer)| layer)
    }

    /// What it may depend on.
    fn sees(self) -> &'static [Self] {
        use Layer::{Adapters, Domain, Edge, Estate, Ports, Runtime};
        match self {
            Self::Domain => &[Domain],
            Self::Ports | Self::Adapters => &[Domain, Ports],
            Self::Runtime => &[Domain, Ports, Runtime],
            Self::Edge => &[Domain, Ports, Adapters, Runtime, Edge, Estate],
            // It must not share our mistakes.
            Self::Estate => &[],
            Self::Testkit => &[Domain, Ports, Adapters, Runtime, Estate],
            Self::Chores => &[Domain, Edge],
        }
    }

    /// What its tests may use besides.
    fn tests_see(self) -> &'static [Self] {
        match self {
            Self::Estate => &[],
            Self::Domain => &[Self::Testkit],
            _ => &[Self::Testkit, Self::Estate],
        }
    }
}

/// Adapters that hold the test double of their port, the virtual clock and the journal in memory:
/// every test may use them.
const DOUBLES: [&str; 2] = ["fleetwright-clock", "fleetwright-store"];

/// What a pure crate cannot depend on, so that it cannot do it: input, output, clocks, randomness,
/// logging. A trailing `*` stands for any ending.
const IMPURE: [&str; 22] = [
    "aws-*",
    "async-std",
    "chrono",
    "fs-err",
    "futures",
    "getrandom",
    "hyper*",
    "kube*",
    "log",
    "mio",
    "notify",
    "rand",
    "rand_*",
    "reqwest",
    "rusqlite",
    "smol",
    "tempfile",
    "time",
    "tokio*",
    "tracing*",
    "ureq",
    "walkdir",
];

/// Features that bring randomness or a clock into a crate that is pure without them.
const IMPURE_FEATURES: [(&str, &str); 4] =
    [("uuid", "v4"), ("uuid", "v7"), ("jiff", "tz-system"), ("jiff", "tzdb-zoneinfo")];

/// The one home of a technology.
const HOMES: [(&str, &str); 4] = [
    ("aws-*", "crates/adapters/aws"),
    ("kube*", "crates/adapters/kubernetes"),
    ("rusqlite", "crates/adapters/store"),
    ("reqwest", "crates/adapters/notify"),
];

/// One of our crates, as the rules look at it.
struct Crate {
    /// Its directory, from the workspace's root.
    directory: PathBuf,
    /// The text of its Cargo.toml, to point at a line.
    manifest: String,
    dependencies: Vec<Dependency>,
}

/// One line of a Cargo.toml's dependencies.
struct Dependency {
    name: String,
    kind: DependencyKind,
    features: Vec<String>,
    /// Its directory from the workspace's root, when it is ours.
    ours: Option<PathBuf>,
}

/// Every arrow that must not be.
pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    for package in &workspace.metadata.packages {
        let manifest = package.manifest_path.as_std_path();
        let from_root = |path: &Path| path.strip_prefix(&workspace.root).map(Path::to_owned).ok();
        let dependencies = package.dependencies.iter().map(|dependency| Dependency {
            name: dependency.name.clone(),
            kind: dependency.kind,
            features: dependency.features.clone(),
            ours: dependency.path.as_ref().and_then(|path| from_root(path.as_std_path())),
        });
        let directory = manifest.parent().and_then(from_root).unwrap_or_default();
        findings.extend(
            Crate { directory, manifest: workspace::read(manifest)?, dependencies: dependencies.collect() }
                .findings(),
        );
    }
    Ok(findings)
}

impl Crate {
    fn findings(&self) -> Vec<Finding> {
        let Some(layer) = Layer::of(&self.directory) else {
            let advice = "the crate is in no layer: move it to one that ARCHITECTURE.md names".to_owned();
            return vec![self.finding(1, advice)];
        };
        self.dependencies
            .iter()
            .filter_map(|dependency| {
                let advice = match &dependency.ours {
                    Some(directory) => arrow(layer, dependency, directory),
                    None => technology(layer, &self.directory, dependency),
                }?;
                Some(self.finding(self.line_of(&dependency.name), advice))
            })
            .collect()
    }

    fn finding(&self, line: usize, advice: String) -> Finding {
        Finding { path: self.directory.join("Cargo.toml"), line, rule: "layer", advice }
    }

    fn line_of(&self, dependency: &str) -> usize {
        let names_it =
            |line: &str| line.strip_prefix(dependency).is_some_and(|rest| rest.starts_with(['.', ' ', '=']));
        self.manifest.lines().position(names_it).map_or(1, |at| at + 1)
    }
}

/// What is wrong with an arrow between two crates of ours.
fn arrow(from: Layer, dependency: &Dependency, directory: &Path) -> Option<String> {
    let name = &dependency.name;
    let Some(to) = Layer::of(directory) else {
        return Some(format!("{name} is in no layer: move it to one that ARCHITECTURE.md names"));
    };
    let tests = dependency.kind == DependencyKind::Development;
    let doubles = DOUBLES.contains(&name.as_str()) && from != Layer::Estate && from != Layer::Domain;
    let seen = from.sees().contains(&to) || (tests && (doubles || from.tests_see().contains(&to)));
    if seen {
        return None;
    }
    Some(match (from, to) {
        (Layer::Estate, _) => {
            format!("the estate must not share our mistakes: do without {name}, hand plain data in")
        }
        (_, Layer::Testkit) => format!("{name} is for tests: move it to [dev-dependencies]"),
        _ => format!("{from:?} must not see {to:?} ({name}): go through a port, or move the code"),
    })
}

/// What is wrong with a library of others in this place.
fn technology(layer: Layer, directory: &Path, dependency: &Dependency) -> Option<String> {
    let name = &dependency.name;
    let home = HOMES.iter().find(|(pattern, _)| matches(pattern, name));
    if let Some((_, home)) = home.filter(|(_, home)| !directory.starts_with(home)) {
        return Some(format!("only {home} may name {name}: use what it offers through a port"));
    }
    if layer != Layer::Domain || dependency.kind == DependencyKind::Development {
        return None;
    }
    if IMPURE.iter().any(|pattern| matches(pattern, name)) {
        return Some(format!("a pure crate cannot depend on {name}: take the value as an argument"));
    }
    let (_, feature) = IMPURE_FEATURES
        .iter()
        .find(|(library, feature)| library == name && dependency.features.iter().any(|f| f == feature))?;
    Some(format!("a pure crate cannot use {name} with {feature}: take the value as an argument"))
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the rules say of a crate in `directory` with one dependency.
    fn advice(directory: &str, dependency: Dependency) -> Option<String> {
        let manifest = format!("[package]\n\n[dependencies]\n{} = \"1\"\n", dependency.name);
        let of = Crate { directory: directory.into(), manifest, dependencies: vec![dependency] };
        let mut findings = of.findings();
        assert!(findings.iter().all(|finding| finding.line == 4 && finding.rule == "layer"));
        findings.pop().map(|finding| finding.advice)
    }

    fn ours(directory: &str, kind: DependencyKind) -> Dependency {
        let name = format!("fleetwright-{}", directory.rsplit('/').next().unwrap_or_default());
        Dependency { name, kind, features: vec![], ours: Some(directory.into()) }
    }

    fn library(name: &str, features: &[&str]) -> Dependency {
        let features = features.iter().map(|&f| f.to_owned()).collect();
        Dependency { name: name.to_owned(), kind: DependencyKind::Normal, features, ours: None }
    }

    #[test]
    fn arrows_towards_the_domain_are_free() {
        for (from, to) in [
            ("crates/edge/cli", "crates/adapters/aws"),
            ("crates/edge/cli", "crates/runtime/survey"),
            ("crates/edge/cli", "crates/proof/estate"),
            ("crates/runtime/survey", "crates/ports"),
            ("crates/adapters/aws", "crates/domain/model"),
            ("crates/ports", "crates/domain/model"),
            ("xtask", "crates/domain/config"),
        ] {
            assert_eq!(advice(from, ours(to, DependencyKind::Normal)), None, "{from} -> {to}");
        }
    }

    #[test]
    fn arrows_outwards_and_sideways_are_found() {
        for (from, to) in [
            ("crates/domain/model", "crates/ports"),
            ("crates/ports", "crates/adapters/aws"),
            ("crates/runtime/survey", "crates/adapters/aws"),
            ("crates/adapters/aws", "crates/runtime/survey"),
            ("crates/adapters/aws", "crates/adapters/clock"),
            ("crates/runtime/survey", "crates/proof/estate"),
            ("crates/runtime/survey", "crates/edge/cli"),
            ("xtask", "crates/adapters/aws"),
        ] {
            let found = advice(from, ours(to, DependencyKind::Normal));
            assert!(found.is_some_and(|advice| advice.contains("must not see")), "{from} -> {to}");
        }
    }

    #[test]
    fn the_estate_depends_on_nothing_of_ours_not_even_in_its_tests() {
        for kind in [DependencyKind::Normal, DependencyKind::Development] {
            let found = advice("crates/proof/estate", ours("crates/domain/model", kind));
            assert!(found.is_some_and(|advice| advice.starts_with("the estate must not share")));
        }
    }

    #[test]
    fn the_testkit_is_for_tests_only() {
        let found = advice("crates/edge/cli", ours("crates/proof/testkit", DependencyKind::Normal));
        assert!(found.is_some_and(|advice| advice.ends_with("move it to [dev-dependencies]")));
        let in_tests = ours("crates/proof/testkit", DependencyKind::Development);
        assert_eq!(advice("crates/runtime/survey", in_tests), None);
    }

    #[test]
    fn tests_may_use_the_virtual_clock_and_the_journal_in_memory_but_no_other_adapter() {
        for double in ["crates/adapters/clock", "crates/adapters/store"] {
            let in_tests = ours(double, DependencyKind::Development);
            assert_eq!(advice("crates/runtime/survey", in_tests), None, "{double}");
            let in_earnest = ours(double, DependencyKind::Normal);
            assert!(advice("crates/runtime/survey", in_earnest).is_some(), "{double}");
            let of_the_estate = ours(double, DependencyKind::Development);
            assert!(advice("crates/proof/estate", of_the_estate).is_some(), "{double}");
        }
        let aws = ours("crates/adapters/aws", DependencyKind::Development);
        assert!(advice("crates/runtime/survey", aws).is_some());
    }

    #[test]
    fn only_its_home_names_a_technology() {
        let found = advice("crates/edge/cli", library("aws-sdk-ec2", &[]));
        assert!(found.is_some_and(|advice| advice.starts_with("only crates/adapters/aws may name")));
        assert_eq!(advice("crates/adapters/aws", library("aws-sdk-ec2", &[])), None);
        assert!(advice("crates/proof/estate", library("aws-smithy-types", &[])).is_some());
    }

    #[test]
    fn a_pure_crate_can_do_no_input_output_clock_or_randomness() {
        for name in ["tokio", "tokio-util", "tracing", "rand", "rand_chacha", "reqwest", "rusqlite"] {
            assert!(advice("crates/domain/patch", library(name, &[])).is_some(), "{name}");
        }
        assert!(advice("crates/domain/flow", library("uuid", &["v4"])).is_some());
        assert_eq!(advice("crates/domain/flow", library("uuid", &["v5"])), None);
        assert_eq!(advice("crates/adapters/clock", library("tokio", &[])), None);
    }

    #[test]
    fn a_crate_outside_every_layer_is_found() {
        let stray = Crate { directory: "crates/misc".into(), manifest: String::new(), dependencies: vec![] };
        assert!(stray.findings()[0].advice.starts_with("the crate is in no layer"));
    }
}
