//! Reading a listing page by page to its end, or to where it breaks off.

use std::collections::BTreeSet;

use fleetwright_model::code;
use fleetwright_model::{ErrorClass, Failure, Partial};
use futures::future::BoxFuture;

use crate::operation::Operation;

/// One page of a listing.
pub(crate) struct Page<T> {
    /// The rows that could be read.
    pub(crate) rows: Vec<T>,
    /// What stands in rows that could not, for example an id that is none.
    pub(crate) malformed: Vec<String>,
    /// Where the listing goes on.
    pub(crate) next: Option<String>,
}

impl<T> Page<T> {
    /// A page from rows that were taken or found malformed.
    pub(crate) fn of(rows: impl IntoIterator<Item = Result<T, String>>, next: Option<String>) -> Self {
        let rows = rows.into_iter();
        let mut page = Self { rows: Vec::with_capacity(rows.size_hint().0), malformed: Vec::new(), next };
        for row in rows {
            match row {
                Ok(row) => page.rows.push(row),
                Err(malformed) => page.malformed.push(malformed),
            }
        }
        page
    }
}

/// Whether the listing is begun again when its continuation is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Restarts {
    Left,
    Used,
}

/// Reads every page. A continuation that the service refuses makes the listing begin again, once;
/// rows that were read already (same `key`) are then left out. Whatever else fails ends the listing
/// with what was read until then.
pub(crate) async fn pages<'a, T>(
    operation: &'static Operation,
    key: impl Fn(&T) -> &str,
    mut fetch: impl FnMut(Option<String>) -> BoxFuture<'a, Result<Page<T>, Failure>>,
) -> Partial<T> {
    let (mut items, mut malformed) = (Vec::new(), Vec::new());
    let mut token: Option<String> = None;
    let mut restarts = Restarts::Left;
    loop {
        let page = match fetch(token.clone()).await {
            Ok(page) => page,
            Err(failure) if token.is_some() && refuses_continuation(&failure) => {
                if restarts == Restarts::Used {
                    return Partial::broken_off(
                        items,
                        Failure { code: &code::CHANGED_WHILE_LISTING, ..failure },
                    );
                }
                (restarts, token) = (Restarts::Used, None);
                malformed.clear();
                continue;
            }
            Err(failure) => return Partial::broken_off(items, failure),
        };
        malformed.extend(page.malformed);
        take(&mut items, page.rows, restarts, &key);
        let next = page.next.filter(|next| !next.is_empty());
        if next.is_some() && next == token {
            let message = "the listing does not get on: the same continuation again";
            return Partial::broken_off(items, unexpected(operation, message));
        }
        token = next;
        if token.is_none() {
            break;
        }
    }
    let failure = malformed.first().map(|first| {
        let message = format!("{} rows cannot be used, the first because of {first}", malformed.len());
        unexpected(operation, &message)
    });
    Partial { items, failure }
}

/// Adds the rows; after a restart only those that are new.
fn take<T>(items: &mut Vec<T>, rows: Vec<T>, restarts: Restarts, key: impl Fn(&T) -> &str) {
    match restarts {
        Restarts::Left if items.is_empty() => *items = rows,
        Restarts::Left => items.extend(rows),
        Restarts::Used => {
            let known: BTreeSet<String> = items.iter().map(|item| key(item).to_owned()).collect();
            items.extend(rows.into_iter().filter(|row| !known.contains(key(row))));
        }
    }
}

/// True where the service does not know its own continuation any more.
fn refuses_continuation(failure: &Failure) -> bool {
    let code = failure.service_code.as_deref().unwrap_or_default();
    matches!(code, "InvalidNextToken" | "InvalidNextTokenException" | "InvalidPaginationToken")
        || (code == "InvalidParameterValue" && failure.message.to_lowercase().contains("nexttoken"))
}

