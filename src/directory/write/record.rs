//! What every write does beside its own: the version, the changes, and the names of groups.

use crate::directory::membership::Moved;
use crate::directory::{Caller, not_found};
use crate::id::{ChangeId, ResourceId, new_uuid};
use crate::scim::dialect::{Dialect, Leniency};
use crate::scim::filter::{Filter, Literal, Operator};
use crate::scim::list::Query;
use crate::scim::path::AttributePath;
use crate::scim::schema::ResourceType;
use crate::store::changes::{ChangeOp, NewChange};
use crate::store::resources::Stored;
use crate::store::{self, Result, Transaction};
use serde_json::{Map, Value};

pub(super) fn locked(
    transaction: &mut Transaction<'_>,
    kind: &ResourceType,
    id: ResourceId,
) -> Result<Stored> {
    transaction.resource_for_update(&kind.name, id)?.ok_or_else(|| not_found(kind, id))
}

/// Writes what differs, and the change that says so. Answers the resource as it is now, and whether
/// anything differed.
pub(super) fn save(
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
pub(super) fn record(
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
pub(super) fn leave_groups(
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
pub(super) fn check_name(
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
