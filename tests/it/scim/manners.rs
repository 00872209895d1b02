//! What HTTP asks of every address.

use crate::server::Caller;
use crate::world::{Database, World, block_on, both};
use reqwest::Method;
use rollcall::auth::Scope;
use rollcall::scim::dialect::Dialect;
use rollcall::store::Options;
use serde_json::json;
use std::time::Duration;

/// Every address that can be read.
fn readable(person: &str, team: &str) -> Vec<String> {
    let urn = "urn:ietf:params:scim:schemas:core:2.0:User";
    let mut paths: Vec<String> = [
        "",
        "/",
        "/Users",
        "/Users/",
        "/Groups?count=1",
        "/ServiceProviderConfig",
        "/ResourceTypes",
        "/ResourceTypes/User",
        "/Schemas",
    ]
    .map(Into::into)
    .into();
    paths.extend([
        format!("/Users/{person}"),
        format!("/Groups/{team}/"),
        format!("/Schemas/{urn}"),
        "/Me".into(),
    ]);
    paths
}

fn raw(okta: &Caller, method: &str, path: &str) -> Vec<u8> {
    let authorization = okta.authorization.as_deref().unwrap();
    format!("{method} /scim/v2{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: {authorization}\r\n\r\n")
        .into_bytes()
}

both! {
    /// On the wire: a body that is sent all the same would be taken for the next answer.
    async fn head_sends_the_headers_of_get_and_no_body(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let person = okta.person("a").await;
        let team = okta.team("Guides", &[&person]).await;
        let me = server.speaking_for(&person, &[Scope::ScimWrite, Scope::ScimMe]).await;
        for path in readable(&person, &team) {
            let (get, head) = (server.raw(raw(&me, "GET", &path)).await, server.raw(raw(&me, "HEAD", &path)).await);
            let (get, body) = get.split_once("\r\n\r\n").unwrap();
            assert!(get.starts_with("HTTP/1.1 200 OK\r\n") && body.starts_with('{'), "{path}: {get}");
            let (head, nothing) = head.split_once("\r\n\r\n").unwrap();
            assert_eq!(nothing, "", "{path}");
            let headers = |text: &str| {
                let mut lines: Vec<String> = text.lines().filter(|line| {
                    !line.starts_with("date:") && !line.starts_with("x-request-id:")
                }).map(Into::into).collect();
                lines.sort();
                lines
            };
            assert_eq!(headers(head), headers(get), "{path}");
        }
        for path in ["/Nothing", "/Users/x"] {
            let head = server.raw(raw(&me, "HEAD", path)).await;
            assert!(head.starts_with("HTTP/1.1 404 ") && head.ends_with("\r\n\r\n"), "{head}");
        }
    }

    async fn a_read_is_conditional_on_every_single_resource(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let person = okta.person("a").await;
        let team = okta.team("Guides", &[&person]).await;
        for path in [format!("/Users/{person}"), format!("/Groups/{team}")] {
            for method in [Method::GET, Method::HEAD] {
                let ask = async |name: &str, value: &str| {
                    okta.request(method.clone(), &path).header(name, value).send().await
                };
                for tags in ["W/\"1\"", "\"1\"", "*", "W/\"7\", W/\"1\"", "\"x\" , W/\"1\""] {
                    let reply = ask("if-none-match", tags).await;
                    assert_eq!((reply.status, reply.text.as_str()), (304, ""), "{method} {tags}");
                    assert_eq!(reply.header("etag"), Some("W/\"1\""));
                    assert_eq!(reply.header("content-type"), None);
                    assert_eq!(ask("if-match", tags).await.status, 200, "{method} {tags}");
                }
                for tags in ["W/\"2\"", "\"x\"", "W/\"11\", W/\"10\""] {
                    assert_eq!(ask("if-none-match", tags).await.status, 200, "{method} {tags}");
                    assert_eq!(ask("if-match", tags).await.status, 412, "{method} {tags}");
                }
            }
        }
        // Nobody has no version, whatever is asked of it.
        let nobody = "/Users/01890a5d-ac96-774b-bcce-b302099a8057";
        for (name, value) in [("if-match", "*"), ("if-none-match", "*")] {
            for method in [Method::GET, Method::PUT, Method::DELETE] {
                okta.request(method, nobody).header(name, value).json(&json!({"userName": "x"})).send().await.refused(404, None);
            }
        }
    }

    async fn options_say_what_an_address_takes(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let resource = "GET, HEAD, PUT, PATCH, DELETE";
        for (path, allowed) in [
            ("", "GET, HEAD"), ("/", "GET, HEAD"), ("/Users", "GET, HEAD, POST"), ("/Groups/", "GET, HEAD, POST"),
            ("/Users/x", resource), ("/.search", "POST"), ("/Users/.search", "POST"), ("/Bulk", "POST"),
            ("/Me", "GET, HEAD, PUT, PATCH"), ("/Schemas", "GET, HEAD"), ("/ServiceProviderConfig", "GET, HEAD"),
            ("/ResourceTypes/User", "GET, HEAD"),
        ] {
            let reply = okta.request(Method::OPTIONS, path).send().await;
            assert_eq!((reply.status, reply.header("allow"), reply.text.as_str()), (204, Some(allowed), ""), "{path}");
        }
        okta.request(Method::OPTIONS, "/Nothing").send().await.refused(404, None);
        okta.request(Method::TRACE, "/Users").send().await.refused(405, None);
    }

    async fn the_base_may_end_in_a_slash_and_has_one_version(world: World) {
        let server = world.server();
        let mut okta = server.provider(Dialect::Standard).await;
        let person = okta.person("a").await;
        for base in ["/scim/v2", "/scim/v2/", "/o/default/scim/v2", "/o/default/scim/v2/"] {
            okta.base = format!("{}{base}", server.url);
            for path in ["", "/", "/Users", "//Users", "/Users//", "/Schemas/"] {
                okta.get(path).await.expect(200);
            }
            assert_eq!(okta.get(&format!("/Users/{person}/")).await.expect(200)["userName"], "a");
        }
        for base in ["/scim/v9", "/scim/v1", "/scim/V3", "/scim/v2.1", "/o/default/scim/v3"] {
            okta.base = format!("{}{base}", server.url);
            for path in ["", "/", "/Users", "/Users/x", "/Bulk"] {
                let refused = okta.get(path).await.refused(400, Some("invalidVers"));
                assert!(refused.contains("/scim/v2"), "{refused}");
            }
        }
    }
}

