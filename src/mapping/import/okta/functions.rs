//! Okta's functions in terms of Rollcall.

use super::super::term::{Comparison, LONGEST_CHAIN, Obstacle, Term};
use super::super::tree::{Operator, Tree};
use super::attributes::attribute;

/// What an expression means.
pub(super) fn term(tree: &Tree) -> Result<Term, Obstacle> {
    match tree {
        Tree::Text(text) => Ok(Term::Text(text.clone())),
        Tree::Number(digits) => Ok(Term::Number(digits.clone())),
        Tree::Boolean(value) => Ok(Term::Boolean(*value)),
        Tree::Null | Tree::Omitted => Ok(Term::Null),
        Tree::Attribute(name) => attribute(name),
        Tree::Call(name, arguments) => call(name, arguments),
        Tree::Infix(operator, operands) => infix(*operator, operands),
        Tree::Not(condition) => Ok(term(condition)?.opposite()),
        Tree::Choice(parts) => {
            let [condition, yes, no] = parts.as_ref();
            Ok(Term::choice(term(condition)?, term(yes)?, term(no)?))
        }
        Tree::Item(list, index) => element(list, index),
        Tree::List(_) => Err(Obstacle::new(
            "A list of several values is made here.",
            "Write the list as an expression, if the field takes several values.",
        )),
        Tree::Part(inner, part) => {
            // What is read matters more than which part of it.
            term(inner)?;
            Err(Obstacle::attribute(part))
        }
    }
}

fn all(trees: &[Tree]) -> Result<Vec<Term>, Obstacle> {
    trees.iter().map(term).collect()
}

fn infix(operator: Operator, operands: &[Tree]) -> Result<Term, Obstacle> {
    if let (Operator::Matches, [text, Tree::Text(pattern)]) = (operator, operands) {
        // A match is of the whole text there, of any part of it here.
        let whole = Term::Text(format!("^(?:{pattern})$"));
        return Ok(Term::Call("matches", vec![term(text)?, whole]));
    }
    let terms = all(operands)?;
    let how = match operator {
        Operator::Or => return Ok(Term::any(terms)),
        Operator::And => return Ok(Term::all(terms)),
        Operator::Otherwise => return Ok(Term::first(terms)),
        Operator::Plus if terms.iter().all(Term::is_number) => {
            return Err(Obstacle::function("adding numbers"));
        }
        Operator::Plus => return Ok(Term::sum(terms)),
        Operator::Minus => return Err(Obstacle::function("subtracting numbers")),
        Operator::Matches => return Err(Obstacle::arguments("matches")),
        Operator::Equal => Comparison::Equal,
        Operator::Unequal => Comparison::Unequal,
        Operator::Less => Comparison::Less,
        Operator::LessOrEqual => Comparison::LessOrEqual,
        Operator::Greater => Comparison::Greater,
        Operator::GreaterOrEqual => Comparison::GreaterOrEqual,
    };
    match <[Term; 2]>::try_from(terms) {
        Ok([left, right]) => Term::compare(how, left, right),
        Err(_) => Err(Obstacle::arguments("The comparison")),
    }
}

