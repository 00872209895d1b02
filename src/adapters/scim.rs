//! Any SCIM 2.0 server as an app.
//!
//! What a server can do is learned twice: from its ServiceProviderConfig, and from what it answers.
//! Both are remembered as long as this object lives, so a deviation costs one request, once. No
//! fall-back guesses: before a request that could harm, the server is asked for what it has.

mod calls;
mod change;
mod discovery;
mod fields;
mod list;
mod members;
mod patch;
mod quirks;
mod record;

use super::adapter::{
    AccountPage, Adapter, Capabilities, Change, Failure, Key, MemberChange, Observed, Reason,
    RemoteId, Report, Step, Told, WireRequest,
};
use super::http::{Answer, Call, Http};
use super::throttle::Throttle;
use crate::mapping::field::Kind;
use crate::mapping::record::Record;
use async_trait::async_trait;
use calls::Calls;
use discovery::Discovered;
pub use fields::{default_mapping, schema};
use quirks::Quirks;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;

/// Most members in one request: the smallest limit known of a large service.
const MEMBERS_PER_REQUEST: usize = 100;

/// Fields by which users can be looked for.
pub const FIND_USERS: [&str; 4] =
    ["userName", "externalId", "displayName", "emails[type eq \"work\"].value"];
/// Fields by which groups can be looked for.
pub const FIND_GROUPS: [&str; 2] = ["displayName", "externalId"];

/// A SCIM server, with what has been learned of it.
#[derive(Debug)]
pub struct Scim {
    calls: Calls,
    token: SecretString,
    http: Http,
    discovered: OnceCell<Discovered>,
    quirks: Quirks,
}

/// Checks the address of a SCIM service without connecting.
///
/// # Errors
/// A reason naming the setting.
pub fn check_url(url: &str) -> Result<(), Reason> {
    Calls::new(url).map(|_| ())
}

impl Scim {
    /// An app at an address, with its bearer token. Sends nothing yet.
    ///
    /// # Errors
    /// A reason naming the setting that is wrong.
    pub fn new(url: &str, token: SecretString, timeout: Duration) -> Result<Self, Reason> {
        let visible = |letter: char| letter.is_ascii_graphic();
        let plain = token.expose_secret();
        if plain.is_empty() || !plain.chars().all(visible) {
            return Err(Reason {
                field: Some("token".into()),
                detail: "The token is empty, or holds spaces or letters that none can have.".into(),
                remedy: "Copy it again from the app, without \"Bearer\" before it.".into(),
            });
        }
        Ok(Self {
            calls: Calls::new(url)?,
            token,
            http: Http::new(timeout)?,
            discovered: OnceCell::new(),
            quirks: Quirks::default(),
        })
    }

    /// The same, sending no faster than the app is to be asked.
    #[must_use]
    pub fn paced(self, throttle: Arc<Throttle>) -> Self {
        Self { http: self.http.paced(throttle), ..self }
    }

    /// Sends a request and reads the answer, of any status.
    async fn send(&self, call: &Call) -> Result<Answer, Failure> {
        const SCIM: &str = "application/scim+json";
        const JSON: &str = "application/json";
        if self.quirks.plain_json.is_set() {
            return self.http.send(call, &self.token, JSON).await;
        }
        let answer = self.http.send(call, &self.token, SCIM).await?;
        if answer.status != 415 || call.body.is_none() {
            return Ok(answer);
        }
        // RFC 7644 §8.1 asks for the SCIM type; some know only JSON. Nothing was done yet.
        let answer = self.http.send(call, &self.token, JSON).await?;
        if answer.status != 415 {
            self.quirks.plain_json.set();
        }
        Ok(answer)
    }

    /// The object as the app holds it, whole.
    async fn current(
        &self,
        kind: Kind,
        id: &RemoteId,
    ) -> Result<serde_json::Map<String, Value>, Failure> {
        let answer = self.send(&self.calls.read(kind, id)?).await?.success()?;
        match answer.body {
            Some(Value::Object(resource)) => Ok(resource),
            _ => Err(self.no_scim("an object")),
        }
    }

    /// The address answers, but not as SCIM does.
    fn no_scim(&self, expected: &str) -> Failure {
        Failure::Misconfigured(Reason {
            field: Some("url".into()),
            detail: format!("{} did not answer with {expected} of SCIM.", self.calls.host()),
            remedy: "Check that the address is that of the app's SCIM service.".into(),
        })
    }
}

