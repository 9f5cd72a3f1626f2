//! `fleetwright cloud function create` and `update`.

use std::time::Duration;

use fleetwright_model::code;
use fleetwright_ports::Functions;
use fleetwright_ports::functions::{Configuration, Function, FunctionName, FunctionRef, NewFunction};

use super::package::{Coded, coded};
use super::settings::Settings;
use super::{Done, done, length, refuse, settled, there, unnamed};
use crate::app::Outcome;
use crate::args::{FunctionCodeArgs, FunctionCreateArgs, FunctionSettingsArgs, FunctionUpdateArgs};
use crate::args::{FunctionPatienceArgs, PublishArgs};
use crate::failure::CommandError;
use crate::one_place::OnePlace;

/// What stands for a role by its name until its account is known.
const SOME_ROLE: &str = "arn:aws:iam::000000000000:role/any";

/// What a function is to be, files read and everything checked that can be without AWS.
pub(super) struct Wanted {
    name: FunctionName,
    code: Option<Coded>,
    settings: Settings,
    /// What is said of the version that is to be published, where one is.
    publish: Option<Option<String>>,
    patience: Duration,
}

impl Wanted {
    /// A function that is to be made.
    ///
    /// # Errors
    /// Files that cannot be read, code that cannot be packaged, what Lambda would refuse.
    pub(super) fn of_create(args: &FunctionCreateArgs) -> Result<Self, CommandError> {
        let wanted = Self::of(&args.name, &args.code, &args.settings, (&args.publish, args.patience))?;
        if wanted.code.is_none() {
            let message = "name its code: --code, or --bucket and --key";
            return Err(CommandError::new(&code::USAGE, message));
        }
        let before = Configuration { role: String::new(), ..Configuration::default() };
        let configuration = wanted.settings.applied(&wanted.name, &before, by_shape)?;
        if configuration.role.is_empty() {
            return Err(CommandError::new(&code::USAGE, "name the role it acts in: --role"));
        }
        refuse(&wanted.name, &configuration.faults())?;
        Ok(wanted)
    }

    /// A function that is to become another.
    ///
    /// # Errors
    /// As [`Wanted::of_create`].
    pub(super) fn of_update(args: &FunctionUpdateArgs) -> Result<Self, CommandError> {
        let wanted = Self::of(&args.name, &args.code, &args.settings, (&args.publish, args.patience))?;
        let before = Configuration { role: SOME_ROLE.to_owned(), ..Configuration::default() };
        let configuration = wanted.settings.applied(&wanted.name, &before, by_shape)?;
        // Its security groups are there already, perhaps.
        let mut faults = configuration.faults();
        if args.settings.security_groups.is_empty() {
            faults.retain(|fault| fault.what != "security groups");
        }
        refuse(&wanted.name, &faults)?;
        Ok(wanted)
    }

    fn of(
        name: &str,
        code: &FunctionCodeArgs,
        settings: &FunctionSettingsArgs,
        (publish, patience): (&PublishArgs, FunctionPatienceArgs),
    ) -> Result<Self, CommandError> {
        let name: FunctionName = name.parse().map_err(unnamed)?;
        let settings = Settings::read(&name, settings)?;
        let publish = publish.publish.as_ref().map(|text| Some(text.clone()).filter(|text| !text.is_empty()));
        Ok(Self { code: coded(code)?, settings, publish, patience: length(patience.wait, "--wait")?, name })
    }

    fn which(&self) -> FunctionRef {
        self.name.clone().into()
    }

    /// Whether the function runs the code already; unknown code is another.
    fn is_run_by(&self, there: &Function) -> bool {
        let sha256 = self.code.as_ref().and_then(|code| code.sha256.as_deref());
        sha256 == Some(there.code_sha256.as_str())
    }

    /// Publishes a version where one is wanted.
    async fn published(&self, at: &OnePlace, revision: &str) -> Result<Option<u32>, CommandError> {
        let Some(description) = self.publish.as_ref().filter(|_| !at.dry_run) else { return Ok(None) };
        let cell = at.place.cell();
        let put = at.aws.publish_version(&cell, &self.name, description.as_deref(), revision).await?;
        Ok(put.version)
    }
}

