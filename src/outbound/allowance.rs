//! What may still be taken away from an app within the hour without asking anybody.
//!
//! What is taken away is counted in the database before it is, so that two who take away at the same
//! time see each other, and what fails and is tried again is not counted twice. This room only remembers
//! for a while how much an app has.

use super::guard::{Limit, Limits, Removals, Totals};
use super::plan::{Cause, Parked};
use crate::adapters::adapter::Reason;
use crate::id::{AppId, OrganizationId};
use crate::store::removals::{self, Removal, Removed};
use parking_lot::Mutex;
use std::collections::HashMap;

/// How long it is believed how much an app has.
const BELIEVED_US: i64 = 60_000_000;

impl Removal {
    /// The limit for this kind.
    pub(super) const fn limit(self, limits: &Limits) -> Limit {
        match self {
            Self::Deactivation => limits.deactivations,
            Self::Deletion => limits.deletions,
            Self::Membership => limits.memberships,
        }
    }

    /// Of how many a share is taken.
    pub(super) const fn total(self, totals: &Totals) -> u64 {
        match self {
            Self::Deactivation => totals.active,
            Self::Deletion => totals.accounts,
            Self::Membership => totals.memberships,
        }
    }
}

impl From<removals::Held> for Totals {
    fn from(held: removals::Held) -> Self {
        Self { accounts: held.accounts, active: held.active, memberships: held.memberships }
    }
}

impl From<Removed> for Removals {
    fn from(removed: Removed) -> Self {
        let Removed { deactivations, deletions, memberships } = removed;
        Self { deactivations, deletions, memberships, keys: 0 }
    }
}

/// What is held: it would take away more than may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    /// Of which kind.
    pub(super) removal: Removal,
    /// How much.
    pub(super) count: u64,
    /// What was taken away within the hour.
    pub(super) lately: u64,
    /// The most that may be.
    pub(super) most: u64,
}

impl Held {
    /// Why it waits, and what to do.
    pub(super) fn parked(&self, app: &str) -> Parked {
        let Self { count, lately, most, .. } = self;
        let (field, what, rest) = match self.removal {
            Removal::Deactivation => {
                (None, "accounts were switched off", "this one waits".to_owned())
            }
            Removal::Deletion => {
                (None, "accounts and groups were deleted", "this one waits".to_owned())
            }
            Removal::Membership => {
                let wait = if *count == 1 { "waits" } else { "wait" };
                let rest = format!("{count} more of this group {wait}");
                (Some("members".to_owned()), "members were taken out of groups", rest)
            }
        };
        Parked::new(
            Cause::Guard,
            Reason {
                field,
                detail: format!(
                    "{lately} {what} within an hour, and the limit is {most}: {rest} for approval."
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

/// What this process knows of how much apps have, and when that was counted.
#[derive(Debug, Default)]
pub(super) struct Allowances {
    apps: Mutex<HashMap<Key, (Totals, i64)>>,
}

impl Allowances {
    /// How much the app has, if that was counted a short while ago.
    pub(super) fn totals(&self, key: Key, now_us: i64) -> Option<Totals> {
        let (totals, at_us) = *self.apps.lock().get(&key)?;
        is_believed(at_us, now_us).then_some(totals)
    }

    /// Notes how much the app has, and answers what is believed: of several who counted at the same
    /// time the first, as those after it may have counted when something was taken away already.
    pub(super) fn believe(&self, key: Key, counted: Totals, now_us: i64) -> Totals {
        let mut apps = self.apps.lock();
        let believed = apps.get(&key).filter(|one| is_believed(one.1, now_us));
        let totals = believed.map_or((counted, now_us), |one| *one);
        apps.insert(key, totals);
        totals.0
    }

    /// Forgets an app.
    pub(super) fn forget(&self, key: Key) {
        self.apps.lock().remove(&key);
    }
}

fn is_believed(counted_us: i64, now_us: i64) -> bool {
    (counted_us..counted_us.saturating_add(BELIEVED_US)).contains(&now_us)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::new_uuid;

    #[test]
    fn what_is_held_says_how_much_waits() {
        let group = Held { removal: Removal::Membership, count: 90_000, lately: 3, most: 9 };
        assert_eq!(
            group.parked("sandbox").reason.detail,
            "3 members were taken out of groups within an hour, and the limit is 9: \
             90000 more of this group wait for approval."
        );
        let one = Held { count: 1, ..group };
        assert!(
            one.parked("sandbox")
                .reason
                .detail
                .ends_with("1 more of this group waits for approval.")
        );
    }

    #[test]
    fn how_much_there_is_is_believed_for_a_minute() {
        let allowances = Allowances::default();
        let key = (OrganizationId(1), AppId(new_uuid(1)));
        assert_eq!(allowances.totals(key, 5), None);
        let totals = Totals { accounts: 7, active: 6, memberships: 0 };
        assert_eq!(allowances.believe(key, totals, 5), totals);
        let fewer = Totals { active: 5, ..totals };
        assert_eq!(allowances.believe(key, fewer, 6), totals, "the first count is the one");
        assert_eq!(allowances.totals(key, 5), Some(totals));
        assert_eq!(allowances.totals(key, 5 + BELIEVED_US), None);
        assert_eq!(allowances.totals(key, 4), None, "a clock was put back");
        assert_eq!(allowances.believe(key, fewer, 5 + BELIEVED_US), fewer);
    }
}
