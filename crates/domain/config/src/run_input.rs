//! The input of a single run, as other systems hand it over: one JSON document (YAML is read as
//! well). It names waves and overrides a few settings; everything else stays as configured.
//!
//! Two shapes are read. The current one has `waves`; the older one `accountWaves` with one tag for
//! all of them under `ec2`. Keys neither has are errors, and so are values of the wrong kind.

use std::collections::BTreeMap;
use std::time::Duration;

use fleetwright_model::{InstanceId, Region, code};
use serde_json::{Map, Value, json};

use crate::error::{ConfigError, ConfigErrors};
use crate::keys::TextForm;
use crate::landing_zones::account;
use crate::record::{Form, Member, Record, Spelling, list};
use crate::settings::{AbortOnIssues, Settings, WaveSelection, WaveSettings};
use crate::value::Fault;
use crate::waves::{WAVE, waves};
use crate::yaml::{self, Content, Node, Source, SourceText};

/// What a run is given beside its configuration. What it does not say is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunInput {
    /// The waves, in order; empty leaves them to the configuration.
    pub waves: Vec<WaveSettings>,
    /// The one tag of the older shape: instances of the run carry it.
    pub tag: Option<(String, String)>,
    /// How long to wait after each wave.
    pub wave_pause: Option<Duration>,
    /// Whether a wave with issues is the last.
    pub abort_on_issues: Option<bool>,
    /// Whether evidence is collected before patching. It always is, because the proof afterwards
    /// needs it: false is understood and changes nothing.
    pub pre_collect: Option<bool>,
    /// Whether every changing call is left out.
    pub dry_run: Option<bool>,
    /// Only these instances; empty takes all.
    pub instance_ids: Vec<InstanceId>,
    /// Whether a person approves.
    pub approval_required: Option<bool>,
}

const DAY: Duration = Duration::from_secs(86_400);

const PRE_COLLECT: &[Member] = &[Member::new(
    "enabled",
    "enabled",
    Form::Bool,
    "Whether evidence is collected before patching. It always is: false changes nothing.",
)];

const EC2: &[Member] = &[
    Member::new("tag_key", "tagKey", Form::Text(TextForm::TagKey), "Key of the tag that instances carry."),
    Member::new("tag_value", "tagValue", Form::Text(TextForm::Pattern), "Value of that tag."),
];

const ACCOUNT_WAVE: &[Member] = &[
    Member::new("name", "name", Form::Text(TextForm::Name), "What people call the wave."),
    Member::new("accounts", "accounts", Form::Accounts, "Only instances of these accounts."),
    Member::new("regions", "regions", Form::List(TextForm::Region), "Only instances of these regions."),
];

const INPUT: &[Member] = &[
    Member::new("waves", "waves", Form::Records(WAVE), "The waves, in the order they are walked."),
    Member::new(
        "account_waves",
        "accountWaves",
        Form::Records(ACCOUNT_WAVE),
        "The waves in the older shape; each may also be a list of account ids.",
    ),
    Member::new("ec2", "ec2", Form::Record(EC2), "The one tag of the older shape."),
    Member::new(
        "wave_pause_seconds",
        "wavePauseSeconds",
        Form::Length { max: DAY },
        "How long to wait after each wave, in seconds.",
    ),
    Member::new("abort_on_issues", "abortOnIssues", Form::Bool, "Whether a wave with issues is the last."),
    Member::new("pre_collect", "preCollect", Form::Record(PRE_COLLECT), "Evidence before patching."),
    Member::new("dry_run", "dryRun", Form::Bool, "Whether every changing call is left out."),
    Member::new("instance_ids", "instanceIds", Form::List(TextForm::InstanceId), "Only these instances."),
    Member::new("approval_required", "approvalRequired", Form::Bool, "Whether a person approves."),
];

impl RunInput {
    /// Reads an input.
    ///
    /// # Errors
    /// Every fault of the text, each with its place: a key that is not known (with the nearest), a
    /// value of another kind, both shapes at once.
    pub fn read(text: &SourceText) -> Result<Self, ConfigErrors> {
        let source = Source::new(text);
        let mut errors = Vec::new();
        let mut faults = Vec::new();
        let root = yaml::parse(&source, &mut errors);
        let input = root.map(|root| read_root(&root, &mut faults)).unwrap_or_default();
        errors.extend(faults.into_iter().map(|fault| error(&source, fault)));
        ConfigErrors::check(errors, input)
    }

    /// Lays the input over the settings of a run.
    pub fn apply(&self, settings: &mut Settings) {
        let safety = &mut settings.safety;
        if !self.waves.is_empty() {
            safety.waves.clone_from(&self.waves);
            // Who writes down every wave has chosen the first as well.
            safety.canary = 0;
        }
        if let Some(pause) = self.wave_pause {
            safety.bake = pause;
        }
        if let Some(abort) = self.abort_on_issues {
            safety.abort_on_issues = if abort { AbortOnIssues::Any } else { AbortOnIssues::Never };
        }
        if let Some(dry_run) = self.dry_run {
            safety.dry_run = dry_run;
        }
        if let Some(required) = self.approval_required {
            safety.require_approval = required;
        }
        if !self.instance_ids.is_empty() {
            settings.scan.instance_ids.clone_from(&self.instance_ids);
        }
        if let Some((key, value)) = &self.tag {
            settings.scan.tags.insert(key.clone(), vec![value.clone()]);
        }
    }
}

