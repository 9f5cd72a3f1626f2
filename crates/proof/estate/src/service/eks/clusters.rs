//! Clusters: what they are, their versions and settings, and Fargate profiles.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{
    arn, arn_id, cluster, error, flag, in_use, invalid, moment, not_found, not_now, only, paged, part,
    repeated, text, token, updates, with,
};
use crate::call::{ApiError, Call};
use crate::service::action::region;
use crate::world::World;
use crate::world::eks::control_plane::{self, ROLLBACK_MINUTES, Refusal};
use crate::world::eks::update::{Subject, Work};
use crate::world::eks::{Cluster, Ground, What};

/// ListClusters.
pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let names = region(world, call)?.clusters.by_name.keys().map(|name| name.as_str().into()).collect();
    paged(call, "clusters", names)
}

/// The API's word for a cluster's status.
fn status(cluster: &Cluster) -> &'static str {
    if cluster.updating(&Subject::Cluster).is_some() { "UPDATING" } else { "ACTIVE" }
}

/// DescribeCluster.
pub(super) fn describe(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let front = world.kubernetes.clone();
    let cluster = cluster(world, call)?;
    Ok(json!({ "cluster": shown(cluster, call, &front.endpoint(cluster, &call.region)) }))
}

fn shown(cluster: &Cluster, call: &Call, endpoint: &str) -> Value {
    let issuer = format!("https://oidc.eks.{}.amazonaws.com/id/{}", call.region, cluster.id);
    let (on, off): (Vec<&str>, Vec<&str>) = LOGS.iter().partition(|kind| cluster.logging.contains(**kind));
    let logs = [(on, true), (off, false)].into_iter().filter(|(types, _)| !types.is_empty());
    let logs: Vec<Value> =
        logs.map(|(types, enabled)| json!({ "types": types, "enabled": enabled })).collect();
    let issues = cluster.issues.iter();
    let issues: Vec<Value> = issues
        .map(|(code, message)| json!({ "code": code, "message": message, "resourceIds": [] }))
        .collect();
    let support = if cluster.extended { "EXTENDED" } else { "STANDARD" };
    let mut document = json!({
        "name": cluster.name,
        "arn": arn(call, &format!("cluster/{}", cluster.name)),
        "createdAt": moment(cluster.created),
        "version": cluster.version.to_string(),
        "endpoint": endpoint,
        "roleArn": cluster.role,
        "resourcesVpcConfig": {
            "subnetIds": cluster.subnets,
            "securityGroupIds": cluster.security_groups.iter().skip(1).collect::<Vec<_>>(),
            "clusterSecurityGroupId": cluster.security_groups.first(),
            "vpcId": cluster.vpc,
            "endpointPublicAccess": true,
            "endpointPrivateAccess": true,
            "publicAccessCidrs": ["0.0.0.0/0"],
        },
        "kubernetesNetworkConfig": {
            "serviceIpv4Cidr": "172.20.0.0/16",
            "ipFamily": "ipv4",
            "elasticLoadBalancing": { "enabled": cluster.auto_mode },
        },
        "logging": { "clusterLogging": logs },
        "identity": { "oidc": { "issuer": issuer } },
        "status": status(cluster),
        "certificateAuthority": { "data": STANDARD.encode(certificate(cluster)) },
        "platformVersion": "eks.1",
        "tags": cluster.tags,
        "health": { "issues": issues },
        "accessConfig": { "authenticationMode": "API" },
        "upgradePolicy": { "supportType": support },
        "deletionProtection": cluster.deletion_protection,
        "computeConfig": { "enabled": cluster.auto_mode },
        "storageConfig": { "blockStorage": { "enabled": cluster.auto_mode } },
    });
    if let Some(key) = &cluster.key {
        document["encryptionConfig"] = json!([{ "resources": ["secrets"], "provider": { "keyArn": key } }]);
    }
    document
}

/// The certificate that a cluster's API server shows, PEM. The estate has one for all, and says above it whose it is.
fn certificate(cluster: &Cluster) -> String {
    format!("Cluster {}\n{}", cluster.id, include_str!("certificate.pem"))
}

/// Kinds of logs of a control plane.
const LOGS: [&str; 5] = ["api", "audit", "authenticator", "controllerManager", "scheduler"];

/// The API's error for a refusal.
fn refused(call: &Call, refusal: Refusal) -> ApiError {
    match refusal {
        Refusal::Version(message) => invalid(call, message),
        Refusal::NotNow(message) => not_now(call, message),
        Refusal::InUse(message) => in_use(call, message),
        Refusal::Insights(message) => error(400, "InvalidStateException", call, message),
    }
}

/// UpdateClusterVersion: one minor version up, or back to the one before the last upgrade.
pub(super) fn update_version(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    only(call, &["version", "clientRequestToken", "force", "rollbackConfig"])?;
    let version = text(call, "version")?.ok_or_else(|| invalid(call, "version is required"))?;
    let version =
        version.parse().map_err(|_| invalid(call, format!("unsupported Kubernetes version {version}")))?;
    let force = flag(call, "force")?;
    let timeout = timeout(call)?;
    with(world, call, |cluster, catalog, ground| {
        if let Some(update) = repeated(cluster, call)? {
            return Ok(update);
        }
        let way = control_plane::may_go(cluster, catalog, call.now, (version, force));
        let way = way.map_err(|refusal| refused(call, refusal))?;
        let id = control_plane::send(cluster, ground, (version, way), timeout, token(call)?);
        updates::begun(cluster, &id)
    })
}

