//! To whose accounts an object's values refer.

use super::situation::Reading;
use crate::id::{AppId, ResourceId};
use crate::store::links::LinkRow;
use crate::store::{self, Transaction};
use std::collections::BTreeMap;

/// To whom an object's values refer, and the accounts of theirs that were read.
#[derive(Debug, Clone, Default)]
pub(super) struct Referred {
    /// Those to whom they refer, in order.
    pub(super) targets: Vec<ResourceId>,
    accounts: BTreeMap<String, String>,
}

impl Referred {
    /// As an object was read.
    pub(super) fn of(reading: &Reading) -> Self {
        let accounts = reading.present.as_ref().map(|present| present.accounts().clone());
        Self { targets: reading.targets.clone(), accounts: accounts.unwrap_or_default() }
    }

    /// Whether the accounts are still those that were read.
    pub(super) fn is_so(
        &self,
        transaction: &mut Transaction<'_>,
        app: AppId,
    ) -> store::Result<bool> {
        let links = transaction.links_of(app, &self.targets)?;
        Ok(self.targets.iter().all(|target| {
            let now = links.get(target).and_then(LinkRow::account);
            now == self.accounts.get(&target.to_string())
        }))
    }
}
