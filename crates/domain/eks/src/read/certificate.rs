//! Until when certificates are good.
//!
//! Sources: RFC 7468 (PEM), RFC 5280, 4.1 (`Certificate`, `TBSCertificate`, `Validity`, `Time`), X.690 (DER).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// `[0]`, the version of a certificate.
const VERSION: u8 = 0xa0;

/// The last moment at which one of these certificates is good; `bundle` is PEM in base64, as the API shows bytes.
/// Where several are trusted one of them is enough.
pub(super) fn good_until(bundle: &str) -> Option<Timestamp> {
    let pem = String::from_utf8(STANDARD.decode(bundle.trim()).ok()?).ok()?;
    let mut latest = None;
    for block in pem.split("-----BEGIN CERTIFICATE-----").skip(1) {
        let (body, _) = block.split_once("-----END CERTIFICATE-----")?;
        let body: String = body.split_whitespace().collect();
        let until = not_after(&STANDARD.decode(body).ok()?)?;
        latest = latest.max(Some(until));
    }
    latest
}

/// A value of DER and what follows it: tag, content, rest.
fn take(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        // Four bytes of length are more than any certificate has.
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// The content of a value that must have this tag, and what follows it.
fn expect(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    take(der).filter(|found| found.0 == tag).map(|(_, content, rest)| (content, rest))
}

fn not_after(der: &[u8]) -> Option<Timestamp> {
    let (certificate, _) = expect(der, SEQUENCE)?;
    let (body, _) = expect(certificate, SEQUENCE)?;
    let body = expect(body, VERSION).map_or(body, |(_, rest)| rest);
    let (_, rest) = expect(body, INTEGER)?;
    let (_algorithm, rest) = expect(rest, SEQUENCE)?;
    let (_issuer, rest) = expect(rest, SEQUENCE)?;
    let (validity, _) = expect(rest, SEQUENCE)?;
    let (_, _, rest) = take(validity)?;
    let (tag, until, _) = take(rest)?;
    time(tag, std::str::from_utf8(until).ok()?)
}

/// A time in UTC. RFC 5280, 4.1.2.5.1: years of two digits from 50 on are of the 20th century.
fn time(tag: u8, text: &str) -> Option<Timestamp> {
    let digits = text.strip_suffix('Z').filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    let full = match (tag, digits.len()) {
        (UTC_TIME, 12) if digits >= "50" => format!("19{digits}"),
        (UTC_TIME, 12) => format!("20{digits}"),
        (GENERALIZED_TIME, 14) => digits.to_owned(),
        _ => return None,
    };
    let part = |from: usize, to: usize| full.get(from..to);
    let (date, clock) =
        ((part(0, 4)?, part(4, 6)?, part(6, 8)?), (part(8, 10)?, part(10, 12)?, part(12, 14)?));
    format!("{}-{}-{}T{}:{}:{}Z", date.0, date.1, date.2, clock.0, clock.1, clock.2).parse().ok()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn value(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).expect("short").to_be_bytes();
        [&[tag, 0x82, length[0], length[1]], content].concat()
    }

    /// The part of a certificate that says until when it is good, as a bundle of the API.
    pub(crate) fn bundle(times: &[&str]) -> String {
        let mut pem = String::new();
        for until in times {
            let tag = if until.len() == 13 { UTC_TIME } else { GENERALIZED_TIME };
            let validity = [value(UTC_TIME, b"200101000000Z"), value(tag, until.as_bytes())].concat();
            let version = value(VERSION, &value(INTEGER, &[2]));
            let parts = [
                value(INTEGER, &[1]),
                value(SEQUENCE, &[]),
                value(SEQUENCE, &[0; 300]),
                value(SEQUENCE, &validity),
            ];
            let body = value(SEQUENCE, &[version, parts.concat()].concat());
            let encoded = STANDARD.encode(value(SEQUENCE, &body));
            let (first, second) = encoded.split_at(64);
            pem += &format!("-----BEGIN CERTIFICATE-----\n{first}\n{second}\n-----END CERTIFICATE-----\n");
        }
        STANDARD.encode(pem)
    }

    #[test]
    fn the_certificate_that_lasts_longest_counts() {
        let until = |times: &[&str]| good_until(&bundle(times)).map(|time| time.to_string());
        assert_eq!(until(&["301231235959Z"]).as_deref(), Some("2030-12-31T23:59:59Z"));
        assert_eq!(until(&["500101000000Z"]).as_deref(), Some("1950-01-01T00:00:00Z"));
        assert_eq!(until(&["270101000000Z", "20600101000000Z"]).as_deref(), Some("2060-01-01T00:00:00Z"));
        assert_eq!(until(&["271301000000Z"]), None, "there is no 13th month");
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        let encode = |text: &str| STANDARD.encode(text);
        for bundle in ["", "§", &encode("no certificate"), &encode("-----BEGIN CERTIFICATE-----\nAAAA")] {
            assert_eq!(good_until(bundle), None, "{bundle:?}");
        }
        let cut = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        assert_eq!(good_until(&encode(cut)), None);
    }
}
