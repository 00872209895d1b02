//! Entra's functions in terms of Rollcall.

use super::super::term::{Comparison, Obstacle, Term};
use super::super::tree::{Operator, Tree};
use super::attributes::attribute;
use crate::mapping::field::Kind;

/// What an expression means. `IgnoreFlowIfNullOrEmpty` is not expected here: around a whole
/// expression it is about what happens without a value.
pub(super) fn term(kind: Kind, tree: &Tree) -> Result<Term, Obstacle> {
    match tree {
        Tree::Text(text) => Ok(Term::Text(text.clone())),
        Tree::Number(digits) => Ok(Term::Number(digits.clone())),
        Tree::Boolean(value) => Ok(Term::Boolean(*value)),
        Tree::Null | Tree::Omitted => Ok(Term::Null),
        Tree::Attribute(name) => attribute(kind, name),
        Tree::Call(name, arguments) => call(kind, name, arguments),
        Tree::Infix(operator, operands) => infix(kind, *operator, operands),
        Tree::Not(_) | Tree::Choice(_) | Tree::List(_) | Tree::Item(..) | Tree::Part(..) => {
            Err(Obstacle::arguments("The expression"))
        }
    }
}

/// Whether a function is called anywhere in an expression.
pub(super) fn calls(tree: &Tree, function: &str) -> bool {
    let within = |trees: &[Tree]| trees.iter().any(|tree| calls(tree, function));
    match tree {
        Tree::Call(name, arguments) => name.eq_ignore_ascii_case(function) || within(arguments),
        Tree::Infix(_, operands) => within(operands),
        // What else has parts is no expression of Entra's.
        _ => false,
    }
}

fn infix(kind: Kind, operator: Operator, operands: &[Tree]) -> Result<Term, Obstacle> {
    if let Some(found) = found(kind, operator, operands)? {
        return Ok(found);
    }
    let terms = all(kind, operands)?;
    let how = match operator {
        Operator::Or => return Ok(Term::any(terms)),
        Operator::And => return Ok(Term::all(terms)),
        Operator::Equal => Comparison::Equal,
        Operator::Unequal => Comparison::Unequal,
        Operator::Less => Comparison::Less,
        Operator::LessOrEqual => Comparison::LessOrEqual,
        Operator::Greater => Comparison::Greater,
        Operator::GreaterOrEqual => Comparison::GreaterOrEqual,
        Operator::Matches | Operator::Plus | Operator::Minus | Operator::Otherwise => {
            return Err(Obstacle::arguments("The expression"));
        }
    };
    match <[Term; 2]>::try_from(terms) {
        Ok([left, right]) => Term::compare(how, left, right),
        Err(_) => Err(Obstacle::arguments("The comparison")),
    }
}

/// `InStr([mail], "@") > 0` asks whether it is in there.
fn found(kind: Kind, operator: Operator, operands: &[Tree]) -> Result<Option<Term>, Obstacle> {
    let [Tree::Call(name, arguments), Tree::Number(digits)] = operands else { return Ok(None) };
    let ([whole, part], true, "0") =
        (arguments.as_slice(), name.eq_ignore_ascii_case("InStr"), digits.as_str())
    else {
        return Ok(None);
    };
    let found = Term::Search("contains", Box::new(term(kind, whole)?), Box::new(term(kind, part)?));
    Ok(match operator {
        Operator::Greater | Operator::Unequal => Some(found),
        Operator::Equal | Operator::LessOrEqual => Some(found.opposite()),
        _ => None,
    })
}

fn all(kind: Kind, trees: &[Tree]) -> Result<Vec<Term>, Obstacle> {
    trees.iter().map(|tree| term(kind, tree)).collect()
}

