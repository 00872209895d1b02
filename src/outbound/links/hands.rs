//! Carrying out what people decide about a link. Each function says what it does; given who
//! confirms, it does it.
//!
//! Somebody may work on the object meanwhile. Its end is waited for a little, so that what the app
//! was asked is recorded. After that, an object that is to be left alone is taken from whoever has it,
//! and what they record late is refused; anything else is refused instead, as what is on its way may
//! yet make the account for which the next one would look.

use super::actions::{self, Action};
use super::{Error, Subject};
use crate::adapters::adapter::{Failure, Observed, RemoteId};
use crate::clock::Stopwatch;
use crate::id::{AppId, ResourceId};
use crate::mapping::field::Kind;
use crate::outbound::application::Application;
use crate::outbound::engine::{Engine, micros};
use crate::outbound::plan::{self, Link, Next, Origin, Situation, Verdict};
use crate::store::jobs::Priority;
use crate::store::links::LinkRow;
use crate::store::{self, Transaction};
use std::time::Duration;

/// How long the end of somebody's work on the object is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long those who refer to an object that is looked for anew are left as they are: mostly the
/// same account is found again.
const MEANWHILE: Duration = Duration::from_secs(2);

/// What is done when somebody goes on working on the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disturbed {
    /// The job is taken from them.
    Wrest,
    /// Nothing.
    Refuse,
}

