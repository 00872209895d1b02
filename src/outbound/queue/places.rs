//! How many objects of an app are worked on at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

/// After so many objects in a row that went well there is one place more.
const WELL: u32 = 20;

/// How many places there are: pure. They shrink when the app asks to wait again and again, and grow
/// back one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Width {
    most: usize,
    now: usize,
    /// Throttles since there were as many as may be, or one more.
    throttles: u32,
    /// Objects in a row that went well.
    well: u32,
}

impl Width {
    /// As many as may be; at least one.
    pub(super) fn of(most: usize) -> Self {
        let most = most.max(1);
        Self { most, now: most, throttles: 0, well: 0 }
    }

    /// How many there are now.
    pub(super) const fn now(&self) -> usize {
        self.now
    }

    /// There may be so many. The same once more changes nothing.
    pub(super) fn allow(&mut self, most: usize) {
        if self.most != most.max(1) {
            *self = Self::of(most);
        }
    }

    /// The app asked to wait. Once is a matter of its rate; again, and it is asked too much at a time.
    pub(super) fn throttled(&mut self) {
        self.well = 0;
        self.throttles = self.throttles.saturating_add(1);
        if self.throttles > 1 {
            self.now = (self.now / 2).max(1);
        }
    }

    /// The app took an object.
    pub(super) fn went_well(&mut self) {
        self.well = self.well.saturating_add(1);
        if self.well >= WELL {
            self.well = 0;
            self.throttles = 0;
            self.now = self.most.min(self.now.saturating_add(1));
        }
    }
}

/// A place at the app, given up when it is dropped.
#[derive(Debug)]
pub(in crate::outbound) struct Place {
    taken: Arc<AtomicUsize>,
    freed: Arc<Notify>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken.fetch_sub(1, Ordering::AcqRel);
        self.freed.notify_one();
    }
}

/// The places at one app. One task gives them out.
#[derive(Debug, Default)]
pub(super) struct Places {
    taken: Arc<AtomicUsize>,
    freed: Arc<Notify>,
}

impl Places {
    /// Whether fewer than so many are taken.
    pub(super) fn has_one(&self, most: usize) -> bool {
        self.taken.load(Ordering::Acquire) < most
    }

    /// A place, where fewer than so many are taken.
    pub(super) fn take(&self, most: usize) -> Option<Place> {
        if !self.has_one(most) {
            return None;
        }
        self.taken.fetch_add(1, Ordering::AcqRel);
        Some(Place { taken: Arc::clone(&self.taken), freed: Arc::clone(&self.freed) })
    }

    /// Rings when one was given up.
    pub(super) fn freed(&self) -> Arc<Notify> {
        Arc::clone(&self.freed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn places_shrink_with_the_second_throttle_and_grow_back() {
        let mut width = Width::of(8);
        width.throttled();
        assert_eq!(width.now(), 8);
        for expected in [4, 2, 1, 1] {
            width.throttled();
            assert_eq!(width.now(), expected);
        }
        let mut grown = Vec::new();
        for _ in 0..WELL * 10 {
            width.went_well();
            grown.push(width.now());
        }
        assert_eq!((grown[18], grown[19], grown.last()), (1, 2, Some(&8)), "and no further");
        width.throttled();
        assert_eq!(width.now(), 8, "what is long past does not count");
    }

    #[test]
    fn what_may_be_can_be_changed() {
        let mut width = Width::of(0);
        assert_eq!(width.now(), 1);
        width.allow(6);
        width.throttled();
        width.throttled();
        width.allow(6);
        assert_eq!(width.now(), 3, "nothing was changed");
        width.allow(2);
        assert_eq!(width.now(), 2);
    }

    #[test]
    fn a_place_is_free_when_it_is_given_up_and_says_so() {
        let places = Places::default();
        let freed = places.freed();
        let one = places.take(2).unwrap();
        let two = places.take(2).unwrap();
        assert!(places.take(2).is_none() && !places.has_one(2));
        assert!(freed.notified().now_or_never().is_none());
        drop(one);
        assert!(freed.notified().now_or_never().is_some());
        assert!(places.take(1).is_none(), "there are fewer now");
        drop(two);
        assert!(places.has_one(1));
    }
}
