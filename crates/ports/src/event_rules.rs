//! Rules of EventBridge: which events go to which targets.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use fleetwright_model::{Cell, Failure, Partial, Text};
use serde_json::{Value, json};

use crate::events::{UPGRADE_SOURCE, UpgradeEvent};

/// Characters of an event pattern at most. Source: EventBridge quotas, "Event pattern size".
const LONGEST_PATTERN: usize = 2_048;

/// A text that is no name of a rule, of a target or of an event bus.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is no name of {what}: it takes {takes}")]
pub struct InvalidRuleName {
    /// What was given, shortened to 100 characters.
    pub value: String,
    /// What it was to name.
    pub what: &'static str,
    /// What would have been right.
    pub takes: &'static str,
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $what:literal, $takes:literal, $valid:expr;)+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name(Text);

            impl $name {
                /// The name as text.
                pub fn as_str(&self) -> &str {
                    &self.0
                }
            }

            impl FromStr for $name {
                type Err = InvalidRuleName;

                fn from_str(text: &str) -> Result<Self, InvalidRuleName> {
                    let valid: fn(&str) -> bool = $valid;
                    let value = || text.chars().take(100).collect();
                    valid(text).then(|| Self(text.into())).ok_or_else(|| InvalidRuleName {
                        value: value(),
                        what: $what,
                        takes: $takes,
                    })
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(&self.0)
                }
            }
        )+
    };
}

fn is_plain(text: &str, more: &[u8], longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b) || more.contains(&b))
}

names! {
    /// The name of a rule, one on its bus.
    RuleName = "a rule", "1 to 64 letters, digits, '.', '-' and '_'", |text| is_plain(text, b"", 64);
    /// The id of a target, one of its rule.
    TargetId = "a target", "1 to 64 letters, digits, '.', '-' and '_'", |text| is_plain(text, b"", 64);
    /// An event bus: its name, or its ARN where it is another account's.
    BusName = "an event bus", "1 to 256 letters, digits, '/', '.', '-' and '_', or an ARN",
        |text| is_plain(text, b"/", 256) || text.starts_with("arn:") && is_plain(text, b"/:", 1_600);
}

impl Default for BusName {
    /// The bus that every account has in every region.
    fn default() -> Self {
        Self("default".into())
    }
}

/// What speaks against an event pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternFault {
    /// It is no JSON.
    #[error("it is no JSON (line {line}, column {column})")]
    NoJson {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// It is no object with members.
    #[error("it is no object with members: it would fit no event, or all")]
    NoMembers,
    /// It is too long.
    #[error("it has {0} characters, more than the {LONGEST_PATTERN} a rule takes")]
    TooLong(usize),
    /// A field is matched with something else than a list.
    #[error("{0}: a field is matched with a list of values, as in [\"value\"], or has fields itself")]
    NoList(String),
    /// A list matches nothing.
    #[error("{0}: the list is empty and fits nothing")]
    EmptyList(String),
    /// A value that is none.
    #[error("{path}: {found} is no value and no comparison; these are: {}", COMPARISONS.join(", "))]
    Comparison {
        /// Where, as a JSON pointer.
        path: String,
        /// What stands there.
        found: String,
    },
}

/// What a value may be compared by. Source: EventBridge user guide, "Comparison operators".
const COMPARISONS: [&str; 9] = [
    "anything-but",
    "cidr",
    "equals-ignore-case",
    "exists",
    "numeric",
    "prefix",
    "suffix",
    "wildcard",
    "$or",
];

/// Which events a rule takes: a pattern that was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern(Value);

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What speaks against it.
    pub fn parse(text: &str) -> Result<Self, PatternFault> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| PatternFault::NoJson { line: error.line(), column: error.column() })?;
        Self::new(value)
    }

    /// Takes a pattern.
    ///
    /// # Errors
    /// What speaks against it.
    pub fn new(value: Value) -> Result<Self, PatternFault> {
        fields("", &value)?;
        let length = value.to_string().chars().count();
        if length > LONGEST_PATTERN {
            return Err(PatternFault::TooLong(length));
        }
        Ok(Self(value))
    }

    /// Upgrades of a cluster: all that is told of them, or events of these kinds only.
    ///
    /// # Errors
    /// The name of the cluster is too long.
    pub fn of_upgrades(cluster: &str, kinds: &[UpgradeEvent]) -> Result<Self, PatternFault> {
        let mut pattern = json!({ "source": [UPGRADE_SOURCE], "detail": { "cluster": [cluster] } });
        if !kinds.is_empty() {
            pattern["detail-type"] = kinds.iter().map(|kind| kind.as_str()).collect();
        }
        Self::new(pattern)
    }

    /// As JSON.
    pub fn as_json(&self) -> &Value {
        &self.0
    }
}

