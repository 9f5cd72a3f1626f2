//! A mail server of our own: Exim, with its configuration, spool and certificate in a temporary directory.

#![expect(clippy::disallowed_methods, reason = "a test puts files down for the server it starts")]

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::net::TcpListener;

pub(crate) const PASSWORD: &str = "canary-password";

const PROGRAM: &str = "/usr/sbin/exim4";

/// What is asked of the machine.
const NEEDS: &str = "this test starts the mail server of Debian's package exim4-daemon-light, as root, and makes a \
                     certificate with openssl: install both, or run `cargo xtask test --only mail`, which does";

/// The ports it listens on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Port {
    /// STARTTLS is offered.
    StartTls,
    /// It is not.
    Plain,
    /// TLS from the beginning.
    Tls,
}

/// A mail server that is there as long as the test: its ports are the test's own, and every connection gets
/// a process of Exim, as from inetd. Nobody else can come to have a port between its choice and its use.
pub(crate) struct Exim {
    directory: tempfile::TempDir,
    ports: [u16; 3],
    sessions: Sessions,
    /// The certificate, as PEM.
    pub(crate) certificate: Vec<u8>,
}

/// The processes that talk to a client each.
type Sessions = Arc<Mutex<Vec<Child>>>;

impl Drop for Exim {
    fn drop(&mut self) {
        for mut session in self.sessions.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = session.kill();
            let _ = session.wait();
        }
    }
}

impl Exim {
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let at = directory.path();
        // The server gives up its rights to a user of its own, who has to get here.
        fs::set_permissions(at, fs::Permissions::from_mode(0o755)).expect("it is ours");
        for name in ["spool", "mail", "log"] {
            fs::create_dir(at.join(name)).expect("it is new");
            fs::set_permissions(at.join(name), fs::Permissions::from_mode(0o777)).expect("it is ours");
        }
        let certificate = certificate(at);
        let mut listeners = Vec::new();
        for _ in 0..3 {
            listeners.push(TcpListener::bind("127.0.0.1:0").await.expect("a port is free"));
        }
        let ports = [0, 1, 2].map(|index| listeners[index].local_addr().expect("it is bound").port());
        let configured = at.join("exim.conf");
        fs::write(&configured, configuration(at, ports[1])).expect("it can be written");
        let sessions = Sessions::default();
        for (listener, port) in listeners.into_iter().zip([Port::StartTls, Port::Plain, Port::Tls]) {
            tokio::spawn(serve(listener, port, configured.clone(), sessions.clone()));
        }
        Self { directory, ports, sessions, certificate }
    }

    pub(crate) fn port(&self, port: Port) -> u16 {
        match port {
            Port::StartTls => self.ports[0],
            Port::Plain => self.ports[1],
            Port::Tls => self.ports[2],
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log/mainlog")).unwrap_or_default()
    }

    /// Has everything delivered that was taken, and hands it out.
    pub(crate) fn delivered(&self) -> Vec<String> {
        let run =
            Command::new(PROGRAM).arg("-C").arg(self.directory.path().join("exim.conf")).arg("-qff").status();
        assert!(run.expect("it is there").success(), "{}", self.log());
        let Ok(new) = fs::read_dir(self.directory.path().join("mail/new")) else { return Vec::new() };
        let paths: Vec<_> = new.map(|entry| entry.expect("it can be listed").path()).collect();
        let read = |path: std::path::PathBuf| {
            let mail = fs::read_to_string(&path).expect("mail is text");
            fs::remove_file(path).expect("it is ours");
            mail
        };
        paths.into_iter().map(read).collect()
    }
}

/// Gives every connection a process of its own.
async fn serve(listener: TcpListener, port: Port, configured: PathBuf, sessions: Sessions) {
    loop {
        let (connection, _) = listener.accept().await.expect("it listens");
        let connection = connection.into_std().expect("a socket");
        connection.set_nonblocking(false).expect("a socket");
        let output = connection.try_clone().expect("a socket");
        let session = Command::new(PROGRAM)
            .arg("-C")
            .arg(&configured)
            .arg("-bs")
            .args(matches!(port, Port::Tls).then_some("-tls-on-connect"))
            .stdin(OwnedFd::from(connection))
            .stdout(OwnedFd::from(output))
            .spawn()
            .unwrap_or_else(|error| panic!("{PROGRAM}: {error}; {NEEDS}"));
        sessions.lock().unwrap_or_else(PoisonError::into_inner).push(session);
    }
}

