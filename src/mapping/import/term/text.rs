//! A term as the text of an expression.

use super::{Comparison, Obstacle, Term};
use crate::scim::urn::ENTERPRISE_USER;
use serde_json::Value;
use std::fmt::Write;

/// How tightly the parts of an expression hold together.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
enum Hold {
    Choice,
    Or,
    And,
    Compared,
    Sum,
    Sign,
    Part,
}

/// The text; an obstacle where the term holds what no expression can read.
pub(in crate::mapping::import) fn expression(term: &Term) -> Result<String, Obstacle> {
    let mut text = String::new();
    write(term, Hold::Choice, &mut text)?;
    Ok(text)
}

/// Appends the term, in parentheses where it holds together less than it has to.
fn write(term: &Term, least: Hold, text: &mut String) -> Result<(), Obstacle> {
    let loose = holds(term) < least;
    if loose {
        text.push('(');
    }
    match term {
        Term::Field(path) => text.push_str(&field(path)),
        Term::Manager => return Err(alone("The manager's account", "reference to manager.value")),
        Term::Assignment => return Err(alone("What is given at the assignment", "assignment")),
        Term::Text(plain) => quoted(plain, text),
        Term::Number(digits) => text.push_str(digits),
        Term::Boolean(value) => text.push_str(if *value { "true" } else { "false" }),
        Term::Null => text.push_str("null"),
        Term::Sum(parts) => {
            for (at, part) in parts.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { " + " });
                match part {
                    Term::Number(digits) => quoted(digits, text),
                    part if part.is_number() || part.is_condition() => {
                        called("string", std::slice::from_ref(part), text)?;
                    }
                    part => write(part, Hold::Sum, text)?,
                }
            }
        }
        Term::Join(separator, parts) => {
            text.push_str("join([");
            listed(parts, text)?;
            text.push_str("], ");
            quoted(separator, text);
            text.push(')');
        }
        Term::First(parts) => called("coalesce", parts, text)?,
        Term::Table { key, entries, default } => table(key, entries, default, text)?,
        Term::Choice(parts) => {
            let [condition, yes, no] = parts.as_ref();
            write(condition, Hold::Or, text)?;
            text.push_str(" ? ");
            write(yes, Hold::Or, text)?;
            text.push_str(" : ");
            write(no, Hold::Choice, text)?;
        }
        Term::Call(name, arguments) => called(name, arguments, text)?,
        Term::Item(list, index) => {
            write(list, Hold::Part, text)?;
            let _ = write!(text, "[{index}]");
        }
        Term::Present(tested) => present(tested, true, text)?,
        Term::Compare(how, left, right) => {
            write(left, Hold::Sum, text)?;
            let _ = write!(text, " {} ", sign(*how));
            write(right, Hold::Sum, text)?;
        }
        Term::Search(name, whole, part) => {
            write(whole, Hold::Part, text)?;
            let _ = write!(text, ".{name}(");
            write(part, Hold::Choice, text)?;
            text.push(')');
        }
        Term::In(inner, list) => {
            write(inner, Hold::Sum, text)?;
            text.push_str(" in [");
            listed(list, text)?;
            text.push(']');
        }
        Term::Member(how, name) => member(how, name, text),
        Term::All(conditions) => row(conditions, " && ", Hold::Compared, text)?,
        Term::Any(conditions) => row(conditions, " || ", Hold::And, text)?,
        Term::Not(inner) => match inner.as_ref() {
            Term::Present(tested) => present(tested, false, text)?,
            inner => {
                text.push('!');
                write(inner, Hold::Part, text)?;
            }
        },
    }
    if loose {
        text.push(')');
    }
    Ok(())
}

fn holds(term: &Term) -> Hold {
    match term {
        Term::Choice(_) => Hold::Choice,
        Term::Table { entries, .. } if !is_lookup(entries) => Hold::Choice,
        Term::Any(_) => Hold::Or,
        Term::All(_) => Hold::And,
        Term::Present(_) | Term::Compare(..) | Term::In(..) => Hold::Compared,
        Term::Sum(_) => Hold::Sum,
        Term::Not(inner) if matches!(**inner, Term::Present(_)) => Hold::Compared,
        Term::Not(_) => Hold::Sign,
        _ => Hold::Part,
    }
}

