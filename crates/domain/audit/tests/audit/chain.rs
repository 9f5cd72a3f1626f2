use fleetwright_audit::verify::Flaw;
use fleetwright_audit::{CallResult, Entry, SignedHead, SigningKey, Verdict, verify};
use proptest::prelude::*;

use crate::logs::{Written, answer, intent, key};

fn judged(log: &[u8], heads: &[SignedHead]) -> Verdict {
    verify(log, heads, Some(&key().public()))
}

fn flaws(verdict: &Verdict) -> Vec<&Flaw> {
    verdict.findings.iter().map(|finding| &finding.flaw).collect()
}

#[test]
fn a_log_as_it_was_written_is_sound_and_proven_to_its_head() {
    let log = Written::of_calls(3);
    let verdict = judged(&log.bytes(), &[log.head()]);
    assert_eq!(flaws(&verdict), Vec::<&Flaw>::new());
    assert_eq!((verdict.records, verdict.proven_to, verdict.hash), (8, 8, Some(log.hash())));
    assert_eq!((verdict.calls.made, verdict.calls.done), (3, 3));
}

#[test]
fn records_after_the_last_head_are_chained_and_said_to_be_no_more_than_that() {
    let mut log = Written::of_calls(2);
    let head = log.head();
    log.push(Entry::Before(intent("ec2:StopInstances", "i-0")));
    let verdict = judged(&log.bytes(), &[head]);
    assert!(verdict.is_sound());
    assert_eq!((verdict.records, verdict.proven_to), (7, 6));
}

#[test]
fn a_call_without_an_answer_is_in_doubt_and_no_flaw() {
    let mut log = Written::of_calls(1);
    let open = log.push(Entry::Before(intent("ssm:SendCommand", "i-0")));
    let lost = log.push(Entry::Before(intent("ssm:SendCommand", "i-1")));
    log.push(Entry::After(answer(lost, CallResult::Unknown, None)));
    let verdict = judged(&log.bytes(), &[]);
    assert!(verdict.is_sound(), "{:?}", verdict.findings);
    assert_eq!((verdict.calls.in_doubt, verdict.calls.unknown), (vec![open], 1));
}

#[test]
fn an_answer_to_no_call_is_found() {
    let mut log = Written::of_calls(1);
    let second = log.push(Entry::After(answer(3, CallResult::Done, None)));
    let verdict = judged(&log.bytes(), &[]);
    assert_eq!(flaws(&verdict), [&Flaw::Unpaired(second)]);
}

/// Every edit of one byte, wherever it is, is found in that line.
#[test]
fn every_changed_byte_is_found_and_its_line_named() {
    let log = Written::of_calls(1);
    let mut start = 0;
    for (index, line) in log.lines.iter().enumerate() {
        // The line feed is the border of two records; it has a test of its own.
        for at in 0..line.len() - 1 {
            let mut bytes = log.bytes();
            bytes[start + at] ^= 1;
            if bytes[start + at] == b'\n' {
                continue;
            }
            let verdict = judged(&bytes, &[]);
            let first = verdict.findings.first().unwrap_or_else(|| panic!("byte {at} of line {}", index + 1));
            assert_eq!(first.line, Some(index + 1), "byte {at}: {first}");
        }
        start += line.len();
    }
}

#[test]
fn every_deletion_of_one_record_is_found_where_it_was() {
    let log = Written::of_calls(3);
    for gone in 0..log.lines.len() - 1 {
        let mut lines = log.lines.clone();
        lines.remove(gone);
        let verdict = judged(&lines.concat(), &[]);
        assert_eq!(
            verdict.findings.first().and_then(|first| first.line),
            Some(gone + 1),
            "record {}",
            gone + 1
        );
    }
    let mut lines = log.lines.clone();
    lines.pop();
    let verdict = judged(&lines.concat(), &[log.head()]);
    assert_eq!(flaws(&verdict), [&Flaw::Truncated { head: 8, last: 7 }]);
}

#[test]
fn every_swap_of_two_records_is_found_where_it_begins() {
    let log = Written::of_calls(3);
    for first in 0..log.lines.len() {
        for second in first + 1..log.lines.len() {
            let mut lines = log.lines.clone();
            lines.swap(first, second);
            let verdict = judged(&lines.concat(), &[]);
            assert_eq!(
                verdict.findings.first().and_then(|it| it.line),
                Some(first + 1),
                "{first} and {second}"
            );
        }
    }
}

#[test]
fn every_truncation_is_found_against_a_head_that_was_kept_elsewhere() {
    let log = Written::of_calls(1);
    let (bytes, head) = (log.bytes(), log.head());
    for length in 0..bytes.len() {
        let verdict = judged(&bytes[..length], std::slice::from_ref(&head));
        let cut = verdict.findings.iter().any(|finding| matches!(finding.flaw, Flaw::Truncated { .. }));
        assert!(cut, "cut at byte {length}");
    }
}

