use std::collections::BTreeMap;
use std::net::IpAddr;

use aws_sdk_ec2::types::{DeviceType, Filter, InstanceLifecycleType, PlatformValues};
use fleetwright_model::redaction::{HIDDEN, is_secret_name, redact};
use fleetwright_model::{
    Cell, Instance, InstanceId, InstanceState, Lifecycle, OsFamily, Partial, Tags, Text,
};
use fleetwright_ports::InstanceQuery;
use futures::FutureExt;
use futures::future::join_all;

use super::instance_id;
use crate::Aws;
use crate::clients::Connection;
use crate::interner::Interner;
use crate::operations::DESCRIBE_INSTANCES;
use crate::pages::{Page, pages};
use crate::sdk_time::timestamp;

/// Rows per page. Source: EC2 API reference, DescribeInstances, MaxResults.
const PAGE: i32 = 1_000;
/// Filter values per call, all filters together. Source: EC2 API reference, Filter.
const MOST_FILTER_VALUES: usize = 200;
/// States of instances that exist.
const LISTED: [InstanceState; 5] = [
    InstanceState::Pending,
    InstanceState::Running,
    InstanceState::ShuttingDown,
    InstanceState::Stopping,
    InstanceState::Stopped,
];

/// Lists the instances a query takes. Ids go into a filter, not into `InstanceIds`, so that one
/// that does not exist is no error and the call counts as filtered and paginated.
pub(super) async fn list(aws: &Aws, cell: &Cell<'_>, query: &InstanceQuery) -> Partial<Instance> {
    let states: Vec<&str> = LISTED
        .iter()
        .filter(|s| query.states.is_empty() || query.states.contains(s))
        .map(|s| s.as_str())
        .collect();
    if states.is_empty() {
        return Partial::complete(Vec::new());
    }
    let mut filters = vec![filter("instance-state-name", states)];
    for (key, values) in &query.tags {
        filters.push(filter(&format!("tag:{key}"), values.iter().map(String::as_str)));
    }
    let connection: Connection<'_, aws_sdk_ec2::Client> = aws.at(cell.zone, &cell.region);
    if query.ids.is_empty() {
        return listing(&connection, &aws.inner.texts, filters).await;
    }
    let used: usize = filters.iter().map(|filter| filter.values().len()).sum();
    let room = MOST_FILTER_VALUES.saturating_sub(used).max(1);
    let listings = query.ids.chunks(room).map(|ids| {
        let by_id = filter("instance-id", ids.iter().map(InstanceId::as_str));
        let filters = filters.iter().cloned().chain([by_id]).collect();
        listing(&connection, &aws.inner.texts, filters)
    });
    let mut whole = Partial::complete(Vec::new());
    for part in join_all(listings).await {
        whole.items.extend(part.items);
        whole.failure = whole.failure.or(part.failure);
    }
    whole
}

fn filter<'t>(name: &str, values: impl IntoIterator<Item = &'t str>) -> Filter {
    let values = values.into_iter().map(str::to_owned).collect();
    Filter::builder().name(name).set_values(Some(values)).build()
}

async fn listing(
    connection: &Connection<'_, aws_sdk_ec2::Client>,
    texts: &Interner,
    filters: Vec<Filter>,
) -> Partial<Instance> {
    let filters = &filters;
    pages(
        &DESCRIBE_INSTANCES,
        |instance: &Instance| instance.id.as_str(),
        |token| {
            let send = move |client: &aws_sdk_ec2::Client| {
                let request =
                    client.describe_instances().set_filters(Some(filters.clone())).max_results(PAGE);
                request.set_next_token(token.clone()).send()
            };
            async move {
                let answer = connection.call(&DESCRIBE_INSTANCES, send).await?;
                let found = answer.reservations.unwrap_or_default().into_iter();
                let found = found.flat_map(|reservation| reservation.instances.unwrap_or_default());
                let rows = found.map(|row| instance(row, texts)).filter(|row| {
                    // A state filter is a promise of the service's, not ours.
                    !matches!(row, Ok(Instance { state: InstanceState::Terminated, .. }))
                });
                Ok(Page::of(rows, answer.next_token))
            }
            .boxed()
        },
    )
    .await
}

