//! Rollcall: a SCIM 2.0 directory, and the bridge out of it.
//!
//! The rooms, in the order in which a reader may want them:
//!
//! - [`scim`]: the protocol as a library, pure.
//! - [`store`]: durable state; the only room that speaks SQL.
//! - [`directory`]: what can be done to a person or a group.
//! - [`auth`]: who is calling, and what they may do.
//! - [`mapping`]: what an app should hold, pure.
//! - [`adapters`]: how to talk to an app.
//! - [`notification`]: what others are told of, how it is signed and tried again, pure.
//! - [`outbound`]: keeping apps equal to the directory.
//! - [`vault`]: sealing credentials.
//! - [`http`]: the door: SCIM, the admin API and the status page.
//! - [`retention`]: taking away what is no longer kept.
//! - [`cli`], [`config`], [`telemetry`]: the program around it.
//! - [`clock`], [`id`]: the only places that ask for time and randomness.

#[macro_use]
mod planted;

pub mod adapters;
pub mod auth;
pub mod cli;
pub mod clock;
pub mod config;
pub mod directory;
pub mod http;
pub mod id;
pub mod mapping;
pub mod notification;
pub mod outbound;
pub mod retention;
pub mod scim;
pub mod store;
pub mod telemetry;
pub mod vault;
