//! Runs: everybody at once. First a plan, then, when confirmed, one job for each object of the plan.
//!
//! The plan is made by whichever instance comes first, the jobs are worked on by the app's owner like
//! any others; so a run goes on wherever a process died. The worker looks again at what is true when
//! it comes to an object: what changed since the plan is planned again, and marked so.

mod holding;
mod patience;
pub(super) mod planner;
mod reading;

use super::engine::{Engine, micros};
use crate::clock::Stopwatch;
use crate::id::{self, AppId, OrganizationId, RunId};
use crate::store::apps::AppRow;
use crate::store::leases::Lease;
use crate::store::pushes::Nesting;
use crate::store::runs::RunRow;
use crate::store::{self, Transaction};
pub use holding::{is_old, outdated};
pub use planner::Summary;
pub use reading::Reading;
use serde_json::json;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long an answer about a new run may wait for its plan.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// How often a run is looked at while somebody waits for it.
const LOOK: Duration = Duration::from_millis(20);
/// How long a plan is somebody's before another instance makes it anew.
const LEASE: Duration = Duration::from_secs(15);
/// How often runs are looked for without a hint.
const TICK: Duration = Duration::from_millis(500);
/// How often it is looked whose own accounts are to be read again.
const SCHEDULE: Duration = Duration::from_mins(1);

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
        note: None,
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
    (app, groups): (AppId, Option<Nesting>),
    run: RunId,
) -> store::Result<Option<RunRow>> {
    let now_us = engine.clock().now_us();
    let confirmed = engine
        .store()
        .write(organization, move |transaction| {
            transaction.lock_organization()?;
            if transaction.confirm_run(run, now_us)? {
                start(transaction, (app, groups), run, now_us)?;
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

/// Lets a held run pass its limits; one that was to be applied at once then is. Recorded in the audit
/// log with what it takes away.
///
/// # Errors
/// The store's.
pub async fn approve(
    engine: &Engine,
    organization: OrganizationId,
    (app, groups): (AppRow, Option<Nesting>),
    run: RunId,
    approval: Approval,
) -> store::Result<Option<RunRow>> {
    let now_us = engine.clock().now_us();
    let approved = engine
        .store()
        .write(organization, move |transaction| {
            transaction.lock_organization()?;
            let Some(held) = transaction.run(run)? else { return Ok(None) };
            if transaction.approve_run(run, &approval.by, &approval.reason, now_us)? {
                let sentence = held
                    .held
                    .as_ref()
                    .and_then(|held| held.get("sentence")?.as_str())
                    .unwrap_or_default();
                let detail = format!("run {run}: {sentence}. {}", approval.reason);
                let (by, name) = (&approval.by, &app.name);
                transaction.record_audit(now_us, by, "run.approve", name, Some(&detail))?;
                if held.confirm && transaction.confirm_run(run, now_us)? {
                    start(transaction, (app.id, groups), run, now_us)?;
                }
            }
            transaction.run(run)
        })
        .await?;
    engine.nudge();
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

/// Starts a run whose turn it is; whether it was.
pub(super) fn start(
    transaction: &mut Transaction<'_>,
    (app, groups): (AppId, Option<Nesting>),
    run: RunId,
    now_us: i64,
) -> store::Result<bool> {
    let is_started = transaction.start_run(run, now_us)?;
    if is_started && let Some(nesting) = groups {
        transaction.compare_all_members(app, nesting)?;
    }
    Ok(is_started)
}

/// Plans runs, starts those whose turn it is and asks for those that the clock asks for, until it is
/// stopped.
pub(super) async fn keep(engine: Engine, stop: CancellationToken) {
    let mut hints = engine.work();
    let mut tasks: JoinSet<()> = JoinSet::new();
    let mut looked_us = 0;
    loop {
        hints.mark_unchanged();
        if let Err(error) = round(&engine, &mut tasks).await {
            tracing::warn!(error = %error, "runs could not be looked for; trying again");
        }
        let now_us = engine.clock().now_us();
        if now_us.saturating_sub(looked_us) >= micros(SCHEDULE) {
            looked_us = now_us;
            if let Err(error) = schedule(&engine).await {
                tracing::warn!(error = %error, "the schedule could not be read; trying again");
            }
        }
        tokio::select! {
            changed = hints.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            () = tokio::time::sleep(TICK) => {}
            Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
            () = stop.cancelled() => {
                tasks.shutdown().await;
                return;
            }
        }
    }
}

async fn round(engine: &Engine, tasks: &mut JoinSet<()>) -> store::Result<()> {
    for (organization, run, state) in engine.store().runs_to_work_on().await? {
        if state == "queued" {
            take_turn(engine, organization, run).await?;
            continue;
        }
        let Some(lease) = lease(engine, run).await? else { continue };
        let engine = engine.clone();
        tasks.spawn(async move {
            let renewing = renew(&engine, &lease);
            let planning = planner::plan(&engine, organization, run, &lease);
            let planned = tokio::select! {
                planned = planning => planned,
                () = renewing => Ok(()),
            };
            if let Err(error) = planned {
                // Its lease is kept until it runs out, so the app's list is not read again at once.
                tracing::warn!(error = %error, run.id = %run, "a run could not be planned; trying again");
                return;
            }
            if let Err(error) = engine.store().release_lease(&lease).await {
                tracing::debug!(error = %error, run.id = %run, "the lease of a plan runs out");
            }
        });
    }
    Ok(())
}

/// The lease under which a run is planned; none where somebody has it. Taken only when it is free: a
/// plan under way in this process is not begun twice.
pub(super) async fn lease(engine: &Engine, run: RunId) -> store::Result<Option<Lease>> {
    let now_us = engine.clock().now_us();
    let until_us = now_us.saturating_add(micros(LEASE));
    engine.store().take_lease(&format!("run:{run}"), engine.instance(), now_us, until_us).await
}

/// Keeps a plan's lease; ends when it is lost.
async fn renew(engine: &Engine, lease: &Lease) {
    loop {
        tokio::time::sleep(LEASE / 3).await;
        let until_us = engine.clock().now_us().saturating_add(micros(LEASE));
        if matches!(engine.store().renew_lease(lease, until_us).await, Ok(false)) {
            return;
        }
    }
}

/// Starts a run that waits for its turn, if it has come.
async fn take_turn(engine: &Engine, organization: OrganizationId, run: RunId) -> store::Result<()> {
    let Some(row) = engine.store().read(organization, move |reader| reader.run(run)).await? else {
        return Ok(());
    };
    // An app that cannot be compiled starts nothing until it is mended.
    let Ok(Some(application)) = engine.application(organization, row.app).await else {
        return Ok(());
    };
    let app = (row.app, application.groups());
    let now_us = engine.clock().now_us();
    let is_started = engine
        .store()
        .write(organization, move |transaction| start(transaction, app, run, now_us))
        .await?;
    // A nudge wakes this very loop: only news are worth one.
    if is_started {
        engine.nudge();
    }
    Ok(())
}

/// Asks for a reconciliation of every app whose own accounts were not read for as long as its policy
/// says.
pub(super) async fn schedule(engine: &Engine) -> store::Result<()> {
    for (organization, app) in engine.store().enabled_apps_everywhere().await? {
        let Ok(Some(application)) = engine.application(organization, app).await else { continue };
        let hours = application.policy.reconcile_hours;
        if hours == 0 {
            continue;
        }
        let interval = i64::from(hours).saturating_mul(3_600_000_000);
        let now_us = engine.clock().now_us();
        let request = Request { kind: "reconcile", author: "schedule".to_owned(), confirm: true };
        let run = row(engine, app, &request);
        engine
            .store()
            .write(organization, move |transaction| {
                // Two instances ask one after the other, and the second sees what the first asked for.
                transaction.lock_organization()?;
                let Some(row) = transaction.app(app)? else { return Ok(()) };
                let begun =
                    transaction.runs(app, 1)?.first().map_or(row.created_us, |run| run.started_us);
                let last = row.reconciled_us.unwrap_or(row.created_us).max(begun);
                if now_us.saturating_sub(last) < interval || transaction.has_open_run(app)? {
                    return Ok(());
                }
                transaction.insert_run(&run)
            })
            .await?;
    }
    engine.nudge();
    Ok(())
}
