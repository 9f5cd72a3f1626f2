use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use aws_sdk_ec2::types::{InstanceType, InstanceTypeInfo};
use fleetwright_model::{Cell, Failure, Hardware, Partial, Region, Text};

use crate::Aws;
use crate::clients::Connection;
use crate::interner::Interner;
use crate::lock::lock;
use crate::operations::DESCRIBE_INSTANCE_TYPES;

/// Types per call. Source: EC2 API reference, DescribeInstanceTypes, InstanceTypes.
const BATCH: usize = 100;

/// What was asked of one region; `None` for a type that the region does not know.
type Known = BTreeMap<Text, Option<Hardware>>;

/// Instance types by region: the same in every account, so asked once.
#[derive(Default)]
pub(crate) struct TypeMemory(Mutex<HashMap<Region, Arc<tokio::sync::Mutex<Known>>>>);

/// Memory and network performance of these types. Who asks for the same region meanwhile waits for
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
        match ask(&connection, &aws.inner.texts, batch).await {
            Ok(found) => {
                known.extend(batch.iter().map(|kind| (Text::clone(kind), None)));
                known.extend(found);
            }
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    let mut items: Vec<(Text, Hardware)> =
        types.iter().filter_map(|kind| Some((Text::clone(kind), known.get(kind)?.clone()?))).collect();
    items.sort_by(|(a, _), (b, _)| a.cmp(b));
    items.dedup_by(|(a, _), (b, _)| a == b);
    Partial { items, failure }
}

async fn ask(
    connection: &Connection<'_, aws_sdk_ec2::Client>,
    texts: &Interner,
    batch: &[&Text],
) -> Result<Vec<(Text, Option<Hardware>)>, Failure> {
    let types: Vec<InstanceType> = batch.iter().map(|kind| InstanceType::from(&***kind)).collect();
    let answer = connection
        .call(&DESCRIBE_INSTANCE_TYPES, |client| {
            client.describe_instance_types().set_instance_types(Some(types.clone())).send()
        })
        .await?;
    let rows = answer.instance_types.unwrap_or_default();
    Ok(rows.iter().filter_map(|row| hardware(row, texts)).collect())
}

fn hardware(row: &InstanceTypeInfo, texts: &Interner) -> Option<(Text, Option<Hardware>)> {
    let memory = row.memory_info().and_then(|memory| memory.size_in_mib());
    let network = row.network_info().and_then(|network| network.network_performance());
    let found = memory.and_then(|mib| u64::try_from(mib).ok()).map(|memory_mib| Hardware {
        memory_mib,
        network_performance: texts.share(network.unwrap_or_default()),
    });
    Some((texts.share(row.instance_type()?.as_str()), found))
}
