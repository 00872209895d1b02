//! A field mapping as a document (JSON): stable, versioned, export equals import.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A mapping: one rule per app field.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Rules for accounts.
    #[serde(default)]
    pub users: Vec<Rule>,
    /// Rules for groups.
    #[serde(default)]
    pub groups: Vec<Rule>,
}

/// Where the value of one app field comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// The app field.
    pub field: String,
    /// Its source.
    pub source: Source,
    /// When it is applied.
    #[serde(default, skip_serializing_if = "Apply::is_always")]
    pub apply: Apply,
    /// What happens when the source has no value.
    #[serde(default, skip_serializing_if = "OnEmpty::is_clear")]
    pub on_empty: OnEmpty,
    /// Applied to text in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub normalise: Vec<Normaliser>,
}

/// A source, by kind: `{"kind":"profile","path":"name.familyName"}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Source {
    /// A profile field, by SCIM path; `emails[type eq "work"].value` takes the first match,
    /// `emails.value` the primary or else the first.
    Profile {
        /// SCIM path.
        path: String,
    },
    /// A hardcoded value.
    Constant {
        /// The value.
        value: Value,
    },
    /// The first of several profile fields that has a value.
    First {
        /// SCIM paths.
        paths: Vec<String>,
    },
    /// A template: `{name.givenName} {name.familyName}`; `{{` is a brace. Empty when every field in
    /// it is; surplus white space goes.
    Join {
        /// The template.
        template: String,
    },
    /// A value table: `department` → role.
    Table {
        /// SCIM path of the key.
        path: String,
        /// From the profile's value to the app's; keys match without case.
        entries: BTreeMap<String, Value>,
        /// For keys that are not in the table, or no key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        default: Option<Value>,
    },
}

/// When a rule is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Apply {
    /// Whenever the value changes.
    #[default]
    Always,
    /// Only when the account is made.
    Create,
}

impl Apply {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_always(&self) -> bool {
        *self == Self::Always
    }
}

/// What happens when the source has no value.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnEmpty {
    /// The app's field is emptied.
    #[default]
    Clear,
    /// The app's field is left as it is.
    Skip,
    /// This value is used instead.
    Default(Value),
}

impl OnEmpty {
    fn is_clear(&self) -> bool {
        *self == Self::Clear
    }
}

/// A change to text that is always the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Normaliser {
    /// Without white space at the ends.
    Trim,
    /// Lower case.
    Lower,
    /// Upper case.
    Upper,
}
