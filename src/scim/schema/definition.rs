//! Schemas that an administrator adds at run time: profile fields (an extension of a resource type)
//! and resource types of their own.
//!
//! A [`Definition`] is a document like those that `/Schemas` answers (RFC 7643 §7), with two things
//! more: what the schema is for, and which of its attributes are indexed. [`check`] says everything
//! that is wrong with one, and [`difference`] what a change of one asks of the resources that are
//! there.

pub mod check;
pub mod difference;

use super::{Attribute, Mutability, ResourceType, Returned, Schema, Type, Uniqueness};
use serde::{Deserialize, Serialize};

/// A schema that an administrator added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Definition {
    /// URN. Left out where the address names it.
    #[serde(default)]
    pub id: String,
    /// For people.
    pub name: String,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// What it defines.
    pub attributes: Vec<Field>,
    /// Name of the resource type that it extends: `User`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extends: Option<String>,
    /// Whether every resource of that type must have it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// The resource type that it is the base schema of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<NewType>,
    /// As `/Schemas` answers it; says nothing here.
    #[serde(default, skip_serializing)]
    pub schemas: Unread,
    /// As `/Schemas` answers it; says nothing here.
    #[serde(default, skip_serializing)]
    pub meta: Unread,
    /// Attributes whose index is still being built, by name; never part of what an administrator
    /// sends.
    #[serde(skip)]
    pub building: Vec<String>,
}

/// Something that is accepted and not read, whatever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unread;

impl<'de> Deserialize<'de> for Unread {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// A resource type that an administrator added (RFC 7643 §6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewType {
    /// Name, which is also its id: `Device`.
    pub name: String,
    /// Path below the SCIM base: `/Devices`.
    pub endpoint: String,
    /// For people.
    #[serde(default)]
    pub description: String,
}

/// An attribute as an administrator defines it: [`Attribute`], with what goes without saying.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Field {
    /// Canonical name.
    pub name: String,
    /// Data type.
    #[serde(rename = "type", default = "string")]
    pub kind: Type,
    /// Whether it holds an array.
    #[serde(default)]
    pub multi_valued: bool,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// Whether a resource that has the schema must have it.
    #[serde(default)]
    pub required: bool,
    /// Suggested values; others are accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub canonical_values: Vec<String>,
    /// Whether case matters in comparisons; unless said, it does for binaries and references.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case_exact: Option<bool>,
    /// Who may write it.
    #[serde(default = "read_write")]
    pub mutability: Mutability,
    /// When it is returned.
    #[serde(default = "by_default")]
    pub returned: Returned,
    /// Over what it is unique.
    #[serde(default = "not_unique")]
    pub uniqueness: Uniqueness,
    /// What a reference may point to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reference_types: Vec<String>,
    /// Parts of a complex attribute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_attributes: Vec<Field>,
    /// Whether filters on it are look-ups.
    #[serde(default)]
    pub indexed: bool,
}

const fn string() -> Type {
    Type::String
}

const fn read_write() -> Mutability {
    Mutability::ReadWrite
}

const fn by_default() -> Returned {
    Returned::Default
}

const fn not_unique() -> Uniqueness {
    Uniqueness::None
}

impl Definition {
    /// What it extends, and whether that type's resources must have it; none for a base schema.
    pub fn extends(&self) -> Option<(&str, bool)> {
        match (&self.resource_type, &self.extends) {
            (Some(_), _) => None,
            (None, Some(name)) => Some((name, self.required)),
            (None, None) => Some(("User", self.required)),
        }
    }

    /// Name of the resource type that has these attributes.
    pub fn holder(&self) -> &str {
        match (&self.resource_type, self.extends()) {
            (Some(kind), _) => &kind.name,
            (None, Some((name, _))) => name,
            (None, None) => "User",
        }
    }

    /// The resource type that it is the base schema of, with the attributes that every resource has.
    pub fn resource_type(&self, common: &[Attribute]) -> Option<ResourceType> {
        let kind = self.resource_type.as_ref()?;
        Some(ResourceType {
            name: kind.name.clone(),
            endpoint: kind.endpoint.clone(),
            description: kind.description.clone(),
            schema: self.schema(),
            extensions: Vec::new(),
            common: common.to_vec(),
        })
    }

    /// As the protocol knows it.
    pub fn schema(&self) -> Schema {
        let attribute = |field: &Field| {
            let mut attribute = field.attribute();
            if self.building.contains(&field.name) {
                attribute.building = true;
                attribute.sub_attributes.iter_mut().for_each(|part| part.building = true);
            }
            attribute
        };
        Schema {
            id: self.id.clone(),
            name: self.name.clone(),
            description: self.description.clone(),
            attributes: self.attributes.iter().map(attribute).collect(),
        }
    }

    /// How filters name one of its attributes: alone in a base schema, else with the URN.
    pub fn key(&self, attribute: &str) -> String {
        match self.resource_type {
            Some(_) => attribute.to_owned(),
            None => format!("{}:{attribute}", self.id),
        }
    }
}

impl Field {
    fn attribute(&self) -> Attribute {
        let exact = matches!(self.kind, Type::Binary | Type::Reference);
        Attribute {
            name: self.name.clone(),
            kind: self.kind,
            multi_valued: self.multi_valued,
            description: self.description.clone(),
            required: self.required,
            canonical_values: self.canonical_values.clone(),
            case_exact: self.case_exact.unwrap_or(exact),
            mutability: self.mutability,
            returned: self.returned,
            uniqueness: self.uniqueness,
            reference_types: self.reference_types.clone(),
            sub_attributes: self.sub_attributes.iter().map(Self::attribute).collect(),
            // What is unique is looked up with every write.
            indexed: self.indexed || self.uniqueness != Uniqueness::None,
            building: false,
        }
    }
}

#[cfg(test)]
mod tests;
