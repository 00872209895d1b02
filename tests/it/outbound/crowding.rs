//! More to do than there are connections to do it with.

use super::bridge::Bridge;
use crate::world::{NOW, both};
use rollcall::store::Options;
use rollcall::vault::Vault;
use serde_json::json;
use std::time::Duration;

both! {
    /// Pushes that were given the only connection, and not looked after, kept it from the queue that
    /// was to look after them.
    async fn one_connection_is_enough_for_a_queue(world: World) {
        let patience = Duration::from_mins(10);
        let options = Options { connections: 1, patience, relaxed: true };
        let narrow = World::empty(world.database, &options);
        narrow.store.organization_named("default", NOW).await.unwrap();
        let bridge = Bridge::start(&narrow.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        for round in 0..3 {
            let mut ids = Vec::new();
            for number in 0..20 {
                ids.push(bridge.person(&format!("person{round}.{number}")).await);
            }
            for id in &ids {
                bridge.set(id, "title", json!("Lead")).await;
            }
        }
        let accounts = bridge.accounts("sandbox", "User").await;
        assert_eq!(accounts.len(), 60);
        assert!(accounts.iter().all(|one| one["record"]["jobTitle"] == "Lead"), "{accounts:?}");
        bridge.stop().await;
    }
}
