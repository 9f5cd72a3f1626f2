//! What a function is run with, and what Lambda takes of it.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::json;

/// Characters of a description at most.
pub const MOST_DESCRIPTION: usize = 256;
/// Characters of a handler at most.
const MOST_HANDLER: usize = 128;
/// MiB of memory.
const MEMORY: std::ops::RangeInclusive<u32> = 128..=10_240;
/// Seconds an invocation may take.
const TIME_OUT: std::ops::RangeInclusive<u32> = 1..=900;
/// MiB below `/tmp`.
const EPHEMERAL_STORAGE: std::ops::RangeInclusive<u32> = 512..=10_240;
/// Layers at most.
const MOST_LAYERS: usize = 5;
/// Bytes of all variables together, written as JSON, at most: 4 KB.
const MOST_VARIABLES: usize = 4 * 1024;
/// Subnets and security groups at most.
const MOST_SUBNETS: usize = 16;
const MOST_GROUPS: usize = 5;
/// Variables that Lambda sets itself. Source: Lambda Developer Guide, "Using Lambda environment variables".
const RESERVED: [&str; 14] = [
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_TASK_ROOT",
    "_HANDLER",
];

/// The processor a function's code is built for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Architecture {
    /// Graviton, 64-bit ARM.
    #[default]
    Arm64,
    /// 64-bit x86.
    X86,
}

impl Architecture {
    /// In Lambda's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86 => "x86_64",
        }
    }
}

/// Whether X-Ray sees what a function does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tracing {
    /// Where its caller traces.
    #[default]
    PassThrough,
    /// A sample of all invocations.
    Active,
}

impl Tracing {
    /// In Lambda's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PassThrough => "PassThrough",
            Self::Active => "Active",
        }
    }
}

/// How a function's log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// As the function writes it.
    #[default]
    Text,
    /// Each line as an object.
    Json,
}

impl LogFormat {
    /// In Lambda's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::Json => "JSON",
        }
    }
}

/// Where in a VPC a function runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Its subnets, by id, in order.
    pub subnets: Vec<String>,
    /// Its security groups, by id, in order.
    pub security_groups: Vec<String>,
}

/// Variables of a function, by name. Their values may be secrets, and are not shown by accident.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Variables(pub BTreeMap<String, String>);

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What a function is run with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// The runtime: `provided.al2023` for a `bootstrap` of one's own.
    pub runtime: String,
    /// What the runtime is to call.
    pub handler: String,
    /// ARN of the role it acts in.
    pub role: String,
    /// What people wrote about it.
    pub description: String,
    /// What its code is built for.
    pub architecture: Architecture,
    /// Its memory, in MiB: 128 to 10,240; its share of a processor grows with it.
    pub memory_mib: u32,
    /// How long an invocation may take, in seconds: 1 to 900.
    pub timeout_seconds: u32,
    /// What it may keep below `/tmp`, in MiB: 512 to 10,240.
    pub ephemeral_storage_mib: u32,
    /// Its variables.
    pub variables: Variables,
    /// ARNs of versions of layers, in the order they are unpacked; five at most.
    pub layers: Vec<String>,
    /// ARN of the queue or topic that gets events it failed to handle.
    pub dead_letters: Option<String>,
    /// Whether X-Ray sees what it does.
    pub tracing: Tracing,
    /// Where in a VPC it runs; outside of any without.
    pub network: Option<Network>,
    /// ARN of the key its variables are encrypted with; AWS's own without.
    pub kms_key: Option<String>,
    /// How its log is written.
    pub log_format: LogFormat,
    /// Its log group; `/aws/lambda/` and its name without.
    pub log_group: Option<String>,
}

