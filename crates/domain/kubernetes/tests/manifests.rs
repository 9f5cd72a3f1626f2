//! Reading manifests and Helm releases.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use fleetwright_kubernetes::helm::{self, RELEASE_BYTES_MAX, is_deployed};
use fleetwright_kubernetes::{Labels, Manifests, ObjectRef};
use proptest::prelude::*;
use serde_json::json;
use std::io::Write;

/// What stands on which line.
type Lines = Vec<(u32, String)>;

/// Objects and gaps with their lines.
fn read(text: &str) -> (Lines, Lines) {
    let read = Manifests::read("all.yaml", text);
    assert!(read.objects.iter().map(|object| &object.file).all(|file| file == "all.yaml"));
    let objects = read.objects.iter().map(|of| (of.line, format!("{} {}", of.api, of.reference().name)));
    (objects.collect(), read.gaps.into_iter().map(|gap| (gap.line, gap.reason)).collect())
}

#[test]
fn each_document_is_an_object_with_its_line() {
    let text = "# head\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n---\n# nothing\n--- # b\n\
                kind: Deployment\napiVersion: apps/v1\nmetadata:\n  name: b\n...\n";
    let (objects, gaps) = read(text);
    assert_eq!(objects, [(2, "v1 ConfigMap a".into()), (9, "apps/v1 Deployment b".into())]);
    assert_eq!(gaps, []);
    let lines: Vec<u32> =
        Manifests::read("x", text).objects.iter().map(|object| object.api_version_line).collect();
    assert_eq!(lines, [2, 10]);
}

#[test]
fn a_document_that_is_not_yaml_is_a_gap_with_its_line_and_costs_no_other() {
    let text = "apiVersion: v1\nkind: A\n---\napiVersion: v1\nkind: {{ .Values.kind }}\nx: [}\n---\n\
                apiVersion: v1\nkind: C\n";
    let (objects, gaps) = read(text);
    assert_eq!(objects, [(1, "v1 A ".into()), (8, "v1 C ".into())]);
    assert_eq!(gaps.len(), 1);
    assert_eq!(gaps[0].0, 5, "{gaps:?}");
}

#[test]
fn what_is_no_object_is_a_gap() {
    let cases = [
        ("- 1\n- 2\n", 1, "not an object"),
        ("\nkind: A\n", 2, "the object has no apiVersion"),
        ("apiVersion: v1\n", 1, "the object has no kind"),
        ("kind: A\napiVersion: a/b/c\n", 2, "\"a/b/c\" is not an apiVersion"),
        ("apiVersion: v1\nkind: A\nkind: B\n", 3, "the key \"kind\" is there twice"),
        ("apiVersion: v1\nkind: List\nitems: {}\n", 3, "the items of a list are not a sequence"),
        ("a: &a [*a]\n", 1, "an alias inside the value it stands for"),
    ];
    for (text, line, reason) in cases {
        let (objects, gaps) = read(text);
        assert_eq!(objects, [], "{text}");
        assert!(gaps.len() == 1 && gaps[0].0 == line && gaps[0].1.starts_with(reason), "{text}: {gaps:?}");
    }
}

