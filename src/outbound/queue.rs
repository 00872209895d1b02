//! The queue of one app: claims what is due, works on a few objects at a time, and leaves the app
//! alone for a while when it is away or asks for it.
//!
//! Everything that waits for the store or the app is a task of its own. What waits in a line is
//! given its turn whether or not it looks: were it polled from here only, it could hold a turn that
//! this loop itself waits for.

mod breaker;
mod health;
mod places;

use super::application::{Application, Error as ApplicationError};
use super::engine::{Engine, lease_length, lease_name, micros};
use super::worker::{self, Effect};
use crate::adapters::http::TIMEOUT;
use crate::adapters::throttle::{PATIENCE, Throttle};
use crate::id::{self, AppId, OrganizationId};
use crate::store::apps::Pause;
use crate::store::jobs::Job;
use breaker::Breaker;
use health::Health;
pub(super) use places::Place;
use places::{Places, Width};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// How long a job is ours without renewal. It is renewed while we live; if we die, nobody takes it
/// before the last request that we sent has been answered or given up.
pub(super) const JOB_LEASE: Duration = Duration::from_secs(2 * TIMEOUT.as_secs());
/// How often it is renewed.
pub(super) const RENEWAL: Duration = Duration::from_secs(JOB_LEASE.as_secs() / 4);
/// How many jobs are claimed for each that can be at the app at once.
const AHEAD: usize = 8;
/// How many objects are worked on for each that can be at the app at once: while some are there,
/// what came of others is written down together.
const UNDER_WAY: usize = 4;
/// How often an idle queue looks by itself.
const IDLE: Duration = Duration::from_millis(500);

/// Works an app's queue until the app is switched off, paused, deleted or no longer ours.
pub(super) async fn work(
    engine: &Engine,
    organization: OrganizationId,
    app: AppId,
    stop: &CancellationToken,
) {
    let mut queue = Queue::new(engine, organization, app);
    let freed = queue.places.freed();
    let mut hints = engine.work();
    loop {
        queue.ending |= stop.is_cancelled();
        queue.keep_app().await;
        queue.keep_jobs().await;
        match hints.has_changed() {
            Ok(true) => {
                hints.mark_unchanged();
                queue.is_hinted = true;
                queue.is_dry = false;
            }
            Ok(false) => {}
            Err(_) => queue.ending = true,
        }
        let is_open = queue.is_open();
        if is_open {
            queue.begin().await;
            queue.look();
        } else if !queue.claimed.is_empty() && queue.is_left_alone() {
            give_back(engine, organization, app, queue.claimed.drain(..).collect()).await;
        }
        queue.tell().await;
        if queue.ending && queue.tasks.is_empty() {
            queue.health.leave(engine, organization).await;
            return;
        }
        let (opens_us, ending) = (queue.opens_us(), queue.ending);
        let waits_for_place = is_open && !queue.claimed.is_empty() && queue.may_begin();
        tokio::select! {
            Some(done) = queue.tasks.join_next_with_id() => queue.ended(done).await,
            () = freed.notified(), if waits_for_place => {}
            _ = hints.changed(), if !ending => {
                queue.is_hinted = true;
                queue.is_dry = false;
            }
            () = engine.clock().until(opens_us.unwrap_or_default()), if opens_us.is_some() => {}
            () = tokio::time::sleep(IDLE) => queue.is_dry = false,
            () = stop.cancelled(), if !ending => {}
        }
    }
}

/// What is known of the queue at one moment.
#[expect(clippy::struct_excessive_bools, reason = "each is a state of its own")]
struct Queue<'a> {
    engine: &'a Engine,
    organization: OrganizationId,
    app: AppId,
    breaker: Breaker,
    throttle: Arc<Throttle>,
    /// How often the app had asked to wait when that was last looked at.
    throttles: u64,
    /// How many may be at the app at once.
    width: Width,
    /// Those that are.
    places: Places,
    health: Health,
    tasks: JoinSet<Done>,
    /// Jobs that are worked on, by their tasks.
    under_way: HashMap<Id, Job>,
    /// Claimed and not begun: claiming several at once costs one transaction instead of several.
    claimed: VecDeque<Job>,
    /// Whether a claim is under way.
    is_claiming: bool,
    /// Whether something may have become due since the last claim began.
    is_hinted: bool,
    /// Whether the last claim found less than it wanted, and nothing has happened since.
    is_dry: bool,
    /// Until when those that are claimed are surely ours.
    held_until_us: i64,
    renewed_us: i64,
    /// Until when the app is ours.
    leased_until_us: i64,
    ending: bool,
}

/// What a task came to.
enum Done {
    Pushed(Effect),
    Claimed { claimed: Claimed, until_us: i64, wanted: usize },
}

