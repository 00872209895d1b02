//! Groups of a hundred thousand.

use crate::server::{Caller, Server};
use crate::world::{NOW, ORG, World, both};
use reqwest::Method;
use rollcall::directory::{Answer, Body, Got, View};
use rollcall::scim::dialect::Dialect;
use rollcall::scim::projection::Projection;
use rollcall::scim::schema::ResourceType;
use rollcall::store::Error;
use rollcall::store::changes::ChangeOp;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

const MANY: usize = 100_000;

/// The id of the person `n`.
fn person(n: usize) -> String {
    format!("00000000-0000-7000-8000-{n:012x}")
}

/// Puts people into the database, behind the store's back.
fn people(world: &World, count: usize) {
    let sql = |id: &str, series: &str| {
        format!(
            "INSERT INTO resource (organization, id, kind, version, user_name, label, doc, created_us, modified_us) \
             SELECT 1, {id}, 'User', 1, 'u' || n, 'u' || n, '{{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"u' || n || '\"}}', {NOW}, {NOW} {series}"
        )
    };
    crate::world::execute(
        &world.url,
        &sql(
            "unhex(printf('00000000000070008000%012x', n))",
            &format!(
                "FROM (WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < {}) SELECT n FROM s)",
                count - 1
            ),
        ),
        &sql(
            "('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid",
            // As PostgreSQL does by itself within a minute.
            &format!("FROM generate_series(0, {}) n; ANALYZE resource", count - 1),
        ),
    );
}

/// These people as members, without the cost of a tree of values.
fn members(numbers: impl Iterator<Item = usize>) -> String {
    let mut text = String::from("[");
    for n in numbers {
        write!(text, "{}{{\"value\":\"{}\"}}", if text.len() > 1 { "," } else { "" }, person(n))
            .unwrap();
    }
    text.push(']');
    text
}

fn ids(group: &Value) -> Vec<String> {
    let id = |member: &Value| member["value"].as_str().unwrap().to_owned();
    group["members"].as_array().map(|all| all.iter().map(id).collect()).unwrap_or_default()
}

async fn patch(okta: &Caller, group: &str, op: &str, members: &str) {
    let body = format!(
        "{{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\
         \"Operations\":[{{\"op\":\"{op}\",\"path\":\"members\",\"value\":{members}}}]}}"
    );
    let reply = okta
        .request(Method::PATCH, &format!("/Groups/{group}"))
        .body("application/scim+json", body)
        .send()
        .await;
    assert!([200, 204].contains(&reply.status), "{}", reply.text);
}

