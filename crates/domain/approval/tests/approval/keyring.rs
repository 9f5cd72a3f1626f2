//! Keys that are replaced, people with passphrases, and the file they are kept in.

use fleetwright_approval::{
    Approver, Claims, Decisions, InvalidClaims, InvalidKeyring, InvalidPassphrase, Keyring, Nonce, Refused,
    open, sign,
};
use jiff::{SignedDuration, Timestamp};

use crate::{BASIS, Draft, before, expiry, key, ring};

const PASSPHRASE: &str = "correct horse battery";

fn ann() -> Approver {
    Approver::new("ann", PASSPHRASE, [3; 16]).expect("long enough")
}

#[test]
fn a_new_key_signs_and_old_ones_verify_until_they_are_taken_out() {
    let mut ring = ring();
    let old = sign(&ring, &Draft::usual().claims());
    ring.add_key(key("k2", 8)).expect("a new name");
    assert_eq!(ring.newest().id().as_str(), "k2");
    let new = sign(&ring, &Draft::usual().claims());
    assert_ne!(old, new);
    let signed_by = |ring: &Keyring, text: &str| open(ring, text, before()).map(|(id, _)| id.to_string());
    assert_eq!(signed_by(&ring, &old), Ok("k1".to_owned()));
    assert_eq!(signed_by(&ring, &new), Ok("k2".to_owned()));

    ring.remove_key(&"k1".parse().expect("a name")).expect("there is another");
    assert_eq!(signed_by(&ring, &old), Err(Refused::UnknownKey), "what it signed is worth nothing");
    assert_eq!(signed_by(&ring, &new), Ok("k2".to_owned()));
    assert_eq!(ring.remove_key(&"k2".parse().expect("a name")), Err(InvalidKeyring::Empty));
    assert_eq!(ring.add_key(key("k2", 9)).err(), Some(InvalidKeyring::Twice("k2".to_owned())));
}

#[test]
fn a_passphrase_is_its_approvers_and_nobody_elses() {
    let mut ring = ring();
    ring.set_approver(ann());
    ring.set_approver(Approver::new("bob", "another long phrase", [4; 16]).expect("long enough"));
    assert_eq!(ring.authenticate("ann", PASSPHRASE), Ok(()));
    for (name, passphrase) in [
        ("ann", "another long phrase"),
        ("bob", PASSPHRASE),
        ("ann", ""),
        ("ann", "correct horse batter"),
        ("ann", "Correct horse battery"),
        ("ann", "correct horse battery "),
        ("Ann", PASSPHRASE),
        ("", PASSPHRASE),
        ("carl", PASSPHRASE),
    ] {
        assert_eq!(
            ring.authenticate(name, passphrase),
            Err(Refused::Unauthenticated),
            "{name}, {passphrase}"
        );
    }
    let huge = "x".repeat(1 << 20);
    assert_eq!(ring.authenticate("ann", &huge), Err(Refused::Unauthenticated), "and is not hashed");

    ring.set_approver(Approver::new("ann", "a phrase of today", [5; 16]).expect("long enough"));
    assert_eq!(ring.approvers().len(), 2, "a new passphrase takes the old one's place");
    assert_eq!(ring.authenticate("ann", PASSPHRASE), Err(Refused::Unauthenticated));
    assert_eq!(ring.authenticate("ann", "a phrase of today"), Ok(()));
    assert!(ring.remove_approver("ann") && !ring.remove_approver("ann"));
    assert_eq!(ring.authenticate("ann", "a phrase of today"), Err(Refused::Unauthenticated));
}

#[test]
fn a_passphrase_that_anybody_guesses_is_not_taken() {
    let refused = |name: &str, passphrase: &str| Approver::new(name, passphrase, [0; 16]).err();
    assert_eq!(refused("ann", "short"), Some(InvalidPassphrase::Length));
    assert_eq!(refused("ann", &"x".repeat(257)), Some(InvalidPassphrase::Length));
    for name in ["", " ann", "ann\n", "a\u{1b}[31m", &"n".repeat(129)] {
        assert!(matches!(refused(name, PASSPHRASE), Some(InvalidPassphrase::Name(_))), "{name:?}");
    }
}

