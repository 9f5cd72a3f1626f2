//! The contract of [`Artifacts`](crate::Artifacts), against one storage that is opened several times.

use crate::{Artifacts, RunId};

/// Opens the storage under test once more: what one handle wrote, every other one sees.
pub type Open<'a> = &'a dyn Fn() -> Box<dyn Artifacts>;

/// Runs the whole suite. Both runs must be there, without artefacts.
///
/// # Panics
/// With the rule that was broken.
pub async fn check(open: Open<'_>, run: &RunId, other: &RunId) {
    keeps_files_byte_for_byte(open, run).await;
    lists_keys_in_order(open, run, other).await;
    refuses_keys_that_lead_elsewhere(open, run).await;
}

async fn keeps_files_byte_for_byte(open: Open<'_>, run: &RunId) {
    let artifacts = open();
    let key = "pre/account-111122223333/region-eu-central-1/linux/i-0abc/stdout.txt";
    assert_eq!(artifacts.get(run, key).await, Ok(None), "a file that was never written is none");
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    artifacts.put(run, key, &bytes).await.expect("a key of safe segments");
    assert!(open().get(run, key).await == Ok(Some(bytes)), "a file comes back byte for byte");
    artifacts.put(run, key, b"shorter").await.expect("a file may be replaced");
    assert_eq!(open().get(run, key).await, Ok(Some(b"shorter".to_vec())), "the newest content counts");
    artifacts.put(run, key, b"").await.expect("a file may be empty");
    assert_eq!(open().get(run, key).await, Ok(Some(Vec::new())), "empty is not missing");
    assert_eq!(artifacts.get(run, "pre").await, Ok(None), "what holds files is no file");
}

async fn lists_keys_in_order(open: Open<'_>, run: &RunId, other: &RunId) {
    let artifacts = open();
    assert_eq!(artifacts.list(other, "").await, Ok(Vec::new()), "a run without files");
    for key in ["post/b", "post/a/2", "post/a/10", "post/a-1", "post-x", "zones"] {
        artifacts.put(other, key, key.as_bytes()).await.expect("a key of safe segments");
    }
    let reader = open();
    for (prefix, expected) in [
        ("", &["post-x", "post/a-1", "post/a/10", "post/a/2", "post/b", "zones"][..]),
        ("post/", &["post/a-1", "post/a/10", "post/a/2", "post/b"]),
        ("post/a", &["post/a-1", "post/a/10", "post/a/2"]),
        ("post/a/", &["post/a/10", "post/a/2"]),
        ("post", &["post-x", "post/a-1", "post/a/10", "post/a/2", "post/b"]),
        ("zones", &["zones"]),
        ("zones/", &[]),
        ("nothing/", &[]),
        ("../", &[]),
        ("/", &[]),
    ] {
        let keys = reader.list(other, prefix).await.expect("the list");
        assert_eq!(keys, expected, "keys that begin with {prefix:?}, sorted");
    }
    let of_the_first = artifacts.list(run, "zones").await;
    assert_eq!(of_the_first, Ok(Vec::new()), "one run's files are not another's");
}

async fn refuses_keys_that_lead_elsewhere(open: Open<'_>, run: &RunId) {
    let artifacts = open();
    let before = artifacts.list(run, "").await.expect("the list");
    let (long, deep) = ("x".repeat(256), ["x"; 11].join("/"));
    for key in [
        "",
        "/",
        "/etc/passwd",
        "..",
        "../x",
        "a/../b",
        "a/..",
        ".",
        "a/./b",
        "a//b",
        "a/",
        ".hidden",
        "a b",
        "a\\b",
        "C:x",
        "ä",
        "a\0b",
        "a\nb",
        &long,
        &deep,
    ] {
        assert!(artifacts.put(run, key, b"x").await.is_err(), "{key:?} must be refused when written");
        assert!(artifacts.get(run, key).await.is_err(), "{key:?} must be refused when read");
    }
    assert_eq!(artifacts.list(run, "").await, Ok(before), "what was refused left nothing behind");
    let (long, deep) = ("x".repeat(255), ["x"; 10].join("/"));
    for key in [&long, &deep] {
        artifacts.put(run, key, b"x").await.expect("the longest and deepest keys there may be");
    }
}
