//! Schemas and resource types that an administrator adds while the server runs.

use crate::outbound::bridge::{Bridge, patch, person};
use crate::world::both;
use reqwest::Method;
use rollcall::vault::Vault;
use serde_json::{Value, json};

const HR: &str = "urn:example:params:scim:schemas:extension:hr:2.0:User";
const DEVICE: &str = "urn:ietf:params:scim:schemas:core:2.0:Device";

fn hr(attributes: &Value) -> Value {
    json!({ "name": "HR", "description": "What the people office knows", "attributes": attributes })
}

/// Puts the schema; answers status and body.
async fn put(bridge: &Bridge, urn: &str, body: Value) -> (u16, Value) {
    bridge.send(Method::PUT, &format!("/api/v1/schemas/{urn}"), Some(body)).await
}

/// The user names that a filter finds, sorted.
async fn found(bridge: &Bridge, endpoint: &str, filter: &str) -> Vec<String> {
    let query: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
    let path = format!("/{endpoint}?filter={query}");
    let list = bridge.push(Method::GET, &path, Value::Null).await;
    let name = |one: &Value| {
        let name = one.get("userName").or_else(|| one.get("displayName"));
        name.and_then(Value::as_str).unwrap().to_owned()
    };
    let mut names: Vec<String> =
        list["Resources"].as_array().into_iter().flatten().map(name).collect();
    names.sort();
    names
}

/// Why a request was refused: the keyword of SCIM, or the fields that the admin API names.
async fn refused(bridge: &Bridge, method: Method, path: &str, body: Value) -> (u16, Vec<String>) {
    let (status, answer) = bridge.send(method, path, Some(body)).await;
    let fields = answer["errors"].as_array().into_iter().flatten();
    let mut why: Vec<String> =
        fields.map(|one| one["field"].as_str().unwrap().to_owned()).collect();
    why.extend(answer["scimType"].as_str().map(str::to_owned));
    (status, why)
}

