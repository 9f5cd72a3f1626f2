//! The change record of a run that is over.

use std::sync::Mutex;

use async_trait::async_trait;
use fleetwright::commands::bundle::{Packed, packed};
use fleetwright::commands::notify::{self, Over};
use fleetwright::commands::runs::fold;
use fleetwright::state::State;
use fleetwright_audit::Bundle;
use fleetwright_model::{Exit, code};
use fleetwright_notify::change::{ChangeOutcome, ChangeRecord, ChangeRequest, ChangeState, mark};
use fleetwright_ports::{Attachment, ChangeRecords, NotSent};

use crate::story::{CONSOLE, approving, planned_into};

/// A system with one record, whose mark is given; it keeps what it is told.
struct System {
    mark: String,
    files: Mutex<Vec<Attachment>>,
    closed: Mutex<Vec<(ChangeOutcome, String)>>,
}

impl System {
    fn new(run: &str) -> Self {
        Self { mark: mark(run).to_string(), files: Mutex::default(), closed: Mutex::default() }
    }

    fn files(&self) -> Vec<Attachment> {
        self.files.lock().expect("whole").clone()
    }
}

#[async_trait]
impl ChangeRecords for System {
    async fn find(&self, mark: &str) -> Result<Option<ChangeRecord>, NotSent> {
        Ok((mark == self.mark).then(|| ChangeRecord {
            id: "1".into(),
            number: "CHG1".into(),
            url: "https://example.com/1".into(),
            state: ChangeState::Approved,
            state_name: "Implement".into(),
            starts_at: None,
            ends_at: None,
        }))
    }

    async fn open(&self, request: &ChangeRequest) -> Result<ChangeRecord, NotSent> {
        panic!("nothing is opened when a run is over: {request:?}")
    }

    async fn attach(&self, _: &ChangeRecord, file: &Attachment) -> Result<(), NotSent> {
        self.files.lock().expect("whole").push(file.clone());
        Ok(())
    }

    async fn begin(&self, _: &ChangeRecord) -> Result<(), NotSent> {
        Ok(())
    }

    async fn close(&self, _: &ChangeRecord, outcome: ChangeOutcome, text: &str) -> Result<(), NotSent> {
        self.closed.lock().expect("whole").push((outcome, text.to_owned()));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_is_closed_with_summary_and_evidence_and_as_what_the_run_came_to() {
    let directory = tempfile::tempdir().expect("a directory");
    let state = State::at(directory.path()).expect("a directory of the test's own");
    let staged = planned_into("run-service-breaks", &[], state).await;
    let system = System::new(staged.run.as_str());
    let early = staged
        .state
        .find::<fleetwright_patch::PlanDocument>(Some(staged.run.as_str()))
        .await
        .expect("the run is there");
    let over = |state, evidence| Over {
        run: &staged.run,
        state,
        exit: Exit::Partial,
        summary: "2 of 5 hosts failed".to_owned(),
        evidence,
    };
    let folded = fold(&early);
    let evidence = packed(&staged.state, &early).await.expect("packed");
    let unfinished = notify::close(&system, &over(&folded.run, evidence), CONSOLE).await;
    assert_eq!(unfinished.map_err(|error| error.code.id), Err(code::RUN_UNFINISHED.id));
    assert!(system.files().is_empty());

    staged.drive(&approving()).await.expect("driven");
    let found = staged
        .state
        .find::<fleetwright_patch::PlanDocument>(Some(staged.run.as_str()))
        .await
        .expect("the run is there");
    let folded = fold(&found);
    let evidence = packed(&staged.state, &found).await.expect("packed");
    notify::close(&system, &over(&folded.run, evidence), CONSOLE).await.expect("closed");
    let files = system.files();
    let names: Vec<(&str, &str)> =
        files.iter().map(|file| (file.name.as_str(), file.media_type.as_str())).collect();
    assert_eq!(names, [("summary.txt", "text/plain"), ("evidence.zip", "application/zip")]);
    let bundle = Bundle::read(&files[1].content).expect("a bundle");
    assert!(bundle.files.contains_key("journal.jsonl"));
    let closed = system.closed.lock().expect("whole").clone();
    assert_eq!(closed, [(ChangeOutcome::of(Exit::Partial), "2 of 5 hosts failed".to_owned())]);

    // What no system takes is named by its digest.
    let large = Packed { digest: "0123abcd".to_owned(), archive: vec![0; 10_000_001] };
    notify::close(&system, &over(&folded.run, large), CONSOLE).await.expect("closed");
    let last = system.files().pop().expect("attached");
    let words = String::from_utf8(last.content).expect("text");
    assert_eq!(last.name, "evidence.txt");
    assert!(words.contains("0123abcd") && words.contains("fleetwright export run-"), "{words}");
}
