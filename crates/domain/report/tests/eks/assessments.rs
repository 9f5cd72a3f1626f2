//! Assessments for people, code scanning and pipelines.

use fleetwright_eks::{Assessment, Finding, Severity, UnreadCause, Verdict};
use fleetwright_report::eks::{headline, json, junit, markdown, sarif, text};
use serde_json::Value;

use super::{assessment, blind, everything, finding, found, named, passed, rendered};

fn headlined(assessment: &Assessment) -> String {
    rendered(assessment, headline)
}

#[test]
fn the_verdict_never_says_ready_alone_where_something_was_not_seen() {
    let cases = [
        (vec![passed("EKS-V4")], "Ready."),
        (vec![], "Nothing to do: the control plane has 1.33 already."),
        (vec![blind("EKS-C4", UnreadCause::Denied)], "Cannot say: 1 check could not look."),
        (
            vec![blind("EKS-R1", UnreadCause::Failed)],
            "Ready, as far as could be seen: 1 check could not look, which only warn.",
        ),
        (vec![blind("EKS-A5", UnreadCause::NotAsked)], "Ready, with 1 source left out."),
    ];
    for (results, expected) in cases {
        assert_eq!(headlined(&assessment(results)), expected);
    }
    assert_eq!(headlined(&everything()), "Not ready: 1 blocker; 1 check could not look.");
}

