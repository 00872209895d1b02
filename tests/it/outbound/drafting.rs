//! A mapping before it is saved: checked, shown, weighed, compared, exported and imported.

use super::bridge::{Bridge, person};
use crate::world::both;
use reqwest::Method;
use rollcall::vault::Vault;
use serde_json::{Value, json};

const MAPPING: &str = "/apps/sandbox/mapping";

async fn in_force(bridge: &Bridge) -> Value {
    bridge.admin(Method::GET, MAPPING, Value::Null).await["mapping"].clone()
}

/// The mapping with another rule for a field.
fn with(mapping: &Value, rule: &Value) -> Value {
    let mut mapping = mapping.clone();
    let rules = mapping["users"].as_array_mut().unwrap();
    rules.retain(|known| known["field"] != rule["field"]);
    rules.push(rule.clone());
    mapping
}

fn constant(field: &str, value: &str) -> Value {
    json!({ "field": field, "source": { "kind": "constant", "value": value } })
}

both! {
    async fn saving_names_every_fault_and_saves_nothing(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let ann = bridge.person("ann").await;
        bridge.admin(Method::PATCH, "/apps/sandbox", json!({ "sampleUser": ann })).await;
        let good = in_force(&bridge).await;
        let without = |field: &str| {
            let mut mapping = good.clone();
            mapping["users"].as_array_mut().unwrap().retain(|rule| rule["field"] != field);
            mapping
        };
        let profile = |field: &str, path: &str| json!({
            "field": field, "source": { "kind": "profile", "path": path },
        });
        let expression = |text: &str| json!({
            "field": "company", "source": { "kind": "expression", "expression": text },
        });
        let cases = [
            (without("loginName"), "users/loginName", "is mandatory in the app and not mapped"),
            (without("locationCity"), "users/locationCity", "goes together with locationCountry"),
            (with(&good, &profile("jobTitle", "titel")), "users/jobTitle", "Did you mean title?"),
            (with(&good, &profile("joined", "active")), "users/joined", "takes a date and time"),
            (with(&good, &constant("employeeNumber", "123456789012345678901")),
                "users/employeeNumber", "takes at most 20 characters, and the value has 21"),
            (with(&good, &constant("role", "boss")), "users/role", "takes only \"technician\""),
            (with(&good, &profile("role", "title")), "users/role", "for the sample user"),
            (with(&good, &expression("uper(userName)")), "users/company", "character 1"),
            (with(&good, &expression("userNam")), "users/company", "userName"),
        ];
        for (mapping, field, detail) in cases {
            let path = format!("/api/v1{MAPPING}");
            // Ann's title is a technician's; for this case she does something else.
            if detail == "for the sample user" {
                bridge.set(&ann, "title", json!("Astronaut")).await;
            }
            let (status, problem) = bridge.send(Method::PUT, &path, Some(mapping.clone())).await;
            assert_eq!(status, 422, "{field}: {problem}");
            let errors = problem["errors"].as_array().unwrap();
            assert!(
                errors.iter().any(|error| error["field"] == field
                    && error["detail"].as_str().unwrap().contains(detail)),
                "{field}: {problem}"
            );
            let checked = bridge.admin(Method::POST, &format!("{MAPPING}/validate"), mapping).await;
            assert_eq!((&checked["valid"], &checked["problems"]), (&json!(false), &problem["errors"]));
        }
        // All of them at once.
        let mut worst = with(&without("lastName"), &expression("uper(userNam)"));
        worst["groups"] = json!([{ "field": "nme", "source": { "kind": "constant", "value": 1 } }]);
        let checked = bridge.admin(Method::POST, &format!("{MAPPING}/validate"), worst).await;
        let mut fields: Vec<&str> = checked["problems"].as_array().unwrap().iter()
            .map(|one| one["field"].as_str().unwrap()).collect();
        fields.dedup();
        assert_eq!(fields, ["users/company", "groups/nme", "users/lastName", "groups/name"], "{checked}");
        let shown = bridge.admin(Method::GET, MAPPING, Value::Null).await;
        assert_eq!((&shown["version"], &shown["mapping"]), (&json!(1), &good));
        let checked = bridge.admin(Method::POST, &format!("{MAPPING}/validate"), good).await;
        assert_eq!(checked["valid"], true, "{checked}");
        bridge.stop().await;
    }

    async fn what_is_exported_is_imported_and_exported_again_to_the_byte(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let mut mapping = with(&in_force(&bridge).await, &json!({
            "field": "company", "normalise": ["trim", { "e164": "US" }], "onEmpty": { "default": "no" },
            "source": { "kind": "expression", "expression": "upper(title) + \": \" + userName" },
        }));
        mapping["tests"] = json!([{
            "name": "Ann", "profile": { "userName": "ann", "title": "Technician" },
            "expect": { "loginName": "ann", "role": "technician", "phone": null },
        }]);
        bridge.admin(Method::PUT, MAPPING, mapping).await;
        let client = reqwest::Client::new();
        let address = format!("{}/api/v1{MAPPING}", bridge.base);
        let export = || async {
            let answer = client.get(&address).bearer_auth(&bridge.token)
                .header("Accept", "application/yaml").send().await.unwrap();
            assert_eq!(answer.headers()["content-type"], "application/yaml");
            (answer.headers()["etag"].to_str().unwrap().to_owned(), answer.text().await.unwrap())
        };
        let import = |text: String, edited: &'static str| {
            client.put(&address).bearer_auth(&bridge.token).header("If-Match", edited)
                .header("Content-Type", "application/yaml").body(text).send()
        };
        let (tag, first) = export().await;
        assert_eq!(tag, "\"2\"");
        assert_eq!(import(first.clone(), "\"2\"").await.unwrap().status(), 200);
        let (tag, second) = export().await;
        assert_eq!((tag.as_str(), &second), ("\"3\"", &first));
        // Who edited version 2 has not seen version 3.
        let late = import(first, "\"2\"").await.unwrap();
        assert_eq!(late.status(), 412);
        let (tag, third) = export().await;
        assert_eq!((tag.as_str(), third), ("\"3\"", second));
        let document = bridge.admin(Method::GET, &format!("{MAPPING}/export"), Value::Null).await;
        let again = bridge.admin(Method::PUT, MAPPING, document.clone()).await;
        assert_eq!(again["mapping"], document);
        let newest = bridge.admin(Method::GET, &format!("{MAPPING}/export"), Value::Null).await;
        assert_eq!(newest.to_string(), document.to_string());
        let path = format!("{MAPPING}/difference?from=2&to=3");
        let difference = bridge.admin(Method::GET, &path, Value::Null).await;
        assert_eq!(difference["differences"], json!([]));
        let default = bridge.admin(Method::GET, &format!("{MAPPING}/difference?from=0"), Value::Null).await;
        let fields: Vec<&str> = default["differences"].as_array().unwrap().iter()
            .map(|one| one["field"].as_str().unwrap()).collect();
        assert_eq!(fields, ["users/company", "tests/Ann"], "{default}");
        bridge.stop().await;
    }

    async fn no_expression_brings_the_server_down(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        bridge.person("ann").await;
        let good = in_force(&bridge).await;
        let nested = |depth: usize| {
            (0..depth).fold("userName".to_owned(), |inner, at| format!("[1, 2, 3].map(x{at}, {inner})"))
        };
        let bombs = [
            vec!["1"; 3_000].join("+"),
            vec!["1"; 490].join("+"),
            format!("userName{}", ".trim()".repeat(140)),
            format!("user{}", ".a".repeat(450)),
            format!("{}1{}", "(".repeat(480), ")".repeat(480)),
            nested(2),
            nested(8),
            format!("[userName]{}", ".map(x, x + x)".repeat(60)),
            format!("userName{}", ".replace(\"\", \"aaaaaaaaaa\")".repeat(30)),
            "pad(userName, 9223372036854775807, \"x\")".to_owned(),
            "\\".repeat(900),
            "\"".to_owned(),
        ];
        let mut saved = 0;
        for bomb in bombs {
            let mapping = with(&good, &json!({
                "field": "company", "source": { "kind": "expression", "expression": bomb },
            }));
            let (status, answer) =
                bridge.send(Method::PUT, &format!("/api/v1{MAPPING}"), Some(mapping.clone())).await;
            match status {
                422 => assert_eq!(answer["errors"][0]["field"], "users/company", "{answer}"),
                // What can be saved is stopped where it is too much, and the person goes on without.
                200 => {
                    saved += 1;
                    let draft = json!({ "mapping": mapping });
                    bridge.admin(Method::POST, &format!("{MAPPING}/preview"), draft).await;
                }
                other => panic!("{bomb}: {other} {answer}"),
            }
        }
        assert!(saved < 4, "{saved} bombs were saved");
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 1);
        bridge.stop().await;
    }

    async fn a_golden_test_that_fails_keeps_a_mapping_out(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let mut mapping = in_force(&bridge).await;
        mapping["tests"] = json!([{
            "name": "managers", "profile": { "userName": "ann", "title": "Manager" },
            "expect": { "role": "technician" },
        }]);
        let path = format!("/api/v1{MAPPING}");
        let (status, problem) = bridge.send(Method::PUT, &path, Some(mapping.clone())).await;
        assert_eq!(status, 422, "{problem}");
        assert!(problem.to_string().contains("role should be \\\"technician\\\" and is \\\"manager\\\""), "{problem}");
        mapping["tests"][0]["expect"]["role"] = json!("manager");
        bridge.admin(Method::PUT, MAPPING, mapping.clone()).await;
        // The test travels with the mapping and holds the next editor to it.
        let other = with(&mapping, &constant("role", "member"));
        let (status, _) = bridge.send(Method::PUT, &path, Some(other)).await;
        assert_eq!(status, 422);
        bridge.stop().await;
    }

    async fn the_impact_is_what_a_quick_sync_then_does(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        for number in 0..30 {
            let mut someone = person(&format!("p{number:02}"));
            if number % 3 == 0 {
                someone["title"] = json!("Manager");
            }
            if number == 7 {
                someone["name"]["familyName"] = json!("Ž".repeat(60));
            }
            bridge.push(Method::POST, "/Users", someone).await;
        }
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 30);
        let last = bridge.push(Method::GET, "/Users?filter=userName+sw+%22p29%22", Value::Null).await;
        bridge.push(Method::POST, "/Groups", json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Twenties",
            "members": [{ "value": last["Resources"][0]["id"] }],
        })).await;
        assert_eq!(bridge.accounts("sandbox", "Group").await.len(), 1);
        let draft = json!({
            "mapping": with(&in_force(&bridge).await, &json!({
                "field": "company", "source": { "kind": "table", "path": "title",
                    "entries": { "Manager": "Zylker" } },
            })),
            "scope": "userName sw \"p0\" or userName sw \"p1\"",
        });
        let before = bridge.admin(Method::GET, "/attempts", Value::Null).await;
        let impact = bridge.admin(Method::POST, &format!("{MAPPING}/impact"), draft.clone()).await;
        assert_eq!(impact["counts"]["User"], json!({ "deactivate": 10, "unchanged": 13, "update": 7 }), "{impact}");
        assert_eq!(impact["inForce"]["User"], json!({ "unchanged": 30 }));
        assert_eq!((&impact["objects"], &impact["affected"]), (&json!(31), &json!(17)));
        assert_eq!(impact["memberships"], json!({ "gained": 0, "lost": 1 }));
        let company = &impact["fields"]["User"]["company"];
        assert_eq!((&company["set"], &company["absent"]), (&json!(7), &json!({ "empty": 13 })), "{impact}");
        assert_eq!(impact["fields"]["User"]["loginName"]["kept"], 20);
        let example = &impact["examples"]["update"][0];
        assert_eq!((&example["name"], &example["fields"]),
            (&json!("p00@zylker.example"), &json!([{ "field": "company", "new": "Zylker" }])));
        assert_eq!(impact["verdict"],
            "7 to update, 10 to switch off of 31 objects; 17 objects are told something else than now.");
        let trials: Vec<&str> = impact["samples"].as_array().unwrap().iter()
            .map(|pick| pick["trial"].as_str().unwrap()).collect();
        assert_eq!(trials, ["emptiest", "longest", "nonAscii", "noReference"], "{impact}");
        assert_eq!(impact["samples"][1]["name"], "p07@zylker.example");
        assert_eq!(before, bridge.admin(Method::GET, "/attempts", Value::Null).await, "nothing was sent");

        // Line by line it is the same, with progress before.
        let answer = reqwest::Client::new().post(format!("{}/api/v1{MAPPING}/impact", bridge.base))
            .bearer_auth(&bridge.token).header("Accept", "application/x-ndjson").json(&draft)
            .send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
        let text = answer.text().await.unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.first().unwrap()["progress"], json!({ "done": 30, "total": 31 }));
        assert_eq!(lines.last().unwrap()["impact"], impact);

        bridge.admin(Method::PUT, MAPPING, draft["mapping"].clone()).await;
        let path = "/apps/sandbox?approve=10";
        bridge.admin(Method::PATCH, path, json!({ "scope": draft["scope"] })).await;
        let accounts = bridge.accounts("sandbox", "User").await;
        let count = |holds: &dyn Fn(&Value) -> bool| accounts.iter().filter(|one| holds(one)).count();
        assert_eq!(count(&|one| one["active"] == json!(false)), 10);
        assert_eq!(count(&|one| one["record"]["company"] == "Zylker"), 7);
        bridge.stop().await;
    }

    async fn people_on_whom_a_mapping_is_best_tried_are_found(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.admin(Method::POST, "/apps", json!({ "name": "sandbox", "adapter": "sandbox" })).await;
        for name in ["ann", "bob", "cy", "dan", "eve"] {
            let mut someone = person(name);
            match name {
                "bob" => someone["name"]["givenName"] = json!("Žofie"),
                "cy" => someone["title"] = json!("T".repeat(150)),
                "dan" => {
                    someone.as_object_mut().unwrap().remove("emails");
                    someone.as_object_mut().unwrap().remove("name");
                }
                "eve" => {
                    let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
                    someone[urn]["manager"] = json!({ "value": "0190f0a0-0000-7000-8000-000000000001" });
                }
                _ => {}
            }
            bridge.push(Method::POST, "/Users", someone).await;
        }
        let found = bridge.admin(Method::POST, &format!("{MAPPING}/samples"), json!({})).await;
        let picks: Vec<(&str, &str)> = found["items"].as_array().unwrap().iter()
            .map(|pick| (pick["trial"].as_str().unwrap(), pick["name"].as_str().unwrap())).collect();
        let name = |name: &str| format!("{name}@zylker.example");
        for (trial, who) in [("misfit", "cy"), ("emptiest", "dan"), ("nonAscii", "bob"), ("noReference", "eve")] {
            assert!(picks.contains(&(trial, name(who).as_str())), "{trial} {who}: {found}");
        }
        assert_eq!((&found["done"], &found["total"]), (&json!(5), &json!(5)));
        bridge.stop().await;
    }

    async fn a_mapping_of_another_product_becomes_a_draft(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.admin(Method::POST, "/apps", json!({
            "name": "assist", "adapter": "scim", "secrets": { "token": "x" },
            "settings": { "url": "http://127.0.0.1:9/scim/v2" },
        })).await;
        let attribute = |target: &str, source: Value| json!({
            "targetAttributeName": target, "source": source, "flowType": "Always",
        });
        let entra = json!([
            attribute("userName", json!({ "type": "Attribute", "name": "userPrincipalName", "expression": "[userPrincipalName]" })),
            attribute("displayName", json!({ "type": "Function", "expression": "Join(\" \", [givenName], [surname])" })),
            attribute("title", json!({ "type": "Function", "expression": "ToUpper([jobTitle])" })),
            attribute("nickName", json!({ "type": "Function", "expression": "RandomString(8, 1, 1, 1, 1)" })),
        ]);
        let path = "/apps/assist/mapping/import?from=entra";
        let draft = bridge.admin(Method::POST, path, entra).await;
        let untranslated = draft["untranslated"].as_array().unwrap();
        assert_eq!(untranslated.len(), 1, "{draft}");
        assert_eq!(untranslated[0]["field"], "users/nickName");
        let problems: Vec<&str> = draft["problems"].as_array().unwrap().iter()
            .map(|one| one["field"].as_str().unwrap()).collect();
        assert_eq!(problems, ["groups/displayName"], "{draft}");
        let shown = bridge.admin(Method::GET, "/apps/assist/mapping", Value::Null).await;
        assert_eq!(shown["version"], 1, "nothing is saved");
        // With what was missing it can be.
        let mut mapping = draft["mapping"].clone();
        mapping["groups"] = shown["mapping"]["groups"].clone();
        bridge.admin(Method::PUT, "/apps/assist/mapping", mapping).await;

        let okta = json!({ "id": "prm1", "properties": {
            "userName": { "expression": "user.login", "pushStatus": "PUSH" },
            "displayName": { "expression": "user.firstName + \" \" + user.lastName", "pushStatus": "PUSH" },
            "title": { "expression": "String.toUpperCase(user.title)", "pushStatus": "DONT_PUSH" },
            "nickName": { "expression": "user.getInternalProperty(\"id\")", "pushStatus": "PUSH" },
        }});
        let path = "/apps/assist/mapping/import?from=okta";
        let draft = bridge.admin(Method::POST, path, okta).await;
        assert_eq!(draft["mapping"]["users"].as_array().unwrap().len(), 3, "{draft}");
        assert_eq!(draft["untranslated"][0]["field"], "users/nickName");
        let (status, problem) =
            bridge.send(Method::POST, &format!("/api/v1{path}"), Some(json!({ "a": 1 }))).await;
        assert_eq!(status, 422, "{problem}");
        bridge.stop().await;
    }
}
