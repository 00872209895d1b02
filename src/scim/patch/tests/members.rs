use super::*;
use crate::scim::filter::Operator;
use crate::scim::resource::Member;

fn guides() -> Map<String, Value> {
    let body = json!({ "schemas": [urn::GROUP], "displayName": "Tour Guides" });
    resource::check(kind("Group"), body, Dialect::Strict).unwrap().attributes
}

fn changes(dialect: Dialect, operations: Value) -> Result<Vec<MemberChange>, Error> {
    let patched = patch_of(kind("Group"), &guides(), operations, dialect)?;
    assert!(!patched.changed, "members are not in the document");
    Ok(patched.members)
}

fn people(ids: &[&str]) -> Vec<Member> {
    ids.iter().map(|id| Member { value: (*id).to_owned(), kind: None }).collect()
}

fn leave(ids: &[&str]) -> MemberChange {
    MemberChange::Remove(ids.iter().map(|id| (*id).to_owned()).collect())
}

#[test]
fn operations_become_changes() {
    use MemberChange::{Add, Replace};
    for (operations, expected) in [
        (
            json!([{ "op": "add", "path": "members", "value": [
                { "display": "Babs Jensen", "$ref": "https://example.com/v2/Users/u1", "value": "u1" }
            ] }]),
            vec![Add(people(&["u1"]))],
        ),
        (
            json!([{ "op": "add", "path": "members", "value": { "value": "u1" } }]),
            vec![Add(people(&["u1"]))],
        ),
        (
            json!([{ "op": "add", "value": { "members": [{ "value": "u1" }, { "value": "u1" }] } }]),
            vec![Add(people(&["u1"]))],
        ),
        (json!([{ "op": "remove", "path": "members[value eq \"u1\"]" }]), vec![leave(&["u1"])]),
        (json!([{ "op": "remove", "path": "members" }]), vec![Replace(Vec::new())]),
        (json!([{ "op": "replace", "path": "members", "value": [] }]), vec![Replace(Vec::new())]),
        (json!([{ "op": "add", "path": "members", "value": [] }]), Vec::new()),
        (
            json!([
                { "op": "remove", "path": "members[value eq\"u1\"]" },
                { "op": "add", "path": "members", "value": [{ "value": "u2", "type": "User" }] }
            ]),
            vec![
                leave(&["u1"]),
                Add(vec![Member { value: "u2".to_owned(), kind: Some("User".to_owned()) }]),
            ],
        ),
        (
            json!([
                { "op": "add", "path": "members", "value": [{ "value": "u0" }] },
                { "op": "remove", "path": "members" },
                { "op": "add", "path": "members", "value": [{ "value": "u1" }, { "value": "u2" }] }
            ]),
            vec![Replace(people(&["u1", "u2"]))],
        ),
        (
            json!([{ "op": "replace", "path": "members", "value": [{ "value": "u1" }] }]),
            vec![Replace(people(&["u1"]))],
        ),
        (
            json!([{ "op": "replace", "path": "members[value eq \"u1\"]", "value": { "value": "u2" } }]),
            vec![leave(&["u1"]), Add(people(&["u2"]))],
        ),
    ] {
        for dialect in [Dialect::Strict, Dialect::Standard, Dialect::Entra, Dialect::Okta] {
            let result = changes(dialect, operations.clone());
            assert_eq!(result, Ok(expected.clone()), "{dialect:?} {operations}");
        }
    }
}

#[test]
fn other_filters_become_conditions_on_parts() {
    for (path, key) in [
        ("members[value eq \"a\" or value eq \"b\"]", None),
        ("members[type eq \"Group\"]", Some("members.type")),
        ("members[value sw \"a\"]", Some("members.value")),
    ] {
        let changes = changes(Dialect::Strict, json!([{ "op": "remove", "path": path }])).unwrap();
        let [MemberChange::RemoveWhere(condition)] = changes.as_slice() else {
            panic!("{path}: {changes:?}");
        };
        match (condition, key) {
            (Condition::Compare(field, operator, _), Some(key)) => {
                assert_eq!(field.key, key);
                assert!(matches!(operator, Operator::Equal | Operator::StartsWith));
            }
            (Condition::Any(parts), None) => assert_eq!(parts.len(), 2),
            other => panic!("{path}: {other:?}"),
        }
    }
}

#[test]
fn an_array_beside_remove_never_empties_a_group() {
    for value in [json!([{ "$ref": null, "value": "u1" }]), json!({ "value": "u1" })] {
        let operations = json!([{ "op": "Remove", "path": "members", "value": value }]);
        for dialect in [Dialect::Standard, Dialect::Entra, Dialect::Okta] {
            assert_eq!(changes(dialect, operations.clone()), Ok(vec![leave(&["u1"])]));
        }
    }
    let nobody = json!([{ "op": "remove", "path": "members", "value": [] }]);
    assert_eq!(changes(Dialect::Standard, nobody), Ok(Vec::new()));
    let strict = json!([{ "op": "remove", "path": "members", "value": [{ "value": "u1" }] }]);
    refused(changes(Dialect::Strict, strict), ScimType::InvalidSyntax, "remove takes no value");
}

#[test]
fn a_rename_never_touches_members() {
    for operation in [
        json!({ "op": "replace", "path": "displayName", "value": "Guides" }),
        json!({ "op": "replace", "value": { "id": "g1", "displayName": "Guides" } }),
        json!({ "op": "Replace", "value": { "DISPLAYNAME": "Guides" } }),
    ] {
        let patched =
            patch_of(kind("Group"), &guides(), json!([operation]), Dialect::Okta).unwrap();
        assert!(patched.changed);
        assert_eq!(patched.attributes["displayName"], "Guides");
        assert_eq!(patched.members, Vec::new());
    }
}

#[test]
fn parts_of_members_are_fixed() {
    for operation in [
        json!({ "op": "replace", "path": "members.value", "value": "u1" }),
        json!({ "op": "remove", "path": "members[value eq \"u1\"].type" }),
        json!({ "op": "replace", "path": "members[value eq \"u1\"].display", "value": "x" }),
    ] {
        refused(changes(Dialect::Standard, json!([operation])), ScimType::Mutability, "members.");
    }
    let path = "members[value eq \"u1\"].displayName";
    refused(
        changes(Dialect::Standard, json!([{ "op": "remove", "path": path }])),
        ScimType::InvalidPath,
        "displayName",
    );
    for value in [json!([{}]), json!([{ "value": "" }]), json!(5), json!([5])] {
        let operations = json!([{ "op": "add", "path": "members", "value": value }]);
        refused(changes(Dialect::Standard, operations), ScimType::InvalidValue, "members");
    }
    let users = json!([{ "op": "add", "path": "members", "value": [{ "value": "u" }] }]);
    refused(after(Dialect::Standard, users), ScimType::InvalidPath, "members");
}

#[test]
fn ten_thousand_members_are_one_change() {
    let one = |at: usize| json!({ "op": "add", "path": "members", "value": [{ "value": format!("u{at}") }] });
    let operations: Vec<Value> = (0..MAX_OPERATIONS).map(one).collect();
    let changes = changes(Dialect::Entra, operations.into()).unwrap();
    let [MemberChange::Add(members)] = changes.as_slice() else { panic!("one change") };
    assert_eq!(members.len(), MAX_OPERATIONS);
}
