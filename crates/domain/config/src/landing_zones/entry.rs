//! A landing zone described in full.

use std::collections::BTreeMap;

use fleetwright_model::{Access, AccountId, ExternalId, Region, Regions, RoleArn, Zone, ZoneName, code};

use super::fields;
use super::shape::{Reader, dotted, prefix};
use crate::error::{ConfigError, shorten};
use crate::keys::TextForm;
use crate::value::{self, Fault};
use crate::yaml::{Content, Entry, Node, Span, Style};

/// Longest description, in characters.
const MAX_DESCRIPTION: usize = 4096;

/// A plain number as people write account ids; `None` when it is none.
pub(super) fn account_number(text: &str) -> Option<AccountId> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { AccountId::from_number(text.parse().ok()?).ok() } else { None }
}

/// A value that an entry gives, leaves to the defaults, or rules out with `null`.
pub(super) enum Stated<T> {
    Given(T),
    Absent,
    Ruled,
}

/// The fields that zones and scopes share.
pub(super) struct Shared {
    pub(super) regions: Option<Regions>,
    pub(super) external_id: Stated<ExternalId>,
    pub(super) profile: Option<String>,
    pub(super) environment: Option<String>,
    pub(super) tags: BTreeMap<String, Vec<String>>,
    pub(super) include: Vec<String>,
    pub(super) exclude: Vec<String>,
}

/// Reads the fields of one entry, remembering whether any was faulty.
pub(super) struct Fields<'f, 'r> {
    reader: &'f mut Reader<'r>,
    entries: &'f [Entry],
    label: String,
    faulty: bool,
}

impl<'f, 'r> Fields<'f, 'r> {
    pub(super) fn new(reader: &'f mut Reader<'r>, entries: &'f [Entry], label: String) -> Self {
        Self { reader, entries, label, faulty: false }
    }

    /// The entry of a key; `null` is as good as none.
    fn get(&self, key: &str) -> Option<&'f Entry> {
        self.entries.iter().find(|entry| entry.key == key && entry.value.content != Content::Null)
    }

    /// Whether a key is ruled out with `null`.
    fn is_null(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key && entry.value.content == Content::Null)
    }

    pub(super) fn is_faulty(&self) -> bool {
        self.faulty
    }

    /// The value of a key, read with `read`; a fault is reported and counts as absent.
    pub(super) fn read<T>(&mut self, key: &str, read: impl FnOnce(&Node) -> Result<T, Fault>) -> Option<T> {
        let entry = self.get(key)?;
        match read(&entry.value) {
            Ok(value) => Some(value),
            Err(fault) => {
                self.report(key, fault);
                None
            }
        }
    }

    pub(super) fn text(&mut self, key: &str, form: TextForm) -> Option<String> {
        self.read(key, |node| one_text(node, form))
    }

    pub(super) fn stated(&mut self, key: &str, form: TextForm) -> Stated<String> {
        if self.is_null(key) {
            return Stated::Ruled;
        }
        self.text(key, form).map_or(Stated::Absent, Stated::Given)
    }

    fn report(&mut self, key: &str, fault: Fault) {
        self.faulty = true;
        let secret = key == "external_id";
        let message = format!("{}`{key}`: {}", prefix(&self.label), fault.message);
        let mut error = ConfigError::new(fault.code, self.reader.source.place(fault.span), message);
        error = error.key(dotted(&self.label, key));
        error.hint = fault.hint;
        if let Some(value) = fault.value {
            error = error.value(value);
        }
        self.reader.errors.push(if secret { error.secret() } else { error });
    }

    fn report_at(&mut self, key: &str, code: &'static fleetwright_model::Code, message: impl Into<String>) {
        if let Some(entry) = self.get(key) {
            self.report(key, Fault::new(code, &entry.value, message));
        }
    }

    /// A required key that is not there.
    fn missing(&mut self, span: Span, key: &str, hint: &str) {
        self.faulty = true;
        let message = format!("{}`{key}` is missing", prefix(&self.label));
        let error = ConfigError::new(&code::MISSING_KEY, self.reader.source.place(span), message);
        self.reader.errors.push(error.key(dotted(&self.label, key)).hint(hint));
    }

    /// What zones and scopes have in common.
    pub(super) fn shared(&mut self, span: Span) -> Shared {
        let external_id = match self.stated("external_id", TextForm::ExternalId) {
            Stated::Given(text) => ExternalId::new(&text).map_or(Stated::Absent, Stated::Given),
            Stated::Absent => Stated::Absent,
            Stated::Ruled => Stated::Ruled,
        };
        Shared {
            regions: self.regions(span),
            external_id,
            profile: self.text("profile", TextForm::Profile),
            environment: self.text("environment", TextForm::Environment),
            tags: self.read("filters", filters).unwrap_or_default(),
            include: self.patterns("include"),
            exclude: self.patterns("exclude"),
        }
    }

    pub(super) fn patterns(&mut self, key: &str) -> Vec<String> {
        self.read(key, |node| value::texts(node, TextForm::Pattern)).unwrap_or_default()
    }

    /// `regions` or `region`, else the defaults'; `None` is reported.
    fn regions(&mut self, span: Span) -> Option<Regions> {
        let list = self.read("regions", regions);
        let single = self
            .read("region", |node| one_text(node, TextForm::Region))
            .map(|text| Regions::Listed(vec![region(&text)]));
        if let (Some(list), Some(single)) = (&list, &single)
            && list != single
        {
            self.report_at(
                "region",
                &code::CONFLICTING_KEYS,
                "stands beside `regions`, which says otherwise",
            );
        }
        if self.get("regions").is_some() || self.get("region").is_some() {
            return list.or(single);
        }
        if self.reader.defaults.regions.is_none() {
            let hint = "Add `regions: [..]` (or `regions: all`), or set landing_zones.regions or aws.region for all zones.";
            self.missing(span, "regions", hint);
        }
        self.reader.defaults.regions.clone()
    }
}

