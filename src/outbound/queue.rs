//! The queue of one app: claims what is due, works on a few objects at a time, and leaves the app
//! alone for a while when it is away or asks for it.

use super::application::Error as ApplicationError;
use super::engine::{Engine, lease_length, lease_name, micros};
use super::retry;
use super::worker::{self, Effect};
use crate::id::{self, AppId, OrganizationId};
use crate::store::apps::Pause;
use crate::store::jobs::Job;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long a claimed job is ours: longer than any adapter's time-outs together.
pub(super) const JOB_LEASE: Duration = Duration::from_mins(3);
/// How many jobs are claimed for each that can be worked on at once. Small, so that a leaver
/// overtakes a backlog.
const AHEAD: usize = 4;
/// How often an idle queue looks by itself.
const IDLE: Duration = Duration::from_millis(500);

/// Whether an app may be talked to, and how carefully.
#[derive(Debug, Default)]
struct Gate {
    /// Failures in a row that were the app's, not an object's.
    failures: u32,
    /// Closed until then.
    until_us: i64,
}

impl Gate {
    fn is_closed(&self, now_us: i64) -> bool {
        self.until_us > now_us
    }

    /// How many objects may be tried: one after a failure, until it succeeds.
    fn width(&self, concurrency: usize) -> usize {
        if self.failures == 0 { concurrency } else { 1 }
    }

    /// Notes what a push says about the app. Answers whether the app has just come back.
    fn note(&mut self, effect: &Effect, now_us: i64) -> bool {
        match effect {
            Effect::Fine => {
                // One failure is an object's as likely as the app's; two in a row are the app's.
                let came_back = self.failures > 1;
                *self = Self::default();
                came_back
            }
            Effect::Stumbled { wish } => {
                self.failures = self.failures.saturating_add(1);
                let wait = retry::app_wait(self.failures, *wish, id::below(1_001));
                self.until_us = self.until_us.max(now_us.saturating_add(micros(wait)));
                false
            }
            Effect::Throttled { wish } => {
                let wait = retry::app_wait(1, *wish, id::below(1_001));
                self.until_us = self.until_us.max(now_us.saturating_add(micros(wait)));
                false
            }
            Effect::Nothing | Effect::Paused | Effect::Lost => false,
        }
    }
}

/// Works an app's queue until the app is switched off, paused, deleted or no longer ours.
pub(super) async fn work(
    engine: &Engine,
    organization: OrganizationId,
    app: AppId,
    stop: &CancellationToken,
) {
    let mut gate = Gate::default();
    let mut hints = engine.work();
    let mut busy = FuturesUnordered::new();
    // Claimed and not begun: claiming several at once costs one transaction instead of several.
    let mut claimed: VecDeque<Job> = VecDeque::new();
    let mut leased_until = 0;
    let mut ending = false;
    loop {
        ending |= stop.is_cancelled();
        let now_us = engine.clock().now_us();
        if !ending && now_us > leased_until - micros(lease_length() / 2) {
            let until = now_us.saturating_add(micros(lease_length()));
            let name = lease_name(organization, app);
            match engine.store().acquire_lease(&name, engine.instance(), now_us, until).await {
                Ok(true) => leased_until = until,
                Ok(false) => ending = true,
                Err(error) => {
                    tracing::warn!(error = %error, app.id = %app, "the lease was not renewed");
                    ending = now_us > leased_until;
                }
            }
        }
        hints.mark_unchanged();
        if !ending && !gate.is_closed(now_us) {
            let free = gate.width(engine.concurrency()).saturating_sub(busy.len());
            let wanted = match (free, claimed.len()) {
                (0, _) => 0,
                (_, 0) => {
                    if gate.failures > 0 {
                        1
                    } else {
                        engine.concurrency() * AHEAD
                    }
                }
                _ => 0,
            };
            match claim(engine, organization, app, wanted, now_us, gate.failures > 0).await {
                Claimed::Jobs(application, jobs) => {
                    claimed.extend(jobs);
                    for job in claimed.drain(..free.min(claimed.len())) {
                        let application = Arc::clone(&application);
                        busy.push(async move { worker::work(engine, &application, job).await });
                    }
                }
                Claimed::Stop => ending = true,
                Claimed::Trouble => {}
            }
        }
        if (ending || gate.is_closed(now_us)) && !claimed.is_empty() {
            give_back(engine, organization, app, claimed.drain(..).collect()).await;
        }
        if ending && busy.is_empty() {
            return;
        }
        let now_us = engine.clock().now_us();
        let nap = if gate.is_closed(now_us) {
            let wait = u64::try_from(gate.until_us - now_us).unwrap_or(0);
            Duration::from_micros(wait).min(IDLE)
        } else {
            IDLE
        };
        tokio::select! {
            Some(effect) = busy.next(), if !busy.is_empty() => {
                ending |= matches!(effect, Effect::Paused);
                let now_us = engine.clock().now_us();
                if gate.note(&effect, now_us) {
                    release(engine, organization, app, now_us).await;
                }
            }
            changed = hints.changed(), if !ending => ending |= changed.is_err(),
            () = tokio::time::sleep(nap) => {}
            () = stop.cancelled(), if !ending => {}
        }
    }
}

/// What came of a claim.
pub(super) enum Claimed {
    /// Jobs that are ours now, and the app as they are to be worked on.
    Jobs(Arc<super::application::Application>, Vec<Job>),
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
    let paused = engine
        .store()
        .write(organization, move |transaction| {
            transaction.pause_app(app, None, Some(&Pause::new(Pause::SETTINGS, sentence.as_str())))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_lets_one_through_after_a_failure_and_all_after_a_success() {
        let mut gate = Gate::default();
        assert_eq!(gate.width(4), 4);
        assert!(!gate.note(&Effect::Stumbled { wish: None }, 0));
        assert!(gate.is_closed(0) && !gate.is_closed(2_000_000));
        assert_eq!(gate.width(4), 1);
        assert!(!gate.note(&Effect::Fine, 2_000_000), "one failure is not an app that is away");
        assert_eq!(gate.width(4), 4);
        gate.note(&Effect::Stumbled { wish: None }, 2_000_000);
        gate.note(&Effect::Stumbled { wish: None }, 3_000_000);
        assert!(gate.note(&Effect::Fine, 5_000_000), "it came back");
        assert!(!gate.note(&Effect::Fine, 5_000_000), "it was not away");
    }

    #[test]
    fn a_throttle_is_no_failure() {
        let mut gate = Gate::default();
        gate.note(&Effect::Throttled { wish: Some(Duration::from_secs(7)) }, 0);
        assert!(gate.is_closed(6_999_999) && !gate.is_closed(7_000_000));
        assert_eq!(gate.width(4), 4);
    }
}
