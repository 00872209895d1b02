//! What the path of an operation means for a resource type.

use super::fault;
use crate::scim::error::Error;
use crate::scim::filter::{Condition, Filter};
use crate::scim::path::{AttributePath, Path};
use crate::scim::schema::{Place, ResourceType, Schema};

/// A path that the schema knows.
#[derive(Debug)]
pub(super) enum Target<'a> {
    /// A whole extension.
    Extension(&'a Schema),
    /// An attribute or a part of it.
    Place(Place<'a>),
    /// Some elements of a multi-valued attribute, or a part of each.
    Elements {
        /// The attribute, and the part where one is named.
        place: Place<'a>,
        /// Which elements, as a condition on one of them.
        condition: Condition,
        /// Which elements, as written.
        filter: &'a Filter,
    },
}

impl<'a> Target<'a> {
    /// Looks a path up.
    ///
    /// # Errors
    /// `invalidPath` for what the schema does not have, `invalidFilter` for a filter on it that
    /// makes no sense.
    pub(super) fn of(kind: &'a ResourceType, path: &'a Path) -> Result<Self, Error> {
        match path {
            Path::Extension(urn) => match kind.extension(urn) {
                Some(schema) => Ok(Self::Extension(schema)),
                None => Err(fault::path(format!("{} has no extension {urn}", kind.name))),
            },
            Path::Attribute(attribute) => Ok(Self::Place(place(kind, attribute)?)),
            Path::Elements { attribute, filter, sub } => {
                let whole = place(kind, attribute)?;
                if !whole.attribute.multi_valued {
                    let key = whole.key();
                    return Err(fault::path(format!("{key} has one value: leave the [ ] out")));
                }
                let sub = match sub {
                    None => None,
                    Some(name) => Some(whole.attribute.sub(name).ok_or_else(|| {
                        fault::path(format!("{} has no part {name:?}", whole.key()))
                    })?),
                };
                match Filter::Element(attribute.clone(), filter.clone()).resolve(kind)? {
                    Condition::Element(_, condition) => Ok(Self::Elements {
                        place: Place { sub, ..whole },
                        condition: *condition,
                        filter,
                    }),
                    _ => Err(fault::path(format!("{} has no elements", whole.key()))),
                }
            }
        }
    }
}

fn place<'a>(kind: &'a ResourceType, path: &AttributePath) -> Result<Place<'a>, Error> {
    kind.place(path).ok_or_else(|| fault::path(format!("{path} is no attribute of {}", kind.name)))
}
