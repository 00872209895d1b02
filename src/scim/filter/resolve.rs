//! From syntax to meaning.

use super::{Condition, Field, Filter, Literal, MAX_SEARCHES, Operator};
use crate::scim::error::{Error, ScimType};
use crate::scim::path::AttributePath;
use crate::scim::schema::{Place, ResourceType, Returned, Type};
use crate::scim::value;
use serde_json::Value;

impl Filter {
    /// Checks the filter against a resource type.
    ///
    /// # Errors
    /// `invalidFilter` naming the attribute that is unknown, or the comparison that makes no sense
    /// (order of booleans and binaries, `co` on a number, a literal of the wrong type).
    pub fn resolve(&self, kind: &ResourceType) -> Result<Condition, Error> {
        let searches = self.searches();
        if searches > MAX_SEARCHES {
            return Err(invalid(format!(
                "the filter has {searches} comparisons by co and ew, and {MAX_SEARCHES} are the most: \
                 use eq or sw, or ask in parts"
            )));
        }
        resolve(self, &Scope { kind, within: None })
    }

    fn searches(&self) -> usize {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().map(Self::searches).sum(),
            Self::Not(part) | Self::Element(_, part) => part.searches(),
            Self::Compare(_, Operator::Contains | Operator::EndsWith, _) => 1,
            Self::Compare(..) | Self::Present(_) => 0,
        }
    }
}

impl Field {
    /// The field that a place is compared by: of a complex attribute alone, its `value` part where
    /// it has one. None for complex attributes without one.
    pub fn compared(place: &Place<'_>) -> Option<Self> {
        if place.leaf().kind != Type::Complex {
            return Some(Self::of(place));
        }
        let sub = place.attribute.sub("value")?;
        Some(Self::of(&Place { sub: Some(sub), ..*place }))
    }

    /// The field of exactly that place.
    pub fn of(place: &Place<'_>) -> Self {
        let leaf = place.leaf();
        Self {
            key: place.key(),
            extension: place.extension.map(|schema| schema.id.clone()),
            attribute: place.attribute.name.clone(),
            sub: place.sub.map(|sub| sub.name.clone()),
            kind: leaf.kind,
            multi_valued: place.attribute.multi_valued,
            case_exact: leaf.case_exact,
            indexed: leaf.indexed,
        }
    }
}

/// Where names are looked up: in the resource type, or in the attribute before the brackets.
struct Scope<'a> {
    kind: &'a ResourceType,
    within: Option<Place<'a>>,
}

impl Scope<'_> {
    fn place(&self, path: &AttributePath) -> Result<Place<'_>, Error> {
        let place = match self.within {
            None => self.kind.place(path),
            Some(outer) => part_of(outer, path),
        };
        let place = place.ok_or_else(|| {
            invalid(match self.within {
                None => format!("{path} is no attribute of {}", self.kind.name),
                Some(outer) => format!("{path} is no part of {}", outer.key()),
            })
        })?;
        if [place.attribute.returned, place.leaf().returned].contains(&Returned::Never) {
            return Err(invalid(format!("{} cannot be asked for", place.key())));
        }
        Ok(place)
    }
}

/// A part of the attribute before the brackets. The elements of a simple attribute are their own
/// `value`.
fn part_of<'a>(outer: Place<'a>, path: &AttributePath) -> Option<Place<'a>> {
    if path.schema.is_some() || path.sub.is_some() {
        return None;
    }
    if outer.attribute.kind != Type::Complex {
        return path.attribute.eq_ignore_ascii_case("value").then_some(outer);
    }
    Some(Place { sub: Some(outer.attribute.sub(&path.attribute)?), ..outer })
}

fn resolve(filter: &Filter, scope: &Scope<'_>) -> Result<Condition, Error> {
    Ok(match filter {
        Filter::And(parts) => Condition::All(each(parts, scope)?),
        Filter::Or(parts) => Condition::Any(each(parts, scope)?),
        Filter::Not(inner) => Condition::Not(Box::new(resolve(inner, scope)?)),
        Filter::Present(path) => Condition::Present(Field::of(&scope.place(path)?)),
        Filter::Compare(path, operator, literal) => {
            compare(&scope.place(path)?, *operator, literal)?
        }
        Filter::Element(path, inner) => {
            let place = scope.place(path)?;
            if place.sub.is_some() || scope.within.is_some() {
                return Err(invalid(format!(
                    "{path}[…] must name an attribute, not a part of one"
                )));
            }
            let inner = resolve(inner, &Scope { kind: scope.kind, within: Some(place) })?;
            let field = Field::of(&place);
            if place.attribute.multi_valued {
                Condition::Element(field, Box::new(inner))
            } else {
                // A single complex value is its own only element.
                Condition::All(vec![Condition::Present(field), inner])
            }
        }
    })
}

fn each(parts: &[Filter], scope: &Scope<'_>) -> Result<Vec<Condition>, Error> {
    parts.iter().map(|part| resolve(part, scope)).collect()
}

fn compare(place: &Place<'_>, operator: Operator, literal: &Literal) -> Result<Condition, Error> {
    if *literal == Literal::Null {
        let present = Condition::Present(Field::of(place));
        return match operator {
            Operator::Equal => Ok(Condition::Not(Box::new(present))),
            Operator::NotEqual => Ok(present),
            _ => Err(invalid(format!("{} {operator} null: null has no order", place.key()))),
        };
    }
    let field = Field::compared(place)
        .ok_or_else(|| invalid(format!("{} is complex: compare one of its parts", place.key())))?;
    if !allowed(field.kind, operator) {
        return Err(invalid(format!(
            "{} is {}, which {operator} does not compare",
            field.key,
            field.kind.described()
        )));
    }
    let operand = operand(&field, literal).ok_or_else(|| {
        invalid(format!("{} is compared with {}", field.key, field.kind.described()))
    })?;
    Ok(Condition::Compare(field, operator, operand))
}

const fn allowed(kind: Type, operator: Operator) -> bool {
    use Operator as O;
    match operator {
        O::Equal | O::NotEqual => true,
        O::Contains | O::StartsWith | O::EndsWith => matches!(kind, Type::String | Type::Reference),
        O::Greater | O::GreaterOrEqual | O::Less | O::LessOrEqual => {
            !matches!(kind, Type::Boolean | Type::Binary)
        }
    }
}

/// The literal in the encoding of [`value::sort_key`].
fn operand(field: &Field, literal: &Literal) -> Option<String> {
    let value = match (field.kind, literal) {
        (Type::Boolean, Literal::String(text)) if text.eq_ignore_ascii_case("true") => true.into(),
        (Type::Boolean, Literal::String(text)) if text.eq_ignore_ascii_case("false") => {
            false.into()
        }
        (_, Literal::Boolean(truth)) => Value::Bool(*truth),
        (_, Literal::Number(number)) => Value::Number(number.clone()),
        (_, Literal::String(text)) => Value::String(text.clone()),
        (_, Literal::Null) => return None,
    };
    value::key(field.kind, field.case_exact, &value)
}

fn invalid(detail: String) -> Error {
    Error::bad(ScimType::InvalidFilter, detail)
}

#[cfg(test)]
mod tests;
