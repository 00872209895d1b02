//! Changing resources.

use super::answer::{self, Answer, View};
use super::membership::{self, Moved};
use super::{Caller, Precondition, Service, not_found};
use crate::id::{ChangeId, ResourceId, new_uuid};
use crate::scim::dialect::{Dialect, Leniency};
use crate::scim::filter::{Filter, Literal, Operator};
use crate::scim::list::Query;
use crate::scim::patch;
use crate::scim::path::AttributePath;
use crate::scim::resource;
use crate::scim::schema::ResourceType;
use crate::store::changes::{ChangeOp, NewChange};
use crate::store::resources::Stored;
use crate::store::{self, Result, Transaction};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Members that are read at a time when their group goes.
const PAGE: i64 = 10_000;

impl Service {
    /// Makes a resource.
    ///
    /// # Errors
    /// What [`resource::check`] refuses; [`crate::store::Error::Taken`], [`Error::Dangling`].
    pub async fn create(
        &self,
        caller: &Caller,
        kind: &Arc<ResourceType>,
        body: Value,
        view: View,
    ) -> Result<Answer> {
        let valid = resource::check(kind, body, caller.dialect)?;
        let members = membership::ids(valid.members.as_deref().unwrap_or_default())?;
        let now_us = self.clock.now_us();
        let id = ResourceId(new_uuid(now_us));
        let (registry, kind) = (Arc::clone(&self.registry), Arc::clone(kind));
        let behalf = caller.clone();
        self.write(caller, move |transaction| {
            check_name(transaction, &kind, id, None, &valid.attributes, behalf.dialect)?;
            let stored = transaction.insert_resource(&kind, id, &valid.attributes, now_us)?;
            let mut moved = Moved::default();
            if !members.is_empty() {
                moved.join(transaction.add_members(id, &members, now_us)?);
            }
            record(transaction, &behalf, &stored, ChangeOp::Create, moved, now_us)?;
            Ok((answer::one(transaction, &registry, &kind, &stored, &view)?, true))
        })
        .await
    }

    /// Replaces a resource (RFC 7644 §3.5.1): what the body leaves out is cleared, but for
    /// `active`, which is then true, and for the members of a group. A body without `members` says
    /// nothing of them and keeps them, as a rename must not empty a group; only the strict dialect
    /// clears them.
    ///
    /// # Errors
    /// As [`Service::create`]; a 404 for an id that names none, [`crate::store::Error::Stale`], and what
    /// [`resource::check_replacement`] refuses.
    pub async fn replace(
        &self,
        caller: &Caller,
        kind: &Arc<ResourceType>,
        id: ResourceId,
        body: Value,
        precondition: Precondition,
        view: View,
    ) -> Result<Answer> {
        // Whoever is switched off is not switched on by a body that does not speak of it.
        let says_active = body
            .as_object()
            .is_some_and(|body| body.keys().any(|key| key.eq_ignore_ascii_case("active")));
        let valid = resource::check(kind, body, caller.dialect)?;
        let cleared = kind.has_members() && caller.dialect == Dialect::Strict;
        let members = match &valid.members {
            Some(members) => Some(membership::ids(members)?),
            None => cleared.then(Vec::new),
        };
        let (registry, kind) = (Arc::clone(&self.registry), Arc::clone(kind));
        let (clock, behalf) = (self.clock.clone(), caller.clone());
        self.write(caller, move |transaction| {
            let before = locked(transaction, &kind, id)?;
            precondition.check_write(before.version)?;
            let mut valid = valid.clone();
            if let Some(active) = before.attributes.get("active").filter(|_| !says_active) {
                valid.attributes.insert("active".to_owned(), active.clone());
            }
            resource::check_replacement(&kind, &before.attributes, &valid)?;
            let now_us = clock.now_us().max(before.modified_us);
            let mut moved = Moved::default();
            if let Some(members) = &members {
                let (joined, left) = transaction.replace_members(id, members, now_us)?;
                moved.leave(left);
                moved.join(joined);
            }
            let (after, wrote) =
                save(transaction, &behalf, &kind, before, &valid.attributes, moved, now_us)?;
            Ok((answer::one(transaction, &registry, &kind, &after, &view)?, wrote))
        })
        .await
    }

