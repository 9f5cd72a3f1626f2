//! Endpoints, asked of servers on 127.0.0.1.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_clock::SystemClock;
use fleetwright_eks::endpoint::{Endpoint, Unwell};
use fleetwright_model::ErrorClass;
use fleetwright_ports::{Clock, Endpoints};
use fleetwright_telemetry::HttpEndpoints;
use jiff::Timestamp;

/// Answers one request with the head of an answer, and tells what was asked.
fn server(head: &'static str) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a request");
        let mut answers = stream.try_clone().expect("a second handle");
        let lines = BufReader::new(stream).lines().map(|line| line.expect("a line"));
        let asked: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        sender.send(asked.join("\n")).expect("the test listens");
        answers.write_all(head.as_bytes()).expect("the answer is taken");
    });
    (address, receiver)
}

fn endpoint(name: &str, address: SocketAddr) -> Endpoint {
    format!("{name}=http://{address}/health?token=s3cr3t").parse().expect("an endpoint")
}

fn endpoints() -> HttpEndpoints {
    HttpEndpoints::new(Arc::new(SystemClock))
}

#[tokio::test]
async fn an_endpoint_is_well_by_its_status_redirects_are_not_followed_and_nobody_reads_on() {
    for (head, expected) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nno more comes", None),
        ("HTTP/1.1 204 No Content\r\n\r\n", None),
        ("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n", None),
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", Some(Unwell::Status(404))),
        ("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 9\r\n\r\n", Some(Unwell::Status(503))),
    ] {
        let (address, asked) = server(head);
        let found = endpoints().unwell(&[endpoint("shop", address)]).await.expect("it could be asked");
        assert_eq!(found.get("shop"), expected.as_ref(), "{head}");
        let asked = asked.recv().expect("a request");
        assert!(asked.starts_with("GET /health?token=s3cr3t HTTP/1.1"), "{asked}");
        assert!(asked.contains("user-agent: fleetwright/") && asked.contains("connection: close"), "{asked}");
    }
}

#[tokio::test]
async fn who_refuses_breaks_off_or_says_nothing_of_http_does_not_answer() {
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound");
    let (broken, _asked) = server("");
    let (odd, _asked) = server("SSH-2.0-OpenSSH_9.9\r\n");
    let (well, _asked) = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let all = [("nobody", nobody), ("broken", broken), ("odd", odd), ("well", well)];
    let found = endpoints().unwell(&all.map(|(name, address)| endpoint(name, address))).await;
    let found = found.expect("all could be asked");
    assert_eq!(found.keys().collect::<Vec<_>>(), ["broken", "nobody", "odd"]);
    for (name, how) in &found {
        let said = how.to_string();
        assert!(matches!(how, Unwell::Silent(_)) && !said.contains("s3cr3t"), "{name}: {said}");
    }
}

#[tokio::test]
async fn who_speaks_no_tls_where_tls_is_wanted_does_not_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
            .expect("the answer is taken");
    });
    let endpoint: Endpoint = format!("shop=https://{address}/").parse().expect("an endpoint");
    let found = endpoints().unwell(&[endpoint]).await.expect("it could be asked");
    assert!(matches!(found.get("shop"), Some(Unwell::Silent(_))), "{found:?}");
}

/// Time that is over at once.
struct Over;

#[async_trait]
impl Clock for Over {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    async fn sleep(&self, _: Duration) {}
}

#[tokio::test]
async fn who_takes_too_long_does_not_answer_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    let endpoints = HttpEndpoints::new(Arc::new(Over));
    let found = endpoints.unwell(&[endpoint("shop", address)]).await.expect("it could be asked");
    assert_eq!(found.get("shop"), Some(&Unwell::Late));
}

#[tokio::test]
async fn a_name_that_nobody_can_look_up_proves_nothing() {
    // Labels of names have 63 letters at most (RFC 1035): nobody is asked for this one.
    let name = "a".repeat(64);
    let endpoint: Endpoint = format!("shop=http://{name}/health?token=s3cr3t").parse().expect("an endpoint");
    let failure = endpoints().unwell(&[endpoint]).await.expect_err("no name that there can be");
    assert_eq!(
        (failure.class, failure.operation.as_str()),
        (ErrorClass::Transient, "endpoint:Get"),
        "{failure}"
    );
    let said = failure.message.to_string();
    assert!(said.contains(&format!("shop (http://{name}/health?…)")) && !said.contains("s3cr3t"), "{said}");
}
