//! What can be done to a person or a group: the use cases behind `/Users` and `/Groups`.
//!
//! Every write is one transaction of the store: the row, its index rows, the members, one or more
//! *changes* and their audit rows commit together or not at all. What would change nothing writes
//! nothing: no version, no change. After a commit that changed something the engine is woken.
//!
//! Members are rows. A PATCH never loads them: its operations become who joins and who leaves.

mod answer;
mod leniencies;
mod membership;
mod precondition;
mod read;
pub mod schemas;
mod write;

pub use answer::{Answer, Body, Listing, Paged, Shown, View};
pub use precondition::{Precondition, Tags};
pub use read::Got;
pub use write::Done;

use crate::clock::Clock;
use crate::id::{ClientId, OrganizationId, ResourceId};
use crate::scim::dialect::Dialect;
use crate::scim::error::{Fault, shortened};
use crate::scim::schema::{Registry, ResourceType};
use crate::store::{self, Store};
use std::sync::Arc;
use tokio::sync::Notify;

/// On whose behalf something is done.
#[derive(Debug, Clone, PartialEq)]
pub struct Caller {
    /// Whose rows.
    pub organization: OrganizationId,
    /// How the caller speaks SCIM.
    pub dialect: Dialect,
    /// Which client it is.
    pub client: ClientId,
    /// As changes and the audit log name the caller: `client:okta`.
    pub actor: String,
    /// What the organization's resources are like.
    pub registry: Arc<Registry>,
    /// Whether the caller is a person who may change no more than what people keep of themselves.
    pub self_service: bool,
}

/// The use cases, cheap to clone.
#[derive(Clone)]
pub struct Service {
    store: Store,
    clock: Clock,
    wake: Arc<Notify>,
    tally: leniencies::Tally,
}

impl Service {
    /// Over a store; `wake` is rung after every commit that holds a change.
    pub fn new(store: Store, clock: Clock, wake: Arc<Notify>) -> Self {
        Self { store, clock, wake, tally: <_>::default() }
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What time it is.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }
}

/// An id as clients write it, which is how it was given to them: ids are compared with case.
pub fn resource_id(text: &str) -> Option<ResourceId> {
    let id: ResourceId = text.parse().ok()?;
    (id.to_string() == text).then_some(id)
}

/// A 404 for an id as a client wrote it, which may be any text.
fn not_found(kind: &ResourceType, id: &str) -> store::Error {
    store::Error::Refused(Fault::NotFound { kind: kind.name.clone(), id: shortened(id) }.into())
}
