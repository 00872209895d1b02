//! How an app takes what it is asked.

use crate::clock::rfc3339;
use crate::outbound::policy::Policy;
use crate::store::health::HealthRow;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// How an app takes what it is asked, as the instance that works its queue last noted it: changes of
/// state within a second, numbers within ten. Requests of other instances are not counted.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthView {
    /// `ok`, `throttled` (it asked to be left alone) or `away` (it does not answer, or stumbles).
    state: String,
    /// Since when; null when nobody has worked its queue yet.
    #[schema(format = DateTime)]
    since: Option<String>,
    /// Until when a throttled app is left alone, or when one that is away is looked for again; null when
    /// all is well.
    #[schema(format = DateTime)]
    until: Option<String>,
    /// Why, in a sentence; null when all is well.
    reason: Option<String>,
    /// Most requests in a minute by the app's policy; null when it sets none.
    #[schema(minimum = 1)]
    configured_rate: Option<u32>,
    /// Requests in a minute that the app takes, as far as it said or showed; null when no limit is known.
    /// Never above the configured rate.
    #[schema(minimum = 1)]
    learned_rate: Option<i64>,
    /// Requests within the minute before `asOf`.
    #[schema(minimum = 0)]
    requests_last_minute: i64,
    /// Most objects that are worked on at the same time at present; null when nobody has worked its queue
    /// yet.
    #[schema(minimum = 1)]
    concurrency: Option<i64>,
    /// When this was noted; it is as it was then until it is noted anew.
    #[schema(format = DateTime)]
    as_of: Option<String>,
}

impl HealthView {
    /// As it was noted, and as the app's policy is now.
    pub fn of(row: Option<HealthRow>, policy: &Value, now_us: i64) -> Self {
        let policy: Option<Policy> = serde_json::from_value(policy.clone()).ok();
        let configured_rate = policy.and_then(|policy| policy.rate.requests_per_minute);
        let Some(row) = row else {
            return Self {
                state: "ok".to_owned(),
                since: None,
                until: None,
                reason: None,
                configured_rate,
                learned_rate: None,
                requests_last_minute: 0,
                concurrency: None,
                as_of: None,
            };
        };
        // Whoever noted it may not have looked again since.
        let is_over =
            row.state == "throttled" && row.until_us.is_none_or(|until_us| until_us <= now_us);
        let (state, since_us) = match row.until_us {
            Some(until_us) if is_over => ("ok".to_owned(), until_us),
            _ => (row.state, row.since_us),
        };
        let learned = row.learned.map(|learned| {
            configured_rate.map_or(learned, |configured| learned.min(configured.into()))
        });
        Self {
            state,
            since: Some(rfc3339(since_us)),
            until: row.until_us.filter(|_| !is_over).map(rfc3339),
            reason: row.reason.filter(|_| !is_over),
            configured_rate,
            learned_rate: learned,
            requests_last_minute: row.requests,
            concurrency: Some(row.places),
            as_of: Some(rfc3339(row.noted_us)),
        }
    }
}
