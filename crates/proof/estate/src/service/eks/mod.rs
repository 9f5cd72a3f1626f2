//! EKS: clusters with their updates, node groups, add-ons, insights and access.
//!
//! Rules: <https://docs.aws.amazon.com/eks/latest/APIReference/Welcome.html>. Clusters are the scenario's: none are
//! made and none deleted. What the estate would ignore is refused.

mod access;
mod addons;
mod change_addons;
mod cluster_versions;
mod clusters;
mod insights;
mod node_groups;
mod updates;

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::calls::CallKind;
use crate::service::action::{Does, Needs, actions, place, region};
use crate::service::page;
use crate::world::World;
use crate::world::eks::addons::Kind;
use crate::world::eks::{self, Cluster, Ground};

/// Every EKS operation of the estate.
#[must_use]
pub fn operations() -> Vec<Box<dyn Operation>> {
    use CallKind::{Mutation, Read};
    let all = [
        ("ListClusters", Read, on_all as Needs, clusters::list as Does),
        ("DescribeCluster", Read, on_cluster, clusters::describe),
        ("UpdateClusterConfig", Mutation, on_cluster, clusters::update_config),
        ("UpdateClusterVersion", Mutation, on_cluster, clusters::update_version),
        ("DescribeClusterVersions", Read, on_all, cluster_versions::describe),
        ("ListUpdates", Read, on_named, updates::list),
        ("DescribeUpdate", Read, on_named, updates::describe),
        ("CancelUpdate", Mutation, on_cluster, updates::cancel),
        ("ListNodegroups", Read, on_cluster, node_groups::list),
        ("DescribeNodegroup", Read, on_named, node_groups::describe),
        ("UpdateNodegroupVersion", Mutation, on_named, node_groups::update_version),
        ("UpdateNodegroupConfig", Mutation, on_named, node_groups::update_config),
        ("ListFargateProfiles", Read, on_cluster, clusters::list_fargate),
        ("DescribeFargateProfile", Read, on_named, clusters::describe_fargate),
        ("ListAddons", Read, on_cluster, addons::list),
        ("DescribeAddon", Read, on_named, addons::describe),
        ("CreateAddon", Mutation, change_addons::needs, change_addons::create),
        ("UpdateAddon", Mutation, change_addons::needs, change_addons::update),
        ("DeleteAddon", Mutation, on_named, change_addons::delete),
        ("DescribeAddonVersions", Read, on_all, addons::describe_versions),
        ("DescribeAddonConfiguration", Read, on_all, addons::describe_configuration),
        ("ListInsights", Read, on_cluster, insights::list),
        ("DescribeInsight", Read, on_cluster, insights::describe),
        ("StartInsightsRefresh", Mutation, on_cluster, insights::start_refresh),
        ("DescribeInsightsRefresh", Read, on_cluster, insights::describe_refresh),
        ("ListPodIdentityAssociations", Read, on_cluster, access::list_pod_identities),
        ("ListAccessEntries", Read, on_cluster, access::list_entries),
        ("DescribeAccessEntry", Read, on_named, access::describe_entry),
        ("ListTagsForResource", Read, on_arn, access::list_tags),
    ];
    actions(Service::Eks, all)
}

// Errors.

fn error(status: u16, code: &'static str, call: &Call, message: impl Into<String>) -> ApiError {
    let mut error = ApiError::new(status, code, message);
    let of_cluster =
        [("name", "clusterName"), ("nodegroupName", "nodegroupName"), ("addonName", "addonName")];
    for (part, member) in of_cluster {
        if let Some(value) = call.path().and_then(|it| it.path.get(part)) {
            error.members.insert(member.to_owned(), value.as_str().into());
        }
    }
    error
}

fn invalid(call: &Call, message: impl Into<String>) -> ApiError {
    error(400, "InvalidParameterException", call, message)
}

fn not_now(call: &Call, message: impl Into<String>) -> ApiError {
    error(400, "InvalidRequestException", call, message)
}

fn in_use(call: &Call, message: impl Into<String>) -> ApiError {
    error(409, "ResourceInUseException", call, message)
}

