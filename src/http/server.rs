//! The routes, put together.

use super::error::Refusal;
use super::{scim, trace};
use crate::auth::Authenticator;
use crate::directory;
use crate::vault::Vault;
use actix_web::body::MessageBody;
use actix_web::dev::{Server, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{NormalizePath, from_fn};
use actix_web::{App, Error, HttpResponse, HttpServer, web};
use std::net::TcpListener;
use std::time::Duration;

/// Largest body that is read unless configured otherwise.
pub const BODY_LIMIT: usize = 1024 * 1024;
/// Largest body of what may hold many members or many operations, unless configured otherwise: a
/// hundred thousand members are eight megabytes.
pub const LARGE_BODY_LIMIT: usize = 16 * 1024 * 1024;

/// What the door knows.
#[derive(Clone)]
pub struct State {
    /// What can be done.
    pub service: directory::Service,
    /// Who may do it.
    pub authenticator: Authenticator,
    /// What seals page cursors.
    pub vault: Vault,
    /// External base URL, without a trailing slash; may end in a path prefix.
    pub public_url: String,
    /// Largest body that is read, in bytes.
    pub body_limit: usize,
    /// Largest body of what may hold many members or many operations, in bytes.
    pub large_body_limit: usize,
    /// When this process started.
    pub started_us: i64,
}

impl State {
    /// External SCIM base URL, without a trailing slash.
    pub fn scim_base(&self) -> String {
        format!("{}/scim/v2", self.public_url)
    }
}

/// The whole application: SCIM, and what `more` adds to it. What neither has is a 404 in SCIM's
/// words, unless `more` sets another default.
pub fn app(
    state: web::Data<State>,
    more: impl FnOnce(&mut web::ServiceConfig),
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    App::new()
        .app_data(state)
        .wrap(NormalizePath::trim())
        .wrap(from_fn(trace::trace))
        .default_service(web::to(nothing))
        .configure(scim::routes)
        .configure(more)
}

async fn nothing() -> Result<HttpResponse, Refusal> {
    Err(Refusal::no_route())
}

/// Starts to serve on a listening socket; the server stops when its handle says so, not on signals.
///
/// # Errors
/// When the socket cannot be used.
pub fn serve<M>(
    listener: TcpListener,
    state: State,
    more: M,
    workers: usize,
    shutdown: Duration,
) -> std::io::Result<Server>
where
    M: Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
{
    let state = web::Data::new(state);
    let server = HttpServer::new(move || app(state.clone(), more.clone()))
        .workers(workers)
        .keep_alive(Duration::from_secs(75))
        .client_request_timeout(Duration::from_secs(30))
        .shutdown_timeout(shutdown.as_secs())
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}
