//! Functions of Lambda: what they are, and the port to them.
//!
//! Source: AWS Lambda API reference; AWS Lambda Developer Guide, "Lambda quotas".

mod configuration;
mod document;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_model::{Cell, ErrorClass, Failure, Partial, Text, code};
use jiff::{SignedDuration, Timestamp};

pub use self::configuration::{
    Architecture, Configuration, Fault, LogFormat, MOST_DESCRIPTION, Network, Tracing, Variables,
};
pub use self::document::{InvalidDocument, read, write};
use crate::Clock;
pub use crate::executions::Payload;

/// Characters of the name of a function at most.
const LONGEST_NAME: usize = 64;
/// Bytes of an event whose answer is waited for, at most: 6 MB. Source: Lambda API reference, Invoke.
pub const MOST_WAITED_FOR: usize = 6 * 1024 * 1024;
/// Bytes of an event that nobody waits for, at most: 1 MB, since October 2025. Source: Lambda API reference, Invoke.
pub const MOST_ASYNC: usize = 1024 * 1024;
/// Between two looks at a function that is being made ready: Lambda's own waiters take one second to five.
const LOOK: Duration = Duration::from_secs(2);

/// A text that is no name of a function.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is no name of {what}: {fault}")]
pub struct InvalidFunctionName {
    /// What was given, shortened to 100 characters.
    pub value: String,
    /// What it was to name.
    pub what: &'static str,
    /// Why it cannot.
    pub fault: &'static str,
}

fn invalid(text: &str, what: &'static str, fault: &'static str) -> InvalidFunctionName {
    InvalidFunctionName { value: text.chars().take(100).collect(), what, fault }
}

/// The name of a function: one in its account and region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionName(Text);

impl FunctionName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FunctionName {
    type Err = InvalidFunctionName;

    fn from_str(text: &str) -> Result<Self, InvalidFunctionName> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        match (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(plain) {
            true => Ok(Self(text.into())),
            false => Err(invalid(text, "a function", "it takes 1 to 64 letters, digits, '-' and '_'")),
        }
    }
}