fn not_found(call: &Call, message: impl Into<String>) -> ApiError {
    error(404, "ResourceNotFoundException", call, message)
}

// What a request says.

/// A part of the path.
fn part<'c>(call: &'c Call, name: &str) -> &'c str {
    call.path().and_then(|it| it.path.get(name)).map_or("", String::as_str)
}

/// A parameter of the query string; one that is empty is absent.
fn parameter<'c>(call: &'c Call, name: &str) -> Option<&'c str> {
    call.path().and_then(|it| it.query.get(name)).map(String::as_str).filter(|it| !it.is_empty())
}

/// A text of the document.
fn text<'c>(call: &'c Call, name: &str) -> Result<Option<&'c str>, ApiError> {
    match &call.json()[name] {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        _ => Err(invalid(call, format!("{name} must be a text"))),
    }
}

/// True or false of the document.
fn flag(call: &Call, name: &str) -> Result<bool, ApiError> {
    match &call.json()[name] {
        Value::Null => Ok(false),
        given => given.as_bool().ok_or_else(|| invalid(call, format!("{name} must be true or false"))),
    }
}

/// Refuses members of the document that the estate would ignore.
fn only(call: &Call, known: &[&str]) -> Result<(), ApiError> {
    let odd = call.json().as_object().into_iter().flatten();
    match odd.into_iter().find(|(name, value)| !value.is_null() && !known.contains(&name.as_str())) {
        None => Ok(()),
        Some((odd, _)) => Err(invalid(call, format!("{odd} is not supported by the estate; leave it out"))),
    }
}

/// The token of a request, with a digest of what else it says.
fn token(call: &Call) -> Result<Option<(String, String)>, ApiError> {
    let Some(token) = text(call, "clientRequestToken")? else { return Ok(None) };
    let mut rest = call.json().clone();
    rest["clientRequestToken"] = Value::Null;
    let path = call.path().map(|it| format!("{:?}", it.path)).unwrap_or_default();
    let digest = hex::encode(Sha256::digest(format!("{} {path} {rest}", call.action)));
    Ok(Some((token.to_owned(), digest)))
}

/// The update that was begun with the same token, as it is now.
fn repeated(cluster: &Cluster, call: &Call) -> Result<Option<Value>, ApiError> {
    let Some((token, digest)) = token(call)? else { return Ok(None) };
    let same = |it: &&eks::update::Update| it.token.as_ref().is_some_and(|known| known.0 == token);
    match cluster.updates.iter().find(same) {
        None => Ok(None),
        Some(update) if update.token.as_ref().is_some_and(|known| known.1 == digest) => {
            Ok(Some(json!({ "update": updates::shown(update) })))
        }
        Some(_) => Err(invalid(
            call,
            format!("The clientRequestToken {token} was used with other parameters; use another"),
        )),
    }
}

// What it is about.

/// The cluster that a request names.
fn cluster<'w>(world: &'w World, call: &Call) -> Result<&'w Cluster, ApiError> {
    let name = part(call, "name");
    let found = region(world, call)?.clusters.by_name.get(name);
    found.ok_or_else(|| not_found(call, format!("No cluster found for name: {name}.")))
}

