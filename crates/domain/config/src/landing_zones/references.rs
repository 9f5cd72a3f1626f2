//! Loading inventories that refer to each other.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use fleetwright_model::{OrganizationScope, Zone, code, nearest};

use super::shape::{Item, read_items};
use super::{Inventory, Listed, ZoneDefaults, overlaps};
use crate::error::{ConfigError, ConfigErrors, FilePlace, MAX_SUGGESTIONS, Place, shorten};

use crate::yaml::SourceText;

/// The inventory files of a load.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sources<'a> {
    /// The files whose landing zones are meant.
    pub files: &'a [SourceText],
    /// Files in which plain names are looked up, and nothing else is taken from: the inventories of
    /// the configuration while others were given on the command line.
    pub catalogue: &'a [SourceText],
}

/// A file that another file names.
#[derive(Clone, Copy, Debug)]
pub struct Reference<'a> {
    /// Name of the file that names it.
    pub from: &'a str,
    /// The path as written, relative to that file.
    pub path: &'a str,
}

/// Loads the inventories. `open` reads a file that another one names; the text's name must be the
/// same whenever it is the same file, and on failure it says why.
///
/// # Errors
/// Every fault of every file: entries, references, duplicates.
pub fn load(
    sources: Sources<'_>,
    defaults: &ZoneDefaults,
    open: &mut dyn FnMut(Reference<'_>) -> Result<SourceText, String>,
) -> Result<Inventory, ConfigErrors> {
    let mut loader = Loader { defaults, open, errors: Vec::new(), known: HashMap::new(), stack: Vec::new() };
    let files: Vec<Rc<Described>> = unique(sources.files).map(|file| loader.describe(file)).collect();
    let catalogue: Vec<Rc<Described>> = unique(sources.catalogue).map(|file| loader.describe(file)).collect();
    let mut errors = loader.errors;

    let mut inventory = Inventory::default();
    let mut taken = HashSet::new();
    for file in &files {
        take(&mut inventory.zones, &mut taken, file.zones.iter());
        inventory.scopes.extend(file.scopes.iter().cloned());
    }
    let everywhere: Vec<&Described> = files.iter().chain(&catalogue).map(Rc::as_ref).collect();
    let mut named: HashMap<&str, &FilePlace> = HashMap::new();
    for name in files.iter().flat_map(|file| &file.names) {
        match named.insert(&name.item, &name.place) {
            Some(first) if first.file == name.place.file && first != &name.place => {
                let message = format!("landing zone {} is named here and at {first}", shorten(&name.item));
                let place = Place::File(name.place.clone());
                errors.push(ConfigError::new(&code::DUPLICATE_ZONE, place, message).related(first.clone()));
            }
            _ => match pick(&everywhere, name, errors.len()) {
                Ok(zones) => take(&mut inventory.zones, &mut taken, zones.into_iter()),
                Err(error) => errors.push(*error),
            },
        }
    }
    overlaps::find(&inventory.zones, &mut errors);
    ConfigErrors::check(errors, inventory)
}

/// A file named twice is one file.
fn unique(files: &[SourceText]) -> impl Iterator<Item = &SourceText> {
    let mut seen = HashSet::new();
    files.iter().filter(move |file| seen.insert(file.name.as_str()))
}

/// Adds zones; one that is written at a place already taken is the same zone by another way.
fn take<'z>(
    zones: &mut Vec<Listed<Zone>>,
    taken: &mut HashSet<(Arc<str>, usize)>,
    more: impl Iterator<Item = &'z Listed<Zone>>,
) {
    zones
        .extend(more.filter(|zone| taken.insert((Arc::clone(&zone.place.file), zone.place.offset))).cloned());
}

/// What a file describes, its references to other files followed.
#[derive(Default)]
struct Described {
    zones: Vec<Listed<Zone>>,
    scopes: Vec<Listed<OrganizationScope>>,
    /// Plain names, still to be looked up.
    names: Vec<Listed<String>>,
    /// Indices into `zones` by name and by account id.
    index: HashMap<String, Vec<usize>>,
    /// Where each plain name stands first.
    named: HashMap<String, FilePlace>,
}

impl Described {
    fn build_index(&mut self) {
        for name in &self.names {
            self.named.entry(name.item.clone()).or_insert_with(|| name.place.clone());
        }
        for (position, zone) in self.zones.iter().enumerate() {
            let (name, account) = (zone.item.name.as_str(), zone.item.account.as_str());
            self.index.entry(name.to_owned()).or_default().push(position);
            if account != name {
                self.index.entry(account.to_owned()).or_default().push(position);
            }
        }
    }

    fn find(&self, name: &str) -> impl Iterator<Item = &Listed<Zone>> {
        self.index.get(name).into_iter().flatten().map(|position| &self.zones[*position])
    }
}

