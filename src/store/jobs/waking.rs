//! Jobs that wait for days of grace when the days become others: looked at again, some with each
//! claim, so that whoever changes a policy does not wait for everybody who leaves.

use crate::id::{AppId, ResourceId};
use crate::store::connection::Id;
use crate::store::sql::Sql;
use crate::store::{Result, Transaction};
use diesel::sql_types::{Nullable, Text};
use uuid::Uuid;

/// Jobs of which it is looked with one claim whether they wait.
const PAGE: usize = 500;

impl Transaction<'_> {
    /// Notes that jobs of an app wait by days of grace that are no longer in force.
    pub(in crate::store) fn wake_waiting(&mut self, app: AppId) -> Result<()> {
        self.wake_after(app, Some(ResourceId(Uuid::nil())))
    }

    /// Makes the next of them due.
    pub(super) fn wake(&mut self, app: AppId, now_us: i64) -> Result<()> {
        if self.waking_after(app)?.is_none() || planted!(Waking) {
            return Ok(());
        }
        // Two who claim do not leave out what the other one looks at.
        self.lock_organization()?;
        let Some(after) = self.waking_after(app)? else { return Ok(()) };
        let mut sql = Sql::new("SELECT resource_id, state FROM job WHERE organization = ");
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        sql.push(" AND resource_id > ").bind(after).push(" ORDER BY resource_id LIMIT +");
        sql.bind(i64::try_from(PAGE).unwrap_or(i64::MAX));
        let page: Vec<(ResourceId, String)> = sql.load::<(Id, Text), _>(self.conn)?;
        let last = page.last().filter(|_| page.len() == PAGE).map(|one| one.0);
        self.wake_after(app, last)?;
        let waiting = page.iter().filter(|one| one.1 == "waiting").map(|one| one.0);
        let waiting: Vec<ResourceId> = waiting.collect();
        if waiting.is_empty() {
            return Ok(());
        }
        let mut sql = Sql::new("UPDATE job SET state = 'ready', run_at_us = ");
        sql.bind(now_us).push(" WHERE organization = ").bind(self.organization);
        sql.push(" AND app_id = ").bind(app).push(" AND state = 'waiting' AND resource_id IN (");
        sql.binds(waiting).push(")");
        sql.execute(self.conn)?;
        Ok(())
    }

    fn waking_after(&mut self, app: AppId) -> Result<Option<ResourceId>> {
        let mut sql = Sql::new("SELECT waking_after FROM app WHERE organization = ");
        sql.bind(self.organization).push(" AND id = ").bind(app);
        let rows: Vec<(Option<ResourceId>,)> = sql.load::<(Nullable<Id>,), _>(self.conn)?;
        Ok(rows.first().and_then(|row| row.0))
    }

    fn wake_after(&mut self, app: AppId, after: Option<ResourceId>) -> Result<()> {
        let mut sql = Sql::new("UPDATE app SET waking_after = ");
        match after {
            Some(after) => sql.bind(after),
            None => sql.push("NULL"),
        };
        sql.push(" WHERE organization = ").bind(self.organization).push(" AND id = ").bind(app);
        sql.execute(self.conn)?;
        Ok(())
    }
}
