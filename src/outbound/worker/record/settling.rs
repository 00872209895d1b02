//! What is settled with a result, in its transaction: drift, removals, the job and its run.

use crate::id::AppId;
use crate::outbound::drift;
use crate::store::jobs::{Closed, Job};
use crate::store::links::LinkRow;
use crate::store::observed::Noted;
use crate::store::removals::Removal;
use crate::store::{self, Transaction};

/// Notes that the app did what it was permitted to.
pub(super) fn note_taken(
    transaction: &mut Transaction<'_>,
    row: &LinkRow,
    removal: Option<Removal>,
) -> store::Result<()> {
    match removal {
        Some(removal) => transaction.note_taken(row.app, row.resource, removal, 1),
        None => Ok(()),
    }
}

/// What was said about fields that the app was given is settled. The link was just written, which
/// locks it.
pub(super) fn settle(
    transaction: &mut Transaction<'_>,
    row: &LinkRow,
    fields: &[String],
) -> store::Result<()> {
    if fields.is_empty() {
        return Ok(());
    }
    let Some(link) = transaction.link(row.app, row.resource)? else { return Ok(()) };
    let before = drift::read(&link.drift);
    let mut left = before.clone();
    drift::settle(&mut left, fields);
    if left == before {
        return Ok(());
    }
    let (drift, righted) = drift::written(&left);
    transaction.settle_drift(row.app, &Noted { resource: row.resource, drift, righted })
}

/// Closes the job, and counts its object in the run, unless something changed meanwhile.
pub(super) fn close(
    transaction: &mut Transaction<'_>,
    app: AppId,
    job: &Job,
    digest: Option<&str>,
    now_us: i64,
) -> store::Result<Closed> {
    let closed = transaction.close_job(app, job, now_us)?;
    if closed == Closed::Done {
        advance(transaction, job, true, digest, now_us)?;
    }
    Ok(closed)
}

/// Counts the object in the run to which the job belongs, if there is one.
pub(super) fn advance(
    transaction: &mut Transaction<'_>,
    job: &Job,
    done: bool,
    digest: Option<&str>,
    now_us: i64,
) -> store::Result<()> {
    if let Some(run) = job.run {
        transaction.advance_run(run, job.resource, done, digest, now_us)?;
    }
    Ok(())
}
