use super::{Key, Kind, TextForm};

pub(super) static KEYS: &[Key] = &[
    Key::new("landing_zones.inventory", Kind::List(TextForm::Path), "[landing-zones.yaml]",
        "The inventory files that describe landing zones. `--landing-zones FILE` on the command line takes their place.")
        .default("[]"),
    Key::new("landing_zones.names", Kind::List(TextForm::ZoneName), "[payments-prod, \"011122223333\"]",
        "The landing zones that are meant, by name or account id; empty takes all that are enabled.")
        .default("[]"),
    Key::new("landing_zones.regions", Kind::List(TextForm::RegionOrAll), "[eu-central-1, eu-west-1]",
        "The regions of landing zones that name none; `all` is every region enabled in the account. \
         Empty, such zones are read in `aws.region`.")
        .default("[]"),
    Key::new("environment", Kind::Text(TextForm::Environment), "nonprod",
        "The environment that is worked on. Its section under `environments` is laid over the rest of \
         the file, and only landing zones of this environment are chosen."),
];
