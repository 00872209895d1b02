//! The engine: one task that publishes changes, and one task per app that works its queue.

use super::allowance::Allowances;
use super::application::{Application, Error as ApplicationError, Workshop};
use super::dispatch::{self, Watched};
use super::notifier;
use super::queue;
use super::sync;
use super::throttles::Throttles;
use crate::adapters::throttle::Throttle;
use crate::clock::Clock;
use crate::id::{AppId, InstanceId, OrganizationId};
use crate::store::{self, Store};
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, SemaphorePermit, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

/// How often the engine looks by itself. Hints make it quick; this makes it certain.
const TICK: Duration = Duration::from_millis(500);
/// How long a lease holds without renewal.
const LEASE: Duration = Duration::from_secs(15);

/// How many look at everybody at the same time; others wait for their turn.
const WALKS: usize = 2;

/// What the engine is made of.
pub struct Parts {
    /// What applications are made with.
    pub workshop: Workshop,
    /// External SCIM base URL.
    pub base_url: String,
    /// Rung after every commit that has a change.
    pub wake: Arc<Notify>,
    /// This process.
    pub instance: InstanceId,
    /// Objects of one app that are worked on at the same time.
    pub concurrency: usize,
}

/// The engine, cheap to clone. Cloning does not start a second one.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    /// Counts up whenever there may be work for an app.
    work: watch::Sender<u64>,
    applications: Mutex<HashMap<(OrganizationId, AppId), Arc<Application>>>,
    allowances: Allowances,
    throttles: Throttles,
    walks: Semaphore,
}

/// A started engine.
pub struct Running {
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Engine {
    /// An engine that can answer questions; [`Engine::start`] makes it work.
    pub fn new(parts: Parts) -> Self {
        let (work, _) = watch::channel(0);
        let throttles = Throttles::new(parts.workshop.clock.clone());
        Self {
            inner: Arc::new(Inner {
                parts,
                work,
                applications: Mutex::default(),
                allowances: Allowances::default(),
                throttles,
                walks: Semaphore::new(WALKS),
            }),
        }
    }

    /// Starts publishing changes and working queues.
    pub fn start(&self) -> Running {
        // Who waits for a turn at an app ends its wait.
        let stop = self.inner.throttles.stop();
        let publisher = tokio::spawn(publish(self.clone(), stop.clone()));
        let supervisor = tokio::spawn(supervise(self.clone(), stop.clone()));
        let runs = tokio::spawn(sync::keep(self.clone(), stop.clone()));
        let notifier = tokio::spawn(notifier::keep(self.clone(), stop.clone()));
        Running { stop, tasks: vec![publisher, supervisor, runs, notifier] }
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.inner.parts.workshop.store
    }

    /// What time it is.
    pub fn clock(&self) -> &Clock {
        &self.inner.parts.workshop.clock
    }

    /// External SCIM base URL.
    pub fn base_url(&self) -> &str {
        &self.inner.parts.base_url
    }

    /// What applications are made with.
    pub fn workshop(&self) -> &Workshop {
        &self.inner.parts.workshop
    }

    /// This process, as holder of leases.
    pub fn instance(&self) -> InstanceId {
        self.inner.parts.instance
    }

    pub(super) fn concurrency(&self) -> usize {
        self.inner.parts.concurrency
    }

    /// What may be taken away from apps unasked.
    pub(super) fn allowances(&self) -> &Allowances {
        &self.inner.allowances
    }

    /// How fast an app may be asked.
    pub(super) fn throttle(&self, organization: OrganizationId, app: AppId) -> Arc<Throttle> {
        self.inner.throttles.of((organization, app))
    }

    /// The turn to look at everybody; it lasts until it is dropped.
    pub(super) async fn walk(&self) -> Option<SemaphorePermit<'_>> {
        self.inner.walks.acquire().await.ok()
    }

