//! What the admin API shows.

mod health;

use super::description;
use crate::adapters::catalogue::{Entry, Setting};
use crate::adapters::http::{Exchange, Wire};
use crate::clock::rfc3339;
use crate::mapping::document::Document;
use crate::mapping::field::AppSchema;
use crate::outbound::application::owner;
use crate::outbound::sync;
use crate::store::apps::{AppRow, Pause};
use crate::store::attempts::AttemptRow;
use crate::store::jobs::{JobState, Queue};
use crate::store::links::LinkRow;
use crate::store::runs::RunRow;
use crate::store::{self, Reader};
use health::HealthView;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub struct Items<T> {
    /// The page.
    pub items: Vec<T>,
    /// What to give as `after` or `before` for the next page; null on the last.
    pub next: Option<String>,
}

/// A kind of app.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdapterView {
    kind: &'static str,
    label: &'static str,
    description: &'static str,
    #[schema(value_type = Vec<description::Setting>)]
    settings: Vec<Setting>,
    #[schema(value_type = description::AppFields)]
    fields: AppSchema,
    #[schema(value_type = description::MappingDocument)]
    default_mapping: Document,
    match_users: Vec<&'static str>,
    match_groups: Vec<&'static str>,
    /// Fields by which accounts can be looked for.
    find_users: Vec<&'static str>,
    /// The same for groups.
    find_groups: Vec<&'static str>,
}

impl AdapterView {
    /// As the catalogue has it.
    pub fn of(entry: &Entry) -> Self {
        Self {
            kind: entry.kind,
            label: entry.label,
            description: entry.description,
            settings: entry.settings.clone(),
            fields: entry.schema.clone(),
            default_mapping: entry.default_mapping.clone(),
            match_users: entry.match_users.clone(),
            match_groups: entry.match_groups.clone(),
            find_users: entry.find_users.clone(),
            find_groups: entry.find_groups.clone(),
        }
    }
}

/// An app that is set up.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppView {
    #[schema(format = "uuid")]
    id: String,
    name: String,
    adapter: String,
    settings: Map<String, Value>,
    /// Names of the secrets that are set.
    secrets: Vec<String>,
    /// Who belongs in the app: null for everybody, a SCIM filter, or an object.
    #[schema(value_type = Option<description::Scope>)]
    scope: Option<Value>,
    #[schema(value_type = description::Policy)]
    policy: Value,
    /// *Setup Provisioning*.
    enabled: bool,
    /// Why nothing is sent; null when all is well. The queue is kept.
    paused: Option<String>,
    /// Who or what paused it: `admin`, `maintenance`, `credential`, `settings`, or another safeguard.
    paused_by: Option<String>,
    /// When it goes on by itself; null when somebody lets it.
    #[schema(format = DateTime)]
    paused_until: Option<String>,
    /// Version of the mapping in force.
    mapping_version: i64,
    #[schema(format = "uuid")]
    sample_user: Option<String>,
    #[schema(value_type = description::Queue)]
    queue: Queue,
    /// How the app takes what it is asked.
    health: HealthView,
    /// The latest run.
    run: Option<RunView>,
    #[schema(format = DateTime)]
    created: String,
    #[schema(format = DateTime)]
    last_modified: String,
}

/// Reads what is shown of an app.
///
/// # Errors
/// The store's.
pub fn app(reader: &mut Reader<'_>, row: AppRow, now_us: i64) -> store::Result<AppView> {
    let secrets = reader.secrets(&owner(row.id))?.into_iter().map(|secret| secret.name).collect();
    let queue = reader.queue(row.id)?;
    let run = match reader.runs(row.id, 1)?.into_iter().next() {
        Some(run) => Some(RunView::of(run.clone(), sync::waits(reader, &row, &run)?, now_us)),
        None => None,
    };
    let health = HealthView::of(reader.health(row.id)?, &row.policy, now_us);
    let pause = PauseView::of(row.paused.as_ref());
    Ok(AppView {
        id: row.id.to_string(),
        name: row.name,
        adapter: row.adapter,
        settings: row.settings,
        secrets,
        scope: row.scope.map(scope),
        policy: row.policy,
        enabled: row.enabled,
        paused: pause.sentence,
        paused_by: pause.by,
        paused_until: pause.until,
        mapping_version: row.mapping,
        sample_user: row.sample.map(|id| id.to_string()),
        queue,
        health,
        run,
        created: rfc3339(row.created_us),
        last_modified: rfc3339(row.modified_us),
    })
}

