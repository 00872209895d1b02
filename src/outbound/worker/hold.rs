//! Before something is taken away: may it be, without asking anybody?

use super::{Push, Stop};
use crate::outbound::allowance::Removal;
use crate::outbound::guard::Totals;
use crate::outbound::plan::Next;
use crate::store::pushes::DueMember;

impl Push<'_> {
    /// Asks whether an action may be done unasked, and counts it where it takes something away.
    pub(super) async fn permit(&self, next: &Next) -> Result<(), Stop> {
        match self.removal(next) {
            Some(removal) => self.reserve(&[removal]).await,
            None => Ok(()),
        }
    }

    /// Notes that the app did what it was permitted to.
    pub(super) fn taken(&self, removals: &[Removal]) {
        self.engine.allowances().done(self.key(), removals);
    }

    /// What an action takes away.
    pub(super) const fn removal(&self, next: &Next) -> Option<Removal> {
        match next {
            Next::SetActive(_, false) => Some(Removal::Deactivation(self.job.resource)),
            Next::Delete(_) => Some(Removal::Deletion(self.job.resource)),
            _ => None,
        }
    }

    /// Counts what is about to be taken away, all of it or nothing, as long as the limit for an hour is
    /// kept. What was approved is not counted, and what is tried again is not counted again.
    async fn reserve(&self, wanted: &[Removal]) -> Result<(), Stop> {
        if self.job.approved {
            return Ok(());
        }
        let (key, now_us) = (self.key(), self.engine.clock().now_us());
        let allowances = self.engine.allowances();
        let new = allowances.uncounted(key, wanted, now_us);
        let Some(kind) = new.first().copied() else { return Ok(()) };
        let totals = match allowances.totals(key, now_us) {
            Some(totals) => totals,
            None => self.count(now_us).await?,
        };
        let app = self.application.row.id;
        let count = u64::try_from(new.len()).unwrap_or(u64::MAX);
        let most = kind.limit(&self.application.policy.guard).most(kind.total(&totals));
        let refused = self
            .recorder
            .fenced(move |transaction| {
                transaction.lock_removals(app)?;
                let before = kind.of(&transaction.removed_lately(app, now_us)?);
                if let Some(most) = most.filter(|most| before.saturating_add(count) > *most) {
                    return Ok(Some((before, count, most)));
                }
                transaction.count_removed(app, &kind.times(count), now_us)?;
                Ok(None)
            })
            .await?;
        match refused {
            None => {
                allowances.counted(key, &new, now_us);
                Ok(())
            }
            Some(numbers) => {
                let parked = kind.held(&self.application.row.name, numbers);
                Err(Stop::Held(Box::new(parked)))
            }
        }
    }

    async fn count(&self, now_us: i64) -> Result<Totals, Stop> {
        let app = self.application.row.id;
        let held = self
            .engine
            .store()
            .read(self.application.organization, move |reader| reader.held_by(app))
            .await?;
        let totals = Totals { accounts: held.accounts, memberships: held.memberships };
        self.engine.allowances().believe(self.key(), totals, now_us);
        Ok(totals)
    }

    /// Takes those out who would leave the group, where that is too many to be done unasked: they stay
    /// marked, and the others go.
    pub(super) async fn permitted(
        &self,
        due: Vec<DueMember>,
        held: &mut Option<Stop>,
    ) -> Result<Vec<DueMember>, Stop> {
        match self.reserve(&self.leaving(&due)).await {
            Ok(()) => Ok(due),
            Err(stop @ Stop::Held(_)) => {
                *held = Some(stop);
                Ok(due.into_iter().filter(|one| !leaves(one)).collect())
            }
            Err(stop) => Err(stop),
        }
    }

    /// Those of these members who leave the group.
    pub(super) fn leaving(&self, due: &[DueMember]) -> Vec<Removal> {
        let group = self.job.resource;
        let leaving = due.iter().filter(|one| leaves(one));
        leaving.map(|one| Removal::Membership { group, member: one.member }).collect()
    }

    const fn key(&self) -> (crate::id::OrganizationId, crate::id::AppId) {
        (self.application.organization, self.application.row.id)
    }
}

const fn leaves(member: &DueMember) -> bool {
    member.leave.is_some()
}
