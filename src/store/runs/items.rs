//! What a run will do, object by object.

use crate::id::{AppId, ResourceId, RunId};
use crate::store::connection::Id;
use crate::store::jobs::taken_by_run;
use crate::store::removals::{HELD, Removed};
use crate::store::sql::Sql;
use crate::store::{Reader, Result, Transaction};
use diesel::sql_types::{BigInt, Text};

/// One object of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemRow {
    /// The object.
    pub resource: ResourceId,
    /// Its resource type.
    pub kind: String,
    /// `create`, `adopt`, `update`, `deactivate`, `reactivate`, `delete` or `refused`.
    pub action: String,
    /// Of what would be sent.
    pub digest: String,
    /// How far it is.
    pub state: String,
    /// What it would take away.
    pub removals: Removed,
}

/// How far an object of a plan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemState {
    /// Not begun, or under way.
    Planned,
    /// Done as planned.
    Done,
    /// Done, but the object had changed since it was planned.
    Replanned,
    /// A person must look.
    Parked,
}

impl ItemState {
    /// As it is kept and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Done => "done",
            Self::Replanned => "replanned",
            Self::Parked => "parked",
        }
    }
}

impl Reader<'_> {
    /// Objects of a plan in order of id, after one, at most `limit`; with an action, only those.
    pub fn run_items(
        &mut self,
        run: RunId,
        action: Option<&str>,
        after: Option<ResourceId>,
        limit: i64,
    ) -> Result<Vec<ItemRow>> {
        let mut sql = Sql::new(
            "SELECT resource_id, kind, action, digest, state, deactivations, deletions, memberships \
             FROM run_item WHERE organization = ",
        );
        sql.bind(self.organization).push(" AND run_id = ").bind(run);
        if let Some(action) = action {
            sql.push(" AND action = ").bind(action);
        }
        if let Some(after) = after {
            sql.push(" AND resource_id > ").bind(after);
        }
        sql.push(" ORDER BY resource_id LIMIT ").bind(limit);
        type Row = (ResourceId, String, String, String, String, i64, i64, i64);
        type Types = (Id, Text, Text, Text, Text, BigInt, BigInt, BigInt);
        let number = |count| u64::try_from(count).unwrap_or_default();
        let rows: Vec<Row> = sql.load::<Types, _>(self.conn)?;
        Ok(rows
            .into_iter()
            .map(|(resource, kind, action, digest, state, off, gone, left)| ItemRow {
                resource,
                kind,
                action,
                digest,
                state,
                removals: Removed {
                    deactivations: number(off),
                    deletions: number(gone),
                    memberships: number(left),
                },
            })
            .collect())
    }
}

impl Transaction<'_> {
    /// Forgets what was planned: planning begins anew.
    pub fn clear_items(&mut self, run: RunId) -> Result<()> {
        for text in [
            "DELETE FROM run_item WHERE organization = ",
            "DELETE FROM run_loss WHERE organization = ",
        ] {
            let mut sql = Sql::new(text);
            sql.bind(self.organization).push(" AND run_id = ").bind(run);
            sql.execute(self.conn)?;
        }
        Ok(())
    }

    /// Adds objects to a plan.
    pub fn insert_items(&mut self, run: RunId, items: &[ItemRow]) -> Result<()> {
        for chunk in items.chunks(200) {
            let mut sql = Sql::new(
                "INSERT INTO run_item (organization, run_id, resource_id, kind, action, digest, state, \
                 deactivations, deletions, memberships) VALUES ",
            );
            for (at, item) in chunk.iter().enumerate() {
                sql.push(if at == 0 { "(" } else { ", (" });
                sql.bind(self.organization).push(", ").bind(run).push(", ").bind(item.resource);
                sql.push(", ").bind(item.kind.as_str()).push(", ").bind(item.action.as_str());
                sql.push(", ").bind(item.digest.as_str());
                sql.push(", ").bind(item.state.as_str());
                let Removed { deactivations, deletions, memberships } = item.removals;
                for count in [deactivations, deletions, memberships] {
                    sql.push(", ").bind(i64::try_from(count).unwrap_or(i64::MAX));
                }
                sql.push(")");
            }
            sql.push(" ON CONFLICT DO NOTHING");
            sql.execute(self.conn)?;
        }
        Ok(())
    }

    /// Leaves out of a run what waits for approval and takes away nothing by its plan: what is held now
    /// came after it. Answers how many.
    pub(super) fn leave_held(&mut self, app: AppId, run: RunId) -> Result<i64> {
        let mut sql = Sql::new("UPDATE run_item SET state = 'parked' WHERE organization = ");
        sql.bind(self.organization).push(" AND run_id = ").bind(run);
        sql.push(
            " AND deactivations + deletions + memberships = 0 AND EXISTS (SELECT 1 FROM job j \
             WHERE j.organization = run_item.organization AND j.resource_id = run_item.resource_id \
             AND j.app_id = ",
        );
        sql.bind(app).push(" AND j.state = 'parked' AND j.error LIKE ").bind(HELD).push(")");
        Ok(i64::try_from(sql.execute(self.conn)?).unwrap_or(i64::MAX))
    }

    /// Makes every object of a plan due for the run; groups after the users, who are their members. Each
    /// may take away as much as was planned; `approved`: by somebody, and not counted. Answers how many.
    pub(super) fn mark_items(
        &mut self,
        app: AppId,
        run: RunId,
        approved: bool,
        now_us: i64,
    ) -> Result<i64> {
        let mut select =
            Sql::new(", resource_id, kind, 1, 'ready', CASE action WHEN 'deactivate' ");
        // Who loses access goes first, here as elsewhere.
        select.push(
            "THEN 5 WHEN 'delete' THEN 5 ELSE CASE kind WHEN 'Group' THEN 31 ELSE 30 END END, ",
        );
        select.bind(now_us).push(", 0, ").bind(now_us);
        // Only what was counted as taken away: whoever leaves meanwhile is counted like anybody.
        select.push(", run_id, ").bind(approved).push(", deactivations, deletions, memberships");
        select.push(" FROM run_item WHERE organization = ").bind(self.organization);
        select.push(" AND state = 'planned'");
        // In one order for all, so that nobody waits for another who waits for them.
        select.push(" AND run_id = ").bind(run).push(" ORDER BY resource_id");
        let mut sql = Sql::new(taken_by_run::COLUMNS);
        sql.push("SELECT organization, ").bind(app).append(select).push(taken_by_run::ON_MARKED);
        Ok(i64::try_from(sql.execute(self.conn)?).unwrap_or(i64::MAX))
    }

    /// Notes how an object of a plan ended.
    pub(super) fn end_item(
        &mut self,
        run: RunId,
        resource: ResourceId,
        done: bool,
        digest: Option<&str>,
    ) -> Result<()> {
        let mut sql = Sql::new("UPDATE run_item SET state = ");
        match (done, digest) {
            (false, _) => sql.bind(ItemState::Parked.as_str()),
            (true, None) => sql.bind(ItemState::Done.as_str()),
            (true, Some(digest)) => {
                sql.push("CASE digest WHEN ").bind(digest).push(" THEN 'done' ELSE 'replanned' END")
            }
        };
        sql.push(" WHERE organization = ").bind(self.organization);
        sql.push(" AND run_id = ").bind(run).push(" AND resource_id = ").bind(resource);
        sql.execute(self.conn)?;
        Ok(())
    }
}
