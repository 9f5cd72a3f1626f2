//! The record of a run and its views: what is told once is told everywhere, and secrets nowhere.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::sync::Arc;

use fleetwright_flow::{
    Direction, Epoch, Event, FailedStep, Record, Run, Sequence, Signal, StepIndex, TargetId,
};
use fleetwright_model::{ErrorClass, PatchStatus, Text, code};
use fleetwright_patch::outcome::{HostOutcome, results, run_outcome};
use fleetwright_patch::plan::notes::{self, VerifyNote, step};
use fleetwright_patch::plan::{PatchPlan, PlanDocument};
use fleetwright_report::evidence::{
    ErrorSubject, Folding, HostFiles, PatchRecord, RunRecord, StepOutcome, TrendPoint, fold,
};
use fleetwright_report::fields::{self, Dimension, Instances, Need, Subject, Visitor};
use fleetwright_report::record::SharedTexts;
use fleetwright_report::{run_text, views};

/// A running host, a stopped one and a region to clean up; records told one by one.
struct Tale {
    plan: PatchPlan,
    digest: Text,
    run: Run,
    records: Vec<Record>,
    files: HashMap<TargetId, HostFiles>,
    earlier: Vec<TrendPoint>,
}

impl Tale {
    fn begun() -> Self {
        let bytes = include_bytes!("../../patch/testdata/formats/1.0/plan.json");
        let plan = PlanDocument::read(bytes).expect("a plan").into_plan();
        let run = Run::open(Arc::new(plan.flow.clone()));
        let mut tale = Self {
            plan,
            digest: "digest".into(),
            run,
            records: Vec::new(),
            files: HashMap::new(),
            earlier: Vec::new(),
        };
        tale.tell(Event::Opened { format: Record::FORMAT, plan: "digest".into() });
        tale
    }

    fn tell(&mut self, event: Event) {
        let at = self.plan.flow.created_at + jiff::SignedDuration::from_secs(10 * self.records.len() as i64);
        let record = Record { seq: Sequence(self.records.len() as u64 + 1), epoch: Epoch(1), at, event };
        self.run.apply(&record).expect("legal");
        self.records.push(record);
    }

    /// Carries out whatever may start, until nothing may; `ends` says how a step of a host ends.
    fn walk(&mut self, ends: impl Fn(&str) -> Result<Option<Text>, (&'static str, Text)>) {
        loop {
            let commands = self.run.next(self.plan.flow.created_at);
            if commands.is_empty() {
                let Some(stage) = self.run.gate_waiting() else { return };
                let basis = self.run.basis(stage);
                let (signal, reason) = (Signal::Approve(stage), Some("password=hunter2 is in CHG7".into()));
                self.tell(Event::Signalled { signal, by: "ann".into(), basis, reason, mail: None });
            }
            commands.into_iter().for_each(|command| self.tell(command.event()));
            let flights: Vec<_> = self.run.in_flight().collect();
            for flight in flights {
                let (target, step, direction) = (flight.target, flight.step, flight.direction);
                let recipe = self.plan.flow.recipe_of(target);
                let steps = if direction.is_do() { &recipe.steps } else { &recipe.undo };
                let event = match ends(&steps[step.index()].name) {
                    Ok(note) => Event::Succeeded { target, step, direction, note, finding: None },
                    Err((code, message)) => {
                        let class = ErrorClass::Permanent;
                        let failure = FailedStep { class, code: code.into(), message, retry_at: None };
                        Event::Failed { target, step, direction, failure }
                    }
                };
                self.tell(event);
            }
        }
    }

    fn record(&self) -> RunRecord<'_> {
        let results = results(&self.plan, &self.run, &self.records);
        fold(Folding {
            run: "run-1",
            digest: &self.digest,
            plan: &self.plan,
            state: &self.run,
            records: &self.records,
            outcome: run_outcome(&self.plan, &self.run, &results),
            fleetwright: "0",
            now: self.records.last().expect("opened").at,
            calls: Default::default(),
            inventory: Vec::new(),
            files: self.files.clone(),
            earlier: self.earlier.clone(),
            audit: None,
        })
    }
}