/// Fields of an event, each with what it must be.
fn fields(path: &str, value: &Value) -> Result<(), PatternFault> {
    let members = value.as_object().filter(|members| !members.is_empty()).ok_or(PatternFault::NoMembers)?;
    for (name, value) in members {
        let path = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
        match value {
            Value::Array(list) if list.is_empty() => return Err(PatternFault::EmptyList(path)),
            Value::Array(list) if name == "$or" => {
                list.iter().enumerate().try_for_each(|(index, it)| fields(&format!("{path}/{index}"), it))?;
            }
            Value::Array(list) => list.iter().try_for_each(|it| comparison(&path, it))?,
            Value::Object(members) if !members.is_empty() => fields(&path, value)?,
            _ => return Err(PatternFault::NoList(path)),
        }
    }
    Ok(())
}

fn comparison(path: &str, value: &Value) -> Result<(), PatternFault> {
    let known = |name: &String| COMPARISONS.contains(&name.as_str()) && name != "$or";
    let good = match value {
        Value::Object(members) => members.len() == 1 && members.keys().all(known),
        Value::Array(_) => false,
        _ => true,
    };
    let found = || value.to_string().chars().take(60).collect();
    good.then_some(()).ok_or_else(|| PatternFault::Comparison { path: path.to_owned(), found: found() })
}

/// Whether a rule takes events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RuleState {
    /// It does.
    #[default]
    Enabled,
    /// It does not.
    Disabled,
}

impl RuleState {
    /// In EventBridge's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "ENABLED",
            Self::Disabled => "DISABLED",
        }
    }
}

/// What makes a rule act.
#[derive(Clone, Debug, PartialEq)]
pub enum Trigger {
    /// Events that fit.
    Events(Pattern),
    /// The time: `rate(5 minutes)`, `cron(0 2 * * ? *)`; on the default bus only.
    Schedule(String),
}

/// A rule that is to be put.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRule {
    /// Its name.
    pub name: RuleName,
    /// What makes it act.
    pub trigger: Trigger,
    /// What it is for, up to 512 characters.
    pub description: String,
    /// Whether it takes events.
    pub state: RuleState,
}

/// The rule that hears everything an upgrade of this cluster tells of.
///
/// # Errors
/// The name of the cluster is too long for a rule or for a pattern.
pub fn monitoring(cluster: &str) -> Result<NewRule, String> {
    let rule = ready(cluster, "monitoring", &[]);
    rule.map(|rule| NewRule { description: format!("Everything that upgrades of {cluster} tell of"), ..rule })
}

/// The rule that acts where an upgrade of this cluster has to be taken back: it failed, or what was validated is
/// not as it should be.
///
/// # Errors
/// As [`monitoring`].
pub fn rollback_trigger(cluster: &str) -> Result<NewRule, String> {
    let kinds = [UpgradeEvent::UpgradeFailed, UpgradeEvent::ValidationFailure];
    let rule = ready(cluster, "rollback", &kinds);
    rule.map(|rule| NewRule { description: format!("An upgrade of {cluster} has to be taken back"), ..rule })
}

fn ready(cluster: &str, what: &str, kinds: &[UpgradeEvent]) -> Result<NewRule, String> {
    let name = format!("fleetwright-{cluster}-{what}").parse().map_err(|invalid| format!("{invalid}"))?;
    let pattern = Pattern::of_upgrades(cluster, kinds).map_err(|fault| format!("{cluster}: {fault}"))?;
    let (trigger, state) = (Trigger::Events(pattern), RuleState::Enabled);
    Ok(NewRule { name, trigger, description: String::new(), state })
}

/// A rule as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name.
    pub name: RuleName,
    /// Its pattern, as the service keeps it.
    pub pattern: Option<String>,
    /// Its schedule.
    pub schedule: Option<String>,
    /// What it is for. Untrusted text.
    pub description: String,
    /// Whether it takes events.
    pub state: RuleState,
}

/// Who gets the events of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its id.
    pub id: TargetId,
    /// ARN of a queue, a topic, a function, a state machine, a log group ….
    pub arn: String,
    /// ARN of the role EventBridge takes for it: state machines and buses of other accounts need one.
    pub role: Option<String>,
    /// JSON that the target gets instead of the event.
    pub input: Option<String>,
}

