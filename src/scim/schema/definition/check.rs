//! What is wrong with a definition.

use super::{Definition, Field, NewType};
use crate::scim::path::grammar::is_name;
use crate::scim::schema::{Mutability, Registry, ResourceType, Type, Uniqueness};
use crate::scim::urn;
use std::collections::HashSet;
use std::fmt;

/// Most attributes of one schema, and most parts of one attribute.
pub const MAX_ATTRIBUTES: usize = 200;
/// Longest name of a schema, a type or an attribute, in bytes.
pub const MAX_NAME: usize = 64;
/// Longest URN, in bytes.
pub const MAX_URN: usize = 200;

/// Addresses below the SCIM base that mean something else.
const RESERVED: [&str; 8] = [
    "Me",
    "Bulk",
    "Schemas",
    "ResourceTypes",
    "ServiceProviderConfig",
    "serviceConfiguration",
    "Users",
    "Groups",
];
/// Names that resources of every type have a meaning for (RFC 7643 §3.1).
const COMMON: [&str; 4] = ["schemas", "id", "externalId", "meta"];
/// URNs of the protocol itself.
const PROTOCOL: [&str; 3] = [urn::SCHEMA, urn::RESOURCE_TYPE, urn::SERVICE_PROVIDER_CONFIG];

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where in the document: `attributes[2].type`.
    pub field: String,
    /// What is wrong, and the remedy.
    pub detail: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.detail)
    }
}

/// Everything that is wrong with a definition, given what the organization has beside it: `others`
/// is the registry without it. Nothing where nothing is.
pub fn faults(definition: &Definition, others: &Registry) -> Vec<Fault> {
    let mut faults = Faults(Vec::new());
    check_urn(definition, others, &mut faults);
    if definition.name.trim().is_empty() || definition.name.len() > MAX_NAME {
        faults.add("name", format!("give 1 to {MAX_NAME} bytes"));
    }
    match (&definition.resource_type, &definition.extends) {
        (Some(_), Some(_)) => {
            faults.add("extends", "a schema extends a type or is the base of one: leave one out");
        }
        (Some(kind), None) => {
            if definition.required {
                faults.add("required", "is for extensions: leave it out");
            }
            check_type(kind, others, &mut faults);
        }
        (None, _) => {
            let (name, _) = definition.extends().unwrap_or_default();
            match others.named(name) {
                None => faults.add(
                    "extends",
                    format!("there is no resource type {name:?}: GET /scim/v2/ResourceTypes"),
                ),
                Some(kind) if kind.name != name => {
                    faults.add("extends", format!("the resource type is called {:?}", kind.name));
                }
                Some(_) => {}
            }
        }
    }
    check_fields(&definition.attributes, "attributes", None, definition, &mut faults);
    faults.0
}

struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, field: impl Into<String>, detail: impl Into<String>) {
        self.0.push(Fault { field: field.into(), detail: detail.into() });
    }
}

fn check_urn(definition: &Definition, others: &Registry, faults: &mut Faults) {
    let id = definition.id.as_str();
    let letter = |c: char| is_name(c) || matches!(c, ':' | '.' | '/' | '~' | '+');
    let mut parts = id.split(':');
    let shaped = id.len() <= MAX_URN
        && id.chars().all(letter)
        && parts.next().is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn"))
        && parts.next().is_some_and(|name| name.len() > 1)
        && parts.next().is_some_and(|rest| !rest.is_empty())
        && !id.ends_with([':', '.']);
    if !shaped {
        let detail = format!(
            "is no URN of at most {MAX_URN} letters: write urn:NAMESPACE:NAME, for instance \
             urn:example:params:scim:schemas:extension:hr:2.0:User"
        );
        return faults.add("id", detail);
    }
    let lower = id.to_ascii_lowercase();
    let of_protocol = lower.starts_with("urn:ietf:params:scim:api:")
        || PROTOCOL.iter().any(|urn| urn.eq_ignore_ascii_case(id));
    if of_protocol {
        return faults.add("id", "belongs to the protocol itself: choose another URN");
    }
    for schema in others.schemas() {
        if schema.id.eq_ignore_ascii_case(id) {
            faults.add("id", "is built in or in use: choose another URN");
        }
        // `URN:name` must not be the URN of one schema and an attribute of another.
        let inner = |urn: &str, other: &str| {
            other
                .get(urn.len()..)
                .filter(|_| other.to_ascii_lowercase().starts_with(&urn.to_ascii_lowercase()))
                .and_then(|rest| rest.strip_prefix(':'))
                .map(str::to_owned)
        };
        let clash = inner(&schema.id, id).is_some_and(|name| schema.attribute(&name).is_some())
            || inner(id, &schema.id).is_some_and(|name| {
                definition.attributes.iter().any(|field| field.name.eq_ignore_ascii_case(&name))
            });
        if clash {
            faults.add("id", format!("reads as an attribute of {}: choose another URN", schema.id));
        }
    }
}

