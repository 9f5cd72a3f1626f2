//! The documents that commands run, with their parameters.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::custom_document::CustomDocument;
use super::parameter::{Parameter, ParameterKind, parameter};
use crate::world::platform::Platform;

/// A document the estate can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    /// `AWS-RunShellScript`.
    RunShellScript,
    /// `AWS-RunPowerShellScript`.
    RunPowerShellScript,
    /// `AWS-RunPatchBaseline`.
    RunPatchBaseline,
    /// `AWS-RunPatchBaselineWithHooks`.
    RunPatchBaselineWithHooks,
    /// `AWS-UpdateSSMAgent`.
    UpdateSsmAgent,
    /// `AWS-Noop`, which does nothing.
    Noop,
    /// One of the organisation's own.
    Custom(Arc<CustomDocument>),
}

const SCRIPT: &[Parameter] = &[
    parameter("commands", ParameterKind::Lines, None, "(Required) Specify a script or a command to run."),
    parameter(
        "workingDirectory",
        ParameterKind::Text,
        Some(""),
        "(Optional) The path to the working directory on your instance.",
    ),
    parameter(
        "executionTimeout",
        ParameterKind::Seconds,
        Some("3600"),
        "(Optional) The time in seconds for a command to complete before it is considered to have failed.",
    ),
];

const OPERATION: Parameter = parameter(
    "Operation",
    ParameterKind::OneOf(&["Scan", "Install"]),
    None,
    "(Required) The update or configuration to perform on the instance.",
);
const ASSOCIATION: Parameter =
    parameter("AssociationId", ParameterKind::Text, Some(""), "(Optional) The ID of an association.");
const SNAPSHOT: Parameter =
    parameter("SnapshotId", ParameterKind::Uuid, Some(""), "(Optional) The snapshot ID to use.");
const OVERRIDE_LIST: Parameter = parameter(
    "InstallOverrideList",
    ParameterKind::Text,
    Some(""),
    "(Optional) A list of patches to install.",
);
const BASELINE_OVERRIDE: Parameter =
    parameter("BaselineOverride", ParameterKind::Text, Some(""), "(Optional) Baselines to use instead.");
const REBOOT: Parameter = parameter(
    "RebootOption",
    ParameterKind::OneOf(&["RebootIfNeeded", "NoReboot"]),
    Some("RebootIfNeeded"),
    "(Optional) Reboot behavior after a patch Install operation.",
);
const STEP_TIMEOUT: Parameter = parameter(
    "StepTimeoutSeconds",
    ParameterKind::Seconds,
    Some("7200"),
    "(Optional) The time in seconds for a command to complete before it is considered to have failed.",
);

const PATCH: &[Parameter] =
    &[OPERATION, ASSOCIATION, SNAPSHOT, OVERRIDE_LIST, BASELINE_OVERRIDE, REBOOT, STEP_TIMEOUT];

/// The name of the document that does nothing.
pub(super) const NOOP: &str = "AWS-Noop";
/// The parameters that name hooks, in the order in which the hooks run.
pub(super) const HOOKS: [&str; 3] = ["PreInstallHookDocName", "PostInstallHookDocName", "OnExitHookDocName"];

/// Without `InstallOverrideList`, which this document does not have (Systems Manager user guide,
/// "AWS-RunPatchBaselineWithHooks").
const PATCH_WITH_HOOKS: &[Parameter] = &[
    OPERATION,
    SNAPSHOT,
    BASELINE_OVERRIDE,
    REBOOT,
    STEP_TIMEOUT,
    parameter(
        HOOKS[0],
        ParameterKind::DocumentName,
        Some(NOOP),
        "(Optional) The document that runs before patches are installed.",
    ),
    parameter(
        HOOKS[1],
        ParameterKind::DocumentName,
        Some(NOOP),
        "(Optional) The document that runs after patches were installed, before any reboot.",
    ),
    parameter(
        HOOKS[2],
        ParameterKind::DocumentName,
        Some(NOOP),
        "(Optional) The document that runs at the end, after any reboot.",
    ),
];

const UPDATE: &[Parameter] = &[
    parameter("version", ParameterKind::Text, Some(""), "(Optional) A specific version of SSM Agent."),
    parameter(
        "allowDowngrade",
        ParameterKind::OneOf(&["true", "false"]),
        Some("false"),
        "(Optional) Allow an earlier version.",
    ),
];

