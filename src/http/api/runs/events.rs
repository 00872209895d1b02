//! A run while it goes on, as server-sent events.

use super::super::caller::Auditor;
use super::super::problem::Problem;
use super::super::state::ApiState;
use super::super::view::{AttemptView, RunView};
use super::find;
use crate::id::{AttemptId, OrganizationId, RunId};
use crate::outbound::sync;
use crate::store::runs::RunRow;
use actix_web::{HttpResponse, web};
use futures_util::stream;
use serde::Serialize;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

/// How often the run is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// After so many looks without news a comment keeps the connection open: 15 seconds.
const SILENCE: u32 = 60;
/// Failures told after one look; the rest follow at the next.
const FAILURES: i64 = 50;

/// A run while it goes on, as server-sent events: `progress` whenever it moves or begins to wait (data:
/// the run as `GET /runs/{run}` answers it), `failure` for every object that is parked (data: the
/// attempt), and `end` when it is over. A run that waits for a person keeps its stream.
#[utoipa::path(get, path = "/runs/{run}/events", operation_id = "followRun", tag = "sync", responses(
    (status = 200, body = String, content_type = "text/event-stream"), (status = 404, body = Problem)))]
pub async fn events(
    caller: Auditor,
    state: web::Data<ApiState>,
    run: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let row = find(&state, &caller, &run).await?;
    let follower = Follower {
        state: state.get_ref().clone(),
        organization: caller.organization,
        run: row.id,
        last: None,
        failure: None,
        waiting: VecDeque::new(),
        quiet: 0,
        is_over: false,
    };
    let events = stream::unfold(follower, |mut follower| async move {
        follower.next().await.map(|text| (Ok::<_, Infallible>(web::Bytes::from(text)), follower))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("Cache-Control", "no-store"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(events))
}

struct Follower {
    state: ApiState,
    organization: OrganizationId,
    run: RunId,
    last: Option<(RunRow, Option<String>)>,
    /// The last failure that was told of.
    failure: Option<AttemptId>,
    waiting: VecDeque<String>,
    quiet: u32,
    is_over: bool,
}

impl Follower {
    /// The next event; none when the run is over and everything is told.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.is_over {
                return None;
            }
            if self.last.is_some() {
                tokio::time::sleep(LOOK).await;
            }
            self.look().await;
            if self.waiting.is_empty() {
                self.quiet += 1;
                if self.quiet >= SILENCE {
                    self.quiet = 0;
                    return Some(": still here\n\n".to_owned());
                }
            } else {
                self.quiet = 0;
            }
        }
    }

    async fn look(&mut self) {
        let (run, after) = (self.run, self.failure);
        let looked = self
            .state
            .store()
            .read(self.organization, move |reader| {
                let Some(row) = reader.run(run)? else { return Ok(None) };
                let Some(app) = reader.app(row.app)? else { return Ok(None) };
                let waits = sync::waits(reader, &app, &row)?;
                let failures = reader.failures_of_run(row.app, run, after, FAILURES)?;
                Ok(Some(((row, waits), failures)))
            })
            .await;
        let (stands, failures) = match looked {
            Ok(Some(found)) => found,
            Ok(None) => {
                self.is_over = true;
                return;
            }
            // The database is away for a moment; the next look may find it.
            Err(_) => return,
        };
        let is_full = i64::try_from(failures.len()).unwrap_or(i64::MAX) >= FAILURES;
        for failure in failures {
            self.failure = Some(failure.id);
            self.waiting.push_back(event("failure", &AttemptView::of(failure)));
        }
        let (row, waits) = &stands;
        if self.last.as_ref() != Some(&stands) {
            let now_us = self.state.clock().now_us();
            let view = RunView::of(row.clone(), waits.clone(), now_us);
            self.waiting.push_back(event("progress", &view));
        }
        if !is_full && ["done", "cancelled", "failed", "superseded"].contains(&row.state.as_str()) {
            self.waiting.push_back("event: end\ndata: {}\n\n".to_owned());
            self.is_over = true;
        }
        self.last = Some(stands);
    }
}

fn event<T: Serialize>(name: &str, data: &T) -> String {
    let data = serde_json::to_string(data).unwrap_or_default();
    format!("event: {name}\ndata: {data}\n\n")
}
