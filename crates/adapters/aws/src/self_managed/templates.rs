use std::collections::BTreeMap;

use aws_sdk_ec2::types::{LaunchTemplateVersion, MarketType};
use fleetwright_eks::facts::nodes::TemplateVersion;
use fleetwright_eks::image::{minor_of, minor_of_parameter};
use fleetwright_eks::read::flags_of_user_data;
use fleetwright_kubernetes::Minor;
use fleetwright_model::{Cell, Failure};
use futures::FutureExt;

use super::whole;
use crate::Aws;
use crate::clients::Connection;
use crate::ec2_terms::{MOST_FILTER_VALUES, literal};
use crate::operations::{DESCRIBE_IMAGES, DESCRIBE_LAUNCH_TEMPLATE_VERSIONS};
use crate::pages::{Page, pages};

/// Rows of a page. Source: EC2 API reference, DescribeLaunchTemplateVersions and DescribeImages, MaxResults.
const VERSIONS: i32 = 200;
const IMAGES: i32 = 1_000;
/// What stands before the name of a parameter in the place of an image. Source: EC2 User Guide, "Use a Systems Manager
/// parameter instead of an AMI ID".
const PARAMETER: &str = "resolve:ssm:";

type Ec2<'a> = Connection<'a, aws_sdk_ec2::Client>;

/// A version with the number by which pages tell rows apart.
struct Row {
    key: String,
    version: TemplateVersion,
}

/// Every version of a template, the newest first.
pub(super) async fn versions(
    aws: &Aws,
    cell: &Cell<'_>,
    template: &str,
) -> Result<Vec<TemplateVersion>, Failure> {
    let ec2: &Ec2<'_> = &aws.at(cell.zone, &cell.region);
    let found = pages(
        &DESCRIBE_LAUNCH_TEMPLATE_VERSIONS,
        |row: &Row| &row.key,
        |token| {
            let send = move |client: &aws_sdk_ec2::Client| {
                let request = client.describe_launch_template_versions().launch_template_id(template);
                request.max_results(VERSIONS).set_next_token(token.clone()).send()
            };
            async move {
                let answer = ec2.call(&DESCRIBE_LAUNCH_TEMPLATE_VERSIONS, send).await?;
                let rows = answer.launch_template_versions.unwrap_or_default().into_iter().map(row);
                Ok(Page::of(rows, answer.next_token))
            }
            .boxed()
        },
    );
    let mut all: Vec<TemplateVersion> = whole(found.await)?.into_iter().map(|row| row.version).collect();
    all.sort_by_key(|it| std::cmp::Reverse(it.number));
    let minors = minors(ec2, &all).await?;
    for version in &mut all {
        version.minor = version.image.as_deref().and_then(|image| match image.strip_prefix(PARAMETER) {
            Some(parameter) => minor_of_parameter(parameter),
            None => minors.get(image).copied(),
        });
    }
    Ok(all)
}

fn row(row: LaunchTemplateVersion) -> Result<Row, String> {
    let number = row.version_number.and_then(|it| u32::try_from(it).ok());
    let number = number.ok_or("a version of a launch template without a number")?;
    let data = row.launch_template_data;
    let user_data = data.as_ref().and_then(|data| data.user_data()).unwrap_or_default();
    let market = data.as_ref().and_then(|data| data.instance_market_options());
    let instance_type = data.as_ref().and_then(|data| data.instance_type());
    let version = TemplateVersion {
        instance_type: instance_type.map(|it| it.as_str().to_owned()),
        spot: market.and_then(|market| market.market_type()) == Some(&MarketType::Spot),
        number,
        is_default: row.default_version.unwrap_or(false),
        // What is in it may be secret: no more than the names of flags goes on from here.
        kubelet_flags: flags_of_user_data(user_data),
        image: data.and_then(|data| data.image_id),
        minor: None,
    };
    Ok(Row { key: number.to_string(), version })
}

/// The versions of Kubernetes of the images of these versions, where the images tell. One that is gone tells nothing.
async fn minors(ec2: &Ec2<'_>, versions: &[TemplateVersion]) -> Result<BTreeMap<String, Minor>, Failure> {
    let named = versions.iter().filter_map(|it| it.image.as_deref()).filter(|it| it.starts_with("ami-"));
    let mut ids: Vec<&str> = named.collect();
    ids.sort_unstable();
    ids.dedup();
    let mut minors = BTreeMap::new();
    for ids in ids.chunks(MOST_FILTER_VALUES) {
        let filter = &literal("image-id", ids.iter().copied());
        let found = pages(
            &DESCRIBE_IMAGES,
            |(id, _): &(String, Option<Minor>)| id.as_str(),
            |token| {
                let send = move |client: &aws_sdk_ec2::Client| {
                    let request = client.describe_images().filters(filter.clone()).include_deprecated(true);
                    request.max_results(IMAGES).set_next_token(token.clone()).send()
                };
                async move {
                    let answer = ec2.call(&DESCRIBE_IMAGES, send).await?;
                    let rows = answer.images.unwrap_or_default().into_iter().map(|row| {
                        let (name, description) = (row.name(), row.description());
                        let minor = minor_of(name.unwrap_or_default(), description.unwrap_or_default());
                        Ok((row.image_id.ok_or("a missing image id")?, minor))
                    });
                    Ok(Page::of(rows, answer.next_token))
                }
                .boxed()
            },
        );
        minors.extend(whole(found.await)?.into_iter().filter_map(|(id, minor)| Some((id, minor?))));
    }
    Ok(minors)
}
