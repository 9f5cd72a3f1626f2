//! What an embedder of an estate says and sees of functions, and what runs see of the estate.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Functions, Runner};
use crate::call::Service;
use crate::estate::Estate;
use crate::fault::{Effect, FunctionFault, Page, Subject};
use crate::world;
use crate::world::functions::Run;
use crate::world::iam::{Credentials, SessionRequest};

impl Estate {
    /// Gives the estate what it runs functions with; false where it has something already.
    ///
    /// Invocations need a tokio runtime, in which they go on when the caller hangs up.
    pub fn run_functions(self: &Arc<Self>, functions: Arc<dyn Functions>) -> bool {
        self.runner.set(Runner::new(functions, self)).is_ok()
    }

    /// Every run of a function in an account's region, in the order of their beginnings.
    #[must_use]
    pub fn function_runs(&self, account: &str, region: &str) -> Vec<Run> {
        self.with_functions(account, region, |functions| functions.runs.clone()).unwrap_or_default()
    }

    /// Works with the functions of an account's region; nothing where there is no such region.
    pub(super) fn with_functions<T>(
        &self,
        account: &str,
        region: &str,
        work: impl FnOnce(&mut world::functions::Functions) -> T,
    ) -> Option<T> {
        let mut inside = self.lock();
        let region = inside.world.accounts.get_mut(account)?.regions.get_mut(region)?;
        Some(work(&mut region.functions))
    }

    /// What is to go wrong with a run that no request of Lambda's asked for: as with one that did. Faults that are of
    /// requests alone do not strike.
    pub(super) fn fault_of_run(&self, account: &str, region: &str) -> Option<FunctionFault> {
        let subject = Subject {
            account,
            role_account: None,
            region,
            service: Service::Lambda,
            action: "Invoke",
            page: Page::First,
        };
        match self.lock().faults.strike(&subject, self.clock.now())? {
            Effect::Function(fault) => Some(fault),
            _ => None,
        }
    }

    /// Waits for a stretch of the estate's time.
    pub(super) async fn wait(&self, stretch: Duration) {
        self.clock.wait(stretch).await;
    }

    /// Credentials of a role of an account, good for so long; none where it is gone.
    pub(super) fn issue_session(
        &self,
        account: &str,
        life: SignedDuration,
        request: impl FnOnce(Timestamp) -> SessionRequest,
    ) -> Option<Credentials> {
        let now = self.clock.credential_now();
        let request = request(now.checked_add(life).unwrap_or(Timestamp::MAX));
        let mut inside = self.lock();
        let iam = &mut inside.world.accounts.get_mut(account)?.iam;
        iam.roles.contains_key(&request.role).then(|| iam.issue_session(&account.to_owned(), request, now))
    }
}
