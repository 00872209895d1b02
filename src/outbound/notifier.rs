//! Delivering messages: every instance looks for what is due and claims it, one message at a time for
//! each receiver, so that one who is slow keeps nobody else waiting.
//!
//! At least once: a message of whoever died is sent again, with the same id.

use super::engine::{Engine, micros};
use super::plan::Cause;
use crate::adapters::http::{Http, Url};
use crate::clock::Stopwatch;
use crate::id::{self, AppId, DeliveryId, NotificationId, OrganizationId};
use crate::notification::digest::digest;
use crate::notification::event::{self, App, Kind, body};
use crate::notification::schedule::{self, Answer, Outcome, cause};
use crate::notification::signature::Secret;
use crate::store;
use crate::store::deliveries::{Claimed, Tried};
use crate::store::notifications::NotificationRow;
use crate::vault::{Place, Sealed};
use std::collections::HashSet;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How often it is looked what is due.
const TICK: Duration = Duration::from_millis(500);
/// How long a receiver has to answer.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How long a message is ours: nobody takes it before its receiver has answered or been given up.
const LEASE: Duration = Duration::from_mins(1);

/// Name of the signing secret.
pub const SECRET: &str = "secret";

/// Owner of a notification's secret.
pub fn owner(id: NotificationId) -> String {
    format!("notification:{id}")
}

type Key = (OrganizationId, NotificationId);

