//! Every question, without a network.

use fleetwright_approval::{Approver, Decision, Decisions, Keyring, sign};
use fleetwright_approvals::Question;
use fleetwright_flow::{ApprovalRule, OnExpiry, Signal, StageId};
use fleetwright_ports::Journal;

use crate::world::{FORM, PASSPHRASE, World, ask, get, key, post};

/// Every method a scanner, a preview or a mistake could come with.
const METHODS: [&str; 12] = [
    "GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND", "get", "post",
    "QUERY",
];

#[tokio::test]
async fn the_page_shows_what_is_decided_about_and_asks_for_a_passphrase() {
    let world = World::at_gate().await;
    let (desk, gate) = (world.desk(), world.gate().await);
    let answer = get(&desk, &world.link(|_| {}).await).await;
    assert_eq!(answer.status, 200);
    for shown in
        [&*gate.digest, &*gate.basis, world.run.as_str(), "fleet, 2 targets", "0 of 1 needed", "first stage"]
    {
        assert!(answer.body.contains(shown), "{shown} in {}", answer.body);
    }
    assert!(
        answer.body.contains("method=\"post\" autocomplete") && answer.body.contains("type=\"password\"")
    );
    assert!(answer.body.contains("value=\"approve\"") && answer.body.contains("value=\"reject\""));
    assert!(
        !answer.body.contains("<script") && !answer.body.contains("http"),
        "nothing runs, nothing is fetched"
    );
    let header = |name| answer.all_headers().find(|(n, _)| *n == name).map(|(_, value)| value.to_owned());
    let policy = header("content-security-policy").expect("a policy");
    for rule in [
        "default-src 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "style-src 'sha256-",
    ] {
        assert!(policy.contains(rule) && !policy.contains("unsafe"), "{rule} in {policy}");
    }
    assert_eq!(header("cache-control").as_deref(), Some("no-store"));
    assert_eq!(header("referrer-policy").as_deref(), Some("no-referrer"));
    assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"));
    assert_eq!(header("x-frame-options").as_deref(), Some("DENY"));

    let narrow = world.link(|draft| draft.decisions = Decisions::only(Decision::Reject)).await;
    let answer = get(&desk, &narrow).await;
    assert!(!answer.body.contains("value=\"approve\"") && answer.body.contains("value=\"reject\""));
}

/// API Gateway's authoriser sees the address and not the form: both name the same link.
#[tokio::test]
async fn a_form_is_sent_to_its_own_link_or_to_none() {
    let world = World::at_gate().await;
    let (token, desk) = (world.link(|_| {}).await, world.desk());
    let other = world.link(|draft| draft.decisions = Decisions::only(Decision::Reject)).await;
    let body = format!("token={token}&decision=approve&passphrase={}", PASSPHRASE.replace(' ', "+"));
    let answer = ask(&desk, "POST", &format!("/approvals/{other}"), &body).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("another link"), "{}", answer.body);
    assert!(world.journal.mail(&world.run, 0).await.expect("letters").is_empty(), "nothing was left");
    assert_eq!(ask(&desk, "POST", &format!("/approvals/{token}"), &body).await.status, 200);
    assert_eq!(world.journal.mail(&world.run, 0).await.expect("letters").len(), 1);
}

