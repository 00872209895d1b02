//! Rows behind `/Users` and `/Groups`.

use crate::world::{NOW, ORG, attributes, both, kind, new_id};
use rollcall::id::OrganizationId;
use rollcall::store::Error;
use serde_json::json;

both! {
    async fn a_resource_lives_and_dies(world: World) {
        let urn = rollcall::scim::urn::ENTERPRISE_USER;
        let body = json!({
            "schemas": [rollcall::scim::urn::USER, urn],
            "userName": "bjensen",
            "emails": [{"value": "b@x.org", "type": "work"}, {"value": "b@y.org"}],
            "nickName": "a \u{1f600} NUL \\u0000 is text here",
            urn: {"department": "Tour"},
        });
        let stored = world.insert("User", body.clone()).await.unwrap();
        assert_eq!((stored.version, stored.created_us, stored.modified_us), (1, NOW, NOW));
        let id = stored.id;
        let read = world.store.read(ORG, move |r| r.resource("User", id)).await.unwrap().unwrap();
        assert_eq!(read, stored);
        assert_eq!(read.attributes, attributes(body));
        let other_type = world.store.read(ORG, move |r| r.resource("Group", id)).await.unwrap();
        assert_eq!(other_type, None);
        let elsewhere = world.store.read(OrganizationId(2), move |r| r.resource_any(id)).await;
        assert_eq!(elsewhere.unwrap(), None);

        let complete = read.complete(&kind("User"), "https://x/scim/v2");
        let names: Vec<&str> = complete.keys().map(String::as_str).collect();
        assert_eq!(names, ["schemas", "id", "userName", "emails", "nickName", urn, "meta"]);
        assert_eq!(complete["meta"]["location"], format!("https://x/scim/v2/Users/{id}"));
        assert_eq!(complete["meta"]["version"], "W/\"1\"");
        assert_eq!(complete["meta"]["created"], "2024-07-01T00:00:00.000Z");

        world.store.write(ORG, move |t| t.delete_resource(id)).await.unwrap();
        let gone = world.store.read(ORG, move |r| r.resource_any(id)).await.unwrap();
        assert_eq!(gone, None);
        let again = world.store.write(ORG, move |t| t.delete_resource(id)).await;
        assert!(matches!(again, Err(Error::NotFound)));
    }

    async fn user_names_are_unique_without_case_in_one_organization(world: World) {
        world.user("BJensen").await;
        let taken = world.insert("User", json!({"userName": "bjENSEN"})).await;
        assert!(matches!(taken, Err(Error::Taken("userName"))), "{taken:?}");
        world.insert("Group", json!({"displayName": "bjensen"})).await.unwrap();
        world.insert("Group", json!({"displayName": "bjensen"})).await.unwrap();
        let other = world.store.organization_named("other", NOW).await.unwrap().id;
        let id = new_id();
        world
            .store
            .write(other, move |t| {
                let body = attributes(json!({"userName": "bjensen"}));
                t.insert_resource(&kind("User"), id, &body, NOW)
            })
            .await
            .unwrap();
    }

    async fn a_version_that_is_not_current_is_stale(world: World) {
        let id = world.user("bjensen").await;
        let updated = world
            .store
            .write(ORG, move |t| {
                let before = t.resource_for_update("User", id)?.ok_or(Error::NotFound)?;
                let next = attributes(json!({"userName": "babs"}));
                let after = t.update_resource(&kind("User"), &before, &next, NOW + 1)?;
                let touched = t.touch_resource(&after, NOW + 2)?;
                assert!(matches!(t.touch_resource(&after, NOW + 3), Err(Error::Stale)));
                let again = t.update_resource(&kind("User"), &before, &next, NOW + 3);
                assert!(matches!(again, Err(Error::Stale)));
                Ok(touched)
            })
            .await
            .unwrap();
        assert_eq!((updated.version, updated.modified_us), (3, NOW + 2));
        let read = world.store.read(ORG, move |r| r.resource("User", id)).await.unwrap();
        assert_eq!(read, Some(updated));
    }

    async fn values_too_long_for_their_column_are_refused_by_name(world: World) {
        let long = "x".repeat(1_001);
        for (name, body) in [
            ("userName", json!({"userName": long})),
            ("externalId", json!({"userName": "a", "externalId": long})),
            ("displayName", json!({"userName": "a", "displayName": long})),
            ("nickName", json!({"userName": "a", "nickName": "\u{0}"})),
        ] {
            let refused = world.insert("User", body).await.unwrap_err();
            let Error::Refused(error) = refused else { panic!("{refused:?}") };
            assert!(error.to_string().contains(name), "{error}");
        }
        let widest = "é".repeat(500);
        let everything = json!({
            "userName": widest, "externalId": widest, "displayName": widest,
            "nickName": "日".repeat(5_000),
        });
        world.insert("User", everything).await.unwrap();
    }

    async fn a_failed_transaction_leaves_nothing(world: World) {
        let id = new_id();
        let failed = world
            .store
            .write(ORG, move |t| -> rollcall::store::Result<()> {
                let body = attributes(json!({"userName": "bjensen", "title": "x"}));
                t.insert_resource(&kind("User"), id, &body, NOW)?;
                Err(Error::Stale)
            })
            .await;
        assert!(matches!(failed, Err(Error::Stale)));
        world.user("bjensen").await;
        assert_eq!(world.store.read(ORG, move |r| r.resource_any(id)).await.unwrap(), None);
    }
}
