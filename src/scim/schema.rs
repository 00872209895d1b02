//! Schemas and resource types as data (RFC 7643 §6, §7).
//!
//! The documents under `schema/` are the source: what `/Schemas` answers, what a body is checked
//! against and what a filter may name all come from the same [`Registry`].

pub mod definition;
mod standard;

use definition::Definition;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Data type of an attribute (RFC 7643 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Type {
    /// Unicode text.
    String,
    /// `true` or `false`.
    Boolean,
    /// A real number.
    Decimal,
    /// A whole number.
    Integer,
    /// An instant, `xsd:dateTime`.
    DateTime,
    /// Base64 text.
    Binary,
    /// A URI or the id of a resource.
    Reference,
    /// An object of sub-attributes.
    Complex,
}

impl Type {
    /// What a value of it is, for sentences: `a number`.
    pub const fn described(self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Reference => "a reference (a string)",
            Self::Boolean => "a boolean (true or false)",
            Self::Decimal => "a number",
            Self::Integer => "a whole number",
            Self::DateTime => "a date and time (a string like \"2011-05-13T04:42:34Z\")",
            Self::Binary => "binary (a base64 string)",
            Self::Complex => "complex (an object)",
        }
    }
}

/// Who may write an attribute, and when (RFC 7643 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mutability {
    /// The server alone.
    ReadOnly,
    /// Anyone, any time.
    ReadWrite,
    /// Once.
    Immutable,
    /// Anyone, and never read back.
    WriteOnly,
}

/// When an attribute is part of an answer (RFC 7643 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Returned {
    /// In every answer.
    Always,
    /// In none.
    Never,
    /// Unless excluded.
    Default,
    /// Only when asked for.
    Request,
}

/// Over what a value must be unique (RFC 7643 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Uniqueness {
    /// Nothing.
    None,
    /// The organization.
    Server,
    /// The world.
    Global,
}

/// One attribute definition (RFC 7643 §7).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "the characteristics of RFC 7643 §2.2")]
pub struct Attribute {
    /// Canonical name.
    pub name: String,
    /// Data type.
    #[serde(rename = "type")]
    pub kind: Type,
    /// Whether it holds an array.
    pub multi_valued: bool,
    /// For people.
    pub description: String,
    /// Whether a resource must have it.
    pub required: bool,
    /// Suggested values; others are accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub canonical_values: Vec<String>,
    /// Whether case matters in comparisons.
    #[serde(default)]
    pub case_exact: bool,
    /// Who may write it.
    pub mutability: Mutability,
    /// When it is returned.
    pub returned: Returned,
    /// Over what it is unique.
    #[serde(default = "no_uniqueness")]
    pub uniqueness: Uniqueness,
    /// What a reference may point to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reference_types: Vec<String>,
    /// Parts of a complex attribute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_attributes: Vec<Attribute>,
    /// Whether the store keeps a row per value, so that filters are look-ups. Ours, not the RFC's:
    /// read from the document, never answered to a client.
    #[serde(default, skip_serializing)]
    pub indexed: bool,
    /// Whether the rows of values that were there before are still being written: until they are
    /// there, no filter may count on them.
    #[serde(skip)]
    pub building: bool,
}

const fn no_uniqueness() -> Uniqueness {
    Uniqueness::None
}

impl Attribute {
    /// The sub-attribute of that name, in any case.
    pub fn sub(&self, name: &str) -> Option<&Self> {
        self.sub_attributes.iter().find(|sub| sub.name.eq_ignore_ascii_case(name))
    }

    /// Whether nobody ever reads it back: it is `returned: never` or `writeOnly`.
    pub fn is_secret(&self) -> bool {
        self.mutability == Mutability::WriteOnly || self.returned == Returned::Never
    }
}

/// A schema (RFC 7643 §7).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// URN.
    pub id: String,
    /// For people.
    pub name: String,
    /// For people.
    pub description: String,
    /// Attribute definitions.
    pub attributes: Vec<Attribute>,
}

impl Schema {
    /// The attribute of that name, in any case.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }
}

/// A kind of resource and where it lives (RFC 7643 §6).
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceType {
    /// Name, which is also its id: `User`.
    pub name: String,
    /// Path below the SCIM base: `/Users`.
    pub endpoint: String,
    /// For people.
    pub description: String,
    /// The base schema, with `id`, `externalId`, `meta` and `schemas` not repeated in it.
    pub schema: Schema,
    /// Extension schemas, each with whether a resource must have it.
    pub extensions: Vec<(Schema, bool)>,
    /// `id`, `externalId`, `meta` and `schemas` (RFC 7643 §3.1), which every resource has.
    pub common: Vec<Attribute>,
}

/// What a path means: where in the resource document it points, and by which definition.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// URN of the extension object that holds the attribute; none for the base schema.
    pub extension: Option<&'a Schema>,
    /// The attribute.
    pub attribute: &'a Attribute,
    /// Its part, where the path names one.
    pub sub: Option<&'a Attribute>,
}

