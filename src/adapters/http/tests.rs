use super::*;
use crate::adapters::fake::{Fake, Reply, json as answer};
use serde_json::json;
use tokio_util::sync::CancellationToken;

const SCIM: &str = "application/scim+json";

fn call(method: Method, base: &str) -> Call {
    let body = (method == Method::POST).then(|| json!({ "userName": "w" }));
    Call { method, url: Url::parse(&format!("{base}/Users")).unwrap(), body }
}

fn client() -> Http {
    Http::new(Duration::from_millis(300)).unwrap()
}

fn token() -> SecretString {
    SecretString::from("s3cret-token")
}

fn status(status: u16, body: Value) -> Answer {
    Answer {
        status,
        body: Some(body),
        location: None,
        retry_after: None,
        repeatable: false,
        about_one: false,
    }
}

#[test]
fn a_status_says_what_to_do() {
    let none = || json!({});
    let again = |detail: &str| Failure::Again { after: None, detail: detail.into() };
    let in_doubt = |detail: &str| Failure::InDoubt { detail: detail.into() };
    let cases = [
        (status(401, none()), Failure::Unauthorized("The app answered 401.".into())),
        (
            status(403, json!({ "detail": "token expired" })),
            Failure::Unauthorized("The app answered 403: token expired".into()),
        ),
        (
            Answer { about_one: true, ..status(403, none()) },
            Failure::Refused(Reason {
                field: None,
                detail: "The app answered 403.".into(),
                remedy:
                    "The app protects this object, or the credential may not change it: look in \
                         the app, then try again."
                        .into(),
            }),
        ),
        (status(404, none()), Failure::Gone),
        (status(410, none()), Failure::Gone),
        (status(409, none()), Failure::Conflict { detail: "The app answered 409.".into() }),
        (
            status(400, json!({ "scimType": "uniqueness", "detail": "taken" })),
            Failure::Conflict { detail: "The app answered 400: taken".into() },
        ),
        (status(405, none()), Failure::Unsupported("The app answered 405.".into())),
        (
            status(501, json!({ "error": { "message": "not  there\u{7}" } })),
            Failure::Unsupported("The app answered 501: not there".into()),
        ),
        (status(408, none()), again("The app answered 408.")),
        (status(429, none()), Failure::Throttled { after: None }),
        // It may have stumbled after it did what it was asked.
        (status(500, json!({ "message": "oops" })), in_doubt("The app answered 500: oops")),
        (status(502, none()), in_doubt("The app answered 502.")),
        (status(503, none()), in_doubt("The app answered 503.")),
        (status(504, none()), in_doubt("The app answered 504.")),
        (Answer { repeatable: true, ..status(500, none()) }, again("The app answered 500.")),
        (Answer { repeatable: true, ..status(504, none()) }, again("The app answered 504.")),
        (
            Answer { retry_after: Some(Duration::from_secs(7)), ..status(503, none()) },
            Failure::Throttled { after: Some(Duration::from_secs(7)) },
        ),
        (
            status(422, json!({ "errors": [{ "message": "too old" }] })),
            Failure::Refused(Reason {
                field: None,
                detail: "The app answered 422: too old".into(),
                remedy: "Correct the value in the profile or in the field mapping, then try again."
                    .into(),
            }),
        ),
    ];
    for (answer, expected) in cases {
        assert_eq!(answer.failure(), expected, "{answer:?}");
    }
    for code in 0..=700 {
        let answer = status(code, Value::Null);
        assert_eq!(answer.clone().success().is_ok(), (200..300).contains(&code), "{code}");
    }
}

#[test]
fn long_complaints_are_cut() {
    let Failure::Refused(reason) = status(400, json!({ "detail": "ä".repeat(1000) })).failure()
    else {
        panic!("refused")
    };
    assert_eq!(reason.detail.chars().filter(|letter| *letter == 'ä').count(), 299);
    assert!(reason.detail.ends_with('…'));
}

#[tokio::test]
async fn requests_carry_what_they_should() {
    let fake = Fake::start(|_| answer(200, &json!({ "ok": true })));
    let sent = client().send(&call(Method::POST, &fake.base), &token(), SCIM).await.unwrap();
    assert_eq!((sent.status, sent.body), (200, Some(json!({ "ok": true }))));
    let seen = &fake.seen()[0];
    assert_eq!(seen.header("authorization"), Some("Bearer s3cret-token"));
    assert_eq!(seen.header("content-type"), Some(SCIM));
    assert_eq!(seen.header("user-agent"), Some(concat!("Rollcall/", env!("CARGO_PKG_VERSION"))));
    assert_eq!(seen.body, Some(json!({ "userName": "w" })));
}

