//! The status page at `/`: that the server runs, where things are, and how to begin.
//!
//! It names no person and no app, as nobody has signed in.

use crate::store::Store;
use actix_web::http::header;
use actix_web::{HttpResponse, web};
use maud::{DOCTYPE, Markup, html};

/// What the status page knows.
#[derive(Clone)]
pub struct Status {
    /// The database.
    pub store: Store,
    /// External base URL.
    pub base: String,
}

const STYLE: &str = include_str!("console/style.css");

/// Adds `/` and its style sheet.
pub fn configure(status: web::Data<Status>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config: &mut web::ServiceConfig| {
        config
            .service(
                web::resource("/")
                    .app_data(status)
                    .route(web::get().to(page))
                    .route(web::head().to(page)),
            )
            .service(
                web::resource("/style.css")
                    .route(web::get().to(style))
                    .route(web::head().to(style)),
            );
    }
}

async fn style() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/css; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "max-age=3600"))
        .body(STYLE)
}

async fn page(status: web::Data<Status>) -> HttpResponse {
    let well = status.store.organizations().await.is_ok();
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'self'"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .body(render(&status.base, well).into_string())
}

fn render(base: &str, well: bool) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Rollcall" }
                link rel="stylesheet" href="style.css";
            }
            body {
                main {
                    h1 { "Rollcall" }
                    p {
                        @if well {
                            strong.well { "Running." }
                            " The database answers."
                        } @else {
                            strong.ill { "Not ready." }
                            " The database does not answer; the log says more."
                        }
                    }
                    h2 { "Connect an identity provider" }
                    p { "Give Okta, Entra ID or any other SCIM 2.0 client this address and a token:" }
                    pre { (base) "/scim/v2\n" "rollcall token create okta --scope scim.write" }
                    h2 { "Set up an app" }
                    ol {
                        li { "Make a token for yourself: " code { "rollcall token create me --scope admin" } }
                        li { "See which apps can be connected: " code { "GET " (base) "/api/v1/adapters" } }
                        li {
                            "Connect one, look at a preview with a sample user's values, and switch on "
                            em { "Setup Provisioning" } ": "
                            a href=(format!("{base}/api/v1/openapi.json")) { "the admin API" }
                            " describes each step."
                        }
                    }
                    h2 { "Watch" }
                    ul {
                        li { a href=(format!("{base}/health/ready")) { "/health/ready" } " for load balancers" }
                        li { code { "GET /api/v1/attempts" } " for what was pushed, what waits, and why" }
                    }
                    footer { "Rollcall " (env!("CARGO_PKG_VERSION")) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_whether_all_is_well_and_escapes_its_address() {
        let page = render("http://x/\"><script>", false).into_string();
        assert!(page.contains("Not ready") && !page.contains("<script>"));
        assert!(render("http://x", true).into_string().contains("Running."));
    }
}
