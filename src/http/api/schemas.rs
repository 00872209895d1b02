//! Profile fields and resource types that an administrator adds.

use super::body::Json;
use super::caller::{Admin, Auditor};
use super::description;
use super::problem::{FieldError, Problem};
use super::state::ApiState;
use super::view::Items;
use crate::auth::Principal;
use crate::directory::schemas::{Proposal, Refused};
use crate::outbound::application::Conflict;
use crate::scim::discovery;
use crate::scim::schema::definition::check::Fault;
use crate::scim::schema::definition::{Definition, NewType};
use crate::scim::schema::{Registry, Schema};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A schema of the organization.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SchemaView {
    /// URN.
    id: String,
    name: String,
    description: String,
    /// Whether it comes with Rollcall, and cannot be changed.
    built_in: bool,
    /// Name of the resource type that it extends.
    extends: Option<String>,
    /// Whether every resource of that type must have it.
    required: bool,
    /// The resource type that it is the base schema of.
    #[schema(value_type = Option<description::ResourceType>)]
    resource_type: Option<NewType>,
    /// As RFC 7643 §7 writes attribute definitions; of added schemas also whether they are indexed.
    #[schema(value_type = Vec<description::Attribute>)]
    attributes: Value,
    /// Attributes whose index is still being built: until then filters look at every resource.
    building: Vec<String>,
}

impl SchemaView {
    fn added(definition: &Definition) -> Self {
        let extends = definition.extends();
        Self {
            id: definition.id.clone(),
            name: definition.name.clone(),
            description: definition.description.clone(),
            built_in: false,
            extends: extends.map(|(name, _)| name.to_owned()),
            required: definition.required,
            resource_type: definition.resource_type.clone(),
            attributes: serde_json::to_value(&definition.attributes).unwrap_or_default(),
            building: definition.building.clone(),
        }
    }

    fn built_in(schema: &Schema, registry: &Registry) -> Self {
        let base = registry.resource_types.iter().find(|kind| kind.schema.id == schema.id);
        let extended =
            registry.resource_types.iter().find(|kind| kind.extension(&schema.id).is_some());
        let mut document = discovery::schema(schema, "");
        Self {
            id: schema.id.clone(),
            name: schema.name.clone(),
            description: schema.description.clone(),
            built_in: true,
            extends: extended.map(|kind| kind.name.clone()),
            required: false,
            resource_type: base.map(|kind| NewType {
                name: kind.name.clone(),
                endpoint: kind.endpoint.clone(),
                description: kind.description.clone(),
            }),
            attributes: document.get_mut("attributes").map(Value::take).unwrap_or_default(),
            building: Vec::new(),
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let sentence = refused.to_string();
        let fields = |faults: Vec<Fault>| {
            faults.into_iter().map(|Fault { field, detail }| FieldError { field, detail }).collect()
        };
        match refused {
            Refused::Faulty(faults) => Self::faults(sentence, fields(faults)),
            Refused::Conflict(faults) => {
                Self { errors: fields(faults), ..Self::conflict(sentence) }
            }
            Refused::Unknown => Self::not_found(sentence),
            Refused::Store(error) => error.into(),
        }
    }
}

/// Every schema: those that come with Rollcall, then those that were added.
#[utoipa::path(get, path = "/schemas", operation_id = "listSchemas", tag = "schemas", responses((status = 200, body = Items<SchemaView>)))]
pub async fn list(caller: Auditor, state: web::Data<ApiState>) -> Result<HttpResponse, Problem> {
    let items = all(&state, &caller).await?;
    Ok(HttpResponse::Ok().json(Items { items, next: None }))
}

async fn all(state: &ApiState, caller: &Principal) -> Result<Vec<SchemaView>, Problem> {
    let standard = Registry::standard();
    let mut items: Vec<SchemaView> = standard
        .schemas()
        .into_iter()
        .map(|schema| SchemaView::built_in(schema, &standard))
        .collect();
    let added = state.service.definitions(caller.organization).await?;
    items.extend(added.iter().map(SchemaView::added));
    Ok(items)
}

/// One schema.
#[utoipa::path(get, path = "/schemas/{urn}", operation_id = "getSchema", tag = "schemas", responses(
    (status = 200, body = SchemaView), (status = 404, body = Problem)))]
pub async fn get(
    caller: Auditor,
    state: web::Data<ApiState>,
    urn: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    shown(&state, &caller, &urn, StatusCode::OK).await
}

async fn shown(
    state: &ApiState,
    caller: &Principal,
    urn: &str,
    status: StatusCode,
) -> Result<HttpResponse, Problem> {
    let found = all(state, caller).await?.into_iter().find(|one| one.id.eq_ignore_ascii_case(urn));
    let found = found.ok_or_else(|| {
        Problem::not_found(format!("there is no schema {urn:?}: GET /api/v1/schemas lists them"))
    })?;
    Ok(HttpResponse::build(status).json(found))
}

/// Adds a schema or changes one. A schema extends a resource type (User, unless `extends` says
/// another) or, with `resourceType`, is the base of a new one. It is in force with the answer.
#[utoipa::path(put, path = "/schemas/{urn}", operation_id = "putSchema", tag = "schemas", request_body = description::SchemaDefinition, responses(
    (status = 200, body = SchemaView), (status = 201, body = SchemaView), (status = 409, body = Problem),
    (status = 422, body = Problem)))]
pub async fn put(
    caller: Admin,
    state: web::Data<ApiState>,
    urn: web::Path<String>,
    body: Json<Definition>,
) -> Result<HttpResponse, Problem> {
    let mut definition = body.into_inner();
    if definition.id.is_empty() {
        definition.id.clone_from(&urn);
    } else if !definition.id.eq_ignore_ascii_case(&urn) {
        return Err(Problem::field("id", "is not the URN of the address: leave it out"));
    }
    // What is there keeps the spelling of its URN: stored documents hold it.
    let known = state.service.definitions(caller.organization).await?;
    if let Some(known) = known.iter().find(|one| one.id.eq_ignore_ascii_case(&urn)) {
        definition.id.clone_from(&known.id);
    }
    let proposal = state.service.propose(caller.organization, &urn, Some(definition)).await?;
    let status = if proposal.exists() { StatusCode::OK } else { StatusCode::CREATED };
    carry_out(&state, &caller, proposal).await?;
    shown(&state, &caller, &urn, status).await
}

/// Removes a schema that nobody uses any more.
#[utoipa::path(delete, path = "/schemas/{urn}", operation_id = "deleteSchema", tag = "schemas", responses(
    (status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn remove(
    caller: Admin,
    state: web::Data<ApiState>,
    urn: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let proposal = state.service.propose(caller.organization, &urn, None).await?;
    carry_out(&state, &caller, proposal).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Carries out what no app stands in the way of.
async fn carry_out(state: &ApiState, caller: &Admin, proposal: Proposal) -> Result<(), Problem> {
    let conflicts = state.engine.workshop().conflicts(caller.organization, &proposal.after).await?;
    if !conflicts.is_empty() {
        let sentence = "apps read what would be gone: change their mapping or scope first";
        let errors = conflicts
            .into_iter()
            .map(|Conflict { app, place, detail }| FieldError {
                field: format!("apps/{app}/{place}"),
                detail,
            })
            .collect();
        return Err(Problem { errors, ..Problem::conflict(sentence) });
    }
    state.service.carry_out(proposal, caller.actor()).await?;
    Ok(())
}