#[test]
fn a_repeated_record_and_one_of_another_log_are_found() {
    let log = Written::of_calls(2);
    let mut lines = log.lines.clone();
    lines.insert(4, log.lines[3].clone());
    assert_eq!(flaws(&judged(&lines.concat(), &[]))[0], &Flaw::OutOfPlace { last: 4, found: 4 });

    let mut other = fleetwright_audit::Chain::new("another-run");
    let foreign: Vec<Vec<u8>> =
        log.records.iter().map(|record| other.push(record.at, record.entry.clone()).bytes).collect();
    let mut lines = log.lines.clone();
    lines[3] = foreign[3].clone();
    assert!(flaws(&judged(&lines.concat(), &[])).iter().any(|flaw| matches!(flaw, Flaw::OtherLog { .. })));
}

#[test]
fn a_head_of_another_key_or_of_another_log_or_without_a_key_proves_nothing() {
    let log = Written::of_calls(1);
    let other = SignedHead::sign(&log.chain, crate::logs::start(), &SigningKey::new([8; 32]));
    assert_eq!(flaws(&judged(&log.bytes(), &[other])), [&Flaw::Signature(4)]);
    assert_eq!(flaws(&verify(&log.bytes(), &[log.head()], None)), [&Flaw::Signature(4)]);

    let mut edited = log.head();
    edited.head.sequence = 3;
    assert_eq!(flaws(&judged(&log.bytes(), &[edited])), [&Flaw::Signature(3)]);

    let foreign = SignedHead::sign(&fleetwright_audit::Chain::new("another"), crate::logs::start(), &key());
    assert_eq!(flaws(&judged(&log.bytes(), &[foreign])), [&Flaw::OtherHead(0)]);
}

#[test]
fn heads_are_read_back_as_they_were_written_and_other_lines_are_named() {
    let log = Written::of_calls(1);
    let mut file = log.head().to_line();
    file.extend_from_slice(b"nonsense\n");
    assert_eq!(SignedHead::read_lines(&file), (vec![log.head()], vec![2]));
}

/// What somebody can do to a log who can compute hashes but not sign.
#[derive(Clone, Debug)]
enum Forgery {
    Edit(usize),
    Delete(usize),
    Swap(usize, usize),
    Cut(usize),
}

fn forgery(records: usize) -> impl Strategy<Value = Forgery> {
    let one = 0..records;
    prop_oneof![
        one.clone().prop_map(Forgery::Edit),
        one.clone().prop_map(Forgery::Delete),
        (one.clone(), one.clone())
            .prop_filter("two places", |(a, b)| a != b)
            .prop_map(|(a, b)| Forgery::Swap(a, b)),
        one.prop_map(Forgery::Cut),
    ]
}

proptest! {
    /// Whoever makes the whole chain anew after a forgery is found out by any one head after the
    /// forged place, and is not blamed by heads before it.
    #[test]
    fn a_chain_that_was_made_anew_is_found_out_by_heads(
        calls in 1usize..6,
        (forgery, heads_at) in (1usize..6).prop_flat_map(|calls| {
            (forgery(2 + 2 * calls), prop::collection::vec(1usize..2 + 2 * calls, 0..3))
        }),
    ) {
        let log = Written::of_calls(calls);
        let count = log.records.len();
        let mut records = log.records.clone();
        let touched = match forgery {
            Forgery::Edit(at) if at < count => {
                records[at].entry = Entry::Before(intent("ec2:DeleteSnapshot", "snap-0"));
                at
            }
            Forgery::Delete(at) if at < count => {
                records.remove(at);
                at
            }
            Forgery::Swap(a, b) if a < count && b < count => {
                records.swap(a, b);
                // Their times go with them, so that the chain differs.
                a.min(b)
            }
            Forgery::Cut(at) if at < count => {
                records.truncate(at);
                at
            }
            _ => return Ok(()),
        };
        let forged = Written::made_anew(records);
        let last = log.head();
        let verdict = judged(&forged, std::slice::from_ref(&last));
        prop_assert!(!verdict.is_sound(), "the last head finds {forgery:?}");

        for at in heads_at {
            let mut early = fleetwright_audit::Chain::new(crate::logs::LOG);
            for record in log.records.iter().take(at) {
                early.push(record.at, record.entry.clone());
            }
            let head = SignedHead::sign(&early, crate::logs::start(), &key());
            let blamed = judged(&forged, &[head]).findings.iter().any(|finding| {
                matches!(finding.flaw, Flaw::Truncated { .. } | Flaw::Rewritten(_))
            });
            prop_assert_eq!(blamed, at > touched, "head {} and {:?}", at, forgery);
        }
    }

    /// Whatever bytes are handed in, they are judged and nothing breaks.
    #[test]
    fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(!judged(&bytes, &[]).is_sound());
    }
}
