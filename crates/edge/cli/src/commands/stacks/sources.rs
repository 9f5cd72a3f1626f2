//! What a stack is made of: the files that `cloud template` wrote, and what of them has to lie in a bucket.

use std::collections::BTreeMap;
use std::path::Path;

use fleetwright_model::code;
use fleetwright_ports::Objects;
use fleetwright_ports::stacks::{MOST_BODY_BYTES, ParameterValue, TemplateAt};
use fleetwright_templates::MACHINES;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Purpose;
use crate::failure::CommandError;
use crate::files;
use crate::one_place::OnePlace;

/// What keys of templates begin with in the bucket of the functions.
const TEMPLATES: &str = "fleetwright/templates";
/// The parameter of a spoke that is in no file.
const EXTERNAL_ID: &str = "ExternalId";
/// The parameter that names the archive of the functions.
const CODE_KEY: &str = "CodeKey";

/// What a stack is made of.
pub(in crate::commands) struct Sources {
    template: String,
    parameters: BTreeMap<String, ParameterValue>,
    /// What the template names in the bucket of the functions: the parameter with the key, and what is put there.
    uploads: Vec<(&'static str, Vec<u8>)>,
    bucket: Option<String>,
}

impl Sources {
    /// Reads the files of an environment in the directory that `cloud template` wrote into.
    ///
    /// # Errors
    /// One cannot be read, or is none.
    pub(in crate::commands) fn read(
        purpose: Purpose,
        environment: &str,
        directory: &Path,
    ) -> Result<Self, CommandError> {
        let which = purpose.as_str();
        let template = document(&directory.join(purpose.template_file()))?;
        let given = document(&directory.join("parameters").join(format!("{which}.{environment}.json")))?;
        let mut parameters: BTreeMap<String, String> = BTreeMap::new();
        for entry in given.as_array().into_iter().flatten() {
            if let (Some(name), Some(value)) =
                (entry["ParameterKey"].as_str(), entry["ParameterValue"].as_str())
            {
                parameters.insert(name.to_owned(), value.to_owned());
            }
        }
        let mut uploads = Vec::new();
        for machine in MACHINES.iter().filter(|machine| parameters.contains_key(machine.key)) {
            uploads.push((machine.key, files::read_bytes(&directory.join(machine.file))?));
        }
        let bucket = parameters.get("CodeBucket").cloned();
        let given = |(name, value)| (name, ParameterValue::Given(value));
        let parameters = parameters.into_iter().map(given).collect();
        // Without indentation more fits into a request.
        Ok(Self { template: template.to_string(), parameters, uploads, bucket })
    }

    /// Adds the archive of the functions.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn take_archive(&mut self, path: &Path) -> Result<(), CommandError> {
        self.uploads.push((CODE_KEY, files::read_bytes(path)?));
        Ok(())
    }

    /// Adds the external id that is alone in a file.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn take_external_id(&mut self, path: &Path) -> Result<(), CommandError> {
        let secret = files::read_text(path)?.trim().to_owned();
        self.parameters.insert(EXTERNAL_ID.to_owned(), ParameterValue::Secret(secret));
        Ok(())
    }

    /// What nobody gives stays as the stack has it: the external id, and the archive of the functions where the key in the
    /// parameter file is what it was put under. Answers with the key of an archive that stays.
    pub(super) fn keep<'s>(&mut self, of_stack: &'s BTreeMap<String, String>) -> Option<&'s str> {
        if of_stack.contains_key(EXTERNAL_ID) {
            self.parameters.entry(EXTERNAL_ID.to_owned()).or_insert(ParameterValue::Previous);
        }
        let archive = of_stack.get(CODE_KEY)?;
        let is_put =
            |base: &ParameterValue| matches!(base, ParameterValue::Given(base) if is_keyed(base, archive));
        if self.uploads.iter().any(|(name, _)| *name == CODE_KEY)
            || !self.parameters.get(CODE_KEY).is_some_and(is_put)
        {
            return None;
        }
        self.parameters.insert(CODE_KEY.to_owned(), ParameterValue::Previous);
        Some(archive)
    }

    /// Where the template is, and the parameters; files that the template names have a key with the digest of what they hold:
    /// the same content is the same key, and other content is one that CloudFormation notices. What has to lie in the
    /// bucket of the functions is put there; where nothing is to be carried out, the template alone.
    ///
    /// # Errors
    /// A file cannot be put, or there is no bucket for it.
    pub(super) async fn upload(
        mut self,
        at: &OnePlace,
        only_template: bool,
    ) -> Result<(TemplateAt, BTreeMap<String, ParameterValue>), CommandError> {
        for (name, content) in std::mem::take(&mut self.uploads) {
            let base = match self.parameters.get(name) {
                Some(ParameterValue::Given(key)) => key.clone(),
                _ => format!("fleetwright/{name}"),
            };
            let key = keyed(&base, &content);
            if !only_template {
                self.put(at, &key, &content).await?;
            }
            self.parameters.insert(name.to_owned(), ParameterValue::Given(key));
        }
        Ok((self.template(at).await?, self.parameters))
    }

    /// Where the template is: with the request, or in the bucket of the functions, into which a large one is put.
    ///
    /// # Errors
    /// It cannot be put, or there is no bucket for it.
    pub(in crate::commands) async fn template(&self, at: &OnePlace) -> Result<TemplateAt, CommandError> {
        if self.template.len() <= MOST_BODY_BYTES {
            return Ok(TemplateAt::Body(self.template.clone()));
        }
        let key = keyed(&format!("{TEMPLATES}/template.json"), self.template.as_bytes());
        let bucket = self.put(at, &key, self.template.as_bytes()).await?;
        Ok(TemplateAt::Object { bucket, key })
    }

    async fn put(&self, at: &OnePlace, key: &str, content: &[u8]) -> Result<String, CommandError> {
        let Some(bucket) = &self.bucket else {
            let message = format!("{key} has to lie in a bucket, and the parameter file names no CodeBucket");
            return Err(CommandError::new(&code::PARAMETERS_INVALID, message));
        };
        at.console.note(&format!("putting s3://{bucket}/{key}"));
        Objects::put(&at.aws, &at.place.cell(), bucket, key, content).await?;
        Ok(bucket.clone())
    }
}

