//! Many callers at once lose nothing.

use crate::world::both;
use rollcall::scim::dialect::Dialect;
use serde_json::json;
use std::collections::BTreeSet;
use tokio::task::JoinSet;

both! {
    async fn two_hundred_members_added_at_once_are_all_there(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let group = okta.team("Guides", &[]).await;
        let mut ids = BTreeSet::new();
        for number in 0..200 {
            ids.insert(world.user(&format!("person{number}")).await.to_string());
        }
        let mut tasks = JoinSet::new();
        for id in ids.clone() {
            let (okta, path) = (okta.clone(), format!("/Groups/{group}"));
            tasks.spawn(async move {
                let operations = json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
                assert!([200, 204].contains(&okta.patch(&path, operations).await.status));
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        assert_eq!(okta.members(&group).await, ids.into_iter().collect::<Vec<_>>());
        let shown = okta.get(&format!("/Groups/{group}?attributes=meta")).await.expect(200);
        assert_eq!(shown["meta"]["version"], "W/\"201\"");
        assert_eq!(server.changes().await.len(), 201);
    }

    async fn patches_of_one_person_at_once_are_all_applied(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let path = format!("/Users/{}", okta.person("a").await);
        let mut tasks = JoinSet::new();
        for number in 0..60 {
            let (okta, path) = (okta.clone(), path.clone());
            tasks.spawn(async move {
                let email = json!([{"value": format!("{number}@example.com")}]);
                okta.patch(&path, json!([{"op": "add", "path": "emails", "value": email}])).await.expect(200);
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        let shown = okta.get(&path).await.expect(200);
        assert_eq!(shown["emails"].as_array().unwrap().len(), 60);
        assert_eq!(shown["meta"]["version"], "W/\"61\"");
    }

    async fn one_of_many_who_want_a_name_gets_it(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let mut tasks = JoinSet::new();
        for _ in 0..20 {
            let okta = okta.clone();
            tasks.spawn(async move { okta.post("/Users", &json!({"userName": "bjensen"})).await.status });
        }
        let mut statuses = tasks.join_all().await;
        statuses.sort_unstable();
        let mut expected = vec![409; 20];
        expected[0] = 201;
        assert_eq!(statuses, expected);
    }

    async fn one_of_many_who_want_a_group_name_gets_it_from_entra(world: World) {
        let server = world.server();
        let entra = server.provider(Dialect::Entra).await;
        let mut tasks = JoinSet::new();
        for _ in 0..20 {
            let entra = entra.clone();
            tasks.spawn(async move {
                entra.post("/Groups", &json!({"displayName": "Guides"})).await.status
            });
        }
        let mut statuses = tasks.join_all().await;
        statuses.sort_unstable();
        let mut expected = vec![409; 20];
        expected[0] = 201;
        assert_eq!(statuses, expected);
    }

    async fn who_is_deleted_while_joining_is_in_no_group(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let group = okta.team("Guides", &[]).await;
        for number in 0..20 {
            let id = okta.person(&format!("person{number}")).await;
            let operations = json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
            let (path, person) = (format!("/Groups/{group}"), format!("/Users/{id}"));
            let (joined, gone) = tokio::join!(okta.patch(&path, operations), okta.delete(&person));
            gone.expect(204);
            assert!([200, 400].contains(&joined.status), "{}: {}", joined.status, joined.text);
        }
        assert_eq!(okta.members(&group).await, [""; 0]);
    }
}
