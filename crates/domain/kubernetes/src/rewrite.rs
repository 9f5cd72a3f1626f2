//! Moving an object to a newer version of its API: what can be done mechanically, as a JSON Patch (RFC 6902), and
//! what a person has to decide.
//!
//! Source of every rule: kubernetes.io, "Deprecated API Migration Guide".

mod rules;

use serde::Serialize;
use serde_json::{Value, json};

use crate::api::GroupVersionKind;

/// How an object is moved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rewrite {
    /// The API it is moved to.
    pub to: GroupVersionKind,
    /// Changes in order, as a JSON Patch.
    pub patch: Vec<Operation>,
    /// What the patch leaves to a person; the object is not right before that is done.
    pub manual: Vec<Manual>,
    /// What behaves differently after it, although nothing has to be changed.
    pub notes: Vec<String>,
}

/// One operation of a JSON Patch.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Operation {
    /// Puts a value, or puts it in the place of one.
    Add {
        /// Where, as a JSON pointer.
        path: String,
        /// What.
        value: Value,
    },
    /// Takes a value away.
    Remove {
        /// Where.
        path: String,
    },
    /// Puts a value in the place of one that is there.
    Replace {
        /// Where.
        path: String,
        /// What.
        value: Value,
    },
    /// Takes a value from one place to another.
    Move {
        /// Where from.
        from: String,
        /// Where to.
        path: String,
    },
}

/// Something that only a person can decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Manual {
    /// Where, as a JSON pointer.
    pub path: String,
    /// What has to be done, and why it is not done here.
    pub reason: String,
}

/// A patch that does not fit the object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the patch does not fit the object: there is nothing at {path}")]
pub struct PatchMismatch {
    /// The pointer that leads nowhere.
    pub path: String,
}

/// How `object` is moved from its API to `to`; `None` where no rule leads there, and a person reads the migration
/// guide.
pub fn rewrite(object: &Value, from: &GroupVersionKind, to: &GroupVersionKind) -> Option<Rewrite> {
    if from.kind != to.kind {
        return None;
    }
    let rule = rules::find(from, to)?;
    let mut rewriting = Rewriting::new(object, to);
    rule(&mut rewriting);
    Some(rewriting.rewrite)
}

impl Rewrite {
    /// Whether the patch is all that has to be done.
    pub fn is_complete(&self) -> bool {
        self.manual.is_empty()
    }

    /// The object as the patch makes it.
    ///
    /// # Errors
    /// [`PatchMismatch`] where the object is not the one the patch was made for.
    pub fn apply(&self, object: &Value) -> Result<Value, PatchMismatch> {
        let mut object = object.clone();
        self.patch.iter().try_for_each(|operation| apply(&mut object, operation))?;
        Ok(object)
    }
}

/// A rewrite in the making: what rules read is the object as changed so far.
pub(crate) struct Rewriting {
    object: Value,
    rewrite: Rewrite,
}

impl Rewriting {
    fn new(object: &Value, to: &GroupVersionKind) -> Self {
        let rewrite = Rewrite { to: to.clone(), patch: Vec::new(), manual: Vec::new(), notes: Vec::new() };
        let mut rewriting = Self { object: object.clone(), rewrite };
        rewriting.put("/apiVersion", json!(to.api_version.to_string()));
        rewriting
    }

    fn get(&self, path: &str) -> Option<&Value> {
        self.object.pointer(path)
    }

    /// Puts a value, in the place of one where there is one.
    fn put(&mut self, path: &str, value: Value) {
        let path = path.to_owned();
        self.act(match self.get(&path) {
            Some(_) => Operation::Replace { path, value },
            None => Operation::Add { path, value },
        });
    }

    /// Takes a value away, if it is there.
    fn remove(&mut self, path: &str) -> Option<Value> {
        let value = self.get(path)?.clone();
        self.act(Operation::Remove { path: path.to_owned() });
        Some(value)
    }

    /// Renames a value, if it is there.
    fn rename(&mut self, from: &str, path: &str) {
        if self.get(from).is_some() {
            self.act(Operation::Move { from: from.to_owned(), path: path.to_owned() });
        }
    }

    fn manual(&mut self, path: &str, reason: &str) {
        self.rewrite.manual.push(Manual { path: path.to_owned(), reason: reason.to_owned() });
    }

    fn note(&mut self, note: &str) {
        self.rewrite.notes.push(note.to_owned());
    }

    /// What does not fit is left to a person: a rule reads before it acts, so this is an object without the shape
    /// its kind has.
    fn act(&mut self, operation: Operation) {
        match apply(&mut self.object, &operation) {
            Ok(()) => self.rewrite.patch.push(operation),
            Err(mismatch) => self.manual(&mismatch.path, "the object has another shape than its kind"),
        }
    }
}

fn apply(object: &mut Value, operation: &Operation) -> Result<(), PatchMismatch> {
    match operation {
        Operation::Add { path, value } => add(object, path, value.clone()),
        Operation::Remove { path } => remove(object, path).map(drop),
        Operation::Replace { path, value } => {
            let place = object.pointer_mut(path).ok_or_else(|| PatchMismatch { path: path.clone() })?;
            *place = value.clone();
            Ok(())
        }
        Operation::Move { from, path } => {
            let value = remove(object, from)?;
            add(object, path, value)
        }
    }
}

fn split(path: &str) -> Option<(&str, String)> {
    let (parent, last) = path.rsplit_once('/')?;
    Some((parent, last.replace("~1", "/").replace("~0", "~")))
}

fn add(object: &mut Value, path: &str, value: Value) -> Result<(), PatchMismatch> {
    let mismatch = || PatchMismatch { path: path.to_owned() };
    let (parent, key) = split(path).ok_or_else(mismatch)?;
    match object.pointer_mut(parent).ok_or_else(mismatch)? {
        Value::Object(entries) => {
            entries.insert(key, value);
        }
        Value::Array(items) => {
            let at = if key == "-" { Some(items.len()) } else { key.parse().ok() };
            items.insert(at.filter(|&at| at <= items.len()).ok_or_else(mismatch)?, value);
        }
        _ => return Err(mismatch()),
    }
    Ok(())
}

fn remove(object: &mut Value, path: &str) -> Result<Value, PatchMismatch> {
    let mismatch = || PatchMismatch { path: path.to_owned() };
    let (parent, key) = split(path).ok_or_else(mismatch)?;
    match object.pointer_mut(parent).ok_or_else(mismatch)? {
        Value::Object(entries) => entries.remove(&key).ok_or_else(mismatch),
        Value::Array(items) => {
            let at = key.parse::<usize>().ok().filter(|&at| at < items.len()).ok_or_else(mismatch)?;
            Ok(items.remove(at))
        }
        _ => Err(mismatch()),
    }
}
