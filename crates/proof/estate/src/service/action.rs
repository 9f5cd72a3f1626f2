//! Operations of the awsJson services: each a name, a kind, what it needs and what it does.

use serde_json::Value;

use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::calls::CallKind;
use crate::world::timeline::Place;
use crate::world::{Region, World};

/// What an operation has to be allowed.
pub(super) type Needs = fn(&World, &Call) -> Vec<Requirement>;
/// What an operation does, and the document it answers; null where it answers nothing.
pub(super) type Does = fn(&mut World, &Call) -> Result<Value, ApiError>;

/// The operations of a service.
pub(super) fn actions<const N: usize>(
    service: Service,
    all: [(&'static str, CallKind, Needs, Does); N],
) -> Vec<Box<dyn Operation>> {
    let operation = |(name, kind, needs, does)| {
        Box::new(Action { service, name, kind, needs, does }) as Box<dyn Operation>
    };
    all.into_iter().map(operation).collect()
}

struct Action {
    service: Service,
    name: &'static str,
    kind: CallKind,
    needs: Needs,
    does: Does,
}

impl Operation for Action {
    fn service(&self) -> Service {
        self.service
    }

    fn name(&self) -> &'static str {
        self.name
    }

    fn mutates(&self) -> bool {
        self.kind == CallKind::Mutation
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        (self.needs)(world, call)
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        match (self.does)(world, call)? {
            Value::Null => Ok(String::new()),
            document => Ok(document.to_string()),
        }
    }
}

/// The region a call is for.
pub(super) fn region<'w>(world: &'w World, call: &Call) -> Result<&'w Region, ApiError> {
    let region = world.accounts.get(&call.account).and_then(|account| account.regions.get(&call.region));
    region.filter(|region| region.enabled).ok_or_else(no_region)
}

/// The same, with all that changes depend on.
pub(super) fn place<'w>(world: &'w mut World, call: &Call) -> Result<Place<'w>, ApiError> {
    world.place(&call.account, &call.region).filter(|place| place.region.enabled).ok_or_else(no_region)
}

fn no_region() -> ApiError {
    ApiError::new(
        400,
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    )
}
