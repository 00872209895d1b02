//! The sandbox's accounts, kept in the store.

use crate::adapters::adapter::Failure;
use crate::adapters::sandbox::{Account, Accounts};
use crate::id::{AppId, OrganizationId};
use crate::mapping::field::Kind;
use crate::mapping::record::Record;
use crate::store::sandbox::SandboxAccount;
use crate::store::{Error, Store};
use async_trait::async_trait;

/// The accounts of one sandbox app.
pub(super) struct StoredAccounts {
    store: Store,
    organization: OrganizationId,
    app: AppId,
}

impl StoredAccounts {
    pub(super) fn new(store: Store, organization: OrganizationId, app: AppId) -> Self {
        Self { store, organization, app }
    }
}

fn account(row: SandboxAccount) -> Account {
    Account {
        remote_id: row.remote_id,
        match_key: row.match_key,
        active: row.active,
        record: Record(row.record.into_iter().collect()),
        members: row.members,
    }
}

fn row(account: Account) -> SandboxAccount {
    SandboxAccount {
        remote_id: account.remote_id,
        match_key: account.match_key,
        active: account.active,
        record: account.record.0.into_iter().collect(),
        members: account.members,
    }
}

fn failure(error: Error) -> Failure {
    match error {
        Error::Taken(_) => {
            Failure::Conflict { detail: "an account with this name is there already".into() }
        }
        Error::NotFound => Failure::Gone,
        other => Failure::Again { after: None, detail: other.to_string() },
    }
}

#[async_trait]
impl Accounts for StoredAccounts {
    async fn get(&self, kind: Kind, remote_id: &str) -> Result<Option<Account>, Failure> {
        let (app, id) = (self.app, remote_id.to_owned());
        self.store
            .read(self.organization, move |reader| reader.sandbox_account(app, kind.as_str(), &id))
            .await
            .map(|found| found.map(account))
            .map_err(failure)
    }

    async fn find(&self, kind: Kind, match_key: &str) -> Result<Option<Account>, Failure> {
        let (app, key) = (self.app, match_key.to_owned());
        self.store
            .read(self.organization, move |reader| {
                reader.sandbox_account_matching(app, kind.as_str(), &key)
            })
            .await
            .map(|found| found.map(account))
            .map_err(failure)
    }

    async fn insert(&self, kind: Kind, account: Account) -> Result<(), Failure> {
        let (app, account) = (self.app, row(account));
        self.store
            .write(self.organization, move |transaction| {
                transaction.insert_sandbox_account(app, kind.as_str(), &account)
            })
            .await
            .map_err(failure)
    }

    async fn replace(&self, kind: Kind, account: Account) -> Result<(), Failure> {
        let (app, account) = (self.app, row(account));
        self.store
            .write(self.organization, move |transaction| {
                transaction.replace_sandbox_account(app, kind.as_str(), &account)
            })
            .await
            .map_err(failure)
    }

    async fn remove(&self, kind: Kind, remote_id: &str) -> Result<(), Failure> {
        let (app, id) = (self.app, remote_id.to_owned());
        self.store
            .write(self.organization, move |transaction| {
                transaction.delete_sandbox_account(app, kind.as_str(), &id)
            })
            .await
            .map_err(failure)
    }

    async fn page(
        &self,
        kind: Kind,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Account>, Failure> {
        let (app, after) = (self.app, after.map(str::to_owned));
        self.store
            .read(self.organization, move |reader| {
                reader.sandbox_accounts(app, kind.as_str(), after.as_deref(), limit)
            })
            .await
            .map(|page| page.into_iter().map(account).collect())
            .map_err(failure)
    }
}
