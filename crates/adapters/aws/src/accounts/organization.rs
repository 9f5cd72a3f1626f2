use std::collections::BTreeSet;
use std::error::Error;

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::Account;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use fleetwright_model::code;
use fleetwright_model::{AccountId, Failure, OrganizationAccount, OrganizationScope, Partial};
use futures::FutureExt;

use crate::Aws;
use crate::operation::Operation;
use crate::operations::{LIST_ACCOUNTS, LIST_ACCOUNTS_FOR_PARENT, LIST_ORGANIZATIONAL_UNITS_FOR_PARENT};
use crate::pages::{Page, pages};

/// Rows per page. Source: Organizations API reference, MaxResults.
const PAGE: i32 = 20;

/// The organisation as the caller sees it, with the caller's credentials.
struct Organization<'a> {
    aws: &'a Aws,
    profile: Option<&'a str>,
}

/// The accounts in the scope, each once.
pub(super) async fn accounts(aws: &Aws, scope: &OrganizationScope) -> Partial<OrganizationAccount> {
    let organization = Organization { aws, profile: scope.profile.as_deref() };
    match &scope.unit {
        None => organization.all().await,
        Some(unit) => organization.below(unit).await,
    }
}

impl Organization<'_> {
    async fn all(&self) -> Partial<OrganizationAccount> {
        let list = |token: Option<String>| {
            async move {
                let send = |client: &Client| {
                    client.list_accounts().max_results(PAGE).set_next_token(token.clone()).send()
                };
                let answer = self.call(&LIST_ACCOUNTS, send).await?;
                Ok(Page::of(answer.accounts.unwrap_or_default().into_iter().map(account), answer.next_token))
            }
            .boxed()
        };
        pages(&LIST_ACCOUNTS, |account: &OrganizationAccount| account.account.as_str(), list).await
    }

    /// Walks the unit and everything below it, unit by unit. A unit that cannot be read is a
    /// failure; the walk goes on beside it.
    async fn below(&self, unit: &str) -> Partial<OrganizationAccount> {
        let mut whole = Partial::complete(Vec::new());
        let (mut waiting, mut seen) = (vec![unit.to_owned()], BTreeSet::from([unit.to_owned()]));
        while let Some(unit) = waiting.pop() {
            let accounts = self.accounts_of(&unit).await;
            whole.items.extend(accounts.items);
            let units = self.units_of(&unit).await;
            waiting.extend(units.items.into_iter().filter(|unit| seen.insert(unit.clone())));
            whole.failure = whole.failure.or(accounts.failure).or(units.failure);
        }
        // An account that was moved while we walked may stand in two units.
        let mut seen = BTreeSet::new();
        whole.items.retain(|account: &OrganizationAccount| seen.insert(account.account.clone()));
        whole
    }

    async fn accounts_of(&self, unit: &str) -> Partial<OrganizationAccount> {
        let list = |token: Option<String>| {
            async move {
                let send = |client: &Client| {
                    let request = client.list_accounts_for_parent().parent_id(unit).max_results(PAGE);
                    request.set_next_token(token.clone()).send()
                };
                let answer = self.call(&LIST_ACCOUNTS_FOR_PARENT, send).await?;
                Ok(Page::of(answer.accounts.unwrap_or_default().into_iter().map(account), answer.next_token))
            }
            .boxed()
        };
        pages(&LIST_ACCOUNTS_FOR_PARENT, |account: &OrganizationAccount| account.account.as_str(), list).await
    }

    async fn units_of(&self, unit: &str) -> Partial<String> {
        let list = |token: Option<String>| {
            async move {
                let send = |client: &Client| {
                    let request =
                        client.list_organizational_units_for_parent().parent_id(unit).max_results(PAGE);
                    request.set_next_token(token.clone()).send()
                };
                let answer = self.call(&LIST_ORGANIZATIONAL_UNITS_FOR_PARENT, send).await?;
                let units = answer.organizational_units.unwrap_or_default().into_iter();
                let ids = units.map(|unit| unit.id.ok_or_else(|| "a missing unit id".to_owned()));
                Ok(Page::of(ids, answer.next_token))
            }
            .boxed()
        };
        pages(&LIST_ORGANIZATIONAL_UNITS_FOR_PARENT, |id: &String| id.as_str(), list).await
    }

    /// A call with the caller's own credentials, renewed once where they have expired.
    async fn call<T, E, F>(
        &self,
        operation: &'static Operation,
        send: impl Fn(&Client) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let sessions = &self.aws.inner.sessions;
        let mut renewed = false;
        loop {
            let session = sessions.of_profile(self.profile).await?;
            let place = sessions.home(&session, None).await;
            let client: Client = sessions.client(&session, &place).await;
            let answer = sessions.caller.call(operation, &place, session.expires, || send(&client)).await;
            match answer {
                Err(failure) if failure.code == &code::EXPIRED_CREDENTIALS && !renewed => {
                    sessions.forget_profile(self.profile, &session).await;
                    renewed = true;
                }
                Err(failure) if failure.code == &code::DENIED => {
                    return Err(Failure { code: &code::NO_ORGANIZATION, ..failure });
                }
                answer => return answer,
            }
        }
    }
}

fn account(row: Account) -> Result<OrganizationAccount, String> {
    let id = row.id.ok_or("a missing account id")?;
    let id = AccountId::new(id).map_err(|error| error.to_string())?;
    // `State` replaces `Status`; older answers have only the latter.
    let state = row.state.as_ref().map(|state| state.as_str());
    let status = row.status.as_ref().map(|status| status.as_str());
    let active = state.or(status).is_none_or(|state| state == "ACTIVE");
    Ok(OrganizationAccount { account: id, name: row.name.unwrap_or_default(), active })
}

#[cfg(test)]
mod tests {
    use aws_sdk_organizations::types::AccountStatus;

    use super::*;

    #[test]
    fn a_suspended_account_is_listed_but_not_active() {
        let row = Account::builder().id("011122223333").name("old");
        let row = row.status(AccountStatus::Suspended).build();
        assert!(!account(row).expect("usable").active);
    }
}
