//! One span and one line for each request, and an answer even for a bug.
//!
//! The line says which route with which result in how long for which client. It never holds the
//! address as sent, the query, ids, tokens or bodies: those are other people's data.

use super::error::{Refusal, error_id};
use crate::clock::{Clock, Stopwatch};
use crate::id;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _};
use futures_util::FutureExt as _;
use std::panic::AssertUnwindSafe;
use tracing::Instrument as _;

/// Which client a request is from, once known: handlers put it into the request's extensions.
#[derive(Debug, Clone)]
pub struct ClientName(pub String);

/// The endpoint of the resource type that a request is about, once known, as the organization's
/// schemas have it: `/Users`.
#[derive(Debug, Clone)]
pub struct Endpoint(pub String);

/// The id of a request, in every line about it and in the answer's `X-Request-Id`.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The middleware, for [`actix_web::middleware::from_fn`].
///
/// # Errors
/// A 500 as a SCIM error where a handler panicked, and what the inner service answers.
pub async fn trace(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let watch = Stopwatch::start();
    let request_id = id::new_uuid(Clock::System.now_us()).to_string();
    let method = request.method().clone();
    request.extensions_mut().insert(RequestId(request_id.clone()));
    let span = tracing::info_span!("request", request.id = %request_id);
    let handled = AssertUnwindSafe(async { next.call(request).await })
        .catch_unwind()
        .instrument(span.clone())
        .await;
    let _entered = span.enter();
    let outcome = handled.unwrap_or_else(|_panic| {
        // What it panicked with may be somebody's data. The hook of `log_panics` says where.
        let error_id = error_id();
        tracing::error!(error.id = %error_id, "a request ended in a panic");
        Err(Refusal::internal(&error_id).into())
    });
    let duration_ms = watch.elapsed_us() / 1_000;
    match outcome {
        Ok(mut response) => {
            let status = response.status().as_u16();
            let route = response.request().match_pattern();
            let endpoint = response.request().extensions().get::<Endpoint>().cloned();
            let route = match (route, endpoint) {
                (Some(route), Some(endpoint)) => route.replace("/{endpoint}", &endpoint.0),
                (route, _) => route.unwrap_or_else(|| "none".to_owned()),
            };
            let client = response.request().extensions().get::<ClientName>().cloned();
            let client = client.as_ref().map_or("", |client| client.0.as_str());
            tracing::info!(%method, route, status, duration_ms, client, "answered");
            if let Ok(value) = HeaderValue::from_str(&request_id) {
                response.headers_mut().insert(REQUEST_ID, value);
            }
            Ok(response)
        }
        Err(error) => {
            let status = error.as_response_error().status_code().as_u16();
            tracing::info!(%method, route = "none", status, duration_ms, client = "", "answered");
            Err(error)
        }
    }
}

/// Makes panics log where they happened and nothing of what was being handled. For the program, at
/// its start.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a bug: the program panicked");
    }));
}
