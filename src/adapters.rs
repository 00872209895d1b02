//! How to talk to an app.
//!
//! An [`adapter::Adapter`] is one object per configured app, made from its settings and secrets by
//! [`catalogue::connect`]. It is told what to do and says what happened; it decides nothing.

pub mod adapter;
pub mod catalogue;
#[cfg(test)]
mod fake;
pub mod http;
pub mod sandbox;
pub mod scim;
pub mod throttle;