/// Delivers what is due until it is stopped; what is being sent then is finished.
pub(super) async fn keep(engine: Engine, stop: CancellationToken) {
    let http = match Http::new(TIMEOUT) {
        Ok(http) => http,
        Err(reason) => {
            tracing::error!(reason = %reason.detail, "nobody is notified of anything");
            return;
        }
    };
    let mut tasks: JoinSet<Key> = JoinSet::new();
    let mut under_way: HashSet<Key> = HashSet::new();
    loop {
        match engine.store().notifications_everywhere().await {
            Ok(all) => {
                for key in all {
                    if under_way.insert(key) {
                        let (engine, http, stop) = (engine.clone(), http.clone(), stop.clone());
                        tasks.spawn(async move {
                            if let Err(error) = drain(&engine, &http, key, &stop).await {
                                tracing::warn!(
                                    %error, notification.id = %key.1,
                                    "messages were not delivered; trying again"
                                );
                            }
                            key
                        });
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "notifications could not be read; trying again"),
        }
        let tick = tokio::time::sleep(TICK);
        tokio::pin!(tick);
        loop {
            tokio::select! {
                () = &mut tick => break,
                Some(ended) = tasks.join_next() => {
                    if let Ok(key) = ended {
                        under_way.remove(&key);
                    } else {
                        // One that panicked does not say whose it was: look at all of them anew.
                        tasks.shutdown().await;
                        under_way.clear();
                    }
                }
                () = stop.cancelled() => {
                    while tasks.join_next().await.is_some() {}
                    return;
                }
            }
        }
    }
}

/// Sends what is due to one receiver, until nothing is, it fails, or everything is stopped.
async fn drain(
    engine: &Engine,
    http: &Http,
    (organization, to): Key,
    stop: &CancellationToken,
) -> store::Result<()> {
    let store = engine.store();
    while !stop.is_cancelled() {
        let now_us = engine.clock().now_us();
        let due =
            store.glance(organization, move |reader| reader.has_due_deliveries(to, now_us)).await?;
        if !due {
            return Ok(());
        }
        let lease_us = now_us.saturating_add(micros(LEASE));
        let claimed = store
            .write(organization, move |transaction| {
                while let Some(app) = transaction.due_notices(to, now_us)? {
                    tell_parked(transaction, to, app, now_us)?;
                }
                transaction.claim_delivery(to, now_us, lease_us)
            })
            .await?;
        let Some(claimed) = claimed else { return Ok(()) };
        if !deliver(engine, http, (organization, to), claimed).await? {
            return Ok(());
        }
    }
    Ok(())
}

/// Puts the parked objects of an app in one message.
fn tell_parked(
    transaction: &mut store::Transaction<'_>,
    to: NotificationId,
    app: AppId,
    now_us: i64,
) -> store::Result<()> {
    let notices = transaction.take_notices(to, app, now_us)?;
    // With an app that is gone went what was parked of it.
    let Some(row) = transaction.app(app)?.filter(|_| !notices.is_empty()) else { return Ok(()) };
    let sentence =
        |cause: &str| serde_json::from_value::<Cause>(cause.into()).unwrap_or_default().sentence();
    let event = digest(App { id: app, name: &row.name }, &notices, sentence);
    transaction.insert_delivery(to, &event, now_us)
}

/// Sends one message; answers whether it arrived.
async fn deliver(
    engine: &Engine,
    http: &Http,
    (organization, to): Key,
    claimed: Claimed,
) -> store::Result<bool> {
    let store = engine.store();
    let row = store.read(organization, move |reader| reader.notification(to)).await?;
    let Some(row) = row.filter(|row| row.enabled) else { return Ok(false) };
    let answer = send(engine, http, organization, &row, claimed.id, &claimed.body).await?;
    let outcome = schedule::outcome(&answer, claimed.attempts, id::below(1_001));
    let now_us = engine.clock().now_us();
    let again_us = match outcome {
        Outcome::Again(wait) => Some(now_us.saturating_add(micros(wait))),
        _ => None,
    };
    let why = cause(&answer);
    if let Some(why) = &why {
        tracing::info!(
            notification.id = %to, delivery.id = %claimed.id, attempts = claimed.attempts,
            "a message did not arrive: {why}"
        );
    }
    let tried = Tried { status: status(&answer), error: why.clone(), again_us };
    let is_gone = outcome == Outcome::Gone;
    store
        .write(organization, move |transaction| {
            transaction.end_delivery(to, &claimed, &tried, now_us)?;
            if is_gone {
                let sentence = tried.error.as_deref().unwrap_or_default();
                transaction.disable_notification(to, sentence, now_us)?;
            }
            Ok(())
        })
        .await?;
    Ok(why.is_none())
}

const fn status(answer: &Answer) -> Option<u16> {
    match answer {
        Answer::Status(status, _) => Some(*status),
        Answer::None(_) => None,
    }
}

/// Signs a message and sends it once.
async fn send(
    engine: &Engine,
    http: &Http,
    organization: OrganizationId,
    row: &NotificationRow,
    id: DeliveryId,
    text: &str,
) -> store::Result<Answer> {
    let secret = match secret(engine, organization, row.id).await? {
        Ok(secret) => secret,
        Err(sentence) => return Ok(Answer::None(sentence)),
    };
    let Ok(url) = Url::parse(&row.url) else {
        return Ok(Answer::None("The address cannot be used: give another one.".to_owned()));
    };
    let id = id.to_string();
    let seconds = engine.clock().now_us().div_euclid(1_000_000);
    let headers = [
        ("webhook-signature", secret.sign(&id, seconds, text)),
        ("webhook-id", id),
        ("webhook-timestamp", seconds.to_string()),
    ];
    Ok(match http.post(url, &headers, text.to_owned()).await {
        Ok(receipt) => Answer::Status(receipt.status, receipt.retry_after),
        Err(sentence) => Answer::None(sentence),
    })
}

/// What messages of a notification are signed with, or why it cannot be had.
async fn secret(
    engine: &Engine,
    organization: OrganizationId,
    id: NotificationId,
) -> store::Result<Result<Secret, String>> {
    let sealed = engine
        .store()
        .read(organization, move |reader| reader.secrets(&owner(id)))
        .await?
        .into_iter()
        .find(|secret| secret.name == SECRET);
    let again = "Give it again (PATCH with \"secret\").";
    let Some(row) = sealed else {
        return Ok(Err(format!("The signing secret is missing. {again}")));
    };
    let place = Place { organization: organization.0, owner: &owner(id), name: SECRET };
    let sealed = Sealed { key_id: row.key_id, bytes: row.sealed };
    Ok(match engine.workshop().vault.open(place, &sealed) {
        Ok(plain) => {
            Secret::read(&plain).ok_or_else(|| format!("The signing secret is no secret. {again}"))
        }
        Err(error) => Err(format!("The signing secret is {error}.")),
    })
}

/// What came of trying whether messages arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// The message's `webhook-id`.
    pub id: DeliveryId,
    /// HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// Why it did not arrive; none when it did.
    pub cause: Option<String>,
    /// How long the receiver took.
    pub took: Duration,
}

/// Sends a `notification.test` to a receiver, switched on or not, and waits for its answer. It is not
/// tried again, and is listed among the deliveries.
///
/// # Errors
/// The store's.
pub async fn test(
    engine: &Engine,
    organization: OrganizationId,
    row: NotificationRow,
) -> store::Result<Trial> {
    let now_us = engine.clock().now_us();
    let id = DeliveryId(id::new_uuid(now_us));
    let text = body(Kind::Test, now_us, &event::test(&row.name));
    let watch = Stopwatch::start();
    let answer = match Http::new(TIMEOUT) {
        Ok(http) => send(engine, &http, organization, &row, id, &text).await?,
        Err(reason) => Answer::None(format!("{} {}", reason.detail, reason.remedy)),
    };
    let trial = Trial { id, status: status(&answer), cause: cause(&answer), took: watch.elapsed() };
    let tried = Tried { status: trial.status, error: trial.cause.clone(), again_us: None };
    let now_us = engine.clock().now_us();
    engine
        .store()
        .write(organization, move |transaction| {
            let message = (id, Kind::Test.as_str(), text.as_str());
            transaction.insert_tried(row.id, message, &tried, now_us)
        })
        .await?;
    Ok(trial)
}
