//! A list that leaves out more than may be deleted is not believed: pure.

use crate::id::RunId;
use crate::mapping::field::Kind;
use crate::outbound::guard::Limit;
use crate::store::links::LinkRow;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Why an app's list is not believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::outbound) struct Doubt {
    /// `User` or `Group`: the list of which it is.
    pub(in crate::outbound) kind: String,
    /// Linked objects that the list leaves out.
    pub(in crate::outbound) unseen: u64,
    /// How many are linked.
    pub(in crate::outbound) linked: u64,
    /// The most that it may leave out.
    pub(in crate::outbound) most: u64,
    /// When the list was begun.
    pub(in crate::outbound) since_us: i64,
}

/// What the objects of a kind are called in a list of them.
pub(super) const fn noun(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "accounts",
        Kind::Group => "groups",
    }
}

impl Doubt {
    /// The doubt about a list that leaves out so many of all; none where that may be so.
    pub(super) fn of(
        kind: Kind,
        (unseen, linked): (u64, u64),
        limit: Limit,
        since_us: i64,
    ) -> Option<Self> {
        let most = limit.most(linked).filter(|most| unseen > *most)?;
        Some(Self { kind: kind.as_str().to_owned(), unseen, linked, most, since_us })
    }

    /// Whether it is why a run is held.
    pub(super) fn is_why(held: &Value) -> bool {
        held.get("list").is_some()
    }

    /// In words, without a full stop.
    pub(in crate::outbound) fn sentence(&self) -> String {
        let Self { unseen, linked, .. } = self;
        let noun = Kind::named(&self.kind).map_or("objects", noun);
        format!("the app's list leaves out {unseen} of {linked} linked {noun}; it is not believed")
    }

    /// What to do about a run that is held for it.
    pub(super) fn remedy(run: RunId) -> String {
        format!(
            "Look at the app. POST /api/v1/runs/{run}/approve {{\"reason\": …}} has the list \
             believed: the run is planned again, and those of whom the app says by their ids that it \
             does not have them are treated as the policy's \"lost\" says. POST \
             /api/v1/runs/{run}/cancel gives it up."
        )
    }

    /// Whether an object is among those that were left out, and nothing was seen of it or done to it
    /// since.
    pub(in crate::outbound) fn concerns(&self, link: &LinkRow) -> bool {
        let is_before = |at_us: i64| at_us < self.since_us;
        link.kind == self.kind
            && link.remote_id.is_some()
            && ["linked", "deactivated"].contains(&link.state.as_str())
            && is_before(link.pushed_us)
            && link.seen_us.is_none_or(is_before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_doubted_beyond_the_limit_and_says_how_much_it_leaves_out() {
        let limit = Limit { count: Some(100), percent: Some(10) };
        assert_eq!(Doubt::of(Kind::User, (20, 200), limit, 1), None);
        let doubt = Doubt::of(Kind::User, (21, 200), limit, 1).unwrap();
        assert_eq!(
            doubt.sentence(),
            "the app's list leaves out 21 of 200 linked accounts; it is not believed"
        );
        let none = Limit { count: None, percent: None };
        assert_eq!(Doubt::of(Kind::Group, (200, 200), none, 1), None);
    }
}
