//! Runs: Quick Sync, its plan, its confirmation and its progress.

pub(super) mod events;

use super::body::{Json, Raw, optional};
use super::caller::{Admin, Auditor};
use super::guard::reason;
use super::paging::{PAGE, Paging, is_full, parsed};
use super::problem::Problem;
use super::state::ApiState;
use super::view::{Items, RunView};
use crate::auth::Principal;
use crate::id::{ResourceId, RunId};
use crate::mapping::impact::name;
use crate::outbound::application::Application;
use crate::outbound::provision;
use crate::outbound::sync::{self, Approval, Request, Turns};
use crate::store;
use crate::store::runs::{ItemRow, RunRow};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Whether to apply at once.
#[derive(Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncRequest {
    /// `true` applies the plan as soon as it is made, unless it passes the app's limits.
    #[serde(default)]
    confirm: bool,
}

/// Why a run may pass the app's limits.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunApproval {
    /// For the audit log.
    #[schema(min_length = 1, max_length = 1000, example = "The summer interns leave today.")]
    reason: String,
}

/// Which objects of a plan.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PlanQuery {
    /// `create`, `adopt`, `update`, `deactivate`, `reactivate`, `delete` or `refused`; all when left out.
    action: Option<String>,
    /// `next` of the page before.
    #[param(format = "uuid")]
    after: Option<String>,
}

/// An object of a plan.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanItemView {
    #[schema(format = "uuid")]
    resource: String,
    /// Its name; null when it is gone from the directory.
    name: Option<String>,
    kind: String,
    /// `create`, `adopt`, `update`, `deactivate`, `reactivate`, `delete` or `refused`.
    action: String,
    /// `planned`, `done`, `replanned` (done, but it had changed since it was planned) or `parked`.
    state: String,
}

/// *Quick Sync*: reads the app's own accounts, plans what bringing everybody up to date would do, and
/// does it when confirmed. Answers within two seconds, with the plan as far as it is made by then.
#[utoipa::path(post, path = "/apps/{app}/sync", operation_id = "planQuickSync", tag = "sync", request_body = Option<SyncRequest>, responses(
    (status = 202, body = RunView), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn quick_sync(
    caller: Admin,
    state: web::Data<ApiState>,
    app: web::Path<String>,
    body: Raw,
) -> Result<HttpResponse, Problem> {
    let SyncRequest { confirm } = optional(&body)?;
    let application = state.application(&caller, &app).await?;
    if confirm {
        ready(&application)?;
    }
    let request = Request { kind: "sync", author: caller.actor(), confirm };
    let mut run =
        sync::request(&state.engine, caller.organization, application.row.id, &request).await?;
    // Who asks for a run of an app to which nothing is sent is not left to wonder.
    if let Some(sentence) = provision::held(&application.row)
        && let Some(Value::String(verdict)) = run.summary.get_mut("verdict")
    {
        *verdict = format!("{verdict} Nothing is sent at present. {sentence}");
    }
    Ok(HttpResponse::Accepted()
        .insert_header(("Location", format!("/api/v1/runs/{}", run.id)))
        .json(shown(&state, &caller, run).await?))
}

fn ready(application: &Application) -> Result<(), Problem> {
    match provision::held(&application.row) {
        Some(sentence) if !application.row.enabled => Err(Problem::conflict(sentence)),
        _ => Ok(()),
    }
}

/// The runs of an app, newest first.
#[utoipa::path(get, path = "/apps/{app}/runs", operation_id = "listRuns", tag = "sync", params(Paging), responses((status = 200, body = Items<RunView>), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn list(
    caller: Auditor,
    state: web::Data<ApiState>,
    app: web::Path<String>,
    paging: web::Query<Paging>,
) -> Result<HttpResponse, Problem> {
    let row = state.app(caller.organization, &app).await?;
    let after = parsed("after", paging.into_inner().after)?;
    let now_us = state.clock().now_us();
    let (items, next) = state
        .store()
        .read(caller.organization, move |reader| {
            let runs = reader.runs_before(row.id, after, PAGE)?;
            let next = runs.last().filter(|_| is_full(runs.len())).map(|run| run.id.to_string());
            let view = |run: RunRow| {
                let waits = sync::waits(reader, &row, &run)?;
                Ok(RunView::of(run, waits, now_us))
            };
            let items = runs.into_iter().map(view).collect::<store::Result<Vec<RunView>>>()?;
            Ok((items, next))
        })
        .await?;
    Ok(HttpResponse::Ok().json(Items { items, next }))
}

/// One run: its plan and its progress, in objects.
#[utoipa::path(get, path = "/runs/{run}", operation_id = "getRun", tag = "sync", responses((status = 200, body = RunView), (status = 404, body = Problem)))]
pub async fn get(
    caller: Auditor,
    state: web::Data<ApiState>,
    run: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let row = find(&state, &caller, &run).await?;
    Ok(HttpResponse::Ok().json(shown(&state, &caller, row).await?))
}

/// What a plan can do with an object.
const ACTIONS: [&str; 7] =
    ["create", "adopt", "update", "deactivate", "reactivate", "delete", "refused"];