fn region(text: &str) -> Region {
    Region::new(text).expect("its form was checked when it was read")
}

fn one_text(node: &Node, form: TextForm) -> Result<String, Fault> {
    match &node.content {
        Content::Scalar { text, .. } => value::check_form(form, text, node),
        _ => Err(Fault::new(
            &code::WRONG_TYPE,
            node,
            format!("needs {}, found {}", form.describe(), node.describe()),
        )),
    }
}

fn regions(node: &Node) -> Result<Regions, Fault> {
    let texts = value::texts(node, TextForm::RegionOrAll)?;
    let fault = |code, message: &str| Err(Fault::new(code, node, message));
    if texts.is_empty() {
        return fault(&code::MISSING_KEY, "names no region");
    }
    if texts.iter().any(|text| text == "all") {
        return match texts.len() {
            1 => Ok(Regions::AllEnabled),
            _ => fault(&code::CONFLICTING_KEYS, "names `all` next to single regions"),
        };
    }
    let mut listed: Vec<Region> = Vec::new();
    for found in texts.iter().map(|text| region(text)) {
        if listed.first().is_some_and(|first| first.partition() != found.partition()) {
            return fault(
                &code::CONFLICTING_KEYS,
                "names regions of different partitions; an account is in one",
            );
        }
        if !listed.contains(&found) {
            listed.push(found);
        }
    }
    Ok(Regions::Listed(listed))
}

fn filters(node: &Node) -> Result<BTreeMap<String, Vec<String>>, Fault> {
    let Content::Mapping(entries) = &node.content else {
        return Err(Fault::new(
            &code::WRONG_TYPE,
            node,
            format!("needs a mapping with `tags`, found {}", node.describe()),
        ));
    };
    let mut tags = BTreeMap::new();
    for entry in entries {
        if entry.key != "tags" {
            let key = Node { span: entry.key_span, ..Node::plain(&entry.key) };
            return Err(Fault::new(
                &code::UNKNOWN_KEY,
                &key,
                format!("unknown key `{}`; it takes `tags`", shorten(&entry.key)),
            ));
        }
        tags = value::tag_filter(&entry.value)?;
    }
    Ok(tags)
}

