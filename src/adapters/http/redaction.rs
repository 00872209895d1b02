//! Leaving values out of what is written down: pure.
//!
//! What stays is what an operator needs in order to see what was asked: addresses, names of fields,
//! the shape of documents, operations and their paths, true, false and null. What goes is every text
//! and every number, because they are somebody's.

use crate::scim::filter::{Filter, Literal};
use crate::scim::path::{self, Path};
use crate::scim::schema::Registry;
use serde_json::{Map, Value};
use url::Url;

/// What stands for a value.
const HIDDEN: &str = "…";
/// Elements of a list that are shown; the others look the same.
const SHOWN: usize = 10;

/// An address with the names of its query, and without their values and whatever else a URL may
/// carry of a credential.
pub(super) fn url(url: &Url) -> String {
    let origin = url.origin().ascii_serialization();
    let Some(query) = url.query() else { return format!("{origin}{}", url.path()) };
    let names: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) => format!("{name}={HIDDEN}"),
            None => HIDDEN.to_owned(),
        })
        .collect();
    format!("{origin}{}?{}", url.path(), names.join("&"))
}

/// A document with its keys and structure, and without values. Of long lists the first elements.
pub(super) fn body(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        Value::Number(_) | Value::String(_) => HIDDEN.into(),
        Value::Array(items) => list(items, body),
        Value::Object(members) => object(members, |name, value| match value {
            Value::Array(items) if name.eq_ignore_ascii_case("schemas") => list(items, urn),
            Value::Array(items) if name.eq_ignore_ascii_case("operations") => {
                list(items, operation)
            }
            _ => body(value),
        }),
    }
}

fn list(items: &[Value], each: fn(&Value) -> Value) -> Value {
    let mut shown: Vec<Value> = items.iter().take(SHOWN).map(each).collect();
    if let Some(more) = items.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        shown.push(format!("{HIDDEN} {more} more").into());
    }
    shown.into()
}

fn object(members: &Map<String, Value>, each: impl Fn(&str, &Value) -> Value) -> Value {
    members.iter().map(|(name, value)| (key(name), each(name, value))).collect::<Map<_, _>>().into()
}

/// The URN of a schema stays.
fn urn(value: &Value) -> Value {
    match value.as_str() {
        Some(text) if text.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("urn:")) => {
            value.clone()
        }
        _ => body(value),
    }
}

/// An operation of a PATCH: what it does and where stays, what it sets goes.
fn operation(value: &Value) -> Value {
    let Value::Object(members) = value else { return body(value) };
    object(members, |name, value| match value.as_str() {
        Some(text) if name.eq_ignore_ascii_case("op") => {
            let known = ["add", "remove", "replace"].iter().any(|op| text.eq_ignore_ascii_case(op));
            if known { value.clone() } else { HIDDEN.into() }
        }
        Some(text) if name.eq_ignore_ascii_case("path") => place(text).into(),
        _ => body(value),
    })
}

/// A key is the name of a field; where it is written as a path, its filter loses its values. What
/// cannot be a name may be a value.
fn key(name: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "_-.:$/".contains(letter);
    if name.chars().all(plain) { name.to_owned() } else { place(name) }
}

/// A path whose filter has lost its values; what is no path is hidden.
fn place(text: &str) -> String {
    let Some(user) = Registry::standard().named("User").cloned() else { return HIDDEN.to_owned() };
    match path::parse(&user, text) {
        Ok(Path::Elements { attribute, filter, sub }) => {
            let filter = Box::new(without_values(*filter));
            Path::Elements { attribute, filter, sub }.to_string()
        }
        Ok(plain) => plain.to_string(),
        Err(_) => HIDDEN.to_owned(),
    }
}

fn without_values(filter: Filter) -> Filter {
    let all = |parts: Vec<Filter>| parts.into_iter().map(without_values).collect();
    match filter {
        Filter::And(parts) => Filter::And(all(parts)),
        Filter::Or(parts) => Filter::Or(all(parts)),
        Filter::Not(inner) => Filter::Not(Box::new(without_values(*inner))),
        Filter::Present(_) => filter,
        Filter::Element(attribute, inner) => {
            Filter::Element(attribute, Box::new(without_values(*inner)))
        }
        Filter::Compare(attribute, operator, literal) => {
            let literal = match literal {
                Literal::Null | Literal::Boolean(_) => literal,
                Literal::Number(_) | Literal::String(_) => Literal::String(HIDDEN.to_owned()),
            };
            Filter::Compare(attribute, operator, literal)
        }
    }
}

#[cfg(test)]
mod tests;
