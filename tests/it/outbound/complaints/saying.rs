//! A sync that says nothing.

use crate::outbound::bridge::Bridge;
use crate::world::both;
use reqwest::Method;
use rollcall::vault::Vault;
use serde_json::{Value, json};

/// Asks for a Quick Sync; its verdict, once planned.
async fn verdict(bridge: &Bridge, body: Value) -> String {
    let run = bridge.admin(Method::POST, "/apps/sandbox/sync", body).await;
    let id = run["id"].as_str().unwrap();
    let found = bridge.admin(Method::GET, &format!("/runs/{id}"), Value::Null).await;
    assert_eq!((&found["id"], &found["kind"]), (&run["id"], &json!("sync")), "it can be followed");
    run["plan"]["verdict"].as_str().unwrap().to_owned()
}

both! {
    /// A click on *Sync* does nothing and says nothing: nobody is in scope, the app is off, or held.
    async fn complaint_14_a_sync_always_says_what_it_did(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        let confirm = || json!({ "confirm": true });
        let path = "/apps/sandbox";
        bridge.until("sandbox", "it is set up", |app| app["run"]["state"] == "done").await;
        assert_eq!(verdict(&bridge, confirm()).await, "Nothing to do: the directory is empty.");

        bridge.person("ann").await;
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 1);
        assert_eq!(verdict(&bridge, confirm()).await, "Nothing to do: all 1 objects are in sync.");

        let nobody = json!({ "scope": "userName eq \"nobody\"", "policy": { "outOfScope": "nothing" } });
        bridge.admin(Method::PATCH, path, nobody).await;
        bridge.accounts("sandbox", "User").await;
        let said = verdict(&bridge, confirm()).await;
        assert_eq!(said, "Nothing to do: nobody of 1 is in the app's scope.");
        bridge.admin(Method::PATCH, path, json!({ "scope": null })).await;
        bridge.accounts("sandbox", "User").await;

        bridge.admin(Method::PATCH, path, json!({ "paused": true })).await;
        bridge.person("bob").await;
        bridge.published().await;
        let said = verdict(&bridge, json!({})).await;
        assert_eq!(
            said,
            "1 to create of 2 objects. Nothing is sent at present. Paused by an administrator. \
             PATCH /api/v1/apps/sandbox {\"paused\": false} lets it go on."
        );
        bridge.admin(Method::PATCH, path, json!({ "maintenance": true })).await;
        let said = verdict(&bridge, json!({})).await;
        assert_eq!(
            said,
            "1 to create of 2 objects. Nothing is sent at present. In maintenance: changes wait, \
             and none is lost. PATCH /api/v1/apps/sandbox {\"maintenance\": null} ends it at once."
        );
        bridge.admin(Method::PATCH, path, json!({ "maintenance": null })).await;
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 2);

        bridge.admin(Method::PUT, "/apps/sandbox/provisioning", json!({ "enabled": false })).await;
        let off = "Provisioning is off for this app: PUT /api/v1/apps/sandbox/provisioning \
                   {\"enabled\": true} switches it on.";
        let said = verdict(&bridge, json!({})).await;
        assert_eq!(
            said,
            format!("Nothing to do: all 2 objects are in sync. Nothing is sent at present. {off}")
        );
        let (status, problem) = bridge.send(Method::POST, "/api/v1/apps/sandbox/sync", Some(confirm())).await;
        assert_eq!((status, &problem["detail"]), (409, &json!(off)), "{problem}");
        bridge.stop().await;
    }
}
