use super::*;
use crate::adapters::sandbox::tests::Memory;
use crate::clock::Clock;
use crate::mapping::compiled::Mapping;
use crate::mapping::field::Kind;
use crate::scim::schema::Registry;
use serde_json::json;
use tokio_util::sync::CancellationToken;

#[test]
fn default_mappings_compile_and_leave_nothing_mandatory_unmapped() {
    for entry in entries() {
        let mapping =
            Mapping::compile(&entry.default_mapping, &entry.schema, &Registry::standard())
                .unwrap_or_else(|problems| panic!("{}: {problems:#?}", entry.kind));
        for kind in [Kind::User, Kind::Group] {
            assert!(mapping.unmapped_mandatory(kind).is_empty(), "{}", entry.kind);
            let matched = match kind {
                Kind::User => &entry.match_users,
                Kind::Group => &entry.match_groups,
            };
            let rules = match kind {
                Kind::User => &entry.default_mapping.users,
                Kind::Group => &entry.default_mapping.groups,
            };
            for field in matched {
                assert!(rules.iter().any(|rule| rule.field == *field), "{field}");
            }
            let mut names: Vec<&str> =
                entry.schema.fields(kind).iter().map(|field| field.name.as_str()).collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "field names are unique");
        }
    }
}

#[test]
fn every_default_value_of_a_person_reaches_the_sandbox() {
    let entry = entry("sandbox").unwrap();
    let mapping =
        Mapping::compile(&entry.default_mapping, &entry.schema, &Registry::standard()).unwrap();
    let william = crate::mapping::compiled::tests::william();
    let facts = crate::mapping::compiled::tests::facts;
    let desired = mapping.desired(Kind::User, &facts(&william), true);
    assert!(desired.problems.is_empty());
    assert_eq!(desired.always.0["fullName"], "William Woods");
    assert_eq!(desired.always.0["email"], "william@zylker.example");
    assert_eq!(desired.always.0["phone"], "2");
    assert_eq!(desired.always.0["role"], "technician");
    assert_eq!(desired.on_create.0["source"], "Rollcall");
}

fn reasons(kind: &str, settings: &Value, secrets: &[&str]) -> Vec<(String, String)> {
    let secrets: Vec<String> = secrets.iter().map(|name| (*name).to_owned()).collect();
    check_settings(kind, settings.as_object().unwrap(), &secrets)
        .err()
        .unwrap_or_default()
        .into_iter()
        .map(|reason| (reason.field.unwrap(), format!("{} {}", reason.detail, reason.remedy)))
        .collect()
}

#[test]
fn settings_are_checked_without_connecting() {
    let url = "https://app.example.com/scim/v2";
    assert!(reasons("scim", &json!({ "url": url, "timeoutSeconds": 5 }), &["token"]).is_empty());
    assert!(reasons("sandbox", &json!({}), &[]).is_empty());
    let cases = [
        ("scim", json!({ "url": url }), vec![], "token", "Token is missing."),
        ("scim", json!({}), vec!["token"], "url", "Address is missing."),
        ("scim", json!({ "url": "app" }), vec!["token"], "url", "cannot be read"),
        ("scim", json!({ "url": "ftp://a/b" }), vec!["token"], "url", "https://"),
        ("scim", json!({ "url": "https://u:p@a/b" }), vec!["token"], "url", "password"),
        ("scim", json!({ "url": "https://a/b?c" }), vec!["token"], "url", "must not hold a ?"),
        ("scim", json!({ "url": 1 }), vec!["token"], "url", "no text"),
        (
            "scim",
            json!({ "url": url, "timeoutSecond": 1 }),
            vec!["token"],
            "timeoutSecond",
            "Did you mean timeoutSeconds?",
        ),
        (
            "scim",
            json!({ "url": url, "timeoutSeconds": 31 }),
            vec!["token"],
            "timeoutSeconds",
            "from 1 to 30",
        ),
        ("scim", json!({ "url": url, "token": "x" }), vec!["token"], "token", "among the secrets"),
        ("scim", json!({ "url": url }), vec!["token", "tokens"], "tokens", "Did you mean token?"),
        ("sandbox", json!({ "colour": 1 }), vec![], "colour", "there are no settings"),
        ("zoho", json!({}), vec![], "adapter", "scim, sandbox"),
    ];
    for (kind, settings, secrets, field, needle) in cases {
        let found = reasons(kind, &settings, &secrets);
        assert_eq!(found.len(), 1, "{settings}: {found:?}");
        assert_eq!(found[0].0, field);
        assert!(found[0].1.contains(needle), "{found:?}");
    }
}

#[test]
fn apps_are_connected_by_kind() {
    let make = |kind: &str, settings: &Value, token: Option<&str>| {
        let secrets = token.map(|token| ("token".to_owned(), SecretString::from(token)));
        connect(
            kind,
            Connection {
                settings: settings.as_object().unwrap().clone(),
                secrets: secrets.into_iter().collect(),
                accounts: Arc::new(Memory::default()),
                throttle: Arc::new(Throttle::new(Clock::held_at(0), CancellationToken::new())),
            },
        )
        .map(|_| ())
        .map_err(|reason| reason.field.unwrap())
    };
    let url = json!({ "url": "https://app.example.com/scim/v2" });
    assert_eq!(make("sandbox", &json!({}), None), Ok(()));
    assert_eq!(make("scim", &url, Some("t")), Ok(()));
    assert_eq!(make("scim", &url, None), Err("token".into()));
    assert_eq!(make("scim", &url, Some("Bearer t")), Err("token".into()));
}

#[test]
fn every_app_can_be_searched_by_what_its_objects_are_recognised_by() {
    for entry in entries() {
        let both = [
            (Kind::User, &entry.match_users, &entry.unique_users),
            (Kind::Group, &entry.match_groups, &entry.unique_groups),
        ];
        for (kind, matching, unique) in both {
            for field in matching.iter().chain(unique) {
                assert!(entry.can_find_by(kind, field), "{} {field}", entry.kind);
            }
            for field in entry.find_by(kind) {
                let known = entry.schema.fields(kind).iter().any(|one| one.name == *field);
                assert!(known, "{} has no field {field}", entry.kind);
            }
        }
    }
}
