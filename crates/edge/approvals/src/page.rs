//! The pages, as HTML without scripts. Everything that came from elsewhere is escaped.

use std::fmt::{self, Write};

use fleetwright_approval::{Claims, Decision};
use fleetwright_flow::OnExpiry;
use fleetwright_model::Code;
use fleetwright_report::safe;
use fleetwright_report::text::time;

use crate::gate::{GateFacts, StageResult};

/// The only style; the policy names its hash.
pub(crate) const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;\
padding:0 1rem;color:#1b1f24;background:#fff}h1{font-size:1.4rem}table{border-collapse:collapse}\
th,td{text-align:left;vertical-align:top;padding:.25rem 1.5rem .25rem 0}code{overflow-wrap:anywhere}\
label{display:block;margin:1rem 0 .25rem}input{font:inherit;padding:.4rem;width:100%;box-sizing:border-box}\
button{font:inherit;padding:.5rem 1.5rem;margin:1.5rem 1rem 0 0}";

/// Text from elsewhere, made harmless in text and in quoted attributes.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        safe::line(self.0).chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            other => f.write_char(other),
        })
    }
}

fn page(title: &str, content: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{0}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>{0}</h1>\n{content}</body>\n</html>\n",
        Escaped(title)
    )
}

/// What waits, and the form that decides.
pub(crate) fn gate(gate: &GateFacts, claims: &Claims, token: &str) -> String {
    let mut text = String::from("<table>\n");
    let mut row = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "<tr><th scope=\"row\">{name}</th><td>{value}</td></tr>");
    };
    row("Run", &format!("<code>{}</code>", Escaped(gate.run.as_str())));
    row("Plan (SHA-256)", &format!("<code>{}</code>", Escaped(&gate.digest)));
    row("Stage", &format!("{}, {} targets", Escaped(&gate.name), gate.targets));
    row("Waits since", &Escaped(&time(gate.reached_at)).to_string());
    if let Some((due, then)) = gate.due {
        let then = match then {
            OnExpiry::Reject => "the run is then rejected",
            OnExpiry::Skip => "the stage is then left as it is",
        };
        row("Due", &format!("{}; {then}", Escaped(&time(due))));
    }
    row("Approved by", &approved(gate));
    for stage in &gate.earlier {
        row(&format!("Before: {}", Escaped(&stage.name)), &result(stage));
    }
    if gate.earlier.is_empty() {
        row("Before", "nothing: this is the first stage");
    }
    row("About", &format!("<code>{}</code>", Escaped(&gate.basis)));
    row(
        "This link",
        &format!("for {}, until {}", Escaped(claims.approver()), Escaped(&time(claims.expires_at()))),
    );
    text.push_str("</table>\n");
    form(&mut text, claims, token);
    page("fleetwright: a decision is asked for", &text)
}

fn approved(gate: &GateFacts) -> String {
    let names: Vec<String> = gate.approved_by.iter().map(|name| Escaped(name).to_string()).collect();
    let so_far = if names.is_empty() { "nobody yet".to_owned() } else { names.join(", ") };
    format!("{so_far} ({} of {} needed)", names.len(), gate.needed)
}

fn result(stage: &StageResult) -> String {
    let totals = &stage.totals;
    let parts = [
        (totals.done - totals.findings, "done"),
        (totals.findings, "done with findings"),
        (stage.failures, "failed for good"),
        (totals.skipped, "left as they are"),
        (totals.unwound, "taken back"),
        (totals.stuck, "stuck"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if parts.is_empty() { "nothing has ended".to_owned() } else { parts.join(", ") }
}

/// The token stands in the form, not in the address it is sent to: addresses end up in logs.
fn form(text: &mut String, claims: &Claims, token: &str) {
    let _ = write!(
        text,
        "<form method=\"post\" autocomplete=\"off\">\n\
         <input type=\"hidden\" name=\"token\" value=\"{}\">\n\
         <label for=\"passphrase\">Passphrase of {}</label>\n\
         <input id=\"passphrase\" name=\"passphrase\" type=\"password\" required maxlength=\"256\">\n\
         <label for=\"reason\">Reason</label>\n\
         <input id=\"reason\" name=\"reason\" type=\"text\" maxlength=\"250\">\n",
        Escaped(token),
        Escaped(claims.approver()),
    );
    for (decision, label) in [(Decision::Approve, "Approve"), (Decision::Reject, "Reject")] {
        if claims.decisions().allow(decision) {
            let _ = writeln!(
                text,
                "<button type=\"submit\" name=\"decision\" value=\"{decision}\">{label}</button>"
            );
        }
    }
    text.push_str("</form>\n");
}

/// The decision is in the mailbox.
pub(crate) fn taken(gate: &GateFacts, decision: Decision, approver: &str) -> String {
    let text = format!(
        "<p>{} by {} for stage {} of <code>{}</code> is recorded. Whoever drives the run takes it up; \
         <code>fleetwright status {}</code> shows it. This link is used up.</p>\n",
        match decision {
            Decision::Approve => "The approval",
            Decision::Reject => "The rejection",
        },
        Escaped(approver),
        Escaped(&gate.name),
        Escaped(gate.run.as_str()),
        Escaped(gate.run.as_str()),
    );
    page("fleetwright: recorded", &text)
}

/// Nothing was decided, and why.
pub(crate) fn refusal(what: &str, code: Option<&Code>) -> String {
    let mut text = format!("<p>Nothing was decided: {}.</p>\n", Escaped(what));
    if let Some(code) = code {
        let _ = writeln!(text, "<p>{} [{}]</p>", Escaped(code.next_step), code.id);
    }
    page("fleetwright: nothing was decided", &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_elsewhere_cannot_leave_its_place() {
        let hostile = "<script>alert('x')</script>\" onload=\"&\u{202e}\u{1b}[2J";
        let escaped = Escaped(hostile).to_string();
        for harmful in ["<", ">", "\"", "'", "\u{202e}", "\u{1b}"] {
            assert!(!escaped.contains(harmful), "{harmful:?} in {escaped}");
        }
        let page = refusal(hostile, None);
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;"), "{page}");
    }
}
