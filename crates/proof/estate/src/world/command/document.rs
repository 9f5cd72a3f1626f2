//! The documents that commands run, with their parameters.

use serde_json::{Map, Value};

use crate::world::platform::Platform;

/// A document the estate can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// `AWS-RunShellScript`.
    RunShellScript,
    /// `AWS-RunPowerShellScript`.
    RunPowerShellScript,
    /// `AWS-RunPatchBaseline`.
    RunPatchBaseline,
    /// `AWS-UpdateSSMAgent`.
    UpdateSsmAgent,
}

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// One text of any form.
    Text,
    /// Several texts.
    Lines,
    /// One of a few words.
    OneOf(&'static [&'static str]),
    /// A number of seconds up to two days.
    Seconds,
    /// A UUID, or nothing.
    Uuid,
}

/// A parameter of a document.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub kind: ParameterKind,
    /// What it is without being given; `None` where it must be given.
    pub default: Option<&'static str>,
    /// What it is for.
    pub description: &'static str,
}

const fn parameter(
    name: &'static str,
    kind: ParameterKind,
    default: Option<&'static str>,
    description: &'static str,
) -> Parameter {
    Parameter { name, kind, default, description }
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

const PATCH: &[Parameter] = &[
    parameter(
        "Operation",
        ParameterKind::OneOf(&["Scan", "Install"]),
        None,
        "(Required) The update or configuration to perform on the instance.",
    ),
    parameter("AssociationId", ParameterKind::Text, Some(""), "(Optional) The ID of an association."),
    parameter("SnapshotId", ParameterKind::Uuid, Some(""), "(Optional) The snapshot ID to use."),
    parameter(
        "InstallOverrideList",
        ParameterKind::Text,
        Some(""),
        "(Optional) A list of patches to install.",
    ),
    parameter("BaselineOverride", ParameterKind::Text, Some(""), "(Optional) Baselines to use instead."),
    parameter(
        "RebootOption",
        ParameterKind::OneOf(&["RebootIfNeeded", "NoReboot"]),
        Some("RebootIfNeeded"),
        "(Optional) Reboot behavior after a patch Install operation.",
    ),
    parameter(
        "StepTimeoutSeconds",
        ParameterKind::Seconds,
        Some("7200"),
        "(Optional) The time in seconds for a command to complete before it is considered to have failed.",
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
    /// Every document.
    pub const ALL: [Self; 4] =
        [Self::RunShellScript, Self::RunPowerShellScript, Self::RunPatchBaseline, Self::UpdateSsmAgent];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RunShellScript => "AWS-RunShellScript",
            Self::RunPowerShellScript => "AWS-RunPowerShellScript",
            Self::RunPatchBaseline => "AWS-RunPatchBaseline",
            Self::UpdateSsmAgent => "AWS-UpdateSSMAgent",
        }
    }

    /// The document of that name, or of an ARN that ends with it.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        let short = match name.strip_prefix("arn:aws:ssm:") {
            Some(rest) => rest.split_once(":document/")?.1,
            None => name,
        };
        Self::ALL.into_iter().find(|document| document.name() == short)
    }

    /// The name of the step that runs, as plugins and GetCommandInvocation show it.
    #[must_use]
    pub const fn plugin(self, platform: Platform) -> &'static str {
        match self {
            Self::RunShellScript => "aws:runShellScript",
            Self::RunPowerShellScript => "aws:runPowerShellScript",
            Self::RunPatchBaseline if platform.is_windows() => "PatchWindows",
            Self::RunPatchBaseline => "PatchLinux",
            Self::UpdateSsmAgent => "aws:updateSsmAgent",
        }
    }

    /// Its parameters.
    #[must_use]
    pub const fn parameters(self) -> &'static [Parameter] {
        match self {
            Self::RunShellScript | Self::RunPowerShellScript => SCRIPT,
            Self::RunPatchBaseline => PATCH,
            Self::UpdateSsmAgent => UPDATE,
        }
    }

    /// Its latest version.
    #[must_use]
    pub const fn version(self) -> &'static str {
        "1"
    }

    /// The platforms it is for, as DescribeDocument lists them.
    #[must_use]
    pub const fn platforms(self) -> &'static [&'static str] {
        match self {
            Self::RunShellScript => &["Linux", "MacOS"],
            Self::RunPowerShellScript => &["Windows", "Linux", "MacOS"],
            Self::RunPatchBaseline => &["Windows", "Linux", "MacOS"],
            Self::UpdateSsmAgent => &["Windows", "Linux"],
        }
    }

    /// True where it can run there. PowerShell on Linux is a package that the estate's hosts do not
    /// have.
    #[must_use]
    pub const fn runs_on(self, platform: Platform) -> bool {
        match self {
            Self::RunShellScript => !platform.is_windows(),
            Self::RunPowerShellScript => platform.is_windows(),
            Self::RunPatchBaseline | Self::UpdateSsmAgent => true,
        }
    }

    /// Seconds that the execution may take.
    #[must_use]
    pub fn execution_seconds(self, parameters: &Map<String, Value>) -> i64 {
        let name = match self {
            Self::RunShellScript | Self::RunPowerShellScript => "executionTimeout",
            Self::RunPatchBaseline => "StepTimeoutSeconds",
            Self::UpdateSsmAgent => return 600,
        };
        self.text(parameters, name).parse().unwrap_or(3_600)
    }

    /// A parameter's first value, or its default.
    #[must_use]
    pub fn text(self, parameters: &Map<String, Value>, name: &str) -> String {
        match parameters.get(name).and_then(|values| values.get(0)).and_then(Value::as_str) {
            Some(text) => text.to_owned(),
            None => {
                let known = self.parameters().iter().find(|known| known.name == name);
                known.and_then(|known| known.default).unwrap_or_default().to_owned()
            }
        }
    }

    /// Checks parameters as the service does.
    ///
    /// # Errors
    /// The message of `InvalidParameters`.
    pub fn check(self, parameters: &Map<String, Value>) -> Result<(), String> {
        for (name, values) in parameters {
            let known = self.parameters().iter().find(|known| known.name == name);
            let Some(known) = known else {
                return Err(format!("Parameter \"{name}\" is not defined in the document."));
            };
            known.check(values)?;
        }
        let missing =
            self.parameters().iter().find(|p| p.default.is_none() && !parameters.contains_key(p.name));
        match missing {
            Some(missing) => Err(format!("Document requires parameter {}.", missing.name)),
            None => self.check_overrides(parameters),
        }
    }
}

