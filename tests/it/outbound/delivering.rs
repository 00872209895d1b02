//! Messages arrive: later where somebody is away, by another process where one dies, and once.

use super::bridge::Bridge;
use super::notifying::{MINUTE, deliveries, listed, pause, stored, tell, told, until};
use super::receiver::Receiver;
use crate::world::{NOW, ORG, audited, both};
use reqwest::Method;
use rollcall::clock::Clock;
use rollcall::id::NotificationId;
use rollcall::notification::event::App;
use rollcall::store::deliveries::Tried;
use rollcall::store::{Error, Result};
use rollcall::vault::Vault;
use serde_json::{Value, json};
use std::time::Duration;

both! {
    async fn what_is_undone_is_not_told(world: World) {
        let (app, id) = (world.app("sandbox").await, stored(&world).await);
        let undone: Result<()> = world.store.write(ORG, move |t| {
            t.tell(&App { id: app, name: "sandbox" }.resumed("admin"), NOW)?;
            Err(Error::Stale)
        }).await;
        assert!(undone.is_err());
        assert_eq!(listed(&world, id).await, []);
        world.store.write(ORG, move |t| {
            t.tell(&App { id: app, name: "sandbox" }.resumed("admin"), NOW)
        }).await.unwrap();
        assert_eq!(listed(&world, id).await.len(), 1);
    }

    async fn who_is_away_is_told_later_with_the_same_id(world: World) {
        let clock = Clock::held_at(NOW);
        let bridge = Bridge::start_at(&world.store, &Vault::ephemeral(), clock.clone()).await;
        bridge.sandbox().await;
        let receiver = Receiver::start();
        let secret = tell(&bridge, &receiver, &json!(["app.paused"])).await;
        receiver.answer((302, None));
        pause(&bridge, "sandbox", true).await;
        let found = until(&bridge, "it fails", |found| found[0]["status"] == 302).await;
        assert!(found[0]["cause"].as_str().unwrap().contains("not followed"), "{found:?}");
        // The first wait is five seconds, give or take a fifth.
        receiver.answer((503, Some("120")));
        clock.advance(Duration::from_secs(6));
        let found = until(&bridge, "it fails again", |found| found[0]["status"] == 503).await;
        assert_eq!(told(&found), ["app.paused waiting 2"]);
        receiver.answer((200, None));
        clock.advance(Duration::from_mins(6));
        let messages = receiver.until(3).await;
        assert!(messages.iter().all(|one| one.id == messages[0].id && one.text == messages[0].text));
        for message in &messages {
            message.read(&secret);
        }
        assert_eq!(messages[2].timestamp - messages[0].timestamp, 366, "it is signed when it is sent");
        let found = until(&bridge, "it arrives", |found| found[0]["state"] == "delivered").await;
        assert_eq!(told(&found), ["app.paused delivered 3"]);
        assert_eq!(found[0]["id"], messages[0].id.as_str());
        receiver.stop().await;
        bridge.stop().await;
    }

    async fn who_asks_to_wait_is_left_alone(world: World) {
        let clock = Clock::held_at(NOW);
        let bridge = Bridge::start_at(&world.store, &Vault::ephemeral(), clock.clone()).await;
        bridge.sandbox().await;
        let receiver = Receiver::start();
        tell(&bridge, &receiver, &json!(["app.paused"])).await;
        receiver.answer((429, Some("3600")));
        pause(&bridge, "sandbox", true).await;
        let found = until(&bridge, "it fails", |found| found[0]["status"] == 429).await;
        assert_eq!(found[0]["next"], "2024-07-01T01:00:00.000Z");
        receiver.stop().await;
        bridge.stop().await;
    }

    async fn who_is_gone_is_told_nothing_more(world: World) {
        let clock = Clock::held_at(NOW);
        let bridge = Bridge::start_at(&world.store, &Vault::ephemeral(), clock.clone()).await;
        bridge.sandbox().await;
        let receiver = Receiver::start();
        tell(&bridge, &receiver, &Value::Null).await;
        receiver.answer((500, None));
        pause(&bridge, "sandbox", true).await;
        until(&bridge, "it fails", |found| found[0]["status"] == 500).await;
        receiver.answer((410, None));
        pause(&bridge, "sandbox", false).await;
        let found = until(&bridge, "all is given up", |found| {
            found.len() == 2 && found.iter().all(|one| one["state"] == "gaveUp")
        }).await;
        assert!(found.iter().any(|one| one["status"] == 410), "{found:?}");
        let off = bridge.admin(Method::GET, "/notifications/on-call", Value::Null).await;
        assert_eq!(off["enabled"], false);
        assert!(off["disabled"].as_str().unwrap().contains("410"), "{off}");
        assert_eq!(audited(&world.url, "notification.disable").len(), 1);
        // While it is off nothing is kept for later.
        pause(&bridge, "sandbox", true).await;
        assert_eq!(deliveries(&bridge).await.len(), 2);
        receiver.answer((204, None));
        let on = bridge.admin(Method::PATCH, "/notifications/on-call", json!({ "enabled": true })).await;
        assert!(on["enabled"] == true && on["disabled"].is_null(), "{on}");
        pause(&bridge, "sandbox", false).await;
        let found = until(&bridge, "it goes on", |found| {
            found.iter().any(|one| one["state"] == "delivered")
        }).await;
        assert_eq!(found.len(), 3);
        receiver.stop().await;
        bridge.stop().await;
    }

    async fn whoever_comes_next_delivers_what_another_left(world: World) {
        let vault = Vault::ephemeral();
        let clock = Clock::held_at(NOW);
        let mut first = Bridge::start_at(&world.store, &vault, clock.clone()).await;
        first.sandbox().await;
        let receiver = Receiver::start();
        let secret = tell(&first, &receiver, &json!(["app.paused", "app.resumed"])).await;
        first.rest().await;
        pause(&first, "sandbox", true).await;
        pause(&first, "sandbox", false).await;
        let id: NotificationId = first.admin(Method::GET, "/notifications/on-call", Value::Null).await["id"]
            .as_str().unwrap().parse().unwrap();
        // It dies with one of them in its hands.
        let lost = world.store.write(ORG, move |t| t.claim_delivery(id, NOW, NOW + MINUTE)).await
            .unwrap().unwrap();
        let second = Bridge::start_at(&world.store, &vault, clock.clone()).await;
        let other = receiver.until(1).await[0].clone();
        assert_ne!(other.id, lost.id.to_string(), "nobody takes it while it may be under way");
        clock.advance(Duration::from_secs(61));
        let messages = receiver.until(2).await;
        assert_eq!(messages[1].id, lost.id.to_string());
        assert_eq!(messages[1].text, lost.body);
        messages[1].read(&secret);
        // What it says in the end is too late.
        let late = Tried {
            status: None, error: Some("late".into()), again_us: None,
        };
        let ended = world.store.write(ORG, move |t| t.end_delivery(id, &lost, &late, NOW)).await;
        assert!(!ended.unwrap());
        let found = until(&second, "both arrive", |found| {
            found.iter().all(|one| one["state"] == "delivered")
        }).await;
        assert_eq!(found.len(), 2);
        receiver.stop().await;
        second.stop().await;
        first.stop().await;
    }

    async fn what_the_only_process_was_sending_is_sent_again_at_once(world: World) {
        let (app, id) = (world.app("sandbox").await, stored(&world).await);
        world.store.write(ORG, move |t| {
            t.tell(&App { id: app, name: "sandbox" }.resumed("admin"), NOW)
        }).await.unwrap();
        let claim = |at_us| world.store.write(ORG, move |t| t.claim_delivery(id, at_us, at_us + MINUTE));
        let first = claim(NOW).await.unwrap().unwrap();
        assert_eq!(claim(NOW + 1).await.unwrap(), None);
        world.store.write(ORG, |t| t.recover_alone(NOW + 2)).await.unwrap();
        let second = claim(NOW + 2).await.unwrap().unwrap();
        assert_eq!((first.id, first.attempts, second.attempts), (second.id, 1, 2));
    }

    async fn two_engines_deliver_each_message_once(world: World) {
        let vault = Vault::ephemeral();
        let one = Bridge::start(&world.store, &vault).await;
        let other = Bridge::start(&world.store, &vault).await;
        one.sandbox().await;
        let receiver = Receiver::start();
        let secret = tell(&one, &receiver, &json!(["app.paused", "app.resumed"])).await;
        for at in 0..20 {
            pause(if at % 3 == 0 { &one } else { &other }, "sandbox", at % 2 == 0).await;
        }
        until(&one, "all arrive", |found| {
            found.len() == 20 && found.iter().all(|one| one["state"] == "delivered")
        }).await;
        let messages = receiver.messages();
        let mut ids: Vec<&str> = messages.iter().map(|one| one.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((messages.len(), ids.len()), (20, 20));
        for message in &messages {
            message.read(&secret);
        }
        receiver.stop().await;
        one.stop().await;
        other.stop().await;
    }
}
