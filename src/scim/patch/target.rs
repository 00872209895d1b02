//! What the path of an operation means for a resource type.

use crate::scim::dialect::Reading;
use crate::scim::error::{Error, Fault, shortened};
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
    pub(super) fn of(
        kind: &'a ResourceType,
        path: &'a Path,
        reading: &Reading,
    ) -> Result<Self, Error> {
        match path {
            Path::Extension(urn) => match kind.extension(urn) {
                Some(schema) => Ok(Self::Extension(schema)),
                None => Err(unknown_path(kind, urn)),
            },
            Path::Attribute(attribute) => Ok(Self::Place(place(kind, attribute, reading)?)),
            Path::Elements { attribute, filter, sub } => {
                let whole = place(kind, attribute, reading)?;
                if whole.extension.is_none() && whole.attribute.name == "schemas" {
                    return Err(Fault::NoSelection { name: whole.key() }.into());
                }
                if !whole.attribute.multi_valued {
                    return Err(Fault::NoElements { name: whole.key() }.into());
                }
                let sub = match sub {
                    None => None,
                    Some(part) => {
                        let unknown =
                            || Fault::UnknownPathPart { name: whole.key(), part: part.clone() };
                        Some(whole.attribute.sub(part).ok_or_else(unknown)?)
                    }
                };
                match Filter::Element(attribute.clone(), filter.clone())
                    .resolve_as(kind, reading)?
                {
                    Condition::Element(_, condition) => Ok(Self::Elements {
                        place: Place { sub, ..whole },
                        condition: *condition,
                        filter,
                    }),
                    _ => Err(Fault::NoElements { name: whole.key() }.into()),
                }
            }
        }
    }
}

fn place<'a>(
    kind: &'a ResourceType,
    path: &AttributePath,
    reading: &Reading,
) -> Result<Place<'a>, Error> {
    path.place(kind, reading).ok_or_else(|| unknown_path(kind, &path.to_string()))
}

fn unknown_path(kind: &ResourceType, path: &str) -> Error {
    Fault::UnknownPath { path: shortened(path), kind: kind.name.clone() }.into()
}
