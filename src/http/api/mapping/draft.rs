//! A mapping before it is saved: checked, shown, weighed, imported. Nothing here sends or saves
//! anything.

use super::super::apps::entry;
use super::super::body::{Json, Raw, optional};
use super::super::caller::Auditor;
use super::super::description;
use super::super::paging::parsed;
use super::super::problem::{FieldError, Problem};
use super::super::state::ApiState;
use crate::mapping::compiled::{Mapping, Problem as Fault};
use crate::mapping::document::Document;
use crate::mapping::field::Kind;
use crate::mapping::import::{self, Untranslated};
use crate::mapping::samples::Pick;
use crate::mapping::scope::{Rules, Scope};
use crate::outbound::application::Application;
use crate::outbound::impact::{self, Progress};
use crate::outbound::preview::{self, Draft};
use actix_web::http::header::ACCEPT;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream::unfold;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use utoipa::{IntoParams, ToSchema};

/// How long a look for samples may take.
const PATIENCE: Duration = Duration::from_millis(1_500);

const SCOPE_SHAPE: &str =
    "give a SCIM filter, or an object with filter, groups, assigned and match";

/// A mapping or a scope that is not saved.
#[derive(Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftRequest {
    /// A mapping; the one in force when left out.
    #[schema(value_type = Option<description::MappingDocument>)]
    mapping: Option<Document>,
    /// A scope, as a SCIM filter or an object; the one in force when left out.
    #[schema(value_type = Option<description::Scope>)]
    scope: Option<Value>,
}

/// What to show a preview of.
#[derive(Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewRequest {
    /// Id of a user or group; the app's sample user when left out.
    #[schema(format = "uuid")]
    sample: Option<String>,
    /// A mapping that is not saved; the one in force when left out.
    #[schema(value_type = Option<description::MappingDocument>)]
    mapping: Option<Document>,
    /// A scope that is not saved, as a SCIM filter or an object; the one in force when left out.
    #[schema(value_type = Option<description::Scope>)]
    scope: Option<Value>,
}

/// What is wrong with a mapping.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Validation {
    /// Whether it can be saved.
    valid: bool,
    /// What stands against it, field by field.
    problems: Vec<FieldError>,
    /// Mandatory fields that are asked for when somebody is assigned, by kind.
    unmapped_mandatory: BTreeMap<String, Vec<String>>,
}

/// People on whom a mapping is best tried.
#[derive(Serialize, ToSchema)]
pub struct Samples {
    /// The people, and why them.
    #[schema(value_type = Vec<description::Sample>)]
    items: Vec<Pick>,
    /// People who were looked at.
    done: u64,
    /// People in all, roughly.
    total: u64,
}

/// Which product a mapping comes from.
#[derive(Deserialize, ToSchema, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub enum Product {
    /// Microsoft Entra ID: the synchronization schema, as its portal or Graph exports it.
    Entra,
    /// Okta: a profile mapping, as `/api/v1/mappings/{id}` answers it.
    Okta,
}

/// Where a mapping comes from.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The product.
    #[param(inline)]
    from: Product,
}

/// A mapping of another product, as far as it could be translated.
#[derive(Serialize, ToSchema)]
pub struct Imported {
    /// The translated mapping; not saved.
    #[schema(value_type = description::MappingDocument)]
    mapping: Document,
    /// What could not be translated: where, what it was, why, and what to do.
    #[schema(value_type = Vec<description::Untranslated>)]
    untranslated: Vec<Untranslated>,
    /// What stands against saving it as it is.
    problems: Vec<FieldError>,
}

fn compiled(
    application: &Application,
    mapping: Option<Document>,
    scope: Option<Value>,
) -> Result<Draft, Problem> {
    let mapping = mapping
        .map(|document| {
            Mapping::compile(&document, &application.entry.schema, &application.registry)
        })
        .transpose()
        .map_err(Problem::mapping)?;
    let scope = scope
        .map(|given| {
            let scope = scope_of(given)?;
            Rules::compile(&scope, &application.registry).map_err(Problem::scope)
        })
        .transpose()?;
    Ok(Draft { mapping, scope })
}

