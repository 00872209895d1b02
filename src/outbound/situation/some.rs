//! Some objects at once: as they are, and as they would be without an assignment.

use super::{Gatherer, Reading, Terms};
use crate::id::ResourceId;
use crate::mapping::field::Kind;
use crate::outbound::application::Application;
use crate::outbound::engine::Engine;
use crate::store;
use std::collections::HashSet;

/// One object, as it is and as it would be.
#[derive(Debug, Clone)]
pub(in crate::outbound) struct Both {
    /// User or group.
    pub(in crate::outbound) kind: Kind,
    /// As it is.
    pub(in crate::outbound) now: Reading,
    /// As it would be; none where that is the same.
    pub(in crate::outbound) then: Option<Reading>,
}

/// Reads some users and groups and what is remembered of them, gone or not; with an assignment, also
/// as if that were taken back. Those of whom nothing is known are left out.
///
/// # Errors
/// The store's.
pub(in crate::outbound) async fn some(
    engine: &Engine,
    application: &Application,
    terms: &[Terms],
    ids: Vec<ResourceId>,
    without: Option<ResourceId>,
) -> store::Result<Vec<Both>> {
    let gatherer = Gatherer::new(engine, application, terms);
    let other = without.map(|_| Gatherer { without, ..Gatherer::new(engine, application, terms) });
    engine
        .store()
        .read(application.organization, move |reader| {
            let mut found = Vec::with_capacity(ids.len());
            let mut missing: HashSet<ResourceId> = ids.iter().copied().collect();
            let mut there: Vec<_> = reader.resources_of(&ids)?.into_values().collect();
            there.sort_unstable_by_key(|stored| stored.id);
            for kind in [Kind::User, Kind::Group] {
                let of_kind = there.iter().filter(|stored| stored.kind == kind.as_str());
                let page: Vec<_> = of_kind.cloned().collect();
                let then = match &other {
                    Some(other) => other.gather(reader, kind, page.clone())?,
                    None => Vec::new(),
                };
                let mut then = then.into_iter();
                for now in gatherer.gather(reader, kind, page)? {
                    missing.remove(&now.id);
                    found.push(Both { kind, now, then: then.next() });
                }
            }
            let missing: Vec<ResourceId> = missing.into_iter().collect();
            for (_, link) in reader.links_of(gatherer.app, &missing)? {
                if let Some(kind) = Kind::named(&link.kind) {
                    found.push(Both { kind, now: Reading::gone(link), then: None });
                }
            }
            Ok(found)
        })
        .await
}
