//! Configurations of older tools give the settings they meant.

use std::time::Duration;

use fleetwright_config::explain;
use fleetwright_config::settings::{Amount, LogLevel};
use fleetwright_model::Phase;

use crate::{fixture, resolve_file, told};

const FILE: &str = "configurations/older-workflow.yaml";

#[test]
fn phases_as_mappings_are_read_with_plain_numbers_as_seconds() {
    let resolved = resolve_file(fixture!("configurations/older-workflow.yaml")).expect("valid");
    let settings = &resolved.settings;
    assert_eq!(settings.aws.max_attempts, 4, "three repetitions are four attempts");
    assert_eq!(settings.aws.timeout, Duration::from_secs(45));
    assert_eq!(settings.phases.limits(Phase::Scan).timeout, Some(Duration::from_secs(600)));
    assert_eq!(settings.phases.backup.wait_timeout, Duration::from_secs(5400));
    assert_eq!(settings.phases.backup.retention_days, 14);
    assert!(!settings.phases.limits(Phase::Start).enabled);
    assert_eq!(settings.phases.start.wait_timeout, Duration::from_secs(300));
    assert_eq!(settings.phases.start.agent_timeout, Duration::from_secs(120));
    assert_eq!(settings.phases.patch.execution_timeout, Duration::from_secs(3600));
    assert!(settings.phases.validate.health_checks && !settings.phases.validate.ssm_ping);
    assert_eq!(settings.output.dir.as_deref(), Some("patching/reports"));
    assert_eq!(settings.output.log_level, LogLevel::Warn);
    assert!(!settings.safety.continue_on_error);
    assert_eq!(settings.safety.max_concurrent, Amount::Count(4));
}

#[test]
fn every_older_key_remembers_its_spelling_and_place() {
    let resolved = resolve_file(fixture!("configurations/older-workflow.yaml")).expect("valid");
    for (key, value, older, position) in [
        ("aws.max_attempts", "4", "aws.max_retries", "6:3"),
        ("phases.backup.wait_timeout", "1h30m", "workflow.timeouts.ami_creation", "25:5"),
        ("phases.start.enabled", "false", "workflow.phases.start_servers.enabled", "17:7"),
        ("output.log_level", "warn", "log_level", "29:1"),
        ("safety.continue_on_error", "false", "continue_on_error", "30:1"),
    ] {
        let origin = format!("from {older} (older shape) at {FILE}:{position}");
        assert_eq!(told(&resolved, key), (value.to_owned(), origin));
    }
    assert_eq!(told(&resolved, "aws.region"), ("eu-central-1".to_owned(), format!("from {FILE}:3:3")));
}

#[test]
fn phases_as_switches_and_skip_flags_turn_phases_off() {
    let settings = resolve_file(fixture!("configurations/older-switches.yaml")).expect("valid").settings;
    let enabled: Vec<Phase> =
        Phase::ALL.into_iter().filter(|phase| settings.phases.limits(*phase).enabled).collect();
    assert_eq!(enabled, [Phase::Scan, Phase::Start, Phase::Precheck, Phase::Report]);
}

#[test]
fn sections_of_parts_are_read_with_plain_numbers_as_minutes() {
    let resolved = resolve_file(fixture!("configurations/older-sections.yaml")).expect("valid");
    let settings = &resolved.settings;
    assert_eq!(settings.phases.limits(Phase::Scan).timeout, Some(Duration::from_secs(20 * 60)));
    assert_eq!(settings.scan.max_concurrent_regions, 8);
    assert_eq!(settings.aws.max_attempts, 5);
    assert_eq!(settings.phases.limits(Phase::Backup).timeout, Some(Duration::from_secs(4 * 3600)));
    assert_eq!((settings.phases.backup.max_concurrent, settings.phases.backup.max_attempts), (10, 3));
    assert!(!settings.phases.limits(Phase::Start).enabled);
    assert_eq!((settings.phases.start.max_concurrent, settings.phases.start.max_attempts), (5, 2));
}

#[test]
fn the_same_setting_in_two_spellings_is_fine_while_they_agree() {
    // `ami_backup.enabled: true` and `skip_backup: false` say the same.
    let resolved = resolve_file(fixture!("configurations/older-sections.yaml")).expect("valid");
    let (value, origin) = told(&resolved, "phases.backup.enabled");
    assert_eq!(value, "true");
    assert!(origin.starts_with("from ami_backup.enabled (older shape)"), "{origin}");
}

#[test]
fn an_older_key_is_explained_under_its_current_name() {
    let resolved = resolve_file(fixture!("configurations/older-workflow.yaml")).expect("valid");
    let explanation = explain(&resolved, "workflow.timeouts.ami_creation").expect("known");
    assert_eq!(explanation.key, "phases.backup.wait_timeout");
    let text = explanation.to_string();
    assert!(
        text.starts_with(
            "workflow.timeouts.ami_creation is an older spelling of phases.backup.wait_timeout\n"
        ),
        "{text}"
    );
    assert!(text.contains("Takes effect in phase backup."), "{text}");
}
