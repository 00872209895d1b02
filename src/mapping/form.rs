//! The one form into which every rule compiles, and its evaluation.
//!
//! A profile field, a hardcoded value, a template, a table or an expression: after compiling each is
//! a [`Form`]. Preview, plan, impact and worker therefore have one thing to ask for a value, for what
//! it depends on and for what can come out of it. It is a function of its [`Facts`] alone: equal
//! facts give equal values.
//!
//! Null is *no value*. A text without characters and a list without elements are no value either,
//! as a result and wherever a profile holds them.
//!
//! Whatever the form and whatever the facts, an evaluation ends: every node, every element and every
//! few bytes of text take a step, steps are counted, and a result has at most 16 KiB. A form is nested
//! as deeply as whoever compiles it allows, and no deeper value comes out of it.

mod builtin;
mod datum;
mod evaluation;
mod fuel;
mod operator;
mod text;

pub(crate) use builtin::{Builtin, Pattern};
pub(crate) use fuel::Stopped;
pub(crate) use operator::Operator;

use super::selector::Selector;
use super::template::Template;
use crate::scim::schema::Type;
use evaluation::Evaluation;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What a value may depend on.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The profile.
    pub resource: &'a Map<String, Value>,
    /// Values given at the assignment, by app field.
    pub assigned: &'a Map<String, Value>,
    /// Ids of accounts in the app, by id of the person or group.
    pub accounts: &'a BTreeMap<String, String>,
}

/// How a value comes about.
#[derive(Debug, Clone)]
pub(crate) enum Form {
    /// This value.
    Literal(Value),
    /// The first value that a path leads to.
    Read(Box<Selector>),
    /// Every value that a path leads to, as a list.
    ReadAll(Box<Selector>),
    /// The first that has a value.
    First(Vec<Form>),
    /// A template.
    Join(Template),
    /// A table.
    Lookup {
        /// What is looked up.
        key: Box<Form>,
        /// By key as [`folded`] has it.
        entries: BTreeMap<String, Value>,
        /// For any other key, and for none.
        default: Option<Box<Form>>,
    },
    /// The account of whom a path names.
    Reference(Box<Selector>),
    /// What was given for this app field at the assignment.
    Assigned(String),
    /// A whole expression.
    Expression {
        /// Its nodes.
        node: Box<Form>,
        /// What is known of the result.
        shape: Shape,
    },
    /// An attribute of the profile as it stands there, with all its parts and elements.
    Attribute {
        /// URN of its extension.
        extension: Option<String>,
        /// Its name.
        name: String,
    },
    /// The variable of a macro: how many others are around it.
    Variable(usize),
    /// A part of a value, by its name.
    Part(Box<Form>, String),
    /// An element of a list, or the value of a key.
    Index(Box<[Form; 2]>),
    /// Whether there is a value.
    Present(Box<Form>),
    /// `!`
    Not(Box<Form>),
    /// `-`
    Negative(Box<Form>),
    /// `&&`
    And(Box<[Form; 2]>),
    /// `||`
    Or(Box<[Form; 2]>),
    /// An operator that needs both.
    Binary(Operator, Box<[Form; 2]>),
    /// A test, and the values for each of its outcomes.
    Conditional(Box<[Form; 3]>),
    /// A list.
    List(Vec<Form>),
    /// Keys and values.
    Map(Vec<(Form, Form)>),
    /// A macro.
    Walk(Walk, Box<Steps>),
    /// A function.
    Call(Builtin, Vec<Form>),
    /// Whether a text has what a pattern describes.
    Matches(Box<Form>, Pattern),
}

/// What a macro makes of the elements it walks through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Walk {
    /// Whether all meet the condition.
    All,
    /// Whether one meets it.
    Exists,
    /// Whether exactly one meets it.
    ExistsOne,
    /// The list of what comes of those that meet it.
    Collect,
}

/// The parts of a macro.
#[derive(Debug, Clone)]
pub(crate) struct Steps {
    /// What is walked through.
    pub(crate) over: Form,
    /// The condition; none is always met.
    pub(crate) condition: Option<Form>,
    /// What is collected.
    pub(crate) yields: Form,
}

/// What is known of a value before there is a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Nothing.
    Unknown,
    /// It is never a value.
    Nothing,
    /// One value, or none.
    Value(Type),
    /// A list, or none.
    List(Box<Shape>),
    /// A value with parts, or none.
    Object,
}

impl Shape {
    /// What is known of a value that is one or the other.
    pub(crate) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, only) | (only, Self::Nothing) => only,
            (Self::Value(Type::Integer), Self::Value(Type::Decimal))
            | (Self::Value(Type::Decimal), Self::Value(Type::Integer)) => {
                Self::Value(Type::Decimal)
            }
            (Self::Value(a), Self::Value(b)) if a != b && is_text(a) && is_text(b) => {
                Self::Value(Type::String)
            }
            (Self::List(a), Self::List(b)) => Self::List(Box::new(a.or(*b))),
            (one, other) if one == other => one,
            _ => Self::Unknown,
        }
    }

    /// What is known of a hardcoded value.
    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::Bool(_) => Self::Value(Type::Boolean),
            Value::Number(number) if number.is_i64() => Self::Value(Type::Integer),
            Value::Number(_) => Self::Value(Type::Decimal),
            Value::String(_) => Self::Value(Type::String),
            Value::Array(elements) => {
                Self::List(Box::new(elements.iter().map(Self::of).fold(Self::Nothing, Self::or)))
            }
            Value::Object(_) => Self::Object,
        }
    }
}

