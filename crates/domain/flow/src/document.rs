//! What was decided, as a file: canonical, with a digest, refused when it was edited. What is shown, approved and
//! carried out are the same bytes.

use std::fmt;
use std::marker::PhantomData;

use fleetwright_model::canonical::canonical;
use fleetwright_model::{Code, Text, code};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::plan::{Format, Plan};

/// Plain data that is kept as a [`Document`].
pub trait Sealed: Serialize + DeserializeOwned {
    /// The member of the file that it stands in, beside `digest`.
    const MEMBER: &'static str;
    /// What people call it, with its article: `a plan`.
    const CALLED: &'static str;
    /// The format that this version writes; a reader takes every minor of the same major.
    const FORMAT: Format;

    /// What a reader may rely on.
    ///
    /// # Errors
    /// What breaks a rule that every one keeps, and where.
    fn check(&self) -> Result<(), String>;
}

/// Plain data with its digest.
#[derive(Clone, Debug, PartialEq)]
pub struct Document<T> {
    plan: T,
    digest: Text,
    canonical: Vec<u8>,
}

/// Why a file cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// It cannot be read.
    #[error("not {called}: {cause}")]
    Unreadable {
        /// What it should be.
        called: &'static str,
        /// What is wrong, with line and column where there is one.
        cause: String,
    },
    /// It is of a version that this program does not read.
    #[error("the plan has format {found}, this version reads {known}")]
    Format {
        /// Its format.
        found: Format,
        /// What is read.
        known: Format,
    },
    /// Its content is not what its digest says.
    #[error("the plan's content has digest {found}, not {stated}: it was changed after it was made")]
    Changed {
        /// The digest that the file states.
        stated: Text,
        /// The digest of its content.
        found: Text,
    },
    /// It breaks a rule that every one keeps.
    #[error("the plan breaks a rule: {what}")]
    Inconsistent {
        /// Which, and where.
        what: String,
    },
}

impl DocumentError {
    /// The code with its page and next step.
    pub fn code(&self) -> &'static Code {
        match self {
            Self::Unreadable { .. } | Self::Inconsistent { .. } => &code::PLAN_UNREADABLE,
            Self::Format { .. } => &code::PLAN_FORMAT,
            Self::Changed { .. } => &code::PLAN_CHANGED,
        }
    }
}

impl<T: Sealed> Document<T> {
    /// The document of what was decided.
    ///
    /// # Panics
    /// For data that JSON has no form for.
    pub fn new(plan: T) -> Self {
        let value = serde_json::to_value(&plan).expect("what is decided is plain data");
        Self::of(plan, &value)
    }

    /// The digest is of what was written: a field that a later version adds does not change it.
    fn of(plan: T, value: &Value) -> Self {
        let canonical = canonical(value);
        let digest = hex(&Sha256::digest(&canonical)).into();
        Self { plan, digest, canonical }
    }

    /// Reads a file back.
    ///
    /// # Errors
    /// [`DocumentError`]: something else, of another version, edited, or breaking a rule.
    pub fn read(bytes: &[u8]) -> Result<Self, DocumentError> {
        let found = read::<Versioned>(bytes, T::MEMBER).map_err(unreadable::<T>)?.plan.format;
        if found.major != T::FORMAT.major {
            return Err(DocumentError::Format { found, known: T::FORMAT });
        }
        let file = read::<Value>(bytes, T::MEMBER).map_err(unreadable::<T>)?;
        let typed = read::<T>(bytes, T::MEMBER).map_err(unreadable::<T>)?;
        let document = Self::of(typed.plan, &file.plan);
        if document.digest != file.digest {
            return Err(DocumentError::Changed { stated: file.digest, found: document.digest });
        }
        document.plan.check().map_err(|what| DocumentError::Inconsistent { what })?;
        Ok(document)
    }

    /// Whether a file says that it is of this kind, whatever becomes of it when it is read.
    pub fn is_in(bytes: &[u8]) -> bool {
        read::<IgnoredAny>(bytes, T::MEMBER).is_ok()
    }

