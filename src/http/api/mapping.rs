//! The field mapping of an app: read, save, reset, compare, export.

pub mod draft;

use super::apps::entry;
use super::body::{self, Format, Raw};
use super::caller::{Admin, Auditor};
use super::description;
use super::guard::{Approval, ApprovalQuery, weighed};
use super::problem::Problem;
use super::state::ApiState;
use super::view::Items;
use crate::clock::rfc3339;
use crate::id::OrganizationId;
use crate::mapping::compiled::{Mapping, Problem as Fault};
use crate::mapping::difference::{Difference, difference};
use crate::mapping::document::Document;
use crate::mapping::field::Kind;
use crate::mapping::validation::{Ground, validate};
use crate::outbound::application::parse_scope;
use crate::outbound::preview;
use crate::outbound::weigh::Change;
use crate::store::mappings::MappingRow;
use crate::store::{self, apps::AppRow};
use actix_web::http::header::{ACCEPT, ETAG, IF_MATCH};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use utoipa::{IntoParams, ToSchema};

/// Media type of YAML (RFC 9512).
const YAML: &str = "application/yaml";

/// One version of a mapping.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MappingView {
    /// From 1.
    version: i64,
    /// Rules for users and groups, and golden tests.
    #[schema(value_type = description::MappingDocument)]
    mapping: Value,
    author: String,
    note: Option<String>,
    #[schema(format = DateTime)]
    at: String,
    /// Mandatory fields of the app that no rule gives a value, by kind: they are asked for when
    /// somebody is assigned.
    #[serde(skip_serializing_if = "Option::is_none")]
    unmapped_mandatory: Option<BTreeMap<String, Vec<String>>>,
    /// The profile fields that each app field is made from, by kind and field.
    #[serde(skip_serializing_if = "Option::is_none")]
    reads: Option<BTreeMap<String, BTreeMap<String, BTreeSet<String>>>>,
}

/// Versions on one page.
const PAGE: i64 = 20;

const KINDS: [Kind; 2] = [Kind::User, Kind::Group];

impl MappingView {
    fn of(row: MappingRow, compiled: Option<&Mapping>) -> Self {
        let unmapped = compiled.map(|mapping| {
            KINDS
                .into_iter()
                .map(|kind| (kind.as_str().to_owned(), mapping.unmapped_mandatory(kind).to_vec()))
                .filter(|(_, fields)| !fields.is_empty())
                .collect()
        });
        let reads = compiled.map(|mapping| {
            KINDS
                .into_iter()
                .map(|kind| {
                    let fields = mapping.reads(kind).into_iter();
                    let fields = fields.map(|(field, paths)| (field.to_owned(), paths)).collect();
                    (kind.place().to_owned(), fields)
                })
                .collect()
        });
        Self {
            version: row.version,
            mapping: row.document,
            author: row.author,
            note: row.note,
            at: rfc3339(row.at_us),
            unmapped_mandatory: unmapped,
            reads,
        }
    }
}

/// Why a version was saved, and what was approved of it.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Saving {
    /// For people.
    note: Option<String>,
    /// Approves that the change takes so much away: `approve` of the answer that refused it.
    #[param(format = Int64, minimum = 0, maximum = 9_223_372_036_854_775_807_i64)]
    approve: Option<i64>,
    /// Why; kept in the audit log.
    #[param(max_length = 500)]
    reason: Option<String>,
}

/// Which page of versions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// `next` of the page before.
    #[param(minimum = 1)]
    before: Option<i64>,
}

/// Which versions to compare.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Between {
    /// The earlier version; 0 is the adapter's default mapping. Without it, the one before `to`.
    #[param(minimum = 0)]
    from: Option<i64>,
    /// The later version; 0 is the adapter's default mapping. Without it, the one in force.
    #[param(minimum = 0)]
    to: Option<i64>,
}

/// What differs between two versions.
#[derive(Serialize, ToSchema)]
pub struct DifferenceView {
    from: i64,
    to: i64,
    /// Rules and golden tests that differ, each with what it was and what it is, in words.
    #[schema(value_type = Vec<description::Difference>)]
    differences: Vec<Difference>,
}

