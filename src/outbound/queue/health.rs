//! Tells others how the app takes what it is asked: in a row of the database, when it changes.

use super::breaker::Breaker;
use crate::adapters::throttle::Throttle;
use crate::id::{AppId, OrganizationId};
use crate::outbound::engine::{Engine, micros};
use crate::store::health::HealthRow;
use std::time::Duration;

/// How often a change of state is told at most.
const SOON: Duration = Duration::from_secs(1);
/// How often numbers are told at most.
const SELDOM: Duration = Duration::from_secs(10);
const OK: &str = "ok";

/// What was told last.
#[derive(Debug, Default)]
pub(super) struct Health {
    told: Option<HealthRow>,
    /// The state that is seen, and since when.
    seen: Option<(&'static str, i64)>,
}

impl Health {
    /// How the app is seen now.
    pub(super) fn look(
        &mut self,
        app: AppId,
        (breaker, throttle): (&Breaker, &Throttle),
        places: usize,
        now_us: i64,
    ) -> HealthRow {
        let measure = throttle.measure();
        let (state, begun_us, until_us, reason) = match (breaker.away(), measure.closed_us) {
            (Some(away), _) => {
                ("away", away.since_us, Some(away.until_us), Some(away.reason.clone()))
            }
            (None, Some(until_us)) => {
                ("throttled", now_us, Some(until_us), Some("The app asks to wait.".to_owned()))
            }
            (None, None) => (OK, now_us, None, None),
        };
        let since_us = match self.seen {
            Some((seen, since_us)) if seen == state => since_us,
            _ => begun_us,
        };
        self.seen = Some((state, since_us));
        HealthRow {
            app,
            state: state.to_owned(),
            since_us,
            until_us,
            reason,
            learned: measure.rates.learned.map(i64::from),
            requests: measure.sent.into(),
            places: i64::try_from(places).unwrap_or(i64::MAX),
            noted_us: now_us,
        }
    }

    /// Whether it is worth a write.
    fn is_news(&self, row: &HealthRow) -> bool {
        let Some(told) = &self.told else { return true };
        let same = HealthRow { noted_us: told.noted_us, ..row.clone() };
        let is_state = (&told.state, told.until_us) != (&row.state, row.until_us);
        let rest = if is_state { SOON } else { SELDOM };
        same != *told && row.noted_us >= told.noted_us.saturating_add(micros(rest))
    }

    /// Tells how the app is seen, where that is news.
    pub(super) async fn tell(
        &mut self,
        engine: &Engine,
        organization: OrganizationId,
        row: HealthRow,
    ) {
        if self.is_news(&row) {
            self.write(engine, organization, row).await;
        }
    }

    /// The queue is left: whoever takes it finds out anew how the app is.
    pub(super) async fn leave(&mut self, engine: &Engine, organization: OrganizationId) {
        let now_us = engine.clock().now_us();
        if let Some(told) = self.told.clone().filter(|told| told.state != OK) {
            let (state, since_us, noted_us) = (OK.to_owned(), now_us, now_us);
            let row = HealthRow { state, since_us, until_us: None, reason: None, noted_us, ..told };
            self.write(engine, organization, row).await;
        }
    }

    async fn write(&mut self, engine: &Engine, organization: OrganizationId, row: HealthRow) {
        let noted = row.clone();
        let written = engine
            .store()
            .write(organization, move |transaction| transaction.note_health(&noted))
            .await;
        if let Err(error) = written {
            tracing::debug!(error = %error, app.id = %row.app, "the app's health was not noted");
        }
        // One that fails is not tried again at once.
        self.told = Some(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::id::new_uuid;
    use crate::outbound::worker::Effect;
    use tokio_util::sync::CancellationToken;

    #[test]
    fn what_is_seen_is_told_when_it_changes() {
        let (clock, app) = (Clock::held_at(0), AppId(new_uuid(1)));
        let throttle = Throttle::new(clock.clone(), CancellationToken::new());
        let (mut breaker, mut health) = (Breaker::default(), Health::default());
        let look = |breaker: &Breaker, health: &mut Health| {
            let now_us = clock.now_us();
            let row = health.look(app, (breaker, &throttle), 4, now_us);
            let is_news = health.is_news(&row);
            if is_news {
                health.told = Some(row.clone());
            }
            (row, is_news)
        };
        let (row, is_news) = look(&breaker, &mut health);
        assert_eq!((row.state.as_str(), is_news), ("ok", true), "whatever another has told");
        clock.advance(Duration::from_mins(1));
        assert!(!look(&breaker, &mut health).1, "nothing has changed");

        throttle.close(Some(Duration::from_secs(30)));
        let (row, is_news) = look(&breaker, &mut health);
        assert_eq!((row.state.as_str(), row.since_us, is_news), ("throttled", 60_000_000, true));
        assert_eq!(row.until_us, Some(90_000_000));
        clock.advance(Duration::from_secs(2));
        let (row, is_news) = look(&breaker, &mut health);
        assert_eq!((row.since_us, is_news), (60_000_000, false));

        let stumbled = Effect::Stumbled { wish: None, why: "No connection.".to_owned() };
        breaker.note(&stumbled, clock.now_us(), 500);
        breaker.note(&stumbled, clock.now_us(), 500);
        let (row, is_news) = look(&breaker, &mut health);
        assert_eq!((row.state.as_str(), row.reason.as_deref()), ("away", Some("No connection.")));
        assert_eq!((row.since_us, is_news), (62_000_000, true));
        breaker.note(&Effect::Fine, clock.now_us(), 500);
        assert!(!look(&breaker, &mut health).1, "not twice within a second");
        clock.advance(Duration::from_secs(1));
        assert_eq!(look(&breaker, &mut health).0.state, "throttled");
    }
}
