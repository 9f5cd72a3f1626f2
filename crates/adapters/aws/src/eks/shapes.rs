//! What EKS answers, in our nouns.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleetwright_eks::facts::addons::AddonVersion;
use fleetwright_eks::facts::apis::{Client, DeprecatedUse};
use fleetwright_eks::facts::control_plane::{
    Cluster, Insight, InsightCategory, InsightStatus, SupportType, VersionOffer,
};
use fleetwright_eks::facts::nodes::UpdateStrategy;
use fleetwright_kubernetes::{IntOrPercent, Minor};
use fleetwright_model::redaction::redact;
use fleetwright_ports::clusters::{
    AddonDescription, AddonOffer, ClusterDescription, NodeGroupDescription, Refresh, Update, UpdateStatus,
};
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::json_service::{moment, text};

fn needed(value: &Value, name: &str) -> Result<String, String> {
    text(value, name)
        .ok_or_else(|| format!("no {name} in {}", value.to_string().chars().take(200).collect::<String>()))
}

fn minor(value: &Value, name: &str) -> Result<Minor, String> {
    needed(value, name)?.parse().map_err(|odd| format!("{name}: {odd}"))
}

fn at(value: &Value, name: &str) -> Result<Timestamp, String> {
    moment(&value[name]).ok_or_else(|| format!("{name} is no moment: {}", value[name]))
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Codes and messages of `health.issues`, or of an update's errors.
fn issues(value: &Value) -> Vec<String> {
    let issue = |row: &Value| {
        let code = row["code"].as_str().or(row["errorCode"].as_str()).unwrap_or("unnamed");
        let message = row["message"].as_str().or(row["errorMessage"].as_str()).unwrap_or_default();
        redact(&format!("{code}: {message}")).into_owned()
    };
    value.as_array().into_iter().flatten().map(issue).collect()
}

fn tags(value: &Value) -> BTreeMap<String, String> {
    let tags = value.as_object().into_iter().flatten();
    tags.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

pub(super) fn cluster(value: &Value) -> Result<ClusterDescription, String> {
    let authority = value["certificateAuthority"]["data"].as_str();
    let authority = authority
        .map(|data| STANDARD.decode(data).map_err(|_| "certificateAuthority.data is no Base64".to_owned()))
        .transpose()?;
    let network = &value["resourcesVpcConfig"];
    let mut groups = texts(&network["securityGroupIds"]);
    groups.extend(text(network, "clusterSecurityGroupId"));
    let logs = value["logging"]["clusterLogging"].as_array();
    let audit_logging = logs.into_iter().flatten().any(|row| {
        row["enabled"] == true
            && row["types"].as_array().is_some_and(|all| all.iter().any(|it| it == "audit"))
    });
    let key = value["encryptionConfig"].as_array().into_iter().flatten();
    let key = key.filter_map(|row| row["provider"]["keyArn"].as_str()).next();
    Ok(ClusterDescription {
        cluster: Cluster {
            name: needed(value, "name")?,
            version: minor(value, "version")?,
            status: needed(value, "status")?,
            endpoint: text(value, "endpoint").unwrap_or_default(),
            certificate_authority: authority
                .as_ref()
                .map(|pem| hex::encode(Sha256::digest(pem)))
                .unwrap_or_default(),
            support: match value["upgradePolicy"]["supportType"].as_str() {
                Some("STANDARD") => SupportType::Standard,
                // Clusters that nobody chose for are kept (EKS User Guide, "Cluster upgrade policy").
                Some("EXTENDED") | None => SupportType::Extended,
                Some(odd) => return Err(format!("a support type {odd:?}")),
            },
            health_issues: issues(&value["health"]["issues"]),
            subnet_ids: texts(&network["subnetIds"]),
            security_group_ids: groups,
            audit_logging,
            on_outpost: value["outpostConfig"].is_object(),
            auto_mode: value["computeConfig"]["enabled"] == true,
        },
        certificate_authority: authority.map(|pem| String::from_utf8_lossy(&pem).into_owned()),
        role: text(value, "roleArn").unwrap_or_default(),
        key: key.map(str::to_owned),
        tags: tags(&value["tags"]),
    })
}

pub(super) fn version(value: &Value) -> Result<VersionOffer, String> {
    let status = value["versionStatus"].as_str().or(value["status"].as_str()).unwrap_or_default();
    let ends = (at(value, "endOfStandardSupportDate")?, at(value, "endOfExtendedSupportDate")?);
    Ok(VersionOffer {
        version: minor(value, "clusterVersion")?,
        supported: !status.eq_ignore_ascii_case("unsupported"),
        standard_support_ends: ends.0,
        extended_support_ends: ends.1,
    })
}

pub(super) fn update(value: &Value) -> Result<Update, String> {
    let word = needed(value, "status")?;
    let status = UpdateStatus::ALL.into_iter().find(|it| it.as_str() == word);
    Ok(Update {
        id: needed(value, "id")?,
        kind: needed(value, "type")?,
        status: status.ok_or_else(|| format!("an update that is {word:?}"))?,
        created_at: at(value, "createdAt")?,
        errors: issues(&value["errors"]),
    })
}

/// An insight with its id, and when EKS last looked.
pub(super) fn insight(value: &Value) -> Result<(String, Insight, Timestamp), String> {
    let status = &value["insightStatus"];
    let category = match value["category"].as_str() {
        Some("UPGRADE_READINESS") => InsightCategory::UpgradeReadiness,
        Some("MISCONFIGURATION") => InsightCategory::Misconfiguration,
        Some("ROLLBACK_READINESS") => InsightCategory::RollbackReadiness,
        odd => return Err(format!("an insight of category {odd:?}")),
    };
    let id = needed(value, "id")?;
    let insight = Insight {
        id: id.clone(),
        name: needed(value, "name")?,
        category,
        version: value["kubernetesVersion"]
            .as_str()
            .map(|_| minor(value, "kubernetesVersion"))
            .transpose()?,
        status: match status["status"].as_str() {
            Some("PASSING") => InsightStatus::Passing,
            Some("WARNING") => InsightStatus::Warning,
            Some("ERROR") => InsightStatus::Error,
            // A word that is new to us is nothing we could call healthy.
            _ => InsightStatus::Unknown,
        },
        reason: redact(status["reason"].as_str().unwrap_or_default()).into_owned(),
    };
    Ok((id, insight, at(value, "lastRefreshTime")?))
}

/// A deprecated API of an insight with who called it (`deprecationDetails`).
pub(super) fn deprecated_use(value: &Value) -> Result<DeprecatedUse, String> {
    let client = |row: &Value| -> Result<Client, String> {
        Ok(Client {
            user_agent: redact(row["userAgent"].as_str().unwrap_or("a caller without a user agent"))
                .into_owned(),
            requests: row["numberOfRequestsLast30Days"].as_u64().unwrap_or(0),
            last_request: at(row, "lastRequestTime")?,
        })
    };
    let rows = value["clientStats"].as_array().into_iter().flatten();
    Ok(DeprecatedUse { path: needed(value, "usage")?, clients: rows.map(client).collect::<Result<_, _>>()? })
}

pub(super) fn refresh(value: &Value) -> Result<Refresh, String> {
    match value["status"].as_str() {
        Some("IN_PROGRESS") => Ok(Refresh::InProgress),
        Some("COMPLETED") => Ok(Refresh::Completed),
        Some("FAILED") => {
            Ok(Refresh::Failed(redact(value["message"].as_str().unwrap_or("no reason given")).into_owned()))
        }
        odd => Err(format!("a refresh that is {odd:?}")),
    }
}

/// An add-on with its ARN.
pub(super) fn addon(value: &Value) -> Result<(AddonDescription, String), String> {
    let associations = value["podIdentityAssociations"].as_array().is_some_and(|all| !all.is_empty());
    let addon = AddonDescription {
        name: needed(value, "addonName")?,
        version: needed(value, "addonVersion")?,
        status: needed(value, "status")?,
        health_issues: issues(&value["health"]["issues"]),
        configuration: text(value, "configurationValues"),
        has_role: value["serviceAccountRoleArn"].is_string() || associations,
    };
    Ok((addon, text(value, "addonArn").unwrap_or_default()))
}

/// The versions of an add-on for a version of Kubernetes. EKS lists the newest first.
pub(super) fn addon_offer(value: &Value, wanted: Minor) -> Result<AddonOffer, String> {
    let mut offer = AddonOffer { versions: Vec::new(), needs_permissions: false };
    let mut by_default = None;
    for row in value["addonVersions"].as_array().into_iter().flatten() {
        let fits = |it: &&Value| it["clusterVersion"] == wanted.to_string();
        let Some(fitting) = row["compatibilities"].as_array().into_iter().flatten().find(fits) else {
            continue;
        };
        let default = fitting["defaultVersion"] == true;
        let needs = row["requiresIamPermissions"] == true;
        if default || offer.versions.is_empty() {
            by_default = Some(needs);
        }
        offer.versions.push(AddonVersion { version: needed(row, "addonVersion")?, default });
    }
    offer.needs_permissions = by_default.unwrap_or(false);
    Ok(offer)
}

pub(super) fn node_group(value: &Value) -> Result<NodeGroupDescription, String> {
    let count = |value: &Value| value.as_u64().and_then(|count| u32::try_from(count).ok());
    let scaling = &value["scalingConfig"];
    let nodes = (count(&scaling["desiredSize"]), count(&scaling["maxSize"]));
    let (Some(wanted), Some(most)) = nodes else { return Err(format!("a scaling of {scaling}")) };
    let update = &value["updateConfig"];
    let percent = update["maxUnavailablePercentage"].as_i64().map(|it| format!("{it}%"));
    let at_once = percent.map_or_else(|| update["maxUnavailable"].clone(), Value::from);
    // EKS updates one node at a time where nothing is said (API reference, NodegroupUpdateConfig).
    let max_unavailable = match at_once.is_null() {
        true => IntOrPercent::Count(1),
        false => IntOrPercent::read(&at_once).ok_or_else(|| format!("an update configuration {update}"))?,
    };
    let template = &value["launchTemplate"];
    let groups = value["resources"]["autoScalingGroups"].as_array().into_iter().flatten();
    Ok(NodeGroupDescription {
        name: needed(value, "nodegroupName")?,
        version: minor(value, "version")?,
        release: text(value, "releaseVersion").unwrap_or_default(),
        status: needed(value, "status")?,
        health_issues: issues(&value["health"]["issues"]),
        ami_type: needed(value, "amiType")?,
        nodes: (wanted, most),
        max_unavailable,
        strategy: match update["updateStrategy"].as_str() {
            Some("MINIMAL") => UpdateStrategy::Minimal,
            Some("DEFAULT") | None => UpdateStrategy::Default,
            Some(odd) => return Err(format!("an update strategy {odd:?}")),
        },
        subnet_ids: texts(&value["subnets"]),
        instance_types: texts(&value["instanceTypes"]),
        spot: value["capacityType"] == "SPOT",
        launch_template: text(template, "id").zip(text(template, "version")),
        scaling_groups: groups.filter_map(|row| text(row, "name")).collect(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_missing_in_an_answer_is_an_error_and_no_default() {
        let whole = json!({
            "nodegroupName": "blue", "version": "1.33", "status": "ACTIVE", "amiType": "CUSTOM",
            "scalingConfig": { "desiredSize": 3, "maxSize": 6 },
            "updateConfig": { "maxUnavailablePercentage": 33, "updateStrategy": "MINIMAL" },
        });
        let group = node_group(&whole).expect("a group");
        assert_eq!((group.max_unavailable, group.nodes), (IntOrPercent::Percent(33), (3, 6)));
        for missing in ["nodegroupName", "version", "status", "amiType", "scalingConfig"] {
            let mut part = whole.clone();
            part.as_object_mut().expect("an object").remove(missing);
            assert!(node_group(&part).is_err(), "{missing}");
        }
    }

    #[test]
    fn an_insight_of_an_unknown_status_is_unknown_and_one_of_an_unknown_category_refused() {
        let row = json!({ "id": "a", "name": "Kubelet version skew", "category": "UPGRADE_READINESS",
            "lastRefreshTime": 1_793_498_400, "insightStatus": { "status": "BRIGHT", "reason": "" } });
        assert_eq!(insight(&row).expect("an insight").1.status, InsightStatus::Unknown);
        let odd = json!({ "id": "a", "name": "x", "category": "COST", "lastRefreshTime": 1_793_498_400 });
        assert!(insight(&odd).expect_err("refused").contains("COST"));
    }

    #[test]
    fn only_versions_that_fit_are_offered() {
        let fits = |minor: &str, default| json!([{ "clusterVersion": minor, "defaultVersion": default }]);
        let row = json!({ "addonName": "vpc-cni", "addonVersions": [
            { "addonVersion": "v1.21.0-eksbuild.1", "compatibilities": fits("1.36", false) },
            { "addonVersion": "v1.20.4-eksbuild.2", "compatibilities": fits("1.35", true),
              "requiresIamPermissions": true },
        ]});
        let offer = addon_offer(&row, Minor::new(35)).expect("an offer");
        let versions: Vec<&str> = offer.versions.iter().map(|it| it.version.as_str()).collect();
        assert_eq!((versions, offer.needs_permissions), (vec!["v1.20.4-eksbuild.2"], true));
        assert!(addon_offer(&row, Minor::new(33)).expect("none").versions.is_empty());
    }
}
