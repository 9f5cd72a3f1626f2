use aws_sdk_ec2::types::ResourceType;
use fleetwright_model::{Cell, ErrorClass, Failure, Text};
use fleetwright_ports::ImageRequest;

use crate::Aws;
use crate::clients::Connection;
use crate::ec2_terms::tagging;
use crate::operations::CREATE_IMAGE;
use crate::pages::unexpected;

/// Begins an image, with tags on it and on its snapshots in the same call.
pub(super) async fn create(aws: &Aws, cell: &Cell<'_>, request: &ImageRequest) -> Result<Text, Failure> {
    let kinds = [ResourceType::Image, ResourceType::Snapshot];
    let tags: Vec<_> = kinds.into_iter().filter_map(|kind| tagging(kind, &request.tags)).collect();
    let description = Some(&*request.description).filter(|text| !text.is_empty()).map(str::to_owned);
    let connection: Connection<'_, aws_sdk_ec2::Client> = aws.at(cell.zone, &cell.region);
    let send = |client: &aws_sdk_ec2::Client| {
        let image = client.create_image().instance_id(request.instance.as_str()).name(&*request.name);
        let image = image.set_description(description.clone()).no_reboot(!request.reboot);
        image.set_tag_specifications(Some(tags.clone()).filter(|tags| !tags.is_empty())).send()
    };
    let answer = connection.change(&CREATE_IMAGE, &[request.instance.as_str().into()], send).await?;
    match answer.image_id {
        Some(id) => Ok(id.into()),
        None => {
            let failure = unexpected(&CREATE_IMAGE, "the answer names no image id");
            Err(Failure { class: ErrorClass::Ambiguous, ..failure })
        }
    }
}
