//! The writes themselves, each inside a transaction that somebody else began.

use super::record::{check_name, locked};
use crate::clock::Clock;
use crate::directory::membership::{self, Moved};
use crate::directory::{Caller, Precondition};
use crate::id::{ResourceId, new_uuid};
use crate::scim::dialect::{Forgiven, Leniency, Reading};
use crate::scim::patch::{self, Operation};
use crate::scim::projection::Written;
use crate::scim::resource::{self, Valid};
use crate::scim::schema::{Registry, ResourceType};
use crate::store::changes::ChangeOp;
use crate::store::resources::Stored;
use crate::store::{Result, Transaction};
use serde_json::Value;
use std::cell::Cell;
use std::sync::Arc;

/// Members that are read at a time when their group goes.
const PAGE: i64 = 10_000;

/// On whose behalf a transaction writes, and what it needs to know for it.
pub(in crate::directory) struct Behalf {
    pub(in crate::directory) caller: Caller,
    pub(in crate::directory) registry: Arc<Registry>,
    clock: Clock,
    last_us: Cell<i64>,
}

/// What a write came to.
pub(in crate::directory) struct Outcome {
    /// The resource as it is now.
    pub(in crate::directory) stored: Stored,
    /// Whether anything differs.
    pub(in crate::directory) changed: bool,
    /// What had to be forgiven.
    pub(in crate::directory) forgiven: Forgiven,
    /// What was written of what is returned on request only.
    pub(in crate::directory) written: Written,
}

/// A resource to make. Reading it needs no database, nor does its id.
pub(in crate::directory) struct Creation {
    kind: Arc<ResourceType>,
    id: ResourceId,
    valid: Valid,
    members: Vec<ResourceId>,
    now_us: i64,
}

/// What is to stand where a resource stands.
pub(in crate::directory) struct Replacement {
    kind: Arc<ResourceType>,
    valid: Valid,
    /// The only members from now on; none where those that there are stay.
    members: Option<Vec<ResourceId>>,
    says_active: bool,
}

/// Operations of a PATCH.
pub(in crate::directory) struct Patch {
    kind: Arc<ResourceType>,
    operations: Vec<Operation>,
}

impl Creation {
    /// Reads the body of a POST.
    ///
    /// # Errors
    /// What [`resource::check`] refuses; [`crate::store::Error::Dangling`].
    pub(in crate::directory) fn read(
        caller: &Caller,
        kind: &Arc<ResourceType>,
        id: ResourceId,
        body: Value,
        now_us: i64,
    ) -> Result<Self> {
        let valid = resource::check(kind, body, caller.dialect)?;
        let members = membership::ids(valid.members.as_deref().unwrap_or_default())?;
        Ok(Self { kind: Arc::clone(kind), id, valid, members, now_us })
    }
}

impl Replacement {
    /// Reads the body of a PUT.
    ///
    /// # Errors
    /// As [`Creation::read`].
    pub(in crate::directory) fn read(
        caller: &Caller,
        kind: &Arc<ResourceType>,
        body: Value,
    ) -> Result<Self> {
        let says_active = body
            .as_object()
            .is_some_and(|body| body.keys().any(|key| key.eq_ignore_ascii_case("active")));
        let valid = resource::check(kind, body, caller.dialect)?;
        let members = match &valid.members {
            Some(members) => Some(membership::ids(members)?),
            None if kind.has_members() && !caller.dialect.forgives(Leniency::KeptMembers) => {
                Some(Vec::new())
            }
            None => None,
        };
        Ok(Self { kind: Arc::clone(kind), valid, members, says_active })
    }
}

impl Patch {
    /// Reads the body of a PATCH.
    ///
    /// # Errors
    /// What [`patch::parse`] refuses.
    pub(in crate::directory) fn read(
        caller: &Caller,
        kind: &Arc<ResourceType>,
        body: &Value,
    ) -> Result<Self> {
        let operations = patch::parse(kind, body, caller.dialect)?;
        Ok(Self { kind: Arc::clone(kind), operations })
    }
}

impl Behalf {
    /// For one transaction.
    pub(in crate::directory) fn new(caller: Caller, registry: Arc<Registry>, clock: Clock) -> Self {
        Self { caller, registry, clock, last_us: Cell::new(0) }
    }

    /// An instant after all others of this transaction. Changes have ids that sort by time, so the
    /// order of what one transaction does to one resource is kept by the microsecond.
    pub(super) fn instant(&self, not_before_us: i64) -> i64 {
        let at_us = self.clock.now_us().max(not_before_us).max(self.last_us.get() + 1);
        self.last_us.set(at_us);
        at_us
    }