/// The mapping in force. With `Accept: application/yaml`, the document alone, as YAML.
#[utoipa::path(get, path = "/apps/{app}/mapping", operation_id = "getMapping", tag = "mapping", responses(
    (status = 200, content((MappingView = "application/json"), (description::MappingDocument = "application/yaml"))),
    (status = 404, body = Problem)))]
pub async fn get(
    caller: Auditor,
    state: web::Data<ApiState>,
    request: HttpRequest,
    app: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let row = state.app(caller.organization, &app).await?;
    let version = row.mapping;
    shown(&state, &row, version, caller.organization, wants_yaml(&request)).await
}

fn wants_yaml(request: &HttpRequest) -> bool {
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("yaml"))
}

async fn shown(
    state: &ApiState,
    row: &AppRow,
    version: i64,
    organization: OrganizationId,
    as_yaml: bool,
) -> Result<HttpResponse, Problem> {
    let found = stored(state, organization, row, version).await?;
    if as_yaml {
        let text = document(&found)?.to_yaml().map_err(Problem::unreadable)?;
        return Ok(HttpResponse::Ok()
            .content_type(YAML)
            .insert_header((ETAG, format!("\"{version}\"")))
            .body(text));
    }
    let in_force = row.mapping == version;
    let application = state.engine.application(organization, row.id).await.ok().flatten();
    let compiled = application.as_deref().filter(|_| in_force).map(|one| one.mapping());
    Ok(HttpResponse::Ok()
        .insert_header((ETAG, format!("\"{version}\"")))
        .json(MappingView::of(found, compiled)))
}

async fn stored(
    state: &ApiState,
    organization: OrganizationId,
    row: &AppRow,
    version: i64,
) -> Result<MappingRow, Problem> {
    let id = row.id;
    let found = state.store().read(organization, move |reader| reader.mapping(id, version)).await?;
    found.ok_or_else(|| Problem::not_found(format!("the mapping has no version {version}")))
}

fn document(row: &MappingRow) -> Result<Document, Problem> {
    serde_json::from_value(row.document.clone()).map_err(|_other_shape| {
        Problem::conflict(format!(
            "this version of Rollcall cannot read version {} of the mapping: upgrade",
            row.version
        ))
    })
}

/// Reads a document: JSON, or YAML where the request says so.
fn read(body: &Raw) -> Result<Document, Problem> {
    match body.format() {
        Format::Yaml => body::yaml(body),
        Format::Json => body::json(body),
        Format::Other => Err(Problem::status(
            actix_web::http::StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "send the mapping with Content-Type: application/json or application/yaml",
        )),
    }
}

/// Saves a mapping as a new version. Accounts follow as their people change; a Quick Sync brings
/// everybody up to date at once. With `If-Match`, only if that version is still in force. A mapping that
/// gives more accounts than the limits allow another name is refused until it is approved.
#[utoipa::path(put, path = "/apps/{app}/mapping", operation_id = "saveMapping", tag = "mapping",
    params(Saving, ("If-Match" = Option<String>, Header, description = "The version that was edited, as ETag has it.")),
    request_body(content((description::MappingDocument = "application/json"), (description::MappingDocument = "application/yaml"))),
    responses((status = 200, body = MappingView), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 412, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem)))]
pub async fn save(
    caller: Admin,
    state: web::Data<ApiState>,
    request: HttpRequest,
    app: web::Path<String>,
    saving: web::Query<Saving>,
    body: Raw,
) -> Result<HttpResponse, Problem> {
    let row = state.app(caller.organization, &app).await?;
    edited(&request, row.mapping)?;
    let saving = saving.into_inner();
    let approval = Approval::new(saving.approve, saving.reason)?;
    let document = read(&body)?;
    let mapping =
        checked(&state, caller.organization, &row, &document).await?.map_err(Problem::mapping)?;
    let misfits = misfits(&state, caller.organization, &row, mapping.clone()).await?;
    if !misfits.is_empty() {
        return Err(Problem::mapping(misfits));
    }
    let new = New { document, mapping, note: saving.note, action: "app.mapping.save" };
    write(&state, &caller, row, new, &approval).await
}