/// How long a rollback may take.
fn timeout(call: &Call) -> Result<SignedDuration, ApiError> {
    let (least, most, usual) = ROLLBACK_MINUTES;
    let minutes = match &call.json()["rollbackConfig"]["timeoutMinutes"] {
        Value::Null => usual,
        given => given.as_i64().filter(|it| (least..=most).contains(it)).ok_or_else(|| {
            invalid(call, format!("rollbackConfig.timeoutMinutes must be between {least} and {most}"))
        })?,
    };
    Ok(SignedDuration::from_mins(minutes))
}

/// CancelUpdate.
pub(super) fn cancel(
    cluster: &mut Cluster,
    ground: &mut Ground<'_>,
    call: &Call,
    id: &str,
) -> Result<(), ApiError> {
    control_plane::cancel(cluster, ground, id).map_err(|refusal| refused(call, refusal))
}

/// UpdateClusterConfig: what logs are written, whether extended support is entered, deletion protection; one at a
/// time, as EKS has it.
pub(super) fn update_config(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let known = ["logging", "upgradePolicy", "deletionProtection"];
    only(call, &["logging", "upgradePolicy", "deletionProtection", "clientRequestToken"])?;
    let document = call.json();
    let given: Vec<&str> = known.into_iter().filter(|name| !document[*name].is_null()).collect();
    let [what] = given[..] else {
        return Err(invalid(call, "exactly one kind of configuration has to be given"));
    };
    let wish = document[what].clone();
    with(world, call, |cluster, _, ground| {
        if let Some(update) = repeated(cluster, call)? {
            return Ok(update);
        }
        if let Some(update) = cluster.updating(&Subject::Cluster) {
            return Err(in_use(
                call,
                format!("Cluster {} has update {} in progress", cluster.name, update.id),
            ));
        }
        let shown = configure(cluster, call, what, &wish)?;
        let id = cluster.begin(ground, Subject::Cluster, shown, token(call)?, Work::Configuration);
        let takes = ground.length(cluster, ground.pace.addon);
        ground.after(takes, What::Update(id.clone()));
        updates::begun(cluster, &id)
    })
}

type Shown = (&'static str, Vec<(&'static str, String)>);

fn configure(cluster: &mut Cluster, call: &Call, what: &str, wish: &Value) -> Result<Shown, ApiError> {
    match what {
        "logging" => {
            for setup in wish["clusterLogging"].as_array().into_iter().flatten() {
                for kind in setup["types"].as_array().into_iter().flatten() {
                    let kind = kind.as_str().filter(|it| LOGS.contains(it));
                    let kind = kind.ok_or_else(|| invalid(call, "unknown log type"))?;
                    match setup["enabled"].as_bool() {
                        Some(true) => drop(cluster.logging.insert(kind.to_owned())),
                        _ => drop(cluster.logging.remove(kind)),
                    }
                }
            }
            Ok(("LoggingUpdate", vec![("ClusterLogging", wish.to_string())]))
        }
        "upgradePolicy" => {
            cluster.extended = match wish["supportType"].as_str() {
                Some("EXTENDED") => true,
                Some("STANDARD") => false,
                _ => return Err(invalid(call, "supportType must be STANDARD or EXTENDED")),
            };
            Ok(("UpgradePolicyUpdate", vec![("UpgradePolicy", wish.to_string())]))
        }
        _ => {
            cluster.deletion_protection =
                wish.as_bool().ok_or_else(|| invalid(call, "deletionProtection must be true or false"))?;
            Ok(("DeletionProtectionUpdate", vec![("DeletionProtection", wish.to_string())]))
        }
    }
}

/// ListFargateProfiles.
pub(super) fn list_fargate(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let names = cluster(world, call)?.fargate.keys().map(|name| name.as_str().into()).collect();
    paged(call, "fargateProfileNames", names)
}

/// DescribeFargateProfile.
pub(super) fn describe_fargate(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let name = part(call, "fargateProfileName");
    let cluster = cluster(world, call)?;
    let profile = cluster.fargate.get(name);
    let profile =
        profile.ok_or_else(|| not_found(call, format!("No Fargate Profile found with name: {name}.")))?;
    let id = arn_id(cluster, &format!("fargateprofile/{name}"));
    let selectors: Vec<Value> = profile.namespaces.iter().map(|it| json!({ "namespace": it })).collect();
    Ok(json!({ "fargateProfile": {
        "fargateProfileName": name,
        "fargateProfileArn": arn(call, &format!("fargateprofile/{}/{name}/{id}", cluster.name)),
        "clusterName": cluster.name,
        "createdAt": moment(profile.created),
        "podExecutionRoleArn": profile.role,
        "subnets": cluster.subnets,
        "selectors": selectors,
        "status": "ACTIVE",
        "tags": profile.tags,
        "health": { "issues": [] },
    }}))
}
