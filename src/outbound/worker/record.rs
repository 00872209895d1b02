//! Writing down what happened: link, attempt, job and run change together or not at all, and only
//! while the job is still ours.

mod settling;

use super::Stop;
use crate::adapters::adapter::Reason;
use crate::adapters::http;
use crate::clock::Stopwatch;
use crate::id::{self, AttemptId};
use crate::mapping::field::Kind;
use crate::mapping::record::Record;
use crate::notification::digest::Notice;
use crate::outbound::allowance::Held;
use crate::outbound::application::Application;
use crate::outbound::engine::{Engine, micros};
use crate::outbound::plan::{Cause, Following, Link, Origin, Parked};
use crate::outbound::queue::JOB_LEASE;
use crate::outbound::referred::Referred;
use crate::outbound::situation::Reading;
use crate::store::apps::Pause;
use crate::store::attempts::AttemptRow;
use crate::store::jobs::{Closed, Job, Priority};
use crate::store::links::LinkRow;
use crate::store::removals::Removal;
use crate::store::{self, Transaction};
use parking_lot::Mutex;
use settling::{advance, close, note_taken, settle};

/// Failures in a row after which a run counts an object as failed; it is tried on all the same.
const PATIENCE_OF_RUNS: u32 = 8;

/// What was done to an object of the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Create,
    Adopt,
    Update,
    Deactivate,
    Reactivate,
    Delete,
    Unlink,
    /// Its person is gone, and somebody had said to leave it alone: its groups are forgotten too.
    Release,
    /// The app no longer knew it.
    Lost,
    Members,
    /// Nothing was done: it is parked or waits.
    None,
}

impl Action {
    /// What it takes away.
    const fn removal(self) -> Option<Removal> {
        match self {
            Self::Deactivate => Some(Removal::Deactivation),
            Self::Delete => Some(Removal::Deletion),
            _ => None,
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Adopt => "adopt",
            Self::Update => "update",
            Self::Deactivate => "deactivate",
            Self::Reactivate => "reactivate",
            Self::Delete => "delete",
            Self::Unlink | Self::Release => "unlink",
            Self::Lost => "lost",
            Self::Members => "members",
            Self::None => "none",
        }
    }
}

