//! What the admin API works with.

use super::problem::Problem;
use crate::auth::Principal;
use crate::clock::Clock;
use crate::directory::Service;
use crate::id::{AppId, OrganizationId};
use crate::outbound::application::Application;
use crate::outbound::engine::Engine;
use crate::store::Store;
use crate::store::apps::AppRow;
use crate::vault::Vault;
use std::sync::Arc;
use std::time::Duration;

/// Longest time that a request may wait for an app's queue.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What the admin API works with.
#[derive(Clone)]
pub struct ApiState {
    /// What keeps apps equal.
    pub engine: Engine,
    /// What seals credentials.
    pub vault: Vault,
    /// What can be done to the directory.
    pub service: Service,
}

impl ApiState {
    /// The database.
    pub fn store(&self) -> &Store {
        self.engine.store()
    }

    /// What time it is.
    pub fn clock(&self) -> &Clock {
        self.engine.clock()
    }

    /// An app by name or id.
    ///
    /// # Errors
    /// 404.
    pub async fn app(&self, organization: OrganizationId, name: &str) -> Result<AppRow, Problem> {
        let wanted = name.to_owned();
        let found = self
            .store()
            .read(organization, move |reader| {
                if let Some(row) = reader.app_named(&wanted)? {
                    return Ok(Some(row));
                }
                match wanted.parse::<AppId>() {
                    Ok(id) => reader.app(id),
                    Err(_) => Ok(None),
                }
            })
            .await?;
        found.ok_or_else(|| {
            Problem::not_found(format!("there is no app {name:?}: GET /api/v1/apps lists them"))
        })
    }

    /// An app by name or id, with its adapter and mapping.
    ///
    /// # Errors
    /// 404; 422 when its settings cannot be used.
    pub async fn application(
        &self,
        caller: &Principal,
        name: &str,
    ) -> Result<Arc<Application>, Problem> {
        let row = self.app(caller.organization, name).await?;
        let application = self.engine.application(caller.organization, row.id).await?;
        application.ok_or_else(|| Problem::not_found("the app was deleted meanwhile"))
    }

    /// Waits until every change is published, no run is planned or applied and the app's queue has
    /// nothing to do at present, at most so many seconds.
    ///
    /// # Errors
    /// The store's.
    pub async fn wait_for_quiet(
        &self,
        organization: OrganizationId,
        app: AppId,
        seconds: u64,
    ) -> Result<(), Problem> {
        let quiet = async {
            loop {
                let waiting = self.store().organizations_with_changes().await?;
                if !waiting.contains(&organization) {
                    let is_quiet = self
                        .store()
                        .read(organization, move |reader| {
                            Ok(!reader.has_work(app)? && !reader.has_open_run(app)?)
                        })
                        .await?;
                    if is_quiet {
                        return Ok::<(), Problem>(());
                    }
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let patience = Duration::from_secs(seconds).min(LONGEST_WAIT);
        tokio::time::timeout(patience, quiet).await.unwrap_or(Ok(()))
    }
}
