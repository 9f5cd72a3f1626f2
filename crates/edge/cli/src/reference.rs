//! The command-line reference as Markdown, written from the definition clap itself parses with.

use std::fmt::Write;

use clap::{Arg, ArgAction, Command};

/// Every visible command with every flag: value, default, environment variable.
///
/// The same definition gives the same text: nothing in it depends on the terminal or on settings.
pub fn markdown(mut command: Command) -> String {
    command.build();
    let mut text = String::from("# Command line\n");
    section(&mut text, &command, command.get_name(), 2);
    text
}

/// A command, and below it its subcommands.
fn section(text: &mut String, command: &Command, path: &str, level: usize) {
    let _ = write!(text, "\n{} `{path}`\n\n{}\n", "#".repeat(level.min(4)), about(command));
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let _ = write!(text, "\n```text\n{usage}\n```\n");

    let is_root = !path.contains(' ');
    let shown = |arg: &&Arg| !arg.is_hide_set() && (is_root || !arg.is_global_set()) && !is_help(arg);
    let (places, flags): (Vec<_>, Vec<_>) =
        command.get_arguments().filter(shown).partition(|a| a.is_positional());
    if !places.is_empty() {
        text.push_str("\n| argument | what |\n|---|---|\n");
        for arg in places {
            let _ = writeln!(text, "| `{}` | {} |", values(arg), what(arg));
        }
    }
    if !flags.is_empty() {
        text.push_str("\n| flag | default | environment | what |\n|---|---|---|---|\n");
        for arg in flags {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} |",
                names(arg),
                default(arg),
                environment(arg),
                what(arg)
            );
        }
    }
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        section(text, sub, &format!("{path} {}", sub.get_name()), level + 1);
    }
}

/// What the command does; lines that are indented in the terminal become a block of code.
fn about(command: &Command) -> String {
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let mut text = String::new();
    let mut in_block = false;
    for line in about.trim_end().lines() {
        let indented = line.starts_with("  ");
        if indented != in_block {
            text.push_str(if indented { "\n```text\n" } else { "```\n\n" });
            in_block = indented;
        }
        text.push_str(if indented { line.trim_start() } else { line });
        text.push('\n');
    }
    text.push_str(if in_block { "```" } else { "" });
    text.trim_end().to_owned()
}

/// `--help` and `--version` are everywhere the same.
fn is_help(arg: &Arg) -> bool {
    matches!(
        arg.get_action(),
        ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
    )
}

/// `-o`, `--output <OUTPUT>`.
fn names(arg: &Arg) -> String {
    let short = arg.get_short().map(|short| format!("`-{short}`"));
    let takes_value = arg.get_action().takes_values();
    let value = if takes_value { format!(" {}", values(arg)) } else { String::new() };
    let long = arg.get_long().map(|long| format!("`--{long}{value}`"));
    short.into_iter().chain(long).collect::<Vec<_>>().join(", ")
}

/// `<FILE>`, `<A> <B>`.
fn values(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    let shown: Vec<_> = names.iter().map(|name| format!("<{name}>")).collect();
    let shown = if shown.is_empty() { format!("<{}>", arg.get_id()) } else { shown.join(" ") };
    // Inside a table a bar ends the cell, even in code.
    shown.replace('|', "\\|")
}

fn default(arg: &Arg) -> String {
    if !arg.get_action().takes_values() || arg.is_hide_default_value_set() {
        return String::new();
    }
    let values: Vec<_> =
        arg.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
    values.join(", ")
}

fn environment(arg: &Arg) -> String {
    arg.get_env().map(|name| format!("`{}`", name.to_string_lossy())).unwrap_or_default()
}

/// What ends a sentence, where the text does not end with it already.
fn stop(text: &str) -> &'static str {
    if text.is_empty() || text.ends_with('.') { "" } else { "." }
}

/// The help text on one line of a table, with the values that are possible.
fn what(arg: &Arg) -> String {
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let mut text = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let possible = arg.get_possible_values();
    let possible: Vec<_> = possible
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if arg.get_action().takes_values() && !possible.is_empty() {
        let _ = write!(text, "{} One of {}.", stop(&text), possible.join(", "));
    }
    if arg.is_required_set() {
        let _ = write!(text, "{} Required.", stop(&text));
    }
    text.replace('|', "\\|").replace('<', "&lt;").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use clap::{Arg, ArgAction, Command, value_parser};

    use super::markdown;

    fn example() -> Command {
        Command::new("tool")
            .about("Does things.")
            .arg(
                Arg::new("verbose")
                    .long("verbose")
                    .short('v')
                    .global(true)
                    .action(ArgAction::SetTrue)
                    .help("Say more"),
            )
            .subcommand(
                Command::new("scan")
                    .about("Looks.")
                    .arg(Arg::new("file").required(true).help("What to | read"))
                    .arg(
                        Arg::new("output")
                            .long("output")
                            .value_name("FORM")
                            .env("TOOL_OUTPUT")
                            .default_value("text")
                            .value_parser(["text", "json"])
                            .help("Form of the answer"),
                    )
                    .arg(Arg::new("port").long("port").value_parser(value_parser!(u16)).help("Port")),
            )
            .subcommand(Command::new("internal").hide(true))
    }

    #[test]
    fn a_flag_shows_its_value_default_variable_and_choices() {
        let text = markdown(example());
        let row =
            "| `--output <FORM>` | `text` | `TOOL_OUTPUT` | Form of the answer. One of `text`, `json`. |";
        assert!(text.contains(row), "{text}");
        assert!(text.contains("| `<file>` | What to \\| read. Required. |"), "{text}");
    }

    #[test]
    fn a_global_flag_is_told_once_and_a_hidden_command_never() {
        let text = markdown(example());
        assert_eq!(text.matches("`--verbose`").count(), 1, "{text}");
        assert!(text.contains("### `tool scan`") && !text.contains("internal"), "{text}");
    }

    #[test]
    fn an_indented_example_becomes_a_block_and_a_bar_stays_in_its_cell() {
        let example = Command::new("tool")
            .long_about("Looks.\n\nExample:\n  tool a\n  tool b\nDone.")
            .arg(Arg::new("zone").long("zone").value_name("NAME|FILE").help("Where"));
        let text = markdown(example);
        assert!(text.contains("Example:\n\n```text\ntool a\ntool b\n```\n\nDone."), "{text}");
        assert!(text.contains("| `--zone <NAME\\|FILE>` |"), "{text}");
    }

    #[test]
    fn the_same_definition_gives_the_same_text() {
        assert_eq!(markdown(example()), markdown(example()));
    }
}
