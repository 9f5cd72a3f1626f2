//! The contract of [`Functions`](crate::Functions), in a cell where nobody else names functions
//! `fleetwright-conformance-…`.

use std::collections::BTreeMap;
use std::time::Duration;

use fleetwright_model::{Cell, ErrorClass, code};

use crate::functions::{
    Architecture, Code, Configuration, Function, FunctionAnswer, FunctionName, FunctionRef, InvocationMode,
    Invoked, NewFunction, Payload, Tracing, UpdateStatus, Variables, settle,
};
use crate::{Clock, Functions};

/// How long a function may take to be made ready.
const PATIENCE: Duration = Duration::from_secs(600);

/// What the suite makes its functions of.
pub struct Expected {
    /// ARN of a role that Lambda may take.
    pub role: String,
    /// An archive whose function answers an event with the event itself, writes `said` to its log, and fails with
    /// the error type `Refused` where the event has a member `fail`.
    pub archive: Vec<u8>,
    /// Another archive.
    pub other: Vec<u8>,
}

fn name(rest: &str) -> FunctionName {
    format!("fleetwright-conformance-{rest}").parse().expect("a name")
}

struct Suite<'s> {
    functions: &'s dyn Functions,
    clock: &'s dyn Clock,
    cell: &'s Cell<'s>,
    expected: &'s Expected,
}

/// Runs the whole suite; the functions it makes, it deletes.
///
/// # Panics
/// With the rule that was broken.
pub async fn check((functions, clock): (&dyn Functions, &dyn Clock), cell: &Cell<'_>, expected: &Expected) {
    let suite = Suite { functions, clock, cell, expected };
    suite.making().await;
    suite.changing().await;
    suite.publishing().await;
    suite.invoking().await;
    suite.deleting().await;
}

