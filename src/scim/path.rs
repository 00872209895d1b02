//! Attribute paths (RFC 7644 §3.10) and PATCH paths (RFC 7644 §3.5.2).
//!
//! ```text
//! attrPath  = [URI ":"] ATTRNAME *1subAttr
//! valuePath = attrPath "[" valFilter "]"
//! PATH      = attrPath / valuePath [subAttr]
//! ```
//!
//! The parser knows no schema; [`super::schema::ResourceType::place`] says what a path means.

use super::filter::Filter;

/// An attribute, qualified by a URN or not, with or without a sub-attribute.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AttributePath {
    /// URN before the name, as written.
    pub schema: Option<String>,
    /// Attribute name, as written.
    pub attribute: String,
    /// Sub-attribute name, as written.
    pub sub: Option<String>,
}

/// What a PATCH operation points at.
#[derive(Debug, Clone, PartialEq)]
pub enum Path {
    /// A whole extension: its URN alone.
    Extension(String),
    /// An attribute or a part of it.
    Attribute(AttributePath),
    /// The elements of a multi-valued attribute that match, or a part of each.
    Elements {
        /// The multi-valued attribute; its `sub` is none.
        attribute: AttributePath,
        /// Which elements.
        filter: Box<Filter>,
        /// Which part of each.
        sub: Option<String>,
    },
}