#[test]
fn the_text_begins_with_the_verdict_and_ends_with_what_is_well() {
    let text = rendered(&everything(), text::assessment);
    let order = [
        "Not ready: 1 blocker",
        "cluster shop in eu-central-1 (account 111122223333): 1.33 → 1.34 → 1.35",
        "read 2026-11-22T02:00:00Z; table of APIs up to Kubernetes 1.",
        "Blockers (1)",
        "EKS-N3 No node runs Amazon Linux 2",
        "node group blue: it stands in the way (seen there) [hops to 1.34, 1.35]",
        "→ Move it.",
        "Could not be checked (1)",
        "access denied: iam:GetRole said no",
        "for EKS-C4",
        "Warnings (1)",
        "Left out (1)",
        "for EKS-A5",
        "Suppressed (1)",
        "suppressed: agreed with ops",
        "Suppressions that ended",
        "EKS-P1 shop/*, until 2026-11-22T02:00:00Z: until the move",
        "Suppressions that cover nothing",
        "Version and policy: all 1 passed",
        "Nodes: 0 of 1 passed, 1 found something",
    ];
    let mut rest = text.as_str();
    for part in order {
        let at =
            rest.find(part).unwrap_or_else(|| panic!("{part:?} is not, or not in its place, in\n{text}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn findings_of_one_check_are_listed_up_to_a_dozen_and_the_rest_counted() {
    let many = (0..40).map(|number| finding(Severity::Blocking, &format!("node node-{number}"))).collect();
    let text = rendered(&assessment(vec![found("EKS-N3", None, many)]), text::assessment);
    assert_eq!(text.matches("node node-").count(), 12, "{text}");
    assert!(text.contains("… and 28 more"), "{text}");
    assert!(text.contains("Blockers (40)"), "{text}");
}

/// An assessment whose every untrusted text is an attack.
fn hostile() -> Assessment {
    let evil = "\u{1b}[2J\u{202e}]]></failure><b>|`x`\n# [l](https://e.example) @all";
    let finding = Finding {
        evidence: evil.into(),
        suppressed: None,
        ..finding(Severity::Blocking, &format!("pod {evil}"))
    };
    let mut blind = blind("EKS-C4", UnreadCause::Failed);
    if let Verdict::NotEvaluated { unread } = &mut blind.verdict {
        unread[0].detail = evil.into();
    }
    assessment(vec![found("EKS-P1", None, vec![finding]), blind])
}

/// A line of Markdown without its code spans.
fn outside_of_code(line: &str) -> String {
    let mut outside = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('`').filter(|at| !rest[..*at].ends_with('\\')) {
        outside.push_str(&rest[..at]);
        let span = &rest[at..];
        let fence = &span[..span.len() - span.trim_start_matches('`').len()];
        let end = span[fence.len()..].find(fence).expect("the span ends");
        rest = &span[end + 2 * fence.len()..];
    }
    outside + rest
}

#[test]
fn hostile_names_move_no_cursor_and_become_no_markup() {
    let assessment = hostile();
    let text = named("a\u{1b}[2J", &assessment, text::assessment);
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    let markdown = named("a\n# b|<i>", &assessment, markdown::assessment);
    assert!(!markdown.contains(['\u{1b}', '\u{202e}']), "{markdown:?}");
    let outside: String = markdown.lines().map(outside_of_code).collect();
    assert!(!outside.contains("<b>") && !outside.contains(" <i>") && !outside.contains("@all"), "{outside}");
    let junit = rendered(&assessment, |it| junit::assessment(it, Severity::Blocking));
    assert!(!junit.contains('\u{1b}') && !junit.contains("]]>") && !junit.contains("<b>"), "{junit:?}");
    serde_json::from_str::<Value>(&rendered(&assessment, json::assessment)).expect("JSON");
    serde_json::from_str::<Value>(&rendered(&assessment, sarif::assessment)).expect("JSON");
}

#[test]
fn markdown_has_every_part_and_a_table_of_families() {
    let markdown = rendered(&everything(), markdown::assessment);
    for part in [
        "# Readiness of shop for 1.35",
        "**Not ready: 1 blocker; 1 check could not look.**",
        "### EKS-N3: No node runs Amazon Linux 2",
        "- `node group blue`: it stands in the way (`seen there`), hops to 1.34, 1.35",
        "- access denied: `iam:GetRole said no`, for EKS-C4",
        "; suppressed: agreed with ops",
        "| Nodes | 1 | 0 | 1 | 0 |",
        "| Control plane | 1 | 0 | 0 | 1 |",
    ] {
        assert!(markdown.contains(part), "{part:?} is not in\n{markdown}");
    }
}

fn sarif_run(assessment: &Assessment) -> Value {
    let log: Value = serde_json::from_str(&rendered(assessment, sarif::assessment)).expect("JSON");
    assert_eq!(log["version"], "2.1.0");
    log["runs"][0].clone()
}

#[test]
fn sarif_has_the_catalogue_as_rules_and_a_result_for_everything_that_is_not_well() {
    let run = sarif_run(&everything());
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    assert_eq!(rules.len(), fleetwright_eks::checks::catalogue().count());
    let told: Vec<_> = run["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|result| {
            let index = result["ruleIndex"].as_u64().expect("an index") as usize;
            assert_eq!(rules[index]["id"], result["ruleId"]);
            let suppressed = result["suppressions"].as_array().expect("always there").len();
            let word = |name: &str| result[name].as_str().expect("a word").to_owned();
            (word("ruleId"), word("kind"), word("level"), suppressed)
        })
        .collect();
    let expected = [
        ("EKS-C4", "open", "none", 0),
        ("EKS-A5", "open", "none", 0),
        ("EKS-W1", "fail", "error", 1),
        ("EKS-N3", "fail", "error", 0),
        ("EKS-N3", "fail", "error", 0),
        ("EKS-P4", "fail", "warning", 0),
    ];
    assert_eq!(
        told,
        expected.map(|(id, kind, level, n)| (id.to_owned(), kind.to_owned(), level.to_owned(), n))
    );
}

#[test]
fn sarif_notifies_of_what_could_not_be_looked_at_and_calls_no_such_look_successful() {
    let run = sarif_run(&everything());
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let notifications = invocation["toolExecutionNotifications"].as_array().expect("notifications");
    let told: Vec<_> = notifications.iter().map(|it| (&it["associatedRule"]["id"], &it["level"])).collect();
    assert_eq!(told, [(&"EKS-C4".into(), &"warning".into()), (&"EKS-A5".into(), &"note".into())]);
    let well = sarif_run(&assessment(vec![passed("EKS-V4")]));
    assert_eq!(well["invocations"][0]["executionSuccessful"], true);
    assert_eq!(well["results"], Value::Array(vec![]));
}

#[test]
fn fingerprints_tell_results_apart_and_stay_the_same() {
    let prints = |run: &Value| -> Vec<String> {
        let results = run["results"].as_array().expect("results");
        results.iter().map(|it| it["partialFingerprints"].to_string()).collect()
    };
    let (one, other) = (prints(&sarif_run(&everything())), prints(&sarif_run(&everything())));
    assert_eq!(one, other);
    let mut apart = one.clone();
    apart.sort();
    apart.dedup();
    assert_eq!(apart.len(), one.len(), "{one:?}");
}

/// The part of the document about a check.
fn case(junit: &str, code: &str) -> String {
    let from = junit.find(&format!(" name=\"{code} ")).unwrap_or_else(|| panic!("{code} is not in {junit}"));
    let rest = &junit[from..];
    rest[..rest.find("</testcase>").expect("closed")].to_owned()
}

#[test]
fn a_pipeline_fails_over_findings_and_over_what_nobody_could_see() {
    let junit = rendered(&everything(), |it| junit::assessment(it, Severity::Blocking));
    assert!(junit.contains("tests=\"7\" failures=\"2\" errors=\"1\">"), "{junit}");
    assert!(case(&junit, "EKS-N3").contains("<failure type=\"EKS-N3\""), "{junit}");
    assert!(
        case(&junit, "EKS-C4").contains("<error type=\"EKS-C4\" message=\"could not be checked\""),
        "{junit}"
    );
    assert!(case(&junit, "EKS-A5").contains("<skipped message=\"not asked"), "{junit}");
    assert!(case(&junit, "EKS-W1").contains("<skipped message=\"suppressed: agreed with ops"), "{junit}");
    assert!(case(&junit, "EKS-P4").contains("<system-out>Deployment shop/web"), "{junit}");
    assert!(!case(&junit, "EKS-V4").contains('<'), "{junit}");
}

#[test]
fn warnings_are_failures_where_the_caller_says_so() {
    let seen = assessment(vec![
        found("EKS-P4", None, vec![finding(Severity::Warning, "Deployment shop/web")]),
        blind("EKS-R1", UnreadCause::Denied),
    ]);
    let strict = rendered(&seen, |it| junit::assessment(it, Severity::Warning));
    assert!(case(&strict, "EKS-P4").contains("<failure"), "{strict}");
    assert!(case(&strict, "EKS-R1").contains("<error"), "{strict}");
    let mild = rendered(&seen, |it| junit::assessment(it, Severity::Blocking));
    assert!(case(&mild, "EKS-R1").contains("<skipped message=\"access denied"), "{mild}");
}
