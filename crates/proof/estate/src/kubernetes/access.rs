//! Who asks, and whether they may: EKS's tokens, access entries with EKS's policies, and RBAC.
//!
//! A token is `k8s-aws-v1.` and the base64 of a presigned `GetCallerIdentity` with the cluster's name in the signed
//! header `x-k8s-aws-id`. Rules: EKS user guide, "Grant IAM users access to Kubernetes with EKS access entries".

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;
use serde_json::Value;

use super::answer::Status;
use super::asked::Asked;
use crate::attempt::account_of;
use crate::authorize::{self, Principal};
use crate::estate::{Estate, Inside};
use crate::wire::presigned;
use crate::world::eks::Cluster;

/// Who asks.
#[derive(Clone, Debug)]
pub(super) struct Person {
    /// The principal in AWS.
    pub(super) principal: Principal,
    /// The name in Kubernetes; set when the entry is found.
    pub(super) username: String,
    /// The groups in Kubernetes.
    pub(super) groups: Vec<String>,
}

fn unauthorized() -> Status {
    Status::new(401, "Unauthorized", "Unauthorized")
}

/// Who a request's token says that asks; none where nobody need say it.
///
/// # Errors
/// There is no token, or not one for this cluster.
pub(super) fn caller(
    inside: &mut Inside,
    estate: &Estate,
    parts: &Parts,
    cluster: &str,
    open: bool,
) -> Result<Option<Person>, Status> {
    let header = parts.headers.get(http::header::AUTHORIZATION).and_then(|it| it.to_str().ok());
    let Some(token) = header.and_then(|it| it.strip_prefix("Bearer ")) else {
        return if open { Ok(None) } else { Err(unauthorized()) };
    };
    let encoded = token.strip_prefix("k8s-aws-v1.").ok_or_else(unauthorized)?;
    let url = URL_SAFE_NO_PAD.decode(encoded.trim_end_matches('=')).map_err(|_| unauthorized())?;
    let signed = presigned::read(&url, cluster).ok_or_else(unauthorized)?;
    let account = account_of(inside, &signed.claim.access_key).ok_or_else(unauthorized)?;
    let owner = inside.world.accounts.get_key_value(&account).ok_or_else(unauthorized)?;
    let found = authorize::find(owner.1, owner.0, &signed.claim.access_key).ok_or_else(unauthorized)?;
    let now = estate.clock.shared_with_clients().then(|| estate.now());
    presigned::verify(&signed, found.secret, now).map_err(|_| unauthorized())?;
    found.check(signed.session.as_deref(), estate.clock.credential_now()).map_err(|_| unauthorized())?;
    let principal = found.caller.principal;
    Ok(Some(Person { principal, username: String::new(), groups: Vec::new() }))
}

/// What somebody wants to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish<'a> {
    pub(super) verb: &'a str,
    pub(super) group: &'a str,
    /// The plural, with the subresource behind a slash.
    pub(super) resource: &'a str,
    pub(super) namespace: &'a str,
}

/// The person with name and groups that the cluster's access entry gives.
///
/// # Errors
/// There is no entry for them.
pub(super) fn known(cluster: &Cluster, person: &Person) -> Result<Person, Status> {
    let entry = cluster.access.get(&person.principal.policy_arn()).ok_or_else(unauthorized)?;
    let session = match &person.principal {
        Principal::Session { session, .. } => session.as_str(),
        Principal::User { .. } => "",
    };
    let username = entry.username.replace("{{SessionName}}", session);
    let mut groups = entry.groups.clone();
    groups.push("system:authenticated".to_owned());
    Ok(Person { principal: person.principal.clone(), username, groups })
}

/// Refuses what the person may not do; else says by which name and groups the cluster knows them.
///
/// # Errors
/// They may not, or are nobody here.
pub(super) fn allow(
    cluster: &Cluster,
    person: Option<&Person>,
    asked: &Asked,
) -> Result<Option<Person>, Status> {
    let Some(person) = person else { return Ok(None) };
    let person = known(cluster, person)?;
    // Discovery, version and reviews of oneself are for everybody who is known.
    let Some(target) = &asked.target else {
        let wish = Wish { verb: "get", group: "", resource: &asked.path, namespace: "" };
        let metrics = asked.path == "/metrics";
        return match !metrics || may(cluster, &person, &wish) {
            true => Ok(Some(person)),
            false => Err(forbidden(&person, &wish)),
        };
    };
    if target.plural.starts_with("selfsubject") {
        return Ok(Some(person));
    }
    let resource = match target.subresource.as_str() {
        "" => target.plural.clone(),
        subresource => format!("{}/{subresource}", target.plural),
    };
    let namespace = target.namespace.as_deref().unwrap_or_default();
    let wish = Wish { verb: asked.verb(), group: &target.group, resource: &resource, namespace };
    if may(cluster, &person, &wish) { Ok(Some(person)) } else { Err(forbidden(&person, &wish)) }
}

