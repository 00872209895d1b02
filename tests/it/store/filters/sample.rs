//! Random directories and filters.

use crate::world::{NOW, kind};
use proptest::prelude::*;
use proptest::sample::select;
use rollcall::clock::rfc3339;
use rollcall::id::ResourceId;
use rollcall::scim::filter::{Field, Filter, Literal, Operator};
use rollcall::scim::path::{self, AttributePath};
use rollcall::scim::schema::Type;
use rollcall::scim::urn::ENTERPRISE_USER;
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// Pieces of text of which values and literals are made, so that they often meet: letters that
/// fold, compose or sort strangely, wildcards, and lengths around the end of an index key.
fn piece() -> impl Strategy<Value = String> {
    let short = [
        "a",
        "b",
        "A",
        "é",
        "É",
        "e\u{301}",
        "ß",
        "İ",
        "ſ",
        "Σ",
        "ς",
        "日本",
        "%",
        "_",
        "\\",
        "'",
        "\"",
        " ",
        "\u{d7ff}",
        "\u{e000}",
        "\u{10ffff}",
        "ﬁ",
        "0",
    ];
    prop_oneof![
        12 => select(short.to_vec()).prop_map(str::to_owned),
        1 => select(vec![250_usize, 251, 252, 253, 254, 255, 256, 257]).prop_map(|n| "x".repeat(n)),
        1 => select(vec![125_usize, 126, 127, 128, 129]).prop_map(|n| "é".repeat(n)),
        1 => select(vec![63_usize, 64]).prop_map(|n| "\u{1f600}".repeat(n)),
    ]
}

fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(piece(), 0..3).prop_map(|pieces| pieces.concat())
}

fn maybe<T: std::fmt::Debug>(value: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    proptest::option::weighted(0.6, value)
}

/// An object of the parts that are there; none where no part is.
fn object(parts: Vec<(&'static str, Option<Value>)>) -> Option<Value> {
    let map: Map<String, Value> =
        parts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    (!map.is_empty()).then(|| map.into())
}

fn element() -> impl Strategy<Value = Option<Value>> {
    let kind = select(vec!["work", "Work", "home"]);
    (maybe(text()), maybe(kind), maybe(any::<bool>()), maybe(piece())).prop_map(
        |(value, kind, primary, display)| {
            object(vec![
                ("value", value.map(Value::from)),
                ("type", kind.map(Value::from)),
                ("primary", primary.map(Value::from)),
                ("display", display.map(Value::from)),
            ])
        },
    )
}

fn elements() -> impl Strategy<Value = Option<Value>> {
    proptest::collection::vec(element(), 0..3).prop_map(|elements| {
        let elements: Vec<Value> = elements.into_iter().flatten().collect();
        (!elements.is_empty()).then(|| elements.into())
    })
}

fn user() -> impl Strategy<Value = Map<String, Value>> {
    let texts = proptest::collection::vec(maybe(text()), 10);
    let lists = proptest::collection::vec(elements(), 4);
    (texts, lists, maybe(any::<bool>())).prop_map(|(texts, lists, active)| {
        let mut texts = texts.into_iter().map(|text| text.map(Value::from));
        let mut lists = lists.into_iter();
        let mut next = || texts.next().flatten();
        let name = object(vec![("familyName", next()), ("formatted", next())]);
        let manager = object(vec![("value", next()), ("displayName", next())]);
        let extension = object(vec![("department", next()), ("manager", manager)]);
        let urn = extension.is_some().then_some(ENTERPRISE_USER);
        let schemas: Vec<&str> = std::iter::once(rollcall::scim::urn::USER).chain(urn).collect();
        let user = object(vec![
            ("schemas", Some(json!(schemas))),
            ("externalId", next()),
            ("displayName", next()),
            ("nickName", next()),
            ("locale", next()),
            ("active", active.map(Value::from)),
            ("name", name),
            ("emails", lists.next().flatten()),
            ("phoneNumbers", lists.next().flatten()),
            ("roles", lists.next().flatten()),
            ("ims", lists.next().flatten()),
            (ENTERPRISE_USER, extension),
        ]);
        user.and_then(|user| user.as_object().cloned()).unwrap_or_default()
    })
}

/// A small directory.
#[derive(Debug, Clone)]
pub struct Directory {
    pub users: Vec<Map<String, Value>>,
    pub groups: Vec<(String, HashSet<usize>)>,
}

pub fn directory() -> impl Strategy<Value = Directory> {
    let members = proptest::collection::hash_set(0_usize..9, 0..4);
    let groups = proptest::collection::vec((text(), members), 3);
    let users = proptest::collection::vec(user(), 6);
    (users, groups).prop_map(|(users, groups)| Directory { users, groups })
}

pub const USER_PATHS: &[&str] = &[
    "userName",
    "externalId",
    "displayName",
    "nickName",
    "locale",
    "active",
    "id",
    "schemas",
    "meta.created",
    "meta.lastModified",
    "meta.resourceType",
    "meta.version",
    "name.familyName",
    "name.formatted",
    "name",
    "emails",
    "emails.value",
    "emails.type",
    "emails.primary",
    "emails.display",
    "phoneNumbers.value",
    "phoneNumbers.primary",
    "roles.value",
    "roles",
    "ims",
    "ims.value",
    "addresses.type",
    "groups",
    "groups.value",
    "groups.display",
    "groups.type",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName",
];
pub const GROUP_PATHS: &[&str] = &[
    "displayName",
    "externalId",
    "id",
    "schemas",
    "meta.created",
    "members",
    "members.value",
    "members.type",
    "members.display",
];
const OPERATORS: [Operator; 9] = [
    Operator::Equal,
    Operator::NotEqual,
    Operator::Contains,
    Operator::StartsWith,
    Operator::EndsWith,
    Operator::Greater,
    Operator::GreaterOrEqual,
    Operator::Less,
    Operator::LessOrEqual,
];

/// A comparison whose literal is chosen once the field's type and the ids are known.
#[derive(Debug, Clone)]
pub enum Shape {
    All(Vec<Shape>),
    Any(Vec<Shape>),
    Not(Box<Shape>),
    Present(String),
    Compare(String, Operator, String, usize),
    Element(String, Box<Shape>),
}

fn tree(leaf: BoxedStrategy<Shape>) -> BoxedStrategy<Shape> {
    leaf.prop_recursive(3, 12, 3, |inner| {
        let several = proptest::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            several.clone().prop_map(Shape::All),
            several.prop_map(Shape::Any),
            inner.prop_map(|inner| Shape::Not(Box::new(inner))),
        ]
    })
    .boxed()
}

