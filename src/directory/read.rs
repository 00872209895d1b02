//! Reading resources.

use super::answer::{self, Answer, Listing, Paged, Pieces, Shown, View};
use super::{Caller, Precondition, Service, not_found};
use crate::id::ResourceId;
use crate::scim::filter::{Condition, Operator};
use crate::scim::list::Search;
use crate::scim::schema::ResourceType;
use crate::store::Result;
use crate::store::query::Found;
use std::sync::Arc;

/// What a read of one resource comes to.
#[derive(Debug)]
pub enum Got {
    /// The resource.
    Resource(Answer),
    /// The reader has it already (`If-None-Match`); the answer has no body.
    Unchanged(Answer),
}

impl Service {
    /// One resource by id.
    ///
    /// # Errors
    /// A 404 for an id that names none, [`crate::store::Error::Stale`] for an `If-Match` that does
    /// not hold.
    pub async fn get(
        &self,
        caller: &Caller,
        kind: &Arc<ResourceType>,
        id: ResourceId,
        precondition: Precondition,
        view: View,
    ) -> Result<Got> {
        let (registry, kind) = (Arc::clone(&caller.registry), Arc::clone(kind));
        let members = kind.has_members()
            && view.shown.as_ref().is_some_and(|shown| shown.wants(&kind, "members"));
        let forgiven = view.forgiven;
        let paged = self.paged(caller, &view.base);
        let work = move |reader: &mut crate::store::Reader<'_>| {
            let stored = reader
                .resource(&kind.name, id)?
                .ok_or_else(|| not_found(&kind, &id.to_string()))?;
            precondition.check_match(stored.version)?;
            if precondition.is_unchanged(stored.version) {
                let view = View { shown: None, ..view };
                return Ok((answer::one(reader, &registry, &kind, &stored, &view)?, true));
            }
            Ok((answer::one(reader, &registry, &kind, &stored, &view)?, false))
        };
        let (partly, unchanged) = if members {
            self.store.read(caller.organization, work).await?
        } else {
            self.store.glance(caller.organization, work).await?
        };
        self.note_forgiven(caller, forgiven);
        let answer = partly.answer(paged);
        Ok(if unchanged { Got::Unchanged(answer) } else { Got::Resource(answer) })
    }

    /// One page of the resources that meet a query. `shown` says for each of its types how much to
    /// show.
    ///
    /// # Errors
    /// [`crate::store::Error::TooMany`] for a query that would examine too much.
    pub async fn search(
        &self,
        caller: &Caller,
        search: Search,
        base: String,
        shown: Vec<Shown>,
    ) -> Result<Listing> {
        let registry = Arc::clone(&caller.registry);
        let paged = self.paged(caller, &base);
        let short = match search.parts.as_slice() {
            [part] => is_look_up(&part.condition) && !part.kind.has_members(),
            _ => false,
        };
        let work = move |reader: &mut crate::store::Reader<'_>| {
            let Found { total, resources, previous, next } = reader.search(&search)?;
            let pieces = answer::page(reader, &registry, &shown, &resources, &base)?;
            Ok((total, resources.len(), pieces, previous, next))
        };
        let (total, count, pieces, previous, next) = if short {
            self.store.glance(caller.organization, work).await?
        } else {
            self.store.read(caller.organization, work).await?
        };
        Ok(Listing { total, count, resources: pieces.body(paged), previous, next })
    }

    /// What reads the members that are still to be read when an answer is sent.
    pub(super) fn paged(
        &self,
        caller: &Caller,
        base: &str,
    ) -> impl FnOnce(Pieces) -> Paged + use<> {
        let (store, organization) = (self.store.clone(), caller.organization);
        let (registry, base) = (Arc::clone(&caller.registry), base.to_owned());
        move |pieces| Paged::new(pieces, store, organization, registry, base)
    }
}

/// Whether a list can only be a row or two found by key, as identity providers ask all day.
fn is_look_up(condition: &Condition) -> bool {
    match condition {
        Condition::Compare(field, Operator::Equal, _) => {
            matches!(field.key.as_str(), "id" | "userName")
        }
        _ => false,
    }
}
