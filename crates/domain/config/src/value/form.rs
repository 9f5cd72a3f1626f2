//! Whether a text has the form its key asks for.

use fleetwright_model::{AccountId, Code, ExternalId, InstanceId, Region, RoleArn, ZoneName, code, nearest};
use fleetwright_window::{Freeze, Schedule, WindowTag, Zone};

use super::Fault;
use crate::error::shorten;
use crate::keys::TextForm;
use crate::yaml::Node;

/// Takes the text if it has the form; words of a fixed set come back in their own case.
pub(crate) fn check_form(form: TextForm, text: &str, node: &Node) -> Result<String, Fault> {
    if let TextForm::OneOf(words) = form {
        return one_of(words, text, node);
    }
    if let Some(wrong) = of_windows(form, text) {
        return Err(Fault::new(&code::INVALID_SCHEDULE, node, format!("`{}`, {wrong}", shorten(text))));
    }
    let (code, valid) = judge(form, text);
    if valid {
        return Ok(text.to_owned());
    }
    let message = match form {
        TextForm::ExternalId | TextForm::Password => format!("is not {}", form.describe()),
        _ => format!("`{}` is not {}", shorten(text), form.describe()),
    };
    let fault = Fault::new(code, node, message);
    Err(match form {
        TextForm::ExternalId | TextForm::Password => Fault { value: None, ..fault },
        TextForm::RoleName if text.starts_with("arn:") => {
            fault.hint("Give the name alone; the account is added for each landing zone.")
        }
        TextForm::Region | TextForm::RegionOrAll => region_hint(fault, text),
        _ => fault,
    })
}

/// What is wrong with a text about windows or freezes; `None` where nothing is, and for other forms.
fn of_windows(form: TextForm, text: &str) -> Option<String> {
    let utc = Zone::utc();
    let fault = match form {
        TextForm::Schedule => Schedule::check(text).err(),
        TextForm::Dates => Freeze::new("").with_dates(text, &utc).err(),
        TextForm::Window => WindowTag::parse(text).err(),
        TextForm::TimeZone => return Zone::named(text).err(),
        _ => None,
    };
    fault.map(|fault| fault.to_string())
}

