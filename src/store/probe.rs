//! What tests put into a database and ask of it beside the store's own statements, and where they
//! stop those who call the store.

use super::sql::Sql;
use super::{Reader, Result, Transaction};
use crate::planted;
use diesel::sql_types::{BigInt, Text};
use std::cell::Cell;
use std::future::poll_fn;
use std::task::Poll;

thread_local! {
    static STEPPED: Cell<bool> = const { Cell::new(false) };
    static STANDS: Cell<bool> = const { Cell::new(false) };
}

/// From now on, or no longer, whoever calls the store on this thread is pending once more when the
/// store has done what it was asked, before they learn of it. Who polls them by hand decides when
/// that is, or drops them: then it is done, and they never knew.
pub(crate) fn step(on: bool) {
    STEPPED.set(on);
}

/// Whether callers on this thread are polled by hand.
pub(super) fn is_stepped() -> bool {
    STEPPED.get()
}

/// Whether the caller that was just polled has come to stand there.
pub(crate) fn stands() -> bool {
    STANDS.take()
}

/// The place where callers stand.
pub(super) async fn stand() {
    let mut stood = !STEPPED.get();
    poll_fn(|_| {
        if std::mem::replace(&mut stood, true) {
            return Poll::Ready(());
        }
        STANDS.set(true);
        Poll::Pending
    })
    .await;
}

/// Work that takes along the bug that is planted where it is asked for.
pub(super) fn asked<T>(
    work: impl FnOnce(&mut Reader<'_>) -> T,
) -> impl FnOnce(&mut Reader<'_>) -> T {
    let bug = planted::here();
    move |reader| {
        let before = planted::plant(bug);
        let done = work(reader);
        planted::plant(before);
        done
    }
}

/// The same for work that changes something.
pub(super) fn told<T>(
    work: impl Fn(&mut Transaction<'_>) -> T,
) -> impl Fn(&mut Transaction<'_>) -> T {
    let bug = planted::here();
    move |transaction| {
        let before = planted::plant(bug);
        let done = work(transaction);
        planted::plant(before);
        done
    }
}

impl Transaction<'_> {
    /// Runs one statement as it stands: a table, a trigger.
    pub(crate) fn plant(&mut self, text: &str) -> Result<()> {
        Sql::new(text).dynamic().execute(self.conn)?;
        Ok(())
    }
}

impl Reader<'_> {
    /// The rows of a query that answers a number and two texts.
    pub(crate) fn probe(&mut self, text: &str) -> Result<Vec<(i64, String, String)>> {
        Sql::new(text).load::<(BigInt, Text, Text), _>(self.conn)
    }
}