/// The zones a plain name or account id stands for; `faults` is how many there were before.
fn pick<'d>(
    described: &[&'d Described],
    name: &Listed<String>,
    faults: usize,
) -> Result<Vec<&'d Listed<Zone>>, Box<ConfigError>> {
    let found = described.iter().map(|file| file.find(&name.item).collect::<Vec<_>>());
    if let Some(found) = found.into_iter().find(|found| !found.is_empty()) {
        return Ok(found);
    }
    let shown = shorten(&name.item);
    let error = |code, message: String| {
        Box::new(ConfigError::new(code, Place::File(name.place.clone()), message).value(&name.item))
    };
    let elsewhere = described.iter().filter_map(|file| file.named.get(&name.item));
    if let Some(other) = elsewhere.into_iter().find(|other| other.file != name.place.file) {
        let message =
            format!("landing zone {shown} is only named here and at {other}, and described nowhere");
        return Err(error(&code::CIRCULAR_INVENTORY, message));
    }
    let known = described.iter().flat_map(|file| &file.zones).map(|zone| zone.item.name.as_str());
    let nearest = if faults < MAX_SUGGESTIONS { nearest(&name.item, known) } else { None };
    let message = format!("no inventory describes landing zone {shown}");
    Err(match nearest {
        Some(nearest) => error(&code::UNKNOWN_ZONE, format!("{message}; did you mean `{nearest}`?")),
        None => Box::new(error(&code::UNKNOWN_ZONE, message).hint(DESCRIBED_ELSEWHERE)),
    })
}

const DESCRIBED_ELSEWHERE: &str = "A plain name refers to a full entry in another inventory: name that with \
    landing_zones.inventory, or write {inventory: FILE, zones: [NAMES]}.";

struct Loader<'l> {
    defaults: &'l ZoneDefaults,
    open: &'l mut dyn FnMut(Reference<'_>) -> Result<SourceText, String>,
    errors: Vec<ConfigError>,
    /// Files read so far, by name.
    known: HashMap<String, Rc<Described>>,
    /// The files that lead to the one being read.
    stack: Vec<String>,
}

impl Loader<'_> {
    fn describe(&mut self, file: &SourceText) -> Rc<Described> {
        if let Some(known) = self.known.get(&file.name) {
            return Rc::clone(known);
        }
        self.stack.push(file.name.clone());
        let mut described = Described::default();
        for item in read_items(file, self.defaults, &mut self.errors) {
            match item {
                Item::Zone(zone) => described.zones.push(zone),
                Item::Scope(scope) => described.scopes.push(scope),
                Item::Name(name) => described.names.push(name),
                Item::From { paths, names } => {
                    self.follow(&file.name, &paths, names.as_deref(), &mut described)
                }
            }
        }
        described.build_index();
        self.stack.pop();
        let described = Rc::new(described);
        self.known.insert(file.name.clone(), Rc::clone(&described));
        described
    }

    fn follow(
        &mut self,
        from: &str,
        paths: &[Listed<String>],
        names: Option<&[Listed<String>]>,
        into: &mut Described,
    ) {
        let before = self.errors.len();
        let others: Vec<Rc<Described>> = paths.iter().filter_map(|path| self.open(from, path)).collect();
        match names {
            None => {
                for other in others {
                    into.zones.extend(other.zones.iter().cloned());
                    into.scopes.extend(other.scopes.iter().cloned());
                    into.names.extend(other.names.iter().cloned());
                }
            }
            // Names that a faulty file might have described are not reported on top of its faults.
            Some(_) if self.errors.len() > before => {}
            Some(names) => {
                let others: Vec<&Described> = others.iter().map(Rc::as_ref).collect();
                for name in names {
                    match pick(&others, name, self.errors.len()) {
                        Ok(zones) => into.zones.extend(zones.into_iter().cloned()),
                        Err(error) => self.errors.push(*error),
                    }
                }
            }
        }
    }

    fn open(&mut self, from: &str, path: &Listed<String>) -> Option<Rc<Described>> {
        let error = |code, message: String| {
            ConfigError::new(code, Place::File(path.place.clone()), message).value(&path.item)
        };
        match (self.open)(Reference { from, path: &path.item }) {
            Ok(text) if self.stack.contains(&text.name) => {
                let circle = self.stack.join(" → ");
                let message = format!("the inventories lead back to {}: {circle} → {0}", text.name);
                self.errors.push(error(&code::CIRCULAR_INVENTORY, message));
                None
            }
            Ok(text) => Some(self.describe(&text)),
            Err(cause) => {
                let message = format!("the inventory {} cannot be read: {cause}", shorten(&path.item));
                self.errors.push(error(&code::UNREADABLE_FILE, message));
                None
            }
        }
    }
}
