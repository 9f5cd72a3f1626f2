use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use aws_sdk_ec2::types::{Filter, InstanceTypeInfo};
use fleetwright_model::{Cell, Hardware, Partial, Region, Text};
use futures::FutureExt;

use crate::Aws;
use crate::clients::Connection;
use crate::interner::Interner;
use crate::lock::lock;
use crate::operations::DESCRIBE_INSTANCE_TYPES;
use crate::pages::{Page, pages};

/// Types asked for at once, which is also what a page holds at most.
/// Source: EC2 API reference, DescribeInstanceTypes, MaxResults.
const BATCH: usize = 100;
/// Rows per page.
const PAGE: i32 = 100;

/// What was asked of one region; `None` for a type that the region does not know.
type Known = BTreeMap<Text, Option<Hardware>>;

/// Instance types by region: the same in every account, so asked once.
#[derive(Default)]
pub(crate) struct TypeMemory(Mutex<HashMap<Region, Arc<tokio::sync::Mutex<Known>>>>);

/// Memory, vCPUs and network performance of these types. Who asks for the same region meanwhile waits for
/// the same answer.
pub(super) async fn look_up(aws: &Aws, cell: &Cell<'_>, types: &[Text]) -> Partial<(Text, Hardware)> {
    let known = Arc::clone(lock(&aws.inner.types.0).entry(cell.region.clone()).or_default());
    let mut known = known.lock().await;
    let mut missing: Vec<&Text> =
        types.iter().filter(|kind| !kind.is_empty() && !known.contains_key(*kind)).collect();
    missing.sort();
    missing.dedup();
    let connection: Connection<'_, aws_sdk_ec2::Client> = aws.at(cell.zone, &cell.region);
    let mut failure = None;
    for batch in missing.chunks(BATCH) {
        let answer = ask(&connection, &aws.inner.texts, batch).await;
        if answer.failure.is_none() {
            known.extend(batch.iter().map(|kind| (Text::clone(kind), None)));
        }
        known.extend(answer.items);
        failure = failure.or(answer.failure);
    }
    let mut items: Vec<(Text, Hardware)> =
        types.iter().filter_map(|kind| Some((Text::clone(kind), known.get(kind)?.clone()?))).collect();
    items.sort_by(|(a, _), (b, _)| a.cmp(b));
    items.dedup_by(|(a, _), (b, _)| a == b);
    Partial { items, failure }
}

/// Types go into a filter, not into `InstanceTypes`, so that one that AWS has retired is no error.
async fn ask(
    connection: &Connection<'_, aws_sdk_ec2::Client>,
    texts: &Interner,
    batch: &[&Text],
) -> Partial<(Text, Option<Hardware>)> {
    let names: Vec<String> = batch.iter().map(|kind| kind.to_string()).collect();
    let filter = &Filter::builder().name("instance-type").set_values(Some(names)).build();
    pages(
        &DESCRIBE_INSTANCE_TYPES,
        |(name, _): &(Text, Option<Hardware>)| name,
        |token| {
            let send = move |client: &aws_sdk_ec2::Client| {
                let request = client.describe_instance_types().filters(filter.clone()).max_results(PAGE);
                request.set_next_token(token.clone()).send()
            };
            async move {
                let answer = connection.call(&DESCRIBE_INSTANCE_TYPES, send).await?;
                let rows = answer.instance_types.unwrap_or_default();
                Ok(Page::of(rows.iter().filter_map(|row| hardware(row, texts)).map(Ok), answer.next_token))
            }
            .boxed()
        },
    )
    .await
}

fn hardware(row: &InstanceTypeInfo, texts: &Interner) -> Option<(Text, Option<Hardware>)> {
    let memory = row.memory_info().and_then(|memory| memory.size_in_mib());
    let network = row.network_info().and_then(|network| network.network_performance());
    let vcpus = row.v_cpu_info().and_then(|cpus| cpus.default_v_cpus());
    let memory = memory.and_then(|mib| u64::try_from(mib).ok());
    let vcpus = vcpus.and_then(|count| u32::try_from(count).ok());
    let addresses = row.network_info().and_then(|network| network.ipv4_addresses_per_interface());
    let addresses = addresses.and_then(|count| u32::try_from(count).ok());
    let found = memory.zip(vcpus).zip(addresses).map(|((memory_mib, vcpus), addresses)| Hardware {
        memory_mib,
        vcpus,
        addresses_per_interface: addresses,
        network_performance: texts.share(network.unwrap_or_default()),
    });
    Some((texts.share(row.instance_type()?.as_str()), found))
}
