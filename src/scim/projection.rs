//! Which attributes an answer holds (RFC 7644 §3.9).

use super::error::{Error, Fault};
use super::path::{self, Path};
use super::schema::{Attribute, Place, ResourceType, Returned};
use serde_json::{Map, Value};

/// `attributes` or `excludedAttributes`, resolved against a resource type.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Projection {
    choice: Choice,
}

#[derive(Debug, Clone, PartialEq, Default)]
enum Choice {
    /// What is returned by default.
    #[default]
    Default,
    /// These and what is always returned.
    Only(Vec<Name>),
    /// What is returned by default but for these.
    Except(Vec<Name>),
}

/// A canonical name: an extension, an attribute, or a part of one.
#[derive(Debug, Clone, PartialEq)]
struct Name {
    extension: Option<String>,
    attribute: Option<String>,
    sub: Option<String>,
}

/// What a list of names says of an attribute.
enum Mention<'a> {
    /// Nothing.
    Not,
    /// The attribute, or the extension that it belongs to.
    Whole,
    /// Some parts of it.
    Parts(Vec<&'a str>),
}

impl Projection {
    /// Reads the two query parameters (comma-separated; spaces tolerated). Names that no schema
    /// defines are ignored, as an answer without them is right.
    ///
    /// # Errors
    /// `invalidValue` when both are given.
    pub fn parse(
        kind: &ResourceType,
        attributes: Option<&str>,
        excluded: Option<&str>,
    ) -> Result<Self, Error> {
        let given = |text: Option<&str>| -> Option<Vec<Name>> {
            let text = text.filter(|text| !text.trim().is_empty())?;
            Some(text.split(',').filter_map(|name| Name::read(kind, name.trim())).collect())
        };
        let choice = match (given(attributes), given(excluded)) {
            (Some(_), Some(_)) => {
                return Err(Fault::BothProjections.into());
            }
            (Some(names), None) => Choice::Only(names),
            (None, Some(names)) => Choice::Except(names),
            (None, None) => Choice::Default,
        };
        Ok(Self { choice })
    }

    /// Whether the answer needs `members` or `groups`, which cost a query.
    pub fn wants(&self, kind: &ResourceType, attribute: &str) -> bool {
        let Some(attribute) = kind.base_attribute(attribute) else { return false };
        match self.mention(None, attribute) {
            _ if attribute.returned == Returned::Never => false,
            _ if attribute.returned == Returned::Always => true,
            Mention::Whole => !self.excludes(),
            Mention::Parts(_) => self.excludes() || matches!(self.choice, Choice::Only(_)),
            Mention::Not => {
                attribute.returned == Returned::Default && !matches!(self.choice, Choice::Only(_))
            }
        }
    }

    /// Removes from a complete resource what the answer must not hold; `returned: never` goes in
    /// any case, `always` stays in any case, `schemas` stays.
    pub fn apply(&self, kind: &ResourceType, resource: &mut Map<String, Value>) {
        resource.retain(|key, value| {
            if let Some(schema) = kind.extension(key) {
                let Value::Object(extension) = value else { return false };
                extension.retain(|key, value| {
                    schema
                        .attribute(key)
                        .is_some_and(|attribute| self.keeps(Some(&schema.id), attribute, value))
                });
                return !extension.is_empty();
            }
            match kind.base_attribute(key) {
                Some(attribute) => {
                    attribute.name == "schemas" || self.keeps(None, attribute, value)
                }
                None => false,
            }
        });
    }

    /// Whether an attribute stays; takes parts out of its value that do not.
    fn keeps(&self, extension: Option<&str>, attribute: &Attribute, value: &mut Value) -> bool {
        let named = self.mention(extension, attribute);
        match attribute.returned {
            Returned::Never => return false,
            Returned::Always => {
                keep_parts(attribute, value, &|part| part.returned != Returned::Never);
                return true;
            }
            Returned::Default | Returned::Request => {}
        }
        match (&self.choice, named) {
            (Choice::Only(_), Mention::Whole) => keep_parts(attribute, value, &by_default),
            (Choice::Only(_), Mention::Parts(parts)) => keep_parts(attribute, value, &|part| {
                part.returned == Returned::Always
                    || (part.returned != Returned::Never && parts.contains(&part.name.as_str()))
            }),
            (Choice::Only(_), Mention::Not) | (Choice::Except(_), Mention::Whole) => false,
            _ if attribute.returned == Returned::Request => false,
            (Choice::Except(_), Mention::Parts(parts)) => keep_parts(attribute, value, &|part| {
                part.returned == Returned::Always
                    || (by_default(part) && !parts.contains(&part.name.as_str()))
            }),
            (Choice::Except(_) | Choice::Default, _) => keep_parts(attribute, value, &by_default),
        }
    }