fn leaf(paths: Vec<String>) -> BoxedStrategy<Shape> {
    let compare = (select(paths.clone()), select(OPERATORS.to_vec()), text(), any::<usize>());
    prop_oneof![
        1 => select(paths).prop_map(Shape::Present),
        6 => compare.prop_map(|(path, operator, text, n)| Shape::Compare(path, operator, text, n)),
    ]
    .boxed()
}

pub fn shape(paths: &[&str], lists: &[&str]) -> BoxedStrategy<Shape> {
    let owned = |paths: &[&str]| paths.iter().map(|&path| path.to_owned()).collect::<Vec<_>>();
    let inner = tree(leaf(owned(&["value", "type", "display", "primary"])));
    let element = (select(owned(lists)), inner)
        .prop_map(|(list, inner)| Shape::Element(list, Box::new(inner)));
    tree(prop_oneof![3 => leaf(owned(paths)), 2 => element].boxed())
}

fn literal(name: &str, list: Option<&str>, text: &str, n: usize, ids: &[ResourceId]) -> Literal {
    let full = list.map_or_else(
        || text_path(name),
        |list| AttributePath { sub: Some(name.to_owned()), ..text_path(list) },
    );
    let of_kind = |kind: &rollcall::scim::schema::ResourceType| {
        kind.place(&full).and_then(|place| Field::compared(&place))
    };
    let field = of_kind(&kind("User")).or_else(|| of_kind(&kind("Group")));
    let Some(field) = field else { return Literal::Null };
    if n.is_multiple_of(31) {
        return Literal::Null;
    }
    match field.kind {
        Type::Boolean => Literal::Boolean(n.is_multiple_of(2)),
        Type::DateTime => {
            let offset = [0, 1, 500, 999, 1_000, 1_500, 7_000_000][n % 7];
            let at = NOW + i64::try_from(n % 8).unwrap() * 1_000 - offset;
            let shown = jiff::Timestamp::from_microsecond(at).unwrap().to_string();
            Literal::String(if n.is_multiple_of(3) { rfc3339(at) } else { shown })
        }
        _ => Literal::String(match (field.key.as_str(), n % 4) {
            ("id" | "members.value" | "groups.value", 1..=3) => ids[n % ids.len()].to_string(),
            ("members.type" | "emails.type" | "phoneNumbers.type", _) => {
                ["User", "group", "work", "home", "Home"][n % 5].into()
            }
            ("groups.type", _) => ["direct", "indirect"][n % 2].into(),
            ("schemas", 1) => ENTERPRISE_USER.into(),
            ("schemas", 2 | 3) => rollcall::scim::urn::USER.into(),
            ("meta.resourceType", 1..=3) => ["User", "Group", "user"][n % 3].into(),
            ("meta.version", 1..=3) => "W/\"1\"".into(),
            _ => text.to_owned(),
        }),
    }
}

pub fn text_path(text: &str) -> AttributePath {
    path::attribute(text).unwrap()
}

pub fn filter(shape: &Shape, list: Option<&str>, ids: &[ResourceId]) -> Filter {
    let each = |parts: &[Shape]| parts.iter().map(|part| filter(part, list, ids)).collect();
    match shape {
        Shape::All(parts) => Filter::And(each(parts)),
        Shape::Any(parts) => Filter::Or(each(parts)),
        Shape::Not(inner) => Filter::Not(Box::new(filter(inner, list, ids))),
        Shape::Present(path) => Filter::Present(text_path(path)),
        Shape::Compare(path, operator, text, n) => {
            Filter::Compare(text_path(path), *operator, literal(path, list, text, *n, ids))
        }
        Shape::Element(list, inner) => {
            Filter::Element(text_path(list), Box::new(filter(inner, Some(list), ids)))
        }
    }
}
