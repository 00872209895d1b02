//! Quick Sync: everybody at once. First a plan that counts, then, when confirmed, one job each.

use super::application::Application;
use super::engine::Engine;
use super::plan::Situation;
use super::preview::rehearse;
use super::situation;
use crate::adapters::adapter::Step;
use crate::clock::Stopwatch;
use crate::id::{self, AppId, ResourceId, RunId};
use crate::mapping::field::Kind;
use crate::scim::filter::eval;
use crate::store::apps::AppRow;
use crate::store::runs::RunRow;
use crate::store::{self, Transaction};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
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
    let mut summary = Summary::default();
    let kinds: &[Kind] =
        if has_groups(application) { &[Kind::User, Kind::Group] } else { &[Kind::User] };
    for kind in kinds {
        let mut after = None;
        loop {
            let page = page(engine, application, *kind, after).await?;
            let Some(last) = page.last().map(|(id, _)| *id) else { break };
            for (id, situation) in page {
                count(&mut summary, *kind, id, situation);
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

async fn page(
    engine: &Engine,
    application: &Application,
    kind: Kind,
    after: Option<ResourceId>,
) -> store::Result<Vec<(ResourceId, Situation)>> {
    let app = application.row.id;
    let registry = std::sync::Arc::clone(&application.registry);
    let base = engine.base_url().to_owned();
    let scope = application.scope.clone();
    let with_groups = application.scope_reads_groups() || application.mapping.reads_groups();
    let read = engine
        .store()
        .read(application.organization, move |reader| {
            let page = reader.page_of(kind.as_str(), after, PAGE)?;
            let ids: Vec<ResourceId> = page.iter().map(|stored| stored.id).collect();
            let mut links = reader.links_of(app, &ids)?;
            let mut groups = HashMap::new();
            if with_groups && kind == Kind::User {
                groups = reader.groups_of(&ids)?;
            }
            let Some(definition) = registry.named(kind.as_str()) else { return Ok(Vec::new()) };
            let mut rows = Vec::with_capacity(page.len());
            for stored in page {
                let groups = groups.remove(&stored.id);
                let complete = situation::completed(definition, &stored, &base, groups);
                let in_scope = kind == Kind::Group
                    || scope.as_ref().is_none_or(|scope| eval::matches(scope, &complete));
                rows.push((stored.id, (complete, in_scope), links.remove(&stored.id)));
            }
            Ok(rows)
        })
        .await?;
    Ok(read
        .into_iter()
        .map(|(id, present, link)| (id, situation::judge(application, kind, Some(&present), link)))
        .collect())
}

fn count(summary: &mut Summary, kind: Kind, id: ResourceId, situation: Situation) {
    let rehearsal = rehearse(situation);
    let action = rehearsal
        .steps
        .iter()
        .find_map(|step| match step {
            Step::Find(_) => None,
            Step::Create(_) => Some("create"),
            Step::Update(..) | Step::Members(..) => Some("update"),
            Step::Deactivate(_) => Some("deactivate"),
            Step::Reactivate(_) => Some("reactivate"),
            Step::Delete(_) => Some("delete"),
        })
        .unwrap_or(if rehearsal.parked { "refused" } else { "unchanged" });
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
    let leavers = engine
        .store()
        .read(application.organization, move |reader| reader.links_without_resource(app, PAGE))
        .await?;
    for link in leavers {
        if let Some(kind) = Kind::named(&link.kind) {
            let id = link.resource;
            count(summary, kind, id, situation::judge(application, kind, None, Some(link)));
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
        return if application.scope.is_some() {
            "Nothing to do: nobody is in the app's scope.".into()
        } else {
            "Nothing to do: the directory is empty.".into()
        };
    }
    let parts: Vec<String> = [
        ("create", "to create"),
        ("update", "to update"),
        ("reactivate", "to switch on"),
        ("deactivate", "to switch off"),
        ("delete", "to delete"),
        ("refused", "that need attention first"),
    ]
    .into_iter()
    .filter_map(|(action, words)| {
        let number = total(action);
        (number > 0).then(|| format!("{number} {words}"))
    })
    .collect();
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
    let groups = has_groups(application);
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
    let groups = has_groups(application);
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

fn has_groups(application: &Application) -> bool {
    application.policy.groups && !application.entry.schema.groups.is_empty()
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
