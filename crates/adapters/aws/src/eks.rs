//! The ports [`Clusters`](fleetwright_ports::Clusters) and [`ClusterChanges`](fleetwright_ports::ClusterChanges): EKS, one
//! signed request for each call; and tokens for a cluster's Kubernetes API.
//!
//! Source: Amazon EKS API reference.

mod changes;
mod clusters;
mod shapes;
mod token;

pub use token::ClusterTokens;

use std::time::Duration;

use fleetwright_model::{Cell, Failure};
use futures::FutureExt;
use serde_json::Value;

use crate::json_service::text;
use crate::operation::Operation;
use crate::pages::{Page, pages};
use crate::rest_service::{Call, RestService};

/// Rows of a page at most. Source: EKS API reference, ListClusters and the other listings.
const PAGE: &str = "100";
/// How long an attempt at a change may take.
const CHANGE: Duration = Duration::from_secs(60);

/// Every row of a listing, under `member`, of which `key` tells which it is.
async fn listed<T: Clone + Send>(
    service: &RestService<'_>,
    operation: &'static Operation,
    (path, query, member): (&str, &[(&'static str, &str)], &str),
    row: impl Fn(&Value) -> Result<(String, T), String> + Send + Sync + Copy,
) -> fleetwright_model::Partial<(String, T)> {
    pages(
        operation,
        |row: &(String, T)| row.0.as_str(),
        |next| {
            async move {
                let mut query = query.to_vec();
                query.push(("maxResults", PAGE));
                query.extend(next.as_deref().map(|next| ("nextToken", next)));
                let answer = service.read(operation, Call::get(path.to_owned(), &query)).await?;
                let rows = answer[member].as_array().into_iter().flatten().map(row);
                Ok(Page::of(rows, text(&answer, "nextToken")))
            }
            .boxed()
        },
    )
    .await
}

/// A listing of names, all of it.
async fn names(
    service: &RestService<'_>,
    operation: &'static Operation,
    (path, member): (&str, &str),
) -> Result<Vec<String>, Failure> {
    let name = |row: &Value| row.as_str().map(|name| (name.to_owned(), ())).ok_or_else(|| row.to_string());
    let found = listed(service, operation, (path, &[], member), name).await;
    match found.failure {
        Some(failure) => Err(failure),
        None => Ok(found.items.into_iter().map(|(name, ())| name).collect()),
    }
}

/// A part of a path: what is not plain is escaped.
fn part(text: &str) -> String {
    crate::signed::form(&[("", text)]).split_off(1)
}

pub(crate) fn arn(cell: &Cell<'_>, resource: &str) -> String {
    let (partition, account) = (cell.region.partition(), &cell.zone.account);
    format!("arn:{partition}:eks:{}:{account}:{resource}", cell.region)
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn parts_of_paths_are_escaped() {
        assert_eq!(part("kube-proxy"), "kube-proxy");
        assert_eq!(part("../a?b=c/é"), "..%2Fa%3Fb%3Dc%2F%C3%A9");
    }
}