/// Checks a document as saving it does. The mapping in force has no say in it: a mapping that does
/// not go with the directory any more is mended by saving another.
async fn checked(
    state: &ApiState,
    organization: OrganizationId,
    row: &AppRow,
    document: &Document,
) -> Result<Result<Mapping, Vec<Fault>>, Problem> {
    let entry = entry(&row.adapter)?;
    let registry = state.store().registry(organization).await?;
    let scope = parse_scope(row.scope.as_deref(), &registry);
    let ground = Ground {
        schema: &entry.schema,
        default: &entry.default_mapping,
        directory: &registry,
        by_assignment: scope.is_ok_and(|scope| scope.needs_assignment()),
    };
    Ok(validate(document, &ground))
}

/// What of the sample user's values does not fit the app's fields.
async fn misfits(
    state: &ApiState,
    organization: OrganizationId,
    row: &AppRow,
    mapping: Mapping,
) -> Result<Vec<Fault>, Problem> {
    match state.engine.application(organization, row.id).await {
        Ok(Some(application)) => {
            Ok(preview::misfits_of_sample(&state.engine, &application, mapping).await?)
        }
        // An app that cannot be worked on has nobody's values to show either.
        Ok(None) | Err(_) => Ok(Vec::new()),
    }
}

/// Whether the version that a caller edited is still in force.
fn edited(request: &HttpRequest, in_force: i64) -> Result<(), Problem> {
    let Some(wanted) = request.headers().get(IF_MATCH) else { return Ok(()) };
    let wanted = wanted.to_str().unwrap_or_default();
    let same = |tag: &str| {
        let tag = tag.trim();
        tag == "*" || tag.trim_start_matches("W/").trim_matches('"') == in_force.to_string()
    };
    if wanted.split(',').any(same) {
        return Ok(());
    }
    Err(Problem::status(
        actix_web::http::StatusCode::PRECONDITION_FAILED,
        format!(
            "version {in_force} is in force, and not the one that was edited ({wanted}): read it, \
             and save again"
        ),
    ))
}

/// *Reset fields*: a new version equal to the adapter's default mapping. Every version is kept.
#[utoipa::path(post, path = "/apps/{app}/mapping/reset", operation_id = "resetMapping", tag = "mapping", params(ApprovalQuery), responses((status = 200, body = MappingView), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn reset(
    caller: Admin,
    state: web::Data<ApiState>,
    app: web::Path<String>,
    approval: web::Query<ApprovalQuery>,
) -> Result<HttpResponse, Problem> {
    let row = state.app(caller.organization, &app).await?;
    let approval = approval.into_inner().read()?;
    let document = entry(&row.adapter)?.default_mapping.clone();
    let registry = state.store().registry(caller.organization).await?;
    let mapping = Mapping::compile(&document, &entry(&row.adapter)?.schema, &registry)
        .map_err(Problem::mapping)?;
    let note = Some("reset to the default mapping".to_owned());
    let new = New { document, mapping, note, action: "app.mapping.reset" };
    write(&state, &caller, row, new, &approval).await
}

/// A mapping that was checked, and is to be saved.
struct New {
    document: Document,
    mapping: Mapping,
    note: Option<String>,
    /// As the audit log names it.
    action: &'static str,
}

async fn write(
    state: &ApiState,
    caller: &Admin,
    row: AppRow,
    new: New,
    approval: &Approval,
) -> Result<HttpResponse, Problem> {
    let New { document, mapping, note, action } = new;
    let change = Change { mapping: Some((document.clone(), mapping)), ..Change::default() };
    let permit = weighed(state, caller, &row, change, approval).await?;
    let now_us = state.clock().now_us();
    let actor = caller.actor();
    let document = serde_json::to_value(document).unwrap_or_default();
    let (id, organization) = (row.id, caller.organization);
    let version = state
        .store()
        .write(organization, move |transaction| {
            transaction.lock_organization()?;
            let newest = transaction.newest_mapping(row.id)?;
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
            permit.carry_out(transaction, &row, (&actor, now_us))?;
            Ok(version)
        })
        .await?;
    state.engine.nudge();
    let row = state
        .store()
        .read(organization, move |reader| reader.app(id))
        .await?
        .ok_or(store::Error::NotFound)?;
    shown(state, &row, version, organization, false).await
}

