use aws_sdk_ec2::types::Filter;
use fleetwright_model::code;
use fleetwright_model::{Cell, ErrorClass, Failure, Partial, Text};
use fleetwright_ports::{Image, ImageQuery, Snapshot};
use futures::FutureExt;

use super::rows;
use crate::Aws;
use crate::clients::Connection;
use crate::ec2_terms::{MOST_FILTER_VALUES, literal};
use crate::operations::{DESCRIBE_IMAGES, DESCRIBE_SNAPSHOTS};
use crate::pages::{Page, pages};

/// Rows per page. Source: EC2 API reference, DescribeImages and DescribeSnapshots, MaxResults.
const PAGE: i32 = 1_000;
/// The account that asks.
const SELF: &str = "self";

/// The filters of a query, one per call. Ids go into a filter, so that one that does not exist is no
/// error.
fn filters(query: &ImageQuery, id_filter: &str) -> Vec<Filter> {
    let each = |name: &str, values: &[Text]| {
        let batches = values.chunks(MOST_FILTER_VALUES);
        batches.map(|batch| literal(name, batch.iter().map(|value| &**value))).collect()
    };
    match query {
        ImageQuery::Ids(ids) => each(id_filter, ids),
        ImageQuery::Names(names) => each("name", names),
        ImageQuery::Tag(key, value) => vec![literal(&format!("tag:{key}"), [&**value])],
    }
}

/// Own images, deprecated and pending ones included.
pub(super) async fn images(aws: &Aws, cell: &Cell<'_>, query: &ImageQuery) -> Partial<Image> {
    let connection: Connection<'_, aws_sdk_ec2::Client> = aws.at(cell.zone, &cell.region);
    let (connection, texts) = (&connection, &aws.inner.texts);
    let mut whole = Partial::complete(Vec::new());
    for filter in filters(query, "image-id") {
        let filter = &filter;
        let part = pages(
            &DESCRIBE_IMAGES,
            |image: &Image| &image.id,
            |token| {
                let send = move |client: &aws_sdk_ec2::Client| {
                    let request = client.describe_images().owners(SELF).filters(filter.clone());
                    request.max_results(PAGE).set_next_token(token.clone()).send()
                };
                async move {
                    let answer = connection.call(&DESCRIBE_IMAGES, send).await?;
                    let rows = answer.images.unwrap_or_default().into_iter();
                    Ok(Page::of(rows.map(|row| rows::image(row, texts)), answer.next_token))
                }
                .boxed()
            },
        )
        .await;
        whole.items.extend(part.items);
        whole.failure = whole.failure.or(part.failure);
    }
    whole
}

/// Own snapshots.
pub(super) async fn snapshots(aws: &Aws, cell: &Cell<'_>, query: &ImageQuery) -> Partial<Snapshot> {
    if matches!(query, ImageQuery::Names(_)) {
        let message = "not sent: snapshots have no names";
        let failure =
            Failure::new(ErrorClass::Permanent, &code::REQUEST_REFUSED, DESCRIBE_SNAPSHOTS.iam, message);
        return Partial::broken_off(Vec::new(), Failure { attempts: 0, ..failure });
    }
    let connection: Connection<'_, aws_sdk_ec2::Client> = aws.at(cell.zone, &cell.region);
    let (connection, texts) = (&connection, &aws.inner.texts);
    let mut whole = Partial::complete(Vec::new());
    for filter in filters(query, "snapshot-id") {
        let filter = &filter;
        let part = pages(
            &DESCRIBE_SNAPSHOTS,
            |snapshot: &Snapshot| &snapshot.id,
            |token| {
                let send = move |client: &aws_sdk_ec2::Client| {
                    let request = client.describe_snapshots().owner_ids(SELF).filters(filter.clone());
                    request.max_results(PAGE).set_next_token(token.clone()).send()
                };
                async move {
                    let answer = connection.call(&DESCRIBE_SNAPSHOTS, send).await?;
                    let rows = answer.snapshots.unwrap_or_default().into_iter();
                    Ok(Page::of(rows.map(|row| rows::snapshot(row, texts)), answer.next_token))
                }
                .boxed()
            },
        )
        .await;
        whole.items.extend(part.items);
        whole.failure = whole.failure.or(part.failure);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_of_ids_becomes_several_calls_and_none_becomes_no_call() {
        let ids =
            |count: usize| ImageQuery::Ids((0..count).map(|n| format!("ami-{n:017x}").into()).collect());
        let sizes = |query: &ImageQuery| -> Vec<usize> {
            filters(query, "image-id").iter().map(|filter| filter.values().len()).collect()
        };
        assert_eq!(sizes(&ids(450)), [200, 200, 50]);
        assert!(sizes(&ids(0)).is_empty());
    }
}
