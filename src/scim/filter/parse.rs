//! Reading filters with nom.
//!
//! ```text
//! any   = all *(SP "or" SP all)
//! all   = one *(SP "and" SP one)
//! one   = ["not"] "(" any ")" / attrPath "[" any "]" / attrPath SP "pr"
//!       / attrPath SP operator SP literal
//! ```
//!
//! The rules recurse through parentheses and brackets only, and count them as they go, so no text
//! can exhaust the stack.

use super::{Filter, Literal, MAX_COMPARISONS, MAX_DEPTH, MAX_LENGTH, Operator};
use crate::scim::dialect::{Leniency, Reading};
use crate::scim::error::{Clause, Error, Fault};
use crate::scim::path::AttributePath;
use crate::scim::path::grammar::{Expected, Parsed, attribute_path, is_name, name, stop};
use nom::character::complete::{alpha1, char, digit1, multispace0, one_of};
use nom::combinator::{opt, recognize};
use nom::{Finish, Parser};
use serde_json::Number;

/// Reads a filter.
///
/// What the standard dialect forgives is forgiven: `emails[type eq "work"].value eq "x"` is read as
/// `emails[type eq "work" and value eq "x"]`, which is what its senders mean.
///
/// # Errors
/// `invalidFilter` with the position (in characters, from 1) and what was expected there.
pub fn parse(text: &str) -> Result<Filter, Error> {
    parse_as(text, &Reading::default())
}

/// [`parse`] for a client that may be forgiven more, or less.
///
/// # Errors
/// As [`parse`].
pub fn parse_as(text: &str, reading: &Reading) -> Result<Filter, Error> {
    if text.len() > MAX_LENGTH {
        return Err(Fault::FilterTooLong { most: MAX_LENGTH }.into());
    }
    let mut reader = Reader { text, reading, comparisons: 0 };
    let read = reader.any(text, Nesting::default()).and_then(|(rest, filter)| {
        let rest = reader.nothing(rest)?;
        if rest.is_empty() { Ok((rest, filter)) } else { stop(rest, Clause::Connective) }
    });
    read.finish().map(|(_, filter)| filter).map_err(|expected| expected.filter_error(text))
}

