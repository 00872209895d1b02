//! *Provision now*: one object, worked on at once, and every step told.
//!
//! It is the worker's own work, on the object's own job, claimed out of turn: nothing is done twice,
//! and an app that is held is not sent to.

use super::application::Application;
use super::engine::{Engine, micros};
use super::plan::Parked;
use super::preview;
use super::queue::{JOB_LEASE, RENEWAL};
use super::trace::{Step, Trace};
use super::worker;
use crate::clock::{Stopwatch, rfc3339};
use crate::id::{AppId, OrganizationId, ResourceId};
use crate::mapping::field::Kind;
use crate::store::apps::{AppRow, Pause};
use crate::store::jobs::{Job, JobState, Priority};
use crate::store::{self, Transaction};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// There is no such person or group.
    #[error("{0}")]
    Unknown(String),
    /// The app is off or held: one sentence, with the remedy.
    #[error("{0}")]
    Held(String),
}

/// What came of it, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// The app holds what it should.
    Done,
    /// A person must look.
    Parked,
    /// It is tried again later.
    Retry,
    /// Nothing more is to be done before days of grace are over.
    Waiting,
    /// It changed meanwhile, or somebody took it over: it is looked at again.
    Again,
    /// The app is paused: its credential or a setting is refused.
    Paused,
    /// It is not at an end yet.
    Running,
}

/// What was done, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Provisioned {
    /// Whose.
    pub resource: ResourceId,
    /// `User` or `Group`.
    pub kind: &'static str,
    /// In one word.
    pub outcome: Outcome,
    /// In one sentence: what is so now, or why not, and when it is tried again.
    pub verdict: String,
    /// Step by step.
    pub steps: Vec<Step>,
    /// Further steps that are not told.
    pub omitted: u64,
}

/// Why nothing is sent to an app; none where it is.
pub fn held(row: &AppRow) -> Option<String> {
    let name = &row.name;
    if !row.enabled {
        return Some(format!(
            "Provisioning is off for this app: PUT /api/v1/apps/{name}/provisioning \
             {{\"enabled\": true}} switches it on."
        ));
    }
    let pause = row.paused.as_ref()?;
    let sentence = &pause.sentence;
    Some(match pause.by.as_str() {
        Pause::ADMIN => {
            format!("{sentence} PATCH /api/v1/apps/{name} {{\"paused\": false}} lets it go on.")
        }
        Pause::MAINTENANCE => format!(
            "{sentence} PATCH /api/v1/apps/{name} {{\"maintenance\": null}} ends it at once."
        ),
        _ => sentence.clone(),
    })
}

enum Claim {
    Ours(Kind, Job),
    Busy(Kind),
    Held(String),
    Unknown,
}

fn claim(
    transaction: &mut Transaction<'_>,
    row: &AppRow,
    id: ResourceId,
    now_us: i64,
) -> store::Result<Claim> {
    let app = row.id;
    // As it is now, and not as it was when the request came.
    let Some(row) = transaction.app(app)? else { return Ok(Claim::Unknown) };
    if let Some(sentence) = held(&row) {
        return Ok(Claim::Held(sentence));
    }
    let kind = match transaction.resource_any(id)? {
        Some(stored) => Some(stored.kind),
        None => transaction.link(app, id)?.map(|link| link.kind),
    };
    let Some(kind) = kind.as_deref().and_then(Kind::named) else { return Ok(Claim::Unknown) };
    if transaction.is_at_work(app, id, now_us)? {
        return Ok(Claim::Busy(kind));
    }
    mark(transaction, row.id, id, kind, now_us)?;
    let lease_us = now_us.saturating_add(micros(JOB_LEASE));
    let claimed = transaction.claim_job(app, id, now_us, lease_us)?;
    Ok(claimed.map_or(Claim::Busy(kind), |job| Claim::Ours(kind, job)))
}

fn mark(
    transaction: &mut Transaction<'_>,
    app: AppId,
    id: ResourceId,
    kind: Kind,
    now_us: i64,
) -> store::Result<()> {
    transaction.mark_due(app, &[(id, kind.as_str(), Priority::of(kind.as_str()))], now_us)
}

