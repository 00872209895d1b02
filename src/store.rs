//! Durable state: blocking inside, async at the door; diesel lives only here.
//!
//! One [`Store`], two databases, one text per query. SQLite has one writer thread that commits up
//! to 32 transactions together (each in its own savepoint) and a pool of read-only connections;
//! PostgreSQL has a pool. Everything a caller does happens inside [`Store::read`] or
//! [`Store::write`], for one organization.

pub mod apps;
pub mod assignments;
pub mod attempts;
pub mod audit;
pub mod changes;
pub mod clients;
mod connection;
pub mod deliveries;
mod error;
pub mod health;
mod index;
pub mod jobs;
pub mod leases;
pub mod links;
mod location;
pub mod mappings;
pub mod members;
mod migrations;
pub mod notifications;
pub mod observed;
pub mod organizations;
mod pool;
#[cfg(test)]
pub(crate) mod probe;
pub mod pushes;
pub mod query;
pub mod references;
pub mod removals;
pub mod resources;
pub mod retention;
pub mod runs;
pub mod sandbox;
mod schema;
pub mod schemas;
pub mod secrets;
mod sql;
#[cfg(test)]
mod tests;
mod writer;

pub use error::{Error, Result};

use crate::clock::Stopwatch;
use crate::id::{self, OrganizationId};
use connection::Connection;
use diesel::connection::TransactionManager;
use location::Location;
use pool::{Manager, Mode, Pool, reader};
use std::sync::Arc;
use std::time::Duration;
use writer::Writer;

/// Most times that a transaction is run again after PostgreSQL gave it up.
const RETRIES: u32 = 5;

/// A handle on the database, cheap to clone.
#[derive(Clone)]
pub struct Store {
    // The order matters: the lock on the file is given back after the connections are closed.
    writer: Option<Arc<Writer>>,
    pool: Pool,
    patience: Duration,
    registries: Arc<schemas::Registries>,
    _lock: Option<Arc<std::fs::File>>,
}

/// A consistent view of one organization.
pub struct Reader<'c> {
    conn: &'c mut Connection,
    organization: OrganizationId,
}

/// A view that may also change; everything in it commits together or not at all.
pub struct Transaction<'c> {
    reader: Reader<'c>,
}

impl<'c> std::ops::Deref for Transaction<'c> {
    type Target = Reader<'c>;
    fn deref(&self) -> &Self::Target {
        &self.reader
    }
}

impl std::ops::DerefMut for Transaction<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.reader
    }
}

impl<'c> Transaction<'c> {
    /// Runs a part of the transaction that is kept or undone by itself: what it did is undone when
    /// it fails, and nothing else is.
    ///
    /// # Errors
    /// Those of the part; [`Error::Busy`] and [`Error::Database`] where the whole transaction may
    /// be lost, which its owner must then give up.
    pub fn savepoint<T>(
        &mut self,
        part: impl FnOnce(&mut Transaction<'c>) -> Result<T>,
    ) -> Result<T> {
        <Connection as TransactionManager<_>>::begin_transaction(&mut *self.reader.conn)?;
        let answer = part(self);
        if answer.is_ok() {
            <Connection as TransactionManager<_>>::commit_transaction(&mut *self.reader.conn)?;
        } else {
            <Connection as TransactionManager<_>>::rollback_transaction(&mut *self.reader.conn)?;
        }
        answer
    }
}

impl Reader<'_> {
    /// Whose rows these are.
    pub fn organization(&self) -> OrganizationId {
        self.organization
    }
}

/// How to open a database.
#[derive(Debug, Clone)]
pub struct Options {
    /// Connections for reading (SQLite) or for everything (PostgreSQL).
    pub connections: u32,
    /// How long a caller waits for a connection before [`Error::Busy`].
    pub patience: std::time::Duration,
    /// SQLite only: `synchronous=NORMAL` instead of `FULL`.
    pub relaxed: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { connections: 8, patience: std::time::Duration::from_secs(5), relaxed: false }
    }
}

