//! How hosts behave, what goes wrong on them, and what scripts find there.

use fleetwright_estate::world::host::fault::HostFaultKind;
use fleetwright_estate::world::host::shell::Memory;
use serde_json::{Value, json};

use crate::code;
use crate::shift::Shift;

/// What a script tells on one host.
fn told(shift: &mut Shift, name: &str, text: &str) -> String {
    let id = shift.id(name);
    let answer = shift.script(&[&id], text, 120);
    assert_eq!(answer["StatusDetails"], "Success", "{answer}");
    answer["StandardOutputContent"].as_str().expect("text").to_owned()
}

/// The details an invocation of `true` ends with.
fn ends(rule: &str, seconds: i64) -> Value {
    let mut shift = Shift::new(&format!("{rule}\ninstance = \"web-1\""));
    let id = shift.id("web-1");
    let answer = shift.script(&[&id], "true", seconds);
    answer["StatusDetails"].clone()
}

#[test]
fn the_tools_answer_in_the_real_tools_formats() {
    let mut shift = Shift::new("");
    for (text, expected) in [
        ("df -P / | awk 'NR == 1 { print $2, $6 }'", "1024-blocks Mounted\n"),
        ("df -PT / | awk 'NR == 2 { print $2, $7 }'", "xfs /\n"),
        ("df --output=target,pcent / | tail -1", "/ 37%\n"),
        ("systemctl is-active nginx sshd nothing", "active\nactive\ninactive\n"),
        ("systemctl is-system-running", "running\n"),
        ("systemctl list-units --type=service --state=running --no-legend --plain | grep -c service", "7\n"),
        ("systemctl show -p ActiveState --value nginx", "active\n"),
        ("ss -Hltn | awk '{ print $4 }'", "0.0.0.0:22\n0.0.0.0:80\n"),
        ("curl -s -o /dev/null -w '%{http_code}' http://localhost/healthz", "200"),
        ("curl -s -o /dev/null -w '%{http_code}' http://localhost:81/ || echo \" $?\"", "000 7\n"),
        (
            "rpm -q bash nothing || true",
            "bash-5.2.15-1.amzn2023.0.2.x86_64\npackage nothing is not installed\n",
        ),
        ("rpm -qa --qf '%{NAME}\\n' bash", "bash\n"),
        ("dnf -q needs-restarting -r | tail -1", "Reboot should not be necessary.\n"),
        ("dnf repolist | wc -l", "3\n"),
        (". /etc/os-release; echo $ID $VERSION_ID", "amzn 2023\n"),
        ("id -u; whoami; nproc", "0\nroot\n2\n"),
        ("awk '/MemAvailable/ { print ($2 > 0) }' /proc/meminfo", "1\n"),
        ("hostname -s | cut -c1-3; uname -s", "ip-\nLinux\n"),
        ("[ -e /root ] && ls / >/dev/null && echo here", "here\n"),
    ] {
        assert_eq!(told(&mut shift, "web-1", text), expected, "{text}");
    }
    assert_eq!(told(&mut shift, "web-4", "dpkg-query -W -f='${Status}\\n' bash"), "install ok installed\n");
    assert_eq!(
        told(&mut shift, "web-4", "apt-get check -qq; dpkg --print-architecture"),
        "Reading package lists... Done\namd64\n"
    );
}

#[test]
fn scripts_see_nothing_of_the_machine_and_leave_files_on_their_host_only() {
    let mut shift = Shift::new("");
    told(&mut shift, "web-1", "mkdir -p /var/lib/mark && echo kept >/var/lib/mark/a && echo gone >/run/b");
    assert_eq!(told(&mut shift, "web-1", "cat /var/lib/mark/a /run/b"), "kept\ngone\n");
    assert_eq!(told(&mut shift, "web-2", "cat /var/lib/mark/a 2>/dev/null || echo none"), "none\n");
    told(&mut shift, "web-1", "shutdown -r now");
    shift.pass(400);
    assert_eq!(
        told(&mut shift, "web-1", "cat /var/lib/mark/a; cat /run/b 2>/dev/null || echo none"),
        "kept\nnone\n"
    );
    assert_eq!(told(&mut shift, "web-1", "pwd; ls /etc | head -1"), "/root\ngroup\n");
}

