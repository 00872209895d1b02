//! One resource: POST, GET, PUT, PATCH, DELETE.

use super::body::send;
use crate::auth::Scope;
use crate::directory::{Answer, Caller, Got, View, resource_id};
use crate::http::error::Result;
use crate::http::extract::{
    Limit, answer_type, entered, json, list_parameter, parameter, precondition, segment,
};
use crate::http::server::State;
use crate::id::ResourceId;
use crate::scim::dialect::{Leniency, Reading};
use crate::scim::error::{Fault, shortened};
use crate::scim::projection::{self, Projection};
use crate::scim::schema::ResourceType;
use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use std::sync::Arc;

pub(super) async fn create(
    request: HttpRequest,
    payload: Payload,
    state: Data<State>,
) -> Result<HttpResponse> {
    let (caller, kind) = entered(&request, &state, Scope::ScimWrite).await?;
    let view = view(&request, &state, &caller, &kind)?;
    let body = json(&request, payload, limit(&state, &kind)).await?;
    let answer = state.service.create(&caller, &kind, body, view).await?;
    Ok(respond(&request, StatusCode::CREATED, answer))
}

pub(super) async fn get(request: HttpRequest, state: Data<State>) -> Result<HttpResponse> {
    get_of(Subject::named(&request, &state, Scope::ScimRead).await?, request, state).await
}

pub(super) async fn get_of(
    Subject { caller, kind, id }: Subject,
    request: HttpRequest,
    state: Data<State>,
) -> Result<HttpResponse> {
    let view = view(&request, &state, &caller, &kind)?;
    let precondition = precondition(&request);
    let got = state.service.get(&caller, &kind, id, precondition, view).await?;
    Ok(match got {
        Got::Resource(answer) => respond(&request, StatusCode::OK, answer),
        Got::Unchanged(answer) => respond(&request, StatusCode::NOT_MODIFIED, answer),
    })
}

pub(super) async fn replace(
    request: HttpRequest,
    payload: Payload,
    state: Data<State>,
) -> Result<HttpResponse> {
    let subject = Subject::named(&request, &state, Scope::ScimWrite).await?;
    replace_of(subject, request, payload, state).await
}

pub(super) async fn replace_of(
    Subject { caller, kind, id }: Subject,
    request: HttpRequest,
    payload: Payload,
    state: Data<State>,
) -> Result<HttpResponse> {
    let view = view(&request, &state, &caller, &kind)?;
    let precondition = precondition(&request);
    let body = json(&request, payload, limit(&state, &kind)).await?;
    let answer = state.service.replace(&caller, &kind, id, body, precondition, view).await?;
    Ok(respond(&request, StatusCode::OK, answer))
}

pub(super) async fn patch(
    request: HttpRequest,
    payload: Payload,
    state: Data<State>,
) -> Result<HttpResponse> {
    let subject = Subject::named(&request, &state, Scope::ScimWrite).await?;
    patch_of(subject, request, payload, state).await
}

/// PATCH. Unless the request says which attributes it wants to see, a group with many members is
/// answered 204: nobody adds a member to be sent all of them.
pub(super) async fn patch_of(
    Subject { caller, kind, id }: Subject,
    request: HttpRequest,
    payload: Payload,
    state: Data<State>,
) -> Result<HttpResponse> {
    let mut view = view(&request, &state, &caller, &kind)?;
    let asked = ["attributes", "excludedAttributes"]
        .into_iter()
        .any(|name| parameter(&request, name).is_some());
    view.brief = !asked;
    if !asked && caller.dialect.forgives(Leniency::QuietPatch) {
        view.shown = None;
    }
    let precondition = precondition(&request);
    let body = json(&request, payload, limit(&state, &kind)).await?;
    let answer = state.service.patch(&caller, &kind, id, &body, precondition, view).await?;
    let status = if answer.body.is_some() { StatusCode::OK } else { StatusCode::NO_CONTENT };
    Ok(respond(&request, status, answer))
}

pub(super) async fn delete(request: HttpRequest, state: Data<State>) -> Result<HttpResponse> {
    let Subject { caller, kind, id } = Subject::named(&request, &state, Scope::ScimWrite).await?;
    state.service.delete(&caller, &kind, id, precondition(&request)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What a request is about, and for whom.
pub(super) struct Subject {
    pub(super) caller: Caller,
    pub(super) kind: Arc<ResourceType>,
    pub(super) id: ResourceId,
}

impl Subject {
    /// The resource that the address names.
    async fn named(request: &HttpRequest, state: &State, wanted: Scope) -> Result<Self> {
        let (caller, kind) = entered(request, state, wanted).await?;
        let id = id(request, &kind)?;
        Ok(Self { caller, kind, id })
    }
}

/// How large a body may be: a group holds its members.
fn limit(state: &State, kind: &ResourceType) -> Limit {
    Limit::Body(if kind.has_members() { state.large_body_limit } else { state.body_limit })
}

/// The id in the address. What is no id of ours is nobody's.
fn id(request: &HttpRequest, kind: &ResourceType) -> Result<ResourceId> {
    let text = segment(request, "id").unwrap_or_default();
    resource_id(&text)
        .ok_or_else(|| Fault::NotFound { kind: kind.name.clone(), id: shortened(&text) }.into())
}

fn view(
    request: &HttpRequest,
    state: &State,
    caller: &Caller,
    kind: &ResourceType,
) -> Result<View> {
    let attributes = list_parameter(request, "attributes");
    let excluded = list_parameter(request, "excludedAttributes");
    let (attributes, excluded) = (attributes.as_deref(), excluded.as_deref());
    let reading = Reading::new(caller.dialect);
    projection::check_names(&[kind], attributes, excluded, &reading)?;
    let shown = Some(Projection::parse(kind, attributes, excluded)?);
    Ok(View { base: state.scim_base(), shown, brief: false, forgiven: reading.forgiven() })
}

/// An answer with the headers that every single resource has.
fn respond(request: &HttpRequest, status: StatusCode, answer: Answer) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((header::ETAG, answer.etag))
        .insert_header((header::LOCATION, answer.location.clone()));
    let Some(body) = answer.body else { return response.finish() };
    response
        .insert_header((header::CONTENT_LOCATION, answer.location))
        .content_type(answer_type(request.headers()));
    send(request, response, body)
}