/// The document in force alone, as `PUT` takes it: JSON, or YAML with `Accept: application/yaml`.
#[utoipa::path(get, path = "/apps/{app}/mapping/export", operation_id = "exportMapping", tag = "mapping", responses(
    (status = 200, content((description::MappingDocument = "application/json"), (description::MappingDocument = "application/yaml"))),
    (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn export(
    caller: Auditor,
    state: web::Data<ApiState>,
    request: HttpRequest,
    app: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let row = state.app(caller.organization, &app).await?;
    if wants_yaml(&request) {
        return shown(&state, &row, row.mapping, caller.organization, true).await;
    }
    let document = document(&stored(&state, caller.organization, &row, row.mapping).await?)?;
    Ok(HttpResponse::Ok().insert_header((ETAG, format!("\"{}\"", row.mapping))).json(document))
}

/// Every version, newest first.
#[utoipa::path(get, path = "/apps/{app}/mapping/versions", operation_id = "listMappingVersions", tag = "mapping", params(Page), responses((status = 200, body = Items<MappingView>), (status = 404, body = Problem)))]
pub async fn versions(
    caller: Auditor,
    state: web::Data<ApiState>,
    app: web::Path<String>,
    query: web::Query<Page>,
) -> Result<HttpResponse, Problem> {
    let row = state.app(caller.organization, &app).await?;
    let before = query.before.unwrap_or(i64::MAX);
    if before < 1 {
        return Err(Problem::field(
            "before",
            "give the next of the page before, which is 1 or more",
        ));
    }
    let rows = state
        .store()
        .read(caller.organization, move |reader| reader.mappings(row.id, before, PAGE))
        .await?;
    let is_full = i64::try_from(rows.len()).unwrap_or(i64::MAX) >= PAGE;
    let next = rows.last().filter(|_| is_full).map(|row| row.version.to_string());
    let items = rows.into_iter().map(|row| MappingView::of(row, None)).collect();
    Ok(HttpResponse::Ok().json(Items { items, next }))
}

/// One version. With `Accept: application/yaml`, the document alone, as YAML.
#[utoipa::path(get, path = "/apps/{app}/mapping/versions/{version}", operation_id = "getMappingVersion", tag = "mapping",
    params(("app" = String, Path), ("version" = i64, Path)), responses(
    (status = 200, content((MappingView = "application/json"), (description::MappingDocument = "application/yaml"))),
    (status = 404, body = Problem)))]
pub async fn version(
    caller: Auditor,
    state: web::Data<ApiState>,
    request: HttpRequest,
    path: web::Path<(String, i64)>,
) -> Result<HttpResponse, Problem> {
    let (app, version) = path.into_inner();
    let row = state.app(caller.organization, &app).await?;
    shown(&state, &row, version, caller.organization, wants_yaml(&request)).await
}

/// What differs between two versions, field by field, in words.
#[utoipa::path(get, path = "/apps/{app}/mapping/difference", operation_id = "compareMappingVersions", tag = "mapping", params(Between), responses((status = 200, body = DifferenceView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn differences(
    caller: Auditor,
    state: web::Data<ApiState>,
    app: web::Path<String>,
    between: web::Query<Between>,
) -> Result<HttpResponse, Problem> {
    let row = state.app(caller.organization, &app).await?;
    let to = between.to.unwrap_or(row.mapping);
    let from = between.from.unwrap_or_else(|| to.saturating_sub(1));
    let default = &entry(&row.adapter)?.default_mapping;
    let mut documents = Vec::new();
    for version in [from, to] {
        documents.push(if version == 0 {
            default.clone()
        } else {
            document(&stored(&state, caller.organization, &row, version).await?)?
        });
    }
    let differences = match documents.as_slice() {
        [before, after] => difference(before, after),
        _ => Vec::new(),
    };
    Ok(HttpResponse::Ok().json(DifferenceView { from, to, differences }))
}