fn error(source: &Source<'_>, fault: Fault) -> ConfigError {
    let mut error = ConfigError::new(fault.code, source.place(fault.span), fault.message);
    error.hint = fault.hint;
    if let Some(value) = fault.value {
        error = error.value(value);
    }
    error
}

fn read_root(root: &Node, faults: &mut Vec<Fault>) -> RunInput {
    if root.content == Content::Null {
        return RunInput::default();
    }
    let Some(mut record) = Record::open(root, String::new(), INPUT, Spelling::Camel, faults) else {
        return RunInput::default();
    };
    let mut input = RunInput {
        tag: tag(&mut record),
        wave_pause: record.length("wave_pause_seconds"),
        abort_on_issues: record.bool("abort_on_issues"),
        pre_collect: record.record("pre_collect").and_then(|mut inner| inner.bool("enabled")),
        dry_run: record.bool("dry_run"),
        approval_required: record.bool("approval_required"),
        ..RunInput::default()
    };
    let ids = record.texts("instance_ids").into_iter();
    input.instance_ids =
        ids.map(|id| InstanceId::new(id).expect("its form was checked when it was read")).collect();
    match (record.node("waves"), record.node("account_waves")) {
        (Some(_), Some(older)) => {
            let message = "`accountWaves` is the older shape of `waves`: only one of them can stand";
            let fault = Fault::new(&code::CONFLICTING_KEYS, older, message);
            record.faults().push(fault);
        }
        (Some(node), None) => input.waves = waves(node, "waves", Spelling::Camel, record.faults()),
        (None, Some(node)) => input.waves = list(node, "accountWaves", record.faults(), account_wave),
        (None, None) => {}
    }
    input
}

/// The tag of the older shape: both halves, or none.
fn tag(record: &mut Record<'_, '_>) -> Option<(String, String)> {
    let node = record.node("ec2")?.clone();
    let mut ec2 = record.record("ec2")?;
    let halves = (ec2.node("tag_key").is_some(), ec2.node("tag_value").is_some());
    let missing = match halves {
        (true, false) => "`ec2.tagValue` is missing beside `ec2.tagKey`",
        (false, true) => "`ec2.tagKey` is missing beside `ec2.tagValue`",
        _ => return Some((ec2.text("tag_key")?, ec2.text("tag_value")?)),
    };
    ec2.faults().push(Fault::new(&code::MISSING_KEY, &node, missing));
    None
}

/// `{name, accounts, regions}`, a list of account ids, or one account id.
fn account_wave(node: &Node, path: String, faults: &mut Vec<Fault>) -> Option<WaveSettings> {
    let of = |name: Option<String>, select: WaveSelection| WaveSettings {
        name,
        select,
        ..WaveSettings::default()
    };
    if !matches!(node.content, Content::Mapping(_)) {
        let accounts = match &node.content {
            Content::Sequence(items) => items.iter().map(|item| account(item)).collect(),
            _ => account(node).map(|account| vec![account]),
        };
        return match accounts {
            Ok(accounts) => Some(of(None, WaveSelection { accounts, ..WaveSelection::default() })),
            Err(fault) => {
                faults.push(Fault { message: format!("`{path}`: {}", fault.message), ..fault });
                None
            }
        };
    }
    let mut record = Record::open(node, path, ACCOUNT_WAVE, Spelling::Camel, faults)?;
    let regions = record.texts("regions").into_iter();
    let select = WaveSelection {
        accounts: record.accounts("accounts"),
        regions: regions
            .map(|region| Region::new(region).expect("its form was checked when it was read"))
            .collect(),
        tags: BTreeMap::new(),
        ..WaveSelection::default()
    };
    Some(of(record.text("name"), select))
}

/// The JSON Schema (draft 2020-12) of the input of a run, both shapes included.
pub fn run_input_schema() -> Value {
    let mut schema = crate::document::record_schema(INPUT, Spelling::Camel);
    let Value::Object(head) = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "fleetwright run input",
        "not": { "required": ["waves", "accountWaves"] }
    }) else {
        unreachable!("an object")
    };
    let members = schema.as_object_mut().expect("a record's schema is an object");
    let account = json!({ "type": ["string", "integer"] });
    if let Some(items) = members
        .get_mut("properties")
        .and_then(|it| it.get_mut("accountWaves"))
        .and_then(|it| it.get_mut("items"))
    {
        let record = items.take();
        *items = json!({ "anyOf": [record, account.clone(), { "type": "array", "items": account }] });
    }
    let mut all: Map<String, Value> = head;
    all.append(members);
    Value::Object(all)
}
