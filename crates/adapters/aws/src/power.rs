//! The [`Power`] port: the life cycle of EC2's instances.

mod batches;
mod pulses;
mod replace;
mod restore;

use async_trait::async_trait;
use fleetwright_model::{Cell, ErrorClass, Failure, InstanceId, Partial, Tags, Text};
use fleetwright_ports::{Power, Pulse, Replacement, Restore};
use futures::FutureExt;

use self::batches::{Done, in_parts};
use crate::Aws;
use crate::clients::Connection;
use crate::operation::Rate;
use crate::operations::{REBOOT_INSTANCES, START_INSTANCES, STOP_INSTANCES};

/// Instances per call that starts or stops: a batch that is refused as a whole stays small.
const BATCH: usize = 200;
/// Instances that may be started, per account and region, and as many launched.
/// Source: EC2 Developer Guide, "Request throttling for the Amazon EC2 API", resource buckets.
const STARTED: Rate = Rate::Published { burst: 1_000, per_second: 2.0 };
/// Instances that may be stopped. Source: as above.
const STOPPED: Rate = Rate::Published { burst: 1_000, per_second: 20.0 };

#[async_trait]
impl Power for Aws {
    async fn pulses(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Partial<Pulse> {
        pulses::look(self, cell, ids).await
    }

    async fn start(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Result<(), Failure> {
        let connection: &Connection<'_, aws_sdk_ec2::Client> = &self.at(cell.zone, &cell.region);
        let done = in_parts(ids, BATCH, |ids| {
            async move {
                let send = |client: &aws_sdk_ec2::Client| {
                    client.start_instances().set_instance_ids(Some(ids.clone())).send()
                };
                connection.reserve(&START_INSTANCES, STARTED, ids.len()).await;
                connection.change(&START_INSTANCES, &texts(&ids), send).await.map(|_| ())
            }
            .boxed()
        });
        all_or_told(done.await)
    }

    async fn stop(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Result<(), Failure> {
        let connection: &Connection<'_, aws_sdk_ec2::Client> = &self.at(cell.zone, &cell.region);
        let done = in_parts(ids, BATCH, |ids| {
            async move {
                let send = |client: &aws_sdk_ec2::Client| {
                    client.stop_instances().set_instance_ids(Some(ids.clone())).send()
                };
                connection.reserve(&STOP_INSTANCES, STOPPED, ids.len()).await;
                connection.change(&STOP_INSTANCES, &texts(&ids), send).await.map(|_| ())
            }
            .boxed()
        });
        all_or_told(done.await)
    }

    async fn reboot(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Result<(), Failure> {
        if ids.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = ids.iter().map(|id| id.as_str().to_owned()).collect();
        let connection: Connection<'_, aws_sdk_ec2::Client> = self.at(cell.zone, &cell.region);
        let send = |client: &aws_sdk_ec2::Client| {
            client.reboot_instances().set_instance_ids(Some(names.clone())).send()
        };
        connection.change(&REBOOT_INSTANCES, &texts(&names), send).await.map(|_| ())
    }

    async fn restore(
        &self,
        cell: &Cell<'_>,
        instance: &InstanceId,
        image: &str,
        token: &str,
        tags: &Tags,
    ) -> Result<Text, Failure> {
        restore::begin(self, cell, instance, image, token, tags).await
    }

    async fn restores(&self, cell: &Cell<'_>, ids: &[Text]) -> Partial<Restore> {
        restore::look(self, cell, ids).await
    }

    async fn replace(&self, cell: &Cell<'_>, replacement: &Replacement) -> Result<InstanceId, Failure> {
        replace::launch(self, cell, replacement).await
    }
}

/// What is changed, for the record.
fn texts(ids: &[String]) -> Vec<Text> {
    ids.iter().map(|id| id.as_str().into()).collect()
}

/// A failure of some after others succeeded is ambiguous for the whole: who asked must look.
fn all_or_told(done: Done<()>) -> Result<(), Failure> {
    let Some((_, failure)) = done.failed.into_iter().next() else { return Ok(()) };
    if done.answers.is_empty() {
        return Err(failure);
    }
    let message = format!("not for all of the instances: {}", failure.message);
    Err(Failure { class: ErrorClass::Ambiguous, message, ..failure })
}
