//! Deleting parameters.

use serde_json::{Value, json};

use super::{name, names, not_found, on, region_mut};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::ssm::document;
use crate::service::ssm::members::members;
use crate::world::World;

/// DeleteParameter.
pub(super) struct DeleteParameter;
/// DeleteParameters: up to ten; names that are not there are told apart.
pub(super) struct DeleteParameters;

impl Operation for DeleteParameter {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "DeleteParameter"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        on(world, call, "ssm:DeleteParameter", &[call.json()["Name"].as_str().unwrap_or("*")])
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let members = members(call);
        let name = name(&members)?;
        region_mut(world, call)?.parameters.remove(name).ok_or_else(|| not_found(name))?;
        document::write(&json!({}))
    }
}

impl Operation for DeleteParameters {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "DeleteParameters"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        let names = call.json()["Names"].as_array().into_iter().flatten();
        let names: Vec<&str> = names.filter_map(Value::as_str).collect();
        on(world, call, "ssm:DeleteParameters", &names)
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let members = members(call);
        let names = names(&members)?;
        let parameters = &mut region_mut(world, call)?.parameters;
        let (deleted, invalid): (Vec<&str>, Vec<&str>) =
            names.into_iter().partition(|name| parameters.remove(*name).is_some());
        document::write(&json!({ "DeletedParameters": deleted, "InvalidParameters": invalid }))
    }
}