#[test]
fn remembering_what_scripts_did_changes_nothing_but_the_number_of_runs() {
    let stories = [
        "cat /proc/sys/kernel/random/boot_id; hostname; uptime -s",
        "echo $AWS_SSM_INSTANCE_ID $(date +%s) $(cut -d. -f1 /proc/uptime)",
        "hostname | gzip -9nc | base64",
        "df -P; free -m; systemctl list-units --no-legend; rpm -qa 2>/dev/null | sort | sha256sum",
        "date +%A-%d; cat /proc/sys/kernel/random/boot_id | tr a-f A-F",
    ];
    let run = |memory: Memory| {
        let mut shift = Shift::new("");
        shift.region().hosts.environment().set_memory(memory);
        let mut told = Vec::new();
        for text in stories {
            let command = shift.send(json!({"Targets": [{"Key": "tag:Tier", "Values": ["web"]}]}), text);
            shift.pass(60);
            for n in 1..=4 {
                let id = shift.id(&format!("web-{n}"));
                told.push(shift.invocation(&command, &id));
            }
        }
        let executions = shift.region().hosts.environment().executions();
        (told, executions)
    };
    let (remembered, _) = run(Memory::Remember);
    let (forgotten, executions) = run(Memory::Forget);
    assert_eq!(executions, 20, "each on each host");
    assert_eq!(remembered, forgotten);
}

#[test]
fn a_script_is_told_its_own_region_whatever_was_told_elsewhere() {
    for region in ["eu-central-1", "us-east-1", "eu-central-1"] {
        let mut shift = Shift::of(&format!(
            "name = \"regions\"\nseed = 3\n[[accounts]]\nname = \"one\"\n[fleet]\nregions = [\"{region}\"]\n\
             instances_per_cell = 0\n[[instances]]\naccount = \"one\"\n[instances.tags]\nTier = \"app\"\n"
        ));
        let id = shift.all_ids().remove(0);
        let answer = shift.script(&[&id], "echo $AWS_SSM_REGION_NAME", 60);
        assert_eq!(answer["StandardOutputContent"], format!("{region}\n"));
    }
}

#[test]
fn one_script_on_hosts_in_the_same_state_is_run_a_few_times_only() {
    let mut text = "name = \"many\"\nseed = 3\n[[accounts]]\nname = \"one\"\n[fleet]\nregions = [\"eu-central-1\"]\ninstances_per_cell = 0\n".to_owned();
    text += "[[instances]]\naccount = \"one\"\ncount = 300\n[instances.tags]\nTier = \"app\"\n";
    let mut shift = Shift::of(&text);
    let all = shift.all_ids();
    for batch in all.chunks(50) {
        // Each batch's text names all of its hosts with their boots, as a guarded reboot does.
        let entries: Vec<String> = batch.iter().map(|id| format!("{id}={}", shift.boot_id(id))).collect();
        let text = format!(
            "for entry in {}; do case $entry in $AWS_SSM_INSTANCE_ID=*) echo ${{entry#*=}}; esac; done; cat /proc/sys/kernel/random/boot_id",
            entries.join(" ")
        );
        let command = shift.send(json!({"InstanceIds": batch}), &text);
        shift.pass(60);
        for id in batch {
            let boot = shift.boot_id(id);
            let answer = shift.invocation(&command, id);
            assert_eq!(answer["StandardOutputContent"], format!("{boot}\n{boot}\n"));
        }
    }
    let executions = shift.region().hosts.environment().executions();
    assert!(executions <= 200, "{executions}");
}

#[test]
fn each_way_an_invocation_can_go_wrong_has_its_own_details() {
    assert_eq!(ends("kind = \"access_denied\"", 60), "AccessDenied");
    assert_eq!(ends("kind = \"terminated\"", 60), "Terminated");
    assert_eq!(ends("kind = \"execution_timeout\"", 3_700), "ExecutionTimedOut");
    assert_eq!(ends("kind = \"agent_lost\"", 60), "Delayed");
    assert_eq!(ends("kind = \"agent_lost\"", 3_700), "DeliveryTimedOut");
    assert_eq!(ends("kind = \"command_never_received\"", 60), "Pending");
    assert_eq!(ends("kind = \"command_never_received\"", 3_700), "DeliveryTimedOut");
    assert_eq!(ends("kind = \"command_never_received\"\nuntil = \"2020-01-01T00:00:00Z\"", 60), "Success");
}

