//! The one writer of a SQLite file: a thread that commits several transactions together.
//!
//! A commit costs a wait for the disk, so transactions that arrive meanwhile share the next one.
//! Each has its own savepoint: one that fails takes nothing of the others with it. A caller gets
//! its answer after the commit, so an answer is never about something that can still be lost.

use super::Transaction;
use super::connection::Connection;
use super::error::{Error, Result};
use super::pool::{Manager, depth, guarded, reader};
use crate::clock::Stopwatch;
use crate::id::OrganizationId;
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Most transactions in one commit.
const TOGETHER: usize = 32;
/// Most transactions that wait.
const QUEUE: usize = 1024;

/// A handle on the writer's thread, which ends with it.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Box<dyn Pending>>>,
    thread: Option<JoinHandle<()>>,
    patience: Duration,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(manager: Manager, patience: Duration) -> Result<Self> {
        let connection = manager.open()?;
        let (queue, waiting) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || Thread { manager, connection: Some(connection), waiting }.run())
            .map_err(|error| Error::Database(format!("no thread for writing: {error}")))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), patience })
    }

    /// Runs `work` in a transaction and waits for its commit.
    pub(super) async fn run<T, F>(&self, organization: OrganizationId, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Transaction<'_>) -> Result<T> + Send + 'static,
    {
        let gone = || Error::Database("the writer has stopped".into());
        let (reply, answer) = oneshot::channel();
        let patience = self.patience;
        let asked = Stopwatch::start();
        let job = Job { work, organization, patience, asked, result: None, reply };
        let queue = self.queue.as_ref().ok_or_else(gone)?;
        match tokio::time::timeout(patience, queue.send(Box::new(job))).await {
            Err(_) => return Err(Error::Busy),
            Ok(Err(_)) => return Err(gone()),
            Ok(Ok(())) => {}
        }
        answer.await.unwrap_or_else(|_| Err(gone()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer panicked");
        }
    }
}

/// A transaction that waits for its turn, then for the commit.
trait Pending: Send {
    /// Whether there is nothing to do any more: the caller has gone, or waited too long.
    fn expired(&self) -> bool;
    /// Does the work; whether its changes are to be kept.
    fn run(&mut self, connection: &mut Connection) -> bool;
    /// Tells the caller.
    fn answer(self: Box<Self>, committed: Result<()>);
}

struct Job<T, F> {
    work: F,
    organization: OrganizationId,
    patience: Duration,
    asked: Stopwatch,
    result: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Pending for Job<T, F>
where
    T: Send,
    F: Fn(&mut Transaction<'_>) -> Result<T> + Send,
{
    fn expired(&self) -> bool {
        self.reply.is_closed() || self.asked.elapsed() > self.patience
    }

    fn run(&mut self, connection: &mut Connection) -> bool {
        let result = guarded(|| {
            (self.work)(&mut Transaction { reader: reader(connection, self.organization) })
        });
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn answer(self: Box<Self>, committed: Result<()>) {
        let answer = match (self.result, committed) {
            (Some(Err(error)), _) | (_, Err(error)) => Err(error),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(Error::Busy),
        };
        drop(self.reply.send(answer)); // a caller who has gone needs no answer
    }
}

struct Thread {
    manager: Manager,
    connection: Option<Connection>,
    waiting: mpsc::Receiver<Box<dyn Pending>>,
}

impl Thread {
    fn run(mut self) {
        while let Some(first) = self.waiting.blocking_recv() {
            if first.expired() {
                first.answer(Err(Error::Busy));
                continue;
            }
            self.commit_together(first);
        }
    }

    fn commit_together(&mut self, first: Box<dyn Pending>) {
        let mut connection = match self.connection.take().map_or_else(|| self.manager.open(), Ok) {
            Ok(connection) => connection,
            Err(error) => return first.answer(Err(error)),
        };
        if let Err(error) = begin(&mut connection) {
            // Busy: another process writes. The connection is sound.
            self.connection = Some(connection);
            return first.answer(Err(error));
        }
        let mut done: Vec<Box<dyn Pending>> = Vec::new();
        let mut next = Some(first);
        let mut ended = Ok(());
        while let Some(mut job) = next.take() {
            if job.expired() {
                job.answer(Err(Error::Busy));
            } else {
                ended = in_savepoint(&mut connection, job.as_mut());
                done.push(job);
            }
            if ended.is_ok() && done.len() < TOGETHER {
                next = self.waiting.try_recv().ok();
            }
        }
        let committed = ended.and_then(|()| {
            Ok(<Connection as TransactionManager<_>>::commit_transaction(&mut connection)?)
        });
        // After a failure SQLite may have rolled back by itself, or not: a new connection knows.
        if committed.is_ok() {
            self.connection = Some(connection);
        } else {
            drop(connection);
        }
        for job in done {
            job.answer(match &committed {
                Ok(()) => Ok(()),
                Err(Error::Busy) => Err(Error::Busy),
                Err(error) => Err(Error::Database(format!("commit failed: {error}"))),
            });
        }
    }
}

fn begin(connection: &mut Connection) -> Result<()> {
    let begun = match connection {
        Connection::Sqlite(inner) => {
            AnsiTransactionManager::begin_transaction_sql(inner, "BEGIN IMMEDIATE")
        }
        Connection::Postgres(inner) => AnsiTransactionManager::begin_transaction(inner),
    };
    Ok(begun?)
}

/// Runs one transaction of the group. An error here is not the transaction's own: it means that
/// the whole group cannot be kept.
fn in_savepoint(connection: &mut Connection, job: &mut dyn Pending) -> Result<()> {
    <Connection as TransactionManager<_>>::begin_transaction(connection)?;
    if job.run(connection) {
        return Ok(<Connection as TransactionManager<_>>::commit_transaction(connection)?);
    }
    // A panic may have left savepoints of the closure's own open.
    while depth(connection) > 1 {
        <Connection as TransactionManager<_>>::rollback_transaction(connection)?;
    }
    Ok(())
}
