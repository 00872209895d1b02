//! For operators and their machines: health and version.

use super::console::Status;
use actix_web::{HttpResponse, web};
use serde_json::json;

/// Adds `/health/live`, `/health/ready` and `/version`.
pub fn configure(status: web::Data<Status>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config: &mut web::ServiceConfig| {
        config
            .service(
                web::resource("/health/live")
                    .route(web::get().to(live))
                    .route(web::head().to(live)),
            )
            .service(
                web::resource("/health/ready")
                    .app_data(status)
                    .route(web::get().to(ready))
                    .route(web::head().to(ready)),
            )
            .service(
                web::resource("/version")
                    .route(web::get().to(version))
                    .route(web::head().to(version)),
            );
    }
}

/// The process runs.
async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "live" }))
}

/// The process can do its work: the database answers.
async fn ready(status: web::Data<Status>) -> HttpResponse {
    match status.store.organizations().await {
        Ok(_) => HttpResponse::Ok().json(json!({ "status": "ready" })),
        Err(error) => {
            tracing::warn!(error = %error, "not ready");
            HttpResponse::ServiceUnavailable()
                .json(json!({ "status": "not ready", "detail": "the database does not answer" }))
        }
    }
}

async fn version() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "name": "rollcall", "version": env!("CARGO_PKG_VERSION") }))
}
