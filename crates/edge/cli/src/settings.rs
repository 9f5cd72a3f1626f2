//! From files, variables and flags to settings and landing zones.

use std::path::{Path, PathBuf};

use fleetwright_config::landing_zones::is_path;
use fleetwright_config::{Flag, Layers, Resolved, SourceText, resolve};
use fleetwright_model::code;

use crate::args::{ConfigArgs, FleetArgs, GlobalArgs, OutputFormat, SelectionArgs};
use crate::console::Console;
use crate::diagnosis::{Sources, command_error};
use crate::environment::Environment;
use crate::failure::CommandError;
use crate::files;

/// The configuration file that is read when none is named.
pub const DEFAULT_FILE: &str = "fleetwright.yaml";

/// Settings together with the texts they came from.
pub struct Loaded {
    /// The settings, each with its origin.
    pub resolved: Resolved,
    /// The texts, for quoting.
    pub sources: Sources,
    /// The input of the run, where there is one: it is laid over the settings already.
    pub input: Option<SourceText>,
}

/// Flags on the command line, as values of configuration keys.
#[derive(Clone, Debug, Default)]
pub struct Flags(Vec<Flag>);

impl Flags {
    /// Sets a key to one text.
    pub fn set(&mut self, flag: &str, key: &str, text: impl Into<String>) {
        self.0.push(Flag::new(flag, key, text));
    }

    /// Sets a key to a list, where the list is not empty.
    pub fn list(&mut self, flag: &str, key: &str, items: &[String]) {
        if !items.is_empty() {
            self.set(flag, key, items.join(","));
        }
    }

    /// The flags every command takes.
    pub fn global(&mut self, global: &GlobalArgs) {
        match (&global.log_level, global.verbose) {
            (Some(level), _) => self.set("--log-level", "output.log_level", level),
            (None, 0) if global.quiet => self.set("--quiet", "output.log_level", "error"),
            (None, 0) => {}
            (None, 1) => self.set("--verbose", "output.log_level", "debug"),
            (None, _) => self.set("--verbose", "output.log_level", "trace"),
        }
        for (flag, key, value) in [
            ("--log-format", "output.log_format", &global.log_format),
            ("--log-file", "output.log_file", &global.log_file),
            ("--metrics-file", "telemetry.metrics_file", &global.metrics_file),
            ("--metrics-listen", "telemetry.metrics_listen", &global.metrics_listen),
            ("--otlp-endpoint", "telemetry.otlp_endpoint", &global.otlp_endpoint),
        ] {
            if let Some(value) = value {
                self.set(flag, key, value);
            }
        }
    }

    /// `--environment` and `--set`.
    ///
    /// # Errors
    /// A `--set` without `=`.
    pub fn config(&mut self, config: &ConfigArgs) -> Result<(), CommandError> {
        if let Some(environment) = &config.environment {
            self.set("--environment", "environment", environment);
        }
        for setting in &config.set {
            let (key, value) = setting.split_once('=').ok_or_else(|| {
                CommandError::new(&code::USAGE, format!("--set takes KEY=VALUE, not {setting:?}"))
            })?;
            self.set(&format!("--set {key}"), key, value);
        }
        Ok(())
    }

    /// Landing zones by name or by file, and regions.
    pub fn fleet(&mut self, fleet: &FleetArgs) {
        let (paths, names): (Vec<String>, Vec<String>) =
            fleet.landing_zones.iter().cloned().partition(|text| is_path(text));
        self.list("--landing-zones", "landing_zones.inventory", &paths);
        self.list("--landing-zones", "landing_zones.names", &names);
    }

    /// The directory of reports.
    pub fn output_dir(&mut self, directory: Option<&Path>) {
        if let Some(directory) = directory {
            self.set("--output-dir", "output.dir", directory.display().to_string());
        }
    }

    /// Which instances.
    pub fn selection(&mut self, selection: &SelectionArgs) {
        self.list("--instance-ids", "scan.instance_ids", &selection.instance_ids);
        self.list("--platform", "scan.platforms", &selection.platform);
        self.list("--state", "scan.states", &selection.state);
        self.list("--include", "scan.include", &selection.include);
        self.list("--exclude", "scan.exclude", &selection.exclude);
        self.list("--tag", "scan.tags", &selection.tags);
    }

    /// The form of standard output.
    pub fn output(&mut self, output: Option<OutputFormat>) {
        match output {
            Some(OutputFormat::Text) => self.set("--output", "output.format", "text"),
            Some(OutputFormat::Json) => self.set("--output", "output.format", "json"),
            Some(OutputFormat::Jsonl) => self.set("--output", "output.format", "jsonl"),
            None => {}
        }
    }
}

/// Reads the configuration files and resolves the settings.
///
/// # Errors
/// A file that cannot be read, or every mistake in files, variables and flags.
pub fn load(
    paths: &[PathBuf],
    flags: Flags,
    environment: &Environment,
    console: Console,
) -> Result<Loaded, CommandError> {
    let mut sources = Sources::new();
    let mut layers = Layers { files: Vec::new(), variables: Vec::new(), flags: flags.0 };
    for path in paths {
        let text = SourceText::new(path.display().to_string(), files::read_text(path)?);
        sources.insert(text.name.clone(), text.clone());
        layers.files.push(text);
    }
    let ours = environment.iter().filter(|(name, _)| name.starts_with("FLEETWRIGHT_"));
    layers.variables = ours.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    match resolve(&layers) {
        Ok(resolved) => Ok(Loaded { resolved, sources, input: None }),
        Err(errors) => Err(command_error(&errors, &sources, console.color)),
    }
}

/// The configuration files of a command: those named, else the default one if it is there.
pub fn paths(config: &ConfigArgs) -> Vec<PathBuf> {
    let default = Path::new(DEFAULT_FILE);
    match config.config.is_empty() {
        true if files::exists(default) => vec![default.to_owned()],
        _ => config.config.clone(),
    }
}
