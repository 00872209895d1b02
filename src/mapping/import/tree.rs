//! Expressions of other products as a tree, and the lexical rules their languages share.
//!
//! No tree is higher than [`MAX_DEPTH`], so whoever walks one may recurse.

use nom::bytes::complete::take_while;
use nom::character::complete::{char, digit1, multispace0};
use nom::combinator::{opt, recognize};
use nom::error::{ErrorKind, ParseError};
use nom::{Err, IResult, Parser};

/// Highest tree that is read.
pub(super) const MAX_DEPTH: usize = 32;
/// Longest expression that is read, in bytes; Entra itself takes no longer ones.
pub(super) const MAX_LENGTH: usize = 10_000;

/// An expression as written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    /// A quoted text.
    Text(String),
    /// A number, digit by digit.
    Number(String),
    /// `true` or `false`.
    Boolean(bool),
    /// `null`.
    Null,
    /// An argument left out: `Replace([mail], "a", , , "b", , )`.
    Omitted,
    /// An attribute of the source: `givenName`, `user.firstName`.
    Attribute(String),
    /// A function and its arguments.
    Call(String, Vec<Tree>),
    /// One operator between two or more operands.
    Infix(Operator, Vec<Tree>),
    /// The opposite of a condition.
    Not(Box<Tree>),
    /// Condition, value if it holds, value if not.
    Choice(Box<[Tree; 3]>),
    /// Values in braces.
    List(Vec<Tree>),
    /// An element of a list.
    Item(Box<Tree>, Box<Tree>),
    /// A part of what a function returns: `findDirectoryUser().mail`.
    Part(Box<Tree>, String),
}

/// What can stand between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Matches,
    Plus,
    Minus,
    /// The left side, or the right one where that is empty.
    Otherwise,
}

/// A tree with its height, while it is built.
pub(super) struct Grown {
    pub(super) tree: Tree,
    pub(super) height: usize,
}

/// A tree of one node.
pub(super) const fn leaf(tree: Tree) -> Grown {
    Grown { tree, height: 1 }
}

/// A node above parts of which the highest has this height; `at` is where it began.
pub(super) fn above(at: &str, height: usize, tree: Tree) -> Result<Grown, Err<Expected<'_>>> {
    if height >= MAX_DEPTH {
        return Err(too_deep(at));
    }
    Ok(Grown { tree, height: height + 1 })
}

/// The trees of several parts, and the height of the highest.
pub(super) fn several(parts: Vec<Grown>) -> (Vec<Tree>, usize) {
    let height = parts.iter().map(|part| part.height).max().unwrap_or(0);
    (parts.into_iter().map(|part| part.tree).collect(), height)
}

/// One level deeper into parentheses or arguments.
pub(super) fn deeper(at: &str, depth: usize) -> Result<usize, Err<Expected<'_>>> {
    if depth >= MAX_DEPTH { Err(too_deep(at)) } else { Ok(depth + 1) }
}

fn too_deep(at: &str) -> Err<Expected<'_>> {
    Err::Failure(Expected { rest: at, what: "less nesting (32 levels at most)" })
}

/// What was expected, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Expected<'a> {
    rest: &'a str,
    what: &'static str,
}

impl<'a> ParseError<&'a str> for Expected<'a> {
    fn from_error_kind(rest: &'a str, _: ErrorKind) -> Self {
        Self { rest, what: "something else" }
    }

    fn append(_: &'a str, _: ErrorKind, other: Self) -> Self {
        other
    }
}

/// A result of a grammar's rule.
pub(super) type Parsed<'a, T> = IResult<&'a str, T, Expected<'a>>;

/// Stops there; no other alternative is tried.
pub(super) fn stop<'a, T>(rest: &'a str, what: &'static str) -> Parsed<'a, T> {
    Err(Err::Failure(Expected { rest, what }))
}

/// Reads the whole of a text with a rule. The error is a sentence.
pub(super) fn whole<'a>(
    text: &'a str,
    rule: impl FnOnce(&'a str) -> Parsed<'a, Grown>,
) -> Result<Tree, String> {
    if text.len() > MAX_LENGTH {
        return Err(format!("the expression is longer than {MAX_LENGTH} bytes."));
    }
    let read = rule(text).and_then(|(rest, grown)| {
        let rest = space(rest)?;
        if rest.is_empty() { Ok(grown.tree) } else { stop(rest, "its end").map(|(_, never)| never) }
    });
    read.map_err(|error| match error {
        Err::Error(expected) | Err::Failure(expected) => {
            let read = text.len().saturating_sub(expected.rest.len());
            let position = text.get(..read).map_or(0, |read| read.chars().count()) + 1;
            format!("at character {position} the expression should have {}.", expected.what)
        }
        Err::Incomplete(_) => "the expression is not complete.".to_owned(),
    })
}

/// What follows white space.
pub(super) fn space(input: &str) -> Result<&str, Err<Expected<'_>>> {
    multispace0(input).map(|(rest, _)| rest)
}

/// What follows a sign, where that comes next after white space.
pub(super) fn after<'a>(input: &'a str, sign: &str) -> Result<Option<&'a str>, Err<Expected<'a>>> {
    Ok(space(input)?.strip_prefix(sign))
}

/// What follows a whole word in any case, where that comes next after white space.
pub(super) fn after_word<'a>(
    input: &'a str,
    word: &str,
) -> Result<Option<&'a str>, Err<Expected<'a>>> {
    let start = space(input)?;
    let (rest, found) = name(start)?;
    Ok(found.eq_ignore_ascii_case(word).then_some(rest))
}

/// Letters, digits and `_`, as many as there are.
pub(super) fn name(input: &str) -> Parsed<'_, &str> {
    take_while(|letter: char| letter.is_alphanumeric() || letter == '_')(input)
}

/// A number, perhaps negative, perhaps with a fraction.
pub(super) fn number(input: &str) -> Parsed<'_, Grown> {
    let (rest, digits) =
        recognize((opt(char('-')), digit1, opt((char('.'), digit1)))).parse(input)?;
    Ok((rest, leaf(Tree::Number(digits.to_owned()))))
}

/// Arguments up to the closing sign; an argument may be left out where `omitted` says so.
pub(super) fn list<'a>(
    input: &'a str,
    close: &str,
    omitted: bool,
    mut one: impl FnMut(&'a str) -> Parsed<'a, Grown>,
) -> Parsed<'a, Vec<Grown>> {
    let mut parts = Vec::new();
    if let Some(rest) = after(input, close)? {
        return Ok((rest, parts));
    }
    let mut rest = input;
    loop {
        let start = space(rest)?;
        rest = if omitted && (start.starts_with(',') || start.starts_with(close)) {
            parts.push(leaf(Tree::Omitted));
            start
        } else {
            let (rest, part) = one(start)?;
            parts.push(part);
            space(rest)?
        };
        if let Some(next) = rest.strip_prefix(',') {
            rest = next;
        } else if let Some(next) = rest.strip_prefix(close) {
            return Ok((next, parts));
        } else {
            return stop(rest, "a comma or the end of the arguments");
        }
    }
}
