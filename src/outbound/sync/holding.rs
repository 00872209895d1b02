//! Whether a plan that waited for its confirmation still holds.

use crate::outbound::application::Application;
use crate::outbound::engine::{Engine, micros};
use crate::outbound::guard::{self, Removals};
use crate::store;
use crate::store::runs::RunRow;
use serde_json::Value;
use std::time::Duration;

/// How long a plan may wait for somebody to confirm or approve it. What an app holds after that is no
/// longer what was planned.
pub const PLAN_HOLDS: Duration = Duration::from_hours(24);

/// Whether a plan has waited too long.
pub fn is_old(run: &RunRow, now_us: i64) -> bool {
    now_us.saturating_sub(run.started_us) > micros(PLAN_HOLDS)
}

/// Why a planned run is not applied any more; none where it may be.
///
/// # Errors
/// The store's.
pub async fn outdated(
    engine: &Engine,
    application: &Application,
    run: &RunRow,
) -> store::Result<Option<String>> {
    let now_us = engine.clock().now_us();
    if is_old(run, now_us) {
        return Ok(Some("the plan is older than 24 hours".to_owned()));
    }
    if run.may_pass() {
        return Ok(None);
    }
    let removals: Removals = run
        .summary
        .get("removals")
        .cloned()
        .and_then(|removals: Value| serde_json::from_value(removals).ok())
        .unwrap_or_default();
    let app = application.row.id;
    let (held, lately) = engine
        .store()
        .read(application.organization, move |reader| {
            Ok((reader.held_by(app)?, reader.removed_lately(app, now_us)?))
        })
        .await?;
    let limits = &application.policy.guard;
    let breaches = guard::breaches(limits, &removals, &lately.into(), &held.into());
    Ok((!breaches.is_empty()).then(|| guard::sentence(&breaches)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{AppId, RunId, new_uuid};

    #[test]
    fn a_plan_holds_for_a_day() {
        let run = RunRow {
            believed_us: None,
            approved_us: None,
            planned_us: None,
            id: RunId(new_uuid(1)),
            app: AppId(new_uuid(2)),
            kind: "sync".to_owned(),
            state: "planned".to_owned(),
            author: String::new(),
            confirm: false,
            total: 0,
            done: 0,
            failed: 0,
            seen: 0,
            read: 0,
            held: None,
            confirmed_us: None,
            approved_by: None,
            note: None,
            summary: Value::Null,
            started_us: 5,
            finished_us: None,
        };
        let day = micros(Duration::from_hours(24));
        assert!(!is_old(&run, 5 + day) && is_old(&run, 6 + day));
        assert!(!is_old(&run, 0), "a clock was put back");
    }
}