fn verified(missing: u32) -> Text {
    notes::write(&VerifyNote {
        installed: 10,
        missing,
        failed: 0,
        pending_reboot: 0,
        rejected: 0,
        critical: 0,
        drift: None,
    })
}

/// Every view of a record, by name.
fn views_of(record: &RunRecord<'_>) -> Vec<(&'static str, String)> {
    let mut made = Vec::new();
    let mut bytes = |name, write: &dyn Fn(&mut Vec<u8>) -> std::io::Result<()>| {
        let mut out = Vec::new();
        write(&mut out).expect("memory takes everything");
        made.push((name, String::from_utf8(out).expect("UTF-8")));
    };
    bytes("json", &|out| views::json::write(out, record));
    bytes("line", &|out| views::json::write_line(out, record));
    bytes("xml", &|out| views::xml::write(out, record));
    bytes("junit", &|out| views::junit::write(out, record));
    type Words = fn(&mut String, &RunRecord<'_>) -> std::fmt::Result;
    let words: [(&str, Words); 4] = [
        ("text", |out, record| run_text::write_text(out, record)),
        ("errors", |out, record| views::errors::write(out, record)),
        ("compliance", |out, record| views::compliance::write(out, record)),
        ("executive", |out, record| views::executive::write(out, record)),
    ];
    for (name, write) in words {
        let mut text = String::new();
        write(&mut text, record).expect("a string takes everything");
        made.push((name, text));
    }
    struct Tables<'a>(&'a RunRecord<'a>, Vec<u8>);
    impl Visitor for Tables<'_> {
        type Error = std::io::Error;
        fn visit<S: Subject>(&mut self) -> std::io::Result<()> {
            views::csv::write::<S>(&mut self.1, self.0)
        }
    }
    let mut tables = Tables(record, Vec::new());
    fields::each(&mut tables).expect("memory takes everything");
    made.push(("csv", String::from_utf8(tables.1).expect("UTF-8")));
    made
}

#[test]
fn every_table_has_a_name_of_its_own_and_columns_that_say_what_they_are() {
    struct Names(BTreeSet<&'static str>);
    impl Visitor for Names {
        type Error = Infallible;
        fn visit<S: Subject>(&mut self) -> Result<(), Infallible> {
            assert!(self.0.insert(S::NAME), "{} twice", S::NAME);
            let mut names = BTreeSet::new();
            for column in S::columns() {
                assert!(names.insert(column.name), "{}.{} twice", S::NAME, column.name);
                let plain =
                    column.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit());
                assert!(plain, "{}.{} is no plain name", S::NAME, column.name);
                assert!(column.doc.ends_with('.'), "{}.{}: {}", S::NAME, column.name, column.doc);
            }
            Ok(())
        }
    }
    let mut names = Names(BTreeSet::new());
    let Ok(()) = fields::each(&mut names);
    assert_eq!(names.0.len(), views::json::tables().len());
}

#[test]
fn a_column_that_always_has_a_value_has_one_in_every_row() {
    struct Needs<'a>(&'a RunRecord<'a>, usize);
    impl Visitor for Needs<'_> {
        type Error = Infallible;
        fn visit<S: Subject>(&mut self) -> Result<(), Infallible> {
            for row in S::rows(self.0) {
                for column in S::columns() {
                    let value = column.value(self.0, row);
                    let (absent, unread) = (fields::Value::Absent, fields::Value::NotChecked);
                    assert!(column.need != Need::Always || value != absent, "{}.{}", S::NAME, column.name);
                    assert!(
                        column.need == Need::MayBeUnread || value != unread,
                        "{}.{}",
                        S::NAME,
                        column.name
                    );
                    self.1 += 1;
                }
            }
            Ok(())
        }
    }
    let mut tale = Tale::begun();
    tale.walk(|name| if name == step::PATCH { Err((code::PATCH_FAILED.id, "no".into())) } else { Ok(None) });
    let record = tale.record();
    let mut needs = Needs(&record, 0);
    let Ok(()) = fields::each(&mut needs);
    assert!(needs.1 > 300, "{} cells", needs.1);
}

