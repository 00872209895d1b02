//! Accounts that the app said, when a run was planned, not to have any more. Nothing becomes of them
//! before the run starts.

use crate::id::{AppId, ResourceId, RunId};
use crate::store::connection::Id;
use crate::store::sql::Sql;
use crate::store::{Reader, Result, Transaction};
use diesel::sql_types::{BigInt, Text};
use std::collections::HashSet;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LossRow {
    /// Whose account it was.
    pub resource: ResourceId,
    /// Its resource type.
    pub kind: String,
    /// The app's id of it.
    pub remote_id: String,
    /// When the list that left it out was begun: what was pushed or seen since knows better.
    pub since_us: i64,
}

impl Reader<'_> {
    /// The first losses of a run that are not settled, in order of the object's id, at most `limit`.
    pub fn losses(&mut self, run: RunId, limit: i64) -> Result<Vec<LossRow>> {
        let mut sql = Sql::new(
            "SELECT resource_id, kind, remote_id, since_us FROM run_loss WHERE organization = ",
        );
        sql.bind(self.organization).push(" AND run_id = ").bind(run);
        sql.push(" ORDER BY resource_id LIMIT ").bind(limit);
        type Row = (ResourceId, String, String, i64);
        let rows: Vec<Row> = sql.load::<(Id, Text, Text, BigInt), _>(self.conn)?;
        Ok(rows
            .into_iter()
            .map(|(resource, kind, remote_id, since_us)| LossRow {
                resource,
                kind,
                remote_id,
                since_us,
            })
            .collect())
    }

    /// Which of these objects have an account that the app said not to have, as some plan found, and
    /// about which nothing was done or seen since.
    pub fn missed(&mut self, app: AppId, resources: &[ResourceId]) -> Result<HashSet<ResourceId>> {
        let mut missed = HashSet::new();
        for chunk in resources.chunks(500) {
            let mut sql = Sql::new(
                "SELECT l.resource_id FROM run_loss l \
                 JOIN run r ON r.organization = l.organization AND r.id = l.run_id \
                 JOIN link k ON k.organization = l.organization AND k.app_id = r.app_id \
                 AND k.resource_id = l.resource_id AND k.remote_id = l.remote_id \
                 WHERE l.organization = ",
            );
            sql.bind(self.organization).push(" AND r.app_id = ").bind(app);
            sql.push(" AND l.resource_id IN (").binds(chunk.iter().copied()).push(")");
            sql.push(" AND k.state IN ('linked', 'deactivated')");
            sql.push(" AND COALESCE(k.pushed_us, 0) < l.since_us");
            sql.push(" AND COALESCE(k.seen_us, 0) < l.since_us");
            let found: Vec<(ResourceId,)> = sql.load::<(Id,), _>(self.conn)?;
            missed.extend(found.into_iter().map(|(id,)| id));
        }
        Ok(missed)
    }
}

impl Transaction<'_> {
    /// Notes what the app said not to have.
    pub fn insert_losses(&mut self, run: RunId, losses: &[LossRow]) -> Result<()> {
        for chunk in losses.chunks(200) {
            let mut sql = Sql::new(
                "INSERT INTO run_loss (organization, run_id, resource_id, kind, remote_id, since_us) \
                 VALUES ",
            );
            for (at, loss) in chunk.iter().enumerate() {
                sql.push(if at == 0 { "(" } else { ", (" });
                sql.bind(self.organization).push(", ").bind(run).push(", ").bind(loss.resource);
                sql.push(", ").bind(loss.kind.as_str()).push(", ").bind(loss.remote_id.as_str());
                sql.push(", ").bind(loss.since_us).push(")");
            }
            sql.push(" ON CONFLICT DO NOTHING");
            sql.execute(self.conn)?;
        }
        Ok(())
    }

    /// Forgets a loss: what is to become of the account is done.
    pub fn settle_loss(&mut self, run: RunId, resource: ResourceId) -> Result<()> {
        let mut sql = Sql::new("DELETE FROM run_loss WHERE organization = ");
        sql.bind(self.organization).push(" AND run_id = ").bind(run);
        sql.push(" AND resource_id = ").bind(resource);
        sql.execute(self.conn)?;
        Ok(())
    }
}
