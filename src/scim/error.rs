//! What a SCIM client is told when something is wrong (RFC 7644 §3.12).
//!
//! Every error has a status, a keyword where the RFC defines one, and a sentence that names what
//! was wrong and what to do. Sentences never hold values of other people's resources.

use serde_json::{Value, json};

/// URN of the SCIM error message.
pub const ERROR_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// Keywords of RFC 7644 §3.12 table 9 and RFC 9865 §2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScimType {
    /// The filter is malformed, or compares what cannot be compared.
    InvalidFilter,
    /// The answer would be larger than the server is willing to build.
    TooMany,
    /// A value that must be unique is taken.
    Uniqueness,
    /// The attribute may not be changed this way.
    Mutability,
    /// The body is not what the operation takes.
    InvalidSyntax,
    /// The path is malformed or names nothing in the schema.
    InvalidPath,
    /// The path of a PATCH operation selects nothing.
    NoTarget,
    /// A value is missing or of the wrong type.
    InvalidValue,
    /// The protocol version is not spoken here.
    InvalidVers,
    /// The query must not be sent in a URL.
    Sensitive,
    /// The page cursor is not one of ours.
    InvalidCursor,
    /// The page cursor is too old.
    ExpiredCursor,
    /// `count` does not go with the cursor.
    InvalidCount,
}

impl ScimType {
    /// The keyword as it goes over the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidVers => "invalidVers",
            Self::Sensitive => "sensitive",
            Self::InvalidCursor => "invalidCursor",
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
        }
    }
}

/// An error as a SCIM client sees it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Error {
    /// HTTP status.
    pub status: u16,
    /// Keyword, where the RFC defines one.
    pub scim_type: Option<ScimType>,
    /// One sentence: what is wrong, and the remedy.
    pub detail: String,
}

impl Error {
    /// A 400 with its keyword.
    pub fn bad(scim_type: ScimType, detail: impl Into<String>) -> Self {
        Self { status: 400, scim_type: Some(scim_type), detail: detail.into() }
    }

    /// Any status without a keyword.
    pub fn status(status: u16, detail: impl Into<String>) -> Self {
        Self { status, scim_type: None, detail: detail.into() }
    }

    /// A 409 `uniqueness` naming the attribute.
    pub fn taken(attribute: &str) -> Self {
        Self {
            status: 409,
            scim_type: Some(ScimType::Uniqueness),
            detail: format!("another resource already has this {attribute}"),
        }
    }

    /// A 404 for an id.
    pub fn not_found(kind: &str, id: &str) -> Self {
        Self::status(404, format!("no {kind} has the id {id:?}"))
    }

    /// The body of RFC 7644 §3.12; `status` is a string there.
    pub fn body(&self) -> Value {
        let mut body = json!({
            "schemas": [ERROR_SCHEMA],
            "status": self.status.to_string(),
        });
        if let (Some(scim_type), Some(map)) = (self.scim_type, body.as_object_mut()) {
            map.insert("scimType".into(), scim_type.as_str().into());
        }
        if let Some(map) = body.as_object_mut() {
            map.insert("detail".into(), self.detail.clone().into());
        }
        body
    }
}