#[test]
fn lists_count_as_what_they_hold_and_typed_ones_say_what_that_is() {
    let text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: A\n- kind: B\n- apiVersion: v1\n  \
                kind: List\n  items:\n  - apiVersion: v1\n    kind: C\n---\n\
                {\"apiVersion\": \"apps/v1\", \"kind\": \"DeploymentList\",\n \"items\": [{\"metadata\": {\"name\": \"d\"}}]}";
    let (objects, gaps) = read(text);
    let expected = [(4, "v1 A "), (10, "v1 C "), (14, "apps/v1 Deployment d")];
    assert_eq!(objects, expected.map(|(line, name)| (line, name.to_owned())));
    assert_eq!(gaps, [(6, "the object has no apiVersion".to_owned())]);
    assert_eq!(read("apiVersion: v1\nkind: List\nitems:\n"), (vec![], vec![]));
}

#[test]
fn anchors_and_merges_are_followed_and_a_flood_of_them_is_not() {
    let text =
        "apiVersion: v1\nkind: A\nbase: &base {a: 1, b: 2}\nmetadata:\n  <<: *base\n  b: 3\n  name: x\n";
    let object = &Manifests::read("x", text).objects[0].object;
    assert_eq!(object["metadata"], json!({"a": 1, "b": 3, "name": "x"}));
    let mut flood = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..8 {
        let before = format!("*a{}, ", level - 1).repeat(10);
        flood += &format!("a{level}: &a{level} [{}]\n", before.trim_end_matches(", "));
    }
    let (_, gaps) = read(&flood);
    assert!(gaps[0].1.starts_with("more than 1000000 values"), "{gaps:?}");
    let (_, gaps) = read(&"[".repeat(100));
    assert!(gaps[0].1.contains("more than 64 deep"), "{gaps:?}");
}

#[test]
fn texts_stay_texts_and_numbers_numbers() {
    let text =
        "apiVersion: v1\nkind: A\ndata: {a: '1', b: 1, c: 1.50, d: no, e: null, f: 0777, g: !!str 5}\n";
    let object = &Manifests::read("x", text).objects[0].object;
    let expected = json!({"a": "1", "b": 1, "c": 1.5, "d": "no", "e": null, "f": "0777", "g": "5"});
    assert_eq!(object["data"], expected);
}

proptest! {
    #[test]
    fn no_text_breaks_the_reader_and_no_good_neighbour_is_lost(text in "[ -~\n]{0,200}") {
        let text = text.replace("---", "").replace("...", "");
        let whole = format!("apiVersion: v1\nkind: Before\n---\n{text}\n---\napiVersion: v1\nkind: After\n");
        let (objects, _) = read(&whole);
        prop_assert_eq!(&objects[0].1, "v1 Before ");
        prop_assert_eq!(&objects.last().expect("the last").1, "v1 After ");
    }
}

fn packed(json: &serde_json::Value) -> String {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(json.to_string().as_bytes()).expect("into memory");
    STANDARD.encode(gzip.finish().expect("into memory"))
}

fn holder() -> ObjectRef {
    ObjectRef { kind: "Secret".into(), namespace: "shop".into(), name: "sh.helm.release.v1.web.v3".into() }
}

#[test]
fn a_release_gives_the_objects_of_its_manifest_and_hooks() {
    let release = json!({
        "name": "web", "namespace": "shop", "version": 3,
        "chart": {"metadata": {"name": "web", "version": "1.2.3"}},
        "manifest": "---\n# Source: web/templates/ingress.yaml\napiVersion: networking.k8s.io/v1beta1\nkind: Ingress\nmetadata:\n  name: web\n",
        "hooks": [{"manifest": "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate}\n"}, {"manifest": "{{"}],
    });
    let read = helm::read_release(&holder(), &packed(&release)).expect("a release");
    assert_eq!((read.name.as_str(), read.revision, read.chart.as_str()), ("web", 3, "web 1.2.3"));
    let objects: Vec<_> = read.manifests.objects.iter().map(|of| (of.line, of.api.to_string())).collect();
    assert_eq!(objects, [(3, "networking.k8s.io/v1beta1 Ingress".into()), (1, "batch/v1 Job".to_owned())]);
    assert_eq!(read.manifests.gaps.len(), 1);
    assert_eq!(read.manifests.gaps[0].file, "helm:shop/web");
}

#[test]
fn a_release_that_cannot_be_read_is_told_with_its_holder() {
    let fault = |payload: &str| helm::read_release(&holder(), payload).expect_err("unreadable").to_string();
    let begin = "the Helm release in Secret shop/sh.helm.release.v1.web.v3 cannot be read: ";
    assert_eq!(fault("%%"), format!("{begin}not base64"));
    assert_eq!(fault(&packed(&json!([]))), format!("{begin}not the JSON of a release"));
    let cut = packed(&json!({"name": "x", "version": 1}));
    assert!(fault(&STANDARD.encode(&STANDARD.decode(cut).expect("base64")[..15])).contains("damaged"));
    let bomb = json!({"name": "x", "version": 1, "manifest": " ".repeat(RELEASE_BYTES_MAX)});
    assert!(fault(&packed(&bomb)).contains("larger than 32 MiB"));
}

#[test]
fn only_the_deployed_revision_counts() {
    let labels = |status: &str| -> Labels {
        [("owner".to_owned(), "helm".to_owned()), ("status".to_owned(), status.to_owned())].into()
    };
    assert!(is_deployed(&labels("deployed")));
    assert!(!is_deployed(&labels("superseded")));
    assert!(!is_deployed(&Labels::new()));
}