#[tokio::test]
async fn a_decision_with_the_passphrase_ends_in_the_mailbox_with_all_that_proves_it() {
    let world = World::at_gate().await;
    let token = world.link(|_| {}).await;
    let body = format!("token={token}&decision=approve&passphrase=correct+horse+battery&reason=%3Clooked%3E");
    let answer = ask(&world.desk(), "POST", "/approvals/", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let mail = world.mail().await;
    assert_eq!(mail.len(), 1);
    assert_eq!((mail[0].signal, &*mail[0].by), (Signal::Approve(StageId(0)), "ann"));
    assert_eq!(mail[0].reason.as_deref(), Some("<looked>"));
    assert_eq!(mail[0].basis.as_ref(), Some(&world.gate().await.basis), "bound to plan and earlier results");
    assert_eq!(mail[0].once.as_deref(), Some("k1:01010101010101010101010101010101"));

    let world = World::at_gate().await;
    let token = world.link(|_| {}).await;
    assert_eq!(post(&world.desk(), &token, "reject", PASSPHRASE).await.status, 200);
    assert_eq!(world.mail().await[0].signal, Signal::Reject(StageId(0)));
}

#[tokio::test]
async fn a_mail_scanner_opens_every_link_in_every_way_and_nothing_is_decided() {
    let world = World::at_gate().await;
    let desk = world.desk();
    let mut links = vec![world.link(|_| {}).await];
    for approver in ["ann", "bob"] {
        links.push(world.link(|draft| draft.approver = approver.to_owned()).await);
    }
    let form = |token: &str| format!("token={token}&decision=approve&passphrase=correct+horse+battery");
    for token in &links {
        for method in METHODS {
            for path in [
                format!("/approvals/{token}"),
                "/approvals/".to_owned(),
                format!("/approvals/{token}/approve"),
            ] {
                for body in [String::new(), form(token)] {
                    let answer = ask(&desk, method, &path, &body).await;
                    let looking = matches!(method, "GET" | "HEAD") && path == format!("/approvals/{token}");
                    assert_eq!(answer.status == 200, looking, "{method} {path}: {}", answer.status);
                    assert!(method != "HEAD" || answer.body.is_empty() || !looking);
                }
            }
        }
        // A query that a scanner or a tracker adds decides nothing either.
        let (path, query) =
            (format!("/approvals/{token}"), Some("decision=approve&passphrase=correct+horse+battery"));
        let question = Question { method: "GET", path: &path, query, content_type: None, body: b"" };
        assert_eq!(desk.answer(question).await.status, 400);
        // Nor does a POST without the form, or with another's, as those who follow forms make one.
        assert_eq!(ask(&desk, "POST", &path, "").await.status, 400);
        assert_eq!(ask(&desk, "POST", &format!("{path}x"), &form(token)).await.status, 400);
        assert_eq!(ask(&desk, "POST", "/approvals/", "").await.status, 400);
    }
    assert_eq!(world.mail().await, [], "and nobody has decided anything");
    assert_eq!(post(&desk, &links[0], "approve", PASSPHRASE).await.status, 200, "the link is still good");
}

#[tokio::test]
async fn a_post_without_authentication_decides_nothing() {
    let world = World::at_gate().await;
    let token = world.link(|_| {}).await;
    for (passphrase, status) in
        [("", 403), ("wrong", 403), ("another long phrase", 403), ("correct horse batter", 403)]
    {
        assert_eq!(post(&world.desk(), &token, "approve", passphrase).await.status, status, "{passphrase}");
    }
    let desk = world.desk();
    for body in [
        format!("token={token}&decision=approve"),
        format!("token={token}&decision=approve&passphrase=correct+horse+battery&passphrase=x"),
        format!("token={token}&decision=approve&passphrase=correct+horse+battery&by=bob"),
        "decision=approve&passphrase=correct+horse+battery".to_owned(),
    ] {
        assert_eq!(ask(&desk, "POST", "/approvals/", &body).await.status, 400, "{body}");
    }
    let whole = format!("token={token}&decision=approve&passphrase=correct+horse+battery");
    for content_type in [None, Some("text/plain"), Some("multipart/form-data"), Some("application/json")] {
        let body = whole.as_bytes();
        let question = Question { method: "POST", path: "/approvals/", query: None, content_type, body };
        assert_eq!(desk.answer(question).await.status, 415, "{content_type:?}");
    }
    for decision in ["", "abort", "Approve", "approve+"] {
        let answer = post(&desk, &token, decision, PASSPHRASE).await;
        assert_eq!(answer.status, 403, "{decision}");
    }
    assert_eq!(world.mail().await, []);
    let question = Question {
        method: "POST",
        path: "/approvals/",
        query: None,
        content_type: Some("application/x-www-form-urlencoded; charset=UTF-8"),
        body: whole.as_bytes(),
    };
    assert_eq!(desk.answer(question).await.status, 200, "the same, as a browser sends it ({FORM})");
}

#[tokio::test]
async fn a_link_decides_once_whatever_is_clicked_again() {
    let world = World::at_gate().await;
    let token = world.link(|_| {}).await;
    let desk = world.desk();
    assert_eq!(post(&desk, &token, "approve", PASSPHRASE).await.status, 200);
    for decision in ["approve", "reject"] {
        assert_eq!(post(&desk, &token, decision, PASSPHRASE).await.status, 410, "{decision}");
        assert_eq!(
            post(&world.desk(), &token, decision, PASSPHRASE).await.status,
            410,
            "after a restart as well"
        );
    }
    assert_eq!(get(&desk, &token).await.status, 410);
    assert_eq!(world.mail().await.len(), 1);
    let other = world.link(|draft| draft.nonce = 2).await;
    assert_eq!(
        post(&desk, &other, "reject", PASSPHRASE).await.status,
        200,
        "another link is another decision"
    );
}

#[tokio::test]
async fn a_link_decides_once_however_many_come_at_the_same_moment() {
    for other in ["approve", "reject"] {
        let world = World::at_gate().await;
        let token = world.link(|_| {}).await;
        // Two processes, as when one takes over from another.
        let (one, two) = (world.desk(), world.desk());
        let click = |desk, decision| post(desk, &token, decision, PASSPHRASE);
        let answers = tokio::join!(
            click(&one, "approve"),
            click(&two, other),
            click(&one, other),
            click(&two, "approve")
        );
        let mut answers = [answers.0, answers.1, answers.2, answers.3].map(|answer| answer.status);
        answers.sort_unstable();
        assert_eq!(answers, [200, 410, 410, 410], "with {other}");
        assert_eq!(world.mail().await.len(), 1);
    }
}

#[tokio::test]
async fn every_changed_token_is_refused_with_the_right_passphrase() {
    let world = World::at_gate().await;
    let token = world.link(|_| {}).await;
    let desk = world.desk();
    let mut tried = 0;
    for at in 0..token.len() {
        for bit in 0..7 {
            let mut bytes = token.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            if !changed.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
                continue;
            }
            let answers = [get(&desk, &changed).await, post(&desk, &changed, "approve", PASSPHRASE).await];
            assert!(answers.iter().all(|answer| matches!(answer.status, 400 | 403)), "{changed}");
            tried += 1;
        }
        assert_eq!(post(&desk, &token[..at], "approve", PASSPHRASE).await.status, 400);
    }
    assert!(tried > 500, "{tried}");
    assert_eq!(world.mail().await, []);
}