impl<'a> Queue<'a> {
    fn new(engine: &'a Engine, organization: OrganizationId, app: AppId) -> Self {
        let throttle = engine.throttle(organization, app);
        Self {
            engine,
            organization,
            app,
            breaker: Breaker::default(),
            throttles: throttle.times(),
            throttle,
            width: Width::of(engine.concurrency()),
            places: Places::default(),
            health: Health::default(),
            tasks: JoinSet::new(),
            under_way: HashMap::new(),
            claimed: VecDeque::new(),
            is_claiming: false,
            is_hinted: false,
            is_dry: false,
            held_until_us: 0,
            renewed_us: 0,
            leased_until_us: 0,
            ending: false,
        }
    }

    fn now_us(&self) -> i64 {
        self.engine.clock().now_us()
    }

    fn is_open(&self) -> bool {
        let is_there = self.breaker.wait(self.now_us()).is_none();
        !self.ending && is_there && self.throttle.closed().is_zero()
    }

    /// Whether nothing is sent for so long that what is claimed is better given back.
    fn is_left_alone(&self) -> bool {
        self.ending || self.breaker.is_tripped() || self.throttle.closed() > PATIENCE
    }

    /// When the app may be asked again; none where it may be now.
    fn opens_us(&self) -> Option<i64> {
        let now_us = self.now_us();
        let away = self.breaker.wait(now_us).unwrap_or_default();
        let wait = away.max(self.throttle.wait());
        (!wait.is_zero()).then(|| now_us.saturating_add(micros(wait)))
    }

    async fn tell(&mut self) {
        let now_us = self.now_us();
        let by = (&self.breaker, &*self.throttle);
        let row = self.health.look(self.app, by, self.width.now(), now_us);
        self.health.tell(self.engine, self.organization, row).await;
    }

    /// Renews the lease of the app.
    async fn keep_app(&mut self) {
        let now_us = self.now_us();
        if self.ending || now_us <= self.leased_until_us - micros(lease_length() / 2) {
            return;
        }
        let until = now_us.saturating_add(micros(lease_length()));
        let name = lease_name(self.organization, self.app);
        let store = self.engine.store();
        match store.acquire_lease(&name, self.engine.instance(), now_us, until).await {
            Ok(true) => self.leased_until_us = until,
            Ok(false) => self.ending = true,
            Err(error) => {
                tracing::warn!(error = %error, app.id = %self.app, "the lease was not renewed");
                self.ending = now_us > self.leased_until_us;
            }
        }
    }

    /// Renews the leases of the jobs that are claimed or worked on.
    async fn keep_jobs(&mut self) {
        let now_us = self.now_us();
        let jobs: Vec<Job> = self.claimed.iter().chain(self.under_way.values()).cloned().collect();
        if jobs.is_empty() {
            self.renewed_us = now_us;
            return;
        }
        if now_us < self.renewed_us.saturating_add(micros(RENEWAL)) {
            return;
        }
        let (app, until_us) = (self.app, now_us.saturating_add(micros(JOB_LEASE)));
        let kept = self
            .engine
            .store()
            .write(self.organization, move |transaction| {
                // Several at once: see the order of locks in the store's room of jobs.
                transaction.lock_organization()?;
                let mut kept = HashSet::new();
                for job in &jobs {
                    if transaction.hold_job(app, job, until_us)? {
                        kept.insert(job.resource);
                    }
                }
                Ok(kept)
            })
            .await;
        match kept {
            Ok(kept) => {
                // Whoever works on one of the others finds out when it writes something down.
                self.claimed.retain(|job| kept.contains(&job.resource));
                (self.renewed_us, self.held_until_us) = (now_us, until_us);
            }
            Err(error) => {
                tracing::warn!(error = %error, app.id = %app, "leases of jobs were not renewed");
            }
        }
    }

    /// Whether another object may be worked on: one after a failure, until it succeeds.
    fn may_begin(&self) -> bool {
        let usual = self.at_once().saturating_mul(UNDER_WAY);
        self.under_way.len() < self.breaker.most(self.now_us(), usual)
    }

    /// How many may be at the app at once.
    fn at_once(&self) -> usize {
        self.width.now().min(self.throttle.at_once())
    }

    /// Whether another one may go to the app now: what must wait for its turn waits here, where others
    /// overtake it.
    fn has_place(&self) -> bool {
        self.may_begin() && self.throttle.wait().is_zero() && self.places.has_one(self.at_once())
    }

    fn place(&self) -> Option<Place> {
        if self.has_place() { self.places.take(self.at_once()) } else { None }
    }