/// An answer that is not what the interface promises.
pub(crate) fn unexpected(operation: &Operation, message: &str) -> Failure {
    Failure::new(ErrorClass::Transient, &code::UNEXPECTED_ANSWER, operation.iam, message)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::operations::DESCRIBE_INSTANCES;

    type Script<'s> = Vec<(Option<&'s str>, Result<(Vec<&'s str>, Option<&'s str>), &'s str>)>;

    /// Reads a listing whose requests and answers are laid down in order.
    async fn read(script: Script<'_>) -> Partial<String> {
        let mut script = script.into_iter();
        pages(
            &DESCRIBE_INSTANCES,
            |row: &String| row.as_str(),
            |token| {
                let (expected, answer) = script.next().expect("a request the script knows");
                assert_eq!(token.as_deref(), expected);
                let answer = match answer {
                    Ok((rows, next)) => Ok(Page::of(
                        rows.into_iter().map(|row| match row.strip_prefix('!') {
                            None => Ok(row.to_owned()),
                            Some(bad) => Err(format!("id {bad:?}")),
                        }),
                        next.map(str::to_owned),
                    )),
                    Err(service_code) => Err(Failure {
                        service_code: Some(service_code.to_owned()),
                        ..Failure::new(
                            ErrorClass::Permanent,
                            &code::REQUEST_REFUSED,
                            "ec2:DescribeInstances",
                            "no",
                        )
                    }),
                };
                async move { answer }.boxed()
            },
        )
        .await
    }

    #[tokio::test]
    async fn a_listing_is_read_to_its_end() {
        let read = read(vec![
            (None, Ok((vec!["a", "b"], Some("1")))),
            (Some("1"), Ok((vec![], Some("2")))),
            (Some("2"), Ok((vec!["c"], Some("")))),
        ])
        .await;
        assert_eq!(read, Partial::complete(vec!["a".into(), "b".into(), "c".into()]));
    }

    #[tokio::test]
    async fn a_refused_continuation_begins_again_and_repeats_nothing() {
        let read = read(vec![
            (None, Ok((vec!["a", "b"], Some("1")))),
            (Some("1"), Err("InvalidNextToken")),
            (None, Ok((vec!["a", "b", "b2"], Some("9")))),
            (Some("9"), Ok((vec!["c"], None))),
        ])
        .await;
        assert_eq!(read.failure, None);
        assert_eq!(read.items, ["a", "b", "b2", "c"]);
    }

    #[tokio::test]
    async fn a_second_refusal_ends_the_listing_and_says_so() {
        let read = read(vec![
            (None, Ok((vec!["a"], Some("1")))),
            (Some("1"), Err("InvalidNextToken")),
            (None, Ok((vec!["a"], Some("2")))),
            (Some("2"), Err("InvalidNextToken")),
        ])
        .await;
        assert_eq!(read.items, ["a"]);
        assert_eq!(read.failure.expect("broken off").code.id, code::CHANGED_WHILE_LISTING.id);
    }

    #[tokio::test]
    async fn a_failure_in_the_middle_keeps_what_was_read() {
        let read = read(vec![(None, Ok((vec!["a"], Some("1")))), (Some("1"), Err("InternalError"))]).await;
        assert_eq!(read.items, ["a"]);
        assert_eq!(read.failure.expect("broken off").service_code.as_deref(), Some("InternalError"));
    }

    #[tokio::test]
    async fn a_service_that_turns_in_a_circle_is_left() {
        let read =
            read(vec![(None, Ok((vec!["a"], Some("1")))), (Some("1"), Ok((vec!["b"], Some("1"))))]).await;
        assert_eq!(read.items, ["a", "b"]);
        assert_eq!(read.failure.expect("broken off").code.id, code::UNEXPECTED_ANSWER.id);
    }

    #[tokio::test]
    async fn rows_that_cannot_be_used_are_counted_not_dropped_silently() {
        let read = read(vec![(None, Ok((vec!["a", "!x", "!y"], None)))]).await;
        assert_eq!(read.items, ["a"]);
        let message = read.failure.expect("told").message;
        assert_eq!(message, "2 rows cannot be used, the first because of id \"x\"");
    }
}
