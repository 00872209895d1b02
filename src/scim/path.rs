//! Attribute paths (RFC 7644 §3.10) and PATCH paths (RFC 7644 §3.5.2).
//!
//! ```text
//! attrPath  = [URI ":"] ATTRNAME *1subAttr
//! valuePath = attrPath "[" valFilter "]"
//! PATH      = attrPath / valuePath [subAttr]
//! ```
//!
//! The parser knows no schema; [`super::schema::ResourceType::place`] says what a path means.

pub(in crate::scim) mod grammar;

use super::dialect::{Leniency, Reading};
use super::error::{Clause, Error, Fault};
use super::filter::{self, Filter};
use super::schema::{Place, ResourceType};
use grammar::{Expected, attribute_path, name};
use nom::character::complete::char;
use nom::combinator::opt;
use nom::sequence::preceded;
use nom::{Finish, Parser};
use std::fmt;

/// Longest attribute path that is accepted, in bytes.
pub const MAX_LENGTH: usize = 1_024;

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

/// Reads an attribute path, as in `sortBy` and `attributes`.
///
/// The URN of an extension alone reads as an attribute of a shorter URN: [`parse`] tells them
/// apart.
///
/// # Errors
/// `invalidPath` with the position (in characters, from 1) and what was expected there.
pub fn attribute(text: &str) -> Result<AttributePath, Error> {
    within(text, MAX_LENGTH)?;
    match attribute_path(text).finish() {
        Ok(("", path)) => Ok(path),
        Ok((rest, _)) => Err(Expected::new(rest, Clause::EndOfAttributePath).path_error(text)),
        Err(expected) => Err(expected.path_error(text)),
    }
}

/// Reads the path of a PATCH operation.
///
/// `kind` is asked one thing only: whether the text is the URN of one of its extensions, which is
/// then a [`Path::Extension`] with the canonical URN. Whether the attributes exist is for
/// [`ResourceType::place`] to say.
///
/// # Errors
/// `invalidPath` with the position (in characters, from 1) and what was expected there;
/// `invalidFilter` where that is between the brackets.
pub fn parse(kind: &ResourceType, text: &str) -> Result<Path, Error> {
    parse_as(kind, text, &Reading::default())
}

/// [`parse`] for a client that may be forgiven more, or less.
///
/// # Errors
/// As [`parse`].
pub fn parse_as(kind: &ResourceType, text: &str, reading: &Reading) -> Result<Path, Error> {
    within(text, filter::MAX_LENGTH)?;
    if let Some(extension) = kind.extension(text) {
        return Ok(Path::Extension(extension.id.clone()));
    }
    let (rest, attribute) =
        attribute_path(text).finish().map_err(|expected| expected.path_error(text))?;
    if rest.is_empty() {
        return Ok(Path::Attribute(attribute));
    }
    let Some(inner) = rest.strip_prefix('[') else {
        let expected = Expected::new(rest, Clause::RestOfPath);
        return Err(expected.path_error(text));
    };
    if attribute.sub.is_some() {
        let expected = Expected::new(rest, Clause::BracketsOnPart);
        return Err(expected.path_error(text));
    }
    let (rest, filter) = filter::parse::within_brackets(inner, reading)
        .map_err(|expected| expected.filter_error(text))?;
    let (rest, sub) = opt(preceded(char('.'), name))
        .parse(rest)
        .finish()
        .map_err(|expected| expected.path_error(text))?;
    let blank = rest.trim_ascii().is_empty();
    if !(rest.is_empty() || (blank && reading.forgives(Leniency::Spacing))) {
        let expected = Expected::new(rest, Clause::EndOfPath);
        return Err(expected.path_error(text));
    }
    Ok(Path::Elements { attribute, filter: Box::new(filter), sub: sub.map(str::to_owned) })
}

fn within(text: &str, most: usize) -> Result<(), Error> {
    if text.len() > most {
        return Err(Fault::PathTooLong { most }.into());
    }
    Ok(())
}

impl AttributePath {
    /// What the path means for a type, where the client may write it so. The URN of an extension
    /// may be left out by those who are forgiven it.
    pub fn place<'k>(&self, kind: &'k ResourceType, reading: &Reading) -> Option<Place<'k>> {
        let place = kind.place(self)?;
        let unqualified = place.extension.is_some() && self.schema.is_none();
        (!unqualified || reading.forgives(Leniency::UnqualifiedNames)).then_some(place)
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}:")?;
        }
        f.write_str(&self.attribute)?;
        if let Some(sub) = &self.sub {
            write!(f, ".{sub}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Extension(urn) => f.write_str(urn),
            Self::Attribute(path) => path.fmt(f),
            Self::Elements { attribute, filter, sub } => {
                write!(f, "{attribute}[{filter}]")?;
                match sub {
                    Some(sub) => write!(f, ".{sub}"),
                    None => Ok(()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