    /// Begins to work on as many claimed jobs as there are places.
    async fn begin(&mut self) {
        let now_us = self.now_us();
        if now_us >= self.held_until_us {
            self.claimed.clear(); // others may have taken them by now
        }
        if self.claimed.is_empty() || !self.has_place() {
            return;
        }
        // As the app is now: it may have been paused or changed since they were claimed.
        match claim(self.engine, self.organization, self.app, 0, now_us, false).await {
            Claimed::Jobs(application, _) => {
                self.allow(&application);
                while let Some(place) = self.place()
                    && let Some(job) = self.claimed.pop_front()
                {
                    self.push(&application, job, place);
                }
            }
            Claimed::Stop => self.ending = true,
            Claimed::Trouble => {}
        }
    }

    /// As many at once as the app's policy says, else the server's setting.
    fn allow(&mut self, application: &Application) {
        let most = application.policy.rate.concurrency.map(usize::from);
        self.width.allow(most.unwrap_or_else(|| self.engine.concurrency()));
    }

    fn push(&mut self, application: &Arc<Application>, job: Job, place: Place) {
        let (engine, application, claimed) =
            (self.engine.clone(), Arc::clone(application), job.clone());
        let task = self.tasks.spawn(async move {
            Done::Pushed(worker::work(&engine, &application, claimed, Some(place)).await)
        });
        self.under_way.insert(task.id(), job);
    }

    /// Claims what comes next, before the last of what is claimed has begun; else those who lose
    /// access, who overtake what is claimed.
    fn look(&mut self) {
        if self.is_claiming {
            return;
        }
        let is_careful = self.breaker.is_tripped();
        let ahead = self.width.now().saturating_mul(AHEAD);
        let wanted = if is_careful {
            usize::from(self.claimed.is_empty() && self.under_way.is_empty())
        } else if self.claimed.len() <= ahead / 2 {
            ahead - self.claimed.len()
        } else {
            0
        };
        let (engine, organization, app) = (self.engine.clone(), self.organization, self.app);
        let now_us = self.now_us();
        let until_us = now_us.saturating_add(micros(JOB_LEASE));
        if wanted > 0 && !self.is_dry {
            self.tasks.spawn(async move {
                let claimed = claim(&engine, organization, app, wanted, now_us, is_careful).await;
                Done::Claimed { claimed, until_us, wanted }
            });
        } else if self.is_hinted && !self.claimed.is_empty() {
            self.tasks.spawn(async move {
                let claimed = claim_leavers(&engine, organization, app, ahead, now_us).await;
                Done::Claimed { claimed, until_us, wanted: 0 }
            });
        } else {
            self.is_hinted = false;
            return;
        }
        self.is_hinted = false;
        self.is_claiming = true;
    }

    async fn ended(&mut self, done: Result<(Id, Done), JoinError>) {
        match done {
            Ok((_, Done::Claimed { claimed, until_us, wanted })) => {
                self.is_claiming = false;
                self.claimed(claimed, until_us, wanted);
            }
            Ok((task, Done::Pushed(effect))) => {
                self.under_way.remove(&task);
                self.is_dry = false;
                self.ending |= matches!(effect, Effect::Paused);
                self.judge(&effect);
                let now_us = self.now_us();
                if self.breaker.note(&effect, now_us, id::below(1_001)) {
                    release(self.engine, self.organization, self.app, now_us).await;
                }
            }
            Err(error) => {
                tracing::error!(app.id = %self.app, "work on the queue panicked");
                if self.under_way.remove(&error.id()).is_none() {
                    self.is_claiming = false;
                    self.is_dry = true;
                }
            }
        }
    }

    /// Notes what a push says about how much the app takes.
    fn judge(&mut self, effect: &Effect) {
        match effect {
            Effect::Throttled { wish } => self.throttle.close(*wish),
            Effect::Fine => self.width.went_well(),
            _ => {}
        }
        let throttles = self.throttle.times();
        if throttles != self.throttles {
            self.throttles = throttles;
            self.width.throttled();
        }
    }

    fn claimed(&mut self, claimed: Claimed, until_us: i64, wanted: usize) {
        match claimed {
            Claimed::Jobs(application, jobs) => {
                self.allow(&application);
                // A hint that came meanwhile may be about what this claim has just missed.
                self.is_dry = jobs.len() < wanted && !self.is_hinted;
                if self.claimed.is_empty() {
                    self.held_until_us = until_us;
                }
                for job in jobs {
                    let behind = self.claimed.iter().position(|other| !other.is_leaving);
                    match behind.filter(|_| job.is_leaving) {
                        Some(at) => self.claimed.insert(at, job),
                        None => self.claimed.push_back(job),
                    }
                }
            }
            Claimed::Stop => self.ending = true,
            Claimed::Trouble => self.is_dry = true,
        }
    }
}

/// What came of a claim.
pub(super) enum Claimed {
    /// Jobs that are ours now, and the app as they are to be worked on.
    Jobs(Arc<Application>, Vec<Job>),
    /// The app is gone, off or paused.
    Stop,
    /// Something passes by itself.
    Trouble,
}