/// Why nothing is sent to an app, as views show it.
#[derive(Default)]
pub struct PauseView {
    /// One sentence.
    pub sentence: Option<String>,
    /// Who or what holds it.
    pub by: Option<String>,
    /// When it goes on by itself.
    pub until: Option<String>,
}

impl PauseView {
    /// As it is kept.
    pub fn of(pause: Option<&Pause>) -> Self {
        let Some(pause) = pause else { return Self::default() };
        Self {
            sentence: Some(pause.sentence.clone()),
            by: Some(pause.by.clone()),
            until: pause.until_us.map(rfc3339),
        }
    }
}

/// A scope as it is kept: an object where it begins like one, else a filter.
pub fn scope(text: String) -> Value {
    if text.starts_with('{') {
        return serde_json::from_str(&text).unwrap_or(Value::String(text));
    }
    Value::String(text)
}

/// A run.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunView {
    #[schema(format = "uuid")]
    id: String,
    #[schema(format = "uuid")]
    app: String,
    /// `sync` (a Quick Sync), `setup` (provisioning was switched on) or `reconcile` (by the clock).
    kind: String,
    /// `planning`, `planned` (waits to be confirmed), `held` (waits to be approved), `queued` (waits for
    /// another run of the app to end), `running`, `done`, `cancelled`, `failed`, or in older databases
    /// `superseded`.
    state: String,
    /// Who asked for it.
    author: String,
    /// Whether it is applied as soon as it is planned.
    confirm: bool,
    /// Objects that were looked at while planning.
    seen: i64,
    /// Accounts that the app listed.
    read: i64,
    /// Objects for which there is something to do.
    total: i64,
    /// Objects that are as they should be now.
    done: i64,
    /// Objects that are parked.
    failed: i64,
    /// Objects a second since it was confirmed; null unless it is being applied.
    per_second: Option<f64>,
    /// Seconds left at that rate; null unless it is being applied.
    seconds_left: Option<i64>,
    /// Why it does not go on although nobody is asked about it: the app is off, paused or in
    /// maintenance, or another run comes first. Null when it goes on, is over or waits for a person.
    waits: Option<String>,
    /// Why it waits to be approved: the limits that it passes, or an app's list that is not believed.
    /// Null when it does not.
    #[schema(value_type = Option<description::Held>)]
    held: Option<Value>,
    /// Who approved what it takes away.
    approved_by: Option<String>,
    /// Why it was approved, or why it failed.
    note: Option<String>,
    /// The plan: counts, examples, verdict.
    #[schema(value_type = description::Plan)]
    plan: Value,
    #[schema(format = DateTime)]
    started: String,
    #[schema(format = DateTime)]
    confirmed: Option<String>,
    #[schema(format = DateTime)]
    finished: Option<String>,
}

impl RunView {
    /// As it stands now; `waits` as [`sync::waits`] says.
    pub fn of(row: RunRow, waits: Option<String>, now_us: i64) -> Self {
        let goes_on = waits.is_none();
        let (per_second, seconds_left) = goes_on.then(|| speed(&row, now_us)).flatten().unzip();
        Self {
            id: row.id.to_string(),
            app: row.app.to_string(),
            kind: row.kind,
            state: row.state,
            author: row.author,
            confirm: row.confirm,
            seen: row.seen,
            read: row.read,
            total: row.total,
            done: row.done,
            failed: row.failed,
            per_second,
            seconds_left,
            waits,
            held: row.held,
            approved_by: row.approved_by,
            note: row.note,
            plan: row.summary,
            started: rfc3339(row.started_us),
            confirmed: row.confirmed_us.map(rfc3339),
            finished: row.finished_us.map(rfc3339),
        }
    }
}

/// Objects a second, rounded to hundredths, and seconds left at that rate.
#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
#[expect(clippy::cast_possible_truncation, reason = "seconds for people")]
fn speed(row: &RunRow, now_us: i64) -> Option<(f64, i64)> {
    let ended = row.done.saturating_add(row.failed);
    let took_us = now_us.saturating_sub(row.confirmed_us?);
    if row.state != "running" || ended == 0 || took_us <= 0 {
        return None;
    }
    let per_second = ended as f64 * 1_000_000.0 / took_us as f64;
    let left = (row.total.saturating_sub(ended).max(0) as f64 / per_second).ceil();
    Some(((per_second * 100.0).round() / 100.0, left as i64))
}

