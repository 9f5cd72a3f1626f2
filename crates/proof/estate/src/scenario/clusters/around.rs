//! What stands around a scenario's clusters: roles, keys, security groups, images.

use jiff::{SignedDuration, Timestamp};
use rand::RngExt;
use serde::Deserialize;
use serde_json::json;

use super::ClusterSection;
use crate::generate::seed::Seed;
use crate::world::eks::images;
use crate::world::ids::SecurityGroupId;
use crate::world::keys::Key;
use crate::world::network::SecurityGroup;
use crate::world::{Account, Region};

/// Something that a cluster names and that was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Absent {
    /// Its own security group.
    SecurityGroup,
    /// Its role.
    Role,
    /// The key that encrypts secrets.
    Key,
}

/// Who assumes which of a cluster's roles, by the end of the role's name (EKS user guide, "Amazon EKS cluster IAM role",
/// "node IAM role", "Pod execution IAM role").
const ROLES: [(&str, &str); 3] = [
    ("", "eks.amazonaws.com"),
    ("-node", "ec2.amazonaws.com"),
    ("-fargate", "eks-fargate-pods.amazonaws.com"),
];

/// Makes the roles of a cluster, but for those that it lacks.
///
/// # Errors
/// A trust policy that IAM does not take.
pub(super) fn roles(
    account: &mut Account,
    id: &String,
    section: &ClusterSection,
    created: Timestamp,
) -> Result<(), String> {
    for (end, service) in ROLES {
        if end.is_empty() && section.absent.contains(&Absent::Role) {
            continue;
        }
        let actions: &[&str] =
            if end.is_empty() { &["sts:AssumeRole", "sts:TagSession"] } else { &["sts:AssumeRole"] };
        let trust = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "Service": service }, "Action": actions,
        }]});
        let name = format!("eks-{}{end}", section.name);
        let made = account.iam.add_role(id, &name, &trust.to_string(), Vec::new(), created);
        made.map_err(|error| format!("the role {name}: {error}"))?;
    }
    Ok(())
}

/// The security group that EKS makes for a cluster (EKS user guide, "View Amazon EKS security group requirements"); not
/// among the region's where the cluster lacks it.
pub(super) fn security_group(region: &mut Region, section: &ClusterSection, seed: &Seed) -> SecurityGroupId {
    let mut random = seed.child("cluster security group").child(&section.name).stream();
    let id = SecurityGroupId(random.random());
    let name = format!("eks-cluster-sg-{}-{}", section.name, random.random_range(0..2_000_000_000));
    if !section.absent.contains(&Absent::SecurityGroup) {
        region.network.security_groups.push(SecurityGroup { id, name }.into());
    }
    id
}

/// Makes the key that encrypts a cluster's secrets, where it is one of the cluster's own account and region and there.
pub(super) fn key(
    region: &mut Region,
    section: &ClusterSection,
    (account, code): (&str, &str),
    (seed, start): (&Seed, Timestamp),
) {
    let own = format!("arn:aws:kms:{code}:{account}:key/");
    let id = section.key.as_ref().and_then(|arn| arn.strip_prefix(&own));
    let Some(id) = id.filter(|_| !section.absent.contains(&Absent::Key)) else { return };
    let days = section.key_deleted_in_days.map(i64::from);
    let material: [u8; 32] = seed.child("key").child(id).stream().random();
    region.keys.by_id.entry(id.to_owned()).or_insert_with(|| Key {
        description: format!("Secrets of the cluster {}", section.name),
        tags: section.tags.clone(),
        created: start,
        deletion: days.and_then(|days| start.checked_add(SignedDuration::from_hours(24 * days)).ok()),
        rotation: None,
        material,
    });
}

/// Makes EKS's images in a region that has clusters.
pub(super) fn images(region: &mut Region, code: &str, start: Timestamp) {
    for image in images::all(code, start) {
        region.images.entry(image.id).or_insert(image);
    }
}