/// Whether values of the type are text.
pub(crate) const fn is_text(kind: Type) -> bool {
    matches!(kind, Type::String | Type::DateTime | Type::Binary | Type::Reference)
}

/// A table's key: text is compared without case and without white space at its ends.
pub(crate) fn folded(key: &Value) -> String {
    match key {
        Value::String(text) => crate::scim::value::fold(text.trim()),
        key => key.to_string(),
    }
}

impl Form {
    /// The value; null where there is none.
    pub(crate) fn evaluate<'a>(&'a self, facts: &Facts<'a>) -> Result<Value, Stopped> {
        // Most rules are these, and they need no budget: they copy at most one value.
        match self {
            Self::Read(selector) => {
                return match selector.read(facts.resource) {
                    Some(Value::String(text)) if text.len() > fuel::LARGEST => Err(Stopped::Large),
                    value => within_bounds(value.cloned().unwrap_or(Value::Null)),
                };
            }
            Self::Join(template) => {
                let text = template.render(facts.resource).map_or(Value::Null, Value::String);
                return within_bounds(text);
            }
            _ => {}
        }
        let mut evaluation = Evaluation::new(facts);
        evaluation.datum(self)?.into_result()
    }

    /// Steps that an evaluation takes. Panics where it made more text than it paid for.
    #[cfg(test)]
    pub(crate) fn steps<'a>(&'a self, facts: &Facts<'a>) -> (usize, Result<Value, Stopped>) {
        let mut evaluation = Evaluation::new(facts);
        datum::made::take();
        let result = evaluation.datum(self).and_then(datum::Datum::into_result);
        let (spent, made) = (evaluation.spent(), datum::made::take());
        assert!(made <= (spent + 1) * fuel::BYTES, "{made} bytes made in {spent} steps");
        (spent, result)
    }

    /// What is known of its value.
    pub(crate) fn shape(&self) -> Shape {
        match self {
            Self::Literal(value) => Shape::of(value),
            Self::Read(selector) => Shape::Value(selector.kind),
            Self::ReadAll(selector) => Shape::List(Box::new(Shape::Value(selector.kind))),
            Self::First(forms) => forms.iter().map(Self::shape).fold(Shape::Nothing, Shape::or),
            Self::Join(_) | Self::Reference(_) => Shape::Value(Type::String),
            Self::Lookup { entries, default, .. } => entries
                .values()
                .map(Shape::of)
                .chain(default.iter().map(|default| default.shape()))
                .fold(Shape::Nothing, Shape::or),
            Self::Expression { shape, .. } => shape.clone(),
            _ => Shape::Unknown,
        }
    }

    /// The paths of the profile that the value depends on, in SCIM's notation: `name.familyName`,
    /// `emails`, `urn:…:User:department`. Another profile with the same values there gives the same
    /// value.
    pub(crate) fn reads(&self) -> BTreeSet<String> {
        let mut paths = BTreeSet::new();
        let mut pending = vec![self];
        while let Some(form) = pending.pop() {
            match form {
                Self::Read(selector) | Self::ReadAll(selector) | Self::Reference(selector) => {
                    paths.insert(selector.depends_on());
                }
                Self::Join(template) => {
                    paths.extend(template.selectors().map(Selector::depends_on));
                }
                Self::Attribute { extension: None, name } => {
                    paths.insert(name.clone());
                }
                Self::Attribute { extension: Some(urn), name } => {
                    paths.insert(format!("{urn}:{name}"));
                }
                form => pending.extend(form.children()),
            }
        }
        paths
    }

    /// The forms it is made of.
    fn children(&self) -> Vec<&Self> {
        match self {
            Self::Literal(_)
            | Self::Read(_)
            | Self::ReadAll(_)
            | Self::Join(_)
            | Self::Reference(_)
            | Self::Assigned(_)
            | Self::Attribute { .. }
            | Self::Variable(_) => Vec::new(),
            Self::First(forms) | Self::List(forms) | Self::Call(_, forms) => forms.iter().collect(),
            Self::Lookup { key, default, .. } => {
                std::iter::once(key.as_ref()).chain(default.as_deref()).collect()
            }
            Self::Expression { node: form, .. }
            | Self::Part(form, _)
            | Self::Present(form)
            | Self::Not(form)
            | Self::Negative(form)
            | Self::Matches(form, _) => vec![form],
            Self::Index(pair) | Self::And(pair) | Self::Or(pair) | Self::Binary(_, pair) => {
                pair.iter().collect()
            }
            Self::Conditional(forms) => forms.iter().collect(),
            Self::Map(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
            Self::Walk(_, steps) => std::iter::once(&steps.over)
                .chain(&steps.condition)
                .chain(std::iter::once(&steps.yields))
                .collect(),
        }
    }
}

fn within_bounds(value: Value) -> Result<Value, Stopped> {
    match value {
        Value::String(text) if text.is_empty() => Ok(Value::Null),
        Value::String(text) if text.len() > fuel::LARGEST => Err(Stopped::Large),
        value => Ok(value),
    }
}

#[cfg(test)]
mod tests;
