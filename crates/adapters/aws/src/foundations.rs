//! The [`Foundations`] port: what a cluster stands on, asked of EC2, IAM, KMS, Service Quotas and Systems Manager.

mod rights;
mod volumes;

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_ec2::types::LocationType;
use fleetwright_eks::facts::control_plane::{ClusterRole, EncryptionKey, Right, Subnet, Usage};
use fleetwright_eks::facts::nodes::InstanceOffer;
use fleetwright_model::{Cell, ErrorClass, Failure, Partial};
use fleetwright_ports::Foundations;
use fleetwright_ports::clusters::{ClusterName, UpgradedParts};
use futures::FutureExt;
use serde_json::{Value, json};

use crate::Aws;
use crate::clients::Connection;
use crate::ec2_terms::{MOST_FILTER_VALUES, literal};
use crate::json_service::{JsonService, text};
use crate::operations::{
    DESCRIBE_INSTANCE_TYPE_OFFERINGS, DESCRIBE_KEY, DESCRIBE_NETWORK_INTERFACES, DESCRIBE_SECURITY_GROUPS,
    DESCRIBE_SUBNETS, GET_PARAMETER, GET_ROLE, GET_SERVICE_QUOTA,
};
use crate::pages::{Page, pages, unexpected};

/// Rows of a page of EC2's listings. Source: EC2 API reference, MaxResults.
const PAGE: i32 = 1_000;
/// Network interfaces of a region. Source: Amazon VPC User Guide, "Amazon VPC quotas".
const INTERFACES: (&str, &str) = ("vpc", "L-DF5E4CA3");
/// vCPUs of standard instances. Source: EC2 User Guide, "Amazon EC2 instance type quotas".
const ON_DEMAND: (&str, &str) = ("ec2", "L-1216C47A");
const SPOT: (&str, &str) = ("ec2", "L-34B43A08");
/// Whom a cluster's role has to trust. Source: EKS User Guide, "Amazon EKS cluster IAM role".
const EKS: &str = "eks.amazonaws.com";

type Ec2<'a> = Connection<'a, aws_sdk_ec2::Client>;

/// An instance type in a zone.
struct Offering {
    key: String,
    kind: String,
    zone: String,
}

/// A listing that is of use only as a whole.
fn whole<T>(found: Partial<T>) -> Result<Vec<T>, Failure> {
    match found.failure {
        Some(failure) => Err(failure),
        None => Ok(found.items),
    }
}

/// What is not there, as an answer and no failure.
fn or_none<T>(answer: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(failure) if failure.class == ErrorClass::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}

#[async_trait]
impl Foundations for Aws {
    async fn subnets(&self, cell: &Cell<'_>, ids: &[String]) -> Result<Vec<Subnet>, Failure> {
        let ec2: &Ec2<'_> = &self.at(cell.zone, &cell.region);
        let mut all = Vec::new();
        for ids in ids.chunks(MOST_FILTER_VALUES) {
            // An id that does not exist is no error in a filter.
            let filter = &literal("subnet-id", ids.iter().map(String::as_str));
            let found = pages(
                &DESCRIBE_SUBNETS,
                |subnet: &Subnet| &subnet.id,
                |token| {
                    let send = move |client: &aws_sdk_ec2::Client| {
                        let request = client.describe_subnets().filters(filter.clone());
                        request.max_results(PAGE).set_next_token(token.clone()).send()
                    };
                    async move {
                        let answer = ec2.call(&DESCRIBE_SUBNETS, send).await?;
                        Ok(Page::of(
                            answer.subnets.unwrap_or_default().into_iter().map(subnet),
                            answer.next_token,
                        ))
                    }
                    .boxed()
                },
            );
            all.extend(whole(found.await)?);
        }
        Ok(all)
    }

    async fn security_groups(&self, cell: &Cell<'_>, ids: &[String]) -> Result<Vec<String>, Failure> {
        let ec2: &Ec2<'_> = &self.at(cell.zone, &cell.region);
        let mut all = Vec::new();
        for ids in ids.chunks(MOST_FILTER_VALUES) {
            let filter = &literal("group-id", ids.iter().map(String::as_str));
            let found = pages(
                &DESCRIBE_SECURITY_GROUPS,
                |id: &String| id.as_str(),
                |token| {
                    let send = move |client: &aws_sdk_ec2::Client| {
                        let request = client.describe_security_groups().filters(filter.clone());
                        request.max_results(PAGE).set_next_token(token.clone()).send()
                    };
                    async move {
                        let answer = ec2.call(&DESCRIBE_SECURITY_GROUPS, send).await?;
                        let rows = answer.security_groups.unwrap_or_default().into_iter();
                        let ids = rows
                            .map(|row| row.group_id.ok_or_else(|| "a security group without an id".into()));
                        Ok(Page::of(ids, answer.next_token))
                    }
                    .boxed()
                },
            );
            all.extend(whole(found.await)?);
        }
        Ok(all)
    }