    /// Changes a resource by a PATCH body (RFC 7644 §3.5.2). The members of a group are not loaded.
    ///
    /// # Errors
    /// A 404 for an id that names none, [`crate::store::Error::Stale`], [`Error::Taken`], [`Error::Dangling`],
    /// and what [`patch::parse`] and [`patch::apply`] refuse.
    pub async fn patch(
        &self,
        caller: &Caller,
        kind: &Arc<ResourceType>,
        id: ResourceId,
        body: &Value,
        precondition: Precondition,
        view: View,
    ) -> Result<Answer> {
        let operations = patch::parse(kind, body, caller.dialect)?;
        let (registry, kind) = (Arc::clone(&self.registry), Arc::clone(kind));
        let (clock, behalf) = (self.clock.clone(), caller.clone());
        self.write(caller, move |transaction| {
            let before = locked(transaction, &kind, id)?;
            precondition.check_write(before.version)?;
            let patched = patch::apply(&kind, &before.attributes, &operations, behalf.dialect)?;
            let now_us = clock.now_us().max(before.modified_us);
            let moved = membership::apply(transaction, id, &patched.members, now_us)?;
            let (after, wrote) =
                save(transaction, &behalf, &kind, before, &patched.attributes, moved, now_us)?;
            Ok((answer::one(transaction, &registry, &kind, &after, &view)?, wrote))
        })
        .await
    }

    /// Deletes a resource. It leaves its groups in the same transaction, each with a change of its
    /// own, so that what follows the groups follows this too; and so do the members of a group.
    ///
    /// # Errors
    /// A 404 for an id that names none, [`crate::store::Error::Stale`].
    pub async fn delete(
        &self,
        caller: &Caller,
        kind: &Arc<ResourceType>,
        id: ResourceId,
        precondition: Precondition,
    ) -> Result<()> {
        let (registry, kind) = (Arc::clone(&self.registry), Arc::clone(kind));
        let (clock, behalf) = (self.clock.clone(), caller.clone());
        self.write(caller, move |transaction| {
            let before = locked(transaction, &kind, id)?;
            precondition.check_write(before.version)?;
            let now_us = clock.now_us().max(before.modified_us);
            for holder in registry.resource_types.iter().filter(|kind| kind.has_members()) {
                leave_groups(transaction, &behalf, holder, id, now_us)?;
            }
            let mut at_us = now_us;
            if kind.has_members() {
                let mut moved = Moved::default();
                let mut after = None;
                loop {
                    let rows = transaction.members(id, after, PAGE)?;
                    after = rows.last().map(|row| row.id);
                    if after.is_none() {
                        break;
                    }
                    moved.leave(rows.into_iter().map(|row| row.id));
                }
                if !moved.is_empty() {
                    let op = ChangeOp::Members;
                    at_us = record(transaction, &behalf, &before, op, moved, now_us)?;
                }
            }
            transaction.delete_resource(id)?;
            let gone = Stored { version: before.version + 1, ..before };
            record(transaction, &behalf, &gone, ChangeOp::Delete, Moved::default(), at_us)?;
            Ok(((), true))
        })
        .await
    }

