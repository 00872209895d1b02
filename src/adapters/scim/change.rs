//! Changing fields and switching accounts: by PATCH where the server takes it, else by reading the
//! object, changing it and writing it back whole, so that everything else in it stays as the app
//! has it.

use super::patch::{Operations, active, computed, operations};
use super::record::overlay;
use super::{Scim, noted, shown};
use crate::adapters::adapter::{Change, Failure, RemoteId, WireRequest};
use crate::adapters::http::Answer;
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
            return self.change_by_put(kind, id, change).await;
        }
        let Operations { list, by_element, by_reference } = operations(kind, change, whole)?;
        if by_element && self.quirks.no_element_paths.is_set() {
            return self.change_computed(kind, id, change).await;
        }
        let answer = self.patch(kind, id, &list).await?;
        if answer.is_success() {
            return Ok(());
        }
        if self.refuses_patch(kind, id, &answer).await? {
            return self.change_by_put(kind, id, change).await;
        }
        if (by_element || by_reference) && is_about_paths(&answer) {
            self.change_computed(kind, id, change).await?;
            if by_element && answer.scim_type() != Some("noTarget") {
                self.quirks.no_element_paths.set();
            }
            return Ok(());
        }
        Err(answer.failure())
    }

    /// The app does not hold what was thought: looks, then replaces the attributes concerned as a
    /// whole.
    async fn change_computed(
        &self,
        kind: Kind,
        id: &RemoteId,
        change: &Change,
    ) -> Result<(), Failure> {
        let current = self.current(kind, id).await?;
        let mut next = current.clone();
        overlay(kind, &mut next, &difference(change))?;
        let list = computed(kind, change, &current, &next)?;
        if list.is_empty() {
            return Ok(());
        }
        let answer = self.patch(kind, id, &list).await?;
        if self.refuses_patch(kind, id, &answer).await? {
            return self.change_by_put(kind, id, change).await;
        }
        answer.success().map(|_| ())
    }

    async fn change_by_put(
        &self,
        kind: Kind,
        id: &RemoteId,
        change: &Change,
    ) -> Result<(), Failure> {
        let mut resource = self.current(kind, id).await?;
        overlay(kind, &mut resource, &difference(change))?;
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

    /// What [`Self::change`] sends, as far as it can be known without asking the app.
    pub(super) fn change_requests(
        &self,
        kind: Kind,
        id: &RemoteId,
        change: &Change,
        whole: &Record,
    ) -> Result<Vec<WireRequest>, Failure> {
        if !self.is_put(kind) {
            let Operations { list, by_element, .. } = operations(kind, change, whole)?;
            let patch = self.calls.patch(kind, id, &list)?;
            if !by_element || !self.quirks.no_element_paths.is_set() {
                return Ok(vec![shown(&patch)]);
            }
            let note = "The object is read first; attributes of which one element changes are sent \
                        whole.";
            return Ok(vec![shown(&self.calls.read(kind, id)?), noted(&patch, note.into())]);
        }
        let mut resource = Map::new();
        overlay(kind, &mut resource, &difference(change))?;
        self.put_requests(kind, id, resource, &change.cleared)
    }

    /// What [`Self::switch`] sends, as far as it can be known without asking the app.
    pub(super) fn switch_requests(
        &self,
        id: &RemoteId,
        on: bool,
    ) -> Result<Vec<WireRequest>, Failure> {
        if !self.is_put(Kind::User) {
            return Ok(vec![shown(&self.calls.patch(Kind::User, id, &active(on))?)]);
        }
        let mut resource = Map::new();
        resource.insert("active".into(), on.into());
        self.put_requests(Kind::User, id, resource, &[])
    }

    /// Reading an object, then writing it back with these attributes changed and these fields
    /// emptied.
    fn put_requests(
        &self,
        kind: Kind,
        id: &RemoteId,
        resource: Map<String, Value>,
        emptied: &[String],
    ) -> Result<Vec<WireRequest>, Failure> {
        let read = self.calls.read(kind, id)?;
        let put = self.calls.put(kind, id, Value::Object(resource))?;
        let mut note =
            "The object is read first and written back with these fields changed".to_owned();
        if !emptied.is_empty() {
            note = format!("{note}; emptied: {}", emptied.join(", "));
        }
        Ok(vec![shown(&read), noted(&put, note + ".")])
    }

    /// Whether objects of the kind are changed by PUT, by what has been learned already.
    fn is_put(&self, kind: Kind) -> bool {
        self.quirks.put(kind).is_set() || self.denied_patch()
    }
}

/// What changes and nothing else, with null for what is emptied.
fn difference(change: &Change) -> Record {
    let mut fields = change.set.clone();
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