    /// The file's bytes, for machines and people alike: indented JSON.
    ///
    /// # Panics
    /// For data that JSON has no form for.
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(&Written(self)).expect("what is decided is plain data");
        bytes.push(b'\n');
        bytes
    }
}

impl<T> Document<T> {
    /// What was decided.
    pub fn plan(&self) -> &T {
        &self.plan
    }

    /// What was decided, without its document.
    pub fn into_plan(self) -> T {
        self.plan
    }

    /// SHA-256 of the canonical form, hexadecimal.
    pub fn digest(&self) -> &Text {
        &self.digest
    }

    /// The bytes that the digest is of.
    pub fn canonical(&self) -> &[u8] {
        &self.canonical
    }
}

/// What every run has that is kept as a document, whatever it is about: what the kernel walks, and its digest.
#[derive(Clone, Debug, PartialEq)]
pub struct Walked {
    /// SHA-256 of the canonical form of the whole document, hexadecimal.
    pub digest: Text,
    /// What the kernel walks.
    pub flow: Plan,
}

impl Walked {
    /// Reads the file of a run.
    ///
    /// # Errors
    /// [`DocumentError`]: no run, of another version, edited, or a plan that cannot be walked.
    pub fn read(bytes: &[u8]) -> Result<Self, DocumentError> {
        let unreadable = |cause: String| DocumentError::Unreadable { called: "a run", cause };
        let file: Value = serde_json::from_slice(bytes).map_err(|error| unreadable(error.to_string()))?;
        let Value::Object(members) = &file else { return Err(unreadable("it is no object".to_owned())) };
        let content = members.values().find(|member| member.get("flow").is_some());
        let content = content.ok_or_else(|| unreadable("nothing in it has a `flow`".to_owned()))?;
        let stated: Text = members.get("digest").and_then(Value::as_str).unwrap_or_default().into();
        let found: Text = hex(&Sha256::digest(canonical(content))).into();
        if stated != found {
            return Err(DocumentError::Changed { stated, found });
        }
        let format = Versioned::deserialize(&content["flow"]);
        let format = format.map_err(|error| unreadable(error.to_string()))?.format;
        if format.major != Plan::FORMAT.major {
            return Err(DocumentError::Format { found: format, known: Plan::FORMAT });
        }
        let flow = Plan::deserialize(&content["flow"]).map_err(|error| unreadable(error.to_string()))?;
        flow.check().map_err(|error| DocumentError::Inconsistent { what: error.to_string() })?;
        Ok(Self { digest: stated, flow })
    }
}

/// The file's outer form, on its way out.
struct Written<'a, T>(&'a Document<T>);

impl<T: Sealed> Serialize for Written<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut file = serializer.serialize_map(Some(2))?;
        file.serialize_entry("digest", &self.0.digest)?;
        file.serialize_entry(T::MEMBER, &self.0.plan)?;
        file.end()
    }
}

/// Only the version, which is read before the rest.
#[derive(Deserialize)]
struct Versioned {
    format: Format,
}

/// The file's outer form, on its way in.
struct File<P> {
    digest: Text,
    plan: P,
}

fn read<'de, P: Deserialize<'de>>(
    bytes: &'de [u8],
    member: &'static str,
) -> Result<File<P>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let file = Outer { member, of: PhantomData }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(file)
}

fn unreadable<T: Sealed>(error: serde_json::Error) -> DocumentError {
    DocumentError::Unreadable { called: T::CALLED, cause: error.to_string() }
}

/// Reads the outer form of a file whose content stands under `member`.
struct Outer<P> {
    member: &'static str,
    of: PhantomData<P>,
}

