//! Every way to change a token, use it elsewhere, or use it at another time.

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use fleetwright_approval::{
    Claims, Decision, Decisions, Expected, LONGEST_TOKEN, Nonce, Refused, open, sign, verify,
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::{BASIS, Draft, approve, before, expiry, key, ring};

/// Every character a link could come with.
fn printable() -> impl Iterator<Item = char> {
    (' '..='~').chain(['\n', '\r', '\t', '\0', 'é', '\u{200b}', '／'])
}

fn usual() -> String {
    sign(&ring(), &Draft::usual().claims())
}

fn bytes_of(token: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(token).expect("a token is base64url")
}

fn text_of(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The token must be refused for every gate there could be, not only for its own.
fn assert_worthless(text: &str, how: impl std::fmt::Display) {
    match open(&ring(), text, before()) {
        Err(Refused::Malformed | Refused::UnknownKey | Refused::Forged | Refused::Expired) => {}
        Err(other) => panic!("{how}: refused as {other:?}, which speaks of the gate before the signature"),
        Ok((_, claims)) => panic!("{how}: accepted as {claims:?}"),
    }
    assert!(verify(&ring(), text, before(), &approve()).is_err(), "{how}");
}

/// Where each part of a token of [`Draft`] lies.
fn parts(bytes: &[u8]) -> Vec<(&'static str, Range<usize>)> {
    let mut at = 0;
    let mut part = |name, length: usize| {
        let range = at..at + length;
        at += length;
        (name, range)
    };
    let text = |bytes: &[u8], at: usize| 1 + usize::from(bytes[at]);
    let mut parts = vec![part("version", 1)];
    let names: [(&'static str, Option<usize>); 8] = [
        ("key", None),
        ("run", None),
        ("stage", Some(2)),
        ("decisions", Some(1)),
        ("basis", None),
        ("approver", None),
        ("expiry", Some(8)),
        ("nonce", Some(16)),
    ];
    for (name, length) in names {
        let from = parts.last().map_or(0, |(_, range): &(_, Range<usize>)| range.end);
        parts.push(part(name, length.unwrap_or_else(|| text(bytes, from))));
    }
    parts.push(part("signature", 32));
    assert_eq!(at, bytes.len(), "the encoding is the documented one");
    parts
}

#[test]
fn the_token_itself_is_accepted_so_that_the_refusals_mean_something() {
    let (id, claims) = verify(&ring(), &usual(), before(), &approve()).expect("genuine, in time, for this");
    assert_eq!((id.as_str(), &claims), ("k1", &Draft::usual().claims()));
    assert_eq!(&*claims.mark(&id), "k1:09090909090909090909090909090909");
    assert!(usual().len() < 200, "short enough for a chat message: {}", usual().len());
    assert!(usual().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
}

#[test]
fn every_flip_of_one_or_two_neighbouring_bits_is_refused() {
    let genuine = bytes_of(&usual());
    for bit in 0..genuine.len() * 8 {
        for mask in [1u16, 3] {
            let mut bytes = genuine.clone();
            let shifted = mask << (bit % 8);
            bytes[bit / 8] ^= shifted as u8;
            if let Some(next) = bytes.get_mut(bit / 8 + 1) {
                *next ^= (shifted >> 8) as u8;
            }
            assert_worthless(&text_of(&bytes), format!("bit {bit}, mask {mask}"));
        }
    }
}

#[test]
fn every_other_value_of_every_byte_is_refused() {
    let genuine = bytes_of(&usual());
    for at in 0..genuine.len() {
        for value in 0..=u8::MAX {
            if value != genuine[at] {
                let mut bytes = genuine.clone();
                bytes[at] = value;
                assert_worthless(&text_of(&bytes), format!("byte {at} as {value}"));
            }
        }
    }
}

#[test]
fn every_other_character_in_every_place_is_refused() {
    let genuine: Vec<char> = usual().chars().collect();
    for at in 0..genuine.len() {
        for other in printable().filter(|other| *other != genuine[at]) {
            let mut text = genuine.clone();
            text[at] = other;
            assert_worthless(&text.iter().collect::<String>(), format!("{other:?} at {at}"));
        }
    }
}

#[test]
fn every_truncation_is_refused_from_either_end_and_from_the_middle() {
    let (text, bytes) = (usual(), bytes_of(&usual()));
    for cut in 0..text.len() {
        assert_worthless(&text[..cut], format!("the first {cut} characters"));
        assert_worthless(&text[text.len() - cut..], format!("the last {cut} characters"));
        assert_worthless(&format!("{}{}", &text[..cut], &text[cut + 1..]), format!("without {cut}"));
    }
    for from in 0..bytes.len() {
        for until in from + 1..=bytes.len() {
            let rest = [&bytes[..from], &bytes[until..]].concat();
            assert_worthless(&text_of(&rest), format!("without bytes {from}..{until}"));
        }
    }
}

#[test]
fn every_insertion_is_refused() {
    let (text, bytes) = (usual(), bytes_of(&usual()));
    for at in 0..=text.len() {
        for extra in printable() {
            assert_worthless(&format!("{}{extra}{}", &text[..at], &text[at..]), format!("{extra:?} at {at}"));
        }
    }
    for at in 0..=bytes.len() {
        for extra in [&[0u8][..], &[1], &[0xff], &[0, 0], &[0; 32], &bytes] {
            let longer = [&bytes[..at], extra, &bytes[at..]].concat();
            assert_worthless(&text_of(&longer), format!("{} bytes inserted at {at}", extra.len()));
        }
    }
    assert_worthless(&"A".repeat(LONGEST_TOKEN), "as long as may be");
    assert_worthless(&"A".repeat(1 << 20), "a million characters");
}

#[test]
fn every_other_spelling_of_the_same_bytes_is_refused() {
    // Lengths of all three remainders, so that padding and loose bits occur.
    for approver in ["a", "ab", "abc"] {
        let draft = Draft { approver, ..Draft::usual() };
        let text = sign(&ring(), &draft.claims());
        let bytes = bytes_of(&text);
        assert!(open(&ring(), &text, before()).is_ok());
        let spelt = [
            URL_SAFE.encode(&bytes),
            STANDARD.encode(&bytes),
            STANDARD_NO_PAD.encode(&bytes),
            format!("{text}="),
            format!("{text}=="),
            format!(" {text}"),
            format!("{text}\n"),
            text.to_uppercase(),
            text.to_lowercase(),
            text.chars().flat_map(|c| format!("%{:02X}", c as u32).chars().collect::<Vec<_>>()).collect(),
        ];
        for other in spelt.iter().filter(|other| **other != text) {
            assert_worthless(other, other);
        }
        // Bits that the last character has and the bytes have not.
        let alphabet: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['-', '_']).collect();
        let (head, _) = text.split_at(text.len() - 1);
        let taken = alphabet.iter().filter(|last| open(&ring(), &format!("{head}{last}"), before()).is_ok());
        assert_eq!(taken.count(), 1, "one text for one token");
    }
}

#[test]
fn no_part_of_one_token_fits_into_another() {
    let usual = Draft::usual();
    let both = Decisions::BOTH;
    let reject = Decisions::only(Decision::Reject);
    let others = [
        Draft { run: "run-20261101T020000Z-4f1b", ..usual },
        Draft { run: "run-2", ..usual },
        Draft { stage: 3, ..usual },
        Draft { decisions: both, ..usual },
        Draft { decisions: reject, ..usual },
        Draft { basis: "0123456789abcdef-413", ..usual },
        Draft { basis: "fedcba9876543210-412", ..usual },
        Draft { approver: "bob@example.com", ..usual },
        Draft { approver: "eve@example.com", nonce: 1, stage: 7, ..usual },
        Draft { expires_at: usual.expires_at + 1, ..usual },
        Draft { nonce: 10, ..usual },
        Draft { run: "r", stage: 1, decisions: both, basis: "ffffffffffffffff-1", approver: "x", ..usual },
    ];
    for (number, other) in others.into_iter().enumerate() {
        let pair = [usual, other].map(|draft| bytes_of(&sign(&ring(), &draft.claims())));
        let [mine, theirs] = [&pair[0], &pair[1]].map(|bytes| parts(bytes));
        // Each part, and each set of parts, from either token.
        for choice in 0..1u32 << mine.len() {
            let take = |at: usize| match choice >> at & 1 {
                0 => &pair[0][mine[at].1.clone()],
                _ => &pair[1][theirs[at].1.clone()],
            };
            let mixed: Vec<u8> = (0..mine.len()).flat_map(take).copied().collect();
            if mixed != pair[0] && mixed != pair[1] {
                assert_worthless(&text_of(&mixed), format!("token {number}, parts {choice:b}"));
            }
        }
    }
}

#[test]
fn parts_of_one_token_in_another_order_are_refused() {
    let bytes = bytes_of(&usual());
    let parts = parts(&bytes);
    for first in 0..parts.len() {
        for second in first + 1..parts.len() {
            let mut order: Vec<usize> = (0..parts.len()).collect();
            order.swap(first, second);
            let swapped: Vec<u8> =
                order.iter().flat_map(|at| &bytes[parts[*at].1.clone()]).copied().collect();
            if swapped != bytes {
                assert_worthless(&text_of(&swapped), format!("{} and {}", parts[first].0, parts[second].0));
            }
        }
    }
}

#[test]
fn a_text_that_gives_its_length_to_its_neighbour_is_refused() {
    // The same bytes under the signature, but cut elsewhere: basis and approver stand side by side.
    let bytes = bytes_of(&usual());
    for (name, range) in parts(&bytes) {
        for length in 0..=u8::MAX {
            let mut moved = bytes.clone();
            if moved[range.start] != length {
                moved[range.start] = length;
                assert_worthless(&text_of(&moved), format!("{name} of {length} bytes"));
            }
        }
    }
}

#[test]
fn a_token_is_worth_something_until_its_expiry_and_nothing_from_then_on() {
    let at = |offset| verify(&ring(), &usual(), expiry() + offset, &approve()).map(drop);
    let (second, nanosecond) = (SignedDuration::from_secs(1), SignedDuration::from_nanos(1));
    assert_eq!(at(-second), Ok(()));
    assert_eq!(at(-nanosecond), Ok(()));
    assert_eq!(at(SignedDuration::ZERO), Err(Refused::Expired));
    assert_eq!(at(nanosecond), Err(Refused::Expired));
    assert_eq!(at(second), Err(Refused::Expired));
    assert_eq!(verify(&ring(), &usual(), Timestamp::MAX, &approve()).map(drop), Err(Refused::Expired));
    // A token whose expiry was moved by a second either way is another token.
    for moved in [-1i64, 1] {
        let mut bytes = bytes_of(&usual());
        let range = parts(&bytes).into_iter().find(|(name, _)| *name == "expiry").expect("a part").1;
        bytes[range].copy_from_slice(&(expiry().as_second() + moved).to_be_bytes());
        assert_worthless(&text_of(&bytes), format!("expiry moved by {moved} s"));
    }
}

#[test]
fn a_genuine_token_decides_nothing_but_what_it_is_for() {
    let refused = |expected: Expected<'_>| verify(&ring(), &usual(), before(), &expected).map(drop);
    for run in ["run-20261101T020000Z-4f1b", "run-20261101T020000Z-4f1", "RUN-20261101T020000Z-4F1A", ""] {
        assert_eq!(refused(Expected { run, ..approve() }), Err(Refused::OtherRun), "{run}");
    }
    for stage in (0..=u16::MAX).filter(|stage| *stage != 2) {
        assert_eq!(refused(Expected { stage, ..approve() }), Err(Refused::OtherStage), "{stage}");
    }
    let reject = Expected { decision: Decision::Reject, ..approve() };
    assert_eq!(refused(reject), Err(Refused::OtherAudience), "a link to approve rejects nothing");
    for basis in [
        "0123456789abcdef-413",
        "0123456789abcdee-412",
        "0123456789abcdef-0412",
        BASIS.trim_end_matches('2'),
        "",
    ] {
        assert_eq!(refused(Expected { basis, ..approve() }), Err(Refused::OtherBasis), "{basis}");
    }
}

#[test]
fn the_decisions_a_link_allows_are_the_ones_it_was_made_for() {
    for (decisions, allowed) in [
        (Decisions::only(Decision::Approve), [true, false]),
        (Decisions::only(Decision::Reject), [false, true]),
        (Decisions::BOTH, [true, true]),
    ] {
        let text = sign(&ring(), &Draft { decisions, ..Draft::usual() }.claims());
        let taken = Decision::ALL
            .map(|decision| verify(&ring(), &text, before(), &Expected { decision, ..approve() }).is_ok());
        assert_eq!(taken, allowed, "{decisions:?}");
    }
    for word in ["approve ", "Approve", "", "abort", "approve,reject"] {
        assert!(word.parse::<Decision>().is_err(), "{word:?}");
    }
}

#[test]
fn another_key_signs_nothing_for_us_whatever_its_name() {
    for (id, byte, why) in
        [("k1", 8, Refused::Forged), ("k2", 7, Refused::UnknownKey), ("k2", 8, Refused::UnknownKey)]
    {
        let theirs = fleetwright_approval::Keyring::new(key(id, byte));
        let text = sign(&theirs, &Draft::usual().claims());
        assert_eq!(verify(&ring(), &text, before(), &approve()).map(drop), Err(why), "{id} of {byte}");
    }
    for bit in 0..256 {
        let mut secret = [7; 32];
        secret[bit / 8] ^= 1 << (bit % 8);
        let near = fleetwright_approval::SigningKey::new("k1".parse().expect("a name"), before(), secret);
        let text = sign(&fleetwright_approval::Keyring::new(near), &Draft::usual().claims());
        assert_eq!(open(&ring(), &text, before()).map(drop), Err(Refused::Forged), "bit {bit} of the key");
    }
}

fn draft() -> impl Strategy<Value = Claims> {
    let run = "[A-Za-z][A-Za-z0-9-]{0,63}";
    let basis = ("[0-9a-f]{16}", any::<u64>()).prop_map(|(digest, seq)| format!("{digest}-{seq}"));
    let name = "[^\\p{C}\\s]{1,30}";
    let decisions = prop::sample::select(vec![
        Decisions::BOTH,
        Decisions::only(Decision::Approve),
        Decisions::only(Decision::Reject),
    ]);
    let expiry =
        (0..=Timestamp::MAX.as_second()).prop_map(|at| Timestamp::from_second(at).expect("in range"));
    (run, any::<u16>(), decisions, basis, name, expiry, any::<[u8; 16]>()).prop_map(
        |(run, stage, decisions, basis, name, expiry, nonce)| {
            Claims::new(&run, stage, decisions, &basis, &name, expiry, Nonce(nonce)).expect("valid parts")
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_signed_comes_back_and_has_one_text(claims in draft()) {
        let text = sign(&ring(), &claims);
        prop_assert!(text.len() <= LONGEST_TOKEN, "{}", text.len());
        let (_, back) = open(&ring(), &text, Timestamp::UNIX_EPOCH - SignedDuration::from_secs(1)).expect("genuine");
        prop_assert_eq!(&back, &claims);
        prop_assert_eq!(sign(&ring(), &back), text);
    }

    #[test]
    fn arbitrary_texts_and_bytes_do_no_harm(text in any::<String>(), bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(open(&ring(), &text, before()).is_err());
        prop_assert!(open(&ring(), &text_of(&bytes), before()).is_err());
    }
}
