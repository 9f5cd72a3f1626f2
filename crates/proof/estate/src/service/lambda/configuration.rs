//! Configurations and archives: out of requests, and as the service shows them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{arn, invalid};
use crate::call::{ApiError, Call};
use crate::world::World;
use crate::world::functions::{Code, Configuration, Function, Version};

/// Bytes of an archive that is in the request, at most (Lambda developer guide, "Lambda quotas").
const MAX_ARCHIVE_BYTES: usize = 50 * 1_024 * 1_024;
/// Bytes of all variables together, at most.
const MAX_ENVIRONMENT_BYTES: usize = 4 * 1_024;

/// Members that are kept and shown, and change nothing here.
const KEPT: [&str; 8] = [
    "DeadLetterConfig",
    "EphemeralStorage",
    "KMSKeyArn",
    "Layers",
    "LoggingConfig",
    "SnapStart",
    "TracingConfig",
    "VpcConfig",
];

/// Variables that Lambda sets itself.
const RESERVED: [&str; 12] = [
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_TASK_ROOT",
    "_HANDLER",
];

/// A configuration before anybody says anything of it.
pub(super) fn fresh() -> Configuration {
    Configuration {
        runtime: String::new(),
        role: String::new(),
        handler: String::new(),
        description: String::new(),
        timeout_seconds: 3,
        memory_mb: 128,
        environment: std::collections::BTreeMap::new(),
        architecture: "x86_64".to_owned(),
        kept: Map::new(),
    }
}

/// Changes a configuration as a request says; what it does not name stays.
pub(super) fn read(configuration: &mut Configuration, document: &Value) -> Result<(), ApiError> {
    for (member, place) in [
        ("Runtime", &mut configuration.runtime),
        ("Role", &mut configuration.role),
        ("Handler", &mut configuration.handler),
        ("Description", &mut configuration.description),
    ] {
        if let Some(text) = text(document, member)? {
            text.clone_into(place);
        }
    }
    if let Some(seconds) = number(document, "Timeout", 1, 900)? {
        configuration.timeout_seconds = seconds;
    }
    if let Some(megabytes) = number(document, "MemorySize", 128, 10_240)? {
        configuration.memory_mb = megabytes;
    }
    if let Some(variables) = document.pointer("/Environment/Variables").and_then(Value::as_object) {
        configuration.environment = environment(variables)?;
    }
    if let Some(architecture) = document.pointer("/Architectures/0") {
        let architecture = architecture.as_str().filter(|it| ["x86_64", "arm64"].contains(it));
        let architecture =
            architecture.ok_or_else(|| invalid("Architectures must be [x86_64] or [arm64]"))?;
        architecture.clone_into(&mut configuration.architecture);
    }
    for name in KEPT {
        match document.get(name) {
            None | Some(Value::Null) => {}
            Some(value) => drop(configuration.kept.insert(name.to_owned(), value.clone())),
        }
    }
    Ok(())
}

fn text<'d>(document: &'d Value, member: &str) -> Result<Option<&'d str>, ApiError> {
    match &document[member] {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        _ => Err(ApiError::new(400, "SerializationException", format!("{member} must be a text"))),
    }
}

fn number(document: &Value, member: &str, least: u64, most: u64) -> Result<Option<u64>, ApiError> {
    let given = &document[member];
    if given.is_null() {
        return Ok(None);
    }
    let number = given.as_u64().filter(|number| (least..=most).contains(number));
    number.map(Some).ok_or_else(|| {
        let mut spelled = member.to_owned();
        spelled[..1].make_ascii_lowercase();
        ApiError::new(
            400,
            "ValidationException",
            format!(
                "1 validation error detected: Value '{given}' at '{spelled}' failed to satisfy constraint: Member must \
                 have value from {least} to {most}"
            ),
        )
    })
}

fn environment(
    variables: &Map<String, Value>,
) -> Result<std::collections::BTreeMap<String, String>, ApiError> {
    let reserved: Vec<&str> =
        variables.keys().map(String::as_str).filter(|name| RESERVED.contains(name)).collect();
    if !reserved.is_empty() {
        return Err(invalid(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have \
             provided contains reserved keys that are currently not supported for modification. Reserved keys used in \
             this request: {}",
            reserved.join(", ")
        )));
    }
    let bytes = Value::from(variables.clone()).to_string().len();
    if bytes > MAX_ENVIRONMENT_BYTES {
        return Err(invalid(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have \
             provided exceeded the 4KB limit. String measured: {bytes} bytes"
        )));
    }
    let pair = |(name, value): (&String, &Value)| {
        let value = value.as_str().ok_or_else(|| {
            ApiError::new(400, "SerializationException", format!("the variable {name} must be a text"))
        })?;
        Ok((name.clone(), value.to_owned()))
    };
    variables.iter().map(pair).collect()
}