impl Store {
    /// Opens `sqlite:PATH` (created when missing), `sqlite::memory:`-like URLs are refused, or
    /// `postgres://…`; applies pending migrations. A file of SQLite that another server holds is
    /// opened for commands only when `exclusive` is false.
    pub fn open(url: &str, options: &Options, exclusive: bool) -> Result<Self> {
        let location = Location::parse(url)?;
        let writing = Manager::writing(location.clone(), options);
        let mut lock = None;
        let mut writer = None;
        if let Location::Sqlite(path) = &location {
            if exclusive {
                lock = Some(Arc::new(location::lock(path)?));
            }
            location::create_private(path)?;
        }
        migrations::apply(&writing)?;
        let pool = match &location {
            Location::Sqlite(_) => {
                writer = Some(Arc::new(Writer::start(writing, options.patience)?));
                Pool::open(Manager::reading(location, options), options)?
            }
            Location::Postgres(_) => Pool::open(writing, options)?,
        };
        let registries = Arc::default();
        Ok(Self { writer, pool, patience: options.patience, registries, _lock: lock })
    }

    /// Runs `work` on a read-only view, on a blocking thread.
    pub async fn read<T, F>(&self, organization: OrganizationId, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Reader<'_>) -> Result<T> + Send + 'static,
    {
        #[cfg(test)]
        let work = probe::asked(work);
        let (_, answer) = self.pool.run(Mode::Read, once(organization, work)).await?;
        #[cfg(test)]
        probe::stand().await;
        answer
    }

    /// Runs a read of a few rows by key: on SQLite on the calling thread when a connection is free,
    /// which is twice as fast as a hop to a blocking thread; otherwise as [`Store::read`].
    pub async fn glance<T, F>(&self, organization: OrganizationId, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Reader<'_>) -> Result<T> + Send + 'static,
    {
        if self.writer.is_none() {
            return self.read(organization, work).await;
        }
        let answer = match self.pool.run_here(Mode::Read, once(organization, work)) {
            Ok(answer) => answer,
            Err(work) => self.pool.run(Mode::Read, work).await?.1,
        };
        #[cfg(test)]
        probe::stand().await;
        answer
    }

    /// Runs `work` in a transaction. It may run again (serialization failures), so it must not have
    /// effects outside the transaction.
    pub async fn write<T, F>(&self, organization: OrganizationId, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Transaction<'_>) -> Result<T> + Send + 'static,
    {
        #[cfg(test)]
        let work = probe::told(work);
        if let Some(writer) = &self.writer {
            let answer = writer.run(organization, work).await;
            #[cfg(test)]
            probe::stand().await;
            return answer;
        }
        let asked = Stopwatch::start();
        let mut work = move |connection: &mut Connection| {
            work(&mut Transaction { reader: reader(connection, organization) })
        };
        for attempt in 0.. {
            let answer;
            (work, answer) = self.pool.run(Mode::Write, work).await?;
            match answer {
                Err(Error::Busy) if attempt < RETRIES && asked.elapsed() < self.patience => {
                    let most = 5_u64 << attempt;
                    tokio::time::sleep(Duration::from_millis(1 + id::below(most))).await;
                }
                answer => return answer,
            }
        }
        Err(Error::Busy)
    }
}

/// Work that can be done once, as the pool takes it: called once, though it might be moved about.
fn once<T, F>(
    organization: OrganizationId,
    work: F,
) -> impl FnMut(&mut Connection) -> Result<T> + Send + 'static
where
    T: 'static,
    F: FnOnce(&mut Reader<'_>) -> Result<T> + Send + 'static,
{
    let mut work = Some(work);
    move |connection| match work.take() {
        Some(work) => work(&mut reader(connection, organization)),
        None => Err(Error::Database("a read was run twice".into())),
    }
}
