//! Values while they are worked on: borrowed from the profile where they can be.

use super::fuel::{Fuel, LARGEST, Stopped};
use serde_json::{Map, Number, Value};
use std::cmp::Ordering;
use std::ops::Deref;
use std::rc::Rc;

/// A text: of the profile or of the form, or made on the way. Cloning one copies no letter.
#[derive(Debug, Clone)]
pub(super) enum Text<'a> {
    Borrowed(&'a str),
    Made(Rc<str>),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Made(text) => text,
        }
    }
}

/// A value in the middle of an evaluation. Cloning one costs little whatever its size.
#[derive(Debug, Clone)]
pub(super) enum Datum<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Text<'a>),
    /// An array or an object of the profile or of a table.
    Held(&'a Value),
    List(Rc<Vec<Datum<'a>>>),
    Map(Rc<Vec<(Text<'a>, Datum<'a>)>>),
}

impl<'a> Datum<'a> {
    /// A value as it is.
    pub(super) fn of(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(truth) => Self::Bool(*truth),
            Value::Number(number) => Self::number(number),
            Value::String(text) => Self::borrowed(text),
            Value::Array(_) | Value::Object(_) => Self::Held(value),
        }
    }

    /// A value of a profile, where a text without characters is no value.
    pub(super) fn held(value: Option<&'a Value>) -> Self {
        match value {
            None => Self::Null,
            Some(Value::String(text)) if text.is_empty() => Self::Null,
            Some(value) => Self::of(value),
        }
    }

    /// A text that was made, and paid for.
    pub(super) fn text(text: &str) -> Self {
        #[cfg(test)]
        made::note(text.len());
        Self::Text(Text::Made(text.into()))
    }

    pub(super) const fn borrowed(text: &'a str) -> Self {
        Self::Text(Text::Borrowed(text))
    }

    pub(super) fn list(elements: Vec<Self>) -> Self {
        Self::List(Rc::new(elements))
    }

    fn number(number: &Number) -> Self {
        match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Self::Int(whole),
            (None, Some(number)) => Self::Double(number),
            (None, None) => Self::Null,
        }
    }

    pub(super) const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Null, a text without characters, a list or map without elements.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            other => other.length() == Some(0),
        }
    }

    /// What it is, for sentences.
    pub(super) const fn noun(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Int(_) => "a whole number",
            Self::Double(_) => "a number",
            Self::Text(_) => "text",
            Self::Held(Value::Array(_)) | Self::List(_) => "a list",
            Self::Held(_) | Self::Map(_) => "a value with parts",
        }
    }

    /// How many elements or entries it has; none where it has no such thing.
    pub(super) fn length(&self) -> Option<usize> {
        match self {
            Self::Held(Value::Array(elements)) => Some(elements.len()),
            Self::Held(Value::Object(parts)) => Some(parts.len()),
            Self::List(elements) => Some(elements.len()),
            Self::Map(entries) => Some(entries.len()),
            _ => None,
        }
    }

    pub(super) const fn is_list(&self) -> bool {
        matches!(self, Self::Held(Value::Array(_)) | Self::List(_))
    }

    /// The element of a list; null beyond its end.
    pub(super) fn element(&self, at: usize) -> Self {
        match self {
            Self::Held(Value::Array(elements)) => Self::held(elements.get(at)),
            Self::List(elements) => elements.get(at).cloned().unwrap_or(Self::Null),
            _ => Self::Null,
        }
    }

    /// The part of an object; null where it has none.
    pub(super) fn part(&self, name: &str, fuel: &mut Fuel) -> Result<Self, Stopped> {
        Ok(self.entry(name, fuel)?.unwrap_or(Self::Null))
    }

    /// The part of an object; none where it has none.
    pub(super) fn entry(&self, name: &str, fuel: &mut Fuel) -> Result<Option<Self>, Stopped> {
        match self {
            Self::Held(Value::Object(parts)) => {
                // It is hashed, and compared where it is found.
                fuel.read(name.len().saturating_mul(2))?;
                Ok(parts.get(name).map(|value| Self::held(Some(value))))
            }
            Self::Map(entries) => {
                for (key, value) in entries.iter() {
                    fuel.spend(1)?;
                    if fuel.same(key, name)? {
                        return Ok(Some(value.clone()));
                    }
                }
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    /// What a macro walks through: a list as it is, of an object the names of its parts.
    pub(super) fn walked(self, fuel: &mut Fuel) -> Result<Self, Stopped> {
        if let Self::Held(Value::Object(_)) | Self::Map(_) = &self {
            fuel.spend(self.length().unwrap_or(0))?;
        }
        Ok(match self {
            Self::Held(Value::Object(parts)) => {
                Self::list(parts.keys().map(|name| Self::borrowed(name)).collect())
            }
            Self::Map(entries) => {
                Self::list(entries.iter().map(|(name, _)| Self::Text(name.clone())).collect())
            }
            list => list,
        })
    }

    /// Whether two are equal; values of different kinds are not, `1` and `1.0` are.
    pub(super) fn equals(&self, other: &Self, fuel: &mut Fuel) -> Result<bool, Stopped> {
        fuel.spend(1)?;
        match (self, other) {
            (Self::Null, Self::Null) => Ok(true),
            (Self::Bool(a), Self::Bool(b)) => Ok(a == b),
            (Self::Text(a), Self::Text(b)) => fuel.same(a, b),
            (Self::Int(_) | Self::Double(_), Self::Int(_) | Self::Double(_)) => {
                Ok(self.order(other) == Some(Ordering::Equal))
            }
            (a, b) if a.is_list() && b.is_list() => {
                if a.length() != b.length() {
                    return Ok(false);
                }
                for at in 0..a.length().unwrap_or(0) {
                    if !a.element(at).equals(&b.element(at), fuel)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (a, b) if a.length().is_some() && a.length() == b.length() && !a.is_list() => {
                if b.is_list() {
                    return Ok(false);
                }
                let names = a.clone().walked(fuel)?;
                for at in 0..names.length().unwrap_or(0) {
                    let Self::Text(name) = names.element(at) else { return Ok(false) };
                    let Some(other) = b.entry(&name, fuel)? else { return Ok(false) };
                    if !a.part(&name, fuel)?.equals(&other, fuel)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Which of two comes first; none where they have no order.
    pub(super) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Double(a), Self::Double(b)) => a.partial_cmp(b),
            (Self::Int(a), Self::Double(b)) => mixed(*a, *b),
            (Self::Double(a), Self::Int(b)) => mixed(*b, *a).map(Ordering::reverse),
            (Self::Text(a), Self::Text(b)) => Some((**a).cmp(&**b)),
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// The value for whoever asked; `room` is what it may still take, in bytes.
    pub(super) fn into_value(self, room: &mut usize) -> Result<Value, Stopped> {
        let takes = match &self {
            Self::Text(text) => text.len(),
            _ => 1,
        };
        *room = room.checked_sub(takes).ok_or(Stopped::Large)?;
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(truth) => Value::Bool(truth),
            Self::Int(whole) => Value::from(whole),
            Self::Double(number) => {
                Value::Number(Number::from_f64(number).ok_or(Stopped::Overflow("the expression"))?)
            }
            Self::Text(text) => Value::String((*text).to_owned()),
            list @ (Self::Held(Value::Array(_)) | Self::List(_)) => Value::Array(
                (0..list.length().unwrap_or(0))
                    .map(|at| list.element(at).into_value(room))
                    .collect::<Result<_, _>>()?,
            ),
            Self::Held(Value::Object(held)) => {
                let parts = held.iter().map(|(name, part)| (name.as_str(), Self::held(Some(part))));
                Value::Object(parts_of(parts, room)?)
            }
            Self::Map(entries) => {
                let parts = entries.iter().map(|(name, part)| (&**name, part.clone()));
                Value::Object(parts_of(parts, room)?)
            }
            Self::Held(one) => one.clone(),
        })
    }

    /// [`Self::into_value`] for a result: what is empty is null.
    pub(super) fn into_result(self) -> Result<Value, Stopped> {
        if self.is_empty() {
            return Ok(Value::Null);
        }
        let mut room = LARGEST;
        self.into_value(&mut room)
    }
}

/// The parts of an object; of two with one name, the first.
fn parts_of<'d, 'a: 'd>(
    parts: impl Iterator<Item = (&'d str, Datum<'a>)>,
    room: &mut usize,
) -> Result<Map<String, Value>, Stopped> {
    let mut made = Map::new();
    for (name, part) in parts {
        *room = room.checked_sub(name.len()).ok_or(Stopped::Large)?;
        let part = part.into_value(room)?;
        made.entry(name).or_insert(part);
    }
    Ok(made)
}

/// Compares without loss: not every whole number of 64 bits is a floating-point number.
fn mixed(whole: i64, number: f64) -> Option<Ordering> {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if number.is_nan() {
        return None;
    }
    if number >= BEYOND {
        return Some(Ordering::Less);
    }
    if number < -BEYOND {
        return Some(Ordering::Greater);
    }
    #[expect(clippy::cast_possible_truncation, reason = "the whole part is within 64 bits")]
    let truncated = number.trunc() as i64;
    Some(
        whole
            .cmp(&truncated)
            .then_with(|| 0.0.partial_cmp(&number.fract()).unwrap_or(Ordering::Equal)),
    )
}

/// Counts the bytes of texts that are made, so that tests can hold them against what was paid.
#[cfg(test)]
pub(super) mod made {
    use std::cell::Cell;

    thread_local! {
        static BYTES: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn note(bytes: usize) {
        BYTES.set(BYTES.get() + bytes);
    }

    /// How many there were since it was last asked.
    pub(in crate::mapping::form) fn take() -> usize {
        BYTES.take()
    }
}
