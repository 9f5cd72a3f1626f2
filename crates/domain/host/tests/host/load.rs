//! The load test: run for real against a scripted curl, read, and compared.

use fleetwright_host::comparison::Weight;
use fleetwright_host::questions::Repositories;
use fleetwright_host::{
    ChangeKind, Comparison, ComparisonVerdict, Load, LoadCheck, LoadExpected, LoadFigures, LoadLimits,
    LoadPace, LoadTarget, Questions, Reading, Request, SurveyReport, compare_with_load, survey,
};
use proptest::prelude::*;

use crate::distributions::amazon_linux_2023;
use crate::hostile::report;
use crate::sandbox::{Host, shells_with_programs};

const URL: &str = "http://localhost:8080/search?q=1";
const OTHER: &str = "http://localhost:8080/";

fn targets(requests: u32, urls: &[&str]) -> Vec<LoadTarget> {
    urls.iter().map(|url| LoadTarget::read(url, requests)).collect()
}

fn asked(load: Vec<LoadTarget>) -> Request {
    Request::Survey(Questions { load, repositories: Repositories::Skip, ..Questions::default() })
}

/// A curl that answers the n-th request with the n-th of `answers`, over and over.
fn curl(host: &Host, answers: &[&str]) {
    let file = host.path("/var/asked");
    let file = file.display();
    let cases: String =
        answers.iter().enumerate().map(|(n, answer)| format!("{n}) echo '{answer}' ;;\n")).collect();
    host.tool(
        "curl",
        &format!(
            "n=$(cat {file} 2>/dev/null || echo 0)\necho $((n + 1)) >{file}\ncase $((n % {})) in\n{cases}esac",
            answers.len()
        ),
    );
}

fn figures(report: &SurveyReport, url: &str) -> LoadFigures {
    let load = report.load.iter().find(|load| load.url == url);
    load.and_then(|load| load.figures).expect("measured")
}

#[test]
fn good_answers_are_timed_and_failures_counted_in_every_shell() {
    for (name, shell) in shells_with_programs() {
        let host = amazon_linux_2023();
        curl(&host, &["200 0.010", "200 0.020", "503 0.001", "204 0.030", "000 5.000"]);
        let report = host.survey(&shell, &asked(targets(10, &[URL])));
        // Good are 10, 20 and 30 ms, twice each: 120 ms for six.
        let expected = LoadFigures { ok: 6, failed: 4, p50_ms: 20, p95_ms: 30, per_second_tenths: 500 };
        assert_eq!(figures(&report, URL), expected, "{name}");
        assert!(report.to_string().contains("6 good, 4 failed, p50 20 ms, p95 30 ms, 50.0/s"), "{report}");
    }
}

#[test]
fn an_endpoint_without_a_good_answer_has_no_latency() {
    for (name, shell) in shells_with_programs() {
        let host = amazon_linux_2023();
        curl(&host, &["000 0.000"]);
        let report = host.survey(&shell, &asked(targets(5, &[URL])));
        let expected = LoadFigures { ok: 0, failed: 5, p50_ms: 0, p95_ms: 0, per_second_tenths: 0 };
        assert_eq!(figures(&report, URL), expected, "{name}");
    }
}

#[test]
fn without_curl_nothing_is_measured_and_without_a_question_nothing_is_asked() {
    let host = amazon_linux_2023();
    host.without("curl").tool("wget", "exit 0");
    for (name, shell) in shells_with_programs() {
        let report = host.survey(&shell, &asked(targets(5, &[URL])));
        assert_eq!(report.load, [Load { url: URL.into(), figures: None }], "{name}");
        assert_eq!(host.survey(&shell, &asked(Vec::new())).load, [], "{name}");
    }
}

#[test]
fn a_slow_endpoint_ends_after_its_share_of_the_time_and_leaves_the_others_theirs() {
    for (name, shell) in shells_with_programs() {
        let host = amazon_linux_2023();
        curl(&host, &["200 1.000"]);
        // Every look takes a second: two looks to begin with, then one per request.
        clock(&host, 1);
        let report = host.survey(&shell, &asked(targets(200, &[URL, OTHER])));
        let made = [figures(&report, URL).ok, figures(&report, OTHER).ok];
        assert!(made.iter().all(|made| (4..=7).contains(made)), "{name}: {made:?}");
    }
}

/// A clock on which every look takes so many seconds, and a sleep as long as it says.
fn clock(host: &Host, seconds_per_look: u32) {
    let file = host.path("/var/clock");
    let file = file.display();
    let look = format!("n=$(cat {file} 2>/dev/null || echo 1000)\n");
    host.tool("date", &format!("{look}echo $((n + {seconds_per_look})) >{file}\necho $n"));
    let slept = host.path("/var/slept");
    let slept = slept.display();
    let count = format!("s=$(cat {slept} 2>/dev/null || echo 0)\necho $((s + $1)) >{slept}");
    host.tool("sleep", &format!("{look}echo $((n + $1)) >{file}\n{count}"));
}

