//! Lists of exact patches, and patches that are released meanwhile.

use bytes::Bytes;
use fleetwright_estate::world::buckets::Object;
use fleetwright_estate::world::host::HostEventKind;
use serde_json::{Value, json};

use crate::shift::Shift;

const BUCKET: &str = "patch-lists";
const URL: &str = "https://s3.eu-central-1.amazonaws.com/patch-lists/tonight.yaml";

/// Two hosts that lack the same patches, of which one is released at six.
const FLEET: &str = r#"
name = "lists"
seed = 12
start = "2026-11-02T02:00:00Z"
[[accounts]]
name = "one"
[fleet]
regions = ["eu-central-1"]
instances_per_cell = 0
[[buckets]]
name = "patch-lists"
account = "one"
[[releases]]
patch = "curl"
at = "2026-11-02T06:00:00Z"
[[instances]]
account = "one"
missing = ["openssl", "sudo", "curl"]
[instances.tags]
Name = "web-1"
[[instances]]
account = "one"
platform = "windows-2022"
missing = ["KB5067724", "KB5069448"]
[instances.tags]
Name = "win-1"
"#;

fn leave(shift: &mut Shift, list: &str) {
    let now = shift.now();
    let bucket = shift.stage.prepared.world.buckets.get_mut(BUCKET).expect("the scenario has it");
    bucket.put("tonight.yaml", Object::new(Bytes::copy_from_slice(list.as_bytes()), Vec::new(), now));
}

fn install(shift: &mut Shift, id: &str, url: &str) -> Value {
    let parameters = [("Operation", "Install"), ("RebootOption", "NoReboot"), ("InstallOverrideList", url)];
    let command = shift.patch(id, &parameters, 900);
    shift.invocation(&command, id)
}

fn installed(shift: &mut Shift, id: &str) -> Vec<Vec<&'static str>> {
    let history = shift.history(id).into_iter();
    history
        .filter_map(|event| match event.kind {
            HostEventKind::Installed { patches, .. } => Some(patches),
            _ => None,
        })
        .collect()
}

/// The states of packages, by id.
fn states(shift: &mut Shift, id: &str, kbs: &[&str]) -> Vec<String> {
    let answer = shift.ssm("DescribeInstancePatches", json!({"InstanceId": id, "MaxResults": 100}));
    let rows = answer["Patches"].as_array().expect("a list").clone();
    let of = |kb: &&str| rows.iter().find(|row| row["KBId"] == **kb).map(|row| row["State"].to_string());
    kbs.iter().map(|kb| of(kb).unwrap_or_else(|| "unknown".to_owned()).replace('"', "")).collect()
}

#[test]
fn exactly_the_patches_of_the_list_are_installed_and_compliance_is_the_baselines() {
    let mut shift = Shift::of(FLEET);
    let id = shift.id("web-1");
    leave(&mut shift, "patches:\n  - id: 'openssl.x86_64'\n    title: '*'\n  - id: 'git.*'\n");
    assert_eq!(install(&mut shift, &id, URL)["Status"], "Success");
    assert_eq!(installed(&mut shift, &id), [["ALAS2023-2026-813"]]);
    assert_eq!(
        states(&mut shift, &id, &["openssl.x86_64", "sudo.x86_64"]),
        ["INSTALLED_PENDING_REBOOT", "MISSING"]
    );
}

#[test]
fn another_version_is_another_patch_and_on_windows_the_article_counts() {
    let mut shift = Shift::of(FLEET);
    let (web, win) = (shift.id("web-1"), shift.id("win-1"));
    leave(&mut shift, "patches:\n- id: openssl.x86_64\n  title: '9:9.9*'\n- id: KB5067724\n  title: 'x'\n");
    install(&mut shift, &web, URL);
    install(&mut shift, &win, "s3://patch-lists/tonight.yaml");
    assert_eq!(installed(&mut shift, &web), [Vec::<&str>::new()]);
    assert_eq!(installed(&mut shift, &win), [["KB5067724"]]);
}

#[test]
fn a_list_that_cannot_be_fetched_or_read_installs_nothing_and_says_why() {
    let mut shift = Shift::of(FLEET);
    let id = shift.id("web-1");
    leave(&mut shift, "packages: all\n");
    for (url, why) in [
        (URL, "line 1"),
        ("s3://patch-lists/other.yaml", "NoSuchKey"),
        ("s3://nowhere/tonight.yaml", "NoSuchBucket"),
        ("tonight.yaml", "not one of S3"),
    ] {
        let answer = install(&mut shift, &id, url);
        assert_eq!(answer["Status"], "Failed", "{url}");
        let said = answer["StandardErrorContent"].as_str().expect("text");
        assert!(said.contains(why), "{url}: {said}");
    }
    assert!(installed(&mut shift, &id).iter().all(Vec::is_empty));

    let narrow = FLEET.replace("[[buckets]]", "[access]\ninstance_buckets = []\n[[buckets]]");
    let mut shift = Shift::of(&narrow);
    let id = shift.id("web-1");
    leave(&mut shift, "patches:\n- id: '*'\n");
    let said = install(&mut shift, &id, URL)["StandardErrorContent"].to_string();
    assert!(said.contains("403"), "{said}");
}

#[test]
fn nobody_lacks_a_patch_before_it_is_released() {
    let mut shift = Shift::of(FLEET);
    let id = shift.id("web-1");
    assert_eq!(states(&mut shift, &id, &["curl.x86_64", "sudo.x86_64"]), ["unknown", "MISSING"]);
    install(&mut shift, &id, "");
    assert_eq!(installed(&mut shift, &id), [["ALAS2023-2026-813", "ALAS2023-2026-865"]]);

    shift.pass(4 * 3600);
    let parameters = [("Operation", "Scan")];
    shift.patch(&id, &parameters, 300);
    assert_eq!(shift.patch_state(&id)["MissingCount"], 1);
    assert_eq!(states(&mut shift, &id, &["curl.x86_64"]), ["MISSING"]);
    install(&mut shift, &id, "");
    assert_eq!(installed(&mut shift, &id)[1], ["ALAS2023-2026-839"]);
}
