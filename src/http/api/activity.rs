//! What an app holds, what was tried, what waits, and why.

use super::caller::{Admin, Auditor};
use super::description;
use super::paging::{PAGE, Paging, is_full, parsed};
use super::problem::Problem;
use super::state::ApiState;
use super::view::{self, AttemptView, Items, LinkView, PauseView, PendingView};
use crate::adapters::adapter::Observed;
use crate::clock::rfc3339;
use crate::id::{AppId, ResourceId};
use crate::mapping::field::Kind;
use crate::outbound::plan::Cause;
use crate::outbound::preview;
use crate::outbound::words::matched;
use crate::store::attempts::Wanted;
use crate::store::changes::ChangeRow;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

/// Which attempts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AttemptQuery {
    /// Name or id of an app.
    app: Option<String>,
    /// Id of a user or group.
    #[param(format = "uuid")]
    resource: Option<String>,
    /// Id of a run: only what was tried as part of it.
    #[param(format = "uuid")]
    run: Option<String>,
    /// `done`, `retry` or `parked`.
    outcome: Option<String>,
    /// Why it came to nothing, in one word, as attempts show it.
    cause: Option<String>,
    /// `next` of the page before.
    #[param(format = "uuid")]
    before: Option<String>,
}

/// Which accounts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AccountQuery {
    /// `User` (the default) or `Group`.
    #[param(value_type = Option<description::Kind>)]
    kind: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
    /// First wait, at most so many seconds, until the app's queue has nothing to do.
    #[param(format = Int64, minimum = 0, maximum = 4_294_967_295_i64)]
    wait: Option<u32>,
}

/// After which position.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ChangeQuery {
    /// `next` of the page before.
    after: Option<i64>,
}

/// The accounts as the app itself shows them. Asks the app.
#[utoipa::path(get, path = "/apps/{app}/accounts", operation_id = "listAccounts", tag = "activity", params(AccountQuery), responses(
    (status = 200, body = Items<description::Account>), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem), (status = 502, body = Problem)))]
pub async fn accounts(
    caller: Auditor,
    state: web::Data<ApiState>,
    app: web::Path<String>,
    query: web::Query<AccountQuery>,
) -> Result<HttpResponse, Problem> {
    let query = query.into_inner();
    let kind = query.kind.as_deref().unwrap_or("User");
    let kind = Kind::named(kind)
        .ok_or_else(|| Problem::field("kind", format!("{kind:?} is neither User nor Group")))?;
    let application = state.application(&caller, &app).await?;
    if let Some(seconds) = query.wait {
        state.wait_for_quiet(caller.organization, application.row.id, seconds.into()).await?;
    }
    let page = application.adapter.list(kind, query.after.as_deref()).await?;
    Ok(HttpResponse::Ok().json(Items::<Observed> { items: page.accounts, next: page.next }))
}

/// Objects that wait for a person.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParkedObjects {
    /// The page.
    items: Vec<PendingView>,
    /// What to give as `after` for the next page; null on the last.
    next: Option<String>,
    /// Whether provisioning is on.
    enabled: bool,
    /// Why nothing is sent; null when all is well. What is retried waits for its end.
    paused: Option<String>,
    /// `admin`, `maintenance`, or what it was paused for.
    paused_by: Option<String>,
    /// When it goes on by itself.
    #[schema(format = DateTime)]
    paused_until: Option<String>,
}

/// Objects that wait for a person, each with field, reason and remedy.
#[utoipa::path(get, path = "/apps/{app}/parked", operation_id = "listParked", tag = "activity", params(Paging), responses((status = 200, body = ParkedObjects), (status = 404, body = Problem)))]
pub async fn parked(
    caller: Auditor,
    state: web::Data<ApiState>,
    app: web::Path<String>,
    paging: web::Query<Paging>,
) -> Result<HttpResponse, Problem> {
    let row = state.app(caller.organization, &app).await?;
    let after = parsed("after", paging.into_inner().after)?;
    let jobs = state
        .store()
        .read(caller.organization, move |reader| reader.job_states(row.id, None, after, PAGE))
        .await?;
    let next = jobs.last().filter(|_| is_full(jobs.len())).map(|job| job.resource.to_string());
    let items = jobs.into_iter().map(PendingView::of).collect();
    let pause = PauseView::of(row.paused.as_ref());
    Ok(HttpResponse::Ok().json(ParkedObjects {
        items,
        next,
        enabled: row.enabled,
        paused: pause.sentence,
        paused_by: pause.by,
        paused_until: pause.until,
    }))
}

