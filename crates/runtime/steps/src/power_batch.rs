//! Starting and stopping in batches, where one instance that cannot must not keep back the others.

use fleetwright_flow::PlaceId;
use fleetwright_model::{ErrorClass, Failure, InstanceId};

use crate::context::Context;
use fleetwright_step::Slot;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PowerCall {
    /// `ec2:StartInstances`.
    Start,
    /// `ec2:StopInstances`.
    Stop,
}

/// Instances in one call at most: AWS refuses the whole call for one of them, and halving finds it.
const BATCH: usize = 100;

/// Carries the call out for all of them. A reply that was lost counts as a success: the call changes
/// nothing where it was carried out already, and the states that are waited for tell the truth.
pub(crate) async fn power<'a>(
    context: &Context,
    place: PlaceId,
    call: PowerCall,
    hosts: Vec<(&'a Slot, InstanceId)>,
) -> Vec<(&'a Slot, InstanceId, Result<(), Failure>)> {
    let cell = context.cell(place);
    let mut batches: Vec<Vec<(&'a Slot, InstanceId)>> =
        hosts.chunks(BATCH).rev().map(<[_]>::to_vec).collect();
    let mut done = Vec::with_capacity(hosts.len());
    while let Some(mut batch) = batches.pop() {
        let ids: Vec<InstanceId> = batch.iter().map(|(_, id)| id.clone()).collect();
        let result = match call {
            PowerCall::Start => context.ports().power.start(&cell, &ids).await,
            PowerCall::Stop => context.ports().power.stop(&cell, &ids).await,
        };
        match result {
            Err(failure) if is_of_one(failure.class) && batch.len() > 1 => {
                let rest = batch.split_off(batch.len() / 2);
                batches.extend([rest, batch]);
            }
            Err(failure) if failure.class != ErrorClass::Ambiguous => {
                done.extend(batch.into_iter().map(|(slot, id)| (slot, id, Err(failure.clone()))));
            }
            Ok(()) | Err(_) => done.extend(batch.into_iter().map(|(slot, id)| (slot, id, Ok(())))),
        }
    }
    done
}

/// Whether one instance may be the cause: a lack of permission or pace concerns all of them.
fn is_of_one(class: ErrorClass) -> bool {
    matches!(class, ErrorClass::NotFound | ErrorClass::Conflict | ErrorClass::Permanent)
}