impl<'de, P: Deserialize<'de>> DeserializeSeed<'de> for Outer<P> {
    type Value = File<P>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<File<P>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, P: Deserialize<'de>> Visitor<'de> for Outer<P> {
    type Value = File<P>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with `digest` and `{}`", self.member)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<File<P>, A::Error> {
        let (mut digest, mut plan) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            if key == "digest" {
                digest = Some(map.next_value()?);
            } else if key == self.member {
                plan = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        let digest = digest.ok_or_else(|| A::Error::missing_field("digest"))?;
        let plan = plan.ok_or_else(|| A::Error::missing_field(self.member))?;
        Ok(File { digest, plan })
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string");
        text
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Shopping {
        format: Format,
        eggs: u32,
    }

    impl Sealed for Shopping {
        const MEMBER: &'static str = "shopping";
        const CALLED: &'static str = "a shopping list";
        const FORMAT: Format = Format { major: 2, minor: 1 };

        fn check(&self) -> Result<(), String> {
            if self.eggs > 12 { Err(format!("eggs: {} are more than a dozen", self.eggs)) } else { Ok(()) }
        }
    }

    fn list(eggs: u32) -> Document<Shopping> {
        Document::new(Shopping { format: Shopping::FORMAT, eggs })
    }

    fn text(document: &Document<Shopping>) -> String {
        String::from_utf8(document.write()).unwrap()
    }

    #[test]
    fn a_document_comes_back_as_it_was_written() {
        let read = Document::read(&list(6).write()).unwrap();
        assert_eq!(read, list(6));
        assert_eq!(read.digest().len(), 64);
        assert!(Document::<Shopping>::is_in(&list(6).write()));
        assert!(!Document::<Shopping>::is_in(br#"{"digest":"","plan":{}}"#));
    }

    #[test]
    fn what_is_walked_is_read_from_any_run() {
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        struct Rounds {
            format: Format,
            flow: Plan,
        }

        impl Sealed for Rounds {
            const MEMBER: &'static str = "rounds";
            const CALLED: &'static str = "rounds";
            const FORMAT: Format = Format { major: 1, minor: 0 };

            fn check(&self) -> Result<(), String> {
                Ok(())
            }
        }

        let flow = Plan {
            format: Plan::FORMAT,
            seed: 7,
            created_at: Timestamp::UNIX_EPOCH,
            places: Vec::new(),
            groups: Vec::new(),
            windows: Vec::new(),
            recipes: Vec::new(),
            stages: Vec::new(),
            targets: Vec::new(),
        };
        let document = Document::new(Rounds { format: Rounds::FORMAT, flow: flow.clone() });
        let walked = Walked::read(&document.write()).unwrap();
        assert_eq!(walked, Walked { digest: document.digest().clone(), flow });
        let edited = String::from_utf8(document.write()).unwrap().replace("\"seed\": 7", "\"seed\": 8");
        assert!(matches!(Walked::read(edited.as_bytes()), Err(DocumentError::Changed { .. })));
        let other = Walked::read(&list(6).write()).unwrap_err();
        assert_eq!(other.to_string(), "not a run: nothing in it has a `flow`");
    }

    #[test]
    fn what_a_later_minor_adds_keeps_its_digest() {
        let later = text(&list(6)).replace(r#""eggs": 6"#, r#""eggs": 6, "butter": 1"#);
        let refused = Document::<Shopping>::read(later.as_bytes()).unwrap_err();
        let DocumentError::Changed { stated, found } = refused else { panic!("{refused:?}") };
        let again = later.replace(&*stated, &found);
        assert_eq!(*Document::<Shopping>::read(again.as_bytes()).unwrap().digest(), found);
    }

    #[test]
    fn other_files_are_refused_with_the_reason() {
        let refusal = |bytes: &str| Document::<Shopping>::read(bytes.as_bytes()).unwrap_err().to_string();
        assert_eq!(refusal("{\n}"), "not a shopping list: missing field `digest` at line 2 column 1");
        assert!(refusal("[]").starts_with("not a shopping list: invalid type: sequence"));
        let other = text(&list(6)).replace(r#""major": 2"#, r#""major": 3"#);
        assert_eq!(refusal(&other), "the plan has format 3.1, this version reads 2.1");
        assert_eq!(refusal(&text(&list(13))), "the plan breaks a rule: eggs: 13 are more than a dozen");
        let odd = text(&list(6)).replace(": 6", ": \"six\"");
        assert!(refusal(&odd).contains("at line 8"), "{}", refusal(&odd));
    }
}