    /// Says that an app may have work: its queue or its settings changed.
    pub fn nudge(&self) {
        self.inner.work.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(super) fn work(&self) -> watch::Receiver<u64> {
        self.inner.work.subscribe()
    }

    /// An app at its present revision, with its adapter; made anew only when the revision changed,
    /// so what an adapter learned of its app is kept.
    ///
    /// # Errors
    /// See [`ApplicationError`].
    pub async fn application(
        &self,
        organization: OrganizationId,
        app: AppId,
    ) -> Result<Option<Arc<Application>>, ApplicationError> {
        let revision = self
            .store()
            .glance(organization, move |reader| reader.app_revision(app))
            .await
            .map_err(ApplicationError::Store)?;
        let key = (organization, app);
        let Some(revision) = revision else {
            self.inner.applications.lock().remove(&key);
            self.inner.allowances.forget(key);
            self.inner.throttles.forget(key);
            return Ok(None);
        };
        let directory = self.store().registry(organization).await?.revision;
        if let Some(known) = self.inner.applications.lock().get(&key)
            && known.row.revision == revision
            && known.registry.revision == directory
        {
            return Ok(Some(Arc::clone(known)));
        }
        let throttles = &self.inner.throttles;
        let Some(made) = self.workshop().application(organization, app, throttles).await? else {
            return Ok(None);
        };
        let made = Arc::new(made);
        self.inner.applications.lock().insert(key, Arc::clone(&made));
        Ok(Some(made))
    }

    /// The enabled apps of an organization, as dispatch needs them. An app that cannot be compiled
    /// is watched as if everything concerned it: its queue fills, and it works once it is mended.
    pub(super) async fn watched_apps(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<Watched>, store::Error> {
        let enabled = self.store().read(organization, |reader| reader.enabled_apps()).await?;
        let mut watched = Vec::with_capacity(enabled.len());
        for app in enabled {
            watched.push(match self.application(organization, app).await {
                Ok(Some(application)) => Watched {
                    app,
                    revision: Some(application.row.revision),
                    groups: application.has_groups(),
                    nesting: Some(application.nesting()),
                    follows_memberships: application.follows_memberships(),
                },
                Ok(None) => continue,
                Err(ApplicationError::Store(error)) => return Err(error),
                Err(_) => Watched {
                    app,
                    revision: None,
                    groups: true,
                    nesting: None,
                    follows_memberships: true,
                },
            });
        }
        Ok(watched)
    }
}

impl Running {
    /// Stops between objects: what is being pushed is finished, nothing new is begun. Answers
    /// whether everything finished within the patience.
    pub async fn stop(self, patience: Duration) -> bool {
        self.stop.cancel();
        let all = futures_util::future::join_all(self.tasks);
        tokio::time::timeout(patience, all).await.is_ok()
    }
}

async fn publish(engine: Engine, stop: CancellationToken) {
    let wake = Arc::clone(&engine.inner.parts.wake);
    let mut ours_until = 0;
    loop {
        // Interest comes first: a change committed while this round runs wakes the next one.
        let rung = wake.notified();
        match publish_round(&engine, &mut ours_until).await {
            Ok(0) => {}
            Ok(_) => engine.nudge(),
            Err(error) => {
                tracing::warn!(error = %error, "changes could not be published; trying again");
            }
        }
        tokio::select! {
            () = rung => {}
            () = tokio::time::sleep(TICK) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn publish_round(engine: &Engine, ours_until: &mut i64) -> Result<usize, store::Error> {
    let now_us = engine.clock().now_us();
    let store = engine.store();
    // Renewed at half its length: an idle server does not write twice a second.
    if now_us > ours_until.saturating_sub(micros(LEASE) / 2) {
        let until = now_us.saturating_add(micros(LEASE));
        if !store.acquire_lease("dispatch", engine.instance(), now_us, until).await? {
            return Ok(0);
        }
        *ours_until = until;
    }
    let mut marked = 0;
    for organization in store.organizations_with_changes().await? {
        match dispatch::dispatch(engine, organization).await {
            Ok(jobs) => marked += jobs,
            // One organization's trouble is not the others'.
            Err(error) => tracing::warn!(
                organization = organization.0, error = %error,
                "changes could not be published; trying again"
            ),
        }
    }
    Ok(marked)
}

/// Keeps one task per enabled app that this instance owns.
async fn supervise(engine: Engine, stop: CancellationToken) {
    let mut work = engine.work();
    let mut tasks: JoinSet<(OrganizationId, AppId)> = JoinSet::new();
    let mut running: HashSet<(OrganizationId, AppId)> = HashSet::new();
    loop {
        if let Err(error) = engine.store().end_pauses(engine.clock().now_us()).await {
            tracing::warn!(error = %error, "pauses that are over could not be ended; trying again");
        }
        match engine.store().enabled_apps_everywhere().await {
            Ok(apps) => {
                for (organization, app) in apps {
                    if running.contains(&(organization, app)) {
                        continue;
                    }
                    let now_us = engine.clock().now_us();
                    let until = now_us.saturating_add(micros(LEASE));
                    let name = lease_name(organization, app);
                    let owned =
                        engine.store().acquire_lease(&name, engine.instance(), now_us, until).await;
                    if matches!(owned, Ok(true)) {
                        running.insert((organization, app));
                        let (engine, stop) = (engine.clone(), stop.clone());
                        tasks.spawn(async move {
                            queue::work(&engine, organization, app, &stop).await;
                            (organization, app)
                        });
                    }
                }
            }
            Err(error) => tracing::warn!(error = %error, "apps could not be read; trying again"),
        }
        tokio::select! {
            changed = work.changed() => {
                if changed.is_err() {
                    return;
                }
                // A burst of hints is one look.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            () = tokio::time::sleep(TICK) => {}
            ended = tasks.join_next(), if !tasks.is_empty() => {
                if let Some(Ok(key)) = ended {
                    running.remove(&key);
                } else {
                    // A task that panicked does not say which app it was: look at all of them anew.
                    running.clear();
                    tasks.shutdown().await;
                }
                // An app that was just given up is not taken again at once.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            () = stop.cancelled() => {
                while tasks.join_next().await.is_some() {}
                if let Err(error) = engine.store().release_leases(engine.instance()).await {
                    tracing::warn!(error = %error, "leases were not given back; they run out");
                }
                return;
            }
        }
    }
}

pub(super) fn lease_name(organization: OrganizationId, app: AppId) -> String {
    format!("app:{}:{app}", organization.0)
}

pub(super) const fn lease_length() -> Duration {
    LEASE
}

pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::new_uuid;
    use crate::store::Options;
    use crate::vault::Vault;
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn few_look_at_everybody_at_the_same_time() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("r.db").display());
        let store = Store::open(&url, &Options::default(), true).unwrap();
        let clock = Clock::held_at(0);
        let engine = Engine::new(Parts {
            workshop: Workshop { store, vault: Vault::ephemeral(), clock },
            base_url: String::new(),
            wake: Arc::new(Notify::new()),
            instance: InstanceId(new_uuid(0)),
            concurrency: 1,
        });
        let mut turns = Vec::new();
        for _ in 0..WALKS {
            turns.push(engine.walk().now_or_never().unwrap().unwrap());
        }
        let mut next = Box::pin(engine.walk());
        assert!((&mut next).now_or_never().is_none(), "one too many");
        turns.pop();
        assert!(next.now_or_never().unwrap().is_some(), "its turn came");
    }
}
