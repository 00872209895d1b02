//! Okta's expressions, a part of the Spring Expression Language.
//!
//! ```text
//! expression = any ["?" expression ":" expression / "?:" expression]
//! any        = every *(("OR" / "||") every)
//! every      = equal *(("AND" / "&&") equal)
//! equal      = ordered *(("==" / "!=") ordered)
//! ordered    = sum *(("<=" / ">=" / "<" / ">" / "matches") sum)
//! sum        = sign *(("+" / "-") sign)
//! sign       = ("!" / "NOT") sign / postfix
//! postfix    = primary *("." name ["(" list ")"] / "[" expression "]")
//! primary    = path ["(" list ")"] / text / number / "(" expression ")" / "{" list "}"
//! path       = name *("." name)
//! text       = "'" … "'" / DQUOTE … DQUOTE         ; the quote itself is written twice
//! ```

use super::super::tree::{
    Expected, Grown, Operator, Parsed, Tree, above, after, after_word, deeper, leaf, list, name,
    number, several, space, stop, whole,
};

/// Reads an expression. The error is a sentence.
pub(super) fn parse(text: &str) -> Result<Tree, String> {
    whole(text, |input| expression(input, 0))
}

fn expression(input: &str, depth: usize) -> Parsed<'_, Grown> {
    let depth = deeper(input, depth)?;
    let (rest, condition) = levels(input, depth, LEVELS)?;
    if let Some(rest) = after(rest, "?:")? {
        let (rest, otherwise) = expression(rest, depth)?;
        let (trees, height) = several(vec![condition, otherwise]);
        return above(input, height, Tree::Infix(Operator::Otherwise, trees))
            .map(|grown| (rest, grown));
    }
    let Some(rest) = after(rest, "?")? else { return Ok((rest, condition)) };
    let (rest, yes) = expression(rest, depth)?;
    let Some(rest) = after(rest, ":")? else { return stop(rest, "a colon and the other value") };
    let (rest, no) = expression(rest, depth)?;
    let height = condition.height.max(yes.height).max(no.height);
    let choice = Tree::Choice(Box::new([condition.tree, yes.tree, no.tree]));
    above(input, height, choice).map(|grown| (rest, grown))
}

/// Operators by precedence, from the loosest; each with its spellings, of which words are letters.
const LEVELS: &[&[(Operator, &[&str])]] = &[
    &[(Operator::Or, &["||", "or"])],
    &[(Operator::And, &["&&", "and"])],
    &[(Operator::Equal, &["==", "eq"]), (Operator::Unequal, &["!=", "ne"])],
    &[
        (Operator::LessOrEqual, &["<=", "le"]),
        (Operator::GreaterOrEqual, &[">=", "ge"]),
        (Operator::Less, &["<", "lt"]),
        (Operator::Greater, &[">", "gt"]),
        (Operator::Matches, &["matches"]),
    ],
    &[(Operator::Plus, &["+"]), (Operator::Minus, &["-"])],
];

fn levels<'a>(
    input: &'a str,
    depth: usize,
    operators: &[&[(Operator, &[&str])]],
) -> Parsed<'a, Grown> {
    let Some((level, tighter)) = operators.split_first() else { return sign(input, depth) };
    let (mut rest, mut left) = levels(input, depth, tighter)?;
    while let Some((next, operator)) = operator(rest, level)? {
        let (next, right) = levels(next, depth, tighter)?;
        rest = next;
        left = match left.tree {
            // A row of the same operator is one node, however long it is.
            Tree::Infix(same, mut parts)
                if same == operator
                    && matches!(operator, Operator::Or | Operator::And | Operator::Plus) =>
            {
                parts.push(right.tree);
                let height = left.height.saturating_sub(1).max(right.height);
                above(input, height, Tree::Infix(operator, parts))?
            }
            tree => {
                let height = left.height.max(right.height);
                above(input, height, Tree::Infix(operator, vec![tree, right.tree]))?
            }
        };
    }
    Ok((rest, left))
}

