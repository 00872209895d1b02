//! A source that sends less than it should.

use crate::outbound::bridge::Bridge;
use crate::outbound::guarding::{Crowd, crowd, guard, members, off};
use crate::outbound::meddler::{Meddler, Meddling};
use crate::world::{audited, both};
use parking_lot::Mutex;
use reqwest::Method;
use rollcall::vault::Vault;
use serde_json::{Value, json};
use std::sync::Arc;

both! {
    /// An identity provider deletes 60 of 100 people within a moment. As many as the limit allows are
    /// switched off, and nobody beyond; after approval the rest.
    async fn complaint_02_a_bad_source_read_takes_no_more_than_the_limits_unasked(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let Crowd { ids } = crowd(&bridge, 100).await;
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 100);
        Crowd::of(&ids[..60]).delete(&bridge).await;
        // Others go on meanwhile.
        bridge.person("ann").await;
        let accounts = bridge.accounts("sandbox", "User").await;
        assert_eq!((accounts.len(), off(&accounts)), (101, 20));

        let now = guard(&bridge).await;
        assert_eq!((&now["held"], &now["lastHour"]["deactivations"]), (&json!(40), &json!(20)), "{now}");
        assert_eq!((&now["of"]["accounts"], &now["most"]["deactivations"]), (&json!(81), &json!(16)), "{now}");
        let parked = bridge.admin(Method::GET, "/apps/sandbox/parked", Value::Null).await;
        let parked = parked["items"].as_array().unwrap();
        assert_eq!(parked.len(), 40);
        let text = parked[0].to_string();
        assert!(text.contains(
            "20 accounts were switched off within an hour, and the limit is 20: this one waits for approval."
        ), "{text}");
        assert!(text.contains("POST /api/v1/apps/sandbox/guard/approve"), "{text}");

        // Neither a retry nor a look at one of them takes more away.
        bridge.admin(Method::POST, "/apps/sandbox/retry", Value::Null).await;
        let accounts = bridge.accounts("sandbox", "User").await;
        assert_eq!(off(&accounts), 20);

        // An approval of fewer than wait releases nobody.
        let path = "/api/v1/apps/sandbox/guard/approve";
        let (status, problem) = bridge.send(Method::POST, path, Some(json!({ "upTo": 39, "reason": "Closed." }))).await;
        assert_eq!(status, 409, "{problem}");
        assert!(problem["detail"].as_str().unwrap().starts_with("40 objects wait"), "{problem}");
        let reason = json!({ "upTo": 40, "reason": "The branch was closed." });
        let answer = bridge.admin(Method::POST, "/apps/sandbox/guard/approve", reason).await;
        assert_eq!(answer, json!({ "released": 40 }));
        let accounts = bridge.accounts("sandbox", "User").await;
        assert_eq!(off(&accounts), 60);
        assert_eq!(guard(&bridge).await["held"], 0);
        assert_eq!(audited(&world.url, "guard.approve"), [(
            "client:tests".to_owned(), "sandbox".to_owned(),
            "40 objects that waited approved, which take away 40 accounts switched off. \
             Reason: The branch was closed.".to_owned(),
        )]);
        bridge.stop().await;
    }

    /// An app that must never lose anybody unasked has limits of nothing: not one request leaves.
    async fn complaint_02_a_bad_source_read_removes_nobody_unasked_where_the_limits_are_nothing(world: World) {
        let vault = Vault::ephemeral();
        let other = World::new(world.database).await;
        let app = Bridge::start(&other.store, &vault).await;
        let bridge = Bridge::start(&world.store, &vault).await;
        let removals: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&removals);
        let meddler = Meddler::before(&app.base, move |method, path, body| {
            let removes = body.contains("\"remove\"") || body.contains("false");
            if method == "DELETE" || (method == "PATCH" && removes) {
                seen.lock().push(format!("{method} {path} {body}"));
            }
            Meddling::Pass
        });
        let nothing = json!({ "count": 0, "percent": null });
        bridge.admin(Method::POST, "/apps", json!({
            "name": "sandbox", "adapter": "scim", "enabled": true,
            "settings": { "url": format!("{}/scim/v2", meddler.address) },
            "secrets": { "token": app.token },
            "policy": { "deleted": "delete", "guard": {
                "deactivations": nothing, "deletions": nothing, "memberships": nothing,
            } },
        })).await;
        let crowd = crowd(&bridge, 10).await;
        let group = crowd.group(&bridge, "Everybody").await;
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 10);
        Crowd::of(&crowd.ids[..1]).leave(&bridge, &group).await;
        Crowd::of(&crowd.ids[1..5]).set_active(&bridge, false).await;
        Crowd::of(&crowd.ids[5..]).delete(&bridge).await;
        bridge.person("ann").await;
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 11);
        assert!(removals.lock().is_empty(), "{:?}", removals.lock());
        let now = guard(&bridge).await;
        assert_eq!(now["lastHour"], json!({ "deactivations": 0, "deletions": 0, "memberships": 0 }));
        assert_eq!(now["held"], 10, "{now}");
        let held = &now["heldRemovals"];
        assert_eq!((&held["deactivations"], &held["deletions"]), (&json!(4), &json!(5)), "{now}");
        bridge.stop().await;
        meddler.stop().await;
        app.stop().await;
    }

    /// The identity provider sees its mistake and makes the people active again: nobody is asked any
    /// more, and nobody leaves.
    async fn complaint_02_what_the_source_puts_right_is_forgotten(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let crowd = crowd(&bridge, 100).await;
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 100);
        let most = Crowd::of(&crowd.ids[..60]);
        most.set_active(&bridge, false).await;
        let accounts = bridge.accounts("sandbox", "User").await;
        assert_eq!(off(&accounts), 20);
        assert_eq!(guard(&bridge).await["held"], 40);
        most.set_active(&bridge, true).await;
        let accounts = bridge.accounts("sandbox", "User").await;
        assert!(accounts.iter().all(|one| one["active"] == json!(true)), "{accounts:?}");
        assert_eq!(guard(&bridge).await["held"], 0);
        // What was done counts for the hour; what was not done does not.
        assert_eq!(guard(&bridge).await["lastHour"]["deactivations"], 20);
        let answer =
            bridge.admin(Method::POST, "/apps/sandbox/guard/approve", json!({ "upTo": 0, "reason": "moved" })).await;
        assert_eq!(answer, json!({ "released": 0 }));
        assert!(audited(&world.url, "guard.approve").is_empty(), "nothing was approved");
        bridge.stop().await;
    }

    /// It deleted them, and makes them anew with other ids: their accounts and memberships are taken
    /// over, and an approval that comes late takes nothing away.
    async fn complaint_02_people_who_are_made_anew_keep_their_accounts(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let before = crowd(&bridge, 40).await;
        let group = before.group(&bridge, "Everybody").await;
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 40);
        bridge.accounts("sandbox", "Group").await;
        assert_eq!(members(&world, &bridge).await, 40);
        Crowd::of(&before.ids[..30]).delete(&bridge).await;
        let accounts = bridge.accounts("sandbox", "User").await;
        assert_eq!(off(&accounts), 8);
        let held = guard(&bridge).await;
        assert_eq!(held["held"], 23, "22 people, and the group with its 30 members: {held}");

        let again = crowd(&bridge, 30).await;
        again.join(&bridge, &group).await;
        let accounts = bridge.accounts("sandbox", "User").await;
        assert_eq!(accounts.len(), 40, "nobody has two accounts");
        assert!(accounts.iter().all(|one| one["active"] == json!(true)), "{accounts:?}");
        let now = guard(&bridge).await;
        assert_eq!(now["held"], 0, "{now}");
        let answer =
            bridge.admin(Method::POST, "/apps/sandbox/guard/approve", json!({ "upTo": 40, "reason": "moved" })).await;
        assert_eq!(answer, json!({ "released": 0 }));
        bridge.accounts("sandbox", "Group").await;
        assert_eq!(members(&world, &bridge).await, 40, "everybody is in the app's group");
        bridge.stop().await;
    }
}