/// Who comes when all connections are taken is told when to come again.
#[test]
fn a_busy_server_says_when_to_come_again() {
    for database in [Database::Sqlite, Database::Postgres] {
        let options =
            Options { connections: 1, patience: Duration::from_millis(200), ..Options::default() };
        let world = World::empty(database, &options);
        block_on(async {
            world.store.organization_named("default", crate::world::NOW).await.unwrap();
            let server = world.server();
            let okta = server.provider(Dialect::Standard).await;
            let person = okta.person("a").await;
            let (hold, held) = std::sync::mpsc::channel::<()>();
            let (started, starts) = tokio::sync::oneshot::channel();
            let store = world.store.clone();
            let reading = tokio::spawn(async move {
                store
                    .read(crate::world::ORG, move |_| {
                        started.send(()).unwrap();
                        let _ = held.recv_timeout(Duration::from_secs(20));
                        Ok(())
                    })
                    .await
            });
            starts.await.unwrap();
            let reply = okta.get(&format!("/Users/{person}")).await;
            reply.refused(503, None);
            assert_eq!(reply.header("retry-after"), Some("1"), "{database:?}");
            drop(hold);
            reading.await.unwrap().unwrap();
            okta.get(&format!("/Users/{person}")).await.expect(200);
        });
    }
}
