//! Taking away what is no longer kept, a batch at a time. Ids are in order of time, so what is old is
//! the beginning of a key, and no batch looks at more rows than it is told to.

use super::connection::Id;
use super::deliveries::first_uuid;
use super::sql::Sql;
use super::{Result, Transaction};
use crate::id::ResourceId;
use uuid::Uuid;

/// What a batch came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// Rows that were taken away.
    pub removed: usize,
    /// Where the next batch begins; none when there is nothing older than the limit any more.
    pub next: Option<Uuid>,
}

/// Where the first batch begins.
pub const START: Uuid = Uuid::nil();

/// A table whose ids are in order of time, and which of its old rows are still needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// Tries. Needed: the last one of an object that waits or is parked, and those of a run that is not
    /// over.
    Attempts,
    /// Changes. Needed: those that no app was told of yet, and the last one that was published, from
    /// which the next ones count on.
    Changes,
    /// The audit log.
    Audit,
}

impl Table {
    const fn name(self) -> &'static str {
        match self {
            Self::Attempts => "attempt",
            Self::Changes => "change",
            Self::Audit => "audit",
        }
    }

    /// A condition on rows that are not needed.
    const fn spare(self) -> &'static str {
        match self {
            Self::Attempts => {
                " AND (NOT EXISTS (SELECT 1 FROM job WHERE job.organization = attempt.organization \
                 AND job.app_id = attempt.app_id AND job.resource_id = attempt.resource_id) \
                 OR EXISTS (SELECT 1 FROM attempt newer WHERE newer.organization = attempt.organization \
                 AND newer.resource_id = attempt.resource_id AND newer.id > attempt.id \
                 AND newer.app_id = attempt.app_id)) \
                 AND NOT EXISTS (SELECT 1 FROM run WHERE run.organization = attempt.organization \
                 AND run.id = attempt.run_id AND run.finished_us IS NULL)"
            }
            Self::Changes => {
                " AND position < (SELECT MAX(last.position) FROM change last \
                 WHERE last.organization = change.organization AND last.position IS NOT NULL)"
            }
            Self::Audit => "",
        }
    }
}

impl Transaction<'_> {
    /// Looks at up to `limit` rows of a table that are older than `before_us`, from an id on, and takes
    /// those away that are not needed.
    pub fn sweep(
        &mut self,
        table: Table,
        from: Uuid,
        before_us: i64,
        limit: usize,
    ) -> Result<Batch> {
        let mut sql = Sql::new("SELECT id FROM ");
        sql.push(table.name()).push(" WHERE organization = ").bind(self.organization);
        sql.push(" AND id > ").bind(ResourceId(from));
        sql.push(" AND id < ").bind(ResourceId(first_uuid(before_us)));
        sql.push(" ORDER BY id LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let rows: Vec<(ResourceId,)> = sql.load::<(Id,), _>(self.conn)?;
        let Some((last,)) = rows.last().copied() else {
            return Ok(Batch { removed: 0, next: None });
        };
        let mut sql = Sql::new("DELETE FROM ");
        sql.push(table.name()).push(" WHERE organization = ").bind(self.organization);
        sql.push(" AND id > ").bind(ResourceId(from)).push(" AND id <= ").bind(last);
        sql.push(table.spare());
        let removed = sql.execute(self.conn)?;
        Ok(Batch { removed, next: (rows.len() == limit).then_some(last.0) })
    }

    /// Looks at one run that is older than `before_us`, from an id on, and takes up to `limit` objects of
    /// its plan away, or of its losses, or the run when it has none left; unless it is not over for as long, or it is the
    /// app's last one, or an object that it left is still worked on.
    pub fn sweep_run(&mut self, from: Uuid, before_us: i64, limit: usize) -> Result<Batch> {
        let mut sql = Sql::new("SELECT id FROM run WHERE organization = ");
        sql.bind(self.organization).push(" AND id > ").bind(ResourceId(from));
        sql.push(" AND id < ").bind(ResourceId(first_uuid(before_us)));
        sql.push(" AND finished_us IS NOT NULL AND finished_us < ").bind(before_us);
        sql.push(
            " AND EXISTS (SELECT 1 FROM run newer WHERE newer.organization = run.organization \
             AND newer.app_id = run.app_id AND newer.id > run.id) \
             AND NOT EXISTS (SELECT 1 FROM job WHERE job.organization = run.organization \
             AND job.run_id = run.id) ORDER BY id LIMIT 1",
        );
        let rows: Vec<(ResourceId,)> = sql.load::<(Id,), _>(self.conn)?;
        let Some((run,)) = rows.first().copied() else {
            return Ok(Batch { removed: 0, next: None });
        };
        let mut removed = 0;
        for [delete, choose] in [
            ["DELETE FROM run_item", "(SELECT resource_id FROM run_item"],
            ["DELETE FROM run_loss", "(SELECT resource_id FROM run_loss"],
        ] {
            let mut sql = Sql::new(delete);
            sql.push(" WHERE organization = ").bind(self.organization);
            sql.push(" AND run_id = ").bind(run).push(" AND resource_id IN ").push(choose);
            sql.push(" WHERE organization = ").bind(self.organization);
            sql.push(" AND run_id = ").bind(run).push(" ORDER BY resource_id LIMIT ");
            sql.bind(i64::try_from(limit.saturating_sub(removed)).unwrap_or(i64::MAX)).push(")");
            removed += sql.execute(self.conn)?;
            if removed == limit {
                return Ok(Batch { removed, next: Some(from) });
            }
        }
        let mut sql = Sql::new("DELETE FROM run WHERE organization = ");
        sql.bind(self.organization).push(" AND id = ").bind(run);
        let removed = removed + sql.execute(self.conn)?;
        Ok(Batch { removed, next: Some(run.0) })
    }

    /// Takes up to `limit` messages away that ended before `before_us`. Answers how many.
    pub fn sweep_deliveries(&mut self, before_us: i64, limit: usize) -> Result<usize> {
        let mut sql =
            Sql::new("WITH old AS (SELECT notification_id, id FROM delivery WHERE organization = ");
        sql.bind(self.organization)
            .push(" AND ended_us IS NOT NULL AND ended_us < ")
            .bind(before_us);
        sql.push(" ORDER BY ended_us LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
        sql.push(") DELETE FROM delivery WHERE organization = ").bind(self.organization);
        sql.push(" AND (notification_id, id) IN (SELECT notification_id, id FROM old)");
        sql.execute(self.conn)
    }
}
