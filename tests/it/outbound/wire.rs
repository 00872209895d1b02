//! The preview is what the worker sends, byte for byte: random mappings and people, and an app that
//! writes down every request.

use super::bridge::Bridge;
use super::meddler::{Meddler, Meddling};
use crate::world::both;
use parking_lot::Mutex;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use reqwest::Method;
use rollcall::vault::Vault;
use serde_json::{Map, Value, json};
use std::sync::Arc;

const PEOPLE: usize = 12;
const MAPPINGS: usize = 20;

/// A text that is awkward in some way.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[A-Za-z]{1,8}( [A-Za-z]{1,8})?",
        2 => "[ \"'\\\\{}<>&/%äöüŽřß中文🙂]{1,6}x",
        1 => Just(" ".to_owned()),
    ]
}

/// A person without those attributes by which providers find them.
fn person() -> impl Strategy<Value = Map<String, Value>> {
    let maybe = || prop::option::weighted(0.7, text());
    (maybe(), maybe(), maybe(), maybe(), maybe(), any::<bool>()).prop_map(
        |(given, family, title, department, nick, mobile)| {
            let mut person = Map::new();
            let mut put = |name: &str, value: Option<String>| {
                if let Some(value) = value.filter(|value| !value.trim().is_empty()) {
                    person.insert(name.to_owned(), value.into());
                }
            };
            put("title", title);
            put("nickName", nick);
            let name: Map<String, Value> = [("givenName", given), ("familyName", family)]
                .into_iter()
                .filter_map(|(part, value)| Some((part.to_owned(), Value::from(value?))))
                .collect();
            if !name.is_empty() {
                person.insert("name".into(), name.into());
            }
            if let Some(department) = department {
                person.insert(
                    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User".into(),
                    json!({ "department": department }),
                );
            }
            let mut phones = vec![json!({ "value": "+1-512-555-0100", "type": "work" })];
            if mobile {
                phones.push(json!({ "value": "+1-512-555-0101", "type": "mobile" }));
            }
            person.insert("phoneNumbers".into(), phones.into());
            person
        },
    )
}

/// A rule for a field, of any kind whose value is known before anybody is linked.
fn rule(field: &'static str) -> impl Strategy<Value = Value> {
    let paths = || {
        prop_oneof![
            Just("title"),
            Just("nickName"),
            Just("name.givenName"),
            Just("name.familyName"),
            Just("phoneNumbers[type eq \"mobile\"].value"),
            Just("userName"),
            Just("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"),
        ]
    };
    let source = prop_oneof![
        paths().prop_map(|path| json!({ "kind": "profile", "path": path })),
        text().prop_map(|text| json!({ "kind": "constant", "value": format!("{text}.") })),
        (paths(), paths()).prop_map(|(a, b)| json!({ "kind": "first", "paths": [a, b] })),
        (paths(), paths())
            .prop_map(|(a, b)| json!({ "kind": "join", "template": format!("{{{a}}} / {{{b}}}") })),
        (paths(), text(), text()).prop_map(|(path, key, value)| json!({
            "kind": "table", "path": path, "entries": { key: format!("{value}!") }, "default": "other",
        })),
        prop_oneof![
            Just("upper(title) + \"-\" + left(userName, 3)"),
            Just("phoneNumbers.filter(p, p.type == \"mobile\").map(p, p.value).join(\", \")"),
            Just("has(name.familyName) ? name.familyName : default(nickName, \"none\")"),
        ]
        .prop_map(|text| json!({ "kind": "expression", "expression": text })),
    ];
    let normalise = prop_oneof![
        3 => Just(json!([])), 1 => Just(json!(["trim", "upper"])), 1 => Just(json!(["transliterate"])),
    ];
    let on_empty = prop_oneof![
        3 => Just(json!("clear")), 1 => Just(json!("skip")), 1 => Just(json!({ "default": "nothing" })),
    ];
    let apply = prop_oneof![5 => Just("always"), 1 => Just("create")];
    (source, normalise, on_empty, apply).prop_map(move |(source, normalise, on_empty, apply)| {
        json!({ "field": field, "source": source, "normalise": normalise, "onEmpty": on_empty,
                "apply": apply })
    })
}

