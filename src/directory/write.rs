//! Changing resources.

mod bulk;
mod record;
mod within;

pub use bulk::Done;

use super::answer::{self, Answer, View};
use super::{Caller, Precondition, Service};
use crate::id::ResourceId;
use crate::scim::schema::ResourceType;
use crate::store::{Result, Transaction};
use serde_json::Value;
use std::sync::Arc;
use within::{Behalf, Creation, Patch, Replacement, new_id};

impl Service {
    /// Makes a resource.
    ///
    /// # Errors
    /// What [`crate::scim::resource::check`] refuses; [`crate::store::Error::Taken`],
    /// [`crate::store::Error::Dangling`].
    pub async fn create(
        &self,
        caller: &Caller,
        kind: &Arc<ResourceType>,
        body: Value,
        view: View,
    ) -> Result<Answer> {
        let now_us = self.clock.now_us();
        let creation = Creation::read(caller, kind, new_id(now_us), body, now_us)?;
        let (behalf, kind) = (self.behalf(caller), Arc::clone(kind));
        self.write(caller, move |transaction| {
            let stored = behalf.create(transaction, &creation)?;
            let answer = answer::one(transaction, &behalf.registry, &kind, &stored, &view)?;
            Ok((answer, true))
        })
        .await
    }

    /// Replaces a resource (RFC 7644 §3.5.1): what the body leaves out is cleared, but for
    /// `active`, which stays, and for the members of a group. A body without `members` says
    /// nothing of them and keeps them, as a rename must not empty a group; only the strict dialect
    /// clears them.
    ///
    /// # Errors
    /// As [`Service::create`]; a 404 for an id that names none, [`crate::store::Error::Stale`], and
    /// what [`crate::scim::resource::keep_immutable`] refuses.
    pub async fn replace(
        &self,
        caller: &Caller,
        kind: &Arc<ResourceType>,
        id: ResourceId,
        body: Value,
        precondition: Precondition,
        view: View,
    ) -> Result<Answer> {
        let replacement = Replacement::read(caller, kind, body)?;
        let (behalf, kind) = (self.behalf(caller), Arc::clone(kind));
        self.write(caller, move |transaction| {
            let (after, wrote) = behalf.replace(transaction, id, &precondition, &replacement)?;
            Ok((answer::one(transaction, &behalf.registry, &kind, &after, &view)?, wrote))
        })
        .await
    }

    /// Changes a resource by a PATCH body (RFC 7644 §3.5.2). The members of a group are not loaded.
    ///
    /// # Errors
    /// A 404 for an id that names none, [`crate::store::Error::Stale`],
    /// [`crate::store::Error::Taken`], [`crate::store::Error::Dangling`], and what
    /// [`crate::scim::patch::parse`] and [`crate::scim::patch::apply`] refuse.
    pub async fn patch(
        &self,
        caller: &Caller,
        kind: &Arc<ResourceType>,
        id: ResourceId,
        body: &Value,
        precondition: Precondition,
        view: View,
    ) -> Result<Answer> {
        let patch = Patch::read(caller, kind, body)?;
        let (behalf, kind) = (self.behalf(caller), Arc::clone(kind));
        self.write(caller, move |transaction| {
            let (after, wrote) = behalf.patch(transaction, id, &precondition, &patch)?;
            Ok((answer::one(transaction, &behalf.registry, &kind, &after, &view)?, wrote))
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
        let (behalf, kind) = (self.behalf(caller), Arc::clone(kind));
        self.write(caller, move |transaction| {
            behalf.delete(transaction, &kind, id, &precondition)?;
            Ok(((), true))
        })
        .await
    }

    /// Whoever writes, as a transaction needs to know it.
    fn behalf(&self, caller: &Caller) -> Behalf {
        Behalf::new(caller.clone(), Arc::clone(&caller.registry), self.clock.clone())
    }

    /// Runs a transaction that also says whether it changed anything, and wakes the engine if so.
    async fn write<T, F>(&self, caller: &Caller, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Transaction<'_>) -> Result<(T, bool)> + Send + 'static,
    {
        let revision = caller.registry.revision;
        let checked = move |transaction: &mut Transaction<'_>| {
            transaction.hold_registry(revision)?;
            work(transaction)
        };
        let (answer, wrote) = self.store.write(caller.organization, checked).await?;
        if wrote {
            self.wake.notify_one();
        }
        Ok(answer)
    }
}
