//! Looking for objects and listing them.

use super::*;

fn by_name(name: &str) -> Key {
    Key { field: "userName".into(), value: name.into() }
}

fn query(seen: &Seen, name: &str) -> Option<String> {
    let (_, query) = seen.target.split_once('?')?;
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
}

/// A server with so many users, which pages as asked but filters not at all.
fn ignoring_filters(count: usize) -> Fake {
    server(true, move |seen| {
        let start: usize = query(seen, "startIndex").unwrap().parse().unwrap();
        let users: Vec<Value> = (start..=count)
            .take(50)
            .map(|n| json!({ "id": n, "userName": format!("User{n}@zylker.com") }))
            .collect();
        answer(200, &json!({ "totalResults": count, "Resources": users }))
    })
}

async fn ids(app: &Scim, name: &str) -> Vec<String> {
    let found = app.find(Kind::User, &by_name(name)).await.unwrap();
    found.into_iter().map(|account| account.id.0).collect()
}

#[tokio::test]
async fn the_key_is_a_json_string_and_is_compared_without_case() {
    let fake = server(true, |_| {
        answer(
            200,
            &json!({ "totalResults": 1, "Resources": [{ "id": "1", "userName": "O\"Neil\\é&+" }] }),
        )
    });
    assert_eq!(ids(&app(&fake), "o\"neil\\É&+").await, ["1"]);
    assert_eq!(query(&fake.seen()[0], "filter").unwrap(), r#"userName eq "o\"neil\\É&+""#);
    assert!(!fake.seen()[0].target.contains('+'), "a space is %20");
}

#[tokio::test]
async fn nobody_is_no_failure() {
    let replies: [fn() -> Reply; 3] = [
        || answer(404, &Value::Null),
        || answer(200, &json!({ "totalResults": 0 })),
        || answer(200, &json!({ "totalResults": "0", "Resources": [] })),
    ];
    for reply in replies {
        let fake = server(true, move |_| reply());
        assert!(ids(&app(&fake), "w").await.is_empty());
    }
}

#[tokio::test]
async fn strangers_are_never_taken_for_a_match() {
    let fake = ignoring_filters(120);
    let app = app(&fake);
    assert_eq!(ids(&app, "user119@ZYLKER.com").await, ["119"]);
    assert_eq!(asked(&fake).len(), 3, "every page is looked through");
    assert!(ids(&app, "user@zylker.com").await.is_empty());
}

#[tokio::test]
async fn several_matches_are_all_reported() {
    let fake = server(true, |_| {
        answer(
            200,
            &json!({ "totalResults": 2, "Resources": [
                { "id": "1", "userName": "w" }, { "id": "2", "userName": "W" },
            ]}),
        )
    });
    assert_eq!(ids(&app(&fake), "w").await, ["1", "2"]);
}

#[tokio::test]
async fn refused_filters_are_remembered_and_done_here() {
    let fake = server(true, |seen| {
        if query(seen, "filter").is_some() {
            return scim_error(400, "invalidFilter");
        }
        answer(200, &json!({ "totalResults": 1, "Resources": [{ "id": "1", "userName": "w" }] }))
    });
    let app = app(&fake);
    assert_eq!(ids(&app, "w").await, ["1"]);
    assert_eq!(ids(&app, "w").await, ["1"]);
    assert_eq!(asked(&fake).len(), 3);
}

#[tokio::test]
async fn one_value_that_a_server_cannot_read_says_nothing_of_the_next() {
    let fake = server(true, |seen| match query(seen, "filter") {
        Some(filter) if filter.contains('\\') => answer(400, &json!({ "detail": "parse error" })),
        _ => answer(200, &json!({ "totalResults": 0 })),
    });
    let app = app(&fake);
    assert!(ids(&app, "a\"b").await.is_empty());
    assert!(ids(&app, "w").await.is_empty());
    assert_eq!(asked(&fake).len(), 3);
    assert!(query(fake.seen().last().unwrap(), "filter").is_some());
}

#[tokio::test]
async fn absence_is_not_believed_of_a_server_that_turns_in_circles() {
    let fake = server(true, |_| {
        answer(200, &json!({ "totalResults": 9, "Resources": [{ "id": "1", "userName": "w" }] }))
    });
    let app = app(&fake);
    assert_eq!(ids(&app, "w").await, ["1"]);
    let absent = app.find(Kind::User, &by_name("x")).await;
    assert!(matches!(absent, Err(Failure::Misconfigured(_))), "{absent:?}");
    let first = app.list(Kind::User, None).await.unwrap();
    let second = app.list(Kind::User, first.next.as_deref()).await;
    assert!(matches!(second, Err(Failure::Misconfigured(_))), "{second:?}");
}

#[tokio::test]
async fn other_fields_can_be_looked_for() {
    let fake = server(true, |_| answer(200, &json!({ "totalResults": 0 })));
    let app = app(&fake);
    for (field, filter) in [
        ("externalId", r#"externalId eq "x""#),
        (WORK, r#"emails[type eq "work" and value eq "x"]"#),
        (DEPARTMENT, &format!(r#"{DEPARTMENT} eq "x""#)),
    ] {
        let key = Key { field: field.into(), value: "x".into() };
        app.find(Kind::User, &key).await.unwrap();
        assert_eq!(query(fake.seen().last().unwrap(), "filter").unwrap(), filter);
    }
    let unknown = Key { field: "shoeSize".into(), value: "x".into() };
    assert!(matches!(app.find(Kind::User, &unknown).await, Err(Failure::Refused(_))));
}

#[tokio::test]
async fn lists_end_where_the_total_says_whatever_the_page_size() {
    let fake = ignoring_filters(120);
    let app = app(&fake);
    let (mut seen, mut from) = (Vec::new(), None);
    loop {
        let page = app.list(Kind::User, from.as_deref()).await.unwrap();
        seen.extend(page.accounts.into_iter().map(|account| account.id.0));
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    let expected: Vec<String> = (1..=120).map(|n| n.to_string()).collect();
    assert_eq!(seen, expected);
    assert_eq!(asked(&fake).len(), 3);
}

#[tokio::test]
async fn a_list_with_nameless_objects_is_not_a_list() {
    let fake = server(true, |_| {
        answer(200, &json!({ "totalResults": 1, "Resources": [{ "userName": "w" }] }))
    });
    let listed = app(&fake).list(Kind::User, None).await;
    assert!(matches!(listed, Err(Failure::Misconfigured(_))), "{listed:?}");
}
