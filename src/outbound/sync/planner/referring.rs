//! To whom those refer about whom there is nothing to do.

use super::Planner;
use crate::id::ResourceId;
use crate::mapping::field::Kind;
use crate::outbound::referred::Referred;
use crate::store;
use crate::store::jobs::Priority;

impl Planner<'_> {
    /// Notes to whom those refer about whom there is nothing to do: nobody else does before they are
    /// due, and accounts of theirs that come later make them due. Whether planning is still ours.
    pub(super) async fn refer(
        &self,
        kind: Kind,
        mut referring: Vec<(ResourceId, Referred)>,
    ) -> store::Result<bool> {
        if referring.is_empty() {
            return Ok(true);
        }
        let (app, organization) = (self.application.row.id, self.application.organization);
        let ids: Vec<ResourceId> = referring.iter().map(|(id, _)| *id).collect();
        let read =
            self.engine.store().read(organization, move |reader| reader.references_of(app, &ids));
        let noted = read.await?;
        referring.retain(|(id, referred)| {
            let noted = noted.get(id);
            referred.targets.iter().any(|target| noted.is_none_or(|all| !all.contains(target)))
        });
        if referring.is_empty() {
            return Ok(true);
        }
        let now_us = self.engine.clock().now_us();
        let done = self.fenced(move |transaction| {
            // An account of theirs is linked before this or after it, not beside it.
            transaction.lock_organization()?;
            for (id, referred) in &referring {
                transaction.put_references(app, *id, &referred.targets)?;
                if !referred.is_so(transaction, app)? {
                    let due = [(*id, kind.as_str(), Priority::of(kind.as_str()))];
                    transaction.mark_due(app, &due, now_us)?;
                }
            }
            Ok(())
        });
        Ok(done.await?.is_some())
    }
}