fn mapping() -> impl Strategy<Value = Value> {
    let fields = [
        "displayName",
        "name.givenName",
        "name.familyName",
        "title",
        "nickName",
        "userType",
        "phoneNumbers[type eq \"mobile\"].value",
        "phoneNumbers[type eq \"work\"].value",
        "addresses[type eq \"work\"].locality",
        "addresses[type eq \"work\"].region",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
        "roles.value",
    ];
    let rules: Vec<_> =
        fields.into_iter().map(|field| prop::option::weighted(0.7, rule(field)).boxed()).collect();
    rules.prop_map(|rules| {
        let mut all = vec![
            json!({ "field": "userName", "source": { "kind": "profile", "path": "userName" } }),
        ];
        all.extend(rules.into_iter().flatten());
        json!({ "users": all, "groups": [
            { "field": "displayName", "source": { "kind": "profile", "path": "displayName" } },
        ]})
    })
}

/// A request as text that says all of it.
fn line(method: &str, path: &str, body: Option<&str>) -> String {
    format!("{method} {path} {}", body.unwrap_or_default())
}

both! {
    async fn what_is_previewed_is_what_is_sent_to_the_byte(world: World) {
        let vault = Vault::ephemeral();
        let other = crate::world::World::new(world.database).await;
        let app = Bridge::start(&other.store, &vault).await;
        let bridge = Bridge::start(&world.store, &vault).await;
        let sent: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = Arc::clone(&sent);
        let proxy = Meddler::before(&app.base, move |method, path, body| {
            if method != "GET" || path.contains("filter=") {
                let body = Some(body).filter(|body| !body.is_empty());
                heard.lock().push(line(method, path, body));
            }
            Meddling::Pass
        });
        bridge.admin(Method::POST, "/apps", json!({
            "name": "assist", "adapter": "scim",
            "settings": { "url": format!("{}/scim/v2", proxy.address) },
            "secrets": { "token": app.token },
        })).await;

        // The same every time, another for each database.
        let seed = [world.database as u8 + 7; 32];
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let mut runner = TestRunner::new_with_rng(Config::default(), random);
        let mut ids = Vec::new();
        for number in 0..PEOPLE {
            let mut someone = person().new_tree(&mut runner).unwrap().current();
            someone.insert("userName".into(), format!("person{number}@zylker.example").into());
            someone.insert("schemas".into(), json!([
                "urn:ietf:params:scim:schemas:core:2.0:User",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
            ]));
            let made = bridge.push(Method::POST, "/Users", someone.into()).await;
            ids.push(made["id"].as_str().unwrap().to_owned());
        }
        // The sample is without oddities, so that every mapping can be saved.
        let sample = bridge.person("sample").await;
        bridge.admin(Method::PATCH, "/apps/assist", json!({ "sampleUser": sample })).await;
        ids.push(sample);

        let (mut created, mut updated) = (0, 0);
        for round in 0..MAPPINGS {
            let draft = mapping().new_tree(&mut runner).unwrap().current();
            // Shown as a draft, saved, then sent.
            let mut shown = Vec::new();
            for id in &ids {
                let asked = json!({ "sample": id, "mapping": draft });
                let preview = bridge.admin(Method::POST, "/apps/assist/mapping/preview", asked).await;
                assert_eq!(preview.get("unknown"), None, "{preview}");
                for request in preview["requests"].as_array().unwrap() {
                    let url = request["url"].as_str().unwrap();
                    let path = url.strip_prefix(&proxy.address).unwrap();
                    let body = request.get("body").map(Value::to_string);
                    let method = request["method"].as_str().unwrap();
                    match method {
                        "POST" => created += 1,
                        "PATCH" | "PUT" => updated += 1,
                        _ => {}
                    }
                    shown.push(line(method, path, body.as_deref()));
                }
            }
            sent.lock().clear();
            bridge.admin(Method::PUT, "/apps/assist/mapping", draft.clone()).await;
            if round == 0 {
                bridge.admin(Method::PUT, "/apps/assist/provisioning", json!({ "enabled": true })).await;
            } else {
                bridge.admin(Method::POST, "/apps/assist/sync", json!({ "confirm": true })).await;
            }
            bridge.accounts("assist", "User").await;
            let view = bridge.admin(Method::GET, "/apps/assist", Value::Null).await;
            assert_eq!((&view["queue"]["parked"], &view["paused"]), (&json!(0), &Value::Null), "{view}");
            let mut sent = sent.lock().clone();
            // Different people are told in any order.
            sent.sort_unstable();
            shown.sort_unstable();
            assert_eq!(sent, shown, "round {round}: {draft}");
            // What was sent is what the app holds: nothing is left to send.
            let plan = bridge.admin(Method::POST, "/apps/assist/sync", json!({})).await;
            assert_eq!(plan["plan"]["counts"]["User"], json!({ "unchanged": ids.len() }), "{plan}");
        }
        assert_eq!(created, ids.len());
        assert!(updated > ids.len(), "too little was changed to mean anything: {updated}");
        bridge.stop().await;
        proxy.stop().await;
        app.stop().await;
    }
}
