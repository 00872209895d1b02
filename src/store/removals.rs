//! What was taken away from an app lately, what waits for approval, and of how much.

use super::connection::{Backend, Id};
use super::members::list;
use super::sql::Sql;
use super::{Reader, Result, Transaction};
use crate::id::{AppId, ResourceId};
use diesel::sql_types::BigInt;

/// Length of the spans by which removals are counted: five minutes.
const SLOT_US: i64 = 300_000_000;
/// Spans that make a whole hour, beside the one that has begun.
const HOUR: i64 = 12;
/// How the reason of a job begins that is parked because too much would be taken away.
const HELD: &str = "{\"cause\":\"guard\",%";

/// How much was taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Removed {
    /// Accounts that were switched off.
    pub deactivations: u64,
    /// Accounts and groups that were deleted.
    pub deletions: u64,
    /// Members that groups lost.
    pub memberships: u64,
}

/// How much there is of what can be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// Accounts and groups that the app has.
    pub accounts: u64,
    /// Members of its groups that it was told of.
    pub memberships: u64,
}

fn number(sql: Sql, reader: &mut Reader<'_>) -> Result<u64> {
    let rows: Vec<(i64,)> = sql.load::<(BigInt,), _>(reader.conn)?;
    Ok(rows.first().and_then(|row| u64::try_from(row.0).ok()).unwrap_or_default())
}

