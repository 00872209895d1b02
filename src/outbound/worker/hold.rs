//! Before something is taken away: may it be, without asking anybody?

use super::{Push, Stop};
use crate::outbound::allowance::Held;
use crate::outbound::guard::{Asked, Totals};
use crate::outbound::plan::Next;
use crate::store::pushes::DueMember;
use crate::store::removals::Removal;

impl Push<'_> {
    /// Asks whether an action may be done unasked, and counts it where it takes something away.
    pub(super) async fn permit(&self, next: &Next) -> Result<(), Stop> {
        let removal = match next {
            Next::SetActive(_, false) => Removal::Deactivation,
            Next::Delete(_) => Removal::Deletion,
            _ => return Ok(()),
        };
        match self.reserve(removal, 1).await? {
            Some(held) => Err(Stop::Held(held)),
            None => Ok(()),
        }
    }

    /// Counts what is about to be taken away, all of it or nothing, as long as it was allowed or the
    /// limit for an hour is kept; otherwise it is held. What somebody approved is not counted, and what
    /// is tried again is not counted again.
    async fn reserve(&self, removal: Removal, wanted: u64) -> Result<Option<Held>, Stop> {
        let now_us = self.engine.clock().now_us();
        let totals = match self.engine.allowances().totals(self.key(), now_us) {
            Some(totals) => totals,
            None => self.count(now_us).await?,
        };
        let (app, resource) = (self.application.row.id, self.job.resource);
        let most = removal.limit(&self.application.policy.guard).most(removal.total(&totals));
        self.recorder
            .fenced(move |transaction| {
                transaction.lock_removals(app)?;
                let known = transaction.allowance(app, resource)?;
                let counted = known.counted(removal, now_us);
                let asked = Asked {
                    wanted,
                    allowed: removal.of(&known.allowed),
                    approved: known.approved,
                    counted,
                    lately: removal.of(&transaction.removed_lately(app, now_us)?),
                    most,
                };
                let Some(counts) = asked.ruled() else {
                    let (lately, most) = (asked.lately, most.unwrap_or(u64::MAX));
                    return Ok(Some(Held { removal, count: wanted, lately, most }));
                };
                let new = counts.saturating_sub(counted);
                if new > 0 {
                    transaction.count_removed(app, &removal.times(new), now_us)?;
                    // The oldest of it says how long it counts.
                    let since_us =
                        known.counted.filter(|_| counted > 0).map_or(now_us, |one| one.2);
                    transaction.note_counted(app, resource, removal, (counts, since_us))?;
                }
                Ok(None)
            })
            .await
    }

    async fn count(&self, now_us: i64) -> Result<Totals, Stop> {
        let app = self.application.row.id;
        let held = self
            .engine
            .store()
            .read(self.application.organization, move |reader| reader.held_by(app))
            .await?;
        Ok(self.engine.allowances().believe(self.key(), Totals::from(held), now_us))
    }

    /// Takes those out who would leave the group, where that is too many to be done unasked: they stay
    /// marked, and the others go.
    pub(super) async fn permitted(
        &self,
        due: Vec<DueMember>,
        held: &mut Option<Held>,
    ) -> Result<Vec<DueMember>, Stop> {
        let leave = leaving(&due);
        if leave == 0 {
            return Ok(due);
        }
        let Some(refused) = self.reserve(Removal::Membership, leave).await? else {
            return Ok(due);
        };
        let before = held.map_or(0, |held| held.count);
        *held = Some(Held { count: before.saturating_add(leave), ..refused });
        Ok(due.into_iter().filter(|one| !leaves(one)).collect())
    }

    const fn key(&self) -> (crate::id::OrganizationId, crate::id::AppId) {
        (self.application.organization, self.application.row.id)
    }
}

/// How many of these members leave the group.
pub(super) fn leaving(due: &[DueMember]) -> u64 {
    u64::try_from(due.iter().filter(|one| leaves(one)).count()).unwrap_or(u64::MAX)
}

const fn leaves(member: &DueMember) -> bool {
    member.leave.is_some()
}
