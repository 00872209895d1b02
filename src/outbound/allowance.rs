//! What may still be taken away from an app within the hour without asking anybody.
//!
//! What is taken away is counted in the database before it is, so that two who take away at the same
//! time see each other. This room only remembers what this process has counted and not done yet: a
//! request that failed and is tried again is not counted twice, as long as the first count holds.

use super::guard::{Limit, Limits, Totals};
use super::plan::{Cause, Parked};
use crate::adapters::adapter::Reason;
use crate::id::{AppId, OrganizationId, ResourceId};
use crate::store::removals::{self, Removed};
use parking_lot::Mutex;
use std::collections::HashMap;

/// How long it is believed how much an app has.
const BELIEVED_US: i64 = 60_000_000;

/// Something that is taken away from an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Removal {
    /// An account is switched off.
    Deactivation(ResourceId),
    /// An account or a group is deleted.
    Deletion(ResourceId),
    /// A group loses a member.
    Membership {
        /// The group.
        group: ResourceId,
        /// The member.
        member: ResourceId,
    },
}

impl Removal {
    /// The limit for this kind.
    pub(super) const fn limit(self, limits: &Limits) -> Limit {
        match self {
            Self::Deactivation(_) => limits.deactivations,
            Self::Deletion(_) => limits.deletions,
            Self::Membership { .. } => limits.memberships,
        }
    }

    /// Of how many a share is taken.
    pub(super) const fn total(self, totals: &Totals) -> u64 {
        match self {
            Self::Deactivation(_) | Self::Deletion(_) => totals.accounts,
            Self::Membership { .. } => totals.memberships,
        }
    }

    /// So many of this kind.
    pub(super) fn times(self, count: u64) -> Removed {
        let mut removed = Removed::default();
        match self {
            Self::Deactivation(_) => removed.deactivations = count,
            Self::Deletion(_) => removed.deletions = count,
            Self::Membership { .. } => removed.memberships = count,
        }
        removed
    }

    /// How many of this kind there are.
    pub(super) const fn of(self, removed: &Removed) -> u64 {
        match self {
            Self::Deactivation(_) => removed.deactivations,
            Self::Deletion(_) => removed.deletions,
            Self::Membership { .. } => removed.memberships,
        }
    }

    /// Why `count` more of this kind wait, where `before` were taken away and `most` may be.
    pub(super) fn held(self, app: &str, (before, count, most): (u64, u64, u64)) -> Parked {
        let (field, what, rest) = match self {
            Self::Deactivation(_) => (None, "accounts were switched off", "this one waits"),
            Self::Deletion(_) => (None, "accounts and groups were deleted", "this one waits"),
            Self::Membership { .. } => {
                let rest = if count == 1 { "one more waits" } else { "more of this group wait" };
                (Some("members".to_owned()), "members were taken out of groups", rest)
            }
        };
        Parked::new(
            Cause::Guard,
            Reason {
                field,
                detail: format!(
                    "{before} {what} within an hour, and the limit is {most}: {rest} for approval."
                ),
                remedy: format!(
                    "Look whether the source sent what it should, then approve: \
                     POST /api/v1/apps/{app}/guard/approve."
                ),
            },
        )
    }
}

/// Whose app.
type Key = (OrganizationId, AppId);

/// What this process knows of what may be taken away.
#[derive(Debug, Default)]
pub(super) struct Allowances {
    apps: Mutex<HashMap<Key, Known>>,
}

#[derive(Debug, Default)]
struct Known {
    /// How much the app has, and when that was counted.
    totals: Option<(Totals, i64)>,
    /// What was counted and is not done, and when.
    reserved: HashMap<Removal, i64>,
}

impl Allowances {
    /// How much the app has, if that was counted a short while ago.
    pub(super) fn totals(&self, key: Key, now_us: i64) -> Option<Totals> {
        let apps = self.apps.lock();
        let (totals, at_us) = apps.get(&key)?.totals?;
        (at_us..at_us.saturating_add(BELIEVED_US)).contains(&now_us).then_some(totals)
    }

    /// Notes how much the app has, and forgets counts that hold no more.
    pub(super) fn believe(&self, key: Key, totals: Totals, now_us: i64) {
        let mut apps = self.apps.lock();
        let known = apps.entry(key).or_default();
        known.totals = Some((totals, now_us));
        known.reserved.retain(|_, at_us| removals::counts(*at_us, now_us));
    }

    /// Those that are not counted yet, or whose count holds no more.
    pub(super) fn uncounted(&self, key: Key, wanted: &[Removal], now_us: i64) -> Vec<Removal> {
        let apps = self.apps.lock();
        let is_counted = |one: &Removal| {
            let at_us = apps.get(&key).and_then(|known| known.reserved.get(one));
            at_us.is_some_and(|at_us| removals::counts(*at_us, now_us))
        };
        wanted.iter().copied().filter(|one| !is_counted(one)).collect()
    }

    /// Notes that these are counted.
    pub(super) fn counted(&self, key: Key, removals: &[Removal], now_us: i64) {
        let mut apps = self.apps.lock();
        apps.entry(key).or_default().reserved.extend(removals.iter().map(|one| (*one, now_us)));
    }

    /// Notes that these are done: the next time they are something else.
    pub(super) fn done(&self, key: Key, removals: &[Removal]) {
        if let Some(known) = self.apps.lock().get_mut(&key) {
            for one in removals {
                known.reserved.remove(one);
            }
        }
    }

    /// Forgets an app.
    pub(super) fn forget(&self, key: Key) {
        self.apps.lock().remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::new_uuid;

    const HOUR_US: i64 = 3_600_000_000;

    #[test]
    fn what_is_counted_is_not_counted_again_for_an_hour() {
        let allowances = Allowances::default();
        let key = (OrganizationId(1), AppId(new_uuid(1)));
        let [ann, bob] = [2, 3].map(|at| Removal::Deactivation(ResourceId(new_uuid(at))));
        allowances.counted(key, &[ann], 0);
        assert_eq!(allowances.uncounted(key, &[ann, bob], HOUR_US), [bob]);
        let later = 2 * HOUR_US;
        assert_eq!(allowances.uncounted(key, &[ann, bob], later), [ann, bob], "it was long ago");
        allowances.done(key, &[ann]);
        assert_eq!(allowances.uncounted(key, &[ann], 1), [ann], "another time it is another");
        let other = (OrganizationId(2), key.1);
        allowances.counted(key, &[bob], 0);
        assert_eq!(allowances.uncounted(other, &[bob], 1), [bob]);
    }

    #[test]
    fn how_much_there_is_is_believed_for_a_minute() {
        let allowances = Allowances::default();
        let key = (OrganizationId(1), AppId(new_uuid(1)));
        assert_eq!(allowances.totals(key, 5), None);
        let totals = Totals { accounts: 7, memberships: 0 };
        allowances.believe(key, totals, 5);
        assert_eq!(allowances.totals(key, 5), Some(totals));
        assert_eq!(allowances.totals(key, 5 + BELIEVED_US), None);
        assert_eq!(allowances.totals(key, 4), None, "a clock was put back");
    }
}
