//! The schemas of RFC 7643 §4, read from the documents beside this file.
//!
//! The documents follow RFC 7643 §8.7.1 with its verified errata: `Group.displayName` is required,
//! `groups.$ref` points to a Group, `manager.value` is exact, complex attributes have no
//! uniqueness. `members.display` and `addresses.primary`, which the RFC's prose and examples use
//! but its figure forgets, are there too.

use super::{Attribute, Registry, ResourceType, Schema};
use std::sync::Arc;

const USER: &str = include_str!("user.json");
const GROUP: &str = include_str!("group.json");
const ENTERPRISE_USER: &str = include_str!("enterprise_user.json");
const COMMON: &str = include_str!("common.json");

pub(super) fn registry() -> Registry {
    let common: Vec<Attribute> = read(COMMON);
    let user = ResourceType {
        name: "User".to_owned(),
        endpoint: "/Users".to_owned(),
        description: "User Account".to_owned(),
        schema: read(USER),
        extensions: vec![(read::<Schema>(ENTERPRISE_USER), false)],
        common: common.clone(),
    };
    let group = ResourceType {
        name: "Group".to_owned(),
        endpoint: "/Groups".to_owned(),
        description: "Group".to_owned(),
        schema: read(GROUP),
        extensions: Vec::new(),
        common,
    };
    Registry { resource_types: vec![Arc::new(user), Arc::new(group)], revision: 0 }
}

#[expect(
    clippy::expect_used,
    reason = "the documents are part of the binary, and a test of this file reads each of them"
)]
fn read<T: serde::de::DeserializeOwned>(document: &str) -> T {
    serde_json::from_str(document).expect("an embedded schema document parses")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::path;
    use crate::scim::schema::{Mutability, Returned, Type, Uniqueness};
    use crate::scim::urn;

    fn every(attributes: &[Attribute], visit: &mut impl FnMut(&Attribute)) {
        for attribute in attributes {
            visit(attribute);
            every(&attribute.sub_attributes, visit);
        }
    }

    #[test]
    fn documents_parse_and_name_their_schemas() {
        let registry = registry();
        let ids: Vec<&str> = registry.schemas().iter().map(|schema| schema.id.as_str()).collect();
        assert_eq!(ids, [urn::USER, urn::GROUP, urn::ENTERPRISE_USER]);
        assert_eq!(registry.at("Users").unwrap().name, "User");
        assert!(registry.named("group").unwrap().has_members());
    }

    #[test]
    fn definitions_are_whole() {
        let registry = registry();
        for schema in registry.schemas() {
            every(&schema.attributes, &mut |attribute| {
                assert!(!attribute.description.is_empty(), "{}", attribute.name);
                assert!(!attribute.description.contains("  "), "{}", attribute.name);
                assert_eq!(attribute.kind == Type::Complex, !attribute.sub_attributes.is_empty());
                for sub in &attribute.sub_attributes {
                    assert_ne!(sub.kind, Type::Complex, "erratum 8415: {}", sub.name);
                }
                if attribute.kind == Type::Reference {
                    assert!(!attribute.reference_types.is_empty(), "{}", attribute.name);
                }
            });
        }
    }

    #[test]
    fn errata_are_applied() {
        let registry = registry();
        let user = registry.named("User").unwrap();
        let group = registry.named("Group").unwrap();
        let leaf = |kind: &ResourceType, text: &str| {
            kind.place(&path::attribute(text).unwrap()).unwrap().leaf().clone()
        };
        assert!(leaf(group, "displayName").required);
        assert_eq!(leaf(user, "groups.$ref").reference_types, ["Group"]);
        assert!(leaf(user, &format!("{}:manager.value", urn::ENTERPRISE_USER)).case_exact);
        let password = leaf(user, "password");
        assert_eq!(password.mutability, Mutability::WriteOnly);
        assert_eq!(password.returned, Returned::Never);
        assert_eq!(leaf(user, "groups").mutability, Mutability::ReadOnly);
        assert_eq!(leaf(user, "userName").uniqueness, Uniqueness::Server);
        assert_eq!(leaf(user, "x509Certificates.value").kind, Type::Binary);
        assert_eq!(leaf(user, "id").returned, Returned::Always);
        assert_eq!(leaf(group, "meta.lastModified").kind, Type::DateTime);
    }

    #[test]
    fn exactly_the_agreed_attributes_are_indexed() {
        let registry = registry();
        let mut indexed = Vec::new();
        for kind in &registry.resource_types {
            let schemas =
                std::iter::once(&kind.schema).chain(kind.extensions.iter().map(|(s, _)| s));
            for attribute in schemas.flat_map(|schema| &schema.attributes).chain(&kind.common) {
                if attribute.indexed {
                    indexed.push(format!("{} {}", kind.name, attribute.name));
                }
                for sub in attribute.sub_attributes.iter().filter(|sub| sub.indexed) {
                    indexed.push(format!("{} {}.{}", kind.name, attribute.name, sub.name));
                }
            }
        }
        assert_eq!(
            indexed,
            [
                "User userName",
                "User name.familyName",
                "User name.givenName",
                "User displayName",
                "User nickName",
                "User title",
                "User userType",
                "User active",
                "User emails.value",
                "User emails.type",
                "User emails.primary",
                "User phoneNumbers.value",
                "User phoneNumbers.type",
                "User entitlements.value",
                "User roles.value",
                "User employeeNumber",
                "User costCenter",
                "User organization",
                "User division",
                "User department",
                "User manager.value",
                "User externalId",
                "Group displayName",
                "Group externalId",
            ]
        );
    }
}