impl Reader<'_> {
    /// What was counted as taken away from an app within the last hour, or up to five minutes more.
    pub fn removed_lately(&mut self, app: AppId, now_us: i64) -> Result<Removed> {
        let mut sql = Sql::new("SELECT ");
        for (at, column) in ["deactivations", "deletions", "memberships"].into_iter().enumerate() {
            sql.push(if at == 0 { "CAST(COALESCE(SUM(" } else { ", CAST(COALESCE(SUM(" });
            sql.push(column).push("), 0) AS BIGINT)");
        }
        sql.push(" FROM removal_count WHERE organization = ").bind(self.organization);
        sql.push(" AND app_id = ").bind(app).push(" AND slot >= ").bind(oldest(now_us));
        let rows: Vec<(i64, i64, i64)> = sql.load::<(BigInt, BigInt, BigInt), _>(self.conn)?;
        let (deactivations, deletions, memberships) = rows.first().copied().unwrap_or_default();
        let number = |count| u64::try_from(count).unwrap_or_default();
        Ok(Removed {
            deactivations: number(deactivations),
            deletions: number(deletions),
            memberships: number(memberships),
        })
    }

    /// How much an app has. Counts it.
    pub fn held_by(&mut self, app: AppId) -> Result<Held> {
        let mut sql = Sql::new("SELECT COUNT(*) FROM link WHERE organization = ");
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        sql.push(" AND remote_id IS NOT NULL");
        let accounts = number(sql, self)?;
        let mut sql = Sql::new("SELECT COUNT(*) FROM link_member WHERE organization = ");
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        Ok(Held { accounts, memberships: number(sql, self)? })
    }

    /// In how many groups of an app some people or groups are, as far as it was told.
    pub fn told_of(&mut self, app: AppId, members: &[ResourceId]) -> Result<u64> {
        let mut told = 0;
        for chunk in members.chunks(500) {
            let mut sql = Sql::new("SELECT COUNT(*) FROM link_member WHERE organization = ");
            sql.bind(self.organization).push(" AND app_id = ").bind(app);
            list(sql.push(" AND member_id IN "), chunk);
            told += number(sql, self)?;
        }
        Ok(told)
    }

    /// How many objects of an app wait for somebody to approve that something is taken away.
    pub fn waiting_for_approval(&mut self, app: AppId) -> Result<u64> {
        let mut sql = Sql::new("SELECT COUNT(*) FROM job WHERE organization = ");
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        sql.push(" AND state = 'parked' AND error LIKE ").bind(HELD);
        number(sql, self)
    }

    /// The resources that have an account in an app, gone or not, in order of id, after one, at most
    /// `limit`.
    pub fn linked_after(
        &mut self,
        app: AppId,
        after: Option<ResourceId>,
        limit: usize,
    ) -> Result<Vec<ResourceId>> {
        let mut sql = Sql::new("SELECT resource_id FROM link WHERE organization = ");
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        sql.push(" AND remote_id IS NOT NULL");
        if let Some(after) = after {
            sql.push(" AND resource_id > ").bind(after);
        }
        sql.push(" ORDER BY resource_id LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let rows: Vec<(ResourceId,)> = sql.load::<(Id,), _>(self.conn)?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }
}

impl Transaction<'_> {
    /// Waits until no other transaction counts removals of an app, and holds them to the end: what
    /// one counts the next one sees.
    pub fn lock_removals(&mut self, app: AppId) -> Result<()> {
        if self.conn.backend() == Backend::Postgres {
            let name = format!("removals:{}:{app}", self.organization.0);
            let mut sql = Sql::new("SELECT pg_advisory_xact_lock(hashtextextended(");
            sql.bind(name).push(", 0))");
            sql.execute(self.conn)?;
        }
        Ok(())
    }

    /// Counts what is taken away from an app now. Counts that are older than an hour are dropped.
    pub fn count_removed(&mut self, app: AppId, removed: &Removed, now_us: i64) -> Result<()> {
        let mut old = Sql::new("DELETE FROM removal_count WHERE organization = ");
        old.bind(self.organization).push(" AND app_id = ").bind(app);
        old.push(" AND slot < ").bind(oldest(now_us));
        old.execute(self.conn)?;
        let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
        let mut sql = Sql::new(
            "INSERT INTO removal_count (organization, app_id, slot, deactivations, deletions, \
             memberships) VALUES (",
        );
        sql.bind(self.organization).push(", ").bind(app).push(", ").bind(slot(now_us));
        sql.push(", ").bind(number(removed.deactivations));
        sql.push(", ").bind(number(removed.deletions));
        sql.push(", ").bind(number(removed.memberships)).push(
            ") ON CONFLICT (organization, app_id, slot) DO UPDATE SET \
             deactivations = removal_count.deactivations + excluded.deactivations, \
             deletions = removal_count.deletions + excluded.deletions, \
             memberships = removal_count.memberships + excluded.memberships",
        );
        sql.execute(self.conn)?;
        Ok(())
    }

    /// Approves what waits for approval: it is due, and not held again. Answers how many.
    pub fn approve_waiting(&mut self, app: AppId, now_us: i64) -> Result<usize> {
        self.lock_organization()?;
        let mut sql = Sql::new(
            "UPDATE job SET state = 'ready', approved = TRUE, error = NULL, run_id = NULL, \
             run_at_us = ",
        );
        sql.bind(now_us).push(" WHERE organization = ").bind(self.organization);
        sql.push(" AND app_id = ").bind(app);
        sql.push(" AND state = 'parked' AND error LIKE ").bind(HELD);
        sql.execute(self.conn)
    }

    /// Approves what is due to be done about some objects: their removals are not held.
    pub fn approve_jobs(&mut self, app: AppId, objects: &[ResourceId]) -> Result<()> {
        for chunk in objects.chunks(500) {
            let mut sql = Sql::new("UPDATE job SET approved = TRUE WHERE organization = ");
            sql.bind(self.organization).push(" AND app_id = ").bind(app);
            list(sql.push(" AND resource_id IN "), chunk);
            sql.execute(self.conn)?;
        }
        Ok(())
    }
}

/// The span in which something happens.
const fn slot(now_us: i64) -> i64 {
    now_us.div_euclid(SLOT_US)
}

/// The first span that counts: a whole hour, and what has passed of the present span.
const fn oldest(now_us: i64) -> i64 {
    slot(now_us) - HOUR
}

/// Whether what was counted then counts now.
pub const fn counts(then_us: i64, now_us: i64) -> bool {
    slot(then_us) >= oldest(now_us)
}
