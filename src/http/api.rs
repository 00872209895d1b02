//! The admin API: `/api/v1`, JSON, bearer tokens with the scope `admin` (or `audit` to look).
//!
//! Described by `/api/v1/openapi.json`. Errors are RFC 9457 problem documents.

mod activity;
mod apps;
mod caller;
mod clients;
mod mapping;
mod organization;
mod problem;
mod runs;
mod schemas;
mod state;
mod view;

pub use problem::Problem;
pub use state::ApiState;

use actix_web::error::{JsonPayloadError, PathError, QueryPayloadError};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

/// The description of the API.
#[derive(OpenApi)]
#[openapi(
    info(title = "Rollcall admin API", description = "Apps, field mappings, Quick Sync, what was tried, and schemas."),
    servers((url = "/api/v1")),
    security(("bearer" = [])),
    modifiers(&Bearer),
    paths(
        apps::adapters, apps::adapter, apps::list, apps::create, apps::get, apps::update,
        apps::remove, apps::check, apps::provisioning,
        mapping::get, mapping::save, mapping::versions, mapping::version, mapping::preview,
        mapping::reset,
        runs::quick_sync, runs::list, runs::get, runs::confirm, runs::cancel,
        activity::accounts, activity::links, activity::parked, activity::retry_all,
        activity::provision, activity::why, activity::attempts, activity::changes,
        clients::list, clients::get, clients::update,
        organization::get, organization::update,
        schemas::list, schemas::get, schemas::put, schemas::remove,
    )
)]
struct Description;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme =
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        openapi
            .components
            .get_or_insert_with(Default::default)
            .add_security_scheme("bearer", scheme);
    }
}

/// Adds the routes below `/api/v1`.
pub fn configure(state: ApiState, body_limit: usize) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config: &mut web::ServiceConfig| {
        config.service(
            web::scope("/api/v1")
                .app_data(web::Data::new(state))
                .app_data(web::JsonConfig::default().limit(body_limit).error_handler(json_error))
                .app_data(web::QueryConfig::default().error_handler(query_error))
                .app_data(web::PathConfig::default().error_handler(path_error))
                .route("/openapi.json", web::get().to(openapi))
                .service(
                    web::resource("/adapters")
                        .route(web::get().to(apps::adapters))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/adapters/{kind}")
                        .route(web::get().to(apps::adapter))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps")
                        .route(web::get().to(apps::list))
                        .route(web::post().to(apps::create))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}")
                        .route(web::get().to(apps::get))
                        .route(web::patch().to(apps::update))
                        .route(web::delete().to(apps::remove))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/check")
                        .route(web::post().to(apps::check))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/provisioning")
                        .route(web::put().to(apps::provisioning))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/mapping")
                        .route(web::get().to(mapping::get))
                        .route(web::put().to(mapping::save))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/mapping/versions")
                        .route(web::get().to(mapping::versions))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/mapping/versions/{version}")
                        .route(web::get().to(mapping::version))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/mapping/preview")
                        .route(web::post().to(mapping::preview))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/mapping/reset")
                        .route(web::post().to(mapping::reset))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/sync")
                        .route(web::post().to(runs::quick_sync))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/runs")
                        .route(web::get().to(runs::list))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/runs/{run}")
                        .route(web::get().to(runs::get))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/runs/{run}/confirm")
                        .route(web::post().to(runs::confirm))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/runs/{run}/cancel")
                        .route(web::post().to(runs::cancel))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/accounts")
                        .route(web::get().to(activity::accounts))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/links")
                        .route(web::get().to(activity::links))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/parked")
                        .route(web::get().to(activity::parked))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/retry")
                        .route(web::post().to(activity::retry_all))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/provision/{resource}")
                        .route(web::post().to(activity::provision))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/why/{resource}")
                        .route(web::get().to(activity::why))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/attempts")
                        .route(web::get().to(activity::attempts))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/changes")
                        .route(web::get().to(activity::changes))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/clients")
                        .route(web::get().to(clients::list))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/clients/{name}")
                        .route(web::get().to(clients::get))
                        .route(web::patch().to(clients::update))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/organization")
                        .route(web::get().to(organization::get))
                        .route(web::patch().to(organization::update))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/schemas")
                        .route(web::get().to(schemas::list))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/schemas/{urn}")
                        .route(web::get().to(schemas::get))
                        .route(web::put().to(schemas::put))
                        .route(web::delete().to(schemas::remove))
                        .default_service(web::route().to(wrong_method)),
                )
                .default_service(web::route().to(unknown)),
        );
    }
}

async fn openapi() -> HttpResponse {
    HttpResponse::Ok().json(Description::openapi())
}

async fn unknown() -> Result<HttpResponse, Problem> {
    Err(Problem::not_found(
        "the admin API has no such method and path: /api/v1/openapi.json describes it",
    ))
}

async fn wrong_method() -> Result<HttpResponse, Problem> {
    Err(Problem::status(
        StatusCode::METHOD_NOT_ALLOWED,
        "this path has other methods: /api/v1/openapi.json lists them",
    ))
}

#[expect(clippy::needless_pass_by_value, reason = "the signature is Actix's")]
fn json_error(error: JsonPayloadError, _: &HttpRequest) -> actix_web::Error {
    let problem = match &error {
        JsonPayloadError::Overflow { .. } | JsonPayloadError::OverflowKnownLength { .. } => {
            Problem::status(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large")
        }
        JsonPayloadError::ContentType => Problem::status(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "send the header Content-Type: application/json",
        ),
        JsonPayloadError::Deserialize(error) => {
            Problem::unreadable(format!("the body is not what is expected here: {error}"))
        }
        _ => Problem::unreadable("the body could not be read"),
    };
    problem.into()
}

#[expect(clippy::needless_pass_by_value, reason = "the signature is Actix's")]
fn query_error(error: QueryPayloadError, _: &HttpRequest) -> actix_web::Error {
    Problem::unreadable(format!("the query is not what is expected here: {error}")).into()
}

fn path_error(_: PathError, _: &HttpRequest) -> actix_web::Error {
    Problem::not_found("there is no such path").into()
}