/// Runs `work` in a transaction once nobody works on the object.
async fn undisturbed<T, F>(
    engine: &Engine,
    application: &Application,
    id: ResourceId,
    disturbed: Disturbed,
    work: F,
) -> Result<T, Error>
where
    T: Send + 'static,
    F: Fn(&mut Transaction<'_>, i64) -> store::Result<T> + Clone + Send + 'static,
{
    let app = application.row.id;
    let watch = Stopwatch::start();
    loop {
        let is_patient = watch.elapsed() < PATIENCE;
        let waits = is_patient || disturbed == Disturbed::Refuse;
        let now_us = engine.clock().now_us();
        let work = work.clone();
        let done = engine
            .store()
            .write(application.organization, move |transaction| {
                if waits && transaction.is_at_work(app, id, now_us)? {
                    return Ok(None);
                }
                transaction.lock_organization()?;
                transaction.wrest_job(app, id, now_us)?;
                work(transaction, now_us).map(Some)
            })
            .await?;
        if let Some(done) = done {
            engine.nudge();
            return Ok(done);
        }
        if !is_patient {
            return Err(Error::Conflict(
                "it is being worked on, and the app takes its time: try again in a moment"
                    .to_owned(),
            ));
        }
        engine.clock().sleep(Duration::from_millis(20)).await;
    }
}

/// Makes groups due in which the app still has an account that left.
fn mark_left(
    transaction: &mut Transaction<'_>,
    app: AppId,
    member: ResourceId,
    groups: &[ResourceId],
    now_us: i64,
) -> store::Result<()> {
    for group in groups {
        transaction.mark_members(app, *group, &[member])?;
    }
    let due: Vec<_> = groups.iter().map(|group| (*group, "Group", Priority::Group)).collect();
    transaction.mark_due(app, &due, now_us)
}

/// Tries an object at once that waits or is parked.
///
/// # Errors
/// See [`Error`].
pub async fn retry(
    engine: &Engine,
    application: &Application,
    id: ResourceId,
    confirmed_by: Option<String>,
) -> Result<Action, Error> {
    let subject = Subject::read(engine, application, id).await?;
    if !application.row.enabled {
        return Err(Error::Conflict(
            "provisioning is off for this app, so nothing is tried: switch it on first".to_owned(),
        ));
    }
    let action = actions::retry(application, &subject).await;
    if let Some(actor) = confirmed_by {
        let (app, kind) = (application.row.id, subject.kind);
        let name = application.row.name.clone();
        let now_us = engine.clock().now_us();
        engine
            .store()
            .write(application.organization, move |transaction| {
                transaction.mark_due(
                    app,
                    &[(id, kind.as_str(), Priority::of(kind.as_str()))],
                    now_us,
                )?;
                let detail = id.to_string();
                transaction.record_audit(now_us, &actor, "link.retry", &name, Some(&detail))
            })
            .await?;
        engine.nudge();
    }
    Ok(action)
}

/// Leaves an object alone: nothing is sent, its account stays as it is, and it is not followed any
/// more. Of somebody who is gone, the account is forgotten.
///
/// # Errors
/// See [`Error`].
pub async fn unlink(
    engine: &Engine,
    application: &Application,
    id: ResourceId,
    confirmed_by: Option<String>,
) -> Result<Action, Error> {
    let subject = Subject::read(engine, application, id).await?;
    let action = actions::unlink(&subject);
    let Some(actor) = confirmed_by else { return Ok(action) };
    let (app, kind) = (application.row.id, subject.kind);
    let name = application.row.name.clone();
    undisturbed(engine, application, id, Disturbed::Wrest, move |transaction, now_us| {
        let link = transaction.link(app, id)?;
        let remote = link.as_ref().and_then(|link| link.remote_id.clone());
        if transaction.resource_any(id)?.is_some() {
            let fresh = LinkRow {
                app,
                resource: id,
                kind: kind.as_str().to_owned(),
                remote_id: None,
                state: String::new(),
                origin: "adopted".to_owned(),
                record: serde_json::Map::new(),
                pushed_us: now_us,
                leaving_us: None,
                seen_us: None,
                drift: serde_json::Map::new(),
                mapping: None,
            };
            let state = LinkRow::RELEASED.to_owned();
            let link = link.unwrap_or(fresh);
            transaction.put_link(&LinkRow { state, leaving_us: None, ..link })?;
        } else {
            // Whoever refers to the account is told of it no more, and its groups keep it.
            transaction.mark_referrers(app, id, now_us)?;
            transaction.delete_link(app, id, true)?;
        }
        let detail = format!("{id} {}", remote.unwrap_or_default());
        transaction.record_audit(now_us, &actor, "link.unlink", &name, Some(detail.trim()))
    })
    .await?;
    Ok(action)
}

/// Forgets what is known of an object's account, and has it looked for by the matching fields.
///
/// # Errors
/// See [`Error`].
pub async fn relink(
    engine: &Engine,
    application: &Application,
    id: ResourceId,
    confirmed_by: Option<String>,
) -> Result<Action, Error> {
    let subject = Subject::read(engine, application, id).await?;
    actions::whether_relink(&subject).map_err(Error::Conflict)?;
    let action = actions::relink(application, &subject).await;
    let Some(actor) = confirmed_by else { return Ok(action) };
    let (app, kind) = (application.row.id, subject.kind);
    let name = application.row.name.clone();
    let there =
        undisturbed(engine, application, id, Disturbed::Refuse, move |transaction, now_us| {
            if transaction.resource_any(id)?.is_none() {
                return Ok(false);
            }
            let remote = transaction.link(app, id)?.and_then(|link| link.remote_id);
            let left = transaction.forget_memberships(app, id)?;
            transaction.delete_link(app, id, false)?;
            if transaction.app(app)?.is_some_and(|row| row.enabled) {
                transaction.mark_due(
                    app,
                    &[(id, kind.as_str(), Priority::of(kind.as_str()))],
                    now_us,
                )?;
                mark_left(transaction, app, id, &left, now_us)?;
                if remote.is_some() {
                    let later = now_us.saturating_add(micros(MEANWHILE));
                    transaction.mark_referrers(app, id, later)?;
                }
            }
            let detail = format!("{id} {}", remote.unwrap_or_default());
            transaction.record_audit(now_us, &actor, "link.relink", &name, Some(detail.trim()))?;
            Ok(true)
        })
        .await?;
    if there {
        Ok(action)
    } else {
        Err(Error::Unknown(format!("no user or group has the id {id}")))
    }
}

/// Why an object of the app cannot be given to somebody.
enum Refused {
    /// Nobody is there to give it to.
    Gone,
    /// It belongs to another resource.
    Holder(ResourceId),
    /// Something is being done to it for somebody who is gone.
    Busy,
}

impl Refused {
    fn error(&self, id: ResourceId) -> Error {
        let field = "remoteId";
        match self {
            Self::Gone => Error::Unknown(format!("no user or group has the id {id}")),
            Self::Holder(other) => Error::Taken {
                field,
                detail: format!("it belongs to the resource {other}: unlink that one first"),
            },
            Self::Busy => Error::Taken {
                field,
                detail: "somebody who left had it, and it is being worked on: try again".to_owned(),
            },
        }
    }
}

/// Whether an object of the app may be given to a resource.
fn whether_free(
    reader: &mut store::Reader<'_>,
    (app, kind): (AppId, Kind),
    id: ResourceId,
    remote: &str,
    now_us: i64,
) -> store::Result<Option<Refused>> {
    if reader.resource(kind.as_str(), id)?.is_none() {
        return Ok(Some(Refused::Gone));
    }
    let holder = reader.link_to(app, kind.as_str(), remote)?;
    let Some(holder) = holder.filter(|link| link.resource != id && link.state != LinkRow::RELEASED)
    else {
        return Ok(None);
    };
    if reader.resource_any(holder.resource)?.is_some() {
        return Ok(Some(Refused::Holder(holder.resource)));
    }
    Ok(reader.is_at_work(app, holder.resource, now_us)?.then_some(Refused::Busy))
}

/// The app's object, and what would be done once it is linked.
async fn looked_at(
    engine: &Engine,
    application: &Application,
    subject: &Subject,
    remote: &RemoteId,
) -> Result<(Observed, Situation), Error> {
    let field = "remoteId";
    if subject.is_gone() {
        return Err(Error::Conflict(format!(
            "{} is gone from the directory: nothing would be kept equal",
            subject.called()
        )));
    }
    if subject.kind == Kind::Group && !application.has_groups() {
        return Err(Error::Conflict(
            "this app is not told of groups: set policy.groups first".to_owned(),
        ));
    }
    let (app, kind, id) = (application.row.id, subject.kind, subject.id);
    let (text, now_us) = (remote.0.clone(), engine.clock().now_us());
    let refused = engine
        .store()
        .read(application.organization, move |reader| {
            whether_free(reader, (app, kind), id, &text, now_us)
        })
        .await?;
    if let Some(refused) = refused {
        return Err(refused.error(id));
    }
    let observed = match application.adapter.read(kind, remote).await {
        Ok(observed) => observed,
        Err(Failure::Gone) => {
            return Err(Error::Wrong {
                field,
                detail: format!(
                    "the app has no such object: GET /api/v1/apps/{}/accounts?kind={} lists them",
                    application.row.name,
                    kind.as_str()
                ),
            });
        }
        Err(failure) => return Err(failure.into()),
    };
    let active = observed.active.unwrap_or(true);
    let link = Link::new(remote.clone(), active, Origin::Adopted, observed.record.clone());
    let now = Situation { link: Some(link), found: None, ..subject.now.clone() };
    if plan::next(&now) == Next::Done(Verdict::Protected) {
        return Err(Error::Taken {
            field,
            detail: "it is protected by the app's policy: take it out of policy.protected first"
                .to_owned(),
        });
    }
    Ok((observed, now))
}

/// Links an object of the app, by its id there, as one that was there before. Asks the app for it.
///
/// # Errors
/// See [`Error`].
pub async fn adopt(
    engine: &Engine,
    application: &Application,
    id: ResourceId,
    remote: RemoteId,
    confirmed_by: Option<String>,
) -> Result<Action, Error> {
    let subject = Subject::read(engine, application, id).await?;
    let (observed, now) = looked_at(engine, application, &subject, &remote).await?;
    let action = actions::link_to(application, &subject, now, &remote).await;
    let Some(actor) = confirmed_by else { return Ok(action) };
    let (app, kind) = (application.row.id, subject.kind);
    let (name, groups) = (application.row.name.clone(), application.has_groups());
    let counting = application.counting();
    let state = if observed.active == Some(false) { "deactivated" } else { "linked" };
    let seen_us = engine.clock().now_us();
    let row = LinkRow {
        app,
        resource: id,
        kind: kind.as_str().to_owned(),
        remote_id: Some(remote.0.clone()),
        state: state.to_owned(),
        origin: "adopted".to_owned(),
        record: observed.record.0.into_iter().collect(),
        pushed_us: seen_us,
        leaving_us: None,
        seen_us: None,
        drift: serde_json::Map::new(),
        mapping: None,
    };
    let refused =
        undisturbed(engine, application, id, Disturbed::Refuse, move |transaction, now_us| {
            if let Some(refused) = whether_free(transaction, (app, kind), id, &remote.0, now_us)? {
                return Ok(Some(refused));
            }
            let mut row = row.clone();
            if transaction.is_made(app, id, &remote.0)? {
                // What Rollcall made, and lost sight of, is its own again, whoever links it.
                "created".clone_into(&mut row.origin);
            }
            let before = transaction.link(app, id)?.and_then(|link| link.remote_id);
            let mut left = Vec::new();
            if before.as_ref() != Some(&remote.0) {
                left = transaction.forget_memberships(app, id)?;
                transaction.delete_link(app, id, false)?;
            }
            transaction.forget_remote_of_others(&row, now_us)?;
            transaction.replace_link(&row)?;
            if transaction.app(app)?.is_some_and(|row| row.enabled) {
                transaction.mark_due(
                    app,
                    &[(id, kind.as_str(), Priority::of(kind.as_str()))],
                    now_us,
                )?;
                transaction.mark_referrers(app, id, now_us)?;
                mark_left(transaction, app, id, &left, now_us)?;
                for nesting in if groups { counting.ways(transaction)? } else { Vec::new() } {
                    transaction.mark_groups_of(app, id, nesting, now_us)?;
                    if kind == Kind::Group {
                        transaction.compare_members(app, id, nesting)?;
                    }
                }
            }
            let detail = format!("{id} {}", remote.0);
            transaction.record_audit(now_us, &actor, "link.link", &name, Some(&detail))?;
            Ok(None)
        })
        .await?;
    match refused {
        Some(refused) => Err(refused.error(id)),
        None => Ok(action),
    }
}
