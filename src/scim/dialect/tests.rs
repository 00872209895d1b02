//! Each leniency: forgiven, and counted, by the dialects that forgive it; refused, or understood
//! otherwise, by the rest.

use super::*;
use crate::scim::error::Error;
use crate::scim::filter::{self, Condition, Operator};
use crate::scim::list::{Direction, Parameters, Search};
use crate::scim::patch::{self, MemberChange};
use crate::scim::projection;
use crate::scim::resource;
use crate::scim::schema::{Registry, ResourceType};
use crate::scim::urn;
use serde_json::{Map, Value, json};
use std::sync::{Arc, LazyLock};

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::standard);

const EXTENSION: &str = urn::ENTERPRISE_USER;

fn kind(name: &str) -> &'static Arc<ResourceType> {
    REGISTRY.named(name).unwrap()
}

/// What comes of a request, and what was forgiven for it.
type Outcome = Result<(Value, Forgiven), Error>;

/// A body of POST: what is kept of it besides `schemas`, `userName` and `active`.
fn body(dialect: Dialect, body: Value) -> Outcome {
    let valid = resource::check(kind("User"), body, dialect)?;
    let mut kept = valid.attributes;
    kept.retain(|name, _| !["schemas", "userName"].contains(&name.as_str()));
    if kept.get("active") == Some(&json!(true)) {
        kept.shift_remove("active");
    }
    Ok((Value::Object(kept), valid.forgiven))
}

/// A user with these attributes besides.
fn user(dialect: Dialect, more: &Value) -> Outcome {
    let mut user = json!({ "schemas": [urn::USER, EXTENSION], "userName": "bj" });
    user.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body(dialect, user)
}

fn stored() -> Map<String, Value> {
    let user = json!({
        "schemas": [urn::USER, EXTENSION],
        "userName": "bj",
        "emails": [{ "value": "a", "type": "work" }, { "value": "b", "type": "home" }],
        (EXTENSION): { "department": "Tours" },
    });
    resource::check(kind("User"), user, Dialect::Strict).unwrap().attributes
}

/// A message of PATCH: what differs then, by attribute.
fn message(dialect: Dialect, message: &Value) -> Outcome {
    let before = stored();
    let operations = patch::parse(kind("User"), message, dialect)?;
    let patched = patch::apply(kind("User"), &before, &operations, dialect)?;
    let mut changed = patched.attributes;
    changed.retain(|name, value| before.get(name) != Some(value));
    Ok((Value::Object(changed), patched.forgiven))
}

fn operation(dialect: Dialect, operation: &Value) -> Outcome {
    message(dialect, &json!({ "schemas": [urn::PATCH_OP], "Operations": [operation] }))
}

/// A filter: what it comes to.
fn filtered(dialect: Dialect, text: &str) -> Outcome {
    let reading = Reading::new(dialect);
    let condition = filter::parse_as(text, &reading)?.resolve_as(kind("User"), &reading)?;
    let said = match condition {
        Condition::Compare(field, Operator::Equal, operand) => json!([field.key, operand]),
        other => json!(format!("{other:?}")),
    };
    Ok((said, reading.forgiven()))
}

/// Checks every dialect. `otherwise` is the sentence of the refusal, or what comes of the request
/// all the same.
fn shows(
    leniency: Leniency,
    request: impl Fn(Dialect) -> Outcome,
    lenient: &Value,
    otherwise: &Result<Value, &str>,
) {
    assert!(!leniency.dialects().contains(&Dialect::Strict), "strict forgives nothing");
    for dialect in Dialect::ALL {
        match (request(dialect), dialect.forgives(leniency)) {
            (Ok((outcome, forgiven)), true) => {
                assert_eq!(outcome, *lenient, "{dialect:?}");
                assert!(forgiven.has(leniency), "{dialect:?} is not counted");
            }
            (Ok((outcome, forgiven)), false) => {
                assert_eq!(Ok(outcome), *otherwise, "{dialect:?}");
                assert!(!forgiven.has(leniency), "{dialect:?}");
            }
            (Err(error), false) => assert_eq!(Err(error.to_string().as_str()), *otherwise),
            (Err(error), true) => panic!("{dialect:?} does not forgive: {error}"),
        }
    }
    // The keyword is the one that the page promises.
    if let Err(error) = request(Dialect::Strict) {
        let keyword = error.scim_type().unwrap().as_str();
        assert!(leniency.otherwise().contains(keyword), "{}: {keyword}", leniency.name());
    }
}

