//! Leases: one holder at a time, across instances. Losing one is harmless, because what it guards
//! is fenced too.

use super::connection::Backend;
use super::sql::Sql;
use super::{Result, Store, Transaction};
use crate::id::{InstanceId, OrganizationId};
use diesel::sql_types::BigInt;

/// A lease that was taken, with the number by which what it guards tells its holder from those
/// before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    name: String,
    holder: InstanceId,
    fence: i64,
}

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

    /// Takes a lease only if nobody has it, not even this holder; none where somebody has.
    ///
    /// # Errors
    /// The database's.
    pub async fn take_lease(
        &self,
        name: &str,
        holder: InstanceId,
        now_us: i64,
        until_us: i64,
    ) -> Result<Option<Lease>> {
        let name = name.to_owned();
        self.write(OrganizationId(0), move |transaction| {
            let mut sql = Sql::new("INSERT INTO lease (name, holder, expires_us, fence) VALUES (");
            sql.bind(name.as_str()).push(", ").bind(holder).push(", ").bind(until_us);
            // A row made anew never matches what somebody holds of the row before.
            sql.push(", ").bind(now_us).push(
                ") ON CONFLICT (name) DO UPDATE SET expires_us = excluded.expires_us, \
                 fence = lease.fence + 1, holder = excluded.holder WHERE lease.expires_us < ",
            );
            sql.bind(now_us).push(" RETURNING fence");
            let taken: Vec<(i64,)> = sql.load::<(BigInt,), _>(transaction.conn)?;
            let fence = taken.first().map(|row| row.0);
            Ok(fence.map(|fence| Lease { name: name.clone(), holder, fence }))
        })
        .await
    }

    /// Renews a lease until `until_us`; answers whether it is still ours.
    ///
    /// # Errors
    /// The database's.
    pub async fn renew_lease(&self, lease: &Lease, until_us: i64) -> Result<bool> {
        let lease = lease.clone();
        self.write(OrganizationId(0), move |transaction| {
            let mut sql = Sql::new("UPDATE lease SET expires_us = ");
            sql.bind(until_us).append(lease.row());
            Ok(sql.execute(transaction.conn)? == 1)
        })
        .await
    }

    /// Gives a lease back, if it is still ours.
    ///
    /// # Errors
    /// The database's.
    pub async fn release_lease(&self, lease: &Lease) -> Result<()> {
        let lease = lease.clone();
        self.write(OrganizationId(0), move |transaction| {
            let mut sql = Sql::new("DELETE FROM lease");
            sql.append(lease.row()).execute(transaction.conn)?;
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

impl Lease {
    /// The row, as long as nobody took the lease since.
    fn row(&self) -> Sql {
        let mut sql = Sql::new(" WHERE name = ");
        sql.bind(self.name.as_str()).push(" AND holder = ").bind(self.holder);
        sql.push(" AND fence = ").bind(self.fence);
        sql
    }
}

impl Transaction<'_> {
    /// Whether a lease is still ours; if it is, nobody takes it before this transaction ends.
    pub fn holds_lease(&mut self, lease: &Lease) -> Result<bool> {
        let mut sql = Sql::new("SELECT fence FROM lease");
        sql.append(lease.row());
        if self.conn.backend() == Backend::Postgres {
            sql.push(" FOR SHARE");
        }
        let rows: Vec<(i64,)> = sql.load::<(BigInt,), _>(self.conn)?;
        Ok(!rows.is_empty() || planted!(Planning))
    }
}
