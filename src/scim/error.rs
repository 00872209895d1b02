//! What a SCIM client is told when something is wrong (RFC 7644 §3.12).
//!
//! Every error is a row of one table, [`Fault`]: a status, a keyword where the RFC defines one, and
//! a sentence that names what was wrong and what to do. The same table is `docs/errors.md`.
//! Sentences never hold values of other people's resources.

mod clause;
mod fault;
pub mod page;

pub use clause::Clause;
pub use fault::{Fault, ROWS, Row};

use serde_json::{Map, Value};
use std::fmt;

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
pub struct Error {
    /// Which row of the table, with what goes into its sentence.
    pub fault: Fault,
    /// Which operation of a PATCH it is about, from 1; none where it is about no operation.
    pub operation: Option<usize>,
}

impl Error {
    /// HTTP status.
    pub fn code(&self) -> u16 {
        self.fault.status()
    }

    /// Keyword, where the RFC defines one.
    pub fn scim_type(&self) -> Option<ScimType> {
        self.fault.scim_type()
    }

    /// The same, about that operation of the request (from 1).
    #[must_use]
    pub fn of_operation(self, number: usize) -> Self {
        Self { operation: Some(number), ..self }
    }

    /// The body of RFC 7644 §3.12; `status` is a string there.
    pub fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("schemas".to_owned(), Value::Array(vec![ERROR_SCHEMA.into()]));
        body.insert("status".to_owned(), self.code().to_string().into());
        if let Some(scim_type) = self.scim_type() {
            body.insert("scimType".to_owned(), scim_type.as_str().into());
        }
        body.insert("detail".to_owned(), self.to_string().into());
        Value::Object(body)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self { fault, operation: None }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(number) = self.operation {
            write!(f, "operation {number}: ")?;
        }
        self.fault.fmt(f)
    }
}

/// Enough of a text to recognise it by, for sentences.
pub fn shortened(text: &str) -> String {
    const SHOWN: usize = 80;
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
