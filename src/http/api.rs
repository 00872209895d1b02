//! The admin API: `/api/v1`, JSON, bearer tokens with the scope `admin` (or `audit` to look).
//!
//! Described by `/api/v1/openapi.json`. Errors are RFC 9457 problem documents.

mod activity;
mod apps;
mod assignments;
mod audit;
mod body;
mod caller;
mod clients;
mod description;
mod drift;
mod guard;
mod integrity;
mod links;
mod mapping;
mod notifications;
mod organization;
mod paging;
mod problem;
mod provision;
mod runs;
mod schemas;
mod state;
mod view;

pub use problem::Problem;
pub use state::ApiState;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::{PathError, QueryPayloadError};
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::{Next, from_fn};
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, web};
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
        description::get, apps::adapters, apps::adapter, apps::list, apps::create, apps::get, apps::update,
        apps::remove, apps::check, apps::provisioning,
        mapping::get, mapping::save, mapping::export, mapping::versions, mapping::version, mapping::reset,
        mapping::differences, mapping::draft::check, mapping::draft::preview, mapping::draft::weigh,
        mapping::draft::samples, mapping::draft::translate,
        assignments::list, assignments::get, assignments::assign, assignments::remove,
        assignments::remove_one,
        runs::quick_sync, runs::list, runs::get, runs::plan, runs::confirm, runs::approve, runs::cancel,
        runs::events::events,
        guard::get, guard::approve,
        drift::list, drift::decide, drift::strays,
        links::list, links::get, links::retry, links::unlink, links::relink, links::link,
        provision::provision,
        activity::accounts, activity::parked, activity::retry_all,
        activity::why, activity::attempts, activity::changes, audit::list, integrity::check,
        clients::list, clients::get, clients::update,
        organization::get, organization::update,
        notifications::list, notifications::create, notifications::get, notifications::update,
        notifications::remove, notifications::test, notifications::deliveries,
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
pub fn configure(state: ApiState) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config: &mut web::ServiceConfig| {
        config.service(
            web::scope("/api/v1")
                .app_data(web::Data::new(state))
                .app_data(web::QueryConfig::default().error_handler(query_error))
                .app_data(web::PathConfig::default().error_handler(path_error))
                .wrap(from_fn(manners))
                .service(
                    web::resource("/openapi.json")
                        .route(web::get().to(description::get))
                        .default_service(web::route().to(wrong_method)),
                )
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
                        .route(web::post().to(mapping::draft::preview))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/mapping/reset")
                        .route(web::post().to(mapping::reset))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/mapping/export")
                        .route(web::get().to(mapping::export))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/mapping/difference")
                        .route(web::get().to(mapping::differences))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/mapping/validate")
                        .route(web::post().to(mapping::draft::check))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/mapping/impact")
                        .route(web::post().to(mapping::draft::weigh))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/mapping/samples")
                        .route(web::post().to(mapping::draft::samples))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/mapping/import")
                        .route(web::post().to(mapping::draft::translate))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/assignments")
                        .route(web::get().to(assignments::list))
                        .route(web::post().to(assignments::assign))
                        .route(web::delete().to(assignments::remove_one))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/assignments/{resource}")
                        .route(web::get().to(assignments::get))
                        .route(web::delete().to(assignments::remove))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/guard")
                        .route(web::get().to(guard::get))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/guard/approve")
                        .route(web::post().to(guard::approve))
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
                    web::resource("/runs/{run}/approve")
                        .route(web::post().to(runs::approve))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/runs/{run}/plan")
                        .route(web::get().to(runs::plan))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/runs/{run}/events")
                        .route(web::get().to(runs::events::events))
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
                        .route(web::get().to(links::list))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/links/{resource}")
                        .route(web::get().to(links::get))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/links/{resource}/retry")
                        .route(web::post().to(links::retry))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/links/{resource}/unlink")
                        .route(web::post().to(links::unlink))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/links/{resource}/relink")
                        .route(web::post().to(links::relink))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/links/{resource}/link")
                        .route(web::post().to(links::link))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/parked")
                        .route(web::get().to(activity::parked))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/drift")
                        .route(web::get().to(drift::list))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/drift/{resource}")
                        .route(web::post().to(drift::decide))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/strays")
                        .route(web::get().to(drift::strays))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/retry")
                        .route(web::post().to(activity::retry_all))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/provision/{resource}")
                        .route(web::post().to(provision::provision))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/why/{resource}")
                        .route(web::get().to(activity::why))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/apps/{app}/integrity")
                        .route(web::get().to(integrity::check))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/attempts")
                        .route(web::get().to(activity::attempts))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/audit")
                        .route(web::get().to(audit::list))
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
                    web::resource("/notifications")
                        .route(web::get().to(notifications::list))
                        .route(web::post().to(notifications::create))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/notifications/{notification}")
                        .route(web::get().to(notifications::get))
                        .route(web::patch().to(notifications::update))
                        .route(web::delete().to(notifications::remove))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/notifications/{notification}/test")
                        .route(web::post().to(notifications::test))
                        .default_service(web::route().to(wrong_method)),
                )
                .service(
                    web::resource("/notifications/{notification}/deliveries")
                        .route(web::get().to(notifications::deliveries))
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

/// What holds of every request: HEAD is GET whose body is left out (RFC 9110 §9.3.2), and no
/// address holds U+0000, which no database knows.
async fn manners(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if request.uri().to_string().contains("%00") {
        let detail = "the address holds the character U+0000 (%00): leave it out";
        let answer = Problem::unreadable(detail).error_response();
        return Ok(request.into_response(answer).map_into_right_body());
    }
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    next.call(request).await.map(ServiceResponse::map_into_left_body)
}

async fn unknown() -> Result<HttpResponse, Problem> {
    Err(Problem::not_found(
        "the admin API has no such method and path: /api/v1/openapi.json describes it",
    ))
}

async fn wrong_method(request: HttpRequest) -> HttpResponse {
    let allowed = description::methods(request.match_pattern().as_deref().unwrap_or_default());
    let problem = Problem::status(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("this path takes {allowed}; /api/v1/openapi.json describes it"),
    );
    let mut answer = problem.error_response();
    if let Ok(allowed) = header::HeaderValue::from_str(&allowed) {
        answer.headers_mut().insert(header::ALLOW, allowed);
    }
    answer
}

#[expect(clippy::needless_pass_by_value, reason = "the signature is Actix's")]
fn query_error(error: QueryPayloadError, _: &HttpRequest) -> actix_web::Error {
    Problem::unreadable(format!("the query is not what is expected here: {error}")).into()
}

fn path_error(_: PathError, _: &HttpRequest) -> actix_web::Error {
    Problem::not_found("there is no such path").into()
}
