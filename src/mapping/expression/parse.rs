//! Reading an expression: the parser of the `cel` crate, and what it cannot read in a sentence.

use super::Fault;
use cel::IdedExpr;
use cel::common::ast::SourceInfo;
use cel::parser::{ParseError, Parser};

/// The tree of an expression and where its nodes stand in the text.
pub(super) fn read(text: &str) -> Result<(IdedExpr, SourceInfo), Fault> {
    Parser::default().parse_with_source_info(text).map_err(|errors| {
        // What follows a mistake is only a consequence of it, and what the grammar says is clearer
        // than what is missing in the tree then.
        let first = errors
            .errors
            .iter()
            .min_by_key(|error| (!error.msg.starts_with(SYNTAX), error.pos))
            .map(|error| (place(text, error), sentence(&error.msg)));
        let (at, detail) = first.unwrap_or_else(|| (1, UNREADABLE.to_owned()));
        Fault { at, detail }
    })
}

const SYNTAX: &str = "Syntax error: ";
const UNREADABLE: &str = "the expression cannot be read here; look at what stands before.";
const EARLY: &str = "the expression ends too early; complete it, or close what is open.";
const NAME_EXPECTED: &str = "argument must be a simple name";
const PATH_EXPECTED: &str = "invalid argument to has() macro";

/// Where an error is, in characters from 1.
fn place(text: &str, error: &ParseError) -> usize {
    let (Ok(line), Ok(column)) = (usize::try_from(error.pos.0), usize::try_from(error.pos.1))
    else {
        return 1;
    };
    let (line, column) = (line.saturating_sub(1), column.saturating_sub(1));
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let before: usize = lines.iter().take(line).map(|line| line.chars().count()).sum();
    // The parser counts characters, but its macros count bytes.
    let column = if matches!(error.msg.as_str(), NAME_EXPECTED | PATH_EXPECTED) {
        let here = lines.get(line).copied().unwrap_or_default();
        here.char_indices().take_while(|(at, _)| *at < column).count()
    } else {
        column
    };
    before + column + 1
}

/// What is wrong and what to do, out of what the parser says.
fn sentence(message: &str) -> String {
    let Some(told) = message.strip_prefix(SYNTAX) else { return unsupported(message) };
    if let Some(token) = told.strip_prefix("token recognition error at: ") {
        let token = token.strip_prefix('\'').unwrap_or(token);
        let token = token.strip_suffix('\'').unwrap_or(token);
        let inner = token.trim_start_matches(['r', 'R', 'b', 'B']);
        if inner.starts_with(['"', '\'']) {
            return if token.contains('\\') {
                "the text that begins here has a backslash that means nothing; double it, or write \
                 r\"…\"."
                    .to_owned()
            } else {
                "the text that begins here is not closed; add its quote.".to_owned()
            };
        }
        return format!("{token} has no meaning here; texts stand in quotes.");
    }
    if let Some((_, rest)) = told.split_once(" input '") {
        let token = rest.split_once("' expecting").map_or(rest, |(token, _)| token);
        let token = token.trim_end_matches('\'');
        return if token == "<EOF>" {
            EARLY.to_owned()
        } else {
            let token: String = token.chars().take(40).collect();
            format!(
                "{token} is not expected here; an operator or a comma may be missing before it."
            )
        };
    }
    if let Some((token, at)) =
        told.strip_prefix("missing ").and_then(|told| told.split_once(" at "))
    {
        if at == "'<EOF>'" {
            return EARLY.to_owned();
        }
        return format!("{token} is missing before {at}; add it, or close what is open.");
    }
    if told.contains("recursion") {
        return "the expression is nested too deeply; write it flatter.".to_owned();
    }
    UNREADABLE.to_owned()
}

fn unsupported(message: &str) -> String {
    if let Some(name) = message.strip_prefix("reserved identifier: ") {
        return format!("{name} is a word that CEL keeps for itself; use another name.");
    }
    match message {
        NAME_EXPECTED => {
            "the first argument of a macro is a name for each element; write one, as in \
                          emails.map(e, e.value)."
                .to_owned()
        }
        PATH_EXPECTED => {
            "has() takes a path with a dot; write has(user.title), or title != null.".to_owned()
        }
        "invalid int literal" | "invalid uint literal" => {
            "the whole number is too large; it has 64 bits at most.".to_owned()
        }
        "invalid double literal" => "the number cannot be read; write it like 1.5.".to_owned(),
        other if other.starts_with("unsupported syntax") => {
            "this part of CEL is left out; a missing value needs no ? here.".to_owned()
        }
        _ => UNREADABLE.to_owned(),
    }
}
