//! Reading a configuration file: every key is current, older, or an error.

use std::collections::HashMap;

use fleetwright_model::code;

use super::{FileLayer, Given};
use crate::error::{ConfigError, FilePlace, MAX_SUGGESTIONS};
use crate::keys::{self, Found, Key, Reading, Secrecy, TextForm};
use crate::landing_zones::is_path;
use crate::origin::Origin;
use crate::value::{self, Value};
use crate::yaml::{self, Content, Entry, Node, Source, SourceText};

/// Reads one file; faults go to `errors`.
pub(crate) fn read_file(text: &SourceText, errors: &mut Vec<ConfigError>) -> FileLayer {
    let source = Source::new(text);
    let mut layer = FileLayer::default();
    let Some(root) = yaml::parse(&source, errors) else { return layer };
    let entries = match &root.content {
        Content::Null => return layer,
        Content::Mapping(entries) => entries,
        _ => {
            errors.push(not_a_configuration(&source, &root));
            return layer;
        }
    };
    let mut walk =
        Walk { source: &source, errors, environment: None, given: Vec::new(), first: HashMap::new() };
    walk.section("", entries.iter().filter(|entry| entry.key != "environments"));
    layer.base = walk.given;
    if let Some(entry) = root.get("environments") {
        read_environments(&source, entry, errors, &mut layer);
    }
    layer
}

fn not_a_configuration(source: &Source<'_>, root: &Node) -> ConfigError {
    let message = format!("a configuration is a mapping, found {}", root.describe());
    ConfigError::new(&code::WRONG_TYPE, source.place(root.span), message).hint(
        "A list of landing zones is an inventory: name it with landing_zones.inventory or --landing-zones.",
    )
}

fn read_environments(
    source: &Source<'_>,
    entry: &Entry,
    errors: &mut Vec<ConfigError>,
    layer: &mut FileLayer,
) {
    let mapping = |node: &Node, what: &str| {
        let message = format!("`{what}` is a section: it needs a mapping, found {}", node.describe());
        ConfigError::new(&code::WRONG_TYPE, source.place(node.span), message).key(what)
    };
    let environments = match &entry.value.content {
        Content::Mapping(environments) => environments,
        Content::Null => return,
        _ => return errors.push(mapping(&entry.value, "environments")),
    };
    for environment in environments {
        let path = format!("environments.{}", environment.key);
        let name = environment.key.clone();
        if !value::is_environment(&name) {
            let message =
                format!("`{}` is not {}", crate::error::shorten(&name), TextForm::Environment.describe());
            errors.push(
                ConfigError::new(&code::WRONG_TYPE, source.place(environment.key_span), message).key(path),
            );
            continue;
        }
        let mut walk = Walk {
            source,
            errors,
            environment: Some(name.clone()),
            given: Vec::new(),
            first: HashMap::new(),
        };
        match &environment.value.content {
            Content::Mapping(entries) => walk.section("", entries.iter()),
            Content::Null => {}
            _ => walk.errors.push(mapping(&environment.value, &path)),
        }
        let given = walk.given;
        layer.overlays.insert(name, given);
    }
}

struct Walk<'w> {
    source: &'w Source<'w>,
    errors: &'w mut Vec<ConfigError>,
    /// The environment whose section is being read.
    environment: Option<String>,
    given: Vec<Given>,
    /// Which of `given` first set a path.
    first: HashMap<String, usize>,
}