/// The archive of a request: `document` is `Code` of a new function, and the request itself of an update.
pub(super) fn archive(world: &World, call: &Call, document: &Value) -> Result<Code, ApiError> {
    for odd in ["S3ObjectVersion", "ImageUri"] {
        if !document[odd].is_null() {
            return Err(invalid(format!(
                "{odd} is not supported by the estate; give a ZipFile, or one in S3"
            )));
        }
    }
    if let (Some(bucket), Some(key)) = (text(document, "S3Bucket")?, text(document, "S3Key")?) {
        return code(&object(world, call, bucket, key)?);
    }
    let text =
        text(document, "ZipFile")?.ok_or_else(|| invalid("Please provide a source for function code."))?;
    let bytes = STANDARD
        .decode(text)
        .map_err(|_| ApiError::new(400, "SerializationException", "ZipFile is not base64"))?;
    if bytes.len() > MAX_ARCHIVE_BYTES {
        let message = "Request must be smaller than 70167211 bytes for the CreateFunction operation";
        return Err(ApiError::new(413, "RequestEntityTooLargeException", message));
    }
    code(&bytes)
}

/// An object of a bucket of the caller's, in the function's region.
fn object(world: &World, call: &Call, bucket: &str, key: &str) -> Result<Bytes, ApiError> {
    let refused = |code: &str, told: &str| {
        invalid(format!("Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {told}"))
    };
    let found = world.buckets.get(bucket).filter(|it| it.owner == call.account);
    let found = found.ok_or_else(|| refused("NoSuchBucket", "The specified bucket does not exist"))?;
    if found.region != call.region {
        let told = format!(
            "The bucket is in this region: {}. Please use this region to retry the request",
            found.region
        );
        return Err(refused("PermanentRedirect", &told));
    }
    let object = found.get(key).ok_or_else(|| refused("NoSuchKey", "The specified key does not exist."))?;
    Ok(object.content.clone())
}

fn code(bytes: &[u8]) -> Result<Code, ApiError> {
    // Local file header, or the end of an archive without files (APPNOTE 4.3.7, 4.3.16).
    if !(bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")) {
        return Err(invalid(
            "Could not unzip uploaded file. Please check your file, then try to upload again.",
        ));
    }
    Ok(Code { sha256: Sha256::digest(bytes).into(), size_bytes: bytes.len() })
}

/// A moment as the service writes it.
fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string()
}

/// A version as the service shows it.
pub(super) fn shown(call: &Call, name: &str, function: &Function, version: &Version) -> Value {
    let configuration = &version.configuration;
    let ready = call.now >= function.active;
    let updated = call.now >= function.updating;
    let mut shown = json!({
        "FunctionName": name,
        "FunctionArn": match version.number {
            Some(number) => format!("{}:{number}", arn(call, name)),
            None => arn(call, name),
        },
        "Runtime": configuration.runtime,
        "Role": configuration.role,
        "Handler": configuration.handler,
        "CodeSize": version.code.size_bytes,
        "Description": configuration.description,
        "Timeout": configuration.timeout_seconds,
        "MemorySize": configuration.memory_mb,
        "LastModified": moment(version.modified),
        "CodeSha256": STANDARD.encode(version.code.sha256),
        "Version": version.name(),
        "TracingConfig": { "Mode": "PassThrough" },
        "RevisionId": version.revision,
        "State": if ready { "Active" } else { "Pending" },
        "LastUpdateStatus": if updated { "Successful" } else { "InProgress" },
        "PackageType": "Zip",
        "Architectures": [configuration.architecture],
        "EphemeralStorage": { "Size": 512 },
        "SnapStart": { "ApplyOn": "None", "OptimizationStatus": "Off" },
        "LoggingConfig": { "LogFormat": "Text", "LogGroup": format!("/aws/lambda/{name}") },
    });
    if !ready {
        shown["StateReason"] = "The function is being created.".into();
        shown["StateReasonCode"] = "Creating".into();
    }
    if !configuration.environment.is_empty() {
        shown["Environment"] = json!({ "Variables": configuration.environment });
    }
    for (member, value) in &configuration.kept {
        let layer = |arn: &Value| json!({ "Arn": arn, "CodeSize": 0 });
        shown[member] = match (member.as_str(), value.as_array()) {
            ("Layers", Some(layers)) => layers.iter().map(layer).collect(),
            ("SnapStart", _) => json!({ "ApplyOn": value["ApplyOn"], "OptimizationStatus": "Off" }),
            _ => value.clone(),
        };
    }
    shown
}