impl<'a> Place<'a> {
    /// The definition of the value the path points to.
    pub fn leaf(&self) -> &'a Attribute {
        self.sub.unwrap_or(self.attribute)
    }

    /// Canonical text, unique within a resource type: `emails.value`,
    /// `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value`.
    pub fn key(&self) -> String {
        let mut key = String::new();
        if let Some(schema) = self.extension {
            key.push_str(&schema.id);
            key.push(':');
        }
        key.push_str(&self.attribute.name);
        if let Some(sub) = self.sub {
            key.push('.');
            key.push_str(&sub.name);
        }
        key
    }
}

impl ResourceType {
    /// What an attribute path means for this type; none where it names nothing.
    ///
    /// Names match in any case. A URN prefix may be the base schema's or an extension's; without
    /// one, the base schema and the common attributes are searched (RFC 7644 §3.10). What they do
    /// not have is looked for in the extensions, where it must have one meaning only: RFC 7644
    /// §3.10 asks clients to qualify such names only so that they do not conflict, and identity
    /// providers ask for `manager`.
    pub fn place(&self, path: &super::path::AttributePath) -> Option<Place<'_>> {
        let (extension, attribute) = match &path.schema {
            None => match self.base_attribute(&path.attribute) {
                Some(attribute) => (None, attribute),
                None => self.extension_attribute(&path.attribute)?,
            },
            Some(urn) if self.schema.id.eq_ignore_ascii_case(urn) => {
                (None, self.base_attribute(&path.attribute)?)
            }
            Some(urn) => {
                let schema = self.extension(urn)?;
                (Some(schema), schema.attribute(&path.attribute)?)
            }
        };
        let sub = match &path.sub {
            None => None,
            Some(name) => Some(attribute.sub(name)?),
        };
        Some(Place { extension, attribute, sub })
    }

    /// A base or common attribute by name, in any case.
    pub fn base_attribute(&self, name: &str) -> Option<&Attribute> {
        self.schema
            .attribute(name)
            .or_else(|| self.common.iter().find(|common| common.name.eq_ignore_ascii_case(name)))
    }

    /// The only extension attribute of that name.
    fn extension_attribute(&self, name: &str) -> Option<(Option<&Schema>, &Attribute)> {
        let mut found = self
            .extensions
            .iter()
            .filter_map(|(schema, _)| Some((Some(schema), schema.attribute(name)?)));
        match (found.next(), found.next()) {
            (only, None) => only,
            (_, Some(_)) => None,
        }
    }

    /// An extension schema by URN, in any case.
    pub fn extension(&self, urn: &str) -> Option<&Schema> {
        self.extensions
            .iter()
            .map(|(schema, _)| schema)
            .find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// Whether resources of this type have members kept as rows (`Group`).
    pub fn has_members(&self) -> bool {
        self.name == "Group"
    }
}

/// Every resource type that an organization has.
#[derive(Debug, Clone, PartialEq)]
pub struct Registry {
    /// In the order in which `/ResourceTypes` lists them.
    pub resource_types: Vec<Arc<ResourceType>>,
    /// Counts the changes that an administrator made to it, from 0.
    pub revision: i64,
}

impl Registry {
    /// User with the enterprise extension, and Group.
    pub fn standard() -> Self {
        standard::registry()
    }

    /// The standard types and what an administrator added to them, in the order of the definitions:
    /// first new types, then extensions. A definition whose resource type is not there is left out.
    pub fn with(definitions: &[Definition], revision: i64) -> Self {
        let Self { mut resource_types, .. } = Self::standard();
        let common = resource_types.first().map(|kind| kind.common.clone()).unwrap_or_default();
        resource_types.extend(
            definitions
                .iter()
                .filter_map(|definition| definition.resource_type(&common))
                .map(Arc::new),
        );
        for definition in definitions {
            let Some((name, required)) = definition.extends() else { continue };
            let extended = resource_types.iter_mut().find(|kind| kind.name == name);
            if let Some(kind) = extended {
                Arc::make_mut(kind).extensions.push((definition.schema(), required));
            }
        }
        Self { resource_types, revision }
    }

    /// A type by name, as in `meta.resourceType`.
    pub fn named(&self, name: &str) -> Option<&Arc<ResourceType>> {
        self.resource_types.iter().find(|kind| kind.name.eq_ignore_ascii_case(name))
    }

    /// A type by the path segment below the SCIM base, in any case: `Users`.
    pub fn at(&self, segment: &str) -> Option<&Arc<ResourceType>> {
        self.resource_types
            .iter()
            .find(|kind| kind.endpoint.trim_start_matches('/').eq_ignore_ascii_case(segment))
    }

    /// Every schema once, base schemas first.
    pub fn schemas(&self) -> Vec<&Schema> {
        let mut schemas: Vec<&Schema> = Vec::new();
        let bases = self.resource_types.iter().map(|kind| &kind.schema);
        let extensions =
            self.resource_types.iter().flat_map(|kind| kind.extensions.iter().map(|(s, _)| s));
        for schema in bases.chain(extensions) {
            if !schemas.iter().any(|seen| seen.id == schema.id) {
                schemas.push(schema);
            }
        }
        schemas
    }
}
