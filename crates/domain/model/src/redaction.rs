//! Taking secrets out of text before it reaches a sink: a message, a log, a report, a record.
//!
//! What AWS, hosts and people write is not ours, so nothing says which part of it is secret. Two things
//! help: values that are known to be secret are masked wherever they stand, and so is what looks like a
//! secret by its name (`password=…`) or by its form (keys of AWS and of others, signed tokens, private
//! keys, credentials in addresses). A name that was masked in vain costs a look at the journal; a secret
//! that was let through costs a rotation.

use std::borrow::Cow;

/// What stands for a secret.
pub const HIDDEN: &str = "(hidden)";

/// A known secret shorter than this is not looked for: it would be found inside words.
const SHORTEST_KNOWN: usize = 6;

/// Parts of names whose value is a secret, in lower case without `_`, `-` and `.`.
const MARKS: [&str; 13] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "credential",
    "authorization",
    "sessionkey",
    "cookie",
];

/// How the names of errors begin that are made of such words: `ExpiredToken: The security token …`.
const ERRORS: [&str; 6] = ["Expired", "Invalid", "Unrecognized", "Missing", "Malformed", "IncompleteS"];

/// How tokens of well-known issuers begin, and how long they are at least.
const ISSUED: [(&str, usize); 12] = [
    ("AKIA", 20),
    ("ASIA", 20),
    ("ghp_", 20),
    ("gho_", 20),
    ("ghs_", 20),
    ("github_pat_", 30),
    ("glpat-", 20),
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("xapp-", 20),
    ("ATATT", 30),
    ("eyJ", 30),
];

/// Masks known secrets, and what looks like one.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Longest first, so that a secret inside another does not leave the rest of it.
    known: Vec<String>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} known)", self.known.len())
    }
}

impl Redactor {
    /// One that knows these values; those of fewer than six bytes are left to their names.
    pub fn knowing(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut known: Vec<String> =
            secrets.into_iter().filter(|secret| secret.len() >= SHORTEST_KNOWN).collect();
        known.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        known.dedup();
        Self { known }
    }

    /// The text without secrets.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut text = Cow::Borrowed(text);
        for secret in self.known.iter().filter(|secret| text.contains(secret.as_str())).collect::<Vec<_>>() {
            text = Cow::Owned(text.replace(secret.as_str(), HIDDEN));
        }
        match text {
            Cow::Borrowed(text) => redact(text),
            Cow::Owned(text) => Cow::Owned(redact(&text).into_owned()),
        }
    }
}

/// The text without what looks like a secret.
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut spans = Vec::new();
    private_keys(text, &mut spans);
    for word in words(text) {
        spans.extend(issued(text, word.clone()).or_else(|| aws_secret_key(text, word)));
    }
    named_values(text, &mut spans);
    credentials_in_addresses(text, &mut spans);
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
    let (mut clean, mut at) = (String::with_capacity(text.len()), 0);
    for span in spans {
        if span.start >= at {
            clean.push_str(&text[at..span.start]);
            clean.push_str(HIDDEN);
        }
        at = at.max(span.end);
    }
    clean.push_str(&text[at..]);
    Cow::Owned(clean)
}

type Span = std::ops::Range<usize>;

/// From `-----BEGIN … PRIVATE KEY-----` to its end, or to the end of the text.
fn private_keys(text: &str, spans: &mut Vec<Span>) {
    const MARK: &str = "PRIVATE KEY-----";
    for (start, _) in text.match_indices("-----BEGIN ") {
        let rest = &text[start..];
        let first = rest.find(MARK).filter(|at| !rest[..*at].contains('\n'));
        let Some(first) = first.map(|at| at + MARK.len()) else { continue };
        let end = rest[first..].find(MARK).map_or(text.len(), |at| start + first + at + MARK.len());
        spans.push(start..end);
    }
}

/// Runs of what tokens are made of.
fn words(text: &str) -> impl Iterator<Item = Span> {
    let mut from = None;
    let ends = text.char_indices().chain([(text.len(), ' ')]);
    ends.filter_map(move |(at, c)| {
        let inside = c.is_ascii_alphanumeric() || "_-.+/".contains(c);
        match (inside, from) {
            (true, None) => from = Some(at),
            (false, Some(start)) => {
                from = None;
                return Some(start..at);
            }
            _ => {}
        }
        None
    })
}

