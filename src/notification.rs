//! Telling others what happened, by webhook: what a message says, how it is signed and when it is
//! tried again. Pure: the clock, the dice and the database are somebody else's.
//!
//! Messages follow [Standard Webhooks](https://www.standardwebhooks.com). They hold ids, names of apps,
//! counts, causes and remedies, and never a value of a profile, a token or what an app answered.

pub mod address;
pub mod digest;
pub mod event;
pub mod schedule;
pub mod signature;