/// Claims up to `limit` jobs of an app that are due; with `ahead`, and when nothing is, the next one.
pub(super) async fn claim(
    engine: &Engine,
    organization: OrganizationId,
    app: AppId,
    limit: usize,
    now_us: i64,
    ahead: bool,
) -> Claimed {
    let application = match engine.application(organization, app).await {
        Ok(Some(application)) => application,
        Ok(None) => return Claimed::Stop,
        Err(error) => return pause(engine, organization, app, &error).await,
    };
    if !application.row.enabled || application.row.paused.is_some() {
        return Claimed::Stop;
    }
    if limit == 0 {
        return Claimed::Jobs(application, Vec::new());
    }
    let until = now_us.saturating_add(micros(JOB_LEASE));
    // An idle queue costs a read, not a write. After a failure one object is tried whether it is due
    // or not: it is how an app that was away is found to be back.
    let due_us = if ahead { i64::MAX } else { now_us };
    let due = engine
        .store()
        .glance(organization, move |reader| reader.has_due_jobs(app, now_us, due_us))
        .await;
    match due {
        Ok(false) => return Claimed::Jobs(application, Vec::new()),
        Ok(true) => {}
        Err(error) => {
            tracing::warn!(error = %error, app.id = %app, "the queue could not be read");
            return Claimed::Trouble;
        }
    }
    let claimed = engine
        .store()
        .write(organization, move |transaction| {
            transaction.claim_jobs(app, now_us, limit, until, ahead)
        })
        .await;
    match claimed {
        Ok(jobs) => Claimed::Jobs(application, jobs),
        Err(error) => {
            tracing::warn!(error = %error, app.id = %app, "jobs could not be claimed");
            Claimed::Trouble
        }
    }
}

/// Claims those who lose access and are due.
async fn claim_leavers(
    engine: &Engine,
    organization: OrganizationId,
    app: AppId,
    limit: usize,
    now_us: i64,
) -> Claimed {
    let store = engine.store();
    let application = match engine.application(organization, app).await {
        Ok(Some(application)) => application,
        Ok(None) => return Claimed::Stop,
        Err(_) => return Claimed::Trouble, // said when the next object is begun
    };
    let due = store.glance(organization, move |reader| reader.has_due_leavers(app, now_us)).await;
    if matches!(due, Ok(false)) {
        return Claimed::Jobs(application, Vec::new());
    }
    let until = now_us.saturating_add(micros(JOB_LEASE));
    let claimed = store
        .write(organization, move |transaction| {
            transaction.claim_leavers(app, now_us, limit, until)
        })
        .await;
    match claimed {
        Ok(jobs) => Claimed::Jobs(application, jobs),
        Err(error) => {
            tracing::warn!(error = %error, app.id = %app, "leavers could not be claimed");
            Claimed::Trouble
        }
    }
}

/// Returns jobs that were claimed and not begun.
pub(super) async fn give_back(
    engine: &Engine,
    organization: OrganizationId,
    app: AppId,
    jobs: Vec<Job>,
) {
    let now_us = engine.clock().now_us();
    let given = engine
        .store()
        .write(organization, move |transaction| {
            transaction.lock_organization()?;
            jobs.iter()
                .try_for_each(|job| transaction.defer_job(app, job, now_us, job.attempts, None))
        })
        .await;
    if let Err(error) = given {
        tracing::warn!(error = %error, app.id = %app, "claimed jobs wait for their leases to end");
    }
}

/// Pauses an app whose settings cannot be used; its queue is kept.
async fn pause(
    engine: &Engine,
    organization: OrganizationId,
    app: AppId,
    error: &ApplicationError,
) -> Claimed {
    let Some(sentence) = error.sentence() else {
        tracing::warn!(error = %error, app.id = %app, "the app could not be read");
        return Claimed::Trouble;
    };
    tracing::warn!(app.id = %app, reason = %sentence, "the app is paused");
    let now_us = engine.clock().now_us();
    let paused = engine
        .store()
        .write(organization, move |transaction| {
            let pause = Pause::new(Pause::SETTINGS, sentence.as_str());
            transaction.pause_app(app, None, Some(&pause), now_us)
        })
        .await;
    match paused {
        Ok(()) => Claimed::Stop,
        Err(_) => Claimed::Trouble,
    }
}

/// The app is back: what waited for it goes at once.
async fn release(engine: &Engine, organization: OrganizationId, app: AppId, now_us: i64) {
    let released = engine
        .store()
        .write(organization, move |transaction| transaction.release_waiting(app, now_us))
        .await;
    if let Err(error) = released {
        tracing::warn!(error = %error, app.id = %app, "waiting jobs keep their times");
    }
}
