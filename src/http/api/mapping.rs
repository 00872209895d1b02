//! The field mapping of an app: read, save, reset, preview.

use super::apps::entry;
use super::caller::{Admin, Auditor};
use super::problem::{Problem, optional};
use super::state::ApiState;
use super::view::Items;
use crate::clock::rfc3339;
use crate::id::ResourceId;
use crate::mapping::compiled::Mapping;
use crate::mapping::document::Document;
use crate::mapping::field::Kind;
use crate::outbound::preview;
use crate::store::apps::AppRow;
use crate::store::mappings::MappingRow;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// One version of a mapping.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MappingView {
    /// From 1.
    version: i64,
    /// Rules for users and groups.
    #[schema(value_type = Object)]
    mapping: Value,
    author: String,
    note: Option<String>,
    at: String,
    /// Mandatory fields of the app that no rule gives a value, by kind. Nobody can be created in
    /// the app until they are mapped.
    #[serde(skip_serializing_if = "Option::is_none")]
    unmapped_mandatory: Option<BTreeMap<String, Vec<String>>>,
}

impl MappingView {
    fn of(row: MappingRow, compiled: Option<&Mapping>) -> Self {
        let unmapped = compiled.map(|mapping| {
            [Kind::User, Kind::Group]
                .into_iter()
                .map(|kind| (kind.as_str().to_owned(), mapping.unmapped_mandatory(kind)))
                .filter(|(_, fields)| !fields.is_empty())
                .collect()
        });
        Self {
            version: row.version,
            mapping: row.document,
            author: row.author,
            note: row.note,
            at: rfc3339(row.at_us),
            unmapped_mandatory: unmapped,
        }
    }
}

/// Why a version was saved.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Note {
    note: Option<String>,
}

/// What to show a preview of.
#[derive(Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewRequest {
    /// Id of a user or group; the app's sample user when left out.
    sample: Option<String>,
    /// A mapping that is not saved; the one in force when left out.
    #[schema(value_type = Option<Object>)]
    mapping: Option<Document>,
}

/// The mapping in force.
#[utoipa::path(get, path = "/apps/{app}/mapping", tag = "mapping", responses((status = 200, body = MappingView), (status = 404, body = Problem)))]
pub async fn get(
    caller: Auditor,
    state: web::Data<ApiState>,
    app: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let row = state.app(caller.organization, &app).await?;
    shown(&state, &caller, &row.name, row.mapping).await
}

async fn shown(
    state: &ApiState,
    caller: &crate::auth::Principal,
    app: &str,
    version: i64,
) -> Result<HttpResponse, Problem> {
    let row = state.app(caller.organization, app).await?;
    let in_force = row.mapping == version;
    let id = row.id;
    let found =
        state.store().read(caller.organization, move |reader| reader.mapping(id, version)).await?;
    let found =
        found.ok_or_else(|| Problem::not_found(format!("the mapping has no version {version}")))?;
    let application = state.engine.application(caller.organization, id).await.ok().flatten();
    let compiled = application.as_deref().filter(|_| in_force).map(|one| &one.mapping);
    Ok(HttpResponse::Ok().json(MappingView::of(found, compiled)))
}

/// Saves a mapping as a new version. Accounts follow as their people change; a Quick Sync brings
/// everybody up to date at once.
#[utoipa::path(put, path = "/apps/{app}/mapping", tag = "mapping", params(Note), request_body = Object, responses(
    (status = 200, body = MappingView), (status = 404, body = Problem), (status = 409, body = Problem),
    (status = 422, body = Problem)))]
pub async fn save(
    caller: Admin,
    state: web::Data<ApiState>,
    app: web::Path<String>,
    note: web::Query<Note>,
    body: web::Json<Document>,
) -> Result<HttpResponse, Problem> {
    let row = state.app(caller.organization, &app).await?;
    let note = note.into_inner().note;
    write(&state, &caller, row, body.into_inner(), note, "app.mapping.save").await
}

