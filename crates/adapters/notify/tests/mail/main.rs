//! E-mail, handed over to a real mail server: Exim of Debian, on ports of its own, with a certificate and a
//! spool of this test.

mod exim;

use std::sync::Arc;
use std::time::Duration;

use fleetwright_clock::SystemClock;
use fleetwright_notifiers::{Email, EmailSettings, Encryption, Login, Outbound, Reach};
use fleetwright_notify::{Batch, Kind, Message, Notice, Severity, Templates};
use fleetwright_ports::{Again, Notifier};

use crate::exim::{Exim, PASSWORD, Port};

/// A message whose lines try what mail makes of lines.
fn message() -> Message {
    let at = "2026-11-01T02:00:00Z".parse().expect("a time");
    let failed = Notice {
        kind: Kind::HostFailed,
        title: "größe ✓: failed at patch\r\nBcc: evil@example.test".replace("\r\n", " "),
        message: Some(format!("a line of {}", "x".repeat(500))),
        ..Notice::test("run-20261101T020000Z-4f1a", "a story", Severity::Error, at)
    };
    let batch = Batch { number: 7, attempt: 1, notices: vec![failed], more: Default::default() };
    let template = ".\n..dots\n{{ notices[0].message }}\n.";
    let templates = Templates::new(None, Some(template)).expect("a template");
    Message::of(&batch, "ops", &templates).0
}

fn email(exim: &Exim, port: Port, password: &str, to: &[&str]) -> Email {
    let reach = Reach { loopback: true, private: false };
    let outbound = Outbound::new(
        reach,
        Arc::new(SystemClock),
        Duration::from_secs(60),
        "fleetwright/test",
        Some(&exim.certificate),
    );
    let encryption = match port {
        Port::Tls => Encryption::Tls,
        Port::StartTls | Port::Plain => Encryption::StartTls,
    };
    let login = Login { user: "me".to_owned(), password: password.to_owned() };
    let settings = EmailSettings {
        host: "127.0.0.1".to_owned(),
        port: exim.port(port),
        encryption,
        login: Some(login),
        from: "Patching <patching@example.test>".to_owned(),
        to: to.iter().map(|to| (*to).to_owned()).collect(),
    };
    Email::new(outbound.expect("roots"), settings).expect("settings of a mail server")
}

#[tokio::test]
async fn a_mail_arrives_with_everybody_whole_and_as_it_was_written() {
    let exim = Exim::start().await;
    for port in [Port::StartTls, Port::Tls] {
        let email = email(&exim, port, PASSWORD, &["Ann <ann@example.test>", "bob@example.test"]);
        email.send(&message()).await.unwrap_or_else(|why| panic!("{port:?}: {why}"));
        let mails = exim.delivered();
        assert_eq!(mails.len(), 2, "one each");
        for mail in &mails {
            assert!(mail.contains("Message-ID: <run-20261101T020000Z-4f1a.ops.7@example.test>"), "{mail}");
            assert!(
                mail.contains("Auto-Submitted: auto-generated") && mail.contains("Importance: high"),
                "{mail}"
            );
            assert!(mail.contains("To: Ann <ann@example.test>, bob@example.test"), "{mail}");
            assert!(!mail.contains("\nBcc:"), "{mail}");
            let text = exim::body(mail);
            assert!(text.starts_with(".\n..dots\na line of xxx"), "{text}");
            assert!(text.contains(&"x".repeat(500)), "{text}");
            assert!(text.contains("\n.\n\nRun: run-20261101T020000Z-4f1a\n"), "{text}");
            assert!(exim::subject(mail).contains("größe ✓: failed at patch"), "{mail}");
        }
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused_for_good_and_told_without_it() {
    let exim = Exim::start().await;
    let failure = email(&exim, Port::StartTls, "canary-wrong", &["ann@example.test"]).send(&message()).await;
    let failure = failure.expect_err("it is refused");
    assert_eq!(failure.again, Again::Never);
    assert!(failure.message.contains("535") && !failure.message.contains("canary"), "{}", failure.message);
    assert_eq!(exim.delivered(), Vec::<String>::new());
}

#[tokio::test]
async fn those_who_can_get_it_do_and_who_cannot_is_named() {
    let exim = Exim::start().await;
    let email = email(&exim, Port::StartTls, PASSWORD, &["nobody@example.test", "bob@example.test"]);
    let failure = email.send(&message()).await.expect_err("one of them is not known");
    assert_eq!(failure.again, Again::Never);
    assert!(
        failure.message.contains("delivered to the others, but not to nobody@example.test"),
        "{}",
        failure.message
    );
    assert_eq!(exim.delivered().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_busy_is_asked_again() {
    let exim = Exim::start().await;
    let email = email(&exim, Port::StartTls, PASSWORD, &["later@example.test"]);
    let failure = email.send(&message()).await.expect_err("it is put off");
    assert_eq!(failure.again, Again::Later);
    assert_eq!(exim.delivered(), Vec::<String>::new());
}

#[tokio::test]
async fn nothing_is_said_to_a_server_without_encryption() {
    let exim = Exim::start().await;
    let failure = email(&exim, Port::Plain, PASSWORD, &["ann@example.test"]).send(&message()).await;
    let failure = failure.expect_err("it is not protected");
    assert_eq!(failure.again, Again::Never);
    assert!(failure.message.contains("offers no STARTTLS"), "{}", failure.message);
}

#[tokio::test]
async fn a_server_that_cannot_prove_who_it_is_gets_nothing() {
    let exim = Exim::start().await;
    let reach = Reach { loopback: true, private: false };
    let outbound =
        Outbound::new(reach, Arc::new(SystemClock), Duration::from_secs(60), "fleetwright/test", None);
    let settings = EmailSettings {
        host: "127.0.0.1".to_owned(),
        port: exim.port(Port::Tls),
        encryption: Encryption::Tls,
        login: None,
        from: "patching@example.test".to_owned(),
        to: vec!["ann@example.test".to_owned()],
    };
    let email = Email::new(outbound.expect("roots"), settings).expect("settings");
    let failure = email.send(&message()).await.expect_err("nobody vouches for it");
    assert!(failure.message.contains("TLS"), "{}", failure.message);
    assert_eq!(exim.delivered(), Vec::<String>::new());
}
