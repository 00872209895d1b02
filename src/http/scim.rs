//! SCIM over HTTP (RFC 7644 §3), below `/scim/v2` and `/o/{organization}/scim/v2`.
//!
//! Which resource types there are, and at which addresses, is for the caller's organization to say:
//! the routes have a place for the endpoint, and what stands there is looked up in its registry.

mod body;
mod bulk;
mod discovery;
mod me;
mod resources;
mod search;

use super::error::{Refusal, Result};
use super::extract;
use super::server::State;
use crate::scim::error::{Fault, shortened};
use actix_web::http::{Method, header};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource};

/// Where SCIM is served.
const BASES: [&str; 2] = ["/scim/v2", "/o/{organization}/scim/v2"];
/// Where other versions of it would be.
const OTHERS: [&str; 2] =
    [r"/scim/{version:[vV]\d[^/]*}", r"/o/{organization}/scim/{version:[vV]\d[^/]*}"];

/// Adds the routes of SCIM.
pub fn routes(config: &mut ServiceConfig) {
    for base in BASES {
        let mut scope = web::scope(base)
            .default_service(web::to(nothing))
            .service(
                at("", &[Method::GET, Method::HEAD])
                    .route(web::get().to(search::list_all))
                    .route(web::head().to(search::list_all)),
            )
            .service(at("/.search", &[Method::POST]).route(web::post().to(search::search_all)))
            .service(
                at("/Me", &[Method::GET, Method::HEAD, Method::PUT, Method::PATCH])
                    .route(web::get().to(me::get))
                    .route(web::head().to(me::get))
                    .route(web::put().to(me::replace))
                    .route(web::patch().to(me::patch)),
            )
            .service(at("/Bulk", &[Method::POST]).route(web::post().to(bulk::bulk)));
        for (path, handler) in discovery::ENDPOINTS {
            scope = scope.service(
                at(path, &[Method::GET, Method::HEAD])
                    .route(web::get().to(move |request, state| handler.answer(request, state)))
                    .route(web::head().to(move |request, state| handler.answer(request, state))),
            );
        }
        scope = scope
            .service(
                of_type("/{endpoint}", &[Method::GET, Method::HEAD, Method::POST])
                    .route(web::get().to(search::list))
                    .route(web::head().to(search::list))
                    .route(web::post().to(resources::create)),
            )
            .service(
                of_type("/{endpoint}/.search", &[Method::POST])
                    .route(web::post().to(search::search)),
            )
            .service(
                of_type(
                    "/{endpoint}/{id}",
                    &[Method::GET, Method::HEAD, Method::PUT, Method::PATCH, Method::DELETE],
                )
                .route(web::get().to(resources::get))
                .route(web::head().to(resources::get))
                .route(web::put().to(resources::replace))
                .route(web::patch().to(resources::patch))
                .route(web::delete().to(resources::delete)),
            );
        config.service(scope);
    }
    for base in OTHERS {
        config.service(web::scope(base).default_service(web::to(version)));
    }
}

/// A resource of Actix for an address of a resource type. For other methods than these, callers
/// who are known and name no type of theirs hear that.
fn of_type(path: &str, methods: &'static [Method]) -> Resource {
    let wrong = move |request: HttpRequest, state: web::Data<State>| async move {
        if let Ok(principal) = extract::principal(&request, &state).await
            && extract::kind(&request, &extract::caller(&state, &principal).await?).is_err()
        {
            return Err(Refusal::no_route());
        }
        not_allowed(&request, methods)
    };
    web::resource(path).default_service(web::to(wrong))
}

/// A resource of Actix that answers other methods than these with what they are.
fn at(path: &str, methods: &'static [Method]) -> Resource {
    web::resource(path).default_service(web::to(move |request: HttpRequest| async move {
        not_allowed(&request, methods)
    }))
}

fn not_allowed(request: &HttpRequest, methods: &[Method]) -> Result<HttpResponse> {
    if *request.method() == Method::OPTIONS {
        let names: Vec<&str> = methods.iter().map(Method::as_str).collect();
        return Ok(HttpResponse::NoContent()
            .insert_header((header::ALLOW, names.join(", ")))
            .finish());
    }
    Err(Refusal::method(request.method(), methods))
}

/// RFC 7644 §3.13: a version that is asked for is spoken or refused.
async fn version(request: HttpRequest) -> Result<HttpResponse> {
    let version = extract::segment(&request, "version").unwrap_or_default();
    Err(Fault::Version { version: shortened(&version) }.into())
}

async fn nothing() -> Result<HttpResponse> {
    Err(Refusal::no_route())
}
