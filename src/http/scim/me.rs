//! `/Me`: the person for whom a token speaks (RFC 7644 §3.11).
//!
//! It is processed as that person's resource, and answered with its permanent address. A token that
//! speaks for nobody is told so with a 501.

use super::resources::{Subject, get_of, patch_of, replace_of};
use crate::auth::{Principal, Scope};
use crate::http::error::{Refusal, Result};
use crate::http::extract::{caller, principal_here};
use crate::http::server::State;
use crate::scim::error::Fault;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

pub(super) async fn get(request: HttpRequest, state: Data<State>) -> Result<HttpResponse> {
    get_of(myself(&request, &state, Scope::ScimRead).await?, request, state).await
}

pub(super) async fn replace(
    request: HttpRequest,
    payload: Payload,
    state: Data<State>,
) -> Result<HttpResponse> {
    let subject = myself(&request, &state, Scope::ScimWrite).await?;
    replace_of(subject, request, payload, state).await
}

pub(super) async fn patch(
    request: HttpRequest,
    payload: Payload,
    state: Data<State>,
) -> Result<HttpResponse> {
    let subject = myself(&request, &state, Scope::ScimWrite).await?;
    patch_of(subject, request, payload, state).await
}

/// The caller's own resource, if the token allows it: by `scim.me`, or by a scope that allows more.
async fn myself(request: &HttpRequest, state: &State, wanted: Scope) -> Result<Subject> {
    let principal = principal_here(request, state).await?;
    let id = principal.subject.ok_or(Fault::Me)?;
    let may = |principal: &Principal| principal.may(Scope::ScimMe) || principal.may(wanted);
    if !may(&principal) {
        return Err(Fault::Scope { scope: Scope::ScimMe.as_str() }.into());
    }
    let found = state.service.store().glance(principal.organization, move |reader| {
        let person = reader.resource("User", id)?;
        Ok(person.map(|person| person.attributes.get("active") != Some(&false.into())))
    });
    if found.await? == Some(false) {
        return Err(Fault::SwitchedOff.into());
    }
    let mut caller = caller(state, &principal).await?;
    caller.self_service = !principal.may(Scope::ScimWrite);
    let kind = caller.registry.named("User").cloned().ok_or_else(Refusal::no_route)?;
    Ok(Subject { caller, kind, id })
}
