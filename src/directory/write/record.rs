//! What every write does beside its own: the version, the changes, and the names of groups.

use super::within::Behalf;
use crate::directory::membership::Moved;
use crate::directory::not_found;
use crate::id::{ChangeId, ResourceId, new_uuid};
use crate::scim::dialect::{Dialect, Leniency};
use crate::scim::error::Fault;
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
    transaction.resource_for_update(&kind.name, id)?.ok_or_else(|| not_found(kind, &id.to_string()))
}

impl Behalf {
    /// Writes what differs, and the change that says so. Answers the resource as it is now, and
    /// whether anything differed.
    pub(super) fn save(
        &self,
        transaction: &mut Transaction<'_>,
        kind: &ResourceType,
        before: Stored,
        attributes: &Map<String, Value>,
        moved: Moved,
        now_us: i64,
    ) -> Result<(Stored, bool)> {
        let (after, op) = if *attributes != before.attributes {
            let old = Some(&before.attributes);
            let dialect = self.caller.dialect;
            if self.caller.self_service {
                check_self_service(&before.attributes, attributes)?;
            }
            check_name(transaction, kind, before.id, old, attributes, dialect)?;
            let after = transaction.update_resource(kind, &before, attributes, now_us)?;
            (after, ChangeOp::Update)
        } else if !moved.is_empty() {
            (transaction.touch_resource(&before, now_us)?, ChangeOp::Members)
        } else {
            return Ok((before, false));
        };
        self.record(transaction, &after, op, moved, now_us)?;
        Ok((after, true))
    }

    /// Records a change. When more people moved than one change lists, further ones follow it, so
    /// that whoever follows the changes learns of each of them.
    pub(super) fn record(
        &self,
        transaction: &mut Transaction<'_>,
        stored: &Stored,
        op: ChangeOp,
        moved: Moved,
        now_us: i64,
    ) -> Result<()> {
        let mut parts = moved.parts();
        if parts.is_empty() {
            parts.push(<_>::default());
        }
        let (mut op, mut at_us) = (op, now_us);
        for (at, (joined, left)) in parts.into_iter().enumerate() {
            if at > 0 {
                (op, at_us) = (ChangeOp::Members, self.instant(now_us));
            }
            let change = NewChange {
                resource: stored.id,
                kind: stored.kind.clone(),
                op,
                version: stored.version,
                actor: self.caller.actor.clone(),
                joined,
                left,
            };
            transaction.record_change(ChangeId(new_uuid(at_us)), at_us, &change)?;
        }
        Ok(())
    }

    /// Takes a resource out of every group it is in directly, each with its version and change.
    pub(super) fn leave_groups(
        &self,
        transaction: &mut Transaction<'_>,
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
            let Some(before) = transaction.resource_for_update(&holder.name, group)? else {
                continue;
            };
            let mut moved = Moved::default();
            moved.leave(transaction.remove_members(group, &[id])?);
            if !moved.is_empty() {
                let at_us = self.instant(now_us.max(before.modified_us));
                let after = transaction.touch_resource(&before, at_us)?;
                self.record(transaction, &after, ChangeOp::Members, moved, at_us)?;
            }
        }
        Ok(())
    }
}

/// What people may change of themselves. The rest is for who employs them: it decides what they are
/// given in apps, and how providers recognise them.
const SELF_SERVICE: [&str; 12] = [
    "schemas",
    "name",
    "displayName",
    "nickName",
    "profileUrl",
    "preferredLanguage",
    "locale",
    "timezone",
    "phoneNumbers",
    "ims",
    "photos",
    "addresses",
];

/// Refuses a change of anything else, by name.
fn check_self_service(before: &Map<String, Value>, after: &Map<String, Value>) -> Result<()> {
    let changed = before.keys().chain(after.keys()).find(|name| {
        !SELF_SERVICE.contains(&name.as_str()) && before.get(*name) != after.get(*name)
    });
    match changed {
        None => Ok(()),
        Some(name) => {
            Err(store::Error::Refused(Fault::NotSelfService { name: name.clone() }.into()))
        }
    }
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
