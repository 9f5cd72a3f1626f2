//! Local users: what a host says of them, and what is made of it.

use fleetwright_host::comparison::Weight;
use fleetwright_host::difference::Listed;
use fleetwright_host::questions::Repositories;
use fleetwright_host::survey::{List, PrivilegedGroup, User};
use fleetwright_host::{
    ChangeKind, Comparison, ComparisonVerdict, Difference, Questions, Reading, Request, Shell, SurveyReport,
    Tri, compare, render, survey,
};

use crate::distributions::{GROUP, PASSWD, amazon_linux_2023, ubuntu_2204};
use crate::hostile::report;
use crate::sandbox::{Host, shells_with_programs};

fn request() -> Request {
    Request::Survey(Questions { repositories: Repositories::Skip, ..Questions::default() })
}

fn users(host: &Host, shell: &[std::path::PathBuf]) -> Vec<String> {
    let users = host.survey(shell, &request()).users.expect("the users can be read");
    users.iter().map(ToString::to_string).collect()
}

/// Changes of users between the two, by weight, name, before and after.
fn told(then: &SurveyReport, now: &SurveyReport) -> Vec<(Weight, String, String, String)> {
    let compared = compare(Some(&Reading::Whole(then.clone())), Some(&Reading::Whole(now.clone())));
    let of_users = compared.changes.into_iter().filter(|change| change.kind == ChangeKind::User);
    of_users.map(|change| (change.weight, change.subject, change.before, change.after)).collect()
}

#[test]
fn accounts_are_told_with_their_number_their_login_and_the_groups_that_may_do_everything() {
    let host = ubuntu_2204();
    for (name, shell) in shells_with_programs() {
        assert_eq!(
            users(&host, &shell),
            [
                "root (id 0, can log in, in root)",
                "daemon (id 1, cannot log in)",
                "sync (id 4, can log in)",
                "nobody (id 65534, cannot log in)",
                "deploy (id 1000, can log in, in sudo)",
            ],
            "{name}"
        );
    }
}

#[test]
fn what_is_not_asked_for_never_leaves_the_host() {
    let host = ubuntu_2204();
    host.without("gzip").file("/etc/shadow", "root:$6$canaryshadow:1:0:99999:7:::\n");
    for (name, shell) in shells_with_programs() {
        let ran = host.run(&shell, &render(Shell::Posix, &request()).expect("it can be asked"));
        assert!(ran.stdout.contains("p=user yes sudo 1000 deploy\n"), "{name}: {}", ran.stdout);
        let leaks = ["canary", "$6$", "Super User", "555", "Overflow", ":x:"];
        assert!(!leaks.iter().any(|leak| ran.stdout.contains(leak)), "{name}: {}", ran.stdout);
    }
}

#[test]
fn the_host_itself_is_asked_for_its_own_accounts_and_its_files_only_where_it_cannot_say() {
    let host = ubuntu_2204();
    host.tool(
        "getent",
        "case \"$*\" in\n\"-s files extrausers systemd passwd\") echo 'root:x:0:0::/root:/bin/sh'; echo 'homed:x:60001:60001::/:/bin/zsh' ;;\n\
         \"-s files extrausers systemd group\") echo 'root:x:0:'; echo 'wheel:x:10:homed' ;;\n*) exit 3 ;;\nesac",
    );
    let wanted = ["root (id 0, can log in, in root)", "homed (id 60001, can log in, in wheel)"];
    for (name, shell) in shells_with_programs() {
        assert_eq!(users(&host, &shell), wanted, "{name}");
    }
    host.tool("getent", "echo 'unrecognized option' >&2; exit 64");
    for (name, shell) in shells_with_programs() {
        assert_eq!(users(&host, &shell).len(), 5, "{name}: from the files");
    }
}