    async fn cluster_role(&self, cell: &Cell<'_>, arn: &str) -> Result<Option<ClusterRole>, Failure> {
        let iam: Connection<'_, aws_sdk_iam::Client> = self.at(cell.zone, &cell.region);
        let name = arn.rsplit('/').next().unwrap_or(arn);
        let send = |client: &aws_sdk_iam::Client| client.get_role().role_name(name).send();
        let Some(answer) = or_none(iam.call(&GET_ROLE, send).await)? else { return Ok(None) };
        let document = answer.role.and_then(|role| role.assume_role_policy_document).unwrap_or_default();
        let document = percent_encoding::percent_decode_str(&document).decode_utf8_lossy();
        let policy: Value = serde_json::from_str(&document)
            .map_err(|_| unexpected(&GET_ROLE, "the trust policy is no JSON"))?;
        Ok(Some(ClusterRole { name: name.to_owned(), trusts_eks: trusts(&policy, EKS) }))
    }

    async fn encryption_key(&self, cell: &Cell<'_>, arn: &str) -> Result<Option<EncryptionKey>, Failure> {
        let kms = JsonService::kms(self, cell);
        let Some(answer) = or_none(kms.read(&DESCRIBE_KEY, &json!({ "KeyId": arn })).await)? else {
            return Ok(None);
        };
        let key = &answer["KeyMetadata"];
        match (text(key, "KeyId"), text(key, "KeyState")) {
            (Some(id), Some(state)) => Ok(Some(EncryptionKey { id, state })),
            _ => Err(unexpected(&DESCRIBE_KEY, "a key without an id or a state")),
        }
    }

    async fn instance_offers(
        &self,
        cell: &Cell<'_>,
        types: &[String],
    ) -> Result<Vec<InstanceOffer>, Failure> {
        let ec2: &Ec2<'_> = &self.at(cell.zone, &cell.region);
        let mut zones: BTreeMap<String, Vec<String>> =
            types.iter().map(|it| (it.clone(), Vec::new())).collect();
        for types in types.chunks(MOST_FILTER_VALUES) {
            let filter = &literal("instance-type", types.iter().map(String::as_str));
            let found = pages(
                &DESCRIBE_INSTANCE_TYPE_OFFERINGS,
                |row: &Offering| &row.key,
                |token| {
                    let send = move |client: &aws_sdk_ec2::Client| {
                        let request = client.describe_instance_type_offerings().filters(filter.clone());
                        let request = request.location_type(LocationType::AvailabilityZone);
                        request.max_results(PAGE).set_next_token(token.clone()).send()
                    };
                    async move {
                        let answer = ec2.call(&DESCRIBE_INSTANCE_TYPE_OFFERINGS, send).await?;
                        let rows = answer.instance_type_offerings.unwrap_or_default().into_iter();
                        let rows = rows.map(|row| match (row.instance_type, row.location) {
                            (Some(kind), Some(zone)) => {
                                let kind = kind.as_str().to_owned();
                                Ok(Offering { key: format!("{kind} {zone}"), kind, zone })
                            }
                            _ => Err("an offering without a type or a zone".to_owned()),
                        });
                        Ok(Page::of(rows, answer.next_token))
                    }
                    .boxed()
                },
            );
            for Offering { kind, zone, .. } in whole(found.await)? {
                zones.entry(kind).or_default().push(zone);
            }
        }
        let offers = zones.into_iter().map(|(instance_type, mut zones)| {
            zones.sort();
            InstanceOffer { instance_type, zones }
        });
        Ok(offers.collect())
    }

    async fn network_interfaces(&self, cell: &Cell<'_>) -> Result<Usage, Failure> {
        let ec2: &Ec2<'_> = &self.at(cell.zone, &cell.region);
        let quota = quota(self, cell, INTERFACES).await?;
        let found = pages(
            &DESCRIBE_NETWORK_INTERFACES,
            |id: &String| id.as_str(),
            |token| {
                let send = move |client: &aws_sdk_ec2::Client| {
                    let request = client.describe_network_interfaces();
                    request.max_results(PAGE).set_next_token(token.clone()).send()
                };
                async move {
                    let answer = ec2.call(&DESCRIBE_NETWORK_INTERFACES, send).await?;
                    let rows = answer.network_interfaces.unwrap_or_default().into_iter();
                    let ids = rows.map(|row| {
                        row.network_interface_id.ok_or_else(|| "an interface without an id".into())
                    });
                    Ok(Page::of(ids, answer.next_token))
                }
                .boxed()
            },
        );
        let used = whole(found.await)?.len();
        Ok(Usage { used: u32::try_from(used).unwrap_or(u32::MAX), quota })
    }