fn call(kind: Kind, name: &str, arguments: &[Tree]) -> Result<Term, Obstacle> {
    let one = |tree: &Tree| term(kind, tree);
    match (name.to_ascii_lowercase().as_str(), arguments) {
        ("append", [_, _, ..]) => all(kind, arguments).map(Term::sum),
        ("coalesce", [_, ..]) => all(kind, arguments).map(Term::first),
        ("join", [separator, parts @ ..]) => {
            Ok(Term::join(plain(name, separator)?, all(kind, parts)?))
        }
        ("switch", [source, default, pairs @ ..]) => switch(kind, source, default, pairs),
        ("iif", [condition, yes, no]) => Ok(Term::choice(one(condition)?, one(yes)?, one(no)?)),
        ("replace", _) => replace(kind, arguments),
        ("mid" | "left" | "right" | "item" | "word", _) => cut(kind, name, arguments),
        ("tolower", [text, culture @ ..]) => cased(kind, "lower", text, culture),
        ("toupper", [text, culture @ ..]) => cased(kind, "upper", text, culture),
        ("trim", [text]) => Ok(Term::Call("trim", vec![one(text)?])),
        ("normalizediacritics", [text]) => Ok(Term::Call("transliterate", vec![one(text)?])),
        ("stripspaces", [text]) => Ok(replaced(one(text)?, " ", "")),
        ("split", [text, separator]) => {
            Ok(Term::Call("split", vec![one(text)?, Term::Text(plain(name, separator)?)]))
        }
        ("ispresent" | "isstring", [tested]) => Ok(Term::Present(Box::new(one(tested)?))),
        ("isnull" | "isnullorempty", [tested]) => {
            Ok(Term::Present(Box::new(one(tested)?)).opposite())
        }
        ("not", [condition]) => Ok(one(condition)?.opposite()),
        ("and", [_, ..]) => all(kind, arguments).map(Term::all),
        ("or", [_, ..]) => all(kind, arguments).map(Term::any),
        ("len", [text]) => Ok(Term::Call("size", vec![one(text)?])),
        // Its one effect is that Entra's log does not show the value; Rollcall's shows none.
        ("cstr" | "redact", [value]) => one(value),
        ("cbool", [condition]) => Ok(one(condition)?.condition()),
        ("cint" | "cnum", [value]) => Ok(Term::Call("int", vec![one(value)?])),
        ("singleapproleassignment" | "approleassignmentscomplex", _) => Ok(Term::Assignment),
        ("formatdatetime", [date, _, from, to]) => formatted(kind, date, from, to),
        ("ignoreflowifnullorempty", [_]) => Err(Obstacle::new(
            "Whether the field is left as it is can be decided for a whole rule only.",
            "Set \"onEmpty\" of the rule to \"skip\", without this function within the expression.",
        )),
        ("guid" | "randomstring" | "now", _) => Err(Obstacle::new(
            format!(
                "{name} gives another value each time, and a mapping gives equal values to equal profiles."
            ),
            "Put the value in a profile field, or give it when assigning.",
        )),
        ("selectuniquevalue", _) => Err(Obstacle::new(
            "Whether a value is taken in the app is not known to a mapping.",
            "Map the first of the values, and make profile fields unique in the directory.",
        )),
        _ => Err(match KNOWN.iter().find(|known| known.eq_ignore_ascii_case(name)) {
            Some(known) => Obstacle::arguments(known),
            None => Obstacle::function(name),
        }),
    }
}

/// Functions that are translated, if not with every number of arguments.
const KNOWN: &[&str] = &[
    "Append",
    "Coalesce",
    "Join",
    "Switch",
    "IIF",
    "ToLower",
    "ToUpper",
    "Trim",
    "NormalizeDiacritics",
    "StripSpaces",
    "Split",
    "IsPresent",
    "IsString",
    "IsNull",
    "IsNullOrEmpty",
    "Not",
    "And",
    "Or",
    "Len",
    "CStr",
    "Redact",
    "CBool",
    "CInt",
    "CNum",
    "FormatDateTime",
    "IgnoreFlowIfNullOrEmpty",
];

fn replaced(text: Term, from: &str, to: &str) -> Term {
    Term::Call("replace", vec![text, Term::Text(from.to_owned()), Term::Text(to.to_owned())])
}