macro_rules! leniencies {
    ($( $test:ident $leniency:ident { $request:expr, $lenient:expr, $otherwise:expr } )+) => {
        $(
            #[test]
            fn $test() {
                shows(Leniency::$leniency, $request, &$lenient, &$otherwise);
            }
        )+

        const SHOWN: &[Leniency] = &[ $( Leniency::$leniency, )+ ];
    };
}

leniencies! {
    keyword_case KeywordCase {
        |dialect| operation(dialect, &json!({ "op": "Replace", "path": "title", "value": "x" })),
        json!({ "title": "x" }),
        Err("operation 1: op takes add, remove or replace, not \"Replace\"")
    }
    keyword_case_of_sort_order KeywordCase {
        |dialect| {
            let reading = Reading::new(dialect);
            let parameters = Parameters {
                sort_by: Some("userName".to_owned()),
                sort_order: Some("Descending".to_owned()),
                ..Parameters::default()
            };
            let search = Search::of_type(kind("User"), &parameters, &reading)?;
            Ok(((search.sorted == Some(Direction::Descending)).into(), reading.forgiven()))
        },
        json!(true),
        Err("sortOrder takes ascending or descending")
    }
    boolean_text BooleanText {
        |dialect| user(dialect, &json!({ "active": "False" })),
        json!({ "active": false }),
        Err("active takes a boolean (true or false)")
    }
    boolean_text_in_a_filter BooleanText {
        |dialect| filtered(dialect, "active eq \"True\""),
        json!(["active", "true"]),
        Err("active is compared with a boolean (true or false)")
    }
    literal_case LiteralCase {
        |dialect| filtered(dialect, "active eq True"),
        json!(["active", "true"]),
        Err("filter, character 11: expected a value: a string in double quotes, a number, true, \
             false or null")
    }
    unquoted_text UnquotedText {
        |dialect| filtered(dialect, "externalId eq jyoung"),
        json!(["externalId", "jyoung"]),
        Err("filter, character 15: expected a value: a string in double quotes, a number, true, \
             false or null")
    }
    unquoted_digits UnquotedText {
        |dialect| filtered(dialect, "externalId eq 701984"),
        json!(["externalId", "701984"]),
        Err("externalId is compared with a string")
    }
    unquoted_text_that_begins_as_a_number UnquotedText {
        |dialect| filtered(dialect, "(id eq 2819c223-7f76)"),
        json!(["id", "2819c223-7f76"]),
        Err("filter, character 12: expected the end of the value")
    }
    part_after_brackets PartAfterBrackets {
        |dialect| {
            let same = filtered(dialect, "emails[type eq \"work\" and value eq \"x\"]")?.0;
            let (found, forgiven) = filtered(dialect, "emails[type eq \"work\"].value eq \"x\"")?;
            Ok(((found == same).into(), forgiven))
        },
        json!(true),
        Err("filter, character 23: a comparison goes into the brackets: write emails[type eq \
             \"work\" and value eq \"x\"]")
    }
    spacing Spacing {
        |dialect| filtered(dialect, "title  eq \"x\""),
        json!(["title", "x"]),
        Err("filter, character 8: expected one space")
    }
    spacing_where_there_is_none Spacing {
        |dialect| filtered(dialect, "( title eq \"x\" )"),
        json!(["title", "x"]),
        Err("filter, character 2: expected no space")
    }
    spacing_that_lacks Spacing {
        |dialect| {
            let (_, forgiven) = filtered(dialect, "(title pr)and(active eq true)")?;
            Ok((json!(true), forgiven))
        },
        json!(true),
        Err("filter, character 11: expected one space")
    }
    spacing_of_a_path Spacing {
        |dialect| operation(dialect, &json!({
            "op": "remove", "path": "emails[type eq \"work\"].value "
        })),
        json!({ "emails": [{ "type": "work" }, { "value": "b", "type": "home" }] }),
        Err("operation 1: path, character 29: expected the end of the path")
    }
    unqualified_names UnqualifiedNames {
        |dialect| filtered(dialect, "manager eq \"m\""),
        json!([format!("{EXTENSION}:manager.value"), "m"]),
        Err("manager is no attribute of User")
    }
    unqualified_names_in_a_path UnqualifiedNames {
        |dialect| operation(dialect, &json!({ "op": "remove", "path": "department" })),
        json!({ "schemas": [urn::USER] }),
        Err("operation 1: department is no attribute of User")
    }
    unqualified_names_to_sort_by UnqualifiedNames {
        |dialect| {
            let reading = Reading::new(dialect);
            let sort_by = Some("division".to_owned());
            let parameters = Parameters { sort_by, ..Parameters::default() };
            let mut search = Search::of_type(kind("User"), &parameters, &reading)?;
            Ok((search.parts.remove(0).field.unwrap().key.into(), reading.forgiven()))
        },
        json!(format!("{EXTENSION}:division")),
        Err("sortBy: division is no attribute that can be sorted by")
    }
    unknown_projected UnknownProjected {
        |dialect| {
            let (user, reading) = (kind("User"), Reading::new(dialect));
            projection::check_names(&[user], Some("userName,shoeSize"), None, &reading)?;
            Ok((json!(null), reading.forgiven()))
        },
        json!(null),
        Err("attributes: \"shoeSize\" is no attribute of this resource type")
    }
    projected_elements ProjectedElements {
        |dialect| {
            let (user, reading) = (kind("User"), Reading::new(dialect));
            let asked = Some("emails[type eq \"work\"].value");
            projection::check_names(&[user], asked, None, &reading)?;
            let mut resource = json!({ "id": "1", "title": "t", "emails": [
                { "value": "a", "type": "work" }, { "value": "b", "type": "home" }] });
            let shown = projection::Projection::parse(user, asked, None)?;
            shown.apply(user, resource.as_object_mut().unwrap());
            Ok((resource, reading.forgiven()))
        },
        json!({ "id": "1", "emails": [{ "value": "a" }, { "value": "b" }] }),
        Err("attributes: \"emails[type eq \\\"work\\\"].value\" is no attribute of this resource type")
    }
    bare_complex BareComplex {
        |dialect| user(dialect, &json!({ (EXTENSION): { "manager": "m" } })),
        json!({ (EXTENSION): { "manager": { "value": "m" } } }),
        Err("manager takes complex (an object)")
    }
    one_for_many OneForMany {
        |dialect| user(dialect, &json!({ "emails": { "value": "a" } })),
        json!({ "emails": [{ "value": "a" }] }),
        Err("emails takes an array")
    }
    one_for_many_members OneForMany {
        |dialect| {
            let member = json!({ "value": "u1" });
            let group = json!({ "schemas": [urn::GROUP], "displayName": "g", "members": member });
            let valid = resource::check(kind("Group"), group, dialect)?;
            Ok((valid.members.map(|members| members.len()).into(), valid.forgiven))
        },
        json!(1),
        Err("members takes an array")
    }
    bare_members BareMembers {
        |dialect| {
            let group = json!({ "schemas": [urn::GROUP], "displayName": "g" });
            let group = resource::check(kind("Group"), group, dialect)?.attributes;
            let add = json!({ "schemas": [urn::PATCH_OP], "Operations": [
                { "op": "add", "path": "members", "value": "u1" }
            ] });
            let operations = patch::parse(kind("Group"), &add, dialect)?;
            let patched = patch::apply(kind("Group"), &group, &operations, dialect)?;
            let Some(MemberChange::Add(added)) = patched.members.first() else { panic!("one") };
            Ok((json!(added[0].value), patched.forgiven))
        },
        json!("u1"),
        Err("operation 1: members takes complex (an object)")
    }
    many_for_one ManyForOne {
        |dialect| user(dialect, &json!({ (EXTENSION): { "manager": [{ "value": "m" }] } })),
        json!({ (EXTENSION): { "manager": { "value": "m" } } }),
        Err("manager takes one value, not an array")
    }
    empty_vacates EmptyVacates {
        |dialect| user(dialect, &json!({ (EXTENSION): { "manager": { "value": "" } } })),
        json!({}),
        Ok(json!({ (EXTENSION): { "manager": { "value": "" } } }))
    }
    url_safe_binary UrlSafeBinary {
        |dialect| user(dialect, &json!({ "x509Certificates": [{ "value": "-_-_" }] })),
        json!({ "x509Certificates": [{ "value": "+/+/" }] }),
        Err("x509Certificates.value takes binary (a base64 string)")
    }
    missing_schemas MissingSchemas {
        |dialect| body(dialect, json!({ "userName": "bj" })),
        json!({}),
        Err("schemas must hold urn:ietf:params:scim:schemas:core:2.0:User")
    }
    missing_message_schemas MissingMessageSchemas {
        |dialect| message(dialect, &json!({ "Operations": [{ "op": "remove", "path": "emails" }] })),
        json!({}),
        Err("schemas must hold urn:ietf:params:scim:api:messages:2.0:PatchOp")
    }
    foreign_schemas ForeignSchemas {
        |dialect| body(dialect, json!({ "schemas": [urn::USER, "urn:x"], "userName": "bj" })),
        json!({}),
        Err("schemas: User has no schema \"urn:x\"")
    }
    foreign_schemas_in_a_value ForeignSchemas {
        |dialect| operation(dialect, &json!({
            "op": "replace", "value": { "schemas": [urn::USER, "urn:x"], "title": "x" }
        })),
        json!({ "title": "x" }),
        Err("operation 1: schemas: User has no schema \"urn:x\"")
    }
    repeated_schemas RepeatedSchemas {
        |dialect| body(dialect, json!({ "schemas": [urn::USER, urn::USER], "userName": "bj" })),
        json!({}),
        Err("schemas holds urn:ietf:params:scim:schemas:core:2.0:User twice")
    }
    unannounced_extensions UnannouncedExtensions {
        |dialect| body(dialect, json!({
            "schemas": [urn::USER], "userName": "bj", (EXTENSION): { "division": "x" }
        })),
        json!({ (EXTENSION): { "division": "x" } }),
        Err("schemas must hold urn:ietf:params:scim:schemas:extension:enterprise:2.0:User")
    }
    unknown_attributes UnknownAttributes {
        |dialect| user(dialect, &json!({ "shoeSize": 44 })),
        json!({}),
        Err("\"shoeSize\" is no attribute of User")
    }
    unknown_attributes_of_an_extension UnknownAttributes {
        |dialect| user(dialect, &json!({ (EXTENSION): { "shoeSize": 44 } })),
        json!({}),
        Err("\"shoeSize\" is no attribute of \
             urn:ietf:params:scim:schemas:extension:enterprise:2.0:User")
    }
    unknown_parts UnknownAttributes {
        |dialect| user(dialect, &json!({ "name": { "givenName": "B", "nick": "x" } })),
        json!({ "name": { "givenName": "B" } }),
        Err("name has no part \"nick\"")
    }
    unknown_attributes_in_a_value UnknownAttributes {
        |dialect| operation(dialect, &json!({
            "op": "replace", "value": { "title": "x", "name.shoeSize": 44 }
        })),
        json!({ "title": "x" }),
        Err("operation 1: \"name.shoeSize\" is no attribute of User")
    }
    unknown_members UnknownMembers {
        |dialect| operation(dialect, &json!({
            "name": "setTitle", "op": "replace", "path": "title", "value": "x"
        })),
        json!({ "title": "x" }),
        Err("operation 1: \"name\" is no member of an operation")
    }
    unknown_members_of_a_message UnknownMembers {
        |dialect| message(dialect, &json!({
            "schemas": [urn::PATCH_OP], "failOnErrors": 1,
            "Operations": [{ "op": "replace", "path": "title", "value": "x" }]
        })),
        json!({ "title": "x" }),
        Err("\"failOnErrors\" is no member of a PatchOp")
    }
    dotted_keys DottedKeys {
        |dialect| operation(dialect, &json!({
            "op": "replace", "value": { "name.givenName": "B" }
        })),
        json!({ "name": { "givenName": "B" } }),
        Err("operation 1: \"name.givenName\" is no attribute of User")
    }
    dotted_keys_of_an_extension DottedKeys {
        |dialect| operation(dialect, &json!({
            "op": "replace", "value": { (EXTENSION): { "manager.value": "m" } }
        })),
        json!({ (EXTENSION): { "department": "Tours", "manager": { "value": "m" } } }),
        Err("operation 1: \"manager.value\" is no attribute of \
             urn:ietf:params:scim:schemas:extension:enterprise:2.0:User")
    }
    read_only_in_value ReadOnlyInValue {
        |dialect| operation(dialect, &json!({
            "op": "replace", "value": { "groups": [], "title": "x" }
        })),
        json!({ "title": "x" }),
        Err("operation 1: groups is read-only")
    }
    add_creates_element AddCreatesElement {
        |dialect| operation(dialect, &json!({
            "op": "add", "path": "ims[type eq \"xmpp\"].value", "value": "x"
        })),
        json!({ "ims": [{ "type": "xmpp", "value": "x" }] }),
        Err("operation 1: no element of ims matches")
    }
    replace_creates_element ReplaceCreatesElement {
        |dialect| operation(dialect, &json!({
            "op": "replace", "path": "ims[type eq \"xmpp\"].value", "value": "x"
        })),
        json!({ "ims": [{ "type": "xmpp", "value": "x" }] }),
        Err("operation 1: no element of ims matches")
    }
    remove_listed RemoveListed {
        |dialect| operation(dialect, &json!({
            "op": "remove", "path": "emails", "value": [{ "value": "A" }]
        })),
        json!({ "emails": [{ "value": "b", "type": "home" }] }),
        Err("operation 1: remove takes no value: select what to remove in the path, like \
             emails[value eq \"x\"]")
    }
    remove_missing RemoveMissing {
        |dialect| operation(dialect, &json!({ "op": "remove", "path": "emails[type eq \"x\"]" })),
        json!({}),
        Err("operation 1: no element of emails matches")
    }
    null_members NullMembers {
        |dialect| {
            let group = json!({ "schemas": [urn::GROUP], "displayName": "g", "members": null });
            let valid = resource::check(kind("Group"), group, dialect)?;
            Ok((valid.members.map(|members| members.len()).into(), valid.forgiven))
        },
        json!(null),
        Ok(json!(0))
    }
    null_members_in_a_value NullMembers {
        |dialect| {
            let group = json!({ "schemas": [urn::GROUP], "displayName": "g" });
            let group = resource::check(kind("Group"), group, dialect)?.attributes;
            let rename = json!({ "schemas": [urn::PATCH_OP], "Operations": [
                { "op": "replace", "value": { "displayName": "n", "members": null } }
            ] });
            let operations = patch::parse(kind("Group"), &rename, dialect)?;
            let patched = patch::apply(kind("Group"), &group, &operations, dialect)?;
            let emptied = patched.members == [MemberChange::Replace(Vec::new())];
            Ok((emptied.into(), patched.forgiven))
        },
        json!(false),
        Ok(json!(true))
    }
}

