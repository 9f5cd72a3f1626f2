use aws_sdk_ec2::types::{
    IamInstanceProfileSpecification, Instance, InstanceMetadataOptionsRequest, ResourceType,
};
use fleetwright_model::code;
use fleetwright_model::{Cell, ErrorClass, Failure, InstanceId, Tags, Text};
use fleetwright_ports::Replacement;

use super::STARTED;
use crate::Aws;
use crate::clients::Connection;
use crate::ec2_terms::{literal, tagging};
use crate::machines::instance_id;
use crate::operations::{DESCRIBE_INSTANCES, RUN_INSTANCES};
use crate::pages::unexpected;

type Ec2<'a> = Connection<'a, aws_sdk_ec2::Client>;

/// Launches an instance like another one: type, subnet, security groups, role, key, the rules of
/// its metadata service, and tags. Data volumes are those of the image; the old instance's own are
/// not moved here, and neither are its addresses.
pub(super) async fn launch(
    aws: &Aws,
    cell: &Cell<'_>,
    replacement: &Replacement,
) -> Result<InstanceId, Failure> {
    let connection: Ec2<'_> = aws.at(cell.zone, &cell.region);
    let old = original(&connection, &replacement.like).await?;
    let tags = tagging(ResourceType::Instance, &tags_of(&old, &replacement.tags)).map(|tags| vec![tags]);
    let groups: Vec<String> =
        old.security_groups().iter().filter_map(|group| group.group_id().map(str::to_owned)).collect();
    let role = old.iam_instance_profile().and_then(|profile| profile.arn());
    let role = role.map(|arn| IamInstanceProfileSpecification::builder().arn(arn).build());
    let metadata = metadata(&old);
    let send = |client: &aws_sdk_ec2::Client| {
        let new = client.run_instances().min_count(1).max_count(1).client_token(&*replacement.token);
        let new = new.image_id(&*replacement.image).set_instance_type(old.instance_type().cloned());
        let new = new.set_subnet_id(old.subnet_id().map(str::to_owned));
        let new = new.set_security_group_ids(Some(groups.clone()).filter(|groups| !groups.is_empty()));
        let new = new.set_iam_instance_profile(role.clone()).set_metadata_options(metadata.clone());
        new.set_key_name(old.key_name().map(str::to_owned)).set_tag_specifications(tags.clone()).send()
    };
    let changed = [replacement.like.as_str().into(), replacement.image.clone()];
    connection.reserve(&RUN_INSTANCES, STARTED, 1).await;
    let answer = connection.change(&RUN_INSTANCES, &changed, send).await?;
    let new = answer.instances().first().and_then(Instance::instance_id);
    instance_id(new).map_err(|malformed| {
        let failure = unexpected(&RUN_INSTANCES, &format!("the answer has {malformed}"));
        Failure { class: ErrorClass::Ambiguous, ..failure }
    })
}

/// The instance as it is now; one that is terminated has lost its subnet and groups.
async fn original(connection: &Ec2<'_>, id: &InstanceId) -> Result<Instance, Failure> {
    let filter = literal("instance-id", [id.as_str()]);
    let ask = |client: &aws_sdk_ec2::Client| client.describe_instances().filters(filter.clone()).send();
    let answer = connection.call(&DESCRIBE_INSTANCES, ask).await?;
    let found = answer.reservations.unwrap_or_default().into_iter();
    let found = found.flat_map(|reservation| reservation.instances.unwrap_or_default()).next();
    found.filter(|instance| instance.subnet_id().is_some()).ok_or_else(|| {
        let message = format!("{id} is not there any more, so that nothing can be launched like it");
        Failure::new(ErrorClass::NotFound, &code::NOT_FOUND, DESCRIBE_INSTANCES.iam, &message)
    })
}

/// The old tags and the new ones, which count. Tags of AWS's own cannot be set.
fn tags_of(old: &Instance, new: &Tags) -> Tags {
    let old = old.tags().iter().filter_map(|tag| Some((tag.key()?, tag.value().unwrap_or_default())));
    let old = old.filter(|(key, _)| !key.starts_with("aws:"));
    let mut all: Tags = old.map(|(key, value)| (Text::from(key), Text::from(value))).collect();
    all.extend(new.iter().map(|(key, value)| (key.clone(), value.clone())));
    all
}

/// Hops of an answer of the metadata service, where nobody has set another number.
const USUAL_HOPS: i32 = 1;

/// The rules of the metadata service, so that the new instance is not laxer than the old. What is as
/// usual is not said.
fn metadata(old: &Instance) -> Option<InstanceMetadataOptionsRequest> {
    let rules = old.metadata_options()?;
    let tokens = rules.http_tokens().map(|tokens| tokens.as_str().into());
    let endpoint = rules.http_endpoint().map(|endpoint| endpoint.as_str());
    let endpoint = endpoint.filter(|endpoint| *endpoint == "disabled").map(Into::into);
    let hops = rules.http_put_response_hop_limit().filter(|hops| *hops > USUAL_HOPS);
    let request = InstanceMetadataOptionsRequest::builder().set_http_tokens(tokens);
    let request = request.set_http_put_response_hop_limit(hops);
    Some(request.set_http_endpoint(endpoint).build())
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::Tag;

    use super::*;

    #[test]
    fn tags_of_awss_own_stay_behind_and_new_ones_count() {
        let tag = |key: &str| Tag::builder().key(key).value("old").build();
        let old =
            Instance::builder().tags(tag("aws:autoscaling:groupName")).tags(tag("Name")).tags(tag("run"));
        let tags = tags_of(&old.build(), &Tags::from([("run".into(), "new".into())]));
        let expected = Tags::from([("Name".into(), "old".into()), ("run".into(), "new".into())]);
        assert_eq!(tags, expected);
    }
}
