//! The admin API's manners: what it refuses, and how it says so.

use super::bridge::Bridge;
use crate::world::both;
use reqwest::Method;
use reqwest::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use rollcall::vault::Vault;
use serde_json::{Value, json};

/// Sends bytes of some media type; answers status, headers and body.
async fn send(
    bridge: &Bridge,
    method: Method,
    path: &str,
    kind: &str,
    body: impl Into<reqwest::Body>,
) -> (u16, HeaderMap, Value) {
    let request = reqwest::Client::new()
        .request(method, format!("{}/api/v1{path}", bridge.base))
        .bearer_auth(&bridge.token)
        .header(CONTENT_TYPE, kind)
        .body(body);
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let text = answer.text().await.unwrap();
    (status, headers, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// The problem that JSON comes to, which must be a problem document of that status.
async fn refused(
    bridge: &Bridge,
    (method, path): (Method, &str),
    body: &str,
    status: u16,
) -> Value {
    let (told, headers, problem) =
        send(bridge, method.clone(), path, "application/json", body.to_owned()).await;
    assert_eq!(told, status, "{method} {path} {body:.80}: {problem}");
    assert_eq!(headers[CONTENT_TYPE], "application/problem+json", "{method} {path}");
    assert_eq!(problem["status"], status, "{problem}");
    problem
}

fn fields(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().into_iter().flatten();
    errors.filter_map(|error| error["field"].as_str()).collect()
}

/// A mapping of the sandbox with another constant.
async fn mapping(bridge: &Bridge, constant: &str) -> String {
    let shown = bridge.admin(Method::GET, "/apps/sandbox/mapping", Value::Null).await;
    let mut mapping = shown["mapping"].clone();
    let rules = mapping["users"].as_array_mut().unwrap();
    let at = rules.iter().position(|rule| rule["field"] == "jobTitle").unwrap();
    rules[at]["source"] = json!({ "kind": "constant", "value": constant });
    mapping.to_string()
}

both! {
    /// PostgreSQL refuses the character, and the answer was a 500.
    async fn what_holds_a_nul_is_refused_by_name(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let ann = bridge.person("ann").await;
        for (method, path) in [
            (Method::GET, "/apps/a%00b"),
            (Method::DELETE, "/apps/a%00b"),
            (Method::GET, "/attempts?app=%00"),
            (Method::GET, "/apps/sandbox/accounts?after=%00"),
            (Method::PUT, "/apps/sandbox/mapping?note=a%00b"),
            (Method::DELETE, "/apps/sandbox/assignments?resource=%00"),
            (Method::PATCH, "/clients/%00"),
            (Method::DELETE, "/schemas/urn:a%00"),
        ] {
            let problem = refused(&bridge, (method, path), "{}", 400).await;
            assert!(problem["detail"].as_str().unwrap().contains("U+0000"), "{problem}");
        }
        let mapping = mapping(&bridge, "a\u{0}b").await;
        let assignment = json!({ "resource": ann, "fields": { "jobTitle": "\u{0}" } }).to_string();
        let apps = Method::POST;
        let jobs = [
            (Method::PUT, "/apps/sandbox/mapping", mapping.as_str(), "users/7/source/value"),
            (Method::POST, "/apps/sandbox/assignments", assignment.as_str(), "fields/jobTitle"),
            (apps, "/apps", r#"{"name":"x","adapter":"scim","settings":{"\u0000":1}}"#, r"settings/\u0000"),
            (Method::PATCH, "/apps/sandbox", r#"{"scope":{"filter":"a\u0000"}}"#, "scope/filter"),
            (Method::PUT, "/schemas/urn:a:b", r#"{"name":"\u0000","attributes":[]}"#, "name"),
        ];
        for (method, path, body, field) in jobs {
            let problem = refused(&bridge, (method, path), body, 400).await;
            assert_eq!(fields(&problem), [field]);
        }
        let yaml = "tests:\n- { name: \"a\\0\", profile: {}, expect: {} }\n";
        let (status, _, problem) =
            send(&bridge, Method::PUT, "/apps/sandbox/mapping", "application/yaml", yaml).await;
        assert_eq!((status, fields(&problem).as_slice()), (400, ["tests/0/name"].as_slice()), "{problem}");
        bridge.stop().await;
    }

    /// An app could be set up with `["name", "sandbox"]`, and a Quick Sync confirmed with `[true]`.
    async fn an_array_is_no_object_and_null_is_none_either(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let test = r#"{"tests":[{"name":"a","profile":{},"assigned":null,"expect":{}}]}"#;
        for (method, path, body, field) in [
            (Method::POST, "/apps", r#"["other", "sandbox"]"#, "body"),
            (Method::POST, "/apps", r#"{"name":"other","adapter":"sandbox","settings":null}"#, "settings"),
            (Method::PATCH, "/apps/sandbox", r#"{"policy":[]}"#, "policy"),
            (Method::POST, "/apps/sandbox/sync", "[true]", "body"),
            (Method::POST, "/apps/sandbox/mapping/preview", "[null, null, null]", "body"),
            (Method::PUT, "/apps/sandbox/mapping", "[]", "body"),
            (Method::PUT, "/apps/sandbox/mapping", r#"{"users":[["a",{"kind":"assignment"}]]}"#, "users/0"),
            (Method::PUT, "/apps/sandbox/mapping", r#"{"users":[{"field":"a","source":["assignment"]}]}"#, "users/0/source"),
            (Method::PUT, "/apps/sandbox/mapping", r#"{"users":[{"field":"a","source":{"kind":"assignment","path":"a"}}]}"#, "users/0/source"),
            (Method::POST, "/apps/sandbox/mapping/validate", test, "tests/0/assigned"),
        ] {
            let problem = refused(&bridge, (method, path), body, 400).await;
            assert_eq!(fields(&problem), [field], "{body}");
        }
        let twice = r#"{"confirm":false,"confirm":true}"#;
        let problem = refused(&bridge, (Method::POST, "/apps/sandbox/sync"), twice, 400).await;
        assert!(problem["detail"].as_str().unwrap().contains("\"confirm\" twice"), "{problem}");
        // A body may be left out, and white space is no body that was left out.
        refused(&bridge, (Method::POST, "/apps/sandbox/sync"), " \t", 400).await;
        let apps = bridge.admin(Method::GET, "/apps", Value::Null).await;
        assert_eq!(apps["items"].as_array().unwrap().len(), 1);
        bridge.stop().await;
    }

    /// Mappings were read up to 256 KiB, whatever `body_limit` said, and the 413 was plain text.
    async fn a_body_is_read_up_to_the_limit_and_refused_in_a_problem_document(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let save = |size: usize| {
            let test = json!({ "name": "x".repeat(size), "profile": {}, "expect": {} });
            json!({ "users": [], "tests": [test] }).to_string()
        };
        let path = "/apps/sandbox/mapping";
        refused(&bridge, (Method::PUT, path), &save(400_000), 422).await;
        refused(&bridge, (Method::PUT, path), &save(1_100_000), 413).await;
        refused(&bridge, (Method::POST, "/apps/sandbox/sync"), &save(1_100_000), 413).await;
        for (method, path) in [
            (Method::POST, "/apps"),
            (Method::POST, "/apps/sandbox/sync"),
            (Method::PUT, "/apps/sandbox/mapping"),
        ] {
            let (status, headers, problem) = send(&bridge, method, path, "text/plain", "{}").await;
            assert_eq!(status, 415, "{problem}");
            assert_eq!(headers[CONTENT_TYPE], "application/problem+json");
        }
        let answer = reqwest::Client::new()
            .post(format!("{}/api/v1/apps", bridge.base))
            .bearer_auth(&bridge.token)
            .header(CONTENT_ENCODING, "br")
            .body("{}");
        assert_eq!(answer.send().await.unwrap().status(), 415);
        bridge.stop().await;
    }

    async fn every_path_tells_its_methods_and_answers_head_as_get(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let described = bridge.admin(Method::GET, "/openapi.json", Value::Null).await;
        for (path, item) in described["paths"].as_object().unwrap() {
            let path = path.replace("{app}", "sandbox").replace("{version}", "1");
            let (status, headers, problem) =
                send(&bridge, Method::TRACE, &path, "application/json", "").await;
            assert_eq!(status, 405, "{path}: {problem}");
            let allowed: Vec<String> =
                headers[ALLOW].to_str().unwrap().split(", ").map(str::to_lowercase).collect();
            for method in item.as_object().unwrap().keys() {
                assert!(allowed.contains(method), "{path}: {allowed:?}");
            }
            assert_eq!(allowed.len(), item.as_object().unwrap().len() + usize::from(item["get"].is_object()));
        }
        let (status, headers, body) =
            send(&bridge, Method::HEAD, "/apps/sandbox", "application/json", "").await;
        assert_eq!((status, body), (200, json!("")));
        assert_eq!(headers[CONTENT_TYPE], "application/json");
        let (status, ..) = send(&bridge, Method::HEAD, "/apps/nobody", "application/json", "").await;
        assert_eq!(status, 404);
        bridge.stop().await;
    }
}
