//! What comes of values that are missing.

use super::{is, steps};
use serde_json::{Map, Value, json};

#[test]
fn no_value_is_tolerated_everywhere() {
    for (text, expected) in [
        ("title", json!(null)),
        ("nickName", json!(null)),
        ("title + 'x'", json!("x")),
        ("name.givenName + \" \" + name.middleName", json!("Radovan ")),
        ("title + nickName", json!(null)),
        ("title + title == null", json!(true)),
        ("[1] + null", json!([1])),
        ("null + 1", json!(null)),
        ("1 - null", json!(null)),
        ("-null", json!(null)),
        ("title == null", json!(true)),
        ("title != 'x'", json!(true)),
        ("title < 'x' || title >= 'x' || null < 1", json!(false)),
        ("!null && !title.contains('x')", json!(true)),
        ("null || true", json!(true)),
        ("null ? 1 : 2", json!(2)),
        ("title in ['a']", json!(false)),
        ("'a' in null", json!(false)),
        ("emails[99].value", json!(null)),
        ("emails[-1]", json!(null)),
        ("{'a': 1}.b.c", json!(null)),
        ("{'a': 1}['b']", json!(null)),
        ("photos.map(p, p.value)", json!(null)),
        ("photos.all(p, p.primary)", json!(true)),
        ("photos.exists(p, p.primary)", json!(false)),
        ("photos.exists_one(p, p.primary)", json!(false)),
        ("photos[0].value.upper()", json!(null)),
        ("has(name.middleName)", json!(false)),
        ("has(name.givenName)", json!(true)),
        ("has(user.nickName)", json!(false)),
        ("has(user.emails)", json!(true)),
        ("emails.filter(e, has(e.primary)).size()", json!(1)),
        ("size(title)", json!(0)),
        ("string(title)", json!(null)),
        ("int(title)", json!(null)),
        ("double(title)", json!(null)),
        ("bool(title)", json!(null)),
        ("title.matches('x')", json!(false)),
        ("title.startsWith('x') || title.endsWith('x')", json!(false)),
        ("'x'.contains(null)", json!(false)),
        ("replace('a', null, 'b')", json!("a")),
        ("replace('ab', 'b', null)", json!("a")),
        ("left('a', null)", json!(null)),
        ("''", json!(null)),
        ("[]", json!(null)),
        ("[''][0]", json!(null)),
    ] {
        is(text, &expected);
    }
    for function in [
        "lower(title)",
        "upper(title)",
        "trim(title)",
        "replace(title, 'a', 'b')",
        "substr(title, 1)",
        "split(title, ',')",
        "join(photos, ',')",
        "before(title, 'a')",
        "after(title, 'a')",
        "left(title, 1)",
        "right(title, 1)",
        "pad(title, 3, '0')",
        "slug(title)",
        "transliterate(title)",
        "initials(title)",
        "formatDate(title, 'yyyy')",
        "coalesce(title)",
        "default(title, null)",
        "lookup(title, {'a': 1})",
    ] {
        is(function, &json!(null));
    }
}

#[test]
fn an_empty_profile_has_no_values() {
    for text in
        ["userName", "name.familyName + name.givenName", "emails", "department", "manager.value"]
    {
        assert_eq!(steps(text, &Map::new()).1, Ok(Value::Null), "{text}");
    }
}

#[test]
fn one_side_decides_whatever_the_other_is() {
    is("1 / (number - 7) == 1 && false", &json!(false));
    is("true || 1 / (number - 7) == 1", &json!(true));
    is("emails.exists(e, e.type == 'home' || 1 / (number - 7) == 1)", &json!(true));
    is("[1, 0, 2].exists(x, 4 / x == 2)", &json!(true));
    is("[0, 9].all(x, 4 / x == 2)", &json!(false));
}