impl Suite<'_> {
    fn wanted(&self, rest: &str) -> NewFunction {
        let variables = BTreeMap::from([("RUN".to_owned(), "r-1".to_owned())]);
        let configuration = Configuration {
            role: self.expected.role.clone(),
            timeout_seconds: 30,
            variables: Variables(variables),
            ..Configuration::default()
        };
        NewFunction { name: name(rest), code: Code::Archive(self.expected.archive.clone()), configuration }
    }

    async fn ready(&self, rest: &str) -> Function {
        let settled = settle((self.functions, self.clock), self.cell, &name(rest), PATIENCE).await;
        settled.expect("it becomes ready")
    }

    async fn making(&self) {
        let new = self.wanted("worker");
        let made = self.functions.create_function(self.cell, &new).await.expect("it is new");
        assert_eq!((&made.configuration, made.version), (&new.configuration, None));
        let again = self.functions.create_function(self.cell, &new).await;
        assert_eq!(again.expect("doing it twice is doing it once").code_sha256, made.code_sha256);
        let more_memory = Configuration { memory_mib: 256, ..new.configuration.clone() };
        let other_code = Code::Archive(self.expected.other.clone());
        for other in [
            NewFunction { configuration: more_memory, ..new.clone() },
            NewFunction { code: other_code, ..new.clone() },
        ] {
            let refused = self.functions.create_function(self.cell, &other).await;
            let refused = refused.expect_err("there is another one of that name");
            assert_eq!(refused.class, ErrorClass::Conflict, "{refused}");
        }
        let ready = self.ready("worker").await;
        assert_eq!((&ready.configuration, &ready.code_sha256), (&new.configuration, &made.code_sha256));
        assert!(ready.modified_at.is_some() && ready.code_bytes == self.expected.archive.len() as u64);
        let nowhere = self.functions.function(self.cell, &name("never").into()).await.expect_err("none");
        assert_eq!(nowhere.class, ErrorClass::NotFound, "{nowhere}");

        for rest in ["more-1", "more-2"] {
            self.functions.create_function(self.cell, &self.wanted(rest)).await.expect("it is new");
        }
        let listed = self.functions.functions(self.cell).await;
        let ours =
            listed.items.iter().filter(|row| row.name.as_str().starts_with("fleetwright-conformance-"));
        let ours: Vec<&str> = ours.map(|row| row.name.as_str()).collect();
        assert_eq!((listed.failure, ours.len(), ours.is_sorted()), (None, 3, true), "{ours:?}");
    }

    async fn changing(&self) {
        let before = self.ready("worker").await;
        let wanted = Configuration {
            memory_mib: 512,
            variables: Variables::default(),
            tracing: Tracing::Active,
            ..before.configuration.clone()
        };
        let worker = name("worker");
        let changed =
            self.functions.update_configuration(self.cell, &worker, &wanted, &before.revision).await;
        let changed = changed.expect("it is of that revision");
        assert_eq!(changed.update, UpdateStatus::InProgress, "a change takes its time");
        let now = settle((self.functions, self.clock), self.cell, &worker, Duration::ZERO).await;
        assert_eq!(now.expect_err("it takes its time").code, &code::FUNCTION_NOT_READY);
        let ready = self.ready("worker").await;
        assert_eq!((&ready.configuration, &ready.code_sha256), (&wanted, &before.code_sha256));

        let other = Code::Archive(self.expected.other.clone());
        let code = (&other, Architecture::Arm64);
        let stale = self.functions.update_code(self.cell, &worker, code, &before.revision).await;
        let stale = stale.expect_err("it is of another revision");
        assert_eq!(stale.class, ErrorClass::Conflict, "{stale}");
        self.functions
            .update_code(self.cell, &worker, code, &ready.revision)
            .await
            .expect("of that revision");
        let changed = self.ready("worker").await;
        assert_ne!(changed.code_sha256, before.code_sha256);
        assert_eq!(changed.configuration, wanted, "code changes nothing else");
    }

    async fn publishing(&self) {
        let worker = name("worker");
        let revision = self.ready("worker").await.revision;
        let first = self.functions.publish_version(self.cell, &worker, Some("the first"), &revision).await;
        assert_eq!(first.expect("of that revision").version, Some(1));
        let revision = self.ready("worker").await.revision;
        let again = self.functions.publish_version(self.cell, &worker, None, &revision).await;
        assert_eq!(again.expect("of that revision").version, Some(1), "nothing has changed");
        let before = self.ready("worker").await;
        let wanted = Configuration { memory_mib: 1_024, ..before.configuration };
        let changed =
            self.functions.update_configuration(self.cell, &worker, &wanted, &before.revision).await;
        changed.expect("of that revision");
        let revision = self.ready("worker").await.revision;
        let second = self.functions.publish_version(self.cell, &worker, None, &revision).await;
        assert_eq!(second.expect("of that revision").version, Some(2));
        let versions = self.functions.function_versions(self.cell, &worker).await;
        let told: Vec<(u32, &str)> =
            versions.items.iter().map(|it| (it.number, it.description.as_str())).collect();
        assert_eq!((versions.failure, told), (None, vec![(2, ""), (1, "the first")]), "the newest first");
        let old = FunctionRef { name: worker, version: Some(1) };
        let old = self.functions.function(self.cell, &old).await.expect("a version stays as it is");
        assert_eq!((old.version, old.configuration.memory_mib), (Some(1), 512));
    }

    async fn invoked(&self, which: &FunctionRef, event: &str, mode: InvocationMode) -> Invoked {
        let payload = Payload::new(event);
        self.functions.invoke(self.cell, (which, &payload), mode, PATIENCE).await.expect("it can be")
    }

    async fn answered(&self, which: &FunctionRef, event: &str, log_tail: bool) -> FunctionAnswer {
        match self.invoked(which, event, InvocationMode::Wait { log_tail }).await {
            Invoked::Answered(answer) => answer,
            other => panic!("{other:?} is no answer"),
        }
    }

    async fn invoking(&self) {
        let newest: FunctionRef = name("worker").into();
        let event = r#"{"host":"i-1"}"#;
        let answer = self.answered(&newest, event, true).await;
        assert!(answer.payload.is_same(&Payload::new(event)), "the answer is the function's");
        assert_eq!((answer.error, answer.version), (None, None));
        assert!(answer.log.is_some_and(|log| log.contains("said")), "the end of its log");
        let failed = self.answered(&newest, r#"{"fail":true}"#, false).await;
        assert_eq!(failed.log, None, "unasked, no log");
        assert!(failed.error.is_some() && failed.payload.reveal().contains("Refused"), "{failed:?}");
        let second = FunctionRef { version: Some(2), ..newest.clone() };
        assert_eq!(self.answered(&second, "{}", false).await.version, Some(2));
        assert_eq!(self.invoked(&newest, "{}", InvocationMode::Async).await, Invoked::Queued);
        assert_eq!(self.invoked(&newest, "{}", InvocationMode::Check).await, Invoked::Possible);
        let (nowhere, payload) = (name("never").into(), Payload::new("{}"));
        let refused = self.functions.invoke(self.cell, (&nowhere, &payload), InvocationMode::Async, PATIENCE);
        assert_eq!(refused.await.expect_err("there is none").class, ErrorClass::NotFound);
    }

    async fn deleting(&self) {
        let first = FunctionRef { name: name("worker"), version: Some(1) };
        self.functions.delete_function(self.cell, &first).await.expect("it is there");
        let versions = self.functions.function_versions(self.cell, &first.name).await.items;
        assert_eq!(versions.iter().map(|it| it.number).collect::<Vec<_>>(), [2]);
        for rest in ["worker", "worker", "more-1", "more-2", "never"] {
            let deleted = self.functions.delete_function(self.cell, &name(rest).into()).await;
            deleted.expect("doing it twice is doing it once");
        }
        let gone = self.functions.function(self.cell, &name("worker").into()).await.expect_err("gone");
        assert_eq!(gone.class, ErrorClass::NotFound);
    }
}