fn one_of(words: &[&'static str], text: &str, node: &Node) -> Result<String, Fault> {
    if let Some(word) = words.iter().find(|word| word.eq_ignore_ascii_case(text)) {
        return Ok((*word).to_owned());
    }
    let message = format!("`{}` is not one of {}", shorten(text), words.join(", "));
    let fault = Fault::new(&code::WRONG_TYPE, node, message);
    Err(match nearest(text, words.iter().copied()) {
        Some(word) => fault.hint(format!("Did you mean `{word}`?")),
        None => fault,
    })
}

/// An availability zone is the usual mistake.
fn region_hint(fault: Fault, text: &str) -> Fault {
    let without_zone =
        text.strip_suffix(|c: char| c.is_ascii_lowercase()).filter(|region| Region::new(*region).is_ok());
    match without_zone {
        Some(region) => fault.hint(format!("`{text}` is an availability zone; its region is `{region}`.")),
        None => fault,
    }
}

fn judge(form: TextForm, text: &str) -> (&'static Code, bool) {
    let printable = |max: usize| {
        let count = text.chars().count();
        (1..=max).contains(&count) && !text.chars().any(char::is_control)
    };
    let untrimmed = text.trim() != text;
    match form {
        TextForm::Path => (&code::WRONG_TYPE, printable(4096)),
        TextForm::Region => (&code::INVALID_REGION, Region::new(text).is_ok()),
        TextForm::RegionOrAll => (&code::INVALID_REGION, text == "all" || Region::new(text).is_ok()),
        TextForm::RoleName => (&code::INVALID_ARN, is_role_name(text)),
        TextForm::ExternalId => (&code::INVALID_EXTERNAL_ID, ExternalId::new(text).is_some()),
        TextForm::Profile => (&code::WRONG_TYPE, printable(256) && !untrimmed),
        TextForm::Url => (&code::WRONG_TYPE, is_url(text)),
        TextForm::Headers => (&code::WRONG_TYPE, is_headers(text)),
        TextForm::LocalAddress => (&code::WRONG_TYPE, is_local_address(text)),
        TextForm::MetricNamespace => (&code::WRONG_TYPE, is_metric_namespace(text)),
        TextForm::Version => (&code::WRONG_TYPE, is_version(text)),
        TextForm::Pattern => (&code::INVALID_PATTERN, printable(256)),
        TextForm::ZoneName => (&code::WRONG_TYPE, ZoneName::new(text).is_ok()),
        TextForm::Environment => (&code::WRONG_TYPE, is_environment(text)),
        TextForm::TagKey => (&code::WRONG_TYPE, printable(128)),
        TextForm::Name => (&code::WRONG_TYPE, printable(255) && !untrimmed),
        TextForm::Command => (&code::WRONG_TYPE, printable(1_000) && !text.trim().is_empty()),
        TextForm::MetricLimit => (&code::WRONG_TYPE, crate::settings::MetricLimit::read(text).is_some()),
        TextForm::MetricChange => (&code::WRONG_TYPE, crate::settings::MetricChange::read(text).is_some()),
        TextForm::Amount => (&code::OUT_OF_RANGE, crate::settings::Amount::read(text).is_some()),
        TextForm::InstanceId => (&code::WRONG_TYPE, InstanceId::new(text).is_ok()),
        TextForm::Template => (&code::WRONG_TYPE, (1..=16_384).contains(&text.len())),
        TextForm::Password => (&code::WRONG_TYPE, printable(1_000)),
        TextForm::OneOf(words) => (&code::WRONG_TYPE, words.contains(&text)),
        TextForm::Schedule | TextForm::Dates | TextForm::Window | TextForm::TimeZone => {
            (&code::INVALID_SCHEDULE, of_windows(form, text).is_none())
        }
    }
}

/// The name, with its path, that makes an ARN once an account is known.
fn is_role_name(text: &str) -> bool {
    let account = AccountId::from_number(0).expect("twelve zeros are well formed");
    !text.contains(':') && RoleArn::from_name("aws", &account, text).is_ok()
}

/// The name of an environment: it becomes a part of dotted paths.
pub(crate) fn is_environment(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn is_url(text: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| {
        text.strip_prefix(scheme).is_some_and(|rest| {
            !rest.is_empty() && !rest.starts_with('/') && rest.bytes().all(|b| b.is_ascii_graphic())
        })
    })
}

/// Names are tokens. Source: RFC 9110, section 5.1.
fn is_headers(text: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    text.split(',').all(|header| {
        header.split_once('=').is_some_and(|(name, value)| {
            let (name, value) = (name.trim(), value.trim());
            !name.is_empty() && name.bytes().all(token) && !value.chars().any(char::is_control)
        })
    })
}

fn is_local_address(text: &str) -> bool {
    text.parse::<std::net::SocketAddr>().is_ok_and(|address| address.ip().is_loopback())
}

/// Source: CloudWatch API reference, PutMetricData, Namespace.
fn is_metric_namespace(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && !text.starts_with("AWS/")
        && !text.starts_with(':')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/#:".contains(&b))
}

/// One to four numbers.
fn is_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    (1..=4).contains(&parts.len())
        && parts.iter().all(|part| part.parse::<u32>().is_ok() && !part.starts_with('+'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(form: TextForm, text: &str) -> (&'static str, Option<String>) {
        let fault = check_form(form, text, &Node::plain(text)).expect_err("not of the form");
        (fault.code.id, fault.hint)
    }

    #[test]
    fn an_availability_zone_is_told_from_its_region() {
        let (id, hint) = hint(TextForm::Region, "eu-central-1a");
        assert_eq!(id, "FW-C0010");
        assert_eq!(
            hint.as_deref(),
            Some("`eu-central-1a` is an availability zone; its region is `eu-central-1`.")
        );
    }

    #[test]
    fn a_word_that_is_nearly_right_is_suggested() {
        let (_, hint) = hint(TextForm::OneOf(&["linux", "windows"]), "linus");
        assert_eq!(hint.as_deref(), Some("Did you mean `linux`?"));
    }

    #[test]
    fn forms_take_what_aws_takes() {
        for (form, good) in [
            (TextForm::RoleName, "ops/Patch+er"),
            (TextForm::Url, "http://127.0.0.1:4566"),
            (TextForm::Version, "3.3.2746.0"),
            (TextForm::Headers, "x-api-key=a=b, x-tenant = acme"),
            (TextForm::LocalAddress, "[::1]:9464"),
            (TextForm::MetricChange, "CWAgent:mem_used_percent +20%"),
            (TextForm::MetricNamespace, "Acme/Patching"),
            (TextForm::TagKey, "Patch Group"),
            (TextForm::InstanceId, "i-0123456789abcdef0"),
            (TextForm::RegionOrAll, "all"),
        ] {
            assert!(check_form(form, good, &Node::plain(good)).is_ok(), "{good}");
        }
        for (form, bad) in [
            (TextForm::RoleName, "arn:aws:iam::123456789012:role/x"),
            (TextForm::Url, "127.0.0.1:4566"),
            (TextForm::Version, "3.x"),
            (TextForm::Headers, "x-api-key"),
            (TextForm::LocalAddress, "0.0.0.0:9464"),
            (TextForm::MetricChange, "NetworkOut 50%"),
            (TextForm::MetricChange, "NetworkOut -101%"),
            (TextForm::MetricChange, "+20%"),
            (TextForm::MetricNamespace, "AWS/EC2"),
            (TextForm::Environment, "prod.eu"),
            (TextForm::Pattern, ""),
        ] {
            assert!(check_form(form, bad, &Node::plain(bad)).is_err(), "{bad}");
        }
    }
}
