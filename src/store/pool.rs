//! Connections: how they are opened, kept and handed out.
//!
//! A caller first waits for a permit, of which there are as many as connections, and only then
//! occupies a blocking thread; so a crowd of waiting requests costs no threads, and is served in
//! the order of its arrival.

use super::connection::Connection;
use super::error::{Error, Result};
use super::location::Location;
use super::{Options, Reader};
use crate::id::OrganizationId;
use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::{Connection as _, PgConnection, SqliteConnection};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How SQLite is set up on every connection, once it has a write-ahead log. The time-out is for the
/// commands that write to the file of a running server.
const SQLITE_PRAGMAS: &str = "PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536; \
     PRAGMA mmap_size = 268435456;";

/// How PostgreSQL is set up on every connection: nothing waits for ever, and nobody's open
/// transaction stops the others for ever.
const POSTGRES_SETTINGS: &str = "SET lock_timeout = '5s'; SET statement_timeout = '60s'; \
     SET idle_in_transaction_session_timeout = '60s'; SET client_min_messages = 'warning'; \
     SET TIME ZONE 'UTC'; SET application_name = 'rollcall'";

/// Opens connections of one kind.
#[derive(Clone)]
pub(super) struct Manager {
    location: Location,
    relaxed: bool,
    read_only: bool,
}

/// A connection and whether it must not be used again.
pub(super) struct Held {
    pub(super) connection: Connection,
    pub(super) broken: bool,
}

impl Manager {
    /// Connections that may write.
    pub(super) fn writing(location: Location, options: &Options) -> Self {
        Self { location, relaxed: options.relaxed, read_only: false }
    }

    /// Connections that refuse to write (SQLite; those of PostgreSQL serve both).
    pub(super) fn reading(location: Location, options: &Options) -> Self {
        Self { location, relaxed: options.relaxed, read_only: true }
    }

    /// Opens one.
    pub(super) fn open(&self) -> Result<Connection> {
        match &self.location {
            Location::Sqlite(path) => {
                let path = path.to_str().ok_or_else(|| {
                    Error::Database("the path of the database is not UTF-8".into())
                })?;
                let mut inner = SqliteConnection::establish(path).map_err(|error| away(&error))?;
                keep_log(&mut inner)?;
                inner.batch_execute(SQLITE_PRAGMAS)?;
                inner.batch_execute(if self.relaxed {
                    "PRAGMA synchronous = NORMAL"
                } else {
                    "PRAGMA synchronous = FULL"
                })?;
                if self.read_only {
                    inner.batch_execute("PRAGMA query_only = ON")?;
                }
                Ok(Connection::Sqlite(inner))
            }
            Location::Postgres(url) => {
                let mut inner = PgConnection::establish(url).map_err(|error| away(&error))?;
                inner.batch_execute(POSTGRES_SETTINGS)?;
                Ok(Connection::Postgres(inner))
            }
        }
    }
}

/// Gives the file a write-ahead log, which lets readers and the writer work at once. SQLite does not
/// wait, whatever its time-out, while somebody else gives a new file its log.
#[expect(
    clippy::disallowed_methods,
    reason = "a database is opened before there is anything to hold up"
)]
fn keep_log(connection: &mut SqliteConnection) -> Result<()> {
    const TRIES: u32 = 500;
    for _ in 1..TRIES {
        match connection.batch_execute("PRAGMA journal_mode = WAL").map_err(Error::from) {
            Err(Error::Busy) => std::thread::sleep(Duration::from_millis(10)),
            done => return done,
        }
    }
    Ok(connection.batch_execute("PRAGMA journal_mode = WAL")?)
}

fn away(error: &diesel::ConnectionError) -> Error {
    Error::Database(format!("cannot be reached: {error}"))
}

impl r2d2::ManageConnection for Manager {
    type Connection = Held;
    type Error = Error;

    fn connect(&self) -> Result<Held> {
        Ok(Held { connection: self.open()?, broken: false })
    }

    fn is_valid(&self, _: &mut Held) -> Result<()> {
        Ok(()) // a dead connection shows at BEGIN, which is then tried on another one
    }

    fn has_broken(&self, held: &mut Held) -> bool {
        held.broken || std::thread::panicking()
    }
}

/// Connections behind permits.
#[derive(Clone)]
pub(super) struct Pool {
    connections: r2d2::Pool<Manager>,
    permits: Arc<Semaphore>,
    patience: Duration,
}

impl Pool {
    /// Opens the first connection, so that a wrong URL shows at once.
    pub(super) fn open(manager: Manager, options: &Options) -> Result<Self> {
        let size = options.connections.max(1);
        drop(manager.open()?);
        let builder = match manager.location {
            // Files are there: every connection is opened now and stays.
            Location::Sqlite(_) => r2d2::Pool::builder().max_lifetime(None).idle_timeout(None),
            Location::Postgres(_) => r2d2::Pool::builder().min_idle(Some(1)),
        };
        let connections = builder
            .max_size(size)
            .connection_timeout(options.patience.max(Duration::from_millis(100)))
            .test_on_check_out(false)
            .build(manager)
            .map_err(|error| Error::Database(format!("cannot be reached: {error}")))?;
        let permits = usize::try_from(size).unwrap_or(1);
        Ok(Self {
            connections,
            permits: Arc::new(Semaphore::new(permits)),
            patience: options.patience,
        })
    }

