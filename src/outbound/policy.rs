//! What an app's administrator decided: pure data, kept as one JSON document beside the app.
//!
//! Everything has a default, so a document that says nothing is a careful one: accounts are switched
//! off and not deleted, what somebody changes in the app is put right, and a run that would take more
//! than a few away stops and asks.

mod change;

pub use change::PolicyChange;

use super::guard::Limits;
use crate::mapping::compiled::Problem;
use crate::mapping::field::{AppSchema, Kind};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// What happens to an account when its person leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Removal {
    /// The account is left as it is.
    Nothing,
    /// It is switched off.
    Deactivate,
    /// It is deleted, if Rollcall made it; one that was there before is switched off.
    Delete,
}

/// What happens, and how long after. As JSON `"deactivate"`, or
/// `{ "action": "delete", "afterDays": 30 }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaving {
    /// What happens in the end.
    pub action: Removal,
    /// Days of grace. An account that is to be deleted is switched off meanwhile; one that is to be
    /// switched off is left as it is.
    pub after_days: u32,
}

impl Leaving {
    /// At once.
    pub const fn now(action: Removal) -> Self {
        Self { action, after_days: 0 }
    }

    /// After so many days.
    pub const fn after(action: Removal, after_days: u32) -> Self {
        Self { action, after_days }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Delayed {
    action: Removal,
    #[serde(default)]
    after_days: u32,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Either {
    Now(Removal),
    Later(Delayed),
}

impl Serialize for Leaving {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.after_days == 0 {
            return self.action.serialize(serializer);
        }
        Delayed { action: self.action, after_days: self.after_days }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Leaving {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Either::deserialize(deserializer).map_err(|_neither| {
            serde::de::Error::custom(
                "give \"nothing\", \"deactivate\" or \"delete\", or an object with \"action\" and \
                 \"afterDays\"",
            )
        })?;
        let leaving = match read {
            Either::Now(action) => Self::now(action),
            Either::Later(Delayed { action, after_days }) => Self { action, after_days },
        };
        if leaving.after_days > LONGEST_GRACE {
            return Err(serde::de::Error::custom("afterDays is 3650 at most"));
        }
        Ok(leaving)
    }
}

/// Most days of grace.
const LONGEST_GRACE: u32 = 3_650;

/// What becomes of an account that the app no longer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lost {
    /// It is made anew.
    #[default]
    Recreate,
    /// A person is asked.
    Park,
    /// It is left to the app: nothing is done for its person until somebody links them again.
    Release,
}

/// What happens when somebody changed a value in the app itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Drift {
    /// It is put right.
    #[default]
    Enforce,
    /// The app's value stays until the directory's changes.
    Tolerate,
    /// A person is asked; until then the app's value stays.
    Ask,
}

/// What happens when values were changed in the app: for all fields, and for some otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct DriftPolicy {
    /// For fields that are not listed.
    pub otherwise: Drift,
    /// By app field; `active` stands for being switched on or off.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Drift>,
}

impl DriftPolicy {
    /// For one field.
    pub fn of(&self, field: &str) -> Drift {
        self.fields.get(field).copied().unwrap_or(self.otherwise)
    }
}

/// How groups in groups are told to the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NestedGroups {
    /// A group in a group is its member.
    #[default]
    Members,
    /// Everybody below a group is its member, however deep, and no group is.
    Flatten,
}

/// By which fields accounts that are there already are recognised, first match first. None: by those
/// that the catalogue names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Matching {
    /// App fields of users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<String>>,
    /// App fields of groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
}

impl Matching {
    /// Of one kind of object.
    pub fn of(&self, kind: Kind) -> Option<&[String]> {
        match kind {
            Kind::User => self.users.as_deref(),
            Kind::Group => self.groups.as_deref(),
        }
    }
}

/// How fast the app is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Rate {
    /// Most requests in a minute; none: what the app itself says, or as fast as it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// Most objects that are worked on at the same time; none: the server's setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u16>,
}