/// A role that is checked by its form alone: its account is not known yet.
fn by_shape(text: &str) -> Result<String, CommandError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-/".contains(&b);
    match text {
        text if text.starts_with("arn:") => Ok(text.to_owned()),
        text if !text.is_empty() && text.bytes().all(plain) => Ok(SOME_ROLE.to_owned()),
        text => Err(CommandError::new(&code::USAGE, format!("--role: {text:?} is no name of a role"))),
    }
}

/// Makes a function, unless it is there as it is wanted.
///
/// # Errors
/// Another one has its name, a call fails, or it does not become ready.
pub(super) async fn create(at: &OnePlace, wanted: &Wanted) -> Outcome {
    let configuration =
        wanted.settings.applied(&wanted.name, &Configuration::default(), |role| at.role(role))?;
    let which = wanted.which();
    if let Some(there) = there(at, &which).await? {
        let mut differs = there.configuration.differences(&configuration);
        differs.extend((!wanted.is_run_by(&there)).then_some("code"));
        if !differs.is_empty() {
            return Err(another(wanted, &differs));
        }
        let there = settled(at, &wanted.name, wanted.patience).await?;
        let version = wanted.published(at, &there.revision).await?;
        let what = if wanted.publish.is_some() { "publish" } else { "unchanged" };
        return done(at, &which, &Done { what, function: Some(&there), version, ..Done::default() });
    }
    let Some(code) = wanted.code.as_ref().filter(|_| !at.dry_run) else {
        return done(at, &which, &Done { what: "create", ..Done::default() });
    };
    let new = NewFunction { name: wanted.name.clone(), code: code.code.clone(), configuration };
    at.aws.create_function(&at.place.cell(), &new).await?;
    let made = settled(at, &wanted.name, wanted.patience).await?;
    let version = wanted.published(at, &made.revision).await?;
    done(at, &which, &Done { what: "create", function: Some(&made), version, ..Done::default() })
}

fn another(wanted: &Wanted, differs: &[&'static str]) -> CommandError {
    let message = format!("{} is there, with another {}", wanted.name, differs.join(" and another "));
    let unknown = wanted.code.as_ref().is_some_and(|code| code.sha256.is_none());
    let hint = unknown.then(|| {
        "What lies in a bucket is compared where --code-sha256 says what it is; `cloud function update` changes the \
         function."
            .to_owned()
    });
    CommandError { hint, ..CommandError::new(&code::FUNCTION_DIFFERS, message) }
}

/// Changes what differs: the configuration first, and when that is in effect, the code.
///
/// # Errors
/// A call fails, somebody else changes the function meanwhile, or a change does not come into effect.
pub(super) async fn update(at: &OnePlace, wanted: &Wanted) -> Outcome {
    let (cell, which) = (at.place.cell(), wanted.which());
    let mut there = settled(at, &wanted.name, wanted.patience).await?;
    let configuration = wanted.settings.applied(&wanted.name, &there.configuration, |role| at.role(role))?;
    refuse(&wanted.name, &configuration.faults())?;
    let mut changed = there.configuration.differences(&configuration);
    let architecture = configuration.architecture;
    let rebuilt = there.configuration.architecture != architecture;
    if rebuilt && wanted.code.is_none() {
        let message = format!("{}: the architecture is changed with the code; name it as well", wanted.name);
        return Err(CommandError::new(&code::FUNCTION_INVALID, message));
    }
    let configured = changed.iter().any(|what| *what != "architecture");
    let code = wanted.code.as_ref().filter(|_| rebuilt || !wanted.is_run_by(&there));
    changed.extend(code.map(|_| "code"));
    if !at.dry_run {
        if configured {
            let revision = &there.revision;
            at.aws.update_configuration(&cell, &wanted.name, &configuration, revision).await?;
            there = settled(at, &wanted.name, wanted.patience).await?;
        }
        if let Some(code) = code {
            let code = (&code.code, architecture);
            at.aws.update_code(&cell, &wanted.name, code, &there.revision).await?;
            there = settled(at, &wanted.name, wanted.patience).await?;
        }
    }
    let version = wanted.published(at, &there.revision).await?;
    let what = match (changed.is_empty(), &wanted.publish) {
        (true, None) => "unchanged",
        (true, Some(_)) => "publish",
        (false, _) => "update",
    };
    done(at, &which, &Done { what, changed, function: Some(&there), version })
}