#[test]
fn whoever_a_privileged_group_names_is_told_known_here_or_not() {
    let host = amazon_linux_2023();
    host.file("/etc/passwd", "root:x:0:0::/root:/bin/sh\ntoor:x:0:100::/:/bin/sh\nops:x:7:10::/:\n");
    host.file("/etc/group", "root:x:0:root\nwheel:x:10:CORP\\alice,ops\nsudo:x:27:CORP\\alice\n+:::\n");
    for (name, shell) in shells_with_programs() {
        assert_eq!(
            users(&host, &shell),
            [
                "root (id 0, can log in, in root)",
                "toor (id 0, can log in, superuser)",
                "ops (id 7, can log in, in wheel)",
                "CORP\\alice (no local id, login not known, in sudo and wheel)",
            ],
            "{name}"
        );
    }
}

#[test]
fn users_that_could_not_be_read_are_a_finding_and_never_no_users() {
    let mut reports = Vec::new();
    for (passwd, group) in [(None, Some(GROUP)), (Some(PASSWD), None), (Some(""), Some(GROUP))] {
        let host = ubuntu_2204();
        for (file, text) in [("/etc/passwd", passwd), ("/etc/group", group)] {
            std::fs::remove_file(host.path(file)).expect("it was there");
            text.map(|text| host.file(file, text));
        }
        for (name, shell) in shells_with_programs() {
            let report = host.survey(&shell, &request());
            assert_eq!(
                (&report.users, report.unread.as_slice()),
                (&None, &["users".to_owned()][..]),
                "{name}"
            );
            assert!(report.to_string().contains("users                could not be read\n"), "{name}");
            reports.push(report);
        }
    }
    for unread in reports {
        let compared = compare(Some(&Reading::Whole(report())), Some(&Reading::Whole(unread.clone())));
        assert_ne!(compared.verdict, ComparisonVerdict::Same);
        let expected =
            (Weight::NotEvaluated, "users".to_owned(), "known".to_owned(), "could not be read".to_owned());
        assert_eq!(told(&report(), &unread), [expected]);
        assert_eq!(Difference::between(&report(), &unread).users, Listed::NotCompared);
    }
}

#[test]
fn hostile_names_stay_one_name_on_one_line_and_forge_nothing() {
    let host = ubuntu_2204();
    let passwd = "root:x:0:0::/root:/bin/sh\n\
                  $(reboot):x:1001:1::/:/bin/sh\n\
                  `id`;x:x:1002:1::/:/bin/sh\n\
                  =cmd|'/c calc'!A1:x:1003:1::/:/bin/sh\n\
                  a no root 0 root:x:1004:1::/:/bin/sh\n\
                  \u{1b}[2Jghost\r:x:1005:1::/:/bin/sh\n\
                  <script>:x:1 yes root 0:1::/:/bin/sh\n\
                  packages 0:x:1006:1::/:/bin/sh\n\
                  ro\u{202e}ot:x:1007:1::/:/bin/sh\n\
                  user:too:few\n";
    host.file("/etc/passwd", passwd);
    for (name, shell) in shells_with_programs() {
        let report = host.survey(&shell, &request());
        let privileged: Vec<&str> = report
            .users
            .iter()
            .flatten()
            .filter(|user| user.is_privileged())
            .map(|user| &*user.name)
            .collect();
        assert_eq!(privileged, ["root", "deploy"], "{name}: nobody talks himself into a group");
        let names: Vec<&str> = report.users.iter().flatten().map(|user| &*user.name).collect();
        assert_eq!(names.len(), 10, "{name}: {names:?}");
        for kept in ["$(reboot)", "`id`;x", "=cmd|'/c calc'!A1", "a no root 0 root", "[2Jghost", "packages 0"]
        {
            assert!(names.contains(&kept), "{name}: {names:?}");
        }
        assert_eq!(
            report.recent_packages.map(|packages| packages.len()),
            Some(1),
            "{name}: the next list is whole"
        );
        // The one that looks like root has another number: it is another account, and told.
        let mut before = self::report();
        before.users = report.users.clone().map(|users| users.into_iter().take(1).collect());
        let now = SurveyReport { users: report.users, ..before.clone() };
        assert!(
            told(&before, &now).iter().any(|(_, who, was, _)| who == "root" && was == "no account"),
            "{name}"
        );
    }
}