/// Writes down what happens to one job's object.
pub(super) struct Recorder<'a> {
    engine: &'a Engine,
    application: &'a Application,
    job: &'a Job,
    /// Those to whose accounts the object's values refer, and their accounts as they were read.
    referred: Mutex<Referred>,
    /// What was about to be done, where the job belongs to a run.
    digest: Mutex<Option<String>>,
    /// Fields that the app was just given, and about which nothing is left to decide.
    settled: Mutex<Vec<String>>,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(engine: &'a Engine, application: &'a Application, job: &'a Job) -> Self {
        let (referred, digest) = (Mutex::default(), Mutex::default());
        Self { engine, application, job, referred, digest, settled: Mutex::default() }
    }

    /// Notes what is about to be done, to tell what was planned from what changed since.
    pub(super) fn planned(&self, digest: String) {
        *self.digest.lock() = Some(digest);
    }

    /// Notes what the app was just given: what is recorded next settles it.
    pub(super) fn settles(&self, fields: Vec<String>) {
        *self.settled.lock() = fields;
    }

    /// Runs `work` in a transaction, if the job is still ours.
    pub(super) async fn fenced<T, F>(&self, work: F) -> Result<T, Stop>
    where
        T: Send + 'static,
        F: Fn(&mut Transaction<'_>) -> store::Result<T> + Send + 'static,
    {
        self.held(false, work).await
    }

    /// The same, while nothing else that concerns several objects of the organization happens:
    /// nothing is published, nobody else is linked, no app is changed.
    pub(super) async fn alone<T, F>(&self, work: F) -> Result<T, Stop>
    where
        T: Send + 'static,
        F: Fn(&mut Transaction<'_>) -> store::Result<T> + Send + 'static,
    {
        self.held(true, work).await
    }

    async fn held<T, F>(&self, is_alone: bool, work: F) -> Result<T, Stop>
    where
        T: Send + 'static,
        F: Fn(&mut Transaction<'_>) -> store::Result<T> + Send + 'static,
    {
        let job = self.job.clone();
        let app = self.application.row.id;
        let lease_us = self.engine.clock().now_us().saturating_add(micros(JOB_LEASE));
        let done = self
            .engine
            .store()
            .write(self.application.organization, move |transaction| {
                if is_alone {
                    transaction.lock_organization()?;
                }
                if !transaction.hold_job(app, &job, lease_us)? {
                    return Ok(None);
                }
                work(transaction).map(Some)
            })
            .await?;
        done.ok_or(Stop::Lost)
    }

    /// Runs `work` in the transaction that closes the job, if the job is still ours. A job of which
    /// nothing is left to do but this needs no other fence.
    async fn closing<F>(&self, work: F) -> Result<Closed, Stop>
    where
        F: Fn(&mut Transaction<'_>) -> store::Result<()> + Send + 'static,
    {
        let job = self.job.clone();
        let app = self.application.row.id;
        let digest = self.digest.lock().clone();
        let now_us = self.engine.clock().now_us();
        let closed = self
            .engine
            .store()
            .write(self.application.organization, move |transaction| {
                let closed = close(transaction, app, &job, digest.as_deref(), now_us)?;
                if closed != Closed::Lost {
                    work(transaction)?;
                }
                Ok(closed)
            })
            .await?;
        if closed == Closed::Lost { Err(Stop::Lost) } else { Ok(closed) }
    }

    /// A try, with what was sent since the one before it.
    pub(super) fn attempt(
        &self,
        action: Action,
        outcome: &'static str,
        fields: Vec<String>,
        detail: Option<String>,
        took_us: i64,
    ) -> AttemptRow {
        let at_us = self.engine.clock().now_us();
        let wire = http::taken();
        AttemptRow {
            id: AttemptId(id::new_uuid(at_us)),
            app: self.application.row.id,
            resource: self.job.resource,
            kind: self.job.kind.clone(),
            run: self.job.run,
            action: action.as_str().into(),
            outcome: outcome.into(),
            fields,
            detail,
            took_us: took_us.max(micros(wire.took())),
            at_us,
            cause: None,
            remedy: None,
            next_us: None,
            wire: (!wire.is_empty()).then(|| serde_json::to_value(&wire).unwrap_or_default()),
        }
    }

    /// A try that came to nothing: why, and when it is tried again, if it is.
    fn failed(
        &self,
        outcome: &'static str,
        cause: Cause,
        reason: &Reason,
        next_us: Option<i64>,
    ) -> AttemptRow {
        let fields = reason.field.clone().into_iter().collect();
        let detail = Some(reason.detail.clone());
        AttemptRow {
            cause: Some(cause.as_str().to_owned()),
            remedy: Some(reason.remedy.clone()),
            next_us,
            ..self.attempt(Action::None, outcome, fields, detail, 0)
        }
    }

    fn row(&self, kind: Kind, link: &Link) -> LinkRow {
        let state = match (link.state, &link.remote, link.active) {
            (Following::Lost, ..) => "lost",
            (Following::Released, ..) => "released",
            (Following::Kept, None, _) => "in_doubt",
            (Following::Kept, Some(_), true) => "linked",
            (Following::Kept, Some(_), false) => "deactivated",
        };
        LinkRow {
            app: self.application.row.id,
            resource: self.job.resource,
            kind: kind.as_str().into(),
            remote_id: link.remote.as_ref().map(|remote| remote.0.clone()),
            state: state.into(),
            origin: match link.origin {
                Origin::Created => "created".into(),
                Origin::Adopted => "adopted".into(),
            },
            record: link.record.0.clone().into_iter().collect(),
            pushed_us: self.engine.clock().now_us(),
            leaving_us: link.leaving_us,
            seen_us: None,
            drift: serde_json::Map::new(),
            mapping: Some(self.application.row.mapping),
        }
    }

    /// Notes that an object is about to be made: should the process die, it is known to be ours.
    pub(super) async fn intend(&self, kind: Kind, record: &Record) -> Result<Link, Stop> {
        let link = Link::in_doubt(record.clone());
        let row = self.row(kind, &link);
        self.fenced(move |transaction| transaction.put_link(&row)).await?;
        Ok(link)
    }

    /// Notes to whose accounts the object's values refer. Answers whether what was read of those
    /// accounts is still so.
    pub(super) async fn refer(&self, reading: &Reading) -> Result<bool, Stop> {
        let (app, resource) = (self.application.row.id, self.job.resource);
        let referred = Referred::of(reading);
        self.referred.lock().clone_from(&referred);
        if reading.noted == referred.targets {
            return Ok(true);
        }
        // An account of theirs is linked before this or after it, not beside it.
        self.alone(move |transaction| {
            transaction.put_references(app, resource, &referred.targets)?;
            referred.is_so(transaction, app)
        })
        .await
    }

    /// Notes that the app no longer has the object, and what becomes of the link.
    pub(super) async fn lost(
        &self,
        kind: Kind,
        link: &Link,
        watch: &Stopwatch,
    ) -> Result<(), Stop> {
        let row = self.row(kind, link);
        let attempt = self.attempt(Action::Lost, "done", Vec::new(), None, watch.elapsed_us());
        let now_us = self.engine.clock().now_us();
        self.alone(move |transaction| {
            transaction.mark_referrers(row.app, row.resource, now_us)?;
            transaction.forget_account(row.app, row.resource)?;
            transaction.remember_made(row.app, row.resource)?;
            transaction.put_link(&row)?;
            transaction.insert_attempt(&attempt)
        })
        .await
    }

    /// Makes sure that the job is still ours, for a while longer.
    pub(super) async fn hold(&self) -> Result<(), Stop> {
        self.fenced(|_| Ok(())).await
    }

    /// Notes what became of a link without anything having been sent.
    pub(super) async fn note(&self, kind: Kind, link: &Link) -> Result<(), Stop> {
        let row = self.row(kind, link);
        self.fenced(move |transaction| transaction.put_link(&row)).await
    }

    /// Notes that the app holds what the directory wants in fields that were to be put right.
    pub(super) async fn agree(
        &self,
        kind: Kind,
        link: &Link,
        fields: Vec<String>,
    ) -> Result<(), Stop> {
        let row = self.row(kind, link);
        self.fenced(move |transaction| {
            transaction.put_link(&row)?;
            settle(transaction, &row, &fields)
        })
        .await
    }

    /// Notes what the app holds now, and closes the job when nothing is left to do. Answers whether
    /// the job is closed.
    pub(super) async fn linked(
        &self,
        kind: Kind,
        link: &Link,
        (action, fields): (Action, Vec<String>),
        is_last: bool,
        watch: &Stopwatch,
    ) -> Result<bool, Stop> {
        let row = self.row(kind, link);
        let attempt = self.attempt(action, "done", fields, None, watch.elapsed_us());
        let job = self.job.clone();
        let new = matches!(action, Action::Create | Action::Adopt);
        let removal = action.removal();
        let settled = std::mem::take(&mut *self.settled.lock());
        if is_last && !new {
            self.closing(move |transaction| {
                transaction.put_link(&row)?;
                note_taken(transaction, &row, removal)?;
                settle(transaction, &row, &settled)?;
                transaction.insert_attempt(&attempt)
            })
            .await?;
            return Ok(true);
        }
        let groups = self.application.policy.groups;
        let counting = self.application.counting();
        let referred = self.referred.lock().clone();
        let digest = self.digest.lock().clone();
        let now_us = self.engine.clock().now_us();
        // Those who are linked at the same moment and refer to each other, as a group to its members
        // and people to their manager, must see each other.
        self.held(new, move |transaction| {
            if new {
                transaction.forget_remote_of_others(&row, now_us)?;
                transaction.take_stray(&row)?;
            }
            transaction.put_link(&row)?;
            note_taken(transaction, &row, removal)?;
            settle(transaction, &row, &settled)?;
            transaction.insert_attempt(&attempt)?;
            if new {
                // They went with a link that was lost, and nobody was told of accounts that came since.
                transaction.put_references(row.app, row.resource, &referred.targets)?;
                if !referred.is_so(transaction, row.app)? {
                    let due = [(row.resource, kind.as_str(), Priority::of(kind.as_str()))];
                    transaction.mark_due(row.app, &due, now_us)?;
                }
                if !planted!(Reference) {
                    transaction.mark_referrers(row.app, row.resource, now_us)?;
                }
            }
            if new && groups {
                for nesting in counting.ways(transaction)? {
                    if kind == Kind::Group {
                        transaction.compare_members(row.app, row.resource, nesting)?;
                    }
                    // Groups that wait for this member are due.
                    transaction.mark_groups_of(row.app, row.resource, nesting, now_us)?;
                }
            }
            if is_last {
                close(transaction, row.app, &job, digest.as_deref(), now_us)?;
            }
            Ok(is_last)
        })
        .await
    }

    /// Forgets the object; with an attempt where something was done or found out.
    pub(super) async fn unlink(
        &self,
        action: Option<Action>,
        watch: &Stopwatch,
    ) -> Result<(), Stop> {
        let (app, resource) = (self.application.row.id, self.job.resource);
        let attempt =
            action.map(|action| self.attempt(action, "done", Vec::new(), None, watch.elapsed_us()));
        let account_gone =
            matches!(action, None | Some(Action::Delete | Action::Lost | Action::Release));
        let now_us = self.engine.clock().now_us();
        self.held(action.is_some(), move |transaction| {
            if action.is_some() {
                transaction.mark_referrers(app, resource, now_us)?;
            }
            transaction.delete_link(app, resource, account_gone)?;
            if let Some(removal) = action.and_then(Action::removal) {
                transaction.note_taken(app, resource, removal, 1)?;
            }
            attempt.iter().try_for_each(|attempt| transaction.insert_attempt(attempt))
        })
        .await
    }

    /// Closes the job, unless the object changed meanwhile.
    pub(super) async fn close(&self) -> Result<Closed, Stop> {
        self.closing(|_| Ok(())).await
    }

    /// Parks the job until the object changes or a person retries; with how much it would take away,
    /// where that is held.
    pub(super) async fn park(&self, parked: &Parked, held: Option<Held>) -> Result<(), Stop> {
        let job = self.job.clone();
        let app = self.application.row.id;
        let now_us = self.engine.clock().now_us();
        let attempt = self.failed("parked", parked.cause, &parked.reason, None);
        let reason = serde_json::to_string(parked).unwrap_or_default();
        let cause = parked.cause.as_str();
        self.fenced(move |transaction| {
            let parked = transaction.park_job(app, &job, &reason)?;
            transaction.insert_attempt(&attempt)?;
            if let Some(held) = held {
                transaction.note_held(app, job.resource, held.removal, held.count)?;
            }
            if parked {
                let notice = Notice {
                    resource: job.resource,
                    kind: job.kind.clone(),
                    cause: cause.to_owned(),
                };
                transaction.tell_parked(app, &notice, now_us)?;
                advance(transaction, &job, false, None, now_us)?;
            }
            Ok(())
        })
        .await
    }

    /// Lets the job wait until then: nothing is to be done before, by the policy that is in force.
    pub(super) async fn wait(&self, until_us: i64) -> Result<(), Stop> {
        let job = self.job.clone();
        let (app, revision) = (self.application.row.id, self.application.row.revision);
        let now_us = self.engine.clock().now_us();
        let digest = self.digest.lock().clone();
        // Another policy is saved before this or after it: then it wakes the job.
        let is_so = self.alone(move |transaction| {
            if transaction.app_revision(app)? != Some(revision) {
                return Ok(false);
            }
            if transaction.let_wait(app, &job, until_us)? {
                advance(transaction, &job, true, digest.as_deref(), now_us)?;
            }
            Ok(true)
        });
        if is_so.await? { Ok(()) } else { Err(Stop::Anew) }
    }

    /// Puts the job off.
    pub(super) async fn defer(
        &self,
        run_at_us: i64,
        attempts: u32,
        cause: Cause,
        reason: &Reason,
    ) -> Result<(), Stop> {
        let job = self.job.clone();
        let app = self.application.row.id;
        let text = reason.detail.clone();
        // Of several requests about a group the first may have taken effect before the app asked to wait.
        let is_group = job.kind == Kind::Group.as_str();
        let is_doubtful = match cause {
            Cause::Unavailable | Cause::InDoubt => true,
            Cause::Throttled => is_group,
            _ => false,
        };
        let attempt = self.failed("retry", cause, reason, Some(run_at_us));
        let now_us = self.engine.clock().now_us();
        self.fenced(move |transaction| {
            if is_doubtful {
                transaction.doubt_job(app, &job)?;
            }
            transaction.defer_job(app, &job, run_at_us, attempts, Some(&text))?;
            // It is tried on and on; the run, and those that wait for it, need not wait. An app that
            // asks to wait makes nobody fail.
            let fails_on = attempts > job.attempts && attempts >= PATIENCE_OF_RUNS;
            if fails_on && transaction.leave_run(app, &job)? {
                advance(transaction, &job, false, None, now_us)?;
            }
            transaction.insert_attempt(&attempt)
        })
        .await
    }

    /// Puts the job back without a word; `in_doubt` when something may have been sent of which nothing
    /// is written down.
    pub(super) async fn give_back(
        &self,
        run_at_us: i64,
        attempts: u32,
        in_doubt: bool,
    ) -> Result<(), Stop> {
        let job = self.job.clone();
        let app = self.application.row.id;
        self.fenced(move |transaction| {
            if in_doubt {
                transaction.doubt_job(app, &job)?;
            }
            transaction.defer_job(app, &job, run_at_us, attempts, None)
        })
        .await
    }

    /// Pauses the app and keeps the job.
    pub(super) async fn pause(
        &self,
        by: &'static str,
        cause: Cause,
        reason: &Reason,
    ) -> Result<(), Stop> {
        let job = self.job.clone();
        let app = self.application.row.id;
        let now_us = self.engine.clock().now_us();
        let sentence = format!("{} {}", reason.detail, reason.remedy);
        let revision = self.application.row.revision;
        let attempt = self.failed("retry", cause, reason, None);
        self.alone(move |transaction| {
            if planted!(Paused) {
                transaction.close_job(app, &job, now_us)?;
            }
            transaction.defer_job(app, &job, now_us, job.attempts, None)?;
            transaction.insert_attempt(&attempt)?;
            let pause = Pause::new(by, sentence.as_str());
            transaction.pause_app(app, Some(revision), Some(&pause), now_us)
        })
        .await
    }
}
