//! What an app holds otherwise, and accounts of it that belong to nobody here.

use super::body::Json;
use super::caller::{Admin, Auditor};
use super::description;
use super::paging::{PAGE, Paging, is_full, parsed};
use super::problem::Problem;
use super::state::ApiState;
use super::view::Items;
use crate::clock::rfc3339;
use crate::id::ResourceId;
use crate::mapping::field::Kind;
use crate::outbound::drift::{self, Answer, Difference};
use crate::store::jobs::Priority;
use crate::store::links::LinkRow;
use crate::store::observed::StrayRow;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// An account in which the app holds something otherwise.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftView {
    #[schema(format = "uuid")]
    resource: String,
    kind: String,
    /// The app's id.
    remote_id: Option<String>,
    fields: Vec<DriftField>,
}

/// A field that the app holds otherwise.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftField {
    /// App field; `active` stands for being switched on or off.
    field: String,
    /// What the app holds; null: nothing.
    app: Value,
    /// What it last accepted.
    accepted: Value,
    /// `enforced` (it is being put right; once it is, it is no longer listed), `tolerated`, `asked`
    /// (somebody is to decide), `kept` (somebody decided that it may stay) or `resisted` (it was put
    /// right and came back).
    #[schema(value_type = String)]
    answer: Answer,
    #[schema(format = DateTime)]
    since: String,
}

impl DriftView {
    fn of(link: LinkRow) -> Self {
        let fields = drift::read(&link.drift)
            .into_iter()
            .map(|(field, Difference { app, accepted, answer, since_us })| DriftField {
                field,
                app,
                accepted,
                answer,
                since: rfc3339(since_us),
            })
            .collect();
        Self {
            resource: link.resource.to_string(),
            kind: link.kind,
            remote_id: link.remote_id,
            fields,
        }
    }
}

/// What is decided about a field that the app holds otherwise.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DriftDecision {
    /// App field; `active` stands for being switched on or off.
    #[schema(min_length = 1, example = "title")]
    field: String,
    /// `enforce` puts it right; `keep` lets the app's value stay until it changes there, or here.
    decision: Decision,
}

/// What is decided.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// It is put right.
    Enforce,
    /// It stays.
    Keep,
}

/// Which accounts of nobody.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct StrayQuery {
    /// `User` (the default) or `Group`.
    #[param(value_type = Option<description::Kind>)]
    kind: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
}

/// An account of the app that belongs to nobody here.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StrayView {
    kind: String,
    /// The app's id.
    remote_id: String,
    /// What it is recognised by.
    label: String,
    /// Whether it is switched on; null where the app does not say.
    active: Option<bool>,
    /// When the app last showed it.
    #[schema(format = DateTime)]
    seen: String,
}

impl StrayView {
    fn of(row: StrayRow) -> Self {
        Self {
            kind: row.kind,
            remote_id: row.remote_id,
            label: row.label,
            active: row.active,
            seen: rfc3339(row.seen_us),
        }
    }
}

/// Accounts in which the app was seen to hold something otherwise, as its list showed it last. What was
/// sent since is not among them.
#[utoipa::path(get, path = "/apps/{app}/drift", operation_id = "listDrift", tag = "activity", params(Paging), responses((status = 200, body = Items<DriftView>), (status = 404, body = Problem)))]
pub async fn list(
    caller: Auditor,
    state: web::Data<ApiState>,
    app: web::Path<String>,
    paging: web::Query<Paging>,
) -> Result<HttpResponse, Problem> {
    let row = state.app(caller.organization, &app).await?;
    let after = parsed("after", paging.into_inner().after)?;
    let links = state
        .store()
        .read(caller.organization, move |reader| reader.drifting_links(row.id, after, PAGE))
        .await?;
    let next = links.last().filter(|_| is_full(links.len())).map(|link| link.resource.to_string());
    let items: Vec<DriftView> = links.into_iter().map(DriftView::of).collect();
    Ok(HttpResponse::Ok().json(Items { items, next }))
}

/// Decides about a field that the app holds otherwise. Holds whatever is being pushed at the moment.
#[utoipa::path(post, path = "/apps/{app}/drift/{resource}", operation_id = "decideDrift", tag = "activity", request_body = DriftDecision, responses(
    (status = 200, body = DriftView), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn decide(
    caller: Admin,
    state: web::Data<ApiState>,
    path: web::Path<(String, String)>,
    body: Json<DriftDecision>,
) -> Result<HttpResponse, Problem> {
    let (app, resource) = path.into_inner();
    let DriftDecision { field, decision } = body.into_inner();
    let row = state.app(caller.organization, &app).await?;
    let id: ResourceId = parsed("resource", Some(resource))?
        .ok_or_else(|| Problem::field("resource", "give an id"))?;
    let now_us = state.clock().now_us();
    let (actor, named) = (caller.actor(), field.clone());
    let decided = state
        .store()
        .write(caller.organization, move |transaction| {
            let Some(link) = transaction.link(row.id, id)? else { return Ok(None) };
            if !link.drift.contains_key(&named) {
                return Ok(None);
            }
            // The job before the link, as a worker locks them. Whoever works on it comes back to it.
            if decision == Decision::Enforce && row.enabled {
                let due = [(id, link.kind.as_str(), Priority::of(&link.kind))];
                transaction.mark_due(row.id, &due, now_us)?;
            }
            let Some(mut link) = transaction.lock_link(row.id, id)? else { return Ok(None) };
            let mut drift = drift::read(&link.drift);
            let Some(known) = drift.get_mut(&named) else { return Ok(None) };
            let word = if decision == Decision::Enforce {
                known.answer = Answer::Enforced;
                "drift.enforce"
            } else {
                known.answer = Answer::Kept;
                "drift.keep"
            };
            link.drift = drift::written(&drift).0;
            transaction.put_drift(row.id, id, &link.drift)?;
            let detail = format!("{id} {named}");
            transaction.record_audit(now_us, &actor, word, &row.name, Some(&detail))?;
            Ok(Some(link))
        })
        .await?;
    state.engine.nudge();
    let link = decided.ok_or_else(|| {
        Problem::not_found(format!(
            "the app was not seen to hold {field:?} of {id} otherwise: GET /api/v1/apps/{app}/drift \
             lists what it does"
        ))
    })?;
    Ok(HttpResponse::Ok().json(DriftView::of(link)))
}

/// Accounts of the app that belong to nobody here, as its list showed them last. Nothing is done to
/// them.
#[utoipa::path(get, path = "/apps/{app}/strays", operation_id = "listStrays", tag = "activity", params(StrayQuery), responses((status = 200, body = Items<StrayView>), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn strays(
    caller: Auditor,
    state: web::Data<ApiState>,
    app: web::Path<String>,
    query: web::Query<StrayQuery>,
) -> Result<HttpResponse, Problem> {
    let StrayQuery { kind, after } = query.into_inner();
    let kind = kind.as_deref().unwrap_or("User");
    let kind = Kind::named(kind)
        .ok_or_else(|| Problem::field("kind", format!("{kind:?} is neither User nor Group")))?;
    let row = state.app(caller.organization, &app).await?;
    let strays = state
        .store()
        .read(caller.organization, move |reader| {
            reader.strays(row.id, kind.as_str(), after.as_deref(), PAGE)
        })
        .await?;
    let next = strays.last().filter(|_| is_full(strays.len())).map(|one| one.remote_id.clone());
    let items: Vec<StrayView> = strays.into_iter().map(StrayView::of).collect();
    Ok(HttpResponse::Ok().json(Items { items, next }))
}