#[tokio::test]
async fn a_link_for_something_else_decides_nothing_here() {
    let world = World::at_gate().await;
    let elsewhere = World::with("run-20261101T020000Z-ffff", |plan| plan.seed += 1).await;
    let desk = world.desk();
    let theirs = elsewhere.link(|_| {}).await;
    let expected = [
        (theirs, "approve", 410),
        (world.link(|draft| draft.run = "run-of-nobody".to_owned()).await, "approve", 410),
        (world.link(|draft| draft.stage = 1).await, "approve", 410),
        (world.link(|draft| draft.basis = "0123456789abcdef-1".to_owned()).await, "approve", 410),
        (world.link(|draft| draft.seconds = 0).await, "approve", 410),
        (world.link(|draft| draft.seconds = -1).await, "approve", 410),
        (world.link(|draft| draft.decisions = Decisions::only(Decision::Reject)).await, "approve", 403),
        (world.link(|draft| draft.decisions = Decisions::only(Decision::Approve)).await, "reject", 403),
        (world.link(|draft| draft.approver = "carl".to_owned()).await, "approve", 403),
        (sign(&Keyring::new(key("k1", 8)), &world.claims(|_| {}).await), "approve", 403),
        (sign(&Keyring::new(key("k2", 7)), &world.claims(|_| {}).await), "approve", 403),
    ];
    for (number, (token, decision, status)) in expected.into_iter().enumerate() {
        let answer = post(&desk, &token, decision, PASSPHRASE).await;
        assert_eq!(answer.status, status, "case {number}: {}", answer.body);
    }
    assert_eq!(world.mail().await, []);
    assert_eq!(elsewhere.mail().await, []);
}