#[test]
fn no_view_shows_a_secret_that_a_host_a_person_or_a_patch_title_gave_away() {
    let mut tale = Tale::begun();
    tale.walk(|name| match name {
        step::PATCH => Err((code::PATCH_FAILED.id, "curl -u token=hunter2 https://bob:hunter2@repo".into())),
        _ => Ok(None),
    });
    let patch = PatchRecord {
        title: "api_key=hunter2".into(),
        kb: "kb".into(),
        classification: "Security".into(),
        severity: "Critical".into(),
        state: PatchStatus::Missing,
        installed_at: None,
        cves: vec!["CVE-2026-1".into()],
    };
    let mut files = HostFiles { patches: vec![patch], ..HostFiles::default() };
    files.clear(&mut SharedTexts::default());
    tale.files.insert(TargetId(0), files);
    for (name, text) in views_of(&tale.record()) {
        assert!(!text.contains("hunter2"), "{name} shows the secret");
        if ["json", "xml", "csv", "errors"].contains(&name) {
            assert!(text.contains("(hidden)"), "{name} says that something was hidden");
        }
    }
}

#[test]
fn errors_are_grouped_by_code_with_class_hosts_and_what_to_do() {
    let mut tale = Tale::begun();
    tale.walk(
        |name| if name == step::PATCH { Err((code::PATCH_FAILED.id, "no space".into())) } else { Ok(None) },
    );
    let record = tale.record();
    let group = record.errors.iter().find(|group| *group.code == *code::PATCH_FAILED.id).expect("a group");
    assert_eq!((group.subject, group.class), (ErrorSubject::Host, Some(ErrorClass::Permanent)));
    assert_eq!((group.hosts.len(), group.decided, group.attempts), (2, 2, 2));
    assert_eq!(group.example.as_deref(), Some("no space"));
    assert_eq!(group.next_step, code::PATCH_FAILED.next_step);
    let words = &views_of(&record).into_iter().find(|(name, _)| *name == "errors").expect("a view").1;
    assert!(words.contains("2 instances met it") && words.contains(code::PATCH_FAILED.next_step), "{words}");
    let failed = record.hosts.iter().find(|host| host.outcome == HostOutcome::Failed).expect("failed");
    assert_eq!(failed.last(step::PATCH).map(|visit| visit.outcome), Some(StepOutcome::Failed));
    assert_eq!(failed.class, Some(ErrorClass::Permanent));
}

#[test]
fn compliance_is_added_up_over_parts_and_open_patches_are_counted_by_severity_and_cve() {
    let mut tale = Tale::begun();
    tale.walk(|name| Ok((name == step::VERIFY).then(|| verified(2))));
    let patch = |cve: &str, state| PatchRecord {
        title: "openssl".into(),
        kb: "openssl.x86_64".into(),
        classification: "Security".into(),
        severity: "Critical".into(),
        state,
        installed_at: None,
        cves: vec![cve.into()],
    };
    let patches =
        vec![patch("CVE-2026-1", PatchStatus::Missing), patch("CVE-2026-2", PatchStatus::Installed)];
    tale.files.insert(TargetId(0), HostFiles { patches, ..HostFiles::default() });
    tale.earlier = vec![TrendPoint {
        run: "run-0".into(),
        at: tale.plan.flow.created_at,
        hosts: 2,
        succeeded: 2,
        judged: 2,
        compliant: 2,
        patches_missing: 0,
    }];
    let record = tale.record();
    let of = |dimension| record.compliance.iter().filter(move |it| it.dimension == dimension);
    let whole = of(Dimension::Run).next().expect("the run");
    assert_eq!((whole.hosts, whole.judged, whole.compliant, whole.open), (2, 2, 0, 4));
    let cves: Vec<&str> = of(Dimension::Cve).map(|it| &*it.value).collect();
    assert_eq!(cves, ["CVE-2026-1"], "an installed patch leaves nothing open");
    assert_eq!(of(Dimension::Severity).map(|it| (it.hosts, it.open)).collect::<Vec<_>>(), [(1, 1)]);
    let [before, now] = record.trend.as_slice() else { panic!("two runs in the trend") };
    assert_eq!((&*before.run, before.compliant, &*now.run, now.compliant), ("run-0", 2, "run-1", 0));
    let views = views_of(&record);
    let words = |wanted| &views.iter().find(|(name, _)| *name == wanted).expect("a view").1;
    assert!(words("compliance").contains("0 of 2 instances compliant (0.0 %)"), "{}", words("compliance"));
    assert!(words("executive").contains("change: -100.0 percentage points"), "{}", words("executive"));
}

