//! Leases: one holder at a time, across instances. Losing one is harmless, because what it guards
//! is fenced too.

use super::sql::Sql;
use super::{Result, Store};
use crate::id::{InstanceId, OrganizationId};

impl Store {
    /// Takes or renews a lease until `until_us`; answers whether it is ours.
    ///
    /// # Errors
    /// The database's.
    pub async fn acquire_lease(
        &self,
        name: &str,
        holder: InstanceId,
        now_us: i64,
        until_us: i64,
    ) -> Result<bool> {
        let name = name.to_owned();
        self.write(OrganizationId(0), move |transaction| {
            let mut sql = Sql::new("INSERT INTO lease (name, holder, expires_us, fence) VALUES (");
            sql.bind(name.as_str()).push(", ").bind(holder).push(", ").bind(until_us);
            sql.push(
                ", 1) ON CONFLICT (name) DO UPDATE SET expires_us = excluded.expires_us, \
                 fence = CASE WHEN lease.holder = excluded.holder THEN lease.fence \
                              ELSE lease.fence + 1 END, \
                 holder = excluded.holder \
                 WHERE lease.holder = excluded.holder OR lease.expires_us < ",
            );
            sql.bind(now_us);
            Ok(sql.execute(transaction.conn)? == 1)
        })
        .await
    }

    /// Takes a lease only if nobody has it, not even this holder; answers whether it is ours now.
    ///
    /// # Errors
    /// The database's.
    pub async fn take_lease(
        &self,
        name: &str,
        holder: InstanceId,
        now_us: i64,
        until_us: i64,
    ) -> Result<bool> {
        let name = name.to_owned();
        self.write(OrganizationId(0), move |transaction| {
            let mut sql = Sql::new("INSERT INTO lease (name, holder, expires_us, fence) VALUES (");
            sql.bind(name.as_str()).push(", ").bind(holder).push(", ").bind(until_us);
            sql.push(
                ", 1) ON CONFLICT (name) DO UPDATE SET expires_us = excluded.expires_us, \
                 fence = lease.fence + 1, holder = excluded.holder WHERE lease.expires_us < ",
            );
            sql.bind(now_us);
            Ok(sql.execute(transaction.conn)? == 1)
        })
        .await
    }

    /// Gives a lease back.
    ///
    /// # Errors
    /// The database's.
    pub async fn release_lease(&self, name: &str, holder: InstanceId) -> Result<()> {
        let name = name.to_owned();
        self.write(OrganizationId(0), move |transaction| {
            let mut sql = Sql::new("DELETE FROM lease WHERE name = ");
            sql.bind(name.as_str()).push(" AND holder = ").bind(holder);
            sql.execute(transaction.conn)?;
            Ok(())
        })
        .await
    }

    /// Gives back every lease of a holder.
    ///
    /// # Errors
    /// The database's.
    pub async fn release_leases(&self, holder: InstanceId) -> Result<()> {
        self.write(OrganizationId(0), move |transaction| {
            let mut sql = Sql::new("DELETE FROM lease WHERE holder = ");
            sql.bind(holder);
            sql.execute(transaction.conn)?;
            Ok(())
        })
        .await
    }
}
