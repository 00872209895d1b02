//! What the directory's service does in the database, without the service, which is another room:
//! rows and, in the same transaction, changes that follow each other by the microsecond.

use crate::clock::Clock;
use crate::id::{ChangeId, ResourceId, new_uuid};
use crate::scim::dialect::Dialect;
use crate::scim::resource::check;
use crate::scim::schema::{Registry, ResourceType};
use crate::store::changes::{ChangeOp, NewChange};
use crate::store::resources::Stored;
use crate::store::{Result, Transaction};
use serde_json::{Map, Value};
use std::cell::Cell;
use std::sync::Arc;

/// One transaction of the directory.
pub(super) struct Writes<'t, 'c> {
    transaction: &'t mut Transaction<'c>,
    registry: &'t Registry,
    now_us: i64,
    last_us: Cell<i64>,
}

#[derive(Default)]
struct Moved {
    joined: Vec<ResourceId>,
    left: Vec<ResourceId>,
}

fn attributes(kind: &ResourceType, body: &Value) -> Result<Map<String, Value>> {
    Ok(check(kind, body.clone(), Dialect::Standard)?.attributes)
}

impl<'t, 'c> Writes<'t, 'c> {
    pub(super) fn new(
        transaction: &'t mut Transaction<'c>,
        registry: &'t Registry,
        clock: &Clock,
    ) -> Self {
        Self { transaction, registry, now_us: clock.now_us(), last_us: Cell::new(0) }
    }

    fn kind(&self, name: &str) -> Arc<ResourceType> {
        Arc::clone(self.registry.named(name).unwrap())
    }

    fn instant(&self, not_before_us: i64) -> i64 {
        let at_us = self.now_us.max(not_before_us).max(self.last_us.get() + 1);
        self.last_us.set(at_us);
        at_us
    }

    fn record(&mut self, stored: &Stored, op: ChangeOp, moved: Moved, at_us: i64) -> Result<()> {
        let change = NewChange {
            resource: stored.id,
            kind: stored.kind.clone(),
            op,
            version: stored.version,
            actor: "client:test".into(),
            joined: moved.joined,
            left: moved.left,
        };
        self.transaction.record_change(ChangeId(new_uuid(at_us)), at_us, &change)
    }

    pub(super) fn create(
        &mut self,
        kind: &str,
        id: ResourceId,
        body: &Value,
        members: &[ResourceId],
    ) -> Result<()> {
        let kind = self.kind(kind);
        let at_us = self.instant(0);
        let stored =
            self.transaction.insert_resource(&kind, id, &attributes(&kind, body)?, at_us)?;
        let joined = self.transaction.add_members(id, members, at_us)?;
        self.record(&stored, ChangeOp::Create, Moved { joined, left: Vec::new() }, at_us)
    }

    pub(super) fn replace(&mut self, kind: &str, id: ResourceId, body: &Value) -> Result<()> {
        let definition = self.kind(kind);
        let before = self.transaction.resource_for_update(kind, id)?.unwrap();
        let attributes = attributes(&definition, body)?;
        if attributes == before.attributes {
            return Ok(());
        }
        let at_us = self.instant(before.modified_us);
        let after = self.transaction.update_resource(&definition, &before, &attributes, at_us)?;
        self.record(&after, ChangeOp::Update, Moved::default(), at_us)
    }

    pub(super) fn join(&mut self, group: ResourceId, member: ResourceId) -> Result<()> {
        let before = self.transaction.resource_for_update("Group", group)?.unwrap();
        let at_us = self.instant(before.modified_us);
        let joined = self.transaction.add_members(group, &[member], at_us)?;
        self.moved(&before, Moved { joined, left: Vec::new() }, at_us)
    }

    pub(super) fn leave(&mut self, group: ResourceId, member: ResourceId) -> Result<()> {
        let before = self.transaction.resource_for_update("Group", group)?.unwrap();
        let at_us = self.instant(before.modified_us);
        let left = self.transaction.remove_members(group, &[member])?;
        self.moved(&before, Moved { joined: Vec::new(), left }, at_us)
    }

    fn moved(&mut self, before: &Stored, moved: Moved, at_us: i64) -> Result<()> {
        if moved.joined.is_empty() && moved.left.is_empty() {
            return Ok(());
        }
        let after = self.transaction.touch_resource(before, at_us)?;
        self.record(&after, ChangeOp::Members, moved, at_us)
    }

    pub(super) fn delete(&mut self, kind: &str, id: ResourceId) -> Result<()> {
        let before = self.transaction.resource_for_update(kind, id)?.unwrap();
        let memberships = self.transaction.groups_of(&[id])?.remove(&id).unwrap_or_default();
        for membership in memberships.iter().filter(|one| !one.indirect) {
            self.leave(membership.group, id)?;
        }
        if kind == "Group" {
            let left: Vec<ResourceId> =
                self.transaction.members(id, None, 1_000)?.iter().map(|row| row.id).collect();
            if !left.is_empty() {
                let at_us = self.instant(before.modified_us);
                let moved = Moved { joined: Vec::new(), left };
                self.record(&before, ChangeOp::Members, moved, at_us)?;
            }
        }
        self.transaction.delete_resource(id)?;
        let at_us = self.instant(before.modified_us);
        self.record(&before, ChangeOp::Delete, Moved::default(), at_us)
    }
}
