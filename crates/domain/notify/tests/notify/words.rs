//! What messages say.

use std::collections::BTreeMap;

use fleetwright_notify::{Batch, Kind, Message, Notice, Severity, Templates, Uncounted};

use crate::samples::notice;

fn batch(notices: Vec<Notice>, more: &[(Kind, u64)]) -> Batch {
    let sort = |kind| Uncounted { kind, severity: Severity::Error, code: Some("FW-H0001".into()) };
    let more: BTreeMap<_, _> = more.iter().map(|(kind, count)| (sort(*kind), *count)).collect();
    Batch { number: 3, attempt: 1, notices, more }
}

fn users(title: &str, text: &str) -> Templates {
    Templates::new(Some(title), Some(text)).expect("templates")
}

#[test]
fn one_notice_is_told_by_its_own_title_and_several_as_a_sum() {
    let one = batch(vec![notice(Kind::HostFailed, Severity::Error)], &[]);
    let (message, wrong) = Message::of(&one, "chat", &Templates::ours());
    assert_eq!(wrong, None);
    assert_eq!(message.title, "[ERROR] run-1: host_failed happened");
    assert_eq!(message.id, "run-1.chat.3");
    let ended = Notice { title: "run complete".into(), ..notice(Kind::RunEnded, Severity::Warning) };
    let many = batch(vec![notice(Kind::HostFailed, Severity::Error), ended], &[(Kind::HostFailed, 998)]);
    let (message, _) = Message::of(&many, "chat", &Templates::ours());
    assert_eq!(message.title, "[ERROR] run-1: run complete; 999 hosts failed");
    assert!(message.text.ends_with("and 998 hosts failed [FW-H0001]"), "{}", message.text);
    assert_eq!(message.count(), 1000);
}

#[test]
fn a_users_template_decides_the_words() {
    let templates = users(
        "{{ severity }}!",
        "{% for n in notices %}{{ n.kind }} in {{ n.accounts | join(',') }};{% endfor %}",
    );
    let (message, wrong) =
        Message::of(&batch(vec![notice(Kind::HostStuck, Severity::Critical)], &[]), "chat", &templates);
    assert_eq!((wrong, message.title.as_str()), (None, "critical!"));
    assert_eq!(message.text, "host_stuck in 111122223333;");
}

#[test]
fn a_template_that_is_wrong_is_refused_with_its_line() {
    for (source, word) in
        [("{{ run", "line 1"), ("a\n{{ nobody.knows }}", "line 2"), ("{{ run | frobnicate }}", "frobnicate")]
    {
        let error = Templates::new(None, Some(source)).expect_err(source);
        assert!(error.message.contains(word), "{source}: {error}");
    }
}

#[test]
fn a_template_that_runs_or_writes_on_is_stopped_and_the_message_is_told_in_our_words() {
    let loops = "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}";
    let grows = "{% for a in notices[0].title %}{% for b in notices[0].title %}{{ notices[0].title }}{% endfor %}{% endfor %}";
    assert!(Templates::new(None, Some(loops)).is_err());
    let templates = Templates::new(None, Some(grows)).expect("short titles fit");
    let long = Notice { title: "y".repeat(600), ..notice(Kind::HostFailed, Severity::Error) };
    let (message, wrong) = Message::of(&batch(vec![long], &[]), "chat", &templates);
    assert!(wrong.is_some());
    assert!(message.text.contains("ERROR  yyy"), "{}", message.text);
    assert!(message.title.len() <= 200);
}

#[test]
fn names_of_others_are_values_in_templates_and_never_templates_themselves() {
    let hostile =
        Notice { title: "{{ 7 * 7 }}{% for %}".into(), ..notice(Kind::HostFailed, Severity::Error) };
    let (message, wrong) = Message::of(&batch(vec![hostile], &[]), "chat", &Templates::ours());
    assert_eq!(wrong, None);
    assert!(message.text.contains("{{ 7 * 7 }}{% for %}"));
}