fn paced(requests: u32, pace: LoadPace) -> Request {
    let Request::Survey(questions) = asked(targets(requests, &[URL])) else { panic!("a survey") };
    Request::Survey(Questions { pace, ..questions })
}

#[test]
fn requests_keep_to_the_rate_that_was_asked_for() {
    for (name, shell) in shells_with_programs() {
        let host = amazon_linux_2023();
        curl(&host, &["200 0.010"]);
        clock(&host, 0);
        let report = host.survey(&shell, &paced(10, LoadPace { per_second: 4, seconds: 60 }));
        assert_eq!(figures(&report, URL).ok, 10, "{name}");
        // Four in each of two seconds, and two in the third.
        assert_eq!(std::fs::read_to_string(host.path("/var/slept")).expect("slept").trim(), "2", "{name}");
    }
}

#[test]
fn a_test_takes_as_long_as_was_asked_for_and_no_longer() {
    for (name, shell) in shells_with_programs() {
        for (seconds, about) in [(5, 2..=4), (30, 25..=29)] {
            let host = amazon_linux_2023();
            curl(&host, &["200 0.010"]);
            clock(&host, 1);
            let report = host.survey(&shell, &paced(2_000, LoadPace { per_second: 0, seconds }));
            let made = figures(&report, URL).ok;
            assert!(about.contains(&made), "{name}: {made} in {seconds} s");
        }
    }
}

#[test]
fn an_answer_is_good_that_has_the_status_that_was_expected() {
    for (name, shell) in shells_with_programs() {
        let host = amazon_linux_2023();
        curl(&host, &["301 0.010", "200 0.020", "404 0.030"]);
        let report = host.survey(&shell, &asked(targets(6, &[&format!("404={URL}")])));
        let expected = LoadFigures { ok: 2, failed: 4, p50_ms: 30, p95_ms: 30, per_second_tenths: 333 };
        assert_eq!(figures(&report, URL), expected, "{name}: the answer names the address alone");
    }
}

#[test]
fn figures_that_make_no_sense_are_not_taken_for_a_measurement() {
    for line in
        ["1 0 5 4 10", "2001 0 1 1 10", "1 0 1 1", "-1 0 1 1 1", "1 0 1 99999 1", "5000000000 0 1 1 1"]
    {
        let text = format!("fleetwright/survey/1\nload={line} {URL}\nend=1\n");
        let Reading::Whole(report) = survey::parse(&text).expect("an answer") else { panic!("whole") };
        assert_eq!((report.load, report.unread), (vec![], vec!["load".to_owned()]), "{line}");
    }
}

fn measured(ok: u32, failed: u32, p95_ms: u32, per_second_tenths: u32) -> SurveyReport {
    let figures = LoadFigures { ok, failed, p50_ms: p95_ms / 2, p95_ms, per_second_tenths };
    SurveyReport { load: vec![Load { url: URL.into(), figures: Some(figures) }], ..report() }
}

fn compared(before: SurveyReport, after: SurveyReport) -> Comparison {
    let check = LoadCheck { targets: targets(100, &[URL]), limits: LoadLimits::default() };
    compare_with_load(Some(&Reading::Whole(before)), Some(&Reading::Whole(after)), &check)
}

fn worse(compared: &Comparison) -> Vec<String> {
    let worse = compared.changes.iter().filter(|it| it.weight == Weight::Worse);
    worse
        .inspect(|it| assert_eq!((it.kind, it.subject.as_str()), (ChangeKind::Load, URL)))
        .map(|it| format!("{} -> {}", it.before, it.after))
        .collect()
}

#[test]
fn latency_errors_and_throughput_are_each_worse_by_their_own_limit() {
    let before = || measured(100, 0, 60, 250);
    assert_eq!(worse(&compared(before(), measured(100, 0, 91, 250))), ["p95 60 ms -> p95 91 ms"]);
    assert_eq!(worse(&compared(before(), measured(98, 2, 60, 250))), ["0 of 100 failed -> 2 of 100 failed"]);
    assert_eq!(worse(&compared(before(), measured(100, 0, 60, 174))), ["25.0/s -> 17.4/s"]);
    let well = compared(before(), measured(99, 1, 90, 175));
    assert_eq!((well.verdict, worse(&well)), (ComparisonVerdict::Same, vec![]));
}

