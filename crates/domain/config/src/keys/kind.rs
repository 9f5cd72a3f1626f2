//! What values a key takes.

use std::time::Duration;

use crate::record::Member;
use crate::value::show_duration;
use crate::waves::{ORDER_GROUP, WAIVER, WAVE};

/// What values a key takes, with bounds and unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// `true` or `false`; `yes`, `no`, `on` and `off` are understood as well, in any case.
    Bool,
    /// A whole number.
    Integer {
        /// Smallest value.
        min: u64,
        /// Largest value.
        max: u64,
        /// What is counted.
        unit: &'static str,
    },
    /// A number that may have a fraction.
    Number {
        /// Smallest value.
        min: f64,
        /// Largest value.
        max: f64,
        /// What is measured.
        unit: &'static str,
    },
    /// A length of time such as `90s`, `30m` or `1h30m`; a plain number is seconds.
    Duration {
        /// Shortest value.
        min: Duration,
        /// Longest value.
        max: Duration,
    },
    /// One text.
    Text(TextForm),
    /// A list of texts; one text alone is a list of one. In variables and flags the items are
    /// separated by commas.
    List(TextForm),
    /// Tag keys with the values that match: `{Application: [web, api], Environment: prod}`. In
    /// variables and flags `Application=web|api,Environment=prod`.
    TagFilter,
    /// A list of waves; in variables and flags as YAML or JSON.
    Waves,
    /// A list of sets of dependent instances; in variables and flags as YAML or JSON.
    OrderGroups,
    /// A list of waivers; in variables and flags as YAML or JSON.
    Waivers,
}

/// What form a text has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextForm {
    /// A path of a file or directory; relative to the working directory, or for an inventory
    /// named in a configuration file to that file.
    Path,
    /// An AWS region code.
    Region,
    /// An AWS region code, or `all` for every region that is enabled in the account.
    RegionOrAll,
    /// Name of an IAM role, with its path if it has one, without `arn:`.
    RoleName,
    /// An external id.
    ExternalId,
    /// Name of an AWS profile.
    Profile,
    /// An `http://` or `https://` address.
    Url,
    /// Headers of HTTP as `name=value`, separated by commas.
    Headers,
    /// A loopback address with a port.
    LocalAddress,
    /// A namespace of CloudWatch metrics.
    MetricNamespace,
    /// A dotted version number.
    Version,
    /// A pattern on instance id or name: `*` is any text, `?` one character.
    Pattern,
    /// Name of a landing zone, or an account id.
    ZoneName,
    /// Name of an environment.
    Environment,
    /// The key of a tag: 1 to 128 characters.
    TagKey,
    /// An EC2 instance id.
    InstanceId,
    /// The name of a service, an agent or an alarm: 1 to 255 characters.
    Name,
    /// A shell command on one line: 1 to 1,000 characters.
    Command,
    /// What a metric may be: `CPUUtilization <= 80`.
    MetricLimit,
    /// How far a metric may change: `NetworkOut -50%`.
    MetricChange,
    /// A number of instances, or a share of them such as `10%`.
    Amount,
    /// When a window opens: a cron expression, days and times, or one time.
    Schedule,
    /// An IANA time zone.
    TimeZone,
    /// A day, or two with `..` between them.
    Dates,
    /// The name of a window, or days, times and time zone.
    Window,
    /// A Jinja template: 1 to 16,384 bytes.
    Template,
    /// A password, a token or another secret: 1 to 1,000 characters.
    Password,
    /// One of a few words, in any case.
    OneOf(&'static [&'static str]),
}

impl Kind {
    /// The kind in words, bounds and unit included.
    pub fn describe(&self) -> String {
        match self {
            Self::Bool => "true or false".to_owned(),
            Self::Integer { min, max, unit } => format!("a whole number of {unit}, {min} to {max}"),
            Self::Number { min, max, unit } => format!("a number of {unit}, {min} to {max}"),
            Self::Duration { min, max } => {
                format!("a duration, {} to {}", show_duration(*min), show_duration(*max))
            }
            Self::Text(form) => form.describe(),
            Self::List(form) => format!("a list; each item is {}", form.describe()),
            Self::TagFilter => {
                "a mapping of tag keys to a value or a list of values; * and ? are wildcards".to_owned()
            }
            Self::Waves => members("waves", WAVE),
            Self::OrderGroups => members("groups", ORDER_GROUP),
            Self::Waivers => members("waivers", WAIVER),
        }
    }
}

impl TextForm {
    /// The form in words.
    pub fn describe(&self) -> String {
        match self {
            Self::Path => "a path".to_owned(),
            Self::Region => "an AWS region code such as eu-central-1".to_owned(),
            Self::RegionOrAll => "an AWS region code such as eu-central-1, or `all`".to_owned(),
            Self::RoleName => "the name of an IAM role".to_owned(),
            Self::ExternalId => "an external id (2 to 1,224 letters, digits and _+=,.@:/-)".to_owned(),
            Self::Profile => "the name of an AWS profile".to_owned(),
            Self::Url => "an http:// or https:// address".to_owned(),
            Self::Headers => "name=value, separated by commas".to_owned(),
            Self::LocalAddress => "an address of this machine with a port, such as 127.0.0.1:9464".to_owned(),
            Self::MetricNamespace => {
                "a metric namespace (1 to 255 letters, digits and ._-/#: and no AWS/ at its start)".to_owned()
            }
            Self::Version => "a version number such as 3.3.2746.0".to_owned(),
            Self::Pattern => "a pattern (* is any text, ? one character)".to_owned(),
            Self::ZoneName => "the name of a landing zone, or an account id".to_owned(),
            Self::Environment => "the name of an environment (letters, digits, - and _)".to_owned(),
            Self::TagKey => "the key of a tag (1 to 128 characters)".to_owned(),
            Self::InstanceId => "an EC2 instance id (i- and 8 or 17 hexadecimal digits)".to_owned(),
            Self::Name => "a name (1 to 255 characters)".to_owned(),
            Self::Command => "a command on one line (1 to 1,000 characters)".to_owned(),
            Self::MetricLimit => "the name of a metric, <= or >=, and a number".to_owned(),
            Self::MetricChange => {
                "the name of a metric, + or -, and percent, such as NetworkOut -50%".to_owned()
            }
            Self::Amount => "a number of instances from 1 on, or a share of them from 1% to 100%".to_owned(),
            Self::Schedule => "cron(…), five cron fields, at(2026-12-06T23:00) or Sun 23:00-03:00".to_owned(),
            Self::TimeZone => "an IANA time zone such as Europe/Berlin".to_owned(),
            Self::Dates => "a date such as 2026-12-24, or two as in 2026-12-20..2027-01-06".to_owned(),
            Self::Window => {
                "the name of a window, or a schedule such as Sun 23:00-03:00 Europe/Berlin".to_owned()
            }
            Self::Template => "a Jinja template (1 to 16,384 bytes)".to_owned(),
            Self::Password => "a secret (1 to 1,000 characters)".to_owned(),
            Self::OneOf(words) => format!("one of {}", words.join(", ")),
        }
    }
}

/// The members of a record, in words.
fn members(what: &str, table: &[Member]) -> String {
    let names: Vec<&str> = table.iter().map(|member| member.name).collect();
    format!("a list of {what}; each has {}", names.join(", "))
}

/// Seconds, for bounds in the table.
pub(super) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Minutes, for bounds in the table.
pub(super) const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

/// Hours, for bounds in the table.
pub(super) const fn hours(count: u64) -> Duration {
    Duration::from_secs(count * 3600)
}