/// A scope as it is given: a SCIM filter, an object, or null for everybody.
///
/// # Errors
/// 400 for anything else.
pub(in super::super) fn scope_of(given: Value) -> Result<Scope, Problem> {
    let unreadable = |detail: String| Problem::field("scope", detail);
    match given {
        Value::Null => Ok(Scope::default()),
        Value::String(text) => Scope::read(&text).map_err(unreadable),
        Value::Object(given) => serde_json::from_value(given.into())
            .map_err(|error| unreadable(format!("{SCOPE_SHAPE}: {error}"))),
        _ => Err(unreadable(SCOPE_SHAPE.to_owned())),
    }
}

fn errors(faults: Vec<Fault>) -> Vec<FieldError> {
    faults.into_iter().map(|one| FieldError { field: one.field, detail: one.detail }).collect()
}

/// Checks a mapping as saving it would, and saves nothing.
#[utoipa::path(post, path = "/apps/{app}/mapping/validate", operation_id = "validateMapping", tag = "mapping", request_body(content((description::MappingDocument = "application/json"), (description::MappingDocument = "application/yaml"))), responses(
    (status = 200, body = Validation), (status = 404, body = Problem), (status = 409, body = Problem),
    (status = 415, body = Problem), (status = 422, body = Problem)))]
pub async fn check(
    caller: Auditor,
    state: web::Data<ApiState>,
    app: web::Path<String>,
    body: Raw,
) -> Result<HttpResponse, Problem> {
    let row = state.app(caller.organization, &app).await?;
    let document = super::read(&body)?;
    let mut unmapped_mandatory = BTreeMap::new();
    let problems = match super::checked(&state, caller.organization, &row, &document).await? {
        Err(faults) => errors(faults),
        Ok(mapping) => {
            for kind in [Kind::User, Kind::Group] {
                let fields = mapping.unmapped_mandatory(kind);
                if !fields.is_empty() {
                    unmapped_mandatory.insert(kind.as_str().to_owned(), fields.to_vec());
                }
            }
            errors(super::misfits(&state, caller.organization, &row, mapping).await?)
        }
    };
    let valid = problems.is_empty();
    Ok(HttpResponse::Ok().json(Validation { valid, problems, unmapped_mandatory }))
}

/// Shows a mapping with a sample user's values, and exactly what would be sent. Sends nothing.
#[utoipa::path(post, path = "/apps/{app}/mapping/preview", operation_id = "previewMapping", tag = "mapping", request_body = Option<PreviewRequest>, responses(
    (status = 200, body = description::Preview), (status = 404, body = Problem), (status = 409, body = Problem),
    (status = 422, body = Problem), (status = 502, body = Problem)))]
pub async fn preview(
    caller: Auditor,
    state: web::Data<ApiState>,
    app: web::Path<String>,
    body: Raw,
) -> Result<HttpResponse, Problem> {
    let request: PreviewRequest = optional(&body)?;
    let application = state.application(&caller, &app).await?;
    let sample = parsed("sample", request.sample)?;
    let draft = compiled(&application, request.mapping, request.scope)?;
    let shown = preview::preview(&state.engine, &application, draft, sample).await?;
    Ok(HttpResponse::Ok().json(shown))
}

/// What a mapping or a scope would do to everybody: counts by action, a histogram per field, named
/// examples, and people on whom to try it. Sends nothing. With `Accept: application/x-ndjson` the
/// progress comes line by line, and the impact in the last line.
#[utoipa::path(post, path = "/apps/{app}/mapping/impact", operation_id = "weighMapping", tag = "mapping", request_body = Option<DraftRequest>, responses(
    (status = 200, content((description::Impact = "application/json"), (String = "application/x-ndjson"))),
    (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn weigh(
    caller: Auditor,
    state: web::Data<ApiState>,
    request: HttpRequest,
    app: web::Path<String>,
    body: Raw,
) -> Result<HttpResponse, Problem> {
    let asked: DraftRequest = optional(&body)?;
    let application = state.application(&caller, &app).await?;
    let draft = compiled(&application, asked.mapping, asked.scope)?;
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("ndjson")) {
        return Ok(streamed(state.get_ref().clone(), application, draft));
    }
    let impact = impact::impact(&state.engine, &application, draft, |_| true).await?;
    Ok(HttpResponse::Ok().json(impact))
}