/// What an app's administrator decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Policy {
    /// A person becomes inactive.
    pub deactivated: Leaving,
    /// A person is deleted.
    pub deleted: Leaving,
    /// A person no longer belongs to the app's scope.
    pub out_of_scope: Leaving,
    /// A person is no longer assigned to the app, and that was why they had an account.
    pub unassigned: Leaving,
    /// Whether groups are pushed.
    pub groups: bool,
    /// A group is deleted. Groups cannot be switched off: `deactivate` leaves them.
    pub group_deleted: Leaving,
    /// How groups in groups are told.
    pub nested_groups: NestedGroups,
    /// What becomes of an account that the app no longer has.
    pub lost: Lost,
    /// What happens to values that were changed in the app.
    pub drift: DriftPolicy,
    /// By what accounts that are there already are recognised.
    pub matching: Matching,
    /// Accounts that are never touched: the app's ids, or values of matching fields.
    pub protected: Vec<String>,
    /// What a run, a mapping, a scope or an unassignment may take away without being asked about.
    pub guard: Limits,
    /// How fast the app is asked.
    pub rate: Rate,
    /// The app's own accounts are read and compared every so many hours; 0: only by Quick Sync.
    pub reconcile_hours: u32,
}

impl Policy {
    /// Everything in it that the app's fields do not know, or that makes no sense: each with its place
    /// in the document, what is wrong and what to give instead.
    pub fn faults(&self, schema: &AppSchema) -> Vec<Problem> {
        let mut faults = Vec::new();
        let mut fault = |field: String, detail: String| faults.push(Problem { field, detail });
        let names = |kind: Kind| schema.fields(kind).iter().map(|field| field.name.as_str());
        for (place, kind) in [("users", Kind::User), ("groups", Kind::Group)] {
            let Some(fields) = self.matching.of(kind) else { continue };
            if fields.is_empty() {
                let detail = "name a field, or leave it out for those of the catalogue";
                fault(format!("policy/matching/{place}"), detail.to_owned());
            }
            for (at, field) in fields.iter().enumerate() {
                if !names(kind).any(|known| known == field) {
                    fault(format!("policy/matching/{place}/{at}"), unknown(field));
                }
            }
        }
        for field in self.drift.fields.keys() {
            let is_known = field == "active"
                || [Kind::User, Kind::Group].into_iter().flat_map(names).any(|one| one == field);
            if !is_known {
                fault(format!("policy/drift/fields/{field}"), unknown(field));
            }
        }
        if self.protected.iter().any(|one| one.trim().is_empty()) {
            fault("policy/protected".to_owned(), "an empty text protects nobody".to_owned());
        }
        if self.rate.requests_per_minute == Some(0) {
            let detail = "give 1 or more; to hold the app, pause it".to_owned();
            fault("policy/rate/requestsPerMinute".to_owned(), detail);
        }
        if self.rate.concurrency.is_some_and(|at_once| at_once == 0 || at_once > MOST_AT_ONCE) {
            fault("policy/rate/concurrency".to_owned(), format!("give 1 to {MOST_AT_ONCE}"));
        }
        let limits = [
            ("deactivations", self.guard.deactivations),
            ("deletions", self.guard.deletions),
            ("memberships", self.guard.memberships),
            ("keys", self.guard.keys),
        ];
        for (name, limit) in limits {
            if limit.percent.is_some_and(|percent| percent > 100) {
                fault(format!("policy/guard/{name}/percent"), "give 0 to 100".to_owned());
            }
        }
        if self.reconcile_hours > LONGEST_INTERVAL {
            let detail = format!("give 0 to {LONGEST_INTERVAL}");
            fault("policy/reconcileHours".to_owned(), detail);
        }
        faults
    }

    /// Matching fields by which the app cannot be searched, as `find_by` has it: nobody could be
    /// recognised by them. Fields that the app does not have at all are left to [`Policy::faults`].
    pub fn unsearchable<'a>(
        &self,
        schema: &AppSchema,
        find_by: impl Fn(Kind) -> &'a [&'a str],
    ) -> Vec<Problem> {
        let mut faults = Vec::new();
        for (place, kind) in [("users", Kind::User), ("groups", Kind::Group)] {
            let able = find_by(kind);
            for (at, field) in self.matching.of(kind).unwrap_or_default().iter().enumerate() {
                let is_known = schema.fields(kind).iter().any(|one| &one.name == field);
                if is_known && !able.contains(&field.as_str()) {
                    faults.push(Problem {
                        field: format!("policy/matching/{place}/{at}"),
                        detail: format!(
                            "the app cannot be searched by {field:?}; it can be by {}",
                            able.join(", ")
                        ),
                    });
                }
            }
        }
        faults
    }
}