    /// A permit, after at most the caller's patience.
    async fn permit(&self) -> Result<OwnedSemaphorePermit> {
        let permit = Arc::clone(&self.permits).acquire_owned();
        match tokio::time::timeout(self.patience, permit).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(Error::Busy),
        }
    }

    /// Runs `work` with a connection in a transaction on a blocking thread; gives it back too.
    pub(super) async fn run<T, W>(&self, mode: Mode, work: W) -> Result<(W, Result<T>)>
    where
        T: Send + 'static,
        W: FnMut(&mut Connection) -> Result<T> + Send + 'static,
    {
        let permit = self.permit().await?;
        let connections = self.connections.clone();
        let job = move || {
            let mut work = work;
            let answer = in_transaction(&connections, mode, &mut work);
            drop(permit);
            (work, answer)
        };
        tokio::task::spawn_blocking(job)
            .await
            .map_err(|error| Error::Database(format!("the work was cut short: {error}")))
    }

    /// Runs `work` on this thread if a connection is free at this moment; else gives it back.
    pub(super) fn run_here<T, W>(
        &self,
        mode: Mode,
        mut work: W,
    ) -> std::result::Result<Result<T>, W>
    where
        W: FnMut(&mut Connection) -> Result<T>,
    {
        let Ok(_permit) = self.permits.try_acquire() else { return Err(work) };
        let Some(mut held) = self.connections.try_get() else { return Err(work) };
        match begin(&mut held, mode) {
            Ok(()) => Ok(finish(&mut held, &mut work)),
            Err(error) => Ok(Err(error)),
        }
    }
}

/// What a transaction may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Look at one state of the database.
    Read,
    /// Change it.
    Write,
}

/// Begins on a connection that is alive: each dead one is dropped and another tried.
fn in_transaction<T>(
    connections: &r2d2::Pool<Manager>,
    mode: Mode,
    work: &mut dyn FnMut(&mut Connection) -> Result<T>,
) -> Result<T> {
    let mut tries = connections.max_size() + 1;
    loop {
        let mut held = connections
            .get()
            .map_err(|error| Error::Database(format!("cannot be reached: {error}")))?;
        match begin(&mut held, mode) {
            Ok(()) => return finish(&mut held, work),
            Err(error) if tries == 0 => return Err(error),
            Err(_) => tries -= 1,
        }
    }
}

fn begin(held: &mut Held, mode: Mode) -> Result<()> {
    let begun = match (&mut held.connection, mode) {
        (Connection::Sqlite(inner), Mode::Read) => {
            AnsiTransactionManager::begin_transaction_sql(inner, "BEGIN")
        }
        (Connection::Sqlite(inner), Mode::Write) => {
            AnsiTransactionManager::begin_transaction_sql(inner, "BEGIN IMMEDIATE")
        }
        (Connection::Postgres(inner), Mode::Read) => AnsiTransactionManager::begin_transaction_sql(
            inner,
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        ),
        (Connection::Postgres(inner), Mode::Write) => {
            AnsiTransactionManager::begin_transaction_sql(
                inner,
                "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
            )
        }
    };
    held.broken = begun.is_err();
    Ok(begun?)
}

fn finish<T>(held: &mut Held, work: &mut dyn FnMut(&mut Connection) -> Result<T>) -> Result<T> {
    let connection = &mut held.connection;
    match guarded(|| work(connection)) {
        Ok(answer) => {
            let committed = <Connection as TransactionManager<_>>::commit_transaction(connection);
            held.broken = committed.is_err();
            committed?;
            Ok(answer)
        }
        Err(error) => {
            // A panic may have left savepoints open, each of which is rolled back by itself.
            while !held.broken && depth(&mut held.connection) > 0 {
                held.broken = <Connection as TransactionManager<_>>::rollback_transaction(
                    &mut held.connection,
                )
                .is_err();
            }
            Err(error)
        }
    }
}

/// How many transactions and savepoints are open.
pub(super) fn depth(connection: &mut Connection) -> u32 {
    <Connection as TransactionManager<_>>::transaction_manager_status_mut(connection)
        .transaction_depth()
        .ok()
        .flatten()
        .map_or(0, std::num::NonZeroU32::get)
}

/// Runs work of a caller; a panic in it becomes an error, so that the thread and the others who
/// share it go on.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        tracing::error!("a transaction panicked; it was rolled back");
        Err(Error::Database("the transaction panicked".into()))
    })
}

/// A view for one organization.
pub(super) fn reader(connection: &mut Connection, organization: OrganizationId) -> Reader<'_> {
    Reader { conn: connection, organization }
}