#[test]
fn users_that_do_not_fit_are_left_out_by_name_before_what_hosts_live_by() {
    let host = ubuntu_2204();
    let many: String = (1..400_u64)
        .map(|n| format!("{:x}:x:{n}:1::/:/bin/sh\n", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect();
    host.file("/etc/passwd", &many);
    for (name, shell) in shells_with_programs() {
        let report = host.survey(&shell, &request());
        assert_eq!((report.users, report.cut), (None, vec![List::Packages, List::Users]), "{name}");
        assert!(
            report.ports.is_some() && report.mounts.is_some() && report.running_services.is_some(),
            "{name}"
        );
    }
}

#[test]
fn the_accounts_of_a_usual_ubuntu_leave_room_for_everything_else() {
    let host = ubuntu_2204();
    let names = "root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc _apt nobody \
                 systemd-network systemd-timesync dhcpcd messagebus systemd-resolve pollinate polkitd syslog uuidd \
                 tcpdump tss landscape fwupd-refresh usbmux sshd ec2-instance-connect _chrony ubuntu";
    let line = |(n, name): (usize, &str)| format!("{name}:x:{}:{n}::/:/usr/sbin/nologin\n", n * 31 % 1000);
    host.file("/etc/passwd", &names.split_whitespace().enumerate().map(line).collect::<String>());
    for (name, shell) in shells_with_programs() {
        let report = host.survey(&shell, &request());
        assert_eq!((report.users.map(|users| users.len()), report.cut), (Some(36 + 1), vec![]), "{name}");
    }
}

fn user(name: &str, id: &str, login: Tri, groups: &[PrivilegedGroup]) -> User {
    User { name: name.into(), id: Some(id.into()), login, groups: groups.iter().copied().collect() }
}

fn with(change: impl FnOnce(&mut Vec<User>)) -> SurveyReport {
    let mut report = report();
    change(report.users.as_mut().expect("it has users"));
    report
}

#[test]
fn an_account_that_appears_is_a_warning_and_no_failure() {
    let now = with(|users| users.push(user("support", "0", Tri::Yes, &[])));
    let came = "id 0, can log in, superuser".to_owned();
    assert_eq!(told(&report(), &now), [(Weight::Warn, "support".into(), "no account".into(), came)]);
    let compared = compare(Some(&Reading::Whole(report())), Some(&Reading::Whole(now.clone())));
    assert_eq!(compared.verdict, ComparisonVerdict::Same);
    assert_eq!(
        Difference::between(&report(), &now).users,
        Listed::Compared { added: vec!["support (id 0, can log in, superuser)".into()], removed: vec![] }
    );
}

#[test]
fn an_account_that_goes_or_may_do_other_things_is_told_with_before_and_after() {
    let gone = with(|users| users.retain(|user| user.name != "dbus"));
    let was = "id 81, cannot log in".to_owned();
    assert_eq!(told(&report(), &gone), [(Weight::Warn, "dbus".into(), was.clone(), "no account".into())]);
    let raised = with(|users| {
        users[1].login = Tri::Yes;
        users[1].groups.insert(PrivilegedGroup::Wheel);
    });
    let now = "id 81, can log in, in wheel".to_owned();
    assert_eq!(told(&report(), &raised), [(Weight::Warn, "dbus".into(), was, now)]);
    let renumbered = with(|users| users[2].id = Some("0".into()));
    let about: Vec<_> =
        told(&report(), &renumbered).into_iter().map(|(weight, who, ..)| (weight, who)).collect();
    assert_eq!(about, [(Weight::Warn, "deploy".to_owned()), (Weight::Warn, "deploy".to_owned())]);
}

#[test]
fn an_account_that_systemd_lends_to_a_service_is_noted_unless_it_could_do_more() {
    let came = |login, groups: &[PrivilegedGroup]| {
        let now = with(|users| users.push(user("fwupd-refresh", "63000", login, groups)));
        told(&report(), &now)[0].0
    };
    assert_eq!(came(Tri::No, &[]), Weight::Note);
    assert_eq!(came(Tri::Yes, &[]), Weight::Warn);
    assert_eq!(came(Tri::No, &[PrivilegedGroup::Sudo]), Weight::Warn);
}

#[test]
fn artefacts_of_older_programs_are_read_and_their_users_are_not_collected() {
    let mut older = serde_json::to_value(report()).expect("JSON");
    older.as_object_mut().expect("an object").remove("users").expect("it was there");
    let older: SurveyReport = serde_json::from_value(older).expect("older artefacts are read");
    assert_eq!((&older.users, older.unread.is_empty()), (&None, true));
    let expected = (Weight::NotEvaluated, "users".to_owned(), "not collected".to_owned(), "known".to_owned());
    assert_eq!(told(&older, &report()), [expected]);
    assert!(older.to_string().contains("users                not said by the host\n"));
    let difference = serde_json::to_value(Difference::between(&older, &report())).expect("JSON");
    let mut without = difference.clone();
    without.as_object_mut().expect("an object").remove("users").expect("it was there");
    assert_eq!(serde_json::from_value::<Difference>(without).expect("it is read").users, Listed::NotCompared);
    assert_eq!(difference["users"], "not_compared");
}

#[test]
fn windows_tells_its_accounts_by_sid_and_its_administrators_from_elsewhere() {
    let text = "fleetwright/survey/1\nos=windows\np=users 3\np=user yes administrators S-1-5-21-1-2-3-500 Administrator\n\
                p=user no - S-1-5-21-1-2-3-501 Guest\np=user unknown administrators S-1-5-21-9-9-9-512 Domain Admins\nend=5\n";
    let Ok(Reading::Whole(report)) = survey::parse(text) else { panic!("it is whole") };
    let told: Vec<String> = report.users.expect("users").iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "Administrator (id S-1-5-21-1-2-3-500, can log in, in administrators)",
            "Guest (id S-1-5-21-1-2-3-501, cannot log in)",
            "Domain Admins (id S-1-5-21-9-9-9-512, login not known, in administrators)",
        ]
    );
    let script = render(Shell::PowerShell, &request()).expect("it can be asked").join("\n");
    for part in [
        "\"users $($Users.Count)\"",
        "'user {0} {1} {2} {3}'",
        "user unknown administrators $Sid",
        "'users unreadable'",
    ] {
        assert!(script.contains(part), "{part}");
    }
    for never in ["Password", "FullName", "Description", "PrincipalSource"] {
        assert!(!script.contains(never), "{never} is nobody's business");
    }
}

#[test]
fn a_line_that_makes_no_sense_leaves_the_whole_list_unread() {
    for line in ["user maybe - 1 x", "user yes lords 1 x", "user yes - 1", "user yes -", "x", "user yes -  "]
    {
        let text = format!("fleetwright/survey/1\np=users 2\np=user yes root 0 root\np={line}\nend=3\n");
        let Ok(Reading::Whole(report)) = survey::parse(&text) else { panic!("it is whole") };
        assert_eq!((report.users, report.unread), (None, vec!["users".to_owned()]), "{line}");
    }
}

#[test]
fn a_comparison_of_users_is_kept_and_read_again() {
    let now = with(|users| users.push(user("support", "1001", Tri::Yes, &[PrivilegedGroup::Sudo])));
    let compared = compare(Some(&Reading::Whole(report())), Some(&Reading::Whole(now)));
    let text = serde_json::to_string(&compared).expect("JSON");
    assert!(text.contains("\"kind\":\"user\""), "{text}");
    assert_eq!(serde_json::from_str::<Comparison>(&text).expect("it is read"), compared);
}