/// Does something with the cluster that a request names.
fn with<T>(
    world: &mut World,
    call: &Call,
    does: impl FnOnce(&mut Cluster, &[Kind], &mut Ground<'_>) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    let name = part(call, "name");
    let mut place = place(world, call)?;
    eks::with(&mut place, name, call.now, does)
        .unwrap_or_else(|| Err(not_found(call, format!("No cluster found for name: {name}."))))
}

/// The place of a listing that a request asks for: from where on, and how many.
fn window(call: &Call) -> Result<(usize, usize), ApiError> {
    let in_body = call.json();
    let most = match (&in_body["maxResults"], parameter(call, "maxResults")) {
        (Value::Null, None) => 100,
        (Value::Null, Some(given)) => given.parse().unwrap_or(0),
        (given, _) => given.as_u64().unwrap_or(0) as usize,
    };
    if !(1..=100).contains(&most) {
        return Err(invalid(call, "maxResults needs to be between 1 and 100."));
    }
    let given = in_body["nextToken"].as_str().or_else(|| parameter(call, "nextToken"));
    let from = match given {
        None => 0,
        Some(token) => page::cursor(call, token).ok_or_else(|| invalid(call, "Invalid nextToken"))?,
    };
    Ok((from as usize, most))
}

/// One page of a listing, under the name of its member.
fn paged(call: &Call, member: &str, all: Vec<Value>) -> Result<Value, ApiError> {
    let (from, most) = window(call)?;
    let further = all.len() > from + most;
    let shown: Vec<Value> = all.into_iter().skip(from).take(most).collect();
    let mut answer = json!({ member: shown });
    if further {
        answer["nextToken"] = page::token(call, (from + most) as u64).into();
    }
    Ok(answer)
}

/// A moment as restJson carries it: seconds since 1970, with a fraction.
fn moment(at: Timestamp) -> Value {
    json!(at.as_millisecond() as f64 / 1_000.0)
}

// Permissions.

/// An ARN of EKS in the call's region.
fn arn(call: &Call, resource: &str) -> String {
    format!("arn:aws:eks:{}:{}:{resource}", call.region, call.account)
}

/// The last part of ARNs of what is in a cluster: the same for the same names.
fn arn_id(cluster: &Cluster, name: &str) -> String {
    let digest = Sha256::digest(format!("{}/{name}", cluster.id));
    let hexadecimal = hex::encode(&digest[..16]);
    [&hexadecimal[..8], &hexadecimal[8..12], &hexadecimal[12..16], &hexadecimal[16..20], &hexadecimal[20..]]
        .join("-")
}

fn requirement(call: &Call, resource: String, tags: Option<&Tags>) -> Requirement {
    let each = tags.into_iter().flatten();
    let context = each.map(|(key, value)| (format!("aws:ResourceTag/{key}"), value.clone())).collect();
    Requirement { action: format!("eks:{}", call.action).into(), resource, context }
}

type Tags = std::collections::BTreeMap<String, String>;

/// The call's own action, for which there is no permission on single resources.
fn on_all(_: &World, call: &Call) -> Vec<Requirement> {
    vec![Requirement::any_resource(format!("eks:{}", call.action))]
}

/// The call's own action on the cluster it names.
fn on_cluster(world: &World, call: &Call) -> Vec<Requirement> {
    let resource = arn(call, &format!("cluster/{}", part(call, "name")));
    vec![requirement(call, resource, cluster(world, call).ok().map(|it| &it.tags))]
}

/// The call's own action on the node group, add-on, profile or entry it names, or else on the cluster.
fn on_named(world: &World, call: &Call) -> Vec<Requirement> {
    let name = part(call, "name");
    let Ok(found) = cluster(world, call) else { return on_cluster(world, call) };
    let named = |member: &str| match part(call, member) {
        "" => parameter(call, member),
        given => Some(given),
    };
    let (resource, tags) = if let Some(group) = named("nodegroupName") {
        let id = found.node_groups.get(group).map_or("*", |it| it.id.as_str());
        (format!("nodegroup/{name}/{group}/{id}"), found.node_groups.get(group).map(|it| &it.tags))
    } else if let Some(addon) = named("addonName") {
        let id = arn_id(found, &format!("addon/{addon}"));
        (format!("addon/{name}/{addon}/{id}"), found.addons.get(addon).map(|it| &it.tags))
    } else if let Some(profile) = named("fargateProfileName") {
        let id = arn_id(found, &format!("fargateprofile/{profile}"));
        (format!("fargateprofile/{name}/{profile}/{id}"), found.fargate.get(profile).map(|it| &it.tags))
    } else if let Some(principal) = named("principalArn") {
        (access::entry_path(found, principal), None)
    } else {
        return on_cluster(world, call);
    };
    vec![requirement(call, arn(call, &resource), tags)]
}

/// The call's own action on the ARN it names.
fn on_arn(_: &World, call: &Call) -> Vec<Requirement> {
    vec![requirement(call, part(call, "resourceArn").to_owned(), None)]
}
