//! The dialogue with a mail server, command by command.

use fleetwright_notify::line;
use fleetwright_ports::NotSent;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::commands::{Auth, Data, Ehlo, Mail, Quit, Rcpt, Starttls};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter, ServerInfo};
use lettre::transport::smtp::response::{Response, Severity};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use crate::connection::{Stream, later, never};

/// Bytes of one answer; servers send a few lines.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// A dialogue that has begun.
pub(super) struct Dialogue<'a> {
    host: &'a str,
    stream: BufReader<Box<dyn Stream>>,
    offers: ServerInfo,
}

impl<'a> Dialogue<'a> {
    /// Waits for the greeting and says who we are.
    pub(super) async fn begin(host: &'a str, us: &str, stream: Box<dyn Stream>) -> Result<Self, NotSent> {
        let mut dialogue = Self { host, stream: BufReader::new(stream), offers: ServerInfo::default() };
        let greeting = dialogue.answer().await?;
        dialogue.expect_good("the greeting", &greeting)?;
        dialogue.introduce(us).await?;
        Ok(dialogue)
    }

    /// The same once the connection is encrypted: there is no second greeting.
    pub(super) async fn encrypted(host: &'a str, us: &str, stream: Box<dyn Stream>) -> Result<Self, NotSent> {
        let mut dialogue = Self { host, stream: BufReader::new(stream), offers: ServerInfo::default() };
        dialogue.introduce(us).await?;
        Ok(dialogue)
    }

    async fn introduce(&mut self, us: &str) -> Result<(), NotSent> {
        let answer = self.say("EHLO", &Ehlo::new(ClientId::Domain(us.to_owned()))).await?;
        self.offers =
            ServerInfo::from_response(&answer).map_err(|error| later(format!("{}: {error}", self.host)))?;
        Ok(())
    }

    /// Asks for encryption; what comes next is the handshake.
    pub(super) async fn start_tls(mut self) -> Result<Box<dyn Stream>, NotSent> {
        if !self.offers.supports_feature(Extension::StartTls) {
            return Err(never(format!(
                "{} offers no STARTTLS; use encryption: tls, or another port",
                self.host
            )));
        }
        self.say("STARTTLS", &Starttls).await?;
        // What was sent before the handshake was not protected: somebody else may have put it there.
        if !self.stream.buffer().is_empty() {
            return Err(never(format!("{} went on speaking before the handshake", self.host)));
        }
        Ok(self.stream.into_inner())
    }

    /// Logs in.
    pub(super) async fn log_in(&mut self, user: &str, password: &str) -> Result<(), NotSent> {
        let unable = |error: &dyn std::fmt::Display| never(format!("logging in: {error}"));
        let Some(mechanism) = self.offers.get_auth_mechanism(&[Mechanism::Plain, Mechanism::Login]) else {
            return Err(never(format!("{} offers neither AUTH PLAIN nor AUTH LOGIN", self.host)));
        };
        let credentials = Credentials::new(user.to_owned(), password.to_owned());
        let begin = Auth::new(mechanism, credentials.clone(), None).map_err(|error| unable(&error))?;
        let mut answer = self.say("AUTH", &begin).await?;
        // LOGIN asks for the user, then for the password.
        for _ in 0..2 {
            if !answer.has_code(334) {
                break;
            }
            let reply = Auth::new_from_response(mechanism, credentials.clone(), &answer);
            answer = self.say("AUTH", &reply.map_err(|error| unable(&error))?).await?;
        }
        match answer.has_code(235) {
            true => Ok(()),
            false => Err(never(format!("{} did not accept the login", self.host))),
        }
    }