/// Progress and impact, line by line. When the client leaves, counting stops.
fn streamed(state: ApiState, application: Arc<Application>, draft: Draft) -> HttpResponse {
    let (lines, waiting) = mpsc::channel::<Bytes>(8);
    let line = |value: &Value| Bytes::from(format!("{value}\n"));
    tokio::spawn(async move {
        let report = |progress: Progress| {
            // Progress that nobody has read yet needs no successor.
            match lines.try_send(line(&json!({ "progress": progress }))) {
                Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => true,
                Err(mpsc::error::TrySendError::Closed(_)) => false,
            }
        };
        let last = match impact::impact(&state.engine, &application, draft, report).await {
            Ok(Some(impact)) => json!({ "impact": impact }),
            Ok(None) => return,
            Err(error) => json!({ "problem": Problem::from(error) }),
        };
        // Whoever left does not wait for it.
        let _ = lines.send(line(&last)).await;
    });
    let body = unfold(waiting, |mut waiting| async move {
        waiting.recv().await.map(|line| (Ok::<Bytes, actix_web::Error>(line), waiting))
    });
    HttpResponse::Ok().content_type("application/x-ndjson").streaming(body)
}

/// People on whom a mapping is best tried: with the emptiest profile, the longest values, letters
/// beyond ASCII, a matching key that somebody else has too, a manager who is not there, values that
/// do not fit.
#[utoipa::path(post, path = "/apps/{app}/mapping/samples", operation_id = "findSamples", tag = "mapping", request_body = Option<DraftRequest>, responses(
    (status = 200, body = Samples), (status = 404, body = Problem), (status = 409, body = Problem),
    (status = 422, body = Problem)))]
pub async fn samples(
    caller: Auditor,
    state: web::Data<ApiState>,
    app: web::Path<String>,
    body: Raw,
) -> Result<HttpResponse, Problem> {
    let asked: DraftRequest = optional(&body)?;
    let application = state.application(&caller, &app).await?;
    let draft = compiled(&application, asked.mapping, asked.scope)?;
    let (found, Progress { done, total }) =
        impact::samples(&state.engine, &application, draft, PATIENCE).await?;
    Ok(HttpResponse::Ok().json(Samples { items: found.samples, done, total }))
}

/// Translates a mapping of another product, and names what it cannot translate. Saves nothing: what
/// comes of it is a draft.
#[utoipa::path(post, path = "/apps/{app}/mapping/import", operation_id = "importMapping", tag = "mapping", params(Origin), request_body = Object, responses(
    (status = 200, body = Imported), (status = 404, body = Problem), (status = 409, body = Problem),
    (status = 422, body = Problem)))]
pub async fn translate(
    caller: Auditor,
    state: web::Data<ApiState>,
    app: web::Path<String>,
    origin: web::Query<Origin>,
    body: Json<Value>,
) -> Result<HttpResponse, Problem> {
    let row = state.app(caller.organization, &app).await?;
    let schema = &entry(&row.adapter)?.schema;
    let import = match origin.from {
        Product::Entra => import::entra(&body, schema),
        Product::Okta => import::okta(&body, schema),
    };
    let import = import.map_err(|detail| {
        Problem::faults(
            "this is no mapping of that product",
            vec![FieldError { field: "body".to_owned(), detail }],
        )
    })?;
    let checked = super::checked(&state, caller.organization, &row, &import.document).await?;
    let problems = checked.err().unwrap_or_default();
    Ok(HttpResponse::Ok().json(Imported {
        mapping: import.document,
        untranslated: import.untranslated,
        problems: errors(problems),
    }))
}
