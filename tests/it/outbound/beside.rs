//! Two instances on one database, and administrators, all at once.

use super::bridge::Bridge;
use crate::world::both;
use futures_util::future::join_all;
use reqwest::Method;
use rollcall::vault::Vault;
use serde_json::{Value, json};

const PEOPLE: usize = 30;
const ROUNDS: usize = 4;

both! {
    /// Whoever linked somebody held the job and waited for the organization; whoever published a
    /// change held the organization and waited for the job.
    async fn nobody_waits_for_another_who_waits_for_them(world: World) {
        let vault = Vault::ephemeral();
        let one = Bridge::start(&world.store, &vault).await;
        let other = Bridge::start(&world.store, &vault).await;
        one.sandbox().await;
        let names: Vec<String> = (0..PEOPLE).map(|number| format!("person{number}")).collect();
        let people = join_all(names.iter().map(|name| one.person(name))).await;
        let group = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Crew",
            "members": people.iter().map(|id| json!({ "value": id })).collect::<Vec<_>>(),
        });
        one.push(Method::POST, "/Groups", group).await;
        for round in 0..ROUNDS {
            let edits = people.iter().enumerate().map(|(at, id)| {
                let bridge = if at % 2 == 0 { &one } else { &other };
                let boss = &people[(at + round + 1) % PEOPLE];
                async move {
                    let path = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
                    bridge.set(id, path, json!({ "value": boss })).await;
                    bridge.set(id, "title", json!(format!("Lead {round}"))).await;
                }
            });
            let asked = async {
                for _ in 0..3 {
                    one.admin(Method::POST, "/apps/sandbox/sync", json!({ "confirm": true })).await;
                    other.admin(Method::POST, "/apps/sandbox/retry", Value::Null).await;
                    let policy = json!({ "policy": { "deleted": { "action": "delete", "afterDays": round } } });
                    other.send(Method::PATCH, "/api/v1/apps/sandbox", Some(policy)).await;
                }
            };
            futures_util::join!(join_all(edits), asked);
        }
        let accounts = one.accounts("sandbox", "User").await;
        assert_eq!(accounts.len(), PEOPLE);
        let last = json!(format!("Lead {}", ROUNDS - 1));
        assert!(accounts.iter().all(|one| one["record"]["jobTitle"] == last), "{accounts:?}");
        one.stop().await;
        other.stop().await;
        assert_eq!(world.deadlocks(), 0);
    }
}
