//! From a question to an answer: who may see, who may decide, and what is left in the mailbox.

use std::sync::{Arc, Mutex, PoisonError};

use fleetwright_approval::{Claims, Decision, KeyId, Keyring, Refused, open};
use fleetwright_flow::Signal;
use fleetwright_model::{Code, code};
use fleetwright_ports::{Clock, Delivery, Journal, JournalError, Letter, RunId};

use crate::answer::Answer;
use crate::brake::Brake;
use crate::form::{self, Form};
use crate::gate::{self, GateFacts};
use crate::page;

/// Where the page lies: `/approvals/TOKEN` shows it, and its form is sent to the same address, or to `/approvals/`.
pub const PATH: &str = "/approvals/";

/// Reads the keyring as it is now, so that a key or a person that was taken out is out at once. Words
/// about a keyring that cannot be used are for the log of this machine.
pub type Keys = Box<dyn Fn() -> Result<Keyring, String> + Send + Sync>;

/// What is asked, whole.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The method of HTTP.
    pub method: &'a str,
    /// The path, without a query.
    pub path: &'a str,
    /// The query, where there is one; a link has none.
    pub query: Option<&'a str>,
    /// The media type of the body, where it is named.
    pub content_type: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// Where links are looked at and decisions are left.
pub struct Desk {
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    keys: Keys,
    brake: Mutex<Brake>,
}

/// Why there is no page, or no decision.
enum No {
    Refused(Refused),
    /// The person may not decide at this gate.
    NotAsked,
    /// The person has approved here, and each counts once.
    Already,
    /// Something of ours cannot be used; the words are for our log.
    Ours {
        what: String,
        code: &'static Code,
    },
}

impl From<Refused> for No {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<JournalError> for No {
    fn from(error: JournalError) -> Self {
        match error {
            // A genuine link of a run that is not here: another state directory, or a run long gone.
            JournalError::NoSuchRun { .. } => Self::Refused(Refused::OtherRun),
            other => Self::Ours { code: other.code(), what: other.to_string() },
        }
    }
}

impl Desk {
    /// A desk for the runs of this journal.
    pub fn new(journal: Arc<dyn Journal>, clock: Arc<dyn Clock>, keys: Keys) -> Self {
        Self { journal, clock, keys, brake: Mutex::default() }
    }

    /// Answers. Whatever the question is, there is an answer, and only a `POST` that the approver
    /// authenticated leaves anything behind.
    pub async fn answer(&self, question: Question<'_>) -> Answer {
        let Some(rest) = question.path.strip_prefix(PATH) else {
            return Answer::new(404, page::refusal("there is nothing at this address", None));
        };
        if question.query.is_some() {
            return Answer::new(400, page::refusal("a link has no query; copy the whole link", None));
        }
        match (question.method, rest) {
            ("GET" | "HEAD", token) if !token.is_empty() => {
                let mut answer = match self.show(token).await {
                    Ok(page) => Answer::new(200, page),
                    Err(no) => refuse(&no),
                };
                if question.method == "HEAD" {
                    answer.body.clear();
                }
                answer
            }
            ("POST", address) => self.take(question, address).await,
            (_, "") => Answer::new(405, page::refusal("a decision is sent with the page's form", None))
                .with("allow", "POST"),
            _ => Answer::new(405, page::refusal("a link is opened, and its form decides", None))
                .with("allow", "GET, HEAD, POST"),
        }
    }

    /// Takes the form that was sent; the token in the address, where there is one, is the form's.
    async fn take(&self, question: Question<'_>, address: &str) -> Answer {
        let media = question.content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !media.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Answer::new(415, page::refusal("a decision is sent with the page's form", None));
        }
        let form = match form::read(question.body) {
            Ok(form) => form,
            Err(why) => return Answer::new(400, page::refusal(why, None)),
        };
        if !address.is_empty() && address != form.token {
            return Answer::new(400, page::refusal("the form is another link's", None));
        }
        match self.decide(form).await {
            Ok(page) => Answer::new(200, page),
            Err(no) => refuse(&no),
        }
    }

    /// The page of a token, which decides nothing.
    async fn show(&self, token: &str) -> Result<String, No> {
        let (key, claims) = open(&self.keyring()?, token, self.clock.now())?;
        let gate = self.gate(&key, &claims).await?;
        Ok(page::gate(&gate, &claims, token))
    }