/// A certificate for 127.0.0.1 that vouches for itself.
fn certificate(at: &Path) -> Vec<u8> {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .arg(at.join("key.pem"))
        .arg("-out")
        .arg(at.join("certificate.pem"))
        .stderr(Stdio::null())
        .status()
        .unwrap_or_else(|error| panic!("openssl: {error}; {NEEDS}"));
    assert!(made.success(), "openssl makes a certificate");
    fs::set_permissions(at.join("key.pem"), fs::Permissions::from_mode(0o644)).expect("it is ours");
    fs::read(at.join("certificate.pem")).expect("it was made")
}

/// Deliveries wait until the test asks for them.
fn configuration(at: &Path, plain: u16) -> String {
    let at = at.display();
    format!(
        "primary_hostname = mail.example.test
spool_directory = {at}/spool
log_file_path = {at}/log/%slog
tls_advertise_hosts = ${{if eq{{$received_port}}{{{plain}}}{{}}{{*}}}}
tls_certificate = {at}/certificate.pem
tls_privatekey = {at}/key.pem
host_lookup =
rfc1413_hosts =
queue_only = true
acl_smtp_rcpt = recipients
acl_smtp_data = accept
begin acl
recipients:
  deny local_parts = nobody
       message = no such person
  defer local_parts = later
       message = come back later
  deny !authenticated = *
       message = log in first
  accept domains = example.test
  deny message = no relaying
begin routers
everybody:
  driver = accept
  transport = mailbox
begin transports
mailbox:
  driver = appendfile
  directory = {at}/mail
  maildir_format
  user = Debian-exim
  batch_max = 1
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_advertise_condition = ${{if def:tls_in_cipher}}
  server_condition = ${{if and{{{{eq{{$auth2}}{{me}}}}{{eq{{$auth3}}{{{PASSWORD}}}}}}}}}
  server_set_id = $auth2
"
    )
}

/// The text of a mail, decoded.
pub(crate) fn body(mail: &str) -> String {
    let (head, body) = mail.split_once("\n\n").expect("a mail has a head and a body");
    let head = head.to_lowercase();
    let encoding = head.lines().find_map(|line| line.strip_prefix("content-transfer-encoding: "));
    match encoding.map(str::trim) {
        Some("base64") => {
            let bytes = STANDARD.decode(body.replace(['\n', '\r'], "")).expect("base64");
            String::from_utf8(bytes).expect("UTF-8").replace("\r\n", "\n")
        }
        Some("quoted-printable") => unquoted(body),
        _ => body.to_owned(),
    }
}

/// Quoted-printable (RFC 2045, 6.7).
fn unquoted(body: &str) -> String {
    let joined = body.replace("=\n", "");
    let (mut bytes, mut rest) = (Vec::new(), joined.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        match (first, hex) {
            (b'=', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).expect("UTF-8").replace("\r\n", "\n")
}

/// The subject, decoded (RFC 2047, base64).
pub(crate) fn subject(mail: &str) -> String {
    let head = mail.split_once("\n\n").expect("a mail has a head and a body").0.replace("\n ", " ");
    let line = head.lines().find_map(|line| line.strip_prefix("Subject: ")).expect("a subject").to_owned();
    let mut text = String::new();
    for word in line.split(' ') {
        match word.strip_prefix("=?utf-8?b?").and_then(|word| word.strip_suffix("?=")) {
            Some(encoded) => {
                let bytes = STANDARD.decode(encoded).expect("base64");
                text.push_str(std::str::from_utf8(&bytes).expect("whole characters"));
            }
            None => text.push_str(&format!("{}{word}", if text.is_empty() { "" } else { " " })),
        }
    }
    text
}
