use super::Reading::Retries;
use super::kind::{hours, minutes, seconds};
use super::{Key, Kind, TextForm, older};

pub(super) static KEYS: &[Key] = &[
    Key::new("aws.region", Kind::Text(TextForm::Region), "eu-central-1",
        "The region of landing zones that name none, and the one STS and Organizations are called in. \
         Not set, the AWS_REGION variable and the profile decide, as in every AWS tool."),
    Key::new("aws.role_name", Kind::Text(TextForm::RoleName), "fleetwright-patching",
        "The role to assume in landing zones that name none. Not set, such zones are read with the \
         caller's own credentials."),
    Key::new("aws.external_id", Kind::Text(TextForm::ExternalId), "\"fleet-1f3a\"",
        "The external id for roles of landing zones that give none. A shared secret: it is never shown; \
         best set with its variable.")
        .secret(),
    Key::new("aws.profile", Kind::Text(TextForm::Profile), "operations",
        "The AWS profile to start from. Not set, the default credential chain is used."),
    Key::new("aws.timeout", Kind::Duration { min: seconds(1), max: minutes(15) }, "30s",
        "How long one attempt of one call to AWS may take.")
        .default("60s"),
    Key::new("aws.connect_timeout", Kind::Duration { min: seconds(1), max: minutes(1) }, "10s",
        "How long connecting to an endpoint may take.")
        .default("5s"),
    Key::new("aws.max_attempts", Kind::Integer { min: 1, max: 20, unit: "attempts" }, "5",
        "How often a call to AWS is attempted, the first time included, before it counts as failed. \
         The older `max_retries` and `retry_attempts` count only the repetitions, so they are read as one less.")
        .default("8")
        .older(&[older("aws.max_retries", Retries), older("scanner.retry_attempts", Retries)]),
    Key::new("aws.max_concurrent_calls", Kind::Integer { min: 1, max: 1000, unit: "calls" }, "128",
        "How many calls to AWS may be under way at once, over all accounts and regions together.")
        .default("64"),
    Key::new("aws.session_duration", Kind::Duration { min: minutes(15), max: hours(12) }, "1h",
        "How long the credentials of an assumed role are asked for. AWS grants one hour at most where a \
         role is assumed from another role.")
        .default("1h"),
    Key::new("aws.use_fips", Kind::Bool, "true", "Whether FIPS endpoints are called.").default("false"),
    Key::new("aws.use_dualstack", Kind::Bool, "true", "Whether dual-stack (IPv6) endpoints are called.").default("false"),
    Key::new("aws.endpoint_url", Kind::Text(TextForm::Url), "http://127.0.0.1:4566",
        "One address for every AWS service, for tests against a simulated AWS. Not set, AWS_ENDPOINT_URL \
         and the profile decide. Contradicts `aws.use_fips` and `aws.use_dualstack`."),
    Key::new("aws.rates.*.burst", Kind::Integer { min: 1, max: 100_000, unit: "requests" }, "100",
        "How many requests of this action may be sent at once: the size of the token bucket. Goes with `per_second`."),
    Key::new("aws.rates.*.per_second", Kind::Number { min: 0.01, max: 10_000.0, unit: "requests per second" }, "20",
        "How many requests of this action may follow each second: the refill of the token bucket. Goes with `burst`."),
];
