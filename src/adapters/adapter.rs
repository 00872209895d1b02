//! The contract between the engine and an app.

use crate::mapping::field::Kind;
use crate::mapping::record::Record;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The app's own id of an account or group.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RemoteId(pub String);

/// What an app can do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "each is a thing the app can do or cannot")]
pub struct Capabilities {
    /// Whether accounts can be switched off and on.
    pub deactivate: bool,
    /// Whether accounts can be deleted.
    pub delete: bool,
    /// Whether it has groups.
    pub groups: bool,
    /// Whether its accounts can be listed.
    pub list: bool,
    /// Fields by which an account can be found.
    pub find_by: Vec<String>,
    /// Most members in one request.
    pub members_per_request: usize,
}

/// An account or group as the app shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Observed {
    /// The app's id.
    pub id: RemoteId,
    /// Values of the app's fields, where the app shows them.
    pub record: Record,
    /// Whether the account is switched on; none where the app does not say.
    pub active: Option<bool>,
}

/// By what an account is looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// App field.
    pub field: String,
    /// Its value.
    pub value: Value,
}

/// What differs between what the app last accepted and what it should hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Change {
    /// Fields to set.
    pub set: BTreeMap<String, Value>,
    /// Those of `set` that had no value before.
    pub added: BTreeSet<String>,
    /// Fields to empty.
    pub cleared: Vec<String>,
}

impl Change {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.cleared.is_empty()
    }
}

/// Who joins and who leaves a group, by the app's own ids.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MemberChange {
    /// These join.
    pub add: Vec<RemoteId>,
    /// These leave.
    pub remove: Vec<RemoteId>,
}

/// Who is in a group as far as Rollcall told the app, for adapters of apps that must be told everybody
/// to be told of one: what such an app shows may be a part, or nothing.
#[async_trait]
pub trait Told: Send + Sync {
    /// The app's ids of those of whom it was told before. Looks at the whole group.
    ///
    /// # Errors
    /// [`Failure::Again`] when they cannot be read.
    async fn members(&self) -> Result<Vec<RemoteId>, Failure>;
}

/// A page of accounts.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountPage {
    /// The accounts.
    pub accounts: Vec<Observed>,
    /// Where to go on; none on the last page.
    pub next: Option<String>,
    /// How many the app says there are in all, where it says so. A walk that found fewer was not shown
    /// everything.
    pub total: Option<u64>,
}

/// A request as it would go over the wire, secrets left out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WireRequest {
    /// HTTP method, or the adapter's verb.
    pub method: String,
    /// Address.
    pub url: String,
    /// Body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// One sentence, where the body cannot be known beforehand: what is sent instead, and of which
    /// the body shows only the part that is known. None: the body is sent as it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One step of a plan, for one object.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Look whether the account is there.
    Find(Key),
    /// Make it.
    Create(Record),
    /// Change it; the record is everything that it should then hold.
    Update(RemoteId, Change, Record),
    /// Switch it off.
    Deactivate(RemoteId),
    /// Switch it on again.
    Reactivate(RemoteId),
    /// Remove it.
    Delete(RemoteId),
    /// Change who is in it.
    Members(RemoteId, MemberChange),
}

/// What *Test connection* found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// One sentence.
    pub summary: String,
    /// What was learned, for people: `PATCH supported`.
    pub findings: Vec<String>,
}

/// Why the app refused an object, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// App field at fault, where the app says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// One sentence: what the app said. No tokens, no bodies.
    pub detail: String,
    /// One sentence: what to do.
    pub remedy: String,
}

/// A failure says what to do, not what went wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The app is away or stumbled: try again, after its own wish or by backoff. Nothing was done, or
    /// doing it twice does no harm.
    #[error("{detail}")]
    Again {
        /// What the app asked for.
        after: Option<Duration>,
        /// For people.
        detail: String,
    },
    /// Too many requests: the whole app waits. Not a failure of the object.
    #[error("the app asks to wait")]
    Throttled {
        /// How long.
        after: Option<Duration>,
    },
    /// The request was sent and no answer came: it may have had its effect. Look before acting again.
    #[error("no answer: {detail}")]
    InDoubt {
        /// For people.
        detail: String,
    },
    /// An object with such a key is there already.
    #[error("the app has such an object already: {detail}")]
    Conflict {
        /// For people.
        detail: String,
    },
    /// The object is not there any more.
    #[error("the app does not know the object")]
    Gone,
    /// The app refuses this object; others may go on.
    #[error("refused: {}", .0.detail)]
    Refused(Reason),
    /// The credential is refused: the whole app pauses.
    #[error("the app refuses the credential: {0}")]
    Unauthorized(String),
    /// The settings are wrong: the whole app pauses.
    #[error("{}", .0.detail)]
    Misconfigured(Reason),
    /// The app cannot do this at all.
    #[error("the app cannot do this: {0}")]
    Unsupported(String),
}

/// One configured app.
///
/// Idempotent where it can be: asking for what is so already succeeds. Methods never retry longer
/// than a blink; waiting is the engine's.
#[async_trait]
pub trait Adapter: Send + Sync {
    /// What the app can do; for `scim`, learned from ServiceProviderConfig and remembered.
    async fn capabilities(&self) -> Result<Capabilities, Failure>;
    /// Objects with that key; several are reported, never guessed.
    async fn find(&self, kind: Kind, key: &Key) -> Result<Vec<Observed>, Failure>;
    /// One object by the app's id; [`Failure::Gone`] when it is not there.
    async fn read(&self, kind: Kind, id: &RemoteId) -> Result<Observed, Failure>;
    /// Makes an object. `once` is the same for every try to make the same object.
    async fn create(&self, kind: Kind, record: &Record, once: &str) -> Result<Observed, Failure>;
    /// Changes fields. `whole` is everything Rollcall wants the object to hold, for apps that can
    /// only be told everything.
    async fn update(
        &self,
        kind: Kind,
        id: &RemoteId,
        change: &Change,
        whole: &Record,
    ) -> Result<(), Failure>;
    /// Switches an account off, or on again.
    async fn set_active(&self, kind: Kind, id: &RemoteId, active: bool) -> Result<(), Failure>;
    /// Removes an object. One that is gone already counts as removed.
    async fn delete(&self, kind: Kind, id: &RemoteId) -> Result<(), Failure>;
    /// Changes who is in a group; at most `members_per_request` names in all. Nobody leaves but those
    /// who are named, whatever the app shows; `told` is asked only where everybody must be named.
    async fn members(
        &self,
        group: &RemoteId,
        change: &MemberChange,
        told: &dyn Told,
    ) -> Result<(), Failure>;
    /// A page of objects.
    async fn list(&self, kind: Kind, from: Option<&str>) -> Result<AccountPage, Failure>;
    /// What would be sent for these steps, secrets left out. Sends nothing. Goes by what has been
    /// learned of the app; of an app of which nothing is known yet it assumes the standard. Exact,
    /// but for requests with a [`WireRequest::note`].
    async fn requests(&self, kind: Kind, steps: &[Step]) -> Result<Vec<WireRequest>, Failure>;
    /// *Test connection*.
    async fn check(&self) -> Result<Report, Failure>;
}
