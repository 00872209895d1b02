//! On whose accounts in an app depends what the app is told of somebody: a manager's id there.
//!
//! Such a value is known only once the other has an account, and changes when that account does.
//! The rows outlive the resources that they name; they go with the link, or with the app. See
//! [`Transaction::mark_referrers`] for what they are read for.

use super::connection::Id;
use super::sql::Sql;
use super::{Reader, Result, Transaction};
use crate::id::{AppId, ResourceId};
use std::collections::{HashMap, HashSet};

impl Reader<'_> {
    /// Who a resource's values in an app refer to, in order of id.
    pub fn references(&mut self, app: AppId, resource: ResourceId) -> Result<Vec<ResourceId>> {
        let mut sql = Sql::new("SELECT target_id FROM account_reference WHERE organization = ");
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        sql.push(" AND resource_id = ").bind(resource).push(" ORDER BY target_id");
        let rows: Vec<(ResourceId,)> = sql.load::<(Id,), _>(self.conn)?;
        Ok(rows.into_iter().map(|(target,)| target).collect())
    }

    /// The same of several resources, by resource; those that refer to nobody are left out.
    pub fn references_of(
        &mut self,
        app: AppId,
        resources: &[ResourceId],
    ) -> Result<HashMap<ResourceId, HashSet<ResourceId>>> {
        let mut references: HashMap<ResourceId, HashSet<ResourceId>> = HashMap::new();
        for chunk in resources.chunks(500) {
            let mut sql = Sql::new("SELECT resource_id, target_id FROM account_reference");
            sql.push(" WHERE organization = ").bind(self.organization);
            sql.push(" AND app_id = ").bind(app);
            sql.push(" AND resource_id IN (").binds(chunk.iter().copied()).push(")");
            let rows: Vec<(ResourceId, ResourceId)> = sql.load::<(Id, Id), _>(self.conn)?;
            for (resource, target) in rows {
                references.entry(resource).or_default().insert(target);
            }
        }
        Ok(references)
    }
}

impl Transaction<'_> {
    /// Makes these the ones to whom a resource's values in an app refer. Nothing is written where
    /// they are those already.
    ///
    /// # Errors
    /// [`super::Error::NotFound`] when the app is gone.
    pub fn put_references(
        &mut self,
        app: AppId,
        resource: ResourceId,
        targets: &[ResourceId],
    ) -> Result<()> {
        let before = self.references(app, resource)?;
        let wanted: HashSet<ResourceId> = targets.iter().copied().collect();
        let known: HashSet<ResourceId> = before.iter().copied().collect();
        let gone: Vec<ResourceId> = before.into_iter().filter(|id| !wanted.contains(id)).collect();
        let mut new: Vec<ResourceId> = wanted.difference(&known).copied().collect();
        new.sort_unstable();
        for chunk in gone.chunks(500) {
            let mut sql = Sql::new("DELETE FROM account_reference WHERE organization = ");
            sql.bind(self.organization).push(" AND app_id = ").bind(app);
            sql.push(" AND resource_id = ").bind(resource);
            sql.push(" AND target_id IN (").binds(chunk.iter().copied()).push(")");
            sql.execute(self.conn)?;
        }
        for chunk in new.chunks(200) {
            let mut sql = Sql::new(
                "INSERT INTO account_reference (organization, app_id, resource_id, target_id) VALUES ",
            );
            for (at, target) in chunk.iter().enumerate() {
                sql.push(if at == 0 { "(" } else { ", (" });
                sql.bind(self.organization).push(", ").bind(app).push(", ").bind(resource);
                sql.push(", ").bind(*target).push(")");
            }
            sql.push(" ON CONFLICT DO NOTHING");
            sql.execute(self.conn)?;
        }
        Ok(())
    }
}
