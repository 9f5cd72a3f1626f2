//! State machines of Step Functions.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use fleetwright_model::{Cell, Failure, Partial, Text};
use jiff::Timestamp;

/// Characters of the name of a state machine or of an execution at most.
const LONGEST_NAME: usize = 80;

/// A text that is no name of a state machine or of an execution.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is no name of {what}: {fault}")]
pub struct InvalidName {
    /// What was given, shortened to 100 characters.
    pub value: String,
    /// What it was to name.
    pub what: &'static str,
    /// Why it cannot.
    pub fault: String,
}

/// What speaks against a name, if anything does.
/// Source: Step Functions API reference, CreateStateMachine and StartExecution, `name`.
fn fault(name: &str) -> Option<String> {
    const FORBIDDEN: &str = "<>{}[]?*\"#%\\^|~`$&,;:/";
    let length = name.chars().count();
    if length == 0 || length > LONGEST_NAME {
        return Some(format!("it has {length} characters, not 1 to {LONGEST_NAME}"));
    }
    let stray = |c: &char| c.is_whitespace() || c.is_control() || FORBIDDEN.contains(*c) || *c > '\u{FFFD}';
    name.chars().find(stray).map(|c| format!("{c:?} cannot be in it"))
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $what:literal;)+) => {
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
                type Err = InvalidName;

                fn from_str(text: &str) -> Result<Self, InvalidName> {
                    match fault(text) {
                        None => Ok(Self(text.into())),
                        Some(fault) => {
                            let value = text.chars().take(100).collect();
                            Err(InvalidName { value, what: $what, fault })
                        }
                    }
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

names! {
    /// The name of a state machine: one in its account and region.
    MachineName = "a state machine";
    /// The name of an execution: one among those of its machine for 90 days after it ended.
    ExecutionName = "an execution";
}

/// A state machine as it is now, or a version of it: `nightly`, `nightly:3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineRef {
    /// The machine.
    pub name: MachineName,
    /// A published version, from 1; the newest revision without one.
    pub version: Option<u32>,
}

impl From<MachineName> for MachineRef {
    fn from(name: MachineName) -> Self {
        Self { name, version: None }
    }
}

impl FromStr for MachineRef {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let Some((name, version)) = text.split_once(':') else {
            return text.parse().map(|name: MachineName| name.into());
        };
        let fault = || InvalidName {
            value: text.chars().take(100).collect(),
            what: "a version of a state machine",
            fault: "behind the colon is no number from 1".to_owned(),
        };
        let version: u32 = version.parse().ok().filter(|number| *number > 0).ok_or_else(fault)?;
        Ok(Self { name: name.parse()?, version: Some(version) })
    }
}

impl fmt::Display for MachineRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            None => write!(f, "{}", self.name),
            Some(version) => write!(f, "{}:{version}", self.name),
        }
    }
}

/// The type of a state machine; it cannot be changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MachineKind {
    /// Every execution happens once, is kept, and may take a year.
    #[default]
    Standard,
    /// Executions take five minutes at most, may happen twice, and are not kept.
    Express,
}

impl MachineKind {
    /// In Step Functions' word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "STANDARD",
            Self::Express => "EXPRESS",
        }
    }
}

/// Whether X-Ray sees what executions do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tracing {
    /// It does not.
    #[default]
    Off,
    /// It does.
    On,
}

/// What becomes of a definition that is put.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Publication {
    /// It is the newest revision, which executions take that name no version.
    #[default]
    Revision,
    /// That, and a version that stays as it is, with what is said of it.
    Version(Option<String>),
}

/// A state machine that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMachine {
    /// Its name.
    pub name: MachineName,
    /// Its type.
    pub kind: MachineKind,
    /// Its definition in the Amazon States Language, as JSON of up to 1 MiB. Who makes it has checked it.
    pub definition: String,
    /// ARN of the role its executions act in.
    pub role: String,
    /// Whether X-Ray sees what its executions do.
    pub tracing: Tracing,
    /// Whether it has a version at once.
    pub publication: Publication,
}

/// What is to be another in a state machine; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MachineChange {
    /// The definition.
    pub definition: Option<String>,
    /// ARN of the role.
    pub role: Option<String>,
    /// Whether X-Ray sees what executions do.
    pub tracing: Option<Tracing>,
    /// Whether there is a version of it.
    pub publication: Publication,
}

