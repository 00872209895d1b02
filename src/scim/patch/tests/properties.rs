//! What holds of any operations.

use super::*;
use proptest::prelude::*;

#[test]
fn many_operations_are_fast() {
    let one = |at: usize| json!({ "op": "add", "path": "title", "value": format!("t{at}") });
    let titles: Vec<Value> = (0..MAX_OPERATIONS).map(one).collect();
    let user = after(Dialect::Standard, titles.into()).unwrap();
    assert_eq!(user["title"], format!("t{}", MAX_OPERATIONS - 1));
    let heavy: Vec<Value> = std::iter::once(json!({ "op": "add", "path": "roles",
        "value": (0..2_000).map(|n| json!({ "value": n.to_string() })).collect::<Vec<_>>() }))
    .chain(
        (0..9_999)
            .map(|n| json!({ "op": "replace", "path": "roles.display", "value": n.to_string() })),
    )
    .collect();
    let error = after(Dialect::Standard, heavy.into()).unwrap_err();
    assert_eq!(error.code(), 413, "bounded: {error}");
}

fn operation() -> impl Strategy<Value = Value> {
    let path = prop::sample::select(vec![
        "title",
        "name",
        "name.givenName",
        "emails",
        "emails.value",
        "emails[type eq \"work\"]",
        "emails[type eq \"work\"].value",
        "emails[primary eq true].primary",
        "manager",
        "addresses[type eq \"home\"].country",
        "active",
        "userName",
        urn::ENTERPRISE_USER,
        "roles",
    ]);
    let value = prop::sample::select(vec![
        json!("x"),
        json!(""),
        Value::Null,
        json!(true),
        json!([]),
        json!({}),
        json!({ "value": "x", "type": "work", "primary": true }),
        json!({ "givenName": "x" }),
        json!([{ "value": "x", "primary": true }, { "value": "y", "type": "work" }]),
        json!({ "department": "x", "manager": { "value": "m" } }),
        json!({ "value": "" }),
    ]);
    let op = prop::sample::select(vec!["add", "remove", "replace"]);
    (op, prop::option::weighted(0.9, path), value).prop_map(|(op, path, value)| {
        let mut operation = json!({ "op": op, "value": value });
        if let Some(path) = path {
            operation["path"] = path.into();
        }
        operation
    })
}

proptest! {
    #[test]
    fn what_comes_out_is_valid(
        operations in prop::collection::vec(operation(), 1..6),
        entra in any::<bool>(),
    ) {
        let dialect = if entra { Dialect::Entra } else { Dialect::Strict };
        if let Ok(patched) = patch_of(kind("User"), &barbara(), operations.into(), dialect) {
            let body = Value::Object(patched.attributes.clone());
            let mut checked = resource::check(kind("User"), body, Dialect::Strict).unwrap();
            if !patched.attributes.contains_key("active") {
                checked.attributes.shift_remove("active");
            }
            prop_assert_eq!(&checked.attributes, &patched.attributes);
            prop_assert_eq!(patched.changed, patched.attributes != barbara());
        }
    }

    #[test]
    fn applying_together_is_applying_one_by_one(
        operations in prop::collection::vec(operation(), 1..5),
    ) {
        let together = patch_of(
            kind("User"), &barbara(), operations.clone().into(), Dialect::Standard,
        );
        let mut user = Ok(barbara());
        for operation in operations {
            user = user.and_then(|user| {
                patch_of(kind("User"), &user, json!([operation]), Dialect::Standard)
                    .map(|patched| patched.attributes)
            });
        }
        if let Ok(user) = user {
            prop_assert_eq!(together.map(|patched| patched.attributes), Ok(user));
        }
    }
}