impl Default for Configuration {
    /// What Lambda takes where nothing is said, and a runtime of one's own for ARM.
    fn default() -> Self {
        Self {
            runtime: "provided.al2023".to_owned(),
            handler: "bootstrap".to_owned(),
            role: String::new(),
            description: String::new(),
            architecture: Architecture::default(),
            memory_mib: 128,
            timeout_seconds: 3,
            ephemeral_storage_mib: 512,
            variables: Variables::default(),
            layers: Vec::new(),
            dead_letters: None,
            tracing: Tracing::default(),
            network: None,
            kms_key: None,
            log_format: LogFormat::default(),
            log_group: None,
        }
    }
}

/// What Lambda would refuse in a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {fault}")]
pub struct Fault {
    /// Of what.
    pub what: &'static str,
    /// What is wrong, with what would be right. Never a value of a variable.
    pub fault: String,
}

/// Whether an ARN is one of this service with a resource that begins so.
fn is_arn_of(arn: &str, service: &str, resource: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    matches!(parts[..], ["arn", partition, of, region, account, rest]
        if partition.starts_with("aws") && of == service && !region.is_empty() && account.len() == 12
            && account.bytes().all(|b| b.is_ascii_digit()) && rest.starts_with(resource) && rest.len() > resource.len())
}

/// A version of a layer: `arn:aws:lambda:eu-west-1:111122223333:layer:tools:3`.
fn is_layer(arn: &str) -> bool {
    let version = arn.rsplit(':').next().unwrap_or_default();
    is_arn_of(arn, "lambda", "layer:")
        && arn.split(':').count() == 8
        && version.parse::<u64>().is_ok_and(|number| number > 0)
}

fn is_id(id: &str, prefix: &str) -> bool {
    id.strip_prefix(prefix).is_some_and(|rest| {
        !rest.is_empty() && rest.len() <= 64 && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    })
}