/// Those that need a stored resource to make a difference: `tests/it/scim/dialects.rs` shows them.
const SHOWN_WITH_A_STORE: &[Leniency] = &[
    Leniency::KeptMembers,
    Leniency::KeptActive,
    Leniency::DanglingMembers,
    Leniency::QuietPatch,
    Leniency::PlainConfig,
    Leniency::UniqueGroupName,
];

#[test]
fn each_leniency_is_shown() {
    for leniency in Leniency::ALL {
        assert!(
            SHOWN.contains(leniency) || SHOWN_WITH_A_STORE.contains(leniency),
            "{} has no test",
            leniency.name()
        );
    }
}

#[test]
fn names_are_told_apart_and_read_back() {
    for leniency in Leniency::ALL {
        assert_eq!(Leniency::named(leniency.name()), Some(*leniency));
        assert!(leniency.sentence().ends_with(['.', ')']) && !leniency.sentence().starts_with(' '));
        let only = Forgiven::default().with(*leniency);
        assert_eq!(only.iter().collect::<Vec<_>>(), [*leniency]);
    }
    assert!(Leniency::ALL.len() <= 64, "a set has room for 64");
    for dialect in Dialect::ALL {
        assert_eq!(Dialect::named(dialect.as_str()), Some(dialect));
    }
}