#[test]
fn an_agent_that_is_lost_is_seen_to_be_lost() {
    let mut shift = Shift::new("kind = \"agent_lost\"\ninstance = \"web-1\"");
    let id = shift.id("web-1");
    shift.pass(600);
    assert_eq!(shift.ping(&id).0, "ConnectionLost");
    let id = shift.id("web-2");
    assert_eq!(shift.ping(&id).0, "Online");
}

#[test]
fn a_command_that_waits_for_an_agent_is_delivered_when_it_is_heard_again() {
    let until = Shift::new("").now() + jiff::SignedDuration::from_mins(20);
    let rule = format!("kind = \"agent_lost\"\nuntil = \"{until}\"");
    assert_eq!(ends(&rule, 600), "Delayed");
    assert_eq!(ends(&rule, 1_300), "Success");
}

#[test]
fn a_patch_that_fails_is_told_after_the_reboot_for_the_others() {
    let mut shift = Shift::new("kind = \"patch_fails\"\ninstance = \"web-1\"\npatch = \"ALAS2023-2026-8*\"");
    let id = shift.id("web-1");
    let command = shift.patch(&id, &[("Operation", "Install")], 3_600);
    let state = shift.patch_state(&id);
    assert!(state["FailedCount"].as_u64() > Some(0), "{state}");
    let answer = shift.invocation(&command, &id);
    assert_eq!((answer["Status"].clone(), answer["ResponseCode"].clone()), (json!("Failed"), json!(1)));
}

#[test]
fn an_agent_that_never_returns_leaves_the_boot_done_and_the_node_silent() {
    let mut shift = Shift::new("kind = \"agent_never_returns\"\ninstance = \"web-1\"");
    let id = shift.id("web-1");
    shift.send(json!({"InstanceIds": [id]}), "shutdown -r now");
    shift.pass(3_000);
    assert!(shift.host(&id, |view| view.is_up()));
    assert_eq!(shift.ping(&id).0, "ConnectionLost");
}

#[test]
fn a_full_disk_shows_and_fails_every_patch() {
    let mut shift = Shift::new("kind = \"disk_full\"\ninstance = \"web-1\"");
    let id = shift.id("web-1");
    assert_eq!(told(&mut shift, "web-1", "df --output=pcent / | tail -1"), "99%\n");
    let command = shift.patch(&id, &[("Operation", "Install")], 3_600);
    assert_eq!(shift.invocation(&command, &id)["Status"], "Failed");
    let state = shift.patch_state(&id);
    assert!(state["FailedCount"].as_u64() > Some(0), "{state}");
    assert_eq!(shift.reboots(&id), 0);
}

#[test]
fn a_patch_can_break_a_service_and_the_health_of_the_application() {
    let mut shift = Shift::new("kind = \"patch_breaks_service\"\ninstance = \"web-1\"");
    let id = shift.id("web-1");
    let ask = "systemctl is-active nginx; curl -s -o /dev/null -w '%{http_code}' localhost || true";
    assert_eq!(told(&mut shift, "web-1", &format!("{ask}; true")), "active\n200");
    shift.patch(&id, &[("Operation", "Install")], 3_600);
    assert_eq!(told(&mut shift, "web-1", &format!("{ask}; true")), "failed\n000");
    let alarms = shift.watch("DescribeAlarms", json!({"StateValue": "ALARM"})).expect("it answers");
    assert_eq!(alarms["MetricAlarms"][0]["AlarmName"], "web-health");
}

#[test]
fn a_patch_can_leave_an_account_behind_on_the_hosts_it_is_installed_on() {
    let mut shift = Shift::new("kind = \"patch_adds_user\"\nuser = \"helper\"");
    assert_eq!(told(&mut shift, "web-1", "getent passwd ec2-user | cut -d: -f3,7"), "1000:/bin/bash\n");
    assert_eq!(told(&mut shift, "web-4", "getent -s files passwd | grep -c nologin"), "4\n");
    assert_eq!(told(&mut shift, "web-1", "getent passwd helper || echo $?"), "2\n");
    for (name, group, before, after) in [
        ("web-1", "wheel", "ec2-user\n", "ec2-user,helper\n"),
        ("web-4", "sudo", "ubuntu\n", "ubuntu,helper\n"),
    ] {
        let administrators = format!("getent group {group} | cut -d: -f4");
        assert_eq!(told(&mut shift, name, &administrators), before);
        let id = shift.id(name);
        for _ in 0..2 {
            shift.patch(&id, &[("Operation", "Install"), ("RebootOption", "NoReboot")], 3_600);
        }
        assert_eq!(told(&mut shift, name, &administrators), after);
    }
    let names = |view: &fleetwright_estate::world::host::HostView<'_>| {
        view.accounts().iter().map(|account| account.name.to_string()).collect::<Vec<_>>()
    };
    let id = shift.id("web-2");
    assert!(!shift.host(&id, names).contains(&"helper".to_owned()), "nobody patched it");
}

