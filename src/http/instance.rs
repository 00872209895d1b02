//! One running instance: the rooms put together, as the server serves them and tests use them.

use super::api::{self, ApiState};
use super::console::{self, Status};
use super::{ops, server};
use crate::auth::Authenticator;
use crate::clock::Clock;
use crate::directory::Service;
use crate::id::{self, InstanceId};
use crate::outbound::application::Workshop;
use crate::outbound::engine::{Engine, Parts};
use crate::scim::schema::Registry;
use crate::store::Store;
use crate::vault::Vault;
use actix_web::dev::Server;
use actix_web::web;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// What an instance is made of.
pub struct Materials {
    /// The database.
    pub store: Store,
    /// What seals credentials.
    pub vault: Vault,
    /// What time it is.
    pub clock: Clock,
    /// External base URL without a trailing slash.
    pub base: String,
    /// Largest request body, in bytes.
    pub body_limit: usize,
    /// Largest body of what may hold many members or many operations, in bytes.
    pub large_body_limit: usize,
    /// Objects of one app that are worked on at the same time.
    pub app_concurrency: usize,
}

/// Everything that one process serves, cheap to clone.
#[derive(Clone)]
pub struct Instance {
    state: server::State,
    api: ApiState,
    status: web::Data<Status>,
    body_limit: usize,
}

impl Instance {
    /// Puts an instance together. Nothing runs yet: start [`Instance::engine`], and [`Instance::serve`].
    pub fn new(materials: Materials) -> Self {
        let Materials { store, vault, clock, base, body_limit, large_body_limit, app_concurrency } =
            materials;
        let registry = Arc::new(Registry::standard());
        let wake = Arc::new(Notify::new());
        let engine = Engine::new(Parts {
            workshop: Workshop {
                store: store.clone(),
                registry: Arc::clone(&registry),
                vault: vault.clone(),
                clock: clock.clone(),
            },
            base_url: format!("{base}/scim/v2"),
            wake: Arc::clone(&wake),
            instance: InstanceId(id::new_uuid(clock.now_us())),
            concurrency: app_concurrency,
        });
        let authenticator = Authenticator::new(store.clone(), clock.clone());
        let service = Service::new(store.clone(), registry, clock.clone(), wake);
        let state = server::State {
            service,
            authenticator,
            public_url: base.clone(),
            body_limit,
            large_body_limit,
            started_us: clock.now_us(),
        };
        Self {
            state,
            api: ApiState { engine, vault },
            status: web::Data::new(Status { store, base }),
            body_limit,
        }
    }

    /// What keeps apps equal.
    pub fn engine(&self) -> &Engine {
        &self.api.engine
    }

    /// Starts to serve on a listening socket; ends when its handle says so, not on signals.
    ///
    /// # Errors
    /// When the socket cannot be used.
    pub fn serve(
        &self,
        listener: TcpListener,
        workers: usize,
        shutdown: Duration,
    ) -> std::io::Result<Server> {
        let this = self.clone();
        let more = move |config: &mut web::ServiceConfig| {
            config
                .configure(api::configure(this.api.clone(), this.body_limit))
                .configure(ops::configure(this.status.clone()))
                .configure(console::configure(this.status.clone()));
        };
        server::serve(listener, self.state.clone(), more, workers, shutdown)
    }
}
