//! What changes of a policy: what is left out stays as it is.

use super::{DriftPolicy, Leaving, Lost, Matching, NestedGroups, Policy, Rate};
use crate::outbound::guard::{Limit, Limits};
use serde::{Deserialize, Deserializer};

/// Null is no value of any of these.
fn said<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A part of a [`Policy`], key by key; of `guard`, limit by limit.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct PolicyChange {
    #[serde(deserialize_with = "said")]
    deactivated: Option<Leaving>,
    #[serde(deserialize_with = "said")]
    deleted: Option<Leaving>,
    #[serde(deserialize_with = "said")]
    out_of_scope: Option<Leaving>,
    #[serde(deserialize_with = "said")]
    unassigned: Option<Leaving>,
    #[serde(deserialize_with = "said")]
    groups: Option<bool>,
    #[serde(deserialize_with = "said")]
    group_deleted: Option<Leaving>,
    #[serde(deserialize_with = "said")]
    nested_groups: Option<NestedGroups>,
    #[serde(deserialize_with = "said")]
    lost: Option<Lost>,
    #[serde(deserialize_with = "said")]
    drift: Option<DriftPolicy>,
    #[serde(deserialize_with = "said")]
    matching: Option<Matching>,
    #[serde(deserialize_with = "said")]
    protected: Option<Vec<String>>,
    #[serde(deserialize_with = "said")]
    guard: Option<LimitsChange>,
    #[serde(deserialize_with = "said")]
    rate: Option<Rate>,
    #[serde(deserialize_with = "said")]
    reconcile_hours: Option<u32>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct LimitsChange {
    #[serde(deserialize_with = "said")]
    deactivations: Option<Limit>,
    #[serde(deserialize_with = "said")]
    deletions: Option<Limit>,
    #[serde(deserialize_with = "said")]
    memberships: Option<Limit>,
    #[serde(deserialize_with = "said")]
    keys: Option<Limit>,
}

impl LimitsChange {
    fn of(self, before: Limits) -> Limits {
        Limits {
            deactivations: self.deactivations.unwrap_or(before.deactivations),
            deletions: self.deletions.unwrap_or(before.deletions),
            memberships: self.memberships.unwrap_or(before.memberships),
            keys: self.keys.unwrap_or(before.keys),
        }
    }
}

impl PolicyChange {
    /// The policy `before`, changed.
    pub fn of(self, before: Policy) -> Policy {
        Policy {
            deactivated: self.deactivated.unwrap_or(before.deactivated),
            deleted: self.deleted.unwrap_or(before.deleted),
            out_of_scope: self.out_of_scope.unwrap_or(before.out_of_scope),
            unassigned: self.unassigned.unwrap_or(before.unassigned),
            groups: self.groups.unwrap_or(before.groups),
            group_deleted: self.group_deleted.unwrap_or(before.group_deleted),
            nested_groups: self.nested_groups.unwrap_or(before.nested_groups),
            lost: self.lost.unwrap_or(before.lost),
            drift: self.drift.unwrap_or(before.drift),
            matching: self.matching.unwrap_or(before.matching),
            protected: self.protected.unwrap_or(before.protected),
            guard: self.guard.map_or(before.guard, |change| change.of(before.guard)),
            rate: self.rate.unwrap_or(before.rate),
            reconcile_hours: self.reconcile_hours.unwrap_or(before.reconcile_hours),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn every_key() -> Value {
        json!({
            "deactivated": "delete", "deleted": { "action": "delete", "afterDays": 30 },
            "outOfScope": "nothing", "unassigned": "nothing", "groups": false,
            "groupDeleted": "nothing", "nestedGroups": "flatten", "lost": "park",
            "drift": { "otherwise": "ask", "fields": { "title": "tolerate" } },
            "matching": { "users": ["email"] }, "protected": ["root"],
            "guard": { "deletions": { "count": 1, "percent": 2 }, "keys": { "count": null, "percent": 3 } },
            "rate": { "requestsPerMinute": 7, "concurrency": 2 }, "reconcileHours": 24,
        })
    }

    #[test]
    fn what_is_left_out_stays() {
        let full: Policy = serde_json::from_value(every_key()).unwrap();
        let change = |given: Value| serde_json::from_value::<PolicyChange>(given).unwrap();
        assert_eq!(change(json!({})).of(full.clone()), full);
        for (key, value) in every_key().as_object().unwrap() {
            // From a policy that says nothing, each key alone arrives and no other changes.
            let changed = change(json!({ key.as_str(): value })).of(Policy::default());
            let told: Policy = serde_json::from_value(json!({ key.as_str(): value })).unwrap();
            assert_eq!(changed, told, "{key}");
            assert_ne!(changed, Policy::default(), "{key} is a value of its own");
        }
        let all = serde_json::to_value(&full).unwrap();
        assert_eq!(
            all.as_object().unwrap().len(),
            every_key().as_object().unwrap().len(),
            "every key of a policy is tried"
        );
        let guard = change(json!({ "guard": { "keys": { "count": 9, "percent": null } } }));
        let limits = guard.of(full.clone()).guard;
        assert_eq!(limits.deletions, full.guard.deletions, "the other limits stay");
        assert_eq!(limits.keys, Limit { count: Some(9), percent: None });
    }

    #[test]
    fn null_and_what_is_unknown_are_refused() {
        for wrong in [
            json!({ "protected": null }),
            json!({ "guard": { "deletions": null } }),
            json!({ "deleeted": "nothing" }),
            json!({ "guard": { "delesions": { "count": 1, "percent": 1 } } }),
        ] {
            assert!(serde_json::from_value::<PolicyChange>(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