#[tokio::test]
async fn a_link_lives_to_the_second_before_its_expiry() {
    let world = World::at_gate().await;
    let token = world.link(|draft| draft.seconds = 60).await;
    let desk = world.desk();
    world.clock.pass(59);
    assert_eq!(get(&desk, &token).await.status, 200);
    world.clock.pass(1);
    assert_eq!(
        (get(&desk, &token).await.status, post(&desk, &token, "approve", PASSPHRASE).await.status),
        (410, 410)
    );
    world.clock.pass(1);
    assert_eq!(
        (get(&desk, &token).await.status, post(&desk, &token, "approve", PASSPHRASE).await.status),
        (410, 410)
    );
    assert_eq!(world.mail().await, []);
}

#[tokio::test]
async fn a_gate_that_was_decided_takes_no_links_any_more() {
    let mut world = World::at_gate().await;
    let token = world.link(|_| {}).await;
    world.signal("approve", "carl").await;
    let desk = world.desk();
    assert_eq!(post(&desk, &token, "approve", PASSPHRASE).await.status, 410);
    world.walk().await;
    assert!(world.state.ending().is_some(), "the run went to its end");
    assert_eq!(
        (get(&desk, &token).await.status, post(&desk, &token, "reject", PASSPHRASE).await.status),
        (410, 410)
    );
    assert_eq!(world.mail().await, []);
}

#[tokio::test]
async fn guessing_is_braked_for_the_approver_and_for_nobody_else() {
    let world = World::at_gate().await;
    let (ann, bob) = (
        world.link(|_| {}).await,
        world.link(|draft| (draft.approver, draft.nonce) = ("bob".to_owned(), 2)).await,
    );
    let desk = world.desk();
    for _ in 0..5 {
        assert_eq!(post(&desk, &ann, "approve", "a wrong guess").await.status, 403);
    }
    let braked = post(&desk, &ann, "approve", PASSPHRASE).await;
    assert_eq!(braked.status, 429, "even the right one is not looked at");
    assert!(braked.headers.contains(&("retry-after", "900")));
    assert_eq!(world.mail().await, []);
    assert_eq!(post(&desk, &bob, "approve", "another long phrase").await.status, 200);
    world.clock.pass(15 * 60);
    assert_eq!(post(&desk, &ann, "approve", PASSPHRASE).await.status, 200);
}

#[tokio::test]
async fn a_key_or_a_person_that_is_taken_out_is_out_at_once() {
    let world = World::at_gate().await;
    let desk = world.desk();
    let token = world.link(|_| {}).await;
    world.keys.lock().expect("no panic").add_key(key("k2", 9)).expect("a new name");
    assert_eq!(get(&desk, &token).await.status, 200, "the old key still verifies");
    world.keys.lock().expect("no panic").remove_key(&"k1".parse().expect("a name")).expect("not the last");
    assert_eq!(get(&desk, &token).await.status, 403);
    let token = world.link(|_| {}).await;
    assert!(world.keys.lock().expect("no panic").remove_approver("ann"));
    assert_eq!(post(&desk, &token, "approve", PASSPHRASE).await.status, 403);
    let ann = Approver::new("ann", "a phrase of today", [5; 16]).expect("long enough");
    world.keys.lock().expect("no panic").set_approver(ann);
    assert_eq!(post(&desk, &token, "approve", PASSPHRASE).await.status, 403, "the old passphrase");
    assert_eq!(post(&desk, &token, "approve", "a phrase of today").await.status, 200);
}