#[test]
fn a_request_by_the_book_needs_no_leniency() {
    let whole = json!({
        "schemas": [urn::USER, EXTENSION], "userName": "bj", "active": true,
        "emails": [{ "value": "a", "primary": true }], "groups": [], "id": "x", "meta": {},
        (EXTENSION): { "manager": { "value": "m", "displayName": "M" } }
    });
    let patch = json!({ "schemas": [urn::PATCH_OP], "Operations": [
        { "op": "replace", "value": { "title": "x", "meta": {}, "schemas": [urn::USER] } },
        { "op": "remove", "path": "emails[type eq \"work\"]" },
        { "op": "add", "path": format!("{EXTENSION}:manager"), "value": { "value": "m" } },
    ] });
    for dialect in Dialect::ALL {
        assert_eq!(body(dialect, whole.clone()).unwrap().1, Forgiven::default());
        assert_eq!(message(dialect, &patch).unwrap().1, Forgiven::default());
        for text in [
            "userName eq \"bj\"",
            "not (emails[type eq \"work\" and value co \"x\"]) or active eq true",
            "userType ne \"x\" and not (emails co \"x\" or emails.value co \"y\")",
        ] {
            assert_eq!(filtered(dialect, text).unwrap().1, Forgiven::default(), "{text}");
        }
    }
}