/// A sentence for what can be the whole of a rule only.
fn alone(what: &str, source: &str) -> Obstacle {
    Obstacle::new(
        format!("{what} cannot be changed or combined with anything."),
        format!("Make a rule whose source is {source} alone."),
    )
}

fn present(tested: &Term, is: bool, text: &mut String) -> Result<(), Obstacle> {
    // What a function returns may be a text without characters; a profile field never is.
    if matches!(tested, Term::Field(_)) || tested.is_number() {
        write(tested, Hold::Sum, text)?;
        text.push_str(if is { " != null" } else { " == null" });
        return Ok(());
    }
    called("size", std::slice::from_ref(tested), text)?;
    text.push_str(if is { " > 0" } else { " == 0" });
    Ok(())
}

fn called(name: &str, arguments: &[Term], text: &mut String) -> Result<(), Obstacle> {
    text.push_str(name);
    text.push('(');
    listed(arguments, text)?;
    text.push(')');
    Ok(())
}

fn listed(terms: &[Term], text: &mut String) -> Result<(), Obstacle> {
    row(terms, ", ", Hold::Choice, text)
}

fn row(terms: &[Term], between: &str, least: Hold, text: &mut String) -> Result<(), Obstacle> {
    for (at, term) in terms.iter().enumerate() {
        text.push_str(if at == 0 { "" } else { between });
        write(term, least, text)?;
    }
    Ok(())
}

fn table(
    key: &Term,
    entries: &[(String, Term)],
    default: &Term,
    text: &mut String,
) -> Result<(), Obstacle> {
    if !is_lookup(entries) {
        let key = Term::Call("lower", vec![key.clone()]);
        for (from, to) in entries {
            write(&key, Hold::Sum, text)?;
            text.push_str(" == ");
            quoted(&from.to_lowercase(), text);
            text.push_str(" ? ");
            write(to, Hold::Or, text)?;
            text.push_str(" : ");
        }
        return write(default, Hold::Choice, text);
    }
    text.push_str("lookup(");
    write(key, Hold::Choice, text)?;
    text.push_str(", {");
    for (at, (from, to)) in entries.iter().enumerate() {
        text.push_str(if at == 0 { "" } else { ", " });
        quoted(from, text);
        text.push_str(": ");
        write(to, Hold::Choice, text)?;
    }
    text.push('}');
    if *default != Term::Null {
        text.push_str(", ");
        write(default, Hold::Choice, text)?;
    }
    text.push(')');
    Ok(())
}

/// Whether all values are known beforehand.
fn is_lookup(entries: &[(String, Term)]) -> bool {
    entries
        .iter()
        .all(|(_, value)| matches!(value, Term::Text(_) | Term::Number(_) | Term::Boolean(_)))
}

fn member(how: &str, name: &str, text: &mut String) {
    text.push_str("groups.exists(one, one.display");
    match how {
        "equals" => text.push_str(" == "),
        how => {
            let _ = write!(text, ".{how}(");
        }
    }
    quoted(name, text);
    text.push_str(if how == "equals" { ")" } else { "))" });
}

const fn sign(how: Comparison) -> &'static str {
    match how {
        Comparison::Equal => "==",
        Comparison::Unequal => "!=",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
    }
}

/// A profile path as an expression reads it.
fn field(path: &str) -> String {
    let own =
        path.strip_prefix(ENTERPRISE_USER).and_then(|rest| rest.strip_prefix(':')).unwrap_or(path);
    let element = own
        .split_once("[type eq \"")
        .and_then(|(attribute, rest)| Some((attribute, rest.split_once("\"].")?)));
    match element {
        Some((attribute, (kind, part))) => {
            format!("{attribute}.filter(one, one.type == \"{kind}\")[0].{part}")
        }
        None => own.to_owned(),
    }
}

fn quoted(plain: &str, text: &mut String) {
    text.push_str(&Value::from(plain).to_string());
}
