//! Service Quotas: what an account may have, of the few quotas that an upgrade of a cluster can run into.
//!
//! Rules: <https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/Welcome.html>. Quotas are told, and not
//! judged by: nothing of the estate is refused because of one.

use serde_json::{Value, json};

use super::members::{Members, members, missing, number, text_within};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::calls::CallKind;
use crate::service::action::{Does, Needs, actions, region};
use crate::service::page;
use crate::world::World;
use crate::world::quotas::{KNOWN, Quota, Quotas};

/// Every operation of Service Quotas that the estate answers.
#[must_use]
pub fn operations() -> Vec<Box<dyn Operation>> {
    let all = [
        ("GetServiceQuota", CallKind::Read, on_all as Needs, get as Does),
        ("ListServiceQuotas", CallKind::Read, on_all, list),
    ];
    actions(Service::ServiceQuotas, all)
}

/// The call's own action; reading has no permissions on single quotas (Service Authorization Reference).
fn on_all(_: &World, call: &Call) -> Vec<Requirement> {
    vec![Requirement::any_resource(format!("servicequotas:{}", call.action))]
}

fn not_found(what: &str) -> ApiError {
    let message = format!("The request failed because the specified {what} does not exist.");
    ApiError::new(400, "NoSuchResourceException", message)
}

/// The quotas of the service that a request names.
fn of_service(members: &Members) -> Result<Vec<Quota>, ApiError> {
    let code = text_within(members, "ServiceCode", (1, 63))?.ok_or_else(|| missing("ServiceCode"))?;
    let found: Vec<Quota> = KNOWN.into_iter().filter(|it| it.service.0 == code).collect();
    if found.is_empty() { Err(not_found("service")) } else { Ok(found) }
}

fn shown(call: &Call, quota: &Quota, own: &Quotas) -> Value {
    let (service, service_name) = quota.service;
    json!({
        "ServiceCode": service,
        "ServiceName": service_name,
        "QuotaArn": format!("arn:aws:servicequotas:{}:{}:{service}/{}", call.region, call.account, quota.code),
        "QuotaCode": quota.code,
        "QuotaName": quota.name,
        "Value": own.get(quota.code).copied().unwrap_or(quota.value),
        "Unit": "None",
        "Adjustable": true,
        "GlobalQuota": false,
        "QuotaAppliedAtLevel": "ACCOUNT",
    })
}

/// GetServiceQuota.
fn get(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["ServiceCode", "QuotaCode"])?;
    let all = of_service(members)?;
    let code = text_within(members, "QuotaCode", (1, 128))?.ok_or_else(|| missing("QuotaCode"))?;
    let found = all.iter().find(|it| it.code == code).ok_or_else(|| not_found("quota"))?;
    Ok(json!({ "Quota": shown(call, found, &region(world, call)?.quotas) }))
}

/// ListServiceQuotas.
fn list(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["ServiceCode", "MaxResults", "NextToken"])?;
    let all = of_service(members)?;
    let size = number(members, "MaxResults", 1, 100)?.unwrap_or(100) as usize;
    let from = match text_within(members, "NextToken", (0, 2_048))? {
        None | Some("") => 0,
        Some(token) => page::cursor(call, token).ok_or_else(|| {
            ApiError::new(400, "InvalidPaginationTokenException", "Invalid NextToken was provided.")
        })? as usize,
    };
    let own = &region(world, call)?.quotas;
    let page: Vec<Value> = all.iter().skip(from).take(size).map(|it| shown(call, it, own)).collect();
    let mut answer = json!({ "Quotas": page });
    if all.len() > from + size {
        answer["NextToken"] = page::token(call, (from + size) as u64).into();
    }
    Ok(answer)
}