fn call(name: &str, arguments: &[Tree]) -> Result<Term, Obstacle> {
    // Older expressions leave the class out.
    let short = name.strip_prefix("String.").unwrap_or(name);
    let function = |function| Ok(Term::Call(function, all(arguments)?));
    let search = |how: &'static str, whole: &Tree, part: &Tree| {
        Ok(Term::Search(how, Box::new(term(whole)?), Box::new(term(part)?)))
    };
    match (short, arguments) {
        ("toUpperCase", [_]) => function("upper"),
        ("toLowerCase", [_]) => function("lower"),
        ("trim", [_]) => function("trim"),
        ("len", [_]) => function("size"),
        ("append", [_, _]) => all(arguments).map(Term::sum),
        ("join", [Tree::Text(separator), parts @ ..]) => {
            Ok(Term::join(separator.clone(), all(parts)?))
        }
        ("removeSpaces", [text]) => Ok(Term::Call(
            "replace",
            vec![term(text)?, Term::Text(" ".to_owned()), Term::Text(String::new())],
        )),
        ("replace", [_, _, _]) => function("replace"),
        ("replaceFirst", [text, Tree::Text(old), Tree::Text(new)]) => {
            replace_first(term(text)?, old, new)
        }
        ("startsWith", [whole, part]) => search("startsWith", whole, part),
        ("stringContains", [whole, part]) => search("contains", whole, part),
        ("substringBefore", [_, _]) => function("before"),
        ("substringAfter", [_, _]) => function("after"),
        ("substring", [text, start, end]) => substring(text, start, end),
        ("stringSwitch", [text, default, pairs @ ..]) => switch(text, default, pairs),
        ("Arrays.contains", [Tree::List(list), text]) => {
            Ok(Term::In(Box::new(term(text)?), all(list)?))
        }
        ("Arrays.isEmpty", [list]) => Ok(Term::Present(Box::new(term(list)?)).opposite()),
        ("Arrays.toCsvString", [Tree::List(list)]) => Ok(Term::join(",".to_owned(), all(list)?)),
        ("Arrays.get", [list, index]) => element(list, index),
        ("Convert.toInt", [_]) => function("int"),
        ("Convert.toNum", [_]) => function("double"),
        ("Time.fromIso8601ToString", [date, Tree::Text(pattern)]) => formatted(date, pattern),
        ("isMemberOfGroupName", [Tree::Text(group)]) => Ok(member("equals", group)),
        ("isMemberOfGroupNameStartsWith", [Tree::Text(group)]) => Ok(member("startsWith", group)),
        ("isMemberOfGroupNameContains", [Tree::Text(group)]) => Ok(member("contains", group)),
        ("isMemberOfGroupNameRegex", [Tree::Text(group)]) => {
            Ok(member("matches", &format!("^(?:{group})$")))
        }
        ("user.getInternalProperty", [Tree::Text(property)]) => {
            attribute(&format!("user.{property}"))
        }
        _ => Err(refused(name, arguments)),
    }
}

fn member(how: &'static str, group: &str) -> Term {
    Term::Member(how, group.to_owned())
}

/// Why a function has no counterpart.
fn refused(name: &str, arguments: &[Tree]) -> Obstacle {
    if let (Some(method), [inner, ..]) = (name.strip_prefix('.'), arguments) {
        return term(inner).err().unwrap_or_else(|| Obstacle::function(method));
    }
    let begins = |start: &str| name.starts_with(start);
    if begins("isMemberOf") {
        Obstacle::new(
            "Groups are known here by the ids they have in Okta.",
            "Ask for them by name in an expression: groups.exists(g, g.display == \"Sales\").",
        )
    } else if begins("hasDirectoryUser")
        || begins("findDirectoryUser")
        || begins("hasWorkdayUser")
        || begins("findWorkdayUser")
    {
        Obstacle::new(
            format!("{name} reads the account in another system, which a profile does not hold."),
            "Add a profile field for the value, fill it from there, and map that field.",
        )
    } else if begins("getManager") || begins("getAssistant") || begins("user.getLinkedObject") {
        Obstacle::new(
            format!("{name} reads the profile of somebody else."),
            "To point at the manager's account make a rule whose source is reference; for anything \
             else add a profile field.",
        )
    } else if begins("user.getGroups") || begins("getFilteredGroups") || begins("Groups.") {
        Obstacle::new(
            "A list of groups is made here.",
            "Write it as an expression: groups.filter(g, g.display.startsWith(\"x\"))\
             .map(g, g.display).",
        )
    } else if begins("Time.now") {
        Obstacle::new(
            "The value depends on when it is asked for, and a mapping gives equal values to equal \
             profiles.",
            "Put the value in a profile field.",
        )
    } else if begins("Iso3166Convert.") {
        Obstacle::new(
            "Rollcall has no list of countries.",
            "Translate the countries you have with a table.",
        )
    } else {
        Obstacle::function(name)
    }
}

/// A whole number that has to be written out.
fn whole(tree: &Tree) -> Option<i64> {
    match tree {
        Tree::Number(digits) => digits.parse().ok(),
        _ => None,
    }
}

