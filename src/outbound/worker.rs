//! One object, brought up to date: look at what is true now, ask [`plan::next`], do it, record it,
//! ask again.
//!
//! Every effect on the app is recorded in the transaction that follows it, and a creation is noted
//! before it is sent, so a process may die between any two lines and the next one goes on.

mod finding;
mod hold;
mod members;
mod record;
mod trouble;

use super::allowance::Held;
use super::application::Application;
use super::drift::ACTIVE;
use super::engine::{Engine, micros};
use super::plan::{self, Cause, Following, Link, Next, Origin, Parked, Situation};
use super::preview::rehearse;
use super::queue::Place;
use super::retry;
use super::situation::{self, Beside};
use super::trace::Trace;
use crate::adapters::adapter::{Failure, Reason};
use crate::adapters::http;
use crate::clock::Stopwatch;
use crate::id;
use crate::mapping::field::Kind;
use crate::store::apps::Pause;
use crate::store::jobs::{Closed, Job};
use crate::store::{self};
use parking_lot::Mutex;
use record::{Action, Recorder};
use std::time::Duration;

/// What one push says about the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// It answered.
    Fine,
    /// It was not asked anything.
    Nothing,
    /// It is away or stumbled.
    Stumbled {
        /// What it asked for.
        wish: Option<Duration>,
        /// What happened, in a sentence.
        why: String,
    },
    /// It asks to wait.
    Throttled {
        /// How long.
        wish: Option<Duration>,
    },
    /// It needs a person: the credential or a setting is refused.
    Paused,
    /// The job was no longer ours.
    Lost,
}

/// Why a push ended early.
#[derive(Debug)]
enum Stop {
    /// The app said no, in one of its ways.
    App(Failure),
    /// The store said no.
    Store(store::Error),
    /// Somebody else has the job now.
    Lost,
    /// Another object must be brought up to date first.
    Later,
    /// More would be taken away than the limits allow.
    Held(Held),
    /// The app was changed meanwhile: the object is looked at again as the app is now.
    Anew,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::App(failure)
    }
}

impl From<store::Error> for Stop {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

/// More actions than any object needs; a plan that wants more goes in a circle.
const MOST_ACTIONS: usize = 12;

/// Members of a group on which a plan's digest depends.
pub(super) const PLANNED_MEMBERS: usize = 1_000;

/// How often an object is read again because an account to which it refers came meanwhile.
const MOST_LOOKS: usize = 5;

/// How often a conflict with another object may pass by itself before a person is asked.
const PATIENT: u32 = 4;

/// Works on one job until the object is in sync, parked, or has to wait. The place at the app is
/// given up as soon as the app is asked nothing more.
pub(super) async fn work(
    engine: &Engine,
    application: &Application,
    job: Job,
    place: Option<Place>,
) -> Effect {
    http::recorded(push(engine, application, job, &Trace::default(), place)).await
}

/// The same, told step by step.
pub(super) async fn traced(
    engine: &Engine,
    application: &Application,
    job: Job,
    trace: &Trace,
) -> Effect {
    http::recorded(push(engine, application, job, trace, None)).await
}

async fn push(
    engine: &Engine,
    application: &Application,
    job: Job,
    trace: &Trace,
    place: Option<Place>,
) -> Effect {
    let recorder = Recorder::new(engine, application, &job);
    let place = Mutex::new(place);
    let push = Push { engine, application, recorder, job: &job, trace, place };
    let mut asked = false;
    let ended = push.run(&mut asked).await;
    match ended {
        Ok(()) if asked => Effect::Fine,
        Ok(()) => Effect::Nothing,
        Err(Stop::Lost) => Effect::Lost,
        Err(Stop::Later) if job.attempts < PATIENT => {
            push.give_back(job.attempts.saturating_add(1), false).await;
            Effect::Nothing
        }
        Err(Stop::Later) => {
            let (cause, reason) = trouble::tied();
            push.kept(push.defer(cause, &reason, None, 1).await, Effect::Nothing)
        }
        Err(Stop::Anew) => {
            push.give_back(0, false).await;
            if asked { Effect::Fine } else { Effect::Nothing }
        }
        Err(Stop::Store(store::Error::Taken(what))) => {
            // The app's object came to belong to another resource meanwhile.
            let detail = format!("another resource has this {what}");
            push.fail(Failure::Conflict { detail }).await
        }
        Err(Stop::Store(error)) => {
            tracing::warn!(
                error = %error, app.id = %application.row.id, resource.id = %job.resource,
                "a push could not be recorded; it runs again when its lease ends"
            );
            push.give_back(job.attempts.saturating_add(1), asked).await;
            Effect::Nothing
        }
        Err(Stop::App(failure)) => push.fail(failure).await,
        Err(Stop::Held(held)) => {
            let effect = if asked { Effect::Fine } else { Effect::Nothing };
            let parked = held.parked(&application.row.name);
            push.kept(push.parked(&parked, Some(held)).await, effect)
        }
    }
}

struct Push<'a> {
    engine: &'a Engine,
    application: &'a Application,
    recorder: Recorder<'a>,
    job: &'a Job,
    trace: &'a Trace,
    place: Mutex<Option<Place>>,
}