    /// Leaves a decision in the mailbox.
    async fn decide(&self, form: Form) -> Result<String, No> {
        let (keys, now) = (self.keyring()?, self.clock.now());
        let (key, claims) = open(&keys, &form.token, now)?;
        let decision: Decision = form.decision.parse()?;
        // Who cannot show that they are the approver learns nothing beyond what the page shows.
        self.authenticate(&keys, &claims, &form.passphrase)?;
        let gate = self.gate(&key, &claims).await?;
        claims.admit(&gate.expected(decision))?;
        if !gate.may_decide(claims.approver()) {
            return Err(No::NotAsked);
        }
        if decision == Decision::Approve && gate.has_approved(claims.approver()) {
            return Err(No::Already);
        }
        let letter = Letter {
            at: now,
            signal: match decision {
                Decision::Approve => Signal::Approve(gate.stage),
                Decision::Reject => Signal::Reject(gate.stage),
            },
            by: claims.approver().clone(),
            reason: form.reason.map(Into::into),
            basis: Some(claims.basis().clone()),
            once: Some(claims.mark(&key)),
        };
        match self.journal.deliver(&gate.run, letter).await? {
            Delivery::Taken(number) => {
                tracing::info!(run = %gate.run, stage = gate.stage.0, %decision, by = %claims.approver(), number,
                    "a decision was left by link");
                Ok(page::taken(&gate, decision, claims.approver()))
            }
            Delivery::Spent => Err(Refused::Spent.into()),
        }
    }

    fn authenticate(&self, keys: &Keyring, claims: &Claims, passphrase: &str) -> Result<(), Refused> {
        let (approver, now) = (claims.approver(), self.clock.now());
        // Held while hashing: guesses come one after another, however many ask at once.
        let mut brake = self.brake.lock().unwrap_or_else(PoisonError::into_inner);
        if !brake.admits(approver, now) {
            return Err(Refused::TooManyAttempts);
        }
        match keys.authenticate(approver, passphrase) {
            Ok(()) => brake.release(approver),
            Err(refused) => {
                tracing::warn!(run = %claims.run(), %approver, "a wrong passphrase came with a genuine link");
                brake.note(approver, now);
                return Err(refused);
            }
        }
        Ok(())
    }

    /// The gate a token is for, if it waits, is as it was, and was not decided with the token.
    async fn gate(&self, key: &KeyId, claims: &Claims) -> Result<GateFacts, No> {
        let run: RunId = claims.run().parse().map_err(|_| Refused::OtherRun)?;
        let mark = claims.mark(key);
        if self.journal.mail(&run, 0).await?.iter().any(|mail| mail.once.as_ref() == Some(&mark)) {
            return Err(Refused::Spent.into());
        }
        let loaded = self.journal.load(&run).await?;
        let gates = gate::waiting(&run, &loaded, self.clock.now())
            .map_err(|error| No::Ours { what: error.to_string(), code: error.code() })?;
        let gate = gates.into_iter().find(|gate| gate.stage.0 == claims.stage());
        let gate = gate.ok_or(Refused::OtherStage)?;
        if gate.basis == *claims.basis() { Ok(gate) } else { Err(Refused::OtherBasis.into()) }
    }

    fn keyring(&self) -> Result<Keyring, No> {
        (self.keys)().map_err(|what| No::Ours { what, code: &code::KEYRING_UNUSABLE })
    }
}

fn refuse(no: &No) -> Answer {
    match no {
        No::Refused(refused) => {
            let answer =
                Answer::new(status(*refused), page::refusal(&refused.to_string(), Some(refused.code())));
            match refused {
                Refused::TooManyAttempts => answer.with("retry-after", "900"),
                _ => answer,
            }
        }
        No::NotAsked => {
            let what = "the approver this link is for is not among those asked at this gate";
            Answer::new(403, page::refusal(what, Some(&code::APPROVER_NOT_ASKED)))
        }
        No::Already => {
            let what = "the approver this link is for has approved at this gate already";
            Answer::new(409, page::refusal(what, Some(&code::APPROVED_ALREADY)))
        }
        No::Ours { what, code } => {
            tracing::error!(%what, code = code.id, "an approval link cannot be answered");
            let what = "fleetwright cannot read its state now; its log says why";
            Answer::new(503, page::refusal(what, Some(code)))
        }
    }
}

/// What a browser is told: wrong, forbidden, or gone.
fn status(refused: Refused) -> u16 {
    match refused {
        Refused::Malformed => 400,
        Refused::UnknownKey | Refused::Forged | Refused::OtherAudience | Refused::Unauthenticated => 403,
        Refused::Expired | Refused::OtherRun | Refused::OtherStage | Refused::OtherBasis | Refused::Spent => {
            410
        }
        Refused::TooManyAttempts => 429,
    }
}