/// Hexadecimal digits of a digest in a key.
const DIGITS: usize = 16;

/// A key as what stands before its digest, and what behind.
fn around_digest(base: &str) -> (String, String) {
    let (directory, name) =
        base.rsplit_once('/').map_or((None, base), |(directory, name)| (Some(directory), name));
    let (stem, ending) = name.split_once('.').map_or((name, None), |(stem, ending)| (stem, Some(ending)));
    let directory = directory.map(|directory| format!("{directory}/")).unwrap_or_default();
    (format!("{directory}{stem}-"), ending.map(|ending| format!(".{ending}")).unwrap_or_default())
}

/// A key with the beginning of the digest of what it holds before its ending.
fn keyed(base: &str, content: &[u8]) -> String {
    let digest: String =
        Sha256::digest(content).iter().take(DIGITS / 2).map(|byte| format!("{byte:02x}")).collect();
    let (before, behind) = around_digest(base);
    format!("{before}{digest}{behind}")
}

/// Whether something was put under that key for one with this base.
fn is_keyed(base: &str, key: &str) -> bool {
    let (before, behind) = around_digest(base);
    let digest = key.strip_prefix(&before).and_then(|rest| rest.strip_suffix(&behind));
    digest.is_some_and(|digest| digest.len() == DIGITS && digest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn document(path: &Path) -> Result<Value, CommandError> {
    let text = files::read_text(path)?;
    serde_json::from_str(&text).map_err(|error| {
        CommandError::new(&code::UNREADABLE_FILE, format!("{}: no JSON: {error}", path.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_gives_stays_as_the_stack_has_it() {
        let parameters = [(CODE_KEY.to_owned(), ParameterValue::Given("functions.zip".to_owned()))];
        let put = keyed("functions.zip", b"PK");
        let mut sources = Sources {
            template: String::new(),
            parameters: parameters.into(),
            uploads: vec![(CODE_KEY, b"PK".to_vec())],
            bucket: None,
        };
        let of_stack = BTreeMap::from(
            [(CODE_KEY, put.as_str()), (EXTERNAL_ID, "****")]
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        assert_eq!(sources.keep(&of_stack), None, "another archive is given");
        assert_eq!(sources.parameters.get(EXTERNAL_ID), Some(&ParameterValue::Previous));
        sources.uploads.clear();
        assert_eq!(sources.keep(&of_stack), Some(put.as_str()));
        assert_eq!(sources.parameters.get(CODE_KEY), Some(&ParameterValue::Previous));
        let chosen = ParameterValue::Given("november.zip".to_owned());
        sources.parameters.insert(CODE_KEY.to_owned(), chosen.clone());
        assert_eq!(sources.keep(&of_stack), None);
        assert_eq!(sources.parameters.get(CODE_KEY), Some(&chosen), "the parameter file names another one");
        let secret = ParameterValue::Secret("hunter2".to_owned());
        sources.parameters.insert(EXTERNAL_ID.to_owned(), secret.clone());
        sources.keep(&of_stack);
        assert_eq!(sources.parameters.get(EXTERNAL_ID), Some(&secret), "what is given is taken");
    }

    #[test]
    fn the_same_content_is_the_same_key_and_other_content_is_another() {
        let one = keyed("fleetwright/machine.asl.json", b"one");
        assert!(one.starts_with("fleetwright/machine-") && one.ends_with(".asl.json"), "{one}");
        assert_eq!(one, keyed("fleetwright/machine.asl.json", b"one"));
        assert_ne!(one, keyed("fleetwright/machine.asl.json", b"two"));
        assert!(is_keyed("fleetwright/machine.asl.json", &one) && !is_keyed("machine.asl.json", &one));
        assert!(!is_keyed("fleetwright/machine.asl.json", "fleetwright/machine.asl.json"));
        assert!(is_keyed("code", &keyed("code", b"x")));
    }
}