impl Walk<'_> {
    fn section<'e>(&mut self, section: &str, entries: impl Iterator<Item = &'e Entry>) {
        for entry in entries {
            let path =
                if section.is_empty() { entry.key.clone() } else { format!("{section}.{}", entry.key) };
            self.entry(section, path, entry);
        }
    }

    fn entry(&mut self, section: &str, path: String, entry: &Entry) {
        if entry.key.contains('.') {
            self.unknown(section, &path, entry);
        } else if self.environment.is_some() && matches!(path.as_str(), "environment" | "environments") {
            let message = format!("`{}` cannot stand inside an environment's own section", self.full(&path));
            let error = ConfigError::new(&code::CONFLICTING_KEYS, self.source.place(entry.key_span), message);
            self.errors.push(error.key(self.full(&path)));
        } else if path == "landing_zones"
            && !matches!(entry.value.content, Content::Mapping(_) | Content::Null)
        {
            self.landing_zones(entry);
        } else if let Some(found) = keys::find(&path) {
            self.leaf(found, path, entry);
        } else if keys::is_section(&path) {
            self.subsection(section, path, entry);
        } else {
            self.unknown(section, &path, entry);
        }
    }

    fn subsection(&mut self, section: &str, path: String, entry: &Entry) {
        if let Some(names) = keys::names_in(section)
            && !(names.valid)(&entry.key)
        {
            let message = format!("`{}` is not {}", crate::error::shorten(&entry.key), names.what);
            let error = ConfigError::new(&code::WRONG_TYPE, self.source.place(entry.key_span), message);
            self.errors.push(error.key(self.full(&path)));
            return;
        }
        match &entry.value.content {
            Content::Mapping(entries) => self.section(&path, entries.iter()),
            Content::Null => {}
            _ => {
                let message = format!(
                    "`{}` is a section: it needs a mapping, found {}",
                    self.full(&path),
                    entry.value.describe()
                );
                let error = ConfigError::new(&code::WRONG_TYPE, self.source.place(entry.value.span), message);
                self.errors.push(error.key(self.full(&path)));
            }
        }
    }

    /// `landing_zones: [a, b]` and `landing_zones: zones.yaml`, the short forms of
    /// `landing_zones.names` and `landing_zones.inventory`.
    fn landing_zones(&mut self, entry: &Entry) {
        let all_paths = value::texts(&entry.value, TextForm::Path)
            .is_ok_and(|texts| !texts.is_empty() && texts.iter().all(|text| is_path(text)));
        let (path, short) = if all_paths {
            ("landing_zones.inventory", "landing_zones as a list of files")
        } else {
            ("landing_zones.names", "landing_zones as a list of names")
        };
        let key = keys::find(path).expect("the table has it").key();
        match value::read(key, Reading::Same, &entry.value) {
            Ok(value) => self.set(key, path.to_owned(), value, entry, Some(short.to_owned())),
            Err(fault) => {
                let hint =
                    "Landing zones are described in an inventory file; name it with landing_zones.inventory.";
                self.fault(key, "landing_zones", fault.hint(hint));
            }
        }
    }

    fn leaf(&mut self, found: Found, path: String, entry: &Entry) {
        let key = found.key();
        let (reading, older) = match found {
            Found::Current(_) => (Reading::Same, None),
            Found::Older(_, older) => (older.reading, Some(path.clone())),
        };
        match value::read(key, reading, &entry.value) {
            Ok(value) => {
                let canonical = if older.is_some() { key.path.to_owned() } else { path };
                self.set(key, canonical, value, entry, older);
            }
            Err(fault) => self.fault(key, &path, fault),
        }
    }

    fn fault(&mut self, key: &Key, path: &str, fault: value::Fault) {
        let path = self.full(path);
        let mut error = ConfigError::new(
            fault.code,
            self.source.place(fault.span),
            format!("`{path}`{}", after_key(&fault.message)),
        )
        .key(path);
        error.hint = fault.hint;
        if let Some(value) = fault.value {
            error = error.value(value);
        }
        self.errors.push(if key.secrecy == Secrecy::Secret { error.secret() } else { error });
    }

    fn set(&mut self, key: &'static Key, path: String, value: Value, entry: &Entry, older: Option<String>) {
        let place = self.source.at(entry.key_span);
        if let Some(first) = self.first.get(&path) {
            let first = &self.given[*first];
            if first.value != value
                && let Some(error) = contradiction(key, first, &value, &place, older.as_deref())
            {
                self.errors.push(error);
            }
            return;
        }
        let origin = match &self.environment {
            None => Origin::File { place, older },
            Some(environment) => Origin::Overlay { environment: environment.clone(), place, older },
        };
        self.first.insert(path.clone(), self.given.len());
        self.given.push(Given { key, path, value, origin });
    }

    fn unknown(&mut self, section: &str, path: &str, entry: &Entry) {
        let full = self.full(path);
        let shown = crate::error::shorten(&full);
        let nearest = match self.errors.len() {
            ..MAX_SUGGESTIONS => keys::suggest_child(section, &entry.key),
            _ => None,
        };
        let message = match nearest {
            _ if keys::find(path).is_some() => {
                format!("unknown key `{shown}`: keys are nested, not written with dots")
            }
            Some(nearest) => format!("unknown key `{shown}`; did you mean `{}`?", self.full(&nearest)),
            None => format!("unknown key `{shown}`"),
        };
        self.errors
            .push(ConfigError::new(&code::UNKNOWN_KEY, self.source.place(entry.key_span), message).key(full));
    }

    /// The path as it stands in the file.
    fn full(&self, path: &str) -> String {
        match &self.environment {
            Some(environment) => format!("environments.{environment}.{path}"),
            None => path.to_owned(),
        }
    }
}

/// A fault's message after the key's name: as one sentence, or set off where it begins another.
fn after_key(message: &str) -> String {
    let goes_on = ["needs ", "must ", "is "].iter().any(|verb| message.starts_with(verb));
    if goes_on { format!(" {message}") } else { format!(": {message}") }
}

/// The same key with two values, in its current and an older form or in two older forms.
fn contradiction(
    key: &Key,
    first: &Given,
    value: &Value,
    place: &FilePlace,
    older: Option<&str>,
) -> Option<ConfigError> {
    let (first_place, first_older) = match &first.origin {
        Origin::File { place, older } | Origin::Overlay { place, older, .. } => (place, older.as_deref()),
        _ => return None,
    };
    let spelt = |older: Option<&str>| older.map_or(String::new(), |older| format!(" (as {older})"));
    let message = format!(
        "`{}` is {} here{} and {} at {first_place}{}",
        first.path,
        value.show(),
        spelt(older),
        first.value.show(),
        spelt(first_older),
    );
    let error = ConfigError::new(&code::DUPLICATE_KEY, crate::error::Place::File(place.clone()), message)
        .key(&first.path)
        .related(first_place.clone());
    Some(if key.secrecy == Secrecy::Secret { error.secret() } else { error })
}