#[tokio::test]
async fn a_gate_for_named_people_counts_each_once_and_takes_nobody_else() {
    let mut world = World::with("run-2", |plan| plan.stages[0].approval = Some(rule())).await;
    let desk = world.desk();
    let answer = get(&desk, &world.link(|_| {}).await).await;
    assert!(
        answer.body.contains("0 of 2 needed") && answer.body.contains("left as it is"),
        "{}",
        answer.body
    );
    let bob = world.link(|draft| (draft.approver, draft.nonce) = ("bob".to_owned(), 2)).await;
    assert_eq!(post(&desk, &bob, "approve", "another long phrase").await.status, 403);
    assert_eq!(world.mail().await, []);
    assert_eq!(post(&desk, &world.link(|_| {}).await, "approve", PASSPHRASE).await.status, 200);

    world.signal("approve", "ann").await;
    let again = world.link(|draft| draft.nonce = 3).await;
    assert!(get(&desk, &again).await.body.contains("ann (1 of 2 needed)"));
    assert_eq!(post(&desk, &again, "approve", PASSPHRASE).await.status, 409);
    assert_eq!(
        post(&desk, &again, "reject", PASSPHRASE).await.status,
        200,
        "whoever approved may still reject"
    );
    assert_eq!(world.mail().await.len(), 2);
}

#[tokio::test]
async fn a_gate_whose_time_is_over_takes_no_decision_before_the_driver_has_said_so() {
    let world = World::with("run-2", |plan| plan.stages[0].approval = Some(rule())).await;
    let (desk, token) = (world.desk(), world.link(|draft| draft.seconds = 100_000).await);
    world.clock.pass(7199);
    assert_eq!(get(&desk, &token).await.status, 200);
    world.clock.pass(1);
    assert_eq!(
        (get(&desk, &token).await.status, post(&desk, &token, "approve", PASSPHRASE).await.status),
        (410, 410)
    );
    assert_eq!(world.mail().await, []);
}

#[tokio::test]
async fn what_the_desk_takes_the_kernel_takes() {
    let mut world = World::at_gate().await;
    assert_eq!(post(&world.desk(), &world.link(|_| {}).await, "approve", PASSPHRASE).await.status, 200);
    let letter = world.mail().await.remove(0);
    let event = serde_json::json!({
        "event": "signalled", "signal": letter.signal, "by": letter.by, "basis": letter.basis,
    });
    world.tell(serde_json::from_value(event).expect("a decision")).await;
    assert_eq!(world.state.approved_by(StageId(0)), [letter.by]);
}

fn rule() -> ApprovalRule {
    ApprovalRule {
        needed: 2,
        approvers: vec!["ann".into(), "carl".into()],
        expires_seconds: Some(7200),
        on_expiry: OnExpiry::Skip,
    }
}

#[tokio::test]
async fn state_that_cannot_be_read_is_our_trouble_and_no_decision() {
    let world = World::at_gate().await;
    let token = world.link(|_| {}).await;
    let unreadable = || Err("approvals.json: others may read it".to_owned());
    let (journal, clock) =
        (std::sync::Arc::new(world.journal.clone()), std::sync::Arc::new(world.clock.clone()));
    let desk = fleetwright_approvals::Desk::new(journal, clock, Box::new(unreadable));
    for answer in [get(&desk, &token).await, post(&desk, &token, "approve", PASSPHRASE).await] {
        assert_eq!(answer.status, 503);
        assert!(!answer.body.contains("approvals.json"), "what is wrong here is for our log");
    }

    world
        .journal
        .create(&"run-broken".parse().expect("a name"), b"{}", jiff::Timestamp::UNIX_EPOCH)
        .await
        .expect("a run");
    let token = world.link(|draft| draft.run = "run-broken".to_owned()).await;
    assert_eq!(post(&world.desk(), &token, "approve", PASSPHRASE).await.status, 503, "a plan that is none");
    assert_eq!(world.mail().await, []);
}
