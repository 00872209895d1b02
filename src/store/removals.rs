//! What was taken away from an app lately, what waits for approval, and of how much.

mod allowing;

pub use allowing::Allowance;

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
pub(super) const HELD: &str = "{\"cause\":\"guard\",%";

/// Something that is taken away from an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// An account is switched off.
    Deactivation,
    /// An account or a group is deleted.
    Deletion,
    /// A group loses a member.
    Membership,
}

impl Removal {
    const ALL: [Self; 3] = [Self::Deactivation, Self::Deletion, Self::Membership];

    /// The name of its limit, as it is kept.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deactivation => "deactivations",
            Self::Deletion => "deletions",
            Self::Membership => "memberships",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }

    /// So many of this kind.
    pub fn times(self, count: u64) -> Removed {
        let mut removed = Removed::default();
        *self.among(&mut removed) = count;
        removed
    }

    /// How many of this kind there are.
    pub const fn of(self, removed: &Removed) -> u64 {
        match self {
            Self::Deactivation => removed.deactivations,
            Self::Deletion => removed.deletions,
            Self::Membership => removed.memberships,
        }
    }

    const fn among(self, removed: &mut Removed) -> &mut u64 {
        match self {
            Self::Deactivation => &mut removed.deactivations,
            Self::Deletion => &mut removed.deletions,
            Self::Membership => &mut removed.memberships,
        }
    }
}

/// How much was taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Removed {
    /// Accounts that were switched off.
    pub deactivations: u64,
    /// Accounts and groups that were deleted.
    pub deletions: u64,
    /// Members that groups lost.
    pub memberships: u64,
}

impl Removed {
    /// All of it together.
    pub const fn total(&self) -> u64 {
        self.deactivations.saturating_add(self.deletions).saturating_add(self.memberships)
    }
}

/// What waits for somebody to approve it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waiting {
    /// Objects.
    pub objects: u64,
    /// How much they would take away.
    pub removals: Removed,
}

/// How much there is of what can be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// Accounts and groups that the app has.
    pub accounts: u64,
    /// Accounts that are switched on.
    pub active: u64,
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
        let mut sql = Sql::new(
            "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN state = 'linked' AND kind <> 'Group' \
             THEN 1 ELSE 0 END), 0) AS BIGINT) FROM link WHERE organization = ",
        );
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        sql.push(" AND remote_id IS NOT NULL AND state IN ('linked', 'deactivated')");
        let rows: Vec<(i64, i64)> = sql.load::<(BigInt, BigInt), _>(self.conn)?;
        let (accounts, active) = rows.first().copied().unwrap_or_default();
        let [accounts, active] =
            [accounts, active].map(|count| u64::try_from(count).unwrap_or_default());
        let mut sql = Sql::new("SELECT COUNT(*) FROM link_member WHERE organization = ");
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        Ok(Held { accounts, active, memberships: number(sql, self)? })
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
