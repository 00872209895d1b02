//! How much may be taken away without asking: pure.
//!
//! The same limits hold before a run, before a mapping, a scope, an assignment or a toggle takes
//! effect, and for what the directory itself takes away within an hour.

use serde::{Deserialize, Serialize};
use std::fmt;

/// So few are never too large a share: a limit in percent means little in a small app. A count is
/// taken as it is.
pub const NEVER_TOO_MANY: u64 = 5;

/// The most that may be taken away: more than `count`, or more than `percent` of what there is, is
/// too much. None: no such limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limit {
    /// At most so many.
    pub count: Option<u64>,
    /// At most so many of a hundred.
    pub percent: Option<u8>,
}

impl Limit {
    const fn of(count: u64, percent: u8) -> Self {
        Self { count: Some(count), percent: Some(percent) }
    }

    /// The most that is not too much, where there are `total`; none: anything.
    pub fn most(&self, total: u64) -> Option<u64> {
        let share = self
            .percent
            .map(|percent| (total.saturating_mul(u64::from(percent)) / 100).max(NEVER_TOO_MANY));
        [self.count, share].into_iter().flatten().min()
    }
}

/// What may be taken away, by type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Limits {
    /// Accounts that are switched off.
    pub deactivations: Limit,
    /// Accounts and groups that are deleted.
    pub deletions: Limit,
    /// Members that groups lose.
    pub memberships: Limit,
    /// Accounts that get another name by which they are recognised.
    pub keys: Limit,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deactivations: Limit::of(500, 20),
            deletions: Limit::of(100, 10),
            memberships: Limit::of(5_000, 30),
            keys: Limit::of(500, 20),
        }
    }
}

/// What would be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Removals {
    /// Accounts that are switched off.
    pub deactivations: u64,
    /// Accounts and groups that are deleted.
    pub deletions: u64,
    /// Members that groups lose.
    pub memberships: u64,
    /// Accounts that get another name by which they are recognised.
    pub keys: u64,
}

impl Removals {
    /// All of them together: what somebody who approves approves.
    pub const fn total(&self) -> u64 {
        self.deactivations
            .saturating_add(self.deletions)
            .saturating_add(self.memberships)
            .saturating_add(self.keys)
    }
}

/// What there is of it: of what a share is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Accounts and groups that the app has.
    pub accounts: u64,
    /// Accounts that are switched on.
    pub active: u64,
    /// Members that the app was told of.
    pub memberships: u64,
}

/// A limit that would be passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Breach {
    /// `deactivations`, `deletions`, `memberships` or `keys`.
    pub limit: String,
    /// How many there would be.
    pub count: u64,
    /// How many there were within the last hour, which count as well.
    #[serde(default, skip_serializing_if = "is_none")]
    pub last_hour: u64,
    /// The most that is not too much.
    pub most: u64,
    /// Of how many.
    pub total: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_none(count: &u64) -> bool {
    *count == 0
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.limit.as_str() {
            "deactivations" => "accounts would be switched off",
            "deletions" => "accounts and groups would be deleted",
            "memberships" => "members would be taken out of groups",
            _ => "accounts would get another name by which they are recognised",
        };
        let Self { count, total, most, .. } = self;
        write!(f, "{count} of {total} {what}")?;
        if self.last_hour > 0 {
            write!(f, ", after {} within the last hour", self.last_hour)?;
        }
        write!(f, "; the limit is {most}")
    }
}

/// The limits that these removals pass, together with what the last hour took away.
pub fn breaches(
    limits: &Limits,
    removals: &Removals,
    lately: &Removals,
    totals: &Totals,
) -> Vec<Breach> {
    let (new, old) = (removals, lately);
    let all = [
        (
            "deactivations",
            limits.deactivations,
            (new.deactivations, old.deactivations),
            totals.active,
        ),
        ("deletions", limits.deletions, (new.deletions, old.deletions), totals.accounts),
        ("memberships", limits.memberships, (new.memberships, old.memberships), totals.memberships),
        ("keys", limits.keys, (new.keys, old.keys), totals.accounts),
    ];
    all.into_iter()
        .filter_map(|(name, limit, (count, last_hour), total)| {
            let most = limit.most(total)?;
            let passes = count > 0 && count.saturating_add(last_hour) > most;
            passes.then(|| Breach { limit: name.to_owned(), count, last_hour, most, total })
        })
        .collect()
}

/// What is known when something is about to be taken away of one object, all of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Asked {
    /// So much is taken away at once.
    pub wanted: u64,
    /// So much may be whatever the hour's limit says: a run planned it, or somebody approved it.
    pub allowed: u64,
    /// Whether somebody approved what is allowed: it then does not count for the hour.
    pub approved: bool,
    /// So much of it was counted for the hour before: it is tried again.
    pub counted: u64,
    /// What was counted for the hour, of all objects.
    pub lately: u64,
    /// The limit for an hour; none: anything.
    pub most: Option<u64>,
}

