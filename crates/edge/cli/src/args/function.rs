//! Flags about functions of Lambda.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use jiff::SignedDuration;

use super::{OutputFormat, PlaceArgs, PlaceChangeArgs, PublishArgs};

/// `fleetwright cloud function …`.
#[derive(Debug, Subcommand)]
pub enum FunctionCommand {
    /// Package a file or a directory as an archive for Lambda; needs no AWS
    #[command(long_about = PACKAGE_ABOUT)]
    Package(FunctionPackageArgs),
    /// Show the functions of a hub, or write them for `create` and `update`; needs no AWS
    #[command(long_about = READY_ABOUT)]
    Ready(Box<FunctionReadyArgs>),
    /// Make a function of code and configuration that were checked
    #[command(long_about = CREATE_ABOUT)]
    Create(Box<FunctionCreateArgs>),
    /// Change configuration or code of a function, one after the other
    #[command(long_about = UPDATE_ABOUT)]
    Update(Box<FunctionUpdateArgs>),
    /// Publish a version of a function as it is
    #[command(long_about = PUBLISH_ABOUT)]
    Publish(Box<FunctionPublishArgs>),
    /// List the versions of a function, the newest first
    Versions(Box<FunctionVersionsArgs>),
    /// Show a function, or a version of it
    #[command(long_about = DESCRIBE_ABOUT)]
    Describe(Box<FunctionDescribeArgs>),
    /// List the functions of the account and region
    List(Box<FunctionListArgs>),
    /// Delete a function with its versions, or one version: NAME:3
    Delete(Box<FunctionDeleteArgs>),
    /// Run a function, and show its answer
    #[command(long_about = INVOKE_ABOUT)]
    Invoke(Box<FunctionInvokeArgs>),
}

const PACKAGE_ABOUT: &str = "\
Package a file or a directory as an archive for Lambda. The same files make the same bytes, whenever and wherever:
they lie in the order of their names, with one time for all. A file named bootstrap at the top can be run, and so
can what its owner can run. Links are followed where they stay in the directory, and refused where they leave it.
Refused as well: more than 250 MB unpacked. What is larger than 50 MB cannot be uploaded directly: put it into a
bucket, and name it with --bucket and --key.

The digest that is shown is the one Lambda keeps of the archive (CodeSha256).

Examples:
  fleetwright cloud function package target/lambda/bootstrap --out functions.zip
  fleetwright cloud function package build/ --out worker.zip --output json
Exit code 15: it cannot be packaged.";

const READY_ABOUT: &str = "\
Show the functions that patch a fleet from a hub, as the hub's template configures them: handler, memory, time-out,
variables. With --out each is written as a file that `create --from` and `update --from` take, and the AWS CLI
(aws lambda create-function --cli-input-json): so they can be made and changed one by one, without CloudFormation.

What a hub names by itself (its table, bucket, topic, roles and logs) follows from --environment, --account and
--region; the rest, and what is to be another, is said with --value. Without --out it is shown what that is.
Secrets are named by ARN and are in no file.

Examples:
  fleetwright cloud function ready
  fleetwright cloud function ready turn gate --environment prod --account 111122223333 --region eu-central-1 \\
    --value Key.Arn=ARN --value ExternalIdSecret=ARN --value ApprovalKeySecret=ARN --value AuditKeySecret=ARN \\
    --value ApprovalsApi.ApiEndpoint=https://patching.example.org --out functions
  fleetwright cloud function create fleetwright-prod-turn --from functions/fleetwright-prod-turn.json \\
    --code functions.zip --landing-zones hub --regions eu-central-1";

const CREATE_ABOUT: &str = "\
Make a function, and wait until it can be invoked. Everything is checked first; where something is wrong, nothing is
called. A function of that name that is the same already, code and configuration, is left alone; another one is not
touched (`update` does that).

The code is an archive (.zip), or a file or directory that is packaged on the way; or lies in a bucket of the
function's region. --from reads a configuration in the form of CreateFunction, JSON or YAML; flags go before it.
Secrets belong into --variables: what is said with --variable can be seen by others on this machine.

Examples:
  fleetwright cloud function create worker --code target/lambda/bootstrap --role worker --memory 512 --time-out 60 \\
    --landing-zones hub --regions eu-central-1
  fleetwright cloud function create worker --bucket fleet-code --key worker.zip --role worker --tracing active \\
    --variables worker.yaml --dead-letters arn:aws:sqs:eu-central-1:111122223333:worker-dead \\
    --publish 'first version' --landing-zones hub --regions eu-central-1";