    /// Runs a transaction that also says whether it changed anything, and wakes the engine if so.
    async fn write<T, F>(&self, caller: &Caller, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Transaction<'_>) -> Result<(T, bool)> + Send + 'static,
    {
        let (answer, wrote) = self.store.write(caller.organization, work).await?;
        if wrote {
            self.wake.notify_one();
        }
        Ok(answer)
    }
}

fn locked(
    transaction: &mut Transaction<'_>,
    kind: &ResourceType,
    id: ResourceId,
) -> Result<Stored> {
    transaction.resource_for_update(&kind.name, id)?.ok_or_else(|| not_found(kind, id))
}

/// Writes what differs, and the change that says so. Answers the resource as it is now, and whether
/// anything differed.
fn save(
    transaction: &mut Transaction<'_>,
    caller: &Caller,
    kind: &ResourceType,
    before: Stored,
    attributes: &Map<String, Value>,
    moved: Moved,
    now_us: i64,
) -> Result<(Stored, bool)> {
    let (after, op) = if *attributes != before.attributes {
        let old = Some(&before.attributes);
        check_name(transaction, kind, before.id, old, attributes, caller.dialect)?;
        let after = transaction.update_resource(kind, &before, attributes, now_us)?;
        (after, ChangeOp::Update)
    } else if !moved.is_empty() {
        (transaction.touch_resource(&before, now_us)?, ChangeOp::Members)
    } else {
        return Ok((before, false));
    };
    record(transaction, caller, &after, op, moved, now_us)?;
    Ok((after, true))
}

/// Records a change. When more people moved than one change lists, further ones follow it, so that
/// whoever follows the changes learns of each of them. Answers when a change after these happens:
/// their ids are ordered by time, and the microseconds keep the order within a transaction.
fn record(
    transaction: &mut Transaction<'_>,
    caller: &Caller,
    stored: &Stored,
    op: ChangeOp,
    moved: Moved,
    now_us: i64,
) -> Result<i64> {
    let mut parts = moved.parts();
    if parts.is_empty() {
        parts.push(<_>::default());
    }
    let (mut op, mut at_us) = (op, now_us);
    for (joined, left) in parts {
        let change = NewChange {
            resource: stored.id,
            kind: stored.kind.clone(),
            op,
            version: stored.version,
            actor: caller.actor.clone(),
            joined,
            left,
        };
        transaction.record_change(ChangeId(new_uuid(at_us)), at_us, &change)?;
        (op, at_us) = (ChangeOp::Members, at_us + 1);
    }
    Ok(at_us)
}

/// Takes a resource out of every group it is in directly, each with its version and change.
fn leave_groups(
    transaction: &mut Transaction<'_>,
    caller: &Caller,
    holder: &ResourceType,
    id: ResourceId,
    now_us: i64,
) -> Result<()> {
    let memberships = transaction.groups_of(&[id])?.remove(&id).unwrap_or_default();
    let mut groups: Vec<ResourceId> =
        memberships.iter().filter(|one| !one.indirect).map(|one| one.group).collect();
    // Everyone locks groups in the same order.
    groups.sort_unstable();
    for group in groups {
        let Some(before) = transaction.resource_for_update(&holder.name, group)? else { continue };
        let mut moved = Moved::default();
        moved.leave(transaction.remove_members(group, &[id])?);
        if !moved.is_empty() {
            let at_us = now_us.max(before.modified_us);
            let after = transaction.touch_resource(&before, at_us)?;
            record(transaction, caller, &after, ChangeOp::Members, moved, now_us)?;
        }
    }
    Ok(())
}

/// Refuses a second group of a name to clients that count on it ([`Leniency::UniqueGroupName`]).
fn check_name(
    transaction: &mut Transaction<'_>,
    kind: &ResourceType,
    id: ResourceId,
    before: Option<&Map<String, Value>>,
    attributes: &Map<String, Value>,
    dialect: Dialect,
) -> Result<()> {
    const NAME: &str = "displayName";
    let name = attributes.get(NAME).and_then(Value::as_str);
    let Some(name) = name.filter(|_| dialect.forgives(Leniency::UniqueGroupName)) else {
        return Ok(());
    };
    let same = before.and_then(|before| before.get(NAME)).and_then(Value::as_str) == Some(name);
    if !kind.has_members() || same {
        return Ok(());
    }
    // Two who want the same name at once take turns, or neither would see the other.
    transaction.lock_organization()?;
    let path = AttributePath { schema: None, attribute: NAME.to_owned(), sub: None };
    let filter = Filter::Compare(path, Operator::Equal, Literal::String(name.to_owned()));
    let condition = filter.resolve(kind)?;
    let query = Query { condition, sort: None, start_index: 1, count: 2 };
    if transaction.list(kind, &query)?.resources.iter().any(|other| other.id != id) {
        return Err(store::Error::Taken(NAME));
    }
    Ok(())
}