fn operator<'a>(
    input: &'a str,
    level: &[(Operator, &[&str])],
) -> Result<Option<(&'a str, Operator)>, nom::Err<Expected<'a>>> {
    for (operator, spellings) in level {
        for spelling in *spellings {
            let next = if spelling.starts_with(|first: char| first.is_alphabetic()) {
                after_word(input, spelling)?
            } else {
                after(input, spelling)?
            };
            if let Some(next) = next {
                return Ok(Some((next, *operator)));
            }
        }
    }
    Ok(None)
}

fn sign(input: &str, depth: usize) -> Parsed<'_, Grown> {
    let rest = match after(input, "!")? {
        Some(rest) => Some(rest),
        None => after_word(input, "not")?,
    };
    let Some(rest) = rest else { return postfix(input, depth) };
    let (rest, inner) = sign(rest, deeper(input, depth)?)?;
    above(input, inner.height, Tree::Not(Box::new(inner.tree))).map(|grown| (rest, grown))
}

fn postfix(input: &str, depth: usize) -> Parsed<'_, Grown> {
    let (mut rest, mut tree) = primary(input, depth)?;
    loop {
        if let Some(next) = after(rest, "[")? {
            let (next, index) = expression(next, depth)?;
            let Some(next) = after(next, "]")? else { return stop(next, "a closing bracket") };
            let height = tree.height.max(index.height);
            let item = Tree::Item(Box::new(tree.tree), Box::new(index.tree));
            tree = above(input, height, item)?;
            rest = next;
        } else if let Some(next) = after(rest, ".")? {
            let (next, part) = name(next)?;
            if part.is_empty() {
                return stop(next, "a name");
            }
            (rest, tree) = if let Some(next) = after(next, "(")? {
                let (next, mut parts) = list(next, ")", false, |input| expression(input, depth))?;
                parts.insert(0, tree);
                let (arguments, height) = several(parts);
                // A method of a value; the dot tells it from a function.
                let call = Tree::Call(format!(".{part}"), arguments);
                (next, above(input, height, call)?)
            } else {
                let height = tree.height;
                (next, above(input, height, Tree::Part(Box::new(tree.tree), part.to_owned()))?)
            };
        } else {
            return Ok((rest, tree));
        }
    }
}

fn primary(input: &str, depth: usize) -> Parsed<'_, Grown> {
    let input = space(input)?;
    match input.chars().next() {
        Some(quote @ ('"' | '\'')) => text(input, quote),
        Some('-' | '0'..='9') => number(input),
        Some('(') => {
            let (rest, inner) = expression(input.get(1..).unwrap_or_default(), depth)?;
            match after(rest, ")")? {
                Some(rest) => Ok((rest, inner)),
                None => stop(rest, "a closing parenthesis"),
            }
        }
        Some('{') => {
            let inside = input.get(1..).unwrap_or_default();
            let (rest, parts) = list(inside, "}", false, |input| expression(input, depth))?;
            let (values, height) = several(parts);
            above(input, height, Tree::List(values)).map(|grown| (rest, grown))
        }
        _ => path(input, depth),
    }
}

/// `user.firstName`, `String.len(…)`, `true`
fn path(input: &str, depth: usize) -> Parsed<'_, Grown> {
    let mut end = 0;
    let mut rest = input;
    loop {
        let (after_name, found) = name(rest)?;
        if found.is_empty() {
            return stop(rest, "an attribute, a function or a text in quotes");
        }
        end += found.len();
        rest = after_name;
        match rest.strip_prefix('.') {
            Some(next) => {
                rest = next;
                end += 1;
            }
            None => break,
        }
    }
    let found = input.get(..end).unwrap_or_default();
    if let Some(rest) = after(rest, "(")? {
        let (rest, parts) = list(rest, ")", false, |input| expression(input, depth))?;
        let (arguments, height) = several(parts);
        return above(input, height, Tree::Call(found.to_owned(), arguments))
            .map(|grown| (rest, grown));
    }
    let tree = match found.to_ascii_lowercase().as_str() {
        "true" => Tree::Boolean(true),
        "false" => Tree::Boolean(false),
        "null" => Tree::Null,
        _ => Tree::Attribute(found.to_owned()),
    };
    Ok((rest, leaf(tree)))
}

fn text(input: &str, quote: char) -> Parsed<'_, Grown> {
    let mut read = String::new();
    let mut letters = input.chars().peekable();
    letters.next();
    let mut taken = 1;
    while let Some(letter) = letters.next() {
        taken += letter.len_utf8();
        if letter != quote {
            read.push(letter);
        } else if letters.next_if_eq(&quote).is_some() {
            taken += quote.len_utf8();
            read.push(quote);
        } else {
            return Ok((input.get(taken..).unwrap_or_default(), leaf(Tree::Text(read))));
        }
    }
    stop(input, "a closing quotation mark")
}