const UPDATE_ABOUT: &str = "\
Change a function: only what is given, and only where it differs from what is there. The configuration comes first;
when it is in effect, the code follows, because Lambda takes one change at a time. Who changes the same function
meanwhile makes this fail, and is not overwritten. `none` takes away layers, dead letters, subnets, key or log group.

Examples:
  fleetwright cloud function update worker --code build/ --publish 'waves of 50' --landing-zones hub --regions eu-central-1
  fleetwright cloud function update worker --memory 1024 --subnet none --landing-zones hub --regions eu-central-1 --dry-run";

const PUBLISH_ABOUT: &str = "\
Publish a version of a function as it is: code and configuration stay as they are now. Where nothing changed since
the last version, that one is found again.

Example:
  fleetwright cloud function publish worker --description 'waves of 50' --landing-zones hub --regions eu-central-1";

const DESCRIBE_ABOUT: &str = "\
Show a function, or with a colon a version of it. Of variables, names alone are shown unless --with-variables is
given: secrets may be in them.

Examples:
  fleetwright cloud function describe worker --landing-zones hub --regions eu-central-1
  fleetwright cloud function describe worker:3 --output json --landing-zones hub --regions eu-central-1";

const INVOKE_ABOUT: &str = "\
Run a function once and show its answer, as it is, on standard output. It is never sent twice. --log-tail shows the
last 4 KB of its log on standard error, without what looks like a secret. With --async nobody waits: Lambda runs it
later, and again where it fails. With --dry-run it is asked whether it could be run, and nothing is.

The event is JSON: {…}, […] or a text in quotes as it is, - for standard input, anything else is a file. Up to 6 MB,
with --async up to 1 MB.

Examples:
  fleetwright cloud function invoke worker --payload '{\"host\": \"i-1\"}' --log-tail --landing-zones hub --regions eu-central-1
  fleetwright cloud function invoke worker:3 --payload event.json --async --landing-zones hub --regions eu-central-1
Exit code 22: the function failed.";

/// The processor a function's code is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ArchitectureName {
    /// Graviton, 64-bit ARM.
    Arm64,
    /// 64-bit x86.
    #[value(name = "x86_64")]
    X86,
}

/// Whether X-Ray sees what a function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TracingMode {
    /// A sample of all invocations.
    Active,
    /// Where its caller traces.
    PassThrough,
}

/// How a function's log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogForm {
    /// As the function writes it.
    Text,
    /// Each line as an object.
    Json,
}

/// What a function runs.
#[derive(Args, Clone, Debug, Default)]
pub struct FunctionCodeArgs {
    /// Its code: an archive (.zip), or a file or directory that is packaged
    #[arg(long, value_name = "PATH", conflicts_with_all = ["bucket", "key"], help_heading = "Code")]
    pub code: Option<PathBuf>,
    /// The bucket its code lies in
    #[arg(long, value_name = "BUCKET", requires = "key", help_heading = "Code")]
    pub bucket: Option<String>,
    /// The key of its archive in that bucket
    #[arg(long, value_name = "KEY", requires = "bucket", help_heading = "Code")]
    pub key: Option<String>,
    /// The version of that object, where the bucket keeps several
    #[arg(long, value_name = "VERSION", requires = "bucket", help_heading = "Code")]
    pub object_version: Option<String>,
    /// The digest of that object as `package` shows it, by which it is known whether the function runs it already
    #[arg(long, value_name = "BASE64", requires = "bucket", help_heading = "Code")]
    pub code_sha256: Option<String>,
}

