//! What tags say must hold on a single host.

use std::collections::BTreeMap;

use fleetwright_host::{LoadTarget, Questions, Thresholds};
use fleetwright_model::{Code, LabelKeys, Tags, Text, code};

use super::HostChecks;

/// The names a threshold tag may use.
const THRESHOLDS: [&str; 4] = ["root_disk_percent", "temp_disk_percent", "min_memory_mib", "load_percent"];

/// Reads the checks of one host.
///
/// # Errors
/// `FW-P0026`: a value is not of the form its tag asks for. A check that cannot be made as written is
/// never left out in silence.
pub fn read(tags: &Tags, keys: &LabelKeys) -> Result<HostChecks, &'static Code> {
    let checks = HostChecks {
        services: words(tags, &keys.services),
        health: words(tags, &keys.health),
        databases: words(tags, &keys.databases),
        load: words(tags, &keys.load),
        thresholds: thresholds(tags, &keys.thresholds)?,
    };
    let owned = |texts: &[Text]| texts.iter().map(|text| text.as_ref().to_owned()).collect();
    let questions = Questions {
        services: owned(&checks.services),
        health: owned(&checks.health),
        databases: owned(&checks.databases),
        load: load_targets(&checks, 1),
        ..Questions::default()
    };
    questions.check().map_err(|_| &code::CHECKS_UNUSABLE)?;
    Ok(checks)
}

/// The endpoints of a host that are put under load, each once.
pub fn load_targets(checks: &HostChecks, requests: u32) -> Vec<LoadTarget> {
    let mut targets: Vec<LoadTarget> = Vec::new();
    for url in &checks.load {
        let target = LoadTarget::read(url, requests);
        if !targets.iter().any(|known| known.url == target.url) {
            targets.push(target);
        }
    }
    targets
}

/// The policy's thresholds with those of the host in their place.
pub fn thresholds_of(policy: &Thresholds, checks: &HostChecks) -> Thresholds {
    let mut thresholds = *policy;
    for (name, value) in &checks.thresholds {
        let percent = u8::try_from(*value).unwrap_or(100);
        match &**name {
            "root_disk_percent" => thresholds.root_used_percent_max = percent,
            "temp_disk_percent" => thresholds.temp_used_percent_max = percent,
            "min_memory_mib" => thresholds.memory_available_mib_min = *value,
            "load_percent" => thresholds.load_per_cpu_percent_max = *value,
            _ => {}
        }
    }
    thresholds
}

/// The words of the first tag that has any; blanks and commas separate.
fn words(tags: &Tags, keys: &[String]) -> Vec<Text> {
    let split = |value: &Text| -> Vec<Text> {
        value.split([' ', '\t', ',']).filter(|word| !word.is_empty()).map(Into::into).collect()
    };
    keys.iter()
        .filter_map(|key| tags.get(key.as_str()))
        .map(split)
        .find(|words| !words.is_empty())
        .unwrap_or_default()
}

fn thresholds(tags: &Tags, keys: &[String]) -> Result<BTreeMap<Text, u64>, &'static Code> {
    let pair = |word: &Text| -> Option<(Text, u64)> {
        let (name, value) = word.split_once('=')?;
        let value: u64 = value.parse().ok()?;
        let valid = THRESHOLDS.contains(&name) && (!name.ends_with("disk_percent") || value <= 100);
        valid.then(|| (name.into(), value))
    };
    words(tags, keys).iter().map(|word| pair(word).ok_or(&code::CHECKS_UNUSABLE)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> LabelKeys {
        LabelKeys {
            services: vec!["Services".into()],
            health: vec!["Health".into()],
            load: vec!["Load".into()],
            thresholds: vec!["Thresholds".into()],
            ..LabelKeys::default()
        }
    }

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
    }

    #[test]
    fn services_addresses_and_thresholds_are_read_from_tags() {
        let tags = tags(&[
            ("Services", "nginx, app@1"),
            ("Health", "http://localhost:8080/health"),
            ("Load", "http://localhost:8080/a http://localhost:8080/b http://localhost:8080/a"),
            ("Thresholds", "root_disk_percent=95 min_memory_mib=64"),
        ]);
        let checks = read(&tags, &keys()).expect("well formed");
        assert_eq!(checks.services.len(), 2);
        assert_eq!(load_targets(&checks, 50).len(), 2, "each once");
        let thresholds = thresholds_of(&Thresholds::default(), &checks);
        assert_eq!((thresholds.root_used_percent_max, thresholds.memory_available_mib_min), (95, 64));
    }

    #[test]
    fn a_check_that_cannot_be_made_is_refused_not_dropped() {
        for bad in [
            ("Services", "nginx;reboot"),
            ("Health", "file:///etc/shadow"),
            ("Load", "localhost:8080"),
            ("Thresholds", "root_disk_percent=101"),
            ("Thresholds", "disk=5"),
        ] {
            assert_eq!(read(&tags(&[bad]), &keys()), Err(&code::CHECKS_UNUSABLE), "{bad:?}");
        }
    }
}
