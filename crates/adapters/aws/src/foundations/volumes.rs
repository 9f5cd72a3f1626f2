//! The storage of volumes against the quotas of their types.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::Volume;
use fleetwright_eks::facts::control_plane::Usage;
use fleetwright_model::{Cell, Failure};
use futures::FutureExt;

use super::{Ec2, PAGE, quota, whole};
use crate::Aws;
use crate::ec2_terms::literal;
use crate::operations::DESCRIBE_VOLUMES;
use crate::pages::{Page, pages};

/// Types of volumes that an instance can boot from, the codes of their quotas of storage, and whether the quota matters
/// where there is no volume of the type: what root volumes usually are is made anew with every node.
/// Source: EBS User Guide, "Quotas for Amazon EBS"; "Amazon EBS volume types".
const TYPES: [(&str, &str, bool); 4] = [
    ("gp2", "L-D18FCD1D", true),
    ("gp3", "L-7A658B76", true),
    ("io1", "L-FD252861", false),
    ("io2", "L-09BD8365", false),
];
/// GiB of a TiB, in which the quotas are.
const TIB: u32 = 1_024;

struct Row {
    id: String,
    kind: String,
    gib: u64,
}

/// GiB of the region's volumes against the quotas, by the type's name.
pub(super) async fn storage(aws: &Aws, cell: &Cell<'_>) -> Result<Vec<(String, Usage)>, Failure> {
    let ec2: &Ec2<'_> = &aws.at(cell.zone, &cell.region);
    let filter = &literal("volume-type", TYPES.iter().map(|(kind, ..)| *kind));
    let found = pages(
        &DESCRIBE_VOLUMES,
        |row: &Row| row.id.as_str(),
        |token| {
            let send = move |client: &aws_sdk_ec2::Client| {
                let request = client.describe_volumes().filters(filter.clone()).max_results(PAGE);
                request.set_next_token(token.clone()).send()
            };
            async move {
                let answer = ec2.call(&DESCRIBE_VOLUMES, send).await?;
                let rows = answer.volumes.unwrap_or_default().into_iter();
                Ok(Page::of(rows.map(row), answer.next_token))
            }
            .boxed()
        },
    );
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for Row { kind, gib, .. } in whole(found.await)? {
        *sums.entry(kind).or_default() += gib;
    }
    let mut storage = Vec::new();
    for (kind, code, usual) in TYPES {
        let used = sums.get(kind).copied();
        if usual || used.is_some() {
            let used = u32::try_from(used.unwrap_or(0)).unwrap_or(u32::MAX);
            let quota = quota(aws, cell, ("ebs", code)).await?.saturating_mul(TIB);
            storage.push((kind.to_owned(), Usage { used, quota }));
        }
    }
    Ok(storage)
}

fn row(row: Volume) -> Result<Row, String> {
    let gib = row.size.and_then(|size| u64::try_from(size).ok());
    Ok(Row {
        id: row.volume_id.ok_or("a volume without an id")?,
        kind: row.volume_type.ok_or("a volume without a type")?.as_str().to_owned(),
        gib: gib.ok_or("a volume without a size")?,
    })
}