#[tokio::test]
async fn silence_after_sending_is_doubt_unless_it_can_be_repeated() {
    let script = |_: &_| Reply::Silence;
    let fake = Fake::start(script);
    let sent = client().send(&call(Method::POST, &fake.base), &token(), SCIM).await;
    assert_eq!(sent, Err(Failure::InDoubt { detail: "127.0.0.1 did not answer in time.".into() }));
    let asked = client().send(&call(Method::GET, &fake.base), &token(), SCIM).await;
    assert!(matches!(asked, Err(Failure::Again { .. })), "{asked:?}");
}

#[tokio::test]
async fn a_broken_connection_after_sending_is_doubt() {
    let fake = Fake::start(|_| Reply::Hang);
    let sent = client().send(&call(Method::PATCH, &fake.base), &token(), SCIM).await;
    assert!(matches!(sent, Err(Failure::InDoubt { .. })), "{sent:?}");
    let sent = client().send(&call(Method::DELETE, &fake.base), &token(), SCIM).await;
    assert!(matches!(sent, Err(Failure::Again { .. })), "{sent:?}");
}

#[tokio::test]
async fn an_app_that_is_away_is_tried_again() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let base = format!("http://127.0.0.1:{port}");
    let Err(Failure::Again { after: None, detail }) =
        client().send(&call(Method::POST, &base), &token(), SCIM).await
    else {
        panic!("nothing was sent")
    };
    assert!(detail.starts_with("No connection to 127.0.0.1: Connection refused"), "{detail}");
}

#[tokio::test]
async fn redirects_are_named_and_not_followed() {
    let fake = Fake::start(|_| {
        answer(302, &Value::Null).with("location", "https://login.example.com/x?token=1")
    });
    let sent = client().send(&call(Method::GET, &fake.base), &token(), SCIM).await.unwrap();
    let Failure::Misconfigured(reason) = sent.failure() else { panic!("misconfigured") };
    assert_eq!(reason.detail, "The app answered 302 and points to login.example.com.");
    assert_eq!(fake.seen().len(), 1);
}

#[tokio::test]
async fn a_repeated_credential_is_not_quoted() {
    let fake = Fake::start(|_| answer(400, &json!({ "detail": "bad token s3cret-token!" })));
    let sent = client().send(&call(Method::GET, &fake.base), &token(), SCIM).await.unwrap();
    assert_eq!(sent.failure().to_string(), "refused: The app answered 400: bad token …!");
}

#[tokio::test]
async fn dates_of_the_app_are_read_by_its_own_clock() {
    let fake = Fake::start(|_| {
        answer(429, &Value::Null)
            .with("date", "Sun, 06 Nov 1994 08:49:37 GMT")
            .with("retry-after", "Sun, 06 Nov 1994 08:49:57 GMT")
    });
    let sent = client().send(&call(Method::GET, &fake.base), &token(), SCIM).await.unwrap();
    assert_eq!(sent.failure(), Failure::Throttled { after: Some(Duration::from_secs(20)) });
}

#[tokio::test]
async fn every_request_takes_its_turn_and_what_the_app_says_of_its_limits_is_learned() {
    let clock = Clock::held_at(1_719_792_000_000_000);
    let throttle = Arc::new(Throttle::new(clock.clone(), CancellationToken::new()));
    let mut answers = 0;
    let fake = Fake::start(move |_| {
        answers += 1;
        match answers {
            1 => answer(200, &json!({})).with("ratelimit-policy", "\"default\";q=300;w=60"),
            2 => answer(503, &json!({})).with("retry-after", "30"),
            3 => answer(429, &json!({})).with("retry-after", "60"),
            _ => answer(200, &json!({}))
                .with("x-ratelimit-remaining", "0")
                .with("x-ratelimit-reset", "90"),
        }
    });
    let client = client().paced(Arc::clone(&throttle));
    let call = call(Method::GET, &fake.base);
    let send = async || client.send(&call, &token(), SCIM).await;
    assert_eq!(send().await.unwrap().status, 200);
    assert_eq!(throttle.measure().rates.learned, Some(300));
    for (status, wait, learned) in [(503, 30, 300), (429, 60, 150), (200, 90, 150)] {
        assert_eq!(send().await.unwrap().status, status);
        let (wait, before) = (Duration::from_secs(wait), fake.seen().len());
        assert_eq!(throttle.closed(), wait, "{status}");
        assert_eq!(send().await, Err(Failure::Throttled { after: Some(wait) }), "{status}");
        assert_eq!(fake.seen().len(), before, "nothing was sent");
        assert_eq!(throttle.measure().rates.learned, Some(learned), "{status}");
        clock.advance(wait);
    }
}

#[tokio::test]
async fn endless_answers_are_not_read() {
    let fake = Fake::start(|_| Reply::Answer(200, Vec::new(), "x".repeat(MAX_ANSWER + 1)));
    let client = Http::new(Duration::from_secs(20)).unwrap();
    let sent = client.send(&call(Method::GET, &fake.base), &token(), SCIM).await;
    assert!(matches!(sent, Err(Failure::Misconfigured(_))), "{sent:?}");
}
