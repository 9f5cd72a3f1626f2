//! Nothing a host prints makes the readers panic, grow without bound, or take a part for the whole.

use fleetwright_host::{Reading, SurveyReport, reboot, survey};
use proptest::prelude::*;

/// An answer as Amazon Linux 2023 gives it, lists and all.
pub(crate) const ANSWER: &str = "fleetwright/survey/1
os=amzn
os_version=2023
kernel=6.1.155-176.282.amzn2023.x86_64
arch=x86_64
hostname=web-1
boot_id=71faa23e-eef6-456f-acaa-b9f47c1e7baf
uptime_s=864000
disk=root 22 6395 /
disk=temp 1 950 /tmp
memory_available_mib=6144
memory_total_mib=7680
load1_milli=420
cpus=2
package_manager=dnf
package_lock=no
repositories=yes
pending_reboot=no needs-restarting
failed_units=0
service=active nginx
agent=active falcon-sensor
health=200 http://localhost:8080/health
database=yes db.internal:5432
packages=3 26d5505a4282ff8494cbf2d55b08bceed621e92fd2ebaf191b26a6c120e8c228
p=services chronyd nginx sshd
p=ports tcp/22 tcp/8080 udp/323@lo
p=mounts 2
p=mount xfs rw /dev/nvme0n1p1 /
p=mount xfs rw /dev/nvme1n1 /data
p=users 3
p=user yes root 0 root
p=user no - 81 dbus
p=user yes sudo 1000 deploy
p=packages 1
p=package 2026-11-20 bash 5.2.15-1
end=34
";

/// The answer, read whole.
pub(crate) fn report() -> SurveyReport {
    match survey::parse(ANSWER).expect("an answer") {
        Reading::Whole(report) => report,
        Reading::Truncated(_) => panic!("the answer is whole"),
    }
}

fn bounded(report: &SurveyReport) {
    let texts = [&report.os, &report.hostname, &report.kernel, &report.package_manager];
    for text in texts.into_iter().flatten() {
        assert!(text.chars().count() <= 200 && !text.chars().any(char::is_control), "{text:?}");
    }
    assert!(report.services.len() <= 4_096 && report.unread.len() <= 32);
    assert!(!report.to_string().chars().any(|c| c.is_control() && c != '\n'));
}

#[test]
fn the_answer_of_these_tests_is_read_whole_and_to_the_last_fact() {
    let report = report();
    assert_eq!(report.unread, [""; 0]);
    assert_eq!((report.mounts.unwrap().len(), report.recent_packages.unwrap().len()), (2, 1));
    assert_eq!(report.users.unwrap().len(), 3);
}

#[test]
fn an_answer_cut_anywhere_is_never_taken_for_a_whole_one() {
    for end in 0..ANSWER.len() - 1 {
        match survey::parse(&ANSWER[..end]) {
            Ok(Reading::Whole(_)) => panic!("cut after {end} of {} and read as whole", ANSWER.len()),
            Ok(Reading::Truncated(part)) => {
                assert!(part.running_services.is_none(), "half a list after {end}");
                assert!(part.memory_available_mib.is_none_or(|mib| mib == 6144), "half a number after {end}");
            }
            Err(_) => {}
        }
    }
}

#[test]
fn what_systems_manager_appends_when_it_cuts_changes_nothing() {
    let cut = format!("{}\n---Output truncated---", &ANSWER[..600]);
    assert!(matches!(survey::parse(&cut), Ok(Reading::Truncated(_))));
}

#[test]
fn a_value_that_makes_no_sense_is_named_and_the_fact_is_unknown() {
    let text =
        "fleetwright/survey/1\ncpus=0\ndisk=root 140 1 /\nmemory_available_mib=-5\nboot_id=$(x)\nend=4\n";
    let Reading::Whole(report) = survey::parse(text).unwrap() else { panic!("it is whole") };
    assert_eq!(
        (report.cpus, report.memory_available_mib, report.boot_id, report.disks),
        (None, None, None, vec![])
    );
    assert_eq!(report.unread, ["cpus", "disk", "memory_available_mib", "boot_id"]);
}

#[test]
fn a_list_shorter_than_it_says_is_not_read() {
    let text = "fleetwright/survey/1\np=mounts 3\np=mount ext4 rw /dev/sda /\nend=2\n";
    let Reading::Whole(report) = survey::parse(text).unwrap() else { panic!("it is whole") };
    assert_eq!((report.mounts, report.unread), (None, vec!["mounts".to_owned()]));
}

#[test]
fn a_newer_script_of_the_same_major_version_may_say_more() {
    let text = "fleetwright/survey/1\nselinux=enforcing\ncpus=4\nend=2\n";
    let Reading::Whole(report) = survey::parse(text).unwrap() else { panic!("it is whole") };
    assert_eq!((report.cpus, report.unread), (Some(4), vec![]));
}

#[test]
fn a_report_is_kept_and_read_again_as_json() {
    let text = serde_json::to_string(&Reading::Whole(report())).unwrap();
    assert_eq!(serde_json::from_str::<Reading<SurveyReport>>(&text).unwrap(), Reading::Whole(report()));
}

#[test]
fn the_text_for_people_says_what_is_not_known() {
    let text = SurveyReport::default().to_string();
    assert!(text.contains("memory               not said by the host"), "{text}");
    let text = report().to_string();
    assert!(text.contains("listening ports      3\n  tcp/22\n"), "{text}");
}

proptest! {
    #[test]
    fn random_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        let text = String::from_utf8_lossy(&bytes);
        for text in [text.to_string(), format!("fleetwright/survey/1\n{text}"), format!("fleetwright/reboot/1\n{text}")] {
            if let Ok(reading) = survey::parse(&text) { bounded(reading.report()); }
            let _ = reboot::parse(&text);
        }
    }

    #[test]
    fn changed_bytes_are_read_without_panic(
        changes in prop::collection::vec((0..ANSWER.len(), any::<u8>()), 1..20)
    ) {
        let mut bytes = ANSWER.as_bytes().to_vec();
        for (at, byte) in changes { bytes[at] = byte; }
        if let Ok(reading) = survey::parse(&String::from_utf8_lossy(&bytes)) { bounded(reading.report()); }
    }

    #[test]
    fn random_values_of_known_keys_are_read_without_panic(
        lines in prop::collection::vec((prop::sample::select(survey::KEYS.to_vec()), "[\\PC]{0,60}"), 0..40)
    ) {
        let body: String = lines.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
        if let Ok(reading) = survey::parse(&format!("fleetwright/survey/1\n{body}")) { bounded(reading.report()); }
    }
}
