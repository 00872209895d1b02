//! Counting what clients are forgiven.
//!
//! The counts are kept in memory and added to the database every few seconds and at the end, so that
//! no request waits for them and none of its transactions writes them. A crash loses a few seconds
//! of them, which nobody misses: they say what a client still needs, not what anybody owes.

use super::{Caller, Service};
use crate::id::{ClientId, OrganizationId};
use crate::scim::dialect::{Forgiven, Leniency};
use crate::store::Result;
use crate::store::clients::Uses;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How often the counts are added to the database.
pub const EVERY: Duration = Duration::from_secs(5);

type Counts = HashMap<(OrganizationId, ClientId, Leniency), (i64, i64)>;

/// The counts that are not in the database yet.
#[derive(Clone, Default)]
pub(super) struct Tally(Arc<Mutex<Counts>>);

impl Tally {
    fn add(&self, key: (OrganizationId, ClientId, Leniency), count: i64, last_us: i64) {
        let mut counts = self.0.lock();
        let entry = counts.entry(key).or_insert((0, last_us));
        entry.0 += count;
        entry.1 = entry.1.max(last_us);
    }

    fn take(&self) -> Counts {
        std::mem::take(&mut *self.0.lock())
    }
}

impl Service {
    /// Counts what a request that succeeded was forgiven.
    pub fn note_forgiven(&self, caller: &Caller, forgiven: Forgiven) {
        if forgiven.is_empty() {
            return;
        }
        let now_us = self.clock.now_us();
        for leniency in forgiven.iter() {
            self.tally.add((caller.organization, caller.client, leniency), 1, now_us);
        }
    }

    /// Adds the counts of this process to the database. What cannot be added is kept for the next
    /// time.
    ///
    /// # Errors
    /// The store's.
    pub async fn write_leniencies(&self) -> Result<()> {
        let mut by_organization: HashMap<OrganizationId, Vec<Uses>> = HashMap::new();
        for ((organization, client, leniency), (count, last_us)) in self.tally.take() {
            let uses = Uses { client, leniency, count, last_us };
            by_organization.entry(organization).or_default().push(uses);
        }
        let mut outcome = Ok(());
        for (organization, uses) in by_organization {
            let kept = uses.clone();
            let added = self.store.write(organization, move |t| t.add_leniencies(&uses)).await;
            if added.is_err() {
                for Uses { client, leniency, count, last_us } in kept {
                    self.tally.add((organization, client, leniency), count, last_us);
                }
                outcome = added;
            }
        }
        outcome
    }

    /// Adds the counts to the database from time to time. Runs until it is dropped.
    pub async fn keep_writing_leniencies(&self) {
        loop {
            tokio::time::sleep(EVERY).await;
            if let Err(error) = self.write_leniencies().await {
                tracing::warn!(%error, "what clients are forgiven was not counted: tried again later");
            }
        }
    }
}
