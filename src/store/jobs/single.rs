//! The job of one object, by its name: claimed out of turn, or taken from whoever has it.

use super::Job;
use crate::id::{AppId, ResourceId};
use crate::store::sql::Sql;
use crate::store::{Reader, Result, Transaction};
use diesel::sql_types::Bool;

impl Reader<'_> {
    /// Whether somebody works on the object at present.
    pub fn is_at_work(&mut self, app: AppId, resource: ResourceId, now_us: i64) -> Result<bool> {
        let mut sql = Sql::new("SELECT EXISTS (SELECT 1 FROM job WHERE organization = ");
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        sql.push(" AND resource_id = ").bind(resource);
        sql.push(" AND state = 'running' AND lease_us >= ").bind(now_us).push(")");
        let rows: Vec<(bool,)> = sql.load::<(Bool,), _>(self.conn)?;
        Ok(rows.first().is_some_and(|row| row.0))
    }
}

impl Transaction<'_> {
    /// Claims the job of one object until `lease_us`, whether it is due or not. None where it has
    /// none, or somebody works on it, or it is parked or waits: [`Transaction::mark_due`] makes those
    /// ready.
    pub fn claim_job(
        &mut self,
        app: AppId,
        resource: ResourceId,
        now_us: i64,
        lease_us: i64,
    ) -> Result<Option<Job>> {
        let mut sql = Sql::new(
            "UPDATE job SET in_doubt = in_doubt OR state = 'running', state = 'running', \
             fence = fence + 1, lease_us = ",
        );
        sql.bind(lease_us).push(" WHERE organization = ").bind(self.organization);
        sql.push(" AND app_id = ").bind(app).push(" AND resource_id = ").bind(resource);
        sql.push(" AND (state = 'ready' OR (state = 'running' AND lease_us < ").bind(now_us);
        sql.push("))");
        Ok(self.claimed(sql)?.pop())
    }

    /// Takes a job from whoever has it, if anybody has, and makes it ready: what they record after
    /// this is refused, and what they began is looked at anew. Answers whether there is a job.
    pub fn wrest_job(&mut self, app: AppId, resource: ResourceId, now_us: i64) -> Result<bool> {
        let mut sql = Sql::new(
            "UPDATE job SET fence = fence + 1, generation = generation + 1, lease_us = NULL, \
             in_doubt = in_doubt OR state = 'running', attempts = 0, error = NULL, \
             run_id = CASE WHEN state = 'parked' THEN NULL ELSE run_id END, state = 'ready', \
             run_at_us = ",
        );
        sql.bind(now_us).push(" WHERE organization = ").bind(self.organization);
        sql.push(" AND app_id = ").bind(app).push(" AND resource_id = ").bind(resource);
        Ok(sql.execute(self.conn)? == 1)
    }
}
