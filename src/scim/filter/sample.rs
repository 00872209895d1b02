//! Random filters and resources for property tests.

use super::{Filter, Literal, Operator};
use crate::scim::path::AttributePath;
use crate::scim::urn;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn plain(schema: Option<&str>, attribute: &str, sub: Option<&str>) -> AttributePath {
    AttributePath {
        schema: schema.map(str::to_owned),
        attribute: attribute.to_owned(),
        sub: sub.map(str::to_owned),
    }
}

fn operator() -> impl Strategy<Value = Operator> {
    prop::sample::select(vec![
        Operator::Equal,
        Operator::NotEqual,
        Operator::Contains,
        Operator::StartsWith,
        Operator::EndsWith,
        Operator::Greater,
        Operator::GreaterOrEqual,
        Operator::Less,
        Operator::LessOrEqual,
    ])
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        Just(Literal::Null),
        any::<bool>().prop_map(Literal::Boolean),
        any::<i64>().prop_map(|number| Literal::Number(number.into())),
        any::<u64>().prop_map(|number| Literal::Number(number.into())),
        any::<f64>().prop_filter_map("finite", |number| {
            serde_json::Number::from_f64(number).map(Literal::Number)
        }),
        "[^\0]{0,12}".prop_map(Literal::String),
    ]
}

fn path() -> impl Strategy<Value = AttributePath> {
    let name = "[a-zA-Z][a-zA-Z0-9_-]{0,8}"
        .prop_filter("a keyword", |name| !name.eq_ignore_ascii_case("not"));
    let schema = prop::option::of(prop::sample::select(vec![urn::USER, urn::ENTERPRISE_USER]));
    let sub = prop::option::of("[$a-zA-Z][a-zA-Z0-9_-]{0,8}");
    (schema, name, sub).prop_map(|(schema, name, sub)| plain(schema, &name, sub.as_deref()))
}

fn combined(leaf: BoxedStrategy<Filter>) -> BoxedStrategy<Filter> {
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
    .boxed()
}

/// Any filter that can be written.
pub(crate) fn filter() -> impl Strategy<Value = Filter> {
    let leaf = prop_oneof![
        path().prop_map(Filter::Present),
        (path(), operator(), literal())
            .prop_map(|(path, operator, literal)| Filter::Compare(path, operator, literal)),
    ];
    let element = (path(), combined(leaf.clone().boxed())).prop_map(|(path, inner)| {
        Filter::Element(AttributePath { sub: None, ..path }, Box::new(inner))
    });
    combined(prop_oneof![3 => leaf, 1 => element].boxed())
}

/// Few words, so that filters and resources meet.
fn word() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "A", "ab", "ba", "work", "b%", "é"]).prop_map(str::to_owned)
}

fn text_compare(path: AttributePath) -> impl Strategy<Value = Filter> {
    (operator(), word()).prop_map(move |(operator, word)| {
        Filter::Compare(path.clone(), operator, Literal::String(word))
    })
}

fn leaves(texts: Vec<AttributePath>, truths: Vec<AttributePath>) -> BoxedStrategy<Filter> {
    let any_path: Vec<AttributePath> = texts.iter().chain(&truths).cloned().collect();
    let equality = prop::sample::select(vec![Operator::Equal, Operator::NotEqual]);
    prop_oneof![
        4 => prop::sample::select(texts).prop_flat_map(text_compare),
        1 => prop::sample::select(any_path.clone()).prop_map(Filter::Present),
        1 => (prop::sample::select(any_path), equality.clone())
            .prop_map(|(path, operator)| Filter::Compare(path, operator, Literal::Null)),
        1 => (prop::sample::select(truths), equality, any::<bool>()).prop_map(
            |(path, operator, truth)| Filter::Compare(path, operator, Literal::Boolean(truth))
        ),
    ]
    .boxed()
}

/// Filters that make sense for users, and that resources of [`user`] often meet.
pub(crate) fn user_filter() -> impl Strategy<Value = Filter> {
    let leaf = leaves(
        vec![
            plain(None, "userName", None),
            plain(None, "title", None),
            plain(None, "name", Some("givenName")),
            plain(None, "emails", None),
            plain(None, "emails", Some("type")),
            plain(None, "addresses", Some("locality")),
            plain(Some(urn::ENTERPRISE_USER), "department", None),
        ],
        vec![plain(None, "active", None), plain(None, "emails", Some("primary"))],
    );
    let inner = leaves(
        vec![plain(None, "value", None), plain(None, "type", None)],
        vec![plain(None, "primary", None)],
    );
    let element = combined(inner)
        .prop_map(|inner| Filter::Element(plain(None, "emails", None), Box::new(inner)));
    combined(prop_oneof![3 => leaf, 1 => element].boxed())
}

/// Documents of users, as stored.
pub(crate) fn user() -> impl Strategy<Value = Map<String, Value>> {
    let email =
        (prop::option::of(word()), prop::option::of(word()), prop::option::of(any::<bool>()))
            .prop_filter_map("something in it", |(value, kind, primary)| {
                let mut map = Map::new();
                map.extend(value.map(|value| ("value".to_owned(), value.into())));
                map.extend(kind.map(|kind| ("type".to_owned(), kind.into())));
                map.extend(primary.map(|primary| ("primary".to_owned(), primary.into())));
                (!map.is_empty()).then_some(Value::Object(map))
            });
    (
        word(),
        prop::option::of(word()),
        prop::option::of(word()),
        prop::collection::vec(email, 0..3),
        prop::option::of(word()),
        prop::option::of(any::<bool>()),
        prop::option::of(word()),
    )
        .prop_map(|(user_name, title, given, emails, locality, active, department)| {
            let mut user = Map::new();
            user.insert("userName".to_owned(), user_name.into());
            user.extend(title.map(|title| ("title".to_owned(), title.into())));
            user.extend(given.map(|given| ("name".to_owned(), json!({ "givenName": given }))));
            if !emails.is_empty() {
                user.insert("emails".to_owned(), emails.into());
            }
            user.extend(
                locality.map(|city| ("addresses".to_owned(), json!([{ "locality": city }]))),
            );
            user.extend(active.map(|active| ("active".to_owned(), active.into())));
            user.extend(department.map(|department| {
                (urn::ENTERPRISE_USER.to_owned(), json!({ "department": department }))
            }));
            user
        })
}
