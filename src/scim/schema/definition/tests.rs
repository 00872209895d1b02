use super::check::faults;
use super::difference::Difference;
use super::*;
use crate::scim::schema::Registry;
use serde_json::{Value, json};

const PROBE: &str = "urn:example:params:scim:schemas:extension:probe:2.0:User";

fn definition(body: Value) -> Definition {
    let mut definition: Definition = serde_json::from_value(body).unwrap();
    if definition.id.is_empty() {
        definition.id = PROBE.to_owned();
    }
    definition
}

fn with(attributes: &Value) -> Definition {
    definition(json!({ "name": "Probe", "attributes": attributes }))
}

fn fields(definition: &Definition) -> Vec<String> {
    faults(definition, &Registry::standard()).into_iter().map(|fault| fault.field).collect()
}

#[test]
fn what_goes_without_saying_need_not_be_said() {
    let definition = with(&json!([
        { "name": "badge" }, { "name": "photo", "type": "binary" }, { "name": "page", "type": "reference" }
    ]));
    assert_eq!(fields(&definition), [""; 0]);
    assert_eq!(definition.extends(), Some(("User", false)));
    let schema = definition.schema();
    let badge = &schema.attributes[0];
    assert_eq!(
        (badge.kind, badge.multi_valued, badge.case_exact, badge.mutability, badge.returned),
        (Type::String, false, false, Mutability::ReadWrite, Returned::Default)
    );
    assert!(schema.attributes[1].case_exact && schema.attributes[2].case_exact);
    let stored = serde_json::to_value(&definition).unwrap();
    assert_eq!(serde_json::from_value::<Definition>(stored).unwrap(), definition);
}

#[test]
fn what_the_server_answers_can_be_sent_back() {
    let mut document =
        crate::scim::discovery::schema(&with(&json!([{ "name": "badge" }])).schema(), "");
    assert!(document["schemas"].is_array() && document["meta"].is_object());
    let back: Definition = serde_json::from_value(document.take()).unwrap();
    assert_eq!(back.schema(), with(&json!([{ "name": "badge" }])).schema());
}

#[test]
fn every_fault_names_its_place() {
    for (attributes, expected) in [
        (json!([]), "attributes"),
        (json!([{ "name": "1st" }]), "attributes[0].name"),
        (json!([{ "name": "a" }, { "name": "A" }]), "attributes[1].name"),
        (json!([{ "name": "Not" }]), "attributes[0].name"),
        (
            json!([{ "name": "a", "type": "complex", "subAttributes": [{ "name": "not" }] }]),
            "attributes[0].subAttributes[0].name",
        ),
        (
            json!([{ "name": "a", "subAttributes": [{ "name": "b" }] }]),
            "attributes[0].subAttributes",
        ),
        (json!([{ "name": "a", "type": "complex" }]), "attributes[0].subAttributes"),
        (
            json!([{ "name": "a", "type": "complex", "subAttributes":
                [{ "name": "b", "type": "complex", "subAttributes": [{ "name": "c" }] }] }]),
            "attributes[0].subAttributes[0].type",
        ),
        (json!([{ "name": "a", "mutability": "writeOnly" }]), "attributes[0].mutability"),
        (
            json!([{ "name": "a", "mutability": "readOnly", "required": true }]),
            "attributes[0].required",
        ),
        (json!([{ "name": "a", "uniqueness": "global" }]), "attributes[0].uniqueness"),
        (
            json!([{ "name": "a", "type": "boolean", "uniqueness": "server" }]),
            "attributes[0].uniqueness",
        ),
        (json!([{ "name": "a", "type": "binary", "indexed": true }]), "attributes[0].indexed"),
        (
            json!([{ "name": "a", "type": "integer", "canonicalValues": ["1"] }]),
            "attributes[0].canonicalValues",
        ),
        (json!([{ "name": "a", "referenceTypes": ["User"] }]), "attributes[0].referenceTypes"),
    ] {
        assert_eq!(fields(&with(&attributes)), [expected], "{attributes}");
    }
    let unknown = json!({ "name": "P", "attributes": [{ "name": "a", "indexd": true }] });
    let error = serde_json::from_value::<Definition>(unknown).unwrap_err().to_string();
    assert!(error.contains("indexd") && error.contains("indexed"), "{error}");
}

#[test]
fn urns_of_others_are_refused() {
    for id in [
        "probe",
        "urn:x",
        "urn::a",
        "urn:example:two words",
        "urn:ietf:params:scim:api:messages:2.0:Mine",
        "URN:ietf:params:scim:schemas:core:2.0:User",
        "urn:ietf:params:scim:schemas:core:2.0:Schema",
        // Would read as an attribute of the enterprise schema.
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
        &format!("urn:example:{}", "a".repeat(check::MAX_URN)),
    ] {
        let one = definition(json!({ "id": id, "name": "P", "attributes": [{ "name": "a" }] }));
        assert_eq!(fields(&one), ["id"], "{id}");
    }
    // The enterprise URN would read as an attribute of this one.
    let one = definition(json!({
        "id": "urn:ietf:params:scim:schemas:extension:enterprise:2.0", "name": "P",
        "attributes": [{ "name": "User" }]
    }));
    assert_eq!(fields(&one), ["id"]);
}

