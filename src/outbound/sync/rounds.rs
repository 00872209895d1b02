//! What an instance does about runs by itself: plans them, starts those whose turn it is, and asks for
//! those that the clock asks for.
//!
//! One plan of an app is made at a time, wherever it is made: planning asks the app for its whole list,
//! and is no reason to ask it twice at once. Further runs wait their turn to be planned.

use super::turns::{self, Turn, Turns};
use super::{Request, planner, row};
use crate::id::{AppId, OrganizationId, RunId};
use crate::outbound::engine::{Engine, micros};
use crate::store;
use crate::store::leases::Lease;
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// Plans that an instance makes at the same time.
const PLANS: usize = 32;
/// Those of one organization: an app may let its list be waited for, and others need not wait with it.
const PLANS_OF_ONE: usize = 8;
/// How long a plan is somebody's before another instance makes it anew.
const LEASE: Duration = Duration::from_secs(15);
/// How often runs are looked for without a hint.
const TICK: Duration = Duration::from_millis(500);
/// How often it is looked whose own accounts are to be read again.
const SCHEDULE: Duration = Duration::from_mins(1);

/// The plans that this instance is making.
#[derive(Debug, Default)]
struct Plans {
    tasks: JoinSet<()>,
    whose: HashMap<Id, OrganizationId>,
}

impl Plans {
    fn has_room(&self, organization: OrganizationId) -> bool {
        let of_one = self.whose.values().filter(|whose| **whose == organization).count();
        self.whose.len() < PLANS && of_one < PLANS_OF_ONE
    }

    fn begin(
        &mut self,
        organization: OrganizationId,
        plan: impl Future<Output = ()> + Send + 'static,
    ) {
        let id = self.tasks.spawn(plan).id();
        self.whose.insert(id, organization);
    }

    fn ended(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
        self.whose.remove(&id);
    }
}

/// Plans runs, starts those whose turn it is and asks for those that the clock asks for, until it is
/// stopped.
pub(in crate::outbound) async fn keep(engine: Engine, stop: CancellationToken) {
    let mut hints = engine.work();
    let mut plans = Plans::default();
    let mut looked_us = 0;
    loop {
        hints.mark_unchanged();
        if let Err(error) = round(&engine, &mut plans).await {
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
            Some(ended) = plans.tasks.join_next_with_id(), if !plans.tasks.is_empty() => {
                plans.ended(ended);
            }
            () = stop.cancelled() => {
                plans.tasks.shutdown().await;
                return;
            }
        }
    }
}

async fn round(engine: &Engine, plans: &mut Plans) -> store::Result<()> {
    while let Some(ended) = plans.tasks.try_join_next_with_id() {
        plans.ended(ended);
    }
    let mut tried: HashSet<(OrganizationId, AppId)> = HashSet::new();
    for (organization, app, run, state) in engine.store().runs_to_work_on().await? {
        if state == "queued" {
            take_turn(engine, organization, run).await?;
            continue;
        }
        // The one that was asked for first is planned first.
        if !tried.insert((organization, app)) || !plans.has_room(organization) {
            continue;
        }
        let Some(lease) = lease(engine, app).await? else { continue };
        let engine = engine.clone();
        plans.begin(organization, async move {
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

/// The lease under which an app's runs are planned; none where somebody has it. Taken only when it is
/// free: a plan under way in this process is not begun twice.
pub(in crate::outbound) async fn lease(
    engine: &Engine,
    app: AppId,
) -> store::Result<Option<Lease>> {
    let now_us = engine.clock().now_us();
    let until_us = now_us.saturating_add(micros(LEASE));
    engine.store().take_lease(&format!("plan:{app}"), engine.instance(), now_us, until_us).await
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
    let turns = Turns::of(&application);
    let now_us = engine.clock().now_us();
    let turn = engine
        .store()
        .write(organization, move |transaction| turns::start(transaction, turns, run, now_us))
        .await?;
    // A nudge wakes this very loop: only news are worth one.
    if turn != Turn::Waits {
        engine.nudge();
    }
    Ok(())
}

/// Asks for a reconciliation of every app whose own accounts were not read for as long as its policy
/// says.
pub(in crate::outbound) async fn schedule(engine: &Engine) -> store::Result<()> {
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