impl Push<'_> {
    async fn run(&self, asked: &mut bool) -> Result<(), Stop> {
        let Some(kind) = Kind::named(&self.job.kind) else {
            // A type that no app takes.
            return self.close().await;
        };
        if kind == Kind::Group && !self.application.policy.groups {
            return self.close().await;
        }
        let mut now = self.situation(kind).await?;
        if self.job.run.is_some() {
            self.recorder.planned(rehearse(now.clone()).digest());
        }
        now.can_deactivate = match &now.link {
            Some(_) => self.application.adapter.capabilities().await?.deactivate,
            None => true,
        };
        if self.job.in_doubt && !planted!(Doubt) {
            self.ascertain(&mut now, asked).await?;
        }
        let mut conflicts = 0;
        let mut is_fresh = false;
        let mut lost = 0;
        for _ in 0..MOST_ACTIONS {
            let next = plan::next(&now);
            self.permit(&next).await?;
            self.trace.decided(&now, &next);
            *asked |= matches!(
                next,
                Next::Look(_)
                    | Next::Create(_)
                    | Next::Update(..)
                    | Next::SetActive(..)
                    | Next::Delete(_)
            );
            match next {
                Next::Done(verdict) => {
                    self.agree(&mut now, verdict).await?;
                    if kind == Kind::Group
                        && verdict == plan::Verdict::InSync
                        && let Some(remote) = now.link.as_ref().and_then(|link| link.remote.clone())
                    {
                        match members::push(self, &remote, asked).await {
                            Err(Stop::App(Failure::Gone)) if lost == 0 => {
                                // Made anew, unless it is there and something else is missing.
                                lost += 1;
                                let group = self.application.adapter.read(kind, &remote).await;
                                if let Err(Failure::Gone) = group {
                                    self.lose(&mut now, &Stopwatch::start()).await?;
                                    continue;
                                }
                                return self.park(&trouble::unknown_member()).await;
                            }
                            pushed => pushed?,
                        }
                    }
                    return self.close().await;
                }
                Next::Park(parked) => return self.park(&parked).await,
                Next::Wait(until_us) => return self.recorder.wait(until_us).await,
                Next::Note(leaving_us) => {
                    if let Some(link) = &mut now.link {
                        link.leaving_us = leaving_us;
                        self.recorder.note(kind, link).await?;
                    }
                }
                Next::Look(_) if planted!(Unlooked) && now.link.is_some() => {
                    now.found = Some(Vec::new());
                }
                Next::Look(keys) => now.found = Some(self.look(&now, &keys).await?),
                Next::Create(record) => {
                    if now.link.is_none() {
                        now.link = Some(self.recorder.intend(kind, &record).await?);
                        is_fresh = true;
                    } else {
                        self.recorder.hold().await?;
                    }
                    let watch = Stopwatch::start();
                    let once = format!("{}:{}", self.application.row.id, self.job.resource);
                    match self.application.adapter.create(kind, &record, &once).await {
                        Ok(observed) => {
                            let active = observed.active.unwrap_or(true);
                            let link = Link::new(observed.id, active, Origin::Created, record);
                            let names = fields(&link);
                            now.link = Some(link);
                            if self.linked(&now, Action::Create, names, &watch).await? {
                                return Ok(());
                            }
                        }
                        Err(Failure::Conflict { .. }) if conflicts == 0 => {
                            // Made meanwhile, or the look was too narrow: look once more.
                            conflicts += 1;
                            now.found = None;
                            now.match_fields = self.application.conflict_fields(kind);
                            if let Some(link) = now.link.as_mut().filter(|_| is_fresh) {
                                // Nothing of ours was in doubt: what is there is somebody else's.
                                link.origin = Origin::Adopted;
                                self.recorder.note(kind, link).await?;
                            }
                        }
                        Err(failure) => {
                            if !matches!(failure, Failure::InDoubt { .. }) {
                                self.recorder.unlink(None, &watch).await?;
                            }
                            return Err(failure.into());
                        }
                    }
                }
                Next::Adopt(observed) => {
                    let watch = Stopwatch::start();
                    let origin = self.origin(&now, &observed.id).await?;
                    let active = observed.active.unwrap_or(true);
                    now.link = Some(Link::new(observed.id, active, origin, observed.record));
                    if self.linked(&now, Action::Adopt, Vec::new(), &watch).await? {
                        return Ok(());
                    }
                }
                Next::Update(remote, change, whole) => {
                    let watch = Stopwatch::start();
                    let done =
                        self.application.adapter.update(kind, &remote, &change, &whole).await;
                    if is_lost(&done, &mut lost) {
                        self.lose(&mut now, &watch).await?;
                        continue;
                    }
                    done?;
                    let names =
                        change.set.keys().chain(&change.cleared).cloned().collect::<Vec<_>>();
                    let mut settled = names.clone();
                    if let Some(link) = &mut now.link {
                        settled.extend(link.agreed(&now.desired.always));
                        link.accepted(whole);
                    }
                    self.recorder.settles(settled);
                    if self.linked(&now, Action::Update, names, &watch).await? {
                        return Ok(());
                    }
                }
                Next::SetActive(remote, active) => {
                    let watch = Stopwatch::start();
                    let done = self.application.adapter.set_active(kind, &remote, active).await;
                    if active {
                        if is_lost(&done, &mut lost) {
                            self.lose(&mut now, &watch).await?;
                            continue;
                        }
                    } else if matches!(done, Err(Failure::Gone)) {
                        // Nothing is left to switch off.
                        self.recorder.unlink(Some(Action::Lost), &watch).await?;
                        now.link = None;
                        continue;
                    }
                    done?;
                    let action = if active { Action::Reactivate } else { Action::Deactivate };
                    if let Some(link) = &mut now.link {
                        link.switched(active);
                    }
                    self.recorder.settles(vec![ACTIVE.to_owned()]);
                    if self.linked(&now, action, Vec::new(), &watch).await? {
                        return Ok(());
                    }
                }
                Next::Delete(remote) => {
                    let watch = Stopwatch::start();
                    match self.application.adapter.delete(kind, &remote).await {
                        Ok(()) | Err(Failure::Gone) => {}
                        Err(failure) => return Err(failure.into()),
                    }
                    self.recorder.unlink(Some(Action::Delete), &watch).await?;
                    now.link = None;
                }
                Next::Unlink => {
                    let released =
                        now.link.as_ref().is_some_and(|link| link.state == Following::Released);
                    let action = if released { Action::Release } else { Action::Unlink };
                    self.recorder.unlink(Some(action), &Stopwatch::start()).await?;
                    (now.link, now.found) = (None, None);
                }
            }
        }
        self.park(&Parked::new(
            Cause::Unstable,
            Reason {
                field: None,
                detail: "The app does not keep what it was told.".into(),
                remedy: "Look at the attempts of this object; the app may change values by itself."
                    .into(),
            },
        ))
        .await
    }

    /// What is true now, once those to whose accounts it refers are noted: from then on, an account
    /// of theirs that comes or goes makes this object due again.
    async fn situation(&self, kind: Kind) -> Result<Situation, Stop> {
        let terms = std::slice::from_ref(&self.application.terms);
        // What was planned of a group depends on its members.
        let members = if self.job.run.is_some() { PLANNED_MEMBERS } else { 0 };
        let beside = Beside { groups: false, members };
        for _ in 0..MOST_LOOKS {
            let reading = situation::read(
                self.engine,
                self.application,
                terms,
                kind,
                self.job.resource,
                beside,
            )
            .await?;
            let refers = self.application.mapping().has_references(kind);
            if !refers || self.recorder.refer(&reading).await? {
                self.trace.read(self.application, kind, &reading);
                return Ok(situation::judge(
                    self.application,
                    &self.application.terms,
                    kind,
                    &reading,
                    self.engine.clock().now_us(),
                ));
            }
        }
        Err(Stop::Later)
    }

    /// Records the link; the same transaction closes the job when a person's plan is done with it.
    async fn linked(
        &self,
        now: &Situation,
        action: Action,
        fields: Vec<String>,
        watch: &Stopwatch,
    ) -> Result<bool, Stop> {
        let Some(link) = &now.link else { return Ok(false) };
        let is_last = now.kind == Kind::User && matches!(plan::next(now), Next::Done(_));
        if is_last {
            self.leave_app();
        }
        self.recorder.linked(now.kind, link, (action, fields), is_last, watch).await
    }

    /// The app is asked nothing more about this object.
    fn leave_app(&self) {
        self.place.lock().take();
    }

    async fn close(&self) -> Result<(), Stop> {
        self.leave_app();
        match self.recorder.close().await? {
            Closed::Done | Closed::Again => Ok(()),
            Closed::Lost => Err(Stop::Lost),
        }
    }

    async fn park(&self, parked: &Parked) -> Result<(), Stop> {
        self.parked(parked, None).await
    }

    async fn parked(&self, parked: &Parked, held: Option<Held>) -> Result<(), Stop> {
        tracing::info!(
            app.id = %self.application.row.id, resource.id = %self.job.resource,
            field = parked.reason.field.as_deref().unwrap_or(""), cause = ?parked.cause,
            "an object is parked"
        );
        self.recorder.park(parked, held).await
    }

    /// Turns a failure into what happens to the job.
    async fn fail(&self, failure: Failure) -> Effect {
        if matches!(failure, Failure::Throttled { .. }) && self.application.throttle.is_stopped() {
            // It waited for its turn when this process came to its end.
            self.give_back(self.job.attempts, self.job.kind == Kind::Group.as_str()).await;
            return Effect::Nothing;
        }
        let (cause, reason) = trouble::told(&failure);
        let why = reason.detail.clone();
        let (kept, effect) = match failure {
            Failure::Again { after, .. } => {
                (self.defer(cause, &reason, after, 1).await, Effect::Stumbled { wish: after, why })
            }
            Failure::InDoubt { .. } => {
                (self.defer(cause, &reason, None, 1).await, Effect::Stumbled { wish: None, why })
            }
            Failure::Throttled { after } => {
                (self.defer(cause, &reason, after, 0).await, Effect::Throttled { wish: after })
            }
            Failure::Unauthorized(_) => {
                (self.pause(Pause::CREDENTIAL, cause, &reason).await, Effect::Paused)
            }
            Failure::Misconfigured(_) => {
                (self.pause(Pause::SETTINGS, cause, &reason).await, Effect::Paused)
            }
            // Two may be swapping names: the other one gets a moment to go first.
            Failure::Conflict { .. } if self.job.attempts < PATIENT => {
                (self.defer(cause, &reason, None, 1).await, Effect::Fine)
            }
            Failure::Conflict { detail } => {
                (self.park(&trouble::hidden_conflict(&detail)).await, Effect::Fine)
            }
            Failure::Refused(_) | Failure::Gone | Failure::Unsupported(_) => {
                (self.park(&Parked::new(cause, reason)).await, Effect::Fine)
            }
        };
        self.kept(kept, effect)
    }

    /// What a push says about the app, once it is recorded what became of the job.
    fn kept(&self, kept: Result<(), Stop>, effect: Effect) -> Effect {
        match kept {
            Ok(()) => effect,
            Err(Stop::Lost) => Effect::Lost,
            Err(stop) => {
                let app = self.application.row.id;
                tracing::warn!(
                    error = ?stop, app.id = %app, resource.id = %self.job.resource,
                    "a failed push could not be recorded; it runs again when its lease ends"
                );
                effect
            }
        }
    }

    async fn defer(
        &self,
        cause: Cause,
        reason: &Reason,
        wish: Option<Duration>,
        failures: u32,
    ) -> Result<(), Stop> {
        let attempts = self.job.attempts.saturating_add(failures);
        let wait = retry::object_wait(attempts.max(1), wish, id::below(1_001));
        let run_at_us = self.engine.clock().now_us().saturating_add(micros(wait));
        self.recorder.defer(run_at_us, attempts, cause, reason).await
    }

    async fn pause(&self, by: &'static str, cause: Cause, reason: &Reason) -> Result<(), Stop> {
        let Reason { detail, remedy, .. } = reason;
        tracing::warn!(
            app.id = %self.application.row.id, reason = %format_args!("{detail} {remedy}"),
            "the app is paused"
        );
        self.recorder.pause(by, cause, reason).await
    }

    /// Puts the job back for a moment, if the store lets us; at once when nothing has failed.
    async fn give_back(&self, attempts: u32, in_doubt: bool) {
        let wait = match attempts {
            0 => Duration::ZERO,
            failures => retry::object_wait(failures, None, id::below(1_001)),
        };
        let run_at_us = self.engine.clock().now_us().saturating_add(micros(wait));
        if self.recorder.give_back(run_at_us, attempts, in_doubt).await.is_err() {
            tracing::debug!(resource.id = %self.job.resource, "the job waits for its lease to end");
        }
    }
}

/// Whether the app no longer knows the object. The second time it contradicts itself, which is a
/// failure.
fn is_lost(done: &Result<(), Failure>, lost: &mut u32) -> bool {
    if !matches!(done, Err(Failure::Gone)) || *lost > 0 {
        return false;
    }
    *lost += 1;
    true
}

fn fields(link: &Link) -> Vec<String> {
    link.record.0.keys().cloned().collect()
}
