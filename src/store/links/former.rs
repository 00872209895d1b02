//! Accounts that Rollcall made and that are no longer linked: should the same object come to have the
//! same account again, it is known whose work it is.

use crate::id::{AppId, ResourceId};
use crate::store::connection::Backend;
use crate::store::sql::Sql;
use crate::store::{Reader, Result, Transaction};
use diesel::sql_types::BigInt;

impl Reader<'_> {
    /// Whether Rollcall made this account for this object, and lost sight of it since.
    pub fn is_made(&mut self, app: AppId, resource: ResourceId, remote_id: &str) -> Result<bool> {
        let mut sql =
            Sql::new("SELECT CAST(1 AS BIGINT) FROM former_account WHERE organization = ");
        sql.bind(self.organization).push(" AND resource_id = ").bind(resource);
        sql.push(" AND app_id = ").bind(app).push(" AND remote_id = ").bind(remote_id);
        let found: Vec<(i64,)> = sql.load::<(BigInt,), _>(self.conn)?;
        Ok(!found.is_empty())
    }
}

impl Transaction<'_> {
    /// Remembers the account of a link that is about to go or to be left alone, if Rollcall made it and
    /// its object is still there. What somebody said to leave alone is not Rollcall's any more.
    pub fn remember_made(&mut self, app: AppId, resource: ResourceId) -> Result<()> {
        let mut sql = Sql::new(
            "INSERT INTO former_account (organization, resource_id, app_id, remote_id) \
             SELECT l.organization, l.resource_id, l.app_id, l.remote_id FROM link l \
             JOIN resource r ON r.organization = l.organization AND r.id = l.resource_id \
             WHERE l.organization = ",
        );
        sql.bind(self.organization).push(" AND l.app_id = ").bind(app);
        sql.push(" AND l.resource_id = ").bind(resource);
        sql.push(" AND l.remote_id IS NOT NULL AND l.origin = 'created' AND l.state <> 'released'");
        if self.conn.backend() == Backend::Postgres {
            // Whoever deletes the object does so before this or after it.
            sql.push(" FOR KEY SHARE OF r");
        }
        sql.push(
            " ON CONFLICT (organization, resource_id, app_id) DO UPDATE SET \
             remote_id = excluded.remote_id",
        );
        sql.execute(self.conn)?;
        Ok(())
    }
}
