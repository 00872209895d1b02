//! Fields of an app, as its adapter declares them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What kind of object of an app a field belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// A person's account.
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
    /// Text that is a date and time, RFC 3339.
    DateTime,
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
    /// Longest value in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<usize>,
    /// The values it takes, where it takes only some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// Whether an account cannot be made without it.
    pub mandatory: bool,
    /// Whether it can be given only when the account is made.
    pub create_only: bool,
    /// Fields of one group are mapped together or not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depends: Option<String>,
    /// For people.
    pub description: String,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<Value>,
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