    /// Hands a mail over to everybody the server takes it for.
    pub(super) async fn hand_over(&mut self, mail: &lettre::Message) -> Result<(), NotSent> {
        let content = mail.formatted();
        let mut parameters = Vec::new();
        if self.offers.supports_feature(Extension::EightBitMime) {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let envelope = mail.envelope();
        self.say("MAIL FROM", &Mail::new(envelope.from().cloned(), parameters)).await?;
        let mut refused: Vec<NotSent> = Vec::new();
        for to in envelope.to() {
            match self.say("RCPT TO", &Rcpt::new(to.clone(), Vec::new())).await {
                Ok(_) => {}
                Err(failure) => {
                    refused.push(NotSent { message: format!("{to}: {}", failure.message), ..failure })
                }
            }
        }
        if refused.len() == envelope.to().len() {
            return Err(refused.pop().unwrap_or_else(|| never("there is nobody to write to")));
        }
        let ready = self.say("DATA", &Data).await?;
        if !ready.has_code(354) {
            return Err(later(format!("{} does not take the mail after DATA", self.host)));
        }
        self.send(&stuffed(&content)).await?;
        let answer = self.answer().await?;
        self.expect_good("the mail", &answer)?;
        // It is theirs now; whether they also say good-bye changes nothing.
        let _ = self.send(Quit.to_string().as_bytes()).await;
        match refused.pop() {
            // Those who were taken have it: sending it again would give it to them twice.
            Some(refused) => Err(never(format!("delivered to the others, but not to {}", refused.message))),
            None => Ok(()),
        }
    }

    async fn say(&mut self, what: &str, command: &impl std::fmt::Display) -> Result<Response, NotSent> {
        self.send(command.to_string().as_bytes()).await?;
        let answer = self.answer().await?;
        self.expect_good(what, &answer)?;
        Ok(answer)
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), NotSent> {
        let failed = |error| later(format!("{}: {error}", self.host));
        let stream = self.stream.get_mut();
        stream.write_all(bytes).await.map_err(failed)?;
        stream.flush().await.map_err(failed)
    }

    /// One answer, of one line or of several.
    async fn answer(&mut self) -> Result<Response, NotSent> {
        let mut text = String::new();
        let mut limited = (&mut self.stream).take(LONGEST_ANSWER);
        loop {
            let start = text.len();
            let read = limited.read_line(&mut text).await;
            let read = read.map_err(|error| later(format!("{}: {error}", self.host)))?;
            if read == 0 {
                return Err(later(format!("{} ended the connection", self.host)));
            }
            if text.as_bytes().get(start + 3) != Some(&b'-') {
                break;
            }
        }
        // Servers that end lines with a line feed alone are understood as well.
        let text = text.replace("\r\n", "\n").replace('\n', "\r\n");
        text.parse().map_err(|_| later(format!("{} answered what is not SMTP: {}", self.host, line(&text))))
    }

    fn expect_good(&self, what: &str, answer: &Response) -> Result<(), NotSent> {
        if answer.is_positive() {
            return Ok(());
        }
        let words = format!(
            "{} answered {what} with {} {}",
            self.host,
            answer.code(),
            answer.message().collect::<Vec<_>>().join(" ")
        );
        match answer.code().severity {
            Severity::PermanentNegativeCompletion => Err(never(words)),
            _ => Err(later(words)),
        }
    }
}

/// A line that begins with a dot gets another, and the last line is a dot alone (RFC 5321, 4.5.2).
fn stuffed(content: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(content.len() + 64);
    let mut begins = true;
    for byte in content {
        if begins && *byte == b'.' {
            stuffed.push(b'.');
        }
        stuffed.push(*byte);
        begins = *byte == b'\n';
    }
    if !stuffed.ends_with(b"\r\n") {
        stuffed.extend_from_slice(b"\r\n");
    }
    stuffed.extend_from_slice(b".\r\n");
    stuffed
}

#[cfg(test)]
mod tests {
    use super::stuffed;

    #[test]
    fn a_dot_at_the_beginning_of_a_line_ends_no_mail() {
        assert_eq!(stuffed(b".\r\n..a\r\nb."), b"..\r\n...a\r\nb.\r\n.\r\n");
        assert_eq!(stuffed(b"a\r\n"), b"a\r\n.\r\n");
    }
}
