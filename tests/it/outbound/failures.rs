//! What goes wrong is isolated, visible and mended without loss.

use super::bridge::{Bridge, person};
use crate::world::both;
use reqwest::Method;
use rollcall::vault::Vault;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

/// A door in front of an app: shut, it refuses connections.
struct Gate {
    address: String,
    open: Arc<AtomicBool>,
    /// Connections through it.
    inside: Arc<AtomicUsize>,
}

impl Gate {
    async fn before(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let open = Arc::new(AtomicBool::new(true));
        let inside = Arc::new(AtomicUsize::new(0));
        let (is_open, target) = (Arc::clone(&open), target.replace("http://", ""));
        let counted = Arc::clone(&inside);
        tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let (is_open, target) = (Arc::clone(&is_open), target.clone());
                let inside = Arc::clone(&counted);
                tokio::spawn(async move {
                    let _guest = Guest::enter(inside);
                    if !is_open.load(Ordering::SeqCst) {
                        return;
                    }
                    let Ok(mut to) = TcpStream::connect(target).await else { return };
                    let pipe = copy_bidirectional(&mut from, &mut to);
                    let shut = async {
                        while is_open.load(Ordering::SeqCst) {
                            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                        }
                    };
                    tokio::select! { _ = pipe => {}, () = shut => {} }
                });
            }
        });
        Self { address, open, inside }
    }

    /// Shuts it, and waits until nothing goes through any more: a request on a connection that is
    /// kept would be one update too many.
    async fn shut(&self) {
        self.open.store(false, Ordering::SeqCst);
        while self.inside.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

/// A connection that is counted while it is there.
struct Guest(Arc<AtomicUsize>);

impl Guest {
    fn enter(inside: Arc<AtomicUsize>) -> Self {
        inside.fetch_add(1, Ordering::SeqCst);
        Self(inside)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Sets one instance up as an app of another, behind a gate.
async fn downstream(bridge: &Bridge, app: &Bridge, gate: &Gate) {
    bridge
        .admin(
            Method::POST,
            "/apps",
            json!({
                "name": "assist", "adapter": "scim", "enabled": true,
                "settings": { "url": format!("{}/scim/v2", gate.address) },
                "secrets": { "token": app.token },
            }),
        )
        .await;
}

both! {
    async fn an_app_that_was_away_gets_every_change_in_one_update(world: World) {
        let vault = Vault::ephemeral();
        let other = crate::world::World::new(world.database).await;
        let app = Bridge::start(&other.store, &vault).await;
        let bridge = Bridge::start(&world.store, &vault).await;
        let gate = Gate::before(&app.base).await;
        downstream(&bridge, &app, &gate).await;
        let mut ids = Vec::new();
        for name in ["ann", "bob", "cy"] {
            ids.push(bridge.person(name).await);
        }
        assert_eq!(bridge.accounts("assist", "User").await.len(), 3);

        gate.shut().await;
        for round in 0..5 {
            for id in &ids {
                bridge.set(id, "title", json!(format!("Title {round}"))).await;
                bridge.set(id, "name.familyName", json!(format!("Family {round}"))).await;
            }
        }
        let late = bridge.person("late").await;
        bridge.until("assist", "changes wait", |app| app["queue"]["ready"] == 4).await;
        gate.open.store(true, Ordering::SeqCst);
        bridge.until("assist", "the queue empties", |app| {
            app["queue"] == json!({ "ready": 0, "running": 0, "parked": 0, "waiting": 0 })
        }).await;

        for id in &ids {
            let tries = bridge.attempts("assist", id).await;
            let updates = tries.iter().filter(|one| *one == "update/done").count();
            assert_eq!(updates, 1, "{tries:?}");
        }
        let tries = bridge.attempts("assist", &late).await;
        assert_eq!(tries.iter().filter(|one| *one == "create/done").count(), 1, "{tries:?}");
        let found = app.push(Method::GET, "/Users?sortBy=userName", Value::Null).await;
        let there: Vec<(&str, &str)> = found["Resources"].as_array().unwrap().iter()
            .map(|one| (one["userName"].as_str().unwrap(), one["title"].as_str().unwrap())).collect();
        assert_eq!(there, [
            ("ann@zylker.example", "Title 4"),
            ("bob@zylker.example", "Title 4"),
            ("cy@zylker.example", "Title 4"),
            ("late@zylker.example", "Technician"),
        ]);
        bridge.stop().await;
        app.stop().await;
    }

    async fn a_refused_credential_pauses_the_app_and_keeps_its_queue(world: World) {
        let vault = Vault::ephemeral();
        let other = crate::world::World::new(world.database).await;
        let app = Bridge::start(&other.store, &vault).await;
        let bridge = Bridge::start(&world.store, &vault).await;
        bridge.admin(Method::POST, "/apps", json!({
            "name": "assist", "adapter": "scim", "enabled": true,
            "settings": { "url": format!("{}/scim/v2", app.base) },
            "secrets": { "token": "rc_1_wrong" },
        })).await;
        bridge.person("ann").await;
        let view = bridge.until("assist", "it pauses", |app| !app["paused"].is_null()).await;
        assert!(view["paused"].as_str().unwrap().contains("credential"), "{view}");
        assert!(!view.to_string().contains("rc_1_wrong"));
        bridge.person("bob").await;
        let view = bridge.until("assist", "the queue fills", |app| app["queue"]["ready"] == 2).await;
        assert_eq!(view["queue"]["parked"], 0);
        let secret = json!({ "secrets": { "token": app.token } });
        bridge.admin(Method::PATCH, "/apps/assist", secret).await;
        assert_eq!(bridge.accounts("assist", "User").await.len(), 2);
        bridge.stop().await;
        app.stop().await;
    }

    async fn one_who_cannot_be_pushed_is_parked_and_the_others_go_on(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        // The sandbox takes login names of at most 100 characters.
        let long = bridge.person(&"x".repeat(120)).await;
        bridge.person("ann").await;
        let view = bridge.until("sandbox", "one is parked", |app| app["queue"]["parked"] == 1).await;
        assert_eq!(view["paused"], Value::Null);
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 1);
        let parked = bridge.admin(Method::GET, "/apps/sandbox/parked", Value::Null).await;
        let one = &parked["items"][0];
        assert_eq!(one["resource"], json!(long));
        for part in ["field", "detail", "remedy"] {
            assert!(one["reason"][part].as_str().is_some_and(|text| !text.is_empty()), "{one}");
        }
        let why = bridge.admin(Method::GET, &format!("/apps/sandbox/why/{long}"), Value::Null).await;
        assert!(why["verdict"].as_str().unwrap().starts_with("Nothing is sent"), "{why}");
        // Mending the person is enough.
bridge.set(&long, "userName", json!("shorter@zylker.example")).await;
        assert_eq!(bridge.accounts("sandbox", "User").await.len(), 2);
        bridge.stop().await;
    }

    async fn a_new_engine_takes_over_where_one_died(world: World) {
        let vault = Vault::ephemeral();
        let first = Bridge::start(&world.store, &vault).await;
        first.sandbox().await;
        for number in 0..40 {
            first.push(Method::POST, "/Users", person(&format!("p{number}"))).await;
        }
        // The first is not stopped: it goes on beside the second, as two instances do.
        let second = Bridge::start(&world.store, &vault).await;
        for number in 40..80 {
            let from = if number % 2 == 0 { &first } else { &second };
            from.push(Method::POST, "/Users", person(&format!("p{number}"))).await;
        }
        first.stop().await;
        second.until("sandbox", "the queue empties", |app| {
            app["queue"] == json!({ "ready": 0, "running": 0, "parked": 0, "waiting": 0 })
        }).await;
        let accounts = second.accounts("sandbox", "User").await;
        let mut names: Vec<&str> =
            accounts.iter().map(|one| one["record"]["loginName"].as_str().unwrap()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!((accounts.len(), names.len()), (80, 80));
        second.stop().await;
    }
}
