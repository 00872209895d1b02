//! Filters (RFC 7644 §3.4.2.2): syntax, meaning and evaluation.
//!
//! A filter is read in two steps. [`parse`] yields a [`Filter`], which knows no schema;
//! [`Filter::resolve`] checks it against a resource type and yields a [`Condition`], in which every
//! operand already has the encoding of [`super::value::sort_key`]. Evaluation in memory and the
//! store's SQL both start from the condition, so they can only disagree about data, and a property
//! test compares them.

pub mod eval;
pub mod parse;
mod print;
mod resolve;
#[cfg(test)]
pub(crate) mod sample;
mod settle;

pub use parse::{parse, parse_as};

use super::path::AttributePath;
use super::schema::Type;

/// Deepest nesting of parentheses, brackets and `not` that is accepted.
pub const MAX_DEPTH: usize = 32;
/// Longest filter that is accepted, in bytes.
pub const MAX_LENGTH: usize = 16 * 1024;
/// Most comparisons in one filter.
pub const MAX_COMPARISONS: usize = 256;
/// Most comparisons by `co` and `ew` in one filter: no index helps with them, so each looks at every
/// value of its attribute.
pub const MAX_SEARCHES: usize = 16;

/// Comparison operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `eq`
    Equal,
    /// `ne`
    NotEqual,
    /// `co`
    Contains,
    /// `sw`
    StartsWith,
    /// `ew`
    EndsWith,
    /// `gt`
    Greater,
    /// `ge`
    GreaterOrEqual,
    /// `lt`
    Less,
    /// `le`
    LessOrEqual,
}

/// A literal as written.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `null`
    Null,
    /// `true`, `false`
    Boolean(bool),
    /// A JSON number.
    Number(serde_json::Number),
    /// A JSON string, unescaped.
    String(String),
}

/// A filter as written.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of them; two or more.
    And(Vec<Filter>),
    /// Any of them; two or more.
    Or(Vec<Filter>),
    /// Not that.
    Not(Box<Filter>),
    /// `pr`
    Present(AttributePath),
    /// A comparison.
    Compare(AttributePath, Operator, Literal),
    /// `emails[…]`: one element matches all of it.
    Element(AttributePath, Box<Filter>),
}

/// An attribute that a condition reads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Field {
    /// Canonical text, as [`super::schema::Place::key`]: `emails.value`, `meta.lastModified`.
    pub key: String,
    /// URN of the extension object that holds it, canonical.
    pub extension: Option<String>,
    /// Canonical attribute name.
    pub attribute: String,
    /// Canonical sub-attribute name. A comparison with a complex multi-valued attribute alone has
    /// `value` here (RFC 7644 figure 2); `pr` on a complex attribute has none.
    pub sub: Option<String>,
    /// Type of the value.
    pub kind: Type,
    /// Whether the attribute (not the part) is multi-valued.
    pub multi_valued: bool,
    /// Whether case matters.
    pub case_exact: bool,
    /// Whether the store has a row per value.
    pub indexed: bool,
}

/// A filter that has been checked against a resource type.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Every resource.
    Always,
    /// None.
    Never,
    /// All of them.
    All(Vec<Condition>),
    /// Any of them.
    Any(Vec<Condition>),
    /// Not that.
    Not(Box<Condition>),
    /// Has a value. A complex attribute is present when any part of it is.
    Present(Field),
    /// Some value of the field compares so with the operand (in the encoding of
    /// [`super::value::sort_key`]). `NotEqual` also holds where the field has no value; `null`
    /// operands have become [`Condition::Present`] or its negation.
    Compare(Field, Operator, String),
    /// One element of a multi-valued complex attribute meets the inner condition, whose fields are
    /// all parts of that attribute, with their full keys.
    Element(Field, Box<Condition>),
}
