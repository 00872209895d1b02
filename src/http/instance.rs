//! One running instance: the rooms put together, as the server serves them and tests use them.

use super::api::{self, ApiState};
use super::console::{self, Status};
use super::{ops, server};
use crate::auth::Authenticator;
use crate::clock::Clock;
use crate::config::Retention;
use crate::directory::Service;
use crate::id::{self, InstanceId};
use crate::outbound::application::Workshop;
use crate::outbound::engine::{Engine, Parts};
use crate::retention::Sweeper;
use crate::store::Store;
use crate::vault::Vault;
use actix_web::dev::Server;
use actix_web::web;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// How long index rows of one organization are written before it is the next one's turn, and how
/// long nothing is written then.
const BUILDING: Duration = Duration::from_secs(5);

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
}

impl Instance {
    /// Puts an instance together. Nothing runs yet: start [`Instance::engine`], and [`Instance::serve`].
    pub fn new(materials: Materials) -> Self {
        let Materials { store, vault, clock, base, body_limit, large_body_limit, app_concurrency } =
            materials;
        let wake = Arc::new(Notify::new());
        let engine = Engine::new(Parts {
            workshop: Workshop { store: store.clone(), vault: vault.clone(), clock: clock.clone() },
            base_url: format!("{base}/scim/v2"),
            wake: Arc::clone(&wake),
            instance: InstanceId(id::new_uuid(clock.now_us())),
            concurrency: app_concurrency,
        });
        let authenticator = Authenticator::new(store.clone(), clock.clone());
        let service = Service::new(store.clone(), clock.clone(), wake);
        let state = server::State {
            service: service.clone(),
            authenticator,
            vault: vault.clone(),
            public_url: base.clone(),
            body_limit,
            large_body_limit,
            started_us: clock.now_us(),
        };
        Self {
            state,
            api: ApiState { engine, vault, service },
            status: web::Data::new(Status { store, base }),
        }
    }

    /// What keeps apps equal.
    pub fn engine(&self) -> &Engine {
        &self.api.engine
    }

    /// Goes on with index rows that are to be written or removed, which whoever asked for them did
    /// not wait for, or an instance that stopped left behind. Never ends.
    pub async fn keep_indexes(&self) {
        loop {
            match self.state.service.store().organizations_with_builds().await {
                Ok(organizations) => {
                    for organization in organizations {
                        let built = self.state.service.build_indexes(organization, BUILDING).await;
                        if let Err(error) = built {
                            tracing::warn!(%error, "index rows were not written; trying again");
                        }
                    }
                }
                Err(error) => tracing::debug!(%error, "index rows that are due are not known"),
            }
            tokio::time::sleep(BUILDING).await;
        }
    }

    /// Takes away what is no longer kept, from time to time. Never ends.
    pub async fn keep_sweeping(&self, terms: Retention) {
        let engine = self.engine();
        let (store, clock) = (engine.store().clone(), engine.clock().clone());
        Sweeper { store, clock, instance: engine.instance(), terms }.keep().await;
    }

    /// Counts what clients are forgiven, from time to time. Never ends.
    pub async fn keep_counting(&self) {
        self.state.service.keep_writing_leniencies().await;
    }

    /// Counts what has not been counted yet, before the end.
    ///
    /// # Errors
    /// The store's.
    pub async fn finish_counting(&self) -> crate::store::Result<()> {
        self.state.service.write_leniencies().await
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
                .configure(api::configure(this.api.clone()))
                .configure(ops::configure(this.status.clone()))
                .configure(console::configure(this.status.clone()));
        };
        server::serve(listener, self.state.clone(), more, workers, shutdown)
    }
}
