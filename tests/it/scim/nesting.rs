//! Groups in groups.

use crate::server::Caller;
use crate::world::{NOW, both};
use rollcall::auth::Scope;
use rollcall::scim::dialect::Dialect;
use serde_json::{Value, json};

/// The groups of a person or group, by name, with how.
async fn groups_of(okta: &Caller, person: &str) -> Vec<(String, String)> {
    let shown = okta.get(&format!("/Users/{person}")).await.expect(200);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut groups: Vec<_> = shown["groups"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|group| (text(&group["display"]), text(&group["type"])))
        .collect();
    groups.sort();
    groups
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, how)| ((*name).to_owned(), (*how).to_owned())).collect()
}

fn add(id: &str) -> Value {
    json!([{"op": "add", "path": "members", "value": [{"value": id}]}])
}

both! {
    async fn a_circle_is_refused_however_it_is_closed(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let a = okta.team("A", &[]).await;
        let b = okta.team("B", &[&a]).await;
        let c = okta.team("C", &[&b]).await;
        for (outer, inner) in [(&a, &a), (&a, &b), (&a, &c), (&b, &c), (&c, &c)] {
            let path = format!("/Groups/{outer}");
            let refused = okta.patch(&path, add(inner)).await.refused(400, Some("invalidValue"));
            assert!(refused.contains(inner.as_str()), "{refused}");
            let body = json!({"displayName": "X", "members": [{"value": inner}]});
            let refused = okta.put(&path, &body).await.refused(400, Some("invalidValue"));
            assert!(refused.contains(inner.as_str()), "{refused}");
        }
        assert_eq!((okta.members(&a).await, okta.members(&b).await), (vec![], vec![a.clone()]));
        // The same group twice below another is no circle, and turning a nesting round is none
        // where it is undone first.
        okta.patch(&format!("/Groups/{c}"), add(&a)).await.expect(200);
        okta.patch(&format!("/Groups/{b}"), json!([{"op": "remove", "path": format!("members[value eq \"{a}\"]")}])).await.expect(200);
        okta.patch(&format!("/Groups/{a}"), add(&b)).await.expect(200);
        okta.patch(&format!("/Groups/{b}"), add(&c)).await.refused(400, Some("invalidValue"));
    }

    async fn people_know_their_groups_at_any_depth(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let person = okta.person("bjensen").await;
        let one = okta.team("One", &[&person]).await;
        let two = okta.team("Two", &[&one]).await;
        let three = okta.team("Three", &[&two, &person]).await;
        let side = okta.team("Side", &[&one]).await;
        assert_eq!(groups_of(&okta, &person).await, pairs(&[
            ("One", "direct"), ("Side", "indirect"), ("Three", "direct"), ("Two", "indirect"),
        ]));
        let listed = okta.get("/Users").await.expect(200);
        assert_eq!(listed["Resources"][0]["groups"].as_array().unwrap().len(), 4);
        for (filter, total) in [
            (format!("groups.value eq \"{two}\""), 1),
            (format!("groups[value eq \"{three}\" and type eq \"direct\"]"), 1),
            (format!("groups[value eq \"{two}\" and type eq \"direct\"]"), 0),
            ("groups.display eq \"side\"".to_owned(), 1),
        ] {
            assert_eq!(okta.filter("/Users", &filter).await.expect(200)["totalResults"], total, "{filter}");
        }
        // A group in the middle goes: so does what was known through it alone.
        okta.delete(&format!("/Groups/{two}")).await.expect(204);
        assert_eq!(okta.members(&three).await, std::slice::from_ref(&person));
        assert_eq!(groups_of(&okta, &person).await, pairs(&[("One", "direct"), ("Side", "indirect"), ("Three", "direct")]));
        okta.delete(&format!("/Groups/{one}")).await.expect(204);
        assert_eq!(okta.members(&side).await, [""; 0]);
        assert_eq!(groups_of(&okta, &person).await, pairs(&[("Three", "direct")]));
        okta.delete(&format!("/Users/{person}")).await.expect(204);
        assert_eq!(okta.members(&three).await, [""; 0]);
        let found = okta.filter("/Groups", &format!("members.value eq \"{person}\"")).await.expect(200);
        assert_eq!(found["totalResults"], 0);
    }

    async fn members_are_people_and_groups_of_the_same_organization(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let second = world.store.organization_named("second", NOW).await.unwrap().id;
        let token = server.token_in(second, "okta", Dialect::Standard, &[Scope::ScimWrite], None).await;
        let foreign = server.bearer(&token).person("stranger").await;
        let (person, team) = (okta.person("a").await, okta.team("Guides", &[]).await);
        let path = format!("/Groups/{team}");
        for nobody in [foreign.as_str(), "", "x", &person.to_uppercase()] {
            let members = json!([{"value": person}, {"value": nobody}]);
            let refused = [
                okta.patch(&path, json!([{"op": "add", "path": "members", "value": members}])).await,
                okta.put(&path, &json!({"displayName": "X", "members": members})).await,
                okta.post("/Groups", &json!({"displayName": "X", "members": members})).await,
            ];
            for refused in refused {
                let sentence = refused.refused(400, Some("invalidValue"));
                assert!(nobody.is_empty() || sentence.contains(nobody), "{sentence}");
            }
        }
        assert_eq!(okta.members(&team).await, [""; 0]);
        let shown = okta.get(&path).await.expect(200);
        assert_eq!((&shown["displayName"], &shown["meta"]["version"]), (&json!("Guides"), &json!("W/\"1\"")));
    }
}