/// Works on one object at once, and answers what was done and what came of it, or after so long what
/// was done so far: then it goes on by itself.
///
/// # Errors
/// See [`Error`].
pub async fn now(
    engine: &Engine,
    application: &Arc<Application>,
    id: ResourceId,
    patience: Duration,
) -> Result<Provisioned, Error> {
    let watch = Stopwatch::start();
    let trace = Trace::kept(engine.clock().clone());
    let mut waited = false;
    let (kind, job) = loop {
        let now_us = engine.clock().now_us();
        let row = application.row.clone();
        let claimed = engine
            .store()
            .write(application.organization, move |transaction| {
                claim(transaction, &row, id, now_us)
            })
            .await?;
        match claimed {
            Claim::Ours(kind, job) => break (kind, job),
            Claim::Held(sentence) => return Err(Error::Held(sentence)),
            Claim::Unknown => {
                return Err(Error::Unknown(format!("no user or group has the id {id}")));
            }
            Claim::Busy(kind) => {
                if !waited {
                    trace.waits();
                    waited = true;
                }
                if watch.elapsed() >= patience {
                    // Whoever has it looks again afterwards.
                    let app = application.row.id;
                    engine
                        .store()
                        .write(application.organization, move |transaction| {
                            mark(transaction, app, id, kind, now_us)
                        })
                        .await?;
                    let verdict = "Another worker still has it: it is looked at again afterwards.";
                    return Ok(told(id, kind, &trace, Outcome::Running, verdict.to_owned()));
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let listening = trace.listening(application);
    let task = {
        let (engine, trace) = (engine.clone(), trace.clone());
        // Whoever asked may leave; what was begun is brought to its end.
        tokio::spawn(async move {
            let held = until_lost(&engine, listening.organization, listening.row.id, job.clone());
            tokio::select! {
                () = held => {}
                _ = worker::traced(&engine, &listening, job, &trace) => {}
            }
        })
    };
    let left = patience.saturating_sub(watch.elapsed());
    let ended = tokio::time::timeout(left, task).await.is_ok();
    engine.nudge();
    if !ended {
        let verdict = "It is not at an end yet, and goes on by itself.".to_owned();
        return Ok(told(id, kind, &trace, Outcome::Running, verdict));
    }
    let (outcome, verdict) = judged(engine, application, kind, id).await?;
    Ok(told(id, kind, &trace, outcome, verdict))
}

/// Renews the lease of a job, which may wait long for its turn at the app, until it is somebody
/// else's: whoever has it then looks at the app anew, and two at once would make an account twice.
async fn until_lost(engine: &Engine, organization: OrganizationId, app: AppId, job: Job) {
    loop {
        let clock = engine.clock();
        clock.until(clock.now_us().saturating_add(micros(RENEWAL))).await;
        let held = job.clone();
        let lease_us = clock.now_us().saturating_add(micros(JOB_LEASE));
        let renewed = engine
            .store()
            .write(organization, move |transaction| transaction.hold_job(app, &held, lease_us))
            .await;
        match renewed {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                tracing::warn!(error = %error, app.id = %app, "the lease of a job was not renewed");
            }
        }
    }
}

fn told(
    resource: ResourceId,
    kind: Kind,
    trace: &Trace,
    outcome: Outcome,
    verdict: String,
) -> Provisioned {
    let (steps, omitted) = trace.steps();
    Provisioned { resource, kind: kind.as_str(), outcome, verdict, steps, omitted }
}

/// What came of it, by what is recorded.
async fn judged(
    engine: &Engine,
    application: &Application,
    kind: Kind,
    id: ResourceId,
) -> Result<(Outcome, String), Error> {
    let app = application.row.id;
    let (row, job) = engine
        .store()
        .read(application.organization, move |reader| {
            let job = reader.job_states(app, Some(&[id]), None, 1)?.into_iter().next();
            Ok((reader.app(app)?, job))
        })
        .await?;
    let Some(job) = job else {
        if kind == Kind::Group && !application.has_groups() {
            let sentence = "This app is not told of groups: its policy says so.";
            return Ok((Outcome::Done, sentence.to_owned()));
        }
        let verdict = preview::verdict(engine, application, kind, id).await?;
        return Ok((Outcome::Done, verdict));
    };
    if let Some(sentence) = row.as_ref().and_then(held) {
        return Ok((Outcome::Paused, sentence));
    }
    Ok(pending(&job))
}

fn pending(job: &JobState) -> (Outcome, String) {
    let at = rfc3339(job.run_at_us);
    let error = job.error.as_deref();
    let parked = error.and_then(|text| serde_json::from_str::<Parked>(text).ok());
    match (job.state.as_str(), parked, error) {
        ("parked", Some(Parked { reason, .. }), _) => {
            (Outcome::Parked, format!("{} {}", reason.detail, reason.remedy))
        }
        ("waiting", ..) => (Outcome::Waiting, format!("Nothing more is done before {at}.")),
        // It would be parked, had it not changed meanwhile.
        (_, Some(Parked { reason, .. }), _) => (
            Outcome::Again,
            format!("It changed meanwhile, and is looked at again. {}", reason.detail),
        ),
        (_, None, Some(error)) => {
            let stop = if error.ends_with('.') { "" } else { "." };
            (Outcome::Retry, format!("{error}{stop} It is tried again at {at}."))
        }
        _ => (Outcome::Again, "It changed meanwhile, and is looked at again.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::id::{InstanceId, new_uuid};
    use crate::outbound::application::Workshop;
    use crate::outbound::engine::Parts;
    use crate::store::{Options, Store};
    use crate::vault::Vault;
    use serde_json::{Map, json};
    use tokio::sync::Notify;

    fn app() -> AppRow {
        AppRow {
            id: AppId(new_uuid(1)),
            name: "app".to_owned(),
            adapter: "sandbox".to_owned(),
            settings: Map::new(),
            scope: None,
            policy: json!({}),
            enabled: true,
            paused: None,
            mapping: 1,
            sample: None,
            revision: 1,
            reconciled_us: None,
            created_us: 0,
            modified_us: 0,
        }
    }

    /// What waited longer than a lease for its turn at the app was worked on twice.
    #[tokio::test]
    async fn who_waits_for_a_turn_keeps_the_job_until_somebody_else_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("r.db").display());
        let store = Store::open(&url, &Options::default(), true).unwrap();
        let organization = store.organization_named("default", 0).await.unwrap().id;
        let engine = Engine::new(Parts {
            workshop: Workshop { store, vault: Vault::ephemeral(), clock: Clock::held_at(0) },
            base_url: String::new(),
            wake: Arc::new(Notify::new()),
            instance: InstanceId(new_uuid(0)),
            concurrency: 1,
        });
        let (app, somebody, lease_us) = (app(), ResourceId(new_uuid(2)), micros(JOB_LEASE));
        let id = app.id;
        let claim = move |transaction: &mut Transaction<'_>| {
            transaction.insert_app(&app)?;
            mark(transaction, id, somebody, Kind::User, 0)?;
            transaction.claim_job(id, somebody, 0, lease_us)
        };
        let job = engine.store().write(organization, claim).await.unwrap().unwrap();
        let keeper = {
            let engine = engine.clone();
            tokio::spawn(async move { until_lost(&engine, organization, id, job).await })
        };
        let is_ours = async |at_us: i64| {
            let ask = move |transaction: &mut Transaction<'_>| {
                transaction.is_at_work(id, somebody, at_us)
            };
            engine.store().write(organization, ask).await.unwrap()
        };
        for renewals in 1..=3 {
            let renewed = async {
                while !is_ours(lease_us + i64::from(renewals) * micros(RENEWAL)).await {
                    engine.clock().advance(Duration::from_secs(1));
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(20), renewed).await.expect("it is lost");
        }
        let late_us = engine.clock().now_us() + 2 * lease_us;
        let steal = move |transaction: &mut Transaction<'_>| {
            transaction.claim_jobs(id, late_us, 1, late_us + lease_us, false)
        };
        assert_eq!(engine.store().write(organization, steal).await.unwrap().len(), 1);
        let ended = async {
            while !keeper.is_finished() {
                engine.clock().advance(Duration::from_secs(1));
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), ended).await.expect("it goes on");
    }

    #[test]
    fn what_is_pending_is_said_in_a_sentence() {
        let reason = r#"{"cause":"refused","detail":"No.","remedy":"Ask."}"#;
        let cases = [
            ("parked", Some(reason), Outcome::Parked, "No. Ask."),
            ("ready", Some(reason), Outcome::Again, "is looked at again. No."),
            ("running", None, Outcome::Again, "is looked at again."),
            ("waiting", None, Outcome::Waiting, "before 1970-01-01T00:00:00.000Z."),
            ("ready", Some("away"), Outcome::Retry, "away. It is tried again at 1970"),
        ];
        for (state, error, outcome, needle) in cases {
            let job = JobState {
                resource: ResourceId(new_uuid(1)),
                state: state.to_owned(),
                run_at_us: 0,
                attempts: 0,
                error: error.map(str::to_owned),
            };
            let (found, sentence) = pending(&job);
            assert_eq!(found, outcome, "{state}");
            assert!(sentence.contains(needle), "{sentence}");
        }
    }
}