/// What a function is run with.
#[derive(Args, Clone, Debug, Default)]
pub struct FunctionSettingsArgs {
    /// A configuration in the form of CreateFunction, as JSON or YAML; flags go before it
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    pub from: Option<PathBuf>,
    /// The role it acts in: a name, or an ARN
    #[arg(long, value_name = "ROLE", help_heading = "Configuration")]
    pub role: Option<String>,
    /// Its runtime [default: provided.al2023]
    #[arg(long, value_name = "NAME", help_heading = "Configuration")]
    pub runtime: Option<String>,
    /// What the runtime is to call [default: bootstrap]
    #[arg(long, value_name = "HANDLER", help_heading = "Configuration")]
    pub handler: Option<String>,
    /// What is said of it
    #[arg(long, value_name = "TEXT", help_heading = "Configuration")]
    pub description: Option<String>,
    /// What its code is built for [default: arm64]
    #[arg(long, value_enum, help_heading = "Configuration")]
    pub architecture: Option<ArchitectureName>,
    /// Its memory in MiB, 128 to 10240 [default: 128]
    #[arg(long, value_name = "MIB", help_heading = "Configuration")]
    pub memory: Option<u32>,
    /// How long an invocation may take in seconds, 1 to 900 [default: 3]
    #[arg(long, value_name = "SECONDS", help_heading = "Configuration")]
    pub time_out: Option<u32>,
    /// What it may keep below /tmp in MiB, 512 to 10240 [default: 512]
    #[arg(long, value_name = "MIB", help_heading = "Configuration")]
    pub ephemeral_storage: Option<u32>,
    /// A file with all its variables: an object of texts, JSON or YAML
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    pub variables: Option<PathBuf>,
    /// A variable besides; no secret, because others can see it; may be given several times
    #[arg(long = "variable", value_name = "NAME=VALUE", help_heading = "Configuration")]
    pub more_variables: Vec<String>,
    /// A version of a layer by ARN, or none; up to five, in their order
    #[arg(long = "layer", value_name = "ARN", help_heading = "Configuration")]
    pub layers: Vec<String>,
    /// The queue (SQS) or topic (SNS) that gets what it fails to handle, by ARN, or none
    #[arg(long, value_name = "ARN", help_heading = "Configuration")]
    pub dead_letters: Option<String>,
    /// Whether X-Ray sees what it does [default: pass-through]
    #[arg(long, value_enum, help_heading = "Configuration")]
    pub tracing: Option<TracingMode>,
    /// A subnet of the VPC it runs in, or none; with a security group
    #[arg(long = "subnet", value_name = "ID", help_heading = "Configuration")]
    pub subnets: Vec<String>,
    /// A security group of it
    #[arg(long = "security-group", value_name = "ID", requires = "subnets", help_heading = "Configuration")]
    pub security_groups: Vec<String>,
    /// The key its variables are encrypted with, by ARN, or none
    #[arg(long, value_name = "ARN", help_heading = "Configuration")]
    pub kms_key: Option<String>,
    /// How its log is written [default: text]
    #[arg(long, value_enum, help_heading = "Configuration")]
    pub log_style: Option<LogForm>,
    /// Its log group, or none for /aws/lambda/NAME
    #[arg(long, value_name = "NAME", help_heading = "Configuration")]
    pub log_group: Option<String>,
}

/// How long Lambda is given.
#[derive(Args, Clone, Copy, Debug)]
pub struct FunctionPatienceArgs {
    /// How long Lambda may take to bring a change into effect
    #[arg(long, value_name = "DURATION", default_value = "10m")]
    pub wait: SignedDuration,
}

/// `fleetwright cloud function package`.
#[derive(Args, Clone, Debug)]
pub struct FunctionPackageArgs {
    /// The file, or the directory
    pub path: PathBuf,
    /// Where the archive is written
    #[arg(long, value_name = "FILE", default_value = "function.zip")]
    pub out: PathBuf,
    /// The form of what is written to standard output
    #[arg(short, long, value_enum)]
    pub output: Option<OutputFormat>,
}

/// `fleetwright cloud function ready`.
#[derive(Args, Clone, Debug)]
pub struct FunctionReadyArgs {
    /// The functions that are meant, by handler [default: all]
    pub names: Vec<String>,
    /// The environment of the hub
    #[arg(long, value_name = "NAME")]
    pub environment: Option<String>,
    /// The account of the hub
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// The region of the hub
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// What a parameter or resource of the template is; may be given several times
    #[arg(long = "value", value_name = "NAME=VALUE")]
    pub values: Vec<String>,
    /// Write them into this directory
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Replace files that differ
    #[arg(long, requires = "out")]
    pub force: bool,
    /// The form of what is written to standard output
    #[arg(short, long, value_enum)]
    pub output: Option<OutputFormat>,
}

/// `fleetwright cloud function create`.
#[derive(Args, Clone, Debug)]
pub struct FunctionCreateArgs {
    /// Its name
    pub name: String,
    /// What it runs.
    #[command(flatten)]
    pub code: FunctionCodeArgs,
    /// What it is run with.
    #[command(flatten)]
    pub settings: FunctionSettingsArgs,
    /// Whether a version is published.
    #[command(flatten)]
    pub publish: PublishArgs,
    /// How long Lambda is given.
    #[command(flatten)]
    pub patience: FunctionPatienceArgs,
    /// What is common.
    #[command(flatten)]
    pub change: PlaceChangeArgs,
}

