//! What the server says of itself.

use crate::world::both;
use rollcall::scim::dialect::{Dialect, Leniency};

both! {
    /// [`Leniency::PlainConfig`]: some libraries refuse what RFC 7643 does not define.
    async fn pagination_is_told_but_to_those_who_choke_on_it(world: World) {
        let server = world.server();
        for dialect in Dialect::ALL {
            let config = server.provider(dialect).await.get("/ServiceProviderConfig").await.expect(200);
            let told = config.get("pagination").is_some();
            assert_eq!(told, !dialect.forgives(Leniency::PlainConfig), "{}", dialect.as_str());
        }
        let config = server.stranger().get("/ServiceProviderConfig").await.expect(200);
        assert_eq!(config["pagination"]["cursor"], true);
    }

    async fn discovery_is_complete_and_its_locations_answer(world: World) {
        let server = world.server();
        let okta = server.provider(Dialect::Standard).await;
        let config = server.stranger().get("/ServiceProviderConfig").await.expect(200);
        assert_eq!(config["schemas"][0], "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig");
        for path in ["/ResourceTypes", "/Schemas"] {
            server.stranger().get(path).await.refused(401, None);
            let all = okta.get(&format!("{path}?count=1&startIndex=2&sortBy=id")).await.expect(200);
            let listed = all["Resources"].as_array().unwrap();
            assert_eq!(all["totalResults"], listed.len());
            for one in listed {
                let location = one["meta"]["location"].as_str().unwrap();
                let path = location.strip_prefix(&okta.base).unwrap();
                assert_eq!(&okta.get(path).await.expect(200), one, "{path}");
            }
        }
        let urn = "urn:ietf:params:scim:schemas:core:2.0:User";
        for written in [urn.to_owned(), urn.replace(':', "%3A"), urn.to_uppercase()] {
            assert_eq!(okta.get(&format!("/Schemas/{written}")).await.expect(200)["id"], urn);
        }
        assert_eq!(okta.get("/ResourceTypes/Group").await.expect(200)["endpoint"], "/Groups");
        okta.get("/Schemas/urn:example:none").await.refused(404, None);
        okta.get("/ResourceTypes/Device").await.refused(404, None);
        for path in ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/Schemas/x"] {
            okta.filter(path, "id pr").await.refused(403, None);
            for method in [reqwest::Method::POST, reqwest::Method::PUT, reqwest::Method::PATCH, reqwest::Method::DELETE] {
                let reply = okta.request(method, path).send().await;
                reply.refused(405, None);
                assert_eq!(reply.header("allow"), Some("GET, HEAD"));
            }
        }
    }
}
