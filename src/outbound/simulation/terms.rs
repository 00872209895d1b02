//! What an app's administrator decided.

use crate::id::ResourceId;
use crate::outbound::policy::{Drift, Lost};
use crate::scim::urn::ENTERPRISE_USER;
use crate::store::pushes::Nesting;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What happens to the account of somebody who leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Nothing,
    Deactivate,
    Delete,
}

/// What happens, and after how many days of grace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leave {
    pub(super) wish: Wish,
    pub(super) days: u32,
}

/// Who belongs in an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    Everybody,
    Active,
    Department(&'static str),
    Within(ResourceId),
}

/// What an app's administrator decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) scope: Scope,
    /// Whether the job title is the nick name: another mapping.
    pub(super) nick: bool,
    pub(super) deactivated: Leave,
    pub(super) deleted: Leave,
    pub(super) out_of_scope: Leave,
    pub(super) groups: bool,
    pub(super) group_deleted: Leave,
    /// Whether everybody below a group is its member, and no group is.
    pub(super) flatten: bool,
    /// User names of accounts that nobody touches.
    pub(super) protected: BTreeSet<String>,
    /// What becomes of an account that the app no longer has.
    pub(super) lost: Lost,
    /// What becomes of values that somebody changed in the app.
    pub(super) drift: Drift,
    /// How often the app's own accounts are read and compared.
    pub(super) reconcile_hours: u32,
}

impl Wish {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Deactivate => "deactivate",
            Self::Delete => "delete",
        }
    }
}

impl Leave {
    fn json(self) -> Value {
        json!({ "action": self.wish.as_str(), "afterDays": self.days })
    }
}

impl Terms {
    /// The scope as it is kept.
    pub(super) fn scope(&self) -> Option<String> {
        match &self.scope {
            Scope::Everybody => None,
            Scope::Active => Some("active eq true".into()),
            Scope::Department(name) => Some(format!("{ENTERPRISE_USER}:department eq \"{name}\"")),
            Scope::Within(group) => Some(json!({ "groups": [group.to_string()] }).to_string()),
        }
    }

    /// Who counts as a member of a group.
    pub(super) const fn nesting(&self) -> Nesting {
        if self.flatten { Nesting::Flatten } else { Nesting::Members }
    }

    /// The policy as it is kept.
    pub(super) fn policy(&self) -> Value {
        json!({
            "deactivated": self.deactivated.json(),
            "deleted": self.deleted.json(),
            "outOfScope": self.out_of_scope.json(),
            "groups": self.groups,
            "groupDeleted": self.group_deleted.json(),
            "nestedGroups": if self.flatten { "flatten" } else { "members" },
            "protected": self.protected,
            "lost": self.lost,
            "drift": { "otherwise": self.drift },
            "reconcileHours": self.reconcile_hours,
        })
    }

    /// The mapping as it is kept.
    pub(super) fn mapping(&self) -> Value {
        let rule = |field: &str, path: String| json!({ "field": field, "source": { "kind": "profile", "path": path } });
        let title = if self.nick { "nickName" } else { "title" };
        json!({
            "users": [
                rule("loginName", "userName".into()),
                rule("lastName", "name.familyName".into()),
                rule("jobTitle", title.into()),
                rule("department", format!("{ENTERPRISE_USER}:department")),
                {
                    "field": "manager",
                    "source": {
                        "kind": "reference", "path": format!("{ENTERPRISE_USER}:manager.value"),
                    },
                },
                {
                    "field": "source", "apply": "create",
                    "source": { "kind": "constant", "value": "Rollcall" },
                },
            ],
            "groups": [rule("name", "displayName".into()), rule("reference", "id".into())],
        })
    }
}
