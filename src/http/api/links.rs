//! What an app holds of whom, and what people do about it by hand. Every action says first what it
//! will do, in the app and here, and does it when it is confirmed.

use super::body::{Json, Raw, optional};
use super::caller::{Admin, Auditor};
use super::description;
use super::paging::{PAGE, Paging, is_full, parsed};
use super::problem::Problem;
use super::provision::PATIENCE;
use super::state::ApiState;
use super::view::{Items, LinkView, PendingView};
use crate::adapters::adapter::RemoteId;
use crate::auth::Principal;
use crate::clock::rfc3339;
use crate::id::ResourceId;
use crate::outbound::application::Application;
use crate::outbound::links::{self, Action, Shown};
use crate::outbound::provision;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use utoipa::ToSchema;

/// Whether to do it.
#[derive(Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// `true` does it; without it the answer says what it would do.
    #[serde(default)]
    confirm: bool,
}

/// Which object of the app, and whether to link it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewLink {
    /// The app's id of the account or group, as `GET /apps/{app}/accounts` lists it.
    #[schema(min_length = 1)]
    remote_id: String,
    /// `true` links it; without it the answer says what that would do.
    #[serde(default)]
    confirm: bool,
}

/// What Rollcall remembers of an app's accounts, and what is still to be done for each.
#[utoipa::path(get, path = "/apps/{app}/links", operation_id = "listLinks", tag = "links", params(Paging), responses((status = 200, body = Items<LinkView>), (status = 404, body = Problem)))]
pub async fn list(
    caller: Auditor,
    state: web::Data<ApiState>,
    app: web::Path<String>,
    paging: web::Query<Paging>,
) -> Result<HttpResponse, Problem> {
    let row = state.app(caller.organization, &app).await?;
    let after = parsed("after", paging.into_inner().after)?;
    let items = state
        .store()
        .read(caller.organization, move |reader| {
            let links = reader.links(row.id, after, PAGE)?;
            let ids: Vec<ResourceId> = links.iter().map(|link| link.resource).collect();
            let mut jobs = reader.job_states(row.id, Some(&ids), None, PAGE)?;
            Ok(links
                .into_iter()
                .map(|link| {
                    let at = jobs.iter().position(|job| job.resource == link.resource);
                    (link.resource, LinkView::of(link, at.map(|at| jobs.swap_remove(at))))
                })
                .collect::<Vec<_>>())
        })
        .await?;
    let next = items.last().filter(|_| is_full(items.len())).map(|(id, _)| id.to_string());
    let items = items.into_iter().map(|(_, view)| view).collect();
    Ok(HttpResponse::Ok().json(Items { items, next }))
}

/// The app and the object that an address names.
pub(super) async fn named(
    state: &ApiState,
    caller: &Principal,
    path: web::Path<(String, String)>,
) -> Result<(Arc<Application>, ResourceId), Problem> {
    let (app, resource) = path.into_inner();
    let application = state.application(caller, &app).await?;
    let id = parsed("resource", Some(resource))?
        .ok_or_else(|| Problem::field("resource", "give an id"))?;
    Ok((application, id))
}

/// As it is shown: what is known, what is remembered, what waits.
fn detail(application: &Application, shown: Shown) -> Value {
    let mut detail = serde_json::to_value(&shown).unwrap_or_default();
    let link = shown.link.as_ref();
    let more = json!({
        "held": provision::held(&application.row),
        "remoteId": link.and_then(|link| link.remote_id.as_ref()),
        "origin": link.map(|link| &link.origin),
        "record": link.map(|link| &link.record),
        "drift": link.map(|link| &link.drift),
        "pushed": link.map(|link| rfc3339(link.pushed_us)),
        "leaving": link.and_then(|link| link.leaving_us).map(rfc3339),
        "pending": shown.job.map(PendingView::of),
    });
    if let (Value::Object(detail), Value::Object(more)) = (&mut detail, more) {
        detail.extend(more);
    }
    detail
}