impl fmt::Display for FunctionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A function as it is now, or a version of it: `prepare`, `prepare:3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionRef {
    /// The function.
    pub name: FunctionName,
    /// A published version, from 1; what is newest without one.
    pub version: Option<u32>,
}

impl From<FunctionName> for FunctionRef {
    fn from(name: FunctionName) -> Self {
        Self { name, version: None }
    }
}

impl FromStr for FunctionRef {
    type Err = InvalidFunctionName;

    fn from_str(text: &str) -> Result<Self, InvalidFunctionName> {
        let Some((name, version)) = text.split_once(':') else {
            return text.parse().map(|name: FunctionName| name.into());
        };
        let number = version.parse().ok().filter(|number: &u32| *number > 0);
        let fault = || invalid(text, "a version of a function", "behind the colon is no number from 1");
        Ok(Self { version: Some(number.ok_or_else(fault)?), name: name.parse()? })
    }
}

impl fmt::Display for FunctionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            None => write!(f, "{}", self.name),
            Some(version) => write!(f, "{}:{version}", self.name),
        }
    }
}

/// What a function is to run.
#[derive(Clone, PartialEq, Eq)]
pub enum Code {
    /// An archive of up to 50 MB, uploaded in the request.
    Archive(Vec<u8>),
    /// An archive in a bucket of the function's region.
    Object {
        /// The bucket.
        bucket: String,
        /// The archive's key in it.
        key: String,
        /// Its version, where the bucket keeps several.
        version: Option<String>,
    },
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Archive(bytes) => write!(f, "Archive({} bytes)", bytes.len()),
            Self::Object { bucket, key, .. } => write!(f, "Object({bucket}/{key})"),
        }
    }
}

/// A function that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFunction {
    /// Its name.
    pub name: FunctionName,
    /// What it runs.
    pub code: Code,
    /// What it is run with. Who makes it has checked it ([`Configuration::faults`]).
    pub configuration: Configuration,
}

/// Whether a function can be invoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionState {
    /// It is being made.
    Pending,
    /// It can.
    Active,
    /// It can, after a pause: nobody did for long, and what it needs was given back.
    Inactive,
    /// It could not be made.
    Failed,
}

impl FunctionState {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Active, Self::Inactive, Self::Failed];

    /// In Lambda's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Active => "Active",
            Self::Inactive => "Inactive",
            Self::Failed => "Failed",
        }
    }
}

/// What became of the last change of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateStatus {
    /// It is in effect.
    Successful,
    /// It is being brought into effect; no other is taken meanwhile.
    InProgress,
    /// It did not come into effect.
    Failed,
}

impl UpdateStatus {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Successful, Self::InProgress, Self::Failed];

    /// In Lambda's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Successful => "Successful",
            Self::InProgress => "InProgress",
            Self::Failed => "Failed",
        }
    }
}

/// A function as it is, or a version of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: FunctionName,
    /// The version; none for what is newest.
    pub version: Option<u32>,
    /// What it is run with.
    pub configuration: Configuration,
    /// The SHA-256 of its archive, in Base64.
    pub code_sha256: String,
    /// Bytes of its archive.
    pub code_bytes: u64,
    /// When it was last changed.
    pub modified_at: Option<Timestamp>,
    /// Changes with every change.
    pub revision: String,
    /// Whether it can be invoked.
    pub state: FunctionState,
    /// What became of its last change.
    pub update: UpdateStatus,
    /// Why it stands so, where Lambda says. Untrusted text, cleared of what looks like a secret.
    pub reason: Option<String>,
}

impl Function {
    /// Whether nothing of it is being made any more.
    pub fn is_settled(&self) -> bool {
        self.state != FunctionState::Pending && self.update != UpdateStatus::InProgress
    }
}

/// A function in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionRow {
    /// Its name.
    pub name: FunctionName,
    /// Its runtime.
    pub runtime: String,
    /// Its memory, in MiB.
    pub memory_mib: u32,
    /// Bytes of its archive.
    pub code_bytes: u64,
    /// When it was last changed.
    pub modified_at: Option<Timestamp>,
}

/// A published version of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionVersion {
    /// From 1.
    pub number: u32,
    /// What was said of it.
    pub description: String,
    /// The SHA-256 of its archive, in Base64.
    pub code_sha256: String,
    /// When it was published.
    pub published_at: Option<Timestamp>,
}

/// How a function is invoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvocationMode {
    /// Its answer is waited for; with the end of its log where that is asked for.
    Wait {
        /// Whether the last 4 KB of the log are wanted.
        log_tail: bool,
    },
    /// Lambda takes the event and runs the function later, up to three times where it fails.
    Async,
    /// It is judged whether it could be, and nothing is run.
    Check,
}

/// What an invocation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invoked {
    /// It was run.
    Answered(FunctionAnswer),
    /// Its event is in Lambda's queue.
    Queued,
    /// It could be.
    Possible,
}

/// What a function answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionAnswer {
    /// The answer, or what is told of the error. Untrusted, and anything may be in it.
    pub payload: Payload,
    /// How it failed, where it did: Lambda's word, `Handled` or `Unhandled`.
    pub error: Option<String>,
    /// The version that was run.
    pub version: Option<u32>,
    /// The last 4 KB of its log, where they were wanted, cleared of what looks like a secret. Untrusted.
    pub log: Option<String>,
}

/// The functions of one cell.
#[async_trait]
pub trait Functions: Send + Sync {
    /// Every function, by name.
    async fn functions(&self, cell: &Cell<'_>) -> Partial<FunctionRow>;

    /// A function, or a version of it.
    ///
    /// # Errors
    /// The failure of the call; [`ErrorClass::NotFound`] where there is none.
    async fn function(&self, cell: &Cell<'_>, function: &FunctionRef) -> Result<Function, Failure>;

    /// The versions of a function, the newest first.
    async fn function_versions(&self, cell: &Cell<'_>, name: &FunctionName) -> Partial<FunctionVersion>;

    /// Makes a function. Doing it twice with the same archive is doing it once.
    ///
    /// # Errors
    /// There is another one of that name ([`ErrorClass::Conflict`]), the service refuses something of it
    /// ([`ErrorClass::Permanent`]), or the reply is lost ([`ErrorClass::Ambiguous`]).
    async fn create_function(&self, cell: &Cell<'_>, new: &NewFunction) -> Result<Function, Failure>;

    /// Gives a function this configuration, all of it but the architecture, which its code decides. The change takes
    /// its time ([`settle`]), and no other is taken meanwhile.
    ///
    /// # Errors
    /// It is not of this revision any more, or is being changed ([`ErrorClass::Conflict`]); otherwise as
    /// [`Functions::create_function`].
    async fn update_configuration(
        &self,
        cell: &Cell<'_>,
        name: &FunctionName,
        configuration: &Configuration,
        revision: &str,
    ) -> Result<Function, Failure>;

    /// Gives a function this code, built for this architecture.
    ///
    /// # Errors
    /// As [`Functions::update_configuration`].
    async fn update_code(
        &self,
        cell: &Cell<'_>,
        name: &FunctionName,
        (code, architecture): (&Code, Architecture),
        revision: &str,
    ) -> Result<Function, Failure>;

    /// Publishes a version of a function as it is; where nothing changed since the last one, that is found again.
    ///
    /// # Errors
    /// It is not of this revision any more, or is being changed ([`ErrorClass::Conflict`]).
    async fn publish_version(
        &self,
        cell: &Cell<'_>,
        name: &FunctionName,
        description: Option<&str>,
        revision: &str,
    ) -> Result<Function, Failure>;

    /// Deletes a function with its versions, or one version. Doing it twice is doing it once.
    ///
    /// # Errors
    /// The failure of the call.
    async fn delete_function(&self, cell: &Cell<'_>, function: &FunctionRef) -> Result<(), Failure>;

    /// Invokes a function, for up to `patience` where its answer is waited for. Never sent twice: that could run it
    /// twice.
    ///
    /// # Errors
    /// It cannot be invoked, or nobody knows whether it was ([`ErrorClass::Ambiguous`]). A handler that fails is no
    /// error of the call.
    async fn invoke(
        &self,
        cell: &Cell<'_>,
        (function, payload): (&FunctionRef, &Payload),
        mode: InvocationMode,
        patience: Duration,
    ) -> Result<Invoked, Failure>;
}

/// Waits until nothing of a function is being made any more, for as long as `patience` at most.
///
/// # Errors
/// A look at it fails; it could not be made, or its last change did not come into effect (`FW-L0006`); it is not ready
/// in time (`FW-L0005`).
pub async fn settle(
    (functions, clock): (&dyn Functions, &dyn Clock),
    cell: &Cell<'_>,
    name: &FunctionName,
    patience: Duration,
) -> Result<Function, Failure> {
    let end = SignedDuration::try_from(patience).ok().and_then(|span| clock.now().checked_add(span).ok());
    let end = end.unwrap_or(Timestamp::MAX);
    let action = "lambda:GetFunctionConfiguration";
    loop {
        let function = functions.function(cell, &name.clone().into()).await?;
        let stands =
            format!("{name} is {}, its last change {}", function.state.as_str(), function.update.as_str());
        if function.state == FunctionState::Failed || function.update == UpdateStatus::Failed {
            let reason = function.reason.as_deref().unwrap_or("Lambda gives no reason");
            let message = format!("{stands}: {reason}");
            return Err(Failure::new(ErrorClass::Permanent, &code::FUNCTION_UNUSABLE, action, &message));
        }
        if function.is_settled() {
            return Ok(function);
        }
        let left = Duration::try_from(end.duration_since(clock.now())).unwrap_or_default();
        if left.is_zero() {
            let message = format!("{stands}, after {} s", patience.as_secs());
            return Err(Failure::new(ErrorClass::Transient, &code::FUNCTION_NOT_READY, action, &message));
        }
        clock.sleep(LOOK.min(left)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_lambda_takes() {
        for good in ["a", "fleetwright-prod-prepare", "A_b-9", &"x".repeat(64)] {
            assert_eq!(good.parse::<FunctionName>().expect(good).as_str(), good);
        }
        for bad in ["", "a b", "a.b", "a/b", "ä", &"x".repeat(65)] {
            let refused = bad.parse::<FunctionName>().expect_err(bad);
            assert!(refused.to_string().contains("1 to 64 letters"), "{refused}");
        }
    }

    #[test]
    fn a_version_is_named_behind_a_colon() {
        let third: FunctionRef = "prepare:3".parse().expect("a version");
        assert_eq!((third.version, third.to_string().as_str()), (Some(3), "prepare:3"));
        let newest: FunctionRef = "prepare".parse().expect("a function");
        assert_eq!((newest.version, newest.to_string().as_str()), (None, "prepare"));
        for bad in ["prepare:", "prepare:0", "prepare:live", ":3", "a:b:3"] {
            bad.parse::<FunctionRef>().expect_err(bad);
        }
    }

    #[test]
    fn code_is_not_shown_by_accident() {
        assert_eq!(format!("{:?}", Code::Archive(b"secret".to_vec())), "Archive(6 bytes)");
    }
}
