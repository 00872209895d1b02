//! What keeping an app equal costs: how long a change takes to leave, and how many leave in a second.
//!
//! `cargo bench --bench provisioning`, with `-- --people N --concurrency N --rate N --seconds N` for
//! other sizes. The instance is whole, on a SQLite file with its default durability, and is used over
//! HTTP; the app keeps accounts in memory (`provisioning/app.rs`). Every figure stands beside a limit
//! that is measured in the same run: what the same requests take without Rollcall, and how many
//! transactions the disk makes durable.

#![allow(clippy::indexing_slicing, reason = "a bench that is wrong may panic")]
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a program for people at a terminal")]

#[path = "provisioning/app.rs"]
mod app;
#[path = "provisioning/instance.rs"]
mod instance;

use app::{App, Seen};
use futures_util::stream::{self, StreamExt as _};
use instance::{DEPARTMENT, Directory, name, replacing};
use rollcall::clock::{Clock, Stopwatch};
use rollcall::config::Config;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How long an app takes for each change that is slow.
const SLOW: Duration = Duration::from_millis(20);
/// Rounds of which the median is told.
const ROUNDS: usize = 3;

struct Sizes {
    people: usize,
    concurrency: usize,
    rate: usize,
    seconds: usize,
}

impl Sizes {
    fn asked() -> Self {
        let words: Vec<String> = std::env::args().collect();
        let given = |flag: &str, otherwise: usize| {
            let at = words.iter().position(|word| word == flag);
            at.map_or(otherwise, |at| {
                let number = words.get(at + 1).and_then(|word| word.parse().ok());
                number.unwrap_or_else(|| unreachable!("{flag} takes a number"))
            })
        };
        Self {
            people: given("--people", 5_000),
            concurrency: given("--concurrency", Config::default().app_concurrency),
            rate: given("--rate", 200),
            seconds: given("--seconds", 10),
        }
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(run(Sizes::asked()));
}

async fn run(sizes: Sizes) {
    let since = Stopwatch::start();
    let app = App::start(since);
    let directory = Arc::new(Directory::start(sizes.concurrency).await);
    directory.follow(&app).await;
    println!(
        "{} people, {} requests to the app at the same time, SQLite with synchronous=FULL\n",
        sizes.people, sizes.concurrency
    );

    let begun = Stopwatch::start();
    let ids = directory.hire(sizes.people).await;
    directory.until_quiet().await;
    println!(
        "set-up          {:>7.0} people/s  made here and, with a look before, in the app",
        per_second(sizes.people, begun.elapsed())
    );
    let commits = commits(&directory, sizes.people, sizes.concurrency).await;
    println!("limit: disk     {commits:>7.0} durable transactions/s, one for each update\n");

    throughput(&directory, &app, &ids, &sizes).await;
    latency(&directory, &app, &ids, &sizes, since).await;
    leaver(&directory, &app, &ids, &sizes, since).await;

    Arc::into_inner(directory).expect("nobody else uses it").stop();
    app.stop().await;
}

/// Small durable transactions in a second, so many at the same time.
async fn commits(directory: &Directory, count: usize, together: usize) -> f64 {
    let begun = Stopwatch::start();
    stream::iter(0..count)
        .for_each_concurrent(together, |_| async {
            let now_us = Clock::System.now_us();
            let write = directory.store.write(directory.organization, move |transaction| {
                transaction.record_audit(now_us, "bench", "bench.limit", "nobody", None)
            });
            write.await.expect("it is written");
        })
        .await;
    per_second(count, begun.elapsed())
}

/// Everybody changes while the app holds everybody up; then it lets go.
async fn throughput(directory: &Directory, app: &App, ids: &[String], sizes: &Sizes) {
    let (mut updates, mut bare) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let department = format!("Department {round}");
        app.state.take();
        app.state.hold(true);
        directory.move_everybody(ids, &department).await;
        directory.until_queued(ids.len()).await;
        let begun = Stopwatch::start();
        app.state.hold(false);
        until(|| app.state.count() >= ids.len()).await;
        directory.until_quiet().await;
        updates.push(per_second(ids.len(), begun.elapsed()));
        assert_eq!(app.state.count(), ids.len(), "one request each");
        let wanted = Some(Value::from(department));
        assert!(app.state.values(DEPARTMENT).iter().all(|value| *value == wanted), "all moved");

        let begun = Stopwatch::start();
        straight(directory, app, ids.len(), sizes.concurrency).await;
        bare.push(per_second(ids.len(), begun.elapsed()));
    }
    let (updates, bare) = (median(updates), median(bare));
    println!("throughput      {updates:>7.0} updates/s, median of {ROUNDS} (required: 1000)");
    println!("limit: app      {bare:>7.0} of the same requests/s, sent straight to it");
    println!("ratio           {:>7.2}\n", updates / bare);
}

/// The same requests to the app without Rollcall.
async fn straight(directory: &Directory, app: &App, count: usize, together: usize) {
    let body = replacing(DEPARTMENT, &json!("Straight"));
    stream::iter(0..count)
        .for_each_concurrent(together, |account| {
            let request = directory.client.patch(format!("{}/Users/{account}", app.base));
            let request = request.bearer_auth("the-app-knows-it").json(&body);
            async {
                let answer = request.send().await.expect("an answer");
                assert_eq!(answer.status(), 204);
            }
        })
        .await;
}

