//! Durable state: blocking inside, async at the door; diesel lives only here.
//!
//! One [`Store`], two databases, one text per query. SQLite has one writer thread that commits up
//! to 32 transactions together (each in its own savepoint) and a pool of read-only connections;
//! PostgreSQL has a pool. Everything a caller does happens inside [`Store::read`] or
//! [`Store::write`], for one organization.

pub mod changes;
pub mod clients;
pub mod members;
pub mod organizations;
pub mod query;
pub mod resources;

use crate::id::OrganizationId;

/// What a caller can do about a failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The row is not there.
    #[error("not found")]
    NotFound,
    /// A unique value is taken; names the SCIM attribute or column.
    #[error("another row has this {0}")]
    Taken(&'static str),
    /// The version is not the one expected.
    #[error("changed since it was read")]
    Stale,
    /// A reference names no resource; holds the id as sent.
    #[error("no resource has the id {0:?}")]
    Dangling(String),
    /// The answer would be larger than the bound.
    #[error("the query matches more than can be examined")]
    TooMany,
    /// All connections are taken, or the database is locked: try again.
    #[error("the database is busy")]
    Busy,
    /// The caller's own refusal inside a transaction, which rolls it back.
    #[error(transparent)]
    Refused(#[from] crate::scim::error::Error),
    /// A stored document cannot be read.
    #[error("a stored row cannot be read: {0}")]
    Corrupt(String),
    /// The database refused or is away. The text never reaches a client.
    #[error("database: {0}")]
    Database(String),
}

/// Result of the store.
pub type Result<T> = std::result::Result<T, Error>;

/// A handle on the database, cheap to clone.
#[derive(Clone)]
pub struct Store {
    // filled in by the implementation
}

/// A consistent view of one organization.
pub struct Reader<'c> {
    // conn: &'c mut Connection,
    organization: OrganizationId,
    _lifetime: std::marker::PhantomData<&'c mut ()>,
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
    pub fn open(_url: &str, _options: &Options, _exclusive: bool) -> Result<Self> {
        todo!()
    }

    /// Runs `work` on a read-only view, on a blocking thread.
    pub async fn read<T, F>(&self, _organization: OrganizationId, _work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Reader<'_>) -> Result<T> + Send + 'static,
    {
        todo!()
    }

    /// Runs a read of a few rows by key: on SQLite on the calling thread when a connection is free,
    /// which is twice as fast as a hop to a blocking thread; otherwise as [`Store::read`].
    pub async fn glance<T, F>(&self, _organization: OrganizationId, _work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Reader<'_>) -> Result<T> + Send + 'static,
    {
        todo!()
    }

    /// Runs `work` in a transaction. It may run again (serialization failures), so it must not have
    /// effects outside the transaction.
    pub async fn write<T, F>(&self, _organization: OrganizationId, _work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Transaction<'_>) -> Result<T> + Send + 'static,
    {
        todo!()
    }
}