/// A try.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttemptView {
    #[schema(format = "uuid")]
    id: String,
    #[schema(format = "uuid")]
    app: String,
    #[schema(format = "uuid")]
    resource: String,
    kind: String,
    #[schema(format = "uuid")]
    run: Option<String>,
    /// What was done: `create`, `adopt`, `update`, …, or `none`.
    action: String,
    /// `done`, `retry` or `parked`.
    outcome: String,
    /// App fields that were sent or are at fault; never values.
    fields: Vec<String>,
    /// What happened.
    detail: Option<String>,
    /// Why it came to nothing, in one word: `mapping`, `unrecognisable`, `disputed`, `taken`,
    /// `conflict`, `refused`, `lost`, `unsupported`, `guard`, `unstable`, `unavailable`,
    /// `throttled`, `inDoubt`, `credential` or `settings`.
    cause: Option<String>,
    /// What to do about it.
    remedy: Option<String>,
    /// When it is tried again by itself.
    #[schema(format = DateTime)]
    next_try: Option<String>,
    /// What was sent for it and what the app answered, oldest first, without values: at most twenty,
    /// 8 KiB in all. Nothing where the app is not asked over HTTP.
    #[schema(value_type = Vec<description::Exchange>)]
    exchanges: Vec<Exchange>,
    /// How many older exchanges are not shown.
    exchanges_left_out: u32,
    took_ms: i64,
    #[schema(format = DateTime)]
    at: String,
}

impl AttemptView {
    /// As it was.
    pub fn of(row: AttemptRow) -> Self {
        let wire: Wire =
            row.wire.and_then(|wire| serde_json::from_value(wire).ok()).unwrap_or_default();
        Self {
            id: row.id.to_string(),
            app: row.app.to_string(),
            resource: row.resource.to_string(),
            kind: row.kind,
            run: row.run.map(|run| run.to_string()),
            action: row.action,
            outcome: row.outcome,
            fields: row.fields,
            detail: row.detail,
            cause: row.cause,
            remedy: row.remedy,
            next_try: row.next_us.map(rfc3339),
            exchanges: wire.exchanges,
            exchanges_left_out: wire.left_out,
            took_ms: row.took_us / 1_000,
            at: rfc3339(row.at_us),
        }
    }
}

/// What an app holds for a resource, and what is still to be done.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LinkView {
    #[schema(format = "uuid")]
    resource: String,
    kind: String,
    /// The app's id; null while a creation is in doubt, and where none was ever known.
    remote_id: Option<String>,
    /// `linked`, `in_doubt`, `deactivated`, `lost` or `released`.
    state: String,
    /// `created` or `adopted`.
    origin: String,
    /// What the app last accepted, by app field.
    record: Map<String, Value>,
    #[schema(format = DateTime)]
    pushed: String,
    /// What waits or is parked; null when the app is up to date.
    pending: Option<PendingView>,
}

impl LinkView {
    /// A link and the job of its resource.
    pub fn of(row: LinkRow, job: Option<JobState>) -> Self {
        Self {
            resource: row.resource.to_string(),
            kind: row.kind,
            remote_id: row.remote_id,
            state: row.state,
            origin: row.origin,
            record: row.record,
            pushed: rfc3339(row.pushed_us),
            pending: job.map(PendingView::of),
        }
    }
}

/// Work on one object that is not done.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PendingView {
    #[schema(format = "uuid")]
    resource: String,
    /// `ready`, `running`, `parked`, or `waiting` for days of grace to be over.
    state: String,
    /// When it is tried next; null when parked.
    #[schema(format = DateTime)]
    next_try: Option<String>,
    /// Failures in a row.
    attempts: u32,
    /// Why: a sentence, or for parked objects field, detail and remedy.
    #[schema(value_type = Option<description::PendingReason>)]
    reason: Option<Value>,
}

impl PendingView {
    /// As it stands.
    pub fn of(job: JobState) -> Self {
        let reason =
            job.error.map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text)));
        Self {
            resource: job.resource.to_string(),
            next_try: (job.state != "parked").then(|| rfc3339(job.run_at_us)),
            state: job.state,
            attempts: job.attempts,
            reason,
        }
    }
}
