//! Several writes in one request: `POST /Bulk` (RFC 7644 §3.7).

use crate::auth::Scope;
use crate::directory::Done;
use crate::http::error::{Refusal, Result};
use crate::http::extract::{Limit, answer_type, caller, json, scim_caller};
use crate::http::server::State;
use crate::scim::bulk::{self, Outcome, Sent};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

pub(super) async fn bulk(
    request: HttpRequest,
    payload: Payload,
    state: Data<State>,
) -> Result<HttpResponse> {
    // Every method of an operation writes.
    let principal = scim_caller(&request, &state, Scope::ScimWrite).await?;
    let caller = caller(&state, &principal).await?;
    let body = json(&request, payload, Limit::Bulk(state.large_body_limit)).await?;
    let asked = bulk::parse(&caller.registry, body, caller.dialect)?;
    let sent: Vec<Sent> = asked.operations.iter().map(|one| one.sent.clone()).collect();
    let done = state.service.bulk(&caller, asked, &state.scim_base()).await?;
    let done = sent.iter().zip(done).filter_map(|(sent, done)| Some((sent, outcome(done?))));
    let body = bulk::response(done).to_string();
    Ok(HttpResponse::Ok().content_type(answer_type(request.headers())).body(body))
}

fn outcome(done: Done) -> Outcome {
    let Done { location, etag, result } = done;
    let result = result.map_err(|error| Refusal::from(error).into_error());
    Outcome { location, version: etag, result }
}
