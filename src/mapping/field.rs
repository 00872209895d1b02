//! Fields of an app, as its adapter declares them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What kind of object of an app a field belongs to.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
pub enum Kind {
    /// A person's account.
    #[default]
    User,
    /// A group.
    Group,
}

impl Kind {
    /// Name of the resource type that feeds it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(super) fn is_user(&self) -> bool {
        *self == Self::User
    }

    /// Where its rules stand in a document, and its fields in a schema.
    pub const fn place(self) -> &'static str {
        match self {
            Self::User => "users",
            Self::Group => "groups",
        }
    }

    /// By the name of a resource type.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "User" => Some(Self::User),
            "Group" => Some(Self::Group),
            _ => None,
        }
    }
}

/// Type of an app field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// Text.
    Text,
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Decimal,
    /// Text that is a date and time, RFC 3339.
    DateTime,
    /// Text that is a date: `2026-01-31`.
    Date,
}

/// When an account cannot do without a field.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mandatory {
    /// No account can be made without it.
    pub create: bool,
    /// It can never be emptied.
    pub update: bool,
    /// Only for those whose profile this SCIM filter matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
}

impl Mandatory {
    /// Whether there is anybody who needs the field.
    pub const fn is_any(&self) -> bool {
        self.create || self.update
    }

    /// An account is never without it.
    pub const fn always() -> Self {
        Self { create: true, update: true, when: None }
    }

    /// It may be emptied once the account is there.
    pub const fn at_creation() -> Self {
        Self { create: true, update: false, when: None }
    }
}

/// What can be done with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mutability {
    /// Mapped as one likes, changed at any time.
    #[default]
    ReadWrite,
    /// Given when the account is made, and never again.
    CreateOnly,
    /// It identifies the account: its rule is the default mapping's and cannot be edited.
    Locked,
}

/// Values that depend on the value of another field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Allowed {
    /// The other field.
    pub by: String,
    /// By its value: the values that this field may have. A value that is not here allows any.
    pub values: BTreeMap<String, Vec<String>>,
}

/// One field of an app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppField {
    /// Its name in the app: `userName`, `emails[type eq "work"].value`, `Last_Name`.
    pub name: String,
    /// For people.
    pub label: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// Whether it holds a list of values.
    #[serde(default)]
    pub multi_valued: bool,
    /// Longest value in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<usize>,
    /// The values it takes, where it takes only some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// When an account cannot do without it.
    #[serde(default)]
    pub mandatory: Mandatory,
    /// What can be done with it.
    #[serde(default)]
    pub mutability: Mutability,
    /// Fields of one group are mapped together or not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depends: Option<String>,
    /// Which of its values go with which of another field's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Allowed>,
    /// For people.
    pub description: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<Value>,
}

impl AppField {
    /// A text of at most so many characters that may be left out, to be changed with `..`.
    pub fn text(name: &str, label: &str, longest: usize, description: &str) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            kind: FieldType::Text,
            multi_valued: false,
            max_length: Some(longest),
            choices: Vec::new(),
            mandatory: Mandatory::default(),
            mutability: Mutability::default(),
            depends: None,
            allowed: None,
            description: description.to_owned(),
            example: None,
        }
    }
}

/// Every field of an app, for users and for groups.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AppSchema {
    /// Fields of an account.
    pub users: Vec<AppField>,
    /// Fields of a group; empty where the app has none.
    pub groups: Vec<AppField>,
}

impl AppSchema {
    /// The fields of a kind of object.
    pub fn fields(&self, kind: Kind) -> &[AppField] {
        match kind {
            Kind::User => &self.users,
            Kind::Group => &self.groups,
        }
    }
}
