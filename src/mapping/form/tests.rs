//! The kinds of rules that are no expressions.

use super::{Facts, Form, Shape, Stopped, folded};
use crate::mapping::selector::Selector;
use crate::mapping::template::Template;
use crate::scim::schema::{Registry, ResourceType, Type};
use crate::scim::urn;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

fn user() -> Arc<ResourceType> {
    Arc::clone(Registry::standard().named("User").unwrap())
}

fn selector(path: &str) -> Box<Selector> {
    Box::new(Selector::compile(&user(), path).unwrap())
}

fn profile() -> Map<String, Value> {
    let profile = json!({
        "userName": "bjensen", "nickName": "",
        "name": { "givenName": "Barbara", "familyName": "Jensen" },
        "emails": [
            { "value": "b@example.com", "type": "work" },
            { "value": "", "type": "work" },
            { "value": "babs@example.org", "type": "home", "primary": true },
        ],
        urn::ENTERPRISE_USER: { "department": "Tour Operations", "manager": { "value": "boss" } },
    });
    profile.as_object().unwrap().clone()
}

fn evaluated(form: &Form) -> Result<Value, Stopped> {
    let resource = profile();
    let assigned = json!({ "Role": "R1", "Empty": "" });
    let accounts = BTreeMap::from([("boss".to_owned(), "crm-7".to_owned())]);
    let assigned = assigned.as_object().unwrap();
    form.evaluate(&Facts { resource: &resource, assigned, accounts: &accounts })
}

fn table(key: &str, default: Option<Form>) -> Form {
    let entries = BTreeMap::from([(folded(&json!(" Tour operations")), json!(42))]);
    let key = Box::new(Form::Read(selector(key)));
    Form::Lookup { key, entries, default: default.map(Box::new) }
}

#[test]
fn each_kind_has_its_value() {
    let manager = format!("{}:manager.value", urn::ENTERPRISE_USER);
    let department = format!("{}:department", urn::ENTERPRISE_USER);
    let join = |text: &str| Form::Join(Template::compile(&user(), text).unwrap());
    for (form, expected) in [
        (Form::Literal(json!("Zylker")), json!("Zylker")),
        (Form::Literal(json!(["a", 1, { "b": null }])), json!(["a", 1, { "b": null }])),
        (Form::Literal(json!("")), json!(null)),
        (Form::Read(selector("name.familyName")), json!("Jensen")),
        (Form::Read(selector("nickName")), json!(null)),
        (Form::Read(selector("emails.value")), json!("babs@example.org")),
        (Form::Read(selector("emails[type eq \"work\"].value")), json!("b@example.com")),
        (Form::ReadAll(selector("emails.value")), json!(["b@example.com", "babs@example.org"])),
        (Form::ReadAll(selector("emails[type eq \"home\"].value")), json!(["babs@example.org"])),
        (Form::ReadAll(selector("emails[type eq \"other\"].value")), json!(null)),
        (Form::ReadAll(selector("userName")), json!(["bjensen"])),
        (Form::ReadAll(selector("title")), json!(null)),
        (
            Form::First(vec![Form::Read(selector("title")), Form::Read(selector("userName"))]),
            json!("bjensen"),
        ),
        (Form::First(vec![Form::Read(selector("title"))]), json!(null)),
        (join("{name.givenName} {title} {name.familyName}"), json!("Barbara Jensen")),
        (join("x{title}"), json!(null)),
        (table(&department, None), json!(42)),
        (table("userName", None), json!(null)),
        (table("title", Some(Form::Literal(json!(0)))), json!(0)),
        (Form::Reference(selector(&manager)), json!("crm-7")),
        (Form::Reference(selector("userName")), json!(null)),
        (Form::Assigned("Role".to_owned()), json!("R1")),
        (Form::Assigned("Empty".to_owned()), json!(null)),
        (Form::Assigned("Other".to_owned()), json!(null)),
    ] {
        assert_eq!(evaluated(&form), Ok(expected), "{form:?}");
    }
}

#[test]
fn values_have_a_longest() {
    let long = Form::Literal(Value::String("a".repeat(16 * 1_024 + 1)));
    assert_eq!(evaluated(&long), Err(Stopped::Large));
    let most = Value::String("a".repeat(16 * 1_024));
    assert_eq!(evaluated(&Form::Literal(most.clone())), Ok(most));
}

#[test]
fn what_each_kind_reads_is_known() {
    let reads = |form: &Form| form.reads().into_iter().collect::<Vec<_>>();
    assert_eq!(reads(&Form::Read(selector("Name.familyname"))), ["name.familyName"]);
    assert_eq!(reads(&Form::Read(selector("emails[type eq \"work\"].value"))), ["emails"]);
    assert_eq!(reads(&Form::Read(selector("emails.value"))), ["emails"]);
    let join = Template::compile(&user(), "{userName} {name.givenName}").unwrap();
    assert_eq!(reads(&Form::Join(join)), ["name.givenName", "userName"]);
    let default = Form::Read(selector("title"));
    assert_eq!(
        reads(&table("department", Some(default))),
        ["title".to_owned(), format!("{}:department", urn::ENTERPRISE_USER),]
    );
    assert_eq!(reads(&Form::Assigned("Role".to_owned())), [""; 0]);
}

#[test]
fn the_shape_of_each_kind_is_known() {
    assert_eq!(Form::Read(selector("active")).shape(), Shape::Value(Type::Boolean));
    let all = Form::ReadAll(selector("emails.value"));
    assert_eq!(all.shape(), Shape::List(Box::new(Shape::Value(Type::String))));
    assert_eq!(table("title", None).shape(), Shape::Value(Type::Integer));
    let mixed = table("title", Some(Form::Literal(json!("none"))));
    assert_eq!(mixed.shape(), Shape::Unknown);
    assert_eq!(Form::Assigned("x".to_owned()).shape(), Shape::Unknown);
}
