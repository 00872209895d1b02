//! Reading resources.

use super::answer::{self, Answer, Listing, Shown, View};
use super::{Caller, Precondition, Service, not_found};
use crate::id::ResourceId;
use crate::scim::filter::{Condition, Operator};
use crate::scim::list::Search;
use crate::scim::schema::ResourceType;
use crate::store::Result;
use crate::store::query::Found;
use std::sync::Arc;

/// What a read of one resource comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
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
        let work = move |reader: &mut crate::store::Reader<'_>| {
            let stored = reader
                .resource(&kind.name, id)?
                .ok_or_else(|| not_found(&kind, &id.to_string()))?;
            precondition.check_match(stored.version)?;
            if precondition.is_unchanged(stored.version) {
                let view = View { shown: None, ..view };
                return answer::one(reader, &registry, &kind, &stored, &view).map(Got::Unchanged);
            }
            answer::one(reader, &registry, &kind, &stored, &view).map(Got::Resource)
        };
        let got = if members {
            self.store.read(caller.organization, work).await?
        } else {
            self.store.glance(caller.organization, work).await?
        };
        self.note_forgiven(caller, forgiven);
        Ok(got)
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
        let short = match search.parts.as_slice() {
            [part] => is_look_up(&part.condition) && !part.kind.has_members(),
            _ => false,
        };
        let work = move |reader: &mut crate::store::Reader<'_>| {
            let Found { total, resources, previous, next } = reader.search(&search)?;
            let resources = answer::page(reader, &registry, &shown, &resources, &base)?;
            Ok(Listing { total, resources, previous, next })
        };
        if short {
            self.store.glance(caller.organization, work).await
        } else {
            self.store.read(caller.organization, work).await
        }
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
