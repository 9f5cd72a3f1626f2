//! Calls that EC2 refuses as a whole for one bad instance, made again without that one.

use fleetwright_model::{ErrorClass, Failure, InstanceId};
use futures::future::BoxFuture;

/// What became of a list.
pub(super) struct Done<T> {
    /// The answers, one per call that succeeded.
    pub(super) answers: Vec<T>,
    /// The instances that are not in them, with the cause.
    pub(super) failed: Vec<(Vec<InstanceId>, Failure)>,
}

/// Calls with at most `size` ids at a time. Where a call is refused because of an instance that does
/// not exist or whose state does not fit, the instances that the refusal names are left out and the
/// others asked for again; where it names none, each half.
pub(super) async fn in_parts<'a, T>(
    ids: &[InstanceId],
    size: usize,
    call: impl Fn(Vec<String>) -> BoxFuture<'a, Result<T, Failure>>,
) -> Done<T> {
    let mut done = Done { answers: Vec::new(), failed: Vec::new() };
    let mut open: Vec<Vec<InstanceId>> = ids.chunks(size).rev().map(<[InstanceId]>::to_vec).collect();
    while let Some(part) = open.pop() {
        let names = part.iter().map(|id| id.as_str().to_owned()).collect();
        match call(names).await {
            Ok(answer) => done.answers.push(answer),
            Err(failure) if part.len() > 1 && is_of_one(&failure) => {
                let (named, others): (Vec<_>, Vec<_>) =
                    part.iter().cloned().partition(|id| names_it(&failure.message, id));
                if named.is_empty() || others.is_empty() {
                    let (first, second) = part.split_at(part.len() / 2);
                    open.extend([second.to_vec(), first.to_vec()]);
                } else {
                    done.failed.push((named, failure));
                    open.push(others);
                }
            }
            Err(failure) => done.failed.push((part, failure)),
        }
    }
    done
}

/// True where the refusal may be about some of the instances only.
fn is_of_one(failure: &Failure) -> bool {
    matches!(failure.class, ErrorClass::NotFound | ErrorClass::Conflict)
}

/// True where the message has the id as a word: short ids are the beginning of longer ones.
fn names_it(message: &str, id: &InstanceId) -> bool {
    message.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).any(|word| word == id.as_str())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use fleetwright_model::code;
    use futures::FutureExt;

    use super::*;

    fn id(number: u32) -> InstanceId {
        InstanceId::new(format!("i-{number:017x}")).expect("valid")
    }

    /// Calls for 0 to 9 where 3 and 7 do not exist; the number of calls and what became of them.
    async fn call(message: impl Fn(&[String]) -> String) -> (usize, Done<Vec<String>>) {
        let ids: Vec<InstanceId> = (0..10).map(id).collect();
        let calls = Mutex::new(0);
        let done = in_parts(&ids, 100, |names| {
            *calls.lock().expect("no panic before") += 1;
            let bad: Vec<String> = names
                .iter()
                .filter(|name| [id(3), id(7)].iter().any(|id| id.as_str() == *name))
                .cloned()
                .collect();
            let words = message(&bad);
            let failure = Failure::new(ErrorClass::NotFound, &code::NOT_FOUND, "ec2:StartInstances", &words);
            let answer = if bad.is_empty() { Ok(names) } else { Err(failure) };
            async move { answer }.boxed()
        })
        .await;
        (calls.into_inner().expect("no panic before"), done)
    }

    fn counts(done: &Done<Vec<String>>) -> (usize, Vec<InstanceId>) {
        let good = done.answers.iter().map(Vec::len).sum();
        let mut bad: Vec<_> = done.failed.iter().flat_map(|(ids, _)| ids.clone()).collect();
        bad.sort();
        (good, bad)
    }

    #[tokio::test]
    async fn instances_that_the_refusal_names_are_left_out_at_once() {
        let (calls, done) = call(|bad| format!("The instance IDs '{}' do not exist", bad.join(", "))).await;
        assert_eq!((calls, counts(&done)), (2, (8, vec![id(3), id(7)])));
    }

    #[tokio::test]
    async fn a_refusal_that_names_nobody_is_halved_until_the_bad_ones_are_found() {
        let (calls, done) = call(|_| "some instance does not exist".to_owned()).await;
        assert_eq!(counts(&done), (8, vec![id(3), id(7)]));
        assert!(calls <= 13, "{calls}");
    }

    #[test]
    fn an_id_is_not_found_within_another() {
        let short = InstanceId::new("i-01234567").expect("valid");
        assert!(!names_it("The instance ID 'i-0123456789abcdef0' does not exist", &short));
        assert!(names_it("The instance ID 'i-01234567' does not exist", &short));
    }
}