/// Reads the filter of a value path from after its `[`, and the `]`; what is left comes first.
pub(in crate::scim) fn within_brackets<'a>(
    text: &'a str,
    reading: &Reading,
) -> Result<(&'a str, Filter), Expected<'a>> {
    let mut reader = Reader { text, reading, comparisons: 0 };
    reader.bracketed(text, Nesting { depth: 1, brackets: true }).finish()
}

/// Where in the nesting a rule is.
#[derive(Debug, Clone, Copy, Default)]
struct Nesting {
    depth: usize,
    brackets: bool,
}

struct Reader<'a, 'r> {
    text: &'a str,
    reading: &'r Reading,
    comparisons: usize,
}

impl<'a> Reader<'a, '_> {
    fn any(&mut self, input: &'a str, nesting: Nesting) -> Parsed<'a, Filter> {
        let (mut rest, first) = self.all(input, nesting)?;
        let mut parts = vec![first];
        while let Some(after) = self.connective(rest, "or")? {
            let (after, part) = self.all(after, nesting)?;
            parts.push(part);
            rest = after;
        }
        Ok((rest, several(parts, Filter::Or)))
    }

    fn all(&mut self, input: &'a str, nesting: Nesting) -> Parsed<'a, Filter> {
        let (mut rest, first) = self.one(input, nesting)?;
        let mut parts = vec![first];
        while let Some(after) = self.connective(rest, "and")? {
            let (after, part) = self.one(after, nesting)?;
            parts.push(part);
            rest = after;
        }
        Ok((rest, several(parts, Filter::And)))
    }

    /// What follows `and` or `or`, where that is what comes next.
    fn connective(
        &self,
        input: &'a str,
        keyword: &str,
    ) -> Result<Option<&'a str>, nom::Err<Expected<'a>>> {
        let (start, spaces) = multispace0(input)?;
        let Some(rest) = word(start, keyword) else { return Ok(None) };
        if spaces.is_empty() && !self.closed_before(input) {
            return stop(start, Clause::Space).map(|(_, none)| none);
        }
        self.one_space(start, spaces)?;
        if !rest.starts_with(|next: char| next.is_ascii_whitespace() || next == '(') {
            return stop(rest, Clause::Comparison).map(|(_, none)| none);
        }
        let (start, spaces) = multispace0(rest)?;
        if !start.is_empty() {
            self.one_space(start, spaces)?;
        }
        Ok(Some(start))
    }

    /// Lets what stands between two words pass where it is one space, or other white space is
    /// forgiven.
    fn one_space(&self, at: &'a str, spaces: &str) -> Result<(), nom::Err<Expected<'a>>> {
        if spaces == " " || self.reading.forgives(Leniency::Spacing) {
            return Ok(());
        }
        stop(at, Clause::OneSpace).map(|(_, never)| never)
    }

    /// Passes over white space where the grammar has none.
    fn nothing(&self, input: &'a str) -> Result<&'a str, nom::Err<Expected<'a>>> {
        let (rest, spaces) = multispace0(input)?;
        if spaces.is_empty() || self.reading.forgives(Leniency::Spacing) {
            return Ok(rest);
        }
        stop(input, Clause::NoSpace).map(|(_, never)| never)
    }

    /// Whether the text before `rest` ends by itself, without a space.
    fn closed_before(&self, rest: &str) -> bool {
        let read = self.text.len().saturating_sub(rest.len());
        self.text.get(..read).is_some_and(|read| read.ends_with([')', ']', '"']))
    }

    fn one(&mut self, input: &'a str, nesting: Nesting) -> Parsed<'a, Filter> {
        let input = self.nothing(input)?;
        if let Some(rest) = word(input, "not") {
            let (rest, spaces) = multispace0(rest)?;
            if !rest.starts_with('(') {
                return stop(rest, Clause::AfterNot);
            }
            // The grammar has no space here, and the examples of RFC 7644 figure 2 have one.
            if !spaces.is_empty() {
                self.one_space(rest, spaces)?;
            }
            let (rest, inner) = self.group(rest, nesting)?;
            return Ok((rest, Filter::Not(Box::new(inner))));
        }
        if input.starts_with('(') {
            return self.group(input, nesting);
        }
        let (rest, path) = attribute_path(input)?;
        if rest.starts_with('[') {
            return self.element(rest, path, nesting);
        }
        self.comparison(rest, path)
    }

    /// `"(" any ")"`
    fn group(&mut self, input: &'a str, nesting: Nesting) -> Parsed<'a, Filter> {
        let nesting = deeper(input, nesting)?;
        let (rest, _) = char('(').parse(input)?;
        let (rest, inner) = self.any(rest, nesting)?;
        let rest = self.nothing(rest)?;
        match rest.strip_prefix(')') {
            Some(rest) => Ok((rest, inner)),
            None => stop(rest, Clause::ClosingParenthesis),
        }
    }

    /// `"[" any "]"`, and the part that some senders compare behind it.
    fn element(
        &mut self,
        input: &'a str,
        path: AttributePath,
        nesting: Nesting,
    ) -> Parsed<'a, Filter> {
        if nesting.brackets {
            return stop(input, Clause::NestedBrackets);
        }
        if path.sub.is_some() {
            return stop(input, Clause::BracketsOnPart);
        }
        let nesting = Nesting { brackets: true, ..deeper(input, nesting)? };
        let (rest, _) = char('[').parse(input)?;
        let (rest, inner) = self.bracketed(rest, nesting)?;
        let Some(rest_of_part) = rest.strip_prefix('.') else {
            return Ok((rest, Filter::Element(path, Box::new(inner))));
        };
        if !self.reading.forgives(Leniency::PartAfterBrackets) {
            return stop(rest, Clause::PartAfterBrackets);
        }
        if word(rest_of_part, "not").is_some() {
            return stop(rest_of_part, Clause::AttributeName);
        }
        let (rest, part) = name(rest_of_part)?;
        let part = AttributePath { schema: None, attribute: part.to_owned(), sub: None };
        let (rest, last) = self.comparison(rest, part)?;
        let both = match inner {
            Filter::And(mut parts) => {
                parts.push(last);
                Filter::And(parts)
            }
            other => Filter::And(vec![other, last]),
        };
        Ok((rest, Filter::Element(path, Box::new(both))))
    }

    fn bracketed(&mut self, input: &'a str, nesting: Nesting) -> Parsed<'a, Filter> {
        let (rest, inner) = self.any(input, nesting)?;
        let rest = self.nothing(rest)?;
        match rest.strip_prefix(']') {
            Some(rest) => Ok((rest, inner)),
            None => stop(rest, Clause::ClosingBracket),
        }
    }

    /// What follows an attribute: `pr`, or an operator and a literal.
    fn comparison(&mut self, input: &'a str, path: AttributePath) -> Parsed<'a, Filter> {
        self.comparisons += 1;
        if self.comparisons > MAX_COMPARISONS {
            return stop(input, Clause::Comparisons { most: MAX_COMPARISONS });
        }
        let (start, spaces) = multispace0(input)?;
        if spaces.is_empty() || start.is_empty() {
            return stop(start, Clause::Operator);
        }
        let operator: Parsed<'_, &str> = alpha1(start);
        let Ok((rest, operator)) = operator else {
            return stop(start, Clause::OperatorWord);
        };
        self.one_space(start, spaces)?;
        if operator.eq_ignore_ascii_case("pr") {
            return Ok((rest, Filter::Present(path)));
        }
        let Some(operator) = Operator::named(operator) else {
            let operator = operator.chars().take(20).collect();
            return stop(start, Clause::UnknownOperator { operator });
        };
        let (value, spaces) = multispace0(rest)?;
        if spaces.is_empty() && !value.starts_with('"') {
            return stop(rest, Clause::SpaceAndValue);
        }
        // RFC 7644 §3.5.2.2 writes `members[value eq"…"]`.
        if !spaces.is_empty() && !value.is_empty() {
            self.one_space(value, spaces)?;
        }
        let (rest, literal) = self.literal(value)?;
        Ok((rest, Filter::Compare(path, operator, literal)))
    }

    fn literal(&self, input: &'a str) -> Parsed<'a, Literal> {
        let read = match input.chars().next() {
            Some('"') => return string(input),
            Some('-' | '0'..='9') => number(input),
            _ => self.keyword(input),
        };
        let read = read.and_then(|(rest, literal)| {
            let ends = |next: char| next.is_ascii_whitespace() || matches!(next, ')' | ']');
            if rest.is_empty() || rest.starts_with(ends) {
                Ok((rest, literal))
            } else {
                stop(rest, Clause::EndOfValue)
            }
        });
        match bare(input) {
            Some(bare) if read.is_err() && self.reading.forgives(Leniency::UnquotedText) => {
                Ok(bare)
            }
            _ => read,
        }
    }

    /// `true`, `false` and `null`.
    fn keyword(&self, input: &'a str) -> Parsed<'a, Literal> {
        for (text, value) in [
            ("true", Literal::Boolean(true)),
            ("false", Literal::Boolean(false)),
            ("null", Literal::Null),
        ] {
            if let Some(rest) = word(input, text)
                && (input.starts_with(text) || self.reading.forgives(Leniency::LiteralCase))
            {
                return Ok((rest, value));
            }
        }
        stop(input, Clause::Value)
    }
}

/// Text without quotes, up to a space or the end of what it stands in.
fn bare(input: &str) -> Option<(&str, Literal)> {
    let end = input
        .find(|letter: char| letter.is_whitespace() || "()[]\"'\\".contains(letter))
        .unwrap_or(input.len());
    let (text, rest) = input.split_at_checked(end)?;
    let ends = |next: char| next.is_whitespace() || matches!(next, ')' | ']');
    let whole = !text.is_empty() && (rest.is_empty() || rest.starts_with(ends));
    whole.then(|| (rest, Literal::String(text.to_owned())))
}

fn deeper(input: &str, nesting: Nesting) -> Result<Nesting, nom::Err<Expected<'_>>> {
    if nesting.depth >= MAX_DEPTH {
        return stop(input, Clause::Depth { most: MAX_DEPTH }).map(|(_, never)| never);
    }
    Ok(Nesting { depth: nesting.depth + 1, ..nesting })
}

fn several(mut parts: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    match (parts.pop(), parts.is_empty()) {
        (Some(only), true) => only,
        (Some(last), false) => {
            parts.push(last);
            join(parts)
        }
        (None, _) => join(parts),
    }
}

/// What follows a whole word, in any case.
fn word<'a>(input: &'a str, expected: &str) -> Option<&'a str> {
    let end = input
        .find(|letter: char| !is_name(letter) && !matches!(letter, ':' | '.'))
        .unwrap_or(input.len());
    let (found, rest) = input.split_at_checked(end)?;
    found.eq_ignore_ascii_case(expected).then_some(rest)
}

/// A JSON string.
fn string(input: &str) -> Parsed<'_, Literal> {
    let mut escaped = false;
    let end = input.bytes().enumerate().skip(1).find_map(|(at, byte)| match byte {
        _ if escaped => {
            escaped = false;
            None
        }
        b'\\' => {
            escaped = true;
            None
        }
        b'"' => Some(at + 1),
        _ => None,
    });
    let Some((quoted, rest)) = end.and_then(|end| input.split_at_checked(end)) else {
        return stop(input, Clause::OpenString);
    };
    match serde_json::from_str::<String>(quoted) {
        Ok(text) if text.contains('\0') => stop(input, Clause::Nul),
        Ok(text) => Ok((rest, Literal::String(text))),
        Err(_) => stop(input, Clause::JsonString),
    }
}

/// A JSON number.
fn number(input: &str) -> Parsed<'_, Literal> {
    let rule: Parsed<'_, &str> = recognize((
        opt(char('-')),
        digit1,
        opt((char('.'), digit1)),
        opt((one_of("eE"), opt(one_of("+-")), digit1)),
    ))
    .parse(input);
    let Ok((rest, digits)) = rule else { return stop(input, Clause::Number) };
    match serde_json::from_str::<Number>(digits) {
        Ok(number) => Ok((rest, Literal::Number(number))),
        Err(_) => stop(input, Clause::JsonNumber),
    }
}

#[cfg(test)]
mod tests;
