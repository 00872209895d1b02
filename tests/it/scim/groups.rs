//! Groups and their members.

use crate::server::{Caller, id};
use crate::world::both;
use rollcall::scim::dialect::Dialect;
use rollcall::store::changes::{ChangeOp, ChangeRow};
use serde_json::{Value, json};

async fn people(provider: &Caller, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..count {
        ids.push(provider.person(&format!("person{number}")).await);
    }
    ids
}

/// What a change says: op, how many joined, how many left.
fn said(rows: &[ChangeRow]) -> Vec<(&str, ChangeOp, usize, usize)> {
    rows.iter()
        .map(|row| {
            let change = &row.change;
            (change.kind.as_str(), change.op, change.joined.len(), change.left.len())
        })
        .collect()
}

both! {
    async fn members_are_shown_with_their_addresses_and_on_request_with_their_names(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let person = okta.person("bjensen").await;
        let inner = okta.team("Guides", &[&person]).await;
        let outer = okta.team("Staff", &[&inner]).await;
        let shown = okta.get(&format!("/Groups/{outer}")).await.expect(200);
        assert_eq!(shown["members"], json!([{
            "value": inner, "$ref": format!("{}/Groups/{inner}", okta.base), "type": "Group",
        }]));
        let named = okta.get(&format!("/Groups/{outer}?attributes=members.display")).await;
        assert_eq!(named.expect(200)["members"], json!([{"display": "Guides"}]));
        let shown = okta.get(&format!("/Users/{person}")).await.expect(200);
        let mut groups = shown["groups"].as_array().unwrap().clone();
        groups.sort_by_key(|group| group["display"].to_string());
        assert_eq!(groups, [
            json!({"value": inner, "$ref": format!("{}/Groups/{inner}", okta.base),
                   "display": "Guides", "type": "direct"}),
            json!({"value": outer, "$ref": format!("{}/Groups/{outer}", okta.base),
                   "display": "Staff", "type": "indirect"}),
        ]);
        // A list shows the same, and none of it when it is not wanted.
        let listed = okta.get("/Groups?sortBy=displayName").await.expect(200);
        assert_eq!(listed["Resources"][0]["members"][0]["value"], person);
        let listed = okta.get("/Groups?excludedAttributes=members").await.expect(200);
        assert_eq!(listed["Resources"][0].get("members"), None);
        let listed = okta.get("/Users").await.expect(200);
        assert_eq!(listed["Resources"][0]["groups"].as_array().unwrap().len(), 2);
        let only = okta.get(&format!("/Groups/{outer}?attributes=members.value")).await.expect(200);
        assert_eq!(only["members"], json!([{"value": inner}]));
        // What may not be is refused: a circle, and a member that nobody is.
        let refused = okta.patch(&format!("/Groups/{inner}"),
            json!([{"op": "add", "path": "members", "value": [{"value": outer}]}])).await;
        refused.refused(400, Some("invalidValue"));
        for nobody in ["00919288221112222", "01890a5d-ac96-774b-bcce-b302099a8057"] {
            let refused = okta.patch(&format!("/Groups/{outer}"),
                json!([{"op": "add", "path": "members", "value": [{"value": nobody}]}])).await;
            assert!(refused.refused(400, Some("invalidValue")).contains(nobody));
            okta.post("/Groups", &json!({"displayName": "x", "members": [{"value": nobody}]})).await
                .refused(400, Some("invalidValue"));
        }
        assert_eq!(okta.filter("/Groups", "displayName eq \"x\"").await.expect(200)["totalResults"], 0);
    }

    async fn a_patch_answers_without_the_members(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let ids = people(&okta, 3).await;
        let group = okta.team("Guides", &[&ids[0]]).await;
        let path = format!("/Groups/{group}");
        server.changes().await;
        let add = |id: &str| json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
        let reply = okta.patch(&path, add(&ids[1])).await;
        // A small group is answered whole.
        assert_eq!(reply.expect(200)["members"].as_array().unwrap().len(), 2);
        assert_eq!(reply.header("etag"), Some("W/\"2\""));
        assert_eq!(reply.header("location"), Some(format!("{}{path}", okta.base).as_str()));
        assert_eq!(said(&server.changes().await), [("Group", ChangeOp::Members, 1, 0)]);
        // Again: nothing.
        let reply = okta.patch(&path, add(&ids[1])).await;
        assert_eq!((reply.status, reply.header("etag")), (200, Some("W/\"2\"")));
        let gone = json!([{"op": "remove", "path": format!("members[value eq \"{}\"]", ids[2])}]);
        assert_eq!(okta.patch(&path, gone).await.header("etag"), Some("W/\"2\""));
        assert_eq!(server.changes().await, []);
        // Who has many members is answered without a body, unless it is asked for.
        let mut many = Vec::new();
        for number in 0..100 {
            many.push(json!({"value": world.user(&format!("more{number}")).await.to_string()}));
        }
        let reply = okta.patch(&path, json!([{"op": "add", "path": "members", "value": many}])).await;
        assert_eq!((reply.status, reply.text.as_str()), (204, ""));
        assert_eq!(reply.header("location"), Some(format!("{}{path}", okta.base).as_str()));
        let reply = okta.patch(&format!("{path}?attributes=displayName"), add(&ids[2])).await;
        assert_eq!(reply.expect(200)["displayName"], "Guides");
        assert_eq!(reply.expect(200).get("members"), None);
        let reply = okta.patch(&format!("{path}?excludedAttributes=meta"), add(&ids[2])).await;
        assert_eq!(reply.expect(200)["members"].as_array().unwrap().len(), 103);
    }

    /// By dialect: left out of the group, or refused with the id.
    async fn a_member_who_is_nobody_is_named_or_left_out(world: World) {
        let server = world.server();
        let nobody = "01906b97-5c00-7000-8000-000000000000";
        for dialect in [Dialect::Strict, Dialect::Standard, Dialect::Okta, Dialect::Entra] {
            let caller = server.provider(dialect).await;
            let person = caller.person(&format!("{}@example.com", dialect.as_str())).await;
            let forgiven = matches!(dialect, Dialect::Okta | Dialect::Entra);
            for wrong in [nobody, "no id at all"] {
                let members = json!([{"value": wrong}, {"value": person}]);
                let name = format!("{} {wrong}", dialect.as_str());
                let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
                    "displayName": name, "members": members});
                let made = caller.post("/Groups", &body).await;
                let group = caller.team(&format!("{name} too"), &[]).await;
                let path = format!("/Groups/{group}");
                let mut next = body.clone();
                next["displayName"] = format!("{name} next").into();
                let put = caller.put(&path, &next).await;
                let patch = caller.patch(&path, json!([{"op": "add", "path": "members", "value": members}])).await;
                if forgiven {
                    assert_eq!(caller.members(&id(&made.expect(201))).await, [person.as_str()], "{name}");
                    assert_eq!(caller.members(&id(&put.expect(200))).await, [person.as_str()], "{name}");
                    assert!([200, 204].contains(&patch.status), "{name}");
                    assert_eq!(caller.members(&group).await, [person.as_str()], "{name}");
                } else {
                    for reply in [made, put, patch] {
                        let detail = reply.refused(400, Some("invalidValue"));
                        assert!(detail.contains(wrong), "{name}: {detail}");
                    }
                    assert_eq!(caller.members(&group).await, [""; 0], "{name}");
                }
            }
        }
    }

    async fn operations_on_members_count_in_their_order(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let ids = people(&okta, 4).await;
        let group = okta.team("Guides", &[&ids[0], &ids[1]]).await;
        let path = format!("/Groups/{group}");
        server.changes().await;
        okta.patch(&path, json!([
            {"op": "add", "path": "members", "value": [{"value": ids[2]}, {"value": ids[3]}]},
            {"op": "remove", "path": format!("members[value eq \"{}\"]", ids[2])},
            {"op": "remove", "path": "members", "value": [{"value": ids[0]}]},
            {"op": "replace", "path": "displayName", "value": "Tour guides"},
        ])).await.expect(200);
        let mut expected = vec![ids[1].clone(), ids[3].clone()];
        expected.sort();
        assert_eq!(okta.members(&group).await, expected);
        assert_eq!(said(&server.changes().await), [("Group", ChangeOp::Update, 1, 1)]);
        // In and out again is nothing at all.
        let reply = okta.patch(&path, json!([
            {"op": "add", "path": "members", "value": [{"value": ids[2]}]},
            {"op": "remove", "path": "members", "value": [{"value": ids[2]}]},
        ])).await;
        assert_eq!(reply.header("etag"), Some("W/\"2\""));
        assert_eq!(server.changes().await, []);
        // All or nothing.
        okta.patch(&path, json!([
            {"op": "add", "path": "members", "value": [{"value": ids[2]}]},
            {"op": "replace", "path": "nothing.here", "value": "x"},
        ])).await.refused(400, Some("invalidPath"));
        assert_eq!(okta.members(&group).await, expected);
        okta.patch(&path, json!([{"op": "replace", "path": "members", "value": [{"value": ids[0]}]}]))
            .await.expect(200);
        assert_eq!(okta.members(&group).await, [ids[0].clone()]);
        okta.patch(&path, json!([{"op": "remove", "path": "members"}])).await.expect(200);
        assert_eq!(okta.members(&group).await, [""; 0]);
    }

    async fn a_put_without_members_keeps_them_but_for_strict_clients(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Okta).await;
        let strict = server.provider(Dialect::Strict).await;
        let ids = people(&okta, 2).await;
        let group = okta.team("Guides", &[&ids[0]]).await;
        let path = format!("/Groups/{group}");
        let renamed = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Tour guides",
        });
        let shown = okta.put(&path, &renamed).await.expect(200);
        assert_eq!(shown["displayName"], "Tour guides");
        assert_eq!(shown["members"][0]["value"], ids[0]);
        let with = json!({"displayName": "Tour guides", "members": [{"value": ids[1]}]});
        assert_eq!(okta.put(&path, &with).await.expect(200)["members"][0]["value"], ids[1]);
        assert_eq!(strict.put(&path, &renamed).await.expect(200).get("members"), None);
        assert_eq!(okta.members(&group).await, [""; 0]);
        okta.put(&path, &with).await.expect(200);
        let none = json!({"displayName": "Tour guides", "members": []});
        assert_eq!(okta.put(&path, &none).await.expect(200).get("members"), None);
    }

    async fn who_goes_leaves_every_group_and_each_group_says_so(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let ids = people(&okta, 2).await;
        let one = okta.team("One", &[&ids[0], &ids[1]]).await;
        let two = okta.team("Two", &[&ids[0]]).await;
        let above = okta.team("Above", &[&two]).await;
        server.changes().await;
        okta.delete(&format!("/Users/{}", ids[0])).await.expect(204);
        assert_eq!(okta.members(&one).await, [ids[1].clone()]);
        assert_eq!(okta.members(&two).await, [""; 0]);
        let version = |group: &Value| group["meta"]["version"].clone();
        assert_eq!(version(&okta.get(&format!("/Groups/{one}")).await.expect(200)), "W/\"2\"");
        assert_eq!(version(&okta.get(&format!("/Groups/{above}")).await.expect(200)), "W/\"1\"");
        let mut changes = said(&server.changes().await)
            .into_iter().map(|(kind, op, joined, left)| (kind.to_owned(), op.as_str(), joined, left))
            .collect::<Vec<_>>();
        changes.sort();
        assert_eq!(changes, [
            ("Group".into(), "members", 0, 1),
            ("Group".into(), "members", 0, 1),
            ("User".into(), "delete", 0, 0),
        ]);
        // A group that goes leaves the groups above it, and its members are told.
        okta.patch(&format!("/Groups/{two}"),
            json!([{"op": "add", "path": "members", "value": [{"value": ids[1]}]}])).await.expect(200);
        server.changes().await;
        okta.delete(&format!("/Groups/{two}")).await.expect(204);
        assert_eq!(okta.members(&above).await, [""; 0]);
        let changes = server.changes().await;
        assert_eq!(changes.len(), 3);
        let of_two: Vec<_> =
            changes.iter().filter(|row| row.change.resource.to_string() == two).cloned().collect();
        assert_eq!(said(&of_two),
            [("Group", ChangeOp::Members, 0, 1), ("Group", ChangeOp::Delete, 0, 0)]);
        assert_eq!(okta.get(&format!("/Users/{}", ids[1])).await.expect(200)["groups"]
            .as_array().unwrap().len(), 1);
    }

    async fn more_people_than_one_change_lists_are_listed_in_several(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let mut ids = Vec::new();
        for number in 0..1_250 {
            ids.push(world.user(&format!("person{number}")).await.to_string());
        }
        let all: Vec<Value> = ids.iter().map(|id| json!({"value": id})).collect();
        let made = okta.post("/Groups", &json!({"displayName": "All", "members": all})).await.expect(201);
        assert_eq!(made["members"].as_array().unwrap().len(), 1_250);
        let path = format!("/Groups/{}", id(&made));
        assert_eq!(said(&server.changes().await), [
            ("Group", ChangeOp::Create, 1_000, 0), ("Group", ChangeOp::Members, 250, 0),
        ]);
        okta.patch(&path, json!([{"op": "replace", "path": "members", "value": []}])).await.expect(200);
        assert_eq!(said(&server.changes().await), [
            ("Group", ChangeOp::Members, 0, 1_000), ("Group", ChangeOp::Members, 0, 250),
        ]);
    }

    async fn entra_counts_on_group_names_being_unique(world: World) {
        let server = world.server();
        let entra = server.provider(Dialect::Entra).await;
        let okta = server.provider(Dialect::Okta).await;
        let first = entra.team("Guides", &[]).await;
        entra.post("/Groups", &json!({"displayName": "GUIDES"})).await.refused(409, Some("uniqueness"));
        let other = entra.team("Tours", &[]).await;
        entra.patch(&format!("/Groups/{other}"), json!([{"op": "Replace", "value": {"displayName": "guides"}}]))
            .await.refused(409, Some("uniqueness"));
        entra.patch(&format!("/Groups/{first}"), json!([{"op": "Replace", "value": {"displayName": "guides"}}]))
            .await.expect(204);
        okta.team("Guides", &[]).await;
    }

    /// A rename that wrote null for what it did not speak of emptied the group.
    async fn null_members_empty_no_group(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Okta).await;
        let person = okta.person("bjensen").await;
        let group = okta.team("Guides", &[&person]).await;
        okta.patch(&format!("/Groups/{group}"), json!([
            {"op": "replace", "value": {"displayName": "Renamed", "members": null}}
        ])).await.expect(200);
        let shown = okta.get(&format!("/Groups/{group}")).await.expect(200);
        assert_eq!((&shown["displayName"], shown["members"].as_array().map(Vec::len)), (&json!("Renamed"), Some(1)));
        let mut body = shown.clone();
        body["members"] = json!(null);
        okta.put(&format!("/Groups/{group}"), &body).await.expect(200);
        let shown = okta.get(&format!("/Groups/{group}")).await.expect(200);
        assert_eq!(shown["members"].as_array().map(Vec::len), Some(1));
        // For those who are forgiven nothing, null is nobody.
        let other = server.provider(Dialect::Strict).await;
        let shown = other.put(&format!("/Groups/{group}"), &body).await.expect(200);
        assert_eq!(shown.get("members"), None);
    }

    /// A PUT that said nothing of `active` switched a leaver on.
    async fn a_leaver_is_off_until_somebody_says_otherwise(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let person = okta.person("bjensen").await;
        let path = format!("/Users/{person}");
        okta.patch(&path, json!([{"op": "replace", "path": "active", "value": false}])).await.expect(200);
        let mut body = okta.get(&path).await.expect(200);
        body.as_object_mut().unwrap().remove("active");
        assert_eq!(okta.put(&path, &body).await.expect(200)["active"], false);
    }
}