impl Configuration {
    /// Everything that Lambda would refuse; nothing where it can be sent.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut wrong = |what: &'static str, fault: String| faults.push(Fault { what, fault });
        let text = |name: &str, most: usize| {
            let length = name.chars().count();
            let odd = length == 0 || length > most || name.contains(char::is_whitespace);
            odd.then(|| format!("{name:?} is none of 1 to {most} characters without blanks"))
        };
        for (what, value, most) in [("runtime", &self.runtime, 64), ("handler", &self.handler, MOST_HANDLER)]
        {
            if let Some(fault) = text(value, most) {
                wrong(what, fault);
            }
        }
        if !(self.role.starts_with("arn:") && self.role.contains(":role/")) {
            wrong("role", format!("{:?} is not the ARN of a role", self.role));
        }
        let length = self.description.chars().count();
        if length > MOST_DESCRIPTION {
            wrong("description", format!("it has {length} characters, more than {MOST_DESCRIPTION}"));
        }
        for (what, unit, value, bounds) in [
            ("memory", "MiB", self.memory_mib, MEMORY),
            ("time-out", "s", self.timeout_seconds, TIME_OUT),
            ("ephemeral storage", "MiB", self.ephemeral_storage_mib, EPHEMERAL_STORAGE),
        ] {
            if !bounds.contains(&value) {
                wrong(what, format!("{value} {unit} is not {} to {} {unit}", bounds.start(), bounds.end()));
            }
        }
        faults.extend(self.faults_of_variables());
        faults.extend(self.faults_of_surroundings());
        faults
    }

    fn faults_of_variables(&self) -> Vec<Fault> {
        let fault = |fault: String| Fault { what: "variables", fault };
        let mut faults = Vec::new();
        for name in self.variables.0.keys() {
            let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
            let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if RESERVED.contains(&name.as_str()) {
                faults.push(fault(format!("{name} is one that Lambda sets itself")));
            } else if !(begins && plain && name.len() > 1) {
                let shown: String = name.chars().take(100).collect();
                faults.push(fault(format!(
                    "{shown:?} is no name: two or more letters, digits and '_', the first a letter"
                )));
            }
        }
        let bytes = if self.variables.0.is_empty() { 0 } else { json!(self.variables.0).to_string().len() };
        if bytes > MOST_VARIABLES {
            faults.push(fault(format!(
                "together they have {bytes} bytes, more than {MOST_VARIABLES} (4 KB); keep what is large in Parameter Store"
            )));
        }
        faults
    }

    fn faults_of_surroundings(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut wrong = |what: &'static str, fault: String| faults.push(Fault { what, fault });
        if self.layers.len() > MOST_LAYERS {
            wrong("layers", format!("{} are more than the {MOST_LAYERS} a function has", self.layers.len()));
        }
        for arn in self.layers.iter().filter(|arn| !is_layer(arn)) {
            wrong("layers", format!("{arn:?} is not the ARN of a version of a layer"));
        }
        if let Some(arn) = &self.dead_letters
            && !is_arn_of(arn, "sqs", "")
            && !is_arn_of(arn, "sns", "")
        {
            wrong("dead letters", format!("{arn:?} is not the ARN of an SQS queue or an SNS topic"));
        }
        if let Some(arn) = &self.kms_key
            && !is_arn_of(arn, "kms", "key/")
            && !is_arn_of(arn, "kms", "alias/")
        {
            wrong("KMS key", format!("{arn:?} is not the ARN of a key"));
        }
        let Some(network) = &self.network else { return faults };
        for (what, ids, prefix, most) in [
            ("subnets", &network.subnets, "subnet-", MOST_SUBNETS),
            ("security groups", &network.security_groups, "sg-", MOST_GROUPS),
        ] {
            if ids.is_empty() || ids.len() > most {
                let count = ids.len();
                wrong(what, format!("{count} of them: in a VPC a function has 1 to {most}"));
            }
            for id in ids.iter().filter(|id| !is_id(id, prefix)) {
                wrong(what, format!("{id:?} does not begin with {prefix}"));
            }
        }
        faults
    }

    /// What of it would become another, in words; nothing where both are the same.
    pub fn differences(&self, wanted: &Self) -> Vec<&'static str> {
        let differs = [
            ("runtime", self.runtime != wanted.runtime),
            ("handler", self.handler != wanted.handler),
            ("role", self.role != wanted.role),
            ("description", self.description != wanted.description),
            ("architecture", self.architecture != wanted.architecture),
            ("memory", self.memory_mib != wanted.memory_mib),
            ("time-out", self.timeout_seconds != wanted.timeout_seconds),
            ("ephemeral storage", self.ephemeral_storage_mib != wanted.ephemeral_storage_mib),
            ("variables", self.variables != wanted.variables),
            ("layers", self.layers != wanted.layers),
            ("dead letters", self.dead_letters != wanted.dead_letters),
            ("tracing", self.tracing != wanted.tracing),
            ("network", self.network != wanted.network),
            ("KMS key", self.kms_key != wanted.kms_key),
            ("log format", self.log_format != wanted.log_format),
            ("log group", self.log_group != wanted.log_group),
        ];
        differs.into_iter().filter(|(_, differs)| *differs).map(|(what, _)| what).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Configuration {
        Configuration {
            role: "arn:aws:iam::111122223333:role/worker".to_owned(),
            variables: Variables(BTreeMap::from([("TOKEN".to_owned(), "hunter2".to_owned())])),
            layers: vec!["arn:aws:lambda:eu-west-1:111122223333:layer:tools:3".to_owned()],
            dead_letters: Some("arn:aws:sqs:eu-west-1:111122223333:dead".to_owned()),
            network: Some(Network {
                subnets: vec!["subnet-0a".to_owned()],
                security_groups: vec!["sg-0b".to_owned()],
            }),
            kms_key: Some("arn:aws:kms:eu-west-1:111122223333:key/1-2".to_owned()),
            ..Configuration::default()
        }
    }

    fn faults(change: impl FnOnce(&mut Configuration)) -> Vec<&'static str> {
        let mut changed = good();
        change(&mut changed);
        changed.faults().into_iter().map(|fault| fault.what).collect()
    }

    #[test]
    fn bounds_are_those_of_lambda_and_both_ends_are_inside() {
        assert_eq!(good().faults(), []);
        for (inside, outside) in
            [((128, 1, 512), (127, 0, 511)), ((10_240, 900, 10_240), (10_241, 901, 10_241))]
        {
            let set = |it: &mut Configuration, (memory, seconds, storage)| {
                (it.memory_mib, it.timeout_seconds, it.ephemeral_storage_mib) = (memory, seconds, storage);
            };
            assert_eq!(faults(|it| set(it, inside)), [""; 0]);
            assert_eq!(faults(|it| set(it, outside)), ["memory", "time-out", "ephemeral storage"]);
        }
        assert_eq!(faults(|it| it.description = "x".repeat(257)), ["description"]);
        assert_eq!(faults(|it| it.handler = "a b".to_owned()), ["handler"]);
        assert_eq!(faults(|it| it.role = "worker".to_owned()), ["role"]);
    }

    #[test]
    fn arns_are_of_what_they_have_to_be() {
        for arn in [
            "arn:aws:lambda:eu-west-1:111122223333:layer:tools",
            "tools:3",
            "arn:aws:lambda:eu-west-1:1:layer:t:1",
        ] {
            assert_eq!(faults(|it| it.layers = vec![arn.to_owned()]), ["layers"], "{arn}");
        }
        let six = vec![good().layers[0].clone(); 6];
        assert_eq!(faults(|it| it.layers = six), ["layers"]);
        let lambda = "arn:aws:lambda:eu-west-1:111122223333:function:x".to_owned();
        assert_eq!(faults(|it| it.dead_letters = Some(lambda.clone())), ["dead letters"]);
        assert_eq!(faults(|it| it.kms_key = Some(lambda)), ["KMS key"]);
        let topic = "arn:aws-cn:sns:cn-north-1:111122223333:dead".to_owned();
        assert_eq!(faults(|it| it.dead_letters = Some(topic)), [""; 0]);
        let half = Network { subnets: vec!["subnet-1".to_owned()], security_groups: Vec::new() };
        assert_eq!(faults(|it| it.network = Some(half)), ["security groups"]);
        let turned =
            Network { subnets: vec!["sg-1".to_owned()], security_groups: vec!["subnet-1".to_owned()] };
        assert_eq!(faults(|it| it.network = Some(turned)), ["subnets", "security groups"]);
    }

    #[test]
    fn variables_have_four_kilobytes_and_no_names_of_lambdas_own_and_no_fault_shows_a_value() {
        let with = |name: &str, value: String| {
            let mut changed = good();
            changed.variables.0.insert(name.to_owned(), value);
            changed
        };
        for (name, why) in
            [("AWS_REGION", "sets itself"), ("1A", "no name"), ("A", "no name"), ("A-B", "no name")]
        {
            let [fault] = &with(name, "hunter3".to_owned()).faults()[..] else { panic!("{name}: one fault") };
            assert!(fault.to_string().contains(why) && !fault.to_string().contains("hunter"), "{fault}");
        }
        // {"BIG":"…","TOKEN":"hunter2"} has 28 bytes more than the value.
        assert_eq!(with("BIG", "x".repeat(MOST_VARIABLES - 28)).faults(), []);
        let [fault] = &with("BIG", "x".repeat(MOST_VARIABLES - 27)).faults()[..] else { panic!("one fault") };
        assert!(fault.to_string().contains("4097 bytes"), "{fault}");
        assert!(!format!("{:?}", good()).contains("hunter2"));
    }

    #[test]
    fn what_differs_is_named() {
        let other = Configuration { memory_mib: 256, kms_key: None, ..good() };
        assert_eq!(good().differences(&other), ["memory", "KMS key"]);
        assert_eq!(good().differences(&good()), [""; 0]);
    }
}