impl Document {
    /// Refuses what would change which patches are installed, and what the estate does not do.
    fn check_overrides(self, parameters: &Map<String, Value>) -> Result<(), String> {
        const OVERRIDES: [&str; 2] = ["InstallOverrideList", "BaselineOverride"];
        let given = |name: &&str| self == Self::RunPatchBaseline && !self.text(parameters, name).is_empty();
        match OVERRIDES.iter().find(|name| given(name)) {
            Some(name) => Err(format!(
                "Parameter {name} is not supported: the estate installs what the baseline approves; leave it out."
            )),
            None => Ok(()),
        }
    }
}

impl Parameter {
    fn check(&self, values: &Value) -> Result<(), String> {
        let list = values.as_array().map(Vec::as_slice).unwrap_or_default();
        let one = match self.kind {
            ParameterKind::Lines => return if list.is_empty() { Err(self.refuse(values)) } else { Ok(()) },
            _ if list.len() != 1 => return Err(self.refuse(values)),
            _ => list[0].as_str().unwrap_or_default(),
        };
        let fits = match self.kind {
            ParameterKind::Text | ParameterKind::Lines => true,
            ParameterKind::OneOf(choices) => choices.contains(&one),
            // The document's pattern allows 1 to 172,800 seconds.
            ParameterKind::Seconds => one.parse().is_ok_and(|seconds: u32| (1..=172_800).contains(&seconds)),
            ParameterKind::Uuid => one.is_empty() || super::CommandId::parse(one).is_some(),
        };
        if fits { Ok(()) } else { Err(self.refuse(&Value::from(one))) }
    }

    fn refuse(&self, value: &Value) -> String {
        match self.kind {
            ParameterKind::OneOf(choices) => format!(
                "Parameter {} has value {value} not in the allowed values: [{}].",
                self.name,
                choices.join(", ")
            ),
            _ => format!("Parameter {} has a value {value} that its pattern does not allow.", self.name),
        }
    }
}
