use super::*;
use crate::clock::Clock;
use crate::id::{AppId, InstanceId, new_uuid};
use crate::outbound::application::Workshop;
use crate::outbound::engine::Parts;
use crate::outbound::sync::{Request, row};
use crate::store::apps::AppRow;
use crate::store::{Options, Store};
use crate::vault::Vault;
use serde_json::{Map, json};
use std::cell::Cell;
use std::sync::Arc;
use tokio::sync::Notify;

/// An engine with a run that is being planned.
async fn scene(folder: &tempfile::TempDir) -> (Engine, OrganizationId, RunId) {
    let url = format!("sqlite:{}", folder.path().join("r.db").display());
    let store = Store::open(&url, &Options::default(), true).unwrap();
    let organization = store.organization_named("default", 0).await.unwrap().id;
    let engine = Engine::new(Parts {
        workshop: Workshop { store, vault: Vault::ephemeral(), clock: Clock::held_at(0) },
        base_url: String::new(),
        wake: Arc::new(Notify::new()),
        instance: InstanceId(new_uuid(0)),
        concurrency: 1,
    });
    let app = AppRow {
        id: AppId(new_uuid(1)),
        name: "app".to_owned(),
        adapter: "sandbox".to_owned(),
        settings: Map::new(),
        scope: None,
        policy: json!({}),
        enabled: false,
        paused: None,
        mapping: 1,
        sample: None,
        revision: 1,
        reconciled_us: None,
        created_us: 0,
        modified_us: 0,
    };
    let request = Request { kind: "sync", author: "tests".to_owned(), confirm: false };
    let run = row(&engine, app.id, &request);
    let id = run.id;
    let write = move |transaction: &mut crate::store::Transaction<'_>| {
        transaction.insert_app(&app)?;
        transaction.insert_run(&run)
    };
    engine.store().write(organization, write).await.unwrap();
    (engine, organization, id)
}

/// Says so as often as is told, then answers.
async fn asked(
    scene: &(Engine, OrganizationId, RunId),
    times: u32,
    failure: impl Fn() -> Failure,
) -> (Result<(), Unanswered>, u32) {
    let (engine, organization, run) = scene;
    let count = Cell::new(0);
    let answer = Patience::new(*run)
        .answer(engine, *organization, || {
            count.set(count.get() + 1);
            std::future::ready(if count.get() > times { Ok(()) } else { Err(failure()) })
        })
        .await;
    (answer, count.get())
}

#[tokio::test]
async fn a_throttle_is_waited_for_and_not_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene(&folder).await;
    let throttled =
        |seconds| move || Failure::Throttled { after: Some(Duration::from_secs(seconds)) };
    let (answer, count) = asked(&scene, 50, throttled(60)).await;
    assert!(answer.is_ok() && count == 51, "fifty minutes, often: {answer:?}");
    let (answer, count) = asked(&scene, u32::MAX, throttled(60)).await;
    assert!(matches!(answer, Err(Unanswered::TooLong)), "{answer:?}");
    assert_eq!(count, 61, "an hour in all");
    let (answer, count) = asked(&scene, u32::MAX, throttled(4_000)).await;
    assert!(matches!(answer, Err(Unanswered::TooLong)) && count == 1, "{answer:?}");
}

#[tokio::test]
async fn an_app_that_stumbles_is_asked_a_few_times() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene(&folder).await;
    let again = || Failure::Again { after: None, detail: "away".to_owned() };
    assert!(matches!(asked(&scene, 4, again).await, (Ok(()), 5)));
    let (answer, count) = asked(&scene, 5, again).await;
    assert!(matches!(answer, Err(Unanswered::App(_))) && count == 5, "{answer:?}");
    let (answer, count) = asked(&scene, 1, || Failure::Gone).await;
    assert!(matches!(answer, Err(Unanswered::App(Failure::Gone))) && count == 1, "{answer:?}");
}

#[tokio::test]
async fn nobody_waits_for_a_run_that_is_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene(&folder).await;
    let (engine, organization, run) = &scene;
    crate::outbound::sync::cancel(engine, *organization, *run).await.unwrap();
    let throttled = || Failure::Throttled { after: Some(Duration::from_mins(10)) };
    let (answer, count) = asked(&scene, u32::MAX, throttled).await;
    assert!(matches!(answer, Err(Unanswered::Cancelled)), "{answer:?}");
    assert_eq!(count, 1, "and the app is not asked again");
}

/// It said "The app answered 401..".
#[test]
fn a_sentence_ends_once() {
    for detail in ["The app answered 401.", "The app answered 401: token expired"] {
        let refused = Unanswered::App(Failure::Unauthorized(detail.to_owned()));
        let said = refused.sentence("The app could not be asked").unwrap();
        assert!(said.ends_with('.') && !said.ends_with(".."), "{said}");
    }
}
