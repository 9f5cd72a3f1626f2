//! The embedded, commented default file.

use std::fmt::Write;

use crate::keys::{self, Key, sections};

/// Width of comment lines.
const WIDTH: usize = 96;

/// The default configuration file: every key with its documentation. Keys with a default stand
/// with it; the others are commented out, with an example. Read back, it gives exactly the
/// defaults.
pub fn default_yaml() -> String {
    let mut yaml = String::from(
        "# fleetwright configuration.\n\
         #\n\
         # Every key stands here with its default; keys without one are commented out. Remove what\n\
         # you do not change: what is left out keeps its default. Strongest first: flags, variables\n\
         # (FLEETWRIGHT_*), the section of the chosen environment, this file, the defaults.\n\
         # Durations are written 90s, 30m, 1h30m or 7d; a plain number is seconds.\n\
         # `fleetwright config explain KEY` says what a key is set to and why.\n",
    );
    let mut open: Vec<&str> = Vec::new();
    for key in keys::all() {
        open_sections(&mut yaml, &mut open, key);
        write_key(&mut yaml, key);
    }
    yaml.push_str(
        "\n# Sections for single environments. Any key above may stand in one; it is laid over the rest\n\
         # of the file when that environment is chosen.\n\
         # environments:\n\
         #   prod:\n\
         #     landing_zones:\n\
         #       inventory: [landing-zones-prod.yaml]\n\
         #     safety:\n\
         #       max_concurrent: 5\n",
    );
    yaml
}

/// Writes the headings of the sections that `key` is the first of.
fn open_sections(yaml: &mut String, open: &mut Vec<&'static str>, key: &'static Key) {
    let parts: Vec<&'static str> = key.path.split('.').collect();
    let sections_of_key = &parts[..parts.len() - 1];
    let shared = open.iter().zip(sections_of_key).take_while(|(a, b)| a == b).count();
    open.truncate(shared);
    for (depth, name) in sections_of_key.iter().enumerate().skip(shared) {
        let path = sections_of_key[..=depth].join(".");
        let doc = sections().find(|section| section.path == path).map_or("", |section| section.doc);
        let indent = "  ".repeat(depth);
        yaml.push('\n');
        comment(yaml, &indent, doc);
        let mark = if is_chosen_by_user(&path) { "# " } else { "" };
        let above = path.rsplit_once('.').map_or("", |(above, _)| above);
        let shown = match keys::names_in(above) {
            Some(names) if *name == "*" => names.example,
            _ => name,
        };
        writeln!(yaml, "{indent}{mark}{shown}:").expect("writing to a string does not fail");
        open.push(name);
    }
}

/// True for sections whose keys have no defaults because users choose their names.
fn is_chosen_by_user(path: &str) -> bool {
    keys::all().filter(|key| key.path.starts_with(&format!("{path}."))).all(|key| key.path.contains('*'))
}

fn write_key(yaml: &mut String, key: &Key) {
    let depth = key.path.matches('.').count();
    let indent = "  ".repeat(depth);
    let name = key.path.rsplit('.').next().unwrap_or(key.path);
    yaml.push('\n');
    comment(yaml, &indent, key.doc);
    if !key.phases.is_empty() {
        comment(yaml, &indent, &key.effect());
    }
    comment(yaml, &indent, &format!("Takes {}.", key.kind.describe()));
    if let Some(variable) = key.variable() {
        comment(yaml, &indent, &format!("Variable: {variable}"));
    }
    let line = match key.default {
        Some(default) => format!("{indent}{name}: {default}"),
        None => format!("{indent}# {name}: {}", key.example),
    };
    writeln!(yaml, "{line}").expect("writing to a string does not fail");
}

/// Writes a text as comment lines, broken at blanks.
fn comment(yaml: &mut String, indent: &str, text: &str) {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && indent.len() + line.len() + word.len() + 3 > WIDTH {
            writeln!(yaml, "{indent}# {line}").expect("writing to a string does not fail");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    writeln!(yaml, "{indent}# {line}").expect("writing to a string does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{Layers, read_file};
    use crate::origin::Origin;
    use crate::resolve::resolve;
    use crate::yaml::SourceText;

    #[test]
    fn the_default_file_gives_exactly_the_defaults() {
        let file = SourceText::new("default.yaml", default_yaml());
        let plain = resolve(&Layers::default()).expect("defaults are valid");
        let from_file =
            resolve(&Layers { files: vec![file.clone()], ..Layers::default() }).expect("the file is valid");
        assert_eq!(from_file.settings, plain.settings);

        let mut errors = Vec::new();
        let given: Vec<String> =
            read_file(&file, &mut errors).base.into_iter().map(|given| given.path).collect();
        let with_default: Vec<&str> =
            keys::all().filter(|key| key.default.is_some()).map(|key| key.path).collect();
        assert_eq!(given, with_default, "every key with a default stands in the file, in order");
        for path in with_default {
            assert!(matches!(from_file.origin(path), Some(Origin::File { .. })), "{path}");
        }
    }

    #[test]
    fn every_key_stands_in_the_file_even_when_commented_out() {
        let yaml = default_yaml();
        for key in keys::all() {
            let name = key.path.rsplit('.').next().expect("never empty");
            assert!(yaml.contains(&format!("{name}: ")), "{}", key.path);
        }
        assert!(yaml.lines().all(|line| line.chars().count() <= WIDTH + 4), "lines are broken");
    }
}