impl Asked {
    /// Up to how much of it is to be counted for the hour; none: it waits, all of it.
    pub fn ruled(&self) -> Option<u64> {
        let beyond = self.wanted.saturating_sub(self.allowed);
        let counts = if self.approved { beyond } else { self.wanted };
        let new = counts.saturating_sub(self.counted);
        let passes = self.most.is_some_and(|most| self.lately.saturating_add(new) > most);
        (beyond == 0 || new == 0 || !passes).then_some(counts.max(self.counted))
    }
}

/// The breaches in one sentence.
pub fn sentence(breaches: &[Breach]) -> String {
    let parts: Vec<String> = breaches.iter().map(ToString::to_string).collect();
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(accounts: u64) -> Totals {
        Totals { accounts, active: accounts, memberships: 1_000 }
    }

    fn found(limits: &Limits, removals: &Removals, lately: &Removals) -> Vec<Breach> {
        breaches(limits, removals, lately, &totals(100))
    }

    #[test]
    fn the_smaller_of_count_and_share_counts() {
        let limit = Limit::of(50, 10);
        assert_eq!(limit.most(10_000), Some(50));
        assert_eq!(limit.most(200), Some(20));
        assert_eq!(limit.most(3), Some(NEVER_TOO_MANY), "a small app is not stopped by one leaver");
        assert_eq!(Limit { count: None, percent: None }.most(9), None);
        assert_eq!(Limit::of(50, 0).most(90), Some(NEVER_TOO_MANY));
    }

    #[test]
    fn a_count_is_taken_as_it_is() {
        for count in [0, 1, 4] {
            assert_eq!(Limit { count: Some(count), percent: None }.most(9), Some(count));
            assert_eq!(Limit::of(count, 20).most(10_000), Some(count));
        }
    }

    #[test]
    fn accounts_that_are_off_are_nobodys_share() {
        let removals = Removals { deactivations: 8, deletions: 8, ..Removals::default() };
        let totals = Totals { accounts: 90, active: 17, memberships: 0 };
        let found = breaches(&Limits::default(), &removals, &Removals::default(), &totals);
        assert_eq!(sentence(&found), "8 of 17 accounts would be switched off; the limit is 5");
    }

    #[test]
    fn what_the_last_hour_took_away_is_told_apart() {
        let removals = Removals { deactivations: 2, ..Removals::default() };
        let lately = Removals { deactivations: 19, deletions: 90, ..Removals::default() };
        assert_eq!(
            sentence(&found(&Limits::default(), &removals, &lately)),
            "2 of 100 accounts would be switched off, after 19 within the last hour; the limit is 20"
        );
        let one = Removals { deactivations: 1, ..Removals::default() };
        assert!(found(&Limits::default(), &one, &lately).is_empty(), "20, and nothing is deleted");
    }

    #[test]
    fn what_is_allowed_goes_and_counts_and_what_is_beyond_keeps_to_the_hour() {
        let run = Asked { wanted: 9, allowed: 9, most: Some(5), ..Asked::default() };
        assert_eq!(run.ruled(), Some(9));
        assert_eq!(Asked { wanted: 15, ..run }.ruled(), None, "six more than were planned");
        assert_eq!(Asked { wanted: 15, most: Some(15), ..run }.ruled(), Some(15));
        assert_eq!(Asked { wanted: 15, most: None, ..run }.ruled(), Some(15));
        assert_eq!(
            Asked { lately: 90, ..run }.ruled(),
            Some(9),
            "it was weighed when it was planned"
        );
        let nothing = Asked { wanted: 1, lately: 5, most: Some(5), ..Asked::default() };
        assert_eq!(nothing.ruled(), None);
        assert_eq!(Asked { lately: 4, ..nothing }.ruled(), Some(1));
        assert_eq!(Asked { lately: 0, most: Some(0), ..nothing }.ruled(), None);
    }

    #[test]
    fn what_somebody_approved_does_not_count() {
        let approved =
            Asked { wanted: 9, allowed: 9, approved: true, most: Some(5), ..Asked::default() };
        assert_eq!(approved.ruled(), Some(0));
        assert_eq!(Asked { wanted: 12, ..approved }.ruled(), Some(3));
        assert_eq!(Asked { wanted: 15, ..approved }.ruled(), None);
    }

    #[test]
    fn what_is_tried_again_is_not_counted_again() {
        let again = Asked { wanted: 4, counted: 4, lately: 5, most: Some(5), ..Asked::default() };
        assert_eq!(again.ruled(), Some(4), "it is within what was counted");
        assert_eq!(Asked { wanted: 5, ..again }.ruled(), None);
        assert_eq!(Asked { wanted: 3, ..again }.ruled(), Some(4));
    }

    #[test]
    fn sixty_of_a_hundred_are_too_many() {
        let removals = Removals { deactivations: 60, ..Removals::default() };
        let sixty = found(&Limits::default(), &removals, &Removals::default());
        assert_eq!(sentence(&sixty), "60 of 100 accounts would be switched off; the limit is 20");
        let few = Removals { deactivations: 20, deletions: 10, ..Removals::default() };
        assert!(found(&Limits::default(), &few, &Removals::default()).is_empty());
    }
}
