//! A field mapping as a document (JSON or YAML): stable, versioned, export equals import.

mod yaml;

use super::field::Kind;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
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
    /// What the mapping must come to for invented people, checked at every save.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<GoldenTest>,
}

/// A profile, and what the mapping must make of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoldenTest {
    /// For people.
    pub name: String,
    /// User or Group.
    #[serde(default, skip_serializing_if = "Kind::is_user")]
    pub kind: Kind,
    /// The SCIM resource; what is left out is empty.
    pub profile: Map<String, Value>,
    /// Values given at the assignment, by app field.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub assigned: Map<String, Value>,
    /// Ids of accounts in the app, by id of the person or group.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub accounts: BTreeMap<String, String>,
    /// Values by app field; null where there must be none. Fields that are not named may have any.
    pub expect: BTreeMap<String, Value>,
}

/// Where the value of one app field comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// The app field.
    pub field: String,
    /// Its source.
    #[serde(deserialize_with = "source")]
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
    /// The account, in the same app, of the person or group that a profile field names:
    /// `manager` → the manager's id in the app. Empty until there is such an account.
    Reference {
        /// SCIM path of an id: `urn:…:User:manager.value`.
        path: String,
    },
    /// The value for this field that was given when the person was assigned to the app.
    Assignment,
    /// A CEL expression: `upper(name.familyName) + ", " + name.givenName`.
    Expression {
        /// Its text.
        expression: String,
    },
}

/// A source is an object with the fields of its kind and no others. serde alone would take an array
/// too, and anything beside `assignment`.
fn source<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Source, D::Error> {
    let object = Map::deserialize(deserializer)?;
    let beside = object.keys().find(|key| *key != "kind").cloned();
    let source = Source::deserialize(Value::Object(object)).map_err(D::Error::custom)?;
    match (&source, beside) {
        (Source::Assignment, Some(name)) => Err(D::Error::custom(format!(
            "unknown field `{name}`, there are no others than `kind`"
        ))),
        _ => Ok(source),
    }
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Normaliser {
    /// Without white space at the ends.
    Trim,
    /// Runs of white space become one space.
    Collapse,
    /// Lower case.
    Lower,
    /// Upper case.
    Upper,
    /// Letters of any alphabet as ASCII: `Semančík` → `Semancik`.
    Transliterate,
    /// A telephone number as `+15125550100`. Numbers without a country code are of this country
    /// (ISO 3166 code, `{"e164": "US"}`).
    E164(String),
}

impl Document {
    /// The rules of a kind of object.
    pub fn rules(&self, kind: Kind) -> &[Rule] {
        match kind {
            Kind::User => &self.users,
            Kind::Group => &self.groups,
        }
    }
}
