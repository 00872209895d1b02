//! Taking away what is no longer kept: now and then, by one instance at a time, in short transactions
//! with a pause between them, so that nobody waits for it.

use crate::clock::Clock;
use crate::config::Retention;
use crate::id::{InstanceId, OrganizationId};
use crate::store::leases::Lease;
use crate::store::retention::{START, Table};
use crate::store::{self, Store};
use std::time::Duration;

/// How often it is looked.
const INTERVAL: Duration = Duration::from_hours(1);
/// How long after the start it is looked first.
const FIRST: Duration = Duration::from_mins(1);
/// Name of the lease.
const LEASE: &str = "retention";
/// How long a lease holds without renewal; it is renewed with every batch.
const LEASE_US: i64 = 60_000_000;
/// Most rows that one transaction looks at.
const BATCH: usize = 500;
/// How long nothing is done between two of them.
const PAUSE: Duration = Duration::from_millis(20);
const DAY_US: i64 = 86_400_000_000;

/// Takes away what is no longer kept.
pub struct Sweeper {
    /// The database.
    pub store: Store,
    /// What time it is.
    pub clock: Clock,
    /// This process.
    pub instance: InstanceId,
    /// For how long what is kept.
    pub terms: Retention,
}

/// How much was taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Tries.
    pub attempts: usize,
    /// Changes.
    pub changes: usize,
    /// Rows of the audit log.
    pub audit: usize,
    /// Runs and objects of their plans.
    pub runs: usize,
    /// Messages.
    pub deliveries: usize,
}

/// The instant before which something is old; none where it is kept for ever.
fn limit(days: u32, now_us: i64) -> Option<i64> {
    (days > 0).then(|| now_us.saturating_sub(i64::from(days).saturating_mul(DAY_US)))
}

impl Sweeper {
    /// Sweeps every hour. Never ends.
    pub async fn keep(&self) {
        tokio::time::sleep(FIRST).await;
        loop {
            match self.sweep().await {
                Ok(swept) if swept == Swept::default() => {}
                Ok(swept) => tracing::info!(
                    attempts = swept.attempts,
                    changes = swept.changes,
                    audit = swept.audit,
                    runs = swept.runs,
                    deliveries = swept.deliveries,
                    "what is no longer kept was taken away"
                ),
                Err(error) => tracing::warn!(%error, "what is no longer kept was not taken away"),
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Takes away what is no longer kept, of every organization, unless another instance does.
    ///
    /// # Errors
    /// The store's. What was taken away until then stays away.
    pub async fn sweep(&self) -> store::Result<Swept> {
        let now_us = self.clock.now_us();
        let until_us = now_us.saturating_add(LEASE_US);
        let taken = self.store.take_lease(LEASE, self.instance, now_us, until_us).await?;
        let Some(lease) = taken else { return Ok(Swept::default()) };
        let swept = self.everything(&lease, now_us).await;
        self.store.release_lease(&lease).await?;
        swept
    }

    async fn everything(&self, lease: &Lease, now_us: i64) -> store::Result<Swept> {
        let mut swept = Swept::default();
        for organization in self.store.organizations().await? {
            let organization = organization.id;
            if let Some(before_us) = limit(self.terms.attempts, now_us) {
                swept.attempts +=
                    self.rows(lease, organization, Table::Attempts, before_us).await?;
            }
            if let Some(before_us) = limit(self.terms.changes, now_us) {
                swept.changes += self.rows(lease, organization, Table::Changes, before_us).await?;
            }
            if let Some(before_us) = limit(self.terms.audit, now_us) {
                swept.audit += self.rows(lease, organization, Table::Audit, before_us).await?;
            }
            if let Some(before_us) = limit(self.terms.runs, now_us) {
                swept.runs += self.runs(lease, organization, before_us).await?;
            }
            if let Some(before_us) = limit(self.terms.deliveries, now_us) {
                swept.deliveries += self.deliveries(lease, organization, before_us).await?;
            }
        }
        Ok(swept)
    }

    async fn rows(
        &self,
        lease: &Lease,
        organization: OrganizationId,
        table: Table,
        before_us: i64,
    ) -> store::Result<usize> {
        let (mut removed, mut next) = (0, Some(START));
        while let Some(from) = next {
            if !self.is_ours(lease).await? {
                break;
            }
            let batch = self
                .store
                .write(organization, move |transaction| {
                    transaction.sweep(table, from, before_us, BATCH)
                })
                .await?;
            removed += batch.removed;
            next = batch.next;
            pause(next.is_some()).await;
        }
        Ok(removed)
    }

    async fn runs(
        &self,
        lease: &Lease,
        organization: OrganizationId,
        before_us: i64,
    ) -> store::Result<usize> {
        let (mut removed, mut next) = (0, Some(START));
        while let Some(from) = next {
            if !self.is_ours(lease).await? {
                break;
            }
            let batch = self
                .store
                .write(organization, move |transaction| {
                    transaction.sweep_run(from, before_us, BATCH)
                })
                .await?;
            removed += batch.removed;
            next = batch.next;
            pause(next.is_some()).await;
        }
        Ok(removed)
    }

    async fn deliveries(
        &self,
        lease: &Lease,
        organization: OrganizationId,
        before_us: i64,
    ) -> store::Result<usize> {
        let mut removed = 0;
        while self.is_ours(lease).await? {
            let batch = self
                .store
                .write(organization, move |transaction| {
                    transaction.sweep_deliveries(before_us, BATCH)
                })
                .await?;
            removed += batch;
            if batch < BATCH {
                break;
            }
            pause(true).await;
        }
        Ok(removed)
    }

    async fn is_ours(&self, lease: &Lease) -> store::Result<bool> {
        self.store.renew_lease(lease, self.clock.now_us().saturating_add(LEASE_US)).await
    }
}

async fn pause(more: bool) {
    if more {
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_old_that_is_kept_for_ever() {
        assert_eq!(limit(0, i64::MAX), None);
        assert_eq!(limit(2, 3 * DAY_US), Some(DAY_US));
        assert!(limit(u32::MAX, 0).is_some());
    }
}