fn forbidden(person: &Person, wish: &Wish<'_>) -> Status {
    let scope = match wish.namespace {
        "" => "at the cluster scope".to_owned(),
        namespace => format!("in the namespace \"{namespace}\""),
    };
    let message = format!(
        "{} is forbidden: User \"{}\" cannot {} resource \"{}\" in API group \"{}\" {scope}",
        wish.resource, person.username, wish.verb, wish.resource, wish.group
    );
    Status::new(403, "Forbidden", message)
}

/// Whether somebody may do something: by a policy of EKS's, or by roles of the cluster.
pub(super) fn may(cluster: &Cluster, person: &Person, wish: &Wish<'_>) -> bool {
    if person.groups.iter().any(|it| it == "system:masters") {
        return true;
    }
    policies(cluster, person).any(|it| by_policy(it, wish))
        || roles(cluster, person, wish.namespace)
            .any(|role| role["rules"].as_array().into_iter().flatten().any(|rule| allows(rule, wish)))
}

/// The names of EKS's access policies that a person has.
pub(super) fn policies<'c>(cluster: &'c Cluster, person: &Person) -> impl Iterator<Item = &'c str> + use<'c> {
    let entry = cluster.access.get(&person.principal.policy_arn());
    let all = entry.into_iter().flat_map(|it| &it.policies);
    all.map(|it| it.rsplit('/').next().unwrap_or_default())
}

/// EKS's access policies (EKS user guide, "Review access policy permissions").
fn by_policy(name: &str, wish: &Wish<'_>) -> bool {
    let reads = ["get", "list", "watch"].contains(&wish.verb);
    let cluster_wide = wish.resource.starts_with('/') || wish.resource == "nodes";
    match name {
        "AmazonEKSClusterAdminPolicy" => true,
        "AmazonEKSAdminViewPolicy" => reads,
        "AmazonEKSViewPolicy" => reads && wish.resource != "secrets" && !cluster_wide,
        "AmazonEKSAdminPolicy" | "AmazonEKSEditPolicy" => !cluster_wide && !wish.namespace.is_empty(),
        _ => false,
    }
}

/// Roles that are bound to a person, for the whole cluster or the namespace.
pub(super) fn roles<'a>(
    cluster: &'a Cluster,
    person: &'a Person,
    namespace: &'a str,
) -> impl Iterator<Item = &'a Value> {
    const GROUP: &str = "rbac.authorization.k8s.io";
    let is_meant = move |binding: &&Value| {
        binding["subjects"].as_array().into_iter().flatten().any(|it| match it["kind"].as_str() {
            Some("User") => it["name"] == person.username.as_str(),
            Some("Group") => person.groups.iter().any(|group| it["name"] == group.as_str()),
            _ => false,
        })
    };
    let wide = cluster.kube.list(&format!("{GROUP}/clusterrolebindings"), None).map(|it| it.1);
    let namespaced = Some(namespace).filter(|it| !it.is_empty());
    let narrow = namespaced
        .into_iter()
        .flat_map(|namespace| cluster.kube.list("rbac.authorization.k8s.io/rolebindings", Some(namespace)))
        .map(|it| it.1);
    wide.chain(narrow).filter(is_meant).filter_map(move |binding| {
        let role = &binding["roleRef"];
        let name = role["name"].as_str().unwrap_or_default();
        match role["kind"].as_str() {
            Some("Role") => cluster.kube.get(&format!("{GROUP}/roles"), namespace, name),
            _ => cluster.kube.get(&format!("{GROUP}/clusterroles"), "", name),
        }
    })
}

fn allows(rule: &Value, wish: &Wish<'_>) -> bool {
    let among = |member: &str, wanted: &str| {
        rule[member].as_array().is_some_and(|all| all.iter().any(|it| it == "*" || it == wanted))
    };
    let what = match wish.resource.starts_with('/') {
        true => among("nonResourceURLs", wish.resource),
        false => among("apiGroups", wish.group) && among("resources", wish.resource),
    };
    what && among("verbs", wish.verb)
}