#[async_trait]
impl Adapter for Scim {
    async fn capabilities(&self) -> Result<Capabilities, Failure> {
        self.discovered().await?;
        Ok(Capabilities {
            deactivate: true,
            delete: true,
            groups: true,
            list: true,
            find_by: FIND_USERS.map(str::to_owned).into(),
            members_per_request: MEMBERS_PER_REQUEST,
        })
    }

    async fn find(&self, kind: Kind, key: &Key) -> Result<Vec<Observed>, Failure> {
        self.look(kind, key).await
    }

    async fn read(&self, kind: Kind, id: &RemoteId) -> Result<Observed, Failure> {
        let resource = self.current(kind, id).await?;
        // Asked for by id, an object without one is still that object.
        let mut observed = record::observed(kind, &Value::Object(resource.clone()))
            .or_else(|| {
                let mut named = resource;
                named.insert("id".into(), id.0.clone().into());
                record::observed(kind, &Value::Object(named))
            })
            .ok_or_else(|| self.no_scim("an object"))?;
        observed.id = id.clone();
        Ok(observed)
    }

    async fn create(&self, kind: Kind, record: &Record, _once: &str) -> Result<Observed, Failure> {
        let call = self.calls.create(kind, record::creation(kind, record)?);
        let answer = self.send(&call).await?;
        if matches!(answer.status, 404 | 405 | 501) {
            return Err(self.no_endpoint(kind));
        }
        let answer = answer.success()?;
        if let Some(observed) =
            answer.body.as_ref().and_then(|resource| record::observed(kind, resource))
        {
            return Ok(observed);
        }
        let id = discovery::id_of(&answer).ok_or_else(|| Failure::InDoubt {
            detail: "The app accepted the object and did not say which id it has.".into(),
        })?;
        Ok(Observed { id, record: record.clone(), active: (kind == Kind::User).then_some(true) })
    }

    async fn update(
        &self,
        kind: Kind,
        id: &RemoteId,
        change: &Change,
        whole: &Record,
    ) -> Result<(), Failure> {
        if change.is_empty() {
            return Ok(());
        }
        self.change(kind, id, change, whole).await
    }

    async fn set_active(&self, kind: Kind, id: &RemoteId, active: bool) -> Result<(), Failure> {
        if kind == Kind::Group {
            return Err(Failure::Unsupported("Groups of SCIM cannot be switched off.".into()));
        }
        self.switch(id, active).await
    }

    async fn delete(&self, kind: Kind, id: &RemoteId) -> Result<(), Failure> {
        let answer = self.send(&self.calls.delete(kind, id)?).await?;
        if matches!(answer.status, 404 | 410) {
            return Ok(());
        }
        answer.success().map(|_| ())
    }

    async fn members(
        &self,
        group: &RemoteId,
        change: &MemberChange,
        told: &dyn Told,
    ) -> Result<(), Failure> {
        if change.add.is_empty() && change.remove.is_empty() {
            return Ok(());
        }
        self.change_members(group, change, told).await
    }

    async fn list(&self, kind: Kind, from: Option<&str>) -> Result<AccountPage, Failure> {
        self.page_from(kind, from).await
    }

    async fn requests(&self, kind: Kind, steps: &[Step]) -> Result<Vec<WireRequest>, Failure> {
        let mut requests = Vec::new();
        for step in steps {
            match step {
                Step::Find(key) => {
                    let filter = Calls::filter(kind, key)?;
                    requests.push(shown(&self.calls.page(kind, Some(&filter), 1)));
                }
                Step::Create(record) => {
                    let resource = record::creation(kind, record)?;
                    requests.push(shown(&self.calls.create(kind, resource)));
                }
                Step::Update(id, change, whole) => {
                    requests.extend(self.change_requests(kind, id, change, whole)?);
                }
                Step::Deactivate(id) => requests.extend(self.switch_requests(id, false)?),
                Step::Reactivate(id) => requests.extend(self.switch_requests(id, true)?),
                Step::Delete(id) => requests.push(shown(&self.calls.delete(kind, id)?)),
                Step::Members(id, change) => requests.extend(self.member_requests(id, change)?),
            }
        }
        Ok(requests)
    }

    async fn check(&self) -> Result<Report, Failure> {
        self.examine().await
    }
}

/// As people read it: an id that is not known yet is shown as it was given.
fn shown(call: &Call) -> WireRequest {
    let mut wire = call.wire();
    wire.url = wire.url.replace("%7B", "{").replace("%7D", "}");
    wire
}

/// As people read it, where only part of the body is known before the app is asked.
fn noted(call: &Call, note: String) -> WireRequest {
    WireRequest { note: Some(note), ..shown(call) }
}

#[cfg(test)]
mod tests;
