//! The form's fields, as `application/x-www-form-urlencoded`.
//! Source: WHATWG URL Standard, section 5.1.

use percent_encoding::percent_decode;

/// Bytes of a reason at most.
const LONGEST_REASON: usize = 500;

/// The fields of a decision; `Debug` is left out on purpose, for it holds a passphrase.
pub(crate) struct Form {
    pub(crate) token: String,
    pub(crate) decision: String,
    pub(crate) passphrase: String,
    pub(crate) reason: Option<String>,
}

/// Reads a form strictly: each field once, none that is unknown, nothing that is not UTF-8.
pub(crate) fn read(body: &[u8]) -> Result<Form, &'static str> {
    let names = ["token", "decision", "passphrase", "reason"];
    let mut fields: [Option<String>; 4] = Default::default();
    for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let at = pair.iter().position(|byte| *byte == b'=').ok_or("a field has no value")?;
        let name = decode(&pair[..at])?;
        let place = names.iter().position(|known| *known == name).ok_or("there is a field too many")?;
        if fields[place].replace(decode(&pair[at + 1..])?).is_some() {
            return Err("a field is there twice");
        }
    }
    let [token, decision, passphrase, reason] = fields;
    let reason = reason.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    if reason.as_ref().is_some_and(|text| text.len() > LONGEST_REASON) {
        return Err("the reason is longer than 500 bytes");
    }
    match (token, decision, passphrase) {
        (Some(token), Some(decision), Some(passphrase)) => Ok(Form { token, decision, passphrase, reason }),
        _ => Err("a field is missing"),
    }
}

fn decode(text: &[u8]) -> Result<String, &'static str> {
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).decode_utf8().map(Into::into).map_err(|_| "a field is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_as_they_were_typed() {
        let form = read(b"token=a-b_c&decision=approve&passphrase=a%2Bb+c%26%C3%B6&reason=+looks%0D%0Agood+");
        let form = form.map_err(str::to_owned).expect("a form");
        assert_eq!((&*form.token, &*form.decision), ("a-b_c", "approve"));
        assert_eq!(form.passphrase, "a+b c&ö");
        assert_eq!(form.reason.as_deref(), Some("looks\r\ngood"));
        let empty = read(b"token=&decision=&passphrase=&reason=");
        assert_eq!(empty.ok().and_then(|form| form.reason), None, "no reason is no reason");
    }

    #[test]
    fn what_the_page_did_not_send_is_refused() {
        let whole = "token=a&decision=approve&passphrase=p";
        assert!(read(whole.as_bytes()).is_ok());
        let long = format!("{whole}&reason={}", "x".repeat(501));
        for (body, why) in [
            ("", "a field is missing"),
            ("token=a&decision=approve", "a field is missing"),
            ("token=a&decision=approve&passphrase", "a field has no value"),
            ("token=a&decision=approve&passphrase=p&token=b", "a field is there twice"),
            ("token=a&decision=approve&passphrase=p&by=eve", "there is a field too many"),
            ("token=%ff&decision=approve&passphrase=p", "a field is not UTF-8"),
            (&long, "the reason is longer than 500 bytes"),
        ] {
            assert_eq!(read(body.as_bytes()).err(), Some(why), "{body}");
        }
    }
}
