//! Expressions: the language of CEL, for what no other source of a value can say.
//!
//! ```text
//! upper(name.familyName) + ", " + name.givenName
//! emails.filter(e, e.type == "work").map(e, e.value).join(";")
//! department.lookup({"R&D": 7, "Sales": 9}, 0)
//! active && !has(user["urn:example:badge:2.0:User"].number) ? "guest" : "staff"
//! ```
//!
//! The grammar, the macros and the precedence of operators are those of the Common Expression
//! Language. What follows is ours.
//!
//! **Variables** are the attributes of the profile by their names, in any case, as everywhere in SCIM.
//! An attribute of an extension has its own name where no other has it, and is
//! `user["urn:…:User"].department` in any case. `user` (`group`, …) is the whole profile: it has parts
//! and is no value. What does not exist, and what is never read back, is refused here and not when
//! somebody is pushed.
//!
//! **No value.** A missing attribute is null, as is an empty one, and so is each part of null.
//!
//! | with null | comes to |
//! |---|---|
//! | `+` | the other side, if it is text or a list; null if both are missing |
//! | `-` `*` `/` `%`, and `+` with a number | null |
//! | `==` `!=` | null is equal to null only |
//! | `<` `<=` `>` `>=` `in` | false |
//! | `!` `&&` `\|\|` `?:` | null counts as false |
//! | `[…]` beyond the end, a key that is not there | null |
//! | macros | null is a list without elements |
//! | functions | null; `false` of one that tests, `0` of `size` |
//!
//! **Numbers** are whole (64 bits, with a sign; `1u` is `1`) or have a fraction. Of a whole number and
//! one with a fraction comes one with a fraction. Overflow and division by zero stop the evaluation.
//!
//! **The fence.** An expression is a text that an administrator typed, and its evaluation runs for
//! everybody. So: at most 1,000 characters and 32 nested brackets; at most 256 operations, nested at
//! most 64 deep; a macro within a macro, but none within that; and the budget of every
//! [`Form`](super::form::Form). Time, chance and ranges of numbers are not part of the language: equal
//! profiles give equal values.

mod calls;
mod fence;
mod functions;
mod lower;
mod names;
mod operators;
pub mod page;
mod parse;

pub(crate) use functions::FUNCTIONS;

use super::form::Form;
use crate::scim::schema::ResourceType;

/// What is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Fault {
    /// Where, in characters from 1.
    pub(crate) at: usize,
    /// One sentence: what is wrong and what to do.
    pub(crate) detail: String,
}

/// Compiles an expression over profiles of a type.
///
/// # Errors
/// Everything that was found, in the order of the text; never nothing.
pub(crate) fn compile(kind: &ResourceType, text: &str) -> Result<Form, Vec<Fault>> {
    fence::check(text).map_err(|fault| vec![fault])?;
    // What the parser made is taken apart where it was made: dropping it needs the stack as well.
    fence::within(|| {
        let (tree, info) = parse::read(text).map_err(|fault| vec![fault])?;
        lower::form(kind, text, &tree, &info)
    })
}

#[cfg(test)]
mod tests;