both! {
    async fn profile_fields_are_there_at_once(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        let (status, made) = put(&bridge, HR, hr(&json!([
            { "name": "badge", "uniqueness": "server", "caseExact": true },
            { "name": "level", "type": "integer", "indexed": true },
            { "name": "hired", "type": "dateTime" },
            { "name": "joinCode", "mutability": "immutable" },
            { "name": "hint", "returned": "request" },
            { "name": "secretNote", "returned": "never" },
            { "name": "skills", "multiValued": true, "indexed": true },
            { "name": "desks", "type": "complex", "multiValued": true, "subAttributes": [
                { "name": "value", "indexed": true }, { "name": "type" },
                { "name": "primary", "type": "boolean" } ] },
        ]))).await;
        assert_eq!(status, 201, "{made}");
        assert_eq!((&made["builtIn"], &made["extends"]), (&json!(false), &json!("User")));

        // Advertised.
        let schema = bridge.push(Method::GET, &format!("/Schemas/{HR}"), Value::Null).await;
        assert_eq!(schema["attributes"][0]["uniqueness"], "server");
        assert_eq!(schema["attributes"][1].get("indexed"), None, "ours alone");
        let user = bridge.push(Method::GET, "/ResourceTypes/User", Value::Null).await;
        assert_eq!(user["schemaExtensions"][1], json!({ "schema": HR, "required": false }));

        // Validated, stored, returned as each attribute says.
        let mut ann = person("ann");
        ann["schemas"].as_array_mut().unwrap().push(HR.into());
        ann[HR] = json!({ "badge": "A1", "LEVEL": 7, "hired": "2024-07-01T08:00:00+02:00",
            "joinCode": "x", "hint": "blue", "secretNote": "quiet", "skills": ["Rust", "SQL"],
            "desks": [{ "value": "D1", "type": "main", "primary": true }] });
        let made = bridge.push(Method::POST, "/Users", ann).await;
        let id = made["id"].as_str().unwrap().to_owned();
        assert_eq!((&made[HR]["badge"], &made[HR]["level"]), (&json!("A1"), &json!(7)));
        assert_eq!(made[HR].get("secretNote"), None);
        let path = format!("/Users/{id}?attributes={HR}:hint,{HR}:secretNote");
        let shown = bridge.push(Method::GET, &path, Value::Null).await;
        assert_eq!(shown[HR], json!({ "hint": "blue" }));
        let mut bob = person("bob");
        bob[HR] = json!({ "badge": "a1", "level": "seven" });
        assert_eq!(refused(&bridge, Method::POST, "/scim/v2/Users", bob.clone()).await, (400, vec!["invalidValue".into()]));
        bob[HR] = json!({ "badge": "A1" });
        assert_eq!(refused(&bridge, Method::POST, "/scim/v2/Users", bob.clone()).await, (409, vec!["uniqueness".into()]));
        bob[HR] = json!({ "badge": "a1", "level": 9, "skills": ["sql"] });
        let bob = bridge.push(Method::POST, "/Users", bob).await["id"].as_str().unwrap().to_owned();
        let taken = patch("replace", &format!("{HR}:badge"), &json!("A1"));
        assert_eq!(refused(&bridge, Method::PATCH, &format!("/scim/v2/Users/{bob}"), taken).await, (409, vec!["uniqueness".into()]));

        // Filterable, whether indexed or not.
        for (filter, expected) in [
            (format!("{HR}:badge eq \"A1\""), vec!["ann@zylker.example"]),
            (format!("{HR}:level gt 7"), vec!["bob@zylker.example"]),
            (format!("{HR}:level pr"), vec!["ann@zylker.example", "bob@zylker.example"]),
            (format!("{HR}:hired lt \"2024-07-01T07:00:00Z\""), vec!["ann@zylker.example"]),
            (format!("{HR}:skills eq \"sql\""), vec!["ann@zylker.example", "bob@zylker.example"]),
            (format!("{HR}:desks[value eq \"d1\" and primary eq true]"), vec!["ann@zylker.example"]),
            (format!("schemas eq \"{HR}\" and {HR}:level lt 9"), vec!["ann@zylker.example"]),
        ] {
            assert_eq!(found(&bridge, "Users", &filter).await, expected, "{filter}");
        }
        let filter = format!("/scim/v2/Users?filter={HR}:secretNote%20pr");
        assert_eq!(bridge.send(Method::GET, &filter, None).await.0, 400);

        // PATCHable by URN, immutable once.
        bridge.set(&id, &format!("{HR}:level"), json!(12)).await;
        bridge.set(&id, &format!("{HR}:desks[type eq \"main\"].value"), json!("D2")).await;
        let again = patch("replace", &format!("{HR}:joinCode"), &json!("y"));
        assert_eq!(refused(&bridge, Method::PATCH, &format!("/scim/v2/Users/{id}"), again).await, (400, vec!["mutability".into()]));
        assert_eq!(found(&bridge, "Users", &format!("{HR}:level eq 12 and {HR}:desks.value eq \"d2\"")).await.len(), 1);

        // Of this organization alone.
        bridge.stop().await;
    }

    async fn mappings_read_profile_fields_and_keep_them(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        bridge.sandbox().await;
        put(&bridge, HR, hr(&json!([{ "name": "badge" }]))).await;
        let mut mapping = bridge.admin(Method::GET, "/apps/sandbox/mapping", Value::Null).await["mapping"].take();
        for rule in mapping["users"].as_array_mut().unwrap() {
            if rule["field"] == "jobTitle" {
                *rule = json!({ "field": "jobTitle", "source": { "kind": "profile", "path": format!("{HR}:badge") } });
            }
        }
        bridge.admin(Method::PUT, "/apps/sandbox/mapping", mapping).await;
        let mut ann = person("ann");
        ann[HR] = json!({ "badge": "B-7" });
        bridge.push(Method::POST, "/Users", ann).await;
        let account = bridge.account("sandbox", "ann@zylker.example").await.unwrap();
        assert_eq!(account["record"]["jobTitle"], "B-7");
        // The schema cannot go from under the mapping.
        let (status, why) = refused(&bridge, Method::PUT, &format!("/api/v1/schemas/{HR}"), hr(&json!([{ "name": "other" }]))).await;
        assert_eq!((status, why), (409, vec!["apps/sandbox/mapping/users/jobTitle".to_owned()]));
        bridge.stop().await;
    }

    async fn a_type_can_be_added_as_data_alone(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        let device = json!({ "name": "Device", "description": "RFC 9944",
            "attributes": [
                { "name": "displayName", "required": true, "indexed": true },
                { "name": "active", "type": "boolean", "required": true },
                { "name": "mudUrl", "type": "reference", "referenceTypes": ["external"], "caseExact": true },
                { "name": "groups", "type": "complex", "multiValued": true, "mutability": "readOnly", "subAttributes": [
                    { "name": "value", "mutability": "readOnly" } ] } ],
            "resourceType": { "name": "Device", "endpoint": "/Devices", "description": "Device Account" } });
        assert_eq!(bridge.send(Method::GET, "/scim/v2/Devices", None).await.0, 404);
        assert_eq!(put(&bridge, DEVICE, device).await.0, 201);
        let ble = "urn:ietf:params:scim:schemas:extension:ble:2.0:Device";
        let extension = json!({ "name": "BLE", "extends": "Device", "attributes": [
            { "name": "deviceMacAddress", "uniqueness": "server" },
            { "name": "isRandom", "type": "boolean" } ] });
        assert_eq!(put(&bridge, ble, extension).await.0, 201);

        let types = bridge.push(Method::GET, "/ResourceTypes", Value::Null).await;
        assert_eq!(types["Resources"][2]["endpoint"], "/Devices");
        assert_eq!(bridge.push(Method::GET, "/Schemas", Value::Null).await["totalResults"], 5);
        let body = json!({ "schemas": [DEVICE, ble], "displayName": "Heart Monitor", "active": false,
            ble: { "deviceMacAddress": "2C:54:91:88:C9:E2", "isRandom": false } });
        let made = bridge.push(Method::POST, "/Devices", body.clone()).await;
        assert_eq!(made["meta"]["resourceType"], "Device");
        assert_eq!(refused(&bridge, Method::POST, "/scim/v2/Devices", body).await, (409, vec!["uniqueness".into()]));
        let lacking = json!({ "schemas": [DEVICE], "displayName": "x" });
        assert_eq!(refused(&bridge, Method::POST, "/scim/v2/Devices", lacking).await, (400, vec!["invalidValue".into()]));
        let path = format!("/Devices/{}", made["id"].as_str().unwrap());
        assert_eq!(bridge.send(Method::GET, &format!("/scim/v2{}", path.replace("Devices", "Users")), None).await.0, 404);
        let patched = bridge.push(Method::PATCH, &path, patch("replace", &format!("{ble}:isRandom"), &json!(true))).await;
        assert_eq!(patched[ble]["isRandom"], true);
        assert_eq!(found(&bridge, "Devices", "displayName sw \"heart\"").await, ["Heart Monitor"]);
        let search = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": "active eq false" });
        assert_eq!(bridge.push(Method::POST, "/Devices/.search", search).await["totalResults"], 1);
        bridge.push(Method::DELETE, &path, Value::Null).await;

        // What extends it goes first; what is there goes before the type.
        assert_eq!(refused(&bridge, Method::DELETE, &format!("/api/v1/schemas/{DEVICE}"), Value::Null).await, (409, vec!["extends".into()]));
        bridge.admin(Method::DELETE, &format!("/schemas/{ble}"), Value::Null).await;
        let body = json!({ "schemas": [DEVICE], "displayName": "x", "active": true });
        let made = bridge.push(Method::POST, "/Devices", body).await;
        assert_eq!(refused(&bridge, Method::DELETE, &format!("/api/v1/schemas/{DEVICE}"), Value::Null).await.0, 409);
        bridge.push(Method::DELETE, &format!("/Devices/{}", made["id"].as_str().unwrap()), Value::Null).await;
        bridge.admin(Method::DELETE, &format!("/schemas/{DEVICE}"), Value::Null).await;
        assert_eq!(bridge.send(Method::GET, "/scim/v2/Devices", None).await.0, 404);
        bridge.stop().await;
    }

    async fn an_index_is_built_for_what_was_there(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        let fields = |indexed: bool| hr(&json!([{ "name": "badge", "indexed": indexed },
            { "name": "desk", "type": "complex", "subAttributes": [{ "name": "floor", "type": "integer", "indexed": indexed }, { "name": "room" }] }]));
        put(&bridge, HR, fields(false)).await;
        for at in 0..7 {
            let mut one = person(&format!("p{at}"));
            one[HR] = json!({ "badge": format!("b{at}"), "desk": { "floor": at % 3, "room": "r" } });
            bridge.push(Method::POST, "/Users", one).await;
        }
        let plain = person("plain");
        bridge.push(Method::POST, "/Users", plain).await;
        for indexed in [true, false, true] {
            let (status, view) = put(&bridge, HR, fields(indexed)).await;
            assert_eq!((status, &view["building"]), (200, &json!([])), "{view}");
            assert_eq!(found(&bridge, "Users", &format!("{HR}:badge eq \"B3\"")).await, ["p3@zylker.example"]);
            assert_eq!(found(&bridge, "Users", &format!("{HR}:desk.floor eq 1")).await.len(), 2);
            assert_eq!(found(&bridge, "Users", &format!("not ({HR}:badge pr)")).await, ["plain@zylker.example"]);
            let id = bridge.push(Method::GET, "/Users?filter=userName%20sw%20%22p3%22", Value::Null).await["Resources"][0]["id"].as_str().unwrap().to_owned();
            bridge.set(&id, &format!("{HR}:badge"), json!("b33")).await;
            assert_eq!(found(&bridge, "Users", &format!("{HR}:badge eq \"b3\"")).await, [""; 0]);
            bridge.set(&id, &format!("{HR}:badge"), json!("b3")).await;
        }
        bridge.stop().await;
    }

    async fn nothing_is_lost_by_a_change(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        let address = format!("/api/v1/schemas/{HR}");
        put(&bridge, HR, hr(&json!([{ "name": "badge" }, { "name": "unused", "type": "integer" }]))).await;
        let mut ann = person("ann");
        ann[HR] = json!({ "badge": "A1" });
        let id = bridge.push(Method::POST, "/Users", ann).await["id"].as_str().unwrap().to_owned();
        for (attributes, fields) in [
            (json!([{ "name": "unused", "type": "integer" }]), vec!["badge"]),
            (json!([{ "name": "badge", "type": "integer" }]), vec!["badge"]),
            (json!([{ "name": "badge", "multiValued": true }]), vec!["badge"]),
            (json!([{ "name": "badge", "uniqueness": "server" }]), vec!["badge"]),
            (json!([{ "name": "badge", "required": true }]), vec!["badge"]),
            (json!([{ "name": "badge" }, { "name": "new", "required": true }]), vec!["new"]),
        ] {
            let answer = refused(&bridge, Method::PUT, &address, hr(&attributes)).await;
            assert_eq!(answer, (409, fields.into_iter().map(str::to_owned).collect()), "{attributes}");
        }
        let mut required = hr(&json!([{ "name": "badge" }]));
        required["required"] = true.into();
        assert_eq!(refused(&bridge, Method::PUT, &address, required).await, (409, vec!["required".into()]));
        assert_eq!(refused(&bridge, Method::DELETE, &address, Value::Null).await, (409, vec!["badge".into()]));
        // What nobody has a value of may change, and go.
        assert_eq!(put(&bridge, HR, hr(&json!([{ "name": "badge" }, { "name": "unused" }]))).await.0, 200);
        bridge.push(Method::PATCH, &format!("/Users/{id}"), patch("remove", &format!("{HR}:badge"), &Value::Null)).await;
        bridge.admin(Method::DELETE, &format!("/schemas/{HR}"), Value::Null).await;
        assert_eq!(bridge.send(Method::GET, &address, None).await.0, 404);
        let shown = bridge.push(Method::GET, &format!("/Users/{id}"), Value::Null).await;
        assert_eq!(shown["schemas"].as_array().unwrap().len(), 2);
        bridge.stop().await;
    }

    async fn a_wrong_schema_is_refused_by_field(world: World) {
        let bridge = Bridge::start(&world.store, &Vault::ephemeral()).await;
        let address = format!("/api/v1/schemas/{HR}");
        let wrong = hr(&json!([{ "name": "a b" }, { "name": "c", "type": "complex" }]));
        assert_eq!(refused(&bridge, Method::PUT, &address, wrong).await,
            (422, vec!["attributes[0].name".into(), "attributes[1].subAttributes".into()]));
        let (status, answer) = put(&bridge, HR, hr(&json!([{ "name": "a", "indxed": true }]))).await;
        assert_eq!(status, 400);
        assert!(answer["detail"].as_str().unwrap().contains("indxed"), "{answer}");
        let core = "/api/v1/schemas/urn:ietf:params:scim:schemas:core:2.0:User";
        assert_eq!(refused(&bridge, Method::PUT, core, hr(&json!([{ "name": "a" }]))).await, (422, vec!["id".into()]));
        assert_eq!(bridge.send(Method::DELETE, core, None).await.0, 404);
        assert_eq!(bridge.push(Method::GET, "/Schemas", Value::Null).await["totalResults"], 3);
        let all = bridge.admin(Method::GET, "/schemas", Value::Null).await;
        assert_eq!(all["items"].as_array().unwrap().len(), 3);
        bridge.stop().await;
    }

    /// An instance that has not noticed a new schema writes nothing by the old ones.
    async fn another_instance_follows(world: World) {
        let one = Bridge::start(&world.store, &Vault::ephemeral()).await;
        if world.database == Database::Sqlite {
            return one.stop().await; // one process has the file to itself
        }
        let options = rollcall::store::Options { connections: 4, ..<_>::default() };
        let store = rollcall::store::Store::open(&world.url, &options, true).unwrap();
        let other = Bridge::start(&store, &Vault::ephemeral()).await;
        other.person("early").await;
        put(&one, HR, hr(&json!([{ "name": "badge", "indexed": true }]))).await;
        let mut late = person("late");
        late[HR] = json!({ "badge": "A1" });
        let (status, _) = other.send(Method::POST, "/scim/v2/Users", Some(late.clone())).await;
        assert!([201, 503].contains(&status), "{status}");
        if status == 503 {
            tokio::time::sleep(rollcall::store::schemas::FRESH).await;
            other.push(Method::POST, "/Users", late).await;
        }
        assert_eq!(found(&one, "Users", &format!("{HR}:badge eq \"a1\"")).await, ["late@zylker.example"]);
        other.stop().await;
        one.stop().await;
    }
}
