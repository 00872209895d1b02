//! SCIM over HTTP (RFC 7644 §3), below `/scim/v2` and `/o/{organization}/scim/v2`.
//!
//! The routes of resources come from the registry: a resource type is served because it is there.

mod bulk;
mod discovery;
mod resources;
mod search;

use super::error::{Refusal, Result};
use crate::scim::schema::ResourceType;
use actix_web::http::{Method, header};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource};
use std::sync::Arc;

/// Where SCIM is served.
const BASES: [&str; 2] = ["/scim/v2", "/o/{organization}/scim/v2"];

/// Adds the routes of SCIM.
pub fn routes(kinds: Vec<Arc<ResourceType>>) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        for base in BASES {
            let mut scope = web::scope(base)
                .default_service(web::to(nothing))
                .service(at("", &[]).default_service(web::to(root)))
                .service(at("/.search", &[]).default_service(web::to(root)))
                .service(at("/Me", &[]).default_service(web::to(me)))
                .service(at("/Bulk", &[Method::POST]).route(web::post().to(bulk::bulk)));
            for (path, handler) in discovery::ENDPOINTS {
                scope = scope.service(
                    at(path, &[Method::GET, Method::HEAD])
                        .route(web::get().to(move |request, state| handler.answer(request, state)))
                        .route(
                            web::head().to(move |request, state| handler.answer(request, state)),
                        ),
                );
            }
            for kind in &kinds {
                let collection = kind.endpoint.as_str();
                let kind = || web::Data::from(Arc::clone(kind));
                scope = scope
                    .service(
                        at(collection, &[Method::GET, Method::HEAD, Method::POST])
                            .app_data(kind())
                            .route(web::get().to(search::list))
                            .route(web::head().to(search::list))
                            .route(web::post().to(resources::create)),
                    )
                    .service(
                        at(&format!("{collection}/.search"), &[Method::POST])
                            .app_data(kind())
                            .route(web::post().to(search::search)),
                    )
                    .service(
                        at(
                            &format!("{collection}/{{id}}"),
                            &[
                                Method::GET,
                                Method::HEAD,
                                Method::PUT,
                                Method::PATCH,
                                Method::DELETE,
                            ],
                        )
                        .app_data(kind())
                        .route(web::get().to(resources::get))
                        .route(web::head().to(resources::get))
                        .route(web::put().to(resources::replace))
                        .route(web::patch().to(resources::patch))
                        .route(web::delete().to(resources::delete)),
                    );
            }
            config.service(scope);
        }
    }
}

/// A resource of Actix that answers other methods than these with what they are.
fn at(path: &str, methods: &'static [Method]) -> Resource {
    web::resource(path).default_service(web::to(move |request: HttpRequest| async move {
        if *request.method() == Method::OPTIONS {
            let names: Vec<&str> = methods.iter().map(Method::as_str).collect();
            return Ok(HttpResponse::NoContent()
                .insert_header((header::ALLOW, names.join(", ")))
                .finish());
        }
        Err(Refusal::method(request.method(), methods))
    }))
}

async fn nothing() -> Result<HttpResponse> {
    Err(Refusal::no_route())
}

async fn root() -> Result<HttpResponse> {
    Err(Refusal::status(501, "one query over all resource types is not supported: ask each"))
}

async fn me() -> Result<HttpResponse> {
    Err(Refusal::status(501, "/Me is not supported: tokens belong to clients, not to people"))
}