/// The rules of one cell's event buses.
#[async_trait]
pub trait EventRules: Send + Sync {
    /// Puts a rule, new or over one that is there; its targets stay. Doing it twice is doing it once.
    ///
    /// # Errors
    /// The service refuses it ([`fleetwright_model::ErrorClass::Permanent`]), there is no such bus
    /// ([`fleetwright_model::ErrorClass::NotFound`]), or the reply is lost.
    async fn put_rule(&self, cell: &Cell<'_>, bus: &BusName, rule: &NewRule) -> Result<(), Failure>;

    /// A rule.
    ///
    /// # Errors
    /// The failure of the call; [`fleetwright_model::ErrorClass::NotFound`] where there is none.
    async fn rule(&self, cell: &Cell<'_>, bus: &BusName, name: &RuleName) -> Result<Rule, Failure>;

    /// Every rule of a bus whose name begins so, by name.
    async fn rules(&self, cell: &Cell<'_>, bus: &BusName, prefix: Option<&str>) -> Partial<Rule>;

    /// Lets a rule take events, or not.
    ///
    /// # Errors
    /// As [`EventRules::rule`]; the reply is lost.
    async fn switch(
        &self,
        cell: &Cell<'_>,
        bus: &BusName,
        name: &RuleName,
        state: RuleState,
    ) -> Result<(), Failure>;

    /// Deletes a rule that has no targets. One that is not there is no error.
    ///
    /// # Errors
    /// It has targets; the failure of the call.
    async fn delete_rule(&self, cell: &Cell<'_>, bus: &BusName, name: &RuleName) -> Result<(), Failure>;

    /// Puts targets of a rule, each new or over the one of its id.
    ///
    /// # Errors
    /// As [`EventRules::put_rule`], or some were not taken: the first of these is named.
    async fn put_targets(
        &self,
        cell: &Cell<'_>,
        bus: &BusName,
        rule: &RuleName,
        targets: &[Target],
    ) -> Result<(), Failure>;

    /// The targets of a rule, by id.
    async fn targets(&self, cell: &Cell<'_>, bus: &BusName, rule: &RuleName) -> Partial<Target>;

    /// Removes targets of a rule; one that is not there is no error.
    ///
    /// # Errors
    /// As [`EventRules::put_targets`].
    async fn remove_targets(
        &self,
        cell: &Cell<'_>,
        bus: &BusName,
        rule: &RuleName,
        ids: &[TargetId],
    ) -> Result<(), Failure>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_refused_with_the_place_that_is_wrong() {
        let good = r#"{"source":["a",{"prefix":"b"}],"detail":{"n":[{"numeric":[">",1]}],"$or":[{"x":[1]},{"y":[null]}]}}"#;
        Pattern::parse(good).expect("a pattern");
        for (bad, said) in [
            ("{", "it is no JSON (line 1, column 1)"),
            ("{}", "it is no object with members: it would fit no event, or all"),
            (
                r#"{"source":"a"}"#,
                "/source: a field is matched with a list of values, as in [\"value\"], or has fields itself",
            ),
            (r#"{"detail":{"a/b":[]}}"#, "/detail/a~1b: the list is empty and fits nothing"),
            (r#"{"source":[{"begins":"a"}]}"#, "/source: {\"begins\":\"a\"} is no value and no comparison"),
            (r#"{"source":[{"prefix":"a","suffix":"b"}]}"#, "/source: {\"prefix\""),
            (r#"{"$or":[{"a":1}]}"#, "/$or/0/a: a field is matched"),
        ] {
            let fault = Pattern::parse(bad).expect_err(bad).to_string();
            assert!(fault.starts_with(said), "{bad}: {fault}");
        }
        let long = json!({ "source": ["x".repeat(3_000)] });
        assert!(matches!(Pattern::new(long), Err(PatternFault::TooLong(3_015))));
    }

    #[test]
    fn the_ready_rules_of_a_cluster_hear_of_that_cluster_alone() {
        let all = monitoring("shop").expect("a rule");
        assert_eq!(all.name.as_str(), "fleetwright-shop-monitoring");
        let Trigger::Events(pattern) = all.trigger else { panic!("a pattern") };
        assert_eq!(
            *pattern.as_json(),
            json!({ "source": ["fleetwright.upgrade"], "detail": { "cluster": ["shop"] } })
        );
        let back = rollback_trigger("shop").expect("a rule");
        let Trigger::Events(pattern) = back.trigger else { panic!("a pattern") };
        assert_eq!(pattern.as_json()["detail-type"], json!(["upgrade.failed", "validation.failure"]));
        let refused = monitoring(&"x".repeat(60)).expect_err("too long for a rule");
        assert!(refused.contains("1 to 64 letters"), "{refused}");
    }

    #[test]
    fn buses_are_named_by_name_or_by_arn() {
        for good in ["default", "aws.partner/x.com/y", "arn:aws:events:eu-central-1:111122223333:event-bus/a"]
        {
            assert_eq!(good.parse::<BusName>().expect("a bus").as_str(), good);
        }
        for bad in ["", "a b", "a:b", "größe"] {
            assert!(bad.parse::<BusName>().is_err(), "{bad:?}");
        }
    }
}