fn substring(text: &Tree, start: &Tree, end: &Tree) -> Result<Term, Obstacle> {
    let read = term(text)?;
    let number = |digits: i64| Term::Number(digits.to_string());
    let length = |tree: &Tree| {
        matches!(tree, Tree::Call(name, of) if matches!(name.as_str(), "String.len" | "len")
            && matches!(of.as_slice(), [of] if of == text))
    };
    if let (Some(start), Some(end)) = (whole(start), whole(end))
        && let Some(count) = end.checked_sub(start)
        && start >= 0
        && count >= 0
    {
        return Ok(if start == 0 {
            Term::Call("left", vec![read, number(count)])
        } else {
            Term::Call("substr", vec![read, number(start), number(count)])
        });
    }
    if !length(end) {
        return Err(Obstacle::arguments("String.substring"));
    }
    match (whole(start), start) {
        (Some(start), _) if start >= 0 => Ok(Term::Call("substr", vec![read, number(start)])),
        (_, Tree::Infix(Operator::Minus, parts)) => match parts.as_slice() {
            [all, Tree::Number(count)] if length(all) => {
                Ok(Term::Call("right", vec![read, Term::Number(count.clone())]))
            }
            _ => Err(Obstacle::arguments("String.substring")),
        },
        _ => Err(Obstacle::arguments("String.substring")),
    }
}

/// The first occurrence only, which takes three looks at the text.
fn replace_first(text: Term, old: &str, new: &str) -> Result<Term, Obstacle> {
    let pattern = old.contains(|letter: char| r"\.[]{}()*+?^$|".contains(letter));
    if pattern || old.is_empty() || new.contains(['$', '\\']) || !matches!(text, Term::Field(_)) {
        return Err(Obstacle::new(
            "The first text that a regular expression finds is replaced here.",
            "Write the change with replace, before or after in an expression.",
        ));
    }
    let mark = || Term::Text(old.to_owned());
    let changed = Term::sum([
        Term::Call("before", vec![text.clone(), mark()]),
        Term::Text(new.to_owned()),
        Term::Call("after", vec![text.clone(), mark()]),
    ]);
    let found = Term::Search("contains", Box::new(text.clone()), Box::new(mark()));
    Ok(Term::choice(found, changed, text))
}

/// The value of the first key that the text contains.
fn switch(text: &Tree, default: &Tree, pairs: &[Tree]) -> Result<Term, Obstacle> {
    let text = term(text)?;
    let pairs: Vec<&[Tree]> = pairs.chunks(2).collect();
    if !matches!(text, Term::Field(_)) || pairs.len() > LONGEST_CHAIN {
        return Err(Obstacle::new(
            "The text that is switched on is computed itself, or there are too many keys.",
            "Make a profile field that holds the text, and translate it with a table.",
        ));
    }
    let mut value = term(default)?;
    for pair in pairs.into_iter().rev() {
        let [key, to] = pair else { return Err(Obstacle::arguments("String.stringSwitch")) };
        let found = Term::Search("contains", Box::new(text.clone()), Box::new(term(key)?));
        value = Term::choice(found, term(to)?, value);
    }
    Ok(value)
}

/// An element of a list that a text is split into, or of one that is written out.
fn element(list: &Tree, index: &Tree) -> Result<Term, Obstacle> {
    let index = whole(index).and_then(|index| usize::try_from(index).ok());
    match (list, index) {
        (Tree::List(values), Some(index)) => {
            values.get(index).map_or_else(|| Err(Obstacle::arguments("The index of a list")), term)
        }
        (list, Some(_)) => {
            term(list)?;
            Err(Obstacle::arguments("The index of a list"))
        }
        (_, None) => Err(Obstacle::arguments("The index of a list")),
    }
}

fn formatted(date: &Tree, pattern: &str) -> Result<Term, Obstacle> {
    let mut rest = pattern.to_owned();
    for known in ["yyyy", "MM", "dd", "HH", "mm", "ss"] {
        rest = rest.replacen(known, "", 1);
    }
    if rest.chars().any(char::is_alphabetic) {
        return Err(Obstacle::arguments("Time.fromIso8601ToString"));
    }
    Ok(Term::Call("formatDate", vec![term(date)?, Term::Text(pattern.to_owned())]))
}