/// How many objects are tried again.
#[derive(Serialize, ToSchema)]
pub struct Retried {
    retried: usize,
}

/// Tries every parked object of an app again.
#[utoipa::path(post, path = "/apps/{app}/retry", operation_id = "retryParked", tag = "activity", responses((status = 202, body = Retried), (status = 404, body = Problem)))]
pub async fn retry_all(
    caller: Admin,
    state: web::Data<ApiState>,
    app: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let row = state.app(caller.organization, &app).await?;
    let now_us = state.clock().now_us();
    let retried = state
        .store()
        .write(caller.organization, move |transaction| {
            transaction.retry_parked(row.id, None, now_us)
        })
        .await?;
    state.engine.nudge();
    Ok(HttpResponse::Accepted().json(Retried { retried }))
}

/// Why a user or group is in an app as it is: scope, what would be sent now, what waits, and the
/// last attempts. Sends nothing.
#[utoipa::path(get, path = "/apps/{app}/why/{resource}", operation_id = "explain", tag = "activity", responses((status = 200, body = description::Why), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem), (status = 502, body = Problem)))]
pub async fn why(
    caller: Auditor,
    state: web::Data<ApiState>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (app, resource) = path.into_inner();
    let application = state.application(&caller, &app).await?;
    let id: ResourceId = parsed("resource", Some(resource))?
        .ok_or_else(|| Problem::field("resource", "give an id"))?;
    let app: AppId = application.row.id;
    let (link, job, attempts) = state
        .store()
        .read(caller.organization, move |reader| {
            let link = reader.link(app, id)?;
            let job = reader.job_states(app, Some(&[id]), None, 1)?.into_iter().next();
            let wanted = Wanted { app: Some(app), resource: Some(id), ..Wanted::default() };
            Ok((link, job, reader.attempts(&wanted, 10)?))
        })
        .await?;
    let paused = PauseView::of(application.row.paused.as_ref());
    let draft = preview::Draft::default();
    let preview = match preview::preview(&state.engine, &application, draft, Some(id)).await {
        Ok(preview) => preview,
        // Somebody who is gone may have an account all the same.
        Err(preview::Error::Unknown(detail)) => {
            let Some(link) = link else { return Err(Problem::not_found(detail)) };
            let kind = Kind::named(&link.kind).unwrap_or_default();
            let (verdict, requests) =
                preview::leaver(&state.engine, &application, kind, link.clone()).await;
            return Ok(HttpResponse::Ok().json(json!({
                "enabled": application.row.enabled,
                "paused": paused.sentence, "pausedBy": paused.by, "pausedUntil": paused.until,
                "scope": application.row.scope.clone().map(view::scope),
                "decision": { "inScope": false, "parts": [],
                    "sentence": "Out of scope: gone from the directory." },
                "matching": matched(&application.match_fields(kind), Some(&link)),
                "verdict": verdict,
                "fields": [],
                "requests": requests,
                "link": LinkView::of(link, job.clone()),
                "pending": job.map(PendingView::of),
                "attempts": attempts.into_iter().map(AttemptView::of).collect::<Vec<_>>(),
            })));
        }
        Err(error) => return Err(error.into()),
    };
    let kind = Kind::named(preview.sample.kind).unwrap_or_default();
    let matching = matched(&application.match_fields(kind), link.as_ref());
    Ok(HttpResponse::Ok().json(json!({
        "enabled": application.row.enabled,
        "paused": paused.sentence,
        "pausedBy": paused.by,
        "pausedUntil": paused.until,
        "scope": application.row.scope.clone().map(view::scope),
        "decision": preview.scope,
        "matching": matching,
        "verdict": preview.verdict,
        "fields": preview.fields,
        "requests": preview.requests,
        "link": link.map(|link| LinkView::of(link, job.clone())),
        "pending": job.map(PendingView::of),
        "attempts": attempts.into_iter().map(AttemptView::of).collect::<Vec<_>>(),
    })))
}

