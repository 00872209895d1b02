//! Accounts of the built-in sandbox app.

use super::schema::sandbox_account as account;
use super::{Error, Reader, Result, Transaction};
use crate::id::AppId;
use diesel::prelude::*;
use serde_json::{Map, Value};

/// An account of the sandbox.
#[derive(Debug, Clone, PartialEq)]
pub struct SandboxAccount {
    /// Its id in the sandbox.
    pub remote_id: String,
    /// What it is found by: unique.
    pub match_key: String,
    /// Whether it is switched on.
    pub active: bool,
    /// Its fields.
    pub record: Map<String, Value>,
    /// Remote ids of its members, for groups.
    pub members: Vec<String>,
}

type Row = (String, String, bool, String, String);

fn parsed((remote_id, match_key, active, record, members): Row) -> Result<SandboxAccount> {
    let corrupt = |error: serde_json::Error| Error::Corrupt(error.to_string());
    Ok(SandboxAccount {
        remote_id,
        match_key,
        active,
        record: serde_json::from_str(&record).map_err(corrupt)?,
        members: serde_json::from_str(&members).map_err(corrupt)?,
    })
}

macro_rules! columns {
    () => {
        (account::remote_id, account::match_key, account::active, account::record, account::members)
    };
}

impl Reader<'_> {
    /// An account by the sandbox's id.
    pub fn sandbox_account(
        &mut self,
        app: AppId,
        kind: &str,
        remote_id: &str,
    ) -> Result<Option<SandboxAccount>> {
        let row: Option<Row> = account::table
            .find((self.organization, app, kind, remote_id))
            .select(columns!())
            .first(self.conn)
            .optional()?;
        row.map(parsed).transpose()
    }

    /// An account by its match key.
    pub fn sandbox_account_matching(
        &mut self,
        app: AppId,
        kind: &str,
        match_key: &str,
    ) -> Result<Option<SandboxAccount>> {
        let row: Option<Row> = account::table
            .filter(
                account::organization
                    .eq(self.organization)
                    .and(account::app_id.eq(app))
                    .and(account::kind.eq(kind))
                    .and(account::match_key.eq(match_key)),
            )
            .select(columns!())
            .first(self.conn)
            .optional()?;
        row.map(parsed).transpose()
    }

    /// Accounts in order of the sandbox's id, after one, at most `limit`.
    pub fn sandbox_accounts(
        &mut self,
        app: AppId,
        kind: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<SandboxAccount>> {
        let rows: Vec<Row> = account::table
            .filter(
                account::organization
                    .eq(self.organization)
                    .and(account::app_id.eq(app))
                    .and(account::kind.eq(kind))
                    .and(account::remote_id.gt(after.unwrap_or(""))),
            )
            .order(account::remote_id)
            .limit(i64::try_from(limit).unwrap_or(i64::MAX))
            .select(columns!())
            .load(self.conn)?;
        rows.into_iter().map(parsed).collect()
    }
}

impl Transaction<'_> {
    /// Makes an account.
    ///
    /// # Errors
    /// [`Error::Taken`] for the match key.
    pub fn insert_sandbox_account(
        &mut self,
        app: AppId,
        kind: &str,
        new: &SandboxAccount,
    ) -> Result<()> {
        diesel::insert_into(account::table)
            .values((
                account::organization.eq(self.organization),
                account::app_id.eq(app),
                account::kind.eq(kind),
                account::remote_id.eq(&new.remote_id),
                account::match_key.eq(&new.match_key),
                account::active.eq(new.active),
                account::record.eq(serde_json::to_string(&new.record).unwrap_or_default()),
                account::members.eq(serde_json::to_string(&new.members).unwrap_or_default()),
            ))
            .execute(self.reader.conn)?;
        Ok(())
    }

    /// Writes an account back.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Taken`] for the match key.
    pub fn replace_sandbox_account(
        &mut self,
        app: AppId,
        kind: &str,
        next: &SandboxAccount,
    ) -> Result<()> {
        let key = (self.organization, app, kind, next.remote_id.as_str());
        let replaced = diesel::update(account::table.find(key))
            .set((
                account::match_key.eq(&next.match_key),
                account::active.eq(next.active),
                account::record.eq(serde_json::to_string(&next.record).unwrap_or_default()),
                account::members.eq(serde_json::to_string(&next.members).unwrap_or_default()),
            ))
            .execute(self.reader.conn)?;
        if replaced == 1 { Ok(()) } else { Err(Error::NotFound) }
    }

    /// Removes an account, if it is there.
    pub fn delete_sandbox_account(
        &mut self,
        app: AppId,
        kind: &str,
        remote_id: &str,
    ) -> Result<()> {
        diesel::delete(account::table.find((self.organization, app, kind, remote_id)))
            .execute(self.reader.conn)?;
        Ok(())
    }
}
