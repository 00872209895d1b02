use super::*;
use crate::adapters::http::{Method, Url};
use serde_json::json;

fn call(body: Option<Value>) -> Call {
    let url = Url::parse("https://app.example/Users?filter=userName%20eq%20%22ann%22").unwrap();
    Call { method: Method::GET, url, body }
}

fn away() -> Result<Answer, Failure> {
    Err(Failure::Again { after: None, detail: "app.example did not answer in time.".into() })
}

#[tokio::test]
async fn a_taking_gets_what_came_since_the_one_before() {
    note(&call(None), &away(), Duration::ZERO);
    assert!(taken().is_empty(), "nobody listens");
    let later = recorded(async {
        assert!(taken().is_empty());
        note(&call(None), &away(), Duration::from_millis(7));
        let first = taken();
        assert_eq!(
            serde_json::to_value(&first).unwrap(),
            json!({ "leftOut": 0, "exchanges": [{
                "method": "GET", "url": "https://app.example/Users?filter=…", "status": null,
                "said": "app.example did not answer in time.", "tookMs": 7,
            }] })
        );
        assert_eq!(first.took(), Duration::from_millis(7));
        note(&call(Some(json!({ "userName": "ann" }))), &away(), Duration::ZERO);
        tokio::task::yield_now().await;
        note(&call(None), &away(), Duration::ZERO);
        taken()
    });
    let bodies: Vec<Option<Value>> =
        later.await.exchanges.into_iter().map(|one| one.body).collect();
    assert_eq!(bodies, [Some(json!({ "userName": "…" })), None]);
}

#[tokio::test]
async fn two_who_work_side_by_side_keep_notes_of_their_own() {
    let work = |count: usize| {
        recorded(async move {
            for _ in 0..count {
                note(&call(None), &away(), Duration::ZERO);
                tokio::task::yield_now().await;
            }
            taken().exchanges.len()
        })
    };
    assert_eq!(tokio::join!(work(2), work(5)), (2, 5));
}

#[tokio::test]
async fn notes_are_few_and_short_and_the_newest() {
    let wire = recorded(async {
        for count in 0..30_u64 {
            note(&call(None), &away(), Duration::from_millis(count));
        }
        taken()
    });
    let wire = wire.await;
    assert_eq!((wire.exchanges.len(), wire.left_out), (MOST, 10));
    assert_eq!(wire.exchanges.last().unwrap().took_ms, 29);

    // As long as one may be, and longer.
    let body = |fields: usize| -> Value {
        (0..fields)
            .map(|at| (format!("field{at:05}"), json!("x")))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let wire = recorded(async move {
        for count in 0..20_u64 {
            let fields = if count == 19 { 1_000 } else { 150 };
            note(&call(Some(body(fields))), &away(), Duration::from_millis(count));
        }
        taken()
    });
    let wire = wire.await;
    assert!(serde_json::to_string(&wire.exchanges).unwrap().len() <= LONGEST + 2);
    assert_eq!(wire.exchanges.last().unwrap().took_ms, 19);
    let text = wire.exchanges.last().unwrap().body.as_ref().unwrap().as_str().unwrap();
    assert!(text.starts_with('…') && text.ends_with("bytes"), "{text}");
    assert!(wire.exchanges.iter().any(|one| one.body.as_ref().is_some_and(Value::is_object)));
    assert_eq!(wire.exchanges.len() + usize::try_from(wire.left_out).unwrap(), 20);
}
