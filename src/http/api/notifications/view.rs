//! What is taken and shown of notifications and their messages.

use crate::clock::rfc3339;
use crate::id::AppId;
use crate::outbound::notifier::Trial;
use crate::store::deliveries::DeliveryRow;
use crate::store::notifications::NotificationRow;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::HashMap;
use utoipa::ToSchema;

/// Type of an event.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the description names them")]
pub enum EventType {
    /// Nothing is sent to an app any more.
    #[serde(rename = "app.paused")]
    AppPaused,
    /// An app goes on.
    #[serde(rename = "app.resumed")]
    AppResumed,
    /// Objects of an app wait for a person.
    #[serde(rename = "object.parked")]
    ObjectParked,
    /// A run is over.
    #[serde(rename = "run.finished")]
    RunFinished,
    /// A run waits for approval.
    #[serde(rename = "run.held")]
    RunHeld,
}

/// Somebody new who is told of events.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewNotification {
    /// Unique name: letters, digits, `-`, `_` and `.`.
    #[schema(example = "on-call", min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")]
    pub(super) name: String,
    /// Where messages go: `https`, or `http` on this machine.
    #[schema(example = "https://hooks.example.com/rollcall", format = "uri", max_length = 2000)]
    pub(super) url: String,
    /// By which messages are signed: `whsec_` and the base64 of 24 to 64 bytes. One is made, and shown
    /// once, when it is left out.
    #[serde(default)]
    #[schema(pattern = "^whsec_[A-Za-z0-9+/]+={0,2}$")]
    pub(super) secret: Option<String>,
    /// Of what; everything, also what later versions add, when left out.
    #[serde(default)]
    #[schema(value_type = Option<Vec<EventType>>, min_items = 1)]
    pub(super) events: Option<Vec<String>>,
    /// Names or ids of the apps of which; all, also later ones, when left out.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 100)]
    pub(super) apps: Option<Vec<String>>,
    /// Whether anything is told.
    #[serde(default = "yes")]
    pub(super) enabled: bool,
}

const fn yes() -> bool {
    true
}

/// What changes of a notification; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(clippy::option_option, reason = "left out, null and a value are three things")]
pub struct NotificationChange {
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")]
    pub(super) name: Option<String>,
    #[schema(format = "uri", max_length = 2000)]
    pub(super) url: Option<String>,
    /// Null makes a new one, which is shown once.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>, pattern = "^whsec_[A-Za-z0-9+/]+={0,2}$")]
    pub(super) secret: Option<Option<String>>,
    /// Null means everything.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<Vec<EventType>>, min_items = 1)]
    pub(super) events: Option<Option<Vec<String>>>,
    /// Names or ids; null means all.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<Vec<String>>, min_items = 1, max_items = 100)]
    pub(super) apps: Option<Option<Vec<String>>>,
    /// `false` gives up what has not arrived.
    pub(super) enabled: Option<bool>,
}

/// Null is something said.
#[expect(clippy::option_option, reason = "left out, null and a value are three things")]
fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Somebody who is told of events.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationView {
    #[schema(format = "uuid")]
    id: String,
    name: String,
    url: String,
    /// Null means everything.
    #[schema(value_type = Option<Vec<EventType>>)]
    events: Option<Vec<String>>,
    /// Names of apps, ids of those that are gone; null means all.
    apps: Option<Vec<String>>,
    enabled: bool,
    /// Why it was switched off by itself; null otherwise.
    disabled: Option<String>,
    /// A secret that was made just now; null ever after.
    secret: Option<String>,
    #[schema(format = DateTime)]
    created: String,
    #[schema(format = DateTime)]
    last_modified: String,
}

impl NotificationView {
    pub(super) fn of(
        row: NotificationRow,
        names: &HashMap<AppId, String>,
        secret: Option<String>,
    ) -> Self {
        let name = |app: AppId| names.get(&app).cloned().unwrap_or_else(|| app.to_string());
        Self {
            id: row.id.to_string(),
            name: row.name,
            url: row.url,
            events: row.events,
            apps: row.apps.map(|apps| apps.into_iter().map(name).collect()),
            enabled: row.enabled,
            disabled: row.disabled,
            secret,
            created: rfc3339(row.created_us),
            last_modified: rfc3339(row.modified_us),
        }
    }
}

/// A message, and what became of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryView {
    /// The message's `webhook-id`.
    #[schema(format = "uuid")]
    id: String,
    /// Its `type`.
    event: String,
    /// Id of the app of which it tells; null for a test.
    #[schema(format = "uuid")]
    app: Option<String>,
    /// `waiting`, `sending`, `delivered` or `gaveUp`.
    state: String,
    /// When it happened.
    #[schema(format = DateTime)]
    at: String,
    /// How often it was tried.
    attempts: u32,
    /// HTTP status of the last answer; null when there was none.
    #[schema(format = Int32, minimum = 0, maximum = 999)]
    status: Option<u16>,
    /// Why the last try failed; null when it did not.
    cause: Option<String>,
    /// When it is tried next; null when it is over.
    #[schema(format = DateTime)]
    next: Option<String>,
    /// When it was delivered or given up.
    #[schema(format = DateTime)]
    ended: Option<String>,
}

impl DeliveryView {
    pub(super) fn of(row: DeliveryRow) -> Self {
        Self {
            id: row.id.to_string(),
            event: row.event,
            app: row.app.map(|app| app.to_string()),
            state: row.state,
            at: rfc3339(row.at_us),
            attempts: row.attempts,
            status: row.status,
            cause: row.error,
            next: row.due_us.map(rfc3339),
            ended: row.ended_us.map(rfc3339),
        }
    }
}

/// What came of trying whether messages arrive.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrialView {
    /// The message's `webhook-id`.
    #[schema(format = "uuid")]
    id: String,
    /// Whether the receiver answered with a status from 200 to 299.
    delivered: bool,
    /// HTTP status of the answer; null when there was none.
    #[schema(format = Int32, minimum = 0, maximum = 999)]
    status: Option<u16>,
    /// Why it did not arrive; null when it did.
    cause: Option<String>,
    /// How long the receiver took, in milliseconds.
    #[schema(format = Int64, minimum = 0)]
    took: u64,
}

impl TrialView {
    pub(super) fn of(trial: Trial) -> Self {
        Self {
            id: trial.id.to_string(),
            delivered: trial.cause.is_none(),
            status: trial.status,
            cause: trial.cause,
            took: u64::try_from(trial.took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}
