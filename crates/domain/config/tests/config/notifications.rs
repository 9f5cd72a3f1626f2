//! Channels, routes and the system of change records in a configuration.

use fleetwright_config::SourceText;
use fleetwright_config::settings::{ChannelKind, Given, ItsmSystem};

use crate::{lines, resolve_file};

const GOOD: &str = "\
notifications:
  drain: 30s
  channels:
    ops-chat:
      kind: slack
      webhook_url: https://hooks.slack.com/services/T0/B0/hunter2x
      title: '{{ run }}'
      per_hour: 20
    mail:
      kind: email
      host: smtp.example.com
      user: me
      password_file: mail.txt
      from: Patching <patching@example.com>
      to: ops@example.com
    topic:
      kind: sns
      topic: arn:aws:sns:eu-central-1:111122223333:patching
      zone: shared
  routes:
    failures:
      channels: [ops-chat, mail]
      severity: error
      zones: [payments, '444455556666']
      phases: [patch]
itsm:
  system: jira
  url: https://example.atlassian.net
  user: me@example.com
  password: hunter2x-token
  project: OPS
  fields: [customfield_10010=low = very]
";

fn faults(text: &str) -> Vec<String> {
    lines(&resolve_file(SourceText::new("notify.yaml", text)).expect_err("faulty"))
}

#[test]
fn channels_routes_and_change_records_reach_the_settings_and_secrets_are_not_shown() {
    let resolved = resolve_file(SourceText::new("notify.yaml", GOOD)).expect("valid");
    let told = &resolved.settings.notifications;
    let chat = &told.channels["ops-chat"];
    assert!(
        matches!(&chat.kind, ChannelKind::Slack { url: Given::Here(url) } if url.reveal().ends_with("hunter2x"))
    );
    assert_eq!((chat.title.as_deref(), chat.per_hour), (Some("{{ run }}"), Some(20)));
    let ChannelKind::Email(mail) = &told.channels["mail"].kind else { panic!("it is mail") };
    assert_eq!(mail.login, Some(("me".to_owned(), Given::File("mail.txt".to_owned()))));
    assert_eq!(told.routes["failures"].zones, ["payments", "444455556666"]);
    let itsm = resolved.settings.itsm.as_ref().expect("there is one");
    assert!(matches!(&itsm.system, ItsmSystem::Jira { project, .. } if project == "OPS") && itsm.gate);
    assert_eq!(itsm.fields["customfield_10010"], "low = very");
    let shown =
        format!("{resolved:?}{}", resolved.values.values().map(|it| it.value.show()).collect::<String>());
    assert!(!shown.contains("hunter2x"), "{shown}");
}

#[test]
fn without_a_word_about_it_nobody_is_told_and_no_change_is_kept() {
    let settings = resolve_file(SourceText::new("empty.yaml", "{}")).expect("valid").settings;
    assert!(settings.notifications.channels.is_empty() && settings.notifications.routes.is_empty());
    assert_eq!(settings.itsm, None);
}

#[test]
fn what_is_missing_too_much_or_leads_nowhere_is_named_with_its_place() {
    let channel = |lines: &str| format!("notifications:\n  channels:\n    a:\n{lines}");
    for (text, expected) in [
        (channel("      webhook_url: https://x.example/\n"), "has no `kind`"),
        (channel("      kind: slack\n"), "has no `webhook_url`"),
        (
            channel("      kind: slack\n      webhook_url: https://x.example/\n      host: b\n"),
            "a.host` says nothing",
        ),
        (
            channel("      kind: teams\n      webhook_url: https://x.example/\n      webhook_url_file: b\n"),
            "cannot hold together with `webhook_url_file`",
        ),
        (channel("      kind: webhook\n      webhook_url: https://x.example/\n"), "has no `secret`"),
        (channel("      kind: email\n      host: a\n      from: b\n"), "has no `to`"),
        (channel("      kind: sns\n      topic: patching\n      zone: b\n"), "is not an ARN"),
        ("notifications: {routes: {r: {channels: [ops-chta]}}}".to_owned(), "there is no channel `ops-chta`"),
        ("notifications: {routes: {r: {severity: error}}}".to_owned(), "has no `channels`"),
        ("itsm: {system: jira, url: 'https://x.example', password: p}".to_owned(), "`itsm` has no `project`"),
        (
            "itsm: {system: servicenow, url: 'https://x.example', password: p, fields: [x]}".to_owned(),
            "`x` is not name=value",
        ),
    ] {
        let faults = faults(&text);
        assert_eq!(faults.len(), 1, "{text}: {faults:?}");
        assert!(faults[0].contains(expected), "{text}: {faults:?}");
    }
}

#[test]
fn a_wrong_secret_is_not_quoted() {
    for text in [
        "notifications: {channels: {a: {kind: slack, webhook_url: 'ftp://canary'}}}".to_owned(),
        format!("itsm: {{system: jira, password: 'canary{}'}}", "x".repeat(1001)),
    ] {
        let errors = resolve_file(SourceText::new("notify.yaml", text)).expect_err("faulty");
        assert!(!format!("{errors:?}{}", lines(&errors).join("\n")).contains("canary"), "{errors:?}");
    }
}