#[test]
fn a_patch_can_brick_the_boot() {
    let mut shift = Shift::new("kind = \"patch_bricks_boot\"\ninstance = \"web-1\"");
    let id = shift.id("web-1");
    let command = shift.patch(&id, &[("Operation", "Install")], 1_800);
    assert!(!shift.host(&id, |view| view.is_up()));
    assert_eq!(shift.invocation(&command, &id)["Status"], "InProgress");
    shift.pass(7_200);
    assert_eq!(shift.invocation(&command, &id)["StatusDetails"], "ExecutionTimedOut");
    assert_eq!(shift.host(&id, |view| view.instance.checks.instance.summary()), "impaired");
}

#[test]
fn a_lost_report_leaves_the_host_patched_and_the_state_old() {
    let mut shift = Shift::new("kind = \"report_lost\"\ninstance = \"web-1\"");
    let id = shift.id("web-1");
    shift.patch(&id, &[("Operation", "Scan")], 600);
    let before = shift.patch_state(&id);
    let command = shift.patch(&id, &[("Operation", "Install")], 3_600);
    assert_eq!(shift.invocation(&command, &id)["Status"], "InProgress");
    assert_eq!(shift.patch_state(&id), before);
    assert!(shift.host(&id, |view| view.host.software.missing.is_empty()));
    shift.pass(7_200);
    assert_eq!(shift.invocation(&command, &id)["Status"], "TimedOut");
}

#[test]
fn a_host_that_needs_a_reboot_says_so_until_it_had_one() {
    let mut shift = Shift::new("kind = \"needs_reboot\"");
    let debian = "[ -e /var/run/reboot-required ] && echo yes || echo no";
    let rpm = "dnf needs-restarting -r >/dev/null; echo $?";
    assert_eq!(told(&mut shift, "web-4", debian), "yes\n");
    assert_eq!(told(&mut shift, "web-1", rpm), "1\n");
    for name in ["web-1", "web-4"] {
        told(&mut shift, name, "shutdown -r now");
    }
    shift.pass(400);
    assert_eq!(told(&mut shift, "web-4", debian), "no\n");
    assert_eq!(told(&mut shift, "web-1", rpm), "0\n");
}

#[test]
fn locks_repositories_load_memory_and_services_can_be_in_a_bad_way() {
    for (kind, name, text, expected) in [
        ("package_lock", "web-4", "fuser /var/lib/dpkg/lock-frontend", " 1201\n"),
        ("package_lock", "web-4", "apt-get check 2>/dev/null; echo $?", "100\n"),
        ("repository_unreachable", "web-1", "dnf -q check-update 2>/dev/null; echo $?", "1\n"),
        ("load_high", "web-1", "cut -d' ' -f1 /proc/loadavg", "8.00\n"),
        ("memory_low", "web-1", "free -m | awk '/^Mem/ { print ($7 < 200) }'", "1\n"),
        (
            "service_down",
            "web-1",
            "systemctl --failed --no-legend --plain | cut -d' ' -f1",
            "nginx.service\n",
        ),
        (
            "app_slow",
            "web-1",
            "curl -s -o /dev/null -w '%{http_code} %{time_total}' localhost/healthz",
            "200 0.200000",
        ),
        ("app_unhealthy", "web-1", "curl -s -o /dev/null -w '%{http_code}' localhost/healthz", "503"),
        (
            "app_unhealthy",
            "web-1",
            "for _ in 1 2; do curl -s -o /dev/null -w '%{http_code}\\n' localhost/healthz; done",
            "503\n503\n",
        ),
    ] {
        let mut shift = Shift::new(&format!("kind = \"{kind}\""));
        assert_eq!(told(&mut shift, name, text), expected, "{kind}");
    }
}