/// What making or changing a state machine came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachinePut {
    /// When.
    pub at: Option<Timestamp>,
    /// The revision it has now, where the service says.
    pub revision: Option<String>,
    /// The version that was published.
    pub version: Option<u32>,
}

/// Whether a state machine can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachineStatus {
    /// It can.
    Active,
    /// It is gone once its last execution has ended.
    Deleting,
}

impl MachineStatus {
    /// In Step Functions' word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Deleting => "DELETING",
        }
    }
}

/// A state machine as it is, or a version of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Its name.
    pub name: MachineName,
    /// Its type.
    pub kind: MachineKind,
    /// Whether it can be used.
    pub status: MachineStatus,
    /// Its definition.
    pub definition: String,
    /// ARN of the role its executions act in.
    pub role: String,
    /// Its revision; none where it is still as it was made.
    pub revision: Option<String>,
    /// What was said of the version.
    pub description: Option<String>,
    /// Whether X-Ray sees what its executions do.
    pub tracing: Tracing,
    /// When it was made.
    pub created_at: Option<Timestamp>,
}

/// A state machine in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineRow {
    /// Its name.
    pub name: MachineName,
    /// Its type; none where the service does not say.
    pub kind: Option<MachineKind>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
}

/// A published version of a state machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineVersion {
    /// From 1.
    pub number: u32,
    /// When it was published.
    pub created_at: Option<Timestamp>,
}

/// The state machines of one cell.
#[async_trait]
pub trait StateMachines: Send + Sync {
    /// Every state machine, by name.
    async fn machines(&self, cell: &Cell<'_>) -> Partial<MachineRow>;

    /// A state machine, or a version of it.
    ///
    /// # Errors
    /// The failure of the call; [`fleetwright_model::ErrorClass::NotFound`] where there is none.
    async fn machine(&self, cell: &Cell<'_>, machine: &MachineRef) -> Result<Machine, Failure>;

    /// The versions of a state machine, the newest first.
    async fn machine_versions(&self, cell: &Cell<'_>, name: &MachineName) -> Partial<MachineVersion>;

    /// Makes a state machine. Doing it twice is doing it once.
    ///
    /// # Errors
    /// There is another one of that name ([`fleetwright_model::ErrorClass::Conflict`]), the service refuses
    /// definition or role ([`fleetwright_model::ErrorClass::Permanent`]), or the reply is lost
    /// ([`fleetwright_model::ErrorClass::Ambiguous`]).
    async fn create_machine(&self, cell: &Cell<'_>, machine: &NewMachine) -> Result<MachinePut, Failure>;

    /// Changes a state machine. Executions that run go on as they began. Doing it twice leaves the same machine.
    ///
    /// # Errors
    /// As [`StateMachines::create_machine`]; there is no such machine.
    async fn update_machine(
        &self,
        cell: &Cell<'_>,
        name: &MachineName,
        change: &MachineChange,
    ) -> Result<MachinePut, Failure>;

    /// Deletes a state machine with its versions; it is gone once its last execution has ended. One that is not
    /// there is no error, so that doing it twice is doing it once.
    ///
    /// # Errors
    /// The failure of the call.
    async fn delete_machine(&self, cell: &Cell<'_>, name: &MachineName) -> Result<(), Failure>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_step_functions_takes() {
        for good in ["nightly", "größe-1", "a.b_c+d@e", &"x".repeat(80)] {
            assert_eq!(good.parse::<MachineName>().expect("a name").as_str(), good);
        }
        for bad in ["", " ", "a b", "a/b", "a:1", "a*", "a\u{7f}", "a\u{10FFFF}", &"x".repeat(81)] {
            assert!(bad.parse::<ExecutionName>().is_err(), "{bad:?}");
        }
        let refused = "a b".parse::<ExecutionName>().expect_err("a blank");
        assert_eq!(refused.to_string(), "\"a b\" is no name of an execution: ' ' cannot be in it");
    }

    #[test]
    fn a_version_stands_behind_a_colon() {
        let version = "nightly:3".parse::<MachineRef>().expect("a version");
        assert_eq!((version.name.as_str(), version.version), ("nightly", Some(3)));
        assert_eq!(version.to_string(), "nightly:3");
        assert_eq!("nightly".parse::<MachineRef>().expect("a machine").version, None);
        for bad in ["nightly:", "nightly:0", "nightly:x", ":1", "a:1:2"] {
            assert!(bad.parse::<MachineRef>().is_err(), "{bad}");
        }
    }
}