impl Document {
    /// Every document of AWS's own.
    pub const BUILT_IN: [Self; 6] = [
        Self::RunShellScript,
        Self::RunPowerShellScript,
        Self::RunPatchBaseline,
        Self::RunPatchBaselineWithHooks,
        Self::UpdateSsmAgent,
        Self::Noop,
    ];

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::RunShellScript => "AWS-RunShellScript",
            Self::RunPowerShellScript => "AWS-RunPowerShellScript",
            Self::RunPatchBaseline => "AWS-RunPatchBaseline",
            Self::RunPatchBaselineWithHooks => "AWS-RunPatchBaselineWithHooks",
            Self::UpdateSsmAgent => "AWS-UpdateSSMAgent",
            Self::Noop => NOOP,
            Self::Custom(document) => &document.name,
        }
    }

    /// The document of that name, or of an ARN that ends with it: one of AWS's own, or of `custom`.
    #[must_use]
    pub fn find(name: &str, custom: &[Arc<CustomDocument>]) -> Option<Self> {
        let short = match name.strip_prefix("arn:aws:ssm:") {
            Some(rest) => rest.split_once(":document/")?.1,
            None => name,
        };
        let built_in = Self::BUILT_IN.into_iter().find(|document| document.name() == short);
        let own = || custom.iter().find(|document| document.name == short).cloned().map(Self::Custom);
        built_in.or_else(own)
    }

    /// The name of the step that runs, as plugins and GetCommandInvocation show it; of several, the
    /// first on that platform.
    #[must_use]
    pub fn plugin(&self, platform: Platform) -> &str {
        match self {
            Self::RunShellScript => "aws:runShellScript",
            Self::RunPowerShellScript => "aws:runPowerShellScript",
            Self::RunPatchBaseline | Self::RunPatchBaselineWithHooks if platform.is_windows() => {
                "PatchWindows"
            }
            Self::RunPatchBaseline | Self::RunPatchBaselineWithHooks => "PatchLinux",
            Self::UpdateSsmAgent => "aws:updateSsmAgent",
            Self::Noop => "noop",
            Self::Custom(document) => {
                document.steps.iter().find(|step| step.runs_on(platform)).map_or("", |step| &step.name)
            }
        }
    }

    /// Its parameters.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        match self {
            Self::RunShellScript | Self::RunPowerShellScript => SCRIPT,
            Self::RunPatchBaseline => PATCH,
            Self::RunPatchBaselineWithHooks => PATCH_WITH_HOOKS,
            Self::UpdateSsmAgent => UPDATE,
            Self::Noop => &[],
            Self::Custom(document) => &document.parameters,
        }
    }

    /// Its latest version.
    #[must_use]
    pub const fn version(&self) -> &'static str {
        "1"
    }

    /// The platforms it is for, as DescribeDocument lists them.
    #[must_use]
    pub fn platforms(&self) -> &'static [&'static str] {
        match self {
            Self::RunShellScript => &["Linux", "MacOS"],
            Self::RunPowerShellScript
            | Self::RunPatchBaseline
            | Self::RunPatchBaselineWithHooks
            | Self::Noop => &["Windows", "Linux", "MacOS"],
            Self::UpdateSsmAgent => &["Windows", "Linux"],
            Self::Custom(document) => document.platforms(),
        }
    }

    /// True where it can run there. PowerShell on Linux is a package that the estate's hosts do not
    /// have.
    #[must_use]
    pub fn runs_on(&self, platform: Platform) -> bool {
        match self {
            Self::RunShellScript => !platform.is_windows(),
            Self::RunPowerShellScript => platform.is_windows(),
            Self::RunPatchBaseline | Self::RunPatchBaselineWithHooks | Self::UpdateSsmAgent | Self::Noop => {
                true
            }
            Self::Custom(document) => document.runs_on(platform),
        }
    }

    /// Seconds that the execution may take.
    #[must_use]
    pub fn execution_seconds(&self, parameters: &Map<String, Value>) -> i64 {
        let name = match self {
            Self::RunShellScript | Self::RunPowerShellScript => "executionTimeout",
            Self::RunPatchBaseline | Self::RunPatchBaselineWithHooks => "StepTimeoutSeconds",
            Self::UpdateSsmAgent | Self::Noop => return 600,
            Self::Custom(document) => return document.execution_seconds(parameters).cast_signed(),
        };
        self.text(parameters, name).parse().unwrap_or(3_600)
    }

    /// A parameter's first value, or its default.
    #[must_use]
    pub fn text(&self, parameters: &Map<String, Value>, name: &str) -> String {
        match parameters.get(name).and_then(|values| values.get(0)).and_then(Value::as_str) {
            Some(text) => text.to_owned(),
            None => {
                let known = self.parameters().iter().find(|known| known.name == name);
                known.and_then(|known| known.default.as_deref()).unwrap_or_default().to_owned()
            }
        }
    }

    /// Checks parameters as the service does.
    ///
    /// # Errors
    /// The message of `InvalidParameters`.
    pub fn check(&self, parameters: &Map<String, Value>) -> Result<(), String> {
        for (name, values) in parameters {
            let known = self.parameters().iter().find(|known| known.name == *name);
            let Some(known) = known else {
                return Err(format!("Parameter \"{name}\" is not defined in the document."));
            };
            known.check(values)?;
        }
        let missing =
            self.parameters().iter().find(|p| p.default.is_none() && !parameters.contains_key(&*p.name));
        match missing {
            Some(missing) => Err(format!("Document requires parameter {}.", missing.name)),
            None => self.check_overrides(parameters),
        }
    }

    /// Refuses what would change which patches are installed, and what the estate does not do.
    fn check_overrides(&self, parameters: &Map<String, Value>) -> Result<(), String> {
        const OVERRIDE: &str = "BaselineOverride";
        let patches = matches!(self, Self::RunPatchBaseline | Self::RunPatchBaselineWithHooks);
        match patches && !self.text(parameters, OVERRIDE).is_empty() {
            true => Err(format!(
                "Parameter {OVERRIDE} is not supported: the estate installs what the baseline or a list says; leave it out."
            )),
            false => Ok(()),
        }
    }
}