#[test]
fn types_have_addresses_of_their_own() {
    let device = |name: &str, endpoint: &str, attribute: &str| {
        definition(json!({
            "id": "urn:ietf:params:scim:schemas:core:2.0:Device", "name": "Device",
            "attributes": [{ "name": attribute }],
            "resourceType": { "name": name, "endpoint": endpoint }
        }))
    };
    assert_eq!(fields(&device("Device", "/Devices", "displayName")), [""; 0]);
    for (name, endpoint, attribute, expected) in [
        ("User", "/Devices", "a", "resourceType.name"),
        ("user", "/Devices", "a", "resourceType.name"),
        ("Schema", "/Devices", "a", "resourceType.name"),
        ("a b", "/Devices", "a", "resourceType.name"),
        ("Device", "Devices", "a", "resourceType.endpoint"),
        ("Device", "/a/b", "a", "resourceType.endpoint"),
        ("Device", "/bulk", "a", "resourceType.endpoint"),
        ("Device", "/.search", "a", "resourceType.endpoint"),
        ("Device", "/Devices", "externalId", "attributes[0].name"),
        ("Device", "/Devices", "members", "attributes[0].name"),
        ("Device", "/Devices", "groups", "attributes[0].name"),
    ] {
        assert_eq!(fields(&device(name, endpoint, attribute)), [expected], "{name} {endpoint}");
    }
}

#[test]
fn a_registry_holds_what_was_added() {
    let device = definition(json!({
        "id": "urn:ietf:params:scim:schemas:core:2.0:Device", "name": "Device",
        "attributes": [{ "name": "displayName", "required": true }],
        "resourceType": { "name": "Device", "endpoint": "/Devices" }
    }));
    let more = definition(json!({
        "id": "urn:example:device:more", "name": "More", "attributes": [{ "name": "a" }],
        "extends": "Device", "required": true
    }));
    let mut probe = with(&json!([{ "name": "badge", "indexed": true }]));
    probe.building = vec!["badge".into()];
    // Whatever the order, an extension finds its type.
    let registry = Registry::with(&[more, probe, device], 7);
    assert_eq!(registry.revision, 7);
    let names: Vec<&str> = registry.resource_types.iter().map(|kind| kind.name.as_str()).collect();
    assert_eq!(names, ["User", "Group", "Device"]);
    let device = registry.at("Devices").unwrap();
    assert!(device.base_attribute("externalId").is_some());
    assert_eq!(device.extensions[0].0.id, "urn:example:device:more");
    assert!(device.extensions[0].1);
    let user = registry.named("User").unwrap();
    let badge = user.extension(PROBE).unwrap().attribute("badge").unwrap();
    assert!(badge.indexed && badge.building);
    assert_eq!(registry.schemas().len(), 6);
}

#[test]
fn a_change_says_what_it_needs() {
    let old = with(&json!([
        { "name": "a", "indexed": true }, { "name": "b" }, { "name": "c", "type": "integer" },
        { "name": "d", "type": "complex", "subAttributes": [{ "name": "x", "indexed": true }, { "name": "y" }] }
    ]));
    assert_eq!(Difference::between(&old, &old), Difference::default());
    let new = with(&json!([
        { "name": "a", "caseExact": true, "indexed": true },
        { "name": "b", "uniqueness": "server" },
        { "name": "d", "type": "complex", "subAttributes": [{ "name": "x" }] },
        { "name": "e", "required": true }
    ]));
    let difference = Difference::between(&old, &new);
    let of = |faults: &[super::check::Fault]| {
        faults.iter().map(|fault| fault.field.clone()).collect::<Vec<_>>()
    };
    assert_eq!(of(&difference.without_values), ["b", "c", "d.y"]);
    assert_eq!(of(&difference.without_resources), ["e"]);
    assert_eq!(difference.build, ["a", "b"]);
    assert_eq!(difference.drop, ["d"]);
    assert!(difference.refused.is_empty());
    let moved =
        definition(json!({ "name": "Probe", "attributes": [{ "name": "a" }], "extends": "Group" }));
    assert_eq!(of(&Difference::between(&old, &moved).refused), ["resourceType"]);
    let removal = Difference::removal(&old);
    assert_eq!(of(&removal.without_values), ["a", "b", "c", "d"]);
    assert_eq!(removal.drop, ["a", "d"]);
}
