//! What a change of a definition asks of the resources that are there.

use super::check::Fault;
use super::{Definition, Field};
use crate::scim::schema::Uniqueness;

/// What must be, or has to be done, before a definition can take another's place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// Changes that are not possible at all.
    pub refused: Vec<Fault>,
    /// Attributes or parts (`name`, `name.part`) that no resource may have a value of, with why.
    pub without_values: Vec<Fault>,
    /// Changes for which there must be no resource of the type at all.
    pub without_resources: Vec<Fault>,
    /// Attributes whose index rows have to be written anew, by name.
    pub build: Vec<String>,
    /// Attributes whose index rows are of no use any more, by name.
    pub drop: Vec<String>,
}

impl Difference {
    /// From one definition of a URN to the next.
    pub fn between(old: &Definition, new: &Definition) -> Self {
        let mut difference = Self::default();
        let role = |one: &Definition| {
            let kind = one.resource_type.as_ref();
            (kind.map(|kind| (kind.name.clone(), kind.endpoint.clone())), one.holder().to_owned())
        };
        if role(old) != role(new) {
            difference.refused.push(Fault {
                field: "resourceType".into(),
                detail: "what a schema is for cannot change: delete it, or choose another URN"
                    .into(),
            });
        }
        if new.required && !old.required {
            difference.without_resources.push(Fault {
                field: "required".into(),
                detail: "resources that are there do not have it".into(),
            });
        }
        for before in &old.attributes {
            let after = new.attributes.iter().find(|field| field.name == before.name);
            difference.attribute(before, after, "");
            let (was, is) = (is_indexed(before), after.is_some_and(is_indexed));
            match after {
                Some(after) if is && keys(before) != keys(after) => {
                    difference.build.push(before.name.clone());
                }
                _ if was && !is => difference.drop.push(before.name.clone()),
                _ => {}
            }
        }
        for added in &new.attributes {
            if !old.attributes.iter().any(|field| field.name == added.name) {
                difference.added(added, "");
            }
        }
        difference
    }

    /// What it takes to do without a definition.
    pub fn removal(old: &Definition) -> Self {
        let mut difference = Self::default();
        if old.resource_type.is_some() {
            difference.without_resources.push(Fault {
                field: "resourceType".into(),
                detail: "resources of this type are there".into(),
            });
        }
        for field in &old.attributes {
            difference.attribute(field, None, "");
            if is_indexed(field) {
                difference.drop.push(field.name.clone());
            }
        }
        difference
    }

    fn attribute(&mut self, before: &Field, after: Option<&Field>, prefix: &str) {
        let name = format!("{prefix}{}", before.name);
        let mut empty = |detail: &str| {
            self.without_values.push(Fault { field: name.clone(), detail: detail.into() });
        };
        let Some(after) = after else {
            return empty("it cannot go while resources have values of it");
        };
        if before.kind != after.kind {
            empty("its type cannot change while resources have values of it");
        } else if before.multi_valued != after.multi_valued {
            empty("it cannot become single or multi-valued while resources have values of it");
        } else if after.uniqueness != Uniqueness::None && before.uniqueness == Uniqueness::None {
            empty("it cannot become unique while resources have values of it");
        }
        if after.required && !before.required {
            self.required(&name);
        }
        let prefix = format!("{name}.");
        for part in &before.sub_attributes {
            let next = after.sub_attributes.iter().find(|other| other.name == part.name);
            self.attribute(part, next, &prefix);
        }
        for part in &after.sub_attributes {
            if !before.sub_attributes.iter().any(|other| other.name == part.name) {
                self.added(part, &prefix);
            }
        }
    }

    fn added(&mut self, field: &Field, prefix: &str) {
        if field.required {
            self.required(&format!("{prefix}{}", field.name));
        }
    }

    fn required(&mut self, name: &str) {
        self.without_resources.push(Fault {
            field: name.to_owned(),
            detail: "it cannot become required: resources that are there may lack it".into(),
        });
    }
}

/// Whether the store has rows for an attribute.
fn is_indexed(field: &Field) -> bool {
    !keys(field).is_empty()
}

/// What decides the index rows of an attribute: for each indexed part, its name and whether case
/// counts.
fn keys(field: &Field) -> Vec<(String, bool)> {
    let attribute = field.attribute();
    std::iter::once(&attribute)
        .chain(&attribute.sub_attributes)
        .filter(|one| one.indexed && one.kind != super::Type::Complex)
        .map(|one| (one.name.clone(), one.case_exact))
        .collect()
}
