//! Quick Sync: everybody at once. First a plan that counts, then, when confirmed, one job each.

use super::application::Application;
use super::engine::Engine;
use super::plan::Situation;
use super::preview::rehearse;
use super::situation::{self, Beside, Reading};
use crate::clock::Stopwatch;
use crate::id::{self, AppId, ResourceId, RunId};
use crate::mapping::field::Kind;
use crate::mapping::impact::in_words;
use crate::store::apps::AppRow;
use crate::store::runs::RunRow;
use crate::store::{self, Transaction};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a plan may count before it answers with what it has.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// Resources read at once while counting.
const PAGE: i64 = 500;
/// Named examples kept per action.
const EXAMPLES: usize = 5;

/// What a run would do.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Objects by kind and action: `{"User": {"create": 3, "unchanged": 40}}`. `create` includes
    /// objects that turn out to be there already and are adopted.
    pub counts: BTreeMap<String, BTreeMap<String, u64>>,
    /// Ids of the first few objects by action.
    pub examples: BTreeMap<String, Vec<ResourceId>>,
    /// Whether counting stopped before everybody was counted.
    pub partial: bool,
    /// One sentence.
    pub verdict: String,
}

/// Counts what a Quick Sync would do. Sends nothing.
///
/// # Errors
/// The store's.
pub async fn plan(engine: &Engine, application: &Application) -> store::Result<Summary> {
    let watch = Stopwatch::start();
    let now_us = engine.clock().now_us();
    let mut summary = Summary::default();
    let terms = std::slice::from_ref(&application.terms);
    let beside = Beside { groups: false, members: 1 };
    for kind in application.kinds() {
        let mut after = None;
        loop {
            let page =
                situation::page(engine, application, terms, *kind, (after, PAGE), beside).await?;
            let Some(last) = page.last().map(|reading| reading.id) else { break };
            for reading in page {
                let situation =
                    situation::judge(application, &application.terms, *kind, &reading, now_us);
                count(&mut summary, *kind, reading.id, situation);
            }
            after = Some(last);
            if watch.elapsed() > PATIENCE {
                summary.partial = true;
                break;
            }
        }
    }
    count_leavers(engine, application, &mut summary).await?;
    summary.verdict = verdict(application, &summary);
    Ok(summary)
}

fn count(summary: &mut Summary, kind: Kind, id: ResourceId, situation: Situation) {
    let action = rehearse(situation).action();
    *summary.counts.entry(kind.as_str().into()).or_default().entry(action.into()).or_default() += 1;
    if action != "unchanged" {
        let examples = summary.examples.entry(action.into()).or_default();
        if examples.len() < EXAMPLES {
            examples.push(id);
        }
    }
}

/// Accounts of people who are gone from the directory.
async fn count_leavers(
    engine: &Engine,
    application: &Application,
    summary: &mut Summary,
) -> store::Result<()> {
    let app = application.row.id;
    let now_us = engine.clock().now_us();
    let leavers = engine
        .store()
        .read(application.organization, move |reader| {
            reader.links_without_resource(app, None, PAGE)
        })
        .await?;
    for link in leavers {
        if let Some(kind) = Kind::named(&link.kind) {
            let reading = Reading::gone(link);
            let situation =
                situation::judge(application, &application.terms, kind, &reading, now_us);
            count(summary, kind, reading.id, situation);
        }
    }
    Ok(())
}

fn verdict(application: &Application, summary: &Summary) -> String {
    let total = |action: &str| -> u64 {
        summary.counts.values().filter_map(|counts| counts.get(action)).sum()
    };
    let all: u64 = summary.counts.values().flat_map(BTreeMap::values).sum();
    if all == 0 {
        return if application.scope().is_everybody() {
            "Nothing to do: the directory is empty.".into()
        } else {
            "Nothing to do: nobody is in the app's scope.".into()
        };
    }
    let parts = in_words(total);
    let least = if summary.partial { "At least: " } else { "" };
    if parts.is_empty() {
        format!("{least}Nothing to do: all {all} objects are in sync.")
    } else {
        format!("{least}{} of {all} objects.", parts.join(", "))
    }
}

fn run_row(engine: &Engine, application: &Application, summary: &Summary) -> RunRow {
    let now_us = engine.clock().now_us();
    RunRow {
        id: RunId(id::new_uuid(now_us)),
        app: application.row.id,
        state: "planned".into(),
        total: 0,
        done: 0,
        failed: 0,
        summary: serde_json::to_value(summary).unwrap_or_default(),
        started_us: now_us,
        finished_us: None,
    }
}

/// Keeps a plan as a run that waits for its confirmation.
///
/// # Errors
/// The store's.
pub async fn propose(
    engine: &Engine,
    application: &Application,
    summary: &Summary,
) -> store::Result<RunRow> {
    let run = run_row(engine, application, summary);
    let row = run.clone();
    engine
        .store()
        .write(application.organization, move |transaction| transaction.insert_run(&row))
        .await?;
    Ok(run)
}

/// Starts a planned run: one job for everybody, with the run's id. What was running for the app
/// before goes on as part of this run. A second confirmation changes nothing.
///
/// # Errors
/// The store's.
pub async fn confirm(
    engine: &Engine,
    application: &Application,
    run: RunId,
) -> store::Result<Option<RunRow>> {
    let now_us = engine.clock().now_us();
    let app = application.row.id;
    let groups = application.has_groups();
    let started = engine
        .store()
        .write(application.organization, move |transaction| {
            let Some(row) = transaction.run(run)? else { return Ok(None) };
            if row.state == "planned" {
                start(transaction, app, groups, run, now_us)?;
            }
            transaction.run(run)
        })
        .await?;
    engine.nudge();
    Ok(started)
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

/// Changes an app and starts a run over everybody, in one transaction: an app is never on with
/// people in it that nobody looked at.
///
/// # Errors
/// The store's.
pub async fn apply(
    engine: &Engine,
    application: &Application,
    change: Change,
) -> store::Result<()> {
    let summary = plan(engine, application).await?;
    let run = run_row(engine, application, &summary);
    let now_us = engine.clock().now_us();
    let groups = application.has_groups();
    engine
        .store()
        .write(application.organization, move |transaction| {
            // Changes are published before this or after it, not beside it.
            transaction.lock_organization()?;
            transaction.update_app(&change.row, now_us)?;
            transaction.record_audit(
                now_us,
                &change.actor,
                change.action,
                &change.row.name,
                None,
            )?;
            transaction.insert_run(&run)?;
            start(transaction, change.row.id, groups, run.id, now_us)
        })
        .await?;
    engine.nudge();
    Ok(())
}

fn start(
    transaction: &mut Transaction<'_>,
    app: AppId,
    groups: bool,
    run: RunId,
    now_us: i64,
) -> store::Result<()> {
    transaction.supersede_runs(app, run, now_us)?;
    let total = transaction.mark_everybody(app, groups, Some(run), now_us)?;
    if groups {
        transaction.compare_all_members(app)?;
    }
    transaction.start_run(run, total, now_us)
}

/// Cancels a run: what has not begun is not begun. What is done stays done.
///
/// # Errors
/// The store's.
pub async fn cancel(
    engine: &Engine,
    application: &Application,
    run: RunId,
) -> store::Result<Option<RunRow>> {
    let now_us = engine.clock().now_us();
    engine
        .store()
        .write(application.organization, move |transaction| {
            transaction.cancel_run(run, now_us)?;
            transaction.run(run)
        })
        .await
}