    /// Makes a resource.
    ///
    /// # Errors
    /// [`crate::store::Error::Taken`], [`crate::store::Error::Dangling`].
    pub(in crate::directory) fn create(
        &self,
        transaction: &mut Transaction<'_>,
        creation: &Creation,
    ) -> Result<Outcome> {
        let Creation { kind, id, valid, members, now_us } = creation;
        let (id, now_us) = (*id, *now_us);
        self.last_us.set(self.last_us.get().max(now_us));
        check_name(transaction, kind, id, None, &valid.attributes, self.caller.dialect)?;
        let stored = transaction.insert_resource(kind, id, &valid.attributes, now_us)?;
        let mut moved = Moved::default();
        if !members.is_empty() {
            moved.join(transaction.add_members(id, members, now_us)?);
        }
        self.record(transaction, &stored, ChangeOp::Create, moved, now_us)?;
        let (forgiven, written) = (valid.forgiven, valid.written.clone());
        Ok(Outcome { stored, changed: true, forgiven, written })
    }

    /// Replaces a resource.
    ///
    /// # Errors
    /// As [`Behalf::create`]; a 404 for an id that names none, [`crate::store::Error::Stale`], and
    /// what [`resource::keep_immutable`] refuses.
    pub(in crate::directory) fn replace(
        &self,
        transaction: &mut Transaction<'_>,
        id: ResourceId,
        precondition: &Precondition,
        replacement: &Replacement,
    ) -> Result<Outcome> {
        let Replacement { kind, valid, members, says_active } = replacement;
        let before = locked(transaction, kind, id)?;
        precondition.check_write(before.version)?;
        let mut valid = valid.clone();
        let reading = Reading::new(self.caller.dialect);
        if let Some(active) = before.attributes.get("active").filter(|_| !says_active)
            && valid.attributes.get("active") != Some(active)
            && reading.forgives(Leniency::KeptActive)
        {
            valid.attributes.insert("active".to_owned(), active.clone());
        }
        if kind.has_members() && members.is_none() && valid.members.is_none() {
            // Nobody was read, so this is a yes.
            let _kept = reading.forgives(Leniency::KeptMembers);
        }
        resource::keep_immutable(kind, &before.attributes, &mut valid)?;
        let now_us = self.instant(before.modified_us);
        let mut moved = Moved::default();
        if let Some(members) = members {
            let (joined, left) = transaction.replace_members(id, members, now_us)?;
            moved.leave(left);
            moved.join(joined);
        }
        let (stored, changed) =
            self.save(transaction, kind, before, &valid.attributes, moved, now_us)?;
        let forgiven = valid.forgiven.and(reading.forgiven());
        Ok(Outcome { stored, changed, forgiven, written: valid.written })
    }

    /// Changes a resource.
    ///
    /// # Errors
    /// A 404 for an id that names none, [`crate::store::Error::Stale`],
    /// [`crate::store::Error::Taken`], [`crate::store::Error::Dangling`], and what
    /// [`patch::apply`] refuses.
    pub(in crate::directory) fn patch(
        &self,
        transaction: &mut Transaction<'_>,
        id: ResourceId,
        precondition: &Precondition,
        patch: &Patch,
    ) -> Result<Outcome> {
        let Patch { kind, operations } = patch;
        patch::check_id(operations, &id.to_string())?;
        let before = locked(transaction, kind, id)?;
        precondition.check_write(before.version)?;
        let patched = patch::apply(kind, &before.attributes, operations, self.caller.dialect)?;
        let now_us = self.instant(before.modified_us);
        let moved = membership::apply(transaction, id, &patched.members, now_us)?;
        let (stored, changed) =
            self.save(transaction, kind, before, &patched.attributes, moved, now_us)?;
        let (forgiven, written) = (patched.forgiven, patched.written);
        Ok(Outcome { stored, changed, forgiven, written })
    }

    /// Deletes a resource.
    ///
    /// # Errors
    /// A 404 for an id that names none, [`crate::store::Error::Stale`].
    pub(in crate::directory) fn delete(
        &self,
        transaction: &mut Transaction<'_>,
        kind: &ResourceType,
        id: ResourceId,
        precondition: &Precondition,
    ) -> Result<()> {
        let before = locked(transaction, kind, id)?;
        precondition.check_write(before.version)?;
        let now_us = self.instant(before.modified_us);
        for holder in self.registry.resource_types.iter().filter(|kind| kind.has_members()) {
            self.leave_groups(transaction, holder, id, now_us)?;
        }
        if kind.has_members() {
            let moved = everybody(transaction, id)?;
            if !moved.is_empty() {
                self.record(transaction, &before, ChangeOp::Members, moved, now_us)?;
            }
        }
        transaction.delete_resource(id)?;
        let gone = Stored { version: before.version + 1, ..before };
        let at_us = self.instant(now_us);
        self.record(transaction, &gone, ChangeOp::Delete, Moved::default(), at_us)
    }
}

/// All members of a group, as leaving it.
fn everybody(transaction: &mut Transaction<'_>, group: ResourceId) -> Result<Moved> {
    let mut moved = Moved::default();
    let mut after = None;
    loop {
        let rows = transaction.members(group, after, PAGE)?;
        after = rows.last().map(|row| row.id);
        if after.is_none() {
            return Ok(moved);
        }
        moved.leave(rows.into_iter().map(|row| row.id));
    }
}

/// A new id, ordered by time.
pub(in crate::directory) fn new_id(now_us: i64) -> ResourceId {
    ResourceId(new_uuid(now_us))
}