/// An account id; as a plain number it gets its leading zeros back.
pub(crate) fn account(node: &Node) -> Result<AccountId, Fault> {
    let invalid = |shown: &str| {
        Fault::new(&code::INVALID_ACCOUNT, node, format!("{shown} is not a 12-digit AWS account id"))
    };
    match &node.content {
        Content::Scalar { text, style: Style::Plain } => {
            account_number(text).ok_or_else(|| account_hint(invalid(&format!("`{}`", shorten(text))), text))
        }
        Content::Scalar { text, style: Style::Quoted } => AccountId::new(text.as_str())
            .map_err(|_| account_hint(invalid(&format!("\"{}\"", shorten(text))), text)),
        _ => Err(invalid(node.describe())),
    }
}

/// The two usual mistakes: dashes, and a leading zero lost on the way into quotes.
fn account_hint(fault: Fault, text: &str) -> Fault {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let other = text.chars().any(|c| !c.is_ascii_digit() && c != '-' && c != ' ');
    match digits.len() {
        12 if !other => fault.hint(format!("Write \"{digits}\".")),
        9..=11 if !other => fault.hint(format!("If leading zeros were lost, write \"{digits:0>12}\".")),
        _ => fault,
    }
}

impl Reader<'_> {
    /// Reads a zone; `named` is the entry of a mapping keyed by name.
    pub(super) fn read_zone(
        &mut self,
        named: Option<&Entry>,
        node: &Node,
        entries: &[Entry],
        span: Span,
    ) -> Option<Zone> {
        let label = label(named, node);
        self.refuse_unknown(&label, entries, fields::ZONE);
        let mut fields = Fields::new(self, entries, label);
        let name = zone_name(&mut fields, named);
        let account = fields.read("account_id", account);
        if fields.get("account_id").is_none() {
            let hint = match fields.label.is_empty() {
                true => "Add `account_id: \"123456789012\"`.".to_owned(),
                false => format!("Add `account_id: \"123456789012\"` to {}.", shorten(&fields.label)),
            };
            fields.missing(span, "account_id", &hint);
        }
        let shared = fields.shared(span);
        let enabled = enabled(&mut fields);
        let description = fields.read("description", description);
        let (account, regions) = (account?, shared.regions?);
        let access = access(&mut fields, &account, &regions, shared.external_id, shared.profile);
        if fields.is_faulty() {
            return None;
        }
        Some(Zone {
            name: name.or_else(|| ZoneName::new(account.as_str()).ok())?,
            account,
            regions,
            access,
            environment: shared.environment,
            description,
            enabled,
            tags: shared.tags,
            include: shared.include,
            exclude: shared.exclude,
        })
    }
}

/// What messages call the entry.
fn label(named: Option<&Entry>, node: &Node) -> String {
    let text = |key: &str| match &node.get(key)?.value.content {
        Content::Scalar { text, .. } => Some(text.clone()),
        _ => None,
    };
    named.map(|entry| entry.key.clone()).or_else(|| text("name")).unwrap_or_default()
}

fn zone_name(fields: &mut Fields<'_, '_>, named: Option<&Entry>) -> Option<ZoneName> {
    let given = fields.text("name", TextForm::ZoneName);
    let Some(entry) = named else { return ZoneName::new(given?).ok() };
    if given.is_some_and(|given| given != entry.key) {
        fields.report_at(
            "name",
            &code::CONFLICTING_KEYS,
            format!("the entry is keyed `{}`", shorten(&entry.key)),
        );
    }
    match ZoneName::new(entry.key.as_str()) {
        Ok(name) => Some(name),
        Err(error) => {
            let key = Node { span: entry.key_span, ..Node::plain(&entry.key) };
            fields.report("name", Fault::new(&code::WRONG_TYPE, &key, error.to_string()));
            None
        }
    }
}

