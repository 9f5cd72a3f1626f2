//! `fleetwright code`, `completions`, `man`, and the reference material of this project's documents.

use std::fmt::Write as _;
use std::path::Path;

use clap::CommandFactory;
use fleetwright_aws::operation::{Need, Principal};
use fleetwright_model::{Code, Exit, code};

use crate::args::Cli;
use crate::console;
use crate::failure::CommandError;
use crate::files;

/// Explains one code, or lists all.
///
/// # Errors
/// There is no such code.
pub fn code(id: Option<&str>) -> Result<Exit, CommandError> {
    let text = match id {
        None => code::catalogue().fold(String::new(), |mut text, code| {
            let _ = writeln!(text, "{}  {}", code.id, code.title);
            text
        }),
        Some(id) => code::find(id).map(page).ok_or_else(|| {
            let mut error = CommandError::new(&code::USAGE, format!("there is no code {id:?}"));
            error.hint = Some("`fleetwright code` without an argument lists them all.".to_owned());
            error
        })?,
    };
    console::write_text(&text)?;
    Ok(Exit::Success)
}

fn page(code: &'static Code) -> String {
    let exit = match code.exit {
        Some(exit) => format!("Exit code {} ({}).\n", exit.number(), exit.meaning()),
        None => String::new(),
    };
    format!("{} {}\n\n{}\n\nNext: {}\n{exit}", code.id, code.title, code.meaning, code.next_step)
}

/// Writes the completion script of a shell.
///
/// # Errors
/// Standard output cannot be written.
pub fn completions(shell: clap_complete::Shell) -> Result<Exit, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "fleetwright", &mut script);
    console::write_data(|out| out.write_all(&script))?;
    Ok(Exit::Success)
}

/// Writes a man page per command.
///
/// # Errors
/// A page cannot be written.
pub fn man(directory: &Path) -> Result<Exit, CommandError> {
    files::make_directory(directory)?;
    let mut command = Cli::command();
    command.build();
    write_man(&command, "fleetwright", directory)?;
    Ok(Exit::Success)
}

fn write_man(command: &clap::Command, name: &str, directory: &Path) -> Result<(), CommandError> {
    let page = clap_mangen::Man::new(command.clone().name(name.to_owned()));
    files::write_atomically(&directory.join(format!("{name}.1")), |file| page.render(file))?;
    for child in command.get_subcommands().filter(|child| !child.is_hide_set() && child.get_name() != "help")
    {
        write_man(child, &format!("{name}-{}", child.get_name()), directory)?;
    }
    Ok(())
}

/// The command-line reference as Markdown.
///
/// # Errors
/// Standard output cannot be written.
pub fn command_line() -> Result<Exit, CommandError> {
    console::write_text(&crate::reference::markdown(Cli::command()))?;
    Ok(Exit::Success)
}

/// The IAM actions fleetwright calls, as Markdown, from the table beside the code that calls them.
///
/// # Errors
/// Standard output cannot be written.
pub fn permissions() -> Result<Exit, CommandError> {
    let mut text =
        "# IAM actions\n\nWhat fleetwright calls, phase by phase. The table is made from the code that \
                    makes the calls; `fleetwright doctor` checks it in your accounts.\n\n\
                    | action | in the policy of | phases | needed | what for |\n|---|---|---|---|---|\n"
            .to_owned();
    for operation in fleetwright_aws::operations() {
        let phases: Vec<&str> = operation.phases.iter().map(|phase| phase.as_str()).collect();
        let principal = match operation.principal {
            Principal::Caller => "the caller",
            Principal::Zone => "the landing zone's role",
        };
        let needed = match operation.need {
            Need::Required => "yes",
            Need::Optional => "optional",
        };
        let (iam, purpose) = (operation.iam, operation.purpose);
        let _ = writeln!(text, "| `{iam}` | {principal} | {} | {needed} | {purpose} |", phases.join(", "));
    }
    console::write_text(&text)?;
    Ok(Exit::Success)
}