/// A token of a well-known issuer, also where something stands before it.
fn issued(text: &str, word: Span) -> Option<Span> {
    let found = ISSUED.iter().find_map(|(start, least)| {
        let at = text[word.clone()].find(start).map(|at| word.start + at)?;
        let alone = !text[word.start..at].ends_with(|c: char| c.is_ascii_alphanumeric());
        (alone && word.end - at >= *least).then_some(at)
    })?;
    Some(found..word.end)
}

/// Forty characters of base64 in mixed case, as AWS makes secret access keys.
/// Source: IAM user guide, "Manage access keys for IAM users".
fn aws_secret_key(text: &str, word: Span) -> Option<Span> {
    let bytes = text[word.clone()].as_bytes();
    let of = |test: fn(&u8) -> bool| bytes.iter().any(test);
    let base64 = bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"+/".contains(b));
    let mixed = of(u8::is_ascii_uppercase) && of(u8::is_ascii_lowercase) && of(u8::is_ascii_digit);
    (bytes.len() == 40 && base64 && mixed).then_some(word)
}

/// Values behind names that say that they are secret: `DB_PASSWORD=x`, `"token": "x"`, `--secret x`,
/// `Authorization: Bearer x`.
fn named_values(text: &str, spans: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let in_name = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
    let mut at = 0;
    while at < bytes.len() {
        if !in_name(bytes[at]) {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && in_name(bytes[at]) {
            at += 1;
        }
        if let Some(value) = value_of(text, start..at) {
            at = value.end;
            spans.push(value);
        }
    }
}

/// Whether a name says that its value is a secret: `DB_PASSWORD`, `apiKey`.
pub fn is_secret_name(name: &str) -> bool {
    let plain = plain(name);
    MARKS.iter().any(|mark| plain.contains(mark))
}

/// A name in lower case without what separates its words.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !"_-.".contains(*c)).collect::<String>().to_ascii_lowercase()
}

/// The secret value of the name at `name`, where it is the name of one and has one.
fn value_of(text: &str, name: Span) -> Option<Span> {
    let bytes = text.as_bytes();
    let word = &text[name.clone()];
    let scheme = matches!(plain(word).as_str(), "bearer" | "basic");
    if !scheme && !is_secret_name(word) {
        return None;
    }
    if ERRORS.iter().any(|error| word.starts_with(error)) {
        return None;
    }
    let skip = |from: usize, set: &[u8]| (from..bytes.len()).find(|at| !set.contains(&bytes[*at]));
    let mut at = skip(name.end, b"\"'\\")?;
    let separated = skip(at, b" \t").filter(|at| b"=:".contains(&bytes[*at]));
    match separated {
        Some(separator) => at = skip(separator, b"=:> \t")?,
        None if scheme || word.starts_with("--") => at = skip(at, b" \t").filter(|next| *next > at)?,
        None => return None,
    }
    let escaped = bytes[at] == b'\\';
    let opening = skip(at, b"\\").filter(|at| b"\"'".contains(&bytes[*at]));
    let (start, closing) = match opening {
        Some(quote) => (quote + 1, Some(bytes[quote])),
        None => (at, None),
    };
    let is_end = |b: u8| match closing {
        Some(quote) => b == quote || b == b'\n' || (escaped && b == b'\\'),
        None => b.is_ascii_whitespace() || b",;&)}]\"'".contains(&b),
    };
    let mut end = (start..bytes.len()).find(|at| is_end(bytes[*at])).unwrap_or(bytes.len());
    // The scheme of `Authorization: Bearer x` is no secret; what follows it is.
    let value = text[start..end].to_ascii_lowercase();
    if closing.is_none() && matches!(value.as_str(), "bearer" | "basic" | "token") {
        let next = skip(end, b" \t")?;
        end = (next..bytes.len()).find(|at| is_end(bytes[*at])).unwrap_or(bytes.len());
        return (end > next && !text[next..].starts_with(HIDDEN)).then_some(next..end);
    }
    (end > start && !text[start..].starts_with(HIDDEN)).then_some(start..end)
}