#[test]
fn what_is_expected_in_any_case_holds_whatever_was_before() {
    let expected =
        LoadExpected { p95_ms_max: Some(100), failed_percent_max: Some(2), per_second_min: Some(20) };
    let limits = LoadLimits { expected, ..LoadLimits::default() };
    let compared = |before: SurveyReport, after: SurveyReport| {
        let check = LoadCheck { targets: targets(100, &[URL]), limits };
        compare_with_load(Some(&Reading::Whole(before)), Some(&Reading::Whole(after)), &check)
    };
    // As bad as before is no excuse.
    let bad = || measured(90, 10, 300, 150);
    assert_eq!(
        worse(&compared(bad(), bad())),
        [
            "20/s expected -> 15.0/s",
            "at most 2 % may fail -> 10 of 100 failed",
            "p95 100 ms expected -> p95 300 ms",
        ]
    );
    // Nor is it one that nothing was measured before.
    let none = SurveyReport { load: vec![Load { url: URL.into(), figures: None }], ..report() };
    assert_eq!(compared(none, bad()).verdict, ComparisonVerdict::Worse);
    let at_the_limit = compared(measured(100, 0, 90, 210), measured(98, 2, 100, 200));
    assert!(!worse(&at_the_limit).iter().any(|it| it.contains("expected") || it.contains("may fail")));
}

#[test]
fn the_median_is_compared_like_the_95th_percentile() {
    let figures = |p50_ms| LoadFigures { ok: 100, failed: 0, p50_ms, p95_ms: 200, per_second_tenths: 100 };
    let measured = |p50_ms| SurveyReport {
        load: vec![Load { url: URL.into(), figures: Some(figures(p50_ms)) }],
        ..report()
    };
    assert_eq!(worse(&compared(measured(60), measured(91))), ["p50 60 ms -> p50 91 ms"]);
    assert_eq!(worse(&compared(measured(60), measured(90))), Vec::<String>::new());
}

#[test]
fn what_fails_wholly_is_worse_and_what_did_so_before_was_not_compared() {
    assert_eq!(
        worse(&compared(measured(100, 0, 60, 250), measured(0, 100, 0, 0))),
        ["0 of 100 failed -> 100 of 100 failed"]
    );
    let broken = compared(measured(0, 100, 0, 0), measured(0, 100, 0, 0));
    assert_eq!(broken.verdict, ComparisonVerdict::NotEvaluated);
}

#[test]
fn a_few_milliseconds_are_the_machines_own_jitter() {
    // p95 has tripled and the throughput halved, by a handful of milliseconds.
    let jitter = compared(measured(100, 0, 5, 2_500), measured(100, 0, 15, 1_250));
    assert_eq!((jitter.verdict, worse(&jitter)), (ComparisonVerdict::Same, vec![]));
}

#[test]
fn what_was_not_measured_at_either_time_is_never_a_pass() {
    let unknown = || SurveyReport { load: vec![Load { url: URL.into(), figures: None }], ..report() };
    for (before, after) in [
        (report(), measured(100, 0, 60, 250)),
        (measured(100, 0, 60, 250), report()),
        (unknown(), measured(100, 0, 60, 250)),
        (measured(100, 0, 60, 250), unknown()),
        (report(), report()),
    ] {
        let compared = compared(before, after);
        assert_eq!(compared.verdict, ComparisonVerdict::NotEvaluated);
        assert!(compared.changes[0].to_string().contains("not measured"), "{}", compared.changes[0]);
    }
}

proptest! {
    #[test]
    fn figures_of_any_size_are_read_and_compared_without_panic(
        words in prop::collection::vec(any::<u32>(), 10), limits in any::<[u32; 3]>()
    ) {
        let read = |words: &[u32]| {
            let words: Vec<_> = words.iter().map(u32::to_string).collect();
            let text = format!("fleetwright/survey/1\nload={} {URL}\nend=1\n", words.join(" "));
            survey::parse(&text).expect("an answer")
        };
        let limits = LoadLimits {
            latency_rise_percent: limits[0], error_points: limits[1], throughput_drop_percent: limits[2],
            expected: LoadExpected {
                p95_ms_max: Some(limits[0]), failed_percent_max: Some(limits[1]), per_second_min: Some(limits[2]),
            },
        };
        let check = LoadCheck { targets: targets(1, &[URL]), limits };
        let _ = compare_with_load(Some(&read(&words[..5])), Some(&read(&words[5..])), &check);
        let raw = |words: &[u32]| LoadFigures {
            ok: words[0], failed: 0, p50_ms: words[1], p95_ms: words[2], per_second_tenths: words[3],
        };
        let whole = |words: &[u32]| Reading::Whole(SurveyReport {
            load: vec![Load { url: URL.into(), figures: Some(raw(words)) }], ..SurveyReport::default()
        });
        let _ = compare_with_load(Some(&whole(&words[..5])), Some(&whole(&words[5..])), &check);
    }
}
