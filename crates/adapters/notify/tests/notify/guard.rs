//! Where connections may lead, and what is made of answers that are none.

use std::sync::Arc;

use fleetwright_notifiers::{Endpoint, Reach, Slack};
use fleetwright_ports::{Again, NotSent, Notifier};
use tokio::net::TcpListener;

use crate::server::{Server, said};
use crate::world::{HERE, Hasty, endpoint, message, on, outbound};

async fn failure(slack: Slack) -> NotSent {
    slack.send(&message("x")).await.expect_err("nothing can be delivered here")
}

#[tokio::test]
async fn a_name_is_judged_by_the_address_it_stands_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("https://localhost:{}/x", listener.local_addr().expect("bound").port());
    let closed = Reach::default();
    let endpoint = Endpoint::parse(&url, closed).expect("a name says nothing yet");
    let failure = failure(Slack::new(outbound(closed), endpoint)).await;
    assert_eq!(failure.again, Again::Never);
    assert!(failure.message.contains("this machine"), "{}", failure.message);
    let nobody =
        tokio::select! { biased; it = listener.accept() => it.is_err(), () = std::future::ready(()) => true };
    assert!(nobody, "nobody connected");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let inside = Server::start(|_| said(200, "ok")).await;
    let target = inside.url("/latest/meta-data");
    let server = Server::start(move |_| {
        let mut said = said(307, "");
        said.headers_mut().insert("location", target.parse().expect("a header"));
        said
    })
    .await;
    let failure = failure(Slack::new(outbound(HERE), endpoint(&server.url("/x")))).await;
    assert_eq!((failure.again, inside.heard.count()), (Again::Never, 0));
    assert!(failure.message.contains("redirects are not followed"), "{}", failure.message);
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_is_refused_is_not() {
    for (status, again) in [
        (500, Again::Later),
        (502, Again::Later),
        (408, Again::Later),
        (429, Again::Later),
        (503, Again::Later),
        (400, Again::Never),
        (401, Again::Never),
        (403, Again::Never),
        (410, Again::Never),
    ] {
        let server = Server::start(move |_| said(status, "a\r\nb\u{202e}")).await;
        let failure = failure(Slack::new(outbound(HERE), endpoint(&server.url("/x")))).await;
        assert_eq!(failure.again, again, "{status}");
        assert!(!failure.message.contains(['\n', '\u{202e}']), "{:?}", failure.message);
    }
}

#[tokio::test]
async fn a_date_to_come_back_at_is_a_wait_until_then() {
    let server = Server::start(|_| {
        let mut said = said(503, "");
        let date = "Sun, 01 Nov 2026 02:01:30 GMT".parse().expect("a header");
        said.headers_mut().insert("retry-after", date);
        said
    })
    .await;
    let failure = failure(Slack::new(outbound(HERE), endpoint(&server.url("/x")))).await;
    assert_eq!(failure.again, Again::After(jiff::SignedDuration::from_secs(90)));
}

#[tokio::test]
async fn nobody_there_is_a_fault_of_the_moment() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}/canary", listener.local_addr().expect("bound"));
    drop(listener);
    let failure = failure(Slack::new(outbound(HERE), endpoint(&url))).await;
    assert_eq!(failure.again, Again::Later);
    assert!(!failure.message.contains("canary"), "{}", failure.message);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_left_after_the_time_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}/x", listener.local_addr().expect("bound"));
    let failure = failure(Slack::new(on(Arc::new(Hasty), HERE), endpoint(&url))).await;
    assert_eq!(failure.again, Again::Later);
    assert!(failure.message.contains("did not answer within 10 s"), "{}", failure.message);
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_none() {
    // A server that speaks no TLS cannot prove who it is either.
    let server = Server::start(|_| said(200, "ok")).await;
    let url = format!("https://127.0.0.1:{}/x", server.address.port());
    let failure = failure(Slack::new(outbound(HERE), endpoint(&url))).await;
    assert!(failure.message.contains("TLS"), "{}", failure.message);
    assert_eq!(server.heard.count(), 0);
}
