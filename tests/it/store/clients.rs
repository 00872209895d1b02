//! Clients and their tokens.

use crate::world::{NOW, ORG, both};
use rollcall::id::{ClientId, OrganizationId, new_uuid};
use rollcall::scim::dialect::{Dialect, Leniency};
use rollcall::store::clients::{Client, TokenRow, Uses};

fn token(client: &Client, n: u8) -> TokenRow {
    TokenRow {
        hash: [n; 32],
        prefix: format!("rc_{n}"),
        client: client.clone(),
        scopes: vec!["scim.read".into(), "scim.write".into()],
        created_us: NOW + i64::from(n),
        expires_us: None,
        used_us: None,
        subject: None,
    }
}

both! {
    async fn tokens_are_found_by_hash_and_revoked_by_name(world: World) {
        let new = || (ClientId(new_uuid(NOW)), NOW);
        assert!(!world.store.read(ORG, |r| r.has_clients()).await.unwrap());
        let (first, second) = (new(), new());
        let okta = world.store.write(ORG, move |t| t.client_named("okta", None, first)).await.unwrap();
        assert_eq!((okta.id, okta.dialect), (first.0, Dialect::Standard));
        let same = world
            .store
            .write(ORG, move |t| t.client_named("okta", Some(Dialect::Okta), second))
            .await
            .unwrap();
        assert_eq!((same.id, same.dialect), (first.0, Dialect::Okta));
        let rows: Vec<TokenRow> = (1..=3).map(|n| token(&same, n)).collect();
        let all = rows.clone();
        world.store.write(ORG, move |t| all.iter().try_for_each(|row| t.insert_token(row))).await.unwrap();

        let found = world.store.glance(ORG, |r| r.token(&[2; 32])).await.unwrap();
        assert_eq!(found.as_ref(), Some(&rows[1]));
        assert_eq!(world.store.glance(OrganizationId(2), |r| r.token(&[2; 32])).await.unwrap(), None);
        let newest: Vec<TokenRow> = rows.iter().rev().cloned().collect();
        assert_eq!(world.store.read(ORG, |r| r.tokens()).await.unwrap(), newest);

        let used = |at| world.store.write(ORG, move |t| t.token_used(&[2; 32], at));
        let when = || world.store.glance(ORG, |r| Ok(r.token(&[2; 32])?.unwrap().used_us));
        used(NOW).await.unwrap();
        used(NOW + 1_000_000).await.unwrap();
        assert_eq!(when().await.unwrap(), Some(NOW), "within the minute nothing is written");
        used(NOW + 61_000_000).await.unwrap();
        assert_eq!(when().await.unwrap(), Some(NOW + 61_000_000));

        assert_eq!(world.store.write(ORG, |t| t.revoke_tokens("rc_1")).await.unwrap(), 1);
        assert_eq!(world.store.write(ORG, |t| t.revoke_tokens("nobody")).await.unwrap(), 0);
        assert_eq!(world.store.write(ORG, |t| t.revoke_tokens("okta")).await.unwrap(), 2);
        assert!(world.store.read(ORG, |r| r.has_clients()).await.unwrap());
    }

    async fn what_clients_are_forgiven_adds_up(world: World) {
        let (first, second) = ((ClientId(new_uuid(NOW)), NOW), (ClientId(new_uuid(NOW + 1)), NOW));
        world.store.write(ORG, move |t| t.client_named("b", None, first)).await.unwrap();
        world.store.write(ORG, move |t| t.client_named("a", None, second)).await.unwrap();
        let uses = |client: (ClientId, i64), leniency, count, last_us| {
            Uses { client: client.0, leniency, count, last_us }
        };
        for (count, last_us) in [(2, NOW), (3, NOW + 5)] {
            let rows = [
                uses(first, Leniency::BooleanText, count, last_us),
                uses(second, Leniency::Spacing, 1, last_us),
            ];
            world.store.write(ORG, move |t| t.add_leniencies(&rows)).await.unwrap();
        }
        let found = world.store.read(ORG, |r| r.leniencies()).await.unwrap();
        assert_eq!(found, [
            uses(first, Leniency::BooleanText, 5, NOW + 5),
            uses(second, Leniency::Spacing, 2, NOW + 5),
        ]);
        assert_eq!(world.store.read(OrganizationId(2), |r| r.leniencies()).await.unwrap(), []);

        let clients = world.store.read(ORG, |r| r.clients()).await.unwrap();
        let names: Vec<&str> = clients.iter().map(|client| client.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        let change = |name: &'static str| {
            world.store.write(ORG, move |t| t.set_dialect(name, Dialect::Entra))
        };
        assert_eq!(change("a").await.unwrap(), Some(Dialect::Standard));
        assert_eq!(change("a").await.unwrap(), Some(Dialect::Entra));
        assert_eq!(change("nobody").await.unwrap(), None);
    }
}
