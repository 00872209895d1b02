//! Keeping apps equal to the directory.
//!
//! ```text
//! change ──dispatch──▶ job ──claim──▶ worker ──plan──▶ adapter ──▶ link + attempt
//! ```
//!
//! Level-triggered: a change only marks *(app, resource)* as due. The worker looks at what is true
//! now, computes what the app should hold ([`crate::mapping`]), compares it with what the app last
//! accepted ([`plan`]) and acts. Losing a hint, running twice or running late is harmless.

mod accounts;
mod allowance;
pub mod application;
mod dispatch;
pub mod drift;
pub mod engine;
pub mod guard;
pub mod impact;
pub mod integrity;
pub mod links;
pub mod notifier;
pub mod plan;
pub mod policy;
pub mod preview;
pub mod provision;
mod queue;
mod referred;
pub mod retry;
#[cfg(test)]
mod simulation;
mod situation;
pub mod sync;
mod throttles;
pub mod trace;
pub mod weigh;
pub mod words;
mod worker;