fn check_type(kind: &NewType, others: &Registry, faults: &mut Faults) {
    if !is_word(&kind.name) {
        faults.add("resourceType.name", format!("is no name: {WORD}"));
    } else if others.named(&kind.name).is_some()
        || ["Schema", "ResourceType", "ServiceProviderConfig"].contains(&kind.name.as_str())
    {
        faults.add("resourceType.name", "is in use: choose another name");
    }
    let segment = kind.endpoint.strip_prefix('/').filter(|segment| is_word(segment));
    let Some(segment) = segment else {
        return faults.add("resourceType.endpoint", "takes one segment: write /Devices");
    };
    let taken = |other: &ResourceType| other.endpoint.eq_ignore_ascii_case(&kind.endpoint);
    if RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(segment))
        || others.resource_types.iter().any(|other| taken(other))
    {
        faults.add("resourceType.endpoint", "is in use: choose another address");
    }
}

const WORD: &str = "it begins with a letter, and letters, digits, - and _ follow, 64 at most";

fn is_word(text: &str) -> bool {
    text.len() <= MAX_NAME
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|letter| is_name(letter) && letter != '$')
}

/// Checks attributes, or with `outer` the parts of one.
fn check_fields(
    fields: &[Field],
    place: &str,
    outer: Option<&Field>,
    definition: &Definition,
    faults: &mut Faults,
) {
    if !(1..=MAX_ATTRIBUTES).contains(&fields.len()) {
        faults.add(place, format!("takes 1 to {MAX_ATTRIBUTES} definitions"));
    }
    let mut seen = HashSet::new();
    for (at, field) in fields.iter().enumerate() {
        let place = format!("{place}[{at}]");
        let named_right = is_word(&field.name) || (outer.is_some() && field.name == "$ref");
        if !named_right {
            faults.add(format!("{place}.name"), format!("{:?} is no name: {WORD}", field.name));
        }
        // In a filter it begins a negation (RFC 7644 §3.4.2.2).
        if field.name.eq_ignore_ascii_case("not") {
            let detail = "is a word of filters, which could not name it: choose another name";
            faults.add(format!("{place}.name"), detail);
        }
        if !seen.insert(field.name.to_ascii_lowercase()) {
            faults.add(format!("{place}.name"), format!("{} is defined twice", field.name));
        }
        let is_base = outer.is_none() && definition.resource_type.is_some();
        if is_base && COMMON.iter().any(|name| name.eq_ignore_ascii_case(&field.name)) {
            faults.add(format!("{place}.name"), "every resource has it already: leave it out");
        }
        if is_base && field.name.eq_ignore_ascii_case("members") {
            faults.add(format!("{place}.name"), "is kept for groups: choose another name");
        }
        if is_base
            && field.name.eq_ignore_ascii_case("groups")
            && (field.mutability != Mutability::ReadOnly || field.kind != Type::Complex)
        {
            let detail = "the groups of a resource are computed: make it complex and readOnly";
            faults.add(format!("{place}.name"), detail);
        }
        check_field(field, &place, outer, faults);
        if field.kind == Type::Complex && outer.is_none() {
            let place = format!("{place}.subAttributes");
            check_fields(&field.sub_attributes, &place, Some(field), definition, faults);
        }
    }
}

fn check_field(field: &Field, place: &str, outer: Option<&Field>, faults: &mut Faults) {
    let mut add = |name: &str, detail: &str| faults.add(format!("{place}.{name}"), detail);
    let complex = field.kind == Type::Complex;
    if complex && outer.is_some() {
        add("type", "a part of a complex attribute is not complex (RFC 7643 §2.3.8)");
    }
    if !complex && !field.sub_attributes.is_empty() {
        add("subAttributes", "only a complex attribute has parts: set type to complex");
    }
    if !field.canonical_values.is_empty() && field.kind != Type::String {
        add("canonicalValues", "are for strings: leave them out");
    }
    if !field.reference_types.is_empty() && field.kind != Type::Reference {
        add("referenceTypes", "are for references: leave them out");
    }
    if field.mutability == Mutability::WriteOnly {
        add("mutability", "values that nobody reads are not kept: use readWrite, returned never");
    }
    if field.required && field.mutability == Mutability::ReadOnly {
        add("required", "nobody could give it: make it readWrite or immutable");
    }
    match field.uniqueness {
        Uniqueness::None => {}
        Uniqueness::Global => add("uniqueness", "takes none or server: nobody sees the world"),
        Uniqueness::Server => {
            if complex || matches!(field.kind, Type::Boolean | Type::Binary) {
                add("uniqueness", "is for strings, numbers, dates and references");
            }
            if outer.is_some_and(|_| field.multi_valued) {
                add("uniqueness", "a part with several values cannot be unique");
            }
        }
    }
    if field.indexed && (complex || field.kind == Type::Binary) {
        add("indexed", "is for simple values: of a complex attribute, index its parts");
    }
    if field.indexed && outer.is_some() && field.multi_valued {
        add("indexed", "a part with several values cannot be indexed");
    }
}