    async fn vcpu_quotas(&self, cell: &Cell<'_>) -> Result<(u32, u32), Failure> {
        Ok((quota(self, cell, ON_DEMAND).await?, quota(self, cell, SPOT).await?))
    }

    async fn volume_storage(&self, cell: &Cell<'_>) -> Result<Vec<(String, Usage)>, Failure> {
        volumes::storage(self, cell).await
    }

    async fn public_parameters(&self, cell: &Cell<'_>, names: &[String]) -> Result<Vec<String>, Failure> {
        let ssm: Connection<'_, aws_sdk_ssm::Client> = self.at(cell.zone, &cell.region);
        let mut known = Vec::new();
        for name in names {
            let send = |client: &aws_sdk_ssm::Client| client.get_parameter().name(name).send();
            known.extend(or_none(ssm.call(&GET_PARAMETER, send).await)?.map(|_| name.clone()));
        }
        Ok(known)
    }

    async fn upgrade_rights(
        &self,
        cell: &Cell<'_>,
        name: &ClusterName,
        parts: UpgradedParts<'_>,
    ) -> Result<Vec<Right>, Failure> {
        rights::of_upgrades(self, cell, name, parts).await
    }
}

async fn quota(aws: &Aws, cell: &Cell<'_>, (service, code): (&str, &str)) -> Result<u32, Failure> {
    let quotas = JsonService::service_quotas(aws, cell);
    let body = json!({ "ServiceCode": service, "QuotaCode": code });
    let answer = quotas.read(&GET_SERVICE_QUOTA, &body).await?;
    let value = answer["Quota"]["Value"].as_f64().filter(|value| *value >= 0.0);
    // A quota is a whole number written as a fraction; what is beyond the type is as good as no limit.
    value
        .map(|value| value.min(f64::from(u32::MAX)) as u32)
        .ok_or_else(|| unexpected(&GET_SERVICE_QUOTA, "a quota without a value"))
}

fn subnet(row: aws_sdk_ec2::types::Subnet) -> Result<Subnet, String> {
    let free = row.available_ip_address_count.and_then(|count| u32::try_from(count).ok());
    Ok(Subnet {
        id: row.subnet_id.ok_or("a subnet without an id")?,
        zone: row.availability_zone.ok_or("a subnet without a zone")?,
        free_addresses: free.ok_or("a subnet that does not say how many addresses are free")?,
    })
}

/// Whether a trust policy lets a service assume its role: a statement allows it, and none denies it.
fn trusts(policy: &Value, service: &str) -> bool {
    let each = |value: &Value| -> Vec<String> {
        match value {
            Value::String(one) => vec![one.clone()],
            Value::Array(many) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    };
    let statements = match &policy["Statement"] {
        Value::Array(all) => all.iter().collect(),
        one => vec![one],
    };
    let about = |statement: &&&Value| {
        let principal = &statement["Principal"];
        let named = principal == "*" || each(&principal["Service"]).iter().any(|it| it == service);
        let assumes = |action: &String| ["sts:AssumeRole", "sts:*", "*"].contains(&action.as_str());
        named && each(&statement["Action"]).iter().any(assumes)
    };
    let has = |effect: &str| statements.iter().filter(about).any(|statement| statement["Effect"] == effect);
    has("Allow") && !has("Deny")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_trusts_eks_where_a_statement_says_so_and_none_denies_it() {
        let statement = |effect: &str, service: Value, action: &str| json!({ "Effect": effect, "Principal": { "Service": service }, "Action": action });
        let allow = statement("Allow", json!(["ec2.amazonaws.com", EKS]), "sts:AssumeRole");
        assert!(trusts(&json!({ "Statement": [allow] }), EKS));
        assert!(trusts(&json!({ "Statement": allow }), EKS));
        assert!(!trusts(&json!({ "Statement": [allow, statement("Deny", json!(EKS), "sts:*")] }), EKS));
        let other = statement("Allow", json!("ec2.amazonaws.com"), "sts:AssumeRole");
        assert!(!trusts(&json!({ "Statement": [other] }), EKS));
        assert!(!trusts(&json!({ "Statement": [statement("Allow", json!(EKS), "sts:TagSession")] }), EKS));
    }
}
