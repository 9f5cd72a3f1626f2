//! Values, descriptions and lists of secrets.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{arn, head, kept, not_found, secret, secrets, wrong};
use crate::call::{ApiError, Call};
use crate::service::members::{flag, members, number, objects, text, text_within, texts, word};
use crate::service::page;
use crate::world::World;
use crate::world::secrets::{CURRENT, Content, Secret};

/// Entries of a page, where the caller does not ask for fewer.
const PAGE: u64 = 100;

/// A moment as the service writes it: seconds since 1970 with a fraction.
pub(super) fn seconds(moment: Timestamp) -> f64 {
    moment.as_millisecond() as f64 / 1_000.0
}

/// GetSecretValue: the version with an id, with a label, or with both; without either the one in use.
pub(super) fn get_value(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["SecretId", "VersionId", "VersionStage"])?;
    let id = text_within(members, "VersionId", (32, 64))?;
    let stage = text_within(members, "VersionStage", (1, 256))?;
    let (name, found) = kept(world, call, members)?;
    let version = match (id, stage) {
        (Some(id), stage) => found
            .version(id)
            .filter(|version| stage.is_none_or(|stage| version.stages.contains(stage)))
            .ok_or_else(|| no_value(&format!("VersionId: {id}")))?,
        (None, stage) => {
            let stage = stage.unwrap_or(CURRENT);
            found.labelled(stage).ok_or_else(|| no_value(&format!("staging label: {stage}")))?
        }
    };
    let mut answer = head(call, &name, found);
    answer["VersionId"] = version.id.as_str().into();
    answer["VersionStages"] = json!(version.stages);
    answer["CreatedDate"] = seconds(version.created).into();
    match &version.content {
        Content::Text(text) => answer["SecretString"] = text.as_str().into(),
        Content::Binary(encoded) => answer["SecretBinary"] = encoded.as_str().into(),
    }
    found.accessed = Some(day(call.now));
    Ok(answer)
}

fn no_value(which: &str) -> ApiError {
    not_found(format!("Secrets Manager can't find the specified secret value for {which}"))
}

/// The day of a moment: reads are noted no more exactly.
fn day(now: Timestamp) -> Timestamp {
    let into = now.as_second().rem_euclid(86_400);
    Timestamp::from_second(now.as_second() - into).unwrap_or(now)
}

/// What lists and descriptions share.
fn shown(call: &Call, name: &str, secret: &Secret, versions: &'static str) -> Map<String, Value> {
    let stages: Map<String, Value> = secret
        .versions
        .iter()
        .filter(|version| !version.stages.is_empty())
        .map(|version| (version.id.clone(), json!(version.stages)))
        .collect();
    let tags: Vec<Value> =
        secret.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    let optional = [
        ("Description", secret.description.as_deref().map(Value::from)),
        ("KmsKeyId", secret.key.as_deref().map(Value::from)),
        ("LastAccessedDate", secret.accessed.map(|at| seconds(at).into())),
        ("DeletedDate", secret.deletion.map(|at| seconds(at).into())),
        ("Tags", (!tags.is_empty()).then(|| tags.into())),
        (versions, (!stages.is_empty()).then(|| stages.into())),
    ];
    let always = [
        ("ARN", arn(call, name, &secret.suffix).into()),
        ("Name", name.into()),
        ("CreatedDate", seconds(secret.created).into()),
        ("LastChangedDate", seconds(secret.changed).into()),
    ];
    let there = optional.into_iter().filter_map(|(member, value)| Some((member, value?)));
    always.into_iter().chain(there).map(|(member, value)| (member.to_owned(), value)).collect()
}

/// DescribeSecret, also of one that is to be deleted.
pub(super) fn describe(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let (name, found) = secret(world, call, members(call, &["SecretId"])?)?;
    Ok(Value::Object(shown(call, &name, found, "VersionIdsToStages")))
}

/// A filter of a list: a secret fits one of the values, and none behind a `!`.
struct Filter<'r> {
    of: fn(&str, &Secret) -> Vec<String>,
    values: Vec<&'r str>,
}

impl Filter<'_> {
    fn takes(&self, name: &str, secret: &Secret) -> bool {
        let texts = (self.of)(name, secret);
        let begins = |value: &str| texts.iter().any(|text| text.starts_with(value));
        let mut wanted = self.values.iter().filter(|value| !value.starts_with('!')).peekable();
        let unwanted = self.values.iter().filter_map(|value| value.strip_prefix('!')).any(begins);
        !unwanted && (wanted.peek().is_none() || wanted.any(|value| begins(value)))
    }
}

/// ListSecrets, by the moments they were made: those that begin as the filters say.
pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let known = ["IncludePlannedDeletion", "MaxResults", "NextToken", "Filters", "SortOrder"];
    let members = members(call, &known)?;
    let most = number(members, "MaxResults", 1, 100)?.unwrap_or(PAGE);
    let with_deleted = flag(members, "IncludePlannedDeletion")?;
    let order = word(members, "SortOrder", &["asc", "desc"])?;
    let mut filters = Vec::new();
    for given in objects(members, "Filters")? {
        let of: fn(&str, &Secret) -> Vec<String> = match text(given, "Key")? {
            Some("name") => |name, _| vec![name.to_owned()],
            Some("description") => |_, secret| secret.description.iter().cloned().collect(),
            Some("tag-key") => |_, secret| secret.tags.keys().cloned().collect(),
            Some("tag-value") => |_, secret| secret.tags.values().cloned().collect(),
            other => return Err(wrong(format!("The estate has no filter {}.", other.unwrap_or_default()))),
        };
        filters.push(Filter { of, values: texts(given, "Values")? });
    }
    let from = match text(members, "NextToken")? {
        None => 0,
        Some(token) => page::cursor(call, token)
            .ok_or_else(|| ApiError::new(400, "InvalidNextTokenException", "Invalid pagination token"))?,
    };
    let secrets = secrets(world, call)?;
    let mut found: Vec<(&String, &Secret)> = secrets
        .by_name
        .iter()
        .filter(|(_, secret)| with_deleted || secret.deletion.is_none())
        .filter(|(name, secret)| filters.iter().all(|filter| filter.takes(name, secret)))
        .collect();
    found.sort_by_key(|(_, secret)| secret.created);
    if order == Some("desc") {
        found.reverse();
    }
    let page_of = found.iter().skip(usize::try_from(from).unwrap_or(usize::MAX)).take(most as usize);
    let listed: Vec<Value> = page_of
        .map(|(name, secret)| Value::Object(shown(call, name, secret, "SecretVersionsToStages")))
        .collect();
    let mut answer = json!({ "SecretList": listed });
    if from + most < found.len() as u64 {
        answer["NextToken"] = page::token(call, from + most).into();
    }
    Ok(answer)
}