    fn mention(&self, extension: Option<&str>, attribute: &Attribute) -> Mention<'_> {
        let (Choice::Only(names) | Choice::Except(names)) = &self.choice else {
            return Mention::Not;
        };
        let mut parts = Vec::new();
        for name in names.iter().filter(|name| name.extension.as_deref() == extension) {
            match (&name.attribute, &name.sub) {
                (Some(other), _) if *other != attribute.name => {}
                (None, _) | (Some(_), None) => return Mention::Whole,
                (Some(_), Some(sub)) => parts.push(sub.as_str()),
            }
        }
        if parts.is_empty() { Mention::Not } else { Mention::Parts(parts) }
    }

    fn excludes(&self) -> bool {
        matches!(self.choice, Choice::Except(_))
    }
}

impl Name {
    fn read(kind: &ResourceType, text: &str) -> Option<Self> {
        match path::parse(kind, text).ok()? {
            Path::Extension(urn) => Some(Self { extension: Some(urn), attribute: None, sub: None }),
            Path::Attribute(path) => kind.place(&path).map(|place| Self::of(&place)),
            Path::Elements { .. } => None,
        }
    }

    fn of(place: &Place<'_>) -> Self {
        Self {
            extension: place.extension.map(|schema| schema.id.clone()),
            attribute: Some(place.attribute.name.clone()),
            sub: place.sub.map(|sub| sub.name.clone()),
        }
    }
}

fn by_default(part: &Attribute) -> bool {
    matches!(part.returned, Returned::Always | Returned::Default)
}

/// Takes the other parts out of a complex value; false when nothing is left.
fn keep_parts(attribute: &Attribute, value: &mut Value, keep: &dyn Fn(&Attribute) -> bool) -> bool {
    if attribute.sub_attributes.is_empty() {
        return true;
    }
    match value {
        Value::Array(elements) => {
            let was_empty = elements.is_empty();
            elements.retain_mut(|element| keep_in(attribute, element, keep));
            was_empty || !elements.is_empty()
        }
        one => keep_in(attribute, one, keep),
    }
}