/// The objects of a plan, those for which there is nothing to do left out. `GET
/// /apps/{app}/why/{resource}` shows the requests of one.
#[utoipa::path(get, path = "/runs/{run}/plan", operation_id = "listPlan", tag = "sync", params(PlanQuery), responses((status = 200, body = Items<PlanItemView>), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn plan(
    caller: Auditor,
    state: web::Data<ApiState>,
    run: web::Path<String>,
    query: web::Query<PlanQuery>,
) -> Result<HttpResponse, Problem> {
    let row = find(&state, &caller, &run).await?;
    let PlanQuery { action, after } = query.into_inner();
    let after: Option<ResourceId> = parsed("after", after)?;
    if let Some(action) = action.as_deref().filter(|action| !ACTIONS.contains(action)) {
        let detail = format!("{action:?} is none of {}", ACTIONS.join(", "));
        return Err(Problem::field("action", detail));
    }
    let items = state
        .store()
        .read(caller.organization, move |reader| {
            let items = reader.run_items(row.id, action.as_deref(), after, PAGE)?;
            let ids: Vec<ResourceId> = items.iter().map(|item| item.resource).collect();
            let mut names = reader.resources_of(&ids)?;
            Ok(items
                .into_iter()
                .map(|item| {
                    let known = names.remove(&item.resource);
                    (item, known.map(|stored| name(&stored.attributes)))
                })
                .collect::<Vec<_>>())
        })
        .await?;
    let next =
        items.last().filter(|_| is_full(items.len())).map(|(item, _)| item.resource.to_string());
    let items = items.into_iter().map(|(item, name)| view(item, name)).collect::<Vec<_>>();
    Ok(HttpResponse::Ok().json(Items { items, next }))
}

fn view(item: ItemRow, name: Option<String>) -> PlanItemView {
    PlanItemView {
        resource: item.resource.to_string(),
        name,
        kind: item.kind,
        action: item.action,
        state: item.state,
    }
}

pub(super) async fn find(
    state: &ApiState,
    caller: &Principal,
    run: &str,
) -> Result<RunRow, Problem> {
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

/// A run as it stands now, and why it does not go on.
async fn shown(state: &ApiState, caller: &Principal, row: RunRow) -> Result<RunView, Problem> {
    let now_us = state.clock().now_us();
    let view = state
        .store()
        .glance(caller.organization, move |reader| {
            let waits = match reader.app(row.app)? {
                Some(app) => sync::waits(reader, &app, &row)?,
                None => None,
            };
            Ok(RunView::of(row.clone(), waits, now_us))
        })
        .await?;
    Ok(view)
}

/// *Confirm*: applies a planned run, as soon as no other run of the app is being applied. A second
/// confirmation changes nothing. A plan that has waited for more than 24 hours, or would pass the limits
/// now, is made anew.
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
    match row.state.as_str() {
        "cancelled" => return Err(Problem::conflict("the run was cancelled: plan a new one")),
        "failed" => {
            return Err(Problem::conflict("the run could not be planned: plan a new one"));
        }
        "held" => return Err(held(&row)),
        "planned" => {
            if let Some(why) = sync::outdated(&state.engine, &application, &row).await? {
                return Err(again(&application, &why));
            }
        }
        _ => {}
    }
    let organization = caller.organization;
    let turns = Turns::of(&application);
    let started = sync::confirm(&state.engine, organization, turns, row.id).await?;
    Ok(HttpResponse::Ok().json(shown(&state, &caller, started.unwrap_or(row)).await?))
}

fn again(application: &Application, why: &str) -> Problem {
    Problem::conflict(format!(
        "{why}: plan it again (POST /api/v1/apps/{}/sync), look at the plan and confirm that one",
        application.row.name
    ))
}

fn held(row: &RunRow) -> Problem {
    let said = |name: &str| row.held.as_ref().and_then(|held| held.get(name)?.as_str());
    let sentence = said("sentence").unwrap_or_default();
    // One that was held by an older version says no more than why.
    let remedy = said("remedy").map_or_else(
        || {
            format!(
                "Look at its plan, then approve it: POST /api/v1/runs/{}/approve {{\"reason\": …}}.",
                row.id
            )
        },
        str::to_owned,
    );
    Problem::conflict(format!("the run waits to be approved: {sentence}. {remedy}"))
}

/// Lets a held run pass the app's limits. Recorded in the audit log. A run that was to be applied at
/// once then is; another one is confirmed as usual. A run that is held because the app's list is not
/// believed is planned again, with the list believed: those of whom the app says by their ids that it
/// does not have them are treated as the policy's `lost` says.
#[utoipa::path(post, path = "/runs/{run}/approve", operation_id = "approveRun", tag = "sync", request_body = RunApproval, responses(
    (status = 200, body = RunView), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn approve(
    caller: Admin,
    state: web::Data<ApiState>,
    run: web::Path<String>,
    body: Json<RunApproval>,
) -> Result<HttpResponse, Problem> {
    let reason = reason(&body.into_inner().reason)?;
    let row = find(&state, &caller, &run).await?;
    let application = application(&state, &caller, &row).await?;
    ready(&application)?;
    if row.state != "held" {
        return Err(Problem::conflict(format!(
            "the run is {}: only a held one is approved",
            row.state
        )));
    }
    if sync::is_old(&row, state.clock().now_us()) {
        return Err(again(&application, "the plan is older than 24 hours"));
    }
    let approval = Approval { by: caller.actor(), reason };
    let app = (application.row.clone(), Turns::of(&application));
    let approved = sync::approve(&state.engine, caller.organization, app, row.id, approval).await?;
    Ok(HttpResponse::Ok().json(shown(&state, &caller, approved.unwrap_or(row)).await?))
}

/// Cancels a run: what has not begun is not begun; what is done stays done.
#[utoipa::path(post, path = "/runs/{run}/cancel", operation_id = "cancelRun", tag = "sync", responses((status = 200, body = RunView), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn cancel(
    caller: Admin,
    state: web::Data<ApiState>,
    run: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let row = find(&state, &caller, &run).await?;
    let cancelled = sync::cancel(&state.engine, caller.organization, row.id).await?;
    Ok(HttpResponse::Ok().json(shown(&state, &caller, cancelled.unwrap_or(row)).await?))
}
