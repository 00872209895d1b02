//! Changing fields and switching accounts: by PATCH where the server takes it, else by reading the
//! object, changing it and writing it back whole, so that attributes which are not mapped survive.

use super::Scim;
use super::patch::{Operations, active, computed, operations};
use super::record::overlay;
use crate::adapters::adapter::{Change, Failure, RemoteId};
use crate::adapters::http::{Answer, Call};
use crate::mapping::field::Kind;
use crate::mapping::record::Record;
use serde_json::{Map, Value};

impl Scim {
    /// Changes fields of an object.
    pub(super) async fn change(
        &self,
        kind: Kind,
        id: &RemoteId,
        change: &Change,
        whole: &Record,
    ) -> Result<(), Failure> {
        if self.by_put(kind).await? {
            return self.change_by_put(kind, id, change, whole).await;
        }
        let Operations { list, by_element } = operations(kind, change, whole)?;
        if by_element && self.quirks.no_element_paths.is_set() {
            return self.change_computed(kind, id, change, whole).await;
        }
        let answer = self.patch(kind, id, &list).await?;
        if answer.is_success() {
            return Ok(());
        }
        if self.refuses_patch(kind, id, &answer).await? {
            return self.change_by_put(kind, id, change, whole).await;
        }
        if by_element && is_about_paths(&answer) {
            self.change_computed(kind, id, change, whole).await?;
            if answer.scim_type() != Some("noTarget") {
                self.quirks.no_element_paths.set();
            }
            return Ok(());
        }
        Err(answer.failure())
    }

    /// The elements are not what was thought: looks, then replaces the attributes concerned as a
    /// whole.
    async fn change_computed(
        &self,
        kind: Kind,
        id: &RemoteId,
        change: &Change,
        whole: &Record,
    ) -> Result<(), Failure> {
        let current = self.current(kind, id).await?;
        let mut next = current.clone();
        overlay(kind, &mut next, &after(change, whole))?;
        let list = computed(kind, change, &current, &next)?;
        if list.is_empty() {
            return Ok(());
        }
        let answer = self.patch(kind, id, &list).await?;
        if self.refuses_patch(kind, id, &answer).await? {
            return self.change_by_put(kind, id, change, whole).await;
        }
        answer.success().map(|_| ())
    }

    async fn change_by_put(
        &self,
        kind: Kind,
        id: &RemoteId,
        change: &Change,
        whole: &Record,
    ) -> Result<(), Failure> {
        let mut resource = self.current(kind, id).await?;
        overlay(kind, &mut resource, &after(change, whole))?;
        self.put(kind, id, resource).await
    }

    /// Switches an account on or off.
    pub(super) async fn switch(&self, id: &RemoteId, on: bool) -> Result<(), Failure> {
        let kind = Kind::User;
        if !self.by_put(kind).await? {
            let answer = self.patch(kind, id, &active(on)).await?;
            if !self.refuses_patch(kind, id, &answer).await? {
                return answer.success().map(|_| ());
            }
        }
        let mut resource = self.current(kind, id).await?;
        resource.insert("active".into(), on.into());
        self.put(kind, id, resource).await
    }

    pub(super) async fn patch(
        &self,
        kind: Kind,
        id: &RemoteId,
        operations: &[Value],
    ) -> Result<Answer, Failure> {
        let answer = self.send(&self.calls.patch(kind, id, operations)?).await?;
        if answer.is_success() {
            self.quirks.patched.set();
        }
        Ok(answer)
    }

    /// Writes a whole object back, as it was read and then changed.
    pub(super) async fn put(
        &self,
        kind: Kind,
        id: &RemoteId,
        resource: Map<String, Value>,
    ) -> Result<(), Failure> {
        let call = self.calls.put(kind, id, Value::Object(writable(resource)))?;
        self.send(&call).await?.success().map(|_| ())
    }

    /// Whether the answer means that the server has no PATCH for such objects; remembers it.
    async fn refuses_patch(
        &self,
        kind: Kind,
        id: &RemoteId,
        answer: &Answer,
    ) -> Result<bool, Failure> {
        let refuses = match answer.status {
            405 | 501 => true,
            404 => self.is_unknown_patch(kind, id).await?,
            _ => false,
        };
        if refuses {
            self.quirks.put(kind).set();
        }
        Ok(refuses)
    }

    /// What [`Self::change`] sends, as far as it can be known without asking for the object.
    pub(super) async fn change_calls(
        &self,
        kind: Kind,
        id: &RemoteId,
        change: &Change,
        whole: &Record,
    ) -> Result<Vec<Call>, Failure> {
        if !self.by_put(kind).await? {
            let operations = operations(kind, change, whole)?.list;
            return Ok(vec![self.calls.patch(kind, id, &operations)?]);
        }
        let mut resource = Map::new();
        overlay(kind, &mut resource, &after(change, whole))?;
        self.put_calls(kind, id, resource)
    }

    /// What [`Self::switch`] sends.
    pub(super) async fn switch_calls(&self, id: &RemoteId, on: bool) -> Result<Vec<Call>, Failure> {
        if !self.by_put(Kind::User).await? {
            return Ok(vec![self.calls.patch(Kind::User, id, &active(on))?]);
        }
        let mut resource = Map::new();
        resource.insert("active".into(), on.into());
        self.put_calls(Kind::User, id, resource)
    }

    /// Reading an object, then writing it back with these attributes changed.
    pub(super) fn put_calls(
        &self,
        kind: Kind,
        id: &RemoteId,
        resource: Map<String, Value>,
    ) -> Result<Vec<Call>, Failure> {
        let put = self.calls.put(kind, id, Value::Object(resource))?;
        Ok(vec![self.calls.read(kind, id)?, put])
    }
}

/// Everything that is to hold, with null for what is emptied.
fn after(change: &Change, whole: &Record) -> Record {
    let mut fields = whole.0.clone();
    fields.extend(change.set.clone());
    fields.extend(change.cleared.iter().map(|name| (name.clone(), Value::Null)));
    Record(fields)
}

/// Without what only the server writes.
fn writable(mut resource: Map<String, Value>) -> Map<String, Value> {
    resource.retain(|name, _| !matches!(name.as_str(), "meta" | "groups"));
    resource
}

/// Whether a refusal may come from how elements are named, rather than from a value.
pub(super) fn is_about_paths(answer: &Answer) -> bool {
    let about_values = ["invalidValue", "mutability", "uniqueness", "tooMany", "sensitive"];
    answer.status == 400 && !answer.scim_type().is_some_and(|why| about_values.contains(&why))
}
