//! Entra's expressions.
//!
//! ```text
//! condition = every *("or" every)                  ; also ||
//! every     = compared *("and" compared)           ; also &&
//! compared  = operand [("=" / "<>" / "!=" / "<=" / ">=" / "<" / ">") operand]
//! operand   = name "(" [argument *("," argument)] ")" / "[" attribute "]" / text / number
//!           / word / "(" condition ")"
//! argument  = [condition]                          ; may be left out
//! text      = DQUOTE *( any but \ and DQUOTE / "\" any ) DQUOTE
//! ```

use super::super::tree::{
    Expected, Grown, Operator, Parsed, Tree, above, after, after_word, deeper, leaf, list, name,
    number, several, space, stop, whole,
};

/// Reads an expression. The error is a sentence.
pub(super) fn parse(text: &str) -> Result<Tree, String> {
    whole(text, |input| condition(input, 0))
}

fn condition(input: &str, depth: usize) -> Parsed<'_, Grown> {
    chain(input, Operator::Or, "or", "||", |input| {
        chain(input, Operator::And, "and", "&&", |input| compared(input, depth))
    })
}

fn chain<'a>(
    input: &'a str,
    operator: Operator,
    word: &str,
    sign: &str,
    operand: impl Fn(&'a str) -> Parsed<'a, Grown>,
) -> Parsed<'a, Grown> {
    let (mut rest, first) = operand(input)?;
    let mut parts = vec![first];
    loop {
        let next = match after_word(rest, word)? {
            Some(next) => Some(next),
            None => after(rest, sign)?,
        };
        let Some(next) = next else { break };
        let (next, part) = operand(next)?;
        parts.push(part);
        rest = next;
    }
    join(input, operator, parts).map(|grown| (rest, grown))
}

fn join(
    at: &str,
    operator: Operator,
    mut parts: Vec<Grown>,
) -> Result<Grown, nom::Err<Expected<'_>>> {
    match (parts.pop(), parts.is_empty()) {
        (Some(only), true) => Ok(only),
        (last, _) => {
            parts.extend(last);
            let (trees, height) = several(parts);
            above(at, height, Tree::Infix(operator, trees))
        }
    }
}

fn compared(input: &str, depth: usize) -> Parsed<'_, Grown> {
    let (rest, left) = operand(input, depth)?;
    for (sign, operator) in [
        ("<>", Operator::Unequal),
        ("!=", Operator::Unequal),
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("==", Operator::Equal),
        ("=", Operator::Equal),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ] {
        if let Some(after) = after(rest, sign)? {
            let (rest, right) = operand(after, depth)?;
            return join(input, operator, vec![left, right]).map(|grown| (rest, grown));
        }
    }
    Ok((rest, left))
}

fn operand(input: &str, depth: usize) -> Parsed<'_, Grown> {
    let input = space(input)?;
    match input.chars().next() {
        Some('"') => text(input),
        Some('[') => attribute(input),
        Some('-' | '0'..='9') => number(input),
        Some('(') => {
            let depth = deeper(input, depth)?;
            let (rest, inner) = condition(input.get(1..).unwrap_or_default(), depth)?;
            match after(rest, ")")? {
                Some(rest) => Ok((rest, inner)),
                None => stop(rest, "a closing parenthesis"),
            }
        }
        _ => word(input, depth),
    }
}

/// A function with its arguments, or a word that stands for a value.
fn word(input: &str, depth: usize) -> Parsed<'_, Grown> {
    let (rest, found) = name(input)?;
    if found.is_empty() {
        return stop(input, "a function, an attribute in brackets or a text in quotes");
    }
    if let Some(rest) = after(rest, "(")? {
        let depth = deeper(input, depth)?;
        let (rest, parts) = list(rest, ")", true, |input| condition(input, depth))?;
        let (arguments, height) = several(parts);
        return above(input, height, Tree::Call(found.to_owned(), arguments))
            .map(|grown| (rest, grown));
    }
    let tree = match found.to_ascii_lowercase().as_str() {
        "true" => Tree::Boolean(true),
        "false" => Tree::Boolean(false),
        "null" => Tree::Null,
        // Names of options, as InStr takes them.
        _ => Tree::Text(found.to_owned()),
    };
    Ok((rest, leaf(tree)))
}

/// `[givenName]`
fn attribute(input: &str) -> Parsed<'_, Grown> {
    let found = input.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    match found {
        Some((name, rest)) if !name.trim().is_empty() => {
            Ok((rest, leaf(Tree::Attribute(name.trim().to_owned()))))
        }
        _ => stop(input, "an attribute in brackets"),
    }
}

/// A text in double quotes, in which `\` takes the meaning from the character after it.
fn text(input: &str) -> Parsed<'_, Grown> {
    let mut read = String::new();
    let mut letters = input.chars();
    letters.next();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => return Ok((letters.as_str(), leaf(Tree::Text(read)))),
            '\\' => match letters.next() {
                // A pattern's own escapes stay.
                Some(escaped) if escaped != '"' && escaped != '\\' => {
                    read.push('\\');
                    read.push(escaped);
                }
                Some(escaped) => read.push(escaped),
                None => break,
            },
            letter => read.push(letter),
        }
    }
    stop(input, "a closing quotation mark")
}
