//! The reference of all keys, in Markdown.

use std::fmt::Write;

use fleetwright_model::code;

use crate::keys::{self, Key, RESERVED_VARIABLES, Reading, VARIABLE_PREFIX, sections};
use crate::landing_zones::fields::{self, Field, Standing};

/// The reference of every key of the configuration and of inventories, in Markdown.
pub fn reference_markdown() -> String {
    let mut page = String::from("# Configuration reference\n\n");
    page.push_str(&introduction());
    let mut section = None;
    for key in keys::all() {
        let of_key = key.path.rsplit_once('.').map_or("", |(section, _)| section);
        if section != Some(of_key) {
            section = Some(of_key);
            heading(&mut page, of_key);
        }
        write_key(&mut page, key);
    }
    page.push_str(ENVIRONMENTS);
    write_fields(&mut page);
    page
}

const ENVIRONMENTS: &str = "\n## `environments`\n\n\
    `environments.NAME` holds any of the keys above. Its values are laid over the rest of the file when\n\
    `environment` is NAME. `landing_zones: [a, b]` is short for `landing_zones.names`, `landing_zones: zones.yaml`\n\
    for `landing_zones.inventory`.\n";

fn introduction() -> String {
    let reserved: Vec<String> = RESERVED_VARIABLES.iter().map(|name| format!("`{name}`")).collect();
    format!(
        "One YAML file; strongest first, a value comes from a flag, a variable, the section of the chosen\n\
         environment, the file, the default. `fleetwright config explain KEY` says which.\n\n\
         - An unknown key or variable is an error ({}); nothing is ignored.\n\
         - Durations are written `90s`, `30m`, `1h30m`, `7d`; a plain number is seconds.\n\
         - Booleans are `true` or `false`; `yes`, `no`, `on`, `off` are understood, without quotes.\n\
         - A variable is `{VARIABLE_PREFIX}` and the key in capitals with `_` for `.`. Lists are separated by commas,\n\
           tag filters are `KEY=VALUE|VALUE,KEY=VALUE`; both may also be YAML in `[…]` or `{{…}}`. An empty\n\
           variable unsets a key that has no default, and empties a list.\n\
         - Let pass, because they are no settings: {}.\n\
         - Older spellings are read as well. The same setting in two spellings is an error unless they agree ({}).\n",
        code::UNKNOWN_KEY.id,
        reserved.join(", "),
        code::DUPLICATE_KEY.id,
    )
}

fn heading(page: &mut String, path: &str) {
    let text = match sections().find(|section| section.path == path) {
        Some(section) => format!("\n## `{path}`\n\n{}\n", section.doc.replace(".*", ".NAME")),
        None => "\n## Top level\n".to_owned(),
    };
    page.push_str(&text);
}

fn write_key(page: &mut String, key: &Key) {
    write_lines(page, key).expect("writing to a string does not fail");
}

fn write_lines(page: &mut String, key: &Key) -> std::fmt::Result {
    writeln!(page, "\n### `{}`\n\n{}\n{}\n", key.path, key.doc, key.effect())?;
    writeln!(page, "- Takes: {}", key.kind.describe())?;
    match key.default {
        Some(default) => writeln!(page, "- Default: `{default}`")?,
        None => writeln!(page, "- Default: not set")?,
    }
    writeln!(page, "- Example: `{}`", key.example)?;
    if let Some(variable) = key.variable() {
        writeln!(page, "- Variable: `{variable}`")?;
    }
    if !key.older.is_empty() {
        let older: Vec<String> =
            key.older.iter().map(|older| format!("`{}`{}", older.path, remark(older.reading))).collect();
        writeln!(page, "- Older spellings: {}", older.join(", "))?;
    }
    Ok(())
}

fn remark(reading: Reading) -> &'static str {
    match reading {
        Reading::Same => "",
        Reading::Minutes => " (minutes)",
        Reading::Inverted => " (says the opposite)",
        Reading::Retries => " (one less than the attempts)",
        Reading::PythonLevel => " (Python's level names)",
    }
}

fn write_fields(page: &mut String) {
    page.push_str("\n## Inventories\n\nThe keys of entries in inventory files; `fleetwright config init` writes an example.\n");
    for (title, table) in [
        ("A landing zone", fields::ZONE),
        ("`organization`: accounts of the organisation", fields::SCOPE),
        ("Entries of another file", fields::REFERENCE),
    ] {
        write!(page, "\n### {title}\n\n").expect("writing to a string does not fail");
        for field in table {
            page.push_str(&line(field));
        }
    }
}

fn line(field: &Field) -> String {
    let older = if field.standing == Standing::Older { " (older)" } else { "" };
    format!("- `{}`{older}: {}\n", field.name, field.doc)
}
