//! How much may be taken away without asking: pure.
//!
//! The same limits hold before a run, before a mapping, a scope, an assignment or a toggle takes
//! effect, and for what the directory itself takes away within an hour.

use serde::{Deserialize, Serialize};
use std::fmt;

/// So few are never too many: a limit in percent means little in a small app.
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
        let share = self.percent.map(|percent| total.saturating_mul(u64::from(percent)) / 100);
        let most = [self.count, share].into_iter().flatten().min()?;
        Some(most.max(NEVER_TOO_MANY))
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
    /// Accounts and groups that are linked.
    pub accounts: u64,
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
    /// The most that is not too much.
    pub most: u64,
    /// Of how many.
    pub total: u64,
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
        write!(f, "{count} of {total} {what}; the limit is {most}")
    }
}

/// The limits that these removals pass.
pub fn breaches(limits: &Limits, removals: &Removals, totals: &Totals) -> Vec<Breach> {
    let all = [
        ("deactivations", limits.deactivations, removals.deactivations, totals.accounts),
        ("deletions", limits.deletions, removals.deletions, totals.accounts),
        ("memberships", limits.memberships, removals.memberships, totals.memberships),
        ("keys", limits.keys, removals.keys, totals.accounts),
    ];
    all.into_iter()
        .filter_map(|(name, limit, count, total)| {
            let most = limit.most(total)?;
            (count > most).then(|| Breach { limit: name.to_owned(), count, most, total })
        })
        .collect()
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
        Totals { accounts, memberships: 1_000 }
    }

    #[test]
    fn the_smaller_of_count_and_share_counts() {
        let limit = Limit::of(50, 10);
        assert_eq!(limit.most(10_000), Some(50));
        assert_eq!(limit.most(200), Some(20));
        assert_eq!(limit.most(3), Some(NEVER_TOO_MANY), "a small app is not stopped by one leaver");
        assert_eq!(Limit { count: None, percent: None }.most(9), None);
        assert_eq!(Limit { count: Some(0), percent: None }.most(9), Some(NEVER_TOO_MANY));
    }

    #[test]
    fn sixty_of_a_hundred_are_too_many() {
        let removals = Removals { deactivations: 60, ..Removals::default() };
        let found = breaches(&Limits::default(), &removals, &totals(100));
        assert_eq!(sentence(&found), "60 of 100 accounts would be switched off; the limit is 20");
        let few = Removals { deactivations: 20, deletions: 10, ..Removals::default() };
        assert!(breaches(&Limits::default(), &few, &totals(100)).is_empty());
    }
}
