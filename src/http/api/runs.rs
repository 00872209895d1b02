//! Quick Sync.

use super::body::{Raw, optional};
use super::caller::{Admin, Auditor};
use super::problem::Problem;
use super::state::ApiState;
use super::view::{Items, RunView};
use crate::auth::Principal;
use crate::id::RunId;
use crate::outbound::application::Application;
use crate::outbound::sync;
use crate::store::runs::RunRow;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Whether to apply at once.
#[derive(Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncRequest {
    /// `true` applies the plan at once.
    #[serde(default)]
    confirm: bool,
}

/// *Quick Sync*: plans what bringing everybody up to date would do, and does it when confirmed.
#[utoipa::path(post, path = "/apps/{app}/sync", operation_id = "planQuickSync", tag = "sync", request_body = Option<SyncRequest>, responses(
    (status = 202, body = RunView), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn quick_sync(
    caller: Admin,
    state: web::Data<ApiState>,
    app: web::Path<String>,
    body: Raw,
) -> Result<HttpResponse, Problem> {
    let request: SyncRequest = optional(&body)?;
    let application = state.application(&caller, &app).await?;
    if request.confirm {
        ready(&application)?;
    }
    let summary = sync::plan(&state.engine, &application).await?;
    let mut run = sync::propose(&state.engine, &application, &summary).await?;
    if request.confirm
        && let Some(started) = sync::confirm(&state.engine, &application, run.id).await?
    {
        run = started;
    }
    Ok(HttpResponse::Accepted()
        .insert_header(("Location", format!("/api/v1/runs/{}", run.id)))
        .json(RunView::of(run)))
}

fn ready(application: &Application) -> Result<(), Problem> {
    if !application.row.enabled {
        return Err(Problem::conflict(
            "provisioning is off for this app: PUT /api/v1/apps/{app}/provisioning {\"enabled\": true}",
        ));
    }
    Ok(())
}

/// The latest runs of an app.
#[utoipa::path(get, path = "/apps/{app}/runs", operation_id = "listRuns", tag = "sync", responses((status = 200, body = Items<RunView>), (status = 404, body = Problem)))]
pub async fn list(
    caller: Auditor,
    state: web::Data<ApiState>,
    app: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let row = state.app(caller.organization, &app).await?;
    let runs =
        state.store().read(caller.organization, move |reader| reader.runs(row.id, 50)).await?;
    let items = runs.into_iter().map(RunView::of).collect();
    Ok(HttpResponse::Ok().json(Items { items, next: None }))
}

/// One run: its plan and its progress, in objects.
#[utoipa::path(get, path = "/runs/{run}", operation_id = "getRun", tag = "sync", responses((status = 200, body = RunView), (status = 404, body = Problem)))]
pub async fn get(
    caller: Auditor,
    state: web::Data<ApiState>,
    run: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(RunView::of(find(&state, &caller, &run).await?)))
}

async fn find(state: &ApiState, caller: &Principal, run: &str) -> Result<RunRow, Problem> {
    let unknown = || Problem::not_found(format!("there is no run {run:?}"));
    let id: RunId = run.parse().map_err(|_bad| unknown())?;
    let found = state.store().read(caller.organization, move |reader| reader.run(id)).await?;
    found.ok_or_else(unknown)
}

async fn application(
    state: &ApiState,
    caller: &Principal,
    run: &RunRow,
) -> Result<Arc<Application>, Problem> {
    state.application(caller, &run.app.to_string()).await
}

/// *Confirm*: applies a planned run. A second confirmation changes nothing.
#[utoipa::path(post, path = "/runs/{run}/confirm", operation_id = "confirmRun", tag = "sync", responses(
    (status = 200, body = RunView), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn confirm(
    caller: Admin,
    state: web::Data<ApiState>,
    run: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let row = find(&state, &caller, &run).await?;
    let application = application(&state, &caller, &row).await?;
    ready(&application)?;
    if row.state == "cancelled" {
        return Err(Problem::conflict("the run was cancelled: plan a new one"));
    }
    let started = sync::confirm(&state.engine, &application, row.id).await?;
    Ok(HttpResponse::Ok().json(RunView::of(started.unwrap_or(row))))
}

/// Cancels a run: what has not begun is not begun; what is done stays done.
#[utoipa::path(post, path = "/runs/{run}/cancel", operation_id = "cancelRun", tag = "sync", responses((status = 200, body = RunView), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn cancel(
    caller: Admin,
    state: web::Data<ApiState>,
    run: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let row = find(&state, &caller, &run).await?;
    let application = application(&state, &caller, &row).await?;
    let cancelled = sync::cancel(&state.engine, &application, row.id).await?;
    Ok(HttpResponse::Ok().json(RunView::of(cancelled.unwrap_or(row))))
}
