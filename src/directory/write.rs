//! Changing resources.

mod bulk;
mod record;
mod within;

pub use bulk::Done;

use super::answer::{self, Answer, Partly, View};
use super::{Caller, Precondition, Service};
use crate::id::ResourceId;
use crate::scim::dialect::Forgiven;
use crate::scim::schema::ResourceType;
use crate::store::{Result, Transaction};
use serde_json::Value;
use std::sync::Arc;
use within::{Behalf, Creation, Outcome, Patch, Replacement, new_id};

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
        let paged = self.paged(caller, &view.base);
        let (behalf, kind) = (self.behalf(caller), Arc::clone(kind));
        let partly = self.write(caller, move |transaction| {
            let outcome = behalf.create(transaction, &creation)?;
            answered(transaction, &behalf, &kind, outcome, &view)
        });
        Ok(partly.await?.answer(paged))
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
        let paged = self.paged(caller, &view.base);
        let (behalf, kind) = (self.behalf(caller), Arc::clone(kind));
        let partly = self.write(caller, move |transaction| {
            let outcome = behalf.replace(transaction, id, &precondition, &replacement)?;
            answered(transaction, &behalf, &kind, outcome, &view)
        });
        Ok(partly.await?.answer(paged))
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
        let paged = self.paged(caller, &view.base);
        let (behalf, kind) = (self.behalf(caller), Arc::clone(kind));
        let partly = self.write(caller, move |transaction| {
            let outcome = behalf.patch(transaction, id, &precondition, &patch)?;
            answered(transaction, &behalf, &kind, outcome, &view)
        });
        Ok(partly.await?.answer(paged))
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
            Ok(Answered { answer: (), changed: true, forgiven: Forgiven::default() })
        })
        .await
    }

    /// Whoever writes, as a transaction needs to know it.
    fn behalf(&self, caller: &Caller) -> Behalf {
        Behalf::new(caller.clone(), Arc::clone(&caller.registry), self.clock.clone())
    }

    /// Runs a transaction, and counts what was forgiven for it once it is there to stay. The engine
    /// is woken if anything changed.
    async fn write<T, F>(&self, caller: &Caller, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Transaction<'_>) -> Result<Answered<T>> + Send + 'static,
    {
        let revision = caller.registry.revision;
        let checked = move |transaction: &mut Transaction<'_>| {
            transaction.hold_registry(revision)?;
            work(transaction)
        };
        let Answered { answer, changed, forgiven } =
            self.store.write(caller.organization, checked).await?;
        self.note_forgiven(caller, forgiven);
        if changed {
            self.wake.notify_one();
        }
        Ok(answer)
    }
}

/// What a transaction answers.
struct Answered<T> {
    answer: T,
    /// Whether anything changed.
    changed: bool,
    /// What was forgiven.
    forgiven: Forgiven,
}

fn answered(
    transaction: &mut Transaction<'_>,
    behalf: &Behalf,
    kind: &Arc<ResourceType>,
    outcome: Outcome,
    view: &View,
) -> Result<Answered<Partly>> {
    let Outcome { stored, changed, forgiven, written } = outcome;
    let shown = view.of_writing(&written);
    let answer = answer::one(transaction, &behalf.registry, kind, &stored, &shown)?;
    Ok(Answered { answer, changed, forgiven: forgiven.and(view.forgiven) })
}
