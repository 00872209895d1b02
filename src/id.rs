//! Ids and randomness: the only place that asks for either.

use aws_lc_rs::rand;
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// The organization that owns a row: small, because it leads every key of every index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrganizationId(pub i64);

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord,
                 serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )*};
}

ids! {
    /// A User, a Group or a resource of a configured type.
    ResourceId;
    /// A configured downstream application.
    AppId;
    /// One Quick Sync.
    RunId;
    /// An identity provider or script that holds tokens.
    ClientId;
    /// One try to bring an object of an app up to date.
    AttemptId;
    /// A change of the directory.
    ChangeId;
    /// A message that is to be delivered.
    DeliveryId;
    /// Somebody who is told of events.
    NotificationId;
    /// A running process, as holder of leases.
    InstanceId;
}

/// A new UUIDv7 for an instant: ordered by time, then random.
pub fn new_uuid(now_us: i64) -> Uuid {
    let millis = u64::try_from(now_us / 1_000).unwrap_or(0);
    let micros = u16::try_from(now_us.rem_euclid(1_000)).unwrap_or(0);
    let mut random = [0; 10];
    fill(&mut random);
    // RFC 9562 §6.2 method 3: the sub-millisecond part leads `rand_a`, so ids sort by microsecond.
    let fraction = u16::try_from(u32::from(micros) * 4096 / 1000).unwrap_or(u16::MAX);
    let [high, low] = fraction.to_be_bytes();
    let [a, b, ..] = &mut random;
    (*a, *b) = (high, low);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// Fills a buffer with secure random bytes.
///
/// # Panics
/// Never returns weak bytes: a machine without randomness cannot go on, so the process ends.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub fn fill(buffer: &mut [u8]) {
    #[cfg(test)]
    if repeatable::fill(buffer) {
        return;
    }
    if rand::fill(buffer).is_err() {
        tracing::error!("the operating system gives no randomness");
        std::process::abort();
    }
}

/// A number in `0..bound`, for jitter; not for secrets.
pub fn below(bound: u64) -> u64 {
    let mut bytes = [0; 8];
    fill(&mut bytes);
    u64::from_le_bytes(bytes) % bound.max(1)
}

#[cfg(test)]
pub(crate) mod repeatable;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_microsecond() {
        let start = 1_700_000_000_000_000;
        let ids: Vec<Uuid> = (0..3_000).map(|step| new_uuid(start + step * 7)).collect();
        assert!(ids.is_sorted());
        assert_eq!(ids[0].get_version_num(), 7);
    }

    #[test]
    fn dice_stay_below_their_bound() {
        assert!((0..100).all(|_| below(3) < 3));
        assert_eq!(below(0), 0);
    }
}