/// Most objects of one app that are worked on at the same time.
const MOST_AT_ONCE: u16 = 256;
/// Most hours between two looks at an app's own accounts.
const LONGEST_INTERVAL: u32 = 8_760;

fn unknown(field: &str) -> String {
    format!("the app has no field {field:?}; GET /api/v1/adapters lists them")
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            deactivated: Leaving::now(Removal::Deactivate),
            deleted: Leaving::now(Removal::Deactivate),
            out_of_scope: Leaving::now(Removal::Deactivate),
            unassigned: Leaving::now(Removal::Deactivate),
            groups: true,
            group_deleted: Leaving::now(Removal::Delete),
            nested_groups: NestedGroups::default(),
            lost: Lost::default(),
            drift: DriftPolicy::default(),
            matching: Matching::default(),
            protected: Vec::new(),
            guard: Limits::default(),
            rate: Rate::default(),
            reconcile_hours: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_document_that_says_nothing_is_a_careful_one() {
        let read: Policy = serde_json::from_value(json!({})).unwrap();
        assert_eq!(read, Policy::default());
        assert_eq!(read.deleted, Leaving::now(Removal::Deactivate));
        assert_eq!(read.drift.of("title"), Drift::Enforce);
    }

    #[test]
    fn leaving_is_a_word_or_a_word_and_days() {
        let read: Policy = serde_json::from_value(json!({
            "deleted": { "action": "delete", "afterDays": 30 }, "outOfScope": "nothing",
        }))
        .unwrap();
        assert_eq!(read.deleted, Leaving::after(Removal::Delete, 30));
        assert_eq!(read.out_of_scope, Leaving::now(Removal::Nothing));
        let written = serde_json::to_value(&read).unwrap();
        assert_eq!(written["deleted"], json!({ "action": "delete", "afterDays": 30 }));
        assert_eq!(written["outOfScope"], json!("nothing"));
        assert_eq!(serde_json::from_value::<Policy>(written).unwrap(), read);
        for wrong in [json!("maybe"), json!({ "action": "delete", "days": 3 }), json!(7)] {
            assert!(serde_json::from_value::<Leaving>(wrong).is_err());
        }
        let long = json!({ "action": "delete", "afterDays": 3_651 });
        assert!(serde_json::from_value::<Leaving>(long).is_err());
    }

    #[test]
    fn what_is_unknown_is_refused() {
        assert!(serde_json::from_value::<Policy>(json!({ "deleeted": "nothing" })).is_err());
    }
    #[test]
    fn every_fault_is_named_by_its_place() {
        let schema = crate::adapters::catalogue::entry("sandbox").unwrap().schema.clone();
        let read: Policy = serde_json::from_value(json!({
            "matching": { "users": ["loginName", "badge"], "groups": [] },
            "drift": { "fields": { "loginName": "tolerate", "active": "ask", "shoe": "ask" } },
            "rate": { "requestsPerMinute": 0, "concurrency": 300 },
            "guard": { "deletions": { "count": null, "percent": 101 } },
            "protected": ["root", " "],
            "reconcileHours": 9000,
        }))
        .unwrap();
        let places: Vec<String> =
            read.faults(&schema).into_iter().map(|fault| fault.field).collect();
        assert_eq!(
            places,
            [
                "policy/matching/users/1",
                "policy/matching/groups",
                "policy/drift/fields/shoe",
                "policy/protected",
                "policy/rate/requestsPerMinute",
                "policy/rate/concurrency",
                "policy/guard/deletions/percent",
                "policy/reconcileHours",
            ]
        );
        assert!(Policy::default().faults(&schema).is_empty());
    }

    #[test]
    fn nobody_is_recognised_by_what_the_app_cannot_be_searched_by() {
        let entry = crate::adapters::catalogue::entry("sandbox").unwrap();
        let faults = |matching| {
            let policy: Policy = serde_json::from_value(json!({ "matching": matching })).unwrap();
            policy.unsearchable(&entry.schema, |kind| entry.find_by(kind))
        };
        let found = faults(json!({ "users": ["loginName", "email", "badge"], "groups": ["name"] }));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].field, "policy/matching/users/1");
        assert!(found[0].detail.contains("loginName"), "{}", found[0].detail);
        assert!(faults(json!({})).is_empty());
    }
}