#[test]
fn a_run_without_records_has_every_view() {
    let mut tale = Tale::begun();
    tale.records.clear();
    tale.run = Run::open(Arc::new(tale.plan.flow.clone()));
    let results = results(&tale.plan, &tale.run, &tale.records);
    assert!(results.iter().all(|result| result.outcome == HostOutcome::Open));
    let record = fold(Folding {
        run: "run-1",
        digest: &tale.digest,
        plan: &tale.plan,
        state: &tale.run,
        records: &[],
        outcome: run_outcome(&tale.plan, &tale.run, &results),
        fleetwright: "0",
        now: tale.plan.flow.created_at,
        calls: Default::default(),
        inventory: Vec::new(),
        files: HashMap::new(),
        earlier: Vec::new(),
        audit: None,
    });
    assert!(record.trend.is_empty());
    assert!(views_of(&record).iter().all(|(_, text)| !text.is_empty()));
}

#[test]
fn retried_attempts_are_steps_of_their_own_and_the_last_one_counts() {
    let mut tale = Tale::begun();
    let (target, step, direction) = (TargetId(0), StepIndex(0), Direction::Do);
    tale.tell(Event::Started { target, step, direction, attempt: 1 });
    let retry_at = Some(tale.plan.flow.created_at + jiff::SignedDuration::from_secs(20));
    let failure = FailedStep {
        class: ErrorClass::Throttled,
        code: code::THROTTLED.id.into(),
        message: "slow down".into(),
        retry_at,
    };
    tale.tell(Event::Failed { target, step, direction, failure });
    tale.tell(Event::Started { target, step, direction, attempt: 2 });
    let record = tale.record();
    let outcomes: Vec<_> =
        record.hosts[0].timeline.iter().map(|visit| (visit.attempt, visit.outcome)).collect();
    assert_eq!(outcomes, [(1, StepOutcome::Retried), (2, StepOutcome::InFlight)]);
    let columns = Instances::columns();
    let backup = columns.iter().find(|column| column.name == "backup").expect("a column");
    assert_eq!(backup.value(&record, &record.hosts[0]), fields::Value::text(Some("in_flight")));
}

#[test]
fn an_account_that_appeared_is_a_row_of_the_differences_in_every_format_whatever_its_name() {
    let users = |lines: &[&str]| {
        let list: String = lines.iter().map(|line| format!("p={line}\n")).collect();
        let text = format!("fleetwright/survey/1\n{list}end={}\n", lines.len());
        fleetwright_host::survey::parse(&text).expect("an answer")
    };
    let root = "user yes root 0 root";
    let hostile = "user yes sudo 2000 =cmd|'/c'<b>&\u{202e}";
    let (before, after) = (users(&["users 1", root]), users(&["users 2", root, hostile]));
    let compared = fleetwright_host::compare(Some(&before), Some(&after));
    let is_of_users = |change: &fleetwright_host::Change| change.kind == fleetwright_host::ChangeKind::User;
    let changes = compared.changes.into_iter().filter(is_of_users).collect();
    let mut files = HostFiles { changes, ..HostFiles::default() };
    files.clear(&mut SharedTexts::default());
    let mut tale = Tale::begun();
    tale.files.insert(TargetId(0), files);
    let now = "id 2000, can log in, in sudo";
    for (name, text) in views_of(&tale.record()) {
        let expected = match name {
            "csv" => format!(",warn,user,'=cmd|'/c'<b>&,no account,\"{now}\""),
            "xml" => "<subject>=cmd|&apos;/c&apos;&lt;b&gt;&amp;</subject>".to_owned(),
            "json" => "\"subject\":\"=cmd|'/c'<b>&\",\"before\":\"no account\"".to_owned(),
            _ => continue,
        };
        assert!(text.contains(&expected), "{name}: {text}");
        assert!(text.contains(now) && !text.contains('\u{202e}'), "{name}");
    }
}