/// How a try can end.
const OUTCOMES: [&str; 3] = ["done", "retry", "parked"];

/// What was tried, newest first: why it came to nothing, what to do, when it is tried again, and what
/// was sent and answered, without values.
#[utoipa::path(get, path = "/attempts", operation_id = "listAttempts", tag = "activity", params(AttemptQuery), responses((status = 200, body = Items<AttemptView>), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn attempts(
    caller: Auditor,
    state: web::Data<ApiState>,
    query: web::Query<AttemptQuery>,
) -> Result<HttpResponse, Problem> {
    let query = query.into_inner();
    let app = match query.app {
        Some(name) => Some(state.app(caller.organization, &name).await?.id),
        None => None,
    };
    if let Some(outcome) = &query.outcome
        && !OUTCOMES.contains(&outcome.as_str())
    {
        let detail = format!("{outcome:?} is none of {}", OUTCOMES.join(", "));
        return Err(Problem::field("outcome", detail));
    }
    if let Some(cause) = &query.cause
        && serde_json::from_value::<Cause>(cause.as_str().into()).is_err()
    {
        let detail = format!("{cause:?} is no cause; /api/v1/openapi.json lists them");
        return Err(Problem::field("cause", detail));
    }
    let mut wanted = Wanted {
        app,
        resource: parsed("resource", query.resource)?,
        run: parsed("run", query.run)?,
        outcome: query.outcome,
        cause: query.cause,
        before: parsed("before", query.before)?,
    };
    let rows = state
        .store()
        .read(caller.organization, move |reader| {
            // What a run tried is looked for among the tries of its app.
            if let (Some(run), None) = (wanted.run, wanted.app) {
                wanted.app = reader.run(run)?.map(|run| run.app);
            }
            reader.attempts(&wanted, PAGE)
        })
        .await?;
    let next = rows.last().filter(|_| is_full(rows.len())).map(|row| row.id.to_string());
    let items = rows.into_iter().map(AttemptView::of).collect();
    Ok(HttpResponse::Ok().json(Items { items, next }))
}

/// What happened to a resource.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeView {
    position: Option<i64>,
    #[schema(format = DateTime)]
    at: String,
    #[schema(format = "uuid")]
    resource: String,
    kind: String,
    /// `create`, `update`, `delete` or `members`.
    op: &'static str,
    version: i64,
    actor: String,
}

impl ChangeView {
    fn of(row: ChangeRow) -> Self {
        Self {
            position: row.position,
            at: rfc3339(row.at_us),
            resource: row.change.resource.to_string(),
            kind: row.change.kind,
            op: row.change.op.as_str(),
            version: row.change.version,
            actor: row.change.actor,
        }
    }
}

/// The changes of the directory in order of publication, without a gap.
#[utoipa::path(get, path = "/changes", operation_id = "listChanges", tag = "activity", params(ChangeQuery), responses((status = 200, body = Items<ChangeView>)))]
pub async fn changes(
    caller: Auditor,
    state: web::Data<ApiState>,
    query: web::Query<ChangeQuery>,
) -> Result<HttpResponse, Problem> {
    let after = query.after.unwrap_or(0);
    let rows =
        state.store().read(caller.organization, move |reader| reader.changes(after, PAGE)).await?;
    let next = rows
        .last()
        .filter(|_| is_full(rows.len()))
        .and_then(|row| row.position)
        .map(|position| position.to_string());
    let items = rows.into_iter().map(ChangeView::of).collect();
    Ok(HttpResponse::Ok().json(Items { items, next }))
}