/// Changes at a steady rate: from the directory's yes to the request's arrival at the app.
async fn latency(
    directory: &Arc<Directory>,
    app: &App,
    ids: &[String],
    sizes: &Sizes,
    since: Stopwatch,
) {
    app.state.take();
    let (acknowledged, values) = at_rate(sizes, |number| {
        let (directory, id) = (Arc::clone(directory), ids[number % ids.len()].clone());
        let value = json!(format!("Title {number}"));
        async move {
            directory.change(&id, "title", value.clone()).await;
            (since.elapsed(), value)
        }
    })
    .await;
    directory.until_quiet().await;
    let arrivals = arrivals(app.state.take());
    let mut took: Vec<Duration> = Vec::new();
    for (at, value) in acknowledged.iter().zip(&values) {
        // One that left before the answer was read took no time; one that never left was overtaken
        // by the next change of the same person.
        took.extend(arrivals.get(&value.to_string()).map(|arrived| arrived.saturating_sub(*at)));
    }
    let told = took.len();
    assert_eq!(told, values.len(), "every change arrives");
    tell("commit to sent", took, "(required: median 100, p99 1000)");

    app.state.take();
    let client = directory.client.clone();
    let (sent, values) = at_rate(sizes, |number| {
        let value = json!(format!("Straight {number}"));
        let url = format!("{}/Users/{}", app.base, number % ids.len());
        let request = client.patch(url).json(&replacing("title", &value));
        async move {
            let at = since.elapsed();
            request.send().await.expect("an answer");
            (at, value)
        }
    })
    .await;
    let arrivals = self::arrivals(app.state.take());
    let took = sent
        .iter()
        .zip(&values)
        .filter_map(|(at, value)| Some(arrivals.get(&value.to_string())?.saturating_sub(*at)));
    tell("limit: request", took.collect(), "of the same requests, sent straight to the app");
    println!();
}

/// Does something at a steady rate, whether or not it was done with the one before.
async fn at_rate<T, F>(sizes: &Sizes, make: impl Fn(usize) -> F) -> (Vec<Duration>, Vec<T>)
where
    F: Future<Output = (Duration, T)> + Send + 'static,
    T: Send + 'static,
{
    let each = Duration::from_secs(1) / u32::try_from(sizes.rate).unwrap_or(u32::MAX);
    let mut ticks = tokio::time::interval(each);
    let mut tasks = Vec::new();
    for number in 0..sizes.rate * sizes.seconds {
        ticks.tick().await;
        tasks.push(tokio::spawn(make(number)));
    }
    let (mut times, mut values) = (Vec::new(), Vec::new());
    for task in tasks {
        let (at, value) = task.await.expect("it is done");
        times.push(at);
        values.push(value);
    }
    (times, values)
}

fn arrivals(seen: Vec<Seen>) -> HashMap<String, Duration> {
    seen.into_iter()
        .flat_map(|one| one.values.into_iter().map(move |value| (value.to_string(), one.at)))
        .collect()
}

/// Somebody leaves while everybody's change waits for a slow app.
async fn leaver(directory: &Directory, app: &App, ids: &[String], sizes: &Sizes, since: Stopwatch) {
    let mut behind = Vec::new();
    let mut took = Vec::new();
    for (round, number) in [ids.len() - 1, ids.len() / 2, ids.len() / 3].into_iter().enumerate() {
        app.state.hold(true);
        directory.move_everybody(ids, &format!("Slow {round}")).await;
        directory.until_queued(ids.len()).await;
        app.state.take();
        app.state.slow_down(SLOW);
        app.state.hold(false);
        until(|| app.state.count() > 100).await;
        let account = app.state.account(&name(number));
        directory.change(&ids[number], "active", json!(false)).await;
        let at = since.elapsed();
        let left = |one: &Seen| Some(one.account) == account && one.values.contains(&json!(false));
        let mut seen = Vec::new();
        let deadline = Stopwatch::start();
        while !seen.iter().any(left) && deadline.elapsed() < Duration::from_mins(2) {
            tokio::time::sleep(Duration::from_millis(5)).await;
            seen.extend(app.state.take());
        }
        let place = seen.iter().position(left).expect("the deactivation arrives");
        let before = seen.iter().take(place).filter(|one| one.at > at).count();
        behind.push(before);
        took.extend(seen.get(place).map(|one| one.at.saturating_sub(at)));
        app.state.slow_down(Duration::ZERO);
        directory.until_quiet().await;
        directory.change(&ids[number], "active", json!(true)).await;
        directory.until_quiet().await;
    }
    behind.sort_unstable();
    let shown = behind.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    println!(
        "a leaver behind {:>7} updates that wait for an app of {} ms: {shown} requests before theirs",
        ids.len(),
        SLOW.as_millis()
    );
    tell("left after", took, "");
    let least = SLOW.as_secs_f64() * 1_000.0 * as_f64(ids.len()) / as_f64(sizes.concurrency);
    println!("without overtaking it would be about {least:.0} ms");
}

async fn until(holds: impl Fn() -> bool) {
    let begun = Stopwatch::start();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_mins(2), "it takes too long");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn tell(what: &str, mut took: Vec<Duration>, note: &str) {
    took.sort_unstable();
    let at = |permille: usize| {
        let index = (took.len() * permille / 1_000).min(took.len().saturating_sub(1));
        took.get(index).map_or(0.0, |one| one.as_secs_f64() * 1_000.0)
    };
    println!(
        "{what:<15} {:>7.2} ms median, {:.2} ms p99, {:.2} ms most, of {} {note}",
        at(500),
        at(990),
        at(1_000),
        took.len()
    );
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn per_second(count: usize, took: Duration) -> f64 {
    as_f64(count) / took.as_secs_f64()
}

fn as_f64(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
