//! The [`Images`] port: EC2's images and snapshots of the account's own.

mod create;
mod listing;
mod rows;

use async_trait::async_trait;
use fleetwright_model::{Cell, Failure, Partial, Text};
use fleetwright_ports::{Image, ImageQuery, ImageRequest, Images, Snapshot};

use crate::Aws;
use crate::clients::Connection;
use crate::operations::{DELETE_SNAPSHOT, DEREGISTER_IMAGE};

#[async_trait]
impl Images for Aws {
    async fn create(&self, cell: &Cell<'_>, request: &ImageRequest) -> Result<Text, Failure> {
        create::create(self, cell, request).await
    }

    async fn images(&self, cell: &Cell<'_>, query: &ImageQuery) -> Partial<Image> {
        listing::images(self, cell, query).await
    }

    async fn snapshots(&self, cell: &Cell<'_>, query: &ImageQuery) -> Partial<Snapshot> {
        listing::snapshots(self, cell, query).await
    }

    async fn deregister(&self, cell: &Cell<'_>, image: &str) -> Result<(), Failure> {
        let connection: Connection<'_, aws_sdk_ec2::Client> = self.at(cell.zone, &cell.region);
        let send = |client: &aws_sdk_ec2::Client| client.deregister_image().image_id(image).send();
        let answer = connection.change(&DEREGISTER_IMAGE, &[image.into()], send).await.map(|_| ());
        gone_is_done(answer, &["InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"])
    }

    async fn delete_snapshot(&self, cell: &Cell<'_>, snapshot: &str) -> Result<(), Failure> {
        let connection: Connection<'_, aws_sdk_ec2::Client> = self.at(cell.zone, &cell.region);
        let send = |client: &aws_sdk_ec2::Client| client.delete_snapshot().snapshot_id(snapshot).send();
        let answer = connection.change(&DELETE_SNAPSHOT, &[snapshot.into()], send).await.map(|_| ());
        gone_is_done(answer, &["InvalidSnapshot.NotFound"])
    }
}

/// What is gone already, perhaps by an attempt whose reply was lost, is as it should be.
fn gone_is_done(answer: Result<(), Failure>, gone: &[&str]) -> Result<(), Failure> {
    answer.or_else(|failure| match failure.service_code.as_deref() {
        Some(service_code) if gone.contains(&service_code) => Ok(()),
        _ => Err(failure),
    })
}
