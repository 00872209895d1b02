//! Runs: everybody at once. First a plan, then, when confirmed, one job for each object of the plan.
//!
//! The plan is made by whichever instance comes first, the jobs are worked on by the app's owner like
//! any others; so a run goes on wherever a process died. The worker looks again at what is true when
//! it comes to an object: what changed since the plan is planned again, and marked so.

mod doubt;
mod holding;
mod losses;
mod patience;
pub(super) mod planner;
mod reading;
mod rounds;
mod turns;
mod waits;

use super::engine::Engine;
use crate::clock::Stopwatch;
use crate::id::{self, AppId, OrganizationId, RunId};
use crate::store;
use crate::store::apps::AppRow;
use crate::store::runs::RunRow;
pub(super) use doubt::Doubt;
pub use holding::{is_old, outdated};
pub use planner::Summary;
pub use reading::Reading;
pub(super) use rounds::keep;
#[cfg(test)]
pub(super) use rounds::{lease, schedule};
use serde_json::json;
use std::time::Duration;
pub use turns::Turns;
#[cfg(test)]
pub(super) use turns::start;
pub use waits::waits;

/// How long an answer about a new run may wait for its plan.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// How often a run is looked at while somebody waits for it.
const LOOK: Duration = Duration::from_millis(20);
/// What is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// `sync`, `setup` or `reconcile`.
    pub kind: &'static str,
    /// Who asks, as the audit log names them.
    pub author: String,
    /// Whether it is applied as soon as it is planned.
    pub confirm: bool,
}

pub(super) fn row(engine: &Engine, app: AppId, request: &Request) -> RunRow {
    let now_us = engine.clock().now_us();
    RunRow {
        id: RunId(id::new_uuid(now_us)),
        app,
        kind: request.kind.to_owned(),
        state: "planning".to_owned(),
        author: request.author.clone(),
        confirm: request.confirm,
        total: 0,
        done: 0,
        failed: 0,
        seen: 0,
        read: 0,
        held: None,
        confirmed_us: None,
        approved_by: None,
        approved_us: None,
        planned_us: None,
        note: None,
        believed_us: None,
        summary: json!({ "counts": {}, "examples": {}, "partial": true, "verdict": "Planning has begun." }),
        started_us: now_us,
        finished_us: None,
    }
}

/// Asks for a run, and waits a moment for its plan: the answer comes within two seconds, with what is
/// known by then. A run that is asked for while another one is applied waits for its turn.
///
/// # Errors
/// The store's.
pub async fn request(
    engine: &Engine,
    organization: OrganizationId,
    app: AppId,
    request: &Request,
) -> store::Result<RunRow> {
    let run = row(engine, app, request);
    let (id, new) = (run.id, run.clone());
    engine.store().write(organization, move |transaction| transaction.insert_run(&new)).await?;
    engine.nudge();
    settled(engine, organization, id).await.map(|found| found.unwrap_or(run))
}

