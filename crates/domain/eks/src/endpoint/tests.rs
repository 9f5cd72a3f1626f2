//! Endpoints as they are written, and what is shown of them.

use super::*;

fn read(text: &str) -> Endpoint {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn an_endpoint_is_a_name_and_an_address() {
    for url in [
        "https://shop.example.com",
        "https://shop.example.com/health?deep=1&token=a=b",
        "https://shop.example.com?token=a",
        "http://10.0.0.7:8080/ready",
        "https://[2001:db8::1]/",
        "http://[::1]:8080/",
        "https://my_shop.internal:65535/%C3%BC",
    ] {
        let endpoint = read(&format!("shop front = {url}"));
        assert_eq!((endpoint.name(), endpoint.url()), ("shop front", url));
        assert_eq!(endpoint.is_https(), url.starts_with("https"));
        let written = serde_json::to_value(&endpoint).expect("plain data");
        assert_eq!(serde_json::from_value::<Endpoint>(written).expect("an endpoint"), endpoint);
    }
}

#[test]
fn what_is_no_endpoint_is_refused_with_what_is_wrong() {
    for (bad, why) in [
        ("https://shop.example.com", "it has no name"),
        ("a;b=https://shop.example.com", "a name has"),
        ("a=", "begins with https://"),
        ("a=shop.example.com/health", "begins with https://"),
        ("a=ftp://shop.example.com", "begins with https://"),
        ("a=https:///health", "the host is"),
        ("a=https://me:s3cr3t@shop.example.com", "no user and no password"),
        ("a=https://shop.example.com/#top", "behind '#'"),
        ("a=https://shop.example.com/a b", "no spaces"),
        ("a=https://shop.example.com/ü", "ASCII"),
        ("a=https://shop.example.com\\@evil/", "no spaces"),
        ("a=https://shop.example.com:0/", "the port is"),
        ("a=https://shop.example.com:65536/", "the port is"),
        ("a=https://shop.example.com:/", "the port is"),
        ("a=https://[::1/", "no ']'"),
        ("a=https://[shop]/", "an IPv6 address"),
        ("a=https://[::1]x/", "the port is"),
        ("a=http://169.254.169.254/latest/meta-data/", "link-local"),
        ("a=http://[fd00:ec2::254]/", "link-local"),
        ("a=http://2852039166/", "the host is"),
        ("a=http://169.0xfea9fe/", "the host is"),
        ("a=http://[::ffff:169.254.169.254]/", "link-local"),
    ] {
        let refused = bad.parse::<Endpoint>().expect_err(bad).to_string();
        assert!(refused.starts_with("an endpoint is NAME=URL") && refused.contains(why), "{bad}: {refused}");
        assert!(!refused.contains("s3cr3t"), "{refused}");
    }
}

#[test]
fn what_is_behind_the_question_mark_is_shown_nowhere() {
    let endpoint = read("shop=https://shop.example.com/health?token=s3cr3t");
    assert_eq!(endpoint.shown(), "https://shop.example.com/health?…");
    for shown in [endpoint.to_string(), format!("{endpoint:?}"), endpoint.compared()] {
        assert!(shown.contains("https://shop.example.com/health?…") && !shown.contains("s3cr3t"), "{shown}");
    }
    let other = read("shop=https://shop.example.com/health?token=another");
    assert_ne!(endpoint.compared(), other.compared(), "another token is a difference");
}

#[test]
fn answers_from_200_to_399_are_well() {
    for status in [200, 204, 301, 399] {
        assert_eq!(Unwell::of_status(status), None, "{status}");
    }
    for status in [100, 199, 400, 404, 500, 503] {
        let unwell = Unwell::of_status(status).expect("unwell");
        assert_eq!(unwell.to_string(), format!("answers {status}"));
    }
    assert_eq!(Unwell::Late.to_string(), "does not answer within 10 s");
}