/// How a user or group stands with an app: its account, what waits, and what can be done about it, each
/// with the sentence that says what it does and the requests that it leads to. Sends nothing.
#[utoipa::path(get, path = "/apps/{app}/links/{resource}", operation_id = "getLink", tag = "links",
    params(("app" = String, Path), ("resource" = String, Path)),
    responses((status = 200, body = description::LinkDetail), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn get(
    caller: Auditor,
    state: web::Data<ApiState>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (application, id) = named(&state, &caller, path).await?;
    let shown = links::show(&state.engine, &application, id).await?;
    Ok(HttpResponse::Ok().json(detail(&application, shown)))
}

/// What an action does or did, and how the object stands with the app.
async fn told(
    state: &ApiState,
    application: &Arc<Application>,
    id: ResourceId,
    action: Action,
    (done, is_worked_on): (bool, bool),
) -> Result<HttpResponse, Problem> {
    let mut provisioned = None;
    if done && is_worked_on {
        match provision::now(&state.engine, application, id, PATIENCE).await {
            Ok(worked) => provisioned = Some(worked),
            // It waits until the app goes on.
            Err(provision::Error::Held(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let link = match links::show(&state.engine, application, id).await {
        Ok(shown) => Some(detail(application, shown)),
        // Somebody who is gone is forgotten.
        Err(links::Error::Unknown(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let answer = json!({
        "done": done, "action": action, "provisioned": provisioned, "link": link,
    });
    Ok(HttpResponse::Ok().json(answer))
}

fn by(caller: &Admin, confirm: bool) -> Option<String> {
    confirm.then(|| caller.actor())
}

/// *Retry*: tries at once what waits or is parked.
#[utoipa::path(post, path = "/apps/{app}/links/{resource}/retry", operation_id = "retryLink", tag = "links", request_body = Option<Confirmation>,
    params(("app" = String, Path), ("resource" = String, Path)),
    responses((status = 200, body = description::LinkAnswer), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn retry(
    caller: Admin,
    state: web::Data<ApiState>,
    path: web::Path<(String, String)>,
    body: Raw,
) -> Result<HttpResponse, Problem> {
    let Confirmation { confirm } = optional(&body)?;
    let (application, id) = named(&state, &caller, path).await?;
    let action = links::retry(&state.engine, &application, id, by(&caller, confirm)).await?;
    told(&state, &application, id, action, (confirm, false)).await
}

/// *Unlink*: leaves a user or group alone in an app. Nothing is sent, and its account stays as it is.
#[utoipa::path(post, path = "/apps/{app}/links/{resource}/unlink", operation_id = "unlink", tag = "links", request_body = Option<Confirmation>,
    params(("app" = String, Path), ("resource" = String, Path)),
    responses((status = 200, body = description::LinkAnswer), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn unlink(
    caller: Admin,
    state: web::Data<ApiState>,
    path: web::Path<(String, String)>,
    body: Raw,
) -> Result<HttpResponse, Problem> {
    let Confirmation { confirm } = optional(&body)?;
    let (application, id) = named(&state, &caller, path).await?;
    let action = links::unlink(&state.engine, &application, id, by(&caller, confirm)).await?;
    told(&state, &application, id, action, (confirm, false)).await
}

/// *Relink*: forgets which account it is, and looks for it by the matching fields at once.
#[utoipa::path(post, path = "/apps/{app}/links/{resource}/relink", operation_id = "relink", tag = "links", request_body = Option<Confirmation>,
    params(("app" = String, Path), ("resource" = String, Path)),
    responses((status = 200, body = description::LinkAnswer), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn relink(
    caller: Admin,
    state: web::Data<ApiState>,
    path: web::Path<(String, String)>,
    body: Raw,
) -> Result<HttpResponse, Problem> {
    let Confirmation { confirm } = optional(&body)?;
    let (application, id) = named(&state, &caller, path).await?;
    let action = links::relink(&state.engine, &application, id, by(&caller, confirm)).await?;
    told(&state, &application, id, action, (confirm, true)).await
}

/// *Link*: says which of the app's objects it is. The app is asked for it; it is taken over, and
/// brought up to date at once.
#[utoipa::path(post, path = "/apps/{app}/links/{resource}/link", operation_id = "link", tag = "links", request_body = NewLink,
    params(("app" = String, Path), ("resource" = String, Path)),
    responses((status = 200, body = description::LinkAnswer), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem), (status = 502, body = Problem)))]
pub async fn link(
    caller: Admin,
    state: web::Data<ApiState>,
    path: web::Path<(String, String)>,
    body: Json<NewLink>,
) -> Result<HttpResponse, Problem> {
    let NewLink { remote_id, confirm } = body.into_inner();
    let (application, id) = named(&state, &caller, path).await?;
    if remote_id.is_empty() {
        return Err(Problem::field("remoteId", "give the app's id of the object"));
    }
    let remote = RemoteId(remote_id);
    let by = by(&caller, confirm);
    let action = links::adopt(&state.engine, &application, id, remote, by).await?;
    told(&state, &application, id, action, (confirm, true)).await
}
