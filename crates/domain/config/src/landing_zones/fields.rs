//! The keys of inventory entries: what readers accept, the schema lists and suggestions come from.

/// A key of an entry.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What values it takes.
    pub form: FieldForm,
    /// What it is for.
    pub doc: &'static str,
    /// Whether it is an older spelling.
    pub standing: Standing,
}

/// Whether a key is current.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is.
    Current,
    /// It is read, but has a current form.
    Older,
}

/// What values a key of an entry takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldForm {
    /// 12 digits; as a number, fewer.
    Account,
    /// A text.
    Text,
    /// A text or `null`.
    OptionalText,
    /// `true` or `false`.
    Bool,
    /// A region code.
    Region,
    /// Region codes, or `all`.
    Regions,
    /// Patterns, one or a list.
    Patterns,
    /// `{tags: {KEY: VALUE or [VALUE]}}`.
    Filters,
}

const fn field(name: &'static str, form: FieldForm, doc: &'static str) -> Field {
    Field { name, form, doc, standing: Standing::Current }
}

const fn older(name: &'static str, form: FieldForm, doc: &'static str) -> Field {
    Field { name, form, doc, standing: Standing::Older }
}

/// Keys of a landing zone.
pub static ZONE: &[Field] = &[
    field("name", FieldForm::Text, "The zone's name, unique in the inventory."),
    field(
        "account_id",
        FieldForm::Account,
        "The account: 12 digits. A plain number gets its leading zeros back.",
    ),
    field(
        "regions",
        FieldForm::Regions,
        "The regions to look at, or `all` for every region enabled in the account.",
    ),
    older("region", FieldForm::Region, "The one region to look at."),
    field(
        "role_arn",
        FieldForm::OptionalText,
        "The role to assume; `null` reads the zone with the caller's own credentials.",
    ),
    field("role_name", FieldForm::OptionalText, "The name of the role to assume, in place of `role_arn`."),
    field(
        "external_id",
        FieldForm::OptionalText,
        "The external id that the role's trust policy asks for. A shared secret.",
    ),
    field("profile", FieldForm::Text, "The AWS profile to start from."),
    field("environment", FieldForm::Text, "The environment the zone belongs to, e.g. nonprod or prod."),
    field("description", FieldForm::Text, "What people should know about it."),
    field("enabled", FieldForm::Bool, "False leaves the zone out; the summary names it."),
    older("patch_enabled", FieldForm::Bool, "As `enabled`."),
    field(
        "filters",
        FieldForm::Filters,
        "Only instances that carry each of these tags with one of the values.",
    ),
    field("include", FieldForm::Patterns, "Only instances whose id or name matches one of these patterns."),
    field("exclude", FieldForm::Patterns, "Never instances whose id or name matches one of these patterns."),
];

/// Keys of an `organization` entry.
pub static SCOPE: &[Field] = &[
    field(
        "unit",
        FieldForm::Text,
        "An organisational unit (ou-…) or root (r-…), with everything below it; without one the whole organisation.",
    ),
    field(
        "accounts_include",
        FieldForm::Patterns,
        "Only accounts whose name or id matches one of these patterns.",
    ),
    field(
        "accounts_exclude",
        FieldForm::Patterns,
        "Never accounts whose name or id matches one of these patterns.",
    ),
    field("regions", FieldForm::Regions, "The regions to look at in each account, or `all`."),
    older("region", FieldForm::Region, "The one region to look at."),
    field("role_name", FieldForm::OptionalText, "The name of the role to assume in each account."),
    field("external_id", FieldForm::OptionalText, "The external id those roles ask for. A shared secret."),
    field("profile", FieldForm::Text, "The AWS profile to start from."),
    field("environment", FieldForm::Text, "The environment of all these accounts."),
    field(
        "filters",
        FieldForm::Filters,
        "Only instances that carry each of these tags with one of the values.",
    ),
    field("include", FieldForm::Patterns, "Only instances whose id or name matches one of these patterns."),
    field("exclude", FieldForm::Patterns, "Never instances whose id or name matches one of these patterns."),
];

/// Keys of an entry that refers to another file.
pub static REFERENCE: &[Field] = &[
    field("inventory", FieldForm::Patterns, "The inventory file or files, relative to this one."),
    field("zones", FieldForm::Patterns, "The names or account ids to take from there; without it all."),
];