#[test]
fn the_file_comes_back_as_it_was_and_the_salt_makes_equal_passphrases_differ() {
    let mut ring = ring();
    ring.add_key(key("k2", 8)).expect("a new name");
    ring.set_approver(ann());
    ring.set_approver(Approver::new("bob", PASSPHRASE, [4; 16]).expect("long enough"));
    let text = ring.write();
    let back = Keyring::read(&text).expect("its own file");
    assert_eq!(back.write(), text);
    assert_eq!(back.newest().id().as_str(), "k2");
    assert_eq!(back.authenticate("ann", PASSPHRASE), Ok(()));
    let hashes: Vec<&str> =
        text.lines().filter(|line| line.contains("$argon2id$v=19$m=19456,t=2,p=1$")).collect();
    assert_eq!(hashes.len(), 2, "{text}");
    assert_ne!(hashes[0], hashes[1]);
    assert!(!text.contains(PASSPHRASE));
}

#[test]
fn a_file_that_is_not_a_keyring_is_refused_without_repeating_secrets() {
    let mut good = ring();
    good.set_approver(ann());
    let good = good.write();
    let secret = good.lines().find(|line| line.contains("secret")).expect("a line with the key").trim();
    let secret = secret.trim_start_matches("\"secret\": ").trim_matches('"');
    let changed = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        Keyring::read(&good.replacen(from, to, 1)).expect_err(to)
    };
    let expected = [
        (changed("\"format\": 1", "\"format\": 2"), InvalidKeyring::Format(2)),
        (changed("\"k1\"", "\"K 1\""), InvalidKeyring::Id("K 1".to_owned())),
        (changed(secret, "c2hvcnQ"), InvalidKeyring::Secret("k1".parse().expect("a name"))),
        (changed("\"ann\"", "\" ann\""), InvalidKeyring::Approver(" ann".to_owned())),
        (changed("argon2id", "argon2i"), InvalidKeyring::Passphrase("ann".to_owned())),
        (changed("m=19456", "m=4194304"), InvalidKeyring::Passphrase("ann".to_owned())),
        (changed("t=2", "t=4000000"), InvalidKeyring::Passphrase("ann".to_owned())),
    ];
    for (found, expected) in expected {
        assert_eq!(found, expected);
    }
    let cut = Keyring::read(&good[..good.len() / 2]).expect_err("half a file");
    assert!(matches!(cut, InvalidKeyring::Form { .. }), "{cut:?}");
    let unknown = changed("\"format\": 1", "\"format\": 1, \"owner\": \"x\"");
    assert!(matches!(unknown, InvalidKeyring::Form { line: 2, .. }), "{unknown:?}");
    assert!(!format!("{cut} {unknown}").contains(secret));
    assert_eq!(Keyring::read("{\"format\": 1, \"keys\": []}").err(), Some(InvalidKeyring::Empty));
}

#[test]
fn secrets_are_never_shown() {
    let mut ring = ring();
    ring.set_approver(ann());
    let shown = format!("{ring:?} {:?}", ring.newest());
    assert!(shown.contains("k1") && shown.contains("ann") && shown.contains("hidden"), "{shown}");
    for secret in ["argon2", "7, 7", "BwcH"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[test]
fn what_a_token_could_not_carry_is_refused_when_it_is_made() {
    let new = |run: &str, basis: &str, name: &str, at: Timestamp| {
        Claims::new(run, 0, Decisions::BOTH, basis, name, at, Nonce([0; 16])).err()
    };
    assert_eq!(new("run-1", BASIS, "ann", expiry()), None);
    for run in ["", "1-run", "run 1", "run/1", "rün", &"r".repeat(65)] {
        assert_eq!(new(run, BASIS, "ann", expiry()), Some(InvalidClaims::Run(run.to_owned())));
    }
    for basis in [
        "",
        "0123456789abcdef",
        "0123456789ABCDEF-1",
        "0123456789abcde-1",
        "0123456789abcdef-01",
        "0123456789abcdef-+1",
        "0123456789abcdef--1",
    ] {
        assert_eq!(new("run-1", basis, "ann", expiry()), Some(InvalidClaims::Basis(basis.to_owned())));
    }
    assert_eq!(new("run-1", BASIS, "", expiry()), Some(InvalidClaims::Approver(String::new())));
    let fraction = expiry() + SignedDuration::from_nanos(1);
    assert_eq!(new("run-1", BASIS, "ann", fraction), Some(InvalidClaims::Expiry(fraction)));
    assert!(new("run-1", BASIS, "ann", Timestamp::MIN).is_some());
}