/// The password in `https://user:password@host`, and everything behind the host of an address that is a
/// secret as a whole, as those of Slack's incoming webhooks are.
fn credentials_in_addresses(text: &str, spans: &mut Vec<Span>) {
    for (scheme, _) in text.match_indices("://") {
        let start = scheme + 3;
        let ends = |c: char| c.is_whitespace() || "\"'<>".contains(c);
        let end = text[start..].find(ends).map_or(text.len(), |at| start + at);
        let address = &text[start..end];
        let authority = address.split(['/', '?', '#']).next().unwrap_or_default();
        if let Some((user, _)) = authority.rsplit_once('@')
            && let Some(colon) = user.find(':')
        {
            let span = start + colon + 1..start + user.len();
            spans.extend((text[span.clone()] != *HIDDEN).then_some(span));
        }
        let whole = ["hooks.slack.com/", "hooks.slack-gov.com/", ".webhook.office.com/", ".logic.azure.com"];
        if whole.iter().any(|host| address.contains(host)) && authority.len() < address.len() {
            spans.push(start + authority.len()..end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_as_a_secret_is_masked_and_the_rest_of_the_text_stays() {
        for (text, clean) in [
            ("DB_PASSWORD=hunter2 host=db1", "DB_PASSWORD=(hidden) host=db1"),
            ("{\"apiKey\": \"abc, def\", \"n\": 1}", "{\"apiKey\": \"(hidden)\", \"n\": 1}"),
            ("{\\\"token\\\":\\\"abc\\\"}", "{\\\"token\\\":\\\"(hidden)\\\"}"),
            ("mysql --password s3 -u root", "mysql --password (hidden) -u root"),
            ("Authorization: Bearer abc.def", "Authorization: Bearer (hidden)"),
            ("sent with bearer abcdef", "sent with bearer (hidden)"),
            ("client_secret : 'x y'", "client_secret : '(hidden)'"),
            ("https://me:pw@example.com/x", "https://me:(hidden)@example.com/x"),
            (
                "POST https://hooks.slack.com/services/T0/B0/x failed",
                "POST https://hooks.slack.com(hidden) failed",
            ),
        ] {
            assert_eq!(redact(text), clean);
        }
    }

    #[test]
    fn what_has_the_form_of_a_secret_is_masked_without_a_name() {
        let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----";
        assert_eq!(redact(&format!("a {key} b")), "a (hidden) b");
        assert_eq!(redact("a -----BEGIN PRIVATE KEY-----\nMII"), "a (hidden)");
        for secret in [
            "AKIAIOSFODNN7EXAMPLE",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE1KEY",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
            "ghp_0123456789abcdefghij",
        ] {
            let secret = if secret.contains('/') { &secret[..40] } else { secret };
            assert_eq!(redact(&format!("see {secret}, then")), "see (hidden), then", "{secret}");
        }
    }

    #[test]
    fn ordinary_words_of_services_and_people_are_left_alone() {
        for text in [
            "ExpiredToken: The security token included in the request is expired",
            "InvalidClientTokenId: The security token included in the request is invalid",
            "the password was not accepted",
            "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "i-0123456789abcdef0 in eu-central-1: 3 of 5",
            "größe ✓ https://example.com/a?b=c",
            "",
        ] {
            assert_eq!(redact(text), text);
        }
    }

    #[test]
    fn known_secrets_are_masked_wherever_they_stand_and_never_shown_by_debug() {
        let redactor = Redactor::knowing(["canary".into(), "canary-long".into(), "abc".into()]);
        assert_eq!(redactor.redact("x canary-long y canary z abc"), "x (hidden) y (hidden) z abc");
        assert_eq!(format!("{redactor:?}"), "Redactor(2 known)");
    }

    #[test]
    fn masking_twice_changes_nothing_more() {
        for text in ["password=x", "Authorization: Basic abc", "https://a:b@c", "token: (hidden)"] {
            let once = redact(text).into_owned();
            assert_eq!(redact(&once), once);
        }
    }
}
