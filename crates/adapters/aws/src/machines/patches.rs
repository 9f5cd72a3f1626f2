use aws_sdk_ssm::types::PatchComplianceData;
use fleetwright_model::{Cell, InstanceId, Partial, PatchDetail, PatchStatus};
use futures::FutureExt;

use crate::Aws;
use crate::clients::Connection;
use crate::interner::Interner;
use crate::operations::DESCRIBE_INSTANCE_PATCHES;
use crate::pages::{Page, pages};
use crate::sdk_time::timestamp;

/// Rows per page. Source: SSM API reference, DescribeInstancePatches, MaxResults.
const PAGE: i32 = 100;

/// Every patch the last operation found on one instance.
pub(super) async fn list(aws: &Aws, cell: &Cell<'_>, id: &InstanceId) -> Partial<PatchDetail> {
    let connection: Connection<'_, aws_sdk_ssm::Client> = aws.at(cell.zone, &cell.region);
    let (connection, texts) = (&connection, &aws.inner.texts);
    let listing = pages(
        &DESCRIBE_INSTANCE_PATCHES,
        |(key, _): &(String, PatchDetail)| key.as_str(),
        |token| {
            let send = move |client: &aws_sdk_ssm::Client| {
                let request = client.describe_instance_patches().instance_id(id.as_str());
                request.max_results(PAGE).set_next_token(token.clone()).send()
            };
            async move {
                let answer = connection.call(&DESCRIBE_INSTANCE_PATCHES, send).await?;
                let rows = answer.patches.unwrap_or_default();
                Ok(Page::of(rows.iter().map(|row| Ok(detail(row, texts))), answer.next_token))
            }
            .boxed()
        },
    )
    .await;
    Partial { items: listing.items.into_iter().map(|(_, patch)| patch).collect(), failure: listing.failure }
}

/// The patch, and what tells it apart: a package may be there in two architectures.
fn detail(row: &PatchComplianceData, texts: &Interner) -> (String, PatchDetail) {
    let cves = row.cve_ids.as_deref().unwrap_or_default().split(',').map(str::trim);
    // The service gives the beginning of time for a patch that is not installed.
    let installed_at = timestamp(&row.installed_time).filter(|time| time.as_second() > 0);
    let patch = PatchDetail {
        title: row.title.as_str().into(),
        kb: row.kb_id.as_str().into(),
        classification: texts.share(&row.classification),
        severity: texts.share(&row.severity),
        state: PatchStatus::from_name(row.state.as_str()).unwrap_or(PatchStatus::Unknown),
        installed_at,
        cves: cves.filter(|cve| !cve.is_empty()).map(|cve| texts.share(cve)).collect(),
    };
    (format!("{} {}", row.kb_id, row.title), patch)
}