/// `fleetwright cloud function update`.
#[derive(Args, Clone, Debug)]
pub struct FunctionUpdateArgs {
    /// Its name
    pub name: String,
    /// What it runs.
    #[command(flatten)]
    pub code: FunctionCodeArgs,
    /// What it is run with.
    #[command(flatten)]
    pub settings: FunctionSettingsArgs,
    /// Whether a version is published.
    #[command(flatten)]
    pub publish: PublishArgs,
    /// How long Lambda is given.
    #[command(flatten)]
    pub patience: FunctionPatienceArgs,
    /// What is common.
    #[command(flatten)]
    pub change: PlaceChangeArgs,
}

/// `fleetwright cloud function publish`.
#[derive(Args, Clone, Debug)]
pub struct FunctionPublishArgs {
    /// Its name
    pub name: String,
    /// What is said of the version
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// How long Lambda is given.
    #[command(flatten)]
    pub patience: FunctionPatienceArgs,
    /// What is common.
    #[command(flatten)]
    pub change: PlaceChangeArgs,
}

/// `fleetwright cloud function versions`.
#[derive(Args, Clone, Debug)]
pub struct FunctionVersionsArgs {
    /// Its name
    pub name: String,
    /// The place and the output.
    #[command(flatten)]
    pub args: PlaceArgs,
}

/// `fleetwright cloud function describe`.
#[derive(Args, Clone, Debug)]
pub struct FunctionDescribeArgs {
    /// Its name, or a version: NAME:3
    #[arg(value_name = "NAME[:VERSION]")]
    pub function: String,
    /// Show the values of its variables as well; secrets may be in them
    #[arg(long)]
    pub with_variables: bool,
    /// The place and the output.
    #[command(flatten)]
    pub args: PlaceArgs,
}

/// `fleetwright cloud function list`.
#[derive(Args, Clone, Debug)]
pub struct FunctionListArgs {
    /// Those whose names begin so
    #[arg(long, value_name = "TEXT")]
    pub prefix: Option<String>,
    /// The place and the output.
    #[command(flatten)]
    pub args: PlaceArgs,
}

/// `fleetwright cloud function delete`.
#[derive(Args, Clone, Debug)]
pub struct FunctionDeleteArgs {
    /// Its name, or a version: NAME:3
    #[arg(value_name = "NAME[:VERSION]")]
    pub function: String,
    /// What is common.
    #[command(flatten)]
    pub change: PlaceChangeArgs,
}

/// `fleetwright cloud function invoke`.
#[derive(Args, Clone, Debug)]
pub struct FunctionInvokeArgs {
    /// Its name, or a version: NAME:3
    #[arg(value_name = "NAME[:VERSION]")]
    pub function: String,
    /// The event: JSON, a file with it, or - for standard input [default: {}]
    #[arg(long, value_name = "JSON|FILE|-")]
    pub payload: Option<String>,
    /// Do not wait for its answer
    #[arg(long = "async", conflicts_with = "log_tail")]
    pub queue: bool,
    /// Show the end of its log
    #[arg(long)]
    pub log_tail: bool,
    /// How long its answer is waited for
    #[arg(long, value_name = "DURATION", default_value = "15m")]
    pub wait: SignedDuration,
    /// What is common.
    #[command(flatten)]
    pub change: PlaceChangeArgs,
}

impl FunctionCommand {
    /// The form of what is written to standard output, where one was asked for.
    pub fn output(&self) -> Option<OutputFormat> {
        match self {
            Self::Package(args) => args.output,
            Self::Ready(args) => args.output,
            other => other.args().and_then(|args| args.output),
        }
    }

    /// The place and the output; none where it needs no AWS.
    pub fn args(&self) -> Option<&PlaceArgs> {
        match self {
            Self::Package(_) | Self::Ready(_) => None,
            Self::Create(args) => Some(&args.change.args),
            Self::Update(args) => Some(&args.change.args),
            Self::Publish(args) => Some(&args.change.args),
            Self::Delete(args) => Some(&args.change.args),
            Self::Invoke(args) => Some(&args.change.args),
            Self::Versions(args) => Some(&args.args),
            Self::Describe(args) => Some(&args.args),
            Self::List(args) => Some(&args.args),
        }
    }

    /// What is common to a command that changes something, and the command's name.
    pub fn change(&self) -> Option<(&PlaceChangeArgs, &'static str)> {
        match self {
            Self::Create(args) => Some((&args.change, "cloud function create")),
            Self::Update(args) => Some((&args.change, "cloud function update")),
            Self::Publish(args) => Some((&args.change, "cloud function publish")),
            Self::Delete(args) => Some((&args.change, "cloud function delete")),
            Self::Invoke(args) => Some((&args.change, "cloud function invoke")),
            Self::Package(_) | Self::Ready(_) | Self::Versions(_) | Self::Describe(_) | Self::List(_) => None,
        }
    }
}