fn keep_in(attribute: &Attribute, value: &mut Value, keep: &dyn Fn(&Attribute) -> bool) -> bool {
    let Value::Object(parts) = value else { return true };
    parts.retain(|name, _| attribute.sub(name).is_some_and(keep));
    !parts.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::error::ScimType;
    use crate::scim::schema::Registry;
    use crate::scim::urn;
    use serde_json::json;

    fn complete() -> Value {
        json!({
            "schemas": [urn::USER, urn::ENTERPRISE_USER],
            "id": "2819c223",
            "userName": "bjensen",
            "password": "never",
            "name": { "givenName": "Barbara", "familyName": "Jensen" },
            "emails": [
                { "value": "b@x", "type": "work" }, { "type": "home" }
            ],
            "groups": [{ "value": "g1", "display": "Guides" }],
            (urn::ENTERPRISE_USER): { "department": "Tours", "manager": { "value": "m1" } },
            "meta": { "resourceType": "User", "created": "2010-01-23T04:56:22Z" }
        })
    }

    fn projected(attributes: Option<&str>, excluded: Option<&str>) -> Value {
        let registry = Registry::standard();
        let user = registry.named("User").unwrap();
        let projection = Projection::parse(user, attributes, excluded).unwrap();
        let Value::Object(mut resource) = complete() else { panic!() };
        projection.apply(user, &mut resource);
        resource.into()
    }

    #[test]
    fn named_attributes_and_the_minimum_stay() {
        let ext = urn::ENTERPRISE_USER;
        let of = |more: Value| {
            let mut all = json!({ "schemas": [urn::USER, ext], "id": "2819c223" });
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all
        };
        for (attributes, expected) in [
            ("userName", of(json!({ "userName": "bjensen" }))),
            (
                " USERNAME , name.GivenName ",
                of(json!({
                    "userName": "bjensen", "name": { "givenName": "Barbara" }
                })),
            ),
            ("emails.value", of(json!({ "emails": [{ "value": "b@x" }] }))),
            (
                "emails.value,emails",
                of(json!({
                    "emails": [{ "value": "b@x", "type": "work" }, { "type": "home" }]
                })),
            ),
            ("id", of(json!({}))),
            ("meta.resourceType", of(json!({ "meta": { "resourceType": "User" } }))),
            ("groups.display", of(json!({ "groups": [{ "display": "Guides" }] }))),
            ("password,shoeSize,%%", of(json!({}))),
            (ext, of(json!({ (ext): { "department": "Tours", "manager": { "value": "m1" } } }))),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
                of(json!({ (ext): { "department": "Tours" } })),
            ),
            ("manager.value", of(json!({ (ext): { "manager": { "value": "m1" } } }))),
            ("manager.$ref", of(json!({}))),
            (
                "urn:ietf:params:scim:schemas:core:2.0:User:userName",
                of(json!({ "userName": "bjensen" })),
            ),
        ] {
            assert_eq!(projected(Some(attributes), None), expected, "{attributes}");
        }
    }

    #[test]
    fn excluded_attributes_go_unless_always_returned() {
        let ext = urn::ENTERPRISE_USER;
        let but = |change: fn(&mut Map<String, Value>)| {
            let mut all = complete();
            let map = all.as_object_mut().unwrap();
            map.shift_remove("password");
            change(map);
            all
        };
        let registry = Registry::standard();
        assert_eq!(registry.resource_types[0].extensions[0].0.id, ext);
        for (excluded, expected) in [
            ("id,schemas,shoeSize", but(|_| ())),
            (
                "groups, userName",
                but(|all| all.retain(|key, _| key != "groups" && key != "userName")),
            ),
            (
                "name.givenName",
                but(|all| {
                    all["name"].as_object_mut().unwrap().shift_remove("givenName");
                }),
            ),
            ("emails.type", but(|all| all["emails"] = json!([{ "value": "b@x" }]))),
            (ext, but(|all| all.retain(|key, _| key != urn::ENTERPRISE_USER))),
            (
                "manager.value",
                but(|all| {
                    all[urn::ENTERPRISE_USER] = json!({ "department": "Tours" });
                }),
            ),
        ] {
            assert_eq!(projected(None, Some(excluded)), expected, "{excluded}");
        }
        assert_eq!(projected(None, None), but(|_| ()), "no password by default");
        assert_eq!(projected(Some(" "), Some("")), but(|_| ()));
    }

    #[test]
    fn both_at_once_are_refused() {
        let registry = Registry::standard();
        let error =
            Projection::parse(&registry.resource_types[0], Some("id"), Some("name")).unwrap_err();
        assert_eq!(error.scim_type(), Some(ScimType::InvalidValue));
    }

    #[test]
    fn costly_attributes_are_wanted_only_where_answered() {
        let registry = Registry::standard();
        let group = registry.named("Group").unwrap();
        for (attributes, excluded, expected) in [
            (None, None, true),
            (None, Some("members"), false),
            (None, Some("displayName"), true),
            (None, Some("members.display"), true),
            (Some("displayName"), None, false),
            (Some("MEMBERS"), None, true),
            (Some("members.value"), None, true),
            (Some("shoeSize"), None, false),
        ] {
            let projection = Projection::parse(group, attributes, excluded).unwrap();
            assert_eq!(projection.wants(group, "members"), expected, "{attributes:?} {excluded:?}");
        }
        let user = registry.named("User").unwrap();
        assert!(!Projection::default().wants(user, "password"));
        assert!(!Projection::default().wants(user, "members"));
    }

    #[test]
    fn on_request_means_when_named() {
        let mut registry = Registry::standard();
        let user = std::sync::Arc::make_mut(&mut registry.resource_types[0]);
        let name = |attribute: &&mut Attribute| attribute.name == "userName";
        user.schema.attributes.iter_mut().find(name).unwrap().returned = Returned::Request;
        let has = |attributes, excluded| {
            let projection = Projection::parse(user, attributes, excluded).unwrap();
            let Value::Object(mut resource) = complete() else { panic!() };
            projection.apply(user, &mut resource);
            resource.contains_key("userName")
        };
        assert!(!has(None, None));
        assert!(!has(None, Some("name")));
        assert!(has(Some("userName"), None));
    }
}