/// A run, once it is planned or patience ends.
async fn settled(
    engine: &Engine,
    organization: OrganizationId,
    id: RunId,
) -> store::Result<Option<RunRow>> {
    let watch = Stopwatch::start();
    loop {
        let found = engine.store().glance(organization, move |reader| reader.run(id)).await?;
        let is_open = found.as_ref().is_some_and(|run| run.state == "planning");
        if !is_open || watch.elapsed() > PATIENCE {
            return Ok(found);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Confirms a run: it is applied when it is planned and its turn comes. A second confirmation changes
/// nothing.
///
/// # Errors
/// The store's.
pub async fn confirm(
    engine: &Engine,
    organization: OrganizationId,
    turns: Turns,
    run: RunId,
) -> store::Result<Option<RunRow>> {
    let now_us = engine.clock().now_us();
    let confirmed = engine
        .store()
        .write(organization, move |transaction| {
            transaction.lock_organization()?;
            if transaction.confirm_run(run, now_us)? {
                turns::start(transaction, turns, run, now_us)?;
            }
            transaction.run(run)
        })
        .await?;
    engine.nudge();
    Ok(confirmed)
}

/// Approval of what a run takes away.
#[derive(Debug, Clone)]
pub struct Approval {
    /// Who approves, as the audit log names them.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// Lets a held run pass its limits; one that was to be applied at once then is. One that is held because
/// the app's list is not believed is planned again with the list believed, and held again where that
/// passes the limits. Recorded in the audit log with the reason why it was held.
///
/// # Errors
/// The store's.
pub async fn approve(
    engine: &Engine,
    organization: OrganizationId,
    (app, turns): (AppRow, Turns),
    run: RunId,
    approval: Approval,
) -> store::Result<Option<RunRow>> {
    let now_us = engine.clock().now_us();
    let approved = engine
        .store()
        .write(organization, move |transaction| {
            transaction.lock_organization()?;
            let Some(held) = transaction.run(run)? else { return Ok(None) };
            let Approval { by, reason } = &approval;
            let doubted = held.held.as_ref().is_some_and(Doubt::is_why);
            let is_approved = if doubted {
                transaction.believe_run(run, by, reason, now_us)?
            } else {
                transaction.approve_run(run, by, reason, now_us)?
            };
            if is_approved {
                let sentence = held
                    .held
                    .as_ref()
                    .and_then(|held| held.get("sentence")?.as_str())
                    .unwrap_or_default();
                let detail = format!("run {run}: {sentence}. {reason}");
                transaction.record_audit(now_us, by, "run.approve", &app.name, Some(&detail))?;
                if held.confirm && transaction.confirm_run(run, now_us)? && !doubted {
                    turns::start(transaction, turns, run, now_us)?;
                }
            }
            transaction.run(run)
        })
        .await?;
    engine.nudge();
    if approved.as_ref().is_some_and(|run| run.state == "planning") {
        return settled(engine, organization, run).await;
    }
    Ok(approved)
}

/// Cancels a run: what has not begun is not begun. What is done stays done.
///
/// # Errors
/// The store's.
pub async fn cancel(
    engine: &Engine,
    organization: OrganizationId,
    run: RunId,
) -> store::Result<Option<RunRow>> {
    let now_us = engine.clock().now_us();
    let cancelled = engine
        .store()
        .write(organization, move |transaction| {
            transaction.cancel_run(run, now_us)?;
            transaction.run(run)
        })
        .await?;
    engine.nudge();
    Ok(cancelled)
}

/// A change of an app after which everybody is looked at.
#[derive(Debug, Clone)]
pub struct Change {
    /// The app as it is to be.
    pub row: AppRow,
    /// Who does it, as the audit log names them.
    pub actor: String,
    /// What is done, as the audit log names it.
    pub action: &'static str,
}

/// Changes an app and asks for a run over everybody, in one transaction: an app is never on with
/// people in it that nobody looks at. Waits a moment for the plan, as [`request`] does.
///
/// # Errors
/// The store's.
pub async fn apply(
    engine: &Engine,
    organization: OrganizationId,
    change: Change,
) -> store::Result<()> {
    let request = Request { kind: "setup", author: change.actor.clone(), confirm: true };
    let run = row(engine, change.row.id, &request);
    let id = run.id;
    changed(engine, organization, change, run).await?;
    engine.nudge();
    settled(engine, organization, id).await.map(|_| ())
}

/// Changes an app and asks for a run, in one transaction.
pub(super) async fn changed(
    engine: &Engine,
    organization: OrganizationId,
    change: Change,
    run: RunRow,
) -> store::Result<()> {
    let now_us = engine.clock().now_us();
    engine
        .store()
        .write(organization, move |transaction| {
            // Changes are published before this or after it, not beside it.
            transaction.lock_organization()?;
            transaction.update_app(&change.row, now_us)?;
            let (actor, name) = (&change.actor, &change.row.name);
            transaction.record_audit(now_us, actor, change.action, name, None)?;
            transaction.insert_run(&run)
        })
        .await
}
