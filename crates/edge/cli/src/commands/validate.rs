//! `fleetwright cloud validate`: whether the files of `cloud template` can be deployed, before anything is; CloudFormation is
//! asked as well where a hub is named.

use std::path::{Path, PathBuf};

use fleetwright_asl::{Rules, check};
use fleetwright_config::settings::OutputFormat;
use fleetwright_config::{Located, Place, Remark, SourceText};
use fleetwright_model::Exit;
use fleetwright_model::code::{self, Code};
use fleetwright_ports::Stacks;
use fleetwright_templates::{Fault, MACHINES, Machine, check_definition, check_parameters, check_template};
use serde_json::{Value, json};

use super::stacks::Purpose;
use super::stacks::sources::Sources;
use crate::app::{App, Outcome, Time, form, in_runtime};
use crate::args::{HubArgs, ValidateArgs};
use crate::diagnosis::{self, command_error};
use crate::failure::CommandError;
use crate::files;
use crate::one_place::{tell, text};

/// The templates, with what the names of their parameter files begin with.
const TEMPLATES: [(&str, &str); 2] =
    [(Purpose::Hub.template_file(), "hub."), (Purpose::Spoke.template_file(), "spoke.")];
/// Where the parameter files are.
const PARAMETERS: &str = "parameters";

impl App {
    /// `fleetwright cloud validate`.
    pub(crate) fn validate_cloud(&self, args: &ValidateArgs) -> Outcome {
        self.log_warnings();
        let mut judged = Judgement::of_directory(&args.dir)?;
        let Some(environment) = args.hub.as_ref().filter(|_| !judged.has_findings()) else {
            return judged.show(form(args.output), self.console.color);
        };
        let hub = HubArgs { hub: environment.clone(), output: args.output };
        in_runtime(Time::Wall, async {
            self.at_stack(&hub, args.state_dir.as_deref(), "cloud validate", async |environment, at| {
                for purpose in [Purpose::Hub, Purpose::Spoke] {
                    let template = Sources::read(purpose, &environment, &args.dir)?.template(&at).await?;
                    if let Some(said) = at.aws.refusal(&at.place.cell(), &template).await? {
                        judged.refuse(purpose.template_file(), format!("CloudFormation: {said}"));
                    }
                }
                judged.show(at.format, at.console.color)
            })
            .await
        })
    }
}

/// A file that was read.
struct File {
    located: Located,
    source: SourceText,
    document: Value,
}

impl File {
    fn read(path: &Path) -> Result<Self, CommandError> {
        let source = SourceText::new(path.display().to_string(), files::read_text(path)?);
        match Located::read(&source) {
            Ok(located) => Ok(Self { document: located.json(), located, source }),
            Err(errors) => {
                let sources = diagnosis::Sources::from([(source.name.clone(), source)]);
                Err(command_error(&errors, &sources, false))
            }
        }
    }
}

/// What is wrong with a file.
struct Finding {
    code: &'static Code,
    pointer: String,
    message: String,
}

/// Files with what is wrong with them.
pub struct Judgement {
    files: Vec<(File, Vec<Finding>)>,
}

fn findings(code: &'static Code, faults: Vec<Fault>) -> Vec<Finding> {
    faults.into_iter().map(|Fault { pointer, message }| Finding { code, pointer, message }).collect()
}

impl Judgement {
    /// Judges the files as `cloud template` leaves them below a directory: the templates, the definition of the state
    /// machine where there is one, every parameter file.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn of_directory(directory: &Path) -> Result<Self, CommandError> {
        let mut judged = Self { files: Vec::new() };
        // Where there is no such directory, what comes back is its name, which is that of no parameter file.
        let given: Vec<PathBuf> = files::below(&[directory.join(PARAMETERS)], &[".json"])?;
        for (name, prefix) in TEMPLATES {
            let template = File::read(&directory.join(name))?;
            let is_of = |path: &&PathBuf| {
                path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix))
            };
            for path in given.iter().filter(is_of) {
                let file = File::read(path)?;
                let faults = check_parameters(&template.document, &file.document);
                judged.files.push((file, findings(&code::PARAMETERS_INVALID, faults)));
            }
            for machine in MACHINES.iter().filter(|_| name == Purpose::Hub.template_file()) {
                let definition = directory.join(machine.file);
                if files::exists(&definition) {
                    judged.files.push(of_definition(&template, machine, File::read(&definition)?));
                }
            }
            let faults = check_template(&template.document);
            judged.files.push((template, findings(&code::TEMPLATE_INVALID, faults)));
        }
        judged.files.sort_by(|(one, _), (other, _)| one.source.name.cmp(&other.source.name));
        Ok(judged)
    }

    /// Adds what CloudFormation says of a template.
    fn refuse(&mut self, name: &str, message: String) {
        let is_meant = |file: &File| Path::new(&file.source.name).file_name().is_some_and(|it| it == name);
        if let Some((_, found)) = self.files.iter_mut().find(|(file, _)| is_meant(file)) {
            found.push(Finding { code: &code::TEMPLATE_INVALID, pointer: String::new(), message });
        }
    }

    /// Whether anything is wrong with any file.
    pub fn has_findings(&self) -> bool {
        self.files.iter().any(|(_, found)| !found.is_empty())
    }

    /// Shows every file with what is wrong with it.
    ///
    /// # Errors
    /// Something is wrong with one.
    pub(super) fn show(&self, format: OutputFormat, color: bool) -> Outcome {
        let mut refused: Option<CommandError> = None;
        let mut rows = Vec::new();
        for (file, found) in &self.files {
            let remarks = found.iter().map(|finding| Remark {
                code: finding.code,
                pointer: finding.pointer.clone(),
                message: finding.message.clone(),
            });
            let errors = file.located.refuse(remarks).err();
            let told = errors.iter().flat_map(|errors| errors.iter()).map(|error| {
                let place = match &error.place {
                    Place::File(place) => Some(place),
                    Place::Variable { .. } | Place::Flag { .. } => None,
                };
                json!({
                    "code": error.code.id,
                    "pointer": error.key_path,
                    "line": place.map(|place| place.line),
                    "column": place.map(|place| place.column),
                    "message": error.message,
                    "next_step": error.code.next_step,
                })
            });
            let told: Vec<Value> = told.collect();
            rows.push(json!({ "file": file.source.name, "valid": found.is_empty(), "findings": told }));
            if let Some(errors) = errors {
                let sources = diagnosis::Sources::from([(file.source.name.clone(), file.source.clone())]);
                let error = command_error(&errors, &sources, color);
                match &mut refused {
                    None => refused = Some(error),
                    Some(refused) => refused.details.extend(error.details),
                }
            }
        }
        let is_text = format == OutputFormat::Text;
        rows.retain(|row| !is_text || row["valid"] == true);
        tell(format, rows, |row| format!("{}: valid\n", text(row, "file")))?;
        match refused {
            Some(error) if is_text => Err(error),
            Some(_) => Ok(Exit::Validation),
            None => Ok(Exit::Success),
        }
    }
}

/// The definition of the state machine, by our own rules, and with what the template puts in.
fn of_definition(template: &File, machine: &Machine, file: File) -> (File, Vec<Finding>) {
    let mut found: Vec<Finding> = check(&file.document, Rules::Ours)
        .into_iter()
        .map(|finding| Finding {
            code: finding.code,
            pointer: finding.pointer.clone(),
            message: finding.to_string(),
        })
        .collect();
    let open = check_definition(&template.document, machine, &file.document);
    found.extend(findings(&code::TEMPLATE_INVALID, open));
    (file, found)
}