/// A text that has to be written out.
fn plain(function: &str, tree: &Tree) -> Result<String, Obstacle> {
    match tree {
        Tree::Text(text) => Ok(text.clone()),
        Tree::Omitted => Ok(String::new()),
        _ => Err(Obstacle::arguments(function)),
    }
}

/// A whole number that has to be written out; quotes around it do not matter.
fn whole(function: &str, tree: &Tree) -> Result<i64, Obstacle> {
    match tree {
        Tree::Number(text) | Tree::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
    .ok_or_else(|| Obstacle::arguments(function))
}

/// Some languages have letter cases of their own.
fn cased(
    kind: Kind,
    function: &'static str,
    text: &Tree,
    culture: &[Tree],
) -> Result<Term, Obstacle> {
    let language = match culture {
        [] | [Tree::Omitted] => String::new(),
        [Tree::Text(culture)] => culture.chars().take(2).collect::<String>().to_lowercase(),
        _ => return Err(Obstacle::arguments(function)),
    };
    if matches!(language.as_str(), "tr" | "az" | "lt") {
        return Err(Obstacle::new(
            "Letter case is changed here by the rules of one language.",
            "Use lower or upper, whose rules are the same for all languages.",
        ));
    }
    Ok(Term::Call(function, vec![term(kind, text)?]))
}

fn cut(kind: Kind, name: &str, arguments: &[Tree]) -> Result<Term, Obstacle> {
    let number = |digits: i64| Term::Number(digits.to_string());
    match (name.to_ascii_lowercase().as_str(), arguments) {
        ("mid", [text, start, length]) => {
            let text = term(kind, text)?;
            let (start, length) = (whole(name, start)?, whole(name, length)?);
            match start.checked_sub(1) {
                Some(0) if length >= 0 => Ok(Term::Call("left", vec![text, number(length)])),
                Some(from) if from > 0 && length >= 0 => {
                    Ok(Term::Call("substr", vec![text, number(from), number(length)]))
                }
                _ => Err(Obstacle::arguments(name)),
            }
        }
        ("left" | "right", [text, count]) => {
            let function = if name.eq_ignore_ascii_case("left") { "left" } else { "right" };
            let text = term(kind, text)?;
            match whole(name, count)? {
                count if count < 0 => Ok(text),
                count => Ok(Term::Call(function, vec![text, number(count)])),
            }
        }
        ("item", [list, index]) => {
            let list @ Term::Call("split", _) = term(kind, list)? else {
                return Err(Obstacle::arguments(name));
            };
            element(name, list, whole(name, index)?)
        }
        ("word", [text, index, separators]) => {
            let separator = plain(name, separators)?;
            if separator.chars().count() != 1 {
                return Err(Obstacle::new(
                    "The text is split here at several different characters.",
                    "Replace them with one of them first, and split at that one.",
                ));
            }
            let parts = vec![term(kind, text)?, Term::Text(separator)];
            element(name, Term::Call("split", parts), whole(name, index)?)
        }
        _ => Err(Obstacle::arguments(name)),
    }
}

/// An element counted from 1.
fn element(name: &str, list: Term, index: i64) -> Result<Term, Obstacle> {
    index
        .checked_sub(1)
        .and_then(|index| usize::try_from(index).ok())
        .map(|index| Term::Item(Box::new(list), index))
        .ok_or_else(|| Obstacle::arguments(name))
}

fn switch(kind: Kind, source: &Tree, default: &Tree, pairs: &[Tree]) -> Result<Term, Obstacle> {
    if !pairs.len().is_multiple_of(2) {
        return Err(Obstacle::arguments("Switch"));
    }
    let key = term(kind, source)?;
    let default = term(kind, default)?;
    let mut entries = Vec::new();
    for pair in pairs.chunks_exact(2) {
        let [from, to] = pair else { continue };
        let from = match from {
            Tree::Text(text) | Tree::Number(text) => text.clone(),
            Tree::Boolean(value) => value.to_string(),
            Tree::Omitted => String::new(),
            _ => {
                return Err(Obstacle::new(
                    "Switch compares here with something that is not a text.",
                    "Write the conditions one after another as an expression: a ? b : c ? d : e.",
                ));
            }
        };
        entries.push((from, term(kind, to)?));
    }
    if matches!(key, Term::Manager | Term::Assignment) {
        return Err(Obstacle::new(
            "What is translated here is known at the assignment or in the app only.",
            "Give the app's own value when assigning, with assignment as the source.",
        ));
    }
    if !key.is_condition() {
        return Term::table(key, entries, default);
    }
    let value = |truth: &str| {
        let entry = entries.iter().find(|(from, _)| from.trim().eq_ignore_ascii_case(truth));
        entry.map(|(_, value)| value.clone())
    };
    // The default is taken once at most: nested defaults would double with every level.
    let (yes, no) = match (value("true"), value("false")) {
        (None, None) => return Ok(default),
        (Some(yes), None) => (yes, default),
        (None, Some(no)) => (default, no),
        (Some(yes), Some(no)) => (yes, no),
    };
    Ok(Term::choice(key, yes, no))
}

/// `Replace(source, oldValue, regexPattern, regexGroupName, replacementValue,
/// replacementAttributeName, template)`
fn replace(kind: Kind, arguments: &[Tree]) -> Result<Term, Obstacle> {
    let at = |index: usize| arguments.get(index).unwrap_or(&Tree::Omitted);
    let given = |index: usize| *at(index) != Tree::Omitted;
    if arguments.len() > 7 || !given(0) {
        return Err(Obstacle::arguments("Replace"));
    }
    let empty = |index: usize| matches!(at(index), Tree::Text(text) if text.is_empty());
    let text = |index: usize| match at(index) {
        Tree::Omitted => Ok(Term::Text(String::new())),
        tree => term(kind, tree),
    };
    let source = term(kind, at(0))?;
    let template = given(6) && !empty(6);
    let (old, pattern) = (given(1) && !empty(1), given(2) && !empty(2));
    if given(5) && !empty(5) {
        return Err(Obstacle::arguments("Replace"));
    }
    if old && template && !pattern {
        return Ok(Term::Call("replace", vec![text(6)?, text(1)?, source]));
    }
    if old && given(4) && !pattern {
        return Ok(Term::Call("replace", vec![source, text(1)?, text(4)?]));
    }
    // A pattern of letters only is the text that it finds.
    if let (Tree::Text(pattern), Tree::Text(new), false) = (at(2), at(4), old || template)
        && !given(3)
        && !pattern.is_empty()
        && pattern.chars().all(|letter| letter.is_alphanumeric() || " @_-,;:/".contains(letter))
        && !new.contains('$')
    {
        return Ok(replaced(source, pattern, new));
    }
    if pattern {
        return Err(Obstacle::new(
            "What a regular expression finds is replaced here, and Rollcall can only replace texts.",
            "Write the change with replace, before, after, split or slug in an expression.",
        ));
    }
    Err(Obstacle::arguments("Replace"))
}

fn formatted(kind: Kind, date: &Tree, from: &Tree, to: &Tree) -> Result<Term, Obstacle> {
    let (from, to) = (plain("FormatDateTime", from)?, plain("FormatDateTime", to)?);
    let mut rest = to.clone();
    for known in ["yyyy", "MM", "dd", "HH", "mm", "ss"] {
        rest = rest.replacen(known, "", 1);
    }
    if !from.starts_with("yyyy-MM-dd") || rest.chars().any(char::is_alphabetic) {
        return Err(Obstacle::new(
            "The date is read or written here in a way that Rollcall does not know.",
            "Keep dates as 2026-01-31 in profiles, and write them with formatDate by a pattern of \
             yyyy MM dd HH mm ss.",
        ));
    }
    Ok(Term::Call("formatDate", vec![term(kind, date)?, Term::Text(to)]))
}