fn enabled(fields: &mut Fields<'_, '_>) -> bool {
    let current = fields.read("enabled", value::boolean);
    let older = fields.read("patch_enabled", value::boolean);
    if let (Some(current), Some(older)) = (current, older)
        && current != older
    {
        fields.report_at(
            "patch_enabled",
            &code::DUPLICATE_KEY,
            format!("is {older}, but `enabled` is {current}"),
        );
    }
    current.or(older).unwrap_or(true)
}

fn description(node: &Node) -> Result<String, Fault> {
    match &node.content {
        Content::Scalar { text, .. } if text.chars().count() <= MAX_DESCRIPTION => Ok(text.clone()),
        Content::Null => Ok(String::new()),
        _ => Err(Fault::new(
            &code::WRONG_TYPE,
            node,
            format!("needs a text of at most {MAX_DESCRIPTION} characters"),
        )),
    }
}

fn access(
    fields: &mut Fields<'_, '_>,
    account: &AccountId,
    regions: &Regions,
    external_id: Stated<ExternalId>,
    profile: Option<String>,
) -> Access {
    let defaults = fields.reader.defaults;
    let role = role(fields, account, regions);
    let external_id = match external_id {
        Stated::Given(id) => {
            if role.is_none() && !fields.faulty {
                fields.report_at(
                    "external_id",
                    &code::CONFLICTING_KEYS,
                    "there is no role to show it to; add `role_name` or `role_arn`",
                );
            }
            Some(id)
        }
        Stated::Absent if role.is_some() => defaults.external_id.clone(),
        Stated::Absent | Stated::Ruled => None,
    };
    Access { role, external_id, profile: profile.or_else(|| defaults.profile.clone()) }
}

/// `role_arn`, else `role_name`, else the defaults' role, in the zone's account and partition.
fn role(fields: &mut Fields<'_, '_>, account: &AccountId, regions: &Regions) -> Option<RoleArn> {
    let defaults = fields.reader.defaults;
    let partition = defaults.partition(regions);
    let by_name = |name: &str| RoleArn::from_name(partition.unwrap_or("aws"), account, name).ok();
    let arn = match fields.read("role_arn", |node| role_arn(node, account, partition)) {
        Some(arn) => Stated::Given(arn),
        None if fields.is_null("role_arn") => Stated::Ruled,
        None => Stated::Absent,
    };
    let name = fields.stated("role_name", TextForm::RoleName);
    match (arn, name) {
        (Stated::Given(arn), Stated::Given(name)) => {
            if by_name(&name).as_ref() != Some(&arn) {
                fields.report_at("role_name", &code::CONFLICTING_KEYS, "names another role than `role_arn`");
            }
            Some(arn)
        }
        (Stated::Given(arn), _) => Some(arn),
        (_, Stated::Given(name)) => by_name(&name),
        (Stated::Ruled, _) | (_, Stated::Ruled) => None,
        (Stated::Absent, Stated::Absent) => defaults.role_name.as_deref().and_then(by_name),
    }
}

fn role_arn(node: &Node, account: &AccountId, partition: Option<&str>) -> Result<RoleArn, Fault> {
    let Content::Scalar { text, .. } = &node.content else {
        return Err(Fault::new(
            &code::INVALID_ARN,
            node,
            format!("needs the ARN of a role, found {}", node.describe()),
        ));
    };
    let fault = |message: String| Fault::new(&code::INVALID_ARN, node, message);
    let arn = RoleArn::new(text.as_str()).map_err(|error| {
        let fault = fault(error.to_string());
        if text.contains(':') { fault } else { fault.hint("To give a name alone, use `role_name`.") }
    })?;
    if arn.account() != *account {
        return Err(fault(format!("the role is in account {}, the zone is {account}", arn.account())));
    }
    if let Some(partition) = partition
        && arn.partition() != partition
    {
        return Err(fault(format!(
            "the role is in partition {}, the zone's regions are in {partition}",
            arn.partition()
        )));
    }
    Ok(arn)
}