#[test]
fn an_application_can_turn_ill_after_the_patch_only() {
    let mut shift = Shift::new("kind = \"app_unhealthy\"\nwhen = \"after_patch\"\ninstance = \"web-1\"");
    let id = shift.id("web-1");
    assert_eq!(shift.host(&id, |view| view.health_status()), Some(200));
    shift.patch(&id, &[("Operation", "Install"), ("RebootOption", "NoReboot")], 3_600);
    assert_eq!(shift.host(&id, |view| view.health_status()), Some(503));
}

#[test]
fn an_application_can_turn_slow_after_the_patch_and_answers_always_alike() {
    let timed = "curl -s -o /dev/null -w '%{time_total}' localhost/healthz";
    let mut shift = Shift::new("kind = \"app_slow\"\nwhen = \"after_patch\"\ninstance = \"web-1\"");
    assert_eq!(told(&mut shift, "web-1", timed), "0.004000");
    let id = shift.id("web-1");
    shift.patch(&id, &[("Operation", "Install"), ("RebootOption", "NoReboot")], 3_600);
    assert_eq!(told(&mut shift, "web-1", timed), "0.200000");
    assert_eq!(shift.host(&id, |view| view.health_status()), Some(200), "slow is not ill");
}

#[test]
fn the_share_of_a_rule_decides_by_host_and_never_twice_differently() {
    let struck = || {
        let mut shift = Shift::new("kind = \"service_down\"\nshare = 0.5");
        (1..=4)
            .map(|n| {
                let id = shift.id(&format!("web-{n}"));
                shift.host(&id, |view| view.suffers(HostFaultKind::ServiceDown))
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(struck(), struck());
}

#[test]
fn processors_are_busy_after_a_patch_where_a_rule_says_so_and_not_before() {
    let mut shift = Shift::new("kind = \"cpu_high_after_patch\"\ninstance = \"web-1\"");
    let id = shift.id("web-1");
    let start = shift.now().as_second();
    shift.patch(&id, &[("Operation", "Install"), ("RebootOption", "NoReboot")], 3_600);
    let query = json!({"Id": "cpu", "MetricStat": {"Period": 60, "Stat": "Average", "Metric": {
        "Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Dimensions": [{"Name": "InstanceId", "Value": id}],
    }}});
    let ask = json!({
        "MetricDataQueries": [query], "StartTime": start, "EndTime": start + 3_600, "ScanBy": "TimestampAscending",
    });
    let answer = shift.watch("GetMetricData", ask).expect("it answers");
    let values = answer["MetricDataResults"][0]["Values"].as_array().expect("values");
    assert_eq!(values.len(), 60);
    assert!(values[0].as_f64() < Some(20.0) && values[59].as_f64() > Some(90.0), "{values:?}");
}

#[test]
fn what_is_put_is_what_is_got_by_period_and_statistic() {
    let mut shift = Shift::new("");
    let start = shift.now().as_second().div_euclid(60) * 60;
    let data: Vec<Value> = [(0, 1.0), (30, 3.0), (60, 7.0)]
        .iter()
        .map(|(second, value)| json!({"MetricName": "runs", "Timestamp": start + second, "Value": value}))
        .collect();
    shift.watch("PutMetricData", json!({"Namespace": "Fleet", "MetricData": data})).expect("it is put");
    shift.pass(600);
    let query = |stat: &str| json!({"Id": "m", "MetricStat": {"Period": 60, "Stat": stat, "Metric": {"Namespace": "Fleet", "MetricName": "runs"}}});
    for (stat, expected) in [
        ("Average", json!([7.0, 2.0])),
        ("Sum", json!([7.0, 4.0])),
        ("Maximum", json!([7.0, 3.0])),
        ("p50", json!([7.0, 1.0])),
        ("p99.9", json!([7.0, 3.0])),
    ] {
        let ask = json!({"MetricDataQueries": [query(stat)], "StartTime": start, "EndTime": start + 300});
        let answer = shift.watch("GetMetricData", ask).expect("it answers");
        assert_eq!(answer["MetricDataResults"][0]["Values"], expected, "{stat}");
    }
    let many: Vec<Value> = (0..501).map(|_| query("Sum")).collect();
    let ask = json!({"MetricDataQueries": many, "StartTime": start, "EndTime": start + 300});
    assert_eq!(code(shift.watch("GetMetricData", ask)), "InvalidParameterValue");
}
