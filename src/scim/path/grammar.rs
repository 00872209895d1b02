//! The rules that paths and filters share, for nom.

use super::AttributePath;
use crate::scim::error::{Clause, Error, Fault};
use nom::bytes::complete::{take_while, take_while1};
use nom::character::complete::{char, satisfy};
use nom::combinator::{opt, recognize};
use nom::error::{ErrorKind, ParseError};
use nom::sequence::preceded;
use nom::{Err, IResult, Parser};

/// Why text could not be read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::scim) struct Expected<'a> {
    /// The text from the offending character on.
    rest: &'a str,
    /// What is wrong there.
    clause: Clause,
}

impl<'a> Expected<'a> {
    pub(in crate::scim) fn new(rest: &'a str, clause: Clause) -> Self {
        Self { rest, clause }
    }

    /// As an error of a filter; `text` is the whole that `rest` is the end of.
    pub(in crate::scim) fn filter_error(&self, text: &str) -> Error {
        Fault::FilterSyntax { position: self.position(text), clause: self.clause.clone() }.into()
    }

    /// As an error of a path; `text` is the whole that `rest` is the end of.
    pub(in crate::scim) fn path_error(&self, text: &str) -> Error {
        Fault::PathSyntax { position: self.position(text), clause: self.clause.clone() }.into()
    }

    fn position(&self, text: &str) -> usize {
        let read = text.len().saturating_sub(self.rest.len());
        text.get(..read).map_or(0, |read| read.chars().count()) + 1
    }
}

impl<'a> ParseError<&'a str> for Expected<'a> {
    fn from_error_kind(input: &'a str, _: ErrorKind) -> Self {
        Self::new(input, Clause::Unexpected)
    }

    fn append(_: &'a str, _: ErrorKind, other: Self) -> Self {
        other
    }
}

/// A result of a rule.
pub(in crate::scim) type Parsed<'a, T> = IResult<&'a str, T, Expected<'a>>;

/// Stops with that message there; no other alternative is tried.
pub(in crate::scim) fn stop<T>(rest: &str, clause: Clause) -> Parsed<'_, T> {
    Err(Err::Failure(Expected::new(rest, clause)))
}

/// `ATTRNAME`; a leading `$` is for `$ref`.
pub(in crate::scim) fn name(input: &str) -> Parsed<'_, &str> {
    let rule = recognize((
        satisfy(|letter| letter.is_ascii_alphabetic() || letter == '$'),
        take_while(is_name),
    ))
    .parse(input);
    rule.or_else(|_: Err<Expected<'_>>| stop(input, Clause::AttributeName))
}

/// `attrPath`: a URN has dots and colons of its own, so its last colon ends it.
pub(in crate::scim) fn attribute_path(input: &str) -> Parsed<'_, AttributePath> {
    let word: Parsed<'_, &str> = take_while1(is_qualified)(input);
    let Ok((_, word)) = word else { return stop(input, Clause::AttributeName) };
    let (schema, rest) = match word.rfind(':').and_then(|colon| input.split_at_checked(colon)) {
        Some(("", _)) => return stop(input, Clause::Urn),
        Some((schema, rest)) => {
            let (rest, _) = char(':').parse(rest)?;
            (Some(schema.to_owned()), rest)
        }
        None => (None, input),
    };
    let (rest, attribute) = name(rest)?;
    let (rest, sub) = opt(preceded(char('.'), name)).parse(rest)?;
    if rest.starts_with('.') {
        return stop(rest, Clause::PartOfPart);
    }
    Ok((
        rest,
        AttributePath { schema, attribute: attribute.to_owned(), sub: sub.map(str::to_owned) },
    ))
}

/// `nameChar` (RFC 7643 §2.1).
pub(in crate::scim) fn is_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '$')
}

/// What a name and the URN before it may consist of.
fn is_qualified(letter: char) -> bool {
    is_name(letter) || matches!(letter, ':' | '.' | '/' | '~' | '%' | '+' | '#')
}