/// A row of DescribeInstances in our terms; fields that are missing stay unknown.
fn instance(row: aws_sdk_ec2::types::Instance, texts: &Interner) -> Result<Instance, String> {
    let id = instance_id(row.instance_id.as_deref())?;
    let state = row.state.as_ref().and_then(|state| state.name.as_ref());
    let state =
        state.and_then(|name| InstanceState::from_name(name.as_str())).unwrap_or(InstanceState::Unknown);
    let (name, tags) = tags(row.tags.unwrap_or_default(), texts);
    let groups = row.security_groups.unwrap_or_default();
    Ok(Instance {
        id,
        name,
        state,
        os: os(row.platform.as_ref(), row.platform_details.as_deref()),
        platform_details: texts.share_if(row.platform_details.as_deref()),
        instance_type: texts.share(row.instance_type.as_ref().map_or("", |kind| kind.as_str())),
        image: texts.share(row.image_id.as_deref().unwrap_or_default()),
        launch_time: row.launch_time.as_ref().and_then(timestamp),
        availability_zone: texts.share_if(row.placement.as_ref().and_then(|place| place.availability_zone())),
        private_ip: address(row.private_ip_address.as_deref()),
        public_ip: address(row.public_ip_address.as_deref()),
        vpc: texts.share_if(row.vpc_id.as_deref()),
        subnet: texts.share_if(row.subnet_id.as_deref()),
        security_groups: groups.iter().filter_map(|group| texts.share_if(group.group_id())).collect(),
        cpu_cores: row.cpu_options.and_then(|cpu| cpu.core_count).and_then(|cores| u32::try_from(cores).ok()),
        lifecycle: lifecycle(row.instance_lifecycle.as_ref()),
        root_on_ebs: row.root_device_type == Some(DeviceType::Ebs),
        tags,
    })
}

/// The `Name` tag and all tags. Names are rarely shared between instances, other values are.
fn tags(tags: Vec<aws_sdk_ec2::types::Tag>, texts: &Interner) -> (Option<Text>, Tags) {
    let mut name = None;
    let mut all = BTreeMap::new();
    for tag in tags {
        let (Some(key), value) = (tag.key, tag.value.unwrap_or_default()) else { continue };
        // Tags end up in plans, reports and messages: a secret in one goes no further than here.
        let value = match is_secret_name(&key) {
            true if !value.is_empty() => HIDDEN.into(),
            _ => redact(&value),
        };
        let value: Text = if key == "Name" { value.into() } else { texts.share(&value) };
        if key == "Name" {
            name = Some(Text::clone(&value));
        }
        all.insert(texts.share(&key), value);
    }
    (name, all)
}

/// EC2 says `windows` or nothing; macOS shows only in the details.
fn os(platform: Option<&PlatformValues>, details: Option<&str>) -> OsFamily {
    let windows = platform.is_some_and(|platform| platform.as_str().eq_ignore_ascii_case("windows"));
    match details {
        _ if windows => OsFamily::Windows,
        Some(details) if details.starts_with("Windows") => OsFamily::Windows,
        Some(details) if details.to_ascii_lowercase().contains("mac") => OsFamily::MacOs,
        _ => OsFamily::Linux,
    }
}

fn lifecycle(lifecycle: Option<&InstanceLifecycleType>) -> Lifecycle {
    match lifecycle.map(InstanceLifecycleType::as_str) {
        Some("spot") => Lifecycle::Spot,
        Some("scheduled" | "capacity-block") => Lifecycle::Scheduled,
        _ => Lifecycle::OnDemand,
    }
}

pub(super) fn address(text: Option<&str>) -> Option<IpAddr> {
    text?.parse().ok()
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::Tag;

    use super::*;

    #[test]
    fn a_row_with_nothing_but_an_id_is_an_instance() {
        let row = aws_sdk_ec2::types::Instance::builder().instance_id("i-0123456789abcdef0").build();
        let found = instance(row, &Interner::default()).expect("usable");
        assert_eq!((found.state, found.os), (InstanceState::Unknown, OsFamily::Linux));
        assert!(found.tags.is_empty() && !found.root_on_ebs);
    }

    #[test]
    fn hostile_tags_are_kept_as_they_are() {
        let evil = "=cmd|' /C calc'!A0\n\"\u{202e}";
        let tag = |key: &str| Tag::builder().key(key).value(evil).build();
        let (name, tags) = tags(vec![tag("Name"), tag("a\nb")], &Interner::default());
        assert_eq!(name.as_deref(), Some(evil));
        assert_eq!(tags.get("a\nb").map(|value| &**value), Some(evil));
    }

    #[test]
    fn a_row_with_an_id_that_is_none_says_what_stands_there() {
        let row = aws_sdk_ec2::types::Instance::builder().instance_id("x-1").build();
        assert!(instance(row, &Interner::default()).expect_err("no id").contains("\"x-1\""));
    }
}
