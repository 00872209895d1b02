//! Who is in a group, as differences.
//!
//! Servers differ most in how members leave. The standard way is tried first. Where it is refused,
//! the group is read before anything else is tried and read again after it, because a server that
//! reads `remove` with the path `members` as *all of them* would empty the group.
//!
//! A server that must be told everybody is told those whom it shows and those of whom it was told before:
//! it may show a part of a large group, or nobody.

use super::change::is_about_paths;
use super::patch::{Removal, members};
use super::{Scim, noted, shown};
use crate::adapters::adapter::{Failure, MemberChange, RemoteId, Told, WireRequest};
use crate::adapters::http::Answer;
use crate::mapping::field::Kind;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

type Ids = BTreeSet<RemoteId>;

impl Scim {
    /// Changes who is in a group.
    pub(super) async fn change_members(
        &self,
        group: &RemoteId,
        change: &MemberChange,
        told: &dyn Told,
    ) -> Result<(), Failure> {
        if self.members_by_put().await? {
            return self.put_members(group, change, told).await;
        }
        let removal = self.quirks.removal();
        if removal == Removal::Whole && !change.remove.is_empty() {
            let (_, current) = self.group(group).await?;
            let everybody = with(current.unwrap_or_default(), told).await?;
            return self.replace_members(group, &after(everybody, change)).await;
        }
        let answer = self.patch(Kind::Group, group, &members(change, removal)).await?;
        match answer.status {
            404 if !self.is_unknown_patch(Kind::Group, group).await? => Err(Failure::Gone),
            404 | 405 => {
                self.quirks.put_members.set();
                self.put_members(group, change, told).await
            }
            400 | 409 | 501 => self.settle(group, change, &answer, told).await,
            _ => answer.success().map(|_| ()),
        }
    }

    async fn members_by_put(&self) -> Result<bool, Failure> {
        Ok(self.quirks.put_members.is_set() || self.discovered().await?.patch == Some(false))
    }

    /// The server refused: does what is left to do, in a way that it takes.
    async fn settle(
        &self,
        group: &RemoteId,
        change: &MemberChange,
        refusal: &Answer,
        told: &dyn Told,
    ) -> Result<(), Failure> {
        let current = match self.group(group).await?.1 {
            Some(current) => current,
            // Some leave out `members` when nobody is in, others always: only the former are
            // believed to have nobody to let go.
            None if refusal.scim_type() == Some("noTarget") => Ids::new(),
            None => return Err(refusal.failure()),
        };
        let rest = MemberChange {
            add: change.add.iter().filter(|id| !current.contains(*id)).cloned().collect(),
            remove: change.remove.iter().filter(|id| current.contains(*id)).cloned().collect(),
        };
        let expected = after(current, &rest);
        if !rest.add.is_empty() {
            if change.remove.is_empty() {
                return Err(refusal.failure());
            }
            let joining = MemberChange { add: rest.add, remove: Vec::new() };
            self.patch(Kind::Group, group, &members(&joining, Removal::Path)).await?.success()?;
        }
        if rest.remove.is_empty() {
            return Ok(());
        }
        let leaving = MemberChange { add: Vec::new(), remove: rest.remove };
        // One of them was gone already, and the server refused for its sake.
        if refusal.status != 501 {
            let answer = self.patch(Kind::Group, group, &members(&leaving, Removal::Path)).await?;
            if answer.is_success() {
                return Ok(());
            }
            if !is_about_paths(&answer) {
                return Err(answer.failure());
            }
        }
        let answer = self.patch(Kind::Group, group, &members(&leaving, Removal::Listed)).await?;
        if answer.is_success() && self.group(group).await?.1.as_ref() == Some(&expected) {
            self.quirks.learn_removal(Removal::Listed);
            return Ok(());
        }
        let everybody = with(expected, told).await?;
        self.replace_members(group, &after(everybody, change)).await?;
        self.quirks.learn_removal(Removal::Whole);
        Ok(())
    }

    async fn replace_members(&self, group: &RemoteId, ids: &Ids) -> Result<(), Failure> {
        let operation = json!({ "op": "replace", "path": "members", "value": values(ids) });
        self.patch(Kind::Group, group, &[operation]).await?.success().map(|_| ())
    }

    async fn put_members(
        &self,
        group: &RemoteId,
        change: &MemberChange,
        told: &dyn Told,
    ) -> Result<(), Failure> {
        let (mut resource, current) = self.group(group).await?;
        let current = current.unwrap_or_default();
        let next = after(with(current.clone(), told).await?, change);
        if next == current {
            return Ok(());
        }
        let mut elements: Vec<Value> =
            resource.get("members").and_then(Value::as_array).cloned().unwrap_or_default();
        elements.retain(|element| id(element).is_some_and(|id| next.contains(&id)));
        let joining = next.difference(&current).map(|id| json!({ "value": id.0 }));
        elements.extend(joining);
        resource.insert("members".into(), Value::Array(elements));
        self.put(Kind::Group, group, resource).await
    }

    /// The group, and who is in it; none where the server does not show it.
    async fn group(&self, group: &RemoteId) -> Result<(Map<String, Value>, Option<Ids>), Failure> {
        let resource = self.current(Kind::Group, group).await?;
        let ids = resource
            .get("members")
            .and_then(Value::as_array)
            .map(|members| members.iter().filter_map(id).collect());
        Ok((resource, ids))
    }

    /// What [`Self::change_members`] sends, as far as it can be known without asking the app.
    pub(super) fn member_requests(
        &self,
        group: &RemoteId,
        change: &MemberChange,
    ) -> Result<Vec<WireRequest>, Failure> {
        let removal = self.quirks.removal();
        let by_put = self.quirks.put_members.is_set() || self.denied_patch();
        let whole = removal == Removal::Whole && !change.remove.is_empty();
        if !by_put && !whole {
            let patch = self.calls.patch(Kind::Group, group, &members(change, removal))?;
            return Ok(vec![shown(&patch)]);
        }
        let joining = values(&change.add.iter().cloned().collect());
        let call = if by_put {
            self.calls.put(Kind::Group, group, json!({ "members": joining }))?
        } else {
            let operation = json!({ "op": "replace", "path": "members", "value": joining });
            self.calls.patch(Kind::Group, group, &[operation])?
        };
        let told = if by_put { "written back with" } else { "told all who stay and" };
        let mut note = format!("The group is read first and {told} these who join");
        if !change.remove.is_empty() {
            let leaving: Vec<&str> = change.remove.iter().map(|id| id.0.as_str()).collect();
            note = format!("{note}; out: {}", leaving.join(", "));
        }
        let read = self.calls.read(Kind::Group, group)?;
        Ok(vec![shown(&read), noted(&call, note + ".")])
    }
}

fn id(element: &Value) -> Option<RemoteId> {
    match element.get("value")? {
        Value::String(id) => Some(RemoteId(id.clone())),
        Value::Number(id) => Some(RemoteId(id.to_string())),
        _ => None,
    }
}

fn values(ids: &Ids) -> Value {
    ids.iter().map(|id| json!({ "value": id.0 })).collect()
}

/// Those whom the server shows, and those of whom it was told.
async fn with(mut current: Ids, told: &dyn Told) -> Result<Ids, Failure> {
    current.extend(told.members().await?);
    Ok(current)
}

fn after(mut current: Ids, change: &MemberChange) -> Ids {
    current.extend(change.add.iter().cloned());
    current.retain(|id| !change.remove.contains(id));
    current
}