both! {
    async fn a_hundred_thousand_join_stay_and_make_room_for_others(world: World) {
        people(&world, 2 * MANY);
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let group = okta.team("Everybody", &[]).await;
        server.changes().await;
        patch(&okta, &group, "add", &members(0..MANY)).await;
        let changes = server.changes().await;
        assert_eq!(changes.iter().map(|row| row.change.joined.len()).sum::<usize>(), MANY);
        assert!(changes.iter().all(|row| row.change.op == ChangeOp::Members && row.change.joined.len() <= 1_000));
        // All of them are read, each once, with the version that was there at the start.
        let reply = okta.get(&format!("/Groups/{group}")).await;
        assert_eq!((reply.header("etag"), reply.header("transfer-encoding")), (Some("W/\"2\""), Some("chunked")));
        let shown = reply.expect(200);
        assert_eq!((&shown["meta"]["version"], &shown["displayName"]), (&json!("W/\"2\""), &json!("Everybody")));
        assert_eq!(ids(&shown), (0..MANY).map(person).collect::<Vec<_>>());
        assert_eq!(shown["members"][7]["$ref"], format!("{}/Users/{}", okta.base, person(7)));
        // One more costs what one costs; again nobody is no change.
        patch(&okta, &group, "add", &members(MANY..=MANY)).await;
        patch(&okta, &group, "add", &members(0..MANY)).await;
        let head = okta.request(Method::HEAD, &format!("/Groups/{group}")).send().await;
        assert_eq!((head.status, head.header("etag"), head.text.as_str()), (200, Some("W/\"3\""), ""));
        // Others take their place.
        let body = format!(
            "{{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Group\"],\"displayName\":\"Others\",\"members\":{}}}",
            members(MANY..2 * MANY)
        );
        let reply = okta.request(Method::PUT, &format!("/Groups/{group}")).body("application/scim+json", body).send().await;
        let shown = reply.expect(200);
        assert_eq!((reply.header("etag"), ids(&shown).len(), &shown["displayName"]), (Some("W/\"4\""), MANY, &json!("Others")));
        assert_eq!(ids(&shown), (MANY..2 * MANY).map(person).collect::<Vec<_>>());
        // And go one by one, by a list, and all at once.
        let path = format!("/Groups/{group}");
        okta.patch(&path, json!([{"op": "remove", "path": format!("members[value eq \"{}\"]", person(MANY))}])).await.expect(204);
        patch(&okta, &group, "remove", &members(MANY..MANY + MANY / 2)).await;
        let shown = okta.get(&path).await.expect(200);
        assert_eq!(ids(&shown), (MANY + MANY / 2..2 * MANY).map(person).collect::<Vec<_>>());
        okta.delete(&path).await.expect(204);
    }

    async fn a_large_group_is_read_in_small_parts(world: World) {
        people(&world, 5_500);
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let group = okta.team("Everybody", &[]).await;
        patch(&okta, &group, "add", &members(0..5_500)).await;
        let (caller, kind) = directory(&world).await;
        let read = async || {
            let view = View {
                brief: false,
                base: "https://x".into(),
                shown: Some(Projection::default()),
                forgiven: <_>::default(),
            };
            let id = group.parse().unwrap();
            let got = server.service.get(&caller, &kind, id, <_>::default(), view).await.unwrap();
            let Got::Resource(Answer { body: Some(Body::Paged(paged)), .. }) = got else {
                panic!("not in parts: {got:?}");
            };
            paged
        };
        let (mut paged, mut text) = (read().await, Vec::new());
        while let Some(part) = paged.next().await.unwrap() {
            assert!(part.len() < 400_000, "{}", part.len());
            text.extend(part);
        }
        let shown: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(ids(&shown), (0..5_500).map(person).collect::<Vec<_>>());
        // Whoever stays is read once, whatever happens meanwhile.
        let mut paged = read().await;
        let mut text = paged.next().await.unwrap().unwrap();
        patch(&okta, &group, "remove", &members((0..5_500).filter(|n| n % 2 == 1))).await;
        while let Some(part) = paged.next().await.unwrap() {
            text.extend(part);
        }
        let shown: Value = serde_json::from_slice(&text).unwrap();
        let (all, once) = (ids(&shown), ids(&shown).into_iter().collect::<BTreeSet<_>>());
        assert_eq!(all.len(), once.len());
        assert!((0..5_500).filter(|n| n % 2 == 0).all(|n| once.contains(&person(n))));
        assert_eq!(shown["meta"]["version"], "W/\"2\"");
        // What is gone before its end does not end as if it were whole.
        let mut paged = read().await;
        paged.next().await.unwrap();
        okta.delete(&format!("/Groups/{group}")).await.expect(204);
        let mut end = paged.next().await;
        while let Ok(Some(_)) = end {
            end = paged.next().await;
        }
        assert!(matches!(end, Err(Error::NotFound)), "{end:?}");
    }

    async fn lists_of_large_groups_are_read_in_small_parts_too(world: World) {
        people(&world, 6_000);
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let mut teams = Vec::new();
        for (name, count) in [("None", 0), ("One", 1), ("Page", 1_000), ("Many", 6_000), ("Half", 3_500)] {
            let team = okta.team(name, &[]).await;
            if count > 0 {
                patch(&okta, &team, "add", &members(0..count)).await;
            }
            teams.push((name, count));
        }
        for path in ["/Groups", "", "/Groups?cursor&count=10", "?sortBy=displayName&filter=meta.resourceType%20eq%20%22Group%22"] {
            let query = if path.is_empty() { "?filter=displayName%20pr" } else { path };
            let reply = okta.get(query).await;
            assert_eq!(reply.header("transfer-encoding"), Some("chunked"), "{query}");
            let list = reply.expect(200);
            assert_eq!((&list["totalResults"], &list["itemsPerPage"]), (&json!(5), &json!(5)), "{query}");
            let mut told: Vec<_> = list["Resources"].as_array().unwrap().iter()
                .map(|one| (one["displayName"].as_str().unwrap(), ids(one).len())).collect();
            told.sort_by_key(|(name, _)| teams.iter().position(|team| team.0 == *name));
            assert_eq!(told, teams, "{query}");
            for one in list["Resources"].as_array().unwrap() {
                assert_eq!(ids(one), (0..ids(one).len()).map(person).collect::<Vec<_>>());
            }
        }
        // Few members, or none wanted: in one part, as ever.
        for query in ["/Groups?excludedAttributes=members", "/Groups?filter=displayName%20eq%20%22page%22", "/Groups?attributes=displayName"] {
            assert_eq!(okta.get(query).await.header("transfer-encoding"), None, "{query}");
        }
    }

    /// Eight who do not read what they asked for are twice as many as there are connections.
    async fn who_reads_slowly_holds_up_nobody(world: World) {
        people(&world, 60_000);
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let group = okta.team("Everybody", &[]).await;
        patch(&okta, &group, "add", &members(0..60_000)).await;
        let mut slow: Vec<TcpStream> = (0..8).map(|_| ask(&server, &okta, "GET", &group)).collect();
        tokio::time::sleep(Duration::from_millis(500)).await;
        for n in 0..20 {
            okta.get(&format!("/Users/{}", person(n))).await.expect(200);
            okta.person(&format!("new{n}")).await;
        }
        // They still get all of it.
        let reading = tokio::task::spawn_blocking(move || read(&mut slow[0]));
        let text = reading.await.unwrap();
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("0\r\n\r\n"));
        assert_eq!(text.matches("\"value\":\"00000000-").count(), 60_000);
        // HEAD has the same headers, and none of the members.
        let asked = (ask(&server, &okta, "HEAD", &group), ask(&server, &okta, "HEAD", "x"));
        let reading = tokio::task::spawn_blocking(move || {
            let (mut known, mut unknown) = asked;
            (read(&mut known), read(&mut unknown))
        });
        let (known, unknown) = reading.await.unwrap();
        let (head, body) = known.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, "");
        for header in ["etag: W/\"2\"", "content-type: application/scim+json", "transfer-encoding: chunked"] {
            assert!(head.contains(header), "{head}");
        }
        assert!(unknown.starts_with("HTTP/1.1 404 ") && unknown.ends_with("\r\n\r\n"), "{unknown}");
    }
}

/// Sends a request for a group, and does not read the answer.
fn ask(server: &Server, okta: &Caller, method: &str, group: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let authorization = okta.authorization.as_deref().unwrap();
    let request = format!(
        "{method} /scim/v2/Groups/{group} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         authorization: {authorization}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

fn read(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// Whoever asks the directory without HTTP in between, and what for.
async fn directory(world: &World) -> (rollcall::directory::Caller, Arc<ResourceType>) {
    let registry = world.store.registry(ORG).await.unwrap();
    let kind = Arc::clone(registry.named("Group").unwrap());
    let caller = rollcall::directory::Caller {
        organization: ORG,
        dialect: Dialect::Standard,
        client: rollcall::id::ClientId(rollcall::id::new_uuid(NOW)),
        actor: "client:test".into(),
        registry,
        self_service: false,
    };
    (caller, kind)
}
