//! The turnstiles before the apps, one per app, as long as this process lives.

use crate::adapters::throttle::Throttle;
use crate::clock::Clock;
use crate::id::{AppId, OrganizationId};
use parking_lot::Mutex;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

type Key = (OrganizationId, AppId);

/// One per app: what is learned of it outlives its mapping, its policy and its adapter.
#[derive(Debug)]
pub struct Throttles {
    clock: Clock,
    stop: CancellationToken,
    known: Mutex<HashMap<Key, Known>>,
}

#[derive(Debug)]
struct Known {
    throttle: Arc<Throttle>,
    /// With which the app was last opened.
    settings: Option<Map<String, Value>>,
}

impl Throttles {
    /// None yet.
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, stop: CancellationToken::new(), known: Mutex::default() }
    }

    /// When it is cancelled, nobody waits for a turn any more.
    pub(super) fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// That of an app.
    pub(super) fn of(&self, key: Key) -> Arc<Throttle> {
        let mut known = self.known.lock();
        let known = known.entry(key).or_insert_with(|| Known {
            throttle: Arc::new(Throttle::new(self.clock.clone(), self.stop.clone())),
            settings: None,
        });
        Arc::clone(&known.throttle)
    }

    /// That of an app which is opened with these settings and this rate. Other settings are another
    /// app, of which nothing is known.
    pub(super) fn opened(
        &self,
        key: Key,
        settings: &Map<String, Value>,
        per_minute: Option<u32>,
    ) -> Arc<Throttle> {
        let throttle = self.of(key);
        if let Some(known) = self.known.lock().get_mut(&key) {
            let before = known.settings.replace(settings.clone());
            if before.is_some_and(|before| before != *settings) {
                throttle.forget();
            }
        }
        throttle.configure(per_minute);
        throttle
    }

    /// The app is gone.
    pub(super) fn forget(&self, key: Key) {
        self.known.lock().remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::new_uuid;
    use serde_json::json;
    use std::time::Duration;

    #[test]
    fn what_is_learned_outlives_an_opening_and_not_another_address() {
        let throttles = Throttles::new(Clock::held_at(0));
        let key = (OrganizationId(1), AppId(new_uuid(1)));
        let settings = |url: &str| json!({ "url": url }).as_object().cloned().unwrap();
        let one = throttles.opened(key, &settings("one"), Some(60));
        one.close(Some(Duration::from_hours(1)));
        let again = throttles.opened(key, &settings("one"), Some(30));
        assert!(Arc::ptr_eq(&one, &again) && Arc::ptr_eq(&one, &throttles.of(key)));
        assert_eq!(again.closed(), Duration::from_hours(1));
        assert_eq!(again.measure().rates.configured, Some(30));
        let two = throttles.opened(key, &settings("two"), Some(30));
        assert_eq!(two.closed(), Duration::ZERO);
        let other = (OrganizationId(2), key.1);
        assert!(!Arc::ptr_eq(&one, &throttles.of(other)), "another organization's");
        throttles.forget(key);
        assert!(!Arc::ptr_eq(&one, &throttles.of(key)));
    }
}