/// *Reset fields*: a new version equal to the adapter's default.
#[utoipa::path(post, path = "/apps/{app}/mapping/reset", tag = "mapping", responses((status = 200, body = MappingView), (status = 404, body = Problem)))]
pub async fn reset(
    caller: Admin,
    state: web::Data<ApiState>,
    app: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let row = state.app(caller.organization, &app).await?;
    let default = entry(&row.adapter)?.default_mapping.clone();
    let note = Some("reset to the default mapping".to_owned());
    write(&state, &caller, row, default, note, "app.mapping.reset").await
}

async fn write(
    state: &ApiState,
    caller: &Admin,
    row: AppRow,
    document: Document,
    note: Option<String>,
    action: &'static str,
) -> Result<HttpResponse, Problem> {
    let registry = state.store().registry(caller.organization).await?;
    Mapping::compile(&document, &entry(&row.adapter)?.schema, &registry)
        .map_err(Problem::mapping)?;
    let now_us = state.clock().now_us();
    let actor = caller.actor();
    let document = serde_json::to_value(&document).unwrap_or_default();
    let name = row.name.clone();
    let version = state
        .store()
        .write(caller.organization, move |transaction| {
            let newest = transaction.mappings(row.id)?.first().map_or(0, |one| one.version);
            let version = newest + 1;
            let new = MappingRow {
                version,
                document: document.clone(),
                author: actor.clone(),
                note: note.clone(),
                at_us: now_us,
            };
            transaction.insert_mapping(row.id, &new)?;
            let changed = AppRow { mapping: version, ..row.clone() };
            transaction.update_app(&changed, now_us)?;
            let detail = format!("version {version}");
            transaction.record_audit(now_us, &actor, action, &row.name, Some(&detail))?;
            Ok(version)
        })
        .await?;
    shown(state, caller, &name, version).await
}

/// Every version, newest first.
#[utoipa::path(get, path = "/apps/{app}/mapping/versions", tag = "mapping", responses((status = 200, body = Items<MappingView>), (status = 404, body = Problem)))]
pub async fn versions(
    caller: Auditor,
    state: web::Data<ApiState>,
    app: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let row = state.app(caller.organization, &app).await?;
    let rows =
        state.store().read(caller.organization, move |reader| reader.mappings(row.id)).await?;
    let items = rows.into_iter().map(|row| MappingView::of(row, None)).collect();
    Ok(HttpResponse::Ok().json(Items { items, next: None }))
}

/// One version.
#[utoipa::path(get, path = "/apps/{app}/mapping/versions/{version}", tag = "mapping", responses((status = 200, body = MappingView), (status = 404, body = Problem)))]
pub async fn version(
    caller: Auditor,
    state: web::Data<ApiState>,
    path: web::Path<(String, i64)>,
) -> Result<HttpResponse, Problem> {
    let (app, version) = path.into_inner();
    shown(&state, &caller, &app, version).await
}

/// Shows a mapping with a sample user's values, and exactly what would be sent. Sends nothing.
#[utoipa::path(post, path = "/apps/{app}/mapping/preview", tag = "mapping", request_body = PreviewRequest, responses(
    (status = 200, body = Object), (status = 404, body = Problem), (status = 409, body = Problem),
    (status = 422, body = Problem)))]
pub async fn preview(
    caller: Auditor,
    state: web::Data<ApiState>,
    app: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    let request: PreviewRequest = optional(&body)?;
    let application = state.application(&caller, &app).await?;
    let sample = request
        .sample
        .map(|text| {
            text.parse::<ResourceId>()
                .map_err(|_bad| Problem::field("sample", format!("{text:?} is not an id")))
        })
        .transpose()?;
    let draft = request
        .mapping
        .map(|document| {
            Mapping::compile(&document, &application.entry.schema, &application.registry)
        })
        .transpose()
        .map_err(Problem::mapping)?;
    let shown = preview::preview(&state.engine, &application, draft, sample).await?;
    Ok(HttpResponse::Ok().json(shown))
}
