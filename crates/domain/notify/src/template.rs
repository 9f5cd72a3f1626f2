//! The words of messages: Jinja templates, ours or the user's, that can neither run on for ever nor
//! grow without bound.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;

use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use thiserror::Error;

use crate::message::Message;
use crate::notice::Kind;
use crate::words::{line, shortened};

/// Instructions a template may take: a thousand times what ours take for a full message.
const FUEL: u64 = 500_000;
/// Bytes a template may write.
const LONGEST_TEXT: usize = 64 * 1024;
/// Bytes of a title.
const LONGEST_TITLE: usize = 200;

/// The title where the user gives none.
pub const TITLE: &str = "[{{ severity | upper }}] {{ run }}: {{ summary }}";

/// The text where the user gives none.
pub const BODY: &str = "\
{% for notice in notices %}{{ notice.at }}  {{ notice.severity | upper }}  {{ notice.title }}{% if notice.code %} [{{ notice.code }}]{% endif %}
{% if notice.message %}  {{ notice.message }}
{% endif %}{% if notice.next_step %}  Next: {{ notice.next_step }}
{% endif %}{% endfor %}{% for told in more %}and {{ told.words }}{% if told.code %} [{{ told.code }}]{% endif %}
{% endfor %}";

/// Why a template is not used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct TemplateError {
    /// What is wrong, with the line where it is.
    pub message: String,
}

/// A template that can be read.
#[derive(Clone)]
pub struct Template {
    environment: Arc<Environment<'static>>,
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Template")
    }
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// It is no Jinja template, or asks for what there is not when it is tried with a message.
    pub fn new(source: &str) -> Result<Self, TemplateError> {
        let mut environment = Environment::empty();
        environment.set_fuel(Some(FUEL));
        environment.set_undefined_behavior(minijinja::UndefinedBehavior::SemiStrict);
        environment.add_filter("upper", |text: String| text.to_uppercase());
        environment.add_filter("lower", |text: String| text.to_lowercase());
        environment.add_filter("default", minijinja::filters::default);
        environment.add_filter("join", minijinja::filters::join);
        environment.add_filter("length", minijinja::filters::length);
        environment.add_filter("first", minijinja::filters::first);
        environment.add_filter("trim", minijinja::filters::trim);
        environment.add_test("defined", minijinja::tests::is_defined);
        environment.add_template_owned("it", source.to_owned()).map_err(|error| failed(&error))?;
        Ok(Self { environment: Arc::new(environment) })
    }

    /// The words for a message.
    ///
    /// # Errors
    /// It asks for what there is not, takes too long or writes too much.
    pub fn render(&self, message: &Message) -> Result<String, TemplateError> {
        let template = self.environment.get_template("it").map_err(|error| failed(&error))?;
        let mut text = Bounded(Vec::new());
        template.render_captured_to(values(message), &mut text).map_err(|error| failed(&error))?;
        Ok(String::from_utf8_lossy(&text.0).into_owned())
    }
}

fn failed(error: &minijinja::Error) -> TemplateError {
    let place = error.line().map(|line| format!(" (line {line})")).unwrap_or_default();
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    TemplateError { message: format!("{detail}{place}") }
}

/// Writes no more than a message may have.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LONGEST_TEXT {
            return Err(io::Error::other("the text is longer than 64 KiB"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What templates can use.
fn values(message: &Message) -> Value {
    let more: Vec<Value> = message
        .more
        .iter()
        .map(|told| {
            context! { words => told.sort.kind.several(told.count), count => told.count, kind => told.sort.kind.as_str(),
            severity => told.sort.severity.as_str(), code => told.sort.code.as_deref() }
        })
        .collect();
    context! {
        id => message.id.as_str(),
        run => &*message.run,
        at => message.at.to_string(),
        severity => message.severity.as_str(),
        summary => summary(message),
        facts => Value::from(Serde(&message.facts)),
        notices => Value::from(Serde(&message.notices)),
        more => more,
    }
}

/// What a message is about, in a few words.
fn summary(message: &Message) -> String {
    if let ([notice], []) = (message.notices.as_slice(), message.more.as_slice()) {
        return notice.title.clone();
    }
    // What is of the run says more than what is of a host: the last of it comes first.
    let of_run = message.notices.iter().rev().find(|notice| !notice.kind.is_of_host());
    let mut counts: BTreeMap<Kind, u64> = BTreeMap::new();
    for notice in message.notices.iter().filter(|notice| notice.kind.is_of_host()) {
        *counts.entry(notice.kind).or_default() += 1;
    }
    for told in &message.more {
        *counts.entry(told.sort.kind).or_default() += told.count;
    }
    let counts = counts.into_iter().map(|(kind, count)| kind.several(count));
    let parts: Vec<String> = of_run.map(|notice| notice.title.clone()).into_iter().chain(counts).collect();
    parts.join("; ")
}

/// The templates of a channel.
#[derive(Clone, Debug)]
pub struct Templates {
    title: Option<Template>,
    text: Option<Template>,
}

impl Templates {
    /// The user's templates, where there are any.
    ///
    /// # Errors
    /// One of them cannot be read, or does not fit a message.
    pub fn new(title: Option<&str>, text: Option<&str>) -> Result<Self, TemplateError> {
        let read = |source: Option<&str>| source.map(Template::new).transpose();
        let templates = Self { title: read(title)?, text: read(text)? };
        let test = crate::Notice::test(
            "run-20261101T020000Z-0000",
            "a trial",
            crate::Severity::Info,
            jiff::Timestamp::UNIX_EPOCH,
        );
        let batch = crate::Batch { number: 1, attempt: 1, notices: vec![test], more: BTreeMap::new() };
        match Message::of(&batch, "trial", &templates).1 {
            Some(error) => Err(error),
            None => Ok(templates),
        }
    }

    /// Our own.
    pub fn ours() -> Self {
        Self { title: None, text: None }
    }

    /// Title and text; ours, and the error, where the user's fail.
    pub(crate) fn words(&self, message: &Message) -> ((String, String), Option<TemplateError>) {
        let mut wrong = None;
        let mut write = |user: &Option<Template>, ours: &str| {
            let users = user.as_ref().map(|template| template.render(message));
            match users {
                Some(Ok(text)) => text,
                other => {
                    wrong = wrong.take().or(other.and_then(Result::err));
                    let ours = Template::new(ours).and_then(|template| template.render(message));
                    // Ours fail only where a message is longer than any may be.
                    ours.unwrap_or_else(|_| summary(message))
                }
            }
        };
        let title = write(&self.title, TITLE);
        let text = write(&self.text, BODY);
        let title = shortened(&line(title.trim()), LONGEST_TITLE).into_owned();
        ((title, text.trim_end().to_owned()), wrong)
    }
}
