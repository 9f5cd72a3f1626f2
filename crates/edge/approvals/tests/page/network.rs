//! The same over TCP, with what only a network can do.

use std::net::TcpListener;

use fleetwright_approvals::{LARGEST_BODY, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::{FORM, World};

fn serve(world: &World) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    Server::start(world.desk(), listener).expect("it listens")
}

/// Sends a request and reads until the server closes.
async fn send(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).await.expect("it listens");
    // A server that has refused already may close before everything was sent.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).expect("UTF-8")
}

fn head(method: &str, path: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nhost: approvals.example.com\r\n")
}

fn form(body: &str) -> String {
    let head = head("POST", "/approvals/");
    format!("{head}content-type: {FORM}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn a_browser_looks_decides_and_is_told_so() {
    let world = World::at_gate().await;
    let (server, token) = (serve(&world), world.link(|_| {}).await);
    let shown = send(&server, &format!("{}\r\n", head("GET", &format!("/approvals/{token}")))).await;
    assert!(shown.starts_with("HTTP/1.1 200 OK\r\n") && shown.contains("cache-control: no-store"), "{shown}");
    assert!(shown.contains("<form method=\"post\"") && shown.contains("connection: close"));
    assert_eq!(world.mail().await, []);

    let body = format!("token={token}&decision=approve&passphrase=correct+horse+battery&reason=");
    let done = send(&server, &form(&body)).await;
    assert!(done.starts_with("HTTP/1.1 200 OK\r\n") && done.contains("is recorded"), "{done}");
    assert_eq!(world.mail().await.len(), 1);
    let again = send(&server, &form(&body)).await;
    assert!(again.starts_with("HTTP/1.1 410 Gone\r\n") && again.contains("FW-V0011"), "{again}");
    assert_eq!(world.mail().await.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn scanners_head_options_and_strange_methods_decide_nothing() {
    let world = World::at_gate().await;
    let (server, token) = (serve(&world), world.link(|_| {}).await);
    let path = format!("/approvals/{token}");
    for (method, status) in
        [("HEAD", "200"), ("OPTIONS", "405"), ("PUT", "405"), ("DELETE", "405"), ("PROPFIND", "405")]
    {
        let answer = send(&server, &format!("{}\r\n", head(method, &path))).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{method}: {answer}");
        assert_eq!(answer.contains("allow: GET, HEAD"), status == "405", "{method}");
        if method == "HEAD" {
            assert!(answer.ends_with("\r\n\r\n"), "no body");
        }
    }
    let answer = send(&server, &format!("{}content-length: 0\r\n\r\n", head("POST", &path))).await;
    assert!(answer.starts_with("HTTP/1.1 415 "), "{answer}");
    assert_eq!(world.mail().await, []);
    server.stop().await;
}

#[tokio::test]
async fn what_is_too_large_or_broken_is_refused_and_leaves_nothing() {
    let world = World::at_gate().await;
    let (server, token) = (serve(&world), world.link(|_| {}).await);
    let body = format!("token={token}&decision=approve&passphrase=correct+horse+battery");
    let large = format!("{body}&reason={}", "x".repeat(LARGEST_BODY));
    assert!(send(&server, &form(&large)).await.starts_with("HTTP/1.1 413 "));
    let chunked = format!(
        "{}content-type: {FORM}\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n",
        head("POST", "/approvals/"),
        large.len()
    );
    assert!(send(&server, &chunked).await.starts_with("HTTP/1.1 413 "), "unannounced");
    let long = format!("{}\r\n", head("GET", &format!("/approvals/{}", "A".repeat(100_000))));
    let answer = send(&server, &long).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert!(send(&server, "not http at all\r\n\r\n").await.starts_with("HTTP/1.1 400 "));
    assert_eq!(world.mail().await, []);
    let whole = send(&server, &form(&body)).await;
    assert!(whole.starts_with("HTTP/1.1 200 "), "it serves on: {whole}");
    server.stop().await;
}

#[tokio::test]
async fn half_a_form_decides_nothing() {
    let world = World::at_gate().await;
    let (server, token) = (serve(&world), world.link(|_| {}).await);
    let whole = form(&format!("token={token}&decision=approve&passphrase=correct+horse+battery"));
    for cut in [whole.len() - 1, whole.len() - 20, whole.len() / 2] {
        let mut stream = TcpStream::connect(server.address()).await.expect("it listens");
        stream.write_all(&whole.as_bytes()[..cut]).await.expect("it reads");
        stream.shutdown().await.expect("it is open");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "cut at {cut}");
    }
    assert_eq!(world.mail().await, []);
    server.stop().await;
}
